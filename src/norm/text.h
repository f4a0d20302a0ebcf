// SPDX-License-Identifier: Apache-2.0
/*
 * Normalised text: what signatures for target 7 (ASCII text) are written against.
 *
 * Control characters and bytes above 0x7f go, runs of white space (9..13 and 32) become one space,
 * A-Z become a-z; everything else, 0x7f too, stays. A byte that goes does not end a run. Two-byte
 * text needs no other treatment: its NULs go.
 *
 * Life cycle: zero-initialise, feed the layer in order; nothing is pending at the end. Any cut of
 * the input into feeds gives the same output. No allocation, no failure.
 * Source: the output of `sigtool --ascii-normalise` (ClamAV 1.4.6), byte for byte; it begins every
 * 128 KiB of a file anew, a scan does not, nor is it done here.
 */
#ifndef SK_NORM_TEXT_H
#define SK_NORM_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct sk_norm_text {
    uint8_t last; /* byte that was written last */
};

/* Writes at most len bytes to out, which may be the same as in; returns how many. */
size_t sk_norm_text_feed(struct sk_norm_text *n, const uint8_t *in, size_t len, uint8_t *out);

#endif
