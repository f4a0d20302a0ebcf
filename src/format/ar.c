// SPDX-License-Identifier: Apache-2.0
/*
 * AR archives: static libraries and Debian packages.
 *
 *     "!<arch>\n", then per member a header of 60 bytes and the content, padded to an even offset
 *
 *     0   name   16   padded with blanks      48  size  10  decimal
 *     16  date   12                           58  "`\n"
 *     28  owner, group  6 + 6
 *     40  mode    8   octal
 *
 *     GNU   "name/"   "/": symbols   "//": table of long names   "/12": name at 12 of that table
 *     BSD   "name"    "#1/12": the content begins with a name of 12 bytes
 *
 * Members are slices: what is in a library is scanned where it lies. (Through libarchive they
 * were read once more and copied: 1.05 times the time on static libraries.) The table of names is
 * told as a member without content, as libarchive has it; directories and links without content are
 * not told. A header that is none ends the archive, `damaged`; fewer bytes than a header, silently.
 *
 * A Debian package is an AR archive whose members are two packed TAR archives. Specification:
 * ar(5), deb(5).
 */
#include <string.h>

#include "format/format.h"

#define MAGIC_BYTES 8u
#define HEADER_BYTES ((size_t)60)
#define NAME_BYTES ((size_t)16)
#define MODE_OFF 40u
#define MODE_BYTES ((size_t)8)
#define SIZE_OFF 48u
#define SIZE_BYTES ((size_t)10)
#define END_OFF 58u
#define LONG_NAME_MAX ((size_t)4096)
#define TABLE_KEPT_MAX ((uint64_t)1 << 20)
#define MODE_KIND 0170000u
#define MODE_FILE 0100000u

struct ar {
    struct sk_walk *walk;
    struct sk_source *src;
    uint64_t table_off; /* of long names; no bytes: none yet */
    uint64_t table_len;
    const uint8_t *table; /* a copy of it; NULL: read where it lies */
    bool has_copy;        /* of one table; what follows another is read */
    uint32_t index;
    bool no_memory;
};

struct member {
    char name[NAME_BYTES]; /* as in the header */
    uint64_t mode;
    uint64_t off; /* of the content */
    uint64_t len;
};

/* Digits behind blanks, up to what is none. False: there are none, or too many. */
static bool digits(const char *p, size_t len, unsigned base, uint64_t *out) {
    size_t i = 0;
    while (i < len && p[i] == ' ') {
        i++;
    }
    size_t first = i;
    *out = 0;
    for (; i < len && p[i] >= '0' && p[i] < (char)('0' + base); i++) {
        *out = *out * base + (unsigned)(p[i] - '0');
    }
    return i > first;
}

static bool read_header(struct ar *a, uint64_t at, struct member *out) {
    struct sk_cursor c = sk_source_cursor(a->src, at, HEADER_BYTES);
    const char *p = (const char *)sk_cursor_take(&c, HEADER_BYTES);
    if (p == NULL || memcmp(p + END_OFF, "`\n", 2) != 0 ||
        !digits(p + SIZE_OFF, SIZE_BYTES, 10, &out->len)) {
        return false;
    }
    memcpy(out->name, p, NAME_BYTES);
    if (!digits(p + MODE_OFF, MODE_BYTES, 8, &out->mode)) {
        out->mode = 0;
    }
    out->off = at + HEADER_BYTES;
    return true;
}

/* ---- names ---- */

static bool begins(const struct member *m, const char *with) {
    return memcmp(m->name, with, strlen(with)) == 0;
}

static size_t name_max(uint64_t len) {
    return len < LONG_NAME_MAX ? (size_t)len : LONG_NAME_MAX;
}

/* Up to `want` bytes as the name: to the line end or NUL, without the slash of GNU. */
static void name_of(struct ar *a, const uint8_t *p, size_t want, struct sk_child *child) {
    size_t n = 0;
    while (n < want && p[n] != 0 && p[n] != '\n') {
        n++;
    }
    n -= n > 0 && p[n - 1] == '/';
    child->name = arena_strndup(walk_arena(a->walk), (const char *)p, n);
    child->name_len = child->name == NULL ? 0 : n;
    a->no_memory = child->name == NULL;
}

static bool name_at(struct ar *a, uint64_t off, uint64_t len, struct sk_child *child) {
    size_t want = name_max(len);
    struct sk_cursor c = sk_source_cursor(a->src, off, want);
    const uint8_t *p = sk_cursor_take(&c, want);
    if (p == NULL) {
        return false;
    }
    name_of(a, p, want, child);
    return true;
}

static bool name_in_table(struct ar *a, uint64_t number, struct sk_child *child) {
    if (number >= a->table_len) {
        return false;
    }
    uint64_t len = a->table_len - number;
    if (a->table == NULL) {
        return name_at(a, a->table_off + number, len, child);
    }
    name_of(a, a->table + number, name_max(len), child);
    return true;
}

/* Names are asked for between contents: each would have a window of the source read anew. */
static sk_err keep_table(struct ar *a) {
    a->table = NULL;
    if (a->has_copy || a->src->mem != NULL || a->table_len > TABLE_KEPT_MAX) {
        return sk_ok();
    }
    size_t len = (size_t)a->table_len, got = 0;
    uint8_t *copy = arena_alloc(walk_arena(a->walk), len);
    if (copy == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    a->has_copy = true;
    TRY(sk_source_read(a->src, a->table_off, copy, len, &got));
    a->table = got == len ? copy : NULL;
    return sk_ok();
}

static void short_name(struct member *m, struct sk_child *child) {
    size_t n = NAME_BYTES;
    while (n > 0 && m->name[n - 1] == ' ') {
        n--;
    }
    n -= n > 1 && m->name[n - 1] == '/' && m->name[0] != '/';
    child->name = m->name;
    child->name_len = n;
}

/* False: a long name leads nowhere; then it is told as it stands in the header. */
static bool put_name(struct ar *a, struct member *m, struct sk_child *child) {
    uint64_t number;
    short_name(m, child);
    if (begins(m, "#1/") && digits(m->name + 3, NAME_BYTES - 3, 10, &number)) {
        if (number > m->len || !name_at(a, m->off, number, child)) {
            return false;
        }
        m->off += number;
        m->len -= number;
    } else if (m->name[0] == '/' && digits(m->name + 1, NAME_BYTES - 1, 10, &number)) {
        return name_in_table(a, number, child);
    }
    return true;
}

/* ---- members ---- */

static void note_damaged(struct ar *a, const char *detail) {
    walk_note(a->walk, SK_NOTE_DAMAGED, detail);
}

static sk_err give_table(struct ar *a, const struct member *m) {
    struct sk_child child = {
        .name = "//", .name_len = 2, .packed_size = SK_SIZE_UNKNOWN, .index = a->index};
    a->table_off = m->off;
    a->table_len = m->len;
    TRY(keep_table(a));
    child.is_slice = true;
    child.slice_off = m->off;
    return walk_child(a->walk, &child, NULL);
}

static sk_err give(struct ar *a, struct member *m) {
    struct arena_mark mark = arena_mark(walk_arena(a->walk));
    struct sk_child child = {.packed_size = SK_SIZE_UNKNOWN, .index = a->index, .is_slice = true};
    if (!put_name(a, m, &child)) {
        TRY(a->src->failed);
        note_damaged(a, "ar: a long name leads nowhere");
    }
    if (a->no_memory) {
        return sk_fail(SK_E_NOMEM);
    }
    uint64_t kind = m->mode & MODE_KIND;
    child.size = m->len;
    child.slice_off = m->off;
    child.slice_len = m->len;
    bool special = kind != 0 && kind != MODE_FILE;
    sk_err err = m->len == 0 && special ? sk_ok() : walk_child(a->walk, &child, NULL);
    arena_rewind(walk_arena(a->walk), mark);
    return err;
}

static sk_err give_next(struct ar *a, struct member *m) {
    uint64_t left = a->src->size - m->off;
    if (m->len > left) {
        note_damaged(a, "ar: the last member is cut off");
        m->len = left;
    }
    TRY(begins(m, "// ") ? give_table(a, m) : give(a, m));
    a->index++;
    return sk_ok();
}

static int ar_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "!<arch>\n", MAGIC_BYTES) ? 90 : 0;
}

static sk_err ar_walk(struct sk_walk *walk, struct sk_source *src) {
    struct ar a = {.walk = walk, .src = src};
    uint64_t at = MAGIC_BYTES;
    while (at < src->size && src->size - at >= HEADER_BYTES) {
        struct member m;
        TRY(walk_tick(walk));
        if (!read_header(&a, at, &m)) {
            TRY(src->failed);
            if (a.index == 0) {
                return sk_fail(SK_E_FORMAT);
            }
            note_damaged(&a, "ar: a header is damaged");
            return sk_ok();
        }
        uint64_t end = m.len < src->size - m.off ? m.off + m.len : src->size;
        TRY(give_next(&a, &m));
        at = end + (end & 1);
    }
    return src->failed;
}

const struct sk_format sk_format_ar = {
    .name = "ar", .type = SK_TYPE_AR, .probe = ar_probe, .walk = ar_walk, .skips = true};
