// SPDX-License-Identifier: Apache-2.0
/*
 * Windows bitmaps (Microsoft, "Bitmap Storage"): core, info, V4 and V5 headers; 1, 2, 4, 8 bits
 * with a palette, 16 and 32 with masks, 24; RLE4 and RLE8.
 *
 *     "BM" size(4) 0(4) offset of the pixels(4) | header size(4) ... | masks, palette | ... |
 * pixels
 *
 * Rows lie bottom-up unless the height is negative, padded to four bytes. Since a source is read at
 * any place, only run-length pictures are held in memory. A palette index without an entry is
 * black.
 */
#include <string.h>

#include "base/mem.h"
#include "codec/image_private.h"

#define FILE_HEADER_BYTES 14u
#define CORE_HEADER_BYTES 12u
#define INFO_HEADER_BYTES 40u
#define PALETTE_MAX 256u

enum { RGB_PLAIN = 0, RLE8 = 1, RLE4 = 2, BITFIELDS = 3, ALPHA_BITFIELDS = 6 };

struct bmp {
    struct sk_source *src;
    const struct image_sink *sink;
    uint32_t width, height;
    bool top_down;
    uint16_t bits;
    uint32_t packing;
    uint64_t pixels; /* offset */
    uint32_t mask[3];
    uint8_t palette[PALETTE_MAX][3];
    uint8_t *row, *rgb, *held;
};

static sk_err read_palette(struct bmp *b, uint64_t off, uint32_t count, unsigned each) {
    if (b->bits > 8) {
        return sk_ok();
    }
    uint32_t max = (uint32_t)1 << b->bits;
    count = count == 0 || count > max ? max : count;
    struct sk_cursor c = sk_source_cursor(b->src, off, (size_t)count * each);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *p = sk_cursor_take(&c, each);
        if (p == NULL) {
            return sk_failed(b->src->failed) ? b->src->failed : sk_fail(SK_E_FORMAT);
        }
        b->palette[i][0] = p[2];
        b->palette[i][1] = p[1];
        b->palette[i][2] = p[0];
    }
    return sk_ok();
}

static sk_err read_core_header(struct bmp *b, struct sk_cursor *c) {
    b->width = sk_cursor_u16le(c);
    b->height = sk_cursor_u16le(c);
    sk_cursor_skip(c, 2);
    b->bits = sk_cursor_u16le(c);
    return read_palette(b, FILE_HEADER_BYTES + CORE_HEADER_BYTES, 0, 3);
}

static sk_err read_info_header(struct bmp *b, struct sk_cursor *c, uint32_t header_bytes) {
    b->width = sk_cursor_u32le(c);
    uint32_t height = sk_cursor_u32le(c);
    b->top_down = (height >> 31) != 0;
    b->height = b->top_down ? 0 - height : height;
    sk_cursor_skip(c, 2);
    b->bits = sk_cursor_u16le(c);
    b->packing = sk_cursor_u32le(c);
    sk_cursor_skip(c, 12);
    uint32_t colours = sk_cursor_u32le(c);
    sk_cursor_skip(c, 4);
    uint64_t off = FILE_HEADER_BYTES + header_bytes;
    if (b->packing == BITFIELDS || b->packing == ALPHA_BITFIELDS) {
        for (unsigned i = 0; i < 3; i++) {
            b->mask[i] = sk_cursor_u32le(c);
        }
        b->packing = RGB_PLAIN;
    } else if (b->bits == 16) {
        b->mask[0] = 0x7c00;
        b->mask[1] = 0x03e0;
        b->mask[2] = 0x001f;
    } else {
        b->mask[0] = 0xff0000;
        b->mask[1] = 0x00ff00;
        b->mask[2] = 0x0000ff;
    }
    return read_palette(b, off, colours, 4);
}

static sk_err read_header(struct bmp *b) {
    struct sk_cursor c = sk_source_cursor(b->src, 10, 128);
    b->pixels = sk_cursor_u32le(&c);
    uint32_t header_bytes = sk_cursor_u32le(&c);
    sk_err err = sk_fail(SK_E_UNSUPPORTED);
    b->bits = 0;
    if (header_bytes == CORE_HEADER_BYTES) {
        err = read_core_header(b, &c);
    } else if (header_bytes >= INFO_HEADER_BYTES && header_bytes <= 1024) {
        err = read_info_header(b, &c, header_bytes);
    }
    TRY(err);
    if (!sk_cursor_ok(&c)) {
        return sk_failed(b->src->failed) ? b->src->failed : sk_fail(SK_E_FORMAT);
    }
    bool rle = (b->packing == RLE8 && b->bits == 8) || (b->packing == RLE4 && b->bits == 4);
    bool plain =
        b->packing == RGB_PLAIN && (b->bits == 1 || b->bits == 2 || b->bits == 4 || b->bits == 8 ||
                                    b->bits == 16 || b->bits == 24 || b->bits == 32);
    return rle || plain ? sk_ok() : sk_fail(SK_E_UNSUPPORTED);
}

/* ---- plain rows ---------------------------------------------------------------------------- */

/* The value of a colour field widened to 8 bits, as n bits of a full scale. */
static uint8_t widen(uint32_t pixel, uint32_t mask) {
    if (mask == 0) {
        return 0;
    }
    unsigned shift = (unsigned)__builtin_ctz(mask);
    uint32_t max = mask >> shift;
    uint64_t value = (pixel & mask) >> shift;
    return (uint8_t)((value * 255 + max / 2) / max);
}

static void colour(const struct bmp *b, uint32_t x, uint8_t *rgb) {
    const uint8_t *row = b->row;
    if (b->bits <= 8) {
        uint32_t per_byte = 8u / b->bits;
        unsigned shift = (unsigned)(per_byte - 1 - x % per_byte) * b->bits;
        uint8_t index = (uint8_t)((row[x / per_byte] >> shift) & ((1u << b->bits) - 1));
        memcpy(rgb, b->palette[index], 3);
    } else if (b->bits == 24) {
        rgb[0] = row[3 * x + 2];
        rgb[1] = row[3 * x + 1];
        rgb[2] = row[3 * x];
    } else {
        uint32_t pixel = b->bits == 16 ? sk_load_u16le(&row[2 * x]) : sk_load_u32le(&row[4 * x]);
        for (unsigned i = 0; i < 3; i++) {
            rgb[i] = widen(pixel, b->mask[i]);
        }
    }
}

static sk_err read_plain(struct bmp *b) {
    size_t stride = ((size_t)b->width * b->bits + 31) / 32 * 4;
    size_t need = ((size_t)b->width * b->bits + 7) / 8;
    TRY(image_hold(stride, 1, 1, &b->row));
    TRY(image_hold(b->width, 1, 3, &b->rgb));
    for (uint32_t y = 0; y < b->height; y++) {
        uint64_t line = b->top_down ? y : b->height - 1 - y;
        size_t got = 0;
        TRY(sk_source_read(b->src, b->pixels + line * stride, b->row, need, &got));
        if (got < need) {
            return sk_fail(SK_E_FORMAT);
        }
        for (uint32_t x = 0; x < b->width; x++) {
            colour(b, x, b->rgb + (size_t)3 * x);
        }
        TRY(b->sink->row(b->sink->ctx, b->rgb));
    }
    return sk_ok();
}

/* ---- run lengths --------------------------------------------------------------------------- */

struct rle {
    struct bmp *b;
    uint64_t pos;
    uint32_t x, y; /* y from the first stored row */
};

static sk_err next_pair(struct rle *r, uint8_t *out_pair) {
    size_t got = 0;
    TRY(sk_source_read(r->b->src, r->pos, out_pair, 2, &got));
    r->pos += got;
    return got == 2 ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static void put_index(struct rle *r, uint8_t index) {
    if (r->x < r->b->width && r->y < r->b->height) {
        r->b->held[(size_t)r->y * r->b->width + r->x] = index;
        r->x++;
    }
}

static void put_run(struct rle *r, uint8_t count, uint8_t value) {
    bool four = r->b->packing == RLE4;
    for (unsigned i = 0; i < count; i++) {
        put_index(r, !four ? value : i % 2 == 0 ? value >> 4 : value & 15);
    }
}

static sk_err put_literal(struct rle *r, uint8_t count) {
    bool four = r->b->packing == RLE4;
    size_t bytes = four ? ((size_t)count + 1) / 2 : count;
    uint8_t text[256];
    size_t got = 0;
    TRY(sk_source_read(r->b->src, r->pos, text, bytes, &got));
    if (got < bytes) {
        return sk_fail(SK_E_FORMAT);
    }
    for (unsigned i = 0; i < count; i++) {
        put_index(r, !four ? text[i] : i % 2 == 0 ? text[i / 2] >> 4 : text[i / 2] & 15);
    }
    r->pos += bytes + bytes % 2;
    return sk_ok();
}

/* *out_end: the end-of-bitmap mark. */
static sk_err put_escape(struct rle *r, uint8_t code, bool *out_end) {
    uint8_t move[2];
    *out_end = code == 1;
    if (code == 0) {
        r->x = 0;
        r->y++;
    } else if (code == 2) {
        TRY(next_pair(r, move));
        r->x += move[0];
        r->y += move[1];
    } else if (code > 2) {
        return put_literal(r, code);
    }
    return sk_ok();
}

static sk_err read_rle(struct bmp *b) {
    struct rle r = {.b = b, .pos = b->pixels};
    bool end = false;
    TRY(image_hold(b->width, b->height, 1, &b->held));
    TRY(image_hold(b->width, 1, 3, &b->rgb));
    for (unsigned n = 0; !end && r.y < b->height; n++) {
        uint8_t pair[2];
        TRY(next_pair(&r, pair));
        if (pair[0] == 0) {
            TRY(put_escape(&r, pair[1], &end));
        } else {
            put_run(&r, pair[0], pair[1]);
        }
        if (n % 4096 == 0) {
            TRY(b->sink->tick(b->sink->ctx));
        }
    }
    for (uint32_t y = 0; y < b->height; y++) {
        const uint8_t *line = b->held + (size_t)(b->top_down ? y : b->height - 1 - y) * b->width;
        for (uint32_t x = 0; x < b->width; x++) {
            memcpy(b->rgb + (size_t)3 * x, b->palette[line[x]], 3);
        }
        TRY(b->sink->row(b->sink->ctx, b->rgb));
    }
    return sk_ok();
}

sk_err image_bmp(struct sk_source *src, const struct image_sink *sink) {
    struct bmp b = {.src = src, .sink = sink};
    TRY(read_header(&b));
    TRY(image_size(sink, b.width, b.height));
    sk_err err = b.packing == RGB_PLAIN ? read_plain(&b) : read_rle(&b);
    mem_free(b.row);
    mem_free(b.rgb);
    mem_free(b.held);
    return err;
}
