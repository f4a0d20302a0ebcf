// SPDX-License-Identifier: Apache-2.0
/*
 * struct pool: forked, sandboxed scan workers and the parent that feeds them.
 *
 * Life cycle: pool_options_init -> pool_new -> (pool_submit while pool_has_room | pool_poll)...
 * until pool_in_flight is 0 -> pool_free. Workers start when there is work for them.
 *
 * Ownership: pool **borrows** the engine and **takes** the descriptor of each submitted object,
 * also on failure. Results come through on_result, in any order, from within pool_poll or
 * pool_submit; everything in them is **borrowed** for the call.
 *
 * What an object can do to its worker stays there: a worker that dies, hangs past the scan time
 * limit, or says anything that is not in the dialog is killed and replaced, and the object it held
 * is reported with the note worker-died, never as clean.
 *
 * Errors: SK_E_NOMEM; SK_E_IO with a reason in pool_why when workers cannot be started (or, with
 * POOL_SANDBOX_REQUIRE, cannot be caged): then the pool is dead and only pool_free is allowed.
 */
#ifndef SK_POOL_POOL_H
#define SK_POOL_POOL_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "os/sandbox.h"
#include "sekisho.h"

#define POOL_JOBS_MAX 64u

enum pool_sandbox { POOL_SANDBOX_AUTO = 0, POOL_SANDBOX_REQUIRE, POOL_SANDBOX_OFF };

struct pool_result {
    uint64_t tag;
    int result; /* of sk_scan_fd; not 0: the engine could not work, report is incomplete */
    const struct sk_report *report; /* never NULL */
};

struct pool_options {
    struct sk_engine *engine;
    struct sk_options scan; /* spool_fd is ignored: each worker gets its own; an observer is called
                               here, in the parent, all callbacks set, before the result of the
                               object: use it with one job, or nobody knows whose layers they are */
    unsigned jobs;          /* 1..POOL_JOBS_MAX */
    enum pool_sandbox sandbox;
    const char *spool_dir;  /* NULL: $TMPDIR or /tmp */
    bool want_stats;        /* collect pool_stats */
    uint64_t recycle_files; /* a worker is replaced after this many objects */
    uint64_t recycle_bytes; /* ... or when its memory has grown by this much */
    uint32_t grace_ms;      /* past the scan time limit before a worker counts as hanging */
    void (*on_result)(void *ctx, const struct pool_result *result);
    void *ctx;
};

struct pool;

void pool_options_init(struct pool_options *out_options);
sk_err pool_new(const struct pool_options *options, struct pool **out_pool);
/* Ends the workers; objects under way get no result. */
void pool_free(struct pool *pool);

bool pool_has_room(const struct pool *pool);
/* size: of the object, as its descriptor says. SK_E_LIMIT: no room, poll first. */
sk_err pool_submit(struct pool *pool, int fd, uint64_t size, uint64_t tag);
/* Wait up to timeout_ms (0: do not wait) for something to happen and deal with it. */
sk_err pool_poll(struct pool *pool, int timeout_ms);
size_t pool_in_flight(const struct pool *pool);

/* What holds in every worker started so far. False: none has started. */
bool pool_sandbox_state(const struct pool *pool, struct sandbox_state *out_state);
/* Why the pool is dead. Static or owned by the pool; "" when it lives. */
const char *pool_why(const struct pool *pool);
/* Workers that died or were killed, and cost an object or a start. */
uint64_t pool_deaths(const struct pool *pool);
/* There is no spool file (full or read-only disk): large layers stay unscanned, noted. */
bool pool_spool_missing(const struct pool *pool);
/* Sum over all workers, with want_stats. */
void pool_stats(const struct pool *pool, struct sk_stats *out_stats);
/* Process ids of living workers, for tests and status; returns how many were filled. */
unsigned pool_pids(const struct pool *pool, pid_t *out_pids, unsigned cap);

#endif
