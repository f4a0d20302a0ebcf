// SPDX-License-Identifier: Apache-2.0
/*
 * lzma1: one LZMA stream, from the range coder's first byte to its last. Internal to the LZMA
 * decoder.
 *
 * Storage of the caller: {0} -> lzma1_init (again for a further stream) -> lzma1_step until
 * *out_end
 * -> lzma1_release. Errors as in codec.h.
 */
#ifndef SK_CODEC_LZMA1_H
#define SK_CODEC_LZMA1_H

#include "codec/lzma_feed.h"

enum lzma1_state { LZMA1_START, LZMA1_RUN, LZMA1_END, LZMA1_MARK, LZMA1_MARK_END };

struct lzma1 {
    struct lz_feed feed;
    enum lzma1_state state;
    uint64_t left; /* bytes still to come; SK_CODEC_SIZE_UNKNOWN: up to the end marker */
};

sk_err lzma1_init(struct lzma1 *d, const uint8_t *props, uint64_t size, uint64_t mem_bytes);
/* Goes on at io->in_used and io->out_len. */
sk_err lzma1_step(struct lzma1 *d, struct stage_io *io, bool *out_end);
void lzma1_release(struct lzma1 *d);

#endif
