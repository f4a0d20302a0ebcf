// SPDX-License-Identifier: Apache-2.0
/*
 * On x86-64 nothing beyond SSE2 can be taken for granted: there are Atoms, Celerons and Pentiums
 * sold until 2021 with SSE4.2 and no AVX. The C library asked the processor when the program was
 * started, and whether the system saves the wider registers; it is asked here, because a virtual
 * machine gives the processor's own answers slowly (4 us a CPUID here; what
 * __builtin_cpu_supports brings along needs a dozen: 3 % of a start). On arm64 NEON is part of the
 * base, CRC-32C and SHA-256 are told by the system.
 */
#include "base/cpu.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec16.h"

#define ASKED (1u << 31)

atomic_uint cpu_features_known;

struct path {
    const char *name;
    unsigned feature;
    unsigned left; /* what may be used when this is the widest */
    unsigned told; /* what is taken for true then, where there is AVX-512 */
};

#define LEFT_VEC16 (CPU_VEC16 | CPU_CRC32C | CPU_SHA256)
static const struct path paths[] = {
    {"avx512-late", CPU_AVX512 | CPU_LATE_VECTORS, UINT32_MAX, CPU_LATE_VECTORS},
    {"avx512", CPU_AVX512, ~(unsigned)CPU_LATE_VECTORS, 0},
    {"avx2", CPU_AVX2, LEFT_VEC16 | CPU_AVX2, 0},
    {VEC16_NAME, CPU_VEC16, LEFT_VEC16, 0},
    {"scalar", 0, 0, 0},
};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

#if defined(__x86_64__)

#include <sys/platform/x86.h>

#define BITS 32u
#define LEAF_REGISTERS 4u
#define FAMILY_ZEN5 26u

/* x86_cpu_active of that header, which shifts a signed one into the sign. */
static bool active(unsigned feature) {
    unsigned leaf = feature / (LEAF_REGISTERS * BITS);
    unsigned reg = feature / BITS % LEAF_REGISTERS;
    return (__x86_get_cpuid_feature_leaf(leaf)->active_array[reg] >> feature % BITS & 1) != 0;
}
#define ACTIVE(name) active(x86_cpu_##name)

/* Leaf 1, EAX, which the C library keeps, too: the family is the sum of two fields. The vendor
 * would cost a CPUID; AMD alone has families so high. */
static bool is_late(void) {
    unsigned signature = __x86_get_cpuid_feature_leaf(CPUID_INDEX_1)->cpuid_array[0];
    return (signature >> 8 & 15) == 15 && 15 + (signature >> 20 & 255) >= FAMILY_ZEN5;
}

static unsigned ask_avx(void) {
    unsigned all = ACTIVE(AVX2) ? CPU_AVX2 : 0;
    if (ACTIVE(AVX512F) && ACTIVE(AVX512BW) && ACTIVE(AVX512VL)) {
        all |= CPU_AVX512 | (is_late() ? CPU_LATE_VECTORS : 0);
        all |= ACTIVE(AVX512_VBMI) ? CPU_VBMI : 0;
        all |= ACTIVE(AVX512_VBMI2) && ACTIVE(BMI2) ? CPU_VBMI2 : 0;
    }
    return all;
}

static unsigned ask(void) {
    if (!ACTIVE(SSE4_2) || !ACTIVE(SSSE3) || !ACTIVE(POPCNT)) {
        return 0;
    }
    return CPU_VEC16 | CPU_CRC32C | (ACTIVE(SHA) ? CPU_SHA256 : 0) | ask_avx();
}

#elif defined(__aarch64__)

#include <sys/auxv.h>

#define HAS_SHA2 (1u << 6) /* HWCAP_SHA2, HWCAP_CRC32 of asm/hwcap.h */
#define HAS_CRC32 (1u << 7)

static unsigned ask(void) {
    unsigned long caps = getauxval(AT_HWCAP);
    return CPU_VEC16 | ((caps & HAS_SHA2) != 0 ? CPU_SHA256 : 0) |
           ((caps & HAS_CRC32) != 0 ? CPU_CRC32C : 0);
}

#else

static unsigned ask(void) {
    return 0;
}

#endif

unsigned cpu_features_ask(void) {
    unsigned all = ask();
    const char *widest = secure_getenv("SEKISHO_VECTORS");
    for (size_t i = 0; i < PATHS && widest != NULL; i++) {
        if (strcmp(widest, paths[i].name) == 0) {
            all = (all & paths[i].left) | ((all & CPU_AVX512) != 0 ? paths[i].told : 0);
        }
    }
    all |= ASKED;
    atomic_store_explicit(&cpu_features_known, all, memory_order_relaxed);
    return all;
}

const char *cpu_path_name(void) {
    size_t i = 0;
    while (!cpu_has(paths[i].feature)) {
        i++;
    }
    return paths[i].name;
}
