// SPDX-License-Identifier: Apache-2.0
/*
 * The bare RSA public operation, out = signature ^ exponent mod modulus, without padding: for
 * signatures whose padding the caller checks (ClamAV containers carry the digest bare).
 *
 * All numbers big-endian. modulus: up to CRYPTO_RSA_MAX_BYTES. The result is left-padded with zeros
 * to modulus_len. Errors: SK_E_USAGE (sizes, even or zero modulus), SK_E_BAD_SIGNATURE (signature
 * not below the modulus), SK_E_NOMEM.
 */
#ifndef SK_CRYPTO_RSA_H
#define SK_CRYPTO_RSA_H

#include "base/cursor.h"
#include "base/err.h"

#define CRYPTO_RSA_MAX_BYTES 1024

sk_err crypto_rsa_public(struct sk_bytes modulus, uint64_t exponent, struct sk_bytes signature,
                         uint8_t *out_bytes);

#endif
