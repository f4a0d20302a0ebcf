// SPDX-License-Identifier: Apache-2.0
/*
 * struct huff: canonical Huffman codes of deflate (RFC 1951, 3.2.2). Plain data, no memory of its
 * own. Incomplete sets of codes are accepted, since some tools do: using a missing code gives
 * HUFF_NONE. Over-full sets are refused. Units: bits.
 */
#ifndef SK_CODEC_HUFFMAN_H
#define SK_CODEC_HUFFMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUFF_BITS_MAX 15
#define HUFF_FAST_BITS 9
#define HUFF_SYMBOLS_MAX 288
#define HUFF_NONE (-1)

struct huff {
    /* Index: the next HUFF_FAST_BITS bits of input. Value: symbol << 4 | length; 0: see below. */
    uint16_t fast[1 << HUFF_FAST_BITS];
    uint16_t count[HUFF_BITS_MAX + 1]; /* codes of each length */
    uint16_t symbol[HUFF_SYMBOLS_MAX]; /* in order of code */
};

/* lengths[i]: bits of symbol i, 0 unused, at most HUFF_BITS_MAX. False: over-full. */
bool huff_build(struct huff *h, const uint8_t *lengths, size_t count);
/* Symbol of the code at the low end of `bits` (15 bits looked at), *out_len its length. */
int huff_decode(const struct huff *h, uint64_t bits, unsigned *out_len);

#endif
