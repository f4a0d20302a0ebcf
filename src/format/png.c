// SPDX-License-Identifier: Apache-2.0
/*
 * PNG as a file structure: is it whole, and what lies behind its end?
 *
 *     signature(8) | { length(4, big-endian) type(4) data(length) crc(4) } ... IEND | anything
 *
 * Specification: PNG (ISO/IEC 15948). Pixels are not decoded here (codec/image.h does). What counts
 * as broken, and its words, as clamscan 1.4.6 has it with --alert-broken-media: a length above
 * 2^31 - 1, or a file that ends inside a chunk; a file that ends between chunks, or in a length, is
 * not broken for it, nor is a wrong checksum. From an IHDR on that is not 13 bytes long or states a
 * side of 0 or above 2^31 - 1 nothing is called broken.
 *
 * Bytes behind IEND are a member: a ZIP or a script behind a picture is run by what opens it as
 * one.
 */
#include <stdio.h>

#include "format/format.h"

#define SIGNATURE_BYTES 8u
#define CHUNK_HEAD_BYTES 8u
#define CRC_BYTES 4u
#define LENGTH_MAX 0x7fffffffu
#define TYPE_IEND 0x49454e44u
#define TYPE_IHDR 0x49484452u
#define IHDR_BYTES 13u

struct png {
    struct sk_walk *walk;
    struct sk_source *src;
    bool silent; /* behind an impossible IHDR */
};

static int png_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "\x89PNG", 4) ? 86 : 0;
}

static void broken(const struct png *p, const char *what) {
    char value[64];
    int len = snprintf(value, sizeof(value), "PNG.%s", what);
    if (!p->silent) {
        walk_fact(p->walk, SK_FACT_BROKEN_MEDIA, value, (size_t)len);
    }
}

static bool is_side(uint32_t side) {
    return side > 0 && side <= LENGTH_MAX;
}

/* The data of an IHDR stands at pos, all of it in the file. */
static bool is_possible(const struct png *p, uint64_t pos, uint32_t len) {
    struct sk_cursor c = sk_source_cursor(p->src, pos, 8);
    uint32_t width = sk_cursor_u32be(&c), height = sk_cursor_u32be(&c);
    return len == IHDR_BYTES && is_side(width) && is_side(height);
}

/* Sets *pos behind IEND; false: there is no end. */
static sk_err find_end(struct png *p, uint64_t *out_end, bool *out_found) {
    struct sk_source *src = p->src;
    uint64_t pos = SIGNATURE_BYTES;
    for (;;) {
        TRY(walk_tick(p->walk));
        struct sk_cursor c = sk_source_cursor(src, pos, CHUNK_HEAD_BYTES);
        uint32_t len = sk_cursor_u32be(&c);
        if (!sk_cursor_ok(&c)) {
            return src->failed;
        }
        uint32_t type = sk_cursor_u32be(&c);
        if (len > LENGTH_MAX) {
            broken(p, "InvalidChunkLength");
            return sk_ok();
        }
        if (!sk_cursor_ok(&c)) {
            broken(p, "EOFReadingChunkType");
            return src->failed;
        }
        pos += CHUNK_HEAD_BYTES;
        if (len > src->size - pos) {
            broken(p, "EOFReadingChunk");
            return sk_ok();
        }
        p->silent = p->silent || (type == TYPE_IHDR && !is_possible(p, pos, len));
        pos += len;
        if (src->size - pos < CRC_BYTES) {
            broken(p, "EOFReadingChunkCRC");
            return sk_ok();
        }
        pos += CRC_BYTES;
        if (type == TYPE_IEND) {
            *out_end = pos;
            *out_found = true;
            return sk_ok();
        }
    }
}

static sk_err png_walk(struct sk_walk *walk, struct sk_source *src) {
    uint64_t end = 0;
    bool found = false;
    struct png p = {.walk = walk, .src = src};
    TRY(find_end(&p, &end, &found));
    if (!found || end == src->size) {
        return sk_ok();
    }
    uint64_t len = src->size - end;
    struct sk_child tail = {
        .packed_size = len, .size = len, .is_slice = true, .slice_off = end, .slice_len = len};
    return walk_child(walk, &tail, NULL);
}

const struct sk_format sk_format_png = {
    .name = "png", .type = SK_TYPE_PNG, .probe = png_probe, .walk = png_walk};
