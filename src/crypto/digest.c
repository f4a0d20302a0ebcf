// SPDX-License-Identifier: Apache-2.0
/*
 * Digests over libcrypto's functions for one algorithm each. OpenSSL 3 calls them deprecated and
 * would have us fetch algorithms through EVP; but the first fetch makes the library build all its
 * tables and its default provider, a tenth of the processor time of scanning one small file, and
 * what ends up being called is the same code. So only what needs EVP (ciphers, certificates) pays
 * for it, when the first such object comes (cipher.c, signed.c).
 *
 * Loading the library costs as much as the MD5 of a megabyte, and a worker that has closed itself
 * in cannot do it: digests of short messages are computed without it (lanes_once.c, sha1.c).
 *
 * The signature formats we serve use MD5 and SHA-1 as names of known files, not as protection
 * against forgery, so whether a provider would allow them for security does not matter here.
 */
#include "crypto/digest.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/lanes_kernel.h"
#include "crypto/openssl_calls.h"
#include "crypto/sha1.h"

#define SHORT_BYTES ((size_t)32 << 10)

struct digester {
    MD5_CTX md5;
    SHA_CTX sha1;
    SHA256_CTX sha256;
    unsigned mask;
};

_Static_assert(MD5_DIGEST_LENGTH == 16 && SHA_DIGEST_LENGTH == 20 &&
                   SHA256_DIGEST_LENGTH == CRYPTO_DIGEST_MAX,
               "as in SIZES");

static const size_t SIZES[CRYPTO_ALGO_COUNT] = {16, 20, 32};

size_t crypto_digest_bytes(enum crypto_algo algo) {
    return (unsigned)algo < CRYPTO_ALGO_COUNT ? SIZES[algo] : 0;
}

sk_err crypto_digest(enum crypto_algo algo, const void *bytes, size_t len, uint8_t *out_digest) {
    if ((unsigned)algo >= CRYPTO_ALGO_COUNT) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    struct digester d;
    uint8_t digest[CRYPTO_ALGO_COUNT][CRYPTO_DIGEST_MAX];
    if (len <= SHORT_BYTES && algo == CRYPTO_SHA1) {
        sha1_once(bytes, len, out_digest);
        return sk_ok();
    }
    if (len <= SHORT_BYTES) {
        lanes_once(bytes, len, algo == CRYPTO_MD5 ? out_digest : NULL,
                   algo == CRYPTO_SHA256 ? out_digest : NULL);
        return sk_ok();
    }
    TRY(digester_begin(&d, CRYPTO_MASK(algo)));
    TRY(digester_update(&d, bytes, len));
    TRY(digester_end(&d, digest));
    memcpy(out_digest, digest[algo], SIZES[algo]);
    return sk_ok();
}

void crypto_hex(const uint8_t *digest, size_t len, char *out_text) {
    static const char HEX[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out_text[2 * i] = HEX[digest[i] >> 4];
        out_text[2 * i + 1] = HEX[digest[i] & 15];
    }
    out_text[2 * len] = '\0';
}

sk_err digester_new(struct digester **out_digester) {
    struct digester *d = mem_zalloc(1, sizeof(*d));
    if (d == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *out_digester = d;
    return sk_ok();
}

void digester_free(struct digester *digester) {
    mem_free(digester);
}

/* The library's functions return 1, and have no way to fail. */
static sk_err done(int ok) {
    return ok == 1 ? sk_ok() : sk_fail(SK_E_INTERNAL);
}

static bool wants(const struct digester *d, enum crypto_algo algo) {
    return (d->mask & CRYPTO_MASK(algo)) != 0;
}

sk_err digester_begin(struct digester *digester, unsigned mask) {
    digester->mask = 0;
    if (mask != 0 && !openssl_load()) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    digester->mask = mask & CRYPTO_MASK_ALL;
    int ok = 1;
    ok &= wants(digester, CRYPTO_MD5) ? ossl.MD5_Init(&digester->md5) : 1;
    ok &= wants(digester, CRYPTO_SHA1) ? ossl.SHA1_Init(&digester->sha1) : 1;
    ok &= wants(digester, CRYPTO_SHA256) ? ossl.SHA256_Init(&digester->sha256) : 1;
    return done(ok);
}

sk_err digester_update(struct digester *digester, const void *bytes, size_t len) {
    int ok = 1;
    ok &= wants(digester, CRYPTO_MD5) ? ossl.MD5_Update(&digester->md5, bytes, len) : 1;
    ok &= wants(digester, CRYPTO_SHA1) ? ossl.SHA1_Update(&digester->sha1, bytes, len) : 1;
    ok &= wants(digester, CRYPTO_SHA256) ? ossl.SHA256_Update(&digester->sha256, bytes, len) : 1;
    return done(ok);
}

sk_err digester_end(struct digester *digester, uint8_t out_digest[3][CRYPTO_DIGEST_MAX]) {
    int ok = 1;
    ok &= wants(digester, CRYPTO_MD5) ? ossl.MD5_Final(out_digest[CRYPTO_MD5], &digester->md5) : 1;
    ok &= wants(digester, CRYPTO_SHA1) ? ossl.SHA1_Final(out_digest[CRYPTO_SHA1], &digester->sha1)
                                       : 1;
    ok &= wants(digester, CRYPTO_SHA256)
              ? ossl.SHA256_Final(out_digest[CRYPTO_SHA256], &digester->sha256)
              : 1;
    digester->mask = 0;
    return done(ok);
}
