// SPDX-License-Identifier: Apache-2.0
/* Formats a message into a bounded buffer (long ones are cut) and hands it to the program. */
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>

void diag_say(struct diag *d, enum diag_level level, const char *where, uint64_t line,
              const char *fmt, ...) {
    if (d == NULL) {
        return;
    }
    d->count[level]++;
    if (d->say == NULL) {
        return;
    }
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    d->say(d->ctx, level, where, line, text);
}
