// SPDX-License-Identifier: Apache-2.0
/*
 * Which vector instructions are used: the one place that asks the processor.
 *
 * A module with vector code has a kernel for each width, all giving the same results, each saying
 * what it needs; the first one with cpu_has(needs) runs. The environment variable SEKISHO_VECTORS
 * names the widest path to use (avx512-late, avx512, avx2, sse4.2 or neon, scalar): for tests and
 * figures of the paths that a machine would not choose. It takes instructions away, it cannot add.
 *
 * Life cycle: none; asked at first use, then a load. Safe in any thread.
 */
#ifndef SK_BASE_CPU_H
#define SK_BASE_CPU_H

#include <stdatomic.h>
#include <stdbool.h>

enum cpu_feature {
    CPU_VEC16 = 1,   /* SSE4.2, SSSE3 and POPCNT, or NEON: base/vec16.h */
    CPU_CRC32C = 2,  /* instructions for it */
    CPU_SHA256 = 4,  /* instructions for it */
    CPU_AVX2 = 8,    /* the next four: x86 only */
    CPU_AVX512 = 16, /* F, BW, VL */
    CPU_VBMI = 32,
    CPU_VBMI2 = 64, /* and BMI2 */
    /* No instruction, with AVX-512 alone: a result of integer operations on vectors waits for two
     * cycles, one of plain instructions for one (AMD since Zen 5) */
    CPU_LATE_VECTORS = 128,
};

extern atomic_uint cpu_features_known; /* 0: not asked yet */
unsigned cpu_features_ask(void);

/* All of these? */
static inline bool cpu_has(unsigned features) {
    unsigned known = atomic_load_explicit(&cpu_features_known, memory_order_relaxed);
    known = known != 0 ? known : cpu_features_ask();
    return (known & features) == features;
}

/* The widest path in use, by its name for SEKISHO_VECTORS. */
const char *cpu_path_name(void);

#endif
