// SPDX-License-Identifier: Apache-2.0
/*
 * The one place where an outcome becomes a verdict for the user. The rule that matters: clean is
 * only what was looked at completely. An object on an allow list that was not looked at completely
 * is incomplete too: something the list does not name may hide in the rest.
 */
#include "cli/totals.h"

#include "cli/say.h"

enum standing outcome_standing(const struct outcome *outcome) {
    switch (outcome->kind) {
    case OUTCOME_EMPTY:
        return STANDING_CLEAN;
    case OUTCOME_SPECIAL:
        /* What the user asked for by name and did not get is an error. */
        return outcome->named ? STANDING_FAILED : STANDING_SKIPPED;
    case OUTCOME_LINK:
    case OUTCOME_EXCLUDED:
        return STANDING_SKIPPED;
    case OUTCOME_FAILED:
        return STANDING_FAILED;
    case OUTCOME_SCANNED:
        break;
    }
    if (outcome->report->finding_count > 0) {
        return STANDING_FOUND;
    }
    if (outcome->result != 0) {
        return STANDING_FAILED;
    }
    if (!outcome->report->complete || outcome->report->verdict == SK_VERDICT_INCOMPLETE) {
        return STANDING_INCOMPLETE;
    }
    return outcome->report->verdict == SK_VERDICT_ALLOWED ? STANDING_ALLOWED : STANDING_CLEAN;
}

void totals_add(struct totals *totals, const struct outcome *outcome) {
    enum standing standing = outcome_standing(outcome);
    totals->standing[standing]++;
    if (outcome->kind != OUTCOME_SCANNED) {
        return;
    }
    const struct sk_report *r = outcome->report;
    totals->found_incomplete += standing == STANDING_FOUND && !r->complete ? 1 : 0;
    totals->findings += r->finding_count;
    totals->file_bytes += outcome->size;
    totals->scanned_bytes += r->bytes_scanned;
    totals->read_bytes += r->bytes_read;
    totals->layers += r->layers;
}

int totals_exit(const struct totals *totals) {
    if (totals->standing[STANDING_FOUND] > 0) {
        return EXIT_FOUND;
    }
    if (totals->standing[STANDING_INCOMPLETE] > 0 || totals->standing[STANDING_FAILED] > 0) {
        return EXIT_INCOMPLETE;
    }
    return EXIT_CLEAN;
}

const char *standing_word(enum standing standing) {
    static const char *const WORDS[] = {"clean",      "allowed", "infected",
                                        "incomplete", "error",   "skipped"};
    return WORDS[standing];
}
