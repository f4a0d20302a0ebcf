// SPDX-License-Identifier: Apache-2.0
/*
 * Macro subsignatures (struct mt_macro): near which hits of the subsignature before it does a body
 * of the group start?
 *
 * Errors: those of pattern_each, SK_E_FORMAT (damaged tables). Limits: PATTERN_CHAIN_MAX hits of
 * one body.
 */
#ifndef SK_MATCH_MACRO_H
#define SK_MATCH_MACRO_H

#include "match/pattern.h"

struct macro_use {
    const struct mt_segment *const *segments; /* of the whole set: groups go across */
    unsigned segment_count;
    unsigned segment; /* of the macro */
    const struct mt_sig *sig;
    const struct mt_macro *macro;
};
/* first: offset of the first such hit. */
sk_err macro_count(struct pattern_run *run, const struct macro_use *use,
                   struct pattern_hits *out_hits);

#endif
