// SPDX-License-Identifier: Apache-2.0
/*
 * Bloom filter of eight-byte folded windows that many ordinary files hold: two bits a window.
 * Shared by the model and by tools/freq_model.c, which fills it.
 */
#ifndef SK_DEFC_FREQ_SEEN_H
#define SK_DEFC_FREQ_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#define FREQ_SEEN_LOG2 18u
#define FREQ_SEEN_WORDS ((1u << FREQ_SEEN_LOG2) / 64)

static inline uint64_t freq_seen_hash(uint64_t window) {
    uint64_t h = window * 0xD6E8FEB86659FD93u;
    return (h ^ h >> 32) * 0x9E3779B97F4A7C15u;
}
static inline void freq_seen_add(uint64_t *seen, uint64_t window) {
    uint64_t h = freq_seen_hash(window);
    uint32_t a = (uint32_t)(h >> (64 - FREQ_SEEN_LOG2)), b = h >> 8 & ((1u << FREQ_SEEN_LOG2) - 1);
    seen[a / 64] |= (uint64_t)1 << a % 64;
    seen[b / 64] |= (uint64_t)1 << b % 64;
}
static inline bool freq_seen_has(const uint64_t *seen, uint64_t window) {
    uint64_t h = freq_seen_hash(window);
    uint32_t a = (uint32_t)(h >> (64 - FREQ_SEEN_LOG2)), b = h >> 8 & ((1u << FREQ_SEEN_LOG2) - 1);
    return (seen[a / 64] >> a % 64 & seen[b / 64] >> b % 64 & 1) != 0;
}

#endif
