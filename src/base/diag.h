// SPDX-License-Identifier: Apache-2.0
/*
 * struct diag: where a library says what a person should know: file, line, reason.
 *
 * Libraries are silent: they call diag_say(), the program decides what to print. A NULL diag or
 * NULL `say` swallows messages. Ownership: **borrows** everything for the call. Texts are English;
 * the message is a complete phrase without file, line or full stop.
 */
#ifndef SK_BASE_DIAG_H
#define SK_BASE_DIAG_H

#include <stdint.h>

#include "base/err.h"

enum diag_level { DIAG_INFO, DIAG_WARNING, DIAG_ERROR };

struct diag {
    /* where: file or option name, or NULL; line: 1-based, 0 = none. */
    void (*say)(void *ctx, enum diag_level level, const char *where, uint64_t line,
                const char *text);
    void *ctx;
    uint64_t count[3]; /* per level, kept by diag_say */
};

void diag_say(struct diag *d, enum diag_level level, const char *where, uint64_t line,
              const char *fmt, ...) SK_PRINTF(5, 6);

#endif
