// SPDX-License-Identifier: Apache-2.0
/*
 *   pairs: MZ  MS  7z  Ra  \1C        a bit each; LOW[n]: bits of the pairs whose first byte has
 *                                     the low half n, HIGH[n]: the same for the high half
 *   first byte x, second byte y:      LOW[x & 15] & HIGH[x >> 4] & LOW2[y & 15] & HIGH2[y >> 4]
 *
 * A bit is left where that very pair stands: with a bit for each pair nothing else can pass, since
 * both halves of both bytes must be its own. Four look-ups of a register serve any eight pairs;
 * comparing with each byte is twice as many operations. Where there is no such look-up bytes are
 * compared, by vectors of the compiler. On programs in the L2 cache SSE4.2 is 1.1 times as fast as
 * that, AVX2 1.8 times, AVX-512 2.6 times. With look-ups of 64 entries (VBMI) one a byte is enough
 * for nearly all places: every second byte is 0x40 to 0x7f, so the lower six bits tell it when
 * others become 0x3f, which is nobody's; every first byte is below 0x80, and its sixth bit is what
 * a block in which something stands is looked at once more for. Libraries are full of names with
 * "Ra" and "MS" in them: only the places where a pair stands are looked at further.
 */
#include "format/pairs.h"

#include <string.h>

#include "base/cpu.h"
#include "base/vec16.h"

/* ---- plain ----------------------------------------------------------------------------------- */

#define VECTOR 16 /* what every x86-64 and ARM has; wider ones would be taken apart */
typedef uint8_t lanes __attribute__((vector_size(VECTOR)));
typedef uint64_t words __attribute__((vector_size(VECTOR)));

static inline lanes pairs_in(const uint8_t *p) {
    lanes a, b;
    memcpy(&a, p, sizeof(a));
    memcpy(&b, p + 1, sizeof(b));
    lanes hit = (lanes)(a == 'M') & ((lanes)(b == 'Z') | (lanes)(b == 'S'));
    hit |= (lanes)(a == '7') & (lanes)(b == 'z');
    hit |= (lanes)(a == 'R') & (lanes)(b == 'a');
    return hit | ((lanes)(a == 1) & (lanes)(b == 'C'));
}

static uint64_t places_in(const uint8_t *p) {
    uint64_t places = 0;
    for (unsigned i = 0; i < PAIRS_BLOCK; i += VECTOR) {
        lanes hit = pairs_in(p + i);
        for (unsigned k = 0; k < VECTOR; k++) {
            places |= (uint64_t)(hit[k] & 1) << (i + k);
        }
    }
    return places;
}

static size_t plain_next(const uint8_t *p, size_t len, size_t from, uint64_t *out_places) {
    for (; from < len && len - from > PAIRS_BLOCK; from += PAIRS_BLOCK) {
        const uint8_t *q = p + from;
        lanes hit = pairs_in(q) | pairs_in(q + VECTOR) | pairs_in(q + 2 * VECTOR) |
                    pairs_in(q + 3 * VECTOR);
        words w;
        memcpy(&w, &hit, sizeof(w));
        if ((w[0] | w[1]) != 0) {
            *out_places = places_in(q);
            return from;
        }
    }
    *out_places = UINT64_MAX;
    return from;
}

/* ---- sixteen bytes --------------------------------------------------------------------------- */

enum { PAIR_MZ = 1, PAIR_MS = 2, PAIR_7Z = 4, PAIR_RA = 8, PAIR_1C = 16 };

static const uint8_t LOW[16] = {
    [0xd] = PAIR_MZ | PAIR_MS, [0x7] = PAIR_7Z, [0x2] = PAIR_RA, [0x1] = PAIR_1C};
static const uint8_t HIGH[16] = {
    [0x4] = PAIR_MZ | PAIR_MS, [0x3] = PAIR_7Z, [0x5] = PAIR_RA, [0x0] = PAIR_1C};
static const uint8_t LOW2[16] = {
    [0xa] = PAIR_MZ | PAIR_7Z, [0x3] = PAIR_MS | PAIR_1C, [0x1] = PAIR_RA};
static const uint8_t HIGH2[16] = {
    [0x5] = PAIR_MZ | PAIR_MS, [0x7] = PAIR_7Z, [0x6] = PAIR_RA, [0x4] = PAIR_1C};

#if VEC16_BUILT

VEC16_INLINE vec16 look16(const uint8_t *p, vec16 low, vec16 high) {
    vec16 x = vec16_load(p);
    return vec16_look(low, x & vec16_splat(15)) & vec16_look(high, x >> 4);
}

VEC16 static size_t vec16_next(const uint8_t *p, size_t len, size_t from, uint64_t *out_places) {
    const vec16 low = vec16_load(LOW), high = vec16_load(HIGH);
    const vec16 low2 = vec16_load(LOW2), high2 = vec16_load(HIGH2);
    for (; from < len && len - from > PAIRS_BLOCK; from += PAIRS_BLOCK) {
        const uint8_t *q = p + from;
        vec16 a = look16(q, low, high) & look16(q + 1, low2, high2);
        vec16 b = look16(q + 16, low, high) & look16(q + 17, low2, high2);
        vec16 c = look16(q + 32, low, high) & look16(q + 33, low2, high2);
        vec16 d = look16(q + 48, low, high) & look16(q + 49, low2, high2);
        if (vec16_any(a | b | c | d)) {
            *out_places =
                vec16_mask((vec16)(a != 0), (vec16)(b != 0), (vec16)(c != 0), (vec16)(d != 0));
            return from;
        }
    }
    *out_places = UINT64_MAX;
    return from;
}

#endif

/* ---- x86 ------------------------------------------------------------------------------------- */

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw")))

AVX2 static inline __attribute__((always_inline)) __m256i table_avx2(const uint8_t table[16]) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table));
}

AVX2 static inline __attribute__((always_inline)) __m256i look_avx2(const uint8_t *p, __m256i low,
                                                                    __m256i high) {
    const __m256i half = _mm256_set1_epi8(0x0f);
    __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i l = _mm256_shuffle_epi8(low, _mm256_and_si256(x, half));
    __m256i h = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(x, 4), half));
    return _mm256_and_si256(l, h);
}

AVX2 static size_t avx2_next(const uint8_t *p, size_t len, size_t from, uint64_t *out_places) {
    const __m256i low = table_avx2(LOW), high = table_avx2(HIGH);
    const __m256i low2 = table_avx2(LOW2), high2 = table_avx2(HIGH2);
    for (; from < len && len - from > PAIRS_BLOCK; from += PAIRS_BLOCK) {
        const uint8_t *q = p + from;
        __m256i a = _mm256_and_si256(look_avx2(q, low, high), look_avx2(q + 1, low2, high2));
        __m256i b = _mm256_and_si256(look_avx2(q + 32, low, high), look_avx2(q + 33, low2, high2));
        __m256i any = _mm256_or_si256(a, b);
        if (_mm256_testz_si256(any, any) == 0) {
            const __m256i zero = _mm256_setzero_si256();
            uint32_t lower = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, zero));
            uint32_t upper = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, zero));
            *out_places = ~(lower | (uint64_t)upper << 32);
            return from;
        }
    }
    *out_places = UINT64_MAX;
    return from;
}

AVX512 static inline __attribute__((always_inline)) __m512i table_avx512(const uint8_t table[16]) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)table));
}

AVX512 static inline __attribute__((always_inline)) __m512i look_avx512(const uint8_t *p,
                                                                        __m512i low, __m512i high) {
    const __m512i half = _mm512_set1_epi8(0x0f);
    __m512i x = _mm512_loadu_si512(p);
    __m512i l = _mm512_shuffle_epi8(low, _mm512_and_si512(x, half));
    __m512i h = _mm512_shuffle_epi8(high, _mm512_and_si512(_mm512_srli_epi16(x, 4), half));
    return _mm512_and_si512(l, h);
}

AVX512 static size_t avx512_next(const uint8_t *p, size_t len, size_t from, uint64_t *out_places) {
    const __m512i low = table_avx512(LOW), high = table_avx512(HIGH);
    const __m512i low2 = table_avx512(LOW2), high2 = table_avx512(HIGH2);
    for (; from < len && len - from > PAIRS_BLOCK; from += PAIRS_BLOCK) {
        __m512i first = look_avx512(p + from, low, high);
        __mmask64 places = _mm512_test_epi8_mask(first, look_avx512(p + from + 1, low2, high2));
        if (places != 0) {
            *out_places = places;
            return from;
        }
    }
    *out_places = UINT64_MAX;
    return from;
}

#define VBMI __attribute__((target("avx512f,avx512bw,avx512vbmi")))

/* By the lower six bits. */
static const uint8_t FIRST[64] = {
    [0x0d] = PAIR_MZ | PAIR_MS, [0x37] = PAIR_7Z, [0x12] = PAIR_RA, [0x01] = PAIR_1C};
static const uint8_t SECOND[64] = {
    [0x1a] = PAIR_MZ, [0x3a] = PAIR_7Z, [0x13] = PAIR_MS, [0x03] = PAIR_1C, [0x21] = PAIR_RA};

VBMI static size_t vbmi_next(const uint8_t *p, size_t len, size_t from, uint64_t *out_places) {
    const __m512i one = _mm512_loadu_si512(FIRST), two = _mm512_loadu_si512(SECOND);
    const __m512i above = _mm512_set1_epi8(0x7f), below = _mm512_set1_epi8(0x3f);
    for (; from < len && len - from > PAIRS_BLOCK; from += PAIRS_BLOCK) {
        __m512i x = _mm512_min_epu8(_mm512_loadu_si512(p + from), above);
        __m512i y = _mm512_max_epi8(_mm512_loadu_si512(p + from + 1), below);
        __m512i first = _mm512_permutexvar_epi8(x, one);
        if (_mm512_test_epi8_mask(first, _mm512_permutexvar_epi8(y, two)) != 0 &&
            avx512_next(p + from, PAIRS_BLOCK + 1, 0, out_places) == 0) {
            return from;
        }
    }
    *out_places = UINT64_MAX;
    return from;
}

#endif

/* ---- kernels --------------------------------------------------------------------------------- */

static const struct pairs_kernel kernels[] = {
#if defined(__x86_64__)
    {"vbmi", CPU_AVX512 | CPU_VBMI, vbmi_next},
    {"avx512", CPU_AVX512, avx512_next},
    {"avx2", CPU_AVX2, avx2_next},
#endif
#if VEC16_BUILT
    {VEC16_NAME, CPU_VEC16, vec16_next},
#endif
    {"plain", 0, plain_next},
};

const struct pairs_kernel *pairs_kernel_nth(unsigned n) {
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        if (cpu_has(kernels[i].needs) && n-- == 0) {
            return &kernels[i];
        }
    }
    return NULL;
}
