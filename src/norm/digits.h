// SPDX-License-Identifier: Apache-2.0
/*
 * Numbers in text that people must not send around: payment cards, US social security numbers.
 *
 * digits_count looks at the whole text at once; a caller that has it in windows gives windows that
 * overlap by DIGITS_SPAN and counts only numbers that start before `limit`. Errors: none. Pure.
 * Source: seen with clamscan 1.4.6, see digits.c.
 */
#ifndef SK_NORM_DIGITS_H
#define SK_NORM_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

#define DIGITS_SPAN ((size_t)32) /* no number with its breaks and neighbours is longer */

enum digits_what {
    DIGITS_CARDS = 1u,       /* credit cards */
    DIGITS_OTHER_CARDS = 2u, /* debit and private label cards, too */
    DIGITS_SSN_HYPHENS = 4u, /* 123-45-6789 */
    DIGITS_SSN_STRIPPED = 8u /* 123456789 */
};

struct digits_found {
    uint64_t cards;
    uint64_t ssns;
};

/* what: enum digits_what bits. before: is a digit in front of the text? Adds to *inout_found;
 * returns where to go on: at limit or, behind a number that was counted, after it. */
size_t digits_count(struct sk_bytes text, size_t limit, bool before, unsigned what,
                    struct digits_found *inout_found);

#endif
