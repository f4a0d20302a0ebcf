// SPDX-License-Identifier: Apache-2.0
/*
 * Encodings of bytes as text. The first byte chooses the codec; what comes out must not depend on
 * how the bytes are cut (but for character sets, where the C library decides), and never be more
 * than a fixed multiple of what went in.
 */
#include <stdint.h>
#include <string.h>

#include "drip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHARSET 8

static sk_err open_codec(struct sk_stream *up, const void *first, struct sk_stream **out) {
    static const char *const sets[] = {"iso-2022-jp", "shift_jis", "euc-jp", "utf-7",
                                       "utf-16",      "gb18030",   "big5",   "iso-2022-kr"};
    unsigned which = *(const uint8_t *)first;
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > OUT_MAX / 4) {
        return 0;
    }
    sk_charset_prepare();
    if (data[0] % 9 != CHARSET) {
        drip_any_chunking(data + 1, size - 1, open_codec, data);
        return 0;
    }
    /* glibc's UTF-7 decodes garbage as it comes in; a system may lack the tables of a character set
     */
    for (size_t step = 1; step <= 4096; step *= 4096) {
        struct drip up = {.data = data + 1, .len = size - 1, .step = step};
        struct buf out = {0};
        (void)drip_unpack(up, open_codec, data, &out);
        buf_release(&out);
    }
    return 0;
}
