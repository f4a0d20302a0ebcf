// SPDX-License-Identifier: Apache-2.0
/*
 * GIF as a file structure: is it whole, and what lies behind its end?
 *
 *     "GIF8.." screen descriptor(7) [global colours] | blocks ... | 3B | anything
 *     block: 21 label sub-blocks | 2C descriptor(9) [colours] code size(1) sub-blocks
 *     sub-blocks: { n(1..255) data(n) } ... 00
 *
 * Specification: GIF89a. Pixels are not decoded here (codec/image.h does). What counts as broken,
 * and its words, as clamscan 1.4.6 has it with --alert-broken-media: a graphic control extension is
 * eight bytes, whatever its sub-blocks say, and may be cut; a file that ends between blocks is
 * broken only when no picture came before.
 *
 * Bytes behind the trailer are a member, as in png.c.
 */
#include <stdio.h>

#include "format/format.h"

#define HEADER_BYTES 13u /* with the screen descriptor */
#define FLAGS_OFF 10u
#define IMAGE_BYTES 9u
#define HAS_COLOURS 0x80u

#define CONTROL_BYTES 6u /* behind its label */

enum { LABEL_CONTROL = 0xf9, LABEL_EXTENSION = 0x21, LABEL_IMAGE = 0x2c, LABEL_TRAILER = 0x3b };

struct gif {
    struct sk_walk *walk;
    struct sk_source *src;
    uint64_t pos;
    bool end; /* no more blocks */
    bool has_image;
    bool trailer;
};

static int gif_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "GIF8", 4) ? 81 : 0;
}

static void broken(struct gif *g, const char *what) {
    char value[64];
    int len = snprintf(value, sizeof(value), "GIF.%s", what);
    walk_fact(g->walk, SK_FACT_BROKEN_MEDIA, value, (size_t)len);
    g->end = true;
}

/* One byte; false at the end of the file. */
static bool next_byte(struct gif *g, uint8_t *out) {
    struct sk_cursor c = sk_source_cursor(g->src, g->pos, 1);
    *out = sk_cursor_u8(&c);
    g->pos += sk_cursor_ok(&c);
    return sk_cursor_ok(&c);
}

static bool skip(struct gif *g, uint64_t len) {
    bool fits = len <= g->src->size - g->pos;
    g->pos = fits ? g->pos + len : g->src->size;
    return fits;
}

static uint64_t colours(uint8_t flags) {
    return (flags & HAS_COLOURS) != 0 ? 3u * (uint64_t)(2u << (flags & 7)) : 0;
}

enum blocks_end { BLOCKS_WHOLE, BLOCKS_UNENDED, BLOCKS_CUT };

static sk_err sub_blocks(struct gif *g, enum blocks_end *out_end) {
    uint8_t len;
    for (;;) {
        TRY(walk_tick(g->walk));
        if (!next_byte(g, &len)) {
            *out_end = BLOCKS_UNENDED;
            return g->src->failed;
        }
        if (len == 0 || !skip(g, len)) {
            *out_end = len == 0 ? BLOCKS_WHOLE : BLOCKS_CUT;
            return sk_ok();
        }
    }
}

static sk_err extension(struct gif *g) {
    uint8_t label;
    enum blocks_end end = BLOCKS_UNENDED;
    if (next_byte(g, &label)) {
        if (label == LABEL_CONTROL) {
            (void)skip(g, CONTROL_BYTES);
            return sk_ok();
        }
        TRY(sub_blocks(g, &end));
    }
    if (end != BLOCKS_WHOLE) {
        broken(g, end == BLOCKS_CUT ? "TruncatedExtensionSubBlock" : "TruncatedExtension");
    }
    return sk_ok();
}

static sk_err image(struct gif *g) {
    struct sk_cursor c = sk_source_cursor(g->src, g->pos, IMAGE_BYTES);
    sk_cursor_skip(&c, IMAGE_BYTES - 1);
    uint8_t flags = sk_cursor_u8(&c);
    uint8_t code_size;
    enum blocks_end end = BLOCKS_CUT;
    if (!sk_cursor_ok(&c)) {
        broken(g, "TruncatedImageDescriptor");
        return sk_ok();
    }
    g->pos += IMAGE_BYTES;
    g->has_image = true;
    if (skip(g, colours(flags)) && next_byte(g, &code_size)) {
        TRY(sub_blocks(g, &end));
    }
    if (end != BLOCKS_WHOLE) {
        broken(g, "TruncatedImageDataBlock");
    }
    return sk_ok();
}

static sk_err block(struct gif *g) {
    uint8_t label;
    if (!next_byte(g, &label)) {
        if (!g->has_image) {
            broken(g, "MissingImageData");
        }
        g->end = true;
        return sk_ok();
    }
    switch (label) {
    case LABEL_EXTENSION:
        return extension(g);
    case LABEL_IMAGE:
        return image(g);
    case LABEL_TRAILER:
        g->trailer = true;
        g->end = true;
        return sk_ok();
    default:
        broken(g, "UnknownBlockLabel");
        return sk_ok();
    }
}

static void header(struct gif *g) {
    struct sk_cursor c = sk_source_cursor(g->src, 0, HEADER_BYTES);
    sk_cursor_skip(&c, FLAGS_OFF);
    uint8_t flags = sk_cursor_u8(&c);
    sk_cursor_skip(&c, HEADER_BYTES - FLAGS_OFF - 1);
    if (!sk_cursor_ok(&c)) {
        broken(g, "TruncatedScreenDescriptor");
        return;
    }
    g->pos = HEADER_BYTES;
    if (!skip(g, colours(flags))) {
        broken(g, "TruncatedGlobalColorTable");
    }
}

static sk_err gif_walk(struct sk_walk *walk, struct sk_source *src) {
    struct gif g = {.walk = walk, .src = src};
    header(&g);
    while (!g.end) {
        TRY(block(&g));
        TRY(src->failed);
    }
    if (!g.trailer || g.pos == src->size) {
        return src->failed;
    }
    uint64_t len = src->size - g.pos;
    struct sk_child tail = {
        .packed_size = len, .size = len, .is_slice = true, .slice_off = g.pos, .slice_len = len};
    return walk_child(walk, &tail, NULL);
}

const struct sk_format sk_format_gif = {
    .name = "gif", .type = SK_TYPE_GIF, .probe = gif_probe, .walk = gif_walk};
