// SPDX-License-Identifier: Apache-2.0
/*
 * struct choice: include and exclude expressions over paths (POSIX extended regular expressions).
 *
 * Life cycle: zeroed -> choice_compile per list -> choice_take... -> choice_release. A path is
 * taken when no exclude expression matches and, if there are include expressions, one of them does.
 * Errors: SK_E_USAGE with a message to diag naming the option; SK_E_NOMEM.
 */
#ifndef SK_CLI_CHOICE_H
#define SK_CLI_CHOICE_H

#include <regex.h>

#include "conf/conf.h"

struct regexes {
    regex_t *item;
    size_t count;
};

struct choice {
    struct regexes include;
    struct regexes exclude;
};

sk_err choice_compile(struct choice *choice, const struct conf_list *include,
                      const struct conf_list *exclude, const char *kind, struct diag *diag);
bool choice_take(const struct choice *choice, const char *path);
void choice_release(struct choice *choice);

#endif
