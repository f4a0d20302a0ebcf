// SPDX-License-Identifier: Apache-2.0
/*
 * Memory of subsignature counts: linear probing, at most half full, doubled when it fills up.
 * A table that one exceptional scan made large is given back when it is cleared, so that later
 * scans do not pay for wiping it.
 */
#include "match/counts.h"

#include "base/mem.h"

#define FIRST_SLOTS 256u
#define KEEP_SLOTS 8192u

static struct count_slot *probe(struct count_slot *slot, size_t slot_count, uint64_t key) {
    size_t at = (size_t)(key * 0x9E3779B97F4A7C15u >> 32) & (slot_count - 1);
    while (slot[at].key != 0 && slot[at].key != key) {
        at = (at + 1) & (slot_count - 1);
    }
    return &slot[at];
}

static bool grow(struct counts *c) {
    size_t wanted = c->slot_count == 0 ? FIRST_SLOTS : c->slot_count * 2;
    struct count_slot *slot = mem_zalloc(wanted, sizeof(*slot));
    if (slot == NULL) {
        return false;
    }
    for (size_t i = 0; i < c->slot_count; i++) {
        if (c->slot[i].key != 0) {
            *probe(slot, wanted, c->slot[i].key) = c->slot[i];
        }
    }
    mem_free(c->slot);
    c->slot = slot;
    c->slot_count = wanted;
    return true;
}

struct count_slot *counts_slot(struct counts *c, unsigned segment, uint32_t sub) {
    uint64_t key = ((uint64_t)segment << 32 | sub) + 1;
    if ((c->used + 1) * 2 > c->slot_count && !grow(c)) {
        return NULL;
    }
    struct count_slot *slot = probe(c->slot, c->slot_count, key);
    if (slot->key == 0) {
        slot->key = key;
        c->used++;
    }
    return slot;
}

void counts_clear(struct counts *c) {
    if (c->slot_count > KEEP_SLOTS) {
        counts_release(c);
        return;
    }
    if (c->used > 0) {
        memset(c->slot, 0, c->slot_count * sizeof(*c->slot));
        c->used = 0;
    }
}

void counts_release(struct counts *c) {
    mem_free(c->slot);
    *c = (struct counts){0};
}
