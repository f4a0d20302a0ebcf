// SPDX-License-Identifier: Apache-2.0
/* The HTML normaliser: outputs do not depend on the cut into pieces, stay within what the input can
 * give, and every link lies within its limits. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "norm/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct buf out[SK_HTML_OUT_COUNT];
};

static sk_err put(void *ctx, enum sk_html_out out, const uint8_t *bytes, size_t len) {
    struct seen *seen = ctx;
    return buf_append(&seen->out[out], bytes, len);
}

static void on_link(void *ctx, const struct sk_html_link *link) {
    (void)ctx;
    if (link->url.len > 1024 || link->text.len > SK_HTML_LINK_TEXT_MAX) {
        abort();
    }
}

static void normalise(struct seen *seen, const uint8_t *data, size_t size, size_t cut) {
    const struct sk_html_events events = {.put = put, .link = on_link, .ctx = seen};
    struct sk_norm_html *h;
    if (sk_failed(sk_norm_html_new(&events, &h))) {
        return;
    }
    if (sk_failed(sk_norm_html_feed(h, data, cut)) ||
        sk_failed(sk_norm_html_feed(h, data + cut, size - cut)) ||
        sk_failed(sk_norm_html_finish(h))) {
        abort();
    }
    sk_norm_html_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct seen whole = {0};
    struct seen parts = {0};
    normalise(&whole, data, size, 0);
    normalise(&parts, data, size, size == 0 ? 0 : data[0] % size);
    for (int i = 0; i < SK_HTML_OUT_COUNT; i++) {
        if (whole.out[i].len != parts.out[i].len ||
            (whole.out[i].len > 0 &&
             memcmp(whole.out[i].data, parts.out[i].data, whole.out[i].len) != 0)) {
            abort();
        }
        buf_release(&whole.out[i]);
        buf_release(&parts.out[i]);
    }
    return 0;
}
