// SPDX-License-Identifier: Apache-2.0
/*
 * struct sieve: where do many key literals occur in a layer? One filter pass instead of one search
 * each; what does not occur, or at a few places, needs no search.
 *
 * Equal keys of several subsignatures, of any segment, are one. Their bytes are copied, so that
 * a pass works on memory that lies together (see sieve.c).
 *
 * Life cycle: zeroed -> sieve_add... -> sieve_run -> sieve_clear -> ... -> sieve_release.
 * Errors: SK_E_NOMEM, and those of filter_run.
 */
#ifndef SK_MATCH_SIEVE_H
#define SK_MATCH_SIEVE_H

#include "match/filter.h"

#define SIEVE_KEY_MIN 3u
#define SIEVE_KEY_USED 64u    /* of longer ones only so much is looked for */
#define SIEVE_KEYS_MAX 65536u /* about 150 bytes each; more are left to single searches */

struct sieve_asker {
    uint32_t who;
    uint32_t key; /* in trig[] */
};
struct sieve {
    struct mt_trig *trig; /* the keys, all different; of lit[] below */
    size_t key_count;
    size_t trig_cap;
    uint8_t *lit;
    size_t lit_len;
    size_t lit_cap;
    struct sieve_asker *asker;
    size_t asker_count;
    size_t asker_cap;
    uint32_t *slot; /* keys by hash: 1 + index, 0: free; at most half full */
    size_t slot_count;
    size_t six_count;  /* keys of six bytes */
    size_t long_count; /* longer ones */
};

/* Is this literal long enough? */
static inline bool sieve_takes(const struct mt_part *part) {
    return part->key_len >= SIEVE_KEY_MIN;
}
/* part: one of seg that sieve_takes; its key lies inside the segment's literals. Quietly leaves it
 * out when SIEVE_KEYS_MAX are in. who: of the caller, told with the answer. */
sk_err sieve_add(struct sieve *s, uint32_t who, const struct mt_segment *seg,
                 const struct mt_part *part);

/* Where a key stands: everywhere, when it is at no more than SIEVE_PLACES places. */
#define SIEVE_PLACES 8u
struct sieve_answer {
    uint32_t who;
    unsigned count;        /* 0: the key does not occur; above SIEVE_PLACES: these and others */
    const uint64_t *place; /* ascending; others begin at most FILTER_STEP_MAX before the first */
};
typedef sk_err (*sieve_tell_fn)(void *ctx, const struct sieve_answer *answer);
/* job: kernel, src, scratch and tick are used. Tells each asker, but none of a kind of which
 * there are too few to pay for a pass. */
sk_err sieve_run(const struct sieve *s, struct filter_job *job, sieve_tell_fn tell, void *ctx);
void sieve_clear(struct sieve *s);
void sieve_release(struct sieve *s);

#endif
