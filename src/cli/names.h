// SPDX-License-Identifier: Apache-2.0
/*
 * struct names: include and exclude expressions over paths (POSIX extended regular expressions).
 *
 * Life cycle: zeroed -> names_compile per list -> names_take... -> names_release. A path is taken
 * when no exclude expression matches and, if there are include expressions, one of them does.
 * Errors: SK_E_USAGE with a message to diag naming the option; SK_E_NOMEM.
 */
#ifndef SK_CLI_NAMES_H
#define SK_CLI_NAMES_H

#include <regex.h>

#include "conf/conf.h"

struct regexes {
    regex_t *item;
    size_t count;
};

struct names {
    struct regexes include;
    struct regexes exclude;
};

sk_err names_compile(struct names *names, const struct conf_list *include,
                     const struct conf_list *exclude, const char *kind, struct diag *diag);
bool names_take(const struct names *names, const char *path);
void names_release(struct names *names);

#endif
