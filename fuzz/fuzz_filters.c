// SPDX-License-Identifier: Apache-2.0
/*
 * The filters of PDF (LZW, ASCII85, ASCIIHex, RunLength, predictors): hostile bytes decode the same
 * in any chunking, never past the input, and end. The first byte picks the filter, for predictors
 * the next three its numbers.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX ((size_t)1 << 20)
#define PARAMETER_BYTES 4u

struct drip {
    struct sk_stream base;
    const uint8_t *data;
    size_t len;
    size_t step;
};

static sk_err drip_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
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

static void check(int good) {
    if (!good) {
        abort();
    }
}

static sk_err open_filter(const uint8_t *how, struct sk_stream *up, struct sk_stream **out) {
    struct sk_predictor p = {how[1] % 16u, how[2] % 5u, 1u << how[2] / 5u % 6u, how[3] + 1u};
    switch (how[0] % 6u) {
    case 0:
        return sk_lzw_open(up, true, out);
    case 1:
        return sk_lzw_open(up, false, out);
    case 2:
        return sk_ascii85_open(up, out);
    case 3:
        return sk_asciihex_open(up, out);
    case 4:
        return sk_runlength_open(up, out);
    default:
        return sk_predictor_open(up, &p, out);
    }
}

static sk_err unpack(const uint8_t *data, size_t size, size_t step, struct buf *out) {
    struct drip up = {.base = {.read = drip_read},
                      .data = data + PARAMETER_BYTES,
                      .len = size - PARAMETER_BYTES,
                      .step = step};
    struct sk_stream *s = NULL;
    uint8_t chunk[4096];
    size_t cap = step == 1 ? 1 : sizeof(chunk);
    size_t got = 1;
    sk_err err = open_filter(data, &up.base, &s);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < PARAMETER_BYTES) {
        return 0;
    }
    struct buf a = {0};
    struct buf b = {0};
    sk_err err_a = unpack(data, size, 4096, &a);
    sk_err err_b = unpack(data, size, 1, &b);
    size_t common = a.len < b.len ? a.len : b.len;
    check(common == 0 || memcmp(a.data, b.data, common) == 0);
    if (a.len < OUT_MAX) {
        check(err_a.code == err_b.code && a.len == b.len);
    }
    buf_release(&a);
    buf_release(&b);
    return 0;
}
