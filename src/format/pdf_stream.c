// SPDX-License-Identifier: Apache-2.0
/*
 * The data of one stream object: where it ends, and the member it becomes.
 *
 *     source --[extent]--> chain of filters (pdf_filter.c) --> first bytes tried --> engine
 *                                                              |
 *                  nothing came out: the same without decryption; then the bytes as they are
 *
 * The extent: /Length when "endstream" really stands there, else up to the next "endstream", else
 * up to the next object. Overlapping extents are paid from lex_left, so that a thousand streams
 * cannot share one far end.
 *
 * Two /Filter keys are two readings. What clamscan 1.4.6 does was seen by planting one string at a
 * time:
 * - a stream whose filter fails at once is given as the filters before it left it; here, where
 *   other filters may fail, each step is given;
 * - predictors are not undone there, here both readings are given;
 * - pixels (an image without an image filter) are not looked at; here neither, unless some other
 *   object uses them as script or file: no reader runs pixels, and they are most of the bytes of a
 *   scanned book;
 * - RunLength and Crypt are not followed there.
 */
#include <string.h>

#include "format/pdf_filter.h"
#include "format/pdf_text.h"

#define END_GAP_MAX 8u /* white space between the data and "endstream" */
#define OBJSTM_MAX_BYTES ((size_t)16 << 20)
#define NAME_ROOM 48

/* One stream object, described. */
struct job {
    struct pdf *p;
    const struct pdf_object *o;
    struct sk_bytes dict; /* in p->body */
    uint64_t off, len;
    struct pdf_filters filters;
    enum pdf_cipher cipher;
    bool predict; /* undo predictors */
    bool again;   /* one reading was given: this one only if it makes sense */
};

/* The engine's stream: the top of a chain whose first bytes were read already. */
struct tried {
    struct sk_stream base;
    struct sk_stream *top;
    uint8_t head[512];
    size_t pos, len;
    bool soft; /* it may well be no such data: damage is its end */
};

/* ---- where the data ends ---- */

static bool end_stands_at(struct pdf *p, uint64_t off) {
    struct sk_cursor c = sk_source_cursor(p->src, off, END_GAP_MAX + 9);
    while (sk_cursor_left(&c) > 9 && pdf_is_space(c.ptr[c.pos])) {
        sk_cursor_skip(&c, 1);
    }
    const uint8_t *word = sk_cursor_take(&c, 9);
    return word != NULL && memcmp(word, "endstream", 9) == 0;
}

/* Offset of "endstream" in [off, end), or end. */
static sk_err find_end(struct pdf *p, uint64_t off, uint64_t end, uint64_t *out_at) {
    *out_at = end;
    while (off < end) {
        TRY(walk_tick(p->walk));
        size_t avail;
        const uint8_t *text = sk_source_at(p->src, off, 4096, &avail);
        if (text == NULL) {
            return p->src->failed;
        }
        avail = avail < end - off ? avail : (size_t)(end - off);
        const uint8_t *found = memmem(text, avail, "endstream", 9);
        if (found != NULL) {
            *out_at = off + (uint64_t)(found - text);
            return sk_ok();
        }
        if (avail < 16 || off + avail >= end) {
            return sk_ok();
        }
        off += avail - 8;
    }
    return sk_ok();
}

/* One line end in front of "endstream" is not data. */
static uint64_t without_line_end(struct pdf *p, uint64_t off, uint64_t end) {
    struct sk_cursor c = sk_source_cursor(p->src, end - off < 2 ? off : end - 2, 2);
    if (c.len < 2) {
        return end;
    }
    if (c.ptr[1] == '\n') {
        return c.ptr[0] == '\r' ? end - 2 : end - 1;
    }
    return c.ptr[1] == '\r' ? end - 1 : end;
}

static sk_err read_extent(struct job *j) {
    struct pdf *p = j->p;
    const struct pdf_object *next = j->o + 1;
    bool is_last = next == p->object + p->count;
    j->off = j->o->off + j->o->stream_at;
    uint64_t own_end = is_last || next->off < j->off ? p->src->size : next->off;
    struct sk_cursor at;
    struct pdf_token t = {.kind = PDF_END};
    if (pdf_dict_find(j->dict, "Length", &at)) {
        TRY(pdf_follow(p, &at, &t));
    }
    uint64_t end;
    if (t.kind == PDF_INT && t.value >= 0 && (uint64_t)t.value <= p->src->size - j->off &&
        end_stands_at(p, j->off + (uint64_t)t.value)) {
        end = j->off + (uint64_t)t.value;
    } else {
        uint64_t limit = p->lex_left > 0 ? p->src->size : own_end;
        TRY(find_end(p, j->off, limit, &end));
        if (end < limit) {
            end = without_line_end(p, j->off, end);
        } else { /* no end at all: what is searched behind the next object was in vain */
            uint64_t vain = limit - own_end;
            p->lex_left -= vain < p->lex_left ? vain : p->lex_left;
            end = own_end;
        }
    }
    uint64_t beyond = end > own_end ? end - own_end : 0;
    if (beyond > p->lex_left) {
        end = own_end;
    } else {
        p->lex_left -= beyond;
    }
    j->len = end > j->off ? end - j->off : 0;
    return sk_ok();
}

/* ---- decoding ---- */

static sk_err job_open(struct pdf_chain *c, const struct job *j, enum pdf_cipher cipher) {
    c->count = 0;
    uint8_t bytes[PDF_KEY_MAX];
    struct pdf_data data = {.off = j->off,
                            .len = j->len,
                            .filters = &j->filters,
                            .cipher = cipher,
                            .predict = j->predict};
    if (cipher != PDF_PLAIN) {
        TRY(pdf_crypt_key(j->p, j->o, cipher, &data.key, bytes));
    }
    return pdf_chain_open(c, j->p, &data);
}

static sk_err tried_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct tried *t = (struct tried *)(void *)base;
    if (t->pos == t->len) {
        sk_err err = sk_stream_read(t->top, buf, cap, out_len);
        if (t->soft && err.code == SK_E_FORMAT) {
            *out_len = 0;
            return sk_ok();
        }
        return err;
    }
    size_t n = t->len - t->pos < cap ? t->len - t->pos : cap;
    memcpy(buf, t->head + t->pos, n);
    t->pos += n;
    *out_len = n;
    return sk_ok();
}

/* Does anything come out of the job read this way? SK_E_FORMAT, SK_E_UNSUPPORTED: no; the chain is
 * closed then. */
static sk_err try_chain(struct pdf_chain *c, const struct job *j, enum pdf_cipher cipher,
                        struct tried *out_tried) {
    TRY(job_open(c, j, cipher));
    *out_tried =
        (struct tried){.base = {tried_read, NULL}, .top = pdf_chain_top(c), .soft = j->again};
    sk_err err =
        sk_stream_read(out_tried->top, out_tried->head, sizeof(out_tried->head), &out_tried->len);
    if (sk_failed(err)) {
        pdf_chain_close(c);
    }
    return err;
}

static bool is_useless(sk_err err) {
    return err.code == SK_E_FORMAT || err.code == SK_E_UNSUPPORTED;
}

/* ---- members ---- */

static size_t member_name(const struct job *j, const struct pdf_role *role, char *room) {
    const char *what = "object";
    if (role != NULL && role->kind == PDF_ROLE_SCRIPT) {
        what = "javascript";
    } else if (role != NULL && role->kind == PDF_ROLE_XFA) {
        what = "xfa";
    }
    int len = j->o->num == PDF_NO_NUMBER
                  ? snprintf(room, NAME_ROOM, "%s at %llu", what, (unsigned long long)j->o->off)
                  : snprintf(room, NAME_ROOM, "%s %u %u", what, j->o->num, (unsigned)j->o->gen);
    return len > 0 && len < NAME_ROOM ? (size_t)len : 0;
}

static sk_err give_slice(struct job *j, const struct sk_child *child) {
    struct sk_child slice = *child;
    slice.is_slice = true;
    slice.slice_off = j->off;
    slice.slice_len = j->len;
    slice.size = j->len;
    return walk_child(j->p->walk, &slice, NULL);
}

static enum pdf_cipher cipher_of(const struct job *j) {
    const struct pdf_crypt *c = &j->p->crypt;
    bool plain = !c->active || j->o->num == PDF_NO_NUMBER || (j->o->seen & PDF_SEEN_XREF) != 0;
    plain = plain || (!c->metadata && pdf_dict_name_is(j->dict, "Type", "Metadata"));
    for (unsigned i = 0; i < j->filters.count; i++) {
        plain = plain || (j->filters.at[i].kind == PDF_FILTER_CRYPT && j->filters.at[i].identity);
    }
    if (plain) {
        return PDF_PLAIN;
    }
    return pdf_dict_name_is(j->dict, "Type", "EmbeddedFile") ? c->files : c->streams;
}

/* The words of a page; what cannot be decoded was told when the member was given. */
static sk_err give_page_text(struct job *j) {
    struct pdf_chain c;
    struct tried t;
    struct pdf_page_text text;
    j->cipher = cipher_of(j);
    j->predict = true;
    sk_err err = try_chain(&c, j, j->cipher, &t);
    if (sk_failed(err)) {
        return is_useless(err) ? sk_ok() : err;
    }
    err = walk_view(j->p->walk, SK_TARGET_TEXT, pdf_page_text_init(&text, &t.base));
    pdf_chain_close(&c);
    return err;
}

/* What comes out of the job read this way. SK_E_FORMAT, SK_E_UNSUPPORTED: nothing. */
static sk_err give_chain(struct job *j, const struct sk_child *child, enum pdf_cipher cipher) {
    struct pdf_chain c;
    struct tried t;
    TRY(try_chain(&c, j, cipher, &t));
    sk_err err = walk_child(j->p->walk, child, &t.base);
    pdf_chain_close(&c);
    return err;
}

/* A chain that gives nothing: what each of its filters leaves for the next, down to the bytes as
 * they are. */
static sk_err give_pieces(struct job *j, struct sk_child *child) {
    struct pdf_filters all = j->filters;
    sk_err err = sk_ok();
    j->again = true;
    while (j->filters.count > 1 && (!sk_failed(err) || is_useless(err))) {
        j->filters.count--;
        child->index = j->p->members++;
        err = give_chain(j, child, j->cipher);
    }
    j->filters = all;
    TRY(is_useless(err) ? sk_ok() : err);
    child->index = j->p->members++;
    return give_slice(j, child);
}

static sk_err give_decoded(struct job *j, struct sk_child *child) {
    sk_err err = give_chain(j, child, j->cipher);
    if (is_useless(err) && j->cipher != PDF_PLAIN) {
        err = give_chain(j, child, PDF_PLAIN); /* not encrypted after all */
    }
    if (!is_useless(err)) {
        return err;
    }
    if (j->again) {
        return sk_ok();
    }
    walk_note(j->p->walk, err.code == SK_E_FORMAT ? SK_NOTE_DAMAGED : SK_NOTE_METHOD,
              "pdf: a stream that cannot be decoded");
    return give_pieces(j, child);
}

/* Pixels: packed, and no image file. */
static bool is_pixels(const struct job *j) {
    return (j->o->seen & PDF_SEEN_IMAGE) != 0 && pdf_dict_name_is(j->dict, "Subtype", "Image") &&
           pdf_dict_int(j->dict, "Width", 0) > 0 && j->filters.count > 0 &&
           !pdf_filters_have(&j->filters, PDF_FILTER_IMAGE) &&
           !pdf_filters_have(&j->filters, PDF_FILTER_UNKNOWN);
}

static bool is_packed(const struct job *j) {
    return pdf_filters_work(&j->filters) || j->cipher != PDF_PLAIN;
}

/* What a decoy of an /Encrypt could hide: the same without decryption. Data that must be flate was
 * tried plainly already, when decrypted it made no sense. */
static bool is_doubtful(const struct job *j) {
    return j->p->crypt.doubtful && j->cipher != PDF_PLAIN &&
           (j->filters.count == 0 || j->filters.at[0].kind != PDF_FILTER_FLATE);
}

static sk_err give_reading(struct job *j, const struct pdf_role *role) {
    char name[NAME_ROOM];
    struct sk_child child = {.name = name,
                             .name_len = member_name(j, role, name),
                             .packed_size = j->len,
                             .size = SK_SIZE_UNKNOWN};
    if (role != NULL && role->name != NULL) {
        child.name = role->name;
        child.name_len = role->name_len;
    }
    child.index = j->p->members++;
    j->cipher = cipher_of(j);
    j->predict = true;
    j->again = j->p->crypt.locked;
    if (pdf_filters_have(&j->filters, PDF_FILTER_UNKNOWN) && pdf_once(j->p, PDF_ONCE_FILTER)) {
        walk_note(j->p->walk, SK_NOTE_METHOD, "pdf: an unknown filter");
    }
    if (!is_packed(j) || j->p->crypt.locked) {
        child.encrypted = j->p->crypt.locked;
        TRY(give_slice(j, &child));
    }
    if (!is_packed(j)) {
        return sk_ok();
    }
    child.encrypted = false;
    TRY(give_decoded(j, &child));
    j->again = true;
    if (is_doubtful(j)) {
        child.index = j->p->members++;
        j->cipher = PDF_PLAIN;
        TRY(is_packed(j) ? give_decoded(j, &child) : give_slice(j, &child));
    }
    if (pdf_filters_predict(&j->filters)) {
        j->cipher = cipher_of(j);
        j->predict = false;
        child.index = j->p->members++;
        return give_decoded(j, &child);
    }
    return sk_ok();
}

static sk_err job_begin(struct job *j, struct pdf *p, size_t index) {
    *j = (struct job){.p = p, .o = &p->object[index], .predict = true};
    TRY(pdf_body(p, j->o, &j->dict));
    TRY(read_extent(j));
    return pdf_filters_read(p, j->dict, &j->filters);
}

sk_err pdf_stream_give(struct pdf *p, size_t index, const struct pdf_role *role) {
    struct job j;
    TRY(job_begin(&j, p, index));
    if (j.len == 0 || (role == NULL && is_pixels(&j))) {
        return sk_ok();
    }
    TRY(give_reading(&j, role));
    if (pdf_has_role(p, j.o->num, PDF_ROLE_PAGE)) {
        TRY(give_page_text(&j));
    }
    bool differs = false;
    TRY(pdf_filters_read_last(p, j.dict, &j.filters, &differs));
    return differs && !pdf_filters_have(&j.filters, PDF_FILTER_UNKNOWN) ? give_reading(&j, role)
                                                                        : sk_ok();
}

/* All that comes out of the job read this way, into p->unpack. */
static sk_err unpack(struct pdf *p, const struct job *j, enum pdf_cipher cipher) {
    struct pdf_chain c;
    sk_err err = job_open(&c, j, cipher);
    size_t got = 1;
    buf_clear(&p->unpack);
    while (got > 0 && !sk_failed(err)) {
        uint64_t room = p->objstm_left < OBJSTM_MAX_BYTES ? p->objstm_left : OBJSTM_MAX_BYTES;
        if (p->unpack.len >= room) {
            err = sk_fail(SK_E_LIMIT);
            break;
        }
        err = walk_tick(p->walk);
        err = sk_failed(err) ? err : buf_reserve(&p->unpack, 65536);
        if (!sk_failed(err)) {
            err = sk_stream_read(pdf_chain_top(&c), p->unpack.data + p->unpack.len, 65536, &got);
            p->unpack.len += sk_failed(err) ? 0 : got;
        }
    }
    pdf_chain_close(&c);
    p->objstm_left -= p->unpack.len < p->objstm_left ? p->unpack.len : p->objstm_left;
    if (err.code == SK_E_LIMIT && pdf_once(p, PDF_ONCE_OBJSTM)) {
        walk_note(p->walk, SK_NOTE_LIMIT_MEMORY, "pdf: object streams are too large");
    }
    return err.code == SK_E_LIMIT || is_useless(err) ? sk_ok() : err;
}

static sk_err unpack_index(struct pdf *p, size_t index) {
    struct job j;
    TRY(job_begin(&j, p, index));
    enum pdf_cipher cipher = cipher_of(&j);
    TRY(unpack(p, &j, cipher));
    if (p->unpack.len == 0 && cipher != PDF_PLAIN) {
        TRY(unpack(p, &j, PDF_PLAIN));
    }
    return sk_ok();
}

sk_err pdf_stream_unpack(struct pdf *p, size_t index) {
    if (p->unpacked == index) {
        return sk_ok();
    }
    p->unpacked = UINT32_MAX;
    p->unpacking = true;
    sk_err err = unpack_index(p, index);
    p->unpacking = false;
    p->unpacked = sk_failed(err) ? UINT32_MAX : (uint32_t)index;
    return err;
}
