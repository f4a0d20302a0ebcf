// SPDX-License-Identifier: Apache-2.0
/*
 * Expressions from the command line. regexec is the C library's: the expressions are the user's
 * own, so a slow one is the user's business, not an attack.
 */
#include "cli/choice.h"

#include "base/mem.h"
#include "cli/intl.h"

static sk_err compile(struct regexes *out, const struct conf_list *list, const char *option,
                      struct diag *diag) {
    if (list->count == 0) {
        return sk_ok();
    }
    out->item = mem_zalloc(list->count, sizeof(*out->item));
    if (out->item == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (size_t i = 0; i < list->count; i++) {
        int code = regcomp(&out->item[i], list->item[i], REG_EXTENDED | REG_NOSUB);
        if (code != 0) {
            char why[128];
            (void)regerror(code, &out->item[i], why, sizeof(why));
            diag_say(diag, DIAG_ERROR, option, 0, _("'%s' is not a regular expression: %s"),
                     list->item[i], why);
            return sk_fail(SK_E_USAGE);
        }
        out->count = i + 1;
    }
    return sk_ok();
}

sk_err choice_compile(struct choice *choice, const struct conf_list *include,
                      const struct conf_list *exclude, const char *kind, struct diag *diag) {
    char option[32];
    (void)snprintf(option, sizeof(option), "--include%s", kind);
    TRY(compile(&choice->include, include, option, diag));
    (void)snprintf(option, sizeof(option), "--exclude%s", kind);
    return compile(&choice->exclude, exclude, option, diag);
}

static bool any(const struct regexes *r, const char *path) {
    for (size_t i = 0; i < r->count; i++) {
        if (regexec(&r->item[i], path, 0, NULL, 0) == 0) {
            return true;
        }
    }
    return false;
}

bool choice_take(const struct choice *choice, const char *path) {
    return !any(&choice->exclude, path) &&
           (choice->include.count == 0 || any(&choice->include, path));
}

static void release(struct regexes *r) {
    for (size_t i = 0; i < r->count; i++) {
        regfree(&r->item[i]);
    }
    mem_free(r->item);
    *r = (struct regexes){0};
}

void choice_release(struct choice *choice) {
    release(&choice->include);
    release(&choice->exclude);
}
