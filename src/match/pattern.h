// SPDX-License-Identifier: Apache-2.0
/*
 * struct pattern_run: verification and search of single subsignatures over one layer.
 *
 * Life cycle: pattern_run_init (once a matcher) -> pattern_run_start (each layer) ->
 * pattern_count... -> pattern_run_release. **Borrows** source, exe and budget until the next start.
 * Errors: SK_E_LIMIT (budget, tick, too many open chains or alternatives), SK_E_FORMAT (a table is
 * damaged), SK_E_IO and SK_E_NOMEM (source, memory). After an error the counts are unknown.
 * Limits: PATTERN_CHAIN_MAX disjoint places where the next part of a chain may start;
 * PATTERN_CHOICE_MAX undecided alternatives at a time.
 */
#ifndef SK_MATCH_PATTERN_H
#define SK_MATCH_PATTERN_H

#include "base/exe.h"
#include "base/source.h"
#include "match/matcher.h"
#include "match/tables.h"

#define PATTERN_CHAIN_MAX 65536u
#define PATTERN_CHOICE_MAX 256u
#define PATTERN_NODE_MAX 1024u

struct pattern_span { /* starts lo..hi, both included */
    uint64_t lo;
    uint64_t hi;
};
struct pattern_spans {
    struct pattern_span *span; /* ascending, disjoint, not touching */
    size_t count;
    size_t cap;
};

/* Where matching goes on when an alternative has ended. Never changed once made, so a choice that
 * is taken back needs only its index. */
struct pattern_node {
    uint32_t pc;
    uint32_t limit;
    uint32_t parent;
};
struct pattern_choice {
    uint32_t pc;   /* of the next alternative's length */
    uint32_t left; /* alternatives not tried yet, at least 1 */
    uint32_t node;
    uint64_t pos;
};

struct pattern_run {
    struct sk_source *src;
    struct sk_source *glance; /* keys are looked for in these bytes, which may change; or NULL */
    const struct sk_exe *exe;
    struct match_budget *budget;
    uint64_t since_tick;
    const uint8_t *view; /* bytes of the layer from view_off */
    uint64_t view_off;
    size_t view_len;
    sk_err err; /* first failure of this layer; sticky */
    /* of the call of pattern_count: the longest key does not stand before `from`, and, when `place`
     * is not NULL, only at these places, ascending */
    uint64_t from;
    const uint64_t *place;
    unsigned place_count;
    struct pattern_spans now;
    struct pattern_spans next;
    struct pattern_choice *choice; /* PATTERN_CHOICE_MAX */
    struct pattern_node *node;     /* PATTERN_NODE_MAX */
    uint32_t choice_count;
    uint32_t node_count;
};

struct pattern_prog {
    const uint8_t *code; /* the whole program section */
    uint32_t start;
    uint32_t end;
};

sk_err pattern_run_init(struct pattern_run *run);
void pattern_run_release(struct pattern_run *run);
void pattern_run_start(struct pattern_run *run, struct sk_source *src, const struct sk_exe *exe,
                       struct match_budget *budget);

/* Takes n steps off the budget. False: err is set. */
bool pattern_spend(struct pattern_run *run, uint64_t n);
/* n bytes at off, or NULL at the end of the layer and on failure (err set). n <=
 * SK_SOURCE_WANT_MAX. Borrowed until the next call. */
const uint8_t *pattern_bytes(struct pattern_run *run, uint64_t off, size_t n);
/* The same to look for a key. What is found there must be verified by pattern_bytes. */
static inline const uint8_t *pattern_key_bytes(struct pattern_run *run, uint64_t off, size_t n) {
    if (run->glance == NULL) {
        return pattern_bytes(run, off, n);
    }
    size_t avail = 0;
    const uint8_t *p = sk_source_at(run->glance, off, n, &avail);
    if (sk_failed(run->glance->failed)) {
        run->err = run->glance->failed;
    }
    return avail < n ? NULL : p;
}

/* Does the program match from pos? The first way in the order of alternatives; _next gives the end
 * of another way of the same match. False with err set on failure. */
bool pattern_match(struct pattern_run *run, const struct pattern_prog *prog, uint64_t pos,
                   uint64_t *out_end);
bool pattern_match_next(struct pattern_run *run, const struct pattern_prog *prog,
                        uint64_t *out_end);

struct find_key;
/* Offers the key the bytes at fixed distances, less than `most`, from where the program starts. */
void pattern_offer_fixed(const struct pattern_prog *prog, uint32_t most, struct find_key *key);

struct pattern_hits {
    uint64_t count;
    uint64_t first; /* offset of the first one (of a chain: of its last part); 0 when count is 0 */
};
/* Counts hits of a subsignature, stopping at `want` (at least 1). */
sk_err pattern_count(struct pattern_run *run, const struct mt_segment *seg, uint32_t sub,
                     uint64_t want, struct pattern_hits *out_hits);

#define PATTERN_ASKS_MAX 24u
/* May this floating subsignature be in the layer? */
struct pattern_ask {
    const struct mt_segment *seg;
    uint32_t sub;
    uint64_t key_at; /* its longest key does not stand before this; a better value is put here */
    bool seen;       /* set: false: it has no hit */
    bool counted;    /* set when seen: it has one for certain, the first at `first` */
    uint64_t first;
};
/* At most PATTERN_ASKS_MAX. */
sk_err pattern_ask_all(struct pattern_run *run, struct pattern_ask *ask, size_t count);
/* The same for one whose longest key stands at key_at: there alone. */
sk_err pattern_ask_at(struct pattern_run *run, struct pattern_ask *ask);

/* Calls seen with the start of each hit (of a chain: of its first part; chains that end at the same
 * place are one hit), ascending, until it returns false. At most PATTERN_CHAIN_MAX starts of a
 * chain: more are SK_E_LIMIT. */
typedef bool (*pattern_seen_fn)(void *ctx, uint64_t start);
sk_err pattern_each(struct pattern_run *run, const struct mt_segment *seg, uint32_t sub,
                    pattern_seen_fn seen, void *ctx);

struct pattern_offset {
    uint8_t kind; /* enum mt_off_kind */
    uint16_t section;
    int32_t off;
};
/* The place that an offset means in a layer of this size. False: there is none (no such section,
 * before the start; MT_OFF_ANY and MT_OFF_VI have no single place). */
bool pattern_place(const struct sk_exe *exe, uint64_t size, struct pattern_offset offset,
                   uint64_t *out_place);

#endif
