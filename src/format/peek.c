// SPDX-License-Identifier: Apache-2.0
/*
 * Looking at the head of a layer. Every probe asks here, so that the bounds are compared once.
 */
#include "format/format.h"

#include <string.h>

bool sk_peek_has(const struct sk_peek *peek, size_t off, const char *bytes, size_t len) {
    return off <= peek->head_len && len <= peek->head_len - off &&
           memcmp(peek->head + off, bytes, len) == 0;
}
