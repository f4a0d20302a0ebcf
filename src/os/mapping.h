// SPDX-License-Identifier: Apache-2.0
/*
 * struct mapping: a whole file mapped read-only. For files we own and never change in place
 * (definition images); never for user files, where truncation would raise SIGBUS (filemap.h).
 *
 * Life cycle: mapping_file or mapping_fd -> ptr/len -> mapping_release. Ownership: the mapping is
 * owned by the struct; the descriptor given to mapping_fd is only **borrowed** for the call. An
 * empty file gives ptr NULL and len 0. Errors: as os/file.h; SK_E_UNSUPPORTED when it is not a
 * regular file; SK_E_PERM, too, when everybody may write it: who can truncate a mapped file can
 * kill who mapped it.
 */
#ifndef SK_OS_MAPPING_H
#define SK_OS_MAPPING_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mapping {
    const uint8_t *ptr;
    size_t len;
};

sk_err mapping_file(const char *path, struct mapping *out_map);
/* The same; *out_fd stays open, **owned** by the caller, and reads nothing ahead. */
sk_err mapping_file_open(const char *path, struct mapping *out_map, int *out_fd);
sk_err mapping_fd(int fd, struct mapping *out_map);
/* The access pattern will be random: no read-ahead (cold parts of an image). */
void mapping_advise_random(const struct mapping *map, size_t off, size_t len);
/* It will be read from start to end. */
void mapping_advise_sequential(const struct mapping *map, size_t off, size_t len);
/* It will be needed soon: reading may start now, without waiting for it. */
void mapping_advise_soon(const struct mapping *map, size_t off, size_t len);
/* Not needed for now: these pages need not count as our memory. Reading them again is allowed. */
void mapping_advise_done(const struct mapping *map, size_t off, size_t len);
void mapping_release(struct mapping *map);

#endif
