// SPDX-License-Identifier: Apache-2.0
/*
 * struct map: a whole file mapped read-only. For files we own and never change in place
 * (definition images); never for user files, where truncation would raise SIGBUS.
 *
 * Life cycle: map_file or map_fd -> ptr/len -> map_release. Ownership: the mapping is owned by the
 * struct; the descriptor given to map_fd is only **borrowed** for the call. An empty file gives
 * ptr NULL and len 0. Errors: as os/file.h; SK_E_UNSUPPORTED when it is not a regular file.
 */
#ifndef SK_OS_MAP_H
#define SK_OS_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct map {
    const uint8_t *ptr;
    size_t len;
};

sk_err map_file(const char *path, struct map *out_map);
sk_err map_fd(int fd, struct map *out_map);
/* The access pattern will be random: no read-ahead (cold parts of an image). */
void map_advise_random(const struct map *map, size_t off, size_t len);
void map_release(struct map *map);

#endif
