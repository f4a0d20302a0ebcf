// SPDX-License-Identifier: Apache-2.0
/*
 * mem: the only door to malloc, with a counter that tests use to fail the n-th allocation.
 *
 * Ownership: mem_alloc, mem_alloc_sure, mem_zalloc and mem_realloc **return owned** memory,
 * released by mem_free. Errors: NULL when memory is exhausted, when the size is zero or above
 * MEM_MAX_BYTES, or when a test asked this allocation to fail; mem_realloc leaves the old block
 * alone then. Not for use across threads with fault injection; the project has no threads in
 * hostile code.
 */
#ifndef SK_BASE_MEM_H
#define SK_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/banned.h"

#define MEM_MAX_BYTES ((size_t)1 << 40)

void *mem_alloc(size_t bytes) __attribute__((malloc, alloc_size(1), warn_unused_result));
/* The same; the first sure_bytes are likely to be written: their pages are made at once, however
 * few are left of what mem_keep allows. */
void *mem_alloc_sure(size_t bytes, size_t sure_bytes)
    __attribute__((malloc, alloc_size(1), warn_unused_result));
void *mem_zalloc(size_t count, size_t each_bytes) __attribute__((malloc, warn_unused_result));
void *mem_realloc(void *old, size_t bytes) __attribute__((warn_unused_result));
/* Grow an array to hold at least `need` elements, doubling; *cap is updated. NULL: nothing changed.
 */
void *mem_grow(void *old, size_t *cap, size_t need, size_t each_bytes)
    __attribute__((warn_unused_result));
char *mem_strdup(const char *text) __attribute__((warn_unused_result));
void mem_free(void *block);
/* From now on pages of large blocks are kept for the next ones when they are freed, up to so many
 * bytes together with all blocks and the heap. Once; for processes that scan. Without effect
 * under sanitizers, which are to see every block. */
void mem_keep(size_t budget_bytes);
/* Bytes of large blocks that malloc does not know of: mallinfo2 tells of the others. */
size_t mem_large_bytes(void);
/* Gives pages of freed blocks of the heap back to the system, wherever they lie, where there are
 * many: worth it when something large has come to an end, or is about to begin. */
void mem_trim(void);

/* So many bytes are about to be asked for in small blocks: their pages are made at once, at a
 * tenth of what a page fault for each costs. Advice only: not before Linux 5.14, nor where memory
 * is short, nor under sanitizers. */
void mem_expect(size_t bytes);

/* Scope cleanup: `MEM_AUTO char *p = mem_alloc(..)` frees at the end of the scope. */
static inline void mem_free_ptr(void *ptr_to_ptr) {
    mem_free(*(void **)ptr_to_ptr);
}
#define MEM_AUTO __attribute__((cleanup(mem_free_ptr)))

/* Tests: let the n-th allocation from now fail (1 = the next); 0 switches off. Returns nothing. */
void mem_fault_set(uint64_t nth);
/* Tests: allocations seen since the last mem_fault_set. */
uint64_t mem_fault_seen(void);

#endif
