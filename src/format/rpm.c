// SPDX-License-Identifier: Apache-2.0
/*
 * RPM packages: two headers in front of a packed CPIO archive. Own parser, no library.
 *
 *     0    lead: ED AB EE DB ..., 96 bytes
 *     96   signature header, then up to 7 bytes of padding to a multiple of 8
 *     ...  header
 *     ...  payload to the end of the file: CPIO packed with gzip, bzip2, xz, lzma or zstd, or plain
 *
 *     header: 8E AD E8 01, 4 bytes, count of index entries (16 bytes each), bytes of store; big
 *     endian
 *
 * The payload is handed over as a slice, so that the engine opens the packing and the CPIO inside
 * as layers of their own. The headers hold names and scripts; they are searched as raw bytes of
 * the package. Specification:
 * Linux Standard Base, "RPM Package Format".
 */
#include "format/format.h"

#define LEAD_BYTES ((uint64_t)96)
#define HEADER_BYTES ((size_t)16)
#define INDEX_ENTRY_BYTES ((uint64_t)16)
#define HEADER_MAGIC 0x8eade801U

static int rpm_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "\xed\xab\xee\xdb", 4) ? 90 : 0;
}

/* *pos: at a header; becomes the offset behind it. */
static sk_err skip_header(struct sk_source *src, uint64_t *pos) {
    struct sk_cursor c = sk_source_cursor(src, *pos, HEADER_BYTES);
    uint32_t magic = sk_cursor_u32be(&c);
    sk_cursor_skip(&c, 4);
    uint64_t entries = sk_cursor_u32be(&c);
    uint64_t store = sk_cursor_u32be(&c);
    TRY(src->failed);
    if (!sk_cursor_ok(&c) || magic != HEADER_MAGIC) {
        return sk_fail(SK_E_FORMAT);
    }
    *pos += HEADER_BYTES + entries * INDEX_ENTRY_BYTES + store; /* below 2^37: no overflow */
    return *pos <= src->size ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static sk_err rpm_walk(struct sk_walk *walk, struct sk_source *src) {
    uint64_t pos = LEAD_BYTES;
    TRY(skip_header(src, &pos));
    pos = (pos + 7) & ~(uint64_t)7;
    TRY(skip_header(src, &pos));
    if (pos >= src->size) {
        return sk_ok();
    }
    struct sk_child child = {.name = "payload",
                             .name_len = 7,
                             .packed_size = src->size - pos,
                             .size = src->size - pos,
                             .is_slice = true,
                             .slice_off = pos,
                             .slice_len = src->size - pos};
    return walk_child(walk, &child, NULL);
}

const struct sk_format sk_format_rpm = {
    .name = "rpm", .type = SK_TYPE_RPM, .probe = rpm_probe, .walk = rpm_walk, .late = true};
