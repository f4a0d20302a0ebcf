// SPDX-License-Identifier: Apache-2.0
/*
 * The input format of fuzz_match: a matcher segment with one table, an executable's facts, a layer.
 *
 *   u16 count of each array (order of enum), u8 groups, then per group: head (8 bytes), entries u16
 *   arrays raw, then groups: bitmap, bucket_first, entries; slow head; mark head, if there are
 *   marks; exe; layer
 *
 * Shapes (array lengths, table sizes) are true, as an image reader has checked them; contents are
 * whatever the bytes say. Written by tests/unit/match/write_fuzz_seeds.c.
 */
#ifndef SK_FUZZ_MATCH_IMAGE_H
#define SK_FUZZ_MATCH_IMAGE_H

#include <stddef.h>

#include "match/tables.h"

enum match_image_array {
    MI_SIG,
    MI_SIG_SUB,
    MI_SUB,
    MI_PART,
    MI_PROG,
    MI_LIT,
    MI_NODE,
    MI_ATTR,
    MI_TRIG,
    MI_TRIG_SIG,
    MI_SLOW,
    MI_ANCHOR,
    MI_ALWAYS,
    MI_MARK,
    MI_COUNT
};

static const size_t match_image_each[MI_COUNT] = {sizeof(struct mt_sig),
                                                  sizeof(uint32_t),
                                                  sizeof(struct mt_sub),
                                                  sizeof(struct mt_part),
                                                  1,
                                                  1,
                                                  sizeof(struct mt_node),
                                                  sizeof(struct mt_attr),
                                                  sizeof(struct mt_trig),
                                                  sizeof(uint32_t),
                                                  sizeof(struct mt_slow_entry),
                                                  sizeof(struct mt_anchor),
                                                  sizeof(uint32_t),
                                                  sizeof(struct mt_mark)};

/* Larger bitmaps and arrays would only slow the fuzzer down (65,535 anchors: to one run a second).
 */
#define MATCH_IMAGE_LOG2_MAX 8u
#define MATCH_IMAGE_COUNT_MAX 0x7ffu

#endif
