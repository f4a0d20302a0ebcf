// SPDX-License-Identifier: Apache-2.0
/*
 * A block of bzip2, from its bits to the linked table:
 *
 *     CRC(32) randomised(1) origin(24)
 *     which bytes occur: 16 bits, and 16 more for each that is set
 *     tables(3) selectors(15), each selector in unary, moved to front
 *     each table: first length(5), then for each symbol steps up and down
 *     symbols, 50 with each selector: RUNA RUNB | places in the list of bytes | end of block
 *
 *     symbols -> list of bytes, last used first -> last column of the sorted rotations -> linked
 *
 * The way of the codes is that of libbz2 1.0.8 for damaged ones, too, so that both stop at the same
 * place: for each length there is the highest code (`limit`) and the distance between a code and
 * its place among the symbols (`base`); the table of the first bits only repeats what these say.
 * More selectors than a block can use are passed over.
 *
 * The first eight bytes of the list are in one word: most symbols ask for one of these, and moving
 * a byte to the front is then a shift. Nothing is known of the format but what bzip2(1), the
 * description by J. Tsai ("BZIP2: Format Specification", 2016) and runs of libbz2 tell.
 */
#include "codec/bzip2_block.h"

#include <string.h>

#include "base/mem.h"

#define TABLES_MIN 2u
#define TABLES_MAX 6u
#define SYMBOLS_MAX 258u /* 256 bytes, but one place less, two run lengths, the end */
#define SELECTORS_MAX (2 + BZ_BLOCK_MAX / GROUP_SYMBOLS)
#define GROUP_SYMBOLS 50u
#define CODE_MAX_BITS 20u
#define FAST_BITS 10u
#define RUN_MAX ((uint32_t)2 << 20)
#define RUN_B 1u

struct table {
    uint16_t fast[1u << FAST_BITS]; /* symbol << 5 | bits; 0: a longer code */
    int32_t limit[CODE_MAX_BITS + 1];
    int32_t base[CODE_MAX_BITS + 1];
    uint16_t symbol[SYMBOLS_MAX];
    unsigned shortest;
};

struct bz_codes {
    struct table table[TABLES_MAX];
    uint8_t selector[SELECTORS_MAX];
    uint8_t list[256]; /* bytes that occur */
    unsigned tables;
    unsigned selectors;
    unsigned bytes; /* in list */
    uint32_t count[256];
};

sk_err bz_block_size(struct bz_block *block, unsigned level) {
    uint32_t cap = level * BZ_BLOCK_STEP;
    if (block->codes == NULL) {
        block->codes = mem_zalloc(1, sizeof(*block->codes));
    }
    if (block->cap < cap) {
        mem_free(block->next);
        block->next = mem_alloc((size_t)cap * sizeof(uint32_t));
    }
    block->cap = block->next == NULL ? 0 : cap;
    return block->codes == NULL || block->next == NULL ? sk_fail(SK_E_NOMEM) : sk_ok();
}

void bz_block_release(struct bz_block *block) {
    mem_free(block->next);
    mem_free(block->codes);
    *block = (struct bz_block){0};
}

/* ---- codes -------------------------------------------------------------------------------- */

static sk_err read_list(struct bz_codes *codes, struct bz_bits *bits) {
    uint32_t rows = 0;
    TRY(bz_bits_take(bits, 16, &rows));
    codes->bytes = 0;
    for (unsigned row = 0; row < 16; row++) {
        uint32_t columns = 0;
        if ((rows >> (15 - row) & 1) != 0) {
            TRY(bz_bits_take(bits, 16, &columns));
        }
        for (unsigned column = 0; column < 16; column++) {
            if ((columns >> (15 - column) & 1) != 0) {
                codes->list[codes->bytes++] = (uint8_t)(16 * row + column);
            }
        }
    }
    return codes->bytes == 0 ? sk_fail(SK_E_FORMAT) : sk_ok();
}

static sk_err read_selectors(struct bz_codes *codes, struct bz_bits *bits) {
    uint8_t order[TABLES_MAX] = {0, 1, 2, 3, 4, 5};
    uint32_t tables = 0, selectors = 0;
    TRY(bz_bits_take(bits, 3, &tables));
    TRY(bz_bits_take(bits, 15, &selectors));
    if (tables < TABLES_MIN || tables > TABLES_MAX || selectors == 0) {
        return sk_fail(SK_E_FORMAT);
    }
    codes->tables = tables;
    codes->selectors = selectors < SELECTORS_MAX ? selectors : SELECTORS_MAX;
    for (uint32_t i = 0; i < selectors; i++) {
        unsigned place = 0;
        uint32_t bit = 0;
        TRY(bz_bits_take(bits, 1, &bit));
        while (bit != 0) {
            if (++place >= tables) {
                return sk_fail(SK_E_FORMAT);
            }
            TRY(bz_bits_take(bits, 1, &bit));
        }
        uint8_t chosen = order[place];
        memmove(order + 1, order, place);
        order[0] = chosen;
        if (i < SELECTORS_MAX) {
            codes->selector[i] = chosen;
        }
    }
    return sk_ok();
}

static sk_err read_lengths(struct bz_bits *bits, unsigned symbols, uint8_t *lengths) {
    uint32_t length = 0;
    TRY(bz_bits_take(bits, 5, &length));
    for (unsigned i = 0; i < symbols; i++) {
        for (;;) {
            uint32_t more = 0, down = 0;
            if (length < 1 || length > CODE_MAX_BITS) {
                return sk_fail(SK_E_FORMAT);
            }
            TRY(bz_bits_take(bits, 1, &more));
            if (more == 0) {
                break;
            }
            TRY(bz_bits_take(bits, 1, &down));
            length += down != 0 ? -1u : 1u;
        }
        lengths[i] = (uint8_t)length;
    }
    return sk_ok();
}

/* The first bits of all codes that are not longer. */
static void fill_fast(struct table *t) {
    int64_t done = 0;
    memset(t->fast, 0, sizeof(t->fast));
    for (unsigned bits = t->shortest; bits <= FAST_BITS; bits++) {
        int64_t end = ((int64_t)t->limit[bits] + 1) << (FAST_BITS - bits);
        for (; done < end && done < (int64_t)1 << FAST_BITS; done++) {
            int64_t place = (done >> (FAST_BITS - bits)) - t->base[bits];
            if (place >= 0 && place < (int64_t)SYMBOLS_MAX) {
                t->fast[done] = (uint16_t)((unsigned)t->symbol[place] << 5 | bits);
            }
        }
    }
}

static void make_table(struct table *t, const uint8_t *lengths, unsigned symbols) {
    uint32_t count[CODE_MAX_BITS + 1] = {0};
    unsigned place = 0;
    for (unsigned i = 0; i < symbols; i++) {
        count[lengths[i]]++;
    }
    memset(t->symbol, 0, sizeof(t->symbol));
    t->shortest = 0;
    int32_t code = 0;
    for (unsigned bits = 1; bits <= CODE_MAX_BITS; bits++) {
        code *= 2;
        t->base[bits] = code - (int32_t)place;
        for (unsigned i = 0; i < symbols && count[bits] > 0; i++) {
            if (lengths[i] == bits) {
                t->symbol[place++] = (uint16_t)i;
            }
        }
        if (t->shortest == 0 && count[bits] > 0) {
            t->shortest = bits;
        }
        code += (int32_t)count[bits];
        t->limit[bits] = place < symbols || count[bits] > 0 ? code - 1 : -1;
    }
    fill_fast(t);
}

static sk_err read_tables(struct bz_codes *codes, struct bz_bits *bits) {
    unsigned symbols = codes->bytes + 2;
    for (unsigned i = 0; i < codes->tables; i++) {
        uint8_t lengths[SYMBOLS_MAX];
        TRY(read_lengths(bits, symbols, lengths));
        make_table(&codes->table[i], lengths, symbols);
    }
    return sk_ok();
}

/* A code that `fast` does not know. */
static sk_err long_code(const struct table *t, struct bz_bits *bits, unsigned *out_symbol) {
    for (unsigned n = t->shortest; n <= CODE_MAX_BITS; n++) {
        int32_t code = (int32_t)(bits->buf >> (64 - n));
        if (code > t->limit[n]) {
            continue;
        }
        int32_t place = code - t->base[n];
        if (place < 0 || place >= (int32_t)SYMBOLS_MAX || n > bits->n) {
            break;
        }
        *out_symbol = t->symbol[place];
        bz_bits_drop(bits, n);
        return sk_ok();
    }
    return sk_failed(bits->err) ? bits->err : sk_fail(SK_E_FORMAT);
}

/* ---- symbols ------------------------------------------------------------------------------ */

/* The list of bytes, last used first. */
struct recent {
    uint64_t first; /* eight, the first of all lowest */
    uint8_t rest[256];
};

static void recent_init(struct recent *r, const uint8_t *list) {
    r->first = sk_load_u64le(list);
    memcpy(r->rest, list + 8, 256 - 8);
}

static inline uint8_t recent_take(struct recent *r, unsigned place) {
    if (place < 8) {
        uint64_t byte = r->first >> (8 * place) & 0xff;
        uint64_t moved = ~UINT64_C(0) >> (56 - 8 * place);
        r->first = (r->first & ~moved) | ((r->first << 8 | byte) & moved);
        return (uint8_t)byte;
    }
    uint8_t byte = r->rest[place - 8];
    memmove(r->rest + 1, r->rest, place - 8);
    r->rest[0] = (uint8_t)(r->first >> 56);
    r->first = r->first << 8 | byte;
    return byte;
}

struct symbols {
    struct recent recent;
    uint32_t len;
    uint32_t run;  /* bytes of the run being told */
    uint32_t unit; /* what its next digit counts; 0: none is being told */
};

/* The run of the byte in front is told. */
static sk_err end_run(struct bz_block *block, struct symbols *s) {
    uint8_t byte = (uint8_t)s->recent.first;
    if (s->run > block->cap - s->len) {
        return sk_fail(SK_E_FORMAT);
    }
    for (uint32_t i = 0; i < s->run; i++) {
        block->next[s->len + i] = byte;
    }
    block->codes->count[byte] += s->run;
    s->len += s->run;
    s->run = 0;
    s->unit = 0;
    return sk_ok();
}

/* False in *out_more: that was the end of the block. */
static inline sk_err put_symbol(struct bz_block *block, struct symbols *s, unsigned symbol,
                                bool *out_more) {
    if (symbol <= RUN_B) {
        s->unit = s->unit == 0 ? 1 : s->unit;
        if (s->unit >= RUN_MAX) {
            return sk_fail(SK_E_FORMAT);
        }
        s->run += s->unit << symbol;
        s->unit *= 2;
        return sk_ok();
    }
    if (s->unit != 0) {
        TRY(end_run(block, s));
    }
    if (symbol > block->codes->bytes) {
        *out_more = false;
        return sk_ok();
    }
    if (s->len == block->cap) {
        return sk_fail(SK_E_FORMAT);
    }
    uint8_t byte = recent_take(&s->recent, symbol - 1);
    block->codes->count[byte]++;
    block->next[s->len++] = byte;
    return sk_ok();
}

static sk_err read_group(struct bz_block *block, struct bz_bits *bits, const struct table *t,
                         struct symbols *s) {
    bool more = true;
    for (unsigned i = 0; more && i < GROUP_SYMBOLS; i++) {
        if (bits->n < CODE_MAX_BITS) {
            SK_IGNORE(bz_bits_need(bits, CODE_MAX_BITS),
                      "the last code is shorter; the error is kept");
        }
        unsigned entry = t->fast[bits->buf >> (64 - FAST_BITS)];
        unsigned symbol = entry >> 5;
        if (entry != 0 && (entry & 31) <= bits->n) {
            bz_bits_drop(bits, entry & 31);
        } else {
            TRY(long_code(t, bits, &symbol));
        }
        TRY(put_symbol(block, s, symbol, &more));
    }
    return more ? sk_ok() : sk_fail(SK_E_STOP);
}

static sk_err read_symbols(struct bz_block *block, struct bz_bits *bits) {
    struct bz_codes *codes = block->codes;
    struct symbols s = {.len = 0};
    recent_init(&s.recent, codes->list);
    memset(codes->count, 0, sizeof(codes->count));
    for (unsigned i = 0; i < codes->selectors; i++) {
        sk_err err = read_group(block, bits, &codes->table[codes->selector[i]], &s);
        if (err.code == SK_E_STOP) {
            block->len = s.len;
            return sk_ok();
        }
        TRY(err);
    }
    return sk_fail(SK_E_FORMAT);
}

/* ---- the block ---------------------------------------------------------------------------- */

sk_err bz_block_read(struct bz_block *block, struct bz_bits *bits) {
    uint32_t randomised = 0;
    TRY(bz_bits_take(bits, 32, &block->crc));
    TRY(bz_bits_take(bits, 1, &randomised));
    TRY(bz_bits_take(bits, 24, &block->origin));
    block->randomised = randomised != 0;
    TRY(read_list(block->codes, bits));
    TRY(read_selectors(block->codes, bits));
    TRY(read_tables(block->codes, bits));
    TRY(read_symbols(block, bits));
    return block->origin < block->len ? sk_ok() : sk_fail(SK_E_FORMAT);
}

void bz_block_link(struct bz_block *block, uint32_t stride) {
    uint32_t place[256], sum = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        place[byte] = sum;
        sum += block->codes->count[byte];
    }
    uint32_t *next = block->next;
    uint32_t marked = stride;
    for (uint32_t i = 0; i < block->len; i++) {
        uint32_t mark = i == marked ? BZ_MARK : 0;
        marked += mark != 0 ? stride : 0;
        /* the byte of this entry is already there, whatever was linked before */
        next[place[next[i] & 0xff]++] |= i << BZ_NEXT_SHIFT | mark;
    }
}
