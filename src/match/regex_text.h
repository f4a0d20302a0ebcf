// SPDX-License-Identifier: Apache-2.0
/*
 * struct regex_text: what the text of an expression says about all of its matches, as far as that
 * is plain to see. Nothing is said where it is not.
 *
 * regex_text_read fills one; it holds no memory. flags: MT_REGEX_*. Units: bytes.
 */
#ifndef SK_MATCH_REGEX_TEXT_H
#define SK_MATCH_REGEX_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGEX_PREFIX_MIN 4u /* shorter ones are left to PCRE2 */
#define REGEX_PREFIX_MAX 16u
#define REGEX_TAIL_MIN 3u /* literals that a tail begins with */

struct regex_text {
    uint8_t prefix[REGEX_PREFIX_MAX]; /* every match begins with it; lower case when caseless */
    size_t prefix_len;                /* 0: nothing is known */
    bool first_decides; /* anything may follow it: where one fails, all behind it fail */
    bool caseless;
    size_t tail; /* with first_decides: the text from here on is an expression that matches
                    somewhere behind the prefix, where the whole matches; 0: none is known */
};

void regex_text_read(const uint8_t *text, size_t len, uint32_t flags, struct regex_text *out);

#endif
