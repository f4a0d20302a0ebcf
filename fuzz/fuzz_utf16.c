// SPDX-License-Identifier: Apache-2.0
/* UTF-16 as bytes against a second, plain statement of both rules (every unit; as sigtool), in one
 * piece, cut in two, and in place. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "norm/utf16.h"

#define BLOCK_BYTES ((size_t)512)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t plain(const uint8_t *in, size_t len, bool as_sigtool, uint8_t *out) {
    size_t n = 0;
    for (size_t block = 0; block < len; block += BLOCK_BYTES) {
        size_t end = len - block < BLOCK_BYTES ? len : block + BLOCK_BYTES;
        for (size_t i = block; i + 1 < end; i += 2) {
            uint8_t byte = (uint8_t)(in[i] + (in[i + 1] << 4));
            if (byte == 0 && as_sigtool) {
                break;
            }
            out[n++] = byte;
        }
    }
    return n;
}

static void check(const uint8_t *data, size_t size, bool as_sigtool) {
    uint8_t *want = mem_alloc(size + 1);
    uint8_t *got = mem_alloc(size + 1);
    if (want != NULL && got != NULL) {
        size_t want_len = plain(data, size, as_sigtool, want);
        struct sk_norm_utf16 n = {.as_sigtool = as_sigtool};
        size_t got_len = sk_norm_utf16_feed(&n, data, size, got);
        if (got_len != want_len || memcmp(got, want, want_len) != 0) {
            abort();
        }
        size_t cut = data[0] * (size_t)7 % size;
        memcpy(got, data, size);
        n = (struct sk_norm_utf16){.as_sigtool = as_sigtool};
        size_t first = sk_norm_utf16_feed(&n, got, cut, got);
        got_len = first + sk_norm_utf16_feed(&n, got + cut, size - cut, got + first);
        if (got_len != want_len || memcmp(got, want, want_len) != 0) {
            abort();
        }
    }
    mem_free(want);
    mem_free(got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0) {
        check(data, size, false);
        check(data, size, true);
    }
    return 0;
}
