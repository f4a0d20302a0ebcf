// SPDX-License-Identifier: Apache-2.0
/*
 * MD5 in plain instructions, one message or two in turn, and SHA-256 between the steps: for
 * processors on which operations on vectors take two cycles (CPU_LATE_VECTORS): a chain takes 512
 * cycles a block there, and 288 here. Internal to the AVX-512 kernels, which define AVX512,
 * load_words and what lanes_md5.h wants for sixteen before.
 *
 * What a step waits for: one operation (of F and I two more), add, rotate, add. G is a sum of two
 * parts that share no bit, the one of which is known long before. Eight instructions a step: a
 * second message, and SHA-256 of both, cost 5 and 10 % (Zen 5: 0.78, 1.45 and 1.38 GB/s for one
 * message, two, and two with SHA-256, where vectors give 0.40, 0.80 and 0.80).
 *
 * One message beside sixteen in a vector takes two blocks while they take one, so the longest is
 * done in little more than half the time: 0.69 GB/s, the others at seven eighths of their rate. Two
 * messages beside them: every one at 0.49, the others at half, by a core whose other thread was
 * busy.
 *
 * What compilers make of it costs more than anything: gcc 12 keeps words and constants on the stack
 * and pointers in vector registers when it sees them used twice (a third slower), takes mask
 * registers for "and not" (an eighth), and constants within instructions are slower than those
 * added from memory (a fifth). Hence the empty asm statements.
 */
#ifndef SK_CRYPTO_LANES_CHAINS_H
#define SK_CRYPTO_LANES_CHAINS_H

#include "base/cursor.h"
#include "crypto/lanes_kernel.h"
#include "crypto/lanes_sha.h"
#include "crypto/lanes_tables.h"

#define CHAIN AVX512 static inline __attribute__((always_inline))
#define CHAINS 2u

struct chain {
    uint32_t v[4];
    uint32_t sum[4];  /* before the block */
    const uint8_t *p; /* the block */
};

CHAIN uint32_t chain_rol(uint32_t x, unsigned n) {
    return x << n | x >> (32 - n);
}

/* Step i, which is a constant after inlining: A is v[-i mod 4]. */
CHAIN void chain_step(struct chain *x, const uint32_t **k, unsigned i) {
    static const uint8_t turn[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    static const uint8_t factor[4] = {1, 5, 3, 7}, first[4] = {0, 1, 5, 0};
    uint32_t *to = &x->v[(0 - i) & 3];
    uint32_t b = x->v[(1 - i) & 3], c = x->v[(2 - i) & 3], d = x->v[(3 - i) & 3];
    unsigned word = (first[i / 16] + factor[i / 16] * i) & 15;
    /* else words and constants are kept on the stack, and pointers in vectors */
    __asm__("" : "+r"(x->p), "+r"(*k));
    uint32_t a = *to + sk_load_u32le(x->p + 4 * (size_t)word) + (*k)[i], mix;
    if (i < 16) {
        mix = d ^ (b & (c ^ d));
    } else if (i < 32) {
        uint32_t not_d = ~d;
        __asm__("" : "+r"(not_d)); /* else gcc 12 takes mask registers for it */
        a += c & not_d;
        mix = b & d;
    } else if (i < 48) {
        uint32_t before = c ^ d;
        __asm__("" : "+r"(before)); /* as a sum: compilers do not know what is waited for */
        mix = b ^ before;
    } else {
        mix = c ^ (b | ~d);
    }
    __asm__("" : "+r"(a)); /* MD5_FIXED of lanes_md5.h */
    *to = b + chain_rol(a + mix, turn[i / 16][i & 3]);
}

CHAIN void chain_four(struct chain *x, const uint32_t **k, unsigned i) {
    chain_step(x, k, i);
    chain_step(x, k, i + 1);
    chain_step(x, k, i + 2);
    chain_step(x, k, i + 3);
}

/* Steps i to i + 3 of `count` chains. count: a constant after inlining. */
CHAIN void chains_four(struct chain *x, unsigned count, const uint32_t **k, unsigned i) {
    chain_four(&x[0], k, i);
    if (count > 1) {
        chain_four(&x[1], k, i);
    }
}

CHAIN void chain_load(struct chain *x, const struct lanes_state *st, unsigned lane) {
    for (unsigned i = 0; i < 4; i++) {
        x->v[i] = x->sum[i] = st->md5[i][lane];
    }
}

/* The block is over. */
CHAIN void chain_add(struct chain *x) {
    for (unsigned i = 0; i < 4; i++) {
        x->sum[i] = x->v[i] += x->sum[i];
    }
}

CHAIN void chain_store(const struct chain *x, struct lanes_state *st, unsigned lane) {
    for (unsigned i = 0; i < 4; i++) {
        st->md5[i][lane] = x->v[i];
    }
}

/* ---- one or two messages ------------------------------------------------------------------ */

/* As many chains as there are lanes busy, with SHA-256 of the first `shas` listed messages between
 * their steps. count and shas: constants after inlining. */
CHAIN void chains_blocks(struct lanes_state *st, const struct lanes_work *work, unsigned count,
                         unsigned shas) {
    struct chain x[CHAINS];
    struct sha_message sha[CHAINS];
    const uint32_t *k = lanes_md5_k;
    for (unsigned i = 0; i < count; i++) {
        chain_load(&x[i], st, work->busy[i]);
    }
    for (size_t b = 0; b < work->blocks; b++) {
        for (unsigned i = 0; i < count; i++) {
            x[i].p = lanes_block(work, LANES_MD5, work->busy[i], b);
        }
        for (unsigned i = 0; i < shas; i++) {
            unsigned lane = work->sha_lane[i];
            sha_load(&sha[i], st->sha256[lane], lanes_block(work, LANES_SHA, lane, b));
        }
#define CHAINS_FOUR(g)                                                                             \
    chains_four(x, count, &k, 4 * (g));                                                            \
    if (shas > 0) {                                                                                \
        sha_four(&sha[0], (g));                                                                    \
    }                                                                                              \
    if (shas > 1) {                                                                                \
        sha_four(&sha[1], (g));                                                                    \
    }
        CHAINS_FOUR(0)
        CHAINS_FOUR(1)
        CHAINS_FOUR(2)
        CHAINS_FOUR(3)
        CHAINS_FOUR(4)
        CHAINS_FOUR(5)
        CHAINS_FOUR(6)
        CHAINS_FOUR(7)
        CHAINS_FOUR(8)
        CHAINS_FOUR(9)
        CHAINS_FOUR(10)
        CHAINS_FOUR(11)
        CHAINS_FOUR(12)
        CHAINS_FOUR(13)
        CHAINS_FOUR(14)
        CHAINS_FOUR(15)
#undef CHAINS_FOUR
        for (unsigned i = 0; i < shas; i++) {
            sha_store(&sha[i], st->sha256[work->sha_lane[i]]);
        }
        for (unsigned i = 0; i < count; i++) {
            chain_add(&x[i]);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        chain_store(&x[i], st, work->busy[i]);
    }
}

AVX512 static __attribute__((noinline)) void chains_run(struct lanes_state *st,
                                                        const struct lanes_work *work) {
    if (work->busy_count == 1 && work->sha_count == 0) {
        chains_blocks(st, work, 1, 0);
    } else if (work->busy_count == 1) {
        chains_blocks(st, work, 1, 1);
    } else if (work->sha_count == 0) {
        chains_blocks(st, work, 2, 0);
    } else if (work->sha_count == 1) {
        chains_blocks(st, work, 2, 1);
    } else {
        chains_blocks(st, work, 2, 2);
    }
}

/* ---- one message that goes faster than sixteen -------------------------------------------- */

/* What goes on between the steps of MD5 of sixteen: two blocks of the fast lane, and SHA-256. */
struct beside {
    struct chain x;
    struct sha_message sha[2];
    const struct lanes_work *work;
    size_t b; /* block of the fast lane that comes next */
};

CHAIN void beside_next(struct beside *side) {
    side->x.p = lanes_block(side->work, LANES_MD5, side->work->fast, side->b++);
}

/* Behind step i of sixteen. i: a constant after inlining. */
CHAIN void beside_step(struct beside *side, const uint32_t **k, unsigned i) {
    chain_step(&side->x, k, 2 * i % 64);
    chain_step(&side->x, k, 2 * i % 64 + 1);
    if (i % 32 == 31) {
        chain_add(&side->x);
    }
    if (i == 31) {
        beside_next(side);
    }
}

#undef MD5_STEPS
#define MD5_STEPS md5_steps_beside
#define MD5_MORE , struct words *next, struct beside *side, unsigned shas
#define MD5_MEANWHILE(g)                                                                           \
    if ((g) % 2 == 0) {                                                                            \
        words_part(next, (g) / 2);                                                                 \
    }                                                                                              \
    if (shas > 0) {                                                                                \
        sha_four(&side->sha[0], (g));                                                              \
        sha_four(&side->sha[1], (g));                                                              \
    }
#define MD5_BETWEEN(i) beside_step(side, &k, (i))
#include "crypto/lanes_md5.h"

/* One listed message alone is computed twice. */
CHAIN unsigned beside_sha_lane(const struct lanes_work *work, unsigned i) {
    return work->sha_lane[i < work->sha_count ? i : 0];
}

CHAIN void beside_blocks(struct lanes_state *st, const struct lanes_work *work, __m512i md5[4],
                         unsigned shas) {
    __m512i w[2][16];
    struct part part;
    struct words next = {.message = part.message};
    struct beside side = {.work = work};
    chain_load(&side.x, st, work->fast);
    part_begin(&part, work, 0);
    load_words(part.message, 0, w[0]);
    for (size_t b = 0; b < work->blocks; b++) {
        next.at = part_at(&part, work, b + 1);
        next.w = w[(b + 1) % 2];
        for (unsigned i = 0; i < shas; i++) {
            unsigned lane = beside_sha_lane(work, i);
            sha_load(&side.sha[i], st->sha256[lane], lanes_block(work, LANES_SHA, lane, b));
        }
        beside_next(&side);
        md5_steps_beside(md5, w[b % 2], &next, &side, shas);
        for (unsigned i = 0; i < shas && i < work->sha_count; i++) {
            sha_store(&side.sha[i], st->sha256[work->sha_lane[i]]);
        }
        if (shas > 0 && work->sha_count > shas) {
            sha_listed(st, work, shas, b);
        }
    }
    chain_store(&side.x, st, work->fast);
}

/* The place of the fast lane is computed along with the others and thrown away. */
AVX512 static __attribute__((noinline)) void beside_run(struct lanes_state *st,
                                                        const struct lanes_work *work) {
    __m512i md5[4];
    for (unsigned i = 0; i < 4; i++) {
        md5[i] = _mm512_loadu_si512(st->md5[i]);
    }
    if (work->sha_count == 0) {
        beside_blocks(st, work, md5, 0);
    } else {
        beside_blocks(st, work, md5, 2);
    }
    for (unsigned i = 0; i < 4; i++) {
        _mm512_mask_storeu_epi32(st->md5[i], (__mmask16) ~(1u << work->fast), md5[i]);
    }
}

#endif
