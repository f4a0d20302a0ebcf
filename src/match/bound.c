// SPDX-License-Identifier: Apache-2.0
/*
 * Boundary characters. The two lists of (B) are what clamscan 1.4.6 accepts; a body in the middle
 * accepts the union of both. Kept apart from the pattern matcher because the definitions compiler
 * needs the same lists.
 */
#include "match/bound.h"

#include <string.h>

static const char left_list[] = " -./<@_";
static const char right_list[] = "\n\r \"'-/=>_";

bool bound_is_alnum(uint8_t byte) {
    uint8_t folded = byte | 0x20;
    return (byte >= '0' && byte <= '9') || (folded >= 'a' && folded <= 'z');
}

bool bound_is(uint8_t kind, enum mt_side side, uint8_t byte) {
    if (kind == 'W') {
        return !bound_is_alnum(byte);
    }
    if (kind == 'L') {
        return byte == '\n';
    }
    const char *list = side == MT_SIDE_LEFT ? left_list : right_list;
    return byte != 0 && strchr(list, byte) != NULL;
}

void bound_middle_set(uint8_t kind, bool negated, uint8_t out_set[32]) {
    memset(out_set, 0, 32);
    for (unsigned b = 0; b < 256; b++) {
        bool in =
            bound_is(kind, MT_SIDE_LEFT, (uint8_t)b) || bound_is(kind, MT_SIDE_RIGHT, (uint8_t)b);
        if (in != negated) {
            out_set[b / 8] |= (uint8_t)(1u << b % 8);
        }
    }
}
