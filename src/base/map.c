// SPDX-License-Identifier: Apache-2.0
/*
 * Linear probing in a table of power-of-two size, at most half full:
 *
 *     slot[hash & (cap - 1)] -> next -> next -> empty
 *
 * A slot keeps 32 bits of the hash, so that growing never asks the caller for keys again and a
 * probe of a foreign key hardly ever calls equal(). Used by the definitions compiler, which keeps
 * equal programs, literals and subsignatures once.
 */
#include "base/map.h"

#include "base/cursor.h"
#include "base/mem.h"

#define FIRST_CAP ((size_t)64)
#define MAP_MAX ((size_t)1 << 31)

uint64_t map_hash(const void *bytes, size_t len) {
    uint64_t h = 0x9E3779B97F4A7C15u ^ (uint64_t)len;
    struct sk_cursor c = sk_cursor_make(bytes, len);
    while (sk_cursor_left(&c) >= 8) {
        h = (h ^ sk_load_u64le(sk_cursor_take(&c, 8))) * 0xD6E8FEB86659FD93u;
        h ^= h >> 29;
    }
    while (sk_cursor_left(&c) > 0) {
        h = (h ^ sk_cursor_u8(&c)) * 0x9E3779B97F4A7C15u;
    }
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93u;
    return h ^ (h >> 32);
}

uint32_t map_get(const struct map *m, uint64_t hash, map_equal_fn equal, void *ctx) {
    if (m->cap == 0) {
        return MAP_NONE;
    }
    uint32_t want = (uint32_t)hash;
    for (size_t i = want & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
        const struct map_slot *s = &m->slot[i];
        if (s->value == MAP_NONE) {
            return MAP_NONE;
        }
        if (s->hash == want && equal(ctx, s->value)) {
            return s->value;
        }
    }
}

static void place(struct map_slot *slot, size_t cap, struct map_slot one) {
    size_t i = one.hash & (cap - 1);
    while (slot[i].value != MAP_NONE) {
        i = (i + 1) & (cap - 1);
    }
    slot[i] = one;
}

static sk_err grow(struct map *m) {
    size_t cap = m->cap == 0 ? FIRST_CAP : m->cap * 2;
    if (cap > MAP_MAX * 2) {
        return sk_fail(SK_E_NOMEM);
    }
    struct map_slot *slot = mem_alloc(cap * sizeof(*slot));
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (size_t i = 0; i < cap; i++) {
        slot[i] = (struct map_slot){0, MAP_NONE};
    }
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slot[i].value != MAP_NONE) {
            place(slot, cap, m->slot[i]);
        }
    }
    mem_free(m->slot);
    m->slot = slot;
    m->cap = cap;
    return sk_ok();
}

sk_err map_put(struct map *m, uint64_t hash, uint32_t value) {
    if ((m->count + 1) * 2 > m->cap) {
        TRY(grow(m));
    }
    place(m->slot, m->cap, (struct map_slot){(uint32_t)hash, value});
    m->count++;
    return sk_ok();
}

void map_release(struct map *m) {
    mem_free(m->slot);
    *m = (struct map){0};
}
