// SPDX-License-Identifier: Apache-2.0
/*
 * .xz ("The .xz File Format" 1.1.0): streams one after the other, zero bytes between them.
 *
 *     STREAM -> BLOCK -> DATA -> CHECK -> BLOCK ... -> INDEX -> RECORD ... -> FOOTER -> BETWEEN
 *     header    header   LZMA2   padding,  or 00:     count    sizes of       sizes,    next magic?
 *                                checksum  the index           each block     flags     -> STREAM
 *
 * DATA goes from LZMA2 straight into the caller's room, or through a chain of branches if there are
 * other filters. Where a header tells the sizes of a block, LZMA2 sees and makes no more than
 * these.
 *
 * The index repeats the sizes of all blocks. They are not kept: both lists are summed up by a
 * CRC-32 while they go by (a list made up to have the same one would only be taken for sound, after
 * all of its bytes were given out).
 *
 * Every part but DATA and the index is looked at when all of it is there. What is not known
 * (reserved flags, other filters) is SK_E_UNSUPPORTED, checksums that were never defined are not
 * checked; this and where a damaged stream stops is as with liblzma (tests/unit/codec/test_xz.c).
 */
#include "base/cursor.h"
#include "codec/branch_chain.h"
#include "codec/codec.h"
#include "codec/lzma2.h"
#include "codec/stage.h"
#include "codec/xz_block.h"
#include "codec/xz_check.h"

#define MAGIC_BYTES ((size_t)6)
#define STREAM_BYTES ((size_t)12) /* of header and footer */
#define ALIGN 4u

static const uint8_t stream_magic[MAGIC_BYTES] = {0xfd, '7', 'z', 'X', 'Z', 0};

enum xz_state {
    XZ_STREAM,
    XZ_BLOCK,
    XZ_DATA,
    XZ_CHECK,
    XZ_INDEX,
    XZ_RECORD,
    XZ_INDEX_END,
    XZ_FOOTER,
    XZ_BETWEEN
};

/* A list of the sizes of blocks. */
struct sizes {
    uint64_t count;
    uint32_t crc;
};

struct unxz {
    struct stage stage;
    enum xz_state state;
    uint64_t mem_bytes;
    uint16_t flags; /* of the stream */
    struct xz_block block;
    struct lzma2 lzma2;
    bool lzma2_end;
    sk_err lzma2_err; /* told when the branches are empty */
    struct branch_chain chain;
    struct xz_check check;
    size_t header_bytes; /* of the block */
    uint64_t packed;     /* so far: bytes of LZMA2 */
    uint64_t given;      /* bytes of the block */
    struct sizes blocks;
    struct sizes records;
    uint64_t index_bytes;
    uint32_t index_crc;
};

static void sizes_add(struct sizes *s, uint64_t unpadded, uint64_t size) {
    uint8_t pair[16];
    sk_store_u64le(pair, unpadded);
    sk_store_u64le(pair + 8, size);
    s->crc = sk_crc32(s->crc, pair, sizeof(pair));
    s->count++;
}

static unsigned padding(uint64_t bytes) {
    return (unsigned)((ALIGN - bytes % ALIGN) % ALIGN);
}

/* `need` bytes at the place, or NULL: more input is wanted (stage.c takes that for damage if none
 * can come). They are used up. */
static const uint8_t *take(struct stage_io *io, size_t need) {
    if (io->in_len - io->in_used < need) {
        io->want_more = true;
        return NULL;
    }
    io->in_used += need;
    return io->in + io->in_used - need;
}

/* ---- stream ------------------------------------------------------------------------------- */

static sk_err read_stream(struct unxz *s, struct stage_io *io) {
    const uint8_t *header = take(io, STREAM_BYTES);
    if (header == NULL) {
        return sk_ok();
    }
    if (memcmp(header, stream_magic, MAGIC_BYTES) != 0 ||
        sk_crc32(0, header + MAGIC_BYTES, 2) != sk_load_u32le(header + 8)) {
        return sk_fail(SK_E_FORMAT);
    }
    s->flags = sk_load_u16be(header + MAGIC_BYTES);
    s->blocks = s->records = (struct sizes){0};
    s->state = XZ_BLOCK;
    return s->flags < XZ_CHECK_KINDS ? sk_ok() : sk_fail(SK_E_UNSUPPORTED);
}

static sk_err read_footer(struct unxz *s, struct stage_io *io) {
    const uint8_t *footer = take(io, STREAM_BYTES);
    if (footer == NULL) {
        return sk_ok();
    }
    uint64_t index = ((uint64_t)sk_load_u32le(footer + 4) + 1) * ALIGN;
    bool sound = sk_crc32(0, footer + 4, 6) == sk_load_u32le(footer) && index == s->index_bytes &&
                 sk_load_u16be(footer + 8) == s->flags && memcmp(footer + 10, "YZ", 2) == 0;
    s->state = XZ_BETWEEN;
    return sound ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static sk_err next_stream(struct unxz *s, struct stage_io *io) {
    while (io->in_used < io->in_len && io->in[io->in_used] == 0) {
        io->in_used++;
    }
    if (io->in_used > 0) {
        return sk_ok();
    }
    int follows = stage_next_magic(io, stream_magic, MAGIC_BYTES);
    if (follows <= 0) {
        io->end = follows == 0;
        return sk_ok();
    }
    s->state = XZ_STREAM;
    io->restarted = true;
    return sk_ok();
}

/* ---- block -------------------------------------------------------------------------------- */

static sk_err begin_block(struct unxz *s) {
    s->chain.count = 0;
    s->chain.taken = 0;
    memset(s->chain.done, 0, sizeof(s->chain.done));
    for (unsigned i = 0; i < s->block.branches; i++) {
        branch_chain_add(&s->chain, s->block.branch[i].kind, s->block.branch[i].number);
    }
    s->packed = 0;
    s->given = 0;
    s->lzma2_end = false;
    s->lzma2_err = sk_ok();
    s->state = XZ_DATA;
    TRY(xz_check_begin(&s->check, s->flags));
    return lzma2_init(&s->lzma2, s->block.dict, s->block.size, s->mem_bytes);
}

static sk_err read_block(struct unxz *s, struct stage_io *io) {
    if (io->in_used == io->in_len) {
        io->want_more = true;
        return sk_ok();
    }
    if (io->in[io->in_used] == 0) {
        s->index_bytes = 0;
        s->index_crc = 0;
        s->state = XZ_INDEX;
        return sk_ok();
    }
    size_t need = ((size_t)io->in[io->in_used] + 1) * ALIGN;
    const uint8_t *header = take(io, need);
    if (header == NULL) {
        return sk_ok();
    }
    s->header_bytes = need;
    TRY(xz_block_read(&s->block, header, need));
    return begin_block(s);
}

/* LZMA2 into `out`, within the sizes that the header tells. */
static sk_err unpack(struct unxz *s, struct stage_io *io, uint8_t *out, size_t cap,
                     size_t *out_len) {
    uint8_t beyond;
    struct stage_io part = {.in = io->in + io->in_used,
                            .in_len = io->in_len - io->in_used,
                            .out = out,
                            .out_cap = cap,
                            .in_last = io->in_last};
    uint64_t in_left = s->block.packed - s->packed;
    uint64_t out_left = s->block.size - s->lzma2.given;
    if (s->block.packed != XZ_NUMBER_NONE && part.in_len >= in_left) {
        part.in_len = (size_t)in_left;
        part.in_last = true;
    }
    if (s->block.size != XZ_NUMBER_NONE && out_left < cap) {
        part.out = out_left == 0 ? &beyond : out;
        part.out_cap = out_left == 0 ? 1 : (size_t)out_left;
    }
    sk_err err = lzma2_step(&s->lzma2, &part, &s->lzma2_end);
    io->in_used += part.in_used;
    io->want_more = part.want_more;
    s->packed += part.in_used;
    *out_len = part.out == out ? part.out_len : 0;
    if (part.out != out && part.out_len > 0) {
        return sk_fail(SK_E_FORMAT);
    }
    if (part.want_more && part.in_last) {
        return sk_fail(SK_E_FORMAT);
    }
    return err;
}

/* Through the branches. *out_drained: nothing is left in them. What was unpacked before a failure
 * comes out first. */
static sk_err unpack_chain(struct unxz *s, struct stage_io *io, bool *out_drained) {
    size_t got = branch_chain_take(&s->chain, io->out + io->out_len, io->out_cap - io->out_len);
    bool over = s->lzma2_end || sk_failed(s->lzma2_err);
    io->out_len += got;
    *out_drained = got == 0 && over;
    if (got > 0 || over) {
        return got > 0 ? sk_ok() : s->lzma2_err;
    }
    size_t room, len = 0;
    uint8_t *to = branch_chain_room(&s->chain, &room);
    s->lzma2_err = unpack(s, io, to, room, &len);
    branch_chain_put(&s->chain, len, s->lzma2_end || sk_failed(s->lzma2_err));
    return sk_ok();
}

static sk_err read_data(struct unxz *s, struct stage_io *io) {
    size_t before = io->out_len;
    bool end = false;
    sk_err err;
    if (s->block.branches > 0) {
        err = unpack_chain(s, io, &end);
    } else {
        size_t len = 0;
        err = unpack(s, io, io->out + before, io->out_cap - before, &len);
        io->out_len += len;
        end = s->lzma2_end;
    }
    s->given += io->out_len - before;
    TRY(xz_check_add(&s->check, io->out + before, io->out_len - before));
    TRY(err);
    if (!end) {
        return sk_ok();
    }
    bool sound = (s->block.packed == XZ_NUMBER_NONE || s->block.packed == s->packed) &&
                 (s->block.size == XZ_NUMBER_NONE || s->block.size == s->given);
    s->state = XZ_CHECK;
    return sound ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static sk_err read_check(struct unxz *s, struct stage_io *io) {
    size_t pad = padding(s->packed), len = xz_check_bytes(s->flags);
    const uint8_t *bytes = take(io, pad + len);
    if (bytes == NULL) {
        return sk_ok();
    }
    static const uint8_t zeros[ALIGN];
    bool agrees = false;
    TRY(xz_check_agrees(&s->check, bytes + pad, &agrees));
    sizes_add(&s->blocks, s->header_bytes + s->packed + len, s->given);
    s->state = XZ_BLOCK;
    return agrees && memcmp(bytes, zeros, pad) == 0 ? sk_ok() : sk_fail(SK_E_FORMAT);
}

/* ---- index -------------------------------------------------------------------------------- */

/* The bytes up to the cursor belong to the index; false: they are not all there. */
static bool index_used(struct unxz *s, struct stage_io *io, const struct sk_cursor *c) {
    size_t left = io->in_len - io->in_used;
    if (!sk_cursor_ok(c) && left < 2 * XZ_NUMBER_BYTES) {
        io->want_more = true;
        return false;
    }
    s->index_crc = sk_crc32(s->index_crc, io->in + io->in_used, c->pos);
    s->index_bytes += c->pos;
    io->in_used += c->pos;
    return true;
}

static sk_err read_index(struct unxz *s, struct stage_io *io) {
    struct sk_cursor c = sk_cursor_make(io->in + io->in_used, io->in_len - io->in_used);
    sk_cursor_skip(&c, 1);
    uint64_t count = xz_number(&c);
    if (!index_used(s, io, &c)) {
        return sk_ok();
    }
    s->state = count > 0 ? XZ_RECORD : XZ_INDEX_END;
    return sk_cursor_ok(&c) && count == s->blocks.count ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static sk_err read_record(struct unxz *s, struct stage_io *io) {
    struct sk_cursor c = sk_cursor_make(io->in + io->in_used, io->in_len - io->in_used);
    uint64_t unpadded = xz_number(&c), size = xz_number(&c);
    if (!index_used(s, io, &c)) {
        return sk_ok();
    }
    sizes_add(&s->records, unpadded, size);
    s->state = s->records.count < s->blocks.count ? XZ_RECORD : XZ_INDEX_END;
    return sk_cursor_ok(&c) ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static sk_err end_index(struct unxz *s, struct stage_io *io) {
    static const uint8_t zeros[ALIGN];
    size_t pad = padding(s->index_bytes);
    const uint8_t *bytes = take(io, pad + 4);
    if (bytes == NULL) {
        return sk_ok();
    }
    s->index_crc = sk_crc32(s->index_crc, bytes, pad);
    s->index_bytes += pad + 4;
    s->state = XZ_FOOTER;
    bool sound = memcmp(bytes, zeros, pad) == 0 && s->index_crc == sk_load_u32le(bytes + pad) &&
                 s->blocks.crc == s->records.crc;
    return sound ? sk_ok() : sk_fail(SK_E_FORMAT);
}

/* ---- all of it ---------------------------------------------------------------------------- */

static sk_err unxz_step(struct stage *stage, struct stage_io *io) {
    static sk_err (*const read[])(struct unxz * s, struct stage_io * io) = {
        [XZ_STREAM] = read_stream, [XZ_BLOCK] = read_block,    [XZ_DATA] = read_data,
        [XZ_CHECK] = read_check,   [XZ_INDEX] = read_index,    [XZ_RECORD] = read_record,
        [XZ_FOOTER] = read_footer, [XZ_INDEX_END] = end_index, [XZ_BETWEEN] = next_stream};
    struct unxz *s = (struct unxz *)(void *)stage;
    if (s->state == XZ_BETWEEN) {
        return next_stream(s, io);
    }
    while (s->state != XZ_BETWEEN && !io->want_more && io->out_len < io->out_cap) {
        TRY(read[s->state](s, io));
    }
    return sk_ok();
}

static void unxz_fini(struct stage *stage) {
    struct unxz *s = (struct unxz *)(void *)stage;
    lzma2_release(&s->lzma2);
    xz_check_release(&s->check);
}

sk_err sk_unxz_open(struct sk_stream *up, uint64_t mem_bytes, struct sk_stream **out_stream) {
    struct unxz *s = stage_new(sizeof(*s), up, unxz_step, unxz_fini);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    s->mem_bytes = mem_bytes;
    *out_stream = &s->stage.base;
    return sk_ok();
}
