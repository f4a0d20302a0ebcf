// SPDX-License-Identifier: Apache-2.0
/*
 * struct arena: memory whose life ends with one reset. One arena per scan, with a hard ceiling.
 *
 * Life cycle: arena_init -> arena_alloc... -> arena_clear (keeps the first block) -> ... ->
 * arena_release. arena_mark/arena_rewind give stack-like reuse inside one life.
 * Ownership: memory from arena_alloc is **borrowed** until the next clear, rewind past it, or
 * release. Errors: arena_alloc returns NULL when the ceiling or memory is exhausted; `refused`
 * stays set until arena_clear, so that a scan can report the limit once. Units: bytes. Not
 * thread-safe.
 */
#ifndef SK_BASE_ARENA_H
#define SK_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

struct arena_block;

struct arena {
    struct arena_block *top;
    size_t ceiling_bytes; /* sum of all blocks may not pass this */
    size_t held_bytes;    /* sum of all blocks now */
    size_t block_bytes;   /* of a usual one */
    bool refused;         /* an allocation was refused since the last clear */
};

struct arena_mark {
    struct arena_block *block;
    size_t used;
};

void arena_init(struct arena *arena, size_t ceiling_bytes);
/* For one of many at a time that hold little: blocks of block_bytes instead of 64 KiB, each of
 * which would begin on a page of its own. */
void arena_init_small(struct arena *arena, size_t ceiling_bytes, size_t block_bytes);
/* 16-byte aligned, not zeroed. Zero bytes is allowed and gives a unique non-NULL pointer. */
void *arena_alloc(struct arena *arena, size_t bytes) __attribute__((warn_unused_result));
void *arena_zalloc(struct arena *arena, size_t count, size_t each_bytes)
    __attribute__((warn_unused_result));
/* Copy with a terminating NUL added. */
char *arena_strndup(struct arena *arena, const char *text, size_t len)
    __attribute__((warn_unused_result));
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);
void arena_clear(struct arena *arena);
void arena_release(struct arena *arena);

#endif
