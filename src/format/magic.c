// SPDX-License-Identifier: Apache-2.0
/*
 * The descriptor of all formats that are told by their magic numbers only: it has a probe and no
 * walk. The engine searches such layers under the right signature target, and notes containers
 * among them as not opened.
 *
 *     magic.def row: type, bid, where, bytes [, mask] [, check] --> best bid of all rows
 *
 * The checks below are for magics too short to be trusted alone, and for the one clash: Java
 * classes and universal Mach-O both begin with CA FE BA BE. The next big-endian word is the number
 * of architectures for Mach-O (a handful) and minor << 16 | major for Java (major >= 45, the first
 * JDK). Specifications: JVMS 4.1, mach-o/fat.h, APPNOTE of ARJ, SWF 19, BMP (Windows SDK),
 * ncompress.
 *
 * When a format gets a reader of its own, its rows leave magic.def.
 */
#include "format/format.h"

#define JAVA_MAJOR_MIN 45
#define JAVA_MAJOR_MAX 0x200
#define MACHO_ARCH_MAX 44 /* below the first Java major version */
#define ARJ_HEADER_MAX 2600
#define ARJ_HEADER_MIN 30

struct magic_row {
    enum sk_type type;
    int bid;
    int off;
    unsigned span;
    const char *bytes;
    size_t len;
    const char *mask;
    bool (*check)(const struct sk_peek *peek);
};

static struct sk_cursor head_from(const struct sk_peek *peek, size_t off) {
    struct sk_cursor c = sk_cursor_make(peek->head, peek->head_len);
    sk_cursor_skip(&c, off);
    return c;
}

static bool check_java(const struct sk_peek *peek) {
    struct sk_cursor c = head_from(peek, 6);
    uint16_t major = sk_cursor_u16be(&c);
    return sk_cursor_ok(&c) && major >= JAVA_MAJOR_MIN && major < JAVA_MAJOR_MAX;
}

static bool check_macho_fat(const struct sk_peek *peek) {
    struct sk_cursor c = head_from(peek, 4);
    uint32_t count = sk_cursor_u32be(&c);
    return sk_cursor_ok(&c) && count >= 1 && count <= MACHO_ARCH_MAX;
}

/* BITMAPFILEHEADER, then a header whose first word is its own size: 12 (OS/2) to 124 (V5). */
static bool check_bmp(const struct sk_peek *peek) {
    struct sk_cursor c = head_from(peek, 10);
    uint32_t pixels = sk_cursor_u32le(&c);
    uint32_t header = sk_cursor_u32le(&c);
    return sk_cursor_ok(&c) && header >= 12 && header <= 256 && pixels >= 14 + header &&
           pixels <= peek->size;
}

static bool check_bmp_broken(const struct sk_peek *peek) {
    struct sk_cursor c = head_from(peek, 2);
    const uint8_t *rest = sk_cursor_take(&c, 12);
    return rest != NULL && memchr(rest, 0, 12) != NULL;
}

static bool check_arj(const struct sk_peek *peek) {
    struct sk_cursor c = head_from(peek, 2);
    uint16_t size = sk_cursor_u16le(&c);
    uint8_t first = sk_cursor_u8(&c);
    return sk_cursor_ok(&c) && size >= ARJ_HEADER_MIN && size <= ARJ_HEADER_MAX &&
           first >= ARJ_HEADER_MIN && first <= size;
}

/* Magics of CPython 1.5 to 3.x: the low word is 3000..4999 (3.x), 20121 or 50000..63000 (1.x, 2.x).
 */
static bool check_pyc(const struct sk_peek *peek) {
    struct sk_cursor c = head_from(peek, 0);
    uint16_t magic = sk_cursor_u16le(&c);
    return sk_cursor_ok(&c) && peek->size >= 8 &&
           ((magic >= 3000 && magic < 5000) || magic == 20121 || (magic >= 50000 && magic < 63000));
}

/* Third byte: bits 0-4 the largest code width 9..16, bits 5-6 unused. */
static bool check_compress(const struct sk_peek *peek) {
    struct sk_cursor c = head_from(peek, 2);
    uint8_t flags = sk_cursor_u8(&c);
    return sk_cursor_ok(&c) && (flags & 0x60) == 0 && (flags & 0x1f) >= 9 && (flags & 0x1f) <= 16;
}

/* .lzma: properties 5D, dictionary 2^n or 2^n + 2^(n-1), size unknown or below 2^38; and the range
 * coder starts with a zero byte. */
#define SK_MAGIC(type_, bid_, off_, span_, bytes_, mask_, check_)                                  \
    {SK_TYPE_##type_, bid_, off_, span_, bytes_, sizeof(bytes_) - 1, mask_, check_},
static const struct magic_row ROWS[] = {
#include "format/magic.def"
};
#undef SK_MAGIC

static bool bytes_equal(const uint8_t *at, const struct magic_row *row) {
    if (row->mask == NULL) {
        return at[0] == (uint8_t)row->bytes[0] && memcmp(at, row->bytes, row->len) == 0;
    }
    for (size_t i = 0; i < row->len; i++) {
        if (((at[i] ^ (uint8_t)row->bytes[i]) & (uint8_t)row->mask[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool found_from_end(const struct sk_peek *peek, const struct magic_row *row) {
    size_t back = (size_t)-row->off;
    if (back > peek->tail_len || row->len > back) {
        return false;
    }
    return bytes_equal(peek->tail + (peek->tail_len - back), row);
}

static bool found_forward(const struct sk_peek *peek, const struct magic_row *row) {
    size_t off = (size_t)row->off;
    if (row->len > peek->head_len || off > peek->head_len - row->len) {
        return false;
    }
    size_t last = peek->head_len - row->len;
    if (last > off + row->span) {
        last = off + row->span;
    }
    if (row->mask == NULL &&
        row->span > 0) { /* a span of 1 KiB byte by byte was a third of a scan of small files */
        return memmem(peek->head + off, last - off + row->len, row->bytes, row->len) != NULL;
    }
    while (off <= last) {
        if (bytes_equal(peek->head + off, row)) {
            return true;
        }
        off++;
    }
    return false;
}

static bool row_agrees(const struct sk_peek *peek, const struct magic_row *row) {
    bool found = row->off < 0 ? found_from_end(peek, row) : found_forward(peek, row);
    return found && (row->check == NULL || row->check(peek));
}

static int magic_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    int best = 0;
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        if (ROWS[i].bid > best && row_agrees(peek, &ROWS[i])) {
            best = ROWS[i].bid;
            *out_type = ROWS[i].type;
        }
    }
    return best;
}

const struct sk_format sk_format_magic = {
    .name = "magic", .type = SK_TYPE_BINARY, .probe = magic_probe, .walk = NULL};
