// SPDX-License-Identifier: Apache-2.0
/*
 * How clamscan 1.4.6 reads a logical expression (black-box: all hit counts 0..2 of four
 * subsignatures against some sixty expressions; kept as tables in tests/unit/defc/test_expr.c and
 * repeated against clamscan by tests/differential):
 *
 *   - & and | have no precedence. A text outside parentheses is split at its FIRST operator:
 *         0&1|2&3   =  0 & (1 | (2 & 3))
 *   - a text inside parentheses is split at its LAST operator, and what stands left of that is then
 *     read like a text outside parentheses:
 *         (0&1|2&3) =  (0 & (1 | 2)) & 3
 *   - "=n" ">n" "<n" after an id compares its number of hits; after a parenthesis the sum over the
 *     members that hold. ",y" asks for y different subsignatures; after an id it says nothing.
 *   - a comparison of something already compared, or of a single parenthesised id, is refused.
 *   - each id up to the highest needs its subsignature, whether it is used or not.
 *
 *   - official lines hold two slips, which are read as clamscan reads them: after an id several
 * signs may stand and the last one counts ("8==9" is 8=9, "0=>1" is 0>1; a last "<" then makes no
 * sense there and is refused here), and the number after the comma may be missing ("0=2,&1").
 *
 * The parser keeps operands and operators of all open parentheses on two stacks and reduces a level
 * when it closes; equal operators are joined to one node with many children, which changes neither
 * truth nor counts. No recursion anywhere: nodes are created after their children, so a loop
 * upwards sees children first.
 */
#include "defc/expr.h"

#include <inttypes.h>

#include "defc/text.h"
#include "defc/why.h"

struct frame {
    uint32_t operand_base, oper_base;
};

struct parser {
    struct expr *e;
    struct sk_bytes text;
    size_t pos;
    struct defc_why *why;
    bool failed;
    bool want_operand;
};

static void bad(struct parser *p, const char *what) {
    why_say(p->why, DEFC_MALFORMED, "%s at character %zu of the logical expression", what,
            p->pos + 1);
}
static uint8_t peek(const struct parser *p) {
    return p->pos < p->text.len ? p->text.ptr[p->pos] : 0;
}

static uint32_t new_node(struct parser *p, struct expr_node one) {
    struct expr_node *n = vec_push(&p->e->node, 1, sizeof(*n));
    if (n == NULL) {
        p->failed = true;
        return EXPR_NONE;
    }
    *n = one;
    return (uint32_t)(p->e->node.count - 1);
}

static void push_u32(struct parser *p, struct vec *v, uint32_t value) {
    uint32_t *slot = vec_push(v, 1, sizeof(*slot));
    if (slot == NULL) {
        p->failed = true;
        return;
    }
    *slot = value;
}

/* Append `kid`, or the children of it when it is the same plain operator. */
static void adopt(struct expr *e, struct expr_node *parent, uint32_t kid) {
    struct expr_node *k = expr_at(e, kid);
    bool join = k->op == parent->op && k->cmp == MT_CMP_NONE;
    uint32_t first = join ? k->first : kid;
    uint32_t last = join ? k->last : kid;
    if (parent->first == EXPR_NONE) {
        parent->first = first;
    } else {
        expr_at(e, parent->last)->next = first;
    }
    parent->last = last;
    parent->children = (uint16_t)(parent->children + (join ? k->children : 1));
    parent->size += join ? k->size - 1 : k->size;
    uint32_t depth = join ? k->depth : k->depth + 1;
    parent->depth = depth > parent->depth ? depth : parent->depth;
}

static uint32_t make(struct parser *p, uint32_t op, uint32_t left, uint32_t right) {
    if (p->failed) {
        return EXPR_NONE;
    }
    struct expr_node n = {
        .op = (uint8_t)op, .first = EXPR_NONE, .last = EXPR_NONE, .next = EXPR_NONE, .size = 1};
    adopt(p->e, &n, left);
    adopt(p->e, &n, right);
    return new_node(p, n);
}

/* Reduce the innermost level to one node: `closed` when it stood in parentheses. */
static uint32_t reduce(struct parser *p, bool closed) {
    struct expr *e = p->e;
    const struct frame *f = &((struct frame *)e->frame.data)[e->frame.count - 1];
    const uint32_t *operand = &((uint32_t *)e->operand.data)[f->operand_base];
    size_t opers = e->oper.count - f->oper_base;
    const uint32_t *oper = opers == 0 ? NULL : &((uint32_t *)e->oper.data)[f->oper_base];
    size_t right = closed && opers > 0 ? opers - 1 : opers; /* operators split from the left */
    uint32_t acc = operand[right];
    for (size_t i = right; i > 0; i--) {
        acc = make(p, oper[i - 1], operand[i - 1], acc);
    }
    if (right < opers) {
        acc = make(p, oper[right], acc, operand[right + 1]);
    }
    e->operand.count = f->operand_base;
    e->oper.count = f->oper_base;
    e->frame.count--;
    return acc;
}

static bool read_number(struct parser *p, uint32_t *out) {
    size_t first = p->pos;
    while (peek(p) >= '0' && peek(p) <= '9') {
        p->pos++;
    }
    uint64_t n;
    struct sk_bytes digits = text_upto(text_from(p->text, first), p->pos - first);
    if (!text_number(digits, UINT32_MAX, &n)) {
        bad(p, "missing or too large number");
        return false;
    }
    *out = (uint32_t)n;
    return true;
}

/* MT_CMP_NONE: no sign here. */
static uint8_t read_sign(struct parser *p) {
    static const uint8_t cmps[128] = {['='] = MT_CMP_EQ, ['>'] = MT_CMP_GT, ['<'] = MT_CMP_LT};
    uint8_t cmp = peek(p) < 128 ? cmps[peek(p)] : MT_CMP_NONE;
    p->pos += cmp != MT_CMP_NONE;
    return cmp;
}

/* The sign that counts where an id is followed by several. */
static uint8_t last_sign(struct parser *p, uint8_t cmp) {
    uint8_t next = read_sign(p);
    bool many = next != MT_CMP_NONE;
    while (next != MT_CMP_NONE) {
        cmp = next;
        next = read_sign(p);
    }
    if (many && cmp == MT_CMP_LT) {
        bad(p, "'<' after another sign");
    }
    return cmp;
}

static void read_compare(struct parser *p, uint32_t node) {
    bool group = p->pos > 0 && p->text.ptr[p->pos - 1] == ')';
    uint8_t cmp = node == EXPR_NONE ? MT_CMP_NONE : read_sign(p);
    if (cmp == MT_CMP_NONE) {
        return;
    }
    struct expr_node *n = expr_at(p->e, node);
    if (n->cmp != MT_CMP_NONE || (group && n->op == MT_NODE_SUB)) {
        bad(p, "a comparison of a comparison, or of a parenthesised single,");
        return;
    }
    uint32_t value = 0, distinct = 0;
    cmp = group ? cmp : last_sign(p, cmp);
    if (!read_number(p, &value)) {
        return;
    }
    if (peek(p) == ',') {
        p->pos++;
        if (peek(p) >= '0' && peek(p) <= '9' && !read_number(p, &distinct)) {
            return;
        }
    }
    n->cmp = cmp;
    n->value = value;
    n->distinct = group ? distinct : 0;
}

static void read_sub(struct parser *p) {
    uint32_t id;
    if (!read_number(p, &id)) {
        return;
    }
    if (id >= MT_SUB_MAX) {
        bad(p, "a subsignature above 63");
        return;
    }
    if (id >= p->e->sub_count) {
        p->e->sub_count = id + 1;
    }
    uint32_t node = new_node(p, (struct expr_node){.op = MT_NODE_SUB,
                                                   .sub = (uint8_t)id,
                                                   .first = EXPR_NONE,
                                                   .last = EXPR_NONE,
                                                   .next = EXPR_NONE,
                                                   .size = 1,
                                                   .depth = 1});
    push_u32(p, &p->e->operand, node);
    p->want_operand = false;
    read_compare(p, node);
}

static void open_level(struct parser *p) {
    struct expr *e = p->e;
    struct frame *f = vec_push(&e->frame, 1, sizeof(*f));
    if (f == NULL) {
        p->failed = true;
        return;
    }
    *f = (struct frame){(uint32_t)e->operand.count, (uint32_t)e->oper.count};
    p->want_operand = true;
}

static void close_level(struct parser *p) {
    if (p->want_operand || p->e->frame.count < 2) {
        bad(p, "')' out of place");
        return;
    }
    uint32_t node = reduce(p, true);
    push_u32(p, &p->e->operand, node);
    p->pos++;
    read_compare(p, node);
}

static void step(struct parser *p) {
    uint8_t c = peek(p);
    if (c == '(' && p->want_operand) {
        if (p->e->frame.count > MT_NESTING_MAX) {
            bad(p, "nested too deep");
            return;
        }
        p->pos++;
        open_level(p);
    } else if (c == ')') {
        close_level(p);
    } else if ((c == '&' || c == '|') && !p->want_operand) {
        push_u32(p, &p->e->oper, c == '&' ? MT_NODE_AND : MT_NODE_OR);
        p->pos++;
        p->want_operand = true;
    } else if (c >= '0' && c <= '9' && p->want_operand) {
        read_sub(p);
    } else {
        bad(p, "unexpected character");
    }
}

sk_err expr_parse(struct expr *e, struct sk_bytes text, struct defc_why *why) {
    struct parser p = {.e = e, .text = text, .why = why};
    e->node.count = e->operand.count = e->oper.count = e->frame.count = 0;
    e->sub_count = 0;
    open_level(&p);
    while (p.pos < text.len && why_taken(why) && !p.failed) {
        step(&p);
    }
    if (!p.failed && (p.want_operand || e->frame.count != 1)) {
        bad(&p, "the text ends too early");
    }
    if (!p.failed && why_taken(why)) {
        e->root = reduce(&p, false);
    }
    if (p.failed) {
        return sk_fail(SK_E_NOMEM);
    }
    if (why_taken(why) &&
        (expr_at(e, e->root)->depth > MT_NESTING_MAX || e->node.count > EXPR_NODE_MAX)) {
        bad(&p, "nested too deep, or too many operands");
    }
    return sk_ok();
}

/* The child of `parent` that comes next by (rank, appearance) after `done` was written; EXPR_NONE
 * at the end. Lists are short: selecting again and again beats sorting a linked list. */
static uint32_t next_child(const struct expr *e, const struct expr_node *parent, uint32_t done) {
    if (parent->op != MT_NODE_AND) {
        return done == EXPR_NONE ? parent->first : expr_at(e, done)->next;
    }
    uint32_t best = EXPR_NONE;
    bool seen_done = false;
    double floor = done == EXPR_NONE ? -1 : expr_at(e, done)->rank;
    for (uint32_t i = parent->first; i != EXPR_NONE; i = expr_at(e, i)->next) {
        double rank = expr_at(e, i)->rank;
        bool later = rank > floor || (rank == floor && seen_done);
        seen_done |= i == done;
        if (i != done && later && (best == EXPR_NONE || rank < expr_at(e, best)->rank)) {
            best = i;
        }
    }
    return best;
}

static void put_node(struct mt_node *out, const struct expr_node *n) {
    *out = (struct mt_node){
        .op = n->op,
        .cmp = n->cmp,
        .arg = n->op == MT_NODE_SUB ? n->sub : n->children,
        .value = n->value,
        .distinct = n->distinct,
        .size = (uint16_t)n->size,
        .flags = n->op != MT_NODE_SUB && n->cmp != MT_CMP_NONE ? MT_NODE_GROUP : 0,
    };
}

sk_err expr_write(struct expr *e, struct vec *out) {
    struct {
        uint32_t node, done;
    } stack[MT_NESTING_MAX + 1];
    unsigned top = 0;
    uint32_t size = expr_at(e, e->root)->size;
    struct mt_node *nodes = vec_push(out, size, sizeof(*nodes));
    if (nodes == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    put_node(nodes++, expr_at(e, e->root));
    stack[top].node = e->root;
    stack[top++].done = EXPR_NONE;
    while (top > 0) {
        struct expr_node *n = expr_at(e, stack[top - 1].node);
        uint32_t child = next_child(e, n, stack[top - 1].done);
        if (child == EXPR_NONE) {
            top--;
            continue;
        }
        stack[top - 1].done = child;
        put_node(nodes++, expr_at(e, child));
        if (expr_at(e, child)->op != MT_NODE_SUB) {
            stack[top].node = child;
            stack[top++].done = EXPR_NONE;
        }
    }
    return sk_ok();
}

void expr_release(struct expr *e) {
    vec_release(&e->node);
    vec_release(&e->operand);
    vec_release(&e->oper);
    vec_release(&e->frame);
}
