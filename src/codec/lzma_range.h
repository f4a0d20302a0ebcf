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
 * lengths, distances), half of which would be guessed wrongly, are reckoned without one. The few
 * instructions of lz_part are written out for x86-64, because gcc 12 makes a branch of whatever it
 * knows to be a condition (liblzma is as fast then); in C, with the condition hidden from it, a
 * text takes an eighth longer. Tried: the byte of lz_normalise without a branch costs more than the
 * wrong guesses; reading ahead in the short trees of distances (lowest bit first) gains nothing.
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

#if defined(__x86_64__)
/* Which part the code is in: ~0 for the lower one, 0 for the upper one. */
LZ_INLINE uint32_t lz_part(struct lz_range *r, uint32_t bound) {
    uint32_t rest = r->range - bound, less = r->code - bound, zero;
    __asm__("cmpl %[bound], %[code]\n\t"
            "cmovb %[bound], %[rest]\n\t"
            "cmovb %[code], %[less]\n\t"
            "sbbl %[zero], %[zero]"
            : [rest] "+&r"(rest), [less] "+&r"(less), [zero] "=&r"(zero)
            : [bound] "r"(bound), [code] "r"(r->code)
            : "cc");
    r->range = rest;
    r->code = less;
    return zero;
}

/* The same, and of two numbers the one for the lower or the upper part. */
LZ_INLINE uint32_t lz_part_of(struct lz_range *r, uint32_t bound, uint32_t lower, uint32_t *upper) {
    uint32_t rest = r->range - bound, less = r->code - bound, zero, which = *upper;
    __asm__("cmpl %[bound], %[code]\n\t"
            "cmovb %[bound], %[rest]\n\t"
            "cmovb %[code], %[less]\n\t"
            "cmovb %[lower], %[which]\n\t"
            "sbbl %[zero], %[zero]"
            : [rest] "+&r"(rest), [less] "+&r"(less), [which] "+&r"(which), [zero] "=&r"(zero)
            : [bound] "r"(bound), [code] "r"(r->code), [lower] "r"(lower)
            : "cc");
    r->range = rest;
    r->code = less;
    *upper = which;
    return zero;
}
#else
LZ_INLINE uint32_t lz_part(struct lz_range *r, uint32_t bound) {
    uint32_t rest = r->range - bound;
    uint32_t zero = (uint32_t)((int64_t)((uint64_t)r->code - bound) >> 63);
    __asm__("" : "+r"(zero)); /* or gcc 12 sees that it is a condition, and makes a branch of it */
    r->range = rest ^ ((rest ^ bound) & zero);
    r->code = r->code - bound + (bound & zero);
    return zero;
}

LZ_INLINE uint32_t lz_part_of(struct lz_range *r, uint32_t bound, uint32_t lower, uint32_t *upper) {
    uint32_t zero = lz_part(r, bound);
    *upper ^= (lower ^ *upper) & zero;
    return zero;
}
#endif

/* p after a bit, of which lz_part gave `zero`. */
LZ_INLINE lz_prob lz_learn(uint32_t p, uint32_t zero) {
    uint32_t towards = zero & (uint32_t)((1 << LZ_PROB_SHIFT) - 1 - (int)LZ_PROB_ONE);
    return (lz_prob)(p - (uint32_t)((int32_t)(p + towards) >> LZ_PROB_SHIFT));
}

/* A bit of a tree: ~0 for 0, 0 for 1. */
LZ_INLINE uint32_t lz_tree_bit(struct lz_range *r, lz_prob *prob) {
    uint32_t p = *prob;
    lz_normalise(r);
    uint32_t zero = lz_part(r, (r->range >> LZ_PROB_BITS) * p);
    *prob = lz_learn(p, zero);
    return zero;
}

/* The same; *next, which is the next bit's probability if this one is 1, becomes `other` if it is
 * 0. */
LZ_INLINE uint32_t lz_tree_bit_then(struct lz_range *r, lz_prob *prob, uint32_t p, uint32_t other,
                                    uint32_t *next) {
    lz_normalise(r);
    uint32_t zero = lz_part_of(r, (r->range >> LZ_PROB_BITS) * p, other, next);
    *prob = lz_learn(p, zero);
    return zero;
}

/* A leaf: the bits, highest first, below a 1. Both that may come next are read from the tree while
 * a bit is reckoned: what a bit waits for is then the one before, not the memory. */
LZ_INLINE uint32_t lz_tree(struct lz_range *r, lz_prob *tree, unsigned bits) {
    uint32_t node = 1, p = tree[1];
#pragma GCC unroll 8
    for (unsigned i = 1; i < bits; i++) {
        uint32_t next = tree[2 * node + 1];
        uint32_t zero = lz_tree_bit_then(r, tree + node, p, tree[2 * node], &next);
        node = 2 * node + 1 + zero;
        p = next;
    }
    return 2 * node + 1 + lz_tree_bit(r, tree + node);
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
