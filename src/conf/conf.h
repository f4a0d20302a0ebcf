// SPDX-License-Identifier: Apache-2.0
/*
 * Option tables: one row is parsing, bounds, default, help line and manual entry of one option.
 *
 * A table describes a record (a struct of the caller); each row names a field by its offset. Types
 * of fields: CONF_FLAG and CONF_BOOL bool; CONF_SIZE and CONF_NUMBER uint64_t; CONF_TEXT and
 * CONF_CHOICE const char *; CONF_LIST struct conf_list; CONF_NONE no field.
 *
 * Life cycle: zeroed record -> conf_defaults -> conf_parse -> use -> conf_release. Ownership: texts
 * in the record are **borrowed** from argv and from the table; lists own only their arrays. Errors:
 * SK_E_USAGE, with one message to diag naming the option; SK_E_NOMEM. Arguments follow GNU habits:
 * --name=value, --name value, -xvalue, -x value, bundled letters, unique abbreviations, "--" ends
 * the options, operands may stand between options, "-" is an operand.
 */
#ifndef SK_CONF_CONF_H
#define SK_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"

enum conf_kind {
    CONF_FLAG,   /* --x, and --no-x when no row is called that */
    CONF_BOOL,   /* --x, --x=yes, --x=no */
    CONF_SIZE,   /* bytes with suffix K, M, G */
    CONF_NUMBER, /* decimal */
    CONF_TEXT,
    CONF_CHOICE, /* one of `choices`, separated by | */
    CONF_LIST,   /* may be repeated */
    CONF_NONE    /* accepted, checked, no effect (documented as such) */
};

struct conf_option {
    const char *name;
    char letter; /* or 0 */
    enum conf_kind kind;
    size_t offset;
    uint64_t min, max;   /* of numbers; max 0: no bound */
    const char *initial; /* the default, as a user would write it; NULL: zero */
    const char *arg;     /* placeholder in help: "SIZE"; CONF_NONE with NULL takes [=yes/no] */
    const char *choices;
    const char *help; /* one line, no full stop */
    const char *more; /* further sentences for the manual, or NULL */
};

struct conf_table {
    const struct conf_option *option;
    unsigned count;
};

struct conf_words {
    int argc;
    const char *const *argv;
};

struct conf_list {
    const char **item;
    size_t count;
    size_t cap;
};

sk_err conf_defaults(const struct conf_table *table, void *record, struct diag *diag);
/* words->argv[0] is skipped. operands: appended to. */
sk_err conf_parse(const struct conf_table *table, const struct conf_words *words, void *record,
                  struct conf_list *operands, struct diag *diag);
void conf_release(const struct conf_table *table, void *record);
sk_err conf_list_add(struct conf_list *list, const char *item);
void conf_list_release(struct conf_list *list);

/* "12", "100M" -> bytes; also usable for configuration files. */
sk_err conf_size(const char *text, uint64_t *out_bytes);

/* One line per row; translate may be NULL. */
sk_err conf_help(const struct conf_table *table, const char *(*translate)(const char *),
                 struct buf *out);
bool conf_takes_value(const struct conf_option *option);
/* The items of the option list of a manual page, in mdoc(7): what stands between .Bl and .El. */
sk_err conf_man(const struct conf_table *table, struct buf *out);

#endif
