// SPDX-License-Identifier: Apache-2.0
/*
 * bz_block: one block of bzip2 from its bits to the table that leads through its bytes. Internal to
 * the bzip2 decoder; what the walk through the table is: bzip2_walk.h.
 *
 * Entry i of `next`, once read:    bits 0..7 a byte, bit 8 BZ_MARK, bits 9..31 the entry to go to
 *
 * Life cycle: {0} -> bz_block_size (again for another level) -> bz_block_read as often as there
 * are blocks -> bz_block_release. Errors: SK_E_NOMEM; SK_E_FORMAT and those of the reader of bits.
 */
#ifndef SK_CODEC_BZIP2_BLOCK_H
#define SK_CODEC_BZIP2_BLOCK_H

#include "codec/bzip2_bits.h"

#define BZ_BLOCK_STEP 100000u /* bytes a level stands for */
#define BZ_BLOCK_MAX (9 * BZ_BLOCK_STEP)
#define BZ_BLOCK_SPARE 8u /* entries behind the last that may be written to */
#define BZ_MARK ((uint32_t)1 << 8)
#define BZ_NEXT_SHIFT 9u

struct bz_codes; /* what the codes of the block being read are */

struct bz_block {
    uint32_t *next;         /* cap entries and the spare ones, owned */
    struct bz_codes *codes; /* owned */
    uint32_t cap;
    uint32_t len;    /* bytes of the block; above 0 once it is read */
    uint32_t origin; /* the entry that leads to the first byte; below len */
    uint32_t crc;    /* told, of the bytes that come out in the end */
    bool randomised;
};

sk_err bz_block_size(struct bz_block *block, unsigned level);
void bz_block_release(struct bz_block *block);
/* Behind the magic of a block; `next` is then the last column of the sorted rotations. */
sk_err bz_block_read(struct bz_block *block, struct bz_bits *bits);
/* Once: makes the way through the block of the column. Marked are the entries that lead to
 * multiples of `stride` (above 0). */
void bz_block_link(struct bz_block *block, uint32_t stride);

#endif
