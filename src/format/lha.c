// SPDX-License-Identifier: Apache-2.0
/*
 * LHA / LZH, read through libarchive: stored, lh5, lh6, lh7.
 *
 *     0 size of header  1 sum of header   2 "-lh5-"   7 packed size   11 size   20 level (0..3)
 *
 * There is no magic at the start: the method between two hyphens and the level are what is known.
 * Specification: LHa for UNIX, header.doc.
 */
#include "format/libarchive.h"

#include "format/archive_calls.h"

#define METHOD_OFF 2U
#define LEVEL_OFF 20U
#define HEADER_MIN 21U

static int lha_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    if (peek->head_len <= HEADER_MIN || peek->head[LEVEL_OFF] > 3) {
        return 0;
    }
    struct sk_cursor c = sk_cursor_make(peek->head, peek->head_len);
    sk_cursor_skip(&c, METHOD_OFF);
    const uint8_t *m = sk_cursor_take(&c, 5);
    if (m == NULL || m[0] != '-' || m[1] != 'l' || m[4] != '-') {
        return 0;
    }
    bool lh = m[2] == 'h' && ((m[3] >= '0' && m[3] <= '9') || m[3] == 'd' || m[3] == 'x');
    bool lz = m[2] == 'z' && (m[3] == 's' || (m[3] >= '2' && m[3] <= '8'));
    return lh || lz ? 80 : 0;
}

static int enable(struct archive *reader) {
    return la.archive_read_support_format_lha(reader);
}

static sk_err lha_walk(struct sk_walk *walk, struct sk_source *src) {
    return sk_libarchive_walk(walk, src, enable);
}

const struct sk_format sk_format_lha = {
    .name = "lha", .type = SK_TYPE_LHA, .probe = lha_probe, .walk = lha_walk, .late = true};
