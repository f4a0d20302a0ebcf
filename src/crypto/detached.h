// SPDX-License-Identifier: Apache-2.0
/*
 * Detached signatures: a PKCS#7 SignedData (RFC 2315) without content, and what it is over.
 *
 * struct crypto_trust: the certificates a signer may lead up to. Life cycle: crypto_trust_new ->
 * crypto_trust_add (any number) -> crypto_detached_verify (any number) -> crypto_trust_free.
 * Ownership: **borrows** nothing.
 * Errors: SK_E_FORMAT (no certificate in PEM; no base64 of a SignedData), SK_E_BAD_SIGNATURE (the
 * signature does not fit the bytes, or its signer does not lead to a trusted certificate), those of
 * the stream, SK_E_NOMEM.
 */
#ifndef SK_CRYPTO_DETACHED_H
#define SK_CRYPTO_DETACHED_H

#include "base/cursor.h"
#include "base/source.h"

#define CRYPTO_SIGNER_BYTES 128u

struct crypto_trust;

sk_err crypto_trust_new(struct crypto_trust **out_trust);
/* Every certificate of a text in PEM form. */
sk_err crypto_trust_add(struct crypto_trust *trust, struct sk_bytes pem);
void crypto_trust_free(struct crypto_trust *trust);

/* base64: of the DER form, in one line. When the signature is good, data was read to its
 * end. out_signer: the name of the signer's certificate, cut to fit. */
sk_err crypto_detached_verify(const struct crypto_trust *trust, struct sk_bytes base64,
                              struct sk_stream *data, char out_signer[CRYPTO_SIGNER_BYTES]);

#endif
