// SPDX-License-Identifier: Apache-2.0
/*
 * bz_bits: bits of a bzip2 stream, highest first, out of the input of a stage. Internal to the
 * bzip2 decoder.
 *
 *     buf: |<- n bits not used yet, at the top ->|000...|
 *
 * When the input of the step is used up, more is fetched in the midst of it (stage_more): a block
 * of up to 900 kB is read at one go, so nothing of the reader's place has to be kept but buf and n.
 * More bytes are fetched only while bits are lacking, so what is left at the end of a stream lies
 * in the input of the step and can be given back (bz_bits_give_back).
 *
 * Errors: SK_E_FORMAT at the end of the input, or that of the stream above; sticky.
 */
#ifndef SK_CODEC_BZIP2_BITS_H
#define SK_CODEC_BZIP2_BITS_H

#include "base/cursor.h"
#include "codec/stage.h"

struct bz_bits {
    struct stage *stage; /* borrows, for one step */
    struct stage_io *io; /* the same */
    uint64_t buf;
    unsigned n;
    sk_err err;
};

/* At least `want` (1..56) bits are in buf. */
static inline sk_err bz_bits_need(struct bz_bits *b, unsigned want) {
    while (b->n < want) {
        struct stage_io *io = b->io;
        if (io->in_len - io->in_used >= 8) {
            unsigned bytes = (63 - b->n) / 8;
            uint64_t next = sk_load_u64be(io->in + io->in_used);
            b->buf |= next >> (64 - 8 * bytes) << (64 - 8 * bytes) >> b->n;
            b->n += 8 * bytes;
            io->in_used += bytes;
        } else if (io->in_used < io->in_len) {
            b->buf |= (uint64_t)io->in[io->in_used++] << (56 - b->n);
            b->n += 8;
        } else {
            b->err = sk_failed(b->err) ? b->err : stage_more(b->stage, io);
            TRY(b->err);
        }
    }
    return sk_ok();
}

static inline void bz_bits_drop(struct bz_bits *b, unsigned count) {
    b->buf <<= count;
    b->n -= count;
}

/* 1..32 bits as a number. */
static inline sk_err bz_bits_take(struct bz_bits *b, unsigned count, uint32_t *out_value) {
    TRY(bz_bits_need(b, count));
    *out_value = (uint32_t)(b->buf >> (64 - count));
    bz_bits_drop(b, count);
    return sk_ok();
}

/* The stream is over: the rest of its last byte is dropped, whole bytes go back to the input. */
static inline void bz_bits_give_back(struct bz_bits *b) {
    b->io->in_used -= b->n / 8;
    b->buf = 0;
    b->n = 0;
}

#endif
