// SPDX-License-Identifier: Apache-2.0
/*
 * What triggers are searched by, as it lies in an image: filter groups, slow set, marks, anchored
 * checks. Part of match/tables.h, whose rules hold here too.
 */
#ifndef SK_MATCH_TABLES_FILTER_H
#define SK_MATCH_TABLES_FILTER_H

#include <stdint.h>

/*
 * Group (q, s): at every layer offset that is a multiple of s, fold q bytes (| 0x20 each), hash
 * them (match/foldhash.h) and test two bits of one 32-bit word of `bitmap`. A trigger with a
 * literal of at least q+s-1 bytes inserts s consecutive windows, so exactly one of them is sampled.
 */
struct mt_group_head {
    uint8_t q;            /* 4 or 8 */
    uint8_t s;            /* step */
    uint8_t log2_words;   /* bitmap has 1 << log2_words 32-bit words */
    uint8_t log2_buckets; /* bucket_first has (1 << log2_buckets) + 1 elements */
    uint32_t entry_count;
};
struct mt_entry {
    uint16_t tag;   /* foldhash_tag of the literal */
    uint16_t delta; /* offset of the window inside the trigger literal */
    uint32_t trig;
};
struct mt_group {
    struct mt_group_head head;
    const uint32_t *bitmap;
    const uint32_t *bucket_first;
    const struct mt_entry *entry;
};

/* Slow set: triggers whose literal is too short (3..5) or too common for a group. Searched at every
 * offset by nibble tables over three folded bytes: a byte b at position i may belong to the buckets
 * lo[i][b & 15] & hi[i][b >> 4]; entries of bucket k are slow[first[k] .. first[k + 1]). */
struct mt_slow_head {
    uint8_t lo[3][16];
    uint8_t hi[3][16];
    uint32_t first[9];
    uint32_t pad[3];
};
struct mt_slow_entry {
    uint32_t value; /* the first four folded bytes, little-endian, & mask */
    uint32_t mask;  /* one of PLAN_SLOW_MASKS (match/plan.h): at least three whole bytes */
    uint32_t trig;
    uint32_t pad;
};

/*
 * Marks: every trigger of the table once more, each with one window inside its literal, so that one
 * look at four bytes finds all of them: cls[i][byte i & 127] has bit k when class k takes it, and a
 * window begins only where some class takes all four (the fourth of three takes any). A kernel that
 * can look bytes up searches by marks instead of groups and slow set (match/plan.h).
 */
#define MT_MARK_BYTES 4
#define MT_MARK_VALUES 128
#define MT_MARK_CLASSES 4 /* so that those of two segments fit a byte */
struct mt_mark_head {
    uint8_t cls[MT_MARK_BYTES][MT_MARK_VALUES];
};
struct mt_mark {
    uint64_t window; /* q folded bytes, little-endian */
    uint32_t trig;
    uint16_t delta; /* offset of the window inside the trigger literal */
    uint16_t q;     /* 8, 4 or 3 */
};

/* Anchored check: at one exact place. kind is enum mt_off_kind without MT_OFF_ANY, MT_OFF_VI,
 * MT_OFF_SECT_ANY. */
struct mt_anchor {
    uint8_t kind;
    uint8_t pad;
    uint16_t section;
    int32_t off;    /* as in struct mt_sub */
    uint32_t delta; /* from the place to the checked bytes */
    uint32_t value; /* up to four bytes, little-endian, & mask; never zero mask */
    uint32_t mask;
    uint32_t sig;
};

#endif
