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

/* kernel NULL: byte by byte */
static void normalise(struct seen *seen, const struct norm_kernel *kernel, struct sk_bytes in,
                      size_t cut) {
    const struct sk_html_events events = {.put = put, .link = on_link, .ctx = seen};
    struct sk_norm_html *h;
    if (sk_failed(sk_norm_html_new(&events, &h))) {
        return;
    }
    h->vector = kernel;
    if (sk_failed(sk_norm_html_feed(h, in.ptr, cut)) ||
        sk_failed(sk_norm_html_feed(h, in.ptr + cut, in.len - cut)) ||
        sk_failed(sk_norm_html_finish(h))) {
        abort();
    }
    sk_norm_html_free(h);
}

static bool same(const struct buf *a, const struct buf *b) {
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void release(struct seen *seen) {
    buf_release(&seen->links);
    for (int i = 0; i < SK_HTML_OUT_COUNT; i++) {
        buf_release(&seen->out[i]);
    }
}

/* The same by another kernel, uncut. */
static void compare(const struct norm_kernel *kernel, struct sk_bytes in,
                    const struct seen *parts) {
    struct seen whole = {0};
    normalise(&whole, kernel, in, 0);
    if (!same(&whole.links, &parts->links)) {
        abort();
    }
    for (int i = 0; i < SK_HTML_OUT_COUNT; i++) {
        if (!same(&whole.out[i], &parts->out[i])) {
            abort();
        }
    }
    release(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct seen parts = {0};
    struct sk_bytes in = {data, size};
    normalise(&parts, NULL, in, size == 0 ? 0 : 1 + data[0] % size);
    compare(NULL, in, &parts);
    const struct norm_kernel *kernel;
    for (unsigned k = 0; (kernel = norm_kernel_nth(k)) != NULL; k++) {
        compare(kernel, in, &parts);
    }
    release(&parts);
    return 0;
}
