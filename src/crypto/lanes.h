// SPDX-License-Identifier: Apache-2.0
/*
 * struct lanes: MD5 and SHA-256 of many messages side by side.
 *
 * MD5 of one message cannot go faster than its chain of 64 dependent steps a block allows (0.7 to
 * 0.8 GB/s), but a vector holds the chains of 8 or 16 messages. Whoever has many messages and can
 * wait for their digests puts them here.
 *
 *   lanes_put ... lanes_put -> waiting, largest first -> lane 0..15 -> done -> lanes_run
 *
 * Bytes in memory may change at any time: digests are those of no message then, nothing else.
 * Lengths come from the job alone.
 *
 * Life cycle: lanes_new -> (lanes_put | lanes_run)... -> lanes_free. Ownership: a job and its bytes
 * are **borrowed** from lanes_put until lanes_run returns that job (or lanes_free). Errors:
 * SK_E_UNSUPPORTED from lanes_new: nothing to gain on this machine, use struct digester;
 * SK_E_NOMEM; a job whose reading failed comes back with the error of `read` in `err`.
 */
#ifndef SK_CRYPTO_LANES_H
#define SK_CRYPTO_LANES_H

#include "crypto/digest.h"

#define LANES_MASK (CRYPTO_MASK(CRYPTO_MD5) | CRYPTO_MASK(CRYPTO_SHA256))

struct lanes_job {
    unsigned mask;        /* a part of LANES_MASK, not empty */
    uint64_t size;        /* of the message */
    const uint8_t *bytes; /* the message; NULL: it is read piece by piece */
    sk_err (*read)(void *ctx, uint64_t off, void *buf, size_t len);
    void *ctx;
    /* filled: the rows of the mask, unless err */
    uint8_t digest[CRYPTO_ALGO_COUNT][CRYPTO_DIGEST_MAX];
    sk_err err;
    struct lanes_job *next; /* of the lanes while they hold the job */
};

struct lanes;
struct lanes_kernel;

/* kernel: NULL for the best of this machine. */
sk_err lanes_new(const struct lanes_kernel *kernel, struct lanes **out_lanes);
void lanes_free(struct lanes *lanes);
void lanes_put(struct lanes *lanes, struct lanes_job *job);
/* Jobs that lanes_run has not returned yet. */
unsigned lanes_held(const struct lanes *lanes);
/* Messages that are hashed at once. */
unsigned lanes_width(const struct lanes *lanes);
/* Hashes until a job is done and returns it. NULL: none is done, and less than `least` (1 to
 * lanes_width) are left that go well together: below twice as many altogether. 0: all that is held
 * is wanted, whichever first, and nothing will come before: in the order that takes least time. */
struct lanes_job *lanes_run(struct lanes *lanes, unsigned least);

/* Gives back a job as it is, to clean up; NULL: no more. */
struct lanes_job *lanes_take(struct lanes *lanes);

#endif
