// SPDX-License-Identifier: Apache-2.0
/*
 * UTF-8 out of code points. Pure, no ownership, no errors: what is no character (surrogates, above
 * U+10FFFF) becomes U+FFFD. Source: RFC 3629.
 */
#ifndef SK_BASE_UTF8_H
#define SK_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define SK_UTF8_MAX_BYTES ((size_t)4)

/* Writes at most SK_UTF8_MAX_BYTES (three for code points below U+10000); returns how many. */
static inline size_t sk_utf8_put(uint8_t *out, uint32_t c) {
    if ((c >= 0xd800 && c < 0xe000) || c > 0x10ffff) {
        c = 0xfffd;
    }
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xe0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (c & 0x3f));
    return 4;
}

#endif
