// SPDX-License-Identifier: Apache-2.0
/*
 * Boundary characters of signature bodies: (B) word boundary, (L) line boundary, (W)
 * non-alphanumeric. Shared by the compiler, which turns a boundary in the middle of a body into a
 * set of bytes, and the matcher, which looks at the neighbour of a body.
 *
 * Values seen with clamscan 1.4.6 (all 256 bytes tried on both sides and in the middle): (B) is not
 * a regex word boundary but two lists of punctuation, one for each side. The edge of the layer
 * is a boundary of every kind.
 */
#ifndef SK_MATCH_BOUND_H
#define SK_MATCH_BOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "match/tables.h"

/* Is `byte`, standing on this side of a body, a boundary of this kind? For (L) on the right the
 * caller also accepts CR when LF follows. */
bool bound_is(uint8_t kind, enum mt_side side, uint8_t byte);
/* The 256-bit set (bit b of byte b / 8) that a (B) or (W) in the middle of a body stands for, or
 * the byte LF for (L). negated gives the complement. */
void bound_middle_set(uint8_t kind, bool negated, uint8_t out_set[32]);
bool bound_is_alnum(uint8_t byte);

#endif
