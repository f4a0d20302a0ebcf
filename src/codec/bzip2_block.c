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
 * What is done with the symbols is in bzip2_symbols.c. Nothing is known of the format but what
 * bzip2(1), the description by J. Tsai ("BZIP2: Format Specification", 2016) and runs of libbz2
 * tell.
 */
#include "codec/bzip2_block.h"

#include <string.h>

#include "base/mem.h"
#include "codec/bzip2_symbols.h"

#define TABLES_MIN 2u
#define SELECTORS_MAX BZ_SELECTORS_MAX
#define CODE_MAX_BITS BZ_CODE_MAX_BITS
#define FAST_BITS BZ_FAST_BITS

sk_err bz_block_size(struct bz_block *block, unsigned level) {
    uint32_t cap = level * BZ_BLOCK_STEP;
    if (block->codes == NULL) {
        block->codes = mem_zalloc(1, sizeof(*block->codes));
    }
    if (block->cap < cap) {
        mem_free(block->next);
        block->next = mem_alloc(((size_t)cap + BZ_BLOCK_SPARE) * sizeof(uint32_t));
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
    uint8_t order[BZ_TABLES_MAX] = {0, 1, 2, 3, 4, 5};
    uint32_t tables = 0, selectors = 0;
    TRY(bz_bits_take(bits, 3, &tables));
    TRY(bz_bits_take(bits, 15, &selectors));
    if (tables < TABLES_MIN || tables > BZ_TABLES_MAX || selectors == 0) {
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
static void fill_fast(struct bz_table *t) {
    int64_t done = 0;
    memset(t->fast, 0, sizeof(t->fast));
    for (unsigned bits = t->shortest; bits <= FAST_BITS; bits++) {
        int64_t end = ((int64_t)t->limit[bits] + 1) << (FAST_BITS - bits);
        for (; done < end && done < (int64_t)1 << FAST_BITS; done++) {
            int64_t place = (done >> (FAST_BITS - bits)) - t->base[bits];
            if (place >= 0 && place < (int64_t)BZ_SYMBOLS_MAX) {
                t->fast[done] = (uint16_t)((unsigned)t->symbol[place] << 5 | bits);
            }
        }
    }
}

static void make_table(struct bz_table *t, const uint8_t *lengths, unsigned symbols) {
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
        uint8_t lengths[BZ_SYMBOLS_MAX];
        TRY(read_lengths(bits, symbols, lengths));
        make_table(&codes->table[i], lengths, symbols);
    }
    return sk_ok();
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
    TRY(bz_symbols_read(block, bits));
    return block->origin < block->len ? sk_ok() : sk_fail(SK_E_FORMAT);
}

/* One entry of the column into the table. */
struct link {
    uint32_t place[256]; /* where the next entry with this byte goes */
    uint32_t i;
    uint32_t marked; /* the next one that is a multiple of the stride */
};

static inline void link_one(uint32_t *next, struct link *l, uint32_t stride) {
    uint32_t mark = l->i == l->marked ? BZ_MARK : 0;
    l->marked += mark != 0 ? stride : 0;
    /* the byte of this entry is already there, whatever was linked before */
    next[l->place[next[l->i] & 0xff]++] |= l->i << BZ_NEXT_SHIFT | mark;
    l->i++;
}

/* The column has long runs of one byte, whose places follow from each other: so it is gone through
 * at two places at once. */
void bz_block_link(struct bz_block *block, uint32_t stride) {
    const struct bz_codes *codes = block->codes;
    struct link early = {.marked = stride};
    struct link late = {.i = codes->half, .marked = (codes->half + stride - 1) / stride * stride};
    uint32_t sum = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        early.place[byte] = sum;
        late.place[byte] = sum + codes->early[byte];
        sum += codes->count[byte];
    }
    while (early.i < codes->half && late.i < block->len) {
        link_one(block->next, &early, stride);
        link_one(block->next, &late, stride);
    }
    while (early.i < codes->half) {
        link_one(block->next, &early, stride);
    }
    while (late.i < block->len) {
        link_one(block->next, &late, stride);
    }
}
