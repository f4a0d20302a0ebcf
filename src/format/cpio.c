// SPDX-License-Identifier: Apache-2.0
/*
 * CPIO in its five forms: binary in either byte order, odc, newc and crc. Read through libarchive.
 *
 *     form    magic                bytes of header
 *     binary  0o070707, 16 bits    26   namesize at 20, in the byte order of the magic
 *     odc     "070707"             76   octal digits
 *     newc    "070701"             110  hexadecimal digits
 *     crc     "070702"             110  the same with a sum
 *
 * Two bytes are a weak magic, so the binary forms must also show a name of believable length that
 * ends in NUL; the text forms must show digits. Specification: cpio(5).
 */
#include "format/libarchive.h"

#include "format/archive_calls.h"

#define BINARY_HEADER_BYTES 26U
#define BINARY_NAMESIZE_OFF 20U
#define NAME_MAX_BYTES 4096U

static bool binary_name_ok(const struct sk_peek *peek, bool big_endian) {
    struct sk_cursor c = sk_cursor_make(peek->head, peek->head_len);
    sk_cursor_skip(&c, BINARY_NAMESIZE_OFF);
    uint16_t len = big_endian ? sk_cursor_u16be(&c) : sk_cursor_u16le(&c);
    sk_cursor_seek(&c, BINARY_HEADER_BYTES);
    if (len < 2 || len > NAME_MAX_BYTES) {
        return false;
    }
    const uint8_t *name = sk_cursor_take(&c, len);
    return name != NULL && name[len - 1] == 0 && memchr(name, 0, len) == &name[len - 1];
}

static bool digits_follow(const struct sk_peek *peek, size_t count, bool hexadecimal) {
    struct sk_cursor c = sk_cursor_make(peek->head, peek->head_len);
    sk_cursor_skip(&c, 6);
    const uint8_t *p = sk_cursor_take(&c, count);
    for (size_t i = 0; p != NULL && i < count; i++) {
        uint8_t lower = p[i] | 0x20;
        bool ok = hexadecimal ? (p[i] >= '0' && p[i] <= '9') || (lower >= 'a' && lower <= 'f')
                              : p[i] >= '0' && p[i] <= '7';
        if (!ok) {
            return false;
        }
    }
    return p != NULL;
}

static int bid_as(enum sk_type type, bool sure, int bid, enum sk_type *out_type) {
    if (!sure) {
        return 0;
    }
    *out_type = type;
    return bid;
}

static int cpio_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    if (sk_peek_has(peek, 0, "070701", 6)) {
        return bid_as(SK_TYPE_CPIO_NEWC, digits_follow(peek, 104, true), 90, out_type);
    }
    if (sk_peek_has(peek, 0, "070702", 6)) {
        return bid_as(SK_TYPE_CPIO_CRC, digits_follow(peek, 104, true), 90, out_type);
    }
    if (sk_peek_has(peek, 0, "070707", 6)) {
        return bid_as(SK_TYPE_CPIO_ODC, digits_follow(peek, 70, false), 90, out_type);
    }
    if (sk_peek_has(peek, 0, "\xc7\x71", 2)) {
        return bid_as(SK_TYPE_CPIO_OLD, binary_name_ok(peek, false), 70, out_type);
    }
    if (sk_peek_has(peek, 0, "\x71\xc7", 2)) {
        return bid_as(SK_TYPE_CPIO_OLD, binary_name_ok(peek, true), 70, out_type);
    }
    return 0;
}

static int enable(struct archive *reader) {
    return la.archive_read_support_format_cpio(reader);
}

static sk_err cpio_walk(struct sk_walk *walk, struct sk_source *src) {
    return sk_libarchive_walk(walk, src, enable);
}

const struct sk_format sk_format_cpio = {.name = "cpio",
                                         .type = SK_TYPE_CPIO_NEWC,
                                         .probe = cpio_probe,
                                         .walk = cpio_walk,
                                         .late = true,
                                         .skips = true};
