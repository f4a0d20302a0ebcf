// SPDX-License-Identifier: Apache-2.0
/* The text normaliser against a second, plain statement of its rules, in one piece, cut in two, and
 * in place, by every kernel of the machine. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/cursor.h"
#include "norm/kernel.h"
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

static void check(const struct norm_kernel *kernel, struct sk_bytes in, struct sk_bytes want,
                  uint8_t *got) {
    struct sk_norm_text n = {0};
    size_t got_len = norm_text_feed(kernel, &n, in.ptr, in.len, got);
    if (got_len != want.len || memcmp(got, want.ptr, want.len) != 0) {
        abort();
    }
    size_t cut = in.ptr[0] % in.len;
    memcpy(got, in.ptr, in.len);
    n = (struct sk_norm_text){0};
    size_t first = norm_text_feed(kernel, &n, got, cut, got);
    got_len = first + norm_text_feed(kernel, &n, got + cut, in.len - cut, got + first);
    if (got_len != want.len || memcmp(got, want.ptr, want.len) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *want = mem_alloc(size + 1);
    uint8_t *got = mem_alloc(size + 1);
    if (want == NULL || got == NULL || size == 0) {
        mem_free(want);
        mem_free(got);
        return 0;
    }
    struct sk_bytes in = {data, size}, all = {want, plain(data, size, want)};
    const struct norm_kernel *kernel;
    for (unsigned k = 0; (kernel = norm_kernel_nth(k)) != NULL; k++) {
        check(kernel, in, all, got);
    }
    check(NULL, in, all, got);
    mem_free(want);
    mem_free(got);
    return 0;
}
