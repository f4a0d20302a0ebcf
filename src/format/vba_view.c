// SPDX-License-Identifier: Apache-2.0
/*
 * The text of a VBA project: a line for each record of its dir stream, behind the last line of each
 * module the module's source in normal form (vba_text.c). Which records have a line, and how it
 * reads, is clamscan's, seen with 1.4.6 (its temporary file vba_project); since signatures and
 * hashes are written against that text, tests/differential/diff_documents.py compares it byte for
 * byte.
 *
 *     dir records --line--> "REM MODULENAME: Module1\n" ... --> source --> next module's lines ...
 */
#include "format/vba_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "codec/codec.h"

/* A growing text in fixed storage; what does not fit is dropped. */
struct line {
    uint8_t text[1024];
    size_t len;
};

static void put_text(struct line *l, const char *text) {
    for (; *text != 0 && l->len < sizeof(l->text); text++) {
        l->text[l->len++] = (uint8_t)*text;
    }
}

/* The converter of a code page, or NULL: none is needed, or the system has none. */
static sk_err open_charset(unsigned codepage, struct sk_stream *up, struct sk_stream **out) {
    char name[VBA_CHARSET_BYTES];
    *out = NULL;
    if (!vba_charset(codepage, name)) {
        return sk_ok();
    }
    sk_err err = sk_charset_open(up, (struct sk_bytes){(const uint8_t *)name, strlen(name)}, out);
    return err.code == SK_E_UNSUPPORTED ? sk_ok() : err;
}

/* *out_done: there was a converter. */
static sk_err put_converted(struct line *l, struct sk_bytes bytes, unsigned codepage,
                            bool *out_done) {
    struct sk_source src;
    struct sk_source_stream all;
    struct sk_stream *text;
    size_t got = 0;
    sk_source_init_mem(&src, bytes.ptr, bytes.len);
    TRY(open_charset(codepage, sk_source_stream_init(&all, &src, 0, bytes.len), &text));
    *out_done = text != NULL;
    if (text == NULL) {
        return sk_ok();
    }
    sk_err err = ole2_pull(text, l->text + l->len, sizeof(l->text) - l->len, &got);
    l->len += sk_failed(err) ? 0 : got;
    sk_stream_close(text);
    return err.code == SK_E_FORMAT ? sk_ok() : err;
}

static sk_err put_bytes(struct line *l, struct sk_bytes bytes, unsigned codepage) {
    bool done;
    TRY(put_converted(l, bytes, codepage, &done));
    for (size_t i = 0; !done && i < bytes.len && l->len + 3 <= sizeof(l->text); i++) {
        l->len += vba_utf8(codepage, bytes.ptr[i], l->text + l->len);
    }
    return sk_ok();
}

sk_err vba_name(struct sk_bytes bytes, unsigned codepage, char out[VBA_NAME_BYTES]) {
    struct line name = {.len = 0};
    TRY(put_bytes(&name, bytes, codepage));
    (void)snprintf(out, VBA_NAME_BYTES, "%.*s", (int)name.len, (const char *)name.text);
    return sk_ok();
}

static void put_wide(struct line *l, struct sk_bytes utf16) {
    for (size_t i = 0; i + 2 <= utf16.len && l->len + 3 <= sizeof(l->text); i += 2) {
        l->len += sk_utf8_put(l->text + l->len, sk_load_u16le(utf16.ptr + i));
    }
}

enum shape { AS_TEXT, AS_WIDE, AS_HEX4, AS_HEX8, AS_COUNT, AS_VERSION, AS_SYSKIND, AS_WORD };

struct row {
    uint16_t id;
    enum shape shape;
    const char *title;
};

static const struct row ROWS[] = {
    {REC_SYSKIND, AS_SYSKIND, "PROJECTSYSKIND"},
    {REC_LCID, AS_HEX8, "PROJECTLCID"},
    {0x14, AS_HEX8, "PROJECTLCIDINVOKE"},
    {REC_CODEPAGE, AS_HEX4, "PROJECTCODEPAGE"},
    {REC_NAME, AS_TEXT, "PROJECTNAME"},
    {0x05, AS_TEXT, "PROJECTDOCSTRING"},
    {0x40, AS_WIDE, "PROJECTDOCSTRINGUNICODE"},
    {0x06, AS_TEXT, "PROJECTHELPFILEPATH"},
    {0x3d, AS_TEXT, "PROJECTHELPFILEPATH2"},
    {0x07, AS_HEX4, "PROJECTHELPCONTEXT"},
    {0x08, AS_HEX4, "PROJECTLIBFLAGS"},
    {REC_VERSION, AS_VERSION, "PROJECTVERSION"},
    {REC_MODULES, AS_COUNT, "PROJECTMODULES"},
    {0x13, AS_HEX4, "PROJECTCOOKIE"},
    {REC_MODULE_NAME, AS_TEXT, "\n\nREM MODULENAME"},
    {0x47, AS_WIDE, "MODULENAMEUNICODE"},
    {REC_STREAM_NAME, AS_TEXT, "MODULESTREAMNAME"},
    {REC_STREAM_NAME_WIDE, AS_WIDE, "MODULESTREAMNAMEUNICODE"},
    {0x1c, AS_TEXT, "MODULEDOCSTRING"},
    {0x48, AS_WIDE, "MODULEDOCSTRINGUNICODE"},
    {REC_MODULE_OFFSET, AS_HEX8, "MODULEOFFSET"},
    {0x1e, AS_HEX8, "MODULEHELPCONTEXT"},
    {0x2c, AS_HEX4, "MODULECOOKIE"},
    {REC_TYPE_PROCEDURAL, AS_WORD, "MODULETYPE: Procedural"},
    {REC_TYPE_CLASS, AS_WORD, "MODULETYPE: Class"},
    {0x25, AS_WORD, "MODULEREADONLY"},
    {0x28, AS_WORD, "MODULEPRIVATE"},
    {REC_MODULE_END, AS_WORD, "##################################################"},
};

static sk_err put_value(struct line *l, enum shape shape, struct sk_bytes data, unsigned codepage) {
    static const char *const kinds[] = {"Windows 16 bit", "Windows 32 bit", "Macintosh",
                                        "Windows 64 bit"};
    char text[48] = "";
    uint32_t n = vba_number(data);
    switch (shape) {
    case AS_TEXT:
        return put_bytes(l, data, codepage);
    case AS_WIDE:
        put_wide(l, data);
        break;
    case AS_HEX4:
        (void)snprintf(text, sizeof(text), "0x%04x", n);
        break;
    case AS_HEX8:
        (void)snprintf(text, sizeof(text), "0x%08x", n);
        break;
    case AS_COUNT:
        (void)snprintf(text, sizeof(text), "%u", n);
        break;
    case AS_VERSION:
        (void)snprintf(text, sizeof(text), "%u.%u", n,
                       data.len >= 6 ? sk_load_u16le(data.ptr + 4) : 0u);
        break;
    case AS_SYSKIND:
        (void)snprintf(text, sizeof(text), "%s", n < 4 ? kinds[n] : "Unknown");
        break;
    case AS_WORD:
        break;
    }
    put_text(l, text);
    return sk_ok();
}

static sk_err put_record(struct line *l, const struct vba_record *r, unsigned codepage) {
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        if (ROWS[i].id != r->id) {
            continue;
        }
        put_text(l, ROWS[i].title[0] == '\n' ? "" : "REM ");
        put_text(l, ROWS[i].title);
        if (ROWS[i].shape != AS_WORD) {
            put_text(l, ": ");
            TRY(put_value(l, ROWS[i].shape, r->data, codepage));
        }
        put_text(l, "\n");
        break;
    }
    return sk_ok();
}

/* The whole project as one stream: a line a record, behind each module's last its text. */
struct project_text {
    struct sk_stream base;
    const struct vba_project *p;
    struct sk_cursor dir;
    uint32_t module; /* whose lines are being written: count so far */
    struct line line;
    size_t pos;
    struct vba_source source;
    struct sk_stream *charset; /* owned; NULL: none */
    struct vba_text text;
    struct sk_stream *module_text; /* NULL: lines */
};

static sk_err begin_module_text(struct project_text *t) {
    const struct vba_module *m = &t->p->module[t->module - 1];
    struct sk_stream *s;
    if (m->entry == OLE2_NONE) {
        return sk_ok();
    }
    sk_err err = vba_open_source(t->p->o, m->entry, m->offset, &t->source, &s);
    if (sk_failed(err)) {
        return err.code == SK_E_FORMAT ? sk_ok() : err;
    }
    TRY(open_charset(t->p->codepage, s, &t->charset));
    t->module_text = t->charset == NULL ? vba_text_init(&t->text, s, t->p->codepage)
                                        : vba_text_init(&t->text, t->charset, VBA_CODEPAGE_NONE);
    return sk_ok();
}

static void end_module_text(struct project_text *t) {
    t->module_text = NULL;
    sk_stream_close(t->charset);
    t->charset = NULL;
}

static sk_err next_line(struct project_text *t, bool *out_more) {
    struct vba_record r;
    *out_more = vba_next_record(&t->dir, &r);
    t->line.len = t->pos = 0;
    if (!*out_more) {
        return sk_ok();
    }
    t->module += r.id == REC_MODULE_NAME && t->module < t->p->module_count ? 1 : 0;
    TRY(put_record(&t->line, &r, t->p->codepage));
    return r.id == REC_MODULE_END && t->module > 0 ? begin_module_text(t) : sk_ok();
}

static sk_err project_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct project_text *t = (struct project_text *)(void *)base;
    for (;;) {
        size_t n = t->line.len - t->pos;
        if (n > 0) {
            n = n < cap ? n : cap;
            memcpy(buf, t->line.text + t->pos, n);
            t->pos += n;
            *out_len = n;
            return sk_ok();
        }
        if (t->module_text != NULL) {
            size_t got = 0;
            sk_err err = sk_stream_read(t->module_text, buf, cap, &got);
            if (!sk_failed(err) && got > 0) {
                *out_len = got;
                return sk_ok();
            }
            if (sk_failed(err) && err.code != SK_E_FORMAT) {
                return err;
            }
            end_module_text(t); /* its damage was told with the member */
            continue;
        }
        bool more;
        TRY(next_line(t, &more));
        if (!more) {
            *out_len = 0;
            return sk_ok();
        }
    }
}

sk_err vba_give_project(struct vba_project *p, uint32_t dir) {
    struct project_text *t = arena_zalloc(walk_arena(p->o->walk), 1, sizeof(*t));
    if (t == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    t->base.read = project_read;
    t->p = p;
    t->dir = sk_cursor_of(p->dir);
    put_text(&t->line, "REM VBA project extracted from Microsoft Office document\n\n");
    sk_err err = ole2_give_part(p->o, dir, "project.vba", &t->base);
    end_module_text(t);
    return err;
}
