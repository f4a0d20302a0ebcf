// SPDX-License-Identifier: Apache-2.0
/*
 * Pictures in old Office documents: OfficeArt records wherever they stand in a stream.
 *
 *     u16 instance << 4 | u16 type F01A..F02A | u32 length | body
 *     body: UID 16, one more when the instance is odd, then
 *           EMF, WMF, PICT         34 bytes (the 33rd 0: packed with zlib) | picture
 *           JPEG, PNG, DIB, TIFF   1 byte | picture
 *
 *     PowerPoint: "Pictures"; Word: "Data", "WordDocument"; Excel: records MSODRAWINGGROUP (0xEB)
 *     and CONTINUE (0x3C) of the workbook, joined
 *
 * Instance and type together are four fixed bytes, so records are searched for, not reached through
 * the trees that name them. Seen with clamscan 1.4.6: it takes pictures out of workbooks. Source:
 * [MS-ODRAW] 2.2.23-2.2.30; [MS-XLS] 2.4.170.
 */
#include <stdio.h>
#include <string.h>

#include "codec/codec.h"
#include "format/ole2_objects.h"

#define LOAD_MAX ((size_t)32 << 20)
#define RECORD_BYTES ((size_t)8)
#define METAFILE_BYTES ((size_t)34)
#define PICTURES_MAX 4096u
#define REC_DRAWING 0x00ebu
#define REC_CONTINUE 0x003cu

struct kind {
    uint16_t type;
    uint16_t instance; /* the even one */
    const char *suffix;
    bool is_metafile;
};
static const struct kind KINDS[] = {
    {0xf01a, 0x3d4, "emf", true},  {0xf01b, 0x216, "wmf", true},  {0xf01c, 0x542, "pict", true},
    {0xf01d, 0x46a, "jpg", false}, {0xf01d, 0x6e2, "jpg", false}, {0xf01e, 0x6e0, "png", false},
    {0xf01f, 0x7a8, "dib", false}, {0xf029, 0x6e4, "tif", false}, {0xf02a, 0x46a, "jpg", false},
    {0xf02a, 0x6e2, "jpg", false},
};

static const struct kind *kind_at(const uint8_t *p) {
    uint16_t first = sk_load_u16le(p);
    uint16_t type = sk_load_u16le(p + 2);
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        if (KINDS[i].type == type && (first & 0xf) == 0 &&
            (first >> 4 & 0xffe) == KINDS[i].instance) {
            return &KINDS[i];
        }
    }
    return NULL;
}

struct picture {
    const struct kind *kind;
    struct sk_bytes data;
    bool packed;
};

/* The record at `at`. False: not one. */
static bool read_picture(struct sk_bytes all, size_t at, struct picture *out) {
    out->kind = kind_at(all.ptr + at);
    if (out->kind == NULL) {
        return false;
    }
    struct sk_cursor c = sk_cursor_make(all.ptr + at, all.len - at);
    unsigned uids = (sk_cursor_u16le(&c) >> 4 & 1) + 1;
    sk_cursor_skip(&c, 2);
    size_t len = sk_cursor_u32le(&c);
    len = len < sk_cursor_left(&c) ? len : sk_cursor_left(&c);
    c.len = c.pos + len;
    sk_cursor_skip(&c, (uint64_t)uids * 16);
    out->packed = false;
    if (out->kind->is_metafile) {
        const uint8_t *head = sk_cursor_take(&c, METAFILE_BYTES);
        out->packed = head != NULL && head[32] == 0;
    } else {
        sk_cursor_skip(&c, 1);
    }
    out->data = (struct sk_bytes){c.ptr + c.pos, sk_cursor_left(&c)};
    return sk_cursor_ok(&c) && out->data.len > 0;
}

static sk_err give_picture(struct ole2 *o, uint32_t entry, size_t at, const struct picture *p) {
    char name[40];
    struct sk_source src;
    struct sk_source_stream st;
    struct sk_stream *unpacked = NULL;
    (void)snprintf(name, sizeof(name), "picture-%zu.%s", at, p->kind->suffix);
    sk_source_init_mem(&src, p->data.ptr, p->data.len);
    struct sk_stream *s = sk_source_stream_init(&st, &src, 0, p->data.len);
    if (!p->packed) {
        return ole2_give_part(o, entry, name, s);
    }
    TRY(sk_inflate_zlib_open(s, &unpacked));
    sk_err err = ole2_give_part(o, entry, name, unpacked);
    sk_stream_close(unpacked);
    return err;
}

/* All records in the bytes; a picture inside another is part of it. */
static sk_err give_pictures(struct ole2 *o, uint32_t entry, struct sk_bytes all) {
    size_t at = 0;
    size_t tries = 0;
    unsigned n = 0;
    while (n < PICTURES_MAX && at + RECORD_BYTES <= all.len) {
        const uint8_t *hit = memchr(all.ptr + at + 3, 0xf0, all.len - at - 3);
        if (hit == NULL) {
            break;
        }
        at = (size_t)(hit - all.ptr) - 3;
        struct picture p;
        if (at + RECORD_BYTES <= all.len && read_picture(all, at, &p)) {
            TRY(give_picture(o, entry, at, &p));
            at = (size_t)(p.data.ptr - all.ptr) + p.data.len;
            n++;
        } else {
            at++;
        }
        if (++tries % 1024 == 0) {
            TRY(walk_tick(o->walk));
        }
    }
    if (n == PICTURES_MAX) {
        walk_note(o->walk, SK_NOTE_LIMIT_FILES, "ole2: pictures in one stream");
    }
    return sk_ok();
}

static sk_err load(const struct ole2 *o, uint32_t entry, struct sk_bytes *out_all) {
    uint64_t size = o->entry[entry].size;
    if (size > LOAD_MAX && o->src->size > LOAD_MAX) {
        walk_note(o->walk, SK_NOTE_LIMIT_MEMORY, "ole2: pictures of a long stream");
    }
    return ole2_load(o, entry, LOAD_MAX, out_all);
}

sk_err ole2_pictures(struct ole2 *o, uint32_t entry) {
    struct sk_bytes all;
    TRY(load(o, entry, &all));
    return give_pictures(o, entry, all);
}

/* Joins the drawing records of a workbook in place: what is written never passes what is read. */
static size_t join_drawing(uint8_t *bytes, size_t len) {
    size_t out = 0;
    bool inside = false;
    for (size_t at = 0; at + 4 <= len;) {
        unsigned type = sk_load_u16le(bytes + at);
        size_t size = sk_load_u16le(bytes + at + 2);
        at += 4;
        size = size < len - at ? size : len - at;
        inside = type == REC_DRAWING || (inside && type == REC_CONTINUE);
        if (inside) {
            memmove(bytes + out, bytes + at, size);
            out += size;
        }
        at += size;
    }
    return out;
}

sk_err ole2_sheet_pictures(struct ole2 *o, uint32_t entry) {
    struct sk_bytes all;
    TRY(load(o, entry, &all));
    uint8_t *joined = arena_alloc(walk_arena(o->walk), all.len);
    if (joined == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    memcpy(joined, all.ptr, all.len);
    return give_pictures(o, entry, (struct sk_bytes){joined, join_drawing(joined, all.len)});
}
