// SPDX-License-Identifier: Apache-2.0
/*
 * lz_range: the range decoder of LZMA. Internal to the LZMA decoder.
 *
 * range and code are a window of 32 bits on two long numbers. A bit splits the range in proportion
 * to how often it was 0 of late (a probability of 11 bits), and the code says which part it is in:
 *
 *     0 ........ bound ........ range         bit 0: range = bound
 *     |  bit 0     |    bit 1     |           bit 1: both less bound
 *
 * When the range has shrunk below 2^24, both get a byte more (before a bit, never behind it: the
 * number of bytes that are read is part of the format). No bit checks for the end of the input: the
 * caller sees to it that there are LZ_SYMBOL_MAX bytes for a symbol.
 *
 * Two kinds of bits: those that decide what comes next are branches, those of a tree (literals,
 * lengths, distances), half of which would be guessed wrongly, are reckoned without one.
 */
#ifndef SK_CODEC_LZMA_RANGE_H
#define SK_CODEC_LZMA_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#define LZ_SYMBOL_MAX ((size_t)20) /* bytes of input that a symbol may use up */
#define LZ_RANGE_TOP ((uint32_t)1 << 24)
#define LZ_PROB_BITS 11u
#define LZ_PROB_ONE (1u << LZ_PROB_BITS)
#define LZ_PROB_SHIFT 5u /* how fast a probability follows the bits */
#define LZ_INLINE static inline __attribute__((always_inline))

typedef uint16_t lz_prob;

struct lz_range {
    uint32_t range;
    uint32_t code;
    const uint8_t *in; /* borrows */
};

LZ_INLINE void lz_normalise(struct lz_range *r) {
    if (r->range < LZ_RANGE_TOP) {
        r->range <<= 8;
        r->code = r->code << 8 | *r->in++;
    }
}

/* A bit that is branched upon. */
LZ_INLINE bool lz_bit(struct lz_range *r, lz_prob *prob) {
    lz_normalise(r);
    uint32_t p = *prob;
    uint32_t bound = (r->range >> LZ_PROB_BITS) * p;
    if (r->code < bound) {
        r->range = bound;
        *prob = (lz_prob)(p + ((LZ_PROB_ONE - p) >> LZ_PROB_SHIFT));
        return false;
    }
    r->range -= bound;
    r->code -= bound;
    *prob = (lz_prob)(p - (p >> LZ_PROB_SHIFT));
    return true;
}

/* A bit of a tree: ~0 for 0, 0 for 1. p is what *prob was. */
LZ_INLINE uint32_t lz_tree_bit(struct lz_range *r, lz_prob *prob, uint32_t p) {
    lz_normalise(r);
    uint32_t bound = (r->range >> LZ_PROB_BITS) * p;
    uint32_t rest = r->range - bound, less = r->code - bound;
    uint32_t zero = 0u - (uint32_t)(r->code < bound);
    __asm__("" : "+r"(zero));
    r->range = rest ^ ((rest ^ bound) & zero);
    r->code = less + (bound & zero);
    uint32_t change = p + (zero & (uint32_t)(((1 << LZ_PROB_SHIFT) - 1) - (int)LZ_PROB_ONE));
    *prob = (lz_prob)(p - (uint32_t)((int32_t)change >> LZ_PROB_SHIFT));
    return zero;
}

/* A node of a tree to the next: 2 * node + bit. */
LZ_INLINE uint32_t lz_tree_step(struct lz_range *r, lz_prob *tree, uint32_t node) {
    return 2 * node + 1 + lz_tree_bit(r, tree + node, tree[node]);
}

/* Bits that are as often 0 as 1, highest first, below those of `value`. */
LZ_INLINE uint32_t lz_direct(struct lz_range *r, uint32_t value, unsigned count) {
    do {
        lz_normalise(r);
        r->range >>= 1;
        r->code -= r->range;
        uint32_t zero = 0u - (r->code >> 31);
        r->code += r->range & zero;
        value = 2 * value + 1 + zero;
    } while (--count > 0);
    return value;
}

#endif
