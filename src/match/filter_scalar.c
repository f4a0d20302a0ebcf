// SPDX-License-Identifier: Apache-2.0
/*
 * Reference kernel in portable C: what the others must equal, and what
 * machines without any of their vectors run.
 *
 * Group: results of 16 positions are shifted into one word and looked at once, because a
 * well-predicted branch per 16 beats a store or a branch per position (0.9-1.1 against 0.5-0.6
 * billion lookups a second when this was measured).
 */
#include "match/filter.h"

#include "match/foldhash.h"

#define BATCH 16u
#define FEW 200u

static inline uint32_t group_test(const uint32_t *bitmap, unsigned log2_words, const uint8_t *p,
                                  unsigned q) {
    uint32_t h = foldhash_bits(foldhash_load(p, q));
    uint32_t word = bitmap[foldhash_word(h, log2_words)];
    return word >> (h >> 4 & 31) & word >> (h >> 9 & 31) & 1;
}

/* q is a constant after inlining. */
static inline __attribute__((always_inline)) size_t
run_group(const struct plan_bitmap *g, const struct filter_span *span, unsigned q, uint32_t *out) {
    const uint32_t *bitmap = g->word;
    unsigned log2_words = g->log2_words;
    const uint8_t *p = span->p;
    uint32_t s = g->s, pos = span->first;
    uint32_t end = span->avail < q ? 0 : span->avail - q + 1;
    end = end < span->end ? end : span->end;
    size_t n = 0;
    while (pos + (BATCH - 1) * s < end) {
        uint32_t bits = 0;
        for (uint32_t k = 0; k < BATCH; k++) {
            bits |= group_test(bitmap, log2_words, p + pos + k * s, q) << k;
        }
        while (bits != 0) {
            out[n++] = pos + (uint32_t)__builtin_ctz(bits) * s;
            bits &= bits - 1;
        }
        pos += BATCH * s;
    }
    for (; pos < end; pos += s) {
        if (group_test(bitmap, log2_words, p + pos, q) != 0) {
            out[n++] = pos;
        }
    }
    return n;
}

static size_t scalar_group(const struct plan_bitmap *g, const struct filter_span *span,
                           uint32_t *out) {
    return g->q == 8 ? run_group(g, span, 8, out) : run_group(g, span, 4, out);
}

/* By the byte itself, and both halves at once. */
struct classes {
    uint16_t at[3][256];
};

static void load_classes(const struct plan_classes *c, struct classes *out) {
    for (unsigned n = 0; n < 3 * 256; n++) {
        unsigned i = n / 256, v = plan_class_index((uint8_t)n);
        unsigned second = c->halves > 1 ? c->cls[i][1][v] : 0;
        out->at[i][n % 256] = (uint16_t)((c->halves > 0 ? c->cls[i][0][v] : 0) | second << 8);
    }
}

/* What other kernels leave over, for which the tables above are not worth making. */
static size_t few_slow(const struct plan_classes *c, const uint8_t *p, uint32_t first, uint32_t end,
                       uint32_t *out) {
    size_t n = 0;
    for (uint32_t pos = first; pos < end; pos++) {
        unsigned any = 0;
        for (unsigned half = 0; half < c->halves; half++) {
            unsigned k = 0xff;
            for (unsigned i = 0; i < 3; i++) {
                k &= c->cls[i][half][plan_class_index(p[pos + i])];
            }
            any |= k;
        }
        out[n] = pos;
        n += any != 0;
    }
    return n;
}

static size_t scalar_slow(const struct plan_classes *c, const struct filter_span *span,
                          uint32_t *out) {
    uint32_t end = span->avail < 3 ? 0 : span->avail - 2;
    end = end < span->end ? end : span->end;
    if (end < span->first + FEW) {
        return few_slow(c, span->p, span->first, end, out);
    }
    struct classes classes;
    load_classes(c, &classes);
    size_t n = 0;
    for (uint32_t pos = span->first; pos < end; pos++) {
        const uint8_t *p = span->p + pos;
        out[n] = pos;
        n += (classes.at[0][p[0]] & classes.at[1][p[1]] & classes.at[2][p[2]]) != 0;
    }
    return n;
}

/* No branch on the outcome: most candidates of the nibble tables fail here. */
static size_t scalar_sift(const struct filter_sets *sets, const struct filter_span *span,
                          uint32_t *list, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t pos = list[i];
        list[kept] = pos;
        kept += filter_in_sets(sets, span, pos);
    }
    return kept;
}

static size_t scalar_marks(const struct filter_plan *plan, const struct filter_span *span,
                           uint32_t *out) {
    const struct plan_marks *marks = &plan->marks;
    uint32_t end = span->avail < 3 ? 0 : span->avail - 2;
    end = end < span->end ? end : span->end;
    size_t kept = 0;
    for (uint32_t pos = span->first; pos < end; pos++) {
        const uint8_t *p = span->p + pos;
        unsigned last = span->avail - pos > 3 ? p[3] & 127u : 0;
        unsigned pass = marks->cls[0][p[0] & 127u] & marks->cls[1][p[1] & 127u] &
                        marks->cls[2][p[2] & 127u] & marks->cls[3][last];
        if (pass != 0) {
            out[kept] = pos;
            kept +=
                filter_begins_mark(marks, span, pos) != 0 && filter_goes_on(marks, span, pos) != 0;
        }
    }
    return kept;
}

const struct filter_kernel filter_kernel_scalar = {"scalar",    0,           scalar_group,
                                                   scalar_slow, scalar_sift, scalar_marks};
