// SPDX-License-Identifier: Apache-2.0
/*
 * struct split: one large object whose members several workers look at, each its share
 * (sk_scan_share in sekisho.h).
 *
 *     OFFERED --SHARED--> BEGUN --the last share, all plain--> the sum is the answer
 *        |                  |
 *        | answer           +--one is not plain, ended its worker, or cannot be given--> GONE:
 *        v                     the object is scanned alone, later shares count for nothing
 *     the worker did not share: its answer is the object's
 *
 * Life cycle: split_offer -> split_hold for each further share -> split_drop for each; the last one
 * frees it. Internal to the pool floor. Errors: split_offer NULL: not worth it, nobody to help, or
 * no memory.
 */
#ifndef SK_POOL_SPLIT_H
#define SK_POOL_SPLIT_H

#include "pool/pool.h"

#define SPLIT_MIN_BYTES ((uint64_t)4 << 20)  /* smaller objects are not offered */
#define SPLIT_EACH_BYTES ((uint64_t)2 << 20) /* a share is at least so much of the object */

struct split;

enum split_step {
    SPLIT_WAIT,  /* no result yet, or another one is on its way */
    SPLIT_DONE,  /* the result stands */
    SPLIT_AGAIN, /* the object is to be scanned by one worker alone */
};

/* Would objects of this size be offered? */
bool split_wanted(const struct pool_options *options, uint64_t size);
/* **Returns owned** (a holder); fd is **borrowed** for the call, size in bytes. */
struct split *split_offer(int fd, uint64_t size, unsigned helpers);
/* One holder more; each drops it once. */
struct split *split_hold(struct split *split);
void split_drop(struct split *split); /* NULL is fine */
unsigned split_count(const struct split *split);
/* The worker shares. False: there is nothing to share (NULL, or begun). */
bool split_begin(struct split *split);
bool split_is_begun(const struct split *split); /* NULL: no */
/* A share could not be given to anybody, so the object will be scanned alone once share 0 answers.
 */
void split_lack(struct split *split);
bool split_lacks(const struct split *split); /* NULL: no */
/* The caller will scan the object alone. False: nobody had begun with it, or somebody else will. */
bool split_give_up(struct split *split);
/* Does somebody scan it alone? NULL: no. Shares that were not begun then count for nothing. */
bool split_is_gone(const struct split *split);
/* A worker's answer about an object or its share; NULL: not offered. SPLIT_DONE: the answer stands,
 * with the report *out_sum when all shares are in; its rows and texts are those of the answer, also
 * **borrowed**. fd: the object, **borrowed** for the call. */
enum split_step split_take(struct split *split, const struct pool_options *options,
                           struct pool_result *inout_result, int fd, struct sk_report *out_sum);

#endif
