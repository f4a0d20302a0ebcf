// SPDX-License-Identifier: Apache-2.0
/*
 * gzip (RFC 1952) as a layer: all members are one child, as gzip(1) unpacks them. The child is
 * named after the first member's name field. The codec does the rest.
 */
#include <string.h>

#include "codec/codec.h"
#include "format/single.h"

#define FIXED_HEADER_BYTES 10u
#define FLAG_EXTRA 0x04u
#define FLAG_NAME 0x08u
#define RESERVED_FLAGS 0xe0u
#define NAME_MAX_BYTES ((size_t)4096)

static int gzip_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    if (!sk_peek_has(peek, 0, "\x1f\x8b\x08", 3) || peek->head_len < FIXED_HEADER_BYTES) {
        return 0;
    }
    return (peek->head[3] & RESERVED_FLAGS) == 0 ? 90 : 50;
}

/* The name field, copied, because windows of the source move. NULL: none or no memory. */
static const char *stored_name(struct sk_walk *walk, struct sk_source *src, size_t *out_len) {
    struct sk_cursor c = sk_source_cursor(src, 0, SK_SOURCE_WANT_MAX);
    sk_cursor_skip(&c, 3);
    unsigned flags = sk_cursor_u8(&c);
    sk_cursor_skip(&c, 6);
    if ((flags & FLAG_EXTRA) != 0) {
        sk_cursor_skip(&c, sk_cursor_u16le(&c));
    }
    size_t room = sk_cursor_left(&c) < NAME_MAX_BYTES ? sk_cursor_left(&c) : NAME_MAX_BYTES;
    const uint8_t *name = sk_cursor_take(&c, room);
    const uint8_t *nul = room == 0 ? NULL : memchr(name, 0, room);
    if ((flags & FLAG_NAME) == 0 || nul == NULL) {
        return NULL;
    }
    *out_len = (size_t)(nul - name);
    return arena_strndup(walk_arena(walk), (const char *)name, *out_len);
}

/* The length that the last member states, modulo 2^32. */
static uint64_t stated_length(struct sk_source *src) {
    struct sk_cursor c = sk_source_cursor(src, src->size - 4, 4);
    return sk_cursor_u32le(&c);
}

static sk_err gzip_walk(struct sk_walk *walk, struct sk_source *src) {
    struct single how = {.open = sk_gunzip_open, .expected = stated_length(src)};
    how.name = stored_name(walk, src, &how.name_len);
    how.name_len = how.name == NULL ? 0 : how.name_len;
    return single_walk(walk, src, &how);
}

const struct sk_format sk_format_gzip = {
    .name = "gzip", .type = SK_TYPE_GZIP, .probe = gzip_probe, .walk = gzip_walk};
