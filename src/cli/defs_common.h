// SPDX-License-Identifier: Apache-2.0
/* What the subcommands of `sekisho defs` share: their settings and the open set. cmd_defs.c owns
 * the options, defs_show.c prints. */
#ifndef SK_CLI_DEFS_COMMON_H
#define SK_CLI_DEFS_COMMON_H

#include "conf/conf.h"
#include "defs/defset.h"

struct defs_settings {
    const char *output;      /* compile: directory; NULL: the default */
    const char *definitions; /* others: what to look at; NULL: the default */
    const char *segment;
    const char *line;  /* decode: a signature as text */
    const char *kind;  /* of it; NULL: told by its form */
    const char *certs; /* compile: directory of certificates for .cvd.sign */
    uint64_t jobs;     /* compile; 0: one per CPU */
    struct conf_list include_pua, exclude_pua;
    bool official, official_only, pua, phishing_sigs, rebuild, replace, skip_verify;
    bool part, json, quiet, verbose, help, man;
};

/* Each returns an exit code (cli/say.h). */
int defs_info(const struct defset *set, const char *path, const struct defs_settings *s);
int defs_list(const struct defset *set, const char *name, const struct defs_settings *s);
/* Signatures of this name, in words. */
int defs_decode(const struct defset *set, const char *name, const struct defs_settings *s);
/* The same of signatures given as text; NULL: standard input. */
int defs_decode_text(const char *text, const struct defs_settings *s);
/* Try a signature (text, or a name of the set) on a file and say how it fares. */
int defs_test(const char *file, const char *signature, const struct defs_settings *s);
/* What signatures of a kind of text are written against, as files in dir. */
int defs_normalise(const char *kind, const char *file, const char *dir);
int defs_check(const char *path, const struct defs_settings *s);

#endif
