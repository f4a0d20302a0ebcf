// SPDX-License-Identifier: Apache-2.0
/*
 * A chain of blocks, newest first:
 *
 *     arena.top -> [block 64K | used] -> [block 64K | full] -> NULL
 *
 * A request larger than a quarter of the usual block gets a block of its own size. Rewinding frees
 * the blocks above the mark, so that a scan of many members does not keep the largest of each.
 */
#include "base/arena.h"

#define BLOCK_BYTES ((size_t)64 * 1024)
#define ALIGN ((size_t)16)

struct arena_block {
    struct arena_block *below;
    size_t cap;
    size_t used;
    size_t pad; /* keeps data[] 16-byte aligned */
    _Alignas(16) uint8_t data[];
};

void arena_init(struct arena *arena, size_t ceiling_bytes) {
    arena_init_small(arena, ceiling_bytes, BLOCK_BYTES);
}

void arena_init_small(struct arena *arena, size_t ceiling_bytes, size_t block_bytes) {
    *arena = (struct arena){.ceiling_bytes = ceiling_bytes, .block_bytes = block_bytes};
}

static struct arena_block *push_block(struct arena *arena, size_t need) {
    size_t cap = need > arena->block_bytes / 4 ? need : arena->block_bytes;
    if (cap > arena->ceiling_bytes || arena->held_bytes > arena->ceiling_bytes - cap) {
        cap = need; /* near the ceiling: take only what is needed */
        if (cap > arena->ceiling_bytes || arena->held_bytes > arena->ceiling_bytes - cap) {
            return NULL;
        }
    }
    struct arena_block *block = mem_alloc(sizeof(*block) + cap);
    if (block == NULL) {
        return NULL;
    }
    block->cap = cap;
    block->used = 0;
    block->below = arena->top;
    arena->top = block;
    arena->held_bytes += cap;
    return block;
}

void *arena_alloc(struct arena *arena, size_t bytes) {
    if (bytes > MEM_MAX_BYTES) {
        arena->refused = true;
        return NULL;
    }
    size_t need = bytes == 0 ? ALIGN : (bytes + ALIGN - 1) & ~(ALIGN - 1);
    struct arena_block *block = arena->top;
    if (block == NULL || block->cap - block->used < need) {
        block = push_block(arena, need);
        if (block == NULL) {
            arena->refused = true;
            return NULL;
        }
    }
    void *result = block->data + block->used;
    block->used += need;
    return result;
}

void *arena_zalloc(struct arena *arena, size_t count, size_t each_bytes) {
    size_t bytes;
    if (__builtin_mul_overflow(count, each_bytes, &bytes)) {
        arena->refused = true;
        return NULL;
    }
    void *result = arena_alloc(arena, bytes);
    if (result != NULL) {
        memset(result, 0, bytes);
    }
    return result;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len) {
    if (len > MEM_MAX_BYTES) {
        arena->refused = true;
        return NULL;
    }
    char *copy = arena_alloc(arena, len + 1);
    if (copy != NULL) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

struct arena_mark arena_mark(const struct arena *arena) {
    return (struct arena_mark){arena->top, arena->top == NULL ? 0 : arena->top->used};
}

void arena_rewind(struct arena *arena, struct arena_mark mark) {
    while (arena->top != NULL && arena->top != mark.block) {
        struct arena_block *dead = arena->top;
        arena->top = dead->below;
        arena->held_bytes -= dead->cap;
        mem_free(dead);
    }
    if (arena->top != NULL) {
        arena->top->used = mark.used;
    }
}

void arena_clear(struct arena *arena) {
    while (arena->top != NULL && arena->top->below != NULL) {
        struct arena_block *dead = arena->top;
        arena->top = dead->below;
        arena->held_bytes -= dead->cap;
        mem_free(dead);
    }
    if (arena->top != NULL) {
        arena->top->used = 0;
    }
    arena->refused = false;
}

void arena_release(struct arena *arena) {
    arena_rewind(arena, (struct arena_mark){NULL, 0});
    arena->refused = false;
}
