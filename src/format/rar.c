// SPDX-License-Identifier: Apache-2.0
/*
 * RAR 1.5-4 and RAR 5, read through libarchive.
 *
 *     RAR 4: "Rar!" 1A 07 00,    then crc16, type 73, flags16 (1 = volume, 80h = headers encrypted)
 *     RAR 5: "Rar!" 1A 07 01 00, then crc32, size, type (1 main, 4 encryption), flags [, extra
 *            size if flags & 1], archive flags (1 = volume); all but the crc are variable integers
 *
 * libarchive does not tell that an archive is one volume of several, nor (3.6, RAR 5) that a member
 * is encrypted: it gives out the cipher text and finds a wrong checksum. So the headers are looked
 * at here first. What spans volumes cannot be whole; what is marked as encrypted is read all the
 * same, because the mark alone is no lock. Archives behind a PE or ELF stub are found by sfx.c.
 * Specification: technote.txt of RAR 4 and 5.
 */
#include "format/libarchive.h"

#include "format/archive_calls.h"

#define RAR4_MAIN 0x73U
#define RAR4_VOLUME 0x0001U
#define RAR4_LOCKED_HEADERS 0x0080U
#define RAR5_SIGNATURE_BYTES ((uint64_t)8)
#define RAR5_MAIN 1U
#define RAR5_FILE 2U
#define RAR5_LOCKED_HEADERS 4U
#define RAR5_END 5U
#define RAR5_HAS_EXTRA 0x0001U
#define RAR5_HAS_DATA 0x0002U
#define RAR5_VOLUME 0x0001U
#define RAR5_EXTRA_ENCRYPTION 1U
#define RAR4_PEEK_BYTES ((size_t)16)

struct rar_facts {
    bool volume;
    bool locked;         /* even the names are encrypted */
    bool locked_members; /* RAR 5 only: RAR 4 is told by libarchive */
};

struct rar5_block {
    uint64_t type;
    uint64_t end;          /* offset of the next block */
    uint64_t first_field;  /* archive flags in the main header */
    struct sk_bytes extra; /* borrowed from the source until its next use */
};

/* False when there is no whole header at off. */
static bool rar5_block_at(struct sk_source *src, uint64_t off, struct rar5_block *out) {
    struct sk_cursor c = sk_source_cursor(src, off, SK_SOURCE_WANT_MAX);
    sk_cursor_skip(&c, 4);
    uint64_t size = sk_cursor_varint(&c);
    uint64_t start = c.pos;
    out->type = sk_cursor_varint(&c);
    uint64_t flags = sk_cursor_varint(&c);
    uint64_t extra_len = (flags & RAR5_HAS_EXTRA) != 0 ? sk_cursor_varint(&c) : 0;
    uint64_t data_len = (flags & RAR5_HAS_DATA) != 0 ? sk_cursor_varint(&c) : 0;
    out->first_field = sk_cursor_varint(&c);
    if (!sk_cursor_ok(&c) || size == 0 || size > c.len - start || extra_len > size ||
        data_len > src->size) {
        return false;
    }
    out->end = off + start + size + data_len; /* each below the size of the source or 64 KiB */
    sk_cursor_seek(&c, start + size - extra_len);
    out->extra = (struct sk_bytes){sk_cursor_take(&c, (size_t)extra_len), (size_t)extra_len};
    return sk_cursor_ok(&c);
}

/* Records of size, type, ... */
static bool has_encryption_record(struct sk_bytes extra) {
    struct sk_cursor c = sk_cursor_of(extra);
    while (sk_cursor_left(&c) > 0) {
        uint64_t size = sk_cursor_varint(&c);
        size_t next = c.pos;
        uint64_t type = sk_cursor_varint(&c);
        if (!sk_cursor_ok(&c) || size == 0) {
            return false;
        }
        if (type == RAR5_EXTRA_ENCRYPTION) {
            return true;
        }
        sk_cursor_seek(&c, next);
        sk_cursor_skip(&c, size);
    }
    return false;
}

static sk_err rar5_facts(struct sk_walk *walk, struct sk_source *src, struct rar_facts *out) {
    uint64_t off = RAR5_SIGNATURE_BYTES;
    struct rar5_block block;
    while (rar5_block_at(src, off, &block) && block.type != RAR5_END) {
        TRY(walk_tick(walk));
        if (block.type == RAR5_LOCKED_HEADERS) {
            out->locked = true;
            break;
        }
        if (block.type == RAR5_MAIN) {
            out->volume = (block.first_field & RAR5_VOLUME) != 0;
        }
        if (block.type == RAR5_FILE && has_encryption_record(block.extra)) {
            out->locked_members = true;
        }
        off = block.end;
    }
    return src->failed;
}

static sk_err rar4_facts(struct sk_source *src, struct rar_facts *out) {
    struct sk_cursor c = sk_source_cursor(src, 0, RAR4_PEEK_BYTES);
    sk_cursor_skip(&c, 7 + 2);
    uint8_t type = sk_cursor_u8(&c);
    uint16_t flags = sk_cursor_u16le(&c);
    out->locked = type == RAR4_MAIN && (flags & RAR4_LOCKED_HEADERS) != 0;
    out->volume = type == RAR4_MAIN && (flags & RAR4_VOLUME) != 0;
    return src->failed;
}

static bool is_rar5(struct sk_source *src) {
    struct sk_cursor c = sk_source_cursor(src, 0, RAR5_SIGNATURE_BYTES);
    const uint8_t *p = sk_cursor_take(&c, RAR5_SIGNATURE_BYTES);
    return p != NULL && memcmp(p, "Rar!\x1a\x07\x01\x00", RAR5_SIGNATURE_BYTES) == 0;
}

static int rar_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "Rar!\x1a\x07\x00", 7) ||
                   sk_peek_has(peek, 0, "Rar!\x1a\x07\x01\x00", 8)
               ? 95
               : 0;
}

static int enable_both(struct archive *reader) {
    int four = la.archive_read_support_format_rar(reader);
    int five = la.archive_read_support_format_rar5(reader);
    return four < five ? four : five;
}

static sk_err rar_walk(struct sk_walk *walk, struct sk_source *src) {
    struct rar_facts facts = {false, false, false};
    TRY(is_rar5(src) ? rar5_facts(walk, src, &facts) : rar4_facts(src, &facts));
    if (facts.volume) {
        walk_note(walk, SK_NOTE_MISSING_VOLUME, "one volume of a RAR archive");
    }
    if (facts.locked) {
        walk_note(walk, SK_NOTE_ENCRYPTED, "RAR headers");
        return sk_ok();
    }
    if (facts.locked_members) {
        walk_note(walk, SK_NOTE_ENCRYPTED, "RAR members");
    }
    return sk_libarchive_walk(walk, src, enable_both);
}

const struct sk_format sk_format_rar = {
    .name = "rar", .type = SK_TYPE_RAR, .probe = rar_probe, .walk = rar_walk, .late = true};
