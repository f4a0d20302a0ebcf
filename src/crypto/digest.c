// SPDX-License-Identifier: Apache-2.0
/*
 * Digests over EVP. Fetching an algorithm walks OpenSSL's providers and is slower than hashing a
 * small file, therefore each is fetched once per process and kept; contexts are kept per digester.
 *
 * The signature formats we serve use MD5 and SHA-1 as names of known files, not as protection
 * against forgery: "usedforsecurity" is not asked of them.
 */
#include "crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/mem.h"

struct digester {
    EVP_MD_CTX *ctx[CRYPTO_ALGO_COUNT];
    unsigned mask;
};

static const char *const NAMES[CRYPTO_ALGO_COUNT] = {"MD5", "SHA1", "SHA256"};
static const size_t SIZES[CRYPTO_ALGO_COUNT] = {16, 20, 32};
/* Kept for the life of the process. */
static EVP_MD *fetched[CRYPTO_ALGO_COUNT];

static const EVP_MD *algorithm(enum crypto_algo algo) {
    if ((unsigned)algo >= CRYPTO_ALGO_COUNT) {
        return NULL;
    }
    if (fetched[algo] == NULL) {
        fetched[algo] = EVP_MD_fetch(NULL, NAMES[algo], NULL);
    }
    return fetched[algo];
}

void crypto_start(void) {
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

size_t crypto_digest_bytes(enum crypto_algo algo) {
    return (unsigned)algo < CRYPTO_ALGO_COUNT ? SIZES[algo] : 0;
}

sk_err crypto_digest(enum crypto_algo algo, const void *bytes, size_t len, uint8_t *out_digest) {
    const EVP_MD *md = algorithm(algo);
    if (md == NULL) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    uint8_t digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(bytes, len, digest, NULL, md, NULL) != 1) {
        return sk_fail(SK_E_NOMEM);
    }
    memcpy(out_digest, digest, SIZES[algo]);
    return sk_ok();
}

sk_err crypto_warm_up(void) {
    for (unsigned algo = 0; algo < CRYPTO_ALGO_COUNT; algo++) {
        uint8_t digest[CRYPTO_DIGEST_MAX];
        TRY(crypto_digest((enum crypto_algo)algo, "", 0, digest));
    }
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
    for (unsigned algo = 0; algo < CRYPTO_ALGO_COUNT; algo++) {
        d->ctx[algo] = EVP_MD_CTX_new();
        if (d->ctx[algo] == NULL) {
            digester_free(d);
            return sk_fail(SK_E_NOMEM);
        }
    }
    *out_digester = d;
    return sk_ok();
}

void digester_free(struct digester *digester) {
    if (digester == NULL) {
        return;
    }
    for (unsigned algo = 0; algo < CRYPTO_ALGO_COUNT; algo++) {
        EVP_MD_CTX_free(digester->ctx[algo]);
    }
    mem_free(digester);
}

sk_err digester_begin(struct digester *digester, unsigned mask) {
    digester->mask = mask & CRYPTO_MASK_ALL;
    for (unsigned algo = 0; algo < CRYPTO_ALGO_COUNT; algo++) {
        if ((mask & CRYPTO_MASK(algo)) == 0) {
            continue;
        }
        const EVP_MD *md = algorithm((enum crypto_algo)algo);
        if (md == NULL) {
            return sk_fail(SK_E_UNSUPPORTED);
        }
        if (EVP_DigestInit_ex2(digester->ctx[algo], md, NULL) != 1) {
            return sk_fail(SK_E_NOMEM);
        }
    }
    return sk_ok();
}

sk_err digester_update(struct digester *digester, const void *bytes, size_t len) {
    for (unsigned algo = 0; algo < CRYPTO_ALGO_COUNT; algo++) {
        if ((digester->mask & CRYPTO_MASK(algo)) != 0 &&
            EVP_DigestUpdate(digester->ctx[algo], bytes, len) != 1) {
            return sk_fail(SK_E_INTERNAL);
        }
    }
    return sk_ok();
}

sk_err digester_end(struct digester *digester, uint8_t out_digest[3][CRYPTO_DIGEST_MAX]) {
    for (unsigned algo = 0; algo < CRYPTO_ALGO_COUNT; algo++) {
        uint8_t digest[EVP_MAX_MD_SIZE];
        if ((digester->mask & CRYPTO_MASK(algo)) == 0) {
            continue;
        }
        if (EVP_DigestFinal_ex(digester->ctx[algo], digest, NULL) != 1) {
            return sk_fail(SK_E_INTERNAL);
        }
        memcpy(out_digest[algo], digest, SIZES[algo]);
    }
    digester->mask = 0;
    return sk_ok();
}
