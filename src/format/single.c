// SPDX-License-Identifier: Apache-2.0
/*
 * One packed thing is the whole layer:
 *
 *     [packed stream(s)][zero padding][anything else -> SK_NOTE_TRAILING]
 *
 * Tapes and block devices leave zeros behind the data, which says nothing. The engine may stop
 * reading early (its limits); then the end of the packed data is not known and nothing is said.
 */
#include "format/single.h"

#include "codec/codec.h"

static sk_err only_zeros(struct sk_walk *walk, struct sk_source *src, uint64_t off,
                         bool *out_only) {
    while (off < src->size) {
        TRY(walk_tick(walk));
        size_t avail;
        const uint8_t *p = sk_source_at(src, off, 1, &avail);
        if (p == NULL) {
            return src->failed;
        }
        for (size_t i = 0; i < avail; i++) {
            if (p[i] != 0) {
                *out_only = false;
                return sk_ok();
            }
        }
        off += avail;
    }
    *out_only = true;
    return sk_ok();
}

sk_err single_walk(struct sk_walk *walk, struct sk_source *src, const struct single *how) {
    struct sk_source_stream raw;
    struct sk_stream *codec = NULL;
    TRY(how->open(sk_source_stream_init(&raw, src, 0, src->size), &codec));
    struct sk_child child = {.name = how->name,
                             .name_len = how->name_len,
                             .packed_size = src->size,
                             .size = SK_SIZE_UNKNOWN,
                             .expected = how->expected};
    sk_err err = walk_child(walk, &child, codec);
    bool ended = false;
    uint64_t used = sk_codec_consumed(codec, &ended);
    sk_stream_close(codec);
    TRY(err);
    bool only = true;
    if (ended) {
        TRY(only_zeros(walk, src, used, &only));
    }
    if (!only) {
        walk_note(walk, SK_NOTE_TRAILING, "data behind the packed stream");
    }
    return sk_ok();
}
