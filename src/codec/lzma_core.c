// SPDX-License-Identifier: Apache-2.0
/*
 * The symbols of LZMA ("LZMA specification", I. Pavlov, 2015, public domain):
 *
 *     0 literal                              a byte, by the one before it and its place
 *     1 0 length, slot of distance, distance a match
 *     1 1 0 0                                one byte from the last distance
 *     1 1 0 1 length                         a match at the last distance
 *     1 1 1 (0 | 1 0 | 1 1) length           one at the distance before, and the two before that
 *
 * The bits of a symbol are foretold by `state`, which knows what the last symbols were: below 7,
 * the last was a literal. If not, a literal is most likely not the byte that follows in the match,
 * so that byte's bits choose among trees until the first that differs.
 *
 * The whole of the decoder's state is in `struct run`, a local variable that is taken apart into
 * registers, since all that works on it is inlined into the one loop. Symbols are not checked for
 * the end of input or room; the callers leave margins, and take a symbol back that read too much.
 * Copies are made by blocks and may write up to LZ_WINDOW_SPARE - 1 bytes too many.
 */
#include "codec/lzma_core.h"

#include <string.h>

#include "base/mem.h"

#define LITERAL_TREES 0x300u
#define LITERAL_STATES 7u
#define PROPS_MAX (9 * 5 * 5)
#define SLOTS_DIRECT 14u /* from here on a distance has bits of even odds */
#define SLOTS_PLAIN 4u
#define ALIGN_BITS 4u
#define MARK_DISTANCE UINT32_MAX

struct run {
    struct lz_range r;
    uint8_t *out;
    uint8_t *end;  /* of the room */
    uint8_t *buf;  /* the window's */
    size_t cap;    /* the same */
    size_t before; /* bytes a distance may reach at buf: of the round before */
    size_t dict;
    unsigned state;
    uint32_t rep0, rep1, rep2, rep3;
};

sk_err lz_core_props(struct lz_core *c, uint8_t props) {
    unsigned lc = props % 9u, lp = props / 9u % 5u, pb = props / 45u;
    if (props >= PROPS_MAX) {
        return sk_fail(SK_E_FORMAT);
    }
    if (c->literal == NULL || c->literal_bits < lc + lp) {
        mem_free(c->literal);
        c->literal = mem_alloc(((size_t)LITERAL_TREES << (lc + lp)) * sizeof(lz_prob));
        if (c->literal == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
    }
    c->literal_bits = lc + lp;
    c->lc = lc;
    c->literal_mask = (1u << lp) - 1;
    c->pos_mask = (1u << pb) - 1;
    return sk_ok();
}

void lz_core_reset(struct lz_core *c) {
    lz_prob *all = (lz_prob *)&c->probs;
    for (size_t i = 0; i < sizeof(c->probs) / sizeof(lz_prob); i++) {
        all[i] = LZ_PROB_ONE / 2;
    }
    for (size_t i = 0; i < (size_t)LITERAL_TREES << c->literal_bits; i++) {
        c->literal[i] = LZ_PROB_ONE / 2;
    }
    c->state = 0;
    memset(c->rep, 0, sizeof(c->rep));
    c->left = 0;
}

sk_err lz_core_start(struct lz_core *c, const uint8_t *in) {
    c->range.range = UINT32_MAX;
    c->range.code =
        (uint32_t)in[1] << 24 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 8 | (uint32_t)in[4];
    return in[0] == 0 ? sk_ok() : sk_fail(SK_E_FORMAT);
}

void lz_core_release(struct lz_core *c) {
    mem_free(c->literal);
    c->literal = NULL;
}

/* ---- copies ------------------------------------------------------------------------------- */

/* A period below 16: the first 16 bytes singly, then a multiple of it. */
static void copy_period(uint8_t *out, size_t distance, size_t len) {
    uint8_t *end = out + len;
    const uint8_t *from = out - distance;
    for (unsigned i = 0; i < 16; i++) {
        out[i] = from[i];
    }
    size_t wide = distance * ((15 + distance) / distance);
    for (out += 16; out < end; out += 16) {
        memcpy(out, out - wide, 16);
    }
}

/* Over the end of the ring. */
static void copy_round(struct run *x, size_t from, size_t len) {
    for (size_t i = 0; i < len; i++) {
        x->out[i] = x->buf[from];
        from = from + 1 == x->cap ? 0 : from + 1;
    }
}

/* len bytes, fewer than what there is room for; the distance is sound. */
LZ_INLINE void copy(struct run *x, size_t distance, size_t len) {
    size_t pos = (size_t)(x->out - x->buf);
    const uint8_t *from = x->out - distance;
    if (__builtin_expect(distance > pos, 0)) {
        size_t at = pos + x->cap - distance;
        if (x->cap - at < len || distance < 16) {
            copy_round(x, at, len);
            x->out += len;
            return;
        }
        from = x->buf + at;
    }
    uint8_t *out = x->out;
    x->out += len;
    if (distance < 16) {
        copy_period(out, distance, len);
        return;
    }
    do {
        memcpy(out, from, 16);
        memcpy(out + 16, from + 16, 16);
        out += 32;
        from += 32;
    } while (out < x->out);
}

LZ_INLINE uint8_t byte_at(const struct run *x, size_t distance) {
    size_t pos = (size_t)(x->out - x->buf);
    return x->buf[pos - distance + (distance > pos ? x->cap : 0)];
}

/* ---- parts of a symbol -------------------------------------------------------------------- */

LZ_INLINE void literal_plain(struct run *x, lz_prob *tree) {
    *x->out++ = (uint8_t)lz_tree(&x->r, tree, 8);
}

/* As lz_tree, but of the two that may come next each may lie in either of two trees. */
LZ_INLINE void literal_matched(struct run *x, lz_prob *tree) {
    uint32_t match = (uint32_t)byte_at(x, (size_t)x->rep0 + 1) << 1;
    uint32_t node = 1, agree = 0x100; /* 0 once a bit differed */
    lz_prob *prob = tree + agree + (match & agree) + node;
    uint32_t p = *prob;
#pragma GCC unroll 7
    for (unsigned i = 0; i < 7; i++) {
        uint32_t one = match & agree, none = agree ^ one;
        match <<= 1;
        uint32_t lower = tree[none + (match & none) + 2 * node];
        uint32_t next = tree[one + (match & one) + 2 * node + 1];
        uint32_t zero = lz_tree_bit_then(&x->r, prob, p, lower, &next);
        node = 2 * node + 1 + zero;
        agree &= one ^ zero;
        prob = tree + agree + (match & agree) + node;
        p = next;
    }
    *x->out++ = (uint8_t)(2 * node + 1 + lz_tree_bit(&x->r, prob));
}

LZ_INLINE uint32_t length(struct run *x, struct lz_len *len, unsigned pos_state) {
    if (!lz_bit(&x->r, &len->choice)) {
        return LZ_LEN_MIN - 8 + lz_tree(&x->r, len->low[pos_state], 3);
    }
    if (!lz_bit(&x->r, &len->second)) {
        return LZ_LEN_MIN + 8 - 8 + lz_tree(&x->r, len->mid[pos_state], 3);
    }
    return LZ_LEN_MIN + 16 - 256 + lz_tree(&x->r, len->high, 8);
}

/* Lowest bit first: what comes out is added to `value`. */
LZ_INLINE uint32_t reverse(struct run *x, lz_prob *tree, unsigned bits, uint32_t value) {
    uint32_t node = 1;
    for (unsigned i = 0; i < bits; i++) {
        uint32_t zero = lz_tree_bit(&x->r, tree + node);
        node = 2 * node + 1 + zero;
        value += (1u + zero) << i;
    }
    return value;
}

LZ_INLINE uint32_t distance(struct run *x, struct lz_probs *p, uint32_t len) {
    uint32_t by_len = len - LZ_LEN_MIN;
    lz_prob *tree = p->slot[by_len < LZ_LEN_STATES ? by_len : LZ_LEN_STATES - 1];
    uint32_t slot = lz_tree(&x->r, tree, 6) - 64;
    if (slot < SLOTS_PLAIN) {
        return slot;
    }
    unsigned bits = (slot >> 1) - 1;
    uint32_t high = 2 | (slot & 1);
    if (slot < SLOTS_DIRECT) {
        high <<= bits;
        return reverse(x, p->special + high - slot, bits, high);
    }
    high = lz_direct(&x->r, high, bits - ALIGN_BITS) << ALIGN_BITS;
    return reverse(x, p->align, ALIGN_BITS, high);
}

/* ---- symbols ------------------------------------------------------------------------------ */

LZ_INLINE void literal(struct run *x, const struct lz_core *c) {
    size_t pos = (size_t)(x->out - x->buf);
    uint32_t last = pos > 0 ? x->out[-1] : x->before > 0 ? x->buf[x->cap - 1] : 0;
    uint32_t low = (uint32_t)pos & c->literal_mask;
    lz_prob *tree = c->literal + (size_t)LITERAL_TREES * ((low << c->lc) + (last >> (8 - c->lc)));
    if (x->state < LITERAL_STATES) {
        literal_plain(x, tree);
        x->state = x->state < 4 ? 0 : x->state - 3;
    } else {
        literal_matched(x, tree);
        x->state = x->state < 10 ? x->state - 3 : x->state - 6;
    }
}

/* Which of the last distances; it becomes the last. */
LZ_INLINE void repeated(struct run *x, struct lz_probs *p) {
    uint32_t old = x->rep0;
    if (!lz_bit(&x->r, &p->rep1[x->state])) {
        x->rep0 = x->rep1;
    } else {
        if (!lz_bit(&x->r, &p->rep2[x->state])) {
            x->rep0 = x->rep2;
        } else {
            x->rep0 = x->rep3;
            x->rep3 = x->rep2;
        }
        x->rep2 = x->rep1;
    }
    x->rep1 = old;
}

/* The length of a match behind its first bit, 0 for damage or a mark. */
LZ_INLINE uint32_t match(struct run *x, struct lz_probs *p, unsigned pos_state) {
    if (!lz_bit(&x->r, &p->rep[x->state])) {
        uint32_t len = length(x, &p->match_len, pos_state);
        x->rep3 = x->rep2;
        x->rep2 = x->rep1;
        x->rep1 = x->rep0;
        x->rep0 = distance(x, p, len);
        x->state = x->state < LITERAL_STATES ? 7 : 10;
        return len;
    }
    if (!lz_bit(&x->r, &p->rep0[x->state])) {
        if (!lz_bit(&x->r, &p->rep0_long[x->state][pos_state])) {
            x->state = x->state < LITERAL_STATES ? 9 : 11;
            return 1;
        }
    } else {
        repeated(x, p);
    }
    x->state = x->state < LITERAL_STATES ? 8 : 11;
    return length(x, &p->rep_len, pos_state);
}

LZ_INLINE bool reaches(const struct run *x) {
    size_t known = (size_t)(x->out - x->buf) + x->before;
    return x->rep0 < known && x->rep0 < x->dict;
}

static enum lz_stop symbols(struct run *run, struct lz_core *c, const uint8_t *stop) {
    struct run x = *run;
    enum lz_stop why = LZ_STOP_ROOM;
    do {
        unsigned pos_state = (unsigned)(x.out - x.buf) & c->pos_mask;
        if (!lz_bit(&x.r, &c->probs.match[x.state][pos_state])) {
            literal(&x, c);
            continue;
        }
        uint32_t len = match(&x, &c->probs, pos_state);
        if (__builtin_expect(!reaches(&x), 0)) {
            why = x.rep0 == MARK_DISTANCE ? LZ_STOP_MARK : LZ_STOP_DAMAGE;
            break;
        }
        size_t room = (size_t)(x.end - x.out);
        c->left = len > room ? len - (uint32_t)room : 0;
        copy(&x, (size_t)x.rep0 + 1, len > room ? room : len);
    } while (x.out < x.end && x.r.in < stop);
    *run = x;
    return why;
}

enum lz_stop lz_core_run(struct lz_core *c, struct lz_window *w, size_t limit,
                         const uint8_t *stop) {
    struct run x = {.r = c->range,
                    .out = w->buf + w->pos,
                    .end = w->buf + limit,
                    .buf = w->buf,
                    .cap = w->cap,
                    .before = w->full - (w->full < w->pos ? w->full : w->pos),
                    .dict = w->dict,
                    .state = c->state,
                    .rep0 = c->rep[0],
                    .rep1 = c->rep[1],
                    .rep2 = c->rep[2],
                    .rep3 = c->rep[3]};
    enum lz_stop why = LZ_STOP_ROOM;
    if (c->left > 0) {
        size_t room = limit - w->pos;
        size_t len = c->left < room ? c->left : room;
        c->left -= (uint32_t)len;
        copy(&x, (size_t)x.rep0 + 1, len);
    } else if (stop == NULL) {
        why = symbols(&x, c, stop);
    }
    if (x.out < x.end && x.r.in < stop) {
        why = symbols(&x, c, stop);
    }
    c->range = x.r;
    c->state = x.state;
    c->rep[0] = x.rep0;
    c->rep[1] = x.rep1;
    c->rep[2] = x.rep2;
    c->rep[3] = x.rep3;
    lz_window_wrote(w, (size_t)(x.out - w->buf) - w->pos);
    return why;
}
