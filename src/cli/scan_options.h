// SPDX-License-Identifier: Apache-2.0
/* What `sekisho scan` can be told: the record, its option table, and the parts both faces share. */
#ifndef SK_CLI_SCAN_OPTIONS_H
#define SK_CLI_SCAN_OPTIONS_H

#include "cli/session.h"
#include "conf/conf.h"

/* Limits as the user writes them; the same record for both faces. */
struct limit_settings {
    uint64_t file_size, scan_size, files, recursion, scan_time, ratio, memory;
    uint64_t html_normalise, html_notags, script_normalise;
};

/* What to alert on, and which parts to use; the same record for both faces. */
struct alert_settings {
    bool heuristics, precedence, normalise;
    bool encrypted, encrypted_archive, encrypted_doc, macros, broken, broken_media, exceeds_max;
    bool links, phishing_ssl, phishing_cloak, partitions;
    bool structured;
    uint64_t ssn_format, ssn_count, card_count, card_mode;
    bool mail, pe, elf, ole2, pdf, swf, html, xmldocs, hwp3, onenote, archive, image, image_hash,
        nocerts, no_cache;
};

struct scan_settings {
    const char *definitions;
    const char *sandbox;
    const char *color;
    const char *temp_dir;
    uint64_t jobs;
    struct limit_settings limits;
    struct alert_settings alert;
    struct conf_list include, exclude, include_dir, exclude_dir, file_list;
    uint64_t max_depth;
    bool recursive, cross_fs, follow;
    bool all_match, fail_fast, no_archives, official_only;
    bool json, explain, quiet, verbose, stats, progress;
    bool help, man;
};

extern const struct conf_table scan_table;

void limits_apply(const struct limit_settings *settings, struct sk_limits *out_limits);
/* Fills flags, alerts and parts_off; flags beside those of alerts are kept. */
void alerts_apply(const struct alert_settings *settings, struct sk_options *inout_options);
/* Number of CPUs this process may use, at least 1. */
unsigned cpus_usable(void);
/* Add the lines of each list file to paths. The texts live in *out_text, one buf per file, which
 * the caller releases after the paths. */
sk_err paths_from_lists(const struct conf_list *files, struct conf_list *paths,
                        struct buf *out_text, struct diag *diag);

#endif
