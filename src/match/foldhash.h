// SPDX-License-Identifier: Apache-2.0
/*
 * The hash of folded windows, shared by the compiler (which sets bits) and the kernels (which test
 * them). Part of the image format: a change is a new major version.
 *
 * Folding ORs 0x20 into every byte: one operation, and it serves exact and case-insensitive
 * triggers alike (the exact comparison comes later). q is 4 or 8; for q = 4 the high half is zero.
 *   h = lo * 0x9E3779B1 + hi * 0x85EBCA77  (mod 2^32)
 *   word = h >> (32 - log2_words); bits = (h >> 4) & 31 and (h >> 9) & 31
 * The bucket hash mixes better and is computed for candidates only.
 */
#ifndef SK_MATCH_FOLDHASH_H
#define SK_MATCH_FOLDHASH_H

#include <stdint.h>
#include <string.h>

#define FOLDHASH_LO 0x9E3779B1u
#define FOLDHASH_HI 0x85EBCA77u
#define FOLDHASH_FOLD 0x2020202020202020u

static inline uint64_t foldhash_load(const uint8_t *p, unsigned q) {
    uint64_t v = 0;
    if (q == 8) {
        memcpy(&v, p, 8);
        return v | FOLDHASH_FOLD;
    }
    uint32_t w;
    memcpy(&w, p, 4);
    return w | (uint32_t)FOLDHASH_FOLD;
}
static inline uint32_t foldhash_bits(uint64_t window) {
    return (uint32_t)window * FOLDHASH_LO + (uint32_t)(window >> 32) * FOLDHASH_HI;
}
static inline uint32_t foldhash_word(uint32_t h, unsigned log2_words) {
    return (uint32_t)((uint64_t)h >> (32 - log2_words));
}
static inline uint32_t foldhash_mask(uint32_t h) {
    return 1u << ((h >> 4) & 31) | 1u << ((h >> 9) & 31);
}
static inline uint64_t foldhash_bucket(uint64_t window) {
    uint64_t x = window * 0x9E3779B97F4A7C15u;
    x ^= x >> 32;
    return x * 0xD6E8FEB86659FD93u;
}
static inline uint32_t foldhash_bucket_index(uint64_t h, unsigned log2_buckets) {
    return log2_buckets == 0 ? 0 : (uint32_t)(h >> (64 - log2_buckets));
}
/* Of the first q + s - 1 bytes of a literal, which each of a group (q, s) has: the window is known
 * by its bucket, these bytes say more. s - 1 <= q, or some between are left out. */
static inline uint16_t foldhash_tag(const uint8_t *lit, unsigned q, unsigned s) {
    uint64_t first = foldhash_load(lit, q), last = foldhash_load(lit + s - 1, q);
    return (uint16_t)(foldhash_bucket(first + (last << 7 | last >> 57)) >> 48);
}

#endif
