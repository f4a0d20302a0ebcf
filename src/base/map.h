// SPDX-License-Identifier: Apache-2.0
/*
 * struct map: an open-addressing index from hashes to numbers, for pools that keep equal things
 * once.
 *
 * The map stores 32-bit values (indexes into an array of the caller) and the upper bits of their
 * hashes; keys stay where they are, and equality is asked of the caller. Nothing is ever removed.
 *
 * Life cycle: zero-initialise -> map_get, map_put... -> map_release. Ownership: owns its slots
 * only. Errors: map_put gives SK_E_NOMEM (also above 2^31 values) and changes nothing then.
 */
#ifndef SK_BASE_MAP_H
#define SK_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MAP_NONE UINT32_MAX

struct map_slot {
    uint32_t hash;
    uint32_t value; /* MAP_NONE: empty */
};
struct map {
    struct map_slot *slot;
    size_t cap; /* power of two */
    size_t count;
};

/* Is the thing numbered `value` the one that is looked for? */
typedef bool (*map_equal_fn)(void *ctx, uint32_t value);

/* Not for adversaries who choose keys: a slow map is the worst they get. */
uint64_t map_hash(const void *bytes, size_t len);
/* The value whose hash is equal and for which equal() says true, or MAP_NONE. */
uint32_t map_get(const struct map *m, uint64_t hash, map_equal_fn equal, void *ctx);
/* Adds without looking whether it is there. value must not be MAP_NONE. */
sk_err map_put(struct map *m, uint64_t hash, uint32_t value);
void map_release(struct map *m);

#endif
