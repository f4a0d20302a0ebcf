// SPDX-License-Identifier: Apache-2.0
/*
 * Read-only shared mappings. MAP_SHARED on purpose: all processes that open the same image use the
 * same pages of the page cache, and nothing of it is private memory.
 */
#include "os/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/fault.h"
#include "os/file.h"

static sk_err map_sized(int fd, const struct stat *st, struct mapping *out_map) {
    if (!S_ISREG(st->st_mode)) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    if (st->st_size == 0) {
        *out_map = (struct mapping){0};
        return sk_ok();
    }
    size_t len = (size_t)st->st_size;
    void *ptr = os_fault_hit() ? MAP_FAILED : mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
    if (ptr == MAP_FAILED) {
        return file_err(errno);
    }
    *out_map = (struct mapping){.ptr = ptr, .len = len};
    return sk_ok();
}

sk_err mapping_file_open(const char *path, struct mapping *out_map, int *out_fd) {
    FILE_AUTO int fd = -1;
    struct stat st;
    TRY(file_open_object(AT_FDCWD, path, FILE_FOLLOW, &fd, &st));
    if ((st.st_mode & S_IWOTH) != 0) {
        errno = EPERM;
        return sk_fail(SK_E_PERM);
    }
    TRY(map_sized(fd, &st, out_map));
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
    *out_fd = fd;
    fd = -1;
    return sk_ok();
}

sk_err mapping_file(const char *path, struct mapping *out_map) {
    FILE_AUTO int fd = -1;
    return mapping_file_open(path, out_map, &fd);
}

sk_err mapping_fd(int fd, struct mapping *out_map) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return file_err(errno);
    }
    return map_sized(fd, &st, out_map);
}

static void advise(const struct mapping *map, size_t off, size_t len, int advice) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t start = off - off % page;
    if (map->ptr == NULL || start >= map->len || len > map->len - off) {
        return;
    }
    /* Advice only: a failure changes nothing. */
    (void)madvise((void *)(uintptr_t)(map->ptr + start), len + (off - start), advice);
}

void mapping_advise_random(const struct mapping *map, size_t off, size_t len) {
    advise(map, off, len, MADV_RANDOM);
}

void mapping_advise_sequential(const struct mapping *map, size_t off, size_t len) {
    advise(map, off, len, MADV_SEQUENTIAL);
}

void mapping_advise_soon(const struct mapping *map, size_t off, size_t len) {
    advise(map, off, len, MADV_WILLNEED);
}

void mapping_advise_done(const struct mapping *map, size_t off, size_t len) {
    /* The mapping is of a file and never written: the pages stay in the page cache. */
    advise(map, off, len, MADV_DONTNEED);
}

void mapping_release(struct mapping *map) {
    if (map->ptr != NULL) {
        (void)munmap((void *)(uintptr_t)map->ptr, map->len);
    }
    *map = (struct mapping){0};
}
