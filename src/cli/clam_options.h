// SPDX-License-Identifier: Apache-2.0
/* What the clamscan face can be told: ClamAV 1.4's options, and two of our own. */
#ifndef SK_CLI_CLAM_OPTIONS_H
#define SK_CLI_CLAM_OPTIONS_H

#include "cli/scan_options.h"

struct clam_settings {
    struct limit_settings limits;
    struct alert_settings alert;
    struct conf_list database, file_list;
    struct conf_list exclude_pua, include_pua;
    struct conf_list include, exclude, include_dir, exclude_dir;
    const char *log, *temp_dir, *move, *copy;
    uint64_t max_depth, jobs, dir_links, file_links;
    bool remove, infected, no_ok, all_match, recursive, quiet, to_stdout, no_summary, verbose;
    bool members, bell, cross_fs, pua, phishing_sigs, official_only, incomplete_as_ok;
    bool help, version, man;
};

extern const struct conf_table clam_table;

#endif
