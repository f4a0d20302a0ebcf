// SPDX-License-Identifier: Apache-2.0
/* sk_hex_digit: the value of a hexadecimal digit in either case, -1 for any other byte. */
#ifndef SK_BASE_HEX_H
#define SK_BASE_HEX_H

#include <stdint.h>

static inline int sk_hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
