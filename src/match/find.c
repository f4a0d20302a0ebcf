// SPDX-License-Identifier: Apache-2.0
/*
 * Literal search for phase 2, where a few subsignatures of a touched signature are looked for in a
 * whole layer. memmem() is fast only on rare first bytes and knows no case folding.
 *
 *   text:   . . . . . . . . . . . . . .
 *                 |rare[0]   |rare[1]      both bytes must be there; then the literal is compared
 *
 * Bytes are chosen by a table of how often each byte occurs in programs, scripts and compressed
 * data (log2 scale, measured over /usr of a Debian machine).
 */
#include "match/find.h"

#include <string.h>

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

static uint8_t lower(uint8_t b) {
    return b >= 'A' && b <= 'Z' ? b | 0x20 : b;
}

static bool is_letter(uint8_t b) {
    return lower(b) >= 'a' && lower(b) <= 'z';
}

static unsigned cost(const struct find_key *key, size_t i) {
    uint8_t b = key->lit[i];
    bool both = key->nocase && is_letter(b);
    return both ? commonness[b | 0x20] + 4u : commonness[b];
}

void find_key_init(struct find_key *key, const uint8_t *lit, size_t len, bool nocase) {
    *key = (struct find_key){.lit = lit, .len = len, .nocase = nocase};
    for (size_t i = 1; i < len; i++) {
        if (cost(key, i) < cost(key, key->rare[0])) {
            key->rare[0] = i;
        }
    }
    size_t second = key->rare[0] == 0 ? len - 1 : 0;
    for (size_t i = 0; i < len; i++) {
        if (i != key->rare[0] && cost(key, i) < cost(key, second)) {
            second = i;
        }
    }
    key->rare[1] = second;
    for (unsigned k = 0; k < 2; k++) {
        key->fold[k] = nocase && is_letter(lit[key->rare[k]]) ? 0x20 : 0;
    }
}

bool find_equal(const struct find_key *key, const uint8_t *text) {
    if (!key->nocase) {
        return memcmp(text, key->lit, key->len) == 0;
    }
    for (size_t i = 0; i < key->len; i++) {
        if (lower(text[i]) != key->lit[i]) {
            return false;
        }
    }
    return true;
}

size_t find_next_scalar(const struct find_key *key, const uint8_t *p, size_t from, size_t end) {
    size_t at = key->rare[0];
    uint8_t want = key->lit[at];
    while (from < end) {
        if (key->fold[0] == 0) {
            const uint8_t *hit = memchr(p + from + at, want, end - from);
            if (hit == NULL) {
                return end;
            }
            from = (size_t)(hit - p) - at;
        }
        if (find_equal(key, p + from)) {
            return from;
        }
        from++;
    }
    return end;
}

#if defined(__x86_64__)

#include <immintrin.h>

__attribute__((target("avx2"))) static __m256i equal_at(const struct find_key *key, unsigned k,
                                                        const uint8_t *p) {
    __m256i text = _mm256_loadu_si256((const __m256i *)(const void *)(p + key->rare[k]));
    text = _mm256_or_si256(text, _mm256_set1_epi8((char)key->fold[k]));
    return _mm256_cmpeq_epi8(text, _mm256_set1_epi8((char)(key->lit[key->rare[k]])));
}

__attribute__((target("avx2"))) static size_t
find_next_avx2(const struct find_key *key, const uint8_t *p, size_t from, size_t end) {
    for (; end - from >= 32; from += 32) {
        __m256i both = _mm256_and_si256(equal_at(key, 0, p + from), equal_at(key, 1, p + from));
        uint32_t bits = (uint32_t)_mm256_movemask_epi8(both);
        for (; bits != 0; bits &= bits - 1) {
            size_t at = from + (size_t)__builtin_ctz(bits);
            if (find_equal(key, p + at)) {
                return at;
            }
        }
    }
    return find_next_scalar(key, p, from, end);
}

size_t find_next(const struct find_key *key, const uint8_t *p, size_t from, size_t end) {
    if (from >= end) {
        return end;
    }
    return __builtin_cpu_supports("avx2") ? find_next_avx2(key, p, from, end)
                                          : find_next_scalar(key, p, from, end);
}

#else

size_t find_next(const struct find_key *key, const uint8_t *p, size_t from, size_t end) {
    return find_next_scalar(key, p, from, end);
}

#endif
