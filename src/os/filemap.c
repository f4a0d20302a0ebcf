// SPDX-License-Identifier: Apache-2.0
/*
 * Mappings of user files, and the signal that comes with them.
 *
 *   table:   [ptr, len] [ptr, len] ...          SIGBUS at an address
 *                  |                                  |
 *                  +---- is it in one of them? -------+
 *                  yes: zeros from that page on, lost = 1, the load is done again
 *                  no:  what would have happened without us, happens
 *
 * The handler runs in the middle of any load from a mapping, and calls nothing but mmap, which is a
 * bare system call, and sigaction and raise. All places behind the first missing page are replaced
 * at once: of a file cut short they are missing, too, and one signal a page would take long. Should
 * pages before it go as well, there is another signal.
 *
 * MAP_SHARED: the pages are those of the page cache, none is ours. Not populated at once: measured,
 * it gains nothing (the system maps sixteen pages around each one that is missing) and waits for
 * the whole file where it is not in the cache.
 *
 * What a page costs depends on the machine (us for 4 KiB, least of many):
 *
 *     Intel server, tables of pages nested in hardware    mapped 0.1, copied 0.2 to 0.3
 *     AMD (Zen 5), tables shadowed in software (PVM)      mapped 0.9 to 2.4, copied 0.2 to 0.3
 *
 * On the first whole scans of programs take a sixth less when they are mapped, on the second a
 * fifth more (libraries 6 to 12 %, Windows programs a fifth). So who calls filemap_weigh has both
 * measured, on 64 KiB of the first object, up to three times, and what costs less is done with all
 * objects after it. The same bytes are read before, so nothing waits for a disk; the least counts,
 * so being interrupted does not. What is between the two classes loses little either way. On the
 * second class were worse than reading: populating all at once (a third of what reading gains),
 * and populating windows of 256 KiB and 1 MiB (MADV_POPULATE_READ: nothing); reading only what
 * is above 1 MiB gains half.
 *
 * In the cage (os/filter.c): mmap is allowed without PROT_EXEC, so are rt_sigreturn, rt_sigaction,
 * and tgkill of ourselves.
 */
#include "os/filemap.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fault.h"
#include "os/file.h"

#define AROUND_BYTES ((uint64_t)64 << 10) /* what the system maps for one page that is missing */

#define WEIGH_BYTES ((uint64_t)64 << 10) /* the same */
#define WEIGH_PIECE ((size_t)32 << 10)
#define WEIGH_TIMES 3u

enum choice {
    CHOICE_MAP,
    CHOICE_READ,
    CHOICE_WEIGH, /* the next object tells */
};

static enum choice choice;
static struct filemap table[FILEMAP_MAX];
static uint64_t mapped_bytes;
static bool guarded;
static uintptr_t page_bytes;
static struct sigaction before;

static bool holds(const struct filemap *map, uintptr_t at) {
    uintptr_t start = (uintptr_t)map->ptr;
    return map->ptr != NULL && at >= start && at - start < map->len;
}

/* True: the load may be done again. */
static bool put_zeros(uintptr_t at) {
    for (unsigned i = 0; i < FILEMAP_MAX; i++) {
        struct filemap *map = &table[i];
        if (holds(map, at)) {
            uintptr_t page = at & ~(page_bytes - 1), end = (uintptr_t)map->ptr + map->len;
            void *zeros = mmap((void *)page, end - page, PROT_READ,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
            map->lost = 1;
            return zeros != MAP_FAILED;
        }
    }
    return false;
}

static void on_bus_error(int signal, siginfo_t *info, void *context) {
    int saved = errno;
    (void)context;
    bool sent = info->si_code <= 0; /* by somebody, with no address */
    if (sent || !put_zeros((uintptr_t)info->si_addr)) {
        (void)sigaction(SIGBUS, &before, NULL);
        if (sent) {
            (void)raise(signal); /* when this returns; else the load raises it again */
        }
    }
    errno = saved;
}

bool filemap_guard(void) {
    struct sigaction act = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO}, now;
    (void)sigemptyset(&act.sa_mask);
    page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    if (sigaction(SIGBUS, NULL, &now) != 0) {
        return false;
    }
    if (now.sa_sigaction != on_bus_error) {
        before = now;
        guarded = sigaction(SIGBUS, &act, NULL) == 0;
    }
    return guarded;
}

static struct filemap *free_row(void) {
    for (unsigned i = 0; i < FILEMAP_MAX; i++) {
        if (table[i].ptr == NULL) {
            return &table[i];
        }
    }
    return NULL;
}

void filemap_weigh(void) {
    const char *env = secure_getenv("SEKISHO_OBJECTS");
    bool map = env != NULL && strcmp(env, "map") == 0;
    bool read = env != NULL && strcmp(env, "read") == 0;
    choice = map ? CHOICE_MAP : read ? CHOICE_READ : CHOICE_WEIGH;
}

/* False: there are not so many bytes, or they cannot be read. */
static bool time_reading(int fd, uint64_t off, uint64_t *inout_least_ns) {
    uint8_t buf[WEIGH_PIECE];
    uint64_t since = 0;
    for (unsigned round = 0; round < 2; round++) { /* the second counts */
        since = clock_monotonic_ns();
        for (uint64_t at = off; at < off + WEIGH_BYTES; at += sizeof(buf)) {
            if (sk_failed(file_pread_all(fd, buf, sizeof(buf), at))) {
                return false;
            }
        }
    }
    uint64_t took = clock_monotonic_ns() - since;
    *inout_least_ns = took < *inout_least_ns ? took : *inout_least_ns;
    return true;
}

static void time_looking(const struct filemap *map, uint64_t off, uint64_t *inout_least_ns) {
    uint64_t since = clock_monotonic_ns();
    for (uint64_t at = off; at < off + WEIGH_BYTES; at += page_bytes) {
        (void)*(const volatile uint8_t *)(map->ptr + at);
    }
    uint64_t took = clock_monotonic_ns() - since;
    *inout_least_ns = took < *inout_least_ns ? took : *inout_least_ns;
}

bool filemap_pays(uint64_t looked_ns, uint64_t read_ns) {
    return looked_ns <= read_ns;
}

/* Is it to be mapped? Also true when this object does not tell. */
static bool weigh(const struct filemap *map, int fd) {
    uint64_t looked_ns = UINT64_MAX, read_ns = UINT64_MAX;
    for (uint64_t i = 0; i < WEIGH_TIMES && (i + 1) * WEIGH_BYTES <= map->len; i++) {
        if (!time_reading(fd, i * WEIGH_BYTES, &read_ns)) {
            return true;
        }
        time_looking(map, i * WEIGH_BYTES, &looked_ns);
    }
    if (read_ns != UINT64_MAX && !filemap_lost(map)) {
        choice = filemap_pays(looked_ns, read_ns) ? CHOICE_MAP : CHOICE_READ;
    }
    return choice != CHOICE_READ;
}

struct filemap *filemap_open(int fd, uint64_t size) {
    struct filemap *map = free_row();
    if (!guarded || choice == CHOICE_READ || map == NULL || size == 0 ||
        size > FILEMAP_BYTES_MAX - mapped_bytes) {
        return NULL;
    }
    int saved = errno;
    void *ptr =
        os_fault_hit() ? MAP_FAILED : mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
    if (ptr == MAP_FAILED) {
        errno = saved;
        return NULL;
    }
    *map = (struct filemap){.ptr = ptr, .len = (size_t)size, .uses = 1};
    mapped_bytes += size;
    atomic_signal_fence(memory_order_seq_cst); /* in the table before the first look */
    if (choice == CHOICE_WEIGH && !weigh(map, fd)) {
        filemap_release(map);
        return NULL;
    }
    return map;
}

void filemap_touch(const struct filemap *map, uint64_t off, uint64_t len) {
    uint64_t end = len < map->len - off ? off + len : map->len;
    for (; off < end; off += AROUND_BYTES) {
        (void)*(const volatile uint8_t *)(map->ptr + off);
    }
}

struct filemap *filemap_hold(struct filemap *map) {
    map->uses++;
    return map;
}

void filemap_release(struct filemap *map) {
    if (map == NULL || --map->uses > 0) {
        return;
    }
    atomic_signal_fence(memory_order_seq_cst); /* after the last look */
    mapped_bytes -= map->len;
    (void)munmap((void *)(uintptr_t)map->ptr, map->len);
    *map = (struct filemap){0};
}
