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

#include "drip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sk_err open_deflate64(struct sk_stream *up, const void *how, struct sk_stream **out) {
    (void)how;
    return sk_deflate64_open(up, out);
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
    struct drip up = {.data = packed.data, .len = room - z.avail_out, .step = 700};
    check(!sk_failed(drip_unpack(up, open_deflate64, NULL, &out)));
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
    drip_any_chunking(data, size, open_deflate64, NULL);
    return 0;
}
