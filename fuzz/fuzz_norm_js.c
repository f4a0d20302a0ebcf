// SPDX-License-Identifier: Apache-2.0
/* The JavaScript normaliser: the output does not depend on the cut into pieces nor on what the same
 * object read before and holds no upper case letter. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "norm/js.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sk_err put(void *ctx, const uint8_t *bytes, size_t len) {
    return buf_append(ctx, bytes, len);
}

static void normalise(struct sk_norm_js *js, const uint8_t *data, size_t size, size_t cut,
                      struct buf *out) {
    if (sk_failed(sk_norm_js_feed(js, data, cut)) ||
        sk_failed(sk_norm_js_feed(js, data + cut, size - cut)) ||
        sk_failed(sk_norm_js_finish(js, put, out))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct buf whole = {0};
    struct buf parts = {0};
    struct sk_norm_js *js;
    if (sk_failed(sk_norm_js_new(&js))) {
        return 0;
    }
    normalise(js, data, size, 0, &whole);
    normalise(js, data, size, size == 0 ? 0 : data[0] % size, &parts);
    if (whole.len != parts.len || memcmp(whole.data, parts.data, whole.len) != 0) {
        abort();
    }
    for (size_t i = 0; i < whole.len; i++) {
        if (whole.data[i] >= 'A' && whole.data[i] <= 'Z') {
            abort();
        }
    }
    buf_release(&whole);
    buf_release(&parts);
    sk_norm_js_free(js);
    return 0;
}
