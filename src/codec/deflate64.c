// SPDX-License-Identifier: Apache-2.0
/*
 * Deflate64 ("enhanced deflate", ZIP method 9; APPNOTE 4.4.5): deflate with a window of 64 KiB.
 * Against RFC 1951: length code 285 is 3 + 16 extra bits, distance codes 30 and 31 exist (14 extra
 * bits). zlib does not have it, so this one is ours.
 *
 *     BLOCK -> STORED_LEN -> STORED ---------------------------\
 *      |  \-> fixed codes -> SYMBOL <-> DISTANCE -> COPY        |
 *      \-> TABLE -> CODE_LENGTHS -> LENGTHS -> SYMBOL           |
 *     BLOCK <----- end of block ------/ <-----------------------/
 *     BLOCK after the last block -> end
 *
 * Every state first asks ready() for the most bits it can use; if they are not there yet the step
 * returns and is called again with more input, so each state runs whole or not at all. At the end
 * of the input missing bits read as zero, and using one of them is damage (drop() sees it).
 * Every output byte also goes into the ring, from which matches copy; a distance beyond what was
 * written is damage, so the ring is never read before it is written.
 */
#include "base/cursor.h"
#include "base/mem.h"
#include "codec/codec.h"
#include "codec/huffman.h"
#include "codec/stage.h"

#define RING_BYTES ((size_t)65536)
#define RING_MASK (RING_BYTES - 1)
#define LITERALS_MAX 286u
#define DISTANCES_MAX 32u
#define CODE_LENGTH_CODES 19u
#define END_OF_BLOCK 256

enum d64_state {
    D64_BLOCK,
    D64_STORED_LEN,
    D64_STORED,
    D64_TABLE,
    D64_CODE_LENGTHS,
    D64_LENGTHS,
    D64_SYMBOL,
    D64_DISTANCE,
    D64_COPY,
    D64_END
};

struct deflate64 {
    struct stage stage;
    enum d64_state state;
    bool last_block;
    bool over; /* bits past the end of the input were used */
    uint64_t hold;
    unsigned held; /* bits of hold that count */
    uint64_t written;
    uint32_t length; /* of the stored block or match still to copy */
    uint32_t distance;
    unsigned literals, distances, code_lengths; /* counts of the block's table */
    unsigned got;                               /* lengths read so far */
    uint8_t lengths[HUFF_SYMBOLS_MAX + DISTANCES_MAX];
    struct huff literal; /* holds the code of code lengths while lengths are read */
    struct huff dist;
    uint8_t ring[RING_BYTES];
};

struct base_bits {
    uint32_t base;
    uint8_t bits;
};

static const struct base_bits length_codes[] = {
    {3, 0},  {4, 0},  {5, 0},  {6, 0},   {7, 0},   {8, 0},   {9, 0},   {10, 0},  {11, 1}, {13, 1},
    {15, 1}, {17, 1}, {19, 2}, {23, 2},  {27, 2},  {31, 2},  {35, 3},  {43, 3},  {51, 3}, {59, 3},
    {67, 4}, {83, 4}, {99, 4}, {115, 4}, {131, 5}, {163, 5}, {195, 5}, {227, 5}, {3, 16}};

static const struct base_bits distance_codes[DISTANCES_MAX] = {
    {1, 0},      {2, 0},      {3, 0},      {4, 0},     {5, 1},     {7, 1},     {9, 2},
    {13, 2},     {17, 3},     {25, 3},     {33, 4},    {49, 4},    {65, 5},    {97, 5},
    {129, 6},    {193, 6},    {257, 7},    {385, 7},   {513, 8},   {769, 8},   {1025, 9},
    {1537, 9},   {2049, 10},  {3073, 10},  {4097, 11}, {6145, 11}, {8193, 12}, {12289, 12},
    {16385, 13}, {24577, 13}, {32769, 14}, {49153, 14}};

static const uint8_t code_length_order[CODE_LENGTH_CODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                             11, 4,  12, 3, 13, 2, 14, 1, 15};

static bool ready(struct deflate64 *s, struct stage_io *io, unsigned bits) {
    while (s->held <= 56 && io->in_used < io->in_len) {
        s->hold |= (uint64_t)io->in[io->in_used++] << s->held;
        s->held += 8;
    }
    return s->held >= bits || io->in_last;
}

static void drop(struct deflate64 *s, unsigned bits) {
    if (bits > s->held) {
        s->over = true;
        s->hold = 0;
        s->held = 0;
        return;
    }
    s->hold >>= bits;
    s->held -= bits;
}

static unsigned take(struct deflate64 *s, unsigned bits) {
    unsigned value = (unsigned)(s->hold & (((uint64_t)1 << bits) - 1));
    drop(s, bits);
    return value;
}

static int take_symbol(struct deflate64 *s, const struct huff *h) {
    unsigned len = 0;
    int symbol = huff_decode(h, s->hold, &len);
    if (symbol != HUFF_NONE) {
        drop(s, len);
    }
    return symbol;
}

static void put(struct deflate64 *s, struct stage_io *io, uint8_t byte) {
    s->ring[s->written & RING_MASK] = byte;
    s->written++;
    io->out[io->out_len++] = byte;
}

static void fixed_codes(struct deflate64 *s) {
    static const struct {
        unsigned until;
        uint8_t bits;
    } runs[] = {{144, 8}, {256, 9}, {280, 7}, {288, 8}};
    unsigned i = 0;
    for (unsigned r = 0; r < sizeof(runs) / sizeof(runs[0]); r++) {
        while (i < runs[r].until) {
            s->lengths[i++] = runs[r].bits;
        }
    }
    /* Both sets are complete by definition. */
    (void)huff_build(&s->literal, s->lengths, HUFF_SYMBOLS_MAX);
    memset(s->lengths, 5, DISTANCES_MAX);
    (void)huff_build(&s->dist, s->lengths, DISTANCES_MAX);
}

static sk_err begin_block(struct deflate64 *s) {
    if (s->last_block) {
        s->state = D64_END;
        return sk_ok();
    }
    s->last_block = take(s, 1) != 0;
    switch (take(s, 2)) {
    case 0:
        drop(s, s->held & 7u);
        s->state = D64_STORED_LEN;
        return sk_ok();
    case 1:
        fixed_codes(s);
        s->state = D64_SYMBOL;
        return sk_ok();
    case 2:
        s->state = D64_TABLE;
        return sk_ok();
    default:
        return sk_fail(SK_E_FORMAT);
    }
}

static sk_err stored_len(struct deflate64 *s) {
    s->length = take(s, 16);
    unsigned check = take(s, 16);
    s->state = D64_STORED;
    return s->length == (check ^ 0xffffu) ? sk_ok() : sk_fail(SK_E_FORMAT);
}

/* Whole bytes wait in hold first, the rest is in the input. False: wait for input or room. */
static bool stored(struct deflate64 *s, struct stage_io *io) {
    while (s->length > 0 && io->out_len < io->out_cap) {
        if (s->held > 0) {
            put(s, io, (uint8_t)take(s, 8));
        } else if (io->in_used < io->in_len) {
            put(s, io, io->in[io->in_used++]);
        } else {
            return false;
        }
        s->length--;
    }
    if (s->length == 0) {
        s->state = D64_BLOCK;
    }
    return s->length == 0;
}

static sk_err table_head(struct deflate64 *s) {
    s->literals = take(s, 5) + 257;
    s->distances = take(s, 5) + 1;
    s->code_lengths = take(s, 4) + 4;
    s->got = 0;
    memset(s->lengths, 0, sizeof(s->lengths));
    s->state = D64_CODE_LENGTHS;
    return s->literals <= LITERALS_MAX ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static sk_err code_length(struct deflate64 *s) {
    s->lengths[code_length_order[s->got++]] = (uint8_t)take(s, 3);
    if (s->got < s->code_lengths) {
        return sk_ok();
    }
    if (!huff_build(&s->literal, s->lengths, CODE_LENGTH_CODES)) {
        return sk_fail(SK_E_FORMAT);
    }
    memset(s->lengths, 0, sizeof(s->lengths));
    s->got = 0;
    s->state = D64_LENGTHS;
    return sk_ok();
}

static sk_err finish_tables(struct deflate64 *s) {
    struct huff *lit = &s->literal;
    bool good = huff_build(lit, s->lengths, s->literals) &&
                huff_build(&s->dist, s->lengths + s->literals, s->distances);
    s->state = D64_SYMBOL;
    return good ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static sk_err one_length(struct deflate64 *s) {
    static const struct base_bits repeats[] = {{3, 2}, {3, 3}, {11, 7}}; /* codes 16, 17, 18 */
    unsigned total = s->literals + s->distances;
    int symbol = take_symbol(s, &s->literal);
    if (symbol == HUFF_NONE || (symbol == 16 && s->got == 0)) {
        return sk_fail(SK_E_FORMAT);
    }
    uint8_t value = (uint8_t)(symbol < 16 ? symbol : 0);
    unsigned times = 1;
    if (symbol >= 16) {
        value = symbol == 16 ? s->lengths[s->got - 1] : 0;
        times = repeats[symbol - 16].base + take(s, repeats[symbol - 16].bits);
    }
    if (times > total - s->got) {
        return sk_fail(SK_E_FORMAT);
    }
    memset(s->lengths + s->got, value, times);
    s->got += times;
    return s->got == total ? finish_tables(s) : sk_ok();
}

static sk_err one_symbol(struct deflate64 *s, struct stage_io *io) {
    int symbol = take_symbol(s, &s->literal);
    if (symbol == HUFF_NONE || s->over) {
        return sk_fail(SK_E_FORMAT);
    }
    if (symbol < END_OF_BLOCK) {
        put(s, io, (uint8_t)symbol);
        return sk_ok();
    }
    if (symbol == END_OF_BLOCK) {
        s->state = D64_BLOCK;
        return sk_ok();
    }
    unsigned code = (unsigned)symbol - END_OF_BLOCK - 1;
    if (code >= sizeof(length_codes) / sizeof(length_codes[0])) {
        return sk_fail(SK_E_FORMAT);
    }
    s->length = length_codes[code].base + take(s, length_codes[code].bits);
    s->state = D64_DISTANCE;
    return sk_ok();
}

static sk_err one_distance(struct deflate64 *s) {
    int symbol = take_symbol(s, &s->dist);
    if (symbol == HUFF_NONE) {
        return sk_fail(SK_E_FORMAT);
    }
    s->distance = distance_codes[symbol].base + take(s, distance_codes[symbol].bits);
    s->state = D64_COPY;
    return s->distance <= s->written ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static bool copy_match(struct deflate64 *s, struct stage_io *io) {
    while (s->length > 0 && io->out_len < io->out_cap) {
        put(s, io, s->ring[(s->written - s->distance) & RING_MASK]);
        s->length--;
    }
    if (s->length == 0) {
        s->state = D64_SYMBOL;
    }
    return s->length == 0;
}

/* The most bits a state can use at once. */
static unsigned bits_wanted(const struct deflate64 *s) {
    switch (s->state) {
    case D64_BLOCK:
        return s->last_block ? 0 : 3;
    case D64_STORED_LEN:
        return 32;
    case D64_TABLE:
        return 14;
    case D64_CODE_LENGTHS:
        return 3;
    case D64_LENGTHS:
        return 7 + 7;
    case D64_SYMBOL:
        return HUFF_BITS_MAX + 16;
    case D64_DISTANCE:
        return HUFF_BITS_MAX + 14;
    default:
        return 0;
    }
}

/* One state. *out_wait: nothing more can be done without input or room. */
static sk_err advance(struct deflate64 *s, struct stage_io *io, bool *out_wait) {
    switch (s->state) {
    case D64_BLOCK:
        return begin_block(s);
    case D64_STORED_LEN:
        return stored_len(s);
    case D64_STORED:
        *out_wait = !stored(s, io);
        return sk_ok();
    case D64_TABLE:
        return table_head(s);
    case D64_CODE_LENGTHS:
        return code_length(s);
    case D64_LENGTHS:
        return one_length(s);
    case D64_SYMBOL:
        return one_symbol(s, io);
    case D64_DISTANCE:
        return one_distance(s);
    case D64_COPY:
        *out_wait = !copy_match(s, io);
        return sk_ok();
    default:
        return sk_fail(SK_E_INTERNAL);
    }
}

static sk_err deflate64_step(struct stage *stage, struct stage_io *io) {
    struct deflate64 *s = (struct deflate64 *)(void *)stage;
    bool wait = false;
    while (!wait && s->state != D64_END && io->out_len < io->out_cap) {
        if (s->state != D64_STORED && !ready(s, io, bits_wanted(s))) {
            return sk_ok();
        }
        TRY(advance(s, io, &wait));
        if (s->over) {
            return sk_fail(SK_E_FORMAT);
        }
    }
    io->end = s->state == D64_END;
    stage->held_back = io->end ? s->held / 8 : 0;
    return sk_ok();
}

sk_err sk_deflate64_open(struct sk_stream *up, struct sk_stream **out_stream) {
    struct deflate64 *s = stage_new(sizeof(*s), up, deflate64_step, NULL);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *out_stream = &s->stage.base;
    return sk_ok();
}
