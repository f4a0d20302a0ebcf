// SPDX-License-Identifier: Apache-2.0
/*
 * TIFF as a file structure: are its directories and their values inside the file?
 *
 *     "II" 2A 00 or "MM" 00 2A | offset of the first directory(4)
 *     directory: count(2) { tag(2) type(2) count(4) value or its offset(4) } ... offset of the next
 *
 * Specification: TIFF 6.0. Pixels are not decoded here (codec/image.h does). What counts as broken,
 * and its words, as clamscan 1.4.6 has it with --alert-broken-media: the first directory at 0; the
 * next one not behind the place that names it; a value longer than four bytes that does not lie in
 * the file (types above 12 have no length); "EOFReadingChunkCRC" is a cut offset of the next
 * directory. Where the strips of the picture lie is not looked at. BigTIFF is not looked at.
 *
 * A TIFF has no end: whatever no directory names may be anything, and is searched with the rest.
 */
#include <stdio.h>

#include "format/format.h"

#define HEADER_BYTES 8u
#define ENTRY_BYTES 12u
#define INLINE_BYTES 4u

struct tiff {
    struct sk_walk *walk;
    struct sk_source *src;
    bool big; /* big-endian */
    bool end;
};

static int tiff_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "II\x2a\0", 4) || sk_peek_has(peek, 0, "MM\0\x2a", 4) ? 81 : 0;
}

static void broken(struct tiff *t, const char *what) {
    char value[64];
    int len = snprintf(value, sizeof(value), "TIFF.%s", what);
    if (!sk_failed(t->src->failed)) {
        walk_fact(t->walk, SK_FACT_BROKEN_MEDIA, value, (size_t)len);
    }
    t->end = true;
}

static uint16_t take16(const struct tiff *t, struct sk_cursor *c) {
    return t->big ? sk_cursor_u16be(c) : sk_cursor_u16le(c);
}

static uint32_t take32(const struct tiff *t, struct sk_cursor *c) {
    return t->big ? sk_cursor_u32be(c) : sk_cursor_u32le(c);
}

static void entry(struct tiff *t, uint64_t pos) {
    static const uint8_t bytes_of[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
    struct sk_cursor c = sk_source_cursor(t->src, pos, ENTRY_BYTES);
    sk_cursor_skip(&c, 2);
    uint16_t type = take16(t, &c);
    uint64_t len = take32(t, &c);
    uint64_t at = take32(t, &c);
    len *= type < sizeof(bytes_of) ? bytes_of[type] : 0;
    if (!sk_cursor_ok(&c)) {
        broken(t, "EOFReadingIFDEntry");
    } else if (len > INLINE_BYTES && (at > t->src->size || len > t->src->size - at)) {
        broken(t, "OutOfBoundsAccess");
    }
}

/* One directory; *next is where the one behind it stands, 0: none. */
static sk_err directory(struct tiff *t, uint64_t pos, uint64_t *next) {
    struct sk_cursor c = sk_source_cursor(t->src, pos, 2);
    uint32_t count = take16(t, &c);
    pos += 2;
    if (!sk_cursor_ok(&c)) {
        broken(t, "EOFReadingNumIFDDirectoryEntries");
    }
    for (uint32_t i = 0; i < count && !t->end; i++) {
        TRY(walk_tick(t->walk));
        entry(t, pos);
        pos += ENTRY_BYTES;
    }
    if (t->end) {
        return sk_ok();
    }
    c = sk_source_cursor(t->src, pos, 4);
    *next = take32(t, &c);
    if (!sk_cursor_ok(&c)) {
        broken(t, "EOFReadingChunkCRC");
    } else if (*next == 0) {
        t->end = true;
    } else if (*next <= pos) {
        broken(t, "OutOfOrderIFDOffset");
    }
    return sk_ok();
}

/* Ends: every directory stands behind the one before. */
static sk_err tiff_walk(struct sk_walk *walk, struct sk_source *src) {
    struct tiff t = {.walk = walk, .src = src};
    struct sk_cursor c = sk_source_cursor(src, 0, HEADER_BYTES);
    t.big = sk_cursor_u8(&c) == 'M';
    sk_cursor_skip(&c, 3);
    uint64_t pos = take32(&t, &c);
    if (!sk_cursor_ok(&c)) {
        broken(&t, "EOFReadingFirstIFDOffset");
    } else if (pos == 0) {
        broken(&t, "InvalidIFDOffset");
    }
    while (!t.end) {
        TRY(directory(&t, pos, &pos));
    }
    return src->failed;
}

const struct sk_format sk_format_tiff = {
    .name = "tiff", .type = SK_TYPE_TIFF, .probe = tiff_probe, .walk = tiff_walk};
