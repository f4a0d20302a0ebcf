// SPDX-License-Identifier: Apache-2.0
/*
 * struct gather: a report being put together from the messages of a worker.
 *
 * Life cycle: gather_init -> (gather_finding | gather_note)... gather_done or gather_died ->
 * gather_report -> gather_clear for the next object -> gather_release. Ownership: texts are copied
 * into the arena of the gather; the report is **borrowed** until gather_clear. Limits: a worker may
 * be hostile, so at most GATHER_ROWS_MAX rows of each kind and GATHER_BYTES_MAX bytes are kept;
 * what is beyond is dropped and the report becomes incomplete. Errors: never fails; running out of
 * memory makes the report incomplete too.
 */
#ifndef SK_POOL_GATHER_H
#define SK_POOL_GATHER_H

#include "base/arena.h"
#include "base/note.h"
#include "sekisho.h"
#include "wire/scan.h"

#define GATHER_ROWS_MAX 4096u
#define GATHER_HITS_MAX 262144u
#define GATHER_BYTES_MAX ((size_t)8 * 1024 * 1024)

struct gather {
    struct arena arena;
    struct sk_finding *finding;
    size_t finding_cap;
    struct sk_note_entry *note;
    size_t note_cap;
    struct sk_trial *trial;
    size_t trial_cap;
    struct sk_hits *hits; /* of all trials, one behind the other */
    size_t hits_cap;
    size_t hits_count;
    bool dropped;
    struct sk_report report;
};

void gather_init(struct gather *gather);
void gather_release(struct gather *gather);
void gather_clear(struct gather *gather);
void gather_finding(struct gather *gather, const struct scan_finding *finding);
void gather_note(struct gather *gather, const struct scan_note *note);
void gather_trial(struct gather *gather, const struct scan_trial *trial);
/* False: there is no trial they could belong to. */
bool gather_hits(struct gather *gather, const struct scan_hits *hits);
void gather_done(struct gather *gather, const struct scan_done *done);
/* The worker is gone: what was found so far counts, and the report is incomplete. */
void gather_died(struct gather *gather, enum sk_note note, const char *detail);
/* The verdict follows from the rows and cannot contradict them, whatever the worker claims. */
const struct sk_report *gather_report(struct gather *gather);

#endif
