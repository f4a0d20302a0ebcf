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
};

#define LEFT_VEC16 (CPU_VEC16 | CPU_CRC32C | CPU_SHA256)
static const struct path paths[] = {
    {"avx512", CPU_AVX512, UINT32_MAX},
    {"avx2", CPU_AVX2, LEFT_VEC16 | CPU_AVX2},
    {VEC16_NAME, CPU_VEC16, LEFT_VEC16},
    {"scalar", 0, 0},
};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

#if defined(__x86_64__)

#include <sys/platform/x86.h>

static unsigned ask_avx(void) {
    unsigned all = CPU_FEATURE_ACTIVE(AVX2) ? CPU_AVX2 : 0;
    if (CPU_FEATURE_ACTIVE(AVX512F) && CPU_FEATURE_ACTIVE(AVX512BW) &&
        CPU_FEATURE_ACTIVE(AVX512VL)) {
        all |= CPU_AVX512;
        all |= CPU_FEATURE_ACTIVE(AVX512_VBMI) ? CPU_VBMI : 0;
        all |= CPU_FEATURE_ACTIVE(AVX512_VBMI2) && CPU_FEATURE_ACTIVE(BMI2) ? CPU_VBMI2 : 0;
    }
    return all;
}

static unsigned ask(void) {
    if (!CPU_FEATURE_ACTIVE(SSE4_2) || !CPU_FEATURE_ACTIVE(SSSE3) || !CPU_FEATURE_ACTIVE(POPCNT)) {
        return 0;
    }
    return CPU_VEC16 | CPU_CRC32C | (CPU_FEATURE_ACTIVE(SHA) ? CPU_SHA256 : 0) | ask_avx();
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
        all &= strcmp(widest, paths[i].name) == 0 ? paths[i].left : UINT32_MAX;
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
