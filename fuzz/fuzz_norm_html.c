// SPDX-License-Identifier: Apache-2.0
/* The HTML normaliser: outputs and links depend neither on the cut into pieces nor on the vectors
 * of the processor, and every link lies within its limits. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "norm/html_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct buf out[SK_HTML_OUT_COUNT];
    struct buf links;
};

static sk_err put(void *ctx, enum sk_html_out out, const uint8_t *bytes, size_t len) {
    struct seen *seen = ctx;
    return buf_append(&seen->out[out], bytes, len);
}

static void on_link(void *ctx, const struct sk_html_link *link) {
    struct seen *seen = ctx;
    if (link->url.len > 1024 || link->text.len > SK_HTML_LINK_TEXT_MAX) {
        abort();
    }
    if (sk_failed(buf_append(&seen->links, link->url.ptr, link->url.len)) ||
        sk_failed(buf_append(&seen->links, (const uint8_t *)"\n", 1)) ||
        sk_failed(buf_append(&seen->links, link->text.ptr, link->text.len))) {
        abort();
    }
}

static void normalise(struct seen *seen, const uint8_t *data, size_t size, size_t cut) {
    bool vector = cut == 0; /* in pieces: without */
    const struct sk_html_events events = {.put = put, .link = on_link, .ctx = seen};
    struct sk_norm_html *h;
    if (sk_failed(sk_norm_html_new(&events, &h))) {
        return;
    }
    h->vector = h->vector && vector;
    if (sk_failed(sk_norm_html_feed(h, data, cut)) ||
        sk_failed(sk_norm_html_feed(h, data + cut, size - cut)) ||
        sk_failed(sk_norm_html_finish(h))) {
        abort();
    }
    sk_norm_html_free(h);
}

static bool same(const struct buf *a, const struct buf *b) {
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct seen whole = {0};
    struct seen parts = {0};
    normalise(&whole, data, size, 0);
    normalise(&parts, data, size, size == 0 ? 0 : 1 + data[0] % size);
    if (!same(&whole.links, &parts.links)) {
        abort();
    }
    buf_release(&whole.links);
    buf_release(&parts.links);
    for (int i = 0; i < SK_HTML_OUT_COUNT; i++) {
        if (!same(&whole.out[i], &parts.out[i])) {
            abort();
        }
        buf_release(&whole.out[i]);
        buf_release(&parts.out[i]);
    }
    return 0;
}
