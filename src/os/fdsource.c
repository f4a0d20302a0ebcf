// SPDX-License-Identifier: Apache-2.0
/*
 * Joins struct sk_source (base floor, no system calls) with pread. The descriptor itself is the
 * context, so nothing is allocated and nothing must be released beyond the windows.
 */
#include "os/fdsource.h"

#include "os/file.h"

static sk_err fd_read(void *ctx, uint64_t off, void *buf, size_t len) {
    return file_pread_all((int)(intptr_t)ctx, buf, len, off);
}

sk_err fdsource_init(struct sk_source *s, int fd, uint64_t size) {
    if (fd < 0) {
        return sk_fail(SK_E_USAGE);
    }
    sk_source_init_read(s, size, fd_read, (void *)(intptr_t)fd);
    return sk_ok();
}
