// SPDX-License-Identifier: Apache-2.0
/*
 * One frame per open AND / OR; values flow up when a frame is decided.
 *
 *   node:   AND  OR  sub0  sub1  sub2         preorder, size = 5 3 1 1 1
 *   frames: AND(next = 4, 1 left)             asks sub2 last, and only if the OR held
 *
 * Laziness: each question carries `need`, the count up to which the asker still cares (0: only
 * whether it holds), so a search stops at the threshold. A frame is left early when
 *   - an AND has a member that does not hold, or
 *   - an OR has one that does and neither its count nor its members matter any more.
 * `members` says that some group above asks for different subsignatures (",Y"); then every member
 * has to be asked.
 */
#include "match/logic.h"

struct value {
    bool holds;
    uint64_t count; /* exact below the need it was asked with */
    uint64_t subs;  /* bit per subsignature */
};

struct frame {
    uint32_t node;
    uint32_t next; /* next child */
    uint32_t end;  /* behind the last descendant */
    uint32_t left; /* children not asked yet */
    uint64_t need; /* sum up to which this frame cares */
    bool members;
    bool any;
    bool all;
    uint64_t sum;
    uint64_t subs;
};

struct eval {
    const struct logic_expr *expr;
    logic_count_fn count;
    void *ctx;
    struct frame frame[MT_NESTING_MAX];
    uint32_t depth;
};

/* Counting beyond this changes nothing for the comparison. */
static uint64_t cmp_need(const struct mt_node *n) {
    switch (n->cmp) {
    case MT_CMP_EQ:
    case MT_CMP_GT:
        return (uint64_t)n->value + 1;
    case MT_CMP_LT:
        return n->value;
    default:
        return 0;
    }
}

static bool compare(const struct mt_node *n, uint64_t count) {
    switch (n->cmp) {
    case MT_CMP_EQ:
        return count == n->value;
    case MT_CMP_GT:
        return count > n->value;
    default:
        return count < n->value;
    }
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static sk_err eval_sub(struct eval *e, const struct mt_node *n, uint64_t need, struct value *out) {
    if (n->arg >= e->expr->sub_count || n->arg >= MT_SUB_MAX || n->cmp > MT_CMP_LT) {
        return sk_fail(SK_E_FORMAT);
    }
    uint64_t want = larger(larger(cmp_need(n), need), 1), count = 0;
    TRY(e->count(e->ctx, n->arg, want, &count));
    bool holds = n->cmp == MT_CMP_NONE ? count > 0 : compare(n, count);
    *out = (struct value){holds, 0, 0};
    if (holds) {
        out->count = count;
        out->subs = (uint64_t)1 << n->arg;
    }
    return sk_ok();
}

static sk_err push(struct eval *e, uint32_t index, uint32_t end, uint64_t need, bool members) {
    const struct mt_node *n = &e->expr->node[index];
    if (e->depth == MT_NESTING_MAX || n->arg == 0 || n->cmp > MT_CMP_LT) {
        return sk_fail(SK_E_FORMAT);
    }
    struct frame *f = &e->frame[e->depth++];
    *f = (struct frame){.node = index, .next = index + 1, .end = end, .left = n->arg, .all = true};
    f->need = larger(cmp_need(n), need);
    f->members = members || (n->cmp != MT_CMP_NONE && n->distinct > 0);
    return sk_ok();
}

/* Nothing that is still to be asked can change what the frame gives. */
static bool settled(const struct eval *e, const struct frame *f) {
    if (f->left == 0) {
        return true;
    }
    if (e->expr->node[f->node].op == MT_NODE_AND) {
        return !f->all;
    }
    return f->any && f->sum >= f->need && !f->members;
}

static struct value frame_value(const struct eval *e, const struct frame *f) {
    const struct mt_node *n = &e->expr->node[f->node];
    bool holds = n->op == MT_NODE_AND ? f->all : f->any;
    struct value v = {holds, holds ? f->sum : 0, holds ? f->subs : 0};
    if (n->cmp != MT_CMP_NONE) {
        v.holds = compare(n, v.count) && (uint32_t)__builtin_popcountll(v.subs) >= n->distinct;
        v.count = v.holds ? v.count : 0;
        v.subs = 0;
    }
    return v;
}

static void frame_take(struct frame *f, struct value v) {
    f->left--;
    f->any = f->any || v.holds;
    f->all = f->all && v.holds;
    f->sum += v.count;
    f->subs |= v.subs;
}

/* Asks the next child of the newest frame: a SUB is taken at once, a group becomes a frame. */
static sk_err ask_child(struct eval *e) {
    struct frame *f = &e->frame[e->depth - 1];
    if (f->next >= f->end) {
        return sk_fail(SK_E_FORMAT);
    }
    const struct mt_node *n = &e->expr->node[f->next];
    uint64_t need = f->need > f->sum ? f->need - f->sum : 0;
    uint32_t child = f->next;
    if (n->size == 0 || n->size > f->end - f->next) {
        return sk_fail(SK_E_FORMAT);
    }
    f->next += n->size;
    if (n->op == MT_NODE_AND || n->op == MT_NODE_OR) {
        return push(e, child, child + n->size, need, f->members);
    }
    struct value v;
    if (n->op != MT_NODE_SUB) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(eval_sub(e, n, need, &v));
    frame_take(f, v);
    return sk_ok();
}

/* need, members: as in struct frame. *out_hits: of the root, before its comparison. */
static sk_err run(struct eval *e, uint64_t need, bool members, struct value *out_value,
                  uint64_t *out_hits) {
    struct value v = {false, 0, 0};
    uint64_t sum = 0;
    TRY(push(e, 0, e->expr->node_count, need, members));
    while (e->depth > 0) {
        struct frame *f = &e->frame[e->depth - 1];
        if (!settled(e, f)) {
            TRY(ask_child(e));
            continue;
        }
        v = frame_value(e, f);
        sum = (e->expr->node[f->node].op == MT_NODE_AND ? f->all : f->any) ? f->sum : 0;
        e->depth--;
        if (e->depth > 0) {
            frame_take(&e->frame[e->depth - 1], v);
        }
    }
    *out_value = v;
    *out_hits = sum;
    return sk_ok();
}

sk_err logic_eval(const struct logic_expr *expr, logic_count_fn count, void *ctx, bool *out_holds) {
    struct eval e = {.expr = expr, .count = count, .ctx = ctx};
    const struct mt_node *root = expr->node;
    struct value v = {false, 0, 0};
    if (expr->node_count == 0) {
        return sk_fail(SK_E_FORMAT);
    }
    if (root->op == MT_NODE_SUB) {
        TRY(eval_sub(&e, root, 0, &v));
        *out_holds = v.holds;
        return sk_ok();
    }
    if (root->op != MT_NODE_AND && root->op != MT_NODE_OR) {
        return sk_fail(SK_E_FORMAT);
    }
    uint64_t hits = 0;
    TRY(run(&e, 0, false, &v, &hits));
    *out_holds = v.holds;
    return sk_ok();
}

sk_err logic_value(const struct logic_expr *expr, logic_count_fn count, void *ctx, bool *out_holds,
                   uint64_t *out_hits) {
    struct eval e = {.expr = expr, .count = count, .ctx = ctx};
    const struct mt_node *root = expr->node;
    struct value v = {false, 0, 0};
    uint64_t hits = 0;
    if (expr->node_count == 0) {
        return sk_fail(SK_E_FORMAT);
    }
    if (root->op == MT_NODE_SUB) {
        TRY(eval_sub(&e, root, UINT64_MAX, &v));
        TRY(count(ctx, root->arg, UINT64_MAX, &hits));
    } else if (root->op == MT_NODE_AND || root->op == MT_NODE_OR) {
        TRY(run(&e, UINT64_MAX, true, &v, &hits));
    } else {
        return sk_fail(SK_E_FORMAT);
    }
    *out_holds = v.holds;
    *out_hits = hits;
    return sk_ok();
}
