// SPDX-License-Identifier: Apache-2.0
/* pack: makes packed data for codec tests with the libraries' own encoders, and drains decoders. */
#ifndef SK_TESTS_PACK_H
#define SK_TESTS_PACK_H

#include <stdint.h>

#include "base/buf.h"
#include "codec/codec.h"

/* A stream over memory that gives at most `step` bytes a read and may fail at the end. */
struct drip {
    struct sk_stream base;
    const uint8_t *data;
    size_t len;
    size_t pos;
    size_t step;
    sk_err at_end;
};
struct sk_stream *drip_init(struct drip *d, const void *data, size_t len, size_t step);

/* Text-like bytes of a fixed pseudo-random order: compressible, with long repeats. */
void pack_sample(struct buf *out, size_t len, uint32_t seed);

/* Each appends one packed stream of in[0, len) to out; aborts when the library fails. */
void pack_deflate(struct buf *out, const void *in, size_t len, int level, int strategy);
void pack_zlib(struct buf *out, const void *in, size_t len);
void pack_gzip(struct buf *out, const void *in, size_t len);
void pack_bzip2(struct buf *out, const void *in, size_t len);
void pack_xz(struct buf *out, const void *in, size_t len);
void pack_lzip(struct buf *out, const void *in, size_t len);
void pack_lzma(struct buf *out, const void *in, size_t len);
void pack_lzma_zip(struct buf *out, const void *in, size_t len);
void pack_zstd(struct buf *out, const void *in, size_t len);

/* Read to the end in reads of `cap` bytes; returns how it ended. */
sk_err pack_drain(struct sk_stream *s, size_t cap, struct buf *out);

#endif
