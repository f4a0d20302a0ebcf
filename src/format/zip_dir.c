// SPDX-License-Identifier: Apache-2.0
/*
 * All directories of a ZIP file, as one sorted table.
 *
 *     [stub] archive A [members][directory A][end A] archive B [members][directory B][end B +
 * comment]
 *
 * Readers disagree on which end record counts (the first, the last, one inside the comment), so
 * every end record that leads to a directory is taken, and from the start of its archive the search
 * goes on towards the front for an archive before it. A directory is looked for where it must stand
 * (just before its end record) and where the end record says; if both hold one, both count.
 * Entry counts and sizes are never trusted: records are read while they carry their signature.
 *
 * What is kept of an entry are 24 bytes; if the arena refuses the table, the walk goes on without
 * it, from local header to local header.
 */
#include "format/zip_parts.h"

#include <string.h>

#define END_SPAN ((uint64_t)65535 + ZIP_END_BYTES)
#define LOCATOR_BYTES ((size_t)20)
#define END64_BYTES ((size_t)56)
#define DIRECTORIES_MAX 64u
#define ONES32 0xffffffffu
#define ONES16 0xffffu

enum ooxml_bit { OOXML_TYPES = 1, OOXML_WORD = 2, OOXML_XL = 4, OOXML_PPT = 8 };

struct directories {
    uint64_t off[DIRECTORIES_MAX];
    uint64_t base[DIRECTORIES_MAX];
    unsigned count;
    uint64_t lowest_base;
    unsigned ooxml;
    bool encrypted; /* some member, as the first directory states */
};

struct end_record {
    uint64_t off;     /* of the record the directory should stand before */
    uint64_t after;   /* end of comment */
    uint64_t dir_off; /* as stated, relative to the archive */
    uint64_t dir_size;
    uint64_t entries;
    uint32_t disk;
};

/* ZIP64: the locator stands before the end record and names the real one. */
static void read_end64(struct sk_source *src, uint64_t end_off, struct end_record *e) {
    if (end_off < LOCATOR_BYTES + END64_BYTES) {
        return;
    }
    uint64_t locator = end_off - LOCATOR_BYTES;
    if (!zip_sig_at(src, locator, ZIP_SIG_LOCATOR64)) {
        return;
    }
    struct sk_cursor c = sk_source_cursor(src, locator, LOCATOR_BYTES);
    sk_cursor_skip(&c, 8);
    uint64_t stated = sk_cursor_u64le(&c);
    uint64_t place = locator - END64_BYTES;
    if (!zip_sig_at(src, place, ZIP_SIG_END64)) {
        place = stated;
    }
    c = sk_source_cursor(src, place, END64_BYTES);
    const uint8_t *sig = sk_cursor_take(&c, ZIP_SIG_BYTES);
    if (sig == NULL || memcmp(sig, ZIP_SIG_END64, ZIP_SIG_BYTES) != 0) {
        return;
    }
    struct end_record wide = *e;
    wide.off = place;
    sk_cursor_skip(&c, 12);
    wide.disk = sk_cursor_u32le(&c);
    sk_cursor_skip(&c, 12);
    wide.entries = sk_cursor_u64le(&c);
    wide.dir_size = sk_cursor_u64le(&c);
    wide.dir_off = sk_cursor_u64le(&c);
    if (sk_cursor_ok(&c)) {
        *e = wide;
    }
}

static bool read_end(struct sk_source *src, uint64_t off, struct end_record *out_end) {
    struct sk_cursor c = sk_source_cursor(src, off, ZIP_END_BYTES);
    sk_cursor_skip(&c, ZIP_SIG_BYTES);
    struct end_record e = {.off = off};
    e.disk = sk_cursor_u16le(&c);
    sk_cursor_skip(&c, 4);
    e.entries = sk_cursor_u16le(&c);
    e.dir_size = sk_cursor_u32le(&c);
    e.dir_off = sk_cursor_u32le(&c);
    uint16_t comment_len = sk_cursor_u16le(&c);
    if (!sk_cursor_ok(&c)) {
        return false;
    }
    e.after = off + ZIP_END_BYTES + comment_len;
    if (e.after > src->size) {
        e.after = src->size;
    }
    read_end64(src, off, &e);
    *out_end = e;
    return true;
}

static unsigned ooxml_of_name(struct sk_source *src, const struct zip_head *h) {
    static const struct {
        const char *prefix;
        unsigned bit;
    } parts[] = {{"[Content_Types].xml", OOXML_TYPES},
                 {"word/", OOXML_WORD},
                 {"xl/", OOXML_XL},
                 {"ppt/", OOXML_PPT}};
    struct sk_cursor c = sk_source_cursor(src, h->name_off, h->name_len);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t len = strlen(parts[i].prefix);
        if (len <= c.len && memcmp(c.ptr, parts[i].prefix, len) == 0) {
            return parts[i].bit;
        }
    }
    return 0;
}

/* Remember the directory at off, once. */
static bool add_directory(struct directories *d, struct zip *z, uint64_t off, uint64_t base) {
    if (!zip_sig_at(z->src, off, ZIP_SIG_CENTRAL)) {
        return false;
    }
    for (unsigned i = 0; i < d->count; i++) {
        if (d->off[i] == off && d->base[i] == base) {
            return true;
        }
    }
    if (d->count < DIRECTORIES_MAX) {
        d->off[d->count] = off;
        d->base[d->count++] = base;
    }
    return true;
}

static void take_end(struct zip *z, struct directories *d, uint64_t off) {
    struct end_record e;
    if (!read_end(z->src, off, &e)) {
        return;
    }
    bool found = e.entries == 0 && e.dir_size == 0;
    uint64_t start = e.off;
    if (e.dir_size <= e.off) {
        uint64_t place = e.off - e.dir_size;
        uint64_t base = place >= e.dir_off ? place - e.dir_off : 0;
        if (add_directory(d, z, place, base)) {
            found = true;
            start = base;
        }
    }
    if (add_directory(d, z, e.dir_off, 0)) {
        found = true;
        start = 0;
    }
    if (!found) {
        return;
    }
    z->has_directory = true;
    z->multi_volume = z->multi_volume || (e.disk != 0 && e.disk != ONES16 && e.disk != ONES32);
    z->end_off = e.after > z->end_off ? e.after : z->end_off;
    d->lowest_base = start < d->lowest_base ? start : d->lowest_base;
}

/* Every end record in [from, to), while there is room for directories. */
static sk_err take_ends(struct zip *z, struct directories *d, uint64_t from, uint64_t to) {
    while (from < to && d->count < DIRECTORIES_MAX) {
        uint64_t at = to;
        TRY(zip_find(z, from, to, ZIP_SIG_END, &at));
        if (at >= to) {
            break;
        }
        take_end(z, d, at);
        from = at + ZIP_SIG_BYTES;
    }
    return sk_ok();
}

static sk_err find_directories(struct zip *z, struct directories *d) {
    uint64_t to = z->src->size;
    d->lowest_base = to;
    for (unsigned i = 0; i < DIRECTORIES_MAX && to > 0; i++) {
        TRY(take_ends(z, d, to > END_SPAN ? to - END_SPAN : 0, to));
        if (d->lowest_base >= to) {
            break;
        }
        to = d->lowest_base;
    }
    /* Cut off, or followed by more than a comment can hold. */
    return z->has_directory ? sk_ok() : take_ends(z, d, 0, z->src->size);
}

/* Counts when out is NULL, else fills at most *inout_count; either way says how many. */
static sk_err read_directory(struct zip *z, struct directories *d, unsigned which,
                             struct zip_ref *out, size_t *inout_count) {
    uint64_t off = d->off[which];
    size_t n = 0;
    struct zip_head h;
    while ((out == NULL || n < *inout_count) && zip_central_read(z->src, off, &h)) {
        TRY(walk_tick(z->walk));
        uint64_t local;
        if (__builtin_add_overflow(d->base[which], h.local_off, &local)) {
            local = h.local_off;
        }
        if (out != NULL) {
            out[n] = (struct zip_ref){local, off, d->base[which]};
        } else {
            d->ooxml |= ooxml_of_name(z->src, &h);
            /* The others may be those of stored archives inside. */
            d->encrypted = d->encrypted || (which == 0 && (h.flags & ZIP_FLAG_ENCRYPTED) != 0);
        }
        n++;
        off = h.after;
    }
    *inout_count = n;
    return z->src->failed;
}

static bool before(const struct zip_ref *a, const struct zip_ref *b) {
    return a->local_off != b->local_off ? a->local_off < b->local_off
                                        : a->central_off < b->central_off;
}

static void sift(struct zip_ref *ref, size_t root, size_t count) {
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && before(&ref[child], &ref[child + 1])) {
            child++;
        }
        if (!before(&ref[root], &ref[child])) {
            return;
        }
        struct zip_ref swap = ref[root];
        ref[root] = ref[child];
        ref[child] = swap;
        root = child;
    }
}

/* Heapsort: in place and n log n for every order an adversary chooses (qsort may call malloc). */
static void sort_refs(struct zip_ref *ref, size_t count) {
    for (size_t i = count / 2; i-- > 0;) {
        sift(ref, i, count);
    }
    for (size_t end = count; end-- > 1;) {
        struct zip_ref swap = ref[0];
        ref[0] = ref[end];
        ref[end] = swap;
        sift(ref, 0, end);
    }
}

static void tell_type(struct zip *z, unsigned ooxml) {
    if ((ooxml & OOXML_TYPES) == 0) {
        return;
    }
    if ((ooxml & OOXML_WORD) != 0) {
        walk_type(z->walk, SK_TYPE_OOXML_WORD);
    } else if ((ooxml & OOXML_XL) != 0) {
        walk_type(z->walk, SK_TYPE_OOXML_XL);
    } else if ((ooxml & OOXML_PPT) != 0) {
        walk_type(z->walk, SK_TYPE_OOXML_PPT);
    }
}

sk_err zip_collect(struct zip *z) {
    struct directories d = {0};
    TRY(find_directories(z, &d));
    size_t total = 0;
    for (unsigned i = 0; i < d.count; i++) {
        size_t n = 0;
        TRY(read_directory(z, &d, i, NULL, &n));
        total += n;
    }
    tell_type(z, d.ooxml);
    if (d.encrypted) {
        walk_fact(z->walk, SK_FACT_ENCRYPTION, NULL, 0);
    }
    if (total == 0) {
        return sk_ok();
    }
    z->ref = arena_zalloc(walk_arena(z->walk), total, sizeof(*z->ref));
    if (z->ref == NULL) {
        walk_note(z->walk, SK_NOTE_LIMIT_MEMORY, "zip: directory too large");
        return sk_ok();
    }
    for (unsigned i = 0; i < d.count; i++) {
        size_t n = total - z->ref_count;
        TRY(read_directory(z, &d, i, z->ref + z->ref_count, &n));
        z->ref_count += n;
    }
    sort_refs(z->ref, z->ref_count);
    return sk_ok();
}
