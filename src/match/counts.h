// SPDX-License-Identifier: Apache-2.0
/*
 * struct counts: what is already known in this scan about the hits of subsignatures. Signatures
 * share subsignatures (28 % in the official set), so each is searched once a scan.
 *
 * Slots lie in the order in which they were made, a small open-addressing table of their numbers
 * finds them; empty it touches nothing. A number stays valid until counts_clear.
 *
 * Life cycle: zeroed -> counts_index, counts_slot... -> counts_clear -> ... -> counts_release.
 * Errors: COUNTS_NONE, NULL = no memory, nothing changed.
 */
#ifndef SK_MATCH_COUNTS_H
#define SK_MATCH_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nothing is known; its longest key was seen, or the part with it; it has no hit. */
enum { COUNT_NEW, COUNT_SEEN_KEY, COUNT_SEEN_PART, COUNT_ABSENT };

struct count_slot {
    uint32_t segment, sub;
    uint64_t asked; /* searched up to this count; 0 = not yet. count < asked: count is exact */
    uint64_t count;
    uint64_t first;  /* offset of the first hit */
    uint64_t from;   /* its longest key does not stand before it */
    uint32_t places; /* 1 + index in the matcher's list; 0: not known */
    uint8_t seen;    /* by prune.c: COUNT_SEEN_* */
    bool wanted;     /* will be looked for in this round of it */
};
struct counts {
    struct count_slot *slot;
    size_t used;
    size_t cap;
    uint32_t *number;    /* 1 + number of a slot; 0: free */
    size_t number_count; /* zero or a power of two */
};

#define COUNTS_NONE UINT32_MAX
/* The number of the slot of this subsignature, made when it is new. */
uint32_t counts_index(struct counts *c, unsigned segment, uint32_t sub);
/* The slot itself. Borrowed until the next call. */
struct count_slot *counts_slot(struct counts *c, unsigned segment, uint32_t sub);
void counts_clear(struct counts *c);
void counts_release(struct counts *c);

#endif
