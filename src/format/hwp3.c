// SPDX-License-Identifier: Apache-2.0
/*
 * Hangul documents of version 3: fixed headers, then the body, mostly deflated.
 *
 *     0     "HWP Document File V3.00 \x1a\1\2\3\4\5"
 *     30    document information, 128 bytes: +96 u16 password, +124 packed, +126 u16 block length
 *     158   summary, 1008 bytes
 *     1166  information block of that length
 *     ...   body
 *
 * The body is one member, unpacked; the pictures and OLE objects in it are part of that member.
 * Seen with clamscan 1.4.6: it inflates at the same place and then reads the body's paragraphs.
 * Source: Hangul Document File Formats 3.0 (Hancom), 2, 3.
 */
#include "codec/codec.h"
#include "format/format.h"

#define MAGIC "HWP Document File V3.00 \x1a\x01\x02\x03\x04\x05"
#define INFO_OFF 30u
#define BODY_OFF 1166u
#define OFF_PASSWORD 96u
#define OFF_PACKED 124u

static int hwp3_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, MAGIC, sizeof(MAGIC) - 1) ? 90 : 0;
}

static sk_err hwp3_walk(struct sk_walk *walk, struct sk_source *src) {
    struct sk_cursor c = sk_source_cursor(src, INFO_OFF, 128);
    sk_cursor_seek(&c, OFF_PASSWORD);
    uint16_t password = sk_cursor_u16le(&c);
    sk_cursor_seek(&c, OFF_PACKED);
    uint8_t packed = sk_cursor_u8(&c);
    sk_cursor_skip(&c, 1);
    uint64_t off = (uint64_t)BODY_OFF + sk_cursor_u16le(&c);
    TRY(src->failed);
    if (!sk_cursor_ok(&c) || off > src->size) {
        return sk_fail(SK_E_FORMAT);
    }
    if (password != 0) {
        walk_fact(walk, SK_FACT_ENCRYPTION, NULL, 0);
        walk_note(walk, SK_NOTE_ENCRYPTED, "hwp3");
        return sk_ok();
    }
    struct sk_child child = {.name = "body",
                             .name_len = 4,
                             .packed_size = src->size - off,
                             .size = SK_SIZE_UNKNOWN,
                             .is_slice = packed == 0,
                             .slice_off = off,
                             .slice_len = src->size - off};
    if (packed == 0) {
        child.size = child.slice_len;
        return walk_child(walk, &child, NULL);
    }
    struct sk_source_stream stream;
    struct sk_stream *data;
    TRY(sk_inflate_open(sk_source_stream_init(&stream, src, off, src->size - off), &data));
    sk_err err = walk_child(walk, &child, data);
    sk_stream_close(data);
    return err;
}

const struct sk_format sk_format_hwp3 = {
    .name = "hwp3", .type = SK_TYPE_HWP3, .probe = hwp3_probe, .walk = hwp3_walk};
