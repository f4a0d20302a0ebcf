// SPDX-License-Identifier: Apache-2.0
/*
 * SHA-256 of sixteen messages, word i of all of them in one vector (FIPS 180-4, 6.2.2). Internal to
 * the AVX-512 kernel, which defines AVX512 and load_words before.
 *
 * A rotation is one operation here and so is any boolean function of three words: 26 operations a
 * round for sixteen messages. The SHA instructions take a ninth of that time for one message, so
 * from SHA16_WORTH messages on this is faster, and nearly twice as fast for sixteen. Lanes that are
 * not listed are computed along and thrown away.
 *
 * Sixteen rounds are written out, so that the schedule stays in registers; the eight working words
 * take turns by name.
 */
#ifndef SK_CRYPTO_LANES_SHA16_H
#define SK_CRYPTO_LANES_SHA16_H

#include <string.h>

#define SHA16_WORTH 9u

struct sha16 {
    __m512i state[8]; /* A to H */
    const uint8_t *message[LANES_MAX];
    __mmask16 listed;
    bool as_md5; /* the message words are those of MD5, but for their byte order */
};

AVX512 static inline __attribute__((always_inline)) __m512i sha16_rows(void) {
    return _mm512_slli_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                             3);
}

AVX512 static inline __attribute__((always_inline)) void
sha16_begin(struct sha16 *s, const struct lanes_state *st, const struct lanes_work *work) {
    s->listed = 0;
    s->as_md5 = true;
    memcpy(s->message, work->md5, sizeof(s->message));
    for (unsigned i = 0; i < work->sha_count; i++) {
        unsigned lane = work->sha_lane[i];
        s->listed |= (__mmask16)(1u << lane);
        s->as_md5 = s->as_md5 && work->sha[lane] == work->md5[lane];
        s->message[lane] = work->sha[lane];
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

#define SHA16_XOR3(x, y, z) _mm512_ternarylogic_epi32((x), (y), (z), 0x96)
#define SHA16_SUM(x, i, j, k)                                                                      \
    SHA16_XOR3(_mm512_ror_epi32((x), (i)), _mm512_ror_epi32((x), (j)), _mm512_ror_epi32((x), (k)))
#define SHA16_MIX(x, i, j, k)                                                                      \
    SHA16_XOR3(_mm512_ror_epi32((x), (i)), _mm512_ror_epi32((x), (j)), _mm512_srli_epi32((x), (k)))

#define SHA16_ROUND(a, b, c, d, e, f, g, h, i)                                                     \
    do {                                                                                           \
        __m512i t = ADD(ADD(h, ADD(w[i], SPLAT(k[i]))), _mm512_ternarylogic_epi32(e, f, g, 0xca)); \
        t = ADD(t, SHA16_SUM(e, 6, 11, 25));                                                       \
        d = ADD(d, t);                                                                             \
        h = ADD(ADD(t, SHA16_SUM(a, 2, 13, 22)), _mm512_ternarylogic_epi32(a, b, c, 0xe8));        \
    } while (0)

/* Word i of the next sixteen of the schedule. */
#define SHA16_NEXT(i)                                                                              \
    w[i] = ADD(ADD(w[i], SHA16_MIX(w[((i) + 1) & 15], 7, 18, 3)),                                  \
               ADD(w[((i) + 9) & 15], SHA16_MIX(w[((i) + 14) & 15], 17, 19, 10)))

#define SHA16_EIGHT(i)                                                                             \
    SHA16_ROUND(a, b, c, d, e, f, g, h, (i));                                                      \
    SHA16_ROUND(h, a, b, c, d, e, f, g, (i) + 1);                                                  \
    SHA16_ROUND(g, h, a, b, c, d, e, f, (i) + 2);                                                  \
    SHA16_ROUND(f, g, h, a, b, c, d, e, (i) + 3);                                                  \
    SHA16_ROUND(e, f, g, h, a, b, c, d, (i) + 4);                                                  \
    SHA16_ROUND(d, e, f, g, h, a, b, c, (i) + 5);                                                  \
    SHA16_ROUND(c, d, e, f, g, h, a, b, (i) + 6);                                                  \
    SHA16_ROUND(b, c, d, e, f, g, h, a, (i) + 7)

/* w: the block as MD5 reads it; used up. */
AVX512 static inline __attribute__((always_inline)) void sha16_block(struct sha16 *s, size_t at,
                                                                     __m512i w[16]) {
    const __m512i swap =
        _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL));
    if (!s->as_md5) {
        load_words(s->message, at, w);
    }
    for (unsigned i = 0; i < 16; i++) {
        w[i] = _mm512_shuffle_epi8(w[i], swap);
    }
    __m512i a = s->state[0], b = s->state[1], c = s->state[2], d = s->state[3];
    __m512i e = s->state[4], f = s->state[5], g = s->state[6], h = s->state[7];
    for (const uint32_t *k = lanes_sha256_k;; k += 16) {
        SHA16_EIGHT(0);
        SHA16_EIGHT(8);
        if (k == lanes_sha256_k + 48) {
            break;
        }
        for (unsigned i = 0; i < 16; i++) {
            SHA16_NEXT(i);
        }
    }
    s->state[0] = ADD(s->state[0], a);
    s->state[1] = ADD(s->state[1], b);
    s->state[2] = ADD(s->state[2], c);
    s->state[3] = ADD(s->state[3], d);
    s->state[4] = ADD(s->state[4], e);
    s->state[5] = ADD(s->state[5], f);
    s->state[6] = ADD(s->state[6], g);
    s->state[7] = ADD(s->state[7], h);
}

#undef SHA16_XOR3
#undef SHA16_SUM
#undef SHA16_MIX
#undef SHA16_ROUND
#undef SHA16_NEXT
#undef SHA16_EIGHT

#endif
