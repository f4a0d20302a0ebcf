// SPDX-License-Identifier: Apache-2.0
/*
 * 7-Zip.
 *
 *     0   37 7A BC AF 27 1C, version (2 bytes)
 *     8   checksum of the next 20 bytes; offset (from 32), size and checksum of the directory
 *     32  packed streams ...  directory, plain or packed (then what says how is behind it)
 *
 * sevenzip_head.c reads the directory, sevenzip_folder.c makes the stream of a folder. Here the
 * members are handed over in the order of the directory: those of one folder are pieces of one
 * stream, which is unpacked once and in order; what the engine did not want of one is unpacked and
 * dropped when a later one is read, not before. The first byte that cannot be unpacked ends the
 * folder: its other members fail, too, and the next folder is begun.
 *
 * Streams count, files give them names: streams that no file claims are members without a name.
 * Links are members with their target as content (libarchive passed over them); directories
 * are not told, empty files are.
 *
 * Where a folder needs PPMd, or the directory is very large, libarchive reads all of the
 * archive. What neither knows (or AES encrypts) is noted, member by member. Archives behind
 * a PE or ELF stub are found by sfx.c. Specification: 7zFormat.txt of the LZMA SDK.
 *
 * Memory: the unpacked directory, in the walk's arena, and the decoders of one folder.
 */
#include "codec/codec.h"
#include "format/archive_calls.h"
#include "format/format.h"
#include "format/libarchive.h"
#include "format/sevenzip_parts.h"

#define START_BYTES 32u
#define DIRECTORY_MAX_BYTES ((uint64_t)16 << 20) /* some hundred thousand members */
#define PACKINGS_MAX 4u                          /* of a directory in a directory */
#define SKIP_BYTES ((size_t)16 * 1024)

struct sevenzip {
    struct sk_walk *walk;
    struct sk_source *src;
    struct sevenzip_directory dir;
    struct sevenzip_chain chain; /* of the current folder */
    bool chain_open;
    sk_err broken;      /* why no more comes out of the folder */
    uint64_t unskipped; /* bytes of it that are before the next member */
    uint32_t index;
    bool noted; /* that the directory is damaged */
};

/* ---- members ---- */

struct member_stream {
    struct sk_stream base;
    struct sevenzip *z;
    uint64_t left;
    uint32_t crc32; /* of what was read */
    bool crc_known;
    uint32_t want_crc32;
};

/* Some bytes of the folder's stream; its failure is kept. */
static sk_err folder_read(struct sevenzip *z, uint8_t *buf, size_t cap, size_t *out_len) {
    if (!sk_failed(z->broken)) {
        z->broken = sk_stream_read(z->chain.out, buf, cap, out_len);
    }
    if (!sk_failed(z->broken) && *out_len == 0) {
        z->broken = sk_fail(SK_E_FORMAT);
    }
    return z->broken;
}

static sk_err skip_others(struct sevenzip *z) {
    uint8_t dropped[SKIP_BYTES];
    while (z->unskipped > 0) {
        size_t got = 0;
        size_t want = z->unskipped < sizeof(dropped) ? (size_t)z->unskipped : sizeof(dropped);
        TRY(walk_tick(z->walk));
        TRY(folder_read(z, dropped, want, &got));
        z->unskipped -= got;
    }
    return sk_ok();
}

static sk_err member_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct member_stream *m = (struct member_stream *)(void *)base;
    if (sk_failed(m->z->broken)) {
        return m->z->broken;
    }
    size_t got = 0;
    size_t want = m->left < cap ? (size_t)m->left : cap;
    if (want > 0) {
        TRY(skip_others(m->z));
        TRY(folder_read(m->z, buf, want, &got));
    }
    m->crc32 = sk_crc32(m->crc32, buf, got);
    m->left -= got;
    if (got == 0 && cap > 0 && m->crc_known && m->crc32 != m->want_crc32) {
        return sk_fail(SK_E_FORMAT);
    }
    *out_len = got;
    return sk_ok();
}

static void folder_close(struct sevenzip *z) {
    if (z->chain_open) {
        sevenzip_chain_close(&z->chain);
        z->chain_open = false;
    }
}

/* What cannot be opened is an answer to whoever reads its members; no memory is not. */
static sk_err folder_open(struct sevenzip *z) {
    folder_close(z);
    z->unskipped = 0;
    z->broken = sevenzip_chain_open(z->src, &z->dir.streams, &z->chain);
    z->chain_open = !sk_failed(z->broken);
    return z->broken.code == SK_E_NOMEM ? z->broken : sk_ok();
}

static sk_err give(struct sevenzip *z, const struct sevenzip_stream *stream,
                   const struct sevenzip_file *file) {
    struct arena_mark mark = arena_mark(walk_arena(z->walk));
    struct sk_child child = {
        .packed_size = SK_SIZE_UNKNOWN, .size = stream->size, .index = z->index};
    child.name = sevenzip_name(walk_arena(z->walk), file->name, &child.name_len);
    struct member_stream m = {.base = {.read = member_read},
                              .z = z,
                              .left = stream->size,
                              .crc_known = stream->crc_known,
                              .want_crc32 = stream->crc32};
    sk_err err = stream->first ? folder_open(z) : sk_ok();
    if (!sk_failed(err) && z->broken.code == SK_E_ENCRYPTED) {
        child.encrypted = true;
        walk_note(z->walk, SK_NOTE_ENCRYPTED, NULL);
        err = walk_child(z->walk, &child, NULL);
    } else if (!sk_failed(err)) {
        err = walk_child(z->walk, &child, &m.base);
        z->unskipped += m.left;
    }
    if (!sk_failed(err) && z->broken.code == SK_E_NOMEM) {
        err = z->broken;
    }
    arena_rewind(walk_arena(z->walk), mark);
    return err;
}

static sk_err give_empty(struct sevenzip *z, const struct sevenzip_file *file) {
    struct sk_source nothing;
    struct sk_source_stream data;
    struct arena_mark mark = arena_mark(walk_arena(z->walk));
    struct sk_child child = {.packed_size = SK_SIZE_UNKNOWN, .size = 0, .index = z->index};
    child.name = sevenzip_name(walk_arena(z->walk), file->name, &child.name_len);
    sk_source_init_mem(&nothing, NULL, 0);
    sk_err err = walk_child(z->walk, &child, sk_source_stream_init(&data, &nothing, 0, 0));
    arena_rewind(walk_arena(z->walk), mark);
    return err;
}

static void note_damaged(struct sevenzip *z, bool damaged, const char *detail) {
    if (damaged && !z->noted) {
        z->noted = true;
        walk_note(z->walk, SK_NOTE_DAMAGED, detail);
    }
}

static sk_err give_files(struct sevenzip *z) {
    struct sevenzip_file file;
    struct sevenzip_stream stream;
    while (sevenzip_next_file(&z->dir.files, &file)) {
        TRY(walk_tick(z->walk));
        if (!file.has_stream) {
            TRY(file.is_directory ? sk_ok() : give_empty(z, &file));
        } else if (sevenzip_next_stream(&z->dir.streams, &stream)) {
            TRY(give(z, &stream, &file));
        } else {
            note_damaged(z, true, "7z: the directory names more files than there are");
            return sk_ok();
        }
        z->index++;
    }
    return sk_ok();
}

static sk_err give_nameless(struct sevenzip *z) {
    static const struct sevenzip_file NAMELESS = {.has_stream = true};
    struct sevenzip_stream stream;
    while (sevenzip_next_stream(&z->dir.streams, &stream)) {
        TRY(walk_tick(z->walk));
        TRY(give(z, &stream, &NAMELESS));
        z->index++;
    }
    return sk_ok();
}

static sk_err give_all(struct sevenzip *z) {
    TRY(give_files(z));
    TRY(give_nameless(z));
    note_damaged(z, z->dir.files_damaged, "7z: the list of files cannot be read");
    note_damaged(z, z->dir.streams.wrong, "7z: sizes in the directory contradict each other");
    return sk_ok();
}

/* ---- the directory ---- */

/* All bytes of a directory that is packed. SK_E_UNSUPPORTED, SK_E_ENCRYPTED: it stays closed. */
static sk_err unpack_directory(struct sevenzip *z, struct sk_bytes *out_header) {
    struct sevenzip_stream stream;
    if (!sevenzip_next_stream(&z->dir.streams, &stream)) {
        return sk_fail(SK_E_FORMAT);
    }
    if (stream.size > DIRECTORY_MAX_BYTES) {
        z->dir.streams.wants_libarchive = true;
        return sk_fail(SK_E_UNSUPPORTED);
    }
    uint8_t *bytes = arena_alloc(walk_arena(z->walk), (size_t)stream.size);
    if (bytes == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    TRY(folder_open(z));
    uint32_t crc = 0;
    for (size_t have = 0; have < stream.size;) {
        size_t got = 0;
        TRY(walk_tick(z->walk));
        TRY(folder_read(z, bytes + have, (size_t)stream.size - have, &got));
        crc = sk_crc32(crc, bytes + have, got);
        have += got;
    }
    *out_header = (struct sk_bytes){bytes, (size_t)stream.size};
    return stream.crc_known && crc != stream.crc32 ? sk_fail(SK_E_FORMAT) : sk_ok();
}

/* The last bytes of the archive, as they are in the source. No bytes: it is empty. */
static sk_err find_directory(struct sevenzip *z, struct sk_bytes *out_header) {
    struct sk_cursor c = sk_source_cursor(z->src, 0, START_BYTES);
    sk_cursor_skip(&c, 8);
    uint32_t start_crc = sk_cursor_u32le(&c);
    const uint8_t *rest = sk_cursor_take(&c, 20);
    if (rest == NULL || sk_crc32(0, rest, 20) != start_crc) {
        return sk_failed(z->src->failed) ? z->src->failed : sk_fail(SK_E_FORMAT);
    }
    uint64_t off = sk_load_u64le(rest);
    uint64_t len = sk_load_u64le(rest + 8);
    uint32_t crc = sk_load_u32le(rest + 16);
    *out_header = (struct sk_bytes){NULL, 0};
    if (len == 0) {
        return sk_ok();
    }
    uint64_t room = z->src->size - START_BYTES;
    if (off > room || len > room - off) {
        return sk_fail(SK_E_FORMAT);
    }
    if (len > DIRECTORY_MAX_BYTES) {
        z->dir.streams.wants_libarchive = true;
        return sk_fail(SK_E_UNSUPPORTED);
    }
    uint8_t *bytes = arena_alloc(walk_arena(z->walk), (size_t)len);
    size_t got = 0;
    if (bytes == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    TRY(sk_source_read(z->src, START_BYTES + off, bytes, (size_t)len, &got));
    *out_header = (struct sk_bytes){bytes, got};
    return got == len && sk_crc32(0, bytes, got) == crc ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static sk_err read_directory(struct sevenzip *z) {
    struct sk_bytes header;
    TRY(find_directory(z, &header));
    for (unsigned i = 0; header.len > 0; i++) {
        TRY(sevenzip_directory_read(header, &z->dir));
        if (!z->dir.is_encoded) {
            return sk_ok();
        }
        if (i == PACKINGS_MAX) {
            return sk_fail(SK_E_FORMAT);
        }
        sk_err err = unpack_directory(z, &header);
        folder_close(z);
        TRY(err);
    }
    return sk_ok();
}

/* ---- the archive ---- */

static int enable(struct archive *reader) {
    return la.archive_read_support_format_7zip(reader);
}

static sk_err by_libarchive(struct sevenzip *z) {
    return sk_libarchive_walk(z->walk, z->src, enable);
}

/* There is an archive, but nobody can tell what is in it. */
static sk_err note_closed(struct sevenzip *z, sk_err err) {
    switch (err.code) {
    case SK_E_ENCRYPTED:
        walk_note(z->walk, SK_NOTE_ENCRYPTED, "7z: the directory is encrypted");
        return sk_ok();
    case SK_E_UNSUPPORTED:
        walk_note(z->walk, SK_NOTE_METHOD, "7z: the directory is packed by an unknown method");
        return sk_ok();
    case SK_E_LIMIT:
        walk_note(z->walk, SK_NOTE_LIMIT_MEMORY, "7z: the directory asks for a large dictionary");
        return sk_ok();
    default:
        return err;
    }
}

static int sevenzip_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "7z\xbc\xaf\x27\x1c", 6) ? 95 : 0;
}

static sk_err sevenzip_walk(struct sk_walk *walk, struct sk_source *src) {
    struct sevenzip *z = arena_zalloc(walk_arena(walk), 1, sizeof(*z));
    if (z == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    z->walk = walk;
    z->src = src;
    sk_err err = read_directory(z);
    if (z->dir.streams.wants_libarchive) {
        return by_libarchive(z);
    }
    if (sk_failed(err)) {
        return note_closed(z, err);
    }
    err = give_all(z);
    folder_close(z);
    return err;
}

const struct sk_format sk_format_sevenzip = {
    .name = "7z", .type = SK_TYPE_SEVENZIP, .probe = sevenzip_probe, .walk = sevenzip_walk};
