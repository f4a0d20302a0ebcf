// SPDX-License-Identifier: Apache-2.0
/*
 * Flash movies (SWF File Format Specification 19).
 *
 *     FWS | version | u32 length | frame size | rate, count | tag | tag | ...
 *     CWS | version | u32 length | zlib of the rest
 *     ZWS | version | u32 length | u32 packed length | LZMA properties (5) | LZMA of the rest
 *
 * A packed movie has one member: the same movie unpacked, "FWS" in front and the other header bytes
 * as they stand, whatever they say (so clamscan 1.4.6, seen, also for truncated data and false
 * lengths). An unpacked movie has its attached data as members: DefineBinaryData, where exploits
 * keep the next movie, and JPEG images. Scripts stay in the body, where signatures look for them;
 * addresses in it are facts.
 */
#include <string.h>

#include "codec/codec.h"
#include "format/format.h"

#define HEADER_BYTES ((uint64_t)8)
#define ZWS_BODY_OFF ((uint64_t)17)
#define VERSION_MAX 60u
#define FACTS_MAX 500u
#define ADDRESS_MAX ((size_t)512)
#define LZMA_HEADER_BYTES 13u

#define TAG_END 0u
#define TAG_JPEG 6u
#define TAG_JPEG2 21u
#define TAG_JPEG3 35u
#define TAG_BINARY 87u
#define TAG_JPEG4 90u

static int swf_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    if (!sk_peek_has(peek, 1, "WS", 2) || peek->head_len < HEADER_BYTES ||
        memchr("FCZ", peek->head[0], 3) == NULL) {
        return 0;
    }
    return peek->head[3] >= 1 && peek->head[3] <= VERSION_MAX ? 75 : 0;
}

/* ---- packed movies ---- */

/* Bytes from memory, then a stream. */
struct fronted {
    struct sk_stream base;
    struct sk_stream *rest;
    const uint8_t *front;
    size_t len;
};

static sk_err fronted_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct fronted *f = (struct fronted *)(void *)base;
    if (f->len == 0) {
        return sk_stream_read(f->rest, buf, cap, out_len);
    }
    size_t n = f->len < cap ? f->len : cap;
    memcpy(buf, f->front, n);
    f->front += n;
    f->len -= n;
    *out_len = n;
    return sk_ok();
}

/* The unpacked body. LZMA data of Flash has no end mark: it is complete when it is as long as the
 * header says. */
struct body {
    struct sk_stream base;
    struct sk_stream *codec;
    uint64_t got;
    uint64_t stated;
};

static sk_err body_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct body *b = (struct body *)(void *)base;
    size_t got = 0;
    sk_err err = sk_stream_read(b->codec, buf, cap, &got);
    if (err.code == SK_E_FORMAT && b->got > 0 && b->got >= b->stated) {
        err = sk_ok();
        got = 0;
    }
    TRY(err);
    b->got += got;
    *out_len = got;
    return sk_ok();
}

static sk_err give_movie(struct sk_walk *walk, struct sk_source *src, struct sk_stream *codec,
                         const uint8_t *header) {
    uint8_t front[HEADER_BYTES];
    memcpy(front, header, sizeof(front));
    front[0] = 'F';
    uint64_t length = sk_load_u32le(header + 4);
    struct body body = {.base = {body_read, NULL},
                        .codec = codec,
                        .stated = length > HEADER_BYTES ? length - HEADER_BYTES : 0};
    struct fronted whole = {{fronted_read, NULL}, &body.base, front, sizeof(front)};
    struct sk_child child = {
        .name = "movie", .name_len = 5, .packed_size = src->size, .size = SK_SIZE_UNKNOWN};
    return walk_child(walk, &child, &whole.base);
}

static sk_err walk_zlib(struct sk_walk *walk, struct sk_source *src, const uint8_t *header) {
    struct sk_source_stream raw;
    struct sk_stream *codec = NULL;
    sk_source_stream_init(&raw, src, HEADER_BYTES, src->size);
    TRY(sk_inflate_zlib_open(&raw.base, &codec));
    sk_err err = give_movie(walk, src, codec, header);
    sk_stream_close(codec);
    return err;
}

static sk_err walk_lzma(struct sk_walk *walk, struct sk_source *src, const uint8_t *header) {
    uint8_t front[LZMA_HEADER_BYTES];
    struct sk_cursor c = sk_source_cursor(src, ZWS_BODY_OFF - 5, 5);
    const uint8_t *properties = sk_cursor_take(&c, 5);
    if (properties == NULL) {
        return sk_fail(SK_E_FORMAT);
    }
    memset(front, 0xff, sizeof(front)); /* of unknown size */
    memcpy(front, properties, 5);
    struct sk_source_stream raw;
    struct sk_stream *codec = NULL;
    sk_source_stream_init(&raw, src, ZWS_BODY_OFF, src->size);
    struct fronted alone = {{fronted_read, NULL}, &raw.base, front, sizeof(front)};
    TRY(sk_unlzma_open(&alone.base, SK_CODEC_MEM_BYTES, &codec));
    sk_err err = give_movie(walk, src, codec, header);
    sk_stream_close(codec);
    return err;
}

/* ---- unpacked movies ---- */

static bool is_address_byte(uint8_t c) {
    return c > ' ' && c < 127 && c != '"' && c != '\'' && c != '<' && c != '>' && c != '\\';
}

/* Addresses as text anywhere in the body: strings of scripts are not packed. */
static sk_err tell_addresses(struct sk_walk *walk, struct sk_source *src) {
    uint64_t pos = HEADER_BYTES;
    unsigned told = 0;
    while (pos < src->size && told < FACTS_MAX) {
        TRY(walk_tick(walk));
        size_t avail;
        const uint8_t *p = sk_source_at(src, pos, 4096, &avail);
        if (p == NULL) {
            return src->failed;
        }
        avail = avail < 32768 ? avail : 32768;
        const uint8_t *found = memmem(p, avail, "http", 4);
        if (found == NULL) {
            pos += avail > 3 ? avail - 3 : avail;
            continue;
        }
        pos += (uint64_t)(found - p);
        struct sk_cursor c = sk_source_cursor(src, pos, ADDRESS_MAX);
        size_t len = 0;
        while (len < c.len && is_address_byte(c.ptr[len])) {
            len++;
        }
        bool good =
            len > 8 && (memcmp(c.ptr + 4, "://", 3) == 0 || memcmp(c.ptr + 4, "s://", 4) == 0);
        if (good) {
            walk_fact(walk, SK_FACT_URI, (const char *)c.ptr, len);
            told++;
        }
        pos += good ? len : 4;
    }
    return sk_ok();
}

/* Bytes of a tag's body in front of the data; UINT32_MAX: this tag has none for us. */
static uint32_t data_offset(unsigned tag) {
    switch (tag) {
    case TAG_JPEG:
    case TAG_JPEG2:
        return 2;
    case TAG_BINARY:
    case TAG_JPEG3:
        return 6;
    case TAG_JPEG4:
        return 8;
    default:
        return UINT32_MAX;
    }
}

static sk_err give_data(struct sk_walk *walk, struct sk_source *src, uint64_t off, uint64_t len,
                        bool binary) {
    struct sk_child child = {.name = binary ? "binary data" : "image",
                             .name_len = binary ? 11 : 5,
                             .packed_size = len,
                             .size = len,
                             .is_slice = true,
                             .slice_off = off,
                             .slice_len = len};
    if (len > src->size - off) {
        child.slice_len = src->size - off;
        walk_note(walk, SK_NOTE_DAMAGED, "swf: a tag longer than the file");
    }
    return child.slice_len == 0 ? sk_ok() : walk_child(walk, &child, NULL);
}

static sk_err walk_tags(struct sk_walk *walk, struct sk_source *src) {
    struct sk_cursor c = sk_source_cursor(src, HEADER_BYTES, 64);
    unsigned bits = sk_cursor_u8(&c) >> 3; /* of each of the four sides of the frame */
    uint64_t pos = HEADER_BYTES + (5 + 4 * bits + 7) / 8 + 4;
    for (uint64_t i = 0; pos < src->size; i++) { /* a tag takes two bytes at least */
        c = sk_source_cursor(src, pos, 6);
        unsigned head = sk_cursor_u16le(&c);
        uint64_t len = head & 0x3f;
        len = len == 0x3f ? sk_cursor_u32le(&c) : len;
        if (!sk_cursor_ok(&c)) {
            break;
        }
        pos += c.pos;
        uint32_t skip = data_offset(head >> 6);
        if (skip < len && pos + skip < src->size) {
            TRY(give_data(walk, src, pos + skip, len - skip, head >> 6 == TAG_BINARY));
        }
        pos += len;
        if (head >> 6 == TAG_END) {
            break;
        }
        if ((i & 255) == 0) {
            TRY(walk_tick(walk));
        }
    }
    return sk_ok();
}

static sk_err swf_walk(struct sk_walk *walk, struct sk_source *src) {
    uint8_t header[HEADER_BYTES];
    size_t got = 0;
    TRY(sk_source_read(src, 0, header, sizeof(header), &got));
    if (got < sizeof(header)) {
        return sk_fail(SK_E_FORMAT);
    }
    switch (header[0]) {
    case 'C':
        return walk_zlib(walk, src, header);
    case 'Z':
        return walk_lzma(walk, src, header);
    default:
        TRY(walk_tags(walk, src));
        return tell_addresses(walk, src);
    }
}

const struct sk_format sk_format_swf = {
    .name = "swf", .type = SK_TYPE_SWF, .probe = swf_probe, .walk = swf_walk};
