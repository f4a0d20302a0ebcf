// SPDX-License-Identifier: Apache-2.0
/*
 * Necessary sets: which subsignatures must be searched for so that no match of an expression can
 * be missed. At least one member of the set has a hit whenever the node holds.
 *
 *   id, id=n, id>n (n > 0)      the id itself; of a regular expression what its trigger needs
 *   id=0, id<n                  nothing: they hold without a hit
 *   a & b                       the cheaper side
 *   a | b                       both sides
 *   (..)=n, (..)>n              as the inside: a sum above 0 needs a member that holds
 *   (..)=0, (..)<n              nothing, unless ",y" asks for y different subsignatures
 *   (a|b|c..)=n,y               members that have less than y subsignatures together are left out,
 *                               the costliest first: without the others there are not y of them
 *
 * The last rule matters: `(0|..|14)>7,7` is a list of words of which seven must be there. Searched
 * for by every word, half of all ELF files had one of them ("root") and were looked through for the
 * other fourteen.
 *
 * Costs decide between sides and order the evaluation of AND: the child that is least likely to
 * hold, or cheapest to check, comes first; children that hold by the absence of hits come last,
 * because proving absence reads the whole layer.
 */
#include "defc/expr.h"

#define RANK_ABSENCE 1e20
#define RANK_SPECIAL 1e10 /* regular expressions and comparisons after all bodies */

static bool holds_by_absence(const struct expr_node *n) {
    if (n->distinct > 0) {
        return false;
    }
    return n->cmp == MT_CMP_LT || (n->cmp == MT_CMP_EQ && n->value == 0);
}

static void need_nothing(struct expr_node *n) {
    n->need = 0;
    n->need_cost = EXPR_COST_NONE;
}

static void rank_sub(struct expr_node *n, double cost, uint64_t need) {
    bool itself = need == (uint64_t)1 << n->sub;
    n->rank = itself ? cost : cost + RANK_SPECIAL;
    if (holds_by_absence(n)) {
        n->rank = RANK_ABSENCE;
        need_nothing(n);
        return;
    }
    n->need = need;
    n->need_cost = cost;
    if (cost >= EXPR_COST_NONE) {
        need_nothing(n);
    }
}

static void rank_and(const struct expr *e, struct expr_node *n) {
    for (uint32_t i = n->first; i != EXPR_NONE; i = expr_at(e, i)->next) {
        const struct expr_node *kid = expr_at(e, i);
        if (kid->need_cost < n->need_cost) {
            n->need = kid->need;
            n->need_cost = kid->need_cost;
        }
        n->rank = kid->rank < n->rank ? kid->rank : n->rank;
    }
}

static uint32_t adds_of_members(const struct expr *e, const struct expr_node *n) {
    uint32_t sum = 0;
    for (uint32_t i = n->first; i != EXPR_NONE; i = expr_at(e, i)->next) {
        sum += expr_at(e, i)->adds;
    }
    return sum;
}

/* The costliest member that is in and has at most `most` subsignatures; EXPR_NONE: none. */
static uint32_t costliest(const struct expr *e, const struct expr_node *n, uint32_t most,
                          uint64_t spare) {
    uint32_t worst = EXPR_NONE, number = 0;
    for (uint32_t i = n->first; i != EXPR_NONE && number < 64; i = expr_at(e, i)->next, number++) {
        const struct expr_node *kid = expr_at(e, i);
        bool in = (spare >> number & 1) == 0 && kid->adds <= most;
        if (in && (worst == EXPR_NONE || kid->need_cost > expr_at(e, worst)->need_cost)) {
            worst = i;
        }
    }
    return worst;
}

/* Bit k: member k need not be searched for, because `distinct` asks for more than such members
 * have. */
static uint64_t spare_members(const struct expr *e, const struct expr_node *n) {
    uint64_t spare = 0;
    if (n->distinct < 2 || adds_of_members(e, n) < n->distinct) {
        return 0; /* nothing to spare, or it never holds */
    }
    uint32_t left = n->distinct - 1;
    for (uint32_t i; left > 0 && (i = costliest(e, n, left, spare)) != EXPR_NONE;) {
        uint32_t number = 0;
        for (uint32_t k = n->first; k != i; k = expr_at(e, k)->next) {
            number++;
        }
        spare |= (uint64_t)1 << number;
        left -= expr_at(e, i)->adds;
    }
    return spare;
}

static void rank_or(const struct expr *e, struct expr_node *n) {
    n->rank = 0;
    n->need_cost = 0;
    uint64_t spare = spare_members(e, n);
    uint32_t number = 0;
    for (uint32_t i = n->first; i != EXPR_NONE; i = expr_at(e, i)->next, number++) {
        const struct expr_node *kid = expr_at(e, i);
        n->rank += kid->rank;
        if (number >= 64 || (spare >> number & 1) == 0) {
            n->need |= kid->need;
            n->need_cost += kid->need_cost;
        }
    }
    if (n->need_cost >= EXPR_COST_NONE || n->need == 0) {
        need_nothing(n);
    }
}

void expr_rank(struct expr *e, const double *cost, const uint64_t *need) {
    for (uint32_t i = 0; i < e->node.count; i++) {
        struct expr_node *n = expr_at(e, i);
        n->adds = n->op == MT_NODE_SUB    ? 1
                  : n->cmp == MT_CMP_NONE ? adds_of_members(e, n)
                                          : 0; /* match/logic.h */
        if (n->op == MT_NODE_SUB) {
            rank_sub(n, cost[n->sub], need == NULL ? (uint64_t)1 << n->sub : need[n->sub]);
            continue;
        }
        need_nothing(n);
        n->rank = EXPR_COST_NONE;
        if (n->op == MT_NODE_AND) {
            rank_and(e, n);
        } else {
            rank_or(e, n);
        }
        if (holds_by_absence(n)) {
            n->rank = RANK_ABSENCE;
            need_nothing(n);
        }
    }
}
