// SPDX-License-Identifier: Apache-2.0
/*
 * RAR 1.5-4 and RAR 5, read through libarchive.
 *
 *     RAR 4: "Rar!" 1A 07 00,    then crc16, type 73, flags16 (1 = volume, 80h = headers encrypted)
 *     RAR 5: "Rar!" 1A 07 01 00, then crc32, size, type (1 main, 4 encryption), flags [, extra
 *            size if flags & 1], archive flags (1 = volume); all but the crc are variable integers
 *
 * libarchive does not tell that an archive is one volume of several, so the main header is looked
 * at here: the other volumes are not part of this object and what spans them cannot be whole.
 * Archives behind a PE or ELF stub are found by sfx.c. Specification: technote.txt of RAR 4 and 5.
 */
#include "format/libarchive.h"

#include <archive.h>

#define RAR4_MAIN 0x73U
#define RAR4_VOLUME 0x0001U
#define RAR4_LOCKED_HEADERS 0x0080U
#define RAR5_MAIN 1U
#define RAR5_LOCKED_HEADERS 4U
#define RAR5_HAS_EXTRA 0x0001U
#define RAR5_VOLUME 0x0001U
#define PEEK_BYTES ((size_t)64)

struct rar_facts {
    bool volume;
    bool locked; /* even the names are encrypted */
};

static bool is_rar5(const struct sk_cursor *c) {
    return c->len >= 8 && memcmp(c->ptr, "Rar!\x1a\x07\x01\x00", 8) == 0;
}

static struct rar_facts facts_of(struct sk_source *src) {
    struct rar_facts facts = {false, false};
    struct sk_cursor c = sk_source_cursor(src, 0, PEEK_BYTES);
    if (is_rar5(&c)) {
        sk_cursor_skip(&c, 8 + 4);
        (void)sk_cursor_varint(&c); /* size */
        uint64_t type = sk_cursor_varint(&c);
        uint64_t flags = sk_cursor_varint(&c);
        if ((flags & RAR5_HAS_EXTRA) != 0) {
            (void)sk_cursor_varint(&c);
        }
        uint64_t archive_flags = sk_cursor_varint(&c);
        facts.locked = sk_cursor_ok(&c) && type == RAR5_LOCKED_HEADERS;
        facts.volume = sk_cursor_ok(&c) && type == RAR5_MAIN && (archive_flags & RAR5_VOLUME) != 0;
        return facts;
    }
    sk_cursor_skip(&c, 7 + 2);
    uint8_t type = sk_cursor_u8(&c);
    uint16_t flags = sk_cursor_u16le(&c);
    facts.locked = sk_cursor_ok(&c) && type == RAR4_MAIN && (flags & RAR4_LOCKED_HEADERS) != 0;
    facts.volume = sk_cursor_ok(&c) && type == RAR4_MAIN && (flags & RAR4_VOLUME) != 0;
    return facts;
}

static int rar_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "Rar!\x1a\x07\x00", 7) ||
                   sk_peek_has(peek, 0, "Rar!\x1a\x07\x01\x00", 8)
               ? 95
               : 0;
}

static int enable_both(struct archive *reader) {
    int four = archive_read_support_format_rar(reader);
    int five = archive_read_support_format_rar5(reader);
    return four < five ? four : five;
}

static sk_err rar_walk(struct sk_walk *walk, struct sk_source *src) {
    static const struct sk_libarchive how = {enable_both, NULL, false};
    struct rar_facts facts = facts_of(src);
    if (facts.volume) {
        walk_note(walk, SK_NOTE_MISSING_VOLUME, "one volume of a RAR archive");
    }
    if (facts.locked) {
        walk_note(walk, SK_NOTE_ENCRYPTED, "RAR headers");
        return sk_ok();
    }
    return sk_libarchive_walk(walk, src, &how);
}

const struct sk_format sk_format_rar = {"rar", SK_TYPE_RAR, rar_probe, rar_walk};
