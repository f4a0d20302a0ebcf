// SPDX-License-Identifier: Apache-2.0
/*
 * bz_walk: the bytes of a block of bzip2 in their order (the inverse of the Burrows-Wheeler
 * transform). Internal to the bzip2 decoder.
 *
 * Life cycle: {0} -> bz_walk_size -> bz_walk_run, then bz_walk_next until it gives 0 bytes, for
 * each block -> bz_walk_release. bz_walk_run **borrows** the block for the call, links its table
 * and so uses it up. Errors: SK_E_NOMEM.
 */
#ifndef SK_CODEC_BZIP2_WALK_H
#define SK_CODEC_BZIP2_WALK_H

#include "codec/bzip2_block.h"

#define BZ_LEGS_MAX 257u
#define BZ_PIECE_BYTES 1024u
/* Every leg may leave its last piece nearly empty. */
#define BZ_PIECES(block_bytes) ((block_bytes) / BZ_PIECE_BYTES + BZ_LEGS_MAX + 1)

struct bz_piece {
    uint32_t follows; /* the piece behind this one in its leg */
    uint32_t len;
};

struct bz_leg {
    uint32_t first; /* piece */
    uint32_t last;
    uint32_t from; /* entry of the table */
    uint32_t then; /* leg */
};

struct bz_walk {
    uint8_t *bytes;         /* pieces, owned */
    struct bz_piece *piece; /* owned */
    uint32_t cap;           /* pieces */
    uint32_t pieces;        /* in use */
    uint32_t stride;
    uint32_t legs;
    struct bz_leg leg[BZ_LEGS_MAX];
    uint32_t at_leg; /* of bz_walk_next */
    uint32_t at_piece;
    uint32_t left; /* bytes to give */
};

sk_err bz_walk_size(struct bz_walk *walk, unsigned level);
void bz_walk_release(struct bz_walk *walk);
void bz_walk_run(struct bz_walk *walk, struct bz_block *block);
/* The bytes that follow those given before; good until the next run. */
struct sk_bytes bz_walk_next(struct bz_walk *walk);

#endif
