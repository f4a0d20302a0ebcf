// SPDX-License-Identifier: Apache-2.0
/*
 * xz_block: what the header of a block of .xz says (specification 1.1.0, 3.1), and numbers as .xz
 * writes them. Internal to the .xz decoder.
 *
 * Errors: SK_E_FORMAT; SK_E_UNSUPPORTED for filters and flags that are not defined, or chains in
 * which they may not come.
 */
#ifndef SK_CODEC_XZ_BLOCK_H
#define SK_CODEC_XZ_BLOCK_H

#include "base/cursor.h"
#include "codec/branch_chain.h"

#define XZ_NUMBER_BYTES 9u
#define XZ_NUMBER_MAX (UINT64_MAX / 2)
#define XZ_NUMBER_NONE UINT64_MAX
#define XZ_BLOCK_HEADER_MAX ((size_t)1024)

struct xz_block {
    uint64_t packed; /* bytes of LZMA2; XZ_NUMBER_NONE: not told */
    uint64_t size;   /* unpacked; the same */
    uint8_t dict;    /* property of LZMA2 */
    unsigned branches;
    struct {
        enum sk_branch kind;
        uint32_t number;
    } branch[BRANCH_CHAIN_MAX]; /* in the order of undoing */
};

/* Seven bits a byte, lowest first. Fails the cursor when it is cut short, too long or written with
 * more bytes than it takes. */
uint64_t xz_number(struct sk_cursor *c);
/* All of the header, by the size in its first byte. */
sk_err xz_block_read(struct xz_block *b, const uint8_t *header, size_t len);

#endif
