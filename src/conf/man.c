// SPDX-License-Identifier: Apache-2.0
/*
 * The option list of a manual page, from the table that also is the parser and the help, so that a
 * page cannot promise an option that does not exist or a default that is not true.
 *
 *   {"jobs", 'j', CONF_NUMBER, ..., "0", "N", help, more}
 *
 *   .It Fl j , Fl Fl jobs Ns = Ns Ar N
 *   Scan with N processes; 0: one per CPU.
 *   The default is
 *   .Ql 0 .
 *
 * mdoc(7): a hyphen that is to be typed is \-, a backslash \e, a dot or quote at the beginning of a
 * line would be a macro, a sentence begins a new line.
 */
#include <string.h>

#include "conf/conf.h"

static sk_err put_char(struct buf *out, char c) {
    if (c == '-') {
        return buf_puts(out, "\\-");
    }
    return c == '\\' ? buf_puts(out, "\\e") : buf_append(out, &c, 1);
}

static sk_err put_word(struct buf *out, const char *text) {
    for (; *text != '\0'; text++) {
        TRY(put_char(out, *text));
    }
    return sk_ok();
}

static bool ends_sentence(const char *text) {
    return strchr(".!?", text[0]) != NULL && text[0] != '\0' && text[1] == ' ';
}

/* Sentences, each on a line of its own; a full stop is added where there is none. */
static sk_err put_text(struct buf *out, const char *text) {
    size_t len = strlen(text);
    bool stopped = len > 0 && strchr(".!?", text[len - 1]) != NULL;
    bool first = true;
    for (; *text != '\0'; text++) {
        if (first && (*text == '.' || *text == '\'')) {
            TRY(buf_puts(out, "\\&"));
        }
        TRY(put_char(out, *text));
        first = ends_sentence(text);
        if (first) {
            TRY(buf_puts(out, "\n"));
            text++;
        }
    }
    return buf_puts(out, stopped ? "\n" : ".\n");
}

static sk_err put_head(struct buf *out, const struct conf_option *o) {
    TRY(buf_puts(out, ".It "));
    if (o->letter != 0) {
        TRY(buf_printf(out, "Fl %c , ", o->letter));
    }
    TRY(buf_puts(out, "Fl Fl "));
    TRY(put_word(out, o->name));
    if (conf_takes_value(o)) {
        TRY(buf_puts(out, " Ns = Ns Ar "));
        TRY(put_word(out, o->arg != NULL ? o->arg : "VALUE"));
    } else if (o->kind == CONF_BOOL || o->kind == CONF_NONE) {
        TRY(buf_puts(out, " Ns Op = Ns Ar yes/no"));
    }
    return buf_puts(out, "\n");
}

sk_err conf_man(const struct conf_table *table, struct buf *out) {
    for (unsigned i = 0; i < table->count; i++) {
        const struct conf_option *o = &table->option[i];
        TRY(put_head(out, o));
        TRY(put_text(out, o->help));
        if (o->more != NULL) {
            TRY(put_text(out, o->more));
        }
        if (o->initial != NULL && o->kind != CONF_NONE && o->kind != CONF_LIST) {
            TRY(buf_puts(out, "The default is\n.Ql "));
            TRY(put_word(out, o->initial));
            TRY(buf_puts(out, " .\n"));
        }
    }
    return sk_ok();
}
