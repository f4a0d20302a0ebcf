// SPDX-License-Identifier: Apache-2.0
/*
 * The directory of a 7z archive, in one or two passes over its bytes and no memory of its own.
 *
 *     Header(1)         [properties] [streams of a further kind] streams(4) files(5) end
 *     EncodedHeader(23) streams, whose one folder unpacks to a Header or EncodedHeader
 *
 *     streams   PackInfo(6)   offset, count, sizes, checksums
 *               UnpackInfo(7) folders(11), sizes(12) of every coder, checksums(10) of folders
 *               SubStreams(8) counts(13) per folder, sizes(9) but for the last of each, checksums
 *     files(5)  count, properties: empty streams(14), empty files(15), names(17), times ...
 *
 * The first pass walks over all lists, which shows where each begins and that it is whole; the
 * second reads them side by side, member by member. Loops are bounded by the bytes of the header:
 * every turn takes at least one, or ends. What streams say counts: files only give names to them.
 * A list that comes twice counts as it came last, as in 7-Zip.
 */
#include <string.h>

#include "base/utf8.h"
#include "format/sevenzip_parts.h"

#define SIGNATURE_BYTES 32u /* in front of the packed streams */
#define NAME_UNITS_MAX ((size_t)32768)

enum property {
    P_END = 0,
    P_HEADER = 1,
    P_ARCHIVE = 2,
    P_MORE_STREAMS = 3,
    P_STREAMS = 4,
    P_FILES = 5,
    P_PACK = 6,
    P_UNPACK = 7,
    P_SUB = 8,
    P_SIZE = 9,
    P_CRC = 10,
    P_FOLDER = 11,
    P_CODER_SIZES = 12,
    P_COUNTS = 13,
    P_EMPTY = 14,
    P_EMPTY_FILE = 15,
    P_NAMES = 17,
    P_ENCODED = 23
};

/* ---- numbers, bits, checksums ---- */

uint64_t sevenzip_number(struct sk_cursor *c) {
    uint8_t first = sk_cursor_u8(c);
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned mask = 0x80u >> i;
        if ((first & mask) == 0) {
            return value | (uint64_t)(first & (mask - 1)) << (8 * i);
        }
        value |= (uint64_t)sk_cursor_u8(c) << (8 * i);
    }
    return value;
}

static void numbers_skip(struct sk_cursor *c, uint64_t count) {
    for (uint64_t i = 0; i < count && sk_cursor_ok(c); i++) {
        (void)sevenzip_number(c);
    }
}

static bool bits_next(struct sevenzip_bits *b) {
    if (b->mask == 0) {
        b->byte = sk_cursor_u8(&b->c);
        b->mask = 0x80;
    }
    bool bit = (b->byte & b->mask) != 0;
    b->mask >>= 1;
    return bit;
}

static struct sevenzip_bits bits_at(const struct sk_cursor *c) {
    return (struct sevenzip_bits){.c = *c};
}

/* Skips the checksums of `count` things and remembers where they are. */
static void sums_read(struct sk_cursor *c, uint64_t count, struct sevenzip_sums *out) {
    out->there = true;
    out->all = sk_cursor_u8(c) != 0;
    uint64_t known = count;
    if (!out->all) {
        out->known = bits_at(c);
        sk_cursor_skip(c, count / 8 + (count % 8 != 0));
        struct sevenzip_bits bits = out->known;
        known = 0;
        for (uint64_t i = 0; i < count && sk_cursor_ok(c); i++) {
            known += bits_next(&bits);
        }
    }
    out->crc = *c;
    sk_cursor_skip(c, known > UINT64_MAX / 4 ? UINT64_MAX : known * 4);
}

static bool sums_next(struct sevenzip_sums *s, uint32_t *out_crc) {
    if (!s->there || (!s->all && !bits_next(&s->known))) {
        return false;
    }
    *out_crc = sk_cursor_u32le(&s->crc);
    return true;
}

/* ---- streams ---- */

static void pack_read(struct sk_cursor *c, struct sevenzip_streams *s) {
    uint64_t off = sevenzip_number(c);
    uint64_t count = sevenzip_number(c);
    s->wrong = __builtin_add_overflow(off, SIGNATURE_BYTES, &s->pack_off) || s->wrong;
    for (uint64_t type = sevenzip_number(c); type != P_END && sk_cursor_ok(c);
         type = sevenzip_number(c)) {
        struct sevenzip_sums unused;
        if (type == P_SIZE) {
            s->pack_sizes = *c;
            numbers_skip(c, count);
        } else if (type == P_CRC) {
            sums_read(c, count, &unused);
        } else {
            sk_cursor_skip(c, sevenzip_number(c));
        }
    }
}

static sk_err folders_read(struct sk_cursor *c, struct sevenzip_streams *s, uint64_t *out_outs) {
    s->folders_left = sevenzip_number(c);
    if (sk_cursor_u8(c) != 0) {
        return sk_fail(SK_E_FORMAT); /* they are elsewhere: no program writes that */
    }
    s->folders = *c;
    *out_outs = 0;
    for (uint64_t i = 0; i < s->folders_left; i++) {
        TRY(sevenzip_folder_read(c, &s->folder));
        *out_outs += s->folder.out_count;
        s->wants_libarchive = s->wants_libarchive || s->folder.opens == SEVENZIP_LIBARCHIVE;
    }
    return sk_ok();
}

/* How many sizes and checksums of streams there are, by what is known of folders. Only called for
 * lists that take bytes for each folder: their number times the work stays in proportion. */
static void count_streams(struct sevenzip_streams *s) {
    struct sk_cursor counts = s->counts;
    struct sevenzip_sums sums = s->folder_sums;
    s->size_count = 0;
    s->sum_count = 0;
    for (uint64_t i = 0; i < s->folders_left; i++) {
        uint32_t crc;
        uint64_t count = s->has_counts ? sevenzip_number(&counts) : 1;
        bool known = sums_next(&sums, &crc);
        uint64_t unknown = count == 1 && known ? 0 : count;
        if (__builtin_add_overflow(s->size_count, count > 0 ? count - 1 : 0, &s->size_count) ||
            __builtin_add_overflow(s->sum_count, unknown, &s->sum_count)) {
            s->size_count = UINT64_MAX; /* more than there are bytes: reading them will fail */
            s->sum_count = UINT64_MAX;
            return;
        }
    }
}

static sk_err unpack_read(struct sk_cursor *c, struct sevenzip_streams *s) {
    uint64_t outs = 0;
    for (uint64_t type = sevenzip_number(c); type != P_END && sk_cursor_ok(c);
         type = sevenzip_number(c)) {
        if (type == P_FOLDER) {
            TRY(folders_read(c, s, &outs));
            count_streams(s);
        } else if (type == P_CODER_SIZES) {
            s->coder_sizes = *c;
            numbers_skip(c, outs);
        } else if (type == P_CRC) {
            sums_read(c, s->folders_left, &s->folder_sums);
            count_streams(s);
        } else {
            sk_cursor_skip(c, sevenzip_number(c));
        }
    }
    return sk_ok();
}

static void sub_read(struct sk_cursor *c, struct sevenzip_streams *s) {
    for (uint64_t type = sevenzip_number(c); type != P_END && sk_cursor_ok(c);
         type = sevenzip_number(c)) {
        if (type == P_COUNTS) {
            s->has_counts = true;
            s->counts = *c;
            numbers_skip(c, s->folders_left);
            count_streams(s);
        } else if (type == P_SIZE) {
            s->sizes = *c;
            numbers_skip(c, s->size_count);
        } else if (type == P_CRC) {
            sums_read(c, s->sum_count, &s->sums);
        } else {
            sk_cursor_skip(c, sevenzip_number(c));
        }
    }
}

static sk_err streams_read(struct sk_cursor *c, struct sevenzip_streams *out) {
    *out = (struct sevenzip_streams){.streams_left = 0};
    for (uint64_t type = sevenzip_number(c); type != P_END; type = sevenzip_number(c)) {
        if (type == P_PACK) {
            pack_read(c, out);
        } else if (type == P_UNPACK) {
            TRY(unpack_read(c, out));
        } else if (type == P_SUB) {
            sub_read(c, out);
        } else {
            return sk_fail(SK_E_FORMAT);
        }
        if (!sk_cursor_ok(c)) {
            break;
        }
    }
    return sk_cursor_ok(c) ? sk_ok() : sk_fail(SK_E_FORMAT);
}

/* The next folder and its packed streams. False: there is none, or the lists end in it. */
static bool next_folder(struct sevenzip_streams *s) {
    if (s->folders_left == 0) {
        return false;
    }
    s->folders_left--;
    s->folder_off = s->pack_off;
    if (sk_failed(sevenzip_folder_read(&s->folders, &s->folder))) {
        s->folders_left = 0;
        return false;
    }
    sevenzip_folder_sizes(&s->coder_sizes, &s->folder);
    for (uint32_t i = 0; i < s->folder.packed_count; i++) {
        uint64_t size = sevenzip_number(&s->pack_sizes);
        s->wrong = __builtin_add_overflow(s->pack_off, size, &s->pack_off) || s->wrong;
        if (i < SEVENZIP_INPUTS_MAX) {
            s->folder_pack_sizes[i] = size;
        }
    }
    s->wrong = s->wrong || !sk_cursor_ok(&s->pack_sizes) || !sk_cursor_ok(&s->coder_sizes);
    s->streams_left = s->has_counts ? sevenzip_number(&s->counts) : 1;
    s->sole = s->streams_left == 1;
    s->bytes_left = s->folder.size;
    s->folder_crc_known = sums_next(&s->folder_sums, &s->folder_crc);
    return true;
}

/* The last one of a folder has what the others leave. */
static uint64_t next_size(struct sevenzip_streams *s) {
    if (s->streams_left == 0) {
        return s->bytes_left;
    }
    uint64_t size = sevenzip_number(&s->sizes);
    if (!sk_cursor_ok(&s->sizes)) {
        s->streams_left = 0;
        s->wrong = true;
        return s->bytes_left;
    }
    s->wrong = s->wrong || size > s->bytes_left;
    return size < s->bytes_left ? size : s->bytes_left;
}

bool sevenzip_next_stream(struct sevenzip_streams *s, struct sevenzip_stream *out) {
    *out = (struct sevenzip_stream){.first = s->streams_left == 0};
    while (s->streams_left == 0) {
        if (!next_folder(s)) {
            return false;
        }
    }
    s->streams_left--;
    out->size = next_size(s);
    s->bytes_left -= out->size;
    if (s->sole && s->folder_crc_known) {
        out->crc_known = true;
        out->crc32 = s->folder_crc;
    } else {
        out->crc_known = sums_next(&s->sums, &out->crc32);
    }
    return true;
}

/* ---- files ---- */

static void file_property(uint64_t type, struct sk_cursor c, struct sevenzip_files *out) {
    if (type == P_EMPTY) {
        out->has_empty = true;
        out->empty = bits_at(&c);
    } else if (type == P_EMPTY_FILE) {
        out->has_empty_file = true;
        out->empty_file = bits_at(&c);
    } else if (type == P_NAMES && sk_cursor_u8(&c) == 0) {
        out->names = c;
    }
}

static bool files_read(struct sk_cursor *c, struct sevenzip_files *out) {
    out->left = sevenzip_number(c);
    for (uint64_t type = sevenzip_number(c); type != P_END && sk_cursor_ok(c);
         type = sevenzip_number(c)) {
        uint64_t size = sevenzip_number(c);
        size_t at = c->pos;
        sk_cursor_skip(c, size);
        if (sk_cursor_ok(c)) {
            file_property(type, sk_cursor_make(c->ptr + at, (size_t)size), out);
        }
    }
    return sk_cursor_ok(c);
}

/* Up to the NUL behind it, which is taken, too. */
static struct sk_bytes next_name(struct sk_cursor *c) {
    size_t from = c->pos;
    while (sk_cursor_u16le(c) != 0) {
    }
    if (!sk_cursor_ok(c)) {
        return (struct sk_bytes){NULL, 0};
    }
    return (struct sk_bytes){c->ptr + from, c->pos - 2 - from};
}

bool sevenzip_next_file(struct sevenzip_files *f, struct sevenzip_file *out) {
    if (f->left == 0) {
        return false;
    }
    f->left--;
    out->has_stream = !f->has_empty || !bits_next(&f->empty);
    out->is_directory = !out->has_stream && (!f->has_empty_file || !bits_next(&f->empty_file));
    out->name = sk_cursor_left(&f->names) > 0 ? next_name(&f->names) : (struct sk_bytes){NULL, 0};
    if (!out->has_stream && !sk_cursor_ok(&f->empty.c)) {
        f->left = 0;
    }
    return true;
}

/* Half a pair is no character. */
static uint32_t next_char(struct sk_cursor *c) {
    uint32_t unit = sk_cursor_u16le(c);
    struct sk_cursor low = *c;
    if (unit >= 0xd800 && unit < 0xdc00 && sk_cursor_left(c) >= 2) {
        uint32_t second = sk_cursor_u16le(&low);
        if (second >= 0xdc00 && second < 0xe000) {
            *c = low;
            return 0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00);
        }
    }
    return unit;
}

char *sevenzip_name(struct arena *arena, struct sk_bytes utf16, size_t *out_len) {
    size_t units = utf16.len / 2 < NAME_UNITS_MAX ? utf16.len / 2 : NAME_UNITS_MAX;
    uint8_t *text = units == 0 ? NULL : arena_alloc(arena, units * 3 + 1);
    *out_len = 0;
    if (text == NULL) {
        return NULL;
    }
    struct sk_cursor c = sk_cursor_make(utf16.ptr, units * 2);
    size_t len = 0;
    while (sk_cursor_left(&c) > 0) {
        len += sk_utf8_put(text + len, next_char(&c));
    }
    text[len] = 0;
    *out_len = len;
    return (char *)text;
}

/* ---- the whole ---- */

static void archive_properties_skip(struct sk_cursor *c) {
    while (sevenzip_number(c) != P_END && sk_cursor_ok(c)) {
        sk_cursor_skip(c, sevenzip_number(c));
    }
}

static sk_err header_read(struct sk_cursor *c, struct sevenzip_directory *out) {
    struct sevenzip_streams unused;
    for (uint64_t type = sevenzip_number(c); type != P_END && sk_cursor_ok(c);
         type = sevenzip_number(c)) {
        if (type == P_ARCHIVE) {
            archive_properties_skip(c);
        } else if (type == P_MORE_STREAMS) {
            TRY(streams_read(c, &unused));
        } else if (type == P_STREAMS) {
            TRY(streams_read(c, &out->streams));
        } else if (type == P_FILES) {
            out->files_damaged = !files_read(c, &out->files);
            return sk_ok();
        } else {
            return sk_fail(SK_E_FORMAT);
        }
    }
    return sk_cursor_ok(c) ? sk_ok() : sk_fail(SK_E_FORMAT);
}

sk_err sevenzip_directory_read(struct sk_bytes header, struct sevenzip_directory *out) {
    struct sk_cursor c = sk_cursor_of(header);
    *out = (struct sevenzip_directory){.is_encoded = false};
    uint64_t type = sevenzip_number(&c);
    if (type == P_HEADER) {
        return header_read(&c, out);
    }
    out->is_encoded = type == P_ENCODED;
    return out->is_encoded ? streams_read(&c, &out->streams) : sk_fail(SK_E_FORMAT);
}
