// SPDX-License-Identifier: Apache-2.0
/*
 * The two digital signatures of containers, over crypto/rsa.
 *
 * Both are written as digits of base 64 (a-z A-Z 0-9 + /), least significant first. Errors:
 * SK_E_BAD_SIGNATURE (does not fit, or is no number of that alphabet), SK_E_NOMEM.
 */
#ifndef SK_DEFC_CVDSIG_H
#define SK_DEFC_CVDSIG_H

#include "base/cursor.h"
#include "base/err.h"

#define CVDSIG_MODULUS_MAX 256u

/* The bare MD5 as the message. */
sk_err cvdsig_md5(struct sk_bytes modulus, uint64_t exponent, struct sk_bytes text,
                  const uint8_t md5[16]);
/* PSS, SHA-256, 32 bytes of salt; sha256 is the digest of the signed text. */
sk_err cvdsig_pss(struct sk_bytes modulus, uint64_t exponent, struct sk_bytes text,
                  const uint8_t sha256[32]);

#endif
