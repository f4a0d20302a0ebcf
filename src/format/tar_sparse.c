// SPDX-License-Identifier: Apache-2.0
/*
 * Members with holes: their maps, and the stream that puts zeros where nothing is stored.
 *
 *     old GNU   off[12] len[12], four in the header and 21 in each block behind it, while the byte
 *               behind the last of a block (482 in the header, 504) says that one more follows
 *     0.0       pax records GNU.sparse.offset, GNU.sparse.numbytes in turn
 *     0.1       pax record GNU.sparse.map, numbers with commas
 *     1.0       in front of the content, padded to blocks: count, then off and len, a line each
 */
#include "format/tar_parts.h"

#include <string.h>

#define SLOT_BYTES ((size_t)24)
#define SLOT_FIELD ((size_t)12)
#define HEADER_SLOTS_OFF 386u
#define HEADER_SLOTS 4u
#define BLOCK_SLOTS 21u
#define DIGITS_LOOK 24u

/* ---- maps ---- */

static sk_err next_block(struct tar_map *map) {
    struct sk_cursor c = sk_source_cursor(map->src, map->at, 1);
    bool more = sk_cursor_u8(&c) != 0;
    map->at = (map->at / TAR_BLOCK_BYTES + 1) * TAR_BLOCK_BYTES;
    map->slots = BLOCK_SLOTS;
    map->ended = !more;
    return sk_cursor_ok(&c) ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static sk_err next_slot(struct tar_map *map, struct tar_extent *out) {
    if (map->slots == 0) {
        TRY(next_block(map));
        if (map->ended) {
            return sk_ok();
        }
    }
    struct sk_cursor c = sk_source_cursor(map->src, map->at, SLOT_BYTES);
    const uint8_t *p = sk_cursor_take(&c, SLOT_BYTES);
    if (p == NULL || !tar_number((struct sk_bytes){p, SLOT_FIELD}, &out->off) ||
        !tar_number((struct sk_bytes){p + SLOT_FIELD, SLOT_FIELD}, &out->len)) {
        return sk_fail(SK_E_FORMAT);
    }
    map->ended = p[0] == 0;
    map->at += SLOT_BYTES;
    map->slots--;
    return sk_ok();
}

/* Digits up to a comma, a line end, or the end of all. */
static sk_err next_number(struct tar_map *map, uint64_t *out) {
    uint64_t left = map->end - map->at;
    struct sk_cursor c =
        sk_source_cursor(map->src, map->at, left < DIGITS_LOOK ? (size_t)left : DIGITS_LOOK);
    size_t n = sk_cursor_left(&c), len = 0;
    const uint8_t *p = sk_cursor_take(&c, n);
    while (p != NULL && len < n && p[len] != ',' && p[len] != '\n') {
        len++;
    }
    bool closed = len < n || len == left;
    if (p == NULL || !closed || !tar_decimal((struct sk_bytes){p, len}, out)) {
        return sk_fail(SK_E_FORMAT);
    }
    map->at += len + (len < n);
    return sk_ok();
}

static sk_err next_pair(struct tar_map *map, struct tar_extent *out) {
    map->ended = map->counted ? map->count == 0 : map->at >= map->end;
    if (map->ended) {
        return sk_ok();
    }
    map->count--;
    TRY(next_number(map, &out->off));
    return next_number(map, &out->len);
}

static sk_err next_records(struct tar_map *map, struct tar_extent *out) {
    struct tar_record r;
    bool has_off = false;
    while (tar_record_next(map->src, &map->at, map->end, &r)) {
        bool is_off = tar_key_is(r.key, "GNU.sparse.offset");
        bool is_len = tar_key_is(r.key, "GNU.sparse.numbytes");
        if ((is_off && (has_off || !tar_decimal(r.value, &out->off))) ||
            (is_len && (!has_off || !tar_decimal(r.value, &out->len)))) {
            return sk_fail(SK_E_FORMAT);
        }
        if (is_len) {
            return sk_ok();
        }
        has_off = has_off || is_off;
    }
    map->ended = true;
    return has_off ? sk_fail(SK_E_FORMAT) : sk_ok();
}

sk_err tar_map_next(struct tar_map *map, struct tar_extent *out) {
    switch (map->kind) {
    case TAR_MAP_HEADER:
        return next_slot(map, out);
    case TAR_MAP_NUMBERS:
        return next_pair(map, out);
    case TAR_MAP_RECORDS:
        return next_records(map, out);
    case TAR_MAP_NONE:
    default:
        map->ended = true;
        return sk_ok();
    }
}

void tar_map_in_header(struct tar_map *map, struct sk_source *src, uint64_t header_off) {
    *map = (struct tar_map){.kind = TAR_MAP_HEADER,
                            .src = src,
                            .at = header_off + HEADER_SLOTS_OFF,
                            .slots = HEADER_SLOTS};
}

sk_err tar_map_in_data(struct tar_map *map, struct sk_source *src, uint64_t off, uint64_t end) {
    *map = (struct tar_map){
        .kind = TAR_MAP_NUMBERS, .src = src, .at = off, .end = end, .counted = true};
    return next_number(map, &map->count);
}

/* ---- members ---- */

static void next_extent(struct tar_sparse *s) {
    struct tar_extent e = {0};
    while (!s->map.ended && s->extent.len == 0) {
        bool bad = sk_failed(tar_map_next(&s->map, &e));
        s->map.ended = s->map.ended || bad;
        s->extent = s->map.ended ? (struct tar_extent){0} : e;
    }
}

static sk_err sparse_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct tar_sparse *s = (struct tar_sparse *)(void *)base;
    next_extent(s);
    uint64_t hole_end = s->extent.len > 0 ? s->extent.off : s->size;
    size_t got = 0;
    if (s->pos < hole_end) {
        uint64_t left = hole_end - s->pos;
        got = left < cap ? (size_t)left : cap;
        memset(buf, 0, got);
    } else if (s->extent.len > 0) {
        size_t want = s->extent.len < cap ? (size_t)s->extent.len : cap;
        TRY(sk_source_read(s->map.src, s->data_at, buf, want, &got));
        if (got < want) {
            return sk_fail(SK_E_FORMAT);
        }
        s->data_at += got;
        s->extent.off += got;
        s->extent.len -= got;
    }
    s->pos += got;
    *out_len = got;
    return sk_ok();
}

struct sk_stream *tar_sparse_init(struct tar_sparse *s, const struct tar_map *map, uint64_t data_at,
                                  uint64_t size) {
    *s = (struct tar_sparse){
        .base = {.read = sparse_read}, .map = *map, .data_at = data_at, .size = size};
    return &s->base;
}
