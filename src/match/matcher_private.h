// SPDX-License-Identifier: Apache-2.0
/*
 * What matcher.c (phase 1, the scan), prune.c (which touched signatures are out already) and
 * judge.c (the others) share. Not for others.
 */
#ifndef SK_MATCH_MATCHER_PRIVATE_H
#define SK_MATCH_MATCHER_PRIVATE_H

#include "match/counts.h"
#include "match/filter.h"
#include "match/logic.h"
#include "match/matcher.h"
#include "match/pattern.h"
#include "match/regex.h"
#include "match/sieve.h"

#define MATCH_NO_TRIG UINT32_MAX

/* A touched signature, or a trigger found. */
struct touched {
    uint32_t segment;
    uint32_t index;
    uint32_t trig; /* what touched the signature; MATCH_NO_TRIG: an anchor, or the always list */
    /* prune.c: the members that must occur are ask[ask_at .. ask_end) of the matcher's list, those
     * before ask_at being answered; both 0: not asked for yet */
    uint32_t ask_at;
    uint32_t ask_end;
    bool out;     /* cannot hold */
    bool settled; /* has no more to ask for */
};
struct touched_list {
    struct touched *item;
    size_t count;
    size_t cap;
};

/* Numbers of slots in counts. */
struct wanted_list {
    uint32_t *item;
    size_t count;
    size_t cap;
};

/* All places of the longest key of a subsignature. */
struct key_places {
    unsigned count;
    uint64_t at[SIEVE_PLACES];
};
struct places_list {
    struct key_places *item;
    size_t count;
    size_t cap;
};

/* A subsignature that must occur. */
struct ask {
    uint32_t number; /* in the signature */
    uint32_t urgency;
    uint32_t slot; /* prune.c: in counts */
};
#define ASK_AT_ONCE UINT32_MAX /* at a fixed place: costs next to nothing */
struct ask_list {
    struct ask *item;
    size_t count;
    size_t cap;
};

struct matcher {
    const struct mt_segment *segment[MATCH_SEGMENT_MAX];
    unsigned segment_count;
    uint64_t *sig_bit[MATCH_SEGMENT_MAX];     /* touched signatures */
    uint64_t *trig_bit[MATCH_SEGMENT_MAX];    /* triggers found */
    struct filter_plan *plan[MT_TABLE_COUNT]; /* made when first needed */
    struct touched_list sigs;
    struct touched_list trigs;
    uint32_t *scratch; /* candidates of one block */
    struct pattern_run run;
    struct regex_run regex;
    bool limited; /* a regular expression of this layer gave up */
    bool near_miss;
    struct counts counts;
    struct ask_list asks;      /* prune.c: of the touched signatures */
    struct wanted_list wanted; /* what will be looked for */
    struct places_list places; /* and where keys stand that it found */
    struct sieve sieve;
    struct match_stats stats;
};

/* What one scan passes down. */
struct scan {
    struct matcher *m;
    const struct match_layer *layer;
    match_hit_fn found;
    void *found_ctx;
};

/* Where to look for what may be there: nothing is decided by these bytes. */
static inline struct sk_source *look_source(const struct match_layer *layer) {
    return layer->glance != NULL ? layer->glance : layer->src;
}

/* A signature under evaluation, for the counting callback. */
struct judged {
    struct matcher *m;
    unsigned segment;
    const struct mt_sig *sig;
    const struct match_layer *layer;
    uint32_t trig;   /* as in struct touched */
    uint64_t offset; /* of a hit of the subsignature counted last */
};

/* Does the signature apply to this layer at all? misplaced: it does but for the layers around.
 * Proves the ranges of the signature. */
sk_err judge_concerned(const struct scan *s, const struct mt_segment *seg, const struct mt_sig *sig,
                       bool *out_concerns, bool *out_misplaced);
/* The members of a plain AND that must occur, most urgent first. Returns how many. */
unsigned judge_necessary(const struct judged *j, struct ask out[MT_SUB_MAX]);
/* Is this the subsignature whose trigger was found? Most likely it is there then. */
bool judge_holds_trigger(const struct judged *j, uint32_t number);
/* logic_count_fn with a struct judged. */
sk_err judge_count(void *ctx, uint32_t number, uint64_t want, uint64_t *out_count);
sk_err judge(struct scan *s, const struct touched *t);

/* Marks touched signatures that lack a subsignature; what it learnt of the others is in counts. */
sk_err prune(struct scan *s, struct match_budget *budget);

#endif
