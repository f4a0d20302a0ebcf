// SPDX-License-Identifier: Apache-2.0
/*
 * lzma2: one LZMA2 stream, from its first chunk to the byte that ends it. Internal to the LZMA
 * decoder.
 *
 * Storage of the caller: {0} -> lzma2_init (again for a further stream) -> lzma2_step until
 * *out_end
 * -> lzma2_release. Errors as in codec.h.
 */
#ifndef SK_CODEC_LZMA2_H
#define SK_CODEC_LZMA2_H

#include "codec/lzma_feed.h"

#define LZMA2_DICT_MAX 40u

enum lzma2_state { LZMA2_CHUNK, LZMA2_START, LZMA2_SYMBOLS, LZMA2_END, LZMA2_BYTES };

struct lzma2 {
    struct lz_feed feed;
    enum lzma2_state state;
    uint64_t given;       /* bytes, in all */
    uint32_t left;        /* bytes of the chunk still to come */
    uint32_t packed_left; /* the same of its input */
    bool wants_clear;     /* the next chunk has to empty the dictionary */
    bool wants_props;     /* the next chunk of symbols has to tell properties */
};

/* dict: the byte of properties. */
sk_err lzma2_init(struct lzma2 *d, uint8_t dict, uint64_t size, uint64_t mem_bytes);
/* Goes on at io->in_used and io->out_len. */
sk_err lzma2_step(struct lzma2 *d, struct stage_io *io, bool *out_end);
void lzma2_release(struct lzma2 *d);

#endif
