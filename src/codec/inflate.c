// SPDX-License-Identifier: Apache-2.0
/*
 * Raw deflate (RFC 1951) and zlib streams (RFC 1950) over zlib's inflate; a raw stream in memory is
 * first tried whole (whole.c).
 *
 * One packed stream only: what comes after its end belongs to the container, which asks
 * sk_codec_consumed() where that is. zlib writes decoded bytes before it reports damage, so the
 * rule "first the bytes, then the error" costs nothing here.
 */
#define ZLIB_CONST
#include <zlib.h>

#include "codec/codec.h"
#include "codec/hooks.h"
#include "codec/stage.h"
#include "codec/whole.h"
#include "codec/zstep.h"

#define RAW_WINDOW_BITS (-15)
#define ZLIB_WINDOW_BITS 15

struct inflater {
    struct stage stage;
    z_stream z;
    bool begun;
    bool raw;
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

static sk_err inflater_step(struct stage *stage, struct stage_io *io) {
    struct inflater *s = (struct inflater *)(void *)stage;
    bool first = !s->begun && io->in_len > 0;
    s->begun = s->begun || first;
    if (first && s->raw && whole_inflate(io)) {
        io->end = true;
        return sk_ok();
    }
    return zstep_run(&s->z, io, &io->end);
}

static void inflater_fini(struct stage *stage) {
    inflateEnd(&((struct inflater *)(void *)stage)->z);
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
