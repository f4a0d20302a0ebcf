// SPDX-License-Identifier: Apache-2.0
/*
 * The frequency model: how often a short byte string is expected in ordinary files. Made by
 * tools/freq_model.sh; used to choose rare triggers. It decides speed, never results.
 *
 * Probabilities are per byte position and kept as -4 log2(p) ("quarters"): 0 is certain, 80 is once
 * a megabyte. Pure, deterministic on every machine (no libm).
 */
#ifndef SK_DEFC_FREQ_H
#define SK_DEFC_FREQ_H

#include <stddef.h>

#include "defc/freq_seen.h"

struct freq_gram {
    uint32_t gram; /* four folded bytes, little-endian; 0 = empty slot */
    uint8_t quarters;
};
#define FREQ_GRAM_SLOTS 16384u
extern const uint8_t freq_first[128];
extern const char freq_pair[128][129];
/* Of the lower seven bits of a byte, the case kept; without PE files. */
extern const uint8_t freq_low_first[128];
extern const char freq_low_pair[128][129];
/* Of normalised text (norm/text.h); its commonest grams. */
extern const uint8_t freq_text_first[128];
extern const char freq_text_pair[128][129];
extern const struct freq_gram freq_text_gram[]; /* in order */
extern const uint32_t freq_text_gram_count;
extern const struct freq_gram freq_gram[FREQ_GRAM_SLOTS];
extern const uint64_t freq_seen[FREQ_SEEN_WORDS];
extern const uint64_t freq_word[FREQ_WORD_WORDS];
extern const uint64_t freq_windows[FREQ_WINDOWS_WORDS];

#define FREQ_RUN_MAX 512u /* longer runs are looked at so far only */

/* Expected occurrences per byte position: of so many quarters, of one byte. */
double freq_rate(uint32_t quarters);
double freq_byte(uint8_t byte);

/* What the model says about one literal run. Fill with freq_run, then ask for windows of it. */
struct freq_run {
    const uint8_t *bytes; /* **borrows** */
    uint32_t len;
    uint32_t sum[FREQ_RUN_MAX];  /* quarters of the pairs before position i, from 0 */
    uint8_t first[FREQ_RUN_MAX]; /* quarters of the byte at i alone */
    uint8_t gram[FREQ_RUN_MAX];  /* quarters of a listed common gram at i, or 0 */
    bool seen[FREQ_RUN_MAX];     /* the eight bytes at i are in many files */
};
void freq_run(struct freq_run *r, const uint8_t *bytes, size_t len);
/* Is any window of eight bytes one that Windows programs hold? */
bool freq_holds_windows(const uint8_t *bytes, size_t len);
/* What they hold counts as seen in many files, too. */
void freq_run_windows(struct freq_run *r);
/* Expected hits per byte position of the n bytes (3..) at `at`. */
double freq_window(const struct freq_run *r, uint32_t at, uint32_t n);
/* The same in normalised text (n: 4..), when all grams of the window are common there; or 0. */
double freq_text_window(const struct freq_run *r, uint32_t at, uint32_t n);
/* Is every eight-byte window of these n bytes in many files, or, of five to seven, they themselves?
 * Then the whole probably is. */
bool freq_is_common_text(const struct freq_run *r, uint32_t at, uint32_t n);

#endif
