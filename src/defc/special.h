// SPDX-License-Identifier: Apache-2.0
/*
 * Regular expressions, byte comparisons and macros of logical signatures: text -> staged -> pools.
 *
 * Part of the body compiler; the builder owns everything, staged texts are **borrowed** from the
 * line. Errors: SK_E_NOMEM; text that cannot be taken is told in `why`.
 */
#ifndef SK_DEFC_SPECIAL_H
#define SK_DEFC_SPECIAL_H

#include "defc/body_private.h"

/* Of each subsignature of the signature: what searching costs, and which ones are searched for on
 * its behalf (a body: itself). */
struct special_costs {
    double cost[MT_SUB_MAX];
    double order[MT_SUB_MAX]; /* the cost where the order of evaluation is decided */
    uint64_t need[MT_SUB_MAX];
};

/* The subsignature at the front: up to the next ';' outside a regular expression. */
struct sk_bytes special_cut(struct sk_bytes *rest, bool *more);

sk_err special_stage_regex(struct body_builder *b, struct sk_bytes text, unsigned target,
                           struct defc_why *why);
#define IMAGE_MARK "fuzzy_img#"
void special_stage_image(struct body_builder *b, struct sk_bytes text, struct defc_why *why);
void special_stage_compare(struct body_builder *b, struct sk_bytes text, struct defc_why *why);
void special_stage_macro(struct body_builder *b, struct sk_bytes text, struct defc_why *why);
/* "$12": the group a body belongs to. */
uint8_t special_macro_group(struct sk_bytes offset, struct defc_why *why);
/* Move staged[number] into the pools. Costs of all bodies and of earlier special ones are known;
 * its own are set. */
sk_err special_keep(struct body_builder *b, unsigned number, struct special_costs *costs,
                    uint32_t *out_sub);

#endif
