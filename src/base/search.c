// SPDX-License-Identifier: Apache-2.0
/*
 *   text:  . . . . . . . . . . . .      64 places at once: is one of them the rare pair?
 *               |pair|                  only then is the needle compared, place by place
 *
 * glibc's memmem hashes every second pair of bytes of the text for such short needles and runs at
 * one or two gigabytes a second; probes ask for a handful of needles in the same bytes of every
 * layer, which was 4 % of a scan of small files. Plain vectors of the compiler: sixteen bytes are
 * what every x86-64 and ARM has, and heads are too short for wider ones to be felt.
 */
#include "base/search.h"

#include <stdbool.h>
#include <string.h>

#define VECTOR 16
#define BLOCK ((size_t)64)
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

const uint8_t *sk_search(struct sk_bytes in, const struct sk_needle *needle) {
    if (in.len < needle->len) {
        return NULL;
    }
    const uint8_t *pair = (const uint8_t *)needle->bytes + needle->pair;
    size_t places = in.len - needle->len + 1;
    for (size_t at = 0; at < places;) {
        size_t end = places - at > BLOCK ? at + BLOCK : places;
        const uint8_t *p = in.ptr + needle->pair;
        if (in.len - needle->pair - at > BLOCK && !any_pair(p + at, pair)) {
            at = end;
            continue;
        }
        for (; at < end; at++) {
            if (p[at] == pair[0] && memcmp(in.ptr + at, needle->bytes, needle->len) == 0) {
                return in.ptr + at;
            }
        }
    }
    return NULL;
}
