// SPDX-License-Identifier: Apache-2.0
/*
 * AVX2 kernels: MD5 of eight messages in one vector, SHA-256 of two at a time by the processor's
 * instructions (Intel since 2019, AMD since 2017), else of eight in a vector; see lanes_avx512.c,
 * which they follow.
 */
#include "crypto/lanes_kernel.h"

#include "crypto/lanes_tables.h"

#if defined(__x86_64__)

#include "crypto/lanes_sha.h"

#define AVX2 __attribute__((target("avx2")))

#define MD5_TARGET AVX2
#define MD5_STEPS md5_steps
#define VEC __m256i
#define ADD(x, y) _mm256_add_epi32((x), (y))
#define ROL(x, n) _mm256_or_si256(_mm256_slli_epi32((x), (n)), _mm256_srli_epi32((x), 32 - (n)))
#define SPLAT(k) _mm256_set1_epi32((int)(k))
#define AND(x, y) _mm256_and_si256((x), (y))
#define XOR(x, y) _mm256_xor_si256((x), (y))
#define NOT(x) _mm256_xor_si256((x), _mm256_set1_epi32(-1))
#define MIX_F(b, c, d) XOR((d), AND((b), XOR((c), (d))))
#define MIX_G(b, c, d) XOR((c), AND((d), XOR((b), (c))))
#define MIX_H(b, c, d) XOR((b), XOR((c), (d)))
#define MIX_I(b, c, d) XOR((c), _mm256_or_si256((b), NOT(d)))
#define MD5_FIXED(x) __asm__("" : "+x"(x))
#include "crypto/lanes_md5.h"

#define LANES 8u
#define PART ((size_t)32) /* blocks of which SHA-256 is done together, in vectors */

/* Eight words from offset `at` of each message, turned: word i of all into w[i]. */
AVX2 static inline __attribute__((always_inline)) void
load_words(const uint8_t *const message[LANES], size_t at, __m256i w[8]) {
    __m256i r[8];
    for (unsigned i = 0; i < 8; i++) {
        r[i] = _mm256_loadu_si256((const __m256i *)(const void *)(message[i] + at));
    }
    for (unsigned i = 0; i < 8; i += 4) {
        __m256i a = _mm256_unpacklo_epi32(r[i], r[i + 1]);
        __m256i b = _mm256_unpackhi_epi32(r[i], r[i + 1]);
        __m256i c = _mm256_unpacklo_epi32(r[i + 2], r[i + 3]);
        __m256i d = _mm256_unpackhi_epi32(r[i + 2], r[i + 3]);
        r[i] = _mm256_unpacklo_epi64(a, c);
        r[i + 1] = _mm256_unpackhi_epi64(a, c);
        r[i + 2] = _mm256_unpacklo_epi64(b, d);
        r[i + 3] = _mm256_unpackhi_epi64(b, d);
    }
    for (unsigned j = 0; j < 4; j++) {
        w[j] = _mm256_permute2x128_si256(r[j], r[4 + j], 0x20);
        w[4 + j] = _mm256_permute2x128_si256(r[j], r[4 + j], 0x31);
    }
}

/* ---- SHA-256 without instructions for it ------------------------------------------------------
 */

#define WIDE LANES
#define WIDE_WORTH 2u

AVX2 static inline __attribute__((always_inline)) void
wide_words(const uint8_t *const message[WIDE], size_t at, __m256i w[16]) {
    const __m256i swap =
        _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL));
    load_words(message, at, w);
    load_words(message, at + 32, w + 8);
    for (unsigned i = 0; i < 16; i++) {
        w[i] = _mm256_shuffle_epi8(w[i], swap);
    }
}

#define SHA_ROR(x, n) ROL((x), 32 - (n))
#define SHA_SHR(x, n) _mm256_srli_epi32((x), (n))
#define SHA_XOR3(x, y, z) XOR((x), XOR((y), (z)))
#define SHA_CHOOSE(x, y, z) XOR((z), AND((x), XOR((y), (z))))
#define SHA_MAJORITY(x, y, z) _mm256_or_si256(AND((x), (y)), AND((z), _mm256_or_si256((x), (y))))
#define SHA_ROUNDS_TARGET AVX2
#define SHA_ROUNDS sha_rounds
#include "crypto/lanes_sha_wide.h"

/* ---- kernels --------------------------------------------------------------------------------- */

/* instructions: a constant after inlining. */
AVX2 static inline __attribute__((always_inline)) void
run(struct lanes_state *st, const struct lanes_work *work, bool instructions) {
    __m256i md5[4], w[16];
    for (unsigned i = 0; i < 4; i++) {
        md5[i] = _mm256_loadu_si256((const __m256i *)(const void *)st->md5[i]);
    }
    for (size_t b = 0; b < work->blocks; b++) {
        load_words(work->first[LANES_MD5], b * LANES_BLOCK, w);
        load_words(work->first[LANES_MD5], b * LANES_BLOCK + 32, w + 8);
        md5_steps(md5, w);
        if (instructions) {
            sha_listed(st, work, 0, b);
        } else if (b % PART == PART - 1 || b == work->blocks - 1) {
            sha_wide(st, work, b - b % PART, b + 1);
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        _mm256_storeu_si256((__m256i *)(void *)st->md5[i], md5[i]);
    }
}

/* A large message is often left alone. No vector rotates in one operation here: plain C is faster.
 * Or none is left that wants MD5. */
static void run_alone(struct lanes_state *st, const struct lanes_work *work, bool instructions) {
    unsigned lane = work->busy[0];
    for (size_t at = 0; at < work->blocks; at += PART) {
        size_t end = work->blocks - at > PART ? at + PART : work->blocks;
        if (work->busy_count > 0) {
            lanes_md5_blocks(st, lane, work->first[LANES_MD5][lane] + at * LANES_BLOCK, end - at);
        }
        for (size_t b = at; instructions && b < end; b++) {
            sha_listed(st, work, 0, b);
        }
        if (!instructions) {
            sha_wide(st, work, at, end);
        }
    }
}

AVX2 static void sha_run(struct lanes_state *st, const struct lanes_work *work) {
    if (work->busy_count <= 1) {
        run_alone(st, work, true);
    } else {
        run(st, work, true);
    }
}

AVX2 static void wide_run(struct lanes_state *st, const struct lanes_work *work) {
    if (work->busy_count <= 1) {
        run_alone(st, work, false);
    } else {
        run(st, work, false);
    }
}

const struct lanes_kernel lanes_kernel_avx2_sha = {
    .name = "avx2+sha", .needs = CPU_AVX2 | CPU_SHA256, .lanes = LANES, .run = sha_run};
const struct lanes_kernel lanes_kernel_avx2 = {
    .name = "avx2", .needs = CPU_AVX2, .lanes = LANES, .run = wide_run};

#endif
