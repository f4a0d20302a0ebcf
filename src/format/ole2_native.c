// SPDX-License-Identifier: Apache-2.0
/*
 * Ole10Native: any file inside a document, put there by the object packager.
 *
 *     u32 size | u16 2 | label NUL | file name NUL | u16 0 | u16 3 | u32 length, path NUL |
 *                u32 size, file
 *     u32 size | data                                 (other servers: a picture, a script)
 *
 * Which of the two is told by the fields: the 2, and strings that end. A size that is too large
 * means the rest. Whatever the fields say, the whole stream is a member, too. Seen with
 * clamscan 1.4.6: the file is a layer of its own. Source: [MS-OLEDS] 2.3.6; the packager's fields
 * are not specified by Microsoft, they were read off documents (clam.ole.doc and clam.ppt of
 * Debian's clamav-testfiles among them).
 */
#include "format/ole2_objects.h"

#include <string.h>

#define HEAD_BYTES ((size_t)4096)
#define NAME_MAX_BYTES ((size_t)200)

/* A string up to its NUL. False: there is none. */
static bool take_string(struct sk_cursor *c, struct sk_bytes *out) {
    const uint8_t *from = c->ptr + c->pos;
    const uint8_t *end = memchr(from, 0, sk_cursor_left(c));
    if (end == NULL) {
        return false;
    }
    *out = (struct sk_bytes){from, (size_t)(end - from)};
    sk_cursor_skip(c, out->len + 1);
    return true;
}

struct package {
    struct sk_bytes name;
    size_t off;
    uint64_t size;
};

static bool read_package(struct sk_bytes head, uint64_t stream_size, struct package *out) {
    struct sk_cursor c = sk_cursor_of(head);
    struct sk_bytes label;
    sk_cursor_skip(&c, 4);
    if (sk_cursor_u16le(&c) != 2 || !take_string(&c, &label) || !take_string(&c, &out->name)) {
        return false;
    }
    sk_cursor_skip(&c, 4);
    uint32_t path_len = sk_cursor_u32le(&c);
    sk_cursor_skip(&c, path_len);
    uint64_t size = sk_cursor_u32le(&c);
    if (!sk_cursor_ok(&c) || size == 0) {
        return false;
    }
    out->off = c.pos;
    out->size = size < stream_size ? size : stream_size;
    out->name = label.len > 0 ? label : out->name;
    return true;
}

/* The last part of a path, as text for a member's name. */
static void base_name(struct sk_bytes path, char *out) {
    size_t from = path.len;
    while (from > 0 && path.ptr[from - 1] != '\\' && path.ptr[from - 1] != '/') {
        from--;
    }
    size_t len = 0;
    for (size_t i = from; i < path.len && len < NAME_MAX_BYTES; i++) {
        out[len++] = path.ptr[i] < 0x20 ? '_' : (char)path.ptr[i];
    }
    out[len] = 0;
}

sk_err ole2_native(struct ole2 *o, uint32_t entry) {
    struct arena_mark mark = arena_mark(walk_arena(o->walk));
    struct sk_bytes head;
    TRY(ole2_load(o, entry, HEAD_BYTES, &head));
    struct package p = {.off = 4, .size = o->entry[entry].size};
    char name[NAME_MAX_BYTES + 1] = "data";
    struct ole2_stream st;
    if (read_package(head, o->entry[entry].size, &p)) {
        base_name(p.name, name);
    }
    arena_rewind(walk_arena(o->walk), mark);
    struct sk_stream *s = ole2_stream_init(&st, o, entry);
    sk_err err = ole2_skip(s, p.off);
    if (sk_failed(err)) {
        o->damaged = o->damaged || err.code == SK_E_FORMAT;
        return err.code == SK_E_FORMAT ? sk_ok() : err;
    }
    st.left = st.left < p.size ? st.left : p.size;
    walk_fact(o->walk, SK_FACT_EMBEDDED, name, strlen(name));
    return ole2_give_part(o, entry, name[0] == 0 ? "data" : name, s);
}

sk_err ole2_equation(struct ole2 *o, uint32_t entry) {
    const char *name = o->entry[entry].name;
    walk_fact(o->walk, SK_FACT_EMBEDDED, name, strlen(name));
    return sk_ok();
}
