// SPDX-License-Identifier: Apache-2.0
/*
 * struct fingerprint: a key of random numbers, and a hash of bytes under it, for a process that
 * asks itself "have I seen these bytes before?".
 *
 * Two different inputs of the same length have the same hash with a probability below 2^-62,
 * whatever they are, as long as whoever made them does not know the key: it lives in one process
 * and no hash leaves it. So it needs no cryptographic hash, which costs ten times as much. Compare
 * lengths as well: the hash does not tell inputs apart that differ in zeros at their end.
 *
 * Life cycle: fingerprint_init -> fingerprint_of (any number). Errors: SK_E_IO, the system gives no
 * random numbers. Limits: inputs of up to FINGERPRINT_MAX_BYTES. The hash differs between machines.
 */
#ifndef SK_CRYPTO_FINGERPRINT_H
#define SK_CRYPTO_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FINGERPRINT_CHUNK ((size_t)2048)
#define FINGERPRINT_MAX_BYTES ((size_t)64 << 20)

struct fingerprint {
    uint64_t sum[FINGERPRINT_CHUNK / 8]; /* of words */
    uint64_t point[2];                   /* where the polynomials are evaluated */
};

struct fingerprint_hash {
    uint64_t half[2];
};

sk_err fingerprint_init(struct fingerprint *out);
struct fingerprint_hash fingerprint_of(const struct fingerprint *key, const void *bytes,
                                       size_t len);

#endif
