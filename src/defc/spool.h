// SPDX-License-Identifier: Apache-2.0
/*
 * struct spool: a growing run of bytes kept in an unlinked temporary file instead of memory.
 *
 * Life cycle: zero-initialise with SPOOL_INIT, spool_open -> spool_put... -> spool_flush ->
 * spool_read at any offset -> spool_release. Owns its descriptor and a 64 KiB buffer.
 * Errors: SK_E_IO (disk full and the like; errno is left for the message), SK_E_NOMEM.
 */
#ifndef SK_DEFC_SPOOL_H
#define SK_DEFC_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SPOOL_BUFFER_BYTES ((size_t)64 * 1024)

struct spool {
    int fd;
    uint8_t *buffer;
    size_t held;  /* in the buffer */
    uint64_t len; /* all bytes */
};
#define SPOOL_INIT                                                                                 \
    { .fd = -1 }

/* dir: where the file lies; NULL: $TMPDIR or /tmp. */
sk_err spool_open(struct spool *s, const char *dir);
sk_err spool_flush(struct spool *s);
sk_err spool_put(struct spool *s, const void *bytes, size_t len);
/* Exactly len bytes; what was put after the last flush is not there yet. */
sk_err spool_read(const struct spool *s, void *buf, size_t len, uint64_t off);
void spool_release(struct spool *s);

#endif
