// SPDX-License-Identifier: Apache-2.0
/*
 * RC4 is the thirty lines below. The rest are OpenSSL's EVP calls; algorithms are fetched once per
 * process and kept, because fetching walks the providers. The first fetch costs a millisecond and
 * happens inside the sandbox, when an encrypted document comes: the default provider is part of the
 * library, and without openssl.cnf (crypto_start) no file is asked for.
 */
#include "crypto/cipher.h"

#include "base/mem.h"
#include "crypto/openssl_calls.h"

enum { AES_128, AES_192, AES_256, AES_COUNT };

/* Kept for the life of the process. */
static EVP_CIPHER *fetched_aes[AES_COUNT];
static EVP_MD *fetched_sha[2];

struct aes_cbc {
    EVP_CIPHER_CTX *ctx;
};

void rc4_init(struct rc4 *rc4, const uint8_t *key, size_t key_len) {
    for (unsigned i = 0; i < 256; i++) {
        rc4->s[i] = (uint8_t)i;
    }
    uint8_t j = 0;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t old = rc4->s[i];
        j = (uint8_t)(j + old + key[i % key_len]);
        rc4->s[i] = rc4->s[j];
        rc4->s[j] = old;
    }
    rc4->i = rc4->j = 0;
}

void rc4_run(struct rc4 *rc4, const uint8_t *in, size_t len, uint8_t *out) {
    for (size_t n = 0; n < len; n++) {
        uint8_t a = rc4->s[++rc4->i];
        rc4->j = (uint8_t)(rc4->j + a);
        uint8_t b = rc4->s[rc4->j];
        rc4->s[rc4->i] = b;
        rc4->s[rc4->j] = a;
        out[n] = in[n] ^ rc4->s[(uint8_t)(a + b)];
    }
}

static const EVP_CIPHER *aes_of(size_t key_len) {
    static const char *const names[AES_COUNT] = {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"};
    size_t which = key_len / 8 - 2;
    if (fetched_aes[which] == NULL) {
        fetched_aes[which] = ossl.EVP_CIPHER_fetch(NULL, names[which], NULL);
    }
    return fetched_aes[which];
}

sk_err aes_cbc_new(const struct aes_key *key, struct aes_cbc **out_aes) {
    if (key->key_len != 16 && key->key_len != 24 && key->key_len != 32) {
        return sk_fail(SK_E_USAGE);
    }
    const EVP_CIPHER *cipher = openssl_load() ? aes_of(key->key_len) : NULL;
    if (cipher == NULL) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    struct aes_cbc *aes = mem_zalloc(1, sizeof(*aes));
    if (aes == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    aes->ctx = ossl.EVP_CIPHER_CTX_new();
    if (aes->ctx == NULL ||
        ossl.EVP_CipherInit_ex2(aes->ctx, cipher, key->key, key->iv, key->encrypt ? 1 : 0, NULL) !=
            1 ||
        ossl.EVP_CIPHER_CTX_set_padding(aes->ctx, 0) != 1) {
        aes_cbc_free(aes);
        return sk_fail(SK_E_NOMEM);
    }
    *out_aes = aes;
    return sk_ok();
}

sk_err aes_cbc_run(struct aes_cbc *aes, const uint8_t *in, size_t len, uint8_t *out) {
    int got = 0;
    if (len % AES_BLOCK_BYTES != 0 || len > (size_t)1 << 30) {
        return sk_fail(SK_E_USAGE);
    }
    if (ossl.EVP_CipherUpdate(aes->ctx, out, &got, in, (int)len) != 1 || (size_t)got != len) {
        return sk_fail(SK_E_INTERNAL);
    }
    return sk_ok();
}

void aes_cbc_free(struct aes_cbc *aes) {
    if (aes != NULL) {
        ossl.EVP_CIPHER_CTX_free(aes->ctx);
        mem_free(aes);
    }
}

sk_err sha512_digest(bool is_384, const void *bytes, size_t len, uint8_t *out_digest) {
    static const char *const names[2] = {"SHA512", "SHA384"};
    unsigned which = is_384 ? 1 : 0;
    if (fetched_sha[which] == NULL && openssl_load()) {
        fetched_sha[which] = ossl.EVP_MD_fetch(NULL, names[which], NULL);
    }
    if (fetched_sha[which] == NULL) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    return ossl.EVP_Digest(bytes, len, out_digest, NULL, fetched_sha[which], NULL) == 1
               ? sk_ok()
               : sk_fail(SK_E_NOMEM);
}
