// SPDX-License-Identifier: Apache-2.0
/*
 * struct budget: what one object may still cost: time, bytes, files, depth, ratio.
 *
 * Life cycle: budget_init once per scanner, budget_start per object. It only counts and answers;
 * who asks writes the note. Limits of zero become the built-in maximum here and nowhere else.
 * Errors: none. Units: bytes, milliseconds. Defaults: ClamAV 1.4 (clamav-formats.md 1.10); seen
 * with clamscan: MaxRecursion N allows N layers on top of each other, MaxFiles N layers in all,
 * the object itself counted in both.
 */
#ifndef SK_ENGINE_BUDGET_H
#define SK_ENGINE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "sekisho.h"

#define BUDGET_RECURSION_MAX 100u
/* The ratio is judged only past this many unpacked bytes. */
#define BUDGET_RATIO_FROM ((uint64_t)10 << 20)

struct budget {
    struct sk_limits limits; /* no zero in it */
    uint64_t (*now_ms)(void);
    uint64_t end_ms;
    uint64_t bytes; /* of all layers so far */
    uint32_t files; /* layers so far */
    bool time_over; /* stays set until budget_start */
};

void budget_init(struct budget *b, const struct sk_limits *limits);
void budget_start(struct budget *b);
/* No more than this part of the time limit, from now on. */
void budget_hurry(struct budget *b, uint32_t part);
/* Asks the clock. */
bool budget_time_left(struct budget *b);
/* Bytes that further layers may have. */
uint64_t budget_bytes_left(const struct budget *b);
/* Is `size` out of `packed` bytes too good to be true? packed 0 counts as 1. */
bool budget_ratio_over(const struct budget *b, uint64_t size, uint64_t packed);

#endif
