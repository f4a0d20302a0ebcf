// SPDX-License-Identifier: Apache-2.0
/*
 * One VBA project: its dir stream, its modules, what is searched.
 *
 *     .../VBA/dir        packed records: id u16, size u32, data --> modules: stream, offset
 *     .../VBA/<module>   [compiled code] source text, packed, at that offset
 *
 *     project --> facts; per module: a member ".../source.bas" and a view (target 2) of the source
 *             --> one member "dir/project.vba": clamscan's text of all modules, normalised
 *
 * Seen with clamscan 1.4.6: the text of the project is a layer below the OLE2 file, searched for
 * signatures of target 0; so is the source of a module as it is, for those of 0 and 2 (there only
 * when _VBA_PROJECT holds a table of names that its older reader understands; here always). As
 * members both are also text, searched for target 7. The lines of the project text are clamscan's.
 *
 * Where the dir stream lies or is gone: a module whose offset does not lead to packed text is
 * searched for it, and so are all streams that share a storage with a dir, _VBA_PROJECT or the name
 * "VBA" but are no module. The needle: 01, a chunk header with its mark, a flag byte 0, "Attribut".
 * Compiled code without any source ("stomped") is a fact of its own: Office of the same version
 * runs it.
 */
#include "format/vba.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "codec/codec.h"

enum {
    REC_SYSKIND = 0x01,
    REC_LCID = 0x02,
    REC_CODEPAGE = 0x03,
    REC_NAME = 0x04,
    REC_VERSION = 0x09,
    REC_MODULES = 0x0f,
    REC_MODULE_NAME = 0x19,
    REC_STREAM_NAME = 0x1a,
    REC_TYPE_PROCEDURAL = 0x21,
    REC_TYPE_CLASS = 0x22,
    REC_MODULE_END = 0x2b,
    REC_MODULE_OFFSET = 0x31,
    REC_STREAM_NAME_WIDE = 0x32
};

#define CODEPAGE_WESTERN 1252u
#define VERSION_EXTRA_BYTES 2 /* its size field tells two bytes too few */
#define SEARCH_MAX_BYTES ((size_t)8 << 20)

struct module {
    struct sk_bytes name;
    struct sk_bytes stream;      /* in the code page */
    struct sk_bytes stream_wide; /* UTF-16LE */
    uint32_t offset;
    uint32_t entry;
    bool is_class;
};

struct project {
    struct ole2 *o;
    uint32_t folder;
    unsigned codepage;
    struct sk_bytes dir;
    struct module *module;
    uint32_t module_count;
};

/* ---- streams behind an offset -----------------------------------------------------------------
 */

struct source_text {
    struct ole2_stream stream;
    struct vba_unpack unpack;
};

/* The unpacked source at an offset of a stream. */
static sk_err open_source(const struct ole2 *o, uint32_t entry, uint64_t offset,
                          struct source_text *st, struct sk_stream **out) {
    struct sk_stream *raw = ole2_stream_init(&st->stream, o, entry);
    TRY(ole2_skip(raw, offset));
    *out = vba_unpack_init(&st->unpack, raw);
    return sk_ok();
}

/* Does packed text that gives at least a byte begin here? */
static sk_err has_source(const struct ole2 *o, uint32_t entry, uint64_t offset, bool *out_has) {
    struct source_text st;
    struct sk_stream *s;
    uint8_t first[1];
    size_t got = 0;
    *out_has = false;
    sk_err err = open_source(o, entry, offset, &st, &s);
    if (!sk_failed(err)) {
        err = sk_stream_read(s, first, sizeof(first), &got);
    }
    *out_has = got > 0;
    return err.code == SK_E_FORMAT ? sk_ok() : err;
}

/* First packed source at or behind `from`; SIZE_MAX: none. */
static size_t find_source(struct sk_bytes raw, size_t from) {
    while (from < raw.len) {
        const uint8_t *hit = memmem(raw.ptr + from, raw.len - from, "\0Attribut", 9);
        if (hit == NULL) {
            break;
        }
        size_t at = (size_t)(hit - raw.ptr);
        if (at >= from + 3 && raw.ptr[at - 3] == 1 && (raw.ptr[at - 1] & 0x70) == 0x30) {
            return at - 3;
        }
        from = at + 9;
    }
    return SIZE_MAX;
}

/* ---- the dir stream ----------------------------------------------------------------------------
 */

struct record {
    uint16_t id;
    struct sk_bytes data;
};

static bool next_record(struct sk_cursor *c, struct record *out) {
    if (sk_cursor_left(c) < 6) {
        return false;
    }
    out->id = sk_cursor_u16le(c);
    size_t size = sk_cursor_u32le(c);
    size += out->id == REC_VERSION ? VERSION_EXTRA_BYTES : 0;
    size = size <= sk_cursor_left(c) ? size : sk_cursor_left(c);
    out->data = (struct sk_bytes){sk_cursor_take(c, size), size};
    return true;
}

static uint32_t number_of(struct sk_bytes data) {
    struct sk_cursor c = sk_cursor_of(data);
    return data.len >= 4 ? sk_cursor_u32le(&c) : sk_cursor_u16le(&c);
}

static void module_record(struct project *p, const struct record *r) {
    struct module *m = p->module_count == 0 ? NULL : &p->module[p->module_count - 1];
    if (r->id == REC_MODULE_NAME && p->module_count < VBA_MODULES_MAX) {
        p->module[p->module_count++] =
            (struct module){.name = r->data, .stream = r->data, .entry = OLE2_NONE};
        return;
    }
    if (m == NULL) {
        return;
    }
    switch (r->id) {
    case REC_STREAM_NAME:
        m->stream = r->data;
        break;
    case REC_STREAM_NAME_WIDE:
        m->stream_wide = r->data;
        break;
    case REC_MODULE_OFFSET:
        m->offset = number_of(r->data);
        break;
    case REC_TYPE_CLASS:
        m->is_class = true;
        break;
    default:
        break;
    }
}

static sk_err read_dir(struct project *p, uint32_t dir) {
    struct arena *arena = walk_arena(p->o->walk);
    struct ole2_stream st;
    struct vba_unpack *un = arena_alloc(arena, sizeof(*un));
    struct buf_bytes {
        uint8_t *ptr;
        size_t len;
    } b = {arena_alloc(arena, VBA_CHUNK_BYTES), 0};
    size_t cap = VBA_CHUNK_BYTES;
    if (un == NULL || b.ptr == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    struct sk_stream *s = vba_unpack_init(un, ole2_stream_init(&st, p->o, dir));
    for (;;) {
        if (b.len == cap) {
            uint8_t *more = cap >= VBA_DIR_MAX_BYTES ? NULL : arena_alloc(arena, cap * 2);
            if (more == NULL) {
                break;
            }
            memcpy(more, b.ptr, b.len);
            b.ptr = more;
            cap *= 2;
        }
        size_t got = 0;
        sk_err err = sk_stream_read(s, b.ptr + b.len, cap - b.len, &got);
        if (err.code == SK_E_FORMAT || (!sk_failed(err) && got == 0)) {
            break;
        }
        TRY(err);
        b.len += got;
        TRY(walk_tick(p->o->walk));
    }
    p->dir = (struct sk_bytes){b.ptr, b.len};
    return sk_ok();
}

/* Counts, then fills: the number that the project tells is not believed. */
static sk_err read_modules(struct project *p) {
    struct record r;
    size_t count = 0;
    struct sk_cursor c = sk_cursor_of(p->dir);
    while (next_record(&c, &r)) {
        count += r.id == REC_MODULE_NAME ? 1 : 0;
    }
    if (count > VBA_MODULES_MAX) {
        walk_note(p->o->walk, SK_NOTE_LIMIT_FILES, "vba: modules");
        count = VBA_MODULES_MAX;
    }
    p->module = arena_zalloc(walk_arena(p->o->walk), count + 1, sizeof(*p->module));
    if (p->module == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    c = sk_cursor_of(p->dir);
    while (next_record(&c, &r)) {
        if (r.id == REC_CODEPAGE) {
            p->codepage = number_of(r.data);
        }
        module_record(p, &r);
    }
    return sk_ok();
}

/* ---- text of the view ---------------------------------------------------------------------- */

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
    uint32_t n = number_of(data);
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

static sk_err put_record(struct line *l, const struct record *r, unsigned codepage) {
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
    const struct project *p;
    struct sk_cursor dir;
    uint32_t module; /* whose lines are being written: count so far */
    struct line line;
    size_t pos;
    struct source_text source;
    struct sk_stream *charset; /* owned; NULL: none */
    struct vba_text text;
    struct sk_stream *module_text; /* NULL: lines */
};

static sk_err begin_module_text(struct project_text *t) {
    const struct module *m = &t->p->module[t->module - 1];
    struct sk_stream *s;
    if (m->entry == OLE2_NONE) {
        return sk_ok();
    }
    sk_err err = open_source(t->p->o, m->entry, m->offset, &t->source, &s);
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
    struct record r;
    *out_more = next_record(&t->dir, &r);
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

static sk_err give_project(struct project *p, uint32_t dir) {
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

/* ---- modules ------------------------------------------------------------------------------- */

/* The source at `offset` of a stream: a view and a member. */
static sk_err give_source(struct ole2 *o, uint32_t entry, uint64_t offset, const char *name) {
    struct source_text *st = arena_alloc(walk_arena(o->walk), sizeof(*st));
    struct sk_stream *s;
    if (st == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    TRY(open_source(o, entry, offset, st, &s));
    TRY(walk_view(o->walk, SK_TARGET_OLE2, s));
    TRY(open_source(o, entry, offset, st, &s));
    return ole2_give_part(o, entry, name, s);
}

/* The stream whose name is the module's, in Unicode or in the code page. */
static sk_err find_stream(struct project *p, struct module *m) {
    char text[256];
    struct line name = {.len = 0};
    struct arena *arena = walk_arena(p->o->walk);
    struct arena_mark mark = arena_mark(arena);
    TRY(put_bytes(&name, m->stream, p->codepage));
    (void)snprintf(text, sizeof(text), "%.*s", (int)name.len, (const char *)name.text);
    const char *wide = ole2_name(arena, m->stream_wide, false);
    if (wide == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (uint32_t i = 1; i < p->o->entry_count && m->entry == OLE2_NONE; i++) {
        const struct ole2_entry *e = &p->o->entry[i];
        bool same = (wide[0] != 0 && ole2_is_named(p->o, i, wide)) || ole2_is_named(p->o, i, text);
        if (e->parent == p->folder && e->type == OLE2_STREAM && same) {
            m->entry = i;
        }
    }
    arena_rewind(arena, mark);
    return walk_tick(p->o->walk);
}

/* Corrects an offset that leads nowhere. *out_found: there is source text. */
static sk_err locate_source(struct ole2 *o, uint32_t entry, uint32_t *inout_offset,
                            bool *out_found) {
    TRY(has_source(o, entry, *inout_offset, out_found));
    if (*out_found) {
        return sk_ok();
    }
    struct arena_mark mark = arena_mark(walk_arena(o->walk));
    struct sk_bytes raw;
    TRY(ole2_load(o, entry, SEARCH_MAX_BYTES, &raw));
    size_t at = find_source(raw, 0);
    arena_rewind(walk_arena(o->walk), mark);
    *out_found = at != SIZE_MAX;
    *inout_offset = *out_found ? (uint32_t)at : *inout_offset;
    return sk_ok();
}

static sk_err give_module(struct project *p, struct module *m) {
    TRY(find_stream(p, m));
    if (m->entry == OLE2_NONE) {
        p->o->damaged = true;
        return sk_ok();
    }
    bool found;
    TRY(locate_source(p->o, m->entry, &m->offset, &found));
    if (!found) {
        if (p->o->entry[m->entry].size > 0) {
            const char *name = p->o->entry[m->entry].name;
            walk_fact(p->o->walk, SK_FACT_VBA_STOMPED, name, strlen(name));
        }
        return sk_ok();
    }
    struct arena_mark mark = arena_mark(walk_arena(p->o->walk));
    sk_err err = give_source(p->o, m->entry, m->offset, m->is_class ? "source.cls" : "source.bas");
    arena_rewind(walk_arena(p->o->walk), mark);
    return err;
}

sk_err vba_project(struct ole2 *o, uint32_t dir) {
    struct project p = {.o = o, .folder = o->entry[dir].parent, .codepage = CODEPAGE_WESTERN};
    TRY(read_dir(&p, dir));
    TRY(read_modules(&p));
    if (p.module_count == 0) {
        return sk_ok();
    }
    walk_fact(o->walk, SK_FACT_MACROS_VBA, NULL, 0);
    for (uint32_t i = 0; i < p.module_count; i++) {
        TRY(give_module(&p, &p.module[i]));
        if (p.module[i].entry != OLE2_NONE) {
            o->entry[p.module[i].entry].is_module = true;
        }
    }
    return give_project(&p, dir);
}

/* ---- modules that no dir stream names ------------------------------------------------------ */

/* Streams that may hold source text: everything near a VBA project. */
static bool may_be_module(const struct ole2 *o, uint32_t entry) {
    const struct ole2_entry *e = &o->entry[entry];
    return e->type == OLE2_STREAM && !e->is_module && e->size > 12 &&
           strncasecmp(e->name, "__SRP_", 6) != 0;
}

sk_err vba_strays(struct ole2 *o) {
    bool told = false;
    for (uint32_t i = 1; i < o->entry_count; i++) {
        if (!may_be_module(o, i)) {
            continue;
        }
        struct arena_mark mark = arena_mark(walk_arena(o->walk));
        struct sk_bytes raw;
        TRY(walk_tick(o->walk));
        TRY(ole2_load(o, i, SEARCH_MAX_BYTES, &raw));
        size_t at = find_source(raw, 0);
        for (unsigned n = 0; at != SIZE_MAX && n < 64; n++) {
            if (!told) {
                walk_fact(o->walk, SK_FACT_MACROS_VBA, NULL, 0);
                told = true;
            }
            TRY(give_source(o, i, at, "source.bas"));
            at = find_source(raw, at + 3);
        }
        arena_rewind(walk_arena(o->walk), mark);
    }
    return sk_ok();
}
