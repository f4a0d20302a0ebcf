// SPDX-License-Identifier: Apache-2.0
/*
 * Byte comparisons: a number near the last hit of another subsignature.
 *
 * Pure but for reading the layer. Errors of compare_holds: those of pattern_each.
 * Source: ClamAV documentation "Byte compare subsignatures"; clamscan 1.4.6 for what it leaves open
 * (compare.c).
 */
#ifndef SK_MATCH_COMPARE_H
#define SK_MATCH_COMPARE_H

#include "match/pattern.h"

/* Does the text or integer of `width` bytes compare as wanted? The part that reads no layer. */
bool compare_number(const struct mt_compare *c, const uint8_t *bytes);
/* ref: the subsignature (in the segment) it looks near of; not a special one. */
sk_err compare_holds(struct pattern_run *run, const struct mt_segment *seg,
                     const struct mt_compare *c, uint32_t ref, bool *out_holds);

#endif
