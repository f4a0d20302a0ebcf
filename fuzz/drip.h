// SPDX-License-Identifier: Apache-2.0
/* drip: bytes in memory as a stream that gives at most `step` of them a read; and the check of fuzz
 * targets, which must hold in every build. */
#ifndef SK_FUZZ_DRIP_H
#define SK_FUZZ_DRIP_H

#include <stdlib.h>
#include <string.h>

#include "base/source.h"

struct drip {
    struct sk_stream base;
    const uint8_t *data;
    size_t len;
    size_t step;
};

static inline sk_err drip_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct drip *d = (struct drip *)(void *)base;
    size_t n = d->len < d->step ? d->len : d->step;
    n = n < cap ? n : cap;
    if (n > 0) {
        memcpy(buf, d->data, n);
        d->data += n;
        d->len -= n;
    }
    *out_len = n;
    return sk_ok();
}

static inline void check(int good) {
    if (!good) {
        abort();
    }
}

#endif
