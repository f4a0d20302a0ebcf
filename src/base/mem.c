// SPDX-License-Identifier: Apache-2.0
/*
 * The one file that may call malloc. Everything above asks here, so that an allocation can be
 * refused on purpose (tests walk through "the n-th allocation fails" for every n) and a size that
 * came out of hostile arithmetic is refused before the allocator sees it.
 *
 * A process that scans has new memory as seldom as it can (region.c tells what a page costs):
 *
 *     small    glibc's heap; what that grows by is faulted in at once, while there is room
 *     large    the region, whose pages stay, while it has room
 *     others   glibc; what is no part of its heap is counted as `beside`, zeroed ones, too
 *
 * Heap, blocks beside, the region's blocks and what it keeps are within one budget: what is kept
 * yields to all others. Near the end of the budget, and beyond it, it is as without it, page by
 * page.
 *
 * Under sanitizers all is malloc's, so that each block has its own bounds and its own end.
 */
#include "base/mem.h"

#include <malloc.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/region.h"
#include "base/sanitized.h"

static uint64_t fault_nth;
static uint64_t fault_seen;

/* Blocks from MEM_LARGE_BYTES on begin with a line of the cache: the system copies what is read
 * from a file into them a twentieth faster, and vectors are loaded from them without crossing
 * lines. */
#define MEM_LARGE_BYTES ((size_t)16 << 10)
#define LINE_BYTES ((size_t)64)
#define HOLES_BYTES ((size_t)1 << 20)
#define BESIDE_BYTES ((size_t)256 << 10)
#define COPY_BYTES ((size_t)256 << 10)

static struct region region; /* closed, and without room, until mem_keep */
static uint8_t *heap_end;
static uint8_t *heap_began; /* what lies behind is counted, too */
static size_t beside;       /* bytes of blocks from BESIDE_BYTES on that are in neither */

static int refused(size_t bytes) {
    fault_seen++;
    if (fault_nth != 0 && fault_seen == fault_nth) {
        return 1;
    }
    return bytes == 0 || bytes > MEM_MAX_BYTES;
}

/* Pages of the budget that neither blocks nor the heap have. The heap may end below where it began:
 * what the process inherited at its end was cut off. */
static size_t pages_left(void) {
    uint8_t *end = sbrk(0);
    heap_began = end < heap_began ? end : heap_began;
    size_t pages = region.used + (beside + (size_t)(end - heap_began)) / REGION_PAGE_BYTES;
    return pages < region.budget ? region.budget - pages : 0;
}

/* Is there so much room that pages come before they are needed? */
static bool is_roomy(size_t bytes) {
    return pages_left() > region.budget / 4 + bytes / REGION_PAGE_BYTES;
}

/* What is kept yields to what is in use. */
static void settle(void) {
    if (region.kept > 0) {
        region_cool(&region, pages_left());
    }
}

/* Blocks of the heap are counted with it. */
static size_t weight(void *block) {
    bool heap = (uintptr_t)block < (uintptr_t)sbrk(0);
    size_t bytes = heap || region.base == NULL ? 0 : malloc_usable_size(block);
    return bytes < BESIDE_BYTES ? 0 : bytes;
}

/* Blocks of before mem_keep were not counted. */
static void uncount(size_t bytes) {
    beside -= bytes < beside ? bytes : beside;
}

static void *counted(void *block) {
    beside += weight(block);
    heap_end = sbrk(0);
    settle();
    return block;
}

/* Near the end of the budget no page comes before it is needed, but for the first sure_bytes, which
 * are likely to be. glibc's own mappings are new memory, too. */
static void *large_alloc(size_t bytes, size_t sure_bytes) {
    size_t sure = is_roomy(bytes) ? bytes : sure_bytes;
    void *block = region_alloc(&region, bytes, sure);
    if (block != NULL) {
        settle();
        return block;
    }
    if (posix_memalign(&block, LINE_BYTES, bytes) != 0) {
        return NULL;
    }
    (void)counted(block);
    if (bytes >= BESIDE_BYTES) {
        region_populate(block, sure);
    }
    return block;
}

/* What the heap has grown by is faulted in at once, while there is room. */
static void *small_alloc(size_t bytes) {
    void *block = malloc(bytes);
    if (region.base != NULL) {
        uint8_t *end = sbrk(0);
        if (end > heap_end && is_roomy(0)) {
            region_populate(heap_end, (size_t)(end - heap_end));
        }
        heap_end = end;
    }
    return block;
}

static void *fresh(size_t bytes, size_t sure_bytes) {
    return bytes < MEM_LARGE_BYTES ? small_alloc(bytes) : large_alloc(bytes, sure_bytes);
}

void *mem_alloc(size_t bytes) {
    return refused(bytes) ? NULL : fresh(bytes, 0);
}

void *mem_alloc_sure(size_t bytes, size_t sure_bytes) {
    return refused(bytes) ? NULL : fresh(bytes, sure_bytes < bytes ? sure_bytes : bytes);
}

void *mem_zalloc(size_t count, size_t each_bytes) {
    size_t bytes;
    if (__builtin_mul_overflow(count, each_bytes, &bytes) || refused(bytes)) {
        return NULL;
    }
    return counted(calloc(count, each_bytes));
}

/* Where the budget is used up, pages of the old block go as soon as they are copied: both blocks
 * in memory at once were the peak of a scan (a layer of 4 MiB that grows: 25 MiB instead of 20).
 * Where pages of the new one may be missing, they come as many at a time. */
static void copy(uint8_t *to, uint8_t *from, size_t bytes) {
    bool comes = !is_roomy(0);
    bool drains = region_owns(&region, from) && pages_left() == 0;
    for (size_t done = 0, n; done < bytes; done += n) {
        n = bytes - done < COPY_BYTES ? bytes - done : COPY_BYTES;
        if (comes) {
            region_populate(to + done, n);
        }
        memcpy(to + done, from + done, n);
        if (drains) {
            region_drain(from + done, n);
        }
    }
}

/* Between the region and the heap, or within the region. */
static void *move(void *old, size_t old_bytes, size_t bytes) {
    void *block = fresh(bytes, 0);
    if (block != NULL) {
        copy(block, old, old_bytes < bytes ? old_bytes : bytes);
        mem_free(old);
    }
    return block;
}

void *mem_realloc(void *old, size_t bytes) {
    if (refused(bytes)) {
        return NULL;
    }
    if (region_owns(&region, old)) {
        bool done = region_resize(&region, old, bytes, is_roomy(bytes));
        settle();
        return done ? old : move(old, region_usable(&region, old), bytes);
    }
    if (region.base == NULL) {
        return realloc(old, bytes);
    }
    if (old == NULL) {
        return fresh(bytes, 0);
    }
    size_t had = malloc_usable_size(old), weighed = weight(old);
    if (had < MEM_LARGE_BYTES && bytes >= MEM_LARGE_BYTES) {
        return move(old, had, bytes);
    }
    void *block = realloc(old, bytes);
    if (block == NULL) {
        return NULL;
    }
    uncount(weighed);
    return counted(block);
}

void *mem_grow(void *old, size_t *cap, size_t need, size_t each_bytes) {
    if (need <= *cap && old != NULL) {
        return old;
    }
    size_t want = *cap < 8 ? 8 : *cap;
    while (want < need) {
        if (__builtin_mul_overflow(want, (size_t)2, &want)) {
            return NULL;
        }
    }
    size_t bytes;
    if (__builtin_mul_overflow(want, each_bytes, &bytes)) {
        return NULL;
    }
    void *grown = mem_realloc(old, bytes);
    if (grown != NULL) {
        *cap = want;
    }
    return grown;
}

char *mem_strdup(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = mem_alloc(bytes);
    if (copy != NULL) {
        memcpy(copy, text, bytes);
    }
    return copy;
}

void mem_free(void *block) {
    if (region_owns(&region, block)) {
        region_free(&region, block);
        settle();
        return;
    }
    uncount(weight(block));
    free(block);
}

void mem_expect(size_t bytes) {
    void *block = SK_SANITIZED ? NULL : malloc(bytes);
    if (block != NULL) {
        region_populate(block, bytes);
    }
    free(block);
    heap_end = sbrk(0);
}

void mem_keep(size_t budget_bytes) {
    if (!SK_SANITIZED && region_open(&region, budget_bytes)) {
        heap_began = heap_end = sbrk(0);
    }
}

size_t mem_large_bytes(void) {
    return region.used * REGION_PAGE_BYTES;
}

void mem_trim(void) {
    if (region.base == NULL || mallinfo2().fordblks > HOLES_BYTES) {
        (void)malloc_trim(0);
    }
}

void mem_fault_set(uint64_t nth) {
    fault_nth = nth;
    fault_seen = 0;
}

uint64_t mem_fault_seen(void) {
    return fault_seen;
}
