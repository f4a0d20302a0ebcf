// SPDX-License-Identifier: Apache-2.0
/*
 * struct tally: a report being put together from the messages of a worker.
 *
 * Life cycle: tally_init -> (tally_finding | tally_note)... tally_done or tally_died ->
 * tally_report -> tally_clear for the next object -> tally_release. Ownership: texts are copied
 * into the arena of the tally; the report is **borrowed** until tally_clear. Limits: a worker may
 * be hostile, so at most TALLY_ROWS_MAX rows of each kind and TALLY_BYTES_MAX bytes are kept; what
 * is beyond is dropped and the report becomes incomplete. Errors: never fails; running out of
 * memory makes the report incomplete too.
 */
#ifndef SK_POOL_TALLY_H
#define SK_POOL_TALLY_H

#include "base/arena.h"
#include "base/note.h"
#include "sekisho.h"
#include "wire/scan.h"

#define TALLY_ROWS_MAX 4096u
#define TALLY_BYTES_MAX ((size_t)8 * 1024 * 1024)

struct tally {
    struct arena arena;
    struct sk_finding *finding;
    size_t finding_cap;
    struct sk_note_entry *note;
    size_t note_cap;
    bool dropped;
    struct sk_report report;
};

void tally_init(struct tally *tally);
void tally_release(struct tally *tally);
void tally_clear(struct tally *tally);
void tally_finding(struct tally *tally, const struct scan_finding *finding);
void tally_note(struct tally *tally, const struct scan_note *note);
void tally_done(struct tally *tally, const struct scan_done *done);
/* The worker is gone: what was found so far counts, and the report is incomplete. */
void tally_died(struct tally *tally, enum sk_note note, const char *detail);
/* The verdict follows from the rows and cannot contradict them, whatever the worker claims. */
const struct sk_report *tally_report(struct tally *tally);

#endif
