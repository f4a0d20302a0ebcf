// SPDX-License-Identifier: Apache-2.0
/*
 * TAR: POSIX ustar, pax, GNU and the older form without a magic. Read through libarchive.
 *
 *     512-byte header: name[100] mode[8] uid[8] gid[8] size[12] mtime[12] checksum[8] type[1]
 *                      link[100] magic[8] ...                                 offsets 148, 156, 257
 *     body, padded to 512; next header; two blocks of zeros end the archive
 *
 * The probe believes no magic: text that contains "ustar" is no archive, and an archive without
 * the magic is one. What counts is the checksum: the sum of the 512 bytes with the checksum field
 * read as spaces, unsigned or (old systems) signed. Archives glued together are read to the end:
 * malware hides behind the blocks of zeros. Specification: POSIX.1-2017, pax, "ustar Interchange
 * Format"; GNU tar manual, "Basic Tar Format".
 */
#include "format/libarchive.h"

#include "format/archive_calls.h"

#define BLOCK_BYTES ((size_t)512)
#define CHECKSUM_OFF ((size_t)148)
#define CHECKSUM_LEN ((size_t)8)
#define MAGIC_OFF ((size_t)257)

/* Octal digits after spaces, ended by space or NUL; -1 when the field holds anything else. */
static int64_t octal(struct sk_bytes field) {
    size_t i = 0;
    int64_t value = 0;
    while (i < field.len && field.ptr[i] == ' ') {
        i++;
    }
    size_t first = i;
    while (i < field.len && field.ptr[i] >= '0' && field.ptr[i] <= '7') {
        value = value * 8 + (field.ptr[i] - '0');
        i++;
    }
    bool closed = i == field.len || field.ptr[i] == ' ' || field.ptr[i] == 0;
    return closed && i > first ? value : -1;
}

static bool checksum_agrees(const uint8_t *block) {
    int64_t want = octal((struct sk_bytes){&block[CHECKSUM_OFF], CHECKSUM_LEN});
    if (want < 0) {
        return false; /* nearly always: then there is nothing to add up */
    }
    int64_t plain = 0;
    int64_t with_sign = 0;
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        bool in_field = i >= CHECKSUM_OFF && i < CHECKSUM_OFF + CHECKSUM_LEN;
        uint8_t byte = in_field ? ' ' : block[i];
        plain += byte;
        with_sign += (int8_t)byte;
    }
    return want == plain || want == with_sign;
}

static int tar_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    if (peek->head_len < BLOCK_BYTES || !checksum_agrees(peek->head)) {
        return 0;
    }
    if (sk_peek_has(peek, MAGIC_OFF, "ustar", 5)) {
        return 90;
    }
    *out_type = SK_TYPE_TAR_OLD;
    return peek->head[0] == 0 ? 0 : 75;
}

static int tar_options(struct archive *reader) {
    return la.archive_read_set_format_option(reader, "tar", "read_concatenated_archives", "1");
}

static int enable(struct archive *reader) {
    return la.archive_read_support_format_tar(reader);
}

static sk_err tar_walk(struct sk_walk *walk, struct sk_source *src) {
    static const struct sk_libarchive how = {enable, tar_options, true};
    return sk_libarchive_walk(walk, src, &how);
}

const struct sk_format sk_format_tar = {.name = "tar",
                                        .type = SK_TYPE_TAR,
                                        .probe = tar_probe,
                                        .walk = tar_walk,
                                        .late = true,
                                        .skips = true};
