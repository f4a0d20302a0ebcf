// SPDX-License-Identifier: Apache-2.0
/*
 * Windows of a source behind a read function:
 *
 *     off rounded down to 4 KiB          off
 *     |---------------- 256 KiB window ---------------------|
 *
 * Two windows, the older is replaced, so a matcher may compare a literal near the end of one window
 * with bytes of the next while it goes on. Who only takes pieces here and there has less of them
 * filled (`fill`). In-memory sources never copy.
 */
#include "base/source.h"

#include "base/mem.h"

void sk_source_init_mem(struct sk_source *s, const void *ptr, size_t len) {
    static const uint8_t nothing[1];
    *s = (struct sk_source){.size = len, .mem = len == 0 ? nothing : (const uint8_t *)ptr};
}

void sk_source_init_read(struct sk_source *s, uint64_t size, sk_source_read_fn read, void *ctx) {
    *s = (struct sk_source){.size = size, .read = read, .ctx = ctx, .fill = SK_SOURCE_WINDOW_BYTES};
}

void sk_source_init_lend(struct sk_source *s, uint64_t size, sk_source_lend_fn lend, void *ctx) {
    *s = (struct sk_source){.size = size, .lend = lend, .ctx = ctx, .fill = SK_SOURCE_WINDOW_BYTES};
}

struct slice_ctx {
    struct sk_source *parent;
    uint64_t off;
};

static sk_err slice_read(void *ctx, uint64_t off, void *buf, size_t len) {
    struct slice_ctx *slice = ctx;
    size_t got = 0;
    TRY(sk_source_read(slice->parent, slice->off + off, buf, len, &got));
    return got == len ? sk_ok() : sk_fail(SK_E_IO);
}

void sk_source_init_slice(struct sk_source *s, struct sk_source *parent, uint64_t off,
                          uint64_t len) {
    if (off > parent->size) {
        off = parent->size;
    }
    if (len > parent->size - off) {
        len = parent->size - off;
    }
    if (parent->mem != NULL) {
        sk_source_init_mem(s, parent->mem + off, (size_t)len);
        return;
    }
    struct slice_ctx *ctx = mem_alloc(sizeof(*ctx));
    if (ctx == NULL) {
        *s = (struct sk_source){.size = len, .failed = sk_fail(SK_E_NOMEM)};
        return;
    }
    *ctx = (struct slice_ctx){parent, off};
    sk_source_init_read(s, len, slice_read, ctx);
}

void sk_source_release(struct sk_source *s) {
    if (s->lend == NULL) {
        mem_free(s->window[0].buf);
        mem_free(s->window[1].buf);
    }
    if (s->read == slice_read) {
        mem_free(s->ctx);
    }
    *s = (struct sk_source){0};
}

static const uint8_t *from_window(const struct sk_source_window *w, uint64_t off, size_t want,
                                  uint64_t size, size_t *out_avail) {
    if (w->buf == NULL || off < w->off || off >= w->off + w->len) {
        return NULL;
    }
    size_t avail = (size_t)(w->off + w->len - off);
    uint64_t rest = size - off;
    if (avail < want && avail < rest) {
        return NULL;
    }
    *out_avail = avail;
    return w->buf + (off - w->off);
}

/* Bytes of the window from w->off. */
static sk_err fill_window(struct sk_source *s, struct sk_source_window *w, uint64_t start,
                          size_t len) {
    if (s->lend != NULL) {
        w->buf = (uint8_t *)(uintptr_t)s->lend(s->ctx, start, len);
        return w->buf != NULL ? sk_ok() : sk_fail(SK_E_IO);
    }
    w->buf = w->buf != NULL ? w->buf : mem_alloc(SK_SOURCE_WINDOW_BYTES);
    return w->buf != NULL ? s->read(s->ctx, start, w->buf, len) : sk_fail(SK_E_NOMEM);
}

static const uint8_t *load_window(struct sk_source *s, uint64_t off, size_t want,
                                  size_t *out_avail) {
    unsigned slot = s->newest ^ 1U;
    struct sk_source_window *w = &s->window[slot];
    uint64_t start = off & ~(uint64_t)4095;
    uint64_t len = s->size - start;
    if (len > s->fill) {
        len = s->fill;
    }
    w->len = 0;
    sk_err err = fill_window(s, w, start, (size_t)len);
    if (sk_failed(err)) {
        s->failed = err;
        return NULL;
    }
    w->off = start;
    w->len = (size_t)len;
    s->newest = slot;
    return from_window(w, off, want, s->size, out_avail);
}

const uint8_t *sk_source_at(struct sk_source *s, uint64_t off, size_t want, size_t *out_avail) {
    *out_avail = 0;
    if (off >= s->size || sk_failed(s->failed)) {
        return NULL;
    }
    if (s->mem != NULL) {
        *out_avail = (size_t)(s->size - off);
        return s->mem + off;
    }
    if (want > SK_SOURCE_WANT_MAX) {
        want = SK_SOURCE_WANT_MAX;
    }
    const uint8_t *p = from_window(&s->window[s->newest], off, want, s->size, out_avail);
    if (p != NULL) {
        return p;
    }
    p = from_window(&s->window[s->newest ^ 1U], off, want, s->size, out_avail);
    if (p != NULL) {
        s->newest ^= 1U;
        return p;
    }
    return load_window(s, off, want, out_avail);
}

sk_err sk_source_read(struct sk_source *s, uint64_t off, void *buf, size_t len, size_t *out_got) {
    size_t got = 0;
    while (got < len && off + got < s->size) {
        size_t avail;
        const uint8_t *p = sk_source_at(s, off + got, 1, &avail);
        if (p == NULL) {
            return s->failed;
        }
        size_t n = avail < len - got ? avail : len - got;
        memcpy((uint8_t *)buf + got, p, n);
        got += n;
    }
    *out_got = got;
    return sk_ok();
}

struct sk_cursor sk_source_cursor(struct sk_source *s, uint64_t off, size_t len) {
    size_t avail;
    const uint8_t *p = sk_source_at(s, off, len, &avail);
    if (avail > len) {
        avail = len;
    }
    if (avail > SK_SOURCE_WANT_MAX && s->mem == NULL) {
        avail = SK_SOURCE_WANT_MAX;
    }
    return sk_cursor_make(p, avail);
}

static sk_err source_stream_read(struct sk_stream *base, uint8_t *buf, size_t cap,
                                 size_t *out_len) {
    struct sk_source_stream *st = (struct sk_source_stream *)(void *)base;
    size_t want = cap;
    if (want > st->end - st->pos) {
        want = (size_t)(st->end - st->pos);
    }
    size_t got = 0;
    TRY(sk_source_read(st->src, st->pos, buf, want, &got));
    st->pos += got;
    *out_len = got;
    return sk_ok();
}

struct sk_stream *sk_source_stream_init(struct sk_source_stream *st, struct sk_source *src,
                                        uint64_t off, uint64_t len) {
    if (off > src->size) {
        off = src->size;
    }
    if (len > src->size - off) {
        len = src->size - off;
    }
    *st = (struct sk_source_stream){
        .base = {.read = source_stream_read}, .src = src, .pos = off, .end = off + len};
    return &st->base;
}

bool sk_stream_take_memory(struct sk_stream *s, size_t max, struct sk_bytes *out_bytes) {
    if (s->read != source_stream_read) {
        return false;
    }
    struct sk_source_stream *st = (struct sk_source_stream *)(void *)s;
    if (st->src->mem == NULL || st->end - st->pos > max) {
        return false;
    }
    *out_bytes = (struct sk_bytes){st->src->mem + st->pos, (size_t)(st->end - st->pos)};
    st->pos = st->end;
    return true;
}
