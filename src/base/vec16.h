// SPDX-License-Identifier: Apache-2.0
/*
 * Vectors of sixteen bytes, for kernels written once for SSE4.2 (x86-64 without AVX2) and NEON
 * (arm64).
 *
 * Arithmetic, comparisons and shuffles by constants are the compilers' own vector types (gcc and
 * clang: v + w, v == w, v[i]); here is what those lack. Functions that use any of it are marked
 * VEC16, so that one program runs on machines without it; they may run where cpu_has(CPU_VEC16).
 * Code that needs this header's functions stands under #if VEC16_BUILT.
 */
#ifndef SK_BASE_VEC16_H
#define SK_BASE_VEC16_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define VEC16_BUILT 1
#define VEC16_NAME "sse4.2"
#define VEC16 __attribute__((target("sse4.2,ssse3,popcnt")))
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#include <arm_neon.h>
#define VEC16_BUILT 1
#define VEC16_NAME "neon"
#define VEC16
#else
#define VEC16_BUILT 0
#define VEC16_NAME "none"
#endif

#define VEC16_INLINE VEC16 static inline __attribute__((always_inline))

typedef uint8_t vec16 __attribute__((vector_size(16)));
typedef uint32_t vec16_u32 __attribute__((vector_size(16)));

#if VEC16_BUILT

VEC16_INLINE vec16 vec16_load(const void *p) {
    vec16 v;
    memcpy(&v, p, sizeof(v));
    return v;
}
VEC16_INLINE void vec16_store(void *p, vec16 v) {
    memcpy(p, &v, sizeof(v));
}
VEC16_INLINE vec16 vec16_splat(uint8_t b) {
    return (vec16){b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b};
}
VEC16_INLINE vec16_u32 vec16_splat_u32(uint32_t w) {
    return (vec16_u32){w, w, w, w};
}

#if defined(__x86_64__)

/* table[index[i]] for each i; 0 where an index is 128 or more. Indexes of 16 to 127: undefined. */
VEC16_INLINE vec16 vec16_look(vec16 table, vec16 index) {
    return (vec16)_mm_shuffle_epi8((__m128i)table, (__m128i)index);
}
/* Any bit set? */
VEC16_INLINE bool vec16_any(vec16 v) {
    return _mm_testz_si128((__m128i)v, (__m128i)v) == 0;
}
/* Bit i: byte i of the four together. Bytes are 0 or 255. */
VEC16_INLINE uint64_t vec16_mask(vec16 a, vec16 b, vec16 c, vec16 d) {
    uint64_t low = (uint32_t)_mm_movemask_epi8((__m128i)a) | (uint32_t)_mm_movemask_epi8((__m128i)b)
                                                                 << 16;
    uint64_t high =
        (uint32_t)_mm_movemask_epi8((__m128i)c) | (uint32_t)_mm_movemask_epi8((__m128i)d) << 16;
    return low | high << 32;
}
/* The same of words. */
VEC16_INLINE uint32_t vec16_mask_u32(vec16_u32 a, vec16_u32 b, vec16_u32 c, vec16_u32 d) {
    __m128i low = _mm_packs_epi32((__m128i)a, (__m128i)b);
    __m128i high = _mm_packs_epi32((__m128i)c, (__m128i)d);
    return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(low, high));
}
/* 1 << n of each word, given n << 23 with n below 32: a float of that exponent is made an integer.
 * 1 << 31 has none, and what the instruction gives instead is this very number. */
VEC16_INLINE vec16_u32 vec16_bit(vec16_u32 n_at_23) {
    return (vec16_u32)_mm_cvttps_epi32((__m128)(n_at_23 + vec16_splat_u32(0x3f800000u)));
}

#else

VEC16_INLINE vec16 vec16_look(vec16 table, vec16 index) {
    return (vec16)vqtbl1q_u8((uint8x16_t)table, (uint8x16_t)index);
}
VEC16_INLINE bool vec16_any(vec16 v) {
    return vmaxvq_u32((uint32x4_t)v) != 0;
}
VEC16_INLINE uint64_t vec16_mask(vec16 a, vec16 b, vec16 c, vec16 d) {
    const vec16 bit = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t low = vpaddq_u8((uint8x16_t)(a & bit), (uint8x16_t)(b & bit));
    uint8x16_t high = vpaddq_u8((uint8x16_t)(c & bit), (uint8x16_t)(d & bit));
    uint8x16_t all = vpaddq_u8(low, high);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(all, all)), 0);
}
VEC16_INLINE uint32_t vec16_mask_u32(vec16_u32 a, vec16_u32 b, vec16_u32 c, vec16_u32 d) {
    const vec16_u32 bit = {1, 2, 4, 8};
    uint32x4_t low = vpaddq_u32((uint32x4_t)(a & bit), (uint32x4_t)((b & bit) << 4));
    uint32x4_t high = vpaddq_u32((uint32x4_t)((c & bit) << 8), (uint32x4_t)((d & bit) << 12));
    return vaddvq_u32(vpaddq_u32(low, high));
}
VEC16_INLINE vec16_u32 vec16_bit(vec16_u32 n_at_23) {
    return (vec16_u32)vshlq_u32(vdupq_n_u32(1), vreinterpretq_s32_u32((uint32x4_t)(n_at_23 >> 23)));
}

#endif
#endif
#endif
