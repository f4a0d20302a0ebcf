// SPDX-License-Identifier: Apache-2.0
/*
 * Subsignatures that are not bodies, as they lie in an image; part of match/tables.h, whose rules
 * hold here too.
 */
#ifndef SK_MATCH_TABLES_SPECIAL_H
#define SK_MATCH_TABLES_SPECIAL_H

#include <stdint.h>

/*
 * A regular expression, run when its trigger holds: an expression over subsignatures with smaller
 * numbers. Seen with clamscan 1.4.6: the subject begins at the place of the offset (nothing before
 * it is seen, ^ matches there) and the match must begin there, or within `shift` of it; with
 * ROLLING and no shift anywhere behind it; with CONFINED and a shift the subject ends at it.
 */
struct mt_regex {
    uint32_t text; /* byte offset in lit[]: the source text, compiled where it is used */
    uint32_t text_len;
    uint32_t flags; /* MT_REGEX_* */
    uint32_t node_first;
    uint16_t node_count;
    uint16_t number; /* of the subsignature in its signature */
};
#define MT_REGEX_GLOBAL 1u /* count every match, not just one */
#define MT_REGEX_ROLLING 2u
#define MT_REGEX_CONFINED 4u
#define MT_REGEX_CASELESS 8u
#define MT_REGEX_DOTALL 16u
#define MT_REGEX_MULTILINE 32u
#define MT_REGEX_EXTENDED 64u
#define MT_REGEX_ANCHORED 128u
#define MT_REGEX_DOLLAR_END 256u
#define MT_REGEX_UNGREEDY 512u
#define MT_REGEX_ALL 1023u

/* A number near the last hit of subsignature `ref`, compared with one or two values. */
enum mt_number { MT_NUMBER_RAW = 1, MT_NUMBER_DEC, MT_NUMBER_HEX, MT_NUMBER_AUTO };
struct mt_compare {
    int64_t value[2];
    int32_t off;    /* from the start of the hit */
    uint32_t width; /* bytes of the number */
    uint16_t ref;   /* number of a subsignature in the signature */
    uint8_t cmp[2]; /* enum mt_cmp; the second may be MT_CMP_NONE */
    uint8_t number; /* enum mt_number */
    uint8_t flags;  /* MT_COMPARE_* */
    uint16_t pad;
};
#define MT_COMPARE_LITTLE 1u
#define MT_COMPARE_BIG 2u
#define MT_COMPARE_EXACT 4u /* the text must be a number in its whole width */
#define MT_COMPARE_ALL 7u
#define MT_COMPARE_WIDTH_MAX 4096u

/* A macro: some body of the group starts `min` to `max` bytes behind the start of a hit of
 * subsignature `ref`, the one before it. Its count is the number of such hits. min above max never
 * holds. */
struct mt_macro {
    uint32_t min;
    uint32_t max;
    uint16_t group;
    uint16_t ref; /* number of a subsignature in the signature */
};
#define MT_MACRO_GROUPS 32u
/* A body that is no signature of its own but one of a group. Groups go across segments; a macro
 * sees only bodies of its signature's target. */
struct mt_macro_body {
    uint32_t sub;
    uint8_t group;
    uint8_t target;
    uint16_t pad;
};

#endif
