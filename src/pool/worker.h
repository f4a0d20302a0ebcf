// SPDX-License-Identifier: Apache-2.0
/*
 * The child side: make a scanner, enter the sandbox, answer SCAN messages until the pool closes.
 * Runs in a forked process (see os/spawn.h); its result is the exit status: 0 ended in order, 1 the
 * pool broke the dialog or is gone, 2 could not start (said so in a FAILED message).
 */
#ifndef SK_POOL_WORKER_H
#define SK_POOL_WORKER_H

#include "pool/pool.h"

struct worker_start {
    const struct pool_options *options;
    int spool_fd;   /* own unlinked file, or -1 */
    uint64_t *word; /* says the id of the object it is at (os/spawn.h), or NULL */
    bool gather;    /* answers of several objects may go out together; not without a word */
    bool lean;      /* late parts are not loaded; objects that need one are answered with LACKS */
};

int worker_run(void *start, int sock); /* a spawn_entry; start: struct worker_start */

#endif
