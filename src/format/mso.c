// SPDX-License-Identifier: Apache-2.0
/*
 * ActiveMime: the wrapper in which Office saves the VBA project and objects of documents that are
 * XML or web pages (oledata.mso, editdata.mso).
 *
 *     "ActiveMime" ... a header whose length differs by version ... zlib stream of an OLE2 file
 *
 * Where the stream begins is searched for: at 0x32 as Office writes it, else at the first zlib
 * header behind. Source: none public; read off files, as others have described it.
 */
#include "codec/codec.h"
#include "format/format.h"

#define MAGIC "ActiveMime"
#define USUAL_OFF 0x32u
#define SEARCH_BYTES ((size_t)1024)

static int mso_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    *out_type = SK_TYPE_BINARY;
    return sk_peek_has(peek, 0, MAGIC, sizeof(MAGIC) - 1) ? 80 : 0;
}

/* RFC 1950: method 8, a window of at most 32 KiB, a multiple of 31. */
static bool is_zlib(const uint8_t *p) {
    return (p[0] & 0x0f) == 8 && p[0] >> 4 <= 7 && sk_load_u16be(p) % 31 == 0;
}

static size_t find_stream(struct sk_bytes head) {
    size_t off = USUAL_OFF;
    if (off + 2 <= head.len && is_zlib(head.ptr + off)) {
        return off;
    }
    for (off = sizeof(MAGIC) - 1; off + 2 <= head.len; off++) {
        if (is_zlib(head.ptr + off)) {
            return off;
        }
    }
    return SIZE_MAX;
}

static sk_err mso_walk(struct sk_walk *walk, struct sk_source *src) {
    struct sk_cursor c = sk_source_cursor(src, 0, SEARCH_BYTES);
    TRY(src->failed);
    size_t off = find_stream((struct sk_bytes){c.ptr, c.len});
    if (off == SIZE_MAX) {
        return sk_fail(SK_E_FORMAT);
    }
    struct sk_source_stream packed;
    struct sk_stream *data;
    TRY(sk_inflate_zlib_open(sk_source_stream_init(&packed, src, off, src->size - off), &data));
    struct sk_child child = {
        .name = "object", .name_len = 6, .packed_size = src->size - off, .size = SK_SIZE_UNKNOWN};
    sk_err err = walk_child(walk, &child, data);
    sk_stream_close(data);
    return err;
}

const struct sk_format sk_format_mso = {
    .name = "mso", .type = SK_TYPE_BINARY, .probe = mso_probe, .walk = mso_walk};
