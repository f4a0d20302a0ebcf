// SPDX-License-Identifier: Apache-2.0
/*
 * Literal search for phase 2, where a few subsignatures of a touched signature are looked for in a
 * whole layer. memmem() is fast only on rare first bytes and knows no case folding.
 *
 * Two probes are compared at every place of a vector, the third where both stand, then the literal.
 * Probes may lie outside the literal (find_key_offer): machine code with wildcards has no literal
 * of more than two bytes, and those stand at every 500th place of any program; two rare bytes far
 * apart hardly ever do.
 *
 * Bytes are chosen by a table of how often each byte occurs in programs, scripts and compressed
 * data (log2 scale, measured over /usr of a Debian machine).
 */
#include "match/find.h"

#include <string.h>

#include "base/cpu.h"
#include "base/look.h"
#include "base/vec16.h"

/* 8 * log2 of relative frequency, shifted to start at 0, in bytes of programs, scripts, gzip. */
static const uint8_t commonness[256] = {
    45, 18, 11, 10, 10, 10, 5,  6,  14, 4,  24, 4,  5,  4,  11, 20, 13, 6,  3,  2,  4,  3,  2,  2,
    9,  1,  1,  1,  3,  2,  1,  9,  49, 2,  16, 6,  22, 6,  1,  25, 17, 17, 4,  5,  22, 12, 18, 4,
    12, 12, 6,  5,  5,  6,  4,  3,  7,  9,  12, 4,  4,  12, 4,  4,  8,  18, 7,  9,  15, 14, 7,  6,
    31, 16, 3,  4,  18, 9,  10, 7,  10, 2,  7,  12, 12, 7,  5,  5,  4,  2,  2,  9,  11, 9,  3,  20,
    6,  27, 13, 22, 21, 33, 21, 15, 16, 27, 3,  9,  25, 19, 27, 26, 21, 3,  28, 27, 31, 20, 12, 10,
    12, 13, 3,  4,  9,  4,  4,  2,  6,  3,  1,  15, 13, 12, 2,  1,  4,  24, 1,  21, 3,  17, 2,  1,
    5,  0,  1,  1,  3,  1,  0,  0,  2,  0,  0,  0,  2,  1,  0,  1,  2,  0,  0,  1,  1,  0,  0,  1,
    2,  0,  1,  1,  2,  0,  1,  1,  2,  0,  1,  1,  2,  1,  4,  2,  3,  2,  4,  1,  3,  2,  3,  2,
    11, 8,  4,  7,  3,  3,  5,  9,  3,  3,  1,  1,  1,  1,  1,  1,  4,  3,  3,  2,  0,  1,  1,  1,
    3,  2,  1,  3,  1,  2,  2,  6,  4,  2,  2,  2,  2,  1,  2,  3,  17, 8,  2,  7,  4,  4,  4,  5,
    5,  2,  2,  4,  2,  2,  5,  5,  7,  4,  4,  4,  4,  5,  7,  27,
};

#define COMMONEST 49u    /* the largest of them */
#define RARITY_BYTES 64u /* more make no difference */

static uint8_t lower(uint8_t b) {
    return b >= 'A' && b <= 'Z' ? b | 0x20 : b;
}

static bool is_letter(uint8_t b) {
    return lower(b) >= 'a' && lower(b) <= 'z';
}

uint32_t find_rarity(const uint8_t *lit, size_t len) {
    uint32_t sum = 0;
    for (size_t i = 0; i < len && i < RARITY_BYTES; i++) {
        sum += COMMONEST - commonness[lit[i]] + 1u;
    }
    return sum;
}

void find_key_offer(struct find_key *key, size_t at, uint8_t byte, bool nocase) {
    bool both = nocase && is_letter(byte);
    struct find_probe probe = {
        .at = at,
        .value = byte,
        .fold = both ? 0x20 : 0,
        .cost = both ? (uint8_t)(commonness[byte | 0x20] + 4u) : commonness[byte],
    };
    bool known = false; /* two probes that are one find what the third should */
    for (unsigned i = 0; i < FIND_PROBES; i++) {
        known = known || (key->probe[i].at == at && key->probe[i].cost != UINT8_MAX);
    }
    for (unsigned i = 0; i < FIND_PROBES && !known; i++) {
        if (probe.cost < key->probe[i].cost) {
            struct find_probe worse = key->probe[i];
            key->probe[i] = probe;
            probe = worse;
        }
    }
    key->reach = at >= key->reach ? at + 1 : key->reach;
}

void find_key_init(struct find_key *key, const uint8_t *lit, size_t len, size_t at, bool nocase) {
    *key = (struct find_key){.lit = lit, .len = len, .at = at, .nocase = nocase, .reach = at + len};
    for (unsigned i = 0; i < FIND_PROBES; i++) {
        key->probe[i].cost = UINT8_MAX;
    }
    for (size_t i = 0; i < len; i++) {
        find_key_offer(key, at + i, lit[i], nocase);
    }
    for (size_t i = len; i < FIND_PROBES; i++) { /* the same again: replaced by any other */
        key->probe[i] = key->probe[0];
        key->probe[i].cost = UINT8_MAX;
    }
}

static bool literal_equal(const struct find_key *key, const uint8_t *text) {
    if (!key->nocase) {
        return look_equal(text, key->lit, key->len);
    }
    for (size_t i = 0; i < key->len; i++) {
        if (lower(text[i]) != key->lit[i]) {
            return false;
        }
    }
    return true;
}

static bool probe_equal(const struct find_probe *probe, const uint8_t *place) {
    return (place[probe->at] | probe->fold) == probe->value;
}

bool find_equal(const struct find_key *key, const uint8_t *place) {
    for (unsigned i = 0; i < FIND_PROBES; i++) {
        if (!probe_equal(&key->probe[i], place)) {
            return false;
        }
    }
    return literal_equal(key, place + key->at);
}

static size_t find_next_scalar(const struct find_key *key, const uint8_t *p, size_t from,
                               size_t end) {
    const struct find_probe *rarest = &key->probe[0];
    while (from < end) {
        if (rarest->fold == 0) {
            const uint8_t *hit = memchr(p + from + rarest->at, rarest->value, end - from);
            if (hit == NULL) {
                return end;
            }
            from = (size_t)(hit - p) - rarest->at;
            if (from >= end) { /* the C library has loaded a byte twice, and it has changed */
                return end;
            }
        }
        if (find_equal(key, p + from)) {
            return from;
        }
        from++;
    }
    return end;
}

/* The first of the places from + (set bits) that is one; end: none. */
static inline size_t first_equal(const struct find_key *key, const uint8_t *p, size_t from,
                                 uint64_t bits, size_t end) {
    for (; bits != 0; bits &= bits - 1) {
        size_t at = from + (size_t)__builtin_ctzll(bits);
        if (find_equal(key, p + at)) {
            return at;
        }
    }
    return end;
}

#if VEC16_BUILT

/* A probe folded and as vectors. */
struct probe16 {
    const uint8_t *p;
    vec16 value, fold;
};

VEC16_INLINE struct probe16 probe16(const struct find_probe *probe, const uint8_t *p) {
    return (struct probe16){p + probe->at, vec16_splat(probe->value), vec16_splat(probe->fold)};
}

/* 255 where both stand, of sixteen places. */
VEC16_INLINE vec16 both16(const struct probe16 *a, const struct probe16 *b, size_t at) {
    return (vec16)((vec16_load(a->p + at) | a->fold) == a->value) &
           (vec16)((vec16_load(b->p + at) | b->fold) == b->value);
}

VEC16 static size_t find_next_vec16(const struct find_key *key, const uint8_t *p, size_t from,
                                    size_t end) {
    const struct probe16 a = probe16(&key->probe[0], p), b = probe16(&key->probe[1], p);
    for (; end - from >= 64; from += 64) {
        vec16 t0 = both16(&a, &b, from), t1 = both16(&a, &b, from + 16);
        vec16 t2 = both16(&a, &b, from + 32), t3 = both16(&a, &b, from + 48);
        if (vec16_any(t0 | t1 | t2 | t3)) {
            size_t at = first_equal(key, p, from, vec16_mask(t0, t1, t2, t3), end);
            if (at != end) {
                return at;
            }
        }
    }
    return find_next_scalar(key, p, from, end);
}

#endif

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx2,avx512f,avx512bw")))

AVX2 static size_t find_next_avx2(const struct find_key *key, const uint8_t *p, size_t from,
                                  size_t end) {
    const uint8_t *p0 = p + key->probe[0].at, *p1 = p + key->probe[1].at;
    const __m256i v0 = _mm256_set1_epi8((char)key->probe[0].value);
    const __m256i v1 = _mm256_set1_epi8((char)key->probe[1].value);
    const __m256i f0 = _mm256_set1_epi8((char)key->probe[0].fold);
    const __m256i f1 = _mm256_set1_epi8((char)key->probe[1].fold);
    for (; end - from >= 32; from += 32) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(p0 + from));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p1 + from));
        a = _mm256_cmpeq_epi8(_mm256_or_si256(a, f0), v0);
        b = _mm256_cmpeq_epi8(_mm256_or_si256(b, f1), v1);
        uint32_t bits = (uint32_t)_mm256_movemask_epi8(_mm256_and_si256(a, b));
        if (bits != 0) {
            size_t at = first_equal(key, p, from, bits, end);
            if (at != end) {
                return at;
            }
        }
    }
    return find_next_scalar(key, p, from, end);
}

/* A probe folded and as vectors. */
struct wide_probe {
    const uint8_t *p;
    __m512i value, fold;
};

AVX512 static inline struct wide_probe wide_probe(const struct find_probe *probe,
                                                  const uint8_t *p) {
    return (struct wide_probe){p + probe->at, _mm512_set1_epi8((char)probe->value),
                               _mm512_set1_epi8((char)probe->fold)};
}

AVX512 static inline uint64_t wide_equal(const struct wide_probe *w, size_t from, uint64_t where) {
    __m512i text = _mm512_maskz_loadu_epi8(where, w->p + from);
    return _mm512_mask_cmpeq_epi8_mask(where, _mm512_or_si512(text, w->fold), w->value);
}

/* 0 where the probe stands, of 64 places. */
AVX512 static inline __attribute__((always_inline)) __m512i wide_apart(const struct wide_probe *w,
                                                                       size_t from) {
    /* (text | fold) ^ value */
    return _mm512_ternarylogic_epi32(_mm512_loadu_si512(w->p + from), w->fold, w->value, 0x56);
}

struct wide_key {
    const struct find_key *key;
    const uint8_t *p;
    struct wide_probe probe[FIND_PROBES];
};

/* The first of 64 places where two probes stand (bits) that is one; end: none. */
AVX512 static inline size_t wide_first(const struct wide_key *w, size_t from, uint64_t bits,
                                       size_t end) {
    return bits == 0 ? end
                     : first_equal(w->key, w->p, from, wide_equal(&w->probe[2], from, bits), end);
}

/* Up to 64 places. */
AVX512 static inline size_t wide_block(const struct wide_key *w, size_t from, size_t end) {
    uint64_t where = end - from >= 64 ? UINT64_MAX : ((uint64_t)1 << (end - from)) - 1;
    uint64_t bits = wide_equal(&w->probe[0], from, where) & wide_equal(&w->probe[1], from, where);
    return wide_first(w, from, bits, end);
}

/* 0 where the first two probes stand, of 64 places. */
AVX512 static inline __attribute__((always_inline)) __m512i both_apart(const struct wide_key *w,
                                                                       size_t from) {
    return _mm512_or_si512(wide_apart(&w->probe[0], from), wide_apart(&w->probe[1], from));
}

/* 256 places at a time with one branch, and in vectors until then: with masks compared and moved to
 * registers one by one it took 1.6 times as long (Zen 5), gcc 12 keeping a loop over the four. But
 * the first 64 alone, for hits that follow each other. */
AVX512 static size_t find_next_avx512(const struct find_key *key, const uint8_t *p, size_t from,
                                      size_t end) {
    const struct wide_key w = {key,
                               p,
                               {wide_probe(&key->probe[0], p), wide_probe(&key->probe[1], p),
                                wide_probe(&key->probe[2], p)}};
    size_t at = wide_block(&w, from, end);
    for (from += 64; at == end && from < end && end - from >= 256; from += 256) {
        __m512i lower = _mm512_min_epu8(both_apart(&w, from), both_apart(&w, from + 64));
        __m512i upper = _mm512_min_epu8(both_apart(&w, from + 128), both_apart(&w, from + 192));
        __m512i least = _mm512_min_epu8(lower, upper);
        if (_mm512_testn_epi8_mask(least, least) == 0) {
            continue;
        }
        for (unsigned i = 0; i < 4 && at == end; i++) {
            at = wide_block(&w, from + 64 * (size_t)i, end);
        }
    }
    for (; at == end && from < end; from += 64) {
        at = wide_block(&w, from, end);
    }
    return at;
}

#endif

static const struct find_kernel kernels[] = {
#if defined(__x86_64__)
    {"avx512", CPU_AVX2 | CPU_AVX512, find_next_avx512},
    {"avx2", CPU_AVX2, find_next_avx2},
#endif
#if VEC16_BUILT
    {VEC16_NAME, CPU_VEC16, find_next_vec16},
#endif
    {"scalar", 0, find_next_scalar},
};

const struct find_kernel *find_kernel_nth(unsigned n) {
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        if (cpu_has(kernels[i].needs) && n-- == 0) {
            return &kernels[i];
        }
    }
    return NULL;
}

size_t find_next(const struct find_key *key, const uint8_t *p, size_t from, size_t end) {
    return from >= end ? end : find_kernel_nth(0)->next(key, p, from, end);
}
