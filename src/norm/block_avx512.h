// SPDX-License-Identifier: Apache-2.0
/* Blocks of 64 bytes in one AVX-512 register; see norm/kernel.h. */
#ifndef SK_NORM_BLOCK_AVX512_H
#define SK_NORM_BLOCK_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#include "norm/kernel.h"

#define BLOCK_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi2,popcnt")))
#define BLOCK_INLINE BLOCK_TARGET static inline __attribute__((always_inline))

typedef __m512i block;
typedef __mmask64 flags;

BLOCK_INLINE block block_load(const uint8_t *p) {
    return _mm512_loadu_si512(p);
}
BLOCK_INLINE block block_load_some(const uint8_t *p, size_t len) {
    return _mm512_maskz_loadu_epi8(block_first(len), p);
}
BLOCK_INLINE void block_store(uint8_t *p, block b) {
    _mm512_storeu_si512(p, b);
}
BLOCK_INLINE void block_pack(uint8_t *p, block b, uint64_t keep) {
    _mm512_storeu_si512(p, _mm512_maskz_compress_epi8(keep, b));
}
BLOCK_INLINE flags block_is(block b, char c) {
    return _mm512_cmpeq_epi8_mask(b, _mm512_set1_epi8(c));
}
BLOCK_INLINE flags block_in(block b, char first, char count) {
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(b, _mm512_set1_epi8(first)),
                                  _mm512_set1_epi8(count));
}
BLOCK_INLINE flags block_high(block b) {
    return _mm512_movepi8_mask(b);
}
BLOCK_INLINE flags flags_or(flags a, flags b) {
    return a | b;
}
BLOCK_INLINE uint64_t flags_bits(flags f) {
    return f;
}
BLOCK_INLINE block block_set(block b, flags f, char c) {
    return _mm512_mask_mov_epi8(b, f, _mm512_set1_epi8(c));
}
BLOCK_INLINE block block_lower(block b) {
    return _mm512_mask_add_epi8(b, block_in(b, 'A', 26), b, _mm512_set1_epi8(' '));
}

#endif
