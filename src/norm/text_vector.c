// SPDX-License-Identifier: Apache-2.0
/*
 * Text normalisation of 64 bytes at a time, with the byte compression of AVX-512 VBMI2. What it
 * does is text.c's; the two are compared in tests/unit/norm/test_text.c.
 *
 *     in     " \tFoo\0 \x80Bar\n"
 *     forms  "  foo. .bar "       white space -> ' ', A-Z -> a-z       (ranges, no look-up)
 *     pack   "  foo bar "         the bytes that go, gone: now neighbours are neighbours
 *     runs   " foo bar "          a space behind a space goes, too
 *
 * Two compressions always, although most blocks need none: branches on the text would make the
 * speed depend on it. The block is loaded before anything is stored, so in place is safe as in
 * text.c: the store of 64 bytes reaches no further than the block just read.
 */
#include "norm/text_vector.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define VECTOR __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi2,popcnt")))
#define BLOCK 64u

bool norm_text_vector_here(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2") &&
           __builtin_cpu_supports("bmi2");
}

/* Bytes from `first` on, `count` of them, as a mask. */
VECTOR static inline __mmask64 in_range(__m512i b, uint8_t first, uint8_t count) {
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(b, _mm512_set1_epi8((char)first)),
                                  _mm512_set1_epi8((char)count));
}

VECTOR size_t norm_text_vector(const uint8_t *in, size_t len, uint8_t *out, uint8_t *last,
                               size_t *out_used) {
    const __m512i space = _mm512_set1_epi8(' ');
    uint64_t carry = *last == ' ';
    size_t at = 0, put = 0;
    for (; len - at >= BLOCK; at += BLOCK) {
        __m512i b = _mm512_loadu_si512(in + at);
        __mmask64 white = in_range(b, 9, 5);
        __mmask64 upper = in_range(b, 'A', 26);
        __mmask64 stays = in_range(b, 0x20, 0x60) | white;
        b = _mm512_mask_add_epi8(b, upper, b, space);
        b = _mm512_mask_mov_epi8(b, white, space);
        b = _mm512_maskz_compress_epi8(stays, b);
        unsigned n = (unsigned)__builtin_popcountll(stays);
        uint64_t spaces = _bzhi_u64(_mm512_cmpeq_epi8_mask(b, space), n);
        uint64_t keep = _bzhi_u64(~(spaces & (spaces << 1 | carry)), n);
        _mm512_storeu_si512(out + put, _mm512_maskz_compress_epi8(keep, b));
        put += (unsigned)__builtin_popcountll(keep);
        carry = n == 0 ? carry : spaces >> (n - 1) & 1;
    }
    *last = carry != 0 ? ' ' : 0;
    *out_used = at;
    return put;
}

#else

bool norm_text_vector_here(void) {
    return false;
}

size_t norm_text_vector(const uint8_t *in, size_t len, uint8_t *out, uint8_t *last,
                        size_t *out_used) {
    (void)in;
    (void)len;
    (void)out;
    (void)last;
    *out_used = 0;
    return 0;
}

#endif
