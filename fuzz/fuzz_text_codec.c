// SPDX-License-Identifier: Apache-2.0
/*
 * Encodings of bytes as text. The first byte chooses the codec; what comes out must not depend on
 * how the bytes are cut (but for character sets, where the C library decides), and never be more
 * than a fixed multiple of what went in.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/codec.h"
#include "drip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX ((size_t)1 << 20)

static sk_err open_codec(unsigned which, struct sk_stream *up, struct sk_stream **out) {
    static const char *const sets[] = {"iso-2022-jp", "shift_jis", "euc-jp", "utf-7",
                                       "utf-16",      "gb18030",   "big5",   "iso-2022-kr"};
    const char *set = sets[which / 9 % 8];
    switch (which % 9) {
    case 0:
        return sk_base64_open(up, SK_BASE64_GO_ON, out);
    case 1:
        return sk_base64_open(up, SK_BASE64_IGNORE, out);
    case 2:
        return sk_quoted_open(up, out);
    case 3:
        return sk_base64_open(up, SK_BASE64_LINE, out);
    case 4:
        return sk_uudecode_open(up, out);
    case 5:
        return sk_yenc_open(up, out);
    case 6:
        return sk_binhex_open(up, out);
    case 7:
        return sk_lzfu_open(up, out);
    default:
        return sk_charset_open(up, (struct sk_bytes){(const uint8_t *)set, strlen(set)}, out);
    }
}

static sk_err decode(const uint8_t *data, size_t size, size_t step, struct buf *out) {
    struct drip up = {.base = {.read = drip_read}, .data = data + 1, .len = size - 1, .step = step};
    struct sk_stream *s = NULL;
    uint8_t chunk[4096];
    size_t cap = step == 1 ? 1 : sizeof(chunk);
    size_t got = 1;
    sk_charset_prepare();
    sk_err err = open_codec(data[0], &up.base, &s);
    while (!sk_failed(err) && got > 0 && out->len < OUT_MAX) {
        err = sk_stream_read(s, chunk, cap, &got);
        if (!sk_failed(err)) {
            check(got <= cap && !sk_failed(buf_append(out, chunk, got)));
        }
    }
    bool ended = false;
    if (s != NULL) { /* a system may lack the tables of a character set */
        check(sk_codec_consumed(s, &ended) <= size - 1);
        sk_stream_close(s);
    }
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > OUT_MAX / 4) {
        return 0;
    }
    struct buf a = {0};
    struct buf b = {0};
    sk_err err_a = decode(data, size, 4096, &a);
    sk_err err_b = decode(data, size, 1, &b);
    size_t common = a.len < b.len ? a.len : b.len;
    bool same = data[0] % 9 != 8; /* glibc's UTF-7 decodes garbage as it comes in */
    check(!same || common == 0 || memcmp(a.data, b.data, common) == 0);
    if (same && a.len < OUT_MAX && b.len < OUT_MAX) {
        check(err_a.code == err_b.code && a.len == b.len);
    }
    buf_release(&a);
    buf_release(&b);
    return 0;
}
