// SPDX-License-Identifier: Apache-2.0
/*
 * struct totals: what a run came to, and the exit code that follows from it.
 *
 * Zero-initialise, totals_add each outcome. One place decides what counts as clean, incomplete or
 * failed, for both faces.
 */
#ifndef SK_CLI_TOTALS_H
#define SK_CLI_TOTALS_H

#include "cli/session.h"

enum standing {
    STANDING_CLEAN,
    STANDING_ALLOWED, /* matched, and allow-listed */
    STANDING_FOUND,
    STANDING_INCOMPLETE, /* nothing found, not everything looked at */
    STANDING_FAILED,     /* could not be opened, or the engine could not work */
    STANDING_SKIPPED     /* link, special file, excluded */
};

struct totals {
    uint64_t standing[6];
    uint64_t found_incomplete; /* of the found ones: not everything looked at */
    uint64_t findings;
    uint64_t file_bytes;
    uint64_t scanned_bytes; /* of all layers */
    uint64_t read_bytes;
    uint64_t layers;
};

enum standing outcome_standing(const struct outcome *outcome);
void totals_add(struct totals *totals, const struct outcome *outcome);
/* EXIT_CLEAN, EXIT_FOUND (wins), EXIT_INCOMPLETE. */
int totals_exit(const struct totals *totals);
/* "verdict" in JSON: clean, allowed, infected, incomplete, error, skipped. */
const char *standing_word(enum standing standing);

#endif
