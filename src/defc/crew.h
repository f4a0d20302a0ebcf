// SPDX-License-Identifier: Apache-2.0
/*
 * struct crew: pieces of a compile side by side, each in a forked process.
 *
 * A task runs in a child when a place is free, else in the calling process; what it gives back is a
 * few bytes. Whatever the number of places, results, messages and errors come in the order of the
 * tasks, so the outside cannot tell how many there were. A task that itself calls crew_run shares
 * the places of the whole crew: those that its brothers gave back.
 *
 * Life cycle: crew_new -> crew_run... -> crew_free. **Borrows** the diag for life: a child says
 * into it as the parent would, and the parent repeats it when the turn of the task has come.
 * With one place nothing is forked. Errors: SK_E_IO, SK_E_NOMEM (a child could not be started, or
 * died: told to diag), and what the tasks give; after the first failure the rest is ended, and no
 * `done` is called any more.
 */
#ifndef SK_DEFC_CREW_H
#define SK_DEFC_CREW_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "base/diag.h"

#define CREW_PLACES_MAX 64u
#define CREW_RESULT_MAX ((size_t)16 * 1024)

struct crew;

struct crew_task {
    /* apart: in a child, or here before its turn; then only what it writes to files of its own and
     * at most CREW_RESULT_MAX bytes of result count. Else here and in its turn. */
    sk_err (*run)(void *ctx, bool apart, struct buf *out_result);
    /* Here, in the order of the tasks. NULL: nothing to do. */
    sk_err (*done)(void *ctx, bool apart, struct sk_bytes result);
    void *ctx;
    bool here;       /* only in the calling process, perhaps before its turn */
    uint64_t weight; /* the heaviest starts first */
};

#define CREW_TASKS_MAX 16u

/* places: 1 to CREW_PLACES_MAX. progress (may be NULL): the task has done so many of its units. */
sk_err crew_new(unsigned places, struct diag *diag, struct crew **out_crew);
void crew_free(struct crew *crew);
sk_err crew_run(struct crew *crew, const struct crew_task *tasks, unsigned count);

/* Progress: `tell` hears, in the process that made the crew, how much all tasks of the outermost
 * run have done; a task says how much of its own is done. */
void crew_hear(struct crew *crew, void (*tell)(void *ctx, uint64_t done), void *ctx);
void crew_progress(struct crew *crew, uint64_t done);

#endif
