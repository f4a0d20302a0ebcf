// SPDX-License-Identifier: Apache-2.0
/* Addresses out of mail: cleaned, asked about, and hashed forms, none of which may leave its
 * bounds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "norm/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_form(void *ctx, const char *text, size_t len) {
    unsigned *count = ctx;
    if (++*count > URL_HASHES_MAX || len > 2 * URL_MAX_BYTES || memchr(text, '/', len) == NULL) {
        abort();
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) {
        return 0;
    }
    struct sk_bytes raw = {data + 1, size - 1};
    struct url u;
    (void)url_is_address(raw);
    url_clean(raw, (data[0] & 1) != 0, &u);
    if (u.len > URL_MAX_BYTES || strlen(u.text) != u.len) {
        abort();
    }
    (void)url_looks_like_address(&u);
    (void)url_is_cloaked(&u);
    struct sk_bytes host = url_host(&u);
    struct sk_bytes domain = url_registered(host);
    if (host.len > u.len || domain.len > host.len) {
        abort();
    }
    unsigned count = 0;
    url_each_form(raw, on_form, &count);
    return 0;
}
