// SPDX-License-Identifier: Apache-2.0
/*
 * Kernel for vectors of sixteen bytes, SSE4.2 and NEON: MD5 of eight messages in two vectors, four
 * in each. A step waits for the one before it most of the time, so the second vector costs little.
 *
 * SHA-256 by the processor's instructions where it has them (Atoms since 2016, most arm64), else of
 * four messages in a vector. MD5 and SHA-256 take turns every PART blocks: the bytes are still in
 * the first-level cache, and states are put in order once a part.
 */
#include "crypto/lanes_kernel.h"

#include "base/cpu.h"
#include "base/vec16.h"
#include "crypto/lanes_tables.h"

#if VEC16_BUILT

#define LANES 8u
#define PART ((size_t)32)

/* ---- MD5 ------------------------------------------------------------------------------------- */

struct pair {
    vec16_u32 low, high;
};

VEC16_INLINE struct pair pair_add(struct pair x, struct pair y) {
    return (struct pair){x.low + y.low, x.high + y.high};
}
VEC16_INLINE struct pair pair_and(struct pair x, struct pair y) {
    return (struct pair){x.low & y.low, x.high & y.high};
}
VEC16_INLINE struct pair pair_xor(struct pair x, struct pair y) {
    return (struct pair){x.low ^ y.low, x.high ^ y.high};
}
VEC16_INLINE struct pair pair_or_not(struct pair x, struct pair y) {
    return (struct pair){x.low | ~y.low, x.high | ~y.high};
}
VEC16_INLINE struct pair pair_rol(struct pair x, unsigned n) {
    return (struct pair){x.low << n | x.low >> (32 - n), x.high << n | x.high >> (32 - n)};
}
VEC16_INLINE struct pair pair_splat(uint32_t w) {
    return (struct pair){vec16_splat_u32(w), vec16_splat_u32(w)};
}

#define MD5_TARGET VEC16
#define MD5_STEPS md5_steps
#define VEC struct pair
#define ADD(x, y) pair_add((x), (y))
#define ROL(x, n) pair_rol((x), (n))
#define SPLAT(k) pair_splat(k)
#define MIX_F(b, c, d) pair_xor((d), pair_and((b), pair_xor((c), (d))))
#define MIX_G(b, c, d) pair_xor((c), pair_and((d), pair_xor((b), (c))))
#define MIX_H(b, c, d) pair_xor((b), pair_xor((c), (d)))
#define MIX_I(b, c, d) pair_xor((c), pair_or_not((b), (d)))
#if defined(__x86_64__)
#define MD5_FIXED(x) __asm__("" : "+x"((x).low), "+x"((x).high))
#else
#define MD5_FIXED(x) __asm__("" : "+w"((x).low), "+w"((x).high))
#endif
#include "crypto/lanes_md5.h"

/* Words 4 i to 4 i + 3 of four messages, turned: word j of all into out[j]. */
VEC16_INLINE void four_words(const uint8_t *const message[4], size_t at, vec16_u32 out[4]) {
    vec16_u32 r0 = (vec16_u32)vec16_load(message[0] + at);
    vec16_u32 r1 = (vec16_u32)vec16_load(message[1] + at);
    vec16_u32 r2 = (vec16_u32)vec16_load(message[2] + at);
    vec16_u32 r3 = (vec16_u32)vec16_load(message[3] + at);
    vec16_u32 a = __builtin_shufflevector(r0, r1, 0, 4, 1, 5);
    vec16_u32 b = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
    vec16_u32 c = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
    vec16_u32 d = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    out[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    out[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    out[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    out[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

VEC16 static void md5_of_all(struct lanes_state *st, const struct lanes_work *work, size_t first,
                             size_t end) {
    struct pair state[4], w[16];
    for (unsigned i = 0; i < 4; i++) {
        state[i].low = (vec16_u32)vec16_load(st->md5[i]);
        state[i].high = (vec16_u32)vec16_load(st->md5[i] + 4);
    }
    for (size_t b = first; b < end; b++) {
        for (size_t i = 0; i < 4; i++) {
            vec16_u32 low[4], high[4];
            four_words(work->first[LANES_MD5], b * LANES_BLOCK + 16 * i, low);
            four_words(work->first[LANES_MD5] + 4, b * LANES_BLOCK + 16 * i, high);
            w[4 * i] = (struct pair){low[0], high[0]};
            w[4 * i + 1] = (struct pair){low[1], high[1]};
            w[4 * i + 2] = (struct pair){low[2], high[2]};
            w[4 * i + 3] = (struct pair){low[3], high[3]};
        }
        md5_steps(state, w);
    }
    for (unsigned i = 0; i < 4; i++) {
        vec16_store(st->md5[i], (vec16)state[i].low);
        vec16_store(st->md5[i] + 4, (vec16)state[i].high);
    }
}

/* A large message is often left alone. No vector rotates in one operation here: plain C is faster.
 */
static void md5_part(struct lanes_state *st, const struct lanes_work *work, size_t first,
                     size_t end) {
    if (work->busy_count == 1) {
        unsigned lane = work->busy[0];
        lanes_md5_blocks(st, lane, work->first[LANES_MD5][lane] + first * LANES_BLOCK, end - first);
    } else if (work->busy_count > 0) {
        md5_of_all(st, work, first, end);
    }
}

/* ---- SHA-256 --------------------------------------------------------------------------------- */

#if LANES_VEC16_SHA && defined(__x86_64__)

#include "crypto/lanes_sha.h"

static void sha_instructions(struct lanes_state *st, const struct lanes_work *work, size_t first,
                             size_t end) {
    for (size_t b = first; b < end; b++) {
        sha_listed(st, work, 0, b);
    }
}

#elif LANES_VEC16_SHA

#include "crypto/lanes_sha_arm.h"

static void sha_instructions(struct lanes_state *st, const struct lanes_work *work, size_t first,
                             size_t end) {
    for (unsigned i = 0; i < work->sha_count; i++) {
        unsigned lane = work->sha_lane[i];
        sha_one(st->sha256[lane], work->first[LANES_SHA][lane] + first * LANES_BLOCK, end - first);
    }
}

#endif

#define WIDE 4u
#define WIDE_WORTH 2u

VEC16_INLINE void wide_words(const uint8_t *const message[WIDE], size_t at, vec16_u32 w[16]) {
    const vec16 swap = {3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12};
    for (unsigned i = 0; i < 16; i += 4) {
        four_words(message, at + 4 * (size_t)i, w + i);
    }
    for (unsigned i = 0; i < 16; i++) {
        w[i] = (vec16_u32)vec16_look((vec16)w[i], swap);
    }
}

#undef VEC
#undef ADD
#undef SPLAT
#define VEC vec16_u32
#define ADD(x, y) ((x) + (y))
#define SPLAT(k) vec16_splat_u32(k)
#define SHA_ROR(x, n) ((x) >> (n) | (x) << (32 - (n)))
#define SHA_SHR(x, n) ((x) >> (n))
#define SHA_XOR3(x, y, z) ((x) ^ (y) ^ (z))
#define SHA_CHOOSE(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define SHA_MAJORITY(x, y, z) (((x) & (y)) | ((z) & ((x) | (y))))
#define SHA_ROUNDS_TARGET VEC16
#define SHA_ROUNDS sha_rounds
#include "crypto/lanes_sha_wide.h"

/* ---- kernel ---------------------------------------------------------------------------------- */

#if LANES_VEC16_SHA

static void sha_run(struct lanes_state *st, const struct lanes_work *work) {
    for (size_t at = 0; at < work->blocks; at += PART) {
        size_t end = work->blocks - at > PART ? at + PART : work->blocks;
        md5_part(st, work, at, end);
        sha_instructions(st, work, at, end);
    }
}

const struct lanes_kernel lanes_kernel_vec16_sha = {
    .name = VEC16_NAME "+sha", .needs = CPU_VEC16 | CPU_SHA256, .lanes = LANES, .run = sha_run};

#endif

static void wide_run(struct lanes_state *st, const struct lanes_work *work) {
    for (size_t at = 0; at < work->blocks; at += PART) {
        size_t end = work->blocks - at > PART ? at + PART : work->blocks;
        md5_part(st, work, at, end);
        sha_wide(st, work, at, end);
    }
}

const struct lanes_kernel lanes_kernel_vec16 = {
    .name = VEC16_NAME, .needs = CPU_VEC16, .lanes = LANES, .run = wide_run};

#endif
