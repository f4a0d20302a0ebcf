// SPDX-License-Identifier: Apache-2.0
/*
 * UTF-16 as bytes, in the way of `sigtool --utf16-decode` (ClamAV 1.4.6): pairs are taken as
 * little-endian whatever a byte order mark says, and of a unit stays the byte low + 16 * high. So
 * Latin-1 comes out as itself and the rest as something that signatures may still hold. A byte that
 * would be 0 takes the rest of its block of 1024 bytes with it.
 *
 * Life cycle: zero-initialise, feed in any pieces; an odd last byte is left out. No failure.
 */
#ifndef SK_NORM_UTF16_H
#define SK_NORM_UTF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sk_norm_utf16 {
    unsigned at; /* in the block */
    bool lost;   /* the rest of the block goes */
    uint8_t low;
};

/* Writes at most (len + 1) / 2 bytes to out, which may be the same as in; returns how many. */
size_t sk_norm_utf16_feed(struct sk_norm_utf16 *n, const uint8_t *in, size_t len, uint8_t *out);

#endif
