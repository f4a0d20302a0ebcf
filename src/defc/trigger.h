// SPDX-License-Identifier: Apache-2.0
/*
 * Choosing what to search for: for one subsignature the cheapest of an anchored check, a window
 * block of a filter group, or an entry of the slow set; for one part its key literal. Pure.
 *
 * Costs are rough nanoseconds per megabyte of scanned bytes. They decide speed, never results.
 * Source: ../shared/reference/matching.md sections 3 and 6.4 (measured).
 */
#ifndef SK_DEFC_TRIGGER_H
#define SK_DEFC_TRIGGER_H

#include "defc/freq.h"
#include "defc/hexbody.h"
#include "defc/offset.h"

enum trigger_how {
    TRIGGER_NONE,
    TRIGGER_LONG,
    TRIGGER_SHORT,
    TRIGGER_SLOW,
    TRIGGER_MASKED,
    TRIGGER_ANCHOR
};

#define TRIGGER_LONG_Q 8u
#define TRIGGER_LONG_S 8u
#define TRIGGER_SHORT_Q 4u
#define TRIGGER_SHORT_S 3u
#define TRIGGER_LITERAL_MAX 40u
#define TRIGGER_KEY_MAX 24u

struct trigger {
    double cost;  /* EXPR_COST_NONE with TRIGGER_NONE */
    double order; /* cost without what is known of Windows programs alone: see trigger_choose */
    uint8_t how;
    uint8_t nocase;
    uint16_t len;         /* of the literal */
    uint16_t window;      /* first window inside the literal; 0 in the slow set */
    uint16_t part;        /* of the subsignature */
    uint32_t prog;        /* position of the literal in stage->prog */
    uint32_t delta;       /* anchored: from the place to the checked bytes */
    uint32_t value, mask; /* anchored; or masked: four bytes, little-endian */
};
struct trigger_key {
    uint32_t prog; /* position in stage->prog */
    uint32_t delta;
    uint16_t len; /* 0: the part has no literal at a fixed distance */
    uint16_t nocase;
};

/* What is the cheapest way to learn that this body may be there? target: of its signature. */
struct trigger trigger_choose(const struct hex_stage *st, struct hex_range range,
                              const struct offset *offset, unsigned target);
struct trigger_key trigger_key(const struct hex_stage *st, const struct hex_part *part);

#endif
