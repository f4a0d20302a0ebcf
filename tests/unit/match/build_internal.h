// SPDX-License-Identifier: Apache-2.0
/* The parsed body and growing tables that build.c fills and oracle.c reads. See build.h. */
#ifndef SK_TEST_MATCH_BUILD_INTERNAL_H
#define SK_TEST_MATCH_BUILD_INTERNAL_H

#include <stdbool.h>

#include "build.h"

#define TB_ALT_MAX 6
#define TB_ALT_LEN 8

#define TB_VEC(type)                                                                               \
    struct {                                                                                       \
        type *at;                                                                                  \
        size_t count, cap;                                                                         \
    }

struct tb_byte {
    uint8_t value, mask;
};
struct tb_alt {
    struct tb_byte byte[TB_ALT_LEN];
    unsigned len;
};
enum tb_elem_kind { TB_BYTE, TB_ALT, TB_GAP };
struct tb_elem {
    enum tb_elem_kind kind;
    struct tb_byte byte;
    struct tb_alt alt[TB_ALT_MAX];
    unsigned alt_count;
    bool negated;
    uint32_t min, max; /* of a gap */
};
struct tb_parsed {
    struct tb_sub_spec spec;
    TB_VEC(struct tb_elem) elem;
};
struct tb_group {
    struct mt_group_head head;
    uint32_t *bitmap, *first;
    TB_VEC(struct mt_entry) entry;
};
struct tb {
    TB_VEC(struct tb_parsed) parsed;
    TB_VEC(struct mt_sub) sub;
    TB_VEC(struct mt_part) part;
    TB_VEC(uint8_t) prog;
    TB_VEC(uint8_t) lit;
    TB_VEC(struct mt_sig) sig;
    TB_VEC(uint32_t) sig_sub;
    TB_VEC(struct mt_node) node;
    TB_VEC(struct mt_attr) attr;
    TB_VEC(struct mt_trig) trig;
    TB_VEC(uint32_t) trig_sig;
    TB_VEC(uint32_t) always;
    TB_VEC(struct mt_anchor) anchor;
    TB_VEC(struct mt_slow_entry) slow;
    struct mt_slow_head slow_head;
    TB_VEC(struct mt_mark) mark;
    struct mt_mark_head mark_head;
    struct tb_group group[2];
    struct mt_segment segment;
    uint8_t s8, s4;
    bool small;   /* filter tables of a few bytes */
    bool no_keys; /* parts get no key literal: every start is tried */
};

void *tb_more(void *old, size_t *cap, size_t need, size_t each);

#endif
