// SPDX-License-Identifier: Apache-2.0
/*
 * TAR: POSIX ustar, pax, GNU and the older form without a magic, by our own code (decision 014).
 *
 *     512-byte header, body padded to 512; next header ...; two blocks of zeros end the archive
 *
 *     '0' NUL 7    files              'x' 'X'  records about the next member (tar_pax.c)
 *     '1' '2'      links              'L'      its name         'K' 'A' 'g'  passed over
 *     '3' to '6'   devices, folders   'S'      with holes (tar_sparse.c)   'M'  begins elsewhere
 *     all others   files, as for bsdtar and clamscan; 'V' (volume label) when it has a body
 *
 * Members are slices: they are scanned where they lie. The probe believes no magic: text that
 * contains "ustar" is no archive, and an archive without the magic is one. Archives glued together
 * are read to the end: malware hides behind the blocks of zeros, where clamscan stops.
 *
 * Damage, measured with GNU tar 1.34, bsdtar 3.6.2 and clamscan 1.4.6:
 *     a block that is no header    all three try the next block, clamscan and GNU tar also for the
 *                                  first one, if it has the magic: so do we
 *     a size that is no number     GNU tar and clamscan try the next block; bsdtar takes 0, or ends
 *     a body behind the end        all take what is there; clamscan goes on behind the header when
 *                                  the size is above 4 GB. We do both always: what is there is one
 *                                  member, and headers in it are followed once
 *     a size on a link, a folder   all three try the next block; here the body is a member when no
 *                                  header stands there
 *     a map that makes no sense    GNU tar and bsdtar lose the member, clamscan knows no maps: what
 *                                  is stored is the member
 */
#include <string.h>

#include "format/format.h"
#include "format/tar_parts.h"

#define REAL_SIZE_OFF 483u
#define EXTENDED_OFF 482u
#define BLOCK_EXTENDED_OFF 504u

struct tar {
    struct sk_walk *walk;
    struct sk_source *src;
    uint64_t at;
    uint64_t
        map_blocks; /* of all old GNU maps: more than there are blocks means that they overlap */
    uint32_t index;
    bool any;     /* a header was there */
    bool zeros;   /* the last block, or what was refused since, stands behind one of zeros */
    bool pending; /* a header told of a member that did not come yet */
    bool refused; /* a note was made for this run of blocks */
    bool cut;     /* a body went beyond the end: what comes now lies in that member */
    struct tar_says says;
    uint8_t header[TAR_BLOCK_BYTES];
};

/* One member, from its header and what was said before. */
struct body {
    uint64_t off;
    uint64_t len; /* stored, as stated */
};

static void note_damaged(struct tar *t, const char *detail) {
    walk_note(t->walk, SK_NOTE_DAMAGED, detail);
}

static uint64_t left_from(const struct tar *t, uint64_t off) {
    return off < t->src->size ? t->src->size - off : 0;
}

/* Where the block behind a body begins; the end when it goes beyond that. */
static uint64_t behind(const struct tar *t, struct body b) {
    uint64_t pad = (TAR_BLOCK_BYTES - b.len % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES;
    uint64_t left = left_from(t, b.off);
    return b.len + pad < left ? b.off + b.len + pad : t->src->size;
}

/* ---- what is no header ---- */

static bool has_magic(struct sk_bytes head) {
    return head.len >= TAR_BLOCK_BYTES && tar_form_of(head.ptr) != TAR_FORM_OLD;
}

/* The first header is damaged: the magic is there, and further on a header with its checksum. */
static bool begins_damaged(struct sk_bytes head) {
    if (!has_magic(head)) {
        return false;
    }
    for (size_t off = TAR_BLOCK_BYTES; head.len - off >= TAR_BLOCK_BYTES; off += TAR_BLOCK_BYTES) {
        struct sk_bytes block = {head.ptr + off, TAR_BLOCK_BYTES};
        if (has_magic(block) && tar_block_is_header(block.ptr)) {
            return true;
        }
    }
    return false;
}

/* One note for a run of blocks that are passed over. */
static void refuse(struct tar *t) {
    if (!t->refused && t->any) {
        walk_note(t->walk, t->zeros ? SK_NOTE_TRAILING : SK_NOTE_DAMAGED,
                  t->zeros ? "tar: behind the end" : "tar: a block is no header");
    }
    t->refused = true;
}

/* Less than a block is left. */
static sk_err take_rest(struct tar *t) {
    size_t n = (size_t)left_from(t, t->at);
    struct sk_cursor c = sk_source_cursor(t->src, t->at, n);
    const uint8_t *p = sk_cursor_take(&c, n);
    for (size_t i = 0; p != NULL && i < n; i++) {
        if (p[i] != 0) {
            refuse(t);
            break;
        }
    }
    t->at = t->src->size;
    return t->src->failed;
}

/* ---- members ---- */

static size_t name_of(struct tar *t, char *room, const char **out_name) {
    if (t->says.name_len > 0) {
        *out_name = t->says.name;
        return t->says.name_len;
    }
    *out_name = room;
    return tar_header_name(t->header, room);
}

static sk_err give(struct tar *t, struct sk_child *child, struct sk_stream *data) {
    char room[TAR_HEADER_NAME_MAX];
    child->name_len = name_of(t, room, &child->name);
    child->packed_size = SK_SIZE_UNKNOWN;
    child->index = t->index;
    return walk_child(t->walk, child, data);
}

static sk_err give_slice(struct tar *t, struct body b) {
    uint64_t left = left_from(t, b.off);
    struct sk_child child = {.is_slice = true,
                             .size = b.len,
                             .slice_off = b.off,
                             .slice_len = b.len < left ? b.len : left};
    return give(t, &child, NULL);
}

/* Extents in order, within the size, and as many bytes as are stored. Moves the map to its end. */
static sk_err check_map(struct tar *t, struct tar_map *map, uint64_t size, uint64_t *out_stored) {
    uint64_t end = 0;
    *out_stored = 0;
    for (;;) {
        struct tar_extent e;
        TRY(walk_tick(t->walk));
        TRY(tar_map_next(map, &e));
        if (map->ended) {
            return end <= size ? sk_ok() : sk_fail(SK_E_FORMAT);
        }
        if (e.off < end || e.off > size || e.len > size - e.off) {
            return sk_fail(SK_E_FORMAT);
        }
        end = e.off + e.len;
        *out_stored += e.len;
    }
}

/* SK_E_FORMAT: the map makes no sense, nothing was told. */
static sk_err give_sparse(struct tar *t, struct tar_map map, struct body b, uint64_t size) {
    struct tar_map seen = map;
    uint64_t stored = 0;
    TRY(check_map(t, &seen, size, &stored));
    if (map.counted) { /* it stands in front of the data */
        uint64_t data = (seen.at + TAR_BLOCK_BYTES - 1) / TAR_BLOCK_BYTES * TAR_BLOCK_BYTES;
        uint64_t head = data - b.off;
        b = (struct body){data, head <= b.len ? b.len - head : 0};
    }
    if (stored != b.len) {
        return sk_fail(SK_E_FORMAT);
    }
    struct tar_sparse stream;
    struct sk_child child = {.size = size};
    return give(t, &child, tar_sparse_init(&stream, &map, b.off, size));
}

/* Blocks of old GNU maps stand between header and data: their end. */
static sk_err skip_map_blocks(struct tar *t, uint64_t *off) {
    bool more = t->header[EXTENDED_OFF] != 0;
    while (more) {
        TRY(walk_tick(t->walk));
        struct sk_cursor c = sk_source_cursor(t->src, *off + BLOCK_EXTENDED_OFF, 1);
        more = sk_cursor_u8(&c) != 0;
        t->map_blocks++;
        if (!sk_cursor_ok(&c) || t->map_blocks > t->src->size / TAR_BLOCK_BYTES) {
            return sk_fail(SK_E_FORMAT);
        }
        *off += TAR_BLOCK_BYTES;
    }
    return sk_ok();
}

/* The member's map and size. SK_OK with TAR_MAP_NONE: it has none. */
static sk_err find_map(struct tar *t, struct body *b, struct tar_map *map, uint64_t *size) {
    const struct tar_says *says = &t->says;
    *map = says->map;
    *size = says->real_size;
    map->src = t->src;
    if (t->header[TAR_TYPE_OFF] == 'S' && tar_form_of(t->header) == TAR_FORM_GNU) {
        tar_map_in_header(map, t->src, b->off - TAR_BLOCK_BYTES);
        TRY(skip_map_blocks(t, &b->off));
        bool number =
            tar_number((struct sk_bytes){t->header + REAL_SIZE_OFF, TAR_SIZE_BYTES}, size);
        return number ? sk_ok() : sk_fail(SK_E_FORMAT);
    }
    if (says->map_in_data) {
        return tar_map_in_data(map, t->src, b->off, b->off + b->len);
    }
    bool sizeless = map->kind != TAR_MAP_NONE && !says->has_real_size;
    return sizeless ? sk_fail(SK_E_FORMAT) : sk_ok();
}

static sk_err give_file(struct tar *t, struct body *b) {
    struct tar_map map;
    uint64_t size = 0;
    sk_err err = find_map(t, b, &map, &size);
    if (!sk_failed(err) && map.kind != TAR_MAP_NONE) {
        err = give_sparse(t, map, *b, size);
    } else if (!sk_failed(err)) {
        return give_slice(t, *b);
    }
    TRY(t->src->failed);
    if (err.code == SK_E_FORMAT) {
        note_damaged(t, "tar: the map of a member with holes makes no sense");
        return give_slice(t, *b);
    }
    return err;
}

/* ---- headers ---- */

/* Links, devices and folders have no body, whatever size stands there; unless something stands
 * there that is no header. */
static sk_err has_body(struct tar *t, struct body b, bool *out_has) {
    uint8_t type = t->header[TAR_TYPE_OFF];
    *out_has = type < '1' || type > '6' || (type == '1' && t->says.pax);
    if (!*out_has && b.len > 0 && b.len <= left_from(t, b.off)) {
        struct sk_cursor c = sk_source_cursor(t->src, b.off, TAR_BLOCK_BYTES);
        const uint8_t *p = sk_cursor_take(&c, TAR_BLOCK_BYTES);
        TRY(t->src->failed);
        *out_has = p != NULL && !tar_block_is_zero(p) && !tar_block_is_header(p);
    }
    return sk_ok();
}

static sk_err take_member(struct tar *t, struct body b) {
    uint8_t type = t->header[TAR_TYPE_OFF];
    bool special = type >= '1' && type <= '6';
    bool has = false;
    if (t->says.has_size) {
        b.len = t->says.size;
    }
    TRY(has_body(t, b, &has));
    b.len = has ? b.len : 0;
    if (type == 'M' && tar_form_of(t->header) == TAR_FORM_GNU) {
        walk_note(t->walk, SK_NOTE_MISSING_VOLUME, "tar: a member begins in another volume");
    }
    uint64_t header_end = b.off;
    bool cut = b.len > left_from(t, b.off);
    if (cut) {
        note_damaged(t, "tar: a member is cut off");
    }
    if (!(cut && t->cut) && (!special || b.len > 0)) {
        TRY(give_file(t, &b));
    }
    t->index++;
    cut = b.len > left_from(t, b.off);
    t->at = cut ? header_end : behind(t, b);
    t->cut = t->cut || cut;
    t->refused = cut;
    t->pending = false;
    t->says = (struct tar_says){0};
    return sk_ok();
}

static sk_err take_records(struct tar *t, struct body b) {
    uint64_t at = b.off;
    struct tar_record record;
    t->says.pax = true;
    while (tar_record_next(t->src, &at, b.off + b.len, &record)) {
        TRY(walk_tick(t->walk));
        tar_says_record(&t->says, &record);
    }
    if (t->says.map.kind == TAR_MAP_RECORDS && t->says.map.end == 0) {
        t->says.map.at = b.off;
        t->says.map.end = b.off + b.len;
    }
    if (t->says.wrong) {
        note_damaged(t, "tar: a size in an extended header is no number");
        t->says.wrong = false;
    }
    return t->src->failed;
}

static sk_err take_long_name(struct tar *t, struct body b) {
    size_t len = b.len < TAR_NAME_MAX ? (size_t)b.len : TAR_NAME_MAX;
    struct sk_cursor c = sk_source_cursor(t->src, b.off, len);
    const uint8_t *p = sk_cursor_take(&c, len);
    if (p != NULL) {
        tar_says_name(&t->says, TAR_NAME_LONG, (struct sk_bytes){p, len});
    }
    return t->src->failed;
}

static bool is_about_next(uint8_t type) {
    return type != 0 && strchr("xXgLKA", type) != NULL;
}

/* A header that tells of the next one. */
static sk_err take_about_next(struct tar *t, struct body b) {
    uint8_t type = t->header[TAR_TYPE_OFF];
    if (b.len > left_from(t, b.off)) {
        note_damaged(t, "tar: an extended header is cut off");
        t->at = b.off;
        t->refused = true;
        return sk_ok();
    }
    t->at = behind(t, b);
    t->pending = t->pending || type != 'g';
    if (type == 'x' || type == 'X') {
        return take_records(t, b);
    }
    return type == 'L' ? take_long_name(t, b) : sk_ok();
}

static sk_err take_header(struct tar *t) {
    struct body b = {.off = t->at + TAR_BLOCK_BYTES};
    uint8_t type = t->header[TAR_TYPE_OFF];
    if (t->refused && !t->any) {
        note_damaged(t, "tar: the first header is damaged");
    }
    t->any = true;
    t->zeros = false;
    t->refused = false;
    if (!tar_number((struct sk_bytes){t->header + TAR_SIZE_OFF, TAR_SIZE_BYTES}, &b.len)) {
        note_damaged(t, "tar: a size is no number");
        t->at = b.off;
        t->refused = true;
        return sk_ok();
    }
    if (is_about_next(type)) {
        return take_about_next(t, b);
    }
    if (type == 'V' && b.len == 0) {
        t->at = b.off;
        return sk_ok();
    }
    return take_member(t, b);
}

static sk_err take_block(struct tar *t) {
    struct sk_cursor c = sk_source_cursor(t->src, t->at, TAR_BLOCK_BYTES);
    const uint8_t *p = sk_cursor_take(&c, TAR_BLOCK_BYTES);
    if (p == NULL) {
        return take_rest(t);
    }
    if (tar_block_is_header(p)) {
        memcpy(t->header, p, TAR_BLOCK_BYTES);
        return take_header(t);
    }
    if (tar_block_is_zero(p)) {
        t->zeros = true;
        t->refused = t->refused && !t->any;
    } else {
        refuse(t);
    }
    t->at += TAR_BLOCK_BYTES;
    return sk_ok();
}

/* ---- the format ---- */

static int tar_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    struct sk_bytes head = {peek->head, peek->head_len};
    if (head.len < TAR_BLOCK_BYTES || (!tar_block_begins(head.ptr) && !begins_damaged(head))) {
        return 0;
    }
    if (has_magic(head)) {
        return 90;
    }
    *out_type = SK_TYPE_TAR_OLD;
    return head.ptr[0] == 0 ? 0 : 75;
}

/* What is no archive is told so from its first bytes: it may be long. */
static bool begins(struct tar *t) {
    size_t avail = 0;
    const uint8_t *p = sk_source_at(t->src, 0, SK_SOURCE_WANT_MAX, &avail);
    struct sk_bytes head = {p, avail < SK_SOURCE_WANT_MAX ? avail : SK_SOURCE_WANT_MAX};
    return p != NULL && head.len >= TAR_BLOCK_BYTES &&
           (tar_block_begins(p) || tar_block_is_zero(p) || begins_damaged(head));
}

static sk_err tar_walk(struct sk_walk *walk, struct sk_source *src) {
    struct tar t = {.walk = walk, .src = src};
    if (!begins(&t)) {
        TRY(src->failed);
        return sk_fail(SK_E_FORMAT);
    }
    while (t.at < src->size) {
        TRY(walk_tick(walk));
        TRY(take_block(&t));
    }
    TRY(src->failed);
    if (t.pending) {
        note_damaged(&t, "tar: the last member is missing");
    }
    return t.any ? sk_ok() : sk_fail(SK_E_FORMAT);
}

const struct sk_format sk_format_tar = {
    .name = "tar", .type = SK_TYPE_TAR, .probe = tar_probe, .walk = tar_walk, .skips = true};
