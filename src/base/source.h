// SPDX-License-Identifier: Apache-2.0
/*
 * struct sk_source: random access to the bytes of one layer; struct sk_stream: bytes in order.
 *
 * A source knows its size and never changes. Whole in memory (`mem` set) or behind a read function,
 * in which case sk_source_at() serves 256 KiB windows out of two buffers, so private memory does
 * not grow with the object. User files are read; where they are mapped as well, for passes that
 * only look (docs/decisions/015-mapped-objects.md), windows are lent and not filled.
 *
 * Life cycle: sk_source_init_mem/_init_read/_init_lend/_init_slice -> use -> sk_source_release.
 * Ownership: a source **borrows** its memory, parent source or context; it owns its window buffers.
 * A pointer from sk_source_at is borrowed until the second next sk_source_at call on that source.
 * Errors: a failed read makes `failed` sticky; sk_source_at then gives NULL with *out_avail 0. NULL
 * with failed == SK_OK means off >= size. A file that shrank reads as failed SK_E_IO; bytes that
 * are lent may be lost behind the call, which their owner tells (engine/root.h).
 */
#ifndef SK_BASE_SOURCE_H
#define SK_BASE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/err.h"

#define SK_SOURCE_WINDOW_BYTES ((size_t)256 * 1024)
/* sk_source_at promises at most this many contiguous bytes. */
#define SK_SOURCE_WANT_MAX ((size_t)64 * 1024)

/* Fill buf with exactly len bytes from off, or fail. off + len <= size is guaranteed. */
typedef sk_err (*sk_source_read_fn)(void *ctx, uint64_t off, void *buf, size_t len);
/* Exactly len bytes from off, **borrowed** from ctx as long as that lives; NULL: they are lost. */
typedef const uint8_t *(*sk_source_lend_fn)(void *ctx, uint64_t off, size_t len);

struct sk_source_window {
    uint8_t *buf;
    uint64_t off;
    size_t len;
};

struct sk_source {
    uint64_t size;
    const uint8_t *mem; /* all bytes, or NULL */
    sk_source_read_fn read;
    sk_source_lend_fn lend; /* instead of read */
    void *ctx;
    struct sk_source_window window[2];
    unsigned newest;
    size_t fill; /* bytes a window is filled with; above SK_SOURCE_WANT_MAX by 4 KiB or more */
    sk_err failed;
};

void sk_source_init_mem(struct sk_source *s, const void *ptr, size_t len);
void sk_source_init_read(struct sk_source *s, uint64_t size, sk_source_read_fn read, void *ctx);
/* Windows are lent, not filled. */
void sk_source_init_lend(struct sk_source *s, uint64_t size, sk_source_lend_fn lend, void *ctx);
/* Part of parent, clipped to it. The parent must outlive the slice. */
void sk_source_init_slice(struct sk_source *s, struct sk_source *parent, uint64_t off,
                          uint64_t len);
void sk_source_release(struct sk_source *s);

/* Contiguous bytes at off: at least min(want, size - off) of them, *out_avail says how many. want
 * <= SK_SOURCE_WANT_MAX. NULL at the end or on failure. */
const uint8_t *sk_source_at(struct sk_source *s, uint64_t off, size_t want, size_t *out_avail);
/* Copy up to len bytes; *out_got is short only at the end of the source. */
sk_err sk_source_read(struct sk_source *s, uint64_t off, void *buf, size_t len, size_t *out_got);
/* Cursor over [off, off+len) clipped to the source and to SK_SOURCE_WANT_MAX; empty on failure. */
struct sk_cursor sk_source_cursor(struct sk_source *s, uint64_t off, size_t len);

/*
 * A pull stream. read: up to cap bytes into buf, *out_len = 0 means end. Errors are final.
 * close releases whatever the stream owns (not its upstream) and may be NULL.
 */
struct sk_stream {
    sk_err (*read)(struct sk_stream *s, uint8_t *buf, size_t cap, size_t *out_len);
    void (*close)(struct sk_stream *s);
};

static inline sk_err sk_stream_read(struct sk_stream *s, uint8_t *buf, size_t cap,
                                    size_t *out_len) {
    return s->read(s, buf, cap, out_len);
}
static inline void sk_stream_close(struct sk_stream *s) {
    if (s != NULL && s->close != NULL) {
        s->close(s);
    }
}

/* Takes all that is left of a source stream whose source is in memory: borrowed from the source,
 * the stream is at its end. False: it is no such stream, or more than max are left. */
bool sk_stream_take_memory(struct sk_stream *s, size_t max, struct sk_bytes *out_bytes);

/* Streams [off, off+len) of a source, clipped. Storage of the caller; source must outlive it. */
struct sk_source_stream {
    struct sk_stream base;
    struct sk_source *src;
    uint64_t pos;
    uint64_t end;
};
struct sk_stream *sk_source_stream_init(struct sk_source_stream *st, struct sk_source *src,
                                        uint64_t off, uint64_t len);

#endif
