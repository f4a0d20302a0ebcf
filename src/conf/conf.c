// SPDX-License-Identifier: Apache-2.0
/*
 * Parsing by table. getopt_long is not used: its tables carry neither types nor bounds nor texts,
 * and every program then grows a switch that repeats the table and drifts away from its help.
 *
 *   argv word          becomes
 *   --                 everything after it is an operand
 *   --name[=value]     find_long: exact name, else the only row that begins so; --no-name for flags
 *   -xyz               letters; the first that takes a value takes the rest of the word, or the
 * next other, or "-"      operand
 *
 * Messages are in the user's language, because this floor is part of programs, never of libsekisho.
 *
 * Defaults go through the same parser as the user's words, so a default out of bounds cannot exist
 * unnoticed.
 */
#include "conf/conf.h"

#include <errno.h>
#include <libintl.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

struct parse {
    const struct conf_table *table;
    void *record;
    struct diag *diag;
    int argc;
    const char *const *argv;
    int at;
};

sk_err conf_list_add(struct conf_list *list, const char *item) {
    const char **grown = mem_grow(list->item, &list->cap, list->count + 1, sizeof(*grown));
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    list->item = grown;
    grown[list->count++] = item;
    return sk_ok();
}

void conf_list_release(struct conf_list *list) {
    mem_free(list->item);
    *list = (struct conf_list){0};
}

static sk_err number(const char *text, uint64_t *out_value, const char **out_rest) {
    uint64_t v = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v)) {
            return sk_fail(SK_E_LIMIT);
        }
    }
    if (p == text) {
        return sk_fail(SK_E_FORMAT);
    }
    *out_value = v;
    *out_rest = p;
    return sk_ok();
}

sk_err conf_size(const char *text, uint64_t *out_bytes) {
    static const char UNITS[] = "KMGT";
    uint64_t v;
    const char *rest;
    TRY(number(text, &v, &rest));
    uint64_t factor = 1;
    if (*rest != '\0') {
        int upper = *rest >= 'a' ? *rest - 'a' + 'A' : *rest;
        const char *unit = upper == 0 ? NULL : strchr(UNITS, upper);
        if (unit == NULL || rest[1] != '\0') {
            return sk_fail(SK_E_FORMAT);
        }
        factor = (uint64_t)1 << (10 * (unit - UNITS + 1));
    }
    if (__builtin_mul_overflow(v, factor, &v)) {
        return sk_fail(SK_E_LIMIT);
    }
    *out_bytes = v;
    return sk_ok();
}

static sk_err refuse(struct diag *diag, const struct conf_option *o, const char *text,
                     const char *why) {
    struct buf name = {0};
    struct buf shown = {0};
    if (!sk_failed(buf_printf(&name, "--%s", o->name)) &&
        !sk_failed(buf_put_escaped(&shown, text, strlen(text)))) {
        diag_say(diag, DIAG_ERROR, buf_text(&name), 0, "'%s' %s", buf_text(&shown), why);
    }
    buf_release(&name);
    buf_release(&shown);
    return sk_fail(SK_E_USAGE);
}

static sk_err set_number(struct diag *diag, const struct conf_option *o, uint64_t *field,
                         const char *text) {
    uint64_t v = 0;
    const char *rest = "";
    sk_err err = o->kind == CONF_SIZE ? conf_size(text, &v) : number(text, &v, &rest);
    if (err.code == SK_E_FORMAT || *rest != '\0') {
        return refuse(diag, o, text,
                      o->kind == CONF_SIZE ? gettext("is not a size (a number, with K, M or G)")
                                           : gettext("is not a number"));
    }
    if (sk_failed(err) || v < o->min || (o->max != 0 && v > o->max)) {
        struct buf why = {0};
        err = buf_printf(&why, gettext("is not between %llu and %llu"), (unsigned long long)o->min,
                         (unsigned long long)(o->max != 0 ? o->max : UINT64_MAX));
        err = sk_failed(err) ? err : refuse(diag, o, text, buf_text(&why));
        buf_release(&why);
        return err;
    }
    *field = v;
    return sk_ok();
}

static sk_err set_bool(struct diag *diag, const struct conf_option *o, bool *field,
                       const char *text) {
    static const char *const YES[] = {"yes", "true", "1", "on"};
    static const char *const NO[] = {"no", "false", "0", "off"};
    for (unsigned i = 0; i < 4; i++) {
        if (strcasecmp(text, YES[i]) == 0 || strcasecmp(text, NO[i]) == 0) {
            *field = strcasecmp(text, YES[i]) == 0;
            return sk_ok();
        }
    }
    return refuse(diag, o, text, gettext("is neither yes nor no"));
}

static sk_err set_choice(struct diag *diag, const struct conf_option *o, const char **field,
                         const char *text) {
    size_t len = strlen(text);
    for (const char *p = o->choices; p != NULL; p = strchr(p, '|')) {
        p += *p == '|' ? 1 : 0;
        size_t word = strcspn(p, "|");
        if (word == len && memcmp(p, text, len) == 0) {
            *field = text;
            return sk_ok();
        }
    }
    struct buf why = {0};
    sk_err err = buf_printf(&why, gettext("is not one of %s"), o->choices);
    err = sk_failed(err) ? err : refuse(diag, o, text, buf_text(&why));
    buf_release(&why);
    return err;
}

static sk_err set(struct diag *diag, const struct conf_option *o, void *record, const char *text) {
    uint8_t *at = (uint8_t *)record + o->offset;
    bool ignored = false;
    switch (o->kind) {
    case CONF_FLAG:
    case CONF_BOOL:
        return set_bool(diag, o, (bool *)(void *)at, text);
    case CONF_SIZE:
    case CONF_NUMBER:
        return set_number(diag, o, (uint64_t *)(void *)at, text);
    case CONF_TEXT:
        *(const char **)(void *)at = text;
        return sk_ok();
    case CONF_CHOICE:
        return set_choice(diag, o, (const char **)(void *)at, text);
    case CONF_LIST:
        return conf_list_add((struct conf_list *)(void *)at, text);
    case CONF_NONE:
        return o->arg != NULL ? sk_ok() : set_bool(diag, o, &ignored, text);
    }
    return sk_fail(SK_E_INTERNAL);
}

sk_err conf_defaults(const struct conf_table *table, void *record, struct diag *diag) {
    for (unsigned i = 0; i < table->count; i++) {
        const struct conf_option *o = &table->option[i];
        if (o->initial != NULL && o->kind != CONF_NONE) {
            TRY(set(diag, o, record, o->initial));
        }
    }
    return sk_ok();
}

void conf_release(const struct conf_table *table, void *record) {
    for (unsigned i = 0; i < table->count; i++) {
        const struct conf_option *o = &table->option[i];
        if (o->kind == CONF_LIST) {
            conf_list_release((struct conf_list *)(void *)((uint8_t *)record + o->offset));
        }
    }
}

bool conf_takes_value(const struct conf_option *o) {
    return o->kind != CONF_FLAG && o->kind != CONF_BOOL &&
           !(o->kind == CONF_NONE && o->arg == NULL);
}

/* The row of a long name, or NULL; *out_many: an abbreviation of several. */
static const struct conf_option *find_long(const struct conf_table *table, const char *name,
                                           size_t len, bool *out_many) {
    const struct conf_option *found = NULL;
    *out_many = false;
    for (unsigned i = 0; i < table->count; i++) {
        const struct conf_option *o = &table->option[i];
        if (strncmp(o->name, name, len) != 0) {
            continue;
        }
        if (o->name[len] == '\0') {
            *out_many = false;
            return o;
        }
        *out_many = found != NULL;
        found = found == NULL ? o : found;
    }
    return *out_many ? NULL : found;
}

static const struct conf_option *find_letter(const struct conf_table *table, char letter) {
    for (unsigned i = 0; i < table->count; i++) {
        if (table->option[i].letter == letter) {
            return &table->option[i];
        }
    }
    return NULL;
}

static sk_err say_unknown(struct parse *p, const char *word, bool many) {
    struct buf shown = {0};
    if (!sk_failed(buf_put_escaped(&shown, word, strlen(word)))) {
        diag_say(p->diag, DIAG_ERROR, NULL, 0,
                 many ? gettext("option '%s' could mean several") : gettext("unknown option '%s'"),
                 buf_text(&shown));
    }
    buf_release(&shown);
    return sk_fail(SK_E_USAGE);
}

static sk_err next_value(struct parse *p, const struct conf_option *o, const char **out_value) {
    if (p->at + 1 >= p->argc) {
        struct buf name = {0};
        if (!sk_failed(buf_printf(&name, "--%s", o->name))) {
            diag_say(p->diag, DIAG_ERROR, buf_text(&name), 0, gettext("needs a value (%s)"),
                     o->arg != NULL ? o->arg : "VALUE");
        }
        buf_release(&name);
        return sk_fail(SK_E_USAGE);
    }
    *out_value = p->argv[++p->at];
    return sk_ok();
}

static sk_err parse_long(struct parse *p, const char *word) {
    const char *name = word + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals == NULL ? strlen(name) : (size_t)(equals - name);
    bool many;
    const struct conf_option *o = find_long(p->table, name, len, &many);
    if (o == NULL && !many && len > 3 && strncmp(name, "no-", 3) == 0 && equals == NULL) {
        const struct conf_option *positive = find_long(p->table, name + 3, len - 3, &many);
        if (positive != NULL && positive->kind == CONF_FLAG) {
            return set(p->diag, positive, p->record, "no");
        }
    }
    if (o == NULL) {
        return say_unknown(p, word, many);
    }
    const char *value = equals == NULL ? "yes" : equals + 1;
    if (o->kind == CONF_FLAG && equals != NULL) {
        return refuse(p->diag, o, value, gettext("is too much: this option takes no value"));
    }
    if (conf_takes_value(o) && equals == NULL) {
        TRY(next_value(p, o, &value));
    }
    return set(p->diag, o, p->record, value);
}

static sk_err parse_letters(struct parse *p, const char *word) {
    for (const char *c = word + 1; *c != '\0'; c++) {
        const struct conf_option *o = find_letter(p->table, *c);
        if (o == NULL) {
            return say_unknown(p, word, false);
        }
        if (!conf_takes_value(o)) {
            TRY(set(p->diag, o, p->record, "yes"));
            continue;
        }
        const char *value = c + 1;
        if (*value == '\0') {
            TRY(next_value(p, o, &value));
        }
        return set(p->diag, o, p->record, value);
    }
    return sk_ok();
}

sk_err conf_parse(const struct conf_table *table, const struct conf_words *words, void *record,
                  struct conf_list *operands, struct diag *diag) {
    struct parse p = {
        .table = table, .record = record, .diag = diag, .argc = words->argc, .argv = words->argv};
    bool only_operands = false;
    for (p.at = 1; p.at < p.argc; p.at++) {
        const char *word = p.argv[p.at];
        if (only_operands || word[0] != '-' || word[1] == '\0') {
            TRY(conf_list_add(operands, word));
        } else if (word[1] != '-') {
            TRY(parse_letters(&p, word));
        } else if (word[2] == '\0') {
            only_operands = true;
        } else {
            TRY(parse_long(&p, word));
        }
    }
    return sk_ok();
}

static sk_err left_column(const struct conf_option *o, struct buf *out) {
    if (o->letter != 0) {
        TRY(buf_printf(out, "-%c, --%s", o->letter, o->name));
    } else {
        TRY(buf_printf(out, "    --%s", o->name));
    }
    if (o->kind == CONF_BOOL || (o->kind == CONF_NONE && o->arg == NULL)) {
        return buf_puts(out, "[=yes/no]");
    }
    return conf_takes_value(o) ? buf_printf(out, "=%s", o->arg != NULL ? o->arg : "VALUE")
                               : sk_ok();
}

#define HELP_COLUMN 32

sk_err conf_help(const struct conf_table *table, const char *(*translate)(const char *),
                 struct buf *out) {
    for (unsigned i = 0; i < table->count; i++) {
        const struct conf_option *o = &table->option[i];
        struct buf left = {0};
        sk_err err = left_column(o, &left);
        if (!sk_failed(err)) {
            bool fits = left.len < HELP_COLUMN - 1;
            err = buf_printf(out, "  %-*s%s", HELP_COLUMN, buf_text(&left),
                             fits ? "" : "\n                                  ");
        }
        buf_release(&left);
        TRY(err);
        TRY(buf_puts(out, translate != NULL ? translate(o->help) : o->help));
        if (o->initial != NULL && o->kind != CONF_NONE && o->kind != CONF_LIST) {
            TRY(buf_printf(out, " [%s]", o->initial));
        }
        TRY(buf_puts(out, "\n"));
    }
    return sk_ok();
}
