// SPDX-License-Identifier: Apache-2.0
/*
 * branch_chain: up to three `branch`es one behind the other, with the buffer in which they work.
 * Internal to src/codec.
 *
 * Life cycle: {0} -> branch_chain_add for each, in the order of undoing -> put bytes where
 * branch_chain_room says, tell how many with branch_chain_put, take what is done; again and again.
 * Storage of the caller, nothing to release. Fails never.
 */
#ifndef SK_CODEC_BRANCH_CHAIN_H
#define SK_CODEC_BRANCH_CHAIN_H

#include <stdbool.h>

#include "codec/branch.h"

#define BRANCH_CHAIN_MAX 3u
#define BRANCH_CHAIN_BYTES ((size_t)16 * 1024)

struct branch_chain {
    struct branch branch[BRANCH_CHAIN_MAX];
    size_t done[BRANCH_CHAIN_MAX + 1]; /* [0] put, [i + 1] done by branch i; falling */
    unsigned count;
    size_t taken; /* at most done[count] */
    uint8_t buf[BRANCH_CHAIN_BYTES];
};

void branch_chain_add(struct branch_chain *c, enum sk_branch kind, uint32_t number);
/* Where more bytes go; above 0 when all that is done is taken. */
uint8_t *branch_chain_room(struct branch_chain *c, size_t *out_room);
/* len bytes were put there. last: no more will come. */
void branch_chain_put(struct branch_chain *c, size_t len, bool last);
/* Up to cap bytes that are done. */
size_t branch_chain_take(struct branch_chain *c, uint8_t *out, size_t cap);

#endif
