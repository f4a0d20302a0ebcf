// SPDX-License-Identifier: Apache-2.0
/*
 * ZIP, read the way an adversary writes it: local headers *and* directories.
 *
 *     [anything] local data  gap  local data ... directory end [comment] [anything]
 *                ^known^     ^searched for local headers no directory names
 *
 * Members that some directory names are walked in the order of their place in the file, each place
 * once (so quines and overlapping bombs cost no more than their parts). Everything between them,
 * before the first and behind the last, is searched for further local headers: hidden members,
 * archives in front, archives whose directory is lost. When there is no directory at all the whole
 * file is one such gap.
 *
 * Memory: 24 bytes an entry in the walk's arena. Time: one pass over the file, and one more over
 * its gaps; every loop ticks.
 */
#include "format/zip_parts.h"

#include <string.h>

#include "base/search.h"

#define BID_HEAD 90
#define BID_EMPTY 80
#define BID_TAIL 60

/* An end record in the tail that could be true: an archive behind a stub. */
static bool tail_has_end(const struct sk_peek *peek) {
    size_t from = 0;
    static const struct sk_needle END = {ZIP_SIG_END, ZIP_SIG_BYTES, 2};
    while (from < peek->tail_len) {
        const uint8_t *hit =
            sk_search((struct sk_bytes){peek->tail + from, peek->tail_len - from}, &END);
        if (hit == NULL) {
            return false;
        }
        size_t at = (size_t)(hit - peek->tail);
        struct sk_cursor c = sk_cursor_make(peek->tail, peek->tail_len);
        sk_cursor_seek(&c, at + 10);
        uint16_t entries = sk_cursor_u16le(&c);
        uint64_t dir_size = sk_cursor_u32le(&c);
        uint64_t dir_off = sk_cursor_u32le(&c);
        uint16_t comment_len = sk_cursor_u16le(&c);
        uint64_t place = peek->size - peek->tail_len + at;
        bool wide = dir_off == 0xffffffffu || dir_size == 0xffffffffu;
        if (sk_cursor_ok(&c) && comment_len <= sk_cursor_left(&c) && entries > 0 &&
            (wide || dir_off + dir_size <= place || dir_size <= place)) {
            return true;
        }
        from = at + ZIP_SIG_BYTES;
    }
    return false;
}

static int zip_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    /* A one-volume split archive begins with a marker before the first header. */
    if (sk_peek_has(peek, 0, ZIP_SIG_LOCAL, 4) || sk_peek_has(peek, 0, "PK\x07\x08PK\x03\x04", 8) ||
        sk_peek_has(peek, 0, "PK00PK\x03\x04", 8)) {
        return BID_HEAD;
    }
    if (sk_peek_has(peek, 0, ZIP_SIG_END, 4) || sk_peek_has(peek, 0, ZIP_SIG_CENTRAL, 4)) {
        return BID_EMPTY;
    }
    return tail_has_end(peek) ? BID_TAIL : 0;
}

/* Walk every local header in [from, to); *inout_pos moves to the end of the last one, which may lie
 * beyond `to`. */
static sk_err walk_gap(struct zip *z, uint64_t to, uint64_t *inout_pos) {
    while (*inout_pos < to) {
        uint64_t at = to;
        TRY(zip_find(z, *inout_pos, to, ZIP_SIG_LOCAL, &at));
        if (at >= to) {
            *inout_pos = to;
            return sk_ok();
        }
        TRY(zip_member_hidden(z, at, inout_pos));
    }
    return sk_ok();
}

static size_t same_place(const struct zip *z, size_t first) {
    size_t n = 1;
    while (first + n < z->ref_count && z->ref[first + n].local_off == z->ref[first].local_off) {
        n++;
    }
    return n;
}

/* All of this place's entries, and the place itself, are inside a member that is opened itself. */
static bool is_inside_member(const struct zip *z, size_t first, size_t count) {
    bool inside = z->ref[first].local_off < z->solid_end;
    for (size_t i = first; inside && i < first + count; i++) {
        inside = z->ref[i].central_off < z->solid_end;
    }
    return inside;
}

static sk_err walk_all(struct zip *z) {
    uint64_t pos = 0;
    uint64_t known_end = 0;
    for (size_t i = 0; i < z->ref_count;) {
        TRY(walk_tick(z->walk));
        uint64_t at = z->ref[i].local_off;
        TRY(walk_gap(z, at < z->src->size ? at : z->src->size, &pos));
        size_t count = same_place(z, i);
        if (is_inside_member(z, i, count)) {
            i += count;
            continue;
        }
        if (at < known_end) {
            zip_note_once(z, ZIP_ONCE_OVERLAP, SK_NOTE_OVERLAP, "zip: members overlap");
            walk_fact(z->walk, SK_FACT_OVERLAP, NULL, 0);
        }
        uint64_t end = at;
        TRY(zip_member_known(z, i, count, &end));
        known_end = end > known_end ? end : known_end;
        pos = end > pos ? end : pos;
        i += count;
    }
    return walk_gap(z, z->src->size, &pos);
}

static sk_err zip_walk(struct sk_walk *walk, struct sk_source *src) {
    struct zip z = {.walk = walk, .src = src, .crc_budget = src->size};
    TRY(zip_collect(&z));
    TRY(walk_all(&z));
    if (!z.has_directory) {
        if (z.index == 0) {
            return sk_fail(SK_E_FORMAT);
        }
        zip_note_once(&z, ZIP_ONCE_DAMAGED, SK_NOTE_DAMAGED, "zip: no central directory");
    } else if (z.multi_volume) {
        zip_note_once(&z, ZIP_ONCE_VOLUME, SK_NOTE_MISSING_VOLUME, "zip: last volume of several");
    }
    if (z.end_off != 0 && z.end_off < src->size) {
        walk_note(walk, SK_NOTE_TRAILING, "zip: data behind the end record");
    }
    return src->failed;
}

const struct sk_format sk_format_zip = {
    .name = "zip", .type = SK_TYPE_ZIP, .probe = zip_probe, .walk = zip_walk, .skips = true};
