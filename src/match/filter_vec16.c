// SPDX-License-Identifier: Apache-2.0
/*
 * Kernel for vectors of sixteen bytes: SSE4.2 and NEON.
 *
 *   groups     four windows a vector, four vectors a turn. Hashing is done in vectors; there is no
 *              gather, so words of the bitmap are fetched one by one and put together again; the
 *              two bits are looked at in vectors, and once for sixteen windows
 *   slow set   64 places a turn by the nibble tables, as in filter_avx2.c
 *
 * Windows that lie up to four bytes apart come out of one load by a byte shuffle; eight bytes
 * apart, of eight bytes (the common menu), out of two loads; others are loaded one by one.
 */
#include "match/filter.h"

#include "base/cpu.h"
#include "base/vec16.h"
#include "match/foldhash.h"

#if VEC16_BUILT

#define WINDOWS 4u
#define TURN 16u
#define PLACES 64u

struct windows {
    vec16_u32 lo;
    vec16_u32 hi;
};

/* How the windows of a vector are loaded: s, q and far constant after inlining. */
struct loader {
    uint32_t q, s;
    vec16 near; /* byte shuffle that puts four windows s <= 4 apart side by side */
};

VEC16_INLINE vec16 near_shuffle(uint32_t s) {
    uint8_t m[16];
    for (uint32_t i = 0; i < 16; i++) {
        m[i] = (uint8_t)(i / 4 * s + i % 4);
    }
    return vec16_load(m);
}

VEC16_INLINE vec16_u32 load_far(const uint8_t *p, uint32_t s) {
    uint32_t w[WINDOWS];
    for (uint32_t i = 0; i < WINDOWS; i++) {
        memcpy(&w[i], p + (size_t)i * s, sizeof(w[i]));
    }
    return (vec16_u32){w[0], w[1], w[2], w[3]};
}

VEC16_INLINE struct windows load_windows(const struct loader *l, const uint8_t *p) {
    struct windows w;
    if (l->s <= 4) {
        w.lo = (vec16_u32)vec16_look(vec16_load(p), l->near);
        w.hi = l->q == 8 ? (vec16_u32)vec16_look(vec16_load(p + 4), l->near) : w.lo;
    } else if (l->s == 8 && l->q == 8) {
        vec16_u32 a = (vec16_u32)vec16_load(p), b = (vec16_u32)vec16_load(p + 16);
        w.lo = __builtin_shufflevector(a, b, 0, 2, 4, 6);
        w.hi = __builtin_shufflevector(a, b, 1, 3, 5, 7);
    } else {
        w.lo = load_far(p, l->s);
        w.hi = l->q == 8 ? load_far(p + 4, l->s) : w.lo;
    }
    return w;
}

/* How far past the first window's start the loads of a turn reach. */
static uint32_t load_reach(uint32_t q, uint32_t s) {
    uint32_t direct = (TURN - 1) * s + q;
    uint32_t shuffled = (TURN - WINDOWS) * s + (q == 8 ? 4 : 0) + 16;
    return s <= 4 && shuffled > direct ? shuffled : direct;
}

/* All bits of word k: window k does not pass. */
VEC16_INLINE vec16_u32 test_windows(const struct plan_bitmap *g, uint32_t q, struct windows w) {
    const vec16_u32 fold = vec16_splat_u32((uint32_t)FOLDHASH_FOLD);
    const vec16_u32 low5 = vec16_splat_u32(31u << 23);
    vec16_u32 h = (w.lo | fold) * vec16_splat_u32(FOLDHASH_LO);
    if (q == 8) {
        h += (w.hi | fold) * vec16_splat_u32(FOLDHASH_HI);
    }
    vec16_u32 at = h >> 1 >> (31 - g->log2_words); /* in two steps: log2_words may be 0 */
    vec16_u32 word = {g->word[at[0]], g->word[at[1]], g->word[at[2]], g->word[at[3]]};
    vec16_u32 both = vec16_bit(h << 19 & low5) | vec16_bit(h << 14 & low5);
    return (vec16_u32)((word & both) == both);
}

VEC16_INLINE size_t emit(uint64_t bits, uint32_t pos, uint32_t s, uint32_t *out) {
    size_t n = 0;
    while (bits != 0) {
        out[n++] = pos + (uint32_t)__builtin_ctzll(bits) * s;
        bits &= bits - 1;
    }
    return n;
}

VEC16_INLINE size_t run_group(const struct plan_bitmap *g, const struct filter_span *span,
                              uint32_t q, uint32_t s, uint32_t *out) {
    const struct loader l = {q, s, near_shuffle(s <= 4 ? s : 1)};
    uint32_t pos = span->first, reach = load_reach(q, s);
    uint32_t end = span->avail < reach ? 0 : span->avail - reach + 1;
    uint32_t last = span->end < (TURN - 1) * s ? 0 : span->end - (TURN - 1) * s;
    end = end < last ? end : last;
    size_t n = 0, far = (size_t)WINDOWS * s;
    for (; pos < end; pos += TURN * s) {
        const uint8_t *p = span->p + pos;
        vec16_u32 a = test_windows(g, q, load_windows(&l, p));
        vec16_u32 b = test_windows(g, q, load_windows(&l, p + far));
        vec16_u32 c = test_windows(g, q, load_windows(&l, p + 2 * far));
        vec16_u32 d = test_windows(g, q, load_windows(&l, p + 3 * far));
        if (__builtin_expect(vec16_any((vec16)(a | b | c | d)), 0)) {
            n += emit(vec16_mask_u32(a, b, c, d), pos, s, out + n);
        }
    }
    struct filter_span rest = *span;
    rest.first = pos;
    return n + filter_kernel_scalar.group(g, &rest, out + n);
}

VEC16 static size_t vec16_group(const struct plan_bitmap *g, const struct filter_span *span,
                                uint32_t *out) {
    if (g->q == 8 && g->s == 8) {
        return run_group(g, span, 8, 8, out);
    }
    if (g->q == 4 && g->s == 3) {
        return run_group(g, span, 4, 3, out);
    }
    if (g->q == 4 && g->s == 4) {
        return run_group(g, span, 4, 4, out);
    }
    return run_group(g, span, g->q, g->s, out);
}

/* ---- slow set -------------------------------------------------------------------------------- */

struct half {
    vec16 lo[3], hi[3];
};

VEC16_INLINE struct half load_half(const struct plan_classes *c, unsigned half) {
    struct half h;
    for (unsigned i = 0; i < 3; i++) {
        h.lo[i] = vec16_load(c->lo[half][i]);
        h.hi[i] = vec16_load(c->hi[half][i]);
    }
    return h;
}

VEC16_INLINE vec16 classes_of_byte(const struct half *h, unsigned i, const uint8_t *p) {
    vec16 b = vec16_load(p + i) | vec16_splat(0x20);
    return vec16_look(h->lo[i], b & vec16_splat(15)) & vec16_look(h->hi[i], b >> 4);
}

VEC16_INLINE vec16 classes_of(const struct half *h, const uint8_t *p) {
    return classes_of_byte(h, 0, p) & classes_of_byte(h, 1, p) & classes_of_byte(h, 2, p);
}

/* 255 where one of sixteen neighbouring places passes. */
VEC16_INLINE vec16 passing(const struct half *a, const struct half *b, const uint8_t *p) {
    vec16 t = classes_of(a, p);
    t |= a != b ? classes_of(b, p) : t;
    return (vec16)(t != 0);
}

/* halves: a constant after inlining. */
VEC16_INLINE size_t slow_halves(const struct plan_classes *c, unsigned halves,
                                const struct filter_span *span, uint32_t *out) {
    const struct half half[2] = {load_half(c, 0), load_half(c, halves - 1)};
    const struct half *a = &half[0], *b = &half[halves - 1];
    uint32_t pos = span->first;
    uint32_t end = span->avail < PLACES + 2 ? 0 : span->avail - (PLACES + 1);
    uint32_t last = span->end < PLACES - 1 ? 0 : span->end - (PLACES - 1);
    end = end < last ? end : last;
    size_t n = 0;
    for (; pos < end; pos += PLACES) {
        const uint8_t *p = span->p + pos;
        uint64_t bits = vec16_mask(passing(a, b, p), passing(a, b, p + 16), passing(a, b, p + 32),
                                   passing(a, b, p + 48));
        n += emit(bits, pos, 1, out + n);
    }
    struct filter_span rest = *span;
    rest.first = pos;
    return n + filter_kernel_scalar.slow(c, &rest, out + n);
}

VEC16 static size_t vec16_slow(const struct plan_classes *c, const struct filter_span *span,
                               uint32_t *out) {
    return c->halves > 1 ? slow_halves(c, 2, span, out) : slow_halves(c, 1, span, out);
}

const struct filter_kernel filter_kernel_vec16 = {VEC16_NAME, CPU_VEC16, vec16_group,
                                                  vec16_slow, NULL,      NULL};

#endif
