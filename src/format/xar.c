// SPDX-License-Identifier: Apache-2.0
/*
 * XAR (macOS installer packages), read through libarchive.
 *
 *     0 "xar!"   4 size of header (28 or more)   6 version   8 packed and plain size of the table
 *     of contents, which is XML packed with zlib; the members follow it
 *
 * Specification: xar wiki, "xarformat".
 */
#include "format/libarchive.h"

#include "format/archive_calls.h"

#define HEADER_MIN 28U

static int xar_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    struct sk_cursor c = sk_cursor_make(peek->head, peek->head_len);
    sk_cursor_skip(&c, 4);
    uint16_t header = sk_cursor_u16be(&c);
    return sk_peek_has(peek, 0, "xar!", 4) && header >= HEADER_MIN ? 90 : 0;
}

static int enable(struct archive *reader) {
    return la.archive_read_support_format_xar(reader);
}

static sk_err xar_walk(struct sk_walk *walk, struct sk_source *src) {
    return sk_libarchive_walk(walk, src, enable);
}

const struct sk_format sk_format_xar = {
    .name = "xar", .type = SK_TYPE_XAR, .probe = xar_probe, .walk = xar_walk, .late = true};
