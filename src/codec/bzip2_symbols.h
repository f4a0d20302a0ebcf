// SPDX-License-Identifier: Apache-2.0
/*
 * bz_symbols: the codes of one block of bzip2, and the bytes they stand for. Internal to the bzip2
 * decoder: bzip2_block.c reads the tables, this gives the last column.
 *
 * Errors: SK_E_FORMAT, and those of the reader of bits.
 */
#ifndef SK_CODEC_BZIP2_SYMBOLS_H
#define SK_CODEC_BZIP2_SYMBOLS_H

#include "codec/bzip2_block.h"

#define BZ_TABLES_MAX 6u
#define BZ_SYMBOLS_MAX 258u /* 256 bytes, but one place less, two run lengths, the end */
#define BZ_GROUP_SYMBOLS 50u
#define BZ_SELECTORS_MAX (2 + BZ_BLOCK_MAX / BZ_GROUP_SYMBOLS)
#define BZ_CODE_MAX_BITS 20u
#define BZ_FAST_BITS 10u

struct bz_table {
    uint16_t fast[1u << BZ_FAST_BITS]; /* symbol << 5 | bits; 0: a longer code */
    int32_t limit[BZ_CODE_MAX_BITS + 1];
    int32_t base[BZ_CODE_MAX_BITS + 1];
    uint16_t symbol[BZ_SYMBOLS_MAX];
    unsigned shortest;
};

struct bz_codes {
    struct bz_table table[BZ_TABLES_MAX];
    uint8_t selector[BZ_SELECTORS_MAX];
    uint8_t list[256]; /* bytes that occur */
    unsigned tables;
    unsigned selectors;
    unsigned bytes;      /* in list */
    uint32_t count[256]; /* of each byte in the block */
    uint32_t early[256]; /* the same, of its first `half` entries */
    uint32_t half;
};

/* Fills block->next, block->len and the counts; `half` is about half of a full block. */
sk_err bz_symbols_read(struct bz_block *block, struct bz_bits *bits);

#endif
