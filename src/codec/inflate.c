// SPDX-License-Identifier: Apache-2.0
/*
 * Raw deflate (RFC 1951) and zlib streams (RFC 1950) over zlib's inflate; a raw stream in memory is
 * first tried whole (whole.c).
 *
 * Whole means into the caller's buffer. Who begins with a small one (readers of PDF look at the
 * first bytes) gets a short stream out of a buffer here, where it was decoded ahead:
 *
 *     in --whole_inflate--> ahead [....|.........]      the input counts as used with the last byte
 *                            taken ^
 *
 * Most streams of a PDF are text of a page or two, 5 to 20 KiB: half the time of zlib, which was a
 * twentieth of the time on package documents.
 *
 * One packed stream only: what comes after its end belongs to the container, which asks
 * sk_codec_consumed() where that is. zlib writes decoded bytes before it reports damage, so the
 * rule "first the bytes, then the error" costs nothing here.
 */
#define ZLIB_CONST
#include <zlib.h>

#include "base/mem.h"
#include "codec/codec.h"
#include "codec/hooks.h"
#include "codec/stage.h"
#include "codec/whole.h"
#include "codec/zstep.h"

#define RAW_WINDOW_BITS (-15)
#define ZLIB_WINDOW_BITS 15
#define AHEAD_BYTES ((size_t)64 << 10)
#define AHEAD_PACKED_BYTES ((size_t)32 << 10) /* of more it is not tried: too much comes out */

struct inflater {
    struct stage stage;
    z_stream z;
    bool begun;
    bool raw;
    uint8_t *ahead; /* all that comes out of the stream, or NULL */
    size_t ahead_len, ahead_taken;
    size_t ahead_packed; /* input that it was */
};

static void *zlib_alloc(void *opaque, unsigned items, unsigned size) {
    (void)opaque;
    return hooks_alloc(items, size);
}

static void zlib_free(void *opaque, void *block) {
    (void)opaque;
    mem_free(block);
}

sk_err zstep_init(z_stream *z, int window_bits) {
    *z = (z_stream){.zalloc = zlib_alloc, .zfree = zlib_free};
    switch (inflateInit2(z, window_bits)) {
    case Z_OK:
        return sk_ok();
    case Z_MEM_ERROR:
        return sk_fail(SK_E_NOMEM);
    default:
        return sk_fail(SK_E_INTERNAL);
    }
}

sk_err zstep_run(z_stream *z, struct stage_io *io, bool *out_end) {
    size_t cap = io->out_cap < ZSTEP_OUT_MAX ? io->out_cap : ZSTEP_OUT_MAX;
    z->next_in = io->in + io->in_used;
    z->avail_in = (unsigned)(io->in_len - io->in_used);
    z->next_out = io->out;
    z->avail_out = (unsigned)cap;
    int rc = inflate(z, Z_NO_FLUSH);
    io->in_used = io->in_len - z->avail_in;
    io->out_len = cap - z->avail_out;
    *out_end = rc == Z_STREAM_END;
    switch (rc) {
    case Z_OK:
    case Z_BUF_ERROR:
    case Z_STREAM_END:
        return sk_ok();
    case Z_MEM_ERROR:
        return sk_fail(SK_E_NOMEM);
    case Z_NEED_DICT:
        return sk_fail(SK_E_UNSUPPORTED);
    default:
        return sk_fail(SK_E_FORMAT);
    }
}

/* False: it is left to zlib. */
static bool decode_ahead(struct inflater *s, const struct stage_io *io) {
    struct stage_io all = *io;
    bool tried = io->out_cap >= AHEAD_BYTES; /* into the caller's, in vain */
    if (tried || !io->in_last || io->in_len > AHEAD_PACKED_BYTES) {
        return false;
    }
    all.out = mem_alloc(AHEAD_BYTES);
    all.out_cap = AHEAD_BYTES;
    if (all.out == NULL || !whole_inflate(&all)) {
        mem_free(all.out);
        return false;
    }
    s->ahead = all.out;
    s->ahead_len = all.out_len;
    s->ahead_packed = all.in_used;
    return true;
}

static void give_ahead(struct inflater *s, struct stage_io *io) {
    size_t left = s->ahead_len - s->ahead_taken;
    io->out_len = left < io->out_cap ? left : io->out_cap;
    memcpy(io->out, s->ahead + s->ahead_taken, io->out_len);
    s->ahead_taken += io->out_len;
    io->end = io->out_len == left;
    io->in_used = io->end ? s->ahead_packed : 0;
}

static sk_err inflater_step(struct stage *stage, struct stage_io *io) {
    struct inflater *s = (struct inflater *)(void *)stage;
    bool first = !s->begun && io->in_len > 0;
    s->begun = s->begun || first;
    if (first && s->raw && whole_inflate(io)) {
        io->end = true;
        return sk_ok();
    }
    if (s->ahead != NULL || (first && s->raw && decode_ahead(s, io))) {
        give_ahead(s, io);
        return sk_ok();
    }
    return zstep_run(&s->z, io, &io->end);
}

static void inflater_fini(struct stage *stage) {
    struct inflater *s = (struct inflater *)(void *)stage;
    mem_free(s->ahead);
    inflateEnd(&s->z);
}

static sk_err inflater_open(struct sk_stream *up, int window_bits, struct sk_stream **out_stream) {
    struct inflater *s = stage_new(sizeof(*s), up, inflater_step, inflater_fini);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    sk_err err = zstep_init(&s->z, window_bits);
    if (sk_failed(err)) {
        sk_stream_close(&s->stage.base);
        return err;
    }
    s->stage.borrows = true;
    s->raw = window_bits < 0;
    *out_stream = &s->stage.base;
    return sk_ok();
}

sk_err sk_inflate_open(struct sk_stream *up, struct sk_stream **out_stream) {
    return inflater_open(up, RAW_WINDOW_BITS, out_stream);
}

sk_err sk_inflate_zlib_open(struct sk_stream *up, struct sk_stream **out_stream) {
    return inflater_open(up, ZLIB_WINDOW_BITS, out_stream);
}
