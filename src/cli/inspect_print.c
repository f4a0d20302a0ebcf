// SPDX-License-Identifier: Apache-2.0
/*
 *   PATH: zip, 12,345 bytes
 *     sha256: 9f86...
 *     note: archive entries overlap
 *     inner.doc: ole2, 6,789 bytes
 *       sha256: ...
 *       fact: contains VBA macros
 *   found: NAME (in inner.doc)
 *
 * Names, values and details come from the object, and every text through a worker that may have
 * been taken over: escaped for the terminal, U+FFFD for broken UTF-8 in JSON, where "name_hex" and
 * "value_hex" then have the exact bytes.
 */
#include "cli/inspect_print.h"

#include <string.h>

#include "base/fact.h"
#include "base/json.h"
#include "base/note.h"
#include "cli/intl.h"
#include "cli/print.h"
#include "cli/totals.h"

#define FORMAT 1
#define VALUE_SHOWN 200u /* of a fact, in text */

static sk_err put_hex(struct buf *out, const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        TRY(buf_printf(out, "%02x", bytes[i]));
    }
    return sk_ok();
}

static const char *fact_text(const char *word) {
    for (int f = 0; f < SK_FACT_COUNT; f++) {
        if (strcmp(sk_fact_word((enum sk_fact)f), word) == 0) {
            return sk_fact_text((enum sk_fact)f);
        }
    }
    return word;
}

/* ---- text --------------------------------------------------------------------------------- */

static sk_err indent(struct buf *out, unsigned depth) {
    return buf_printf(out, "%*s", (int)(2 * depth), "");
}

static sk_err digest_line(struct buf *out, unsigned depth, const char *label, const uint8_t *bytes,
                          size_t len) {
    TRY(indent(out, depth));
    TRY(buf_printf(out, "%s: ", label));
    TRY(put_hex(out, bytes, len));
    return buf_puts(out, "\n");
}

static sk_err row_line(struct buf *out, unsigned depth, const struct inspect_row *row) {
    const char *text = intl_text(row->is_note ? row->text : fact_text(row->word));
    TRY(indent(out, depth));
    TRY(buf_printf(out, "%s: ", row->is_note ? _("note") : _("fact")));
    TRY(buf_put_escaped(out, text, strlen(text)));
    if (row->value != NULL && row->value_len > 0) {
        size_t shown = row->value_len < VALUE_SHOWN ? row->value_len : VALUE_SHOWN;
        TRY(buf_puts(out, row->is_note ? " (" : ": "));
        TRY(buf_put_escaped(out, row->value, shown));
        TRY(buf_puts(out, shown < row->value_len ? "..." : ""));
        TRY(buf_puts(out, row->is_note ? ")" : ""));
    }
    return buf_puts(out, "\n");
}

static sk_err layer_title(struct buf *out, const struct inspect_layer *layer, const char *path) {
    const struct sk_layer_seen *seen = &layer->seen;
    TRY(indent(out, layer->depth));
    if (layer->depth == 0) {
        TRY(buf_put_escaped(out, path, strlen(path)));
    } else if (seen->view != 0) {
        TRY(buf_puts(out, _("normalised form")));
    } else if (seen->name_len > 0) {
        TRY(buf_put_escaped(out, seen->name, seen->name_len));
    } else {
        TRY(buf_puts(out, _("without a name")));
    }
    TRY(buf_puts(out, ": "));
    TRY(buf_put_escaped(out, seen->type, strlen(seen->type)));
    if (seen->size != UINT64_MAX) {
        struct buf count = {0};
        sk_err err = put_count(&count, seen->size);
        err = sk_failed(err)
                  ? err
                  : buf_printf(out, ngettext(", %s byte", ", %s bytes", (unsigned long)seen->size),
                               buf_text(&count));
        buf_release(&count);
        TRY(err);
    }
    return buf_puts(out, seen->opened != 0 ? "\n" : _(", not opened\n"));
}

static sk_err layer_text(struct buf *out, const struct inspect_layer *layer, const char *path) {
    const struct sk_layer_seen *seen = &layer->seen;
    unsigned below = layer->depth + 1;
    TRY(layer_title(out, layer, path));
    if (seen->opened != 0) {
        TRY(digest_line(out, below, "md5", seen->md5, sizeof(seen->md5)));
        TRY(digest_line(out, below, "sha1", seen->sha1, sizeof(seen->sha1)));
        TRY(digest_line(out, below, "sha256", seen->sha256, sizeof(seen->sha256)));
    }
    if (layer->file != NULL) {
        TRY(indent(out, below));
        TRY(buf_printf(out, _("written to: %s\n"), layer->file));
    }
    for (const struct inspect_row *row = layer->row; row != NULL; row = row->next) {
        TRY(row_line(out, below, row));
    }
    return sk_ok();
}

static sk_err found_line(struct buf *out, const struct sk_finding *f) {
    TRY(buf_printf(out, "%s: ", _("found")));
    TRY(buf_put_escaped(out, f->name, strlen(f->name)));
    if (f->layer[0] != '\0') {
        struct buf shown = {0};
        sk_err err = buf_put_escaped(&shown, f->layer, strlen(f->layer));
        err = sk_failed(err) ? err : buf_printf(out, _(" (in %s)"), buf_text(&shown));
        buf_release(&shown);
        TRY(err);
    }
    return buf_puts(out, "\n");
}

/* Layers tell their notes; this one is about the process that read them, and is told by nobody. */
static sk_err report_note_line(struct buf *out, const char *path,
                               const struct sk_note_entry *note) {
    const char *text = intl_text(note->text);
    TRY(buf_put_escaped(out, path, strlen(path)));
    TRY(buf_puts(out, ": "));
    TRY(buf_put_escaped(out, text, strlen(text)));
    return buf_puts(out, "\n");
}

sk_err inspect_print_text(const struct inspection *in, const struct outcome *outcome,
                          struct buf *out) {
    const struct inspect_layer *layer = in->layer_count > 0 ? in->layer[0] : NULL;
    for (; layer != NULL; layer = inspection_next(layer)) {
        TRY(layer_text(out, layer, outcome->path));
    }
    if (outcome->report == NULL) {
        return sk_ok();
    }
    for (size_t i = 0; i < outcome->report->finding_count; i++) {
        TRY(found_line(out, &outcome->report->findings[i]));
    }
    for (size_t i = 0; i < outcome->report->note_count; i++) {
        const struct sk_note_entry *note = &outcome->report->notes[i];
        if (in->layer_count == 0 || strcmp(note->word, sk_note_word(SK_NOTE_WORKER_DIED)) == 0) {
            TRY(report_note_line(out, outcome->path, note));
        }
    }
    if (in->dropped) {
        TRY(buf_puts(out, _("more was told than can be kept: the tree is not complete\n")));
    }
    return outcome->report->complete != 0 ? sk_ok() : buf_puts(out, _("not fully scanned\n"));
}

/* ---- JSON --------------------------------------------------------------------------------- */

static void put_digest(struct json *j, const char *key, const uint8_t *bytes, size_t len) {
    struct buf hex = {0};
    sk_err err = put_hex(&hex, bytes, len);
    json_str(j, key, buf_text(&hex));
    j->err = sk_failed(j->err) ? j->err : err;
    buf_release(&hex);
}

static void put_bytes_as_text(struct json *j, const char *key, const char *hex_key,
                              struct sk_bytes bytes) {
    json_strn(j, key, (const char *)bytes.ptr, bytes.len);
    if (!print_is_utf8(bytes)) {
        put_digest(j, hex_key, bytes.ptr, bytes.len);
    }
}

static void put_rows(struct json *j, const struct inspect_layer *layer, bool notes) {
    json_open(j, notes ? "notes" : "facts", '[');
    for (const struct inspect_row *row = layer->row; row != NULL; row = row->next) {
        if (row->is_note != notes) {
            continue;
        }
        json_open(j, NULL, '{');
        json_str(j, notes ? "note" : "fact", row->word);
        if (notes) {
            json_bool(j, "incomplete", row->incomplete);
        }
        json_str(j, "text", notes ? row->text : fact_text(row->word));
        if (row->value != NULL) {
            put_bytes_as_text(j, notes ? "detail" : "value", notes ? "detail_hex" : "value_hex",
                              (struct sk_bytes){(const uint8_t *)row->value, row->value_len});
        }
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void put_layer(struct json *j, const struct inspect_layer *layer) {
    const struct sk_layer_seen *seen = &layer->seen;
    json_open(j, NULL, '{');
    json_u64(j, "id", seen->id);
    if (seen->parent != 0) {
        json_u64(j, "parent", seen->parent);
    } else {
        json_null(j, "parent");
    }
    json_str(j, "kind", seen->parent == 0 ? "object" : seen->view != 0 ? "view" : "member");
    put_bytes_as_text(j, "name", "name_hex",
                      (struct sk_bytes){(const uint8_t *)seen->name, seen->name_len});
    json_str(j, "type", seen->type);
    if (seen->size == UINT64_MAX) {
        json_null(j, "size");
    } else {
        json_u64(j, "size", seen->size);
    }
    json_bool(j, "opened", seen->opened != 0);
    if (seen->opened != 0) {
        put_digest(j, "md5", seen->md5, sizeof(seen->md5));
        put_digest(j, "sha1", seen->sha1, sizeof(seen->sha1));
        put_digest(j, "sha256", seen->sha256, sizeof(seen->sha256));
    }
    if (layer->file != NULL) {
        json_str(j, "file", layer->file);
    }
    put_rows(j, layer, false);
    put_rows(j, layer, true);
    json_close(j, '}');
}

sk_err inspect_print_json(const struct inspection *in, const struct outcome *outcome,
                          struct buf *out) {
    struct json j;
    enum standing standing = outcome_standing(outcome);
    json_init(&j, out);
    json_open(&j, NULL, '{');
    json_str(&j, "record", "object");
    json_u64(&j, "format", FORMAT);
    print_json_path(&j, outcome->path);
    json_str(&j, "verdict", standing_word(standing));
    json_bool(&j, "complete",
              outcome->kind == OUTCOME_EMPTY ||
                  (outcome->report != NULL && outcome->report->complete != 0 && !in->dropped));
    if (standing == STANDING_FAILED) {
        json_str(&j, "error", outcome_error(outcome));
    }
    json_open(&j, "layers", '[');
    for (size_t i = 0; i < in->layer_count; i++) {
        put_layer(&j, in->layer[i]);
    }
    json_close(&j, ']');
    json_bool(&j, "dropped", in->dropped);
    if (outcome->report != NULL) {
        print_json_findings(&j, outcome->report);
        print_json_notes(&j, outcome->report);
    }
    json_close(&j, '}');
    return sk_failed(j.err) ? j.err : buf_puts(out, "\n");
}
