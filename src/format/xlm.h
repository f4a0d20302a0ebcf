// SPDX-License-Identifier: Apache-2.0
/*
 * Excel 4 macros in BIFF streams. Internal to src/format.
 *
 * ole2_workbook (ole2_objects.h) finds the sheets; xlm_formula writes one formula as people write
 * it. Fills at most XLM_TEXT_BYTES of `out`; what does not fit, or a token that is unknown, ends
 * the text with "...". Pure, no allocation, no errors. Source: [MS-XLS] 2.5.198.
 */
#ifndef SK_FORMAT_XLM_H
#define SK_FORMAT_XLM_H

#include "base/cursor.h"

#define XLM_TEXT_BYTES ((size_t)8192)
#define XLM_STACK_MAX 256u

struct xlm_text {
    size_t len;
    uint32_t depth;
    bool cut;
    uint16_t at[XLM_STACK_MAX]; /* where each operand begins */
    uint8_t text[XLM_TEXT_BYTES];
};

/* rgce: the tokens. biff8: tokens and strings as BIFF8 has them, else as BIFF5. */
void xlm_formula(struct sk_bytes rgce, bool biff8, struct xlm_text *out);

#endif
