// SPDX-License-Identifier: Apache-2.0
/*
 * One line of a hash signature file: hdb hsb (Hash:Size:Name), mdb msb (Size:Hash:Name), imp, fp
 * sfp, each with optional [:min[:max]] functionality levels. Pure: no state, nothing allocated.
 *
 * Source: clamav-formats.md 1.2. The algorithm follows from the number of hex digits, whatever the
 * suffix. Size 1..0xfffffffe, or * for any, which needs a minimum level of 73 except for imp.
 */
#ifndef SK_DEFC_LINE_HASH_H
#define SK_DEFC_LINE_HASH_H

#include "defc/body.h"
#include "match/hashset.h"

struct hash_line {
    enum hs_algo algo;
    uint8_t digest[HS_DIGEST_MAX];
    uint32_t size;    /* or HS_SIZE_ANY */
    const char *name; /* **borrows** the line; " (Clam)" is cut off */
    size_t name_len;
};

/* False: not taken, *why says so and *out is undefined. True: why->reason is DEFC_REASON_COUNT. */
bool line_hash_parse(enum hs_role role, const char *line, size_t len, struct hash_line *out,
                     struct defc_why *why);
/* Fill why; always false, so that parsers can return it. */
bool line_refuse(struct defc_why *why, enum defc_reason reason, const char *fmt, ...)
    SK_PRINTF(3, 4);

#endif
