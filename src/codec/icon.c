// SPDX-License-Identifier: Apache-2.0
/*
 * Icons of programs to small squares of colours.
 *
 *     header 40 or more: size, width, twice the height, planes, bits, ... | palette | rows, the
 * last first, padded to four bytes | mask: a bit for each pixel, rows likewise
 *
 * Which icons are looked at and what is made of them was established with clamscan 1.4.6 and own
 * pictures, whose fingerprints it prints:
 *
 * - 16 to 256 pixels a side, the smaller one at least 3/4 of the larger. 1, 4, 8 (with a palette of
 *   full size, whatever the header says), 16, 24, 32 bits. The packing is not looked at; what the
 *   header gives as its own size is passed over. Bytes may lie behind the end of the resource, not
 *   of the file.
 * - With 32 bits the fourth byte is opacity, unless it is 0 everywhere. Else the mask decides: a
 *   pixel whose bit is not set is opaque, one whose bit is set keeps the opacity that its colour
 *   came with: 0, the fourth byte of the palette, or stray bits with 16 bits. All is laid on white.
 * - 16 bits are neither 555 nor 565: see wide_colour.
 * - A square of a multiple of 24 or 32 pixels is halved until it is 32 or less, each pixel the mean
 *   of four (pairs first). What is then no 16, 24 or 32 (from 72, 120, ...) matches nothing. Others
 *   are sampled down or up to 16 (sum of both sides up to 40), 24 (up to 56) or 32: rows rounded
 *   down, columns to the nearest.
 */
#include "codec/icon.h"

#include "base/mem.h"

#define HEADER_BYTES 40u
#define SIDE_MIN 16u
#define SIDE_MAX 256u
#define SMALL 16u
#define MIDDLE 24u
#define LARGE 32u
#define OPAQUE 0xff000000u
#define PALETTE_MAX 256u

struct icon {
    struct sk_source *src;
    uint32_t width, height;
    unsigned bits;
    uint64_t rows; /* file offset */
    uint64_t stride;
    bool has_opacity;
    uint32_t palette[PALETTE_MAX];
    uint32_t *pixel; /* width * height, from the top, 0xaarrggbb */
};

static sk_err damaged(const struct icon *icon) {
    return sk_failed(icon->src->failed) ? icon->src->failed : sk_fail(SK_E_FORMAT);
}

static sk_err read_header(struct icon *icon, uint64_t off) {
    struct sk_cursor c = sk_source_cursor(icon->src, off, HEADER_BYTES);
    uint32_t header_bytes = sk_cursor_u32le(&c);
    icon->width = sk_cursor_u32le(&c);
    icon->height = sk_cursor_u32le(&c) / 2;
    sk_cursor_skip(&c, 2);
    icon->bits = sk_cursor_u16le(&c);
    sk_cursor_skip(&c, 24);
    uint32_t more = icon->width > icon->height ? icon->width : icon->height;
    uint32_t less = icon->width > icon->height ? icon->height : icon->width;
    if (!sk_cursor_ok(&c) || header_bytes < HEADER_BYTES || less < SIDE_MIN || more > SIDE_MAX ||
        less < more * 3 / 4) {
        return damaged(icon);
    }
    icon->rows = off + header_bytes;
    icon->stride = ((uint64_t)icon->width * icon->bits + 31) / 32 * 4;
    return sk_ok();
}

static sk_err read_palette(struct icon *icon) {
    uint32_t count = (uint32_t)1 << icon->bits;
    struct sk_cursor c = sk_source_cursor(icon->src, icon->rows, (size_t)count * 4);
    for (uint32_t i = 0; i < count; i++) {
        icon->palette[i] = sk_cursor_u32le(&c);
    }
    icon->rows += (uint64_t)count * 4;
    return sk_cursor_ok(&c) ? sk_ok() : damaged(icon);
}

/* Where the bits of a 16-bit pixel go, found by setting one at a time: green and red come out
 * shifted by three places too many, and the bits that leave red at the top are opacity. */
static uint32_t wide_colour(uint32_t v) {
    return (v & 0x1f) << 3 | (v & 0x1c) >> 2 | (v & 0x3e0) << 9 | (v & 0x380) << 4 |
           (v & 0xfc00) << 7 | (v & 0xfc00) << 12;
}

static uint32_t colour_at(const struct icon *icon, const uint8_t *row, uint32_t x) {
    switch (icon->bits) {
    case 1:
        return icon->palette[row[x / 8] >> (7 - x % 8) & 1];
    case 4:
        return icon->palette[row[x / 2] >> (4 - x % 2 * 4) & 15];
    case 8:
        return icon->palette[row[x]];
    case 16:
        return wide_colour(sk_load_u16le(row + (size_t)2 * x));
    case 24:
        row += (size_t)3 * x;
        return row[0] | (uint32_t)row[1] << 8 | (uint32_t)row[2] << 16;
    default:
        return sk_load_u32le(row + (size_t)4 * x);
    }
}

/* Row y from the top of a picture or mask whose last row stands at `off`. */
static const uint8_t *row_at(const struct icon *icon, uint64_t off, uint64_t stride, uint32_t y) {
    size_t avail;
    const uint8_t *row =
        sk_source_at(icon->src, off + (icon->height - 1 - y) * stride, (size_t)stride, &avail);
    return row != NULL && avail >= stride ? row : NULL;
}

static sk_err read_rows(struct icon *icon) {
    for (uint32_t y = 0; y < icon->height; y++) {
        const uint8_t *row = row_at(icon, icon->rows, icon->stride, y);
        if (row == NULL) {
            return damaged(icon);
        }
        for (uint32_t x = 0; x < icon->width; x++) {
            uint32_t colour = colour_at(icon, row, x);
            icon->pixel[(size_t)y * icon->width + x] = colour;
            icon->has_opacity = icon->has_opacity || (icon->bits == 32 && colour >> 24 != 0);
        }
    }
    return sk_ok();
}

static sk_err read_mask(struct icon *icon) {
    uint64_t stride = ((uint64_t)icon->width + 31) / 32 * 4;
    uint64_t off = icon->rows + icon->stride * icon->height;
    for (uint32_t y = 0; y < icon->height; y++) {
        const uint8_t *row = row_at(icon, off, stride, y);
        if (row == NULL) {
            return damaged(icon);
        }
        for (uint32_t x = 0; x < icon->width; x++) {
            if ((row[x / 8] >> (7 - x % 8) & 1) == 0) {
                icon->pixel[(size_t)y * icon->width + x] |= OPAQUE;
            }
        }
    }
    return sk_ok();
}

static void lay_on_white(struct icon *icon) {
    for (size_t i = 0; i < (size_t)icon->width * icon->height; i++) {
        uint32_t p = icon->pixel[i], opacity = p >> 24, out = 0;
        for (unsigned shift = 0; shift < 24; shift += 8) {
            out |= ((p >> shift & 0xff) * opacity / 255 + 255 - opacity) << shift;
        }
        icon->pixel[i] = out;
    }
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static uint32_t mean(uint32_t a, uint32_t b) {
    uint32_t out = 0;
    for (unsigned shift = 0; shift < 24; shift += 8) {
        out |= (((a >> shift & 0xff) + (b >> shift & 0xff)) / 2) << shift;
    }
    return out;
}

/* In place: what is written lies before what is still to be read. */
static void halve(struct icon *icon) {
    size_t wide = icon->width, side = wide / 2;
    for (size_t y = 0; y < side; y++) {
        for (size_t x = 0; x < side; x++) {
            const uint32_t *p = &icon->pixel[2 * y * wide + 2 * x];
            icon->pixel[y * side + x] = mean(mean(p[0], p[1]), mean(p[wide], p[wide + 1]));
        }
    }
    icon->width = icon->height = (uint32_t)side;
}

static unsigned sampled_side(const struct icon *icon) {
    uint32_t sum = icon->width + icon->height;
    return sum <= 2 * 20 ? SMALL : sum <= 2 * 28 ? MIDDLE : LARGE;
}

static sk_err give_sampled(const struct icon *icon, struct icon_picture *out) {
    unsigned side = sampled_side(icon);
    double across = (double)icon->width / side, down = (double)icon->height / side;
    out->side = side;
    for (unsigned y = 0; y < side; y++) {
        size_t from_y = (size_t)(y * down);
        for (unsigned x = 0; x < side; x++) {
            size_t from_x = (size_t)(x * across + 0.5);
            out->rgb[y * side + x] = icon->pixel[from_y * icon->width + from_x];
        }
    }
    return sk_ok();
}

static sk_err give_picture(struct icon *icon, struct icon_picture *out) {
    if (icon->width != icon->height ||
        (icon->width % LARGE != 0 && icon->width % MIDDLE != 0 && icon->width != SMALL)) {
        return give_sampled(icon, out);
    }
    while (icon->width > LARGE) {
        halve(icon);
    }
    if (icon->width != SMALL && icon->width != MIDDLE && icon->width != LARGE) {
        return sk_fail(SK_E_FORMAT);
    }
    out->side = icon->width;
    memcpy(out->rgb, icon->pixel, (size_t)out->side * out->side * sizeof(out->rgb[0]));
    return sk_ok();
}

sk_err icon_decode(struct sk_source *src, uint64_t off, struct icon_picture *out) {
    struct icon icon = {.src = src};
    TRY(read_header(&icon, off));
    switch (icon.bits) {
    case 1:
    case 4:
    case 8:
        TRY(read_palette(&icon));
        break;
    case 16:
    case 24:
    case 32:
        break;
    default:
        return sk_fail(SK_E_UNSUPPORTED);
    }
    icon.pixel = mem_zalloc((size_t)icon.width * icon.height, sizeof(*icon.pixel));
    if (icon.pixel == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    sk_err err = read_rows(&icon);
    if (!sk_failed(err) && !icon.has_opacity) {
        err = read_mask(&icon);
    }
    if (!sk_failed(err)) {
        lay_on_white(&icon);
        err = give_picture(&icon, out);
    }
    mem_free(icon.pixel);
    return err;
}
