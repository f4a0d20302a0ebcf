// SPDX-License-Identifier: Apache-2.0
/* LEB128 variable-length integers; everything else of the cursor is inline in the header. */
#include "base/cursor.h"

uint64_t sk_cursor_varint(struct sk_cursor *c) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte = sk_cursor_u8(c);
        if (c->bad || (shift == 63 && byte > 1)) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    c->bad = true;
    return 0;
}

size_t sk_varint_put(uint8_t *out, uint64_t value) {
    size_t n = 0;
    while (value >= 0x80) {
        out[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[n++] = (uint8_t)value;
    return n;
}
