// SPDX-License-Identifier: Apache-2.0
/*
 * Offsets of body signatures: "*", "n", "EOF-n", "EP+n", "EP-n", "Sx+n", "SEx", "SL+n", "VI", each
 * but "*" with ",maxshift". Pure. Errors: what cannot be taken is told in `why`.
 * Source: ClamAV documentation, "Body-based Signature Content Format"; clamscan 1.4.6 also takes an
 * empty offset as "*" and an empty shift as 0.
 */
#ifndef SK_DEFC_OFFSET_H
#define SK_DEFC_OFFSET_H

#include "base/cursor.h"
#include "defc/body.h"

struct offset {
    enum mt_off_kind kind;
    uint16_t section;
    int32_t off;
    uint32_t shift;
};

/* target decides which forms are allowed: section and entry point forms need an executable. */
void offset_parse(struct sk_bytes text, unsigned target, struct offset *out, struct defc_why *why);

#endif
