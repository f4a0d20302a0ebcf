// SPDX-License-Identifier: Apache-2.0
/*
 * The one file that may call malloc. Everything above asks here, so that an allocation can be
 * refused on purpose (tests walk through "the n-th allocation fails" for every n) and a size that
 * came out of hostile arithmetic is refused before the allocator sees it.
 */
#include "base/mem.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

static uint64_t fault_nth;
static uint64_t fault_seen;

/* Blocks from MEM_LARGE_BYTES on begin with a line of the cache: the system copies what is read
 * from a file into them a twentieth faster, and vectors are loaded from them without crossing
 * lines. */
#define MEM_LARGE_BYTES ((size_t)16 << 10)
#define LINE_BYTES ((size_t)64)

static int refused(size_t bytes) {
    fault_seen++;
    if (fault_nth != 0 && fault_seen == fault_nth) {
        return 1;
    }
    return bytes == 0 || bytes > MEM_MAX_BYTES;
}

void *mem_alloc(size_t bytes) {
    void *block = NULL;
    if (refused(bytes)) {
        return NULL;
    }
    if (bytes < MEM_LARGE_BYTES) {
        return malloc(bytes);
    }
    return posix_memalign(&block, LINE_BYTES, bytes) == 0 ? block : NULL;
}

void *mem_zalloc(size_t count, size_t each_bytes) {
    size_t bytes;
    if (__builtin_mul_overflow(count, each_bytes, &bytes) || refused(bytes)) {
        return NULL;
    }
    return calloc(count, each_bytes);
}

void *mem_realloc(void *old, size_t bytes) {
    return refused(bytes) ? NULL : realloc(old, bytes);
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
    free(block);
}

void mem_expect(size_t bytes) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    void *block = malloc(bytes);
    uintptr_t from = ((uintptr_t)block + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)block + bytes) / page * page;
    if (block != NULL && from < to) {
        /* Advice: fails before Linux 5.14, and where memory is short. */
        (void)madvise((void *)from, to - from, MADV_POPULATE_WRITE);
    }
    free(block);
}

void mem_trim(void) {
    (void)malloc_trim(0);
}

void mem_fault_set(uint64_t nth) {
    fault_nth = nth;
    fault_seen = 0;
}

uint64_t mem_fault_seen(void) {
    return fault_seen;
}
