// SPDX-License-Identifier: Apache-2.0
/*
 * SHA-256 with the x86 SHA instructions, one or two messages at a time. Internal to the kernels.
 *
 * Two rounds are one instruction that another round waits four cycles for and that can start every
 * two: two messages in turn fill it, more gain nothing.
 *
 * These instructions have no VEX form. Between AVX instructions that use the upper halves of
 * registers each of them waits for all that went before: a hundred times slower (measured on an
 * Intel server). That is why sha_listed is a function of its own, never inlined: compilers clear
 * the upper halves before it is called. Zen 5 does not wait: lanes_chains.h, for such processors
 * alone, has them between operations on whole registers.
 */
#ifndef SK_CRYPTO_LANES_SHA_H
#define SK_CRYPTO_LANES_SHA_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#include "crypto/lanes_kernel.h"
#include "crypto/lanes_tables.h"

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))

struct sha_message {
    __m128i abef, cdgh;
    __m128i w[4]; /* the next sixteen words of the schedule */
};

SHA_TARGET static inline __attribute__((always_inline)) void
sha_load(struct sha_message *m, const uint32_t *state, const uint8_t *p) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    m->abef = _mm_loadu_si128((const __m128i *)(const void *)state);
    m->cdgh = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
    for (unsigned i = 0; i < 4; i++) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * (size_t)i));
        m->w[i] = _mm_shuffle_epi8(x, swap);
    }
}

SHA_TARGET static inline __attribute__((always_inline)) void sha_store(const struct sha_message *m,
                                                                       uint32_t *state) {
    __m128i *out = (__m128i *)(void *)state;
    _mm_storeu_si128(out, _mm_add_epi32(_mm_loadu_si128(out), m->abef));
    _mm_storeu_si128(out + 1, _mm_add_epi32(_mm_loadu_si128(out + 1), m->cdgh));
}

/* Rounds 4g to 4g + 3. g is a constant after inlining. */
SHA_TARGET static inline __attribute__((always_inline)) void sha_four(struct sha_message *m,
                                                                      unsigned g) {
    __m128i k = _mm_loadu_si128((const __m128i *)(const void *)(lanes_sha256_k + 4 * (size_t)g));
    __m128i w0 = m->w[g & 3], w1 = m->w[(g + 1) & 3], w2 = m->w[(g + 2) & 3],
            w3 = m->w[(g + 3) & 3];
    __m128i x = _mm_add_epi32(w0, k);
    m->cdgh = _mm_sha256rnds2_epu32(m->cdgh, m->abef, x);
    m->abef = _mm_sha256rnds2_epu32(m->abef, m->cdgh, _mm_shuffle_epi32(x, 0x0e));
    if (g < 12) {
        __m128i t = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
        m->w[g & 3] = _mm_sha256msg2_epu32(t, w3);
    }
}

#define SHA_FOUR(g)                                                                                \
    sha_four(&a, g);                                                                               \
    if (two) {                                                                                     \
        sha_four(&b, g);                                                                           \
    }

/* One block of message lane[0] and, with two, of lane[1]. */
SHA_TARGET static inline __attribute__((always_inline)) void
sha_blocks(struct lanes_state *st, const unsigned lane[2], const uint8_t *const p[2], bool two) {
    struct sha_message a, b;
    sha_load(&a, st->sha256[lane[0]], p[0]);
    if (two) {
        sha_load(&b, st->sha256[lane[1]], p[1]);
    }
    SHA_FOUR(0)
    SHA_FOUR(1)
    SHA_FOUR(2)
    SHA_FOUR(3)
    SHA_FOUR(4)
    SHA_FOUR(5)
    SHA_FOUR(6)
    SHA_FOUR(7)
    SHA_FOUR(8)
    SHA_FOUR(9)
    SHA_FOUR(10)
    SHA_FOUR(11)
    SHA_FOUR(12)
    SHA_FOUR(13)
    SHA_FOUR(14)
    SHA_FOUR(15)
    sha_store(&a, st->sha256[lane[0]]);
    if (two) {
        sha_store(&b, st->sha256[lane[1]]);
    }
}

/* Block b of every listed message from number i on. */
SHA_TARGET static __attribute__((noinline)) void
sha_listed(struct lanes_state *st, const struct lanes_work *w, unsigned i, size_t b) {
    for (; i + 1 < w->sha_count; i += 2) {
        unsigned lane[2] = {w->sha_lane[i], w->sha_lane[i + 1]};
        const uint8_t *const p[2] = {lanes_block(w, LANES_SHA, lane[0], b),
                                     lanes_block(w, LANES_SHA, lane[1], b)};
        sha_blocks(st, lane, p, true);
    }
    if (i < w->sha_count) {
        unsigned lane[2] = {w->sha_lane[i], 0};
        const uint8_t *const p[2] = {lanes_block(w, LANES_SHA, lane[0], b), NULL};
        sha_blocks(st, lane, p, false);
    }
}

#undef SHA_FOUR

#endif
