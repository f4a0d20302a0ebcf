// SPDX-License-Identifier: Apache-2.0
/*
 * AVX-512 kernel: MD5 of sixteen messages in one vector, SHA-256 of two at a time (lanes_sha.h) or
 * of sixteen in vectors (lanes_sha16.h), whichever is faster for so many.
 *
 * MD5 waits for its own results most of the time, SHA-256 does not. Block after block of both in
 * turn lets the processor fill the one's waiting with the other, but it looks ahead of no more than
 * a third of a block of SHA-256: of sixteen, four rounds stand behind every four steps of MD5 (a
 * tenth faster; one behind every step is no better). The ports allow 1.1 times that rate. Any
 * boolean function of three words is one operation here (ternary logic), and so is a rotation.
 * Ternary logic overwrites its first operand, so that is copied before: the oldest word, since
 * nothing waits for that.
 *
 * Sixteen messages: 10 GB/s with the words in the cache, 8 before K was kept out of the chain and
 * the next block was read meanwhile; the chain alone allows 11. Two groups of sixteen in turn would
 * gain nothing more: two ports take the operations of a step of sixteen in three of its four
 * cycles.
 *
 * Up to four messages: 259 cycles a block, where the chain is 256 (64 steps of ternary logic, add,
 * rotate, add). SHA-256 of two of them, four rounds behind every four steps as well, costs a fifth
 * more; behind the block, it cost half as much again.
 *
 * So on an Intel server of 2023. Since Zen 5 an operation on vectors takes two cycles (at up to
 * four ports): sixteen messages take what one does, 512 cycles a block, and plain instructions are
 * faster for one or two and for the longest: lanes_chains.h, a kernel of its own.
 */
#include "crypto/lanes_kernel.h"

#include "crypto/lanes_tables.h"

#if defined(__x86_64__)

#include "crypto/lanes_sha.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,sha,sse4.1,ssse3")))

#define AHEAD 4u /* blocks */

/* Four rows of four groups of four words: word j of group g of out[r] becomes word r of group g of
 * row j. */
AVX512 static inline __attribute__((always_inline)) void turn_four(__m512i r[4]) {
    __m512i a = _mm512_unpacklo_epi32(r[0], r[1]), b = _mm512_unpackhi_epi32(r[0], r[1]);
    __m512i c = _mm512_unpacklo_epi32(r[2], r[3]), d = _mm512_unpackhi_epi32(r[2], r[3]);
    r[0] = _mm512_unpacklo_epi64(a, c);
    r[1] = _mm512_unpackhi_epi64(a, c);
    r[2] = _mm512_unpacklo_epi64(b, d);
    r[3] = _mm512_unpackhi_epi64(b, d);
}

/* Lanes read on from one place each until one of them goes over to its end. */
struct part {
    const uint8_t *message[LANES_MAX]; /* at its first block */
    size_t first, end;                 /* blocks */
};

static void part_begin(struct part *part, const struct lanes_work *work, size_t b) {
    part->first = b;
    part->end = work->blocks;
    for (unsigned i = 0; i < LANES_MAX; i++) {
        size_t whole = work->whole[i];
        part->message[i] = lanes_block(work, LANES_MD5, i, b);
        part->end = whole > b && whole < part->end ? whole : part->end;
    }
}

/* Block b is read next. Returns its offset in the messages of the part. Behind the last block: that
 * of any that can be read. */
static inline size_t part_at(struct part *part, const struct lanes_work *work, size_t b) {
    if (b == work->blocks) {
        return 0;
    }
    if (b == part->end) {
        part_begin(part, work, b);
    }
    return (b - part->first) * LANES_BLOCK;
}

/* The words of one block of sixteen messages, in eight parts. */
struct words {
    const uint8_t *const *message;
    size_t at; /* of the block */
    __m512i row[16];
    __m512i *w; /* 16, filled: word i of all messages in w[i] */
};

/* Sixteen streams are more than the processor foresees, and a message that begins is in no cache
 * near by: 5 to 10 % of whole scans' digests. An address behind the message does no harm. */
AVX512 static inline __attribute__((always_inline)) void words_ahead(const struct words *x,
                                                                     unsigned message) {
    _mm_prefetch((const char *)x->message[message] + x->at + AHEAD * LANES_BLOCK, _MM_HINT_T0);
}

/* Part i: four messages. row[4 i + j] holds, in group g, word 4 g + j of messages 4 i .. 4 i + 3.
 */
AVX512 static inline __attribute__((always_inline)) void words_read(struct words *x, unsigned i) {
    __m512i *r = &x->row[4 * i];
    words_ahead(x, 4 * i);
    words_ahead(x, 4 * i + 1);
    words_ahead(x, 4 * i + 2);
    words_ahead(x, 4 * i + 3);
    r[0] = _mm512_loadu_si512(x->message[4 * i] + x->at);
    r[1] = _mm512_loadu_si512(x->message[4 * i + 1] + x->at);
    r[2] = _mm512_loadu_si512(x->message[4 * i + 2] + x->at);
    r[3] = _mm512_loadu_si512(x->message[4 * i + 3] + x->at);
    turn_four(r);
}

/* Part 4 + j, after the first four: words j, 4 + j, 8 + j and 12 + j. */
AVX512 static inline __attribute__((always_inline)) void words_turn(struct words *x, unsigned j) {
    __m512i a = _mm512_shuffle_i32x4(x->row[j], x->row[4 + j], 0x88);
    __m512i b = _mm512_shuffle_i32x4(x->row[j], x->row[4 + j], 0xdd);
    __m512i c = _mm512_shuffle_i32x4(x->row[8 + j], x->row[12 + j], 0x88);
    __m512i d = _mm512_shuffle_i32x4(x->row[8 + j], x->row[12 + j], 0xdd);
    x->w[j] = _mm512_shuffle_i32x4(a, c, 0x88);
    x->w[8 + j] = _mm512_shuffle_i32x4(a, c, 0xdd);
    x->w[4 + j] = _mm512_shuffle_i32x4(b, d, 0x88);
    x->w[12 + j] = _mm512_shuffle_i32x4(b, d, 0xdd);
}

AVX512 static inline __attribute__((always_inline)) void words_part(struct words *x, unsigned k) {
    if (k < 4) {
        words_read(x, k);
    } else {
        words_turn(x, k - 4);
    }
}

/* Word i of all sixteen messages into w[i]. */
AVX512 static inline __attribute__((always_inline)) void
load_words(const uint8_t *const message[16], size_t at, __m512i w[16]) {
    struct words x = {.message = message, .at = at, .w = w};
    words_read(&x, 0);
    words_read(&x, 1);
    words_read(&x, 2);
    words_read(&x, 3);
    words_turn(&x, 0);
    words_turn(&x, 1);
    words_turn(&x, 2);
    words_turn(&x, 3);
}

#define MD5_TARGET AVX512
#define MD5_STEPS md5_steps
#define VEC __m512i
#define ADD(x, y) _mm512_add_epi32((x), (y))
#define ROL(x, n) _mm512_rol_epi32((x), (n))
#define SPLAT(k) _mm512_set1_epi32((int)(k))
#define MIX_F(b, c, d) _mm512_ternarylogic_epi32((d), (c), (b), 0xd8)
#define MIX_G(b, c, d) _mm512_ternarylogic_epi32((d), (c), (b), 0xac)
#define MIX_H(b, c, d) _mm512_ternarylogic_epi32((d), (c), (b), 0x96)
#define MIX_I(b, c, d) _mm512_ternarylogic_epi32((d), (c), (b), 0x63)
#define MD5_FIXED(x) __asm__("" : "+v"(x))
#define MD5_MORE , struct words *next
#define MD5_MEANWHILE(k)                                                                           \
    if ((k) % 2 == 0) {                                                                            \
        words_part(next, (k) / 2);                                                                 \
    }
#include "crypto/lanes_md5.h"

#include "crypto/lanes_sha16.h"

#include "crypto/lanes_chains.h"

/* ---- few messages ---------------------------------------------------------------------------- */

#undef MD5_STEPS
#undef VEC
#undef ADD
#undef ROL
#undef SPLAT
#undef MIX_F
#undef MIX_G
#undef MIX_H
#undef MIX_I
#define MD5_STEPS md5_steps_narrow
#define VEC __m128i
#define ADD(x, y) _mm_add_epi32((x), (y))
#define ROL(x, n) _mm_rol_epi32((x), (n))
#define SPLAT(k) _mm_set1_epi32((int)(k))
#define MIX_F(b, c, d) _mm_ternarylogic_epi32((d), (c), (b), 0xd8)
#define MIX_G(b, c, d) _mm_ternarylogic_epi32((d), (c), (b), 0xac)
#define MIX_H(b, c, d) _mm_ternarylogic_epi32((d), (c), (b), 0x96)
#define MIX_I(b, c, d) _mm_ternarylogic_epi32((d), (c), (b), 0x63)

#define NARROW 4u

/* The words of one block of four messages, in four parts. */
struct words_narrow {
    const uint8_t *const *message; /* of all lanes */
    uint8_t lane[NARROW];
    size_t at;  /* of the block */
    __m128i *w; /* 16, filled */
};

/* Words 4 i to 4 i + 3. */
AVX512 static inline __attribute__((always_inline)) void narrow_part(struct words_narrow *x,
                                                                     unsigned i) {
    __m128i r[NARROW];
    for (unsigned k = 0; k < NARROW; k++) {
        const uint8_t *p = x->message[x->lane[k]] + x->at + 16 * (size_t)i;
        r[k] = _mm_loadu_si128((const __m128i *)(const void *)p);
    }
    __m128i a = _mm_unpacklo_epi32(r[0], r[1]), b = _mm_unpackhi_epi32(r[0], r[1]);
    __m128i c = _mm_unpacklo_epi32(r[2], r[3]), d = _mm_unpackhi_epi32(r[2], r[3]);
    x->w[4 * i] = _mm_unpacklo_epi64(a, c);
    x->w[4 * i + 1] = _mm_unpackhi_epi64(a, c);
    x->w[4 * i + 2] = _mm_unpacklo_epi64(b, d);
    x->w[4 * i + 3] = _mm_unpackhi_epi64(b, d);
}

#define MD5_MORE , struct words_narrow *next, struct sha_message sha[2], unsigned shas
#define MD5_MEANWHILE(k)                                                                           \
    if ((k) % 4 == 0) {                                                                            \
        narrow_part(next, (k) / 4);                                                                \
    }                                                                                              \
    if (shas > 0) {                                                                                \
        sha_four(&sha[0], (k));                                                                    \
    }                                                                                              \
    if (shas > 1) {                                                                                \
        sha_four(&sha[1], (k));                                                                    \
    }
#include "crypto/lanes_md5.h"

/* Blocks of MD5, and SHA-256 of the first `shas` listed messages between its steps. shas: a
 * constant after inlining. */
AVX512 static inline __attribute__((always_inline)) void
narrow_blocks(struct lanes_state *st, const struct lanes_work *work, __m128i md5[4],
              unsigned shas) {
    __m128i w[2][16];
    struct part part;
    struct words_narrow next = {.message = part.message, .w = w[0]};
    struct sha_message sha[2];
    part_begin(&part, work, 0);
    for (unsigned k = 0; k < NARROW; k++) {
        next.lane[k] = work->busy[k < work->busy_count ? k : 0];
    }
    for (unsigned i = 0; i < 4; i++) {
        narrow_part(&next, i);
    }
    for (size_t b = 0; b < work->blocks; b++) {
        for (unsigned i = 0; i < shas; i++) {
            unsigned lane = work->sha_lane[i];
            sha_load(&sha[i], st->sha256[lane], lanes_block(work, LANES_SHA, lane, b));
        }
        next.at = part_at(&part, work, b + 1);
        next.w = w[(b + 1) % 2];
        md5_steps_narrow(md5, w[b % 2], &next, sha, shas);
        for (unsigned i = 0; i < shas; i++) {
            sha_store(&sha[i], st->sha256[work->sha_lane[i]]);
        }
        if (shas == 2 && work->sha_count > 2) {
            sha_listed(st, work, 2, b);
        }
    }
}

/* When few messages are left, mostly one that is much larger than the others. Wide vectors have two
 * ports for what an MD5 step does and their operations get into each other's way; short ones have
 * three, and are bound by the chain alone, when the next block is read meanwhile (a tenth faster,
 * by gcc 12). */
AVX512 static __attribute__((noinline)) void narrow_run(struct lanes_state *st,
                                                        const struct lanes_work *work) {
    uint32_t word[4][NARROW];
    __m128i md5[4];
    for (unsigned k = 0; k < NARROW; k++) {
        unsigned lane = work->busy[k < work->busy_count ? k : 0];
        for (unsigned i = 0; i < 4; i++) {
            word[i][k] = st->md5[i][lane];
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        md5[i] = _mm_loadu_si128((const __m128i *)(const void *)word[i]);
    }
    if (work->sha_count == 0) {
        narrow_blocks(st, work, md5, 0);
    } else if (work->sha_count == 1) {
        narrow_blocks(st, work, md5, 1);
    } else {
        narrow_blocks(st, work, md5, 2);
    }
    for (unsigned i = 0; i < 4; i++) {
        _mm_storeu_si128((__m128i *)(void *)word[i], md5[i]);
        for (unsigned k = 0; k < work->busy_count; k++) {
            st->md5[i][work->busy[k]] = word[i][k];
        }
    }
}

/* ---- kernel ---------------------------------------------------------------------------------- */

AVX512 static __attribute__((noinline)) void wide_run(struct lanes_state *st,
                                                      const struct lanes_work *work) {
    __m512i md5[4], w[2][16];
    for (unsigned i = 0; i < 4; i++) {
        md5[i] = _mm512_loadu_si512(st->md5[i]);
    }
    struct sha16 sha;
    bool wide = work->sha_count >= SHA16_WORTH;
    if (wide) {
        sha16_begin(&sha, st, work);
    }
    struct part part;
    struct words next = {.message = part.message};
    part_begin(&part, work, 0);
    load_words(part.message, 0, w[0]);
    for (size_t b = 0; b < work->blocks; b++) {
        next.at = part_at(&part, work, b + 1);
        next.w = w[(b + 1) % 2];
        if (wide) {
            __mmask16 last = b + 1 == work->blocks ? work->last : 0;
            sha16_and_md5(&sha, md5, w[b % 2], last, &next);
            continue;
        }
        md5_steps(md5, w[b % 2], &next);
        if (work->sha_count > 0) {
            sha_listed(st, work, 0, b);
        }
    }
    if (wide) {
        sha16_end(&sha, st);
    }
    for (unsigned i = 0; i < 4; i++) {
        _mm512_storeu_si512(st->md5[i], md5[i]);
    }
}

static void avx512_run(struct lanes_state *st, const struct lanes_work *work) {
    if (work->busy_count == 0) {
        for (size_t b = 0; b < work->blocks; b++) {
            sha_listed(st, work, 0, b);
        }
    } else if (work->busy_count <= NARROW) {
        narrow_run(st, work);
    } else {
        wide_run(st, work);
    }
}

const struct lanes_kernel lanes_kernel_avx512 = {
    .name = "avx512",
    .needs = CPU_AVX512 | CPU_SHA256,
    .lanes = 16,
    .over = true,
    .few = NARROW,
    .few_sha = 2,
    .run = avx512_run,
};

/* ---- kernel for late vectors --------------------------------------------------------------------
 */

static void late_run(struct lanes_state *st, const struct lanes_work *work) {
    if (work->has_fast) {
        beside_run(st, work);
    } else if (work->busy_count == 1 || work->busy_count == 2) {
        chains_run(st, work);
    } else {
        avx512_run(st, work);
    }
}

const struct lanes_kernel lanes_kernel_late = {
    .name = "avx512-late",
    .needs = CPU_AVX512 | CPU_SHA256,
    .suits = CPU_LATE_VECTORS,
    .lanes = 16,
    .over = true,
    .few = LANES_MAX,
    .few_sha = 2,
    .fast = true,
    .run = late_run,
};

#endif
