// SPDX-License-Identifier: Apache-2.0
/*
 * Logical expressions over subsignature counts, evaluated lazily on an explicit stack.
 *
 * Semantics (ClamAV's, seen black-box with clamscan 1.4.6; table in tests/unit/match/test_logic.c):
 * - SUB without cmp holds when its count is at least 1; with cmp when the count compares so.
 *   `distinct` means nothing there.
 * - AND, OR without cmp: all / any members hold. With cmp: the sum of the counts of members that
 *   hold compares so, and at least `distinct` different subsignatures are among them.
 * - A member that holds adds its count and (a SUB, or a group without cmp) its subsignatures to the
 *   group around it; one that does not hold adds nothing. A false AND adds nothing as a whole.
 *
 * Errors: SK_E_FORMAT (tree damaged or deeper than MT_NESTING_MAX), and what `count` returns.
 */
#ifndef SK_MATCH_LOGIC_H
#define SK_MATCH_LOGIC_H

#include "base/err.h"
#include "match/tables.h"

struct logic_expr {
    const struct mt_node *node;
    uint32_t node_count;
    uint32_t sub_count;
};

/* The count of subsignature number `sub`, exact below `want` and at least `want` otherwise. */
typedef sk_err (*logic_count_fn)(void *ctx, uint32_t sub, uint64_t want, uint64_t *out_count);

/* For people: also what a comparison of its own would compare: the hits of members that hold,
 * 0 when an AND lacks one. Asks for counts in full. */
sk_err logic_value(const struct logic_expr *expr, logic_count_fn count, void *ctx, bool *out_holds,
                   uint64_t *out_hits);
sk_err logic_eval(const struct logic_expr *expr, logic_count_fn count, void *ctx, bool *out_holds);

#endif
