// SPDX-License-Identifier: Apache-2.0
/* The first reason is the one a person sees: later ones are mostly its consequences. */
#include "defc/why.h"

#include <stdio.h>

void why_say(struct defc_why *why, enum defc_reason reason, const char *fmt, ...) {
    if (!why_taken(why)) {
        return;
    }
    why->reason = reason;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(why->text, sizeof(why->text), fmt, args);
    va_end(args);
}
