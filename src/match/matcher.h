// SPDX-License-Identifier: Apache-2.0
/*
 * struct matcher: runs the bytes of one layer through the body signatures of all segments.
 *
 * Two phases: (1) one pass over the layer collects touched signatures (filter, slow set, anchors,
 * always list); (2) each touched signature is evaluated: target and attributes, anchored
 * subsignatures, then the rest in the order of its expression until it is decided. Memory is
 * proportional to hits, not to signatures (but for one bit per signature per segment).
 *
 * Life cycle: matcher_new -> matcher_scan... -> matcher_free. **Borrows** the segments for its
 * life. Statistics add up over the life. The budget is never NULL and counts down across scans.
 * Errors of matcher_scan: SK_E_NOMEM, SK_E_IO (the source failed), SK_E_LIMIT (a budget ran out:
 * what was found so far has been reported), SK_E_FORMAT (a table is damaged), SK_E_STOP never
 * leaves it.
 */
#ifndef SK_MATCH_MATCHER_H
#define SK_MATCH_MATCHER_H

#include "base/exe.h"
#include "base/source.h"
#include "match/tables.h"

#define MATCH_SEGMENT_MAX 8

/* Groups one icon must be of; ptr NULL: any. */
struct match_icon_groups {
    struct sk_bytes name[2];
};

struct match_layer {
    struct sk_source *src;
    /* The same bytes, which may change at any time, to look for what may be there; everything is
     * decided by src. NULL: src does for both. */
    struct sk_source *glance;
    enum sk_target target;  /* chooses the table */
    enum sk_type container; /* type of the direct parent; SK_TYPE_ANY for the root object */
    /* Types of the layers around this one, the direct parent first; NULL: none. **Borrowed.** */
    const enum sk_type *ancestor;
    unsigned ancestor_count;
    uint64_t file_size;       /* what FileSize asks about (normalised text states its origin's) */
    const struct sk_exe *exe; /* NULL: not an executable */
    /* The image hash of the layer, asked only when a signature hangs on it; false: it has none.
     * NULL: no picture. */
    bool (*image_hash)(void *ctx, uint64_t *out_hash);
    void *image_ctx;
    /* Has the program an icon of these groups? Asked only when everything else of a signature
     * holds. NULL: it has no icons. */
    bool (*icon)(void *ctx, const struct match_icon_groups *groups);
    void *icon_ctx;
};

struct match_budget {
    uint64_t steps;          /* program steps + searched 64-byte units in phase 2; counts down */
    bool (*tick)(void *ctx); /* asked every few 10,000 steps; false = out of time */
    void *ctx;
};

struct match_sig {
    unsigned segment;
    uint32_t sig;
};

struct match_hit {
    unsigned segment;
    uint32_t sig;
    uint32_t name;   /* mt_sig.name */
    uint64_t offset; /* of one hit of the deciding subsignature; for --explain */
};

/* How one signature fares on one layer, in full: for people who ask why, or why not. */
#define MATCH_TRIAL_OFFSETS 10u
struct match_trial_sub {
    uint64_t count;                       /* all hits */
    uint64_t offset[MATCH_TRIAL_OFFSETS]; /* of the first ones, as far as they have a place */
    unsigned offset_count;
};
struct match_trial {
    unsigned segment;
    uint32_t sig;
    bool of_target;  /* the layer is one of those the signature is for */
    bool limited;    /* a budget ran out: counts may be too small */
    bool holds;      /* the expression, whatever the attributes say */
    uint64_t failed; /* bit i: attribute i of the signature does not hold */
    unsigned sub_count;
    struct match_trial_sub sub[MT_SUB_MAX];
};

struct match_stats {
    uint64_t bytes, candidates, literals, touched, evaluated, hits;
};

/* false: stop looking (not an error). */
typedef bool (*match_hit_fn)(void *ctx, const struct match_hit *hit);

struct matcher;

sk_err matcher_new(const struct mt_segment *const *segments, unsigned count,
                   struct matcher **out_matcher);
void matcher_free(struct matcher *m);
sk_err matcher_scan(struct matcher *m, const struct match_layer *layer, struct match_budget *budget,
                    match_hit_fn found, void *ctx);
/* Tells hits of an earlier scan of the same bytes, for which everything in `layer` was the same,
 * once more, as if they were found now. */
struct match_hits {
    const struct match_hit *item;
    size_t count;
    match_hit_fn found;
    void *ctx;
};
void matcher_repeat(struct matcher *m, const struct match_layer *layer, struct match_budget *budget,
                    const struct match_hits *hits);
/* Of the regular expressions: heed none, or not these flags (MT_REGEX_*). Before the first scan. */
void matcher_regexes_off(struct matcher *m, bool all, uint32_t flags);
const struct match_stats *matcher_stats(const struct matcher *m);
/* Did a signature match in the last scan but for the types of the layers around (Container,
 * Intermediates)? Or might it: where a regular expression would decide, it is not asked. The same
 * bytes elsewhere may be a find: nobody may remember them as clean. */
bool matcher_near_miss(const struct matcher *m);

/* Try one signature on the layer of the running scan: only from within `found` of matcher_scan or
 * matcher_repeat. */
sk_err matcher_explain(struct matcher *m, const struct match_layer *layer,
                       const struct match_sig *which, struct match_trial *out_trial);
/* Try some signatures on a layer, whatever its target. tried is called for each, in order. */
typedef void (*match_trial_fn)(void *ctx, const struct match_trial *trial);
struct match_tries {
    const struct match_sig *sig;
    size_t count;
    match_trial_fn tried;
    void *ctx;
};
sk_err matcher_try(struct matcher *m, const struct match_layer *layer, struct match_budget *budget,
                   const struct match_tries *tries);

#endif
