// SPDX-License-Identifier: Apache-2.0
/*
 * Bloom filters of folded windows that many ordinary files hold, two bits a window: freq_seen of
 * eight bytes, freq_word of five to seven (the bytes above are zero), freq_windows of eight bytes
 * of text in Windows programs. Shared by the model and by tools/freq_model.c, which fills the first
 * two; tools/freq_windows.py fills the third.
 */
#ifndef SK_DEFC_FREQ_SEEN_H
#define SK_DEFC_FREQ_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#define FREQ_SEEN_LOG2 18u
#define FREQ_SEEN_WORDS ((1u << FREQ_SEEN_LOG2) / 64)
#define FREQ_WINDOWS_LOG2 17u
#define FREQ_WINDOWS_WORDS ((1u << FREQ_WINDOWS_LOG2) / 64)
#define FREQ_WORD_LOG2 20u
#define FREQ_WORD_WORDS ((1u << FREQ_WORD_LOG2) / 64)
#define FREQ_WORD_MIN 5u

static inline uint64_t freq_seen_hash(uint64_t window) {
    uint64_t h = window * 0xD6E8FEB86659FD93u;
    return (h ^ h >> 32) * 0x9E3779B97F4A7C15u;
}
static inline void freq_filter_add(uint64_t *set, unsigned log2, uint64_t window) {
    uint64_t h = freq_seen_hash(window);
    uint64_t a = h >> (64 - log2), b = h >> 8 & (((uint64_t)1 << log2) - 1);
    set[a / 64] |= (uint64_t)1 << a % 64;
    set[b / 64] |= (uint64_t)1 << b % 64;
}
static inline bool freq_filter_has(const uint64_t *set, unsigned log2, uint64_t window) {
    uint64_t h = freq_seen_hash(window);
    uint64_t a = h >> (64 - log2), b = h >> 8 & (((uint64_t)1 << log2) - 1);
    return (set[a / 64] >> a % 64 & set[b / 64] >> b % 64 & 1) != 0;
}

static inline void freq_seen_add(uint64_t *seen, uint64_t window) {
    freq_filter_add(seen, FREQ_SEEN_LOG2, window);
}
static inline bool freq_seen_has(const uint64_t *seen, uint64_t window) {
    return freq_filter_has(seen, FREQ_SEEN_LOG2, window);
}
static inline void freq_word_add(uint64_t *word, uint64_t window) {
    freq_filter_add(word, FREQ_WORD_LOG2, window);
}
static inline bool freq_word_has(const uint64_t *word, uint64_t window) {
    return freq_filter_has(word, FREQ_WORD_LOG2, window);
}

#endif
