// SPDX-License-Identifier: Apache-2.0
/*
 * TNEF ("winmail.dat"), what Outlook wraps a message in ([MS-OXTNEF]).
 *
 *     78 9F 3E 22, key (2)
 *     attribute: level (1 message, 2 attachment), id (4), length (4), data, checksum (2)
 *
 *     attAttachRenddata begins an attachment; attAttachTitle names it, attAttachData is its content
 *     attAttachment, attMsgProps hold MAPI properties (tnef_mapi.c): long names, content in
 *     PR_ATTACH_DATA (an embedded message is TNEF again), bodies as compressed RTF, HTML and text
 *
 * Names may come behind the content, so an attachment is given when the next one begins. Content is
 * a slice of the layer. Checksums are not compared: Outlook does not mind either. An attribute that
 * says more than there is, is scanned as far as it goes and noted; behind one that makes no sense
 * the walk goes on at the next thing that looks like an attachment's.
 */
#include "format/tnef.h"

#include <string.h>

#include "codec/codec.h"

#define MAGIC "\x78\x9f\x3e\x22"
#define START_BYTES 6u
#define ATTRIBUTE_BYTES 9u
#define CHECKSUM_BYTES 2u
#define RESYNC_STEP_BYTES ((size_t)512)
#define LEVEL_MESSAGE 1u
#define LEVEL_ATTACHMENT 2u

enum attribute {
    ATT_BODY = 0x0002800c,
    ATT_MESSAGE_PROPS = 0x00069003,
    ATT_ATTACH_RENDDATA = 0x00069002,
    ATT_ATTACH_DATA = 0x0006800f,
    ATT_ATTACH_TITLE = 0x00018010,
    ATT_ATTACHMENT = 0x00069005
};

static int tnef_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, MAGIC, 4) ? 90 : 0;
}

static void note_damage(struct tnef *t, const char *detail) {
    if (!t->damaged) {
        t->damaged = true;
        walk_note(t->walk, SK_NOTE_DAMAGED, detail);
    }
}

/* ---- what is told to the engine ---- */

sk_err tnef_give(struct tnef *t, struct tnef_slice data, enum sk_type as, struct sk_bytes name) {
    if (data.len == 0) {
        return sk_ok();
    }
    struct sk_child child = {.name = (const char *)name.ptr,
                             .name_len = name.len,
                             .packed_size = data.len,
                             .size = data.len,
                             .index = t->index++,
                             .as = as,
                             .is_slice = true,
                             .slice_off = data.off,
                             .slice_len = data.len};
    return walk_child(t->walk, &child, NULL);
}

void tnef_name(struct tnef *t, struct tnef_slice text, bool wide, unsigned rank) {
    if (rank < t->name_rank || text.len == 0) {
        return;
    }
    struct sk_cursor c = sk_source_cursor(
        t->src, text.off, text.len < TNEF_NAME_MAX_BYTES ? (size_t)text.len : TNEF_NAME_MAX_BYTES);
    t->name_rank = rank;
    t->name_len = 0;
    while (sk_cursor_left(&c) >= (wide ? 2u : 1u)) {
        uint16_t unit = wide ? sk_cursor_u16le(&c) : sk_cursor_u8(&c);
        if (unit == 0) {
            break;
        }
        /* Only for people: what is not ASCII in UTF-16 may be a question mark. */
        t->name[t->name_len++] = (uint8_t)(wide && unit > 126 ? '?' : unit);
    }
}

sk_err tnef_data(struct tnef *t, struct tnef_slice data, bool embedded) {
    if (t->piece_count == TNEF_PIECES_MAX) {
        TRY(tnef_flush(t));
    }
    t->piece[t->piece_count] = data;
    t->embedded[t->piece_count++] = embedded;
    return sk_ok();
}

sk_err tnef_flush(struct tnef *t) {
    struct sk_bytes name = {t->name_len == 0 ? NULL : t->name, t->name_len};
    for (unsigned i = 0; i < t->piece_count; i++) {
        enum sk_type as = t->embedded[i] ? SK_TYPE_TNEF : SK_TYPE_ANY;
        TRY(tnef_give(t, t->piece[i], as, name));
    }
    t->piece_count = 0;
    return sk_ok();
}

/* ---- attributes ---- */

static sk_err begin_attachment(struct tnef *t) {
    TRY(tnef_flush(t));
    t->name_len = 0;
    t->name_rank = 0;
    return sk_ok();
}

static sk_err take_attribute(struct tnef *t, uint32_t id, struct tnef_slice data) {
    switch (id) {
    case ATT_BODY:
        return tnef_give(t, data, SK_TYPE_ANY, (struct sk_bytes){NULL, 0});
    case ATT_MESSAGE_PROPS:
    case ATT_ATTACHMENT:
        return tnef_mapi(t, data);
    case ATT_ATTACH_RENDDATA:
        return begin_attachment(t);
    case ATT_ATTACH_DATA:
        return tnef_data(t, data, false);
    case ATT_ATTACH_TITLE:
        tnef_name(t, data, false, 1);
        return sk_ok();
    default:
        return sk_ok();
    }
}

/* The next place at or behind off that looks like an attribute of an attachment, or the end. */
static sk_err resynchronise(struct tnef *t, uint64_t off, uint64_t *out_off) {
    static const char *const marks[] = {"\x02\x02\x90\x06\x00", "\x02\x0f\x80\x06\x00"};
    const size_t len = 5;
    while (off + len <= t->src->size) {
        size_t avail;
        TRY(walk_tick(t->walk));
        const uint8_t *p = sk_source_at(t->src, off, len, &avail);
        if (p == NULL) {
            return sk_failed(t->src->failed) ? t->src->failed : sk_fail(SK_E_IO);
        }
        avail = avail < RESYNC_STEP_BYTES ? avail : RESYNC_STEP_BYTES; /* no further than needed */
        const uint8_t *best = NULL;
        for (size_t i = 0; i < 2; i++) {
            const uint8_t *at = memmem(p, avail, marks[i], len);
            best = best == NULL || (at != NULL && at < best) ? at : best;
        }
        if (best != NULL) {
            *out_off = off + (uint64_t)(best - p);
            return sk_ok();
        }
        off += avail - len + 1;
    }
    *out_off = t->src->size;
    return sk_ok();
}

static sk_err one_attribute(struct tnef *t, uint64_t *off) {
    struct sk_cursor c = sk_source_cursor(t->src, *off, ATTRIBUTE_BYTES);
    uint8_t level = sk_cursor_u8(&c);
    uint32_t id = sk_cursor_u32le(&c);
    struct tnef_slice data = {*off + ATTRIBUTE_BYTES, sk_cursor_u32le(&c)};
    if (!sk_cursor_ok(&c) || (level != LEVEL_MESSAGE && level != LEVEL_ATTACHMENT)) {
        note_damage(t, "no attribute");
        return resynchronise(t, *off + 1, off);
    }
    uint64_t left = t->src->size - data.off;
    *off = data.off + data.len + CHECKSUM_BYTES;
    if (data.len > left) {
        note_damage(t, "cut short");
        data.len = left;
        TRY(resynchronise(t, data.off, off));
    }
    return take_attribute(t, id, data);
}

static sk_err tnef_walk(struct sk_walk *walk, struct sk_source *src) {
    struct tnef *t = arena_zalloc(walk_arena(walk), 1, sizeof(*t));
    uint64_t off = START_BYTES;
    if (t == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    t->walk = walk;
    t->src = src;
    while (off < src->size && src->size - off >= ATTRIBUTE_BYTES) { /* a lone line end may follow */
        TRY(walk_tick(walk));
        TRY(one_attribute(t, &off));
    }
    TRY(src->failed);
    return tnef_flush(t);
}

const struct sk_format sk_format_tnef = {
    .name = "tnef", .type = SK_TYPE_TNEF, .probe = tnef_probe, .walk = tnef_walk};
