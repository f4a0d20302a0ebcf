// SPDX-License-Identifier: Apache-2.0
/*
 * struct filter_plan: the tables of several segments made ready to be searched in one pass.
 *
 *   segment main   group 8:8 | group 4:3 | slow set       group 8:8: one bitmap, two bucket arrays
 *   segment daily  group 8:8 | group 4:3 | slow set  ->   group 4:3: one bitmap, two bucket arrays
 *                                                         slow set:  one
 *
 * or, when every segment's table has marks and the kernel can look bytes up, instead of all that:
 *
 *   segment main   classes 0-3 | marks                     plan   8 classes, one table of marks
 *   segment daily  classes 4-7 | marks             ->
 *
 * (One segment whose table has none, because of a masked trigger for example, and all are searched
 * by groups and the slow set.)
 *
 * Bitmaps of one (q, s) are ORed: both are indexed by the top bits of the same hash, so a word of a
 * shorter one stands for 2^n words of a longer one. (Not above 1 MiB, which would be private
 * memory: such a group is searched by itself, out of the image.) A window that passes is looked up
 * in the buckets of every segment. Nothing in the images knows of it: a daily update still compiles
 * one segment, and a plan is made in a fraction of a millisecond.
 *
 * Life cycle: filter_plan_new -> filter_run any number of times -> filter_plan_free. **Borrows**
 * the inputs' segments, tables and `done` bits. Errors: SK_E_NOMEM; SK_E_FORMAT (a table's shape is
 * impossible); SK_E_USAGE (too many inputs). Memory: the largest bitmap of each group, about 10 KiB
 * for the slow set; with marks about 100 KiB, or 400 for ten thousand.
 */
#ifndef SK_MATCH_PLAN_H
#define SK_MATCH_PLAN_H

#include "base/err.h"
#include "match/tables.h"

#define FILTER_INPUT_MAX 8u
#define FILTER_LOG2_MAX 27u   /* largest bitmap and bucket array a kernel indexes */
#define FILTER_STEP_MAX 64u   /* of a group */
#define PLAN_GROUP_MAX 24u    /* different (q, s) of all inputs */
#define PLAN_OWN_LOG2_MAX 18u /* words of a bitmap that others are ORed with */

struct filter_input {
    const struct mt_segment *segment;
    const struct mt_table *table;
    uint64_t *done; /* one bit a trigger: found before, do not look again; set on a hit */
};

/* What a kernel needs of one group. */
struct plan_bitmap {
    unsigned q, s, log2_words;
    const uint32_t *word;
};

struct plan_group {
    struct plan_bitmap bitmap;
    uint32_t *own; /* the ORed words, or NULL: bitmap is the only member's */
    unsigned count;
    unsigned input[FILTER_INPUT_MAX]; /* whose group member[i] is */
    const struct mt_group *member[FILTER_INPUT_MAX];
};

/*
 * The slow set. Entries are spread over sixteen classes (eight for each half of the inputs); a
 * place is a candidate when its three bytes, each at its place, belong to one class: cls[0][h][b0]
 * & cls[1][h][b1] & cls[2][h][b2] != 0 for a half h. The nibble tables lo, hi (of folded bytes) say
 * the same more coarsely, for vectors without a lookup by byte.
 */
#define PLAN_HALVES 2u
#define PLAN_CLASS_VALUES 128u
struct plan_classes {
    unsigned halves;                                /* in use */
    uint8_t cls[3][PLAN_HALVES][PLAN_CLASS_VALUES]; /* by plan_class_index */
    uint8_t lo[PLAN_HALVES][3][16];
    uint8_t hi[PLAN_HALVES][3][16];
};
#define PLAN_SLOW_LOG2 14u /* of the hash */
#define PLAN_WIDE_LOG2 17u /* of the one for many entries */
struct plan_slow_entry {
    uint32_t value; /* as in struct mt_slow_entry */
    uint32_t trig;
    uint16_t input;
    uint16_t delta; /* offset of these bytes inside the trigger literal */
};
/* Entries of one mask: by the hash of those bytes, entry[first[h] .. first[h + 1]). */
struct plan_slow_kind {
    uint32_t mask;
    unsigned log2;   /* buckets */
    uint32_t *first; /* (1 << log2) + 1 */
    struct plan_slow_entry *entry;
    uint32_t count;
    uint32_t set[(1u << PLAN_SLOW_LOG2) / 32]; /* hashes that exist; looked at first */
    uint32_t *wide; /* NULL; of many entries: longer hashes that exist (plan_wide_hash) */
};
/* Three bytes, four, and three of four with any byte between: machine code with an operand of one
 * byte often has nothing else. */
#define PLAN_SLOW_KINDS 4u
#define PLAN_SLOW_MASKS                                                                            \
    { 0x00ffffffu, 0xffffffffu, 0xff00ffffu, 0xffff00ffu }
/* Marks of eight bytes: a bitmap as of a group, then by the bucket hash of the window. Shorter ones
 * are looked for like entries of the slow set. */
struct plan_mark {
    uint64_t window;
    uint32_t trig;
    uint16_t input;
    uint16_t delta;
};
struct plan_marks {
    uint8_t cls[MT_MARK_BYTES][MT_MARK_VALUES]; /* as in an image, four bits for each half */
    unsigned log2_set, log2_words, log2_buckets;
    uint32_t *set;   /* hashes of the first four bytes of all marks */
    uint32_t *brief; /* the same of marks that are not longer */
    uint32_t *word;
    uint32_t *first; /* (1 << log2_buckets) + 1 */
    struct plan_mark *entry;
    uint32_t count;
};
struct plan_slow {
    struct plan_classes classes;
    struct plan_slow_kind kind[PLAN_SLOW_KINDS];
};

/*
 * Anchored checks of one place, anchor[first .. first + count) of the input's table, which first
 * bytes any of them takes, and hashes of which first two (plan_pair_hash): most places are done
 * with after one bit, nearly all after two. (The start of a file is asked for PK four hundred
 * times and for / once, and all were gone through in every header that begins with a comment.)
 */
struct plan_place {
    struct mt_anchor where; /* the first of them: in the image each would be a miss of the cache */
    uint32_t first, count;
    uint32_t byte_set[8];
    uint32_t pair_set[8];
};

struct filter_plan {
    unsigned input_count;
    struct filter_input input[FILTER_INPUT_MAX];
    struct plan_place *place[FILTER_INPUT_MAX];
    uint32_t place_count[FILTER_INPUT_MAX];
    bool by_marks;        /* the kinds of `slow` are those of the marks; it has no classes */
    unsigned group_count; /* 0 by marks */
    struct plan_group group[PLAN_GROUP_MAX];
    struct plan_slow slow;
    struct plan_marks marks; /* empty, or of eight bytes; shorter ones are in `slow` */
};

/* marks: search by them if every table has them (for kernels with marks). */
sk_err filter_plan_new(const struct filter_input *input, unsigned count, bool marks,
                       struct filter_plan **out_plan);
void filter_plan_free(struct filter_plan *plan);

/* A folded byte has bit 5 set; the others are the index. */
static inline unsigned plan_class_index(uint8_t byte) {
    return (byte & 0x1fu) | (byte >> 1 & 0x60u);
}
/* The folded byte of an index. */
static inline uint8_t plan_class_byte(unsigned index) {
    return (uint8_t)((index & 0x1fu) | 0x20u | (index << 1 & 0xc0u));
}
/* Hash of two bytes, whatever their case. */
static inline uint32_t plan_pair_hash(uint32_t text) {
    return ((text | 0x2020u) & 0xffffu) * 0x9E3779B1u >> 24;
}
/* Hash of three or four folded bytes (the others zero). */
static inline uint32_t plan_slow_hash(uint32_t masked) {
    return masked * 0x9E3779B1u >> (32 - PLAN_SLOW_LOG2);
}
static inline uint32_t plan_wide_hash(uint32_t masked) {
    return masked * 0x9E3779B1u >> (32 - PLAN_WIDE_LOG2);
}
/* Hash of the first four folded bytes of a mark. */
static inline uint32_t plan_mark_hash(const struct plan_marks *marks, uint32_t text) {
    return text * 0x9E3779B1u >> (32 - marks->log2_set);
}
static inline uint32_t plan_slow_bucket(const struct plan_slow_kind *kind, uint32_t hash) {
    return hash >> (PLAN_SLOW_LOG2 - kind->log2);
}

#endif
