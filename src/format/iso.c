// SPDX-License-Identifier: Apache-2.0
/*
 * ISO 9660 images with Joliet or Rock Ridge names, read through libarchive.
 *
 *     sectors 0..15  free for anything (boot code: an image may also be a PE, ELF or MBR disk)
 *     sector 16...   volume descriptors: type, "CD001", version
 *
 * The magic lies 32 KiB in, so an image is often two formats at once; the bid stays below those of
 * formats that own the first bytes and above SK_BID_WALK. Specification: ECMA-119.
 */
#include "format/libarchive.h"

#include "format/archive_calls.h"

#define SECTOR_BYTES ((size_t)2048)
#define FIRST_DESCRIPTOR 16U
#define LAST_DESCRIPTOR 24U

static int iso_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    for (size_t i = FIRST_DESCRIPTOR; i < LAST_DESCRIPTOR; i++) {
        if (sk_peek_has(peek, i * SECTOR_BYTES + 1, "CD001", 5)) {
            return 80;
        }
    }
    return 0;
}

/* Skipping: what follows a member depends on its bytes only when directories lie inside files,
 * which whoever reads those files notes. */
static int enable(struct archive *reader) {
    return la.archive_read_support_format_iso9660(reader);
}

static sk_err iso_walk(struct sk_walk *walk, struct sk_source *src) {
    return sk_libarchive_walk(walk, src, enable);
}

const struct sk_format sk_format_iso = {.name = "iso9660",
                                        .type = SK_TYPE_ISO,
                                        .probe = iso_probe,
                                        .walk = iso_walk,
                                        .late = true,
                                        .skips = true};
