// SPDX-License-Identifier: Apache-2.0
/*
 * Runs one part program (enum mt_op) at one position of a layer.
 *
 * Programs have no loops: the program counter only moves forward, except when a choice is taken
 * back, so a run ends. Alternatives backtrack on an explicit stack:
 *
 *   ALT (a | bc | d) X        choice: next alternative, text position, continuation
 *        |                    node:   "after this alternative go on at X", linked to its parent
 *        +-> run a with node -> end of a -> X -> end of program: match
 *            mismatch anywhere -> newest choice: next alternative from the saved position
 *
 * Nodes are never changed, so several choices may share them; the node stack is cut back to the
 * newest choice's node when that choice is resumed. After a match the choices that are left stay on
 * the stack: pattern_match_next takes them up to find another end.
 *
 * The program may be hostile: every operand is read through a cursor bounded by the enclosing
 * alternative, and anything that does not fit is SK_E_FORMAT.
 */
#include "match/pattern.h"

#include <string.h>

#include "base/cursor.h"
#include "match/bound.h"
#include "match/find.h"

#define NO_NODE UINT32_MAX
#define SET_BYTES 32u /* a bit for each value */

struct state {
    uint32_t pc;
    uint32_t limit; /* end of the program or of the alternative being run */
    uint32_t node;  /* continuation, or NO_NODE */
    uint64_t pos;
};

enum outcome { GO_ON, MISMATCH, FAILED };

static enum outcome damaged(struct pattern_run *run) {
    run->err = sk_fail(SK_E_FORMAT);
    return FAILED;
}

static enum outcome decide(struct pattern_run *run, bool equal) {
    if (sk_failed(run->err)) {
        return FAILED;
    }
    return equal ? GO_ON : MISMATCH;
}

static uint8_t lower(uint8_t b) {
    return b >= 'A' && b <= 'Z' ? b | 0x20 : b;
}

static bool equal_nocase(const uint8_t *text, const uint8_t *lit, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (lower(text[i]) != lit[i]) {
            return false;
        }
    }
    return true;
}

/* pairs: n x (value, mask). */
static bool equal_masked(const uint8_t *text, const uint8_t *pairs, size_t n, bool nocase) {
    for (size_t i = 0; i < n; i++) {
        uint8_t b = nocase && pairs[2 * i + 1] == 0xff ? lower(text[i]) : text[i];
        if ((b & pairs[2 * i + 1]) != pairs[2 * i]) {
            return false;
        }
    }
    return true;
}

static enum outcome op_literal(struct pattern_run *run, struct sk_cursor *c, struct state *st,
                               uint8_t op) {
    uint16_t n = sk_cursor_u16le(c);
    const uint8_t *operand = sk_cursor_take(c, op == MT_OP_MASK ? (size_t)n * 2 : n);
    if (operand == NULL || !sk_cursor_ok(c)) {
        return damaged(run);
    }
    if (!pattern_spend(run, 1 + n / 16)) {
        return FAILED;
    }
    if (n == 0) {
        return GO_ON;
    }
    const uint8_t *text = pattern_bytes(run, st->pos, n);
    if (text == NULL) {
        return decide(run, false);
    }
    bool equal = op == MT_OP_LIT    ? memcmp(text, operand, n) == 0
                 : op == MT_OP_LITI ? equal_nocase(text, operand, n)
                                    : equal_masked(text, operand, n, false);
    st->pos += n;
    return decide(run, equal);
}

static enum outcome op_skip(struct pattern_run *run, struct sk_cursor *c, struct state *st) {
    uint16_t n = sk_cursor_u16le(c);
    if (!sk_cursor_ok(c)) {
        return damaged(run);
    }
    bool fits = st->pos <= run->src->size && n <= run->src->size - st->pos;
    st->pos += n;
    return decide(run, fits);
}

static enum outcome op_set(struct pattern_run *run, struct sk_cursor *c, struct state *st) {
    const uint8_t *set = sk_cursor_take(c, SET_BYTES);
    if (set == NULL) {
        return damaged(run);
    }
    const uint8_t *text = pattern_bytes(run, st->pos, 1);
    st->pos += 1;
    return decide(run, text != NULL && (set[*text >> 3] >> (*text & 7) & 1) != 0);
}

static enum outcome op_fixed(struct pattern_run *run, struct sk_cursor *c, struct state *st) {
    bool negated = sk_cursor_u8(c) != 0, nocase = sk_cursor_u8(c) != 0;
    uint16_t n = sk_cursor_u16le(c), count = sk_cursor_u16le(c);
    uint64_t each = (uint64_t)n * 2;
    const uint8_t *pairs = sk_cursor_take(c, (size_t)(each * count));
    if (pairs == NULL || n == 0) {
        return damaged(run);
    }
    if (!pattern_spend(run, 1 + count)) {
        return FAILED;
    }
    const uint8_t *text = pattern_bytes(run, st->pos, n);
    if (text == NULL) {
        return decide(run, false);
    }
    bool any = false;
    for (size_t i = 0; i < count && !any; i++) {
        any = equal_masked(text, pairs + i * each, n, nocase);
    }
    st->pos += n;
    return decide(run, any != negated);
}

/* The edge of the layer is a boundary of every kind. */
static enum outcome op_bound(struct pattern_run *run, struct sk_cursor *c, struct state *st) {
    uint8_t kind = sk_cursor_u8(c);
    bool negated = sk_cursor_u8(c) != 0;
    uint8_t side = sk_cursor_u8(c);
    if (!sk_cursor_ok(c) || (kind != 'B' && kind != 'L' && kind != 'W') || side > MT_SIDE_RIGHT) {
        return damaged(run);
    }
    bool left = side == MT_SIDE_LEFT;
    if (left ? st->pos == 0 : st->pos >= run->src->size) {
        return decide(run, !negated);
    }
    const uint8_t *text = pattern_bytes(run, left ? st->pos - 1 : st->pos, 1);
    if (text == NULL) {
        return decide(run, false);
    }
    bool is = bound_is(kind, (enum mt_side)side, *text);
    if (kind == 'L' && !left && *text == '\r') {
        text = pattern_bytes(run, st->pos, 2);
        is = text != NULL && text[1] == '\n';
    }
    return decide(run, is != negated);
}

/* A byte with `min` to `max` others between it and the position, inside the layer. */
static enum outcome op_near(struct pattern_run *run, struct sk_cursor *c, const struct state *st) {
    uint8_t side = sk_cursor_u8(c);
    uint64_t min = sk_cursor_u8(c), max = sk_cursor_u8(c);
    uint8_t value = sk_cursor_u8(c), mask = sk_cursor_u8(c);
    if (!sk_cursor_ok(c) || side > MT_SIDE_RIGHT) {
        return damaged(run);
    }
    bool left = side == MT_SIDE_LEFT;
    uint64_t room = left ? st->pos : run->src->size - st->pos;
    max = max < room ? max : room - 1;
    if (room == 0 || min > max) {
        return decide(run, false);
    }
    uint64_t first = left ? st->pos - 1 - max : st->pos + min;
    size_t n = (size_t)(max - min + 1);
    const uint8_t *text = pattern_bytes(run, first, n);
    bool any = false;
    for (size_t i = 0; text != NULL && i < n && !any; i++) {
        any = (text[i] & mask) == value;
    }
    return decide(run, any);
}

/* Runs the alternative whose length stands at choice.pc; leaves a choice for the ones after it. */
static enum outcome enter_alternative(struct pattern_run *run, const struct pattern_prog *prog,
                                      struct pattern_choice choice, struct state *st) {
    uint32_t limit = run->node[choice.node].pc; /* alternatives end where the program goes on */
    struct sk_cursor c = sk_cursor_make(prog->code + choice.pc, limit - choice.pc);
    uint16_t len = sk_cursor_u16le(&c);
    if (!sk_cursor_ok(&c) || len > sk_cursor_left(&c)) {
        return damaged(run);
    }
    *st = (struct state){choice.pc + 2, choice.pc + 2 + len, choice.node, choice.pos};
    if (choice.left > 1) {
        if (run->choice_count == PATTERN_CHOICE_MAX) {
            run->err = sk_fail(SK_E_LIMIT);
            return FAILED;
        }
        choice.pc = st->limit;
        choice.left--;
        run->choice[run->choice_count++] = choice;
    }
    return GO_ON;
}

/* c stands behind the operation byte of an ALT. */
static enum outcome op_alt(struct pattern_run *run, const struct pattern_prog *prog,
                           struct sk_cursor *c, struct state *st) {
    uint16_t count = sk_cursor_u16le(c);
    uint32_t first = st->pc + (uint32_t)c->pos;
    for (unsigned i = 0; i < count; i++) {
        uint16_t len = sk_cursor_u16le(c);
        (void)sk_cursor_take(c, len);
    }
    if (!sk_cursor_ok(c) || count == 0) {
        return damaged(run);
    }
    if (!pattern_spend(run, 1 + count)) {
        return FAILED;
    }
    if (run->node_count == PATTERN_NODE_MAX) {
        run->err = sk_fail(SK_E_LIMIT);
        return FAILED;
    }
    uint32_t node = run->node_count++;
    run->node[node] = (struct pattern_node){st->pc + (uint32_t)c->pos, st->limit, st->node};
    struct pattern_choice choice = {first, count, node, st->pos};
    return enter_alternative(run, prog, choice, st);
}

static enum outcome step(struct pattern_run *run, const struct pattern_prog *prog,
                         struct state *st) {
    struct sk_cursor c = sk_cursor_make(prog->code + st->pc, st->limit - st->pc);
    uint8_t op = sk_cursor_u8(&c);
    enum outcome out;
    switch (op) {
    case MT_OP_LIT:
    case MT_OP_LITI:
    case MT_OP_MASK:
        out = op_literal(run, &c, st, op);
        break;
    case MT_OP_SKIP:
        out = op_skip(run, &c, st);
        break;
    case MT_OP_SET:
        out = op_set(run, &c, st);
        break;
    case MT_OP_FIXED:
        out = op_fixed(run, &c, st);
        break;
    case MT_OP_BOUND:
        out = op_bound(run, &c, st);
        break;
    case MT_OP_NEAR:
        out = op_near(run, &c, st);
        break;
    case MT_OP_ALT:
        return op_alt(run, prog, &c, st);
    default:
        return damaged(run);
    }
    st->pc += (uint32_t)c.pos;
    return out;
}

/* Takes back to the newest choice. False: none is left. */
static bool take_back(struct pattern_run *run, const struct pattern_prog *prog, struct state *st) {
    if (run->choice_count == 0) {
        return false;
    }
    struct pattern_choice choice = run->choice[--run->choice_count];
    run->node_count = choice.node + 1;
    return enter_alternative(run, prog, choice, st) == GO_ON;
}

static bool go(struct pattern_run *run, const struct pattern_prog *prog, struct state *st,
               uint64_t *out_end) {
    for (;;) {
        if (st->pc == st->limit) {
            if (st->node == NO_NODE) {
                *out_end = st->pos;
                return true;
            }
            const struct pattern_node *node = &run->node[st->node];
            *st = (struct state){node->pc, node->limit, node->parent, st->pos};
            continue;
        }
        enum outcome out = pattern_spend(run, 1) ? step(run, prog, st) : FAILED;
        if (out == FAILED || (out == MISMATCH && !take_back(run, prog, st))) {
            return false;
        }
    }
}

bool pattern_match(struct pattern_run *run, const struct pattern_prog *prog, uint64_t pos,
                   uint64_t *out_end) {
    run->choice_count = 0;
    run->node_count = 0;
    struct state st = {prog->start, prog->end, NO_NODE, pos};
    return go(run, prog, &st, out_end);
}

bool pattern_match_next(struct pattern_run *run, const struct pattern_prog *prog,
                        uint64_t *out_end) {
    struct state st;
    return take_back(run, prog, &st) && go(run, prog, &st, out_end);
}

/* ---- fixed bytes ----------------------------------------------------------------------------- */

/* Literal and fully masked bytes of an operation that starts at `at`. */
static void offer_bytes(struct find_key *key, uint32_t at, uint8_t op, const uint8_t *operand,
                        uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (op != MT_OP_MASK) {
            find_key_offer(key, at + i, operand[i], op == MT_OP_LITI);
        } else if (operand[2 * i + 1] == 0xff) {
            find_key_offer(key, at + i, operand[2 * i], false);
        }
    }
}

#define OFFER_OPS_MAX 64u

/* An operation of a known length whose bytes are not known: how many it takes. False: another one.
 */
static bool skip_unknown(struct sk_cursor *c, uint8_t op, uint32_t *out_len) {
    if (op == MT_OP_SKIP) {
        *out_len = sk_cursor_u16le(c);
        return true;
    }
    if (op == MT_OP_SET) {
        (void)sk_cursor_take(c, SET_BYTES);
        *out_len = 1;
        return true;
    }
    if (op == MT_OP_FIXED) {
        (void)sk_cursor_take(c, 2); /* negated, any case */
        *out_len = sk_cursor_u16le(c);
        uint16_t count = sk_cursor_u16le(c);
        (void)sk_cursor_take(c, (size_t)count * *out_len * 2);
        return true;
    }
    return false;
}

void pattern_offer_fixed(const struct pattern_prog *prog, uint32_t most, struct find_key *key) {
    uint32_t at = 0, n = 0;
    unsigned ops = 0;
    struct sk_cursor c = sk_cursor_make(prog->code + prog->start, prog->end - prog->start);
    while (at < most && sk_cursor_left(&c) > 0 && ops++ < OFFER_OPS_MAX) {
        uint8_t op = sk_cursor_u8(&c);
        const uint8_t *operand = NULL;
        if (op == MT_OP_LIT || op == MT_OP_LITI || op == MT_OP_MASK) {
            n = sk_cursor_u16le(&c);
            operand = sk_cursor_take(&c, op == MT_OP_MASK ? (size_t)n * 2 : n);
        } else if (!skip_unknown(&c, op, &n)) {
            return; /* of variable length, perhaps */
        }
        if (!sk_cursor_ok(&c)) {
            return; /* told when the program runs */
        }
        if (operand != NULL) {
            offer_bytes(key, at, op, operand, n < most - at ? n : most - at);
        }
        at += n;
    }
}
