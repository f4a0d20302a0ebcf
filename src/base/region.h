// SPDX-License-Identifier: Apache-2.0
/*
 * struct region: blocks of whole pages out of one range of addresses, whose pages stay in memory
 * when a block is freed, for the next. What mem.c makes large blocks of in processes that scan.
 *
 * Life cycle: zero-initialise (closed: gives nothing) -> region_open once -> alloc, resize, free.
 * It is never closed: the process ends. Ownership: a block is **returned owned**, to be freed by
 * region_free. Errors: NULL or false when there is no room; a pointer that is no block, or was
 * freed, ends the process. Limits: `budget` pages in blocks and kept together, REGION_PAGES of
 * addresses. Units: bytes, except where pages are said. Not thread-safe.
 */
#ifndef SK_BASE_REGION_H
#define SK_BASE_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGION_PAGE_BYTES ((size_t)4096)
#define REGION_PAGES 16384u

struct region {
    uint8_t *base;                    /* NULL: closed */
    size_t budget;                    /* pages: of used + kept */
    size_t used;                      /* pages of blocks */
    size_t kept;                      /* pages of no block that are in memory: bits in warm */
    uint32_t first;                   /* no run of free pages begins below */
    uint16_t run[REGION_PAGES];       /* how long it is, at its first and last page; IN_USE */
    uint64_t warm[REGION_PAGES / 64]; /* a bit for each page that is kept */
};

/* False: no addresses are to be had, or pages have another size; the region stays closed. */
bool region_open(struct region *r, size_t budget_bytes);
/* At least 64-byte aligned, not zeroed; the pages of the first sure_bytes are in memory: they are
 * likely to be written to. NULL: no room. */
void *region_alloc(struct region *r, size_t bytes, size_t sure_bytes)
    __attribute__((warn_unused_result));
static inline bool region_owns(const struct region *r, const void *block) {
    return (uintptr_t)block - (uintptr_t)r->base < REGION_PAGES * REGION_PAGE_BYTES &&
           r->base != NULL;
}
/* How many bytes there are for the owner of the block: at least as many as it asked for. */
size_t region_usable(const struct region *r, const void *block);
/* Makes the block larger or smaller where it is. sure: what it grows by will be written to. False:
 * it stays as it was. */
bool region_resize(struct region *r, void *block, size_t bytes, bool sure);
void region_free(struct region *r, void *block);
/* Faults in all pages that lie within the bytes at once: they are to be filled. */
void region_populate(void *bytes, size_t len);
/* Gives the pages that lie within the bytes of a block back: their contents are lost. They count as
 * kept when the block is freed. */
void region_drain(void *bytes, size_t len);
/* Gives kept pages back to the system until no more than so many are left. */
void region_cool(struct region *r, size_t most_pages);

#endif
