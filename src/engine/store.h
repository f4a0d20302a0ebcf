// SPDX-License-Identifier: Apache-2.0
/*
 * struct store: the unpacked bytes of one layer: contiguous memory while they are few, the spool
 * file beyond. struct store_pool: what all stores of one scanner share.
 *
 * Life cycle: store_pool_init once; store_begin -> store_room/store_put... -> store_source (any
 * number) -> [store_keep] -> store_release. At most one store grows at a time once it is spooled;
 * those that grow side by side are told to stay in memory.
 * Ownership: the pool **borrows** the spool descriptor (-1: memory only); a store owns its memory
 * and returns it to the pool. Sources made from a store **borrow** it: it must not move.
 * Errors: SK_E_LIMIT (memory ceiling, without a spool file), SK_E_NOMEM, SK_E_IO (spool file full).
 * What was stored before an error stays readable. Units: bytes.
 */
#ifndef SK_ENGINE_STORE_H
#define SK_ENGINE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/source.h"

#define STORE_MEMORY_BYTES ((size_t)6 << 20)   /* larger layers go to the spool file */
#define STORE_AT_ONCE_BYTES ((size_t)14 << 20) /* but so large ones that come at once do not */
#define STORE_KEPT_BYTES ((size_t)4 << 20) /* so much may wait in memory when there is a spool */
#define STORE_SPARES 2

struct store_buf {
    uint8_t *ptr;
    size_t cap;
};

struct store_pool {
    int fd;
    uint64_t end;        /* of the used part of the spool file */
    unsigned spooled;    /* stores in it */
    size_t kept;         /* bytes of stores waiting in memory */
    size_t held;         /* bytes of all buffers in use */
    size_t ceiling;      /* of held */
    size_t memory_bytes; /* STORE_MEMORY_BYTES; smaller in tests */
    struct store_buf spare[STORE_SPARES];
};

struct store {
    struct store_pool *pool;
    struct store_buf buf; /* the bytes, or what waits to be written to the spool */
    uint64_t len;
    uint64_t spool_off;
    size_t kept_bytes; /* part of pool->kept */
    bool spooled;
    bool stays; /* set after store_begin: in memory whatever its size, so several may grow */
};

void store_pool_init(struct store_pool *pool, int spool_fd, uint64_t ceiling_bytes);
/* Between objects: give large buffers back to the system. */
void store_pool_trim(struct store_pool *pool);
void store_pool_release(struct store_pool *pool);
/* How large the largest spare buffer is, which the next store gets. */
size_t store_pool_spare(const struct store_pool *pool);

void store_begin(struct store *st, struct store_pool *pool);
/* Right after store_begin: so many bytes are likely to come, out of `packed` ones: room for them at
 * once, so that a decoder which wants all of it gets it and nothing is moved. Only a hint. */
void store_expect(struct store *st, uint64_t bytes, uint64_t packed);
/* The same, where they come at once if there is room, out of bytes in memory, and the
 * decoder has no memory of its own: larger layers stay in memory then. */
void store_expect_at_once(struct store *st, uint64_t bytes, uint64_t packed);
/* Room to write into, at least 64 KiB, or what the ceiling leaves; then tell how much was written.
 */
sk_err store_room(struct store *st, uint8_t **out_ptr, size_t *out_cap);
sk_err store_put(struct store *st, size_t len);
/* A source over everything stored. */
void store_source(struct store *st, struct sk_source *out_source);
/* The store will wait: shrink to its size, or move to the spool when too much waits already.
 * Sources made before are void. */
sk_err store_keep(struct store *st);
void store_release(struct store *st);

#endif
