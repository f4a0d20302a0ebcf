// SPDX-License-Identifier: Apache-2.0
/*
 * clamscan's lines, on standard output, in the log file, or both. Never translated: scripts read
 * them. File names are printed as they are, except on a terminal, where they are escaped.
 *
 * Life cycle: clam_open_log (optional) -> clam_object... -> clam_summary -> clam_print_release.
 */
#ifndef SK_CLI_CLAM_PRINT_H
#define SK_CLI_CLAM_PRINT_H

#include <stdio.h>
#include <time.h>

#include "cli/clam_options.h"
#include "cli/totals.h"

struct clam_printer {
    const struct clam_settings *settings;
    FILE *log;
    bool terminal;
    uint64_t scanned, infected;
    uint64_t errors; /* as clamscan counts them for the summary */
    bool failed;     /* something else went wrong: exit code 2 */
    uint64_t bytes_scanned, bytes_read;
    time_t start;
    struct buf line;
};

/* false: the log cannot be opened (errno). */
bool clam_open_log(struct clam_printer *printer);
/* false: the log did not arrive whole (errno). */
bool clam_close_log(struct clam_printer *printer);
/* A name from outside: control characters are escaped always (a line feed could write lines of its
 * own into a log), what else disguises only for a terminal, so that scripts get names unchanged. */
sk_err clam_put_name(const struct clam_printer *printer, struct buf *out, const char *name);
/* Prints the outcome and counts it; true: it is infected. */
bool clam_object(struct clam_printer *printer, const struct outcome *outcome);
/* One line for the user; warning: to standard error (standard output with --stdout). */
void clam_line(struct clam_printer *printer, bool warning, const char *fmt, ...) SK_PRINTF(3, 4);
void clam_summary(struct clam_printer *printer, const struct session_facts *facts,
                  uint64_t signatures, uint64_t elapsed_ms);
int clam_exit(const struct clam_printer *printer);
void clam_print_release(struct clam_printer *printer);

#endif
