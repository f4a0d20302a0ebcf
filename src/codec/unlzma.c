// SPDX-License-Identifier: Apache-2.0
/*
 * The LZMA family over liblzma: .xz, .lz, .lzma and method 14 of ZIP.
 *
 * xz and lzip are chains of streams; liblzma could chain them itself, but then garbage behind the
 * last one reads as damage of the archive and its place is lost. So streams are opened one by one:
 *
 *     stream -> zero padding (xz) -> magic? -> yes: next stream; no: end
 *
 * ZIP method 14 (APPNOTE 5.8.8) is a .lzma stream whose header looks different:
 *
 *     ZIP:   version(2)  size of properties(2) = 5   properties(5)              data...
 *     .lzma:                                         properties(5)  size(8)     data...
 *
 * so the 13 bytes of .lzma are made from it and fed first. mem_bytes is enforced by liblzma before
 * it allocates the dictionary.
 */
#include <lzma.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "codec/codec.h"
#include "codec/hooks.h"
#include "codec/stage.h"

#define ALONE_HEADER_BYTES ((size_t)13)
#define ZIP_HEADER_BYTES ((size_t)9)
#define PROPS_BYTES 5u
#define LZMA2_DICT_MAX 40u
#define LCLP_MAX 4u /* liblzma's limit for lc + lp */

enum lz_kind { LZ_XZ, LZ_LZIP, LZ_ALONE, LZ_ZIP, LZ_RAW };
enum lz_state { LZ_HEADER, LZ_RUN, LZ_BETWEEN };

struct unlzma {
    struct stage stage;
    lzma_stream lz;
    enum lz_kind kind;
    enum lz_state state;
    uint64_t mem_bytes;
    uint64_t zip_size;
    lzma_options_lzma raw; /* LZ_RAW */
    lzma_vli raw_filter;
};

static void *lz_alloc(void *opaque, size_t count, size_t each) {
    (void)opaque;
    return hooks_alloc(count, each);
}

static void lz_free(void *opaque, void *block) {
    (void)opaque;
    mem_free(block);
}

static const lzma_allocator lz_hooks = {.alloc = lz_alloc, .free = lz_free};

static sk_err lz_result(lzma_ret rc) {
    switch (rc) {
    case LZMA_OK:
    case LZMA_STREAM_END:
    case LZMA_BUF_ERROR: /* no progress: the stage decides whether that is the end */
        return sk_ok();
    case LZMA_MEM_ERROR:
        return sk_fail(SK_E_NOMEM);
    case LZMA_MEMLIMIT_ERROR:
        return sk_fail(SK_E_LIMIT);
    case LZMA_OPTIONS_ERROR:
        return sk_fail(SK_E_UNSUPPORTED);
    case LZMA_PROG_ERROR:
        return sk_fail(SK_E_INTERNAL);
    default:
        return sk_fail(SK_E_FORMAT);
    }
}

static sk_err begin_raw(struct unlzma *s) {
    lzma_filter filters[2] = {{s->raw_filter, &s->raw}, {LZMA_VLI_UNKNOWN, NULL}};
    if (lzma_raw_decoder_memusage(filters) > s->mem_bytes) {
        return sk_fail(SK_E_LIMIT);
    }
    return lz_result(lzma_raw_decoder(&s->lz, filters));
}

static sk_err begin(struct unlzma *s) {
    switch (s->kind) {
    case LZ_XZ:
        return lz_result(lzma_stream_decoder(&s->lz, s->mem_bytes, 0));
    case LZ_RAW:
        return begin_raw(s);
    case LZ_LZIP:
        return lz_result(lzma_lzip_decoder(&s->lz, s->mem_bytes, 0));
    default:
        return lz_result(lzma_alone_decoder(&s->lz, s->mem_bytes));
    }
}

static sk_err zip_header(struct unlzma *s, struct stage_io *io) {
    if (io->in_len < ZIP_HEADER_BYTES) {
        io->want_more = !io->in_last;
        return sk_ok();
    }
    struct sk_cursor c = sk_cursor_make(io->in, ZIP_HEADER_BYTES);
    sk_cursor_skip(&c, 2);
    if (sk_cursor_u16le(&c) != PROPS_BYTES) {
        return sk_fail(SK_E_FORMAT);
    }
    const uint8_t *props = sk_cursor_take(&c, PROPS_BYTES);
    unsigned lc = props[0] % 9u;
    unsigned lp = props[0] / 9u % 5u;
    if (props[0] >= 9 * 5 * 5) {
        return sk_fail(SK_E_FORMAT);
    }
    if (lc + lp > LCLP_MAX) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    uint8_t header[ALONE_HEADER_BYTES];
    memcpy(header, props, PROPS_BYTES);
    sk_store_u64le(header + PROPS_BYTES, s->zip_size);
    /* liblzma works only when there is room for output; 13 bytes cannot make any. */
    uint8_t nothing[1];
    s->lz.next_in = header;
    s->lz.avail_in = sizeof(header);
    s->lz.next_out = nothing;
    s->lz.avail_out = sizeof(nothing);
    TRY(lz_result(lzma_code(&s->lz, LZMA_RUN)));
    if (s->lz.avail_in != 0) {
        return sk_fail(SK_E_INTERNAL);
    }
    io->in_used = ZIP_HEADER_BYTES;
    s->state = LZ_RUN;
    return sk_ok();
}

static sk_err next_stream(struct unlzma *s, struct stage_io *io) {
    if (s->kind == LZ_XZ) {
        while (io->in_used < io->in_len && io->in[io->in_used] == 0) {
            io->in_used++;
        }
        if (io->in_used > 0) {
            return sk_ok();
        }
    }
    int follows = s->kind == LZ_XZ ? stage_next_magic(io,
                                                      "\xfd"
                                                      "7zXZ\0",
                                                      6)
                                   : stage_next_magic(io, "LZIP", 4);
    if (follows <= 0) {
        io->end = follows == 0;
        return sk_ok();
    }
    s->state = LZ_RUN;
    io->restarted = true;
    return begin(s);
}

static sk_err run(struct unlzma *s, struct stage_io *io) {
    s->lz.next_in = io->in;
    s->lz.avail_in = io->in_len;
    s->lz.next_out = io->out;
    s->lz.avail_out = io->out_cap;
    lzma_ret rc = lzma_code(&s->lz, io->in_last ? LZMA_FINISH : LZMA_RUN);
    io->in_used = io->in_len - s->lz.avail_in;
    io->out_len = io->out_cap - s->lz.avail_out;
    if (rc == LZMA_STREAM_END) {
        bool chain = s->kind == LZ_XZ || s->kind == LZ_LZIP;
        s->state = LZ_BETWEEN;
        io->end = !chain;
    }
    return lz_result(rc);
}

static sk_err unlzma_step(struct stage *stage, struct stage_io *io) {
    struct unlzma *s = (struct unlzma *)(void *)stage;
    switch (s->state) {
    case LZ_HEADER:
        return zip_header(s, io);
    case LZ_BETWEEN:
        return next_stream(s, io);
    default:
        return run(s, io);
    }
}

static void unlzma_fini(struct stage *stage) {
    lzma_end(&((struct unlzma *)(void *)stage)->lz);
}

static sk_err unlzma_open(struct unlzma like, struct sk_stream *up, struct sk_stream **out_stream) {
    struct unlzma *s = stage_new(sizeof(*s), up, unlzma_step, unlzma_fini);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    s->lz = (lzma_stream)LZMA_STREAM_INIT;
    s->lz.allocator = &lz_hooks;
    s->kind = like.kind;
    s->state = like.kind == LZ_ZIP ? LZ_HEADER : LZ_RUN;
    s->mem_bytes = like.mem_bytes;
    s->zip_size = like.zip_size;
    s->raw = like.raw;
    s->raw_filter = like.raw_filter;
    sk_err err = begin(s);
    if (sk_failed(err)) {
        sk_stream_close(&s->stage.base);
        return err;
    }
    *out_stream = &s->stage.base;
    return sk_ok();
}

sk_err sk_unxz_open(struct sk_stream *up, uint64_t mem_bytes, struct sk_stream **out_stream) {
    return unlzma_open((struct unlzma){.kind = LZ_XZ, .mem_bytes = mem_bytes}, up, out_stream);
}

sk_err sk_unlzip_open(struct sk_stream *up, uint64_t mem_bytes, struct sk_stream **out_stream) {
    return unlzma_open((struct unlzma){.kind = LZ_LZIP, .mem_bytes = mem_bytes}, up, out_stream);
}

sk_err sk_unlzma_open(struct sk_stream *up, uint64_t mem_bytes, struct sk_stream **out_stream) {
    return unlzma_open((struct unlzma){.kind = LZ_ALONE, .mem_bytes = mem_bytes}, up, out_stream);
}

sk_err sk_unlzma_zip_open(struct sk_stream *up, uint64_t size, uint64_t mem_bytes,
                          struct sk_stream **out_stream) {
    struct unlzma like = {.kind = LZ_ZIP, .mem_bytes = mem_bytes, .zip_size = size};
    return unlzma_open(like, up, out_stream);
}

sk_err sk_lzma1_open(struct sk_stream *up, const uint8_t props[SK_LZMA_PROPS_BYTES], uint64_t size,
                     uint64_t mem_bytes, struct sk_stream **out_stream) {
    struct unlzma like = {
        .kind = LZ_RAW, .mem_bytes = mem_bytes, .raw_filter = LZMA_FILTER_LZMA1EXT};
    like.raw = (lzma_options_lzma){.dict_size = sk_load_u32le(props + 1),
                                   .lc = props[0] % 9u,
                                   .lp = props[0] / 9u % 5u,
                                   .pb = props[0] / 45u,
                                   .ext_flags = LZMA_LZMA1EXT_ALLOW_EOPM,
                                   .ext_size_low = (uint32_t)size,
                                   .ext_size_high = (uint32_t)(size >> 32)};
    return unlzma_open(like, up, out_stream);
}

sk_err sk_lzma2_open(struct sk_stream *up, uint8_t dict, uint64_t mem_bytes,
                     struct sk_stream **out_stream) {
    if (dict > LZMA2_DICT_MAX) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    struct unlzma like = {.kind = LZ_RAW, .mem_bytes = mem_bytes, .raw_filter = LZMA_FILTER_LZMA2};
    like.raw.dict_size =
        dict == LZMA2_DICT_MAX ? UINT32_MAX : (2u | (dict & 1u)) << (dict / 2u + 11);
    return unlzma_open(like, up, out_stream);
}
