// SPDX-License-Identifier: Apache-2.0
/* drip: bytes in memory as a stream that gives at most `step` of them a read, and what decoders do
 * with it; and the check of fuzz targets, which must hold in every build. */
#ifndef SK_FUZZ_DRIP_H
#define SK_FUZZ_DRIP_H

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/source.h"
#include "codec/codec.h"

#define OUT_MAX ((size_t)1 << 20)

struct drip {
    struct sk_stream base;
    const uint8_t *data;
    size_t len;
    size_t step;
};

static inline sk_err drip_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct drip *d = (struct drip *)(void *)base;
    size_t n = d->len < d->step ? d->len : d->step;
    n = n < cap ? n : cap;
    if (n > 0) {
        memcpy(buf, d->data, n);
        d->data += n;
        d->len -= n;
    }
    *out_len = n;
    return sk_ok();
}

static inline void check(int good) {
    if (!good) {
        abort();
    }
}

typedef sk_err (*drip_open)(struct sk_stream *up, const void *how, struct sk_stream **out);

/* Decodes data into out (emptied by the caller), at most about OUT_MAX bytes, with the decoder that
 * open(.., how, ..) gives. Step 1 reads byte by byte on both sides. */
static inline sk_err drip_unpack(struct drip up, drip_open open, const void *how, struct buf *out) {
    size_t size = up.len;
    struct sk_stream *s = NULL;
    uint8_t chunk[4096];
    size_t cap = up.step == 1 ? 1 : sizeof(chunk);
    size_t got = 1;
    up.base.read = drip_read;
    sk_err err = open(&up.base, how, &s);
    while (!sk_failed(err) && got > 0 && out->len < OUT_MAX) {
        err = sk_stream_read(s, chunk, cap, &got);
        if (!sk_failed(err)) {
            check(got <= cap && !sk_failed(buf_append(out, chunk, got)));
        }
    }
    if (s != NULL) {
        bool ended = false;
        check(sk_codec_consumed(s, &ended) <= size);
        sk_stream_close(s);
    }
    return err;
}

/* Large pieces and single bytes must decode alike. */
static inline void drip_any_chunking(const uint8_t *data, size_t size, drip_open open,
                                     const void *how) {
    struct buf a = {0};
    struct buf b = {0};
    sk_err err_a =
        drip_unpack((struct drip){.data = data, .len = size, .step = 4096}, open, how, &a);
    sk_err err_b = drip_unpack((struct drip){.data = data, .len = size, .step = 1}, open, how, &b);
    size_t common = a.len < b.len ? a.len : b.len;
    check(common == 0 || memcmp(a.data, b.data, common) == 0);
    if (a.len < OUT_MAX) {
        check(err_a.code == err_b.code && a.len == b.len);
    }
    buf_release(&a);
    buf_release(&b);
}

#endif
