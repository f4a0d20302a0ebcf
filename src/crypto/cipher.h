// SPDX-License-Identifier: Apache-2.0
/*
 * Ciphers that documents are encrypted with: RC4 (own: OpenSSL 3 keeps it in a provider that a
 * sandbox cannot load), AES-CBC and SHA-384/SHA-512 over OpenSSL.
 *
 * For reading what others encrypted, never for protecting anything. AES is decrypted without
 * looking at the padding: the caller knows whether there is one.
 *
 * Life cycle: rc4_init -> rc4_run...; aes_cbc_new -> aes_cbc_run... -> aes_cbc_free. Errors:
 * SK_E_NOMEM; SK_E_USAGE a key of another length than 16, 24, 32; SK_E_UNSUPPORTED when the
 * library refuses or is not to be had: before entering a sandbox that opens no files, call
 * crypto_start and crypto_prepare (digest.h).
 */
#ifndef SK_CRYPTO_CIPHER_H
#define SK_CRYPTO_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define AES_BLOCK_BYTES ((size_t)16)
#define CIPHER_HASH_MAX 64

struct rc4 {
    uint8_t s[256];
    uint8_t i, j;
};

/* key_len 1..256. */
void rc4_init(struct rc4 *rc4, const uint8_t *key, size_t key_len);
/* In place or from one buffer to another. */
void rc4_run(struct rc4 *rc4, const uint8_t *in, size_t len, uint8_t *out);

struct aes_cbc;

struct aes_key {
    const uint8_t *key;
    size_t key_len;
    const uint8_t *iv; /* AES_BLOCK_BYTES */
    bool encrypt;
};
sk_err aes_cbc_new(const struct aes_key *key, struct aes_cbc **out_aes);
/* len: whole blocks, at most 1 GiB. out may be in. */
sk_err aes_cbc_run(struct aes_cbc *aes, const uint8_t *in, size_t len, uint8_t *out);
void aes_cbc_free(struct aes_cbc *aes);

/* SHA-384 (48 bytes) or SHA-512 (64 bytes) in one call. */
sk_err sha512_digest(bool is_384, const void *bytes, size_t len, uint8_t *out_digest);

#endif
