// SPDX-License-Identifier: Apache-2.0
/*
 * One run over paths: walk, open, feed the pool, and hand out what came of each object, in the
 * order of the walk whatever order the workers answer in.
 *
 * Ownership: **borrows** everything in the options for the call; an outcome and what it points to
 * are borrowed for the call of on_outcome. Errors: SK_E_IO when no worker can be started (pool_why
 * was told to diag), SK_E_NOMEM. What is wrong with an object is an outcome, not an error.
 */
#ifndef SK_CLI_SESSION_H
#define SK_CLI_SESSION_H

#include <sys/types.h>

#include "cli/tree.h"
#include "conf/conf.h"
#include "pool/pool.h"

enum outcome_kind {
    OUTCOME_SCANNED, /* report is valid */
    OUTCOME_EMPTY,   /* a file without bytes: nothing to scan, clean */
    OUTCOME_LINK,
    OUTCOME_SPECIAL,
    OUTCOME_EXCLUDED,
    OUTCOME_FAILED, /* could not be opened or read: errnum */
};

struct outcome {
    enum outcome_kind kind;
    const char *path; /* "stdin" for "-" */
    bool named;       /* the user named it, it was not found by walking */
    bool directory;   /* OUTCOME_FAILED, OUTCOME_EXCLUDED: it is a directory */
    int errnum;
    uint64_t size;
    dev_t dev;
    ino_t ino;
    int result; /* not 0: the engine could not work; report is incomplete */
    const struct sk_report *report;
};

struct session_progress {
    uint64_t files;
    uint64_t bytes;
    uint64_t found;
};

struct session_options {
    struct pool_options pool; /* on_result is the session's own */
    struct tree_options tree;
    const struct conf_list *paths;
    bool stop_at_first; /* end after the first finding */
    struct diag *diag;
    /* false: stop. */
    bool (*on_outcome)(void *ctx, const struct outcome *outcome);
    /* Now and then, a few times a second; NULL: not wanted. */
    void (*on_tick)(void *ctx, const struct session_progress *progress);
    void *ctx;
};

/* What is known about the run itself. */
struct session_facts {
    bool sandbox_known;
    struct sandbox_state sandbox;
    uint64_t deaths;
    uint64_t directories;
    bool spool_missing;
    bool stopped; /* ended before everything was looked at */
    struct sk_stats stats;
};

/* facts are filled in every case. */
sk_err session_run(const struct session_options *options, struct session_facts *out_facts);

#endif
