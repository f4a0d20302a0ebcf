// SPDX-License-Identifier: Apache-2.0
/*
 * 7-Zip, read through libarchive: LZMA, LZMA2, Deflate, BZip2, PPMd, the BCJ and Delta filters.
 *
 *     0   37 7A BC AF 27 1C, version (2 bytes)
 *     8   checksum of the next 20 bytes; offset, size and checksum of the directory, which lies at
 *         the end and may itself be packed or encrypted
 *
 * Encryption of members or of the directory is noted by the adapter. Archives behind a PE or ELF
 * stub are found by sfx.c. Specification: 7zFormat.txt of the LZMA SDK.
 */
#include "format/libarchive.h"

#include "format/archive_calls.h"

static int sevenzip_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "7z\xbc\xaf\x27\x1c", 6) ? 95 : 0;
}

static int enable(struct archive *reader) {
    return la.archive_read_support_format_7zip(reader);
}

static sk_err sevenzip_walk(struct sk_walk *walk, struct sk_source *src) {
    static const struct sk_libarchive how = {enable, NULL, false};
    return sk_libarchive_walk(walk, src, &how);
}

const struct sk_format sk_format_sevenzip = {.name = "7z",
                                             .type = SK_TYPE_SEVENZIP,
                                             .probe = sevenzip_probe,
                                             .walk = sevenzip_walk,
                                             .late = true};
