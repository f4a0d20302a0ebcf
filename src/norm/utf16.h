// SPDX-License-Identifier: Apache-2.0
/*
 * UTF-16 as bytes, in the way of ClamAV 1.4.6: pairs are taken as little-endian whatever a byte
 * order mark says, and of a unit stays the byte low + 16 * high. So Latin-1 comes out as itself and
 * the rest as something that signatures may still hold. Seen with clamscan --leave-temps: every
 * unit gives a byte; `sigtool --utf16-decode` loses the rest of a block of 512 bytes from one that
 * is 0 on.
 *
 * Life cycle: zero-initialise, feed in any pieces; an odd last byte is left out. No failure.
 */
#ifndef SK_NORM_UTF16_H
#define SK_NORM_UTF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sk_norm_utf16 {
    bool as_sigtool; /* lose what it loses; set before the first piece */
    bool beyond;     /* tells: some unit was not Latin-1 */
    unsigned at;     /* in the block */
    bool lost;       /* the rest of the block goes */
    uint8_t low;
};

/* Writes at most (len + 1) / 2 bytes to out, which may be the same as in; returns how many. */
size_t sk_norm_utf16_feed(struct sk_norm_utf16 *n, const uint8_t *in, size_t len, uint8_t *out);

#endif
