// SPDX-License-Identifier: Apache-2.0
/*
 * struct progress: one line on the terminal that says how far a run is, at which rate, and how long
 * it will still take.
 *
 * A child process counts files and bytes ahead, so that the rest can be estimated without delaying
 * the scan. Life cycle: progress_start -> progress_show... (progress_hide before other output) ->
 * progress_stop. When standard error is no terminal every call does nothing.
 */
#ifndef SK_CLI_PROGRESS_H
#define SK_CLI_PROGRESS_H

#include "cli/session.h"
#include "os/spawn.h"

struct progress {
    bool on;
    bool visible;
    bool counted; /* the totals are final */
    uint64_t start_ms;
    uint64_t total_files;
    uint64_t total_bytes;
    struct spawn_child counter;
};

void progress_start(struct progress *progress, bool wanted, const struct tree_options *tree,
                    const struct conf_list *paths);
void progress_show(struct progress *progress, const struct session_progress *now);
void progress_hide(void *progress);
void progress_stop(struct progress *progress);

#endif
