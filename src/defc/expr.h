// SPDX-License-Identifier: Apache-2.0
/*
 * Logical expressions: text -> tree -> preorder nodes (match/tables.h) and a necessary set.
 *
 * Life cycle: zero-initialise struct expr -> expr_parse -> expr_rank -> expr_write -> (next line)
 * ... -> expr_release. Ownership: owns its arrays. Errors: SK_E_NOMEM; text that is not an
 * expression is told in `why`. Limits: MT_SUB_MAX ids, MT_NESTING_MAX levels.
 */
#ifndef SK_DEFC_EXPR_H
#define SK_DEFC_EXPR_H

#include "base/cursor.h"
#include "defc/body.h"
#include "defc/vec.h"

#define EXPR_NONE UINT32_MAX
#define EXPR_NODE_MAX 2048u

/* One node; children are a list in order of appearance and have smaller indexes than parents. */
struct expr_node {
    uint8_t op; /* enum mt_node_op */
    uint8_t cmp;
    uint8_t sub; /* MT_NODE_SUB */
    uint32_t value;
    uint32_t distinct;
    uint32_t first, last; /* children */
    uint32_t next;        /* sibling */
    uint32_t size;        /* nodes of this subtree */
    uint32_t depth;
    uint16_t children;
    uint32_t adds;    /* at most so many different subsignatures to the group around it */
    double rank;      /* the lower the sooner among children of AND */
    double need_cost; /* EXPR_COST_NONE: may hold without any hit */
    uint64_t need;    /* bit n: subsignature n; one of them has a hit whenever this node holds */
};
#define EXPR_COST_NONE 1e30

struct expr {
    struct vec node; /* struct expr_node */
    struct vec operand, oper, frame;
    uint32_t root;
    unsigned sub_count; /* highest id + 1 */
};

sk_err expr_parse(struct expr *e, struct sk_bytes text, struct defc_why *why);
/* cost[i] of subsignature i: what it costs to search for it, EXPR_COST_NONE when that is not
 * possible. need[i]: which ones are searched for in its place; NULL: each for itself. Fills need,
 * need_cost and rank of all nodes. Defined in necessary.c. */
void expr_rank(struct expr *e, const double *cost, const uint64_t *need);
/* Append the nodes in preorder to out (struct mt_node), children of AND by rank. */
sk_err expr_write(struct expr *e, struct vec *out);
void expr_release(struct expr *e);

static inline struct expr_node *expr_at(const struct expr *e, uint32_t i) {
    return &((struct expr_node *)e->node.data)[i];
}

#endif
