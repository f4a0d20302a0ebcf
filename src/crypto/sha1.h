// SPDX-License-Identifier: Apache-2.0
/* SHA-1 of a short message, without libcrypto. Pure. Internal to the crypto floor. */
#ifndef SK_CRYPTO_SHA1_H
#define SK_CRYPTO_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_BYTES 20u

void sha1_once(const uint8_t *bytes, size_t len, uint8_t out_digest[SHA1_BYTES]);

#endif
