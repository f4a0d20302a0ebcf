// SPDX-License-Identifier: Apache-2.0
/*
 * lz_core: LZMA symbols into bytes of a window. Internal to the LZMA decoder; what ends a stream,
 * and where its pieces begin, is the business of lzma1.c and lzma2.c.
 *
 * Life cycle: {0} -> lz_core_props (memory) -> lz_core_reset -> lz_core_start -> lz_core_run as
 * often as needed -> lz_core_release. Errors: SK_E_NOMEM; SK_E_FORMAT properties without sense.
 */
#ifndef SK_CODEC_LZMA_CORE_H
#define SK_CODEC_LZMA_CORE_H

#include "base/err.h"
#include "codec/lzma_range.h"
#include "codec/lzma_window.h"

#define LZ_START_BYTES ((size_t)5)
#define LZ_LEN_MIN 2u
#define LZ_STATES 12u
#define LZ_POS_STATES 16u
#define LZ_LEN_STATES 4u

/* Length less 2: choice 0: 8 by low; choice 1, second 0: 8 by mid; else 256 by high. */
struct lz_len {
    lz_prob choice;
    lz_prob second;
    lz_prob low[LZ_POS_STATES][8];
    lz_prob mid[LZ_POS_STATES][8];
    lz_prob high[256];
};

struct lz_probs {
    lz_prob match[LZ_STATES][LZ_POS_STATES];
    lz_prob rep[LZ_STATES];
    lz_prob rep0[LZ_STATES];
    lz_prob rep1[LZ_STATES];
    lz_prob rep2[LZ_STATES];
    lz_prob rep0_long[LZ_STATES][LZ_POS_STATES];
    lz_prob slot[LZ_LEN_STATES][64];
    lz_prob special[128]; /* distances below 128: by what of them is known already */
    lz_prob align[16];
    struct lz_len match_len;
    struct lz_len rep_len;
};

struct lz_core {
    struct lz_probs probs;
    lz_prob *literal; /* 0x300 << (lc + lp), owned */
    unsigned literal_bits;
    unsigned lc;
    uint32_t literal_mask;
    uint32_t pos_mask;
    struct lz_range range;
    unsigned state;
    uint32_t rep[4];
    uint32_t left; /* bytes of a match still to be copied from rep[0] */
};

enum lz_stop {
    LZ_STOP_ROOM,  /* nothing is wrong: no room, or the input is near its end */
    LZ_STOP_MARK,  /* an end marker */
    LZ_STOP_DAMAGE /* a distance leads before the first byte */
};

/* props: (pb * 5 + lp) * 9 + lc. */
sk_err lz_core_props(struct lz_core *c, uint8_t props);
/* All probabilities even, nothing repeated. */
void lz_core_reset(struct lz_core *c);
/* The first LZ_START_BYTES of a range coded stream. */
sk_err lz_core_start(struct lz_core *c, const uint8_t *in);
/* Symbols until w->pos is `limit` (above w->pos, at most w->cap) or c->range.in is at or behind
 * `stop`, behind which there are LZ_SYMBOL_MAX bytes that can be read; with NULL, a single symbol.
 */
enum lz_stop lz_core_run(struct lz_core *c, struct lz_window *w, size_t limit, const uint8_t *stop);
void lz_core_release(struct lz_core *c);

#endif
