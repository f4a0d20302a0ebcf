// SPDX-License-Identifier: Apache-2.0
/* Saying why a line is not taken: a phrase of at most 159 bytes; the first one stays. */
#ifndef SK_DEFC_WHY_H
#define SK_DEFC_WHY_H

#include <stdbool.h>

#include "defc/body.h"

void why_say(struct defc_why *why, enum defc_reason reason, const char *fmt, ...) SK_PRINTF(3, 4);
static inline bool why_taken(const struct defc_why *why) {
    return why->reason == DEFC_TAKEN;
}

#endif
