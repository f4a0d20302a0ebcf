// SPDX-License-Identifier: Apache-2.0
/*
 * LZMA and LZMA2 as streams: .lzma, .lz, method 14 of ZIP, and without a header as in 7z. All but
 * .lz are a header (or numbers that came from elsewhere) and one stream:
 *
 *     .lzma: properties(5)  size(8)                                                   symbols...
 *     ZIP:   version(2)  size of properties(2) = 5  properties(5)                     symbols...
 *     .lz:   "LZIP" version(1) dictionary(1)  symbols...  CRC-32(4) size(8) member's size(8)
 *
 * (APPNOTE 5.8.8; lzip manual, "File format"). .lz is a chain of members: another one follows where
 * the magic does, else what is there is left alone.
 *
 * Its own and not liblzma's because that is half again as slow (decision 012), and asks for the
 * whole of a dictionary at once. Where a damaged stream stops, and what comes out before, is the
 * same (tests/unit/codec/test_lzma.c).
 */
#include "base/cursor.h"
#include "codec/codec.h"
#include "codec/lzma1.h"
#include "codec/lzma2.h"
#include "codec/stage.h"

#define ALONE_HEADER_BYTES ((size_t)13)
#define ZIP_HEADER_BYTES ((size_t)9)
#define LZIP_HEADER_BYTES ((size_t)6)
#define LZIP_USUAL_PROPS 0x5du /* lc 3, lp 0, pb 2 */
#define LITERAL_BITS_MAX 4u    /* of lc + lp, but in 7z */
#define PROPS_ALL (9u * 5 * 5)

enum lz_kind { LZ_LZIP, LZ_ALONE, LZ_ZIP, LZ_RAW1, LZ_RAW2 };
enum lz_state { LZ_HEADER, LZ_RUN, LZ_TRAILER, LZ_BETWEEN };

struct unlzma {
    struct stage stage;
    struct lzma1 lzma1;
    struct lzma2 lzma2;
    enum lz_kind kind;
    enum lz_state state;
    uint64_t mem_bytes;
    uint64_t size;
    uint8_t props[SK_LZMA_PROPS_BYTES]; /* of LZ_RAW1; the first: of LZ_RAW2 */
    unsigned version;                   /* of .lz */
    uint32_t crc;                       /* the same, so far */
    uint64_t given;
    uint64_t used;
};

/* ---- headers ------------------------------------------------------------------------------ */

static sk_err check_props(uint8_t props, int too_many) {
    if (props >= PROPS_ALL) {
        return sk_fail(SK_E_FORMAT);
    }
    return props % 9u + props / 9u % 5u > LITERAL_BITS_MAX ? sk_fail(too_many) : sk_ok();
}

static sk_err alone_header(struct unlzma *s, struct sk_cursor *c) {
    const uint8_t *props = sk_cursor_take(c, SK_LZMA_PROPS_BYTES);
    TRY(check_props(props[0], SK_E_FORMAT));
    return lzma1_init(&s->lzma1, props, sk_cursor_u64le(c), s->mem_bytes);
}

static sk_err zip_header(struct unlzma *s, struct sk_cursor *c) {
    sk_cursor_skip(c, 2);
    if (sk_cursor_u16le(c) != SK_LZMA_PROPS_BYTES) {
        return sk_fail(SK_E_FORMAT);
    }
    const uint8_t *props = sk_cursor_take(c, SK_LZMA_PROPS_BYTES);
    TRY(check_props(props[0], SK_E_UNSUPPORTED));
    return lzma1_init(&s->lzma1, props, s->size, s->mem_bytes);
}

/* The dictionary is 2^n bytes less a number of sixteenths. */
static sk_err lzip_header(struct unlzma *s, struct sk_cursor *c) {
    const uint8_t *magic = sk_cursor_take(c, 4);
    s->version = sk_cursor_u8(c);
    unsigned coded = sk_cursor_u8(c);
    unsigned power = coded & 31, sixteenths = coded >> 5;
    if (memcmp(magic, "LZIP", 4) != 0) {
        return sk_fail(SK_E_FORMAT);
    }
    if (s->version > 1) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    if (power < 12 || power > 29 || (power == 12 && sixteenths > 0)) {
        return sk_fail(SK_E_FORMAT);
    }
    uint8_t props[SK_LZMA_PROPS_BYTES] = {LZIP_USUAL_PROPS};
    sk_store_u32le(props + 1, (1u << power) - (sixteenths << (power - 4)));
    s->crc = 0;
    s->given = 0;
    s->used = LZIP_HEADER_BYTES;
    return lzma1_init(&s->lzma1, props, SK_CODEC_SIZE_UNKNOWN, s->mem_bytes);
}

static sk_err read_header(struct unlzma *s, struct stage_io *io) {
    static const size_t bytes[] = {[LZ_LZIP] = LZIP_HEADER_BYTES,
                                   [LZ_ALONE] = ALONE_HEADER_BYTES,
                                   [LZ_ZIP] = ZIP_HEADER_BYTES,
                                   [LZ_RAW1] = 0,
                                   [LZ_RAW2] = 0};
    size_t need = bytes[s->kind];
    if (io->in_len < need) {
        io->want_more = true;
        return sk_ok();
    }
    struct sk_cursor c = sk_cursor_make(io->in, need);
    io->in_used = need;
    s->state = LZ_RUN;
    switch (s->kind) {
    case LZ_LZIP:
        return lzip_header(s, &c);
    case LZ_ALONE:
        return alone_header(s, &c);
    case LZ_ZIP:
        return zip_header(s, &c);
    case LZ_RAW1:
        return lzma1_init(&s->lzma1, s->props, s->size, s->mem_bytes);
    default:
        return lzma2_init(&s->lzma2, s->props[0], SK_CODEC_SIZE_UNKNOWN, s->mem_bytes);
    }
}

/* ---- stream ------------------------------------------------------------------------------- */

static sk_err run(struct unlzma *s, struct stage_io *io) {
    size_t in_before = io->in_used, out_before = io->out_len;
    bool end = false;
    sk_err err =
        s->kind == LZ_RAW2 ? lzma2_step(&s->lzma2, io, &end) : lzma1_step(&s->lzma1, io, &end);
    if (s->kind == LZ_LZIP) {
        size_t got = io->out_len - out_before;
        s->crc = sk_crc32(s->crc, io->out + out_before, got);
        s->given += got;
        s->used += io->in_used - in_before;
    }
    TRY(err);
    io->end = end && s->kind != LZ_LZIP;
    s->state = end ? LZ_TRAILER : LZ_RUN;
    return sk_ok();
}

/* The first version had no size of the member. */
static sk_err read_trailer(struct unlzma *s, struct stage_io *io) {
    size_t need = s->version == 0 ? 12 : 20;
    if (io->in_len < need) {
        io->want_more = true;
        return sk_ok();
    }
    struct sk_cursor c = sk_cursor_make(io->in, need);
    uint32_t crc = sk_cursor_u32le(&c);
    uint64_t given = sk_cursor_u64le(&c);
    uint64_t used = s->version == 0 ? s->used + need : sk_cursor_u64le(&c);
    io->in_used = need;
    s->state = LZ_BETWEEN;
    bool sound = crc == s->crc && given == s->given && used == s->used + need;
    return sound ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static sk_err next_member(struct unlzma *s, struct stage_io *io) {
    int follows = stage_next_magic(io, "LZIP", 4);
    if (follows <= 0) {
        io->end = follows == 0;
        return sk_ok();
    }
    s->state = LZ_HEADER;
    io->restarted = true;
    return sk_ok();
}

static sk_err unlzma_step(struct stage *stage, struct stage_io *io) {
    struct unlzma *s = (struct unlzma *)(void *)stage;
    if (s->state == LZ_HEADER) {
        TRY(read_header(s, io));
    }
    switch (s->state) {
    case LZ_RUN:
        return run(s, io);
    case LZ_TRAILER:
        return read_trailer(s, io);
    case LZ_BETWEEN:
        return next_member(s, io);
    default:
        return sk_ok();
    }
}

static void unlzma_fini(struct stage *stage) {
    struct unlzma *s = (struct unlzma *)(void *)stage;
    lzma1_release(&s->lzma1);
    lzma2_release(&s->lzma2);
}

static struct unlzma *unlzma_new(struct sk_stream *up, enum lz_kind kind, uint64_t mem_bytes) {
    struct unlzma *s = stage_new(sizeof(*s), up, unlzma_step, unlzma_fini);
    if (s != NULL) {
        s->kind = kind;
        s->mem_bytes = mem_bytes;
        s->size = SK_CODEC_SIZE_UNKNOWN;
    }
    return s;
}

static sk_err unlzma_give(struct unlzma *s, struct sk_stream **out_stream) {
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *out_stream = &s->stage.base;
    return sk_ok();
}

sk_err sk_unlzip_open(struct sk_stream *up, uint64_t mem_bytes, struct sk_stream **out_stream) {
    return unlzma_give(unlzma_new(up, LZ_LZIP, mem_bytes), out_stream);
}

sk_err sk_unlzma_open(struct sk_stream *up, uint64_t mem_bytes, struct sk_stream **out_stream) {
    return unlzma_give(unlzma_new(up, LZ_ALONE, mem_bytes), out_stream);
}

sk_err sk_unlzma_zip_open(struct sk_stream *up, uint64_t size, uint64_t mem_bytes,
                          struct sk_stream **out_stream) {
    struct unlzma *s = unlzma_new(up, LZ_ZIP, mem_bytes);
    if (s != NULL) {
        s->size = size;
    }
    return unlzma_give(s, out_stream);
}

sk_err sk_lzma1_open(struct sk_stream *up, const uint8_t props[SK_LZMA_PROPS_BYTES], uint64_t size,
                     uint64_t mem_bytes, struct sk_stream **out_stream) {
    struct unlzma *s = unlzma_new(up, LZ_RAW1, mem_bytes);
    if (s != NULL) {
        s->size = size;
        memcpy(s->props, props, sizeof(s->props));
    }
    return unlzma_give(s, out_stream);
}

sk_err sk_lzma2_open(struct sk_stream *up, uint8_t dict, uint64_t mem_bytes,
                     struct sk_stream **out_stream) {
    struct unlzma *s = unlzma_new(up, LZ_RAW2, mem_bytes);
    if (s != NULL) {
        s->props[0] = dict;
    }
    return unlzma_give(s, out_stream);
}
