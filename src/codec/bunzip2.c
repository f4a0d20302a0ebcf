// SPDX-License-Identifier: Apache-2.0
/*
 * bzip2 over libbz2: streams one after the other, as bzip2(1) reads them.
 *
 *     "BZh" level -> blocks -> end magic, CRC -> "BZh" again? -> yes: next stream; no: end
 *
 * libbz2 takes about 3.6 MB when it has read the level; empty streams are counted by the stage, so
 * that a chain of 14-byte streams cannot make it allocate for ever. When a block turns out damaged
 * while its bytes are written, libbz2 does not say how many it wrote in that call: small calls keep
 * what is lost of it small.
 */
#include <bzlib.h>

#include "base/mem.h"
#include "codec/codec.h"
#include "codec/hooks.h"
#include "codec/stage.h"

#define BZ_OUT_MAX 128u

struct bunzipper {
    struct stage stage;
    bz_stream bz;
    bool between; /* a stream has ended, the next has not begun */
};

static void *bz_alloc(void *opaque, int items, int size) {
    (void)opaque;
    return items < 0 || size < 0 ? NULL : hooks_alloc((size_t)items, (size_t)size);
}

static void bz_free(void *opaque, void *block) {
    (void)opaque;
    mem_free(block);
}

static sk_err bz_result(int rc) {
    switch (rc) {
    case BZ_OK:
    case BZ_STREAM_END:
        return sk_ok();
    case BZ_MEM_ERROR:
        return sk_fail(SK_E_NOMEM);
    case BZ_PARAM_ERROR:
    case BZ_SEQUENCE_ERROR:
    case BZ_CONFIG_ERROR:
        return sk_fail(SK_E_INTERNAL);
    default:
        return sk_fail(SK_E_FORMAT);
    }
}

static sk_err begin(struct bunzipper *s) {
    s->bz = (bz_stream){.bzalloc = bz_alloc, .bzfree = bz_free};
    return bz_result(BZ2_bzDecompressInit(&s->bz, 0, 0));
}

static sk_err next_stream(struct bunzipper *s, struct stage_io *io) {
    int follows = stage_next_magic(io, "BZh", 3);
    if (follows <= 0) {
        io->end = follows == 0;
        return sk_ok();
    }
    s->between = false;
    io->restarted = true;
    BZ2_bzDecompressEnd(&s->bz);
    return begin(s);
}

static sk_err bunzipper_step(struct stage *stage, struct stage_io *io) {
    struct bunzipper *s = (struct bunzipper *)(void *)stage;
    if (s->between) {
        return next_stream(s, io);
    }
    int rc = BZ_OK;
    bool room = true;
    s->bz.next_in = (char *)(uintptr_t)io->in; /* libbz2 only reads it */
    s->bz.avail_in = (unsigned)io->in_len;
    while (rc == BZ_OK && room && io->out_len < io->out_cap) {
        size_t left = io->out_cap - io->out_len;
        unsigned cap = left < BZ_OUT_MAX ? (unsigned)left : BZ_OUT_MAX;
        s->bz.next_out = (char *)(io->out + io->out_len);
        s->bz.avail_out = cap;
        rc = BZ2_bzDecompress(&s->bz);
        io->out_len += cap - s->bz.avail_out;
        room = s->bz.avail_out == 0; /* else it waits for input */
    }
    io->in_used = io->in_len - s->bz.avail_in;
    s->between = rc == BZ_STREAM_END;
    return bz_result(rc);
}

static void bunzipper_fini(struct stage *stage) {
    BZ2_bzDecompressEnd(&((struct bunzipper *)(void *)stage)->bz);
}

sk_err sk_bunzip2_open(struct sk_stream *up, struct sk_stream **out_stream) {
    struct bunzipper *s = stage_new(sizeof(*s), up, bunzipper_step, bunzipper_fini);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    sk_err err = begin(s);
    if (sk_failed(err)) {
        sk_stream_close(&s->stage.base);
        return err;
    }
    *out_stream = &s->stage.base;
    return sk_ok();
}
