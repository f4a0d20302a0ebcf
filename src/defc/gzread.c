// SPDX-License-Identifier: Apache-2.0
/*
 * Inflating a container's payload window by window. A gzip member that ends is the end: what
 * follows it is not looked at (its presence does not matter, as the digests of the members decide).
 * Expansion is bounded by the caller's limit on the bytes that come out.
 */
#include "defc/gzread.h"

#include "base/mem.h"

static voidpf z_alloc(voidpf opaque, uInt items, uInt size) {
    (void)opaque;
    return mem_zalloc(items, size);
}

static void z_free(voidpf opaque, voidpf block) {
    (void)opaque;
    mem_free(block);
}

static sk_err read_plain(struct gzread *g, uint8_t *buf, size_t cap, size_t *out_len) {
    size_t got = 0;
    TRY(sk_source_read(g->src, g->pos, buf, cap, &got));
    g->pos += got;
    *out_len = got;
    return sk_ok();
}

/* One call of inflate; *out_len bytes came out. */
static sk_err inflate_some(struct gzread *g, uint8_t *buf, size_t cap, size_t *out_len) {
    size_t avail = 0;
    const uint8_t *in = sk_source_at(g->src, g->pos, 1, &avail);
    if (in == NULL) {
        TRY(g->src->failed);
        return sk_fail(SK_E_FORMAT); /* the gzip member does not end */
    }
    if (avail > SK_SOURCE_WINDOW_BYTES) {
        avail = SK_SOURCE_WINDOW_BYTES;
    }
    g->z.next_in = (Bytef *)(uintptr_t)in;
    g->z.avail_in = (uInt)avail;
    g->z.next_out = buf;
    g->z.avail_out = (uInt)cap;
    int rc = inflate(&g->z, Z_NO_FLUSH);
    g->pos += avail - g->z.avail_in;
    *out_len = cap - g->z.avail_out;
    if (rc == Z_STREAM_END) {
        g->end = true;
        return sk_ok();
    }
    if (rc == Z_MEM_ERROR) {
        return sk_fail(SK_E_NOMEM);
    }
    return rc == Z_OK ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static sk_err gz_read(struct sk_stream *s, uint8_t *buf, size_t cap, size_t *out_len) {
    struct gzread *g = (struct gzread *)(void *)s;
    size_t got = 0;
    if (cap > SK_SOURCE_WINDOW_BYTES) {
        cap = SK_SOURCE_WINDOW_BYTES;
    }
    if (!g->packed) {
        TRY(read_plain(g, buf, cap, &got));
    }
    while (g->packed && got == 0 && !g->end && cap > 0) {
        TRY(inflate_some(g, buf, cap, &got));
    }
    g->out += got;
    if (g->out > g->limit) {
        return sk_fail(SK_E_LIMIT);
    }
    *out_len = got;
    return sk_ok();
}

sk_err gzread_init(struct gzread *g, struct sk_source *src, uint64_t off, uint64_t limit) {
    *g = (struct gzread){.base = {.read = gz_read}, .src = src, .pos = off, .limit = limit};
    struct sk_cursor c = sk_source_cursor(src, off, 2);
    g->packed = sk_cursor_u16be(&c) == 0x1f8b;
    if (!g->packed) {
        return src->failed;
    }
    g->z.zalloc = z_alloc;
    g->z.zfree = z_free;
    if (inflateInit2(&g->z, 15 + 16) != Z_OK) {
        return sk_fail(SK_E_NOMEM);
    }
    g->live = true;
    return sk_ok();
}

void gzread_release(struct gzread *g) {
    if (g->live) {
        (void)inflateEnd(&g->z);
        g->live = false;
    }
}
