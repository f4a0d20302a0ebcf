// SPDX-License-Identifier: Apache-2.0
/*
 * Printing of a run of `sekisho scan`, for people or as JSON Lines, on standard output.
 *
 * A printer is a table of three functions over one struct; **borrows** everything for the call.
 * Writing is buffered by stdio; print_ok says whether all of it arrived (a full disk must not look
 * like a clean run).
 */
#ifndef SK_CLI_PRINT_H
#define SK_CLI_PRINT_H

#include "base/cursor.h"
#include "base/json.h"
#include "cli/totals.h"
#include "defs/defset.h"

struct printer {
    bool quiet;
    bool verbose;
    bool stats;
    bool color;
    const struct defset *explain; /* the set findings are explained from; NULL: not asked for */
    struct buf line;              /* scratch */
};

struct run_summary {
    const struct totals *totals;
    const struct session_facts *facts;
    uint64_t signatures;
    uint64_t elapsed_ms;
    unsigned jobs;
    int exit_code;
};

struct print_face {
    void (*object)(struct printer *printer, const struct outcome *outcome);
    void (*summary)(struct printer *printer, const struct run_summary *summary);
};

extern const struct print_face print_text;
extern const struct print_face print_json;

/* The error of an outcome that failed. Translated for people when tr is set. */
const char *outcome_error(const struct outcome *outcome);
/* "12.3 MB" (powers of 1000). */
sk_err put_bytes(struct buf *out, uint64_t bytes);
/* "1,234,567" */
sk_err put_count(struct buf *out, uint64_t count);
/* Statistics as "name value" rows: name by index, NULL at the end. */
const char *stat_row(const struct sk_stats *stats, unsigned index, uint64_t *out_value);

/* The parts of a JSON record that other commands have too: "path" and "path_hex", "findings",
 * "notes". */
void print_json_path(struct json *j, const char *path);
void print_json_findings(struct json *j, const struct sk_report *report);
void print_json_notes(struct json *j, const struct sk_report *report);
bool print_is_utf8(struct sk_bytes text);

#endif
