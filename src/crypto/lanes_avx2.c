// SPDX-License-Identifier: Apache-2.0
/*
 * AVX2 kernel: MD5 of eight messages in one vector, SHA-256 of two at a time; see lanes_avx512.c,
 * which it follows. Wants the SHA instructions as well, because no processor worth a kernel has
 * AVX2 and eight idle lanes but not these (Intel since 2019, AMD since 2017; older ones run the
 * plain path).
 */
#include "crypto/lanes_kernel.h"

#include "crypto/lanes_tables.h"

#if defined(__x86_64__)

#include "crypto/lanes_sha.h"

#define AVX2 __attribute__((target("avx2,sha,sse4.1,ssse3")))

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

/* Eight words from offset `at` of each message, turned: word i of all into w[i]. */
AVX2 static inline __attribute__((always_inline)) void load_words(const struct lanes_work *work,
                                                                  size_t at, __m256i w[8]) {
    __m256i r[8];
    for (unsigned i = 0; i < 8; i++) {
        r[i] = _mm256_loadu_si256((const __m256i *)(const void *)(work->md5[i] + at));
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

AVX2 static void avx2_run(struct lanes_state *st, const struct lanes_work *work) {
    __m256i md5[4], w[16];
    for (unsigned i = 0; i < 4; i++) {
        md5[i] = _mm256_loadu_si256((const __m256i *)(const void *)st->md5[i]);
    }
    for (size_t b = 0; b < work->blocks; b++) {
        load_words(work, b * LANES_BLOCK, w);
        load_words(work, b * LANES_BLOCK + 32, w + 8);
        md5_steps(md5, w);
        sha_listed(st, work, b * LANES_BLOCK);
    }
    for (unsigned i = 0; i < 4; i++) {
        _mm256_storeu_si256((__m256i *)(void *)st->md5[i], md5[i]);
    }
}

const struct lanes_kernel *lanes_kernel_avx2(void) {
    static const struct lanes_kernel kernel = {"avx2", LANES, avx2_run};
    return __builtin_cpu_supports("avx2") && lanes_sha_here() ? &kernel : NULL;
}

#else

const struct lanes_kernel *lanes_kernel_avx2(void) {
    return NULL;
}

#endif
