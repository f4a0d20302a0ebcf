// SPDX-License-Identifier: Apache-2.0
/* Nothing here allocates or knows a signature format. */
#include "defc/text.h"

size_t text_find(struct sk_bytes t, char c) {
    const uint8_t *at = t.len == 0 ? NULL : memchr(t.ptr, c, t.len);
    return at == NULL ? t.len : (size_t)(at - t.ptr);
}

struct sk_bytes text_cut(struct sk_bytes *rest, char c, bool *more) {
    size_t at = text_find(*rest, c);
    struct sk_bytes field = text_upto(*rest, at);
    *more = at < rest->len;
    *rest = text_from(*rest, at + 1);
    return field;
}

bool text_number(struct sk_bytes t, uint64_t max, uint64_t *out) {
    uint64_t n = 0;
    for (size_t i = 0; i < t.len; i++) {
        if (t.ptr[i] < '0' || t.ptr[i] > '9' || n > UINT64_MAX / 10 - 1) {
            return false;
        }
        n = n * 10 + (uint64_t)(t.ptr[i] - '0');
    }
    if (t.len == 0 || n > max) {
        return false;
    }
    *out = n;
    return true;
}

static bool range_end(struct sk_bytes t, uint32_t *out) {
    uint64_t n = 0;
    if (t.len > 0 && !text_number(t, UINT64_MAX, &n)) {
        return false;
    }
    *out = n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
    return true;
}

bool text_range(struct sk_bytes t, uint32_t *out_min, uint32_t *out_max) {
    bool more;
    uint32_t min, max;
    struct sk_bytes first = text_cut(&t, '-', &more);
    if (!more || !range_end(first, &min) || !range_end(t, &max)) {
        return false;
    }
    *out_min = min;
    *out_max = max;
    return true;
}
