// SPDX-License-Identifier: Apache-2.0
/*
 * struct crypto_signed: one Authenticode signature: a PKCS#7 SignedData (RFC 2315) over the digest
 * of a file, or over a list of such digests (Microsoft, "Windows Authenticode Portable Executable
 * Signature Format").
 *
 * It answers questions about arithmetic only: which certificates are inside, who signed whom, does
 * the signature hold, is this the file. Whom to trust is the caller's business.
 *
 * Life cycle: crypto_signed_open -> questions; crypto_signed_feed (whole file in order, without the
 * parts that are not signed) -> crypto_signed_fits -> crypto_signed_close. **Borrows** nothing.
 * Errors: SK_E_FORMAT (not such a signature, or of an algorithm that is not taken: MD5 proves
 * nothing any more, and only RSA keys can be asked about), SK_E_LIMIT (more than
 * CRYPTO_SIGNED_CERTS_MAX certificates), SK_E_NOMEM. Times: seconds since 1970.
 */
#ifndef SK_CRYPTO_SIGNED_H
#define SK_CRYPTO_SIGNED_H

#include <stdbool.h>

#include "base/cursor.h"
#include "base/err.h"

#define CRYPTO_SIGNED_CERTS_MAX 32u
#define CRYPTO_SIGNED_MAX_BYTES ((size_t)1 << 20)
#define CRYPTO_ID_BYTES 20u
#define CRYPTO_NO_CERT UINT32_MAX

struct crypto_cert {
    /* SHA-1 of the contents of the field, without its tag and length. */
    uint8_t subject[CRYPTO_ID_BYTES];
    uint8_t issuer[CRYPTO_ID_BYTES];
    uint8_t serial[CRYPTO_ID_BYTES];
    struct sk_bytes modulus; /* big-endian, no leading zeros; empty: no RSA key. **Borrowed** */
    int64_t not_before, not_after;
    bool code_sign, time_sign, cert_sign; /* what its extensions allow */
};

struct crypto_signed;

sk_err crypto_signed_open(struct sk_bytes der, struct crypto_signed **out_signed);
/* The same for a security catalogue: the signed content is a list (CertTrustList), of which this
 * knows nothing; there is no file to feed. Used only for definitions. */
sk_err crypto_signed_open_list(struct sk_bytes der, struct crypto_signed **out_signed);
/* Contents of the signed SEQUENCE. **Borrowed.** */
struct sk_bytes crypto_signed_content(const struct crypto_signed *s);
void crypto_signed_close(struct crypto_signed *s);

uint32_t crypto_signed_cert_count(const struct crypto_signed *s);
const struct crypto_cert *crypto_signed_cert(const struct crypto_signed *s, uint32_t cert);
/* Was the certificate signed with the RSA key of this modulus (exponent 65537)? */
bool crypto_signed_issued(const struct crypto_signed *s, uint32_t cert, struct sk_bytes modulus);
/* The certificate that the signer names; CRYPTO_NO_CERT: it is not inside. */
uint32_t crypto_signed_signer(const struct crypto_signed *s);
/* Does the signature over the digest hold, with the key of that certificate? */
bool crypto_signed_holds(const struct crypto_signed *s);
/* A countersignature (PKCS#9) that holds: whose, and when. False: none. */
bool crypto_signed_stamp(const struct crypto_signed *s, uint32_t *out_cert, int64_t *out_time);

sk_err crypto_signed_feed(struct crypto_signed *s, const void *bytes, size_t len);
/* Ends the feeding. */
bool crypto_signed_fits(struct crypto_signed *s);

#endif
