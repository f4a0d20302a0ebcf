// SPDX-License-Identifier: Apache-2.0
/*
 *   text:  . . . . . . . . . . . .      64 places at once: is one of them the rare pair?
 *               |pair|                  only then is the needle compared
 *
 * glibc's memmem hashes every second pair of bytes of the text for such short needles and runs at
 * one or two gigabytes a second; probes ask for a handful of needles in the same bytes of every
 * layer, which was 4 % of a scan of small files, and with vectors of sixteen bytes again 4 % of one
 * that had become twice as fast. Tried for tags: places of '<' from the bits of a block instead of
 * memchr (10 % slower); for "begin" two passes for rarer pairs (slower than one with more hits).
 */
#include "base/search.h"

#include <stdbool.h>
#include <string.h>

#include "base/cpu.h"

#define BLOCK ((size_t)64)

/* The first of `places` at which the pair stands, or `places`. There is one byte more. */
typedef size_t find_pair(const uint8_t *p, size_t places, const uint8_t *pair);

/* ---- AVX-512 ---- */

#if defined(__x86_64__)

#include <immintrin.h>

__attribute__((target("avx512f,avx512bw"))) static size_t find_wide(const uint8_t *p, size_t places,
                                                                    const uint8_t *pair) {
    const __m512i first = _mm512_set1_epi8((char)pair[0]);
    const __m512i second = _mm512_set1_epi8((char)pair[1]);
    for (size_t at = 0; at < places; at += BLOCK) {
        size_t left = places - at;
        __mmask64 there = left < BLOCK ? ((uint64_t)1 << left) - 1 : UINT64_MAX;
        __m512i a = _mm512_maskz_loadu_epi8(there, p + at);
        __m512i b = _mm512_maskz_loadu_epi8(there, p + at + 1);
        __mmask64 hit = _mm512_mask_cmpeq_epi8_mask(there, a, first);
        hit = _mm512_mask_cmpeq_epi8_mask(hit, b, second);
        if (hit != 0) {
            return at + (size_t)__builtin_ctzll(hit);
        }
    }
    return places;
}

#else

static find_pair *const find_wide = NULL; /* never asked for */

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

static size_t find_narrow(const uint8_t *p, size_t places, const uint8_t *pair) {
    for (size_t at = 0; at < places;) {
        if (places - at >= BLOCK && !any_pair(p + at, pair)) {
            at += BLOCK;
            continue;
        }
        size_t end = places - at > BLOCK ? at + BLOCK : places;
        for (; at < end; at++) {
            if (p[at] == pair[0] && p[at + 1] == pair[1]) {
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
    find_pair *find = cpu_has(CPU_AVX512) ? find_wide : find_narrow;
    const uint8_t *pair = (const uint8_t *)needle->bytes + needle->pair;
    size_t places = in.len - needle->len + 1;
    for (size_t at = 0; at < places; at++) {
        at += find(in.ptr + needle->pair + at, places - at, pair);
        if (at < places && memcmp(in.ptr + at, needle->bytes, needle->len) == 0) {
            return in.ptr + at;
        }
    }
    return NULL;
}
