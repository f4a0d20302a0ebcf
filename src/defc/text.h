// SPDX-License-Identifier: Apache-2.0
/* Cutting lines of signature text: fields, prefixes, numbers. All **borrow** the line. */
#ifndef SK_DEFC_TEXT_H
#define SK_DEFC_TEXT_H

#include <stdbool.h>

#include "base/cursor.h"

static inline struct sk_bytes text_of(const char *s) {
    return (struct sk_bytes){(const uint8_t *)s, strlen(s)};
}
static inline struct sk_bytes text_from(struct sk_bytes t, size_t pos) {
    return pos >= t.len ? (struct sk_bytes){NULL, 0} : (struct sk_bytes){&t.ptr[pos], t.len - pos};
}
static inline struct sk_bytes text_upto(struct sk_bytes t, size_t len) {
    return (struct sk_bytes){t.ptr, len < t.len ? len : t.len};
}
static inline bool text_is(struct sk_bytes t, const char *s) {
    return t.len == strlen(s) && (t.len == 0 || memcmp(t.ptr, s, t.len) == 0);
}
static inline bool text_starts(struct sk_bytes t, const char *s) {
    return t.len >= strlen(s) && memcmp(t.ptr, s, strlen(s)) == 0;
}
/* Index of the first c, or t.len. */
size_t text_find(struct sk_bytes t, char c);
/* The text before the first `c`; *rest is what follows it. *more is false when there is no c. */
struct sk_bytes text_cut(struct sk_bytes *rest, char c, bool *more);
/* Decimal digits only, at least one, value <= max. */
bool text_number(struct sk_bytes t, uint64_t max, uint64_t *out);
/* "a-b"; numbers above UINT32_MAX are clipped to it. A missing number is 0, on both sides (seen
 * with clamscan 1.4.6: "10-" never holds). */
bool text_range(struct sk_bytes t, uint32_t *out_min, uint32_t *out_max);

#endif
