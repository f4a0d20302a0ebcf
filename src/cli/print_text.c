// SPDX-License-Identifier: Apache-2.0
/*
 * For people: one line per file that needs attention, then a summary.
 *
 *   PATH: NAME                                   found in the file itself
 *   PATH: NAME (in inner.zip!evil.exe)           found in a member
 *   PATH: not fully scanned: REASON (in MEMBER)  nothing found, but not everything looked at
 *   PATH: Permission denied                      on standard error
 *
 * Names come from archives and file systems and are printed escaped: a file name must not be able
 * to clear the screen or to pretend to be another line.
 */
#include <stdio.h>
#include <string.h>

#include "cli/explain.h"
#include "cli/intl.h"
#include "cli/print.h"
#include "cli/say.h"

#define RED "\033[1;31m"
#define YELLOW "\033[33m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

const char *outcome_error(const struct outcome *outcome) {
    if (outcome->kind == OUTCOME_SCANNED) {
        return intl_text(sk_result_text(outcome->result));
    }
    if (outcome->kind == OUTCOME_SPECIAL) {
        return _("not a regular file");
    }
    return outcome->errnum != 0 ? strerror(outcome->errnum) : _("cannot be read");
}

sk_err put_count(struct buf *out, uint64_t count) {
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
    for (int i = 0; i < len; i++) {
        bool comma = i > 0 && (len - i) % 3 == 0;
        TRY(buf_printf(out, comma ? ",%c" : "%c", digits[i]));
    }
    return sk_ok();
}

sk_err put_bytes(struct buf *out, uint64_t bytes) {
    static const char *const UNITS[] = {"bytes", "kB", "MB", "GB", "TB"};
    double v = (double)bytes;
    unsigned unit = 0;
    for (; v >= 999.5 && unit < 4; unit++) {
        v /= 1000;
    }
    return unit == 0 ? buf_printf(out, "%.0f %s", v, UNITS[unit])
                     : buf_printf(out, v < 10 ? "%.2f %s" : "%.1f %s", v, UNITS[unit]);
}

static void paint(struct printer *p, const char *color, const char *text) {
    sk_err err = buf_printf(&p->line, "%s%s%s", p->color ? color : "", text, p->color ? PLAIN : "");
    SK_IGNORE(err, "the line is cut when memory is gone");
}

static void add(struct printer *p, const char *text) {
    SK_IGNORE(buf_put_escaped(&p->line, text, strlen(text)), "cut when memory is gone");
}

static void raw(struct printer *p, const char *text) {
    SK_IGNORE(buf_puts(&p->line, text), "cut when memory is gone");
}

static void flush_line(struct printer *p) {
    raw(p, "\n");
    (void)fwrite(p->line.data, 1, p->line.len, stdout);
    buf_clear(&p->line);
}

static void start(struct printer *p, const struct outcome *o) {
    buf_clear(&p->line);
    add(p, o->path);
    raw(p, ": ");
}

static void in_layer(struct printer *p, const char *layer) {
    if (layer[0] != '\0') {
        struct buf shown = {0};
        SK_IGNORE(buf_put_escaped(&shown, layer, strlen(layer)), "cut when memory is gone");
        SK_IGNORE(buf_printf(&p->line, _(" (in %s)"), buf_text(&shown)), "cut");
        buf_release(&shown);
    }
}

/* Under the line of a finding: where it was hit and what its definitions look for. */
static void explain(struct printer *p, const struct outcome *o, const struct sk_finding *f) {
    struct tell t;
    buf_clear(&p->line);
    tell_init(&t, &p->line, false);
    t.depth = 1;
    tell_text(&t, NULL, _("found in data of type"), f->layer_type);
    if (f->offset != UINT64_MAX) {
        tell_number(&t, NULL, _("hit at offset"), f->offset);
    }
    sk_err err = explain_finding(&t, &(struct explain_what){p->explain, o->report, f});
    if (sk_failed(err) || sk_failed(tell_end(&t))) {
        say_error(f->name, _("cannot be decoded: %s"), intl_text(sk_err_text(err)));
    }
    (void)fwrite(p->line.data, 1, p->line.len, stdout);
    buf_clear(&p->line);
}

static void print_findings(struct printer *p, const struct outcome *o) {
    for (size_t i = 0; i < o->report->finding_count; i++) {
        const struct sk_finding *f = &o->report->findings[i];
        struct buf name = {0};
        start(p, o);
        SK_IGNORE(buf_put_escaped(&name, f->name, strlen(f->name)), "cut");
        paint(p, RED, buf_text(&name));
        buf_release(&name);
        in_layer(p, f->layer);
        flush_line(p);
        if (p->explain != NULL) {
            explain(p, o, f);
        }
    }
}

static void print_note(struct printer *p, const struct outcome *o, const struct sk_note_entry *n) {
    start(p, o);
    if (n->incomplete) {
        paint(p, YELLOW, _("not fully scanned"));
        raw(p, ": ");
    }
    add(p, intl_text(n->text));
    if (n->detail != NULL) {
        raw(p, ": ");
        add(p, n->detail);
    }
    in_layer(p, n->layer);
}

/* Without --verbose one line a file: the first reason, and how many more there are. */
static void print_notes(struct printer *p, const struct outcome *o) {
    const struct sk_note_entry *first = NULL;
    size_t more = 0;
    for (size_t i = 0; i < o->report->note_count; i++) {
        const struct sk_note_entry *n = &o->report->notes[i];
        if (p->verbose) {
            print_note(p, o, n);
            flush_line(p);
        } else if (n->incomplete) {
            more += first != NULL ? 1 : 0;
            first = first == NULL ? n : first;
        }
    }
    if (p->verbose) {
        return;
    }
    if (first != NULL) {
        print_note(p, o, first);
        if (more > 0) {
            SK_IGNORE(
                buf_printf(&p->line, ngettext(", and %zu more", ", and %zu more", more), more),
                "cut");
        }
        flush_line(p);
    } else if (!o->report->complete) {
        start(p, o);
        paint(p, YELLOW, _("not fully scanned"));
        flush_line(p);
    }
}

static void print_word(struct printer *p, const struct outcome *o, const char *color,
                       const char *word) {
    start(p, o);
    paint(p, color, word);
    flush_line(p);
}

static void print_skipped(struct printer *p, const struct outcome *o) {
    const char *why = o->kind == OUTCOME_LINK      ? _("symbolic link, not followed")
                      : o->kind == OUTCOME_SPECIAL ? _("not a regular file, skipped")
                                                   : _("excluded");
    if (p->verbose) {
        print_word(p, o, "", why);
    }
}

static void text_object(struct printer *p, const struct outcome *o) {
    switch (outcome_standing(o)) {
    case STANDING_FOUND:
        print_findings(p, o);
        if (!o->report->complete && !p->quiet) {
            print_notes(p, o);
        }
        break;
    case STANDING_INCOMPLETE:
        print_notes(p, o);
        break;
    case STANDING_FAILED:
        say_error(o->path, "%s", outcome_error(o));
        break;
    case STANDING_SKIPPED:
        print_skipped(p, o);
        break;
    case STANDING_ALLOWED:
    case STANDING_CLEAN:
        if (p->verbose) {
            bool allowed = outcome_standing(o) == STANDING_ALLOWED;
            if (o->report != NULL) {
                print_notes(p, o);
            }
            print_word(p, o, GREEN, allowed ? _("allowed") : _("clean"));
        }
        break;
    }
}

static void row(struct printer *p, const char *label, uint64_t count, const char *color) {
    struct buf number = {0};
    SK_IGNORE(put_count(&number, count), "cut");
    raw(p, label);
    raw(p, " ");
    paint(p, count > 0 ? color : "", buf_text(&number));
    buf_release(&number);
    flush_line(p);
}

static void print_work(struct printer *p, const struct run_summary *s) {
    uint64_t ms = s->elapsed_ms > 0 ? s->elapsed_ms : 1;
    uint64_t files = 0;
    for (unsigned i = STANDING_CLEAN; i <= STANDING_INCOMPLETE; i++) {
        files += s->totals->standing[i];
    }
    raw(p, _("Scanned:           "));
    SK_IGNORE(put_count(&p->line, files), "cut");
    raw(p, " ");
    raw(p, ngettext("file", "files", files));
    raw(p, ", ");
    SK_IGNORE(put_bytes(&p->line, s->totals->file_bytes), "cut");
    SK_IGNORE(buf_printf(&p->line, _(" in %.2f s"), (double)s->elapsed_ms / 1000), "cut");
    raw(p, " (");
    SK_IGNORE(put_bytes(&p->line, s->totals->file_bytes * 1000 / ms), "cut");
    raw(p, "/s)");
    flush_line(p);
}

/* sandbox_describe writes the English words of JSON. */
static void put_sandbox(struct printer *p, const struct sandbox_state *state) {
    enum sandbox_level level = sandbox_level(state);
    if (level != SANDBOX_PARTIAL) {
        raw(p, level == SANDBOX_FULL ? _("full") : _("none"));
        return;
    }
    raw(p, _("partial, without"));
    for (unsigned bit = 1; bit <= SANDBOX_ALL; bit <<= 1) {
        if ((state->held & bit) == 0) {
            raw(p, " ");
            raw(p, sandbox_layer_name((enum sandbox_layer)bit));
        }
    }
}

static void print_cage(struct printer *p, const struct run_summary *s) {
    raw(p, _("Sandbox:           "));
    if (!s->facts->sandbox_known) {
        raw(p, _("not needed, nothing was scanned"));
    } else {
        put_sandbox(p, &s->facts->sandbox);
    }
    flush_line(p);
    raw(p, _("Definitions:       "));
    SK_IGNORE(put_count(&p->line, s->signatures), "cut");
    raw(p, " ");
    raw(p, ngettext("signature", "signatures", s->signatures));
    flush_line(p);
}

static void print_stats(struct printer *p, const struct run_summary *s) {
    uint64_t value;
    const char *name;
    for (unsigned i = 0; (name = stat_row(&s->facts->stats, i, &value)) != NULL; i++) {
        SK_IGNORE(buf_printf(&p->line, "%-18s ", name), "cut");
        SK_IGNORE(put_count(&p->line, value), "cut");
        flush_line(p);
    }
}

static void text_summary(struct printer *p, const struct run_summary *s) {
    if (p->quiet) {
        return;
    }
    buf_clear(&p->line);
    flush_line(p);
    print_work(p, s);
    row(p, _("Infected:         "), s->totals->standing[STANDING_FOUND], RED);
    uint64_t incomplete = s->totals->standing[STANDING_INCOMPLETE] + s->totals->found_incomplete;
    row(p, _("Not fully scanned:"), incomplete, YELLOW);
    row(p, _("Errors:           "), s->totals->standing[STANDING_FAILED], YELLOW);
    if (s->facts->deaths > 0) {
        row(p, _("Processes lost:   "), s->facts->deaths, YELLOW);
    }
    print_cage(p, s);
    if (p->stats) {
        print_stats(p, s);
    }
    if (s->facts->stopped) {
        raw(p, _("Stopped early: not everything was looked at."));
        flush_line(p);
    }
}

const struct print_face print_text = {text_object, text_summary};

const char *stat_row(const struct sk_stats *stats, unsigned index, uint64_t *out_value) {
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"objects", stats->objects},
        {"layers", stats->layers},
        {"bytes", stats->bytes},
        {"gate_tests", stats->gate_tests},
        {"gate_passes", stats->gate_passes},
        {"hashed_bytes", stats->hashed_bytes},
        {"candidates", stats->candidates},
        {"literals", stats->literals},
        {"touched", stats->touched},
        {"evaluated", stats->evaluated},
        {"hits", stats->hits},
        {"shares", stats->shares},
        {"copies", stats->copies},
    };
    if (index >= sizeof(rows) / sizeof(rows[0])) {
        return NULL;
    }
    *out_value = rows[index].value;
    return rows[index].name;
}
