// SPDX-License-Identifier: Apache-2.0
/*
 * zstd (RFC 8878) as a layer: frames, of which the first may be a skippable one (pzstd, zstd with
 * seek table), recognised by the frame that follows it when that is within the head.
 */
#include "base/cursor.h"
#include "codec/codec.h"
#include "format/single.h"

#define ZSTD_MAGIC 0xfd2fb528u
#define SKIPPABLE_MAGIC 0x184d2a50u
#define SKIPPABLE_MASK 0xfffffff0u

static int zstd_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    struct sk_cursor c = sk_cursor_make(peek->head, peek->head_len);
    uint32_t magic = sk_cursor_u32le(&c);
    int bid = 95;
    while (sk_cursor_ok(&c) && (magic & SKIPPABLE_MASK) == SKIPPABLE_MAGIC) {
        sk_cursor_skip(&c, sk_cursor_u32le(&c));
        magic = sk_cursor_u32le(&c);
        bid = 60;
    }
    if (!sk_cursor_ok(&c)) {
        /* The skipped frame is longer than the head: likely enough to be tried. */
        return bid == 60 && peek->size > peek->head_len ? 45 : 0;
    }
    return magic == ZSTD_MAGIC ? bid : 0;
}

static sk_err open_zstd(struct sk_stream *up, struct sk_stream **out_stream) {
    return sk_unzstd_open(up, SK_CODEC_MEM_BYTES, out_stream);
}

static sk_err zstd_walk(struct sk_walk *walk, struct sk_source *src) {
    return single_walk(walk, src, &(struct single){.open = open_zstd});
}

const struct sk_format sk_format_zstd = {
    .name = "zstd", .type = SK_TYPE_ZSTD, .probe = zstd_probe, .walk = zstd_walk};
