// SPDX-License-Identifier: Apache-2.0
/*
 * A page that a process gets anew costs 0.3 to 1 us on the hardware itself and 10 us on a virtual
 * machine whose page tables are shadowed in software, where what is then written into it takes
 * 0.3. glibc unmaps large blocks when they are freed, and cuts its heap; told to keep more, it
 * keeps that between blocks, too, beside the next large one. Here is kept what fits into a budget
 * together with the blocks there are, so what is kept adds nothing to the most that is needed.
 *
 *     pages   | block      | free     | block | free ...            |  REGION_PAGES of addresses
 *     run     | 3|U  . 3|U | 2     2  | 1|U   | 16378 ...     16378 |  at both ends of each run
 *     warm      0    0   0   1     1    0       1 1 1 0 0 0 ...        kept: free, and in memory
 *
 * Pages of a freed block all count as in memory. Those that were never written to, or were drained,
 * are not: they are counted too high, and come when they are touched.
 *
 * A block takes the first run that is long enough, so blocks lie low and close; free neighbours
 * become one run at once. There are a few hundred runs at most (owed.h), which costs less to look
 * through than what is put into one block. What must be given back is given back from the top.
 *
 * Pages that are new are faulted in by one MADV_POPULATE_WRITE for all of a block, a tenth of the
 * price of one fault each (0.9 us where a fault is 10); before Linux 5.14 they come one by one.
 * Huge pages would cost 0.3 us for 4 KiB, but count whole. Which pages come is said by who asks
 * (mem.c): blocks are larger than what is put into them, and with packages that was 1 to 3 MiB of
 * private memory at the peak.
 *
 * A block ends where its last page ends: many blocks that begin with a page would have their lines
 * in the same few sets of the cache, where digests read sixteen of them side by side.
 *
 * What is told of runs lies outside of them, where no overrun of a block reaches it.
 */
#include "base/region.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define IN_USE 0x8000u
#define LENGTH 0x7fffu
#define LINE_BYTES ((size_t)64)

_Static_assert(REGION_PAGES <= LENGTH && REGION_PAGES % 64 == 0, "lengths of runs, words of bits");

bool region_open(struct region *r, size_t budget_bytes) {
    if (r->base != NULL || sysconf(_SC_PAGESIZE) != (long)REGION_PAGE_BYTES) {
        return false;
    }
    void *base = mmap(NULL, REGION_PAGES * REGION_PAGE_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        return false;
    }
    /* Where the system gives huge pages unasked, a page would count as 512. */
    (void)madvise(base, REGION_PAGES * REGION_PAGE_BYTES, MADV_NOHUGEPAGE);
    r->base = base; /* the rest is zero: 34 KiB, of which most are never touched */
    r->budget = budget_bytes / REGION_PAGE_BYTES;
    r->run[0] = r->run[REGION_PAGES - 1] = REGION_PAGES;
    return true;
}

static void set_run(struct region *r, uint32_t at, uint32_t len, unsigned use) {
    r->run[at] = r->run[at + len - 1] = (uint16_t)(len | use);
}

static bool is_free(const struct region *r, uint32_t at) {
    return (r->run[at] & IN_USE) == 0;
}

static uint32_t length(const struct region *r, uint32_t at) {
    return r->run[at] & LENGTH;
}

static uint8_t *page(const struct region *r, uint32_t at) {
    return r->base + at * REGION_PAGE_BYTES;
}

static size_t pages_of(size_t bytes) {
    return bytes / REGION_PAGE_BYTES + (bytes % REGION_PAGE_BYTES != 0);
}

/* ---- pages that are kept --------------------------------------------------------------------- */

static bool is_warm(const struct region *r, uint32_t at) {
    return (r->warm[at / 64] >> (at % 64) & 1) != 0;
}

/* Advice about all pages that lie within the bytes. */
static void advise(void *bytes, size_t len, int advice) {
    size_t skip = (REGION_PAGE_BYTES - (uintptr_t)bytes % REGION_PAGE_BYTES) % REGION_PAGE_BYTES;
    if (len >= skip + REGION_PAGE_BYTES) {
        len = (len - skip) & ~(REGION_PAGE_BYTES - 1);
        (void)madvise((uint8_t *)bytes + skip, len, advice);
    }
}

void region_populate(void *bytes, size_t len) {
    advise(bytes, len, MADV_POPULATE_WRITE); /* or one by one */
}

void region_drain(void *bytes, size_t len) {
    advise(bytes, len, MADV_DONTNEED);
}

/* Of as many pages from `at` on as are alike, `len` at most. */
static uint32_t alike(const struct region *r, uint32_t at, uint32_t len) {
    uint32_t n = 1;
    while (n < len && is_warm(r, at + n) == is_warm(r, at)) {
        n++;
    }
    return n;
}

/* They belong to a block now: of the first `sure` ones those come that are not in memory; none is
 * kept. */
static void take(struct region *r, uint32_t at, uint32_t len, uint32_t sure) {
    for (uint32_t n; len > 0; at += n, len -= n, sure -= n < sure ? n : sure) {
        n = alike(r, at, len);
        if (!is_warm(r, at)) {
            region_populate(page(r, at), (n < sure ? n : sure) * REGION_PAGE_BYTES);
            continue;
        }
        for (uint32_t i = at; i < at + n; i++) {
            r->warm[i / 64] &= ~((uint64_t)1 << (i % 64));
        }
        r->kept -= n;
    }
}

static void keep(struct region *r, uint32_t at, uint32_t len) {
    for (uint32_t i = at; i < at + len; i++) {
        r->warm[i / 64] |= (uint64_t)1 << (i % 64);
    }
    r->kept += len;
}

static void give_back(struct region *r, uint32_t at, uint32_t len) {
    for (uint32_t i = at; i < at + len; i++) {
        r->warm[i / 64] &= ~((uint64_t)1 << (i % 64));
    }
    r->kept -= len;
    (void)madvise(page(r, at), len * REGION_PAGE_BYTES, MADV_DONTNEED);
}

void region_cool(struct region *r, size_t most_pages) {
    for (uint32_t end = REGION_PAGES; r->kept > most_pages && end > 0;) {
        if (!is_warm(r, end - 1)) {
            end -= r->warm[(end - 1) / 64] == 0 ? (end - 1) % 64 + 1 : 1;
            continue;
        }
        uint32_t at = end - 1;
        while (at > 0 && is_warm(r, at - 1) && r->kept - (end - at) > most_pages) {
            at--;
        }
        give_back(r, at, end - at);
        end = at;
    }
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* A run of free pages that are not to be had as they are: its neighbours are joined to it. */
static void release(struct region *r, uint32_t at, uint32_t len) {
    set_run(r, at, len, 0); /* what lies inside of a longer run tells of no block any more */
    r->used -= len;
    keep(r, at, len);
    if (at + len < REGION_PAGES && is_free(r, at + len)) {
        len += length(r, at + len);
    }
    if (at > 0 && is_free(r, at - 1)) {
        uint32_t below = length(r, at - 1);
        at -= below;
        len += below;
    }
    set_run(r, at, len, 0);
    r->first = at < r->first ? at : r->first;
}

/* The first n pages of the free run at `at`, which becomes shorter, or ends. */
static void cut(struct region *r, uint32_t at, uint32_t n, uint32_t sure) {
    uint32_t len = length(r, at);
    if (len > n) {
        set_run(r, at + n, len - n, 0);
    }
    r->used += n;
    take(r, at, n, sure);
    region_cool(r, r->budget - r->used);
}

/* The first free run of n pages that are all kept or, if there is none, the first. */
static uint32_t find(struct region *r, size_t n) {
    uint32_t cold = REGION_PAGES;
    while (r->first < REGION_PAGES && !is_free(r, r->first)) {
        r->first += length(r, r->first);
    }
    for (uint32_t at = r->first; at < REGION_PAGES; at += length(r, at)) {
        if (!is_free(r, at) || length(r, at) < n) {
            continue;
        }
        if (is_warm(r, at) && alike(r, at, (uint32_t)n) == n) {
            return at;
        }
        cold = at < cold ? at : cold;
    }
    return cold;
}

void *region_alloc(struct region *r, size_t bytes, size_t sure_bytes) {
    size_t n = pages_of(bytes);
    uint32_t at = n == 0 || n > r->budget - r->used ? REGION_PAGES : find(r, n);
    if (at >= REGION_PAGES) {
        return NULL;
    }
    size_t sure = pages_of(sure_bytes);
    cut(r, at, (uint32_t)n, (uint32_t)(sure < n ? sure : n));
    set_run(r, at, (uint32_t)n, IN_USE);
    return page(r, at) + ((n * REGION_PAGE_BYTES - bytes) & ~(LINE_BYTES - 1));
}

/* The first page of the block. */
static uint32_t place(const struct region *r, const void *block) {
    size_t at = (size_t)((const uint8_t *)block - r->base) / REGION_PAGE_BYTES;
    uint32_t here = (uint32_t)at;
    if (!region_owns(r, block) || is_free(r, here) || length(r, here) == 0 ||
        here + length(r, here) > REGION_PAGES ||
        r->run[here + length(r, here) - 1] != r->run[here]) {
        abort();
    }
    return here;
}

size_t region_usable(const struct region *r, const void *block) {
    uint32_t at = place(r, block);
    return (size_t)(page(r, at + length(r, at)) - (const uint8_t *)block);
}

bool region_resize(struct region *r, void *block, size_t bytes, bool sure) {
    uint32_t at = place(r, block), len = length(r, at), end = at + len;
    size_t n = pages_of((size_t)((uint8_t *)block - page(r, at)) + bytes);
    if (bytes == 0 || n > REGION_PAGES - at) {
        return false;
    }
    if (n > len) {
        if (end == REGION_PAGES || !is_free(r, end) || length(r, end) < n - len ||
            n - len > r->budget - r->used) {
            return false;
        }
        uint32_t more = (uint32_t)n - len;
        cut(r, end, more, sure ? more : 0);
        r->run[end - 1] = 0;                      /* it was the end */
        r->first = at < r->first ? at : r->first; /* which may be no beginning any more */
    }
    set_run(r, at, (uint32_t)n, IN_USE);
    if (n < len) {
        release(r, at + (uint32_t)n, len - (uint32_t)n);
    }
    return true;
}

void region_free(struct region *r, void *block) {
    uint32_t at = place(r, block);
    release(r, at, length(r, at));
}
