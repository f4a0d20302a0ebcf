// SPDX-License-Identifier: Apache-2.0
/*
 * bzip2 as a layer: "BZh", level, then a block (pi) or the end mark (sqrt(pi)). All streams are one
 * child, without a name.
 */
#include "codec/codec.h"
#include "format/single.h"

static int bzip2_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    if (!sk_peek_has(peek, 0, "BZh", 3) || peek->head_len < 10 || peek->head[3] < '1' ||
        peek->head[3] > '9') {
        return 0;
    }
    bool block = sk_peek_has(peek, 4, "\x31\x41\x59\x26\x53\x59", 6);
    bool empty = sk_peek_has(peek, 4, "\x17\x72\x45\x38\x50\x90", 6);
    return block || empty ? 95 : 0;
}

static sk_err bzip2_walk(struct sk_walk *walk, struct sk_source *src) {
    return single_walk(walk, src, &(struct single){.open = sk_bunzip2_open});
}

const struct sk_format sk_format_bzip2 = {
    .name = "bzip2", .type = SK_TYPE_BZIP2, .probe = bzip2_probe, .walk = bzip2_walk};
