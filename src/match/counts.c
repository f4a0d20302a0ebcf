// SPDX-License-Identifier: Apache-2.0
/*
 * Memory of subsignature counts: linear probing, at most half full, doubled when it fills up.
 * A table that one exceptional scan made large is given back when it is cleared, so that later
 * scans do not pay for wiping it.
 *
 * The slots were in the table itself once. Who asks for thousands, round after round, did a miss of
 * the cache or two for each question: an eighth of the time on files made of signatures.
 */
#include "match/counts.h"

#include <string.h>

#include "base/mem.h"

#define FIRST_NUMBERS 256u
#define KEEP_NUMBERS 8192u

/* Where the number of this subsignature is, or would be. */
static uint32_t *probe(const struct counts *c, uint32_t segment, uint32_t sub) {
    uint64_t key = ((uint64_t)segment << 32 | sub) + 1;
    size_t at = (size_t)(key * 0x9E3779B97F4A7C15u >> 32) & (c->number_count - 1);
    for (; c->number[at] != 0; at = (at + 1) & (c->number_count - 1)) {
        const struct count_slot *slot = &c->slot[c->number[at] - 1];
        if (slot->sub == sub && slot->segment == segment) {
            break;
        }
    }
    return &c->number[at];
}

static bool grow(struct counts *c) {
    size_t wanted = c->number_count == 0 ? FIRST_NUMBERS : c->number_count * 2;
    uint32_t *number = mem_zalloc(wanted, sizeof(*number));
    if (number == NULL) {
        return false;
    }
    mem_free(c->number);
    c->number = number;
    c->number_count = wanted;
    for (size_t i = 0; i < c->used; i++) {
        *probe(c, c->slot[i].segment, c->slot[i].sub) = (uint32_t)i + 1;
    }
    return true;
}

uint32_t counts_index(struct counts *c, unsigned segment, uint32_t sub) {
    if ((c->used + 1) * 2 > c->number_count && !grow(c)) {
        return COUNTS_NONE;
    }
    uint32_t *number = probe(c, segment, sub);
    if (*number == 0) {
        struct count_slot *grown = mem_grow(c->slot, &c->cap, c->used + 1, sizeof(*grown));
        if (grown == NULL) {
            return COUNTS_NONE;
        }
        c->slot = grown;
        c->slot[c->used++] = (struct count_slot){.segment = segment, .sub = sub};
        *number = (uint32_t)c->used;
    }
    return *number - 1;
}

struct count_slot *counts_slot(struct counts *c, unsigned segment, uint32_t sub) {
    uint32_t index = counts_index(c, segment, sub);
    return index == COUNTS_NONE ? NULL : &c->slot[index];
}

void counts_clear(struct counts *c) {
    if (c->number_count > KEEP_NUMBERS) {
        counts_release(c);
        return;
    }
    if (c->used > 0) {
        memset(c->number, 0, c->number_count * sizeof(*c->number));
        c->used = 0;
    }
}

void counts_release(struct counts *c) {
    mem_free(c->slot);
    mem_free(c->number);
    *c = (struct counts){0};
}
