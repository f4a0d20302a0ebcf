// SPDX-License-Identifier: Apache-2.0
/*
 * One modular exponentiation with OpenSSL's big numbers. Nothing here is secret (public key, public
 * signature), so no constant-time care is needed; the Montgomery form asks for an odd modulus,
 * which every RSA modulus is. Key material belongs to the callers.
 */
#include "crypto/rsa.h"

#include "crypto/openssl_calls.h"

struct numbers {
    BN_CTX *ctx;
    BIGNUM *modulus;
    BIGNUM *exponent;
    BIGNUM *signature;
    BIGNUM *result;
};

static sk_err compute(struct numbers *n, size_t modulus_len, uint8_t *out_bytes) {
    if (!ossl.BN_is_odd(n->modulus) || ossl.BN_is_one(n->modulus)) {
        return sk_fail(SK_E_USAGE);
    }
    if (ossl.BN_cmp(n->signature, n->modulus) >= 0) {
        return sk_fail(SK_E_BAD_SIGNATURE);
    }
    if (ossl.BN_mod_exp(n->result, n->signature, n->exponent, n->modulus, n->ctx) != 1 ||
        ossl.BN_bn2binpad(n->result, out_bytes, (int)modulus_len) < 0) {
        return sk_fail(SK_E_NOMEM);
    }
    return sk_ok();
}

sk_err crypto_rsa_public(struct sk_bytes modulus, uint64_t exponent, struct sk_bytes signature,
                         uint8_t *out_bytes) {
    if (modulus.len == 0 || modulus.len > CRYPTO_RSA_MAX_BYTES ||
        signature.len > CRYPTO_RSA_MAX_BYTES || exponent == 0) {
        return sk_fail(SK_E_USAGE);
    }
    if (!openssl_load()) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    uint8_t exp_bytes[8];
    for (int i = 0; i < 8; i++) {
        exp_bytes[i] = (uint8_t)(exponent >> (56 - 8 * i));
    }
    struct numbers n = {
        .ctx = ossl.BN_CTX_new(),
        .modulus = ossl.BN_bin2bn(modulus.ptr, (int)modulus.len, NULL),
        .exponent = ossl.BN_bin2bn(exp_bytes, sizeof(exp_bytes), NULL),
        .signature = ossl.BN_bin2bn(signature.ptr, (int)signature.len, NULL),
        .result = ossl.BN_new(),
    };
    sk_err err = sk_fail(SK_E_NOMEM);
    if (n.ctx != NULL && n.modulus != NULL && n.exponent != NULL && n.signature != NULL &&
        n.result != NULL) {
        err = compute(&n, modulus.len, out_bytes);
    }
    ossl.BN_free(n.result);
    ossl.BN_free(n.signature);
    ossl.BN_free(n.exponent);
    ossl.BN_free(n.modulus);
    ossl.BN_CTX_free(n.ctx);
    return err;
}
