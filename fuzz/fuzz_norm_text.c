// SPDX-License-Identifier: Apache-2.0
/* The text normaliser against a second, plain statement of its rules, in one piece, cut in two, and
 * in place. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "norm/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t plain(const uint8_t *in, size_t len, uint8_t *out) {
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = in[i];
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            if (n == 0 || out[n - 1] != ' ') {
                out[n++] = ' ';
            }
        } else if (c >= 'A' && c <= 'Z') {
            out[n++] = (uint8_t)(c | 0x20);
        } else if (c >= 0x20 && c < 0x80) {
            out[n++] = c;
        }
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *want = mem_alloc(size + 1);
    uint8_t *got = mem_alloc(size + 1);
    if (want == NULL || got == NULL || size == 0) {
        mem_free(want);
        mem_free(got);
        return 0;
    }
    size_t want_len = plain(data, size, want);
    struct sk_norm_text n = {0};
    size_t got_len = sk_norm_text_feed(&n, data, size, got);
    if (got_len != want_len || memcmp(got, want, want_len) != 0) {
        abort();
    }
    size_t cut = data[0] % size;
    memcpy(got, data, size);
    n = (struct sk_norm_text){0};
    size_t first = sk_norm_text_feed(&n, got, cut, got);
    got_len = first + sk_norm_text_feed(&n, got + cut, size - cut, got + first);
    if (got_len != want_len || memcmp(got, want, want_len) != 0) {
        abort();
    }
    mem_free(want);
    mem_free(got);
    return 0;
}
