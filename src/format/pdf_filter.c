// SPDX-License-Identifier: Apache-2.0
/*
 * Filters of a PDF stream (ISO 32000-1, 7.4): names and abbreviations, escaped or not, one or an
 * array, direct or by reference, each with its parameters.
 *
 *     source --[extent]--> decrypt --> filter --> predictor --> filter --> ... top
 *                                   meter      meter         meter
 *
 * Image filters end the chain: what is left is an image file. Predictors are rows of a stage of
 * their own, so that the data can also be read without them.
 */
#include "format/pdf_filter.h"

#include <string.h>

#define TICK_BYTES ((uint64_t)1 << 20)

static enum pdf_filter_kind filter_kind(const struct pdf_token *t) {
    static const struct {
        const char *name;
        enum pdf_filter_kind kind;
    } known[] = {{"FlateDecode", PDF_FILTER_FLATE},
                 {"Fl", PDF_FILTER_FLATE},
                 {"LZWDecode", PDF_FILTER_LZW},
                 {"LZW", PDF_FILTER_LZW},
                 {"ASCIIHexDecode", PDF_FILTER_HEX},
                 {"AHx", PDF_FILTER_HEX},
                 {"ASCII85Decode", PDF_FILTER_85},
                 {"A85", PDF_FILTER_85},
                 {"RunLengthDecode", PDF_FILTER_RUN},
                 {"RL", PDF_FILTER_RUN},
                 {"Crypt", PDF_FILTER_CRYPT},
                 {"DCTDecode", PDF_FILTER_IMAGE},
                 {"DCT", PDF_FILTER_IMAGE},
                 {"JPXDecode", PDF_FILTER_IMAGE},
                 {"CCITTFaxDecode", PDF_FILTER_IMAGE},
                 {"CCF", PDF_FILTER_IMAGE},
                 {"JBIG2Decode", PDF_FILTER_IMAGE}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (pdf_name_is(t, known[i].name)) {
            return known[i].kind;
        }
    }
    return PDF_FILTER_UNKNOWN;
}

sk_err pdf_follow(struct pdf *p, struct sk_cursor *at, struct pdf_token *out_token) {
    pdf_value(at, out_token);
    if (out_token->kind == PDF_REF) {
        TRY(pdf_load_other(p, (uint32_t)out_token->value, at));
        pdf_lex(at, out_token);
    }
    return sk_ok();
}

/* From the token to the end of the bytes it stands in. */
static struct sk_bytes tail_of(const struct sk_cursor *at, const struct pdf_token *t) {
    struct sk_bytes tail = {t->ptr, 0};
    if (t->ptr != NULL) {
        tail.len = at->len - (size_t)(t->ptr - at->ptr);
    }
    return tail;
}

/* t was read at the cursor and opened something: go behind its end. */
static void skip_nested(struct sk_cursor *at, const struct pdf_token *t) {
    struct pdf_token inner = *t;
    uint64_t depth = 0;
    while (inner.kind != PDF_END) {
        depth += inner.kind == PDF_DICT || inner.kind == PDF_ARRAY ? 1 : 0;
        depth -= inner.kind == PDF_DICT_END || inner.kind == PDF_ARRAY_END ? 1 : 0;
        if (depth == 0) {
            return;
        }
        pdf_lex(at, &inner);
    }
}

static void read_params(struct pdf_filter *f, struct sk_bytes dict) {
    f->predictor.predictor = (unsigned)pdf_dict_int(dict, "Predictor", 1);
    f->predictor.colors = (unsigned)pdf_dict_int(dict, "Colors", 1);
    f->predictor.bits = (unsigned)pdf_dict_int(dict, "BitsPerComponent", 8);
    f->predictor.columns = (unsigned)pdf_dict_int(dict, "Columns", 1);
    f->late = pdf_dict_int(dict, "EarlyChange", 1) == 0;
    f->identity = pdf_dict_name_is(dict, "Name", "Identity");
}

/* One dictionary, or an array with one for each filter; null and references among them. */
static sk_err read_all_params(struct pdf *p, struct sk_bytes dict, struct pdf_filters *f) {
    struct sk_cursor at;
    struct pdf_token t;
    if (!pdf_dict_find(dict, "DecodeParms", &at) && !pdf_dict_find(dict, "DP", &at)) {
        return sk_ok();
    }
    TRY(pdf_follow(p, &at, &t));
    for (unsigned i = 0; i < f->count && t.kind == PDF_DICT; i++) {
        read_params(&f->at[i], tail_of(&at, &t));
    }
    bool own = at.ptr == dict.ptr; /* only then may p->text be used once more */
    for (unsigned i = 0; i < f->count && t.kind != PDF_DICT; i++) {
        pdf_value(&at, &t);
        if (t.kind == PDF_END || t.kind == PDF_ARRAY_END) {
            break;
        }
        if (t.kind == PDF_REF && own) {
            struct sk_cursor other;
            struct pdf_token first;
            TRY(pdf_load_other(p, (uint32_t)t.value, &other));
            pdf_lex(&other, &first);
            read_params(&f->at[i], tail_of(&other, &first));
        } else if (t.kind == PDF_DICT) {
            read_params(&f->at[i], tail_of(&at, &t));
            skip_nested(&at, &t);
            t.kind = PDF_ARRAY;
        }
    }
    return sk_ok();
}

/* The last /Filter at any depth: what broken nesting or a second key leave. */
static bool last_filter(struct sk_bytes dict, struct sk_cursor *out_at) {
    struct sk_cursor c = sk_cursor_of(dict);
    struct pdf_token t;
    bool found = false;
    for (pdf_lex(&c, &t); t.kind != PDF_END; pdf_lex(&c, &t)) {
        if (pdf_name_is(&t, "Filter")) {
            *out_at = c;
            found = true;
        }
    }
    if (!found) { /* swallowed by a string without end */
        const uint8_t *text = memmem(dict.ptr, dict.len, "/Filter", 7);
        if (text != NULL) {
            *out_at = sk_cursor_of(dict);
            out_at->pos = (size_t)(text - dict.ptr) + 7;
            found = true;
        }
    }
    return found;
}

/* The name or the array of names at the cursor. */
static sk_err read_filters(struct pdf *p, struct sk_bytes dict, struct sk_cursor at,
                           struct pdf_filters *f) {
    struct pdf_token t;
    f->count = 0;
    TRY(pdf_follow(p, &at, &t));
    bool own = at.ptr == dict.ptr;
    bool array = t.kind == PDF_ARRAY;
    if (array) {
        pdf_value(&at, &t);
    }
    while (t.kind == PDF_NAME || t.kind == PDF_REF) {
        if (f->count == PDF_FILTERS_MAX) {
            walk_note(p->walk, SK_NOTE_METHOD, "pdf: more than 16 filters");
            break;
        }
        if (t.kind == PDF_REF && own) {
            struct sk_cursor other;
            TRY(pdf_load_other(p, (uint32_t)t.value, &other));
            pdf_lex(&other, &t);
        }
        f->at[f->count++] = (struct pdf_filter){.kind = filter_kind(&t)};
        if (!array) {
            break;
        }
        pdf_value(&at, &t);
    }
    return read_all_params(p, dict, f);
}

sk_err pdf_filters_read(struct pdf *p, struct sk_bytes dict, struct pdf_filters *out_filters) {
    struct sk_cursor at;
    out_filters->count = 0;
    return pdf_dict_find(dict, "Filter", &at) || last_filter(dict, &at)
               ? read_filters(p, dict, at, out_filters)
               : sk_ok();
}

sk_err pdf_filters_read_last(struct pdf *p, struct sk_bytes dict, struct pdf_filters *out_filters,
                             bool *out_differs) {
    struct sk_cursor first;
    struct sk_cursor last;
    *out_differs =
        pdf_dict_find(dict, "Filter", &first) && last_filter(dict, &last) && last.pos != first.pos;
    return *out_differs ? read_filters(p, dict, last, out_filters) : sk_ok();
}

bool pdf_filters_have(const struct pdf_filters *f, enum pdf_filter_kind kind) {
    for (unsigned i = 0; i < f->count; i++) {
        if (f->at[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static bool ends_chain(const struct pdf_filter *f) {
    return f->kind == PDF_FILTER_IMAGE || f->kind == PDF_FILTER_UNKNOWN;
}

bool pdf_filters_work(const struct pdf_filters *f) {
    for (unsigned i = 0; i < f->count && !ends_chain(&f->at[i]); i++) {
        if (f->at[i].kind != PDF_FILTER_CRYPT) {
            return true;
        }
    }
    return false;
}

static bool has_predictor(const struct pdf_filter *f) {
    return (f->kind == PDF_FILTER_FLATE || f->kind == PDF_FILTER_LZW) &&
           sk_predictor_wanted(&f->predictor);
}

bool pdf_filters_predict(const struct pdf_filters *f) {
    for (unsigned i = 0; i < f->count && !ends_chain(&f->at[i]); i++) {
        if (has_predictor(&f->at[i])) {
            return true;
        }
    }
    return false;
}

/* ---- the chain ---- */

static sk_err meter_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct pdf_meter *m = (struct pdf_meter *)(void *)base;
    struct pdf_chain *c = m->chain;
    size_t got = 0;
    if (c->made > PDF_CHAIN_MAX_BYTES) {
        return sk_fail(SK_E_LIMIT);
    }
    if (c->made >= c->tick_at) {
        TRY(walk_tick(c->walk));
        c->tick_at = c->made + TICK_BYTES;
    }
    TRY(sk_stream_read(m->up, buf, cap, &got));
    c->made += got;
    *out_len = got;
    return sk_ok();
}

struct sk_stream *pdf_chain_top(struct pdf_chain *c) {
    return c->count > 0 ? &c->meter[c->count - 1].base : &c->raw.base;
}

void pdf_chain_close(struct pdf_chain *c) {
    while (c->count > 0) {
        sk_stream_close(c->stage[--c->count]);
    }
}

/* A stage is on c->stage[c->count]: it counts now. */
static void stage_done(struct pdf_chain *c) {
    c->meter[c->count] = (struct pdf_meter){{meter_read, NULL}, c->stage[c->count], c};
    c->count++;
}

static sk_err push_filter(struct pdf_chain *c, const struct pdf_filter *f) {
    struct sk_stream *up = pdf_chain_top(c);
    struct sk_stream **out = &c->stage[c->count];
    switch (f->kind) {
    case PDF_FILTER_FLATE:
        return pdf_flate_open(up, out);
    case PDF_FILTER_LZW:
        return sk_lzw_open(up, !f->late, out);
    case PDF_FILTER_HEX:
        return sk_asciihex_open(up, out);
    case PDF_FILTER_85:
        return sk_ascii85_open(up, out);
    default:
        return sk_runlength_open(up, out);
    }
}

static sk_err push_all(struct pdf_chain *c, const struct pdf_data *data) {
    if (data->cipher != PDF_PLAIN) {
        TRY(pdf_decrypt_open(&c->raw.base, data->cipher, data->key, &c->stage[0]));
        stage_done(c);
    }
    for (unsigned i = 0; i < data->filters->count; i++) {
        const struct pdf_filter *f = &data->filters->at[i];
        if (ends_chain(f)) {
            break;
        }
        if (f->kind == PDF_FILTER_CRYPT) {
            continue;
        }
        TRY(push_filter(c, f));
        stage_done(c);
        if (data->predict && has_predictor(f)) {
            TRY(sk_predictor_open(pdf_chain_top(c), &f->predictor, &c->stage[c->count]));
            stage_done(c);
        }
    }
    return sk_ok();
}

sk_err pdf_chain_open(struct pdf_chain *c, struct pdf *p, const struct pdf_data *data) {
    c->walk = p->walk;
    c->count = 0;
    c->made = 0;
    c->tick_at = 0;
    sk_source_stream_init(&c->raw, p->src, data->off, data->len);
    sk_err err = push_all(c, data);
    if (sk_failed(err)) {
        pdf_chain_close(c);
    }
    return err;
}
