// SPDX-License-Identifier: Apache-2.0
/*
 * JSON Lines: one record per line, "object" for each path, "summary" at the end. The promise is in
 * docs/scan-output.md and docs/scan-output.schema.json; a test holds this file to the schema. Keys
 * are never removed or renamed without a new "format" number in the summary.
 *
 * A path is arbitrary bytes, JSON is not: broken UTF-8 becomes U+FFFD in "path", and then
 * "path_hex" has the exact bytes.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/explain.h"
#include "cli/print.h"

#define FORMAT 1

/* Length of the UTF-8 sequence at p, 0 when it is broken (overlong forms, surrogates and values
 * above U+10FFFF included). */
static size_t utf8_sequence(const uint8_t *p) {
    static const struct {
        uint8_t first, last; /* of the leading byte */
        uint8_t low, high;   /* of the second byte */
        uint8_t len;
    } FORMS[] = {
        {0x01, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++) {
        if (p[0] < FORMS[i].first || p[0] > FORMS[i].last) {
            continue;
        }
        bool ok = FORMS[i].len == 1 || (p[1] >= FORMS[i].low && p[1] <= FORMS[i].high);
        for (size_t k = 2; ok && k < FORMS[i].len; k++) {
            ok = p[k] >= 0x80 && p[k] <= 0xbf;
        }
        return ok ? FORMS[i].len : 0;
    }
    return 0;
}

bool print_is_utf8(struct sk_bytes text) {
    uint8_t last[4] = {0};
    for (size_t at = 0; at < text.len;) {
        size_t left = text.len - at < sizeof(last) ? text.len - at : sizeof(last);
        memset(last, 0, sizeof(last));
        memcpy(last, text.ptr + at, left);
        size_t len = utf8_sequence(last);
        if (len == 0) {
            return false;
        }
        at += len;
    }
    return true;
}

void print_json_path(struct json *j, const char *path) {
    json_str(j, "path", path);
    if (print_is_utf8((struct sk_bytes){(const uint8_t *)path, strlen(path)})) {
        return;
    }
    struct buf hex = {0};
    sk_err err = sk_ok();
    for (const char *p = path; *p != '\0' && !sk_failed(err); p++) {
        err = buf_printf(&hex, "%02x", (unsigned)(unsigned char)*p);
    }
    json_str(j, "path_hex", buf_text(&hex));
    buf_release(&hex);
}

/* Tried in a buffer of its own first: a definition that cannot be decoded must not cost the record.
 */
static void put_explanation(struct json *j, const struct explain_what *what) {
    struct buf trial = {0};
    struct tell t;
    tell_init(&t, &trial, true);
    tell_open(&t, NULL, NULL, '{');
    sk_err err = explain_finding(&t, what);
    buf_release(&trial);
    if (!sk_failed(err)) {
        tell_join(&t, j);
        err = explain_finding(&t, what);
        j->err = sk_failed(j->err) ? j->err : err;
    }
}

static void put_findings(struct printer *p, struct json *j, const struct sk_report *r) {
    json_open(j, "findings", '[');
    for (size_t i = 0; i < r->finding_count; i++) {
        const struct sk_finding *f = &r->findings[i];
        json_open(j, NULL, '{');
        json_str(j, "name", f->name);
        json_str(j, "layer", f->layer);
        json_str(j, "layer_type", f->layer_type);
        if (f->offset != UINT64_MAX) {
            json_u64(j, "offset", f->offset);
        } else {
            json_null(j, "offset");
        }
        if (p->explain != NULL) {
            put_explanation(j, &(struct explain_what){p->explain, r, f});
        }
        json_close(j, '}');
    }
    json_close(j, ']');
}

void print_json_notes(struct json *j, const struct sk_report *r) {
    json_open(j, "notes", '[');
    for (size_t i = 0; i < r->note_count; i++) {
        const struct sk_note_entry *n = &r->notes[i];
        json_open(j, NULL, '{');
        json_str(j, "note", n->word);
        json_bool(j, "incomplete", n->incomplete != 0);
        json_str(j, "text", n->text);
        json_str(j, "layer", n->layer);
        if (n->detail != NULL) {
            json_str(j, "detail", n->detail);
        }
        json_close(j, '}');
    }
    json_close(j, ']');
}

void print_json_findings(struct json *j, const struct sk_report *r) {
    struct printer plain = {0};
    put_findings(&plain, j, r);
}

static void finish_line(struct printer *p, struct json *j) {
    json_close(j, '}');
    if (sk_failed(j->err) || sk_failed(buf_puts(&p->line, "\n"))) {
        (void)fputs("{\"record\":\"object\",\"verdict\":\"error\",\"error\":\"out of memory\"}\n",
                    stdout);
    } else {
        (void)fwrite(p->line.data, 1, p->line.len, stdout);
    }
    buf_clear(&p->line);
}

static const char *skip_reason(const struct outcome *o) {
    return o->kind == OUTCOME_LINK      ? "symlink"
           : o->kind == OUTCOME_SPECIAL ? "special"
                                        : "excluded";
}

static void json_object(struct printer *p, const struct outcome *o) {
    enum standing standing = outcome_standing(o);
    if (p->quiet && (standing == STANDING_CLEAN || standing == STANDING_ALLOWED ||
                     standing == STANDING_SKIPPED)) {
        return;
    }
    struct json j;
    buf_clear(&p->line);
    json_init(&j, &p->line);
    json_open(&j, NULL, '{');
    json_str(&j, "record", "object");
    print_json_path(&j, o->path);
    json_str(&j, "verdict", standing_word(standing));
    json_bool(&j, "complete",
              o->kind == OUTCOME_EMPTY || (o->report != NULL && o->report->complete != 0));
    if (standing == STANDING_SKIPPED) {
        json_str(&j, "reason", skip_reason(o));
    }
    if (standing == STANDING_FAILED) {
        json_str(&j, "error", outcome_error(o));
    }
    if (o->kind == OUTCOME_SCANNED || o->kind == OUTCOME_EMPTY) {
        json_u64(&j, "size", o->size);
    }
    if (o->kind == OUTCOME_EMPTY) {
        json_str(&j, "type", "empty");
    } else if (o->report != NULL) {
        json_str(&j, "type", o->report->type);
        json_u64(&j, "layers", o->report->layers);
        json_u64(&j, "bytes_scanned", o->report->bytes_scanned);
        if (o->report->depends_on_place) {
            json_bool(&j, "depends_on_place", true);
        }
        put_findings(p, &j, o->report);
        print_json_notes(&j, o->report);
    }
    finish_line(p, &j);
}

static void put_stats(struct json *j, const struct sk_stats *stats) {
    uint64_t value;
    const char *name;
    json_open(j, "stats", '{');
    for (unsigned i = 0; (name = stat_row(stats, i, &value)) != NULL; i++) {
        json_u64(j, name, value);
    }
    json_close(j, '}');
}

static void put_sandbox(struct json *j, const struct session_facts *facts) {
    struct buf text = {0};
    if (!facts->sandbox_known || sk_failed(sandbox_describe(&facts->sandbox, &text))) {
        json_null(j, "sandbox");
    } else {
        json_str(j, "sandbox", buf_text(&text));
    }
    buf_release(&text);
}

static void json_summary(struct printer *p, const struct run_summary *s) {
    struct json j;
    buf_clear(&p->line);
    json_init(&j, &p->line);
    json_open(&j, NULL, '{');
    json_str(&j, "record", "summary");
    json_u64(&j, "format", FORMAT);
    json_str(&j, "version", SEKISHO_VERSION);
    json_u64(&j, "signatures", s->signatures);
    for (unsigned i = 0; i <= STANDING_SKIPPED; i++) {
        json_u64(&j, standing_word((enum standing)i), s->totals->standing[i]);
    }
    json_u64(&j, "findings", s->totals->findings);
    json_u64(&j, "directories", s->facts->directories);
    json_u64(&j, "file_bytes", s->totals->file_bytes);
    json_u64(&j, "bytes_scanned", s->totals->scanned_bytes);
    json_u64(&j, "layers", s->totals->layers);
    json_double(&j, "seconds", (double)s->elapsed_ms / 1000);
    json_u64(&j, "jobs", s->jobs);
    put_sandbox(&j, s->facts);
    json_u64(&j, "workers_lost", s->facts->deaths);
    json_bool(&j, "stopped", s->facts->stopped);
    if (p->stats) {
        put_stats(&j, &s->facts->stats);
    }
    json_u64(&j, "exit", (uint64_t)s->exit_code);
    finish_line(p, &j);
}

const struct print_face print_json = {json_object, json_summary};
