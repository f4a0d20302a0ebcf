// SPDX-License-Identifier: Apache-2.0
/*
 * bzip2: streams one after the other, as bzip2(1) reads them.
 *
 *     "BZh" level -> [block magic, block]... -> end magic, CRC -> "BZh" again? -> yes: next stream
 *
 *     block -> bzip2_block (codes) -> bzip2_walk (order) -> here: runs, CRC -> caller's buffer
 *
 * Four equal bytes are followed by how many more there are. The bytes are copied by eights, with a
 * bit for each that is like the one before: three bits in a row are the fourth equal byte.
 *
 * Its own and not libbz2's because that is twice as slow, which for an archive is our whole time:
 * it reads codes bit by bit, has 4,096 places for the list of bytes, and waits for the cache at
 * each byte (bzip2_walk.c). Where a damaged stream stops, and what comes out before, is the same
 * (tests/unit/codec/test_bzip2.c), but for a block that ends behind four equal bytes: libbz2 takes
 * a count from the block's start, gives so many more, and then fails as well.
 *
 * The CRC is CRC-32 with bits the other way about: of bytes turned round it is the usual one,
 * turned round, for which the processor has help. 4.7 MiB at most, by level; empty streams are
 * counted by the stage.
 */
#include "base/mem.h"
#include "codec/bzip2_block.h"
#include "codec/bzip2_walk.h"
#include "codec/codec.h"
#include "codec/stage.h"

#define MAGIC_BITS 24u
#define BLOCK_MAGIC_1 0x314159u
#define BLOCK_MAGIC_2 0x265359u
#define END_MAGIC_1 0x177245u
#define END_MAGIC_2 0x385090u
#define RUN_BYTES 4u
#define CRC_STEP_BYTES 1024u

enum bz_state { BZ_HEADER, BZ_MAGIC, BZ_BYTES, BZ_BETWEEN };

struct bunzipper {
    struct stage stage;
    enum bz_state state;
    struct bz_bits bits;
    struct bz_block block;
    struct bz_walk walk;
    struct sk_bytes span; /* of the walk, not used yet */
    unsigned run;         /* equal bytes so far */
    unsigned repeat;      /* more of them are due */
    uint8_t last;
    uint32_t crc;      /* of the block so far, turned round */
    uint32_t combined; /* of the stream's blocks */
};

/* ---- checksum ----------------------------------------------------------------------------- */

static uint64_t turn_bytes(uint64_t x) {
    const uint64_t ones = UINT64_C(0x5555555555555555), twos = UINT64_C(0x3333333333333333),
                   fours = UINT64_C(0x0f0f0f0f0f0f0f0f);
    x = (x >> 1 & ones) | (x & ones) << 1;
    x = (x >> 2 & twos) | (x & twos) << 2;
    return (x >> 4 & fours) | (x & fours) << 4;
}

static uint32_t turn_word(uint32_t x) {
    return __builtin_bswap32((uint32_t)turn_bytes(x));
}

static uint32_t crc_add(uint32_t crc, const uint8_t *bytes, size_t len) {
    while (len > 0) {
        uint64_t turned[CRC_STEP_BYTES / 8];
        size_t step = len < CRC_STEP_BYTES ? len : CRC_STEP_BYTES;
        size_t words = (step + 7) / 8;
        turned[words - 1] = 0;
        memcpy(turned, bytes, step);
        for (size_t i = 0; i < words; i++) {
            turned[i] = turn_bytes(turned[i]);
        }
        crc = sk_crc32(crc, turned, step);
        bytes += step;
        len -= step;
    }
    return crc;
}

/* ---- runs --------------------------------------------------------------------------------- */

/* A bit for each of eight bytes: is it as the one before? */
static unsigned like_before(uint64_t word, uint8_t last) {
    const uint64_t low = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t differ = word ^ (word << 8 | last);
    uint64_t same = ~(((differ & low) + low) | differ | low);
    return (unsigned)((same >> 7) * UINT64_C(0x0102040810204080) >> 56);
}

/* Eight bytes, or up to the fourth in a row; out has room for eight. Returns how many. */
static size_t give_eight(struct bunzipper *s, const uint8_t *in, uint8_t *out) {
    uint64_t word = sk_load_u64le(in);
    unsigned like = like_before(word, s->last);
    /* Two more bits for the bytes before; behind a repeated row a new one begins. */
    like &= s->run == 0 ? ~1u : ~0u;
    like = like << 2 | (s->run >= 2 ? 2u : 0u) | (s->run >= 3 ? 1u : 0u);
    unsigned fourth = like & like >> 1 & like >> 2;
    size_t n = fourth == 0 ? 8 : (size_t)__builtin_ctz(fourth) + 1;
    memcpy(out, &word, 8);
    s->last = out[n - 1];
    if (fourth != 0) {
        s->run = RUN_BYTES;
    } else {
        s->run = 1 + (like >> 9) + (like >> 9 & like >> 8 & 1);
    }
    return n;
}

/* Bytes up to the fourth of a row, the end of the span or of the room. */
static size_t give_span(struct bunzipper *s, uint8_t *out, size_t cap) {
    const uint8_t *in = s->span.ptr;
    size_t most = s->span.len < cap ? s->span.len : cap;
    size_t n = 0;
    while (most - n >= 8 && s->run < RUN_BYTES) {
        n += give_eight(s, in + n, out + n);
    }
    while (n < most && s->run < RUN_BYTES) {
        s->run = in[n] == s->last && s->run > 0 ? s->run + 1 : 1;
        s->last = in[n];
        out[n] = in[n];
        n++;
    }
    s->span.ptr += n;
    s->span.len -= n;
    return n;
}

/* False: the block has no more. */
static bool give_some(struct bunzipper *s, struct stage_io *io) {
    uint8_t *out = io->out + io->out_len;
    size_t cap = io->out_cap - io->out_len;
    if (s->repeat > 0) {
        size_t n = s->repeat < cap ? s->repeat : cap;
        memset(out, s->last, n);
        s->repeat -= (unsigned)n;
        io->out_len += n;
        return true;
    }
    if (s->span.len == 0) {
        s->span = bz_walk_next(&s->walk);
    }
    if (s->span.len == 0) {
        return false;
    }
    if (s->run == RUN_BYTES) {
        s->repeat = s->span.ptr[0];
        s->span.ptr++;
        s->span.len--;
        s->run = 0;
        return true;
    }
    io->out_len += give_span(s, out, cap);
    return true;
}

/* ---- stream ------------------------------------------------------------------------------- */

static sk_err read_header(struct bunzipper *s) {
    uint32_t magic = 0, level = 0;
    TRY(bz_bits_take(&s->bits, MAGIC_BITS, &magic));
    TRY(bz_bits_take(&s->bits, 8, &level));
    if (magic != ((uint32_t)'B' << 16 | 'Z' << 8 | 'h') || level < '1' || level > '9') {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(bz_block_size(&s->block, level - '0'));
    TRY(bz_walk_size(&s->walk, level - '0'));
    s->combined = 0;
    s->state = BZ_MAGIC;
    return sk_ok();
}

static sk_err end_stream(struct bunzipper *s) {
    uint32_t crc = 0;
    TRY(bz_bits_take(&s->bits, 32, &crc));
    bz_bits_give_back(&s->bits);
    s->state = BZ_BETWEEN;
    return crc == s->combined ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static sk_err read_block(struct bunzipper *s) {
    uint32_t first = 0, second = 0;
    TRY(bz_bits_take(&s->bits, MAGIC_BITS, &first));
    TRY(bz_bits_take(&s->bits, MAGIC_BITS, &second));
    if (first == END_MAGIC_1 && second == END_MAGIC_2) {
        return end_stream(s);
    }
    if (first != BLOCK_MAGIC_1 || second != BLOCK_MAGIC_2) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(bz_block_read(&s->block, &s->bits));
    bz_walk_run(&s->walk, &s->block);
    s->span.len = 0;
    s->run = 0;
    s->crc = 0;
    s->state = BZ_BYTES;
    return sk_ok();
}

static sk_err give_block(struct bunzipper *s, struct stage_io *io) {
    size_t before = io->out_len;
    bool more = true;
    while (more && io->out_len < io->out_cap) {
        more = give_some(s, io);
    }
    s->crc = crc_add(s->crc, io->out + before, io->out_len - before);
    if (more) {
        return sk_ok();
    }
    if (turn_word(s->crc) != s->block.crc || s->run == RUN_BYTES) {
        return sk_fail(SK_E_FORMAT);
    }
    s->combined = (s->combined << 1 | s->combined >> 31) ^ s->block.crc;
    s->state = BZ_MAGIC;
    return sk_ok();
}

static sk_err next_stream(struct bunzipper *s, struct stage_io *io) {
    int follows = stage_next_magic(io, "BZh", 3);
    if (follows <= 0) {
        io->end = follows == 0;
        return sk_ok();
    }
    s->state = BZ_HEADER;
    io->restarted = true;
    return sk_ok();
}

static sk_err bunzipper_step(struct stage *stage, struct stage_io *io) {
    struct bunzipper *s = (struct bunzipper *)(void *)stage;
    if (s->state == BZ_BETWEEN) {
        return next_stream(s, io);
    }
    s->bits.stage = stage;
    s->bits.io = io;
    while (s->state != BZ_BETWEEN && io->out_len < io->out_cap) {
        switch (s->state) {
        case BZ_HEADER:
            TRY(read_header(s));
            break;
        case BZ_MAGIC:
            TRY(read_block(s));
            break;
        default:
            TRY(give_block(s, io));
            break;
        }
    }
    return sk_ok();
}

static void bunzipper_fini(struct stage *stage) {
    struct bunzipper *s = (struct bunzipper *)(void *)stage;
    bz_block_release(&s->block);
    bz_walk_release(&s->walk);
}

sk_err sk_bunzip2_open(struct sk_stream *up, struct sk_stream **out_stream) {
    struct bunzipper *s = stage_new(sizeof(*s), up, bunzipper_step, bunzipper_fini);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *out_stream = &s->stage.base;
    return sk_ok();
}
