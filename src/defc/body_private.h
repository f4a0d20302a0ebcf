// SPDX-License-Identifier: Apache-2.0
/*
 * What the files of the body compiler share: the builder and its pools.
 *
 *   body.c       lines -> fields, attributes; a line is taken whole or not at all
 *   subsig.c     one subsignature -> staged programs -> pools
 *   special.c    regular expressions, byte comparisons, macros
 *   tables.c     pools -> triggers, anchors, always lists -> struct mt_segment
 *   groups.c     triggers of one table -> filter groups and slow set
 *   body_write.c struct mt_segment -> sections of the image
 */
#ifndef SK_DEFC_BODY_PRIVATE_H
#define SK_DEFC_BODY_PRIVATE_H

#include "base/map.h"
#include "defc/body.h"
#include "defc/expr.h"
#include "defc/hexbody.h"
#include "defc/offset.h"
#include "defc/strpool.h"
#include "defc/trigger.h"
#include "defc/vec.h"

/* A subsignature of the line being read, not yet in the pools. */
struct staged_sub {
    struct offset offset;
    struct hex_range main, also;
    uint16_t main_flags, also_flags; /* MT_SUB_* */
    bool has_also;
    uint16_t special; /* 0, or one of MT_SUB_SPECIAL: then only the following, and offset */
    struct sk_bytes trigger, text; /* of a regular expression */
    uint32_t regex_flags;
    uint64_t image_hash;
    struct mt_compare compare;
    struct mt_macro macro;
};

/* Where a trigger goes. */
struct trig_use {
    uint16_t targets; /* bit n: a signature of target n has it */
    uint16_t window;
    uint8_t how; /* enum trigger_how */
};

struct body_builder {
    struct names_builder *names;
    struct strpool prog, lit, node;
    struct vec part;       /* struct mt_part */
    struct vec sub;        /* struct mt_sub */
    struct vec trigger;    /* struct trigger, one a sub; prog is a position in the pool */
    struct vec sig;        /* struct mt_sig */
    struct vec need;       /* uint64_t, one a sig: which subsignatures are searched for; 0: none */
    struct vec sig_sub;    /* uint32_t */
    struct vec attr;       /* struct mt_attr */
    struct vec regex;      /* struct mt_regex */
    struct vec compare;    /* struct mt_compare */
    struct vec macro;      /* struct mt_macro */
    uint64_t type_count;   /* of sig: those that only tell types */
    struct vec macro_body; /* struct mt_macro_body */
    struct map sub_map;
    /* of the line */
    struct hex_stage stage;
    struct expr expr;
    struct expr trigger_expr; /* of a regular expression */
    struct vec parts;         /* struct mt_part of one sub */
    struct vec nodes;         /* struct mt_node of one signature */
    struct staged_sub staged[MT_SUB_MAX];
    unsigned staged_count;
    unsigned staged_target; /* of the signature they belong to */
    /* of body_build_segment */
    struct vec mt_trig;             /* struct mt_trig */
    struct vec trig_use;            /* struct trig_use, one a trigger */
    struct vec trig_sig;            /* uint32_t */
    bool own_table[MT_TABLE_COUNT]; /* false: the table is that of target 0 */
    /* of body_build */
    struct arena arena;
    struct mt_segment segment;
};

static inline const struct trigger *body_trigger(const struct body_builder *b, uint32_t sub) {
    return &((const struct trigger *)b->trigger.data)[sub];
}
static inline const struct mt_sub *body_sub(const struct body_builder *b, uint32_t sub) {
    return &((const struct mt_sub *)b->sub.data)[sub];
}

/* Compile "[offset:]hex[::modifiers]" into b->staged[b->staged_count++]. with_mods: ldb only. */
sk_err subsig_stage(struct body_builder *b, struct sk_bytes text, unsigned target, bool with_mods,
                    struct defc_why *why);
/* Move a staged subsignature into the pools; the same one gives the same number. */
sk_err subsig_intern(struct body_builder *b, const struct staged_sub *staged, uint32_t *out_sub);
/* What searching for it costs, second form included. */
double subsig_cost(const struct body_builder *b, uint32_t sub);
/* What it costs where order is decided. */
double subsig_order(const struct body_builder *b, uint32_t sub);

/* Which signatures a table holds: those of its own target and of target 0. */
static inline bool body_in_table(unsigned target, unsigned table) {
    return target == table || target == SK_TARGET_ANY;
}
/* Fill group[], slow_head and slow of one table. */
sk_err groups_build(const struct body_builder *b, struct arena *arena, unsigned table,
                    struct mt_table *out);

#endif
