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
 * searched for it, and so is every stream of the file for more than the dir leads to. The needle:
 * 01, a chunk header with its mark, a flag byte 0, "Attribut". Compiled code without any source
 * ("stomped") is a fact of its own: Office of the same version runs it.
 */
#include "format/vba_parts.h"

#include <string.h>
#include <strings.h>

#define CODEPAGE_WESTERN 1252u
#define VERSION_EXTRA_BYTES 2     /* its size field tells two bytes too few */
#define NEEDLE_BYTES ((size_t)12) /* of find_source, and where it may begin */
#define WINDOW_BYTES ((size_t)64 * 1024)
#define STRAYS_MAX 64u

/* ---- streams behind an offset -----------------------------------------------------------------
 */

/* The unpacked source at an offset of a stream. */
sk_err vba_open_source(const struct ole2 *o, uint32_t entry, uint64_t offset, struct vba_source *st,
                       struct sk_stream **out) {
    struct sk_stream *raw = ole2_stream_init(&st->stream, o, entry);
    TRY(ole2_skip(raw, offset));
    *out = vba_unpack_init(&st->unpack, raw);
    return sk_ok();
}

/* Does packed text that gives at least a byte begin here? */
static sk_err has_source(const struct ole2 *o, uint32_t entry, uint64_t offset, bool *out_has) {
    struct vba_source st;
    struct sk_stream *s;
    uint8_t first[1];
    size_t got = 0;
    *out_has = false;
    sk_err err = vba_open_source(o, entry, offset, &st, &s);
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

/* The same over a stream of any length: a window goes along it. */
struct source_search {
    struct ole2_stream st;
    struct sk_stream *s;
    struct sk_walk *walk;
    uint64_t base; /* of the window in the stream */
    size_t len;
    size_t from; /* in the window; nothing begins before */
    uint8_t window[WINDOW_BYTES];
};

static struct source_search *search_begin(const struct ole2 *o, uint32_t entry) {
    struct source_search *f = arena_alloc(walk_arena(o->walk), sizeof(*f));
    if (f != NULL) {
        f->s = ole2_stream_init(&f->st, o, entry);
        f->walk = o->walk;
        f->base = 0;
        f->len = f->from = 0;
    }
    return f;
}

/* UINT64_MAX: there is none. */
static sk_err search_next(struct source_search *f, uint64_t *out_at) {
    for (;;) {
        size_t at = find_source((struct sk_bytes){f->window, f->len}, f->from);
        if (at != SIZE_MAX) {
            f->from = at + 3;
            *out_at = f->base + at;
            return sk_ok();
        }
        size_t keep = f->len - f->from < NEEDLE_BYTES ? f->len - f->from : NEEDLE_BYTES;
        f->from = f->len - keep;
        if (f->len == WINDOW_BYTES) {
            memmove(f->window, f->window + f->from, keep);
            f->base += f->from;
            f->len = keep;
            f->from = 0;
            TRY(walk_tick(f->walk));
        }
        size_t got = 0;
        sk_err err = sk_stream_read(f->s, f->window + f->len, WINDOW_BYTES - f->len, &got);
        if (err.code == SK_E_FORMAT || (!sk_failed(err) && got == 0)) {
            *out_at = UINT64_MAX;
            return sk_ok();
        }
        TRY(err);
        f->len += got;
    }
}

/* ---- the dir stream ------------------------------------------------------------------------ */

bool vba_next_record(struct sk_cursor *c, struct vba_record *out) {
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

uint32_t vba_number(struct sk_bytes data) {
    struct sk_cursor c = sk_cursor_of(data);
    return data.len >= 4 ? sk_cursor_u32le(&c) : sk_cursor_u16le(&c);
}

static void module_record(struct vba_project *p, const struct vba_record *r) {
    struct vba_module *m = p->module_count == 0 ? NULL : &p->module[p->module_count - 1];
    if (r->id == REC_MODULE_NAME && p->module_count < VBA_MODULES_MAX) {
        p->module[p->module_count++] =
            (struct vba_module){.name = r->data, .stream = r->data, .entry = OLE2_NONE};
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
        m->offset = vba_number(r->data);
        break;
    case REC_TYPE_CLASS:
        m->is_class = true;
        break;
    default:
        break;
    }
}

static sk_err read_dir(struct vba_project *p, uint32_t dir) {
    struct arena *arena = walk_arena(p->o->walk);
    struct ole2_stream st;
    struct vba_unpack *un = arena_alloc(arena, sizeof(*un));
    uint8_t *bytes = arena_alloc(arena, VBA_CHUNK_BYTES);
    size_t len = 0;
    size_t cap = VBA_CHUNK_BYTES;
    if (un == NULL || bytes == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    struct sk_stream *s = vba_unpack_init(un, ole2_stream_init(&st, p->o, dir));
    for (;;) {
        if (len == cap) {
            if (cap >= VBA_DIR_MAX_BYTES) {
                walk_note(p->o->walk, SK_NOTE_LIMIT_MEMORY, "vba: dir stream");
                break;
            }
            uint8_t *more = arena_alloc(arena, cap * 2);
            if (more == NULL) {
                return sk_fail(SK_E_NOMEM);
            }
            memcpy(more, bytes, len);
            bytes = more;
            cap *= 2;
        }
        size_t got = 0;
        sk_err err = sk_stream_read(s, bytes + len, cap - len, &got);
        if (err.code == SK_E_FORMAT || (!sk_failed(err) && got == 0)) {
            break;
        }
        TRY(err);
        len += got;
        TRY(walk_tick(p->o->walk));
    }
    p->dir = (struct sk_bytes){bytes, len};
    return sk_ok();
}

/* Counts, then fills: the number that the project tells is not believed. */
static sk_err read_modules(struct vba_project *p) {
    struct vba_record r;
    size_t count = 0;
    struct sk_cursor c = sk_cursor_of(p->dir);
    while (vba_next_record(&c, &r)) {
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
    while (vba_next_record(&c, &r)) {
        if (r.id == REC_CODEPAGE) {
            p->codepage = vba_number(r.data);
        }
        module_record(p, &r);
    }
    return sk_ok();
}

/* ---- modules ------------------------------------------------------------------------------- */

/* The source at `offset` of a stream: a view and a member. */
static sk_err give_source(struct ole2 *o, uint32_t entry, uint64_t offset, const char *name) {
    struct vba_source *st = arena_alloc(walk_arena(o->walk), sizeof(*st));
    struct sk_stream *s;
    if (st == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    TRY(vba_open_source(o, entry, offset, st, &s));
    TRY(walk_view(o->walk, SK_TARGET_OLE2, s));
    TRY(vba_open_source(o, entry, offset, st, &s));
    return ole2_give_part(o, entry, name, s);
}

/* The stream whose name is the module's, in Unicode or in the code page. */
static sk_err find_stream(struct vba_project *p, struct vba_module *m) {
    char text[VBA_NAME_BYTES];
    struct arena *arena = walk_arena(p->o->walk);
    struct arena_mark mark = arena_mark(arena);
    TRY(vba_name(m->stream, p->codepage, text));
    const char *wide = ole2_name(arena, m->stream_wide, false);
    if (wide == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (uint32_t i = p->o->entry[p->folder].kids; i != OLE2_NONE && p->o->names_left > 0;
         i = p->o->entry[i].next) {
        p->o->names_left--;
        if (p->o->entry[i].type == OLE2_STREAM &&
            ((wide[0] != 0 && ole2_is_named(p->o, i, wide)) || ole2_is_named(p->o, i, text))) {
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
    if (!ole2_may_search(o, entry)) {
        return sk_ok();
    }
    struct arena_mark mark = arena_mark(walk_arena(o->walk));
    struct source_search *search = search_begin(o, entry);
    uint64_t at;
    if (search == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    TRY(search_next(search, &at));
    arena_rewind(walk_arena(o->walk), mark);
    *out_found = at < OLE2_NONE; /* what lies further in is found as a stray */
    *inout_offset = *out_found ? (uint32_t)at : *inout_offset;
    return sk_ok();
}

static sk_err give_module(struct vba_project *p, struct vba_module *m) {
    TRY(find_stream(p, m));
    if (p->o->names_left == 0 && !p->o->names_over) {
        p->o->names_over = true;
        walk_note(p->o->walk, SK_NOTE_LIMIT_SCAN_SIZE, "vba: too many modules and streams");
    }
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
    p->o->entry[m->entry].source_at = m->offset;
    struct arena_mark mark = arena_mark(walk_arena(p->o->walk));
    sk_err err = give_source(p->o, m->entry, m->offset, m->is_class ? "source.cls" : "source.bas");
    arena_rewind(walk_arena(p->o->walk), mark);
    return err;
}

sk_err vba_project(struct ole2 *o, uint32_t dir) {
    struct vba_project p = {.o = o, .folder = o->entry[dir].parent, .codepage = CODEPAGE_WESTERN};
    TRY(read_dir(&p, dir));
    TRY(read_modules(&p));
    if (p.module_count == 0) {
        return sk_ok();
    }
    walk_fact(o->walk, SK_FACT_MACROS_VBA, NULL, 0);
    for (uint32_t i = 0; i < p.module_count; i++) {
        TRY(give_module(&p, &p.module[i]));
    }
    return vba_give_project(&p, dir);
}

/* ---- source that no dir stream leads to ------------------------------------------------------ */

static bool may_hold_source(const struct ole2 *o, uint32_t entry) {
    const struct ole2_entry *e = &o->entry[entry];
    return e->type == OLE2_STREAM && e->size > NEEDLE_BYTES &&
           strncasecmp(e->name, "__SRP_", 6) != 0;
}

/* All source texts of a stream but the one that was given. */
static sk_err give_strays(struct ole2 *o, uint32_t entry) {
    struct source_search *search = search_begin(o, entry);
    unsigned count = 0;
    if (search == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (;;) {
        uint64_t at;
        TRY(search_next(search, &at));
        if (at == UINT64_MAX) {
            break;
        }
        if (at == o->entry[entry].source_at) {
            continue;
        }
        if (count++ == STRAYS_MAX) {
            walk_note(o->walk, SK_NOTE_LIMIT_FILES, "vba: source texts in one stream");
            break;
        }
        walk_fact(o->walk, SK_FACT_MACROS_VBA, NULL, 0);
        TRY(give_source(o, entry, at, "source.bas"));
    }
    return sk_ok();
}

sk_err vba_strays(struct ole2 *o) {
    for (uint32_t i = 1; i < o->entry_count; i++) {
        TRY(walk_tick(o->walk));
        if (!may_hold_source(o, i) || !ole2_may_search(o, i)) {
            continue;
        }
        struct arena_mark mark = arena_mark(walk_arena(o->walk));
        TRY(give_strays(o, i));
        arena_rewind(walk_arena(o->walk), mark);
    }
    return sk_ok();
}

sk_err vba_raw(struct sk_walk *walk, struct sk_source *src) {
    struct vba_unpack *un = arena_alloc(walk_arena(walk), sizeof(*un));
    uint32_t index = 0;
    uint64_t from = 0;
    if (un == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    while (from < src->size) {
        struct sk_cursor c = sk_source_cursor(src, from, SK_SOURCE_WANT_MAX);
        TRY(src->failed);
        TRY(walk_tick(walk));
        size_t at = find_source((struct sk_bytes){c.ptr, c.len}, 0);
        if (at == SIZE_MAX) {
            from += c.len < SK_SOURCE_WANT_MAX ? c.len : c.len - NEEDLE_BYTES;
            continue;
        }
        struct sk_source_stream packed;
        struct sk_child child = {.name = "source.bas",
                                 .name_len = 10,
                                 .packed_size = src->size - from - at,
                                 .size = SK_SIZE_UNKNOWN,
                                 .index = index++};
        walk_fact(walk, SK_FACT_MACROS_VBA, NULL, 0);
        TRY(walk_child(
            walk, &child,
            vba_unpack_init(un, sk_source_stream_init(&packed, src, from + at, src->size))));
        from += at + NEEDLE_BYTES;
    }
    return sk_ok();
}
