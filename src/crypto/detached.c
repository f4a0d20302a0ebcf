// SPDX-License-Identifier: Apache-2.0
/*
 * A thin wrapper over PKCS7_verify. Containers of definitions have hundreds of megabytes, so the
 * signed bytes come as a stream: OpenSSL reads them through a BIO of our own.
 *
 * The certificate of a signer may be for any purpose: OpenSSL would ask for one for mail, which
 * signers of definitions have no reason to be. Certificates must be valid now.
 */
#include "crypto/detached.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/openssl_calls.h"

struct crypto_trust {
    X509_STORE *store;
};

/* ---- trust --------------------------------------------------------------------------------- */

sk_err crypto_trust_new(struct crypto_trust **out_trust) {
    if (!openssl_load()) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    struct crypto_trust *t = mem_zalloc(1, sizeof(*t));
    if (t == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    t->store = ossl.X509_STORE_new();
    if (t->store == NULL || ossl.X509_STORE_set_purpose(t->store, X509_PURPOSE_ANY) != 1) {
        crypto_trust_free(t);
        return sk_fail(SK_E_NOMEM);
    }
    *out_trust = t;
    return sk_ok();
}

sk_err crypto_trust_add(struct crypto_trust *trust, struct sk_bytes pem) {
    if (pem.len > INT_MAX) {
        return sk_fail(SK_E_FORMAT);
    }
    BIO *text = ossl.BIO_new_mem_buf(pem.ptr, (int)pem.len);
    if (text == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    unsigned count = 0;
    bool added = true;
    for (X509 *x; added && (x = ossl.PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL; count++) {
        added = ossl.X509_STORE_add_cert(trust->store, x) == 1;
        ossl.X509_free(x);
    }
    ossl.BIO_free(text);
    return !added ? sk_fail(SK_E_NOMEM) : count > 0 ? sk_ok() : sk_fail(SK_E_FORMAT);
}

void crypto_trust_free(struct crypto_trust *trust) {
    if (trust != NULL) {
        ossl.X509_STORE_free(trust->store);
        mem_free(trust);
    }
}

/* ---- a stream as a BIO --------------------------------------------------------------------- */

struct feed {
    struct sk_stream *data;
    sk_err failed;
};

static int feed_read(BIO *bio, char *out, int cap) {
    struct feed *feed = ossl.BIO_get_data(bio);
    size_t got = 0;
    if (cap <= 0 || sk_failed(feed->failed)) {
        return -1;
    }
    feed->failed = sk_stream_read(feed->data, (uint8_t *)out, (size_t)cap, &got);
    return sk_failed(feed->failed) ? -1 : (int)got;
}

/* OpenSSL flushes and asks whether the end is reached; a read of no bytes says that. */
static long feed_ctrl(BIO *bio, int what, long number, void *ptr) {
    (void)bio;
    (void)number;
    (void)ptr;
    return what == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO *feed_open(struct feed *feed, BIO_METHOD **out_method) {
    BIO_METHOD *method = ossl.BIO_meth_new(BIO_TYPE_SOURCE_SINK, "stream");
    BIO *bio = NULL;
    if (method != NULL && ossl.BIO_meth_set_read(method, feed_read) == 1 &&
        ossl.BIO_meth_set_ctrl(method, feed_ctrl) == 1) {
        bio = ossl.BIO_new(method);
    }
    if (bio == NULL) {
        ossl.BIO_meth_free(method);
        return NULL;
    }
    ossl.BIO_set_data(bio, feed);
    ossl.BIO_set_init(bio, 1);
    *out_method = method;
    return bio;
}

/* ---- verifying ----------------------------------------------------------------------------- */

static sk_err read_signature(struct sk_bytes base64, PKCS7 **out_p7) {
    if (base64.len == 0 || base64.len % 4 != 0 || base64.len > INT_MAX) {
        return sk_fail(SK_E_FORMAT);
    }
    uint8_t *der = mem_alloc(base64.len);
    if (der == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    int len = ossl.EVP_DecodeBlock(der, base64.ptr, (int)base64.len);
    const uint8_t *at = der;
    /* Bytes behind the structure are the padding of the last group. */
    PKCS7 *p7 = len > 0 ? ossl.d2i_PKCS7(NULL, &at, len) : NULL;
    mem_free(der);
    if (p7 == NULL || ossl.OBJ_obj2nid(p7->type) != NID_pkcs7_signed || p7->d.sign == NULL) {
        ossl.PKCS7_free(p7);
        return sk_fail(SK_E_FORMAT);
    }
    *out_p7 = p7;
    return sk_ok();
}

static void name_signer(PKCS7 *p7, char *out) {
    OPENSSL_STACK *signers = (OPENSSL_STACK *)ossl.PKCS7_get0_signers(p7, NULL, 0);
    out[0] = '\0';
    if (signers != NULL && ossl.OPENSSL_sk_num(signers) > 0) {
        X509_NAME *name = ossl.X509_get_subject_name(ossl.OPENSSL_sk_value(signers, 0));
        if (ossl.X509_NAME_get_text_by_NID(name, NID_commonName, out, (int)CRYPTO_SIGNER_BYTES) <
            0) {
            ossl.X509_NAME_oneline(name, out, (int)CRYPTO_SIGNER_BYTES);
        }
    }
    ossl.OPENSSL_sk_free(signers);
}

sk_err crypto_detached_verify(const struct crypto_trust *trust, struct sk_bytes base64,
                              struct sk_stream *data, char out_signer[CRYPTO_SIGNER_BYTES]) {
    PKCS7 *p7 = NULL;
    BIO_METHOD *method = NULL;
    struct feed feed = {data, sk_ok()};
    TRY(read_signature(base64, &p7));
    BIO *bio = feed_open(&feed, &method);
    if (bio == NULL) {
        ossl.PKCS7_free(p7);
        return sk_fail(SK_E_NOMEM);
    }
    bool good = ossl.PKCS7_verify(p7, NULL, trust->store, bio, NULL, PKCS7_BINARY) == 1;
    ossl.BIO_free(bio);
    ossl.BIO_meth_free(method);
    if (good && !sk_failed(feed.failed)) {
        name_signer(p7, out_signer);
    }
    ossl.PKCS7_free(p7);
    return sk_failed(feed.failed) ? feed.failed : good ? sk_ok() : sk_fail(SK_E_BAD_SIGNATURE);
}
