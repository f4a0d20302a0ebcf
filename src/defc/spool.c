// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes that are written once in order and read back later: hash records and encoded names wait
 * here until their section is written. The file has no name, so a broken compile leaves nothing;
 * it lies in the output directory, as that is where room for the result must be anyway (and /tmp
 * may be memory). The page cache holds what fits, private memory is one buffer a spool.
 */
#include "defc/spool.h"

#include <string.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "os/file.h"

sk_err spool_open(struct spool *s, const char *dir) {
    uint8_t *buffer = mem_alloc(SPOOL_BUFFER_BYTES);
    if (buffer == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    int fd = -1;
    sk_err err = file_temp(dir, &fd);
    if (sk_failed(err)) {
        mem_free(buffer);
        return err;
    }
    *s = (struct spool){.fd = fd, .buffer = buffer};
    return sk_ok();
}

sk_err spool_flush(struct spool *s) {
    if (s->held > 0) {
        TRY(file_pwrite_all(s->fd, s->buffer, s->held, s->len - s->held));
        s->held = 0;
    }
    return sk_ok();
}

sk_err spool_put(struct spool *s, const void *bytes, size_t len) {
    struct sk_cursor c = sk_cursor_make(bytes, len);
    while (sk_cursor_left(&c) > 0) {
        if (s->held == SPOOL_BUFFER_BYTES) {
            TRY(spool_flush(s));
        }
        size_t room = SPOOL_BUFFER_BYTES - s->held;
        size_t n = sk_cursor_left(&c) < room ? sk_cursor_left(&c) : room;
        memcpy(&s->buffer[s->held], sk_cursor_take(&c, n), n);
        s->held += n;
        s->len += n;
    }
    return sk_ok();
}

sk_err spool_read(const struct spool *s, void *buf, size_t len, uint64_t off) {
    return file_pread_all(s->fd, buf, len, off);
}

void spool_release(struct spool *s) {
    file_close(&s->fd);
    mem_free(s->buffer);
    *s = (struct spool)SPOOL_INIT;
}
