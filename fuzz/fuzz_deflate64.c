// SPDX-License-Identifier: Apache-2.0
/*
 * Our deflate64, two ways: hostile bytes decode the same in any chunking and never past the input;
 * bytes that begin with 0xf7 are packed by zlib, where the two formats are equal (no match of 258
 * bytes, no far distance), and must decode to themselves.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "codec/codec.h"
#include "drip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX ((size_t)1 << 20)

static sk_err unpack(const uint8_t *data, size_t size, size_t step, struct buf *out) {
    struct drip up = {.base = {.read = drip_read}, .data = data, .len = size, .step = step};
    struct sk_stream *s = NULL;
    uint8_t chunk[4096];
    size_t cap = step == 1 ? 1 : sizeof(chunk);
    size_t got = 1;
    sk_err err = sk_deflate64_open(&up.base, &s);
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

static void any_chunking(const uint8_t *data, size_t size) {
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
}

static void round_trip(const uint8_t *data, size_t size, int strategy) {
    z_stream z = {0};
    struct buf packed = {0};
    struct buf out = {0};
    size_t room = size * 2 + 1000;
    check(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, strategy) == Z_OK);
    check(!sk_failed(buf_reserve(&packed, room)));
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (unsigned)size;
    z.next_out = packed.data;
    z.avail_out = (unsigned)room;
    check(deflate(&z, Z_FINISH) == Z_STREAM_END);
    check(deflateEnd(&z) == Z_OK);
    check(!sk_failed(unpack(packed.data, room - z.avail_out, 700, &out)));
    check(out.len == size && (size == 0 || memcmp(out.data, data, size) == 0));
    buf_release(&packed);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0 && size < OUT_MAX && data[0] == 0xf7) { /* block type 3: worthless otherwise */
        round_trip(data, size, Z_HUFFMAN_ONLY);
        round_trip(data, size < 250 ? size : 250, Z_FIXED); /* too short for a match of 258 */
        return 0;
    }
    any_chunking(data, size);
    return 0;
}
