// SPDX-License-Identifier: Apache-2.0
/*
 * Message digests: MD5, SHA-1, SHA-256, over OpenSSL, in one call or as a stream that feeds several
 * at once.
 *
 * Life cycle: digester_new -> (digester_begin -> digester_update... -> digester_end)... ->
 * digester_free; contexts are reused from one object to the next. Nothing here opens a file or
 * waits for a first use, so it works in a sandbox. Errors: SK_E_NOMEM; SK_E_UNSUPPORTED for an
 * algorithm that is none of these. Not thread-safe. Order of algorithms as enum hs_algo.
 */
#ifndef SK_CRYPTO_DIGEST_H
#define SK_CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum crypto_algo { CRYPTO_MD5 = 0, CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_ALGO_COUNT };

#define CRYPTO_DIGEST_MAX 32
#define CRYPTO_MASK(algo) (1u << (algo))
#define CRYPTO_MASK_ALL 7u

struct digester;

/*
 * For programs, before anything else here: OpenSSL will not read openssl.cnf. Nothing in it is of
 * use to a scanner, a provider chosen there can leave us without MD5, one named in OPENSSL_CONF
 * would be loaded into us, and reading it takes as long as scanning a hundred kilobytes. Without
 * this call (a library cannot know what its program wants) it is read as usual.
 */
void crypto_start(void);
/* Loads libcrypto (base/late.h). Else it is loaded by the first call that needs it, which is
 * SK_E_UNSUPPORTED where it is not to be had. */
void crypto_prepare(void);
size_t crypto_digest_bytes(enum crypto_algo algo); /* 16, 20, 32 */
/* Fills crypto_digest_bytes(algo) bytes. */
sk_err crypto_digest(enum crypto_algo algo, const void *bytes, size_t len, uint8_t *out_digest);
/* Lower-case hex of a digest with NUL: out_text holds 2 * len + 1 bytes. */
void crypto_hex(const uint8_t *digest, size_t len, char *out_text);

sk_err digester_new(struct digester **out_digester);
void digester_free(struct digester *digester);
/* mask: CRYPTO_MASK(algo) of those wanted. */
sk_err digester_begin(struct digester *digester, unsigned mask);
sk_err digester_update(struct digester *digester, const void *bytes, size_t len);
/* Fills the rows of the algorithms in the mask; other rows stay untouched. */
sk_err digester_end(struct digester *digester, uint8_t out_digest[3][CRYPTO_DIGEST_MAX]);

#endif
