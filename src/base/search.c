// SPDX-License-Identifier: Apache-2.0
/*
 *   text:  . . . . . . . . . . . .      64 places at once: is one of them the rare pair?
 *               |pair|                  only then is the needle compared
 *
 * glibc's memmem hashes every second pair of bytes of the text for such short needles and runs at
 * one or two gigabytes a second; probes ask for a handful of needles in the same bytes of every
 * layer, which was 4 % of a scan of small files, and with vectors of sixteen bytes again 4 % of one
 * that had become twice as fast, 4 % of C headers again until one branch was for 256 places and
 * common pairs ("gi") were gone over without a call. Tried for tags: places of '<' from the bits of
 * a block instead of memchr (10 % slower); for "begin" two passes for rarer pairs (slower than one
 * with more hits).
 */
#include "base/search.h"

#include <stdbool.h>
#include <string.h>

#include "base/cpu.h"

#define BLOCK ((size_t)64)

/* The first of `places` at which the needle stands, or `places`. */
typedef size_t find_needle(const uint8_t *p, size_t places, const struct sk_needle *needle);

static inline bool stands(const uint8_t *p, const struct sk_needle *needle) {
    return p[0] == (uint8_t)needle->bytes[0] && memcmp(p, needle->bytes, needle->len) == 0;
}

/* ---- AVX-512 ---- */

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw")))

struct wide_pair {
    __m512i first, second;
};

AVX512 static inline uint64_t pairs(const struct wide_pair *w, const uint8_t *p) {
    __mmask64 hit = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p), w->first);
    return _mm512_mask_cmpeq_epi8_mask(hit, _mm512_loadu_si512(p + 1), w->second);
}

/* Of the first `left` places, less than 64. */
AVX512 static inline uint64_t pairs_of(const struct wide_pair *w, const uint8_t *p, size_t left) {
    __mmask64 there = ((uint64_t)1 << left) - 1;
    __mmask64 hit = _mm512_mask_cmpeq_epi8_mask(there, _mm512_maskz_loadu_epi8(there, p), w->first);
    return _mm512_mask_cmpeq_epi8_mask(hit, _mm512_maskz_loadu_epi8(there, p + 1), w->second);
}

/* Of the places at + (set bits). */
static inline size_t first_of(const uint8_t *p, size_t at, uint64_t bits, size_t places,
                              const struct sk_needle *needle) {
    for (; bits != 0; bits &= bits - 1) {
        size_t place = at + (size_t)__builtin_ctzll(bits);
        if (stands(p + place, needle)) {
            return place;
        }
    }
    return places;
}

AVX512 static size_t find_wide(const uint8_t *p, size_t places, const struct sk_needle *needle) {
    const uint8_t *pair = (const uint8_t *)needle->bytes + needle->pair, *q = p + needle->pair;
    const struct wide_pair w = {_mm512_set1_epi8((char)pair[0]), _mm512_set1_epi8((char)pair[1])};
    size_t at = 0, found = places;
    for (; places - at >= 4 * BLOCK && found == places; at += 4 * BLOCK) {
        uint64_t a = pairs(&w, q + at), b = pairs(&w, q + at + BLOCK);
        uint64_t c = pairs(&w, q + at + 2 * BLOCK), d = pairs(&w, q + at + 3 * BLOCK);
        if ((a | b | c | d) != 0) {
            const uint64_t bits[4] = {a, b, c, d};
            for (size_t i = 0; i < 4 && found == places; i++) {
                found = first_of(p, at + i * BLOCK, bits[i], places, needle);
            }
        }
    }
    for (; at < places && found == places; at += BLOCK) {
        size_t left = places - at;
        uint64_t bits = left < BLOCK ? pairs_of(&w, q + at, left) : pairs(&w, q + at);
        found = first_of(p, at, bits, places, needle);
    }
    return found;
}

#else

static find_needle *const find_wide = NULL; /* never asked for */

#endif

/* ---- vectors of the compiler: sixteen bytes are what every x86-64 and ARM has ---- */

#define VECTOR 16
typedef uint8_t lanes __attribute__((vector_size(VECTOR)));
typedef uint64_t words __attribute__((vector_size(VECTOR)));

static inline lanes pair_in(const uint8_t *p, const uint8_t *pair) {
    lanes a, b;
    memcpy(&a, p, sizeof(a));
    memcpy(&b, p + 1, sizeof(b));
    return (lanes)(a == pair[0]) & (lanes)(b == pair[1]);
}

/* Does the pair start in p[0 .. BLOCK)? Reads one byte more. */
static inline bool any_pair(const uint8_t *p, const uint8_t *pair) {
    lanes hit = pair_in(p, pair) | pair_in(p + VECTOR, pair) | pair_in(p + 2 * VECTOR, pair) |
                pair_in(p + 3 * VECTOR, pair);
    words w;
    memcpy(&w, &hit, sizeof(w));
    return (w[0] | w[1]) != 0;
}

static size_t find_narrow(const uint8_t *p, size_t places, const struct sk_needle *needle) {
    const uint8_t *pair = (const uint8_t *)needle->bytes + needle->pair, *q = p + needle->pair;
    for (size_t at = 0; at < places;) {
        if (places - at >= BLOCK && !any_pair(q + at, pair)) {
            at += BLOCK;
            continue;
        }
        size_t end = places - at > BLOCK ? at + BLOCK : places;
        for (; at < end; at++) {
            if (q[at] == pair[0] && q[at + 1] == pair[1] && stands(p + at, needle)) {
                return at;
            }
        }
    }
    return places;
}

/* ---- the needle ---- */

const uint8_t *sk_search(struct sk_bytes in, const struct sk_needle *needle) {
    if (in.len < needle->len) {
        return NULL;
    }
    find_needle *find = cpu_has(CPU_AVX512) ? find_wide : find_narrow;
    size_t places = in.len - needle->len + 1;
    size_t at = find(in.ptr, places, needle);
    return at < places ? in.ptr + at : NULL;
}
