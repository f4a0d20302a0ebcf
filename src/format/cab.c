// SPDX-License-Identifier: Apache-2.0
/*
 * Microsoft Cabinet, read through libarchive: stored, MSZIP and LZX (Quantum is not supported).
 *
 *     0 "MSCF" 0 0 0 0   8 size   16 offset of the first file   24 minor, major version (3, 1)
 *     26 folders   28 files   30 flags: 1 = a cabinet precedes, 2 = one follows
 *
 * A cabinet of a set holds only part of its first and last file, which is noted. Specification:
 * [MS-CAB].
 */
#include "format/libarchive.h"

#include "format/archive_calls.h"

#define FLAGS_OFF 30U
#define FLAG_PREVIOUS 0x0001U
#define FLAG_NEXT 0x0002U

static int cab_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "MSCF\0\0\0\0", 8) ? 90 : 0;
}

static int enable(struct archive *reader) {
    return la.archive_read_support_format_cab(reader);
}

static sk_err cab_walk(struct sk_walk *walk, struct sk_source *src) {
    struct sk_cursor c = sk_source_cursor(src, FLAGS_OFF, 2);
    uint16_t flags = sk_cursor_u16le(&c);
    if ((flags & (FLAG_PREVIOUS | FLAG_NEXT)) != 0) {
        walk_note(walk, SK_NOTE_MISSING_VOLUME, "one cabinet of a set");
    }
    return sk_libarchive_walk(walk, src, enable);
}

const struct sk_format sk_format_cab = {
    .name = "cab", .type = SK_TYPE_CAB, .probe = cab_probe, .walk = cab_walk, .late = true};
