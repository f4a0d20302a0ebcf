// SPDX-License-Identifier: Apache-2.0
/*
 * SHA-256 of sixteen messages, word i of all of them in one vector (lanes_sha_rounds.h). Internal
 * to the AVX-512 kernel, which defines AVX512 and load_words before.
 *
 * The message words are those of MD5 in another byte order, but for the length at the end of a
 * message, so both are computed in one go (sha16_and_md5). 1,086 cycles a block of sixteen; its
 * 2,084 operations take two ports 1,042.
 *
 * A rotation is one operation here and so is any boolean function of three words: 26 operations a
 * round for sixteen messages. The SHA instructions take a ninth of that time for one message, so
 * from SHA16_WORTH messages on this is faster, and nearly twice as fast for sixteen. Lanes that are
 * not listed are computed along and thrown away.
 */
#ifndef SK_CRYPTO_LANES_SHA16_H
#define SK_CRYPTO_LANES_SHA16_H

#include <string.h>

#define SHA16_WORTH 9u

struct sha16 {
    __m512i state[8]; /* A to H */
    __mmask16 listed;
};

AVX512 static inline __attribute__((always_inline)) __m512i sha16_rows(void) {
    return _mm512_slli_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                             3);
}

AVX512 static inline __attribute__((always_inline)) void
sha16_begin(struct sha16 *s, const struct lanes_state *st, const struct lanes_work *work) {
    s->listed = 0;
    for (unsigned i = 0; i < work->sha_count; i++) {
        s->listed |= (__mmask16)(1u << work->sha_lane[i]);
    }
    for (unsigned i = 0; i < 8; i++) {
        s->state[i] =
            _mm512_i32gather_epi32(sha16_rows(), &st->sha256[0][lanes_sha256_place[i]], 4);
    }
}

AVX512 static inline __attribute__((always_inline)) void sha16_end(const struct sha16 *s,
                                                                   struct lanes_state *st) {
    for (unsigned i = 0; i < 8; i++) {
        _mm512_mask_i32scatter_epi32(&st->sha256[0][lanes_sha256_place[i]], s->listed, sha16_rows(),
                                     s->state[i], 4);
    }
}

#define SHA_ROUNDS_TARGET AVX512
#define SHA_ROUNDS sha_rounds
#define SHA_ROR(x, n) _mm512_ror_epi32((x), (n))
#define SHA_SHR(x, n) _mm512_srli_epi32((x), (n))
#define SHA_XOR3(x, y, z) _mm512_ternarylogic_epi32((x), (y), (z), 0x96)
#define SHA_CHOOSE(x, y, z) _mm512_ternarylogic_epi32((x), (y), (z), 0xca)
#define SHA_MAJORITY(x, y, z) _mm512_ternarylogic_epi32((x), (y), (z), 0xe8)
#include "crypto/lanes_sha_rounds.h"

/* The words of MD5 in the byte order of SHA-256. last: lanes whose length these words hold, the low
 * half first. */
AVX512 static inline __attribute__((always_inline)) void
sha16_swap(const __m512i w[16], __mmask16 last, __m512i out[16]) {
    const __m512i swap =
        _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL));
    for (unsigned i = 0; i < 16; i++) {
        out[i] = _mm512_shuffle_epi8(w[i], swap);
    }
    out[14] = _mm512_mask_mov_epi32(out[14], last, w[15]);
    out[15] = _mm512_mask_mov_epi32(out[15], last, w[14]);
}

/* r is a constant after inlining. */
AVX512 static inline __attribute__((always_inline)) void
sha16_round(__m512i s[8], __m512i w[16], const uint32_t *k, unsigned r) {
    if (r >= 16) {
        sha_next(w, r);
    }
    sha_round(s, w[r & 15], k[r], r);
}

#undef MD5_STEPS
#define MD5_STEPS md5_sha_steps
#define MD5_MORE , struct words *next, __m512i s[8], __m512i sw[16], const uint32_t *sha_k
#define MD5_MEANWHILE(g)                                                                           \
    sha16_round(s, sw, sha_k, 4 * (g));                                                            \
    sha16_round(s, sw, sha_k, 4 * (g) + 1);                                                        \
    sha16_round(s, sw, sha_k, 4 * (g) + 2);                                                        \
    sha16_round(s, sw, sha_k, 4 * (g) + 3);                                                        \
    if ((g) % 2 == 0) {                                                                            \
        words_part(next, (g) / 2);                                                                 \
    }
#include "crypto/lanes_md5.h"

/* A block, w, of both; the next one is read meanwhile. */
AVX512 static inline __attribute__((always_inline)) void
sha16_and_md5(struct sha16 *sha, __m512i md5[4], const __m512i w[16], __mmask16 last,
              struct words *next) {
    __m512i s[8], sw[16];
    const uint32_t *k = lanes_sha256_k;
    __asm__("" : "+r"(k)); /* as in lanes_md5.h */
    sha16_swap(w, last, sw);
    for (unsigned i = 0; i < 8; i++) {
        s[i] = sha->state[i];
    }
    md5_sha_steps(md5, w, next, s, sw, k);
    for (unsigned i = 0; i < 8; i++) {
        sha->state[i] = _mm512_add_epi32(sha->state[i], s[i]);
    }
}

#endif
