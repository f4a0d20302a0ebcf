// SPDX-License-Identifier: Apache-2.0
/*
 * struct filemap: a file of a user mapped to be looked at, by who survives what may happen to it.
 *
 * Bytes of a mapping change whenever somebody writes to the file, also between two loads: only code
 * that was audited for that may read them (docs/decisions/015-mapped-objects.md). A page that is
 * gone, because the file was cut short or the disk failed, raises SIGBUS; where filemap_guard was
 * called, that page and all behind it become zeros then, and the mapping is lost. Who has read a
 * lost mapping has read nothing: it asks filemap_lost behind its last look.
 *
 * Never handed to a system call, which would fail and not raise a signal.
 *
 * Life cycle: filemap_guard once in the process [-> filemap_weigh] -> (filemap_open ->
 * filemap_hold... -> filemap_release, once for each)... Ownership: the descriptor is **borrowed**
 * for the call; a mapping is **returned owned**. State is the process's; not thread-safe. Limits:
 * FILEMAP_MAX mappings, FILEMAP_BYTES_MAX in all.
 */
#ifndef SK_OS_FILEMAP_H
#define SK_OS_FILEMAP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILEMAP_MAX 64u
#define FILEMAP_BYTES_MAX ((uint64_t)128 << 20)

struct filemap {
    const uint8_t *ptr; /* NULL: not in use */
    size_t len;
    unsigned uses;
    volatile sig_atomic_t lost;
};

/* From here on this process survives SIGBUS from mappings, and may have some. False: it may not. */
bool filemap_guard(void);
/* From here on files are mapped only where that costs less than to read them, which the first one
 * of 64 KiB and more tells by the clock. The environment variable SEKISHO_OBJECTS may say it
 * instead: map, read. No verdict depends on it, but time, and memory: mapped pages are the page
 * cache's. */
void filemap_weigh(void);
/* Looking at some bytes of a mapping took so long, reading them so long: are files to be mapped? */
bool filemap_pays(uint64_t looked_ns, uint64_t read_ns);
/* The first `size` bytes of the file, more than 0. NULL: no guard, no room, too dear, or the system
 * does not want to: the file is to be read instead. */
struct filemap *filemap_open(int fd, uint64_t size);
/* Has the pages of [off, off + len), as far as there are such, put in place: what is fetched ahead
 * of a look is dropped where they are not. Waits for those that are not in the page cache. */
void filemap_touch(const struct filemap *map, uint64_t off, uint64_t len);
/* One user more. */
struct filemap *filemap_hold(struct filemap *map);
void filemap_release(struct filemap *map);

static inline bool filemap_lost(const struct filemap *map) {
    return map->lost != 0;
}

#endif
