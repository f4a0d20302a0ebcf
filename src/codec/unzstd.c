// SPDX-License-Identifier: Apache-2.0
/*
 * zstd (RFC 8878) over libzstd: frames one after the other, skippable ones passed over.
 *
 * libzstd allocates the window only after it has checked it against windowLogMax, which is set to
 * the largest power of two within mem_bytes. When it meets damage it forgets what the same call has
 * written, so a call gets no more input than one block: a damaged block then costs only itself. The
 * custom allocator is part of libzstd's "static" interface, exported by the shared library
 * since 1.3 and stable since. It is loaded when the first frame comes (base/late.h).
 */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include "base/cursor.h"
#include "base/late.h"
#include "base/mem.h"
#include "codec/codec.h"
#include "codec/stage.h"

#define SONAME "libzstd.so.1"

#define ZSTD_CALLS(CALL)                                                                           \
    CALL(ZSTD_DCtx_setParameter)                                                                   \
    CALL(ZSTD_createDCtx_advanced)                                                                 \
    CALL(ZSTD_decompressStream)                                                                    \
    CALL(ZSTD_freeDCtx)                                                                            \
    CALL(ZSTD_getErrorCode)                                                                        \
    CALL(ZSTD_isError)

LATE_TABLE(lz, SONAME, ZSTD_CALLS);

#define SKIPPABLE_MASK 0xfffffff0u
#define HEADER_BYTES_MIN ((size_t)5)
#define WINDOW_LOG_MIN 10
#define WINDOW_LOG_MAX 31

struct unzstd {
    struct stage stage;
    ZSTD_DCtx *ctx;
    bool between; /* a frame has ended, the next has not begun */
    bool full;    /* the last call filled its output: more may wait inside */
    size_t hint;  /* input libzstd can use next: rest of a header or one block */
};

static void *zs_alloc(void *opaque, size_t bytes) {
    (void)opaque;
    return mem_alloc(bytes);
}

static void zs_free(void *opaque, void *block) {
    (void)opaque;
    mem_free(block);
}

static sk_err zs_result(size_t rc) {
    switch (lz.ZSTD_getErrorCode(rc)) {
    case ZSTD_error_no_error:
        return sk_ok();
    case ZSTD_error_memory_allocation:
        return sk_fail(SK_E_NOMEM);
    case ZSTD_error_frameParameter_windowTooLarge:
        return sk_fail(SK_E_LIMIT);
    case ZSTD_error_version_unsupported:
    case ZSTD_error_frameParameter_unsupported:
    case ZSTD_error_dictionary_wrong:
        return sk_fail(SK_E_UNSUPPORTED);
    default:
        return sk_fail(SK_E_FORMAT);
    }
}

static void next_frame(struct unzstd *s, struct stage_io *io) {
    if (io->in_len < 4) {
        io->want_more = !io->in_last;
        io->end = io->in_last;
        return;
    }
    uint32_t magic = sk_load_u32le(io->in);
    bool frame = magic == ZSTD_MAGICNUMBER ||
                 (magic & SKIPPABLE_MASK) == (uint32_t)ZSTD_MAGIC_SKIPPABLE_START;
    s->between = !frame;
    io->restarted = frame;
    io->end = !frame;
}

/* One call with in_len bytes of input; first without any, while output waits inside. */
static size_t call(struct unzstd *s, struct stage_io *io, size_t in_len) {
    ZSTD_inBuffer in = {.src = io->in, .size = in_len};
    ZSTD_outBuffer out = {.dst = io->out, .size = io->out_cap};
    size_t rc = lz.ZSTD_decompressStream(s->ctx, &out, &in);
    io->in_used = in.pos;
    io->out_len = out.pos;
    s->full = out.pos == out.size;
    s->between = rc == 0;
    s->hint = rc == 0 || lz.ZSTD_isError(rc) ? HEADER_BYTES_MIN : rc;
    return rc;
}

static sk_err unzstd_step(struct stage *stage, struct stage_io *io) {
    struct unzstd *s = (struct unzstd *)(void *)stage;
    if (s->between) {
        next_frame(s, io);
        return sk_ok();
    }
    size_t rc = 0;
    if (s->full) {
        rc = call(s, io, 0);
    }
    if (!s->full && !lz.ZSTD_isError(rc) && !s->between && io->out_len == 0) {
        rc = call(s, io, io->in_len < s->hint ? io->in_len : s->hint);
    }
    return zs_result(rc);
}

static void unzstd_fini(struct stage *stage) {
    lz.ZSTD_freeDCtx(((struct unzstd *)(void *)stage)->ctx);
}

static int window_log(uint64_t mem_bytes) {
    int log = WINDOW_LOG_MIN;
    while (log < WINDOW_LOG_MAX && (uint64_t)1 << (log + 1) <= mem_bytes) {
        log++;
    }
    return log;
}

void sk_unzstd_prepare(void) {
    (void)lz_is_there(); /* without, the first frame tells */
}

sk_err sk_unzstd_open(struct sk_stream *up, uint64_t mem_bytes, struct sk_stream **out_stream) {
    if (!lz_is_there()) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    struct unzstd *s = stage_new(sizeof(*s), up, unzstd_step, unzstd_fini);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    s->hint = HEADER_BYTES_MIN;
    ZSTD_customMem hooks = {.customAlloc = zs_alloc, .customFree = zs_free};
    s->ctx = lz.ZSTD_createDCtx_advanced(hooks);
    if (s->ctx == NULL) {
        sk_stream_close(&s->stage.base);
        return sk_fail(SK_E_NOMEM);
    }
    size_t rc = lz.ZSTD_DCtx_setParameter(s->ctx, ZSTD_d_windowLogMax, window_log(mem_bytes));
    if (lz.ZSTD_isError(rc)) {
        sk_stream_close(&s->stage.base);
        return sk_fail(SK_E_INTERNAL);
    }
    *out_stream = &s->stage.base;
    return sk_ok();
}
