// SPDX-License-Identifier: Apache-2.0
/*
 * Streams of an OLE2 compound file: bytes along a chain of sectors or mini sectors.
 *
 *     sector --fat--> sector --fat--> ...            mini sector n: sector mini[n / per], part n %
 * per
 *
 * A chain that meets itself is found with Brent's method in constant memory: `mark` stays on one
 * sector while the chain goes on for 1, 2, 4, 8... steps; a circle comes back to it.
 */
#include "format/ole2.h"

#include <stdio.h>
#include <string.h>

#define MINI_SHIFT 6u

/* Where the current sector is, and how long. False: not in the file. */
static bool sector_place(const struct ole2_stream *st, uint64_t *out_off, uint32_t *out_len) {
    const struct ole2 *o = st->o;
    uint32_t sector = st->sector;
    *out_len = 1u << (st->is_mini ? MINI_SHIFT : o->shift);
    uint64_t inside = 0;
    if (st->is_mini) {
        uint32_t per = 1u << (o->shift - MINI_SHIFT);
        if (sector / per >= o->mini_count) {
            return false;
        }
        inside = (uint64_t)(sector % per) << MINI_SHIFT;
        sector = o->mini[sector / per];
    }
    *out_off = (((uint64_t)sector + 1) << o->shift) + inside;
    return sector < o->sector_count && *out_off < o->src->size;
}

static sk_err next_sector(struct ole2_stream *st) {
    const struct ole2 *o = st->o;
    const uint32_t *table = st->is_mini ? o->minifat : o->fat;
    uint32_t count = st->is_mini ? o->minifat_count : o->fat_count;
    if (st->sector >= count) {
        return sk_fail(SK_E_FORMAT);
    }
    st->sector = table[st->sector];
    st->at = 0;
    if (st->sector == st->mark) {
        return sk_fail(SK_E_FORMAT);
    }
    if (++st->hops == st->next_mark) {
        st->mark = st->sector;
        st->hops = 0;
        st->next_mark *= 2;
    }
    return sk_ok();
}

static sk_err stream_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct ole2_stream *st = (struct ole2_stream *)(void *)base;
    size_t done = 0;
    while (done < cap && st->left > 0) {
        uint64_t off;
        uint32_t len;
        bool placed = sector_place(st, &off, &len);
        if (placed && st->at == len) {
            sk_err err = next_sector(st);
            if (sk_failed(err)) {
                st->sector = OLE2_NONE;
            }
            continue;
        }
        if (!placed) {
            *out_len = done;
            return done > 0 ? sk_ok() : sk_fail(SK_E_FORMAT);
        }
        size_t want = len - st->at;
        want = want < cap - done ? want : cap - done;
        want = want < st->left ? want : (size_t)st->left;
        size_t got = 0;
        TRY(sk_source_read(st->o->src, off + st->at, buf + done, want, &got));
        done += got;
        st->at += (uint32_t)got;
        st->left -= got;
        if (got < want) { /* the file ends inside its last sector */
            st->sector = OLE2_NONE;
        }
    }
    *out_len = done;
    return sk_ok();
}

struct sk_stream *ole2_stream_init(struct ole2_stream *st, const struct ole2 *o, uint32_t entry) {
    const struct ole2_entry *e = &o->entry[entry];
    *st = (struct ole2_stream){.base = {.read = stream_read},
                               .o = o,
                               .left = e->size,
                               .sector = e->start,
                               .is_mini = e->size < o->cutoff && entry != OLE2_ROOT,
                               .mark = e->start,
                               .next_mark = 2};
    return &st->base;
}

sk_err ole2_skip(struct sk_stream *s, uint64_t count) {
    uint8_t waste[512];
    while (count > 0) {
        size_t got = 0;
        TRY(sk_stream_read(s, waste, count < sizeof(waste) ? (size_t)count : sizeof(waste), &got));
        if (got == 0) {
            return sk_fail(SK_E_FORMAT);
        }
        count -= got;
    }
    return sk_ok();
}

sk_err ole2_pull(struct sk_stream *s, uint8_t *buf, size_t len, size_t *out_got) {
    size_t done = 0;
    size_t got = 1;
    while (done < len && got > 0) {
        TRY(sk_stream_read(s, buf + done, len - done, &got));
        done += got;
    }
    *out_got = done;
    return sk_ok();
}

sk_err ole2_load(const struct ole2 *o, uint32_t entry, size_t max, struct sk_bytes *out_bytes) {
    struct ole2_stream st;
    struct sk_stream *s = ole2_stream_init(&st, o, entry);
    uint64_t size = o->entry[entry].size < o->src->size ? o->entry[entry].size : o->src->size;
    size_t cap = size < max ? (size_t)size : max;
    uint8_t *bytes = arena_alloc(walk_arena(o->walk), cap);
    if (bytes == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    size_t len = 0;
    size_t got = 1;
    while (len < cap && got > 0) {
        sk_err err = sk_stream_read(s, bytes + len, cap - len, &got);
        if (err.code == SK_E_FORMAT) {
            break;
        }
        TRY(err);
        len += got;
    }
    *out_bytes = (struct sk_bytes){bytes, len};
    return sk_ok();
}

/* One member. NULL for `part`: the stream itself. */
static sk_err give(struct ole2 *o, uint32_t entry, const char *part, struct sk_stream *data) {
    struct arena *arena = walk_arena(o->walk);
    struct arena_mark mark = arena_mark(arena);
    char name[OLE2_PATH_MAX_BYTES + 256];
    char *path = ole2_path(o, entry);
    if (path == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    int len = snprintf(name, sizeof(name), "%s%s%s", path, part == NULL ? "" : "/",
                       part == NULL ? "" : part);
    arena_rewind(arena, mark);
    size_t name_len = (size_t)len < sizeof(name) ? (size_t)len : sizeof(name) - 1;
    struct sk_child child = {.name = name,
                             .name_len = name_len,
                             .packed_size = o->entry[entry].size,
                             .size = part == NULL ? o->entry[entry].size : SK_SIZE_UNKNOWN,
                             .index = o->index++};
    return walk_child(o->walk, &child, data);
}

sk_err ole2_give(struct ole2 *o, uint32_t entry) {
    struct ole2_stream st;
    return give(o, entry, NULL, ole2_stream_init(&st, o, entry));
}

sk_err ole2_give_part(struct ole2 *o, uint32_t entry, const char *name, struct sk_stream *data) {
    return give(o, entry, name, data);
}
