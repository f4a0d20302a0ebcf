// SPDX-License-Identifier: Apache-2.0
/*
 *     ContentInfo(signedData)
 *       content: SpcIndirectDataContent { data, messageDigest { algorithm, digest of the file } }
 *                or CertTrustList { ..., members }: a catalogue
 *       certificates: ...
 *       signerInfo: issuer + serial --> a certificate; authenticated attributes {contentType,
 *                   messageDigest = digest of the content's bytes}; signature over them
 *         unauthenticated: countersignature { issuer + serial, signingTime, ... over the signature
 * }
 *
 * OpenSSL parses and does the arithmetic; d2i_PKCS7 keeps a content of a type it does not know as
 * it lies. Certificates are not checked by X509_verify_cert: the rules of a crb file speak of
 * single certificates, by number, and know no purposes, revocation or security levels.
 *
 * The uses of a certificate, as clamscan 1.4.6 prints them (--dumpcerts): without extended key
 * usage code and time, else what is named there (anyExtendedKeyUsage names nothing); certificates
 * without key usage, or with keyCertSign in it. Stricter on purpose, since a mistake hides malware:
 * basic constraints that say "no CA" end that use, and MD5 counts nowhere.
 */
#include "crypto/signed.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "crypto/der.h"
#include "crypto/openssl_calls.h"

#define SPC_INDIRECT_DATA "1.3.6.1.4.1.311.2.1.4"
#define TRUST_LIST "1.3.6.1.4.1.311.10.1"
#define MODULUS_MAX_BYTES ((size_t)1024)
#define EXPONENT 65537u

struct crypto_signed {
    PKCS7 *p7;
    const PKCS7_SIGNER_INFO *signer;
    const char *type;        /* of the content */
    struct sk_bytes content; /* without its header */
    const EVP_MD *file_md;
    uint8_t file_digest[EVP_MAX_MD_SIZE];
    unsigned file_digest_len;
    EVP_MD_CTX *file; /* what is fed */
    uint32_t count;
    X509 *x509[CRYPTO_SIGNED_CERTS_MAX]; /* of p7 */
    EVP_PKEY *key[CRYPTO_SIGNED_CERTS_MAX];
    struct crypto_cert cert[CRYPTO_SIGNED_CERTS_MAX];
};

static void id_of(struct sk_bytes der, uint8_t *out_id) {
    struct sk_cursor c = sk_cursor_of(der);
    uint8_t tag;
    struct sk_bytes body = {NULL, 0};
    if (der_next(&c, &tag, &body)) {
        ossl.SHA1(body.ptr, body.len, out_id);
    }
}

/* ---- certificates -------------------------------------------------------------------------- */

static int64_t time_of(const ASN1_TIME *t) {
    struct tm tm = {0};
    return t != NULL && ossl.ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : INT64_MIN;
}

static void read_uses(X509 *x, struct crypto_cert *c) {
    uint32_t flags = ossl.X509_get_extension_flags(x); /* fills what the next two ask */
    bool any = (flags & EXFLAG_XKUSAGE) == 0;
    uint32_t extended = any ? 0 : ossl.X509_get_extended_key_usage(x);
    c->code_sign = any || (extended & XKU_CODE_SIGN) != 0;
    c->time_sign = any || (extended & XKU_TIMESTAMP) != 0;
    c->cert_sign =
        (flags & EXFLAG_KUSAGE) == 0 || (ossl.X509_get_key_usage(x) & KU_KEY_CERT_SIGN) != 0;
    if ((flags & EXFLAG_BCONS) != 0 && (flags & EXFLAG_CA) == 0) {
        c->cert_sign = false;
    }
}

static sk_err read_modulus(EVP_PKEY *key, struct sk_bytes *out) {
    BIGNUM *n = NULL;
    if (key == NULL || !ossl.EVP_PKEY_is_a(key, "RSA") ||
        ossl.EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) != 1) {
        return sk_ok();
    }
    sk_err err = sk_ok();
    size_t len = (size_t)((ossl.BN_num_bits(n) + 7) / 8);
    if (len > 0 && len <= MODULUS_MAX_BYTES) {
        uint8_t *bytes = mem_alloc(len);
        err = bytes == NULL ? sk_fail(SK_E_NOMEM) : sk_ok();
        if (bytes != NULL) {
            ossl.BN_bn2bin(n, bytes);
            *out = (struct sk_bytes){bytes, len};
        }
    }
    ossl.BN_free(n);
    return err;
}

static sk_err read_cert(struct crypto_signed *s, X509 *x) {
    struct crypto_cert *c = &s->cert[s->count];
    const uint8_t *der = NULL;
    size_t len = 0;
    if (ossl.X509_NAME_get0_der(ossl.X509_get_subject_name(x), &der, &len) != 1) {
        return sk_fail(SK_E_FORMAT);
    }
    id_of((struct sk_bytes){der, len}, c->subject);
    if (ossl.X509_NAME_get0_der(ossl.X509_get_issuer_name(x), &der, &len) != 1) {
        return sk_fail(SK_E_FORMAT);
    }
    id_of((struct sk_bytes){der, len}, c->issuer);
    uint8_t *serial = NULL;
    int serial_len = ossl.i2d_ASN1_INTEGER(ossl.X509_get0_serialNumber(x), &serial);
    if (serial_len <= 0) {
        return sk_fail(SK_E_FORMAT);
    }
    id_of((struct sk_bytes){serial, (size_t)serial_len}, c->serial);
    ossl.CRYPTO_free(serial, __FILE__, __LINE__);
    c->not_before = time_of(ossl.X509_get0_notBefore(x));
    c->not_after = time_of(ossl.X509_get0_notAfter(x));
    read_uses(x, c);
    s->x509[s->count] = x;
    s->key[s->count] = ossl.X509_get0_pubkey(x);
    s->count++;
    return read_modulus(s->key[s->count - 1], &c->modulus);
}

static sk_err read_certs(struct crypto_signed *s) {
    const OPENSSL_STACK *all = (const OPENSSL_STACK *)s->p7->d.sign->cert;
    int count = ossl.OPENSSL_sk_num(all);
    if (count > (int)CRYPTO_SIGNED_CERTS_MAX) {
        return sk_fail(SK_E_LIMIT);
    }
    for (int i = 0; i < count; i++) {
        TRY(read_cert(s, ossl.OPENSSL_sk_value(all, i)));
    }
    return sk_ok();
}

static uint32_t cert_of(const struct crypto_signed *s, const PKCS7_SIGNER_INFO *si) {
    for (uint32_t i = 0; i < s->count; i++) {
        if (ossl.X509_NAME_cmp(ossl.X509_get_issuer_name(s->x509[i]),
                               si->issuer_and_serial->issuer) == 0 &&
            ossl.ASN1_INTEGER_cmp(ossl.X509_get0_serialNumber(s->x509[i]),
                                  si->issuer_and_serial->serial) == 0) {
            return i;
        }
    }
    return CRYPTO_NO_CERT;
}

/* ---- what is signed ------------------------------------------------------------------------ */

/* NULL: none that counts. */
static const EVP_MD *md_of(const X509_ALGOR *algorithm) {
    switch (algorithm == NULL ? NID_undef : ossl.OBJ_obj2nid(algorithm->algorithm)) {
    case NID_sha1:
        return ossl.EVP_sha1();
    case NID_sha256:
        return ossl.EVP_sha256();
    case NID_sha384:
        return ossl.EVP_sha384();
    case NID_sha512:
        return ossl.EVP_sha512();
    default:
        return NULL;
    }
}

static sk_err read_content(struct crypto_signed *s) {
    const PKCS7 *inner = s->p7->d.sign->contents;
    char oid[64];
    if (inner == NULL || ossl.OBJ_obj2txt(oid, sizeof(oid), inner->type, 1) <= 0 ||
        strcmp(oid, s->type) != 0 || inner->d.other == NULL ||
        inner->d.other->type != V_ASN1_SEQUENCE) {
        return sk_fail(SK_E_FORMAT);
    }
    const ASN1_STRING *whole = inner->d.other->value.sequence;
    struct sk_cursor c =
        sk_cursor_make(ossl.ASN1_STRING_get0_data(whole), (size_t)ossl.ASN1_STRING_length(whole));
    return der_expect(&c, DER_SEQUENCE, &s->content) ? sk_ok() : sk_fail(SK_E_FORMAT);
}

/* SpcIndirectDataContent ::= SEQUENCE { data SEQUENCE, DigestInfo SEQUENCE { AlgorithmIdentifier,
 * OCTET STRING } } */
static sk_err read_file_digest(struct crypto_signed *s) {
    struct sk_bytes data, info, algorithm, digest;
    struct sk_cursor c = sk_cursor_of(s->content);
    if (!der_expect(&c, DER_SEQUENCE, &data) || !der_expect(&c, DER_SEQUENCE, &info)) {
        return sk_fail(SK_E_FORMAT);
    }
    c = sk_cursor_of(info);
    const uint8_t *at = info.ptr;
    X509_ALGOR *parsed = ossl.d2i_X509_ALGOR(NULL, &at, (long)info.len);
    s->file_md = md_of(parsed);
    ossl.X509_ALGOR_free(parsed);
    if (s->file_md == NULL || !der_expect(&c, DER_SEQUENCE, &algorithm) ||
        !der_expect(&c, DER_OCTETS, &digest) ||
        digest.len != (size_t)ossl.EVP_MD_get_size(s->file_md)) {
        return sk_fail(SK_E_FORMAT);
    }
    memcpy(s->file_digest, digest.ptr, digest.len);
    s->file_digest_len = (unsigned)digest.len;
    s->file = ossl.EVP_MD_CTX_new();
    return s->file != NULL && ossl.EVP_DigestInit_ex(s->file, s->file_md, NULL) == 1
               ? sk_ok()
               : sk_fail(SK_E_NOMEM);
}

static sk_err read_all(struct crypto_signed *s) {
    if (ossl.OBJ_obj2nid(s->p7->type) != NID_pkcs7_signed || s->p7->d.sign == NULL) {
        return sk_fail(SK_E_FORMAT);
    }
    const OPENSSL_STACK *signers = (const OPENSSL_STACK *)s->p7->d.sign->signer_info;
    if (ossl.OPENSSL_sk_num(signers) != 1) {
        return sk_fail(SK_E_FORMAT);
    }
    s->signer = ossl.OPENSSL_sk_value(signers, 0);
    TRY(read_certs(s));
    TRY(read_content(s));
    return strcmp(s->type, SPC_INDIRECT_DATA) == 0 ? read_file_digest(s) : sk_ok();
}

static sk_err open_type(struct sk_bytes der, const char *type, struct crypto_signed **out_signed) {
    const uint8_t *at = der.ptr;
    if (der.len > CRYPTO_SIGNED_MAX_BYTES) {
        return sk_fail(SK_E_LIMIT);
    }
    if (!openssl_load()) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    struct crypto_signed *s = mem_zalloc(1, sizeof(*s));
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    s->type = type;
    s->p7 = ossl.d2i_PKCS7(NULL, &at, (long)der.len);
    sk_err err = s->p7 == NULL ? sk_fail(SK_E_FORMAT) : read_all(s);
    if (sk_failed(err)) {
        crypto_signed_close(s);
        return err;
    }
    *out_signed = s;
    return sk_ok();
}

sk_err crypto_signed_open(struct sk_bytes der, struct crypto_signed **out_signed) {
    return open_type(der, SPC_INDIRECT_DATA, out_signed);
}

sk_err crypto_signed_open_list(struct sk_bytes der, struct crypto_signed **out_signed) {
    return open_type(der, TRUST_LIST, out_signed);
}

struct sk_bytes crypto_signed_content(const struct crypto_signed *s) {
    return s->content;
}

void crypto_signed_close(struct crypto_signed *s) {
    if (s == NULL) {
        return;
    }
    for (uint32_t i = 0; i < CRYPTO_SIGNED_CERTS_MAX; i++) {
        mem_free((void *)(uintptr_t)s->cert[i].modulus.ptr);
    }
    ossl.EVP_MD_CTX_free(s->file);
    ossl.PKCS7_free(s->p7);
    mem_free(s);
}

uint32_t crypto_signed_cert_count(const struct crypto_signed *s) {
    return s->count;
}

const struct crypto_cert *crypto_signed_cert(const struct crypto_signed *s, uint32_t cert) {
    return &s->cert[cert];
}

uint32_t crypto_signed_signer(const struct crypto_signed *s) {
    return cert_of(s, s->signer);
}

/* ---- who signed whom ----------------------------------------------------------------------- */

static EVP_PKEY *rsa_key(struct sk_bytes modulus) {
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *build = ossl.OSSL_PARAM_BLD_new();
    BIGNUM *n = ossl.BN_bin2bn(modulus.ptr, (int)modulus.len, NULL);
    EVP_PKEY_CTX *ctx = ossl.EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (build != NULL && n != NULL && ctx != NULL &&
        ossl.OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        ossl.OSSL_PARAM_BLD_push_uint(build, OSSL_PKEY_PARAM_RSA_E, EXPONENT) == 1 &&
        (params = ossl.OSSL_PARAM_BLD_to_param(build)) != NULL &&
        ossl.EVP_PKEY_fromdata_init(ctx) == 1) {
        /* on failure key stays NULL */
        (void)ossl.EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
    }
    ossl.OSSL_PARAM_free(params);
    ossl.OSSL_PARAM_BLD_free(build);
    ossl.BN_free(n);
    ossl.EVP_PKEY_CTX_free(ctx);
    return key;
}

bool crypto_signed_issued(const struct crypto_signed *s, uint32_t cert, struct sk_bytes modulus) {
    int md = NID_undef;
    if (cert >= s->count || modulus.len == 0 || modulus.len > MODULUS_MAX_BYTES ||
        ossl.X509_get_signature_info(s->x509[cert], &md, NULL, NULL, NULL) != 1 || md == NID_md5) {
        return false;
    }
    EVP_PKEY *key = rsa_key(modulus);
    bool issued = key != NULL && ossl.X509_verify(s->x509[cert], key) == 1;
    ossl.EVP_PKEY_free(key);
    return issued;
}

/* Does a signer's signature over `text` hold? PKCS7_signatureVerify looks at the messageDigest
 * attribute and at the signature over the attributes; it takes the digest from a chain of BIOs. */
static bool signature_holds(const struct crypto_signed *s, const PKCS7_SIGNER_INFO *si,
                            uint32_t cert, struct sk_bytes text) {
    const EVP_MD *md = md_of(si->digest_alg);
    if (cert == CRYPTO_NO_CERT || s->cert[cert].modulus.len == 0 || md == NULL ||
        si->auth_attr == NULL) {
        return false;
    }
    BIO *digest = ossl.BIO_new(ossl.BIO_f_md());
    BIO *sink = ossl.BIO_new(ossl.BIO_s_null());
    bool holds = false;
    if (digest != NULL && sink != NULL &&
        ossl.BIO_ctrl(digest, BIO_C_SET_MD, 0, (void *)(uintptr_t)md) == 1) {
        ossl.BIO_push(digest, sink);
        holds = ossl.BIO_write(digest, text.ptr, (int)text.len) == (int)text.len &&
                ossl.PKCS7_signatureVerify(digest, s->p7, (PKCS7_SIGNER_INFO *)(uintptr_t)si,
                                           s->x509[cert]) == 1;
    }
    ossl.BIO_free(digest);
    ossl.BIO_free(sink);
    return holds;
}

bool crypto_signed_holds(const struct crypto_signed *s) {
    const ASN1_TYPE *type = ossl.PKCS7_get_signed_attribute(s->signer, NID_pkcs9_contentType);
    char oid[64];
    if (type == NULL || type->type != V_ASN1_OBJECT ||
        ossl.OBJ_obj2txt(oid, sizeof(oid), type->value.object, 1) <= 0 ||
        strcmp(oid, s->type) != 0) {
        return false;
    }
    return signature_holds(s, s->signer, crypto_signed_signer(s), s->content);
}

bool crypto_signed_stamp(const struct crypto_signed *s, uint32_t *out_cert, int64_t *out_time) {
    const ASN1_TYPE *attr = ossl.PKCS7_get_attribute(s->signer, NID_pkcs9_countersignature);
    if (attr == NULL || attr->type != V_ASN1_SEQUENCE) {
        return false;
    }
    const uint8_t *at = ossl.ASN1_STRING_get0_data(attr->value.sequence);
    PKCS7_SIGNER_INFO *si =
        ossl.d2i_PKCS7_SIGNER_INFO(NULL, &at, ossl.ASN1_STRING_length(attr->value.sequence));
    bool good = false;
    if (si != NULL && si->issuer_and_serial != NULL) {
        uint32_t cert = cert_of(s, si);
        const ASN1_TYPE *when = ossl.PKCS7_get_signed_attribute(si, NID_pkcs9_signingTime);
        struct sk_bytes text = {ossl.ASN1_STRING_get0_data(s->signer->enc_digest),
                                (size_t)ossl.ASN1_STRING_length(s->signer->enc_digest)};
        int64_t time = INT64_MIN;
        if (when != NULL &&
            (when->type == V_ASN1_UTCTIME || when->type == V_ASN1_GENERALIZEDTIME)) {
            time = time_of(when->value.asn1_string);
        }
        good = time != INT64_MIN && signature_holds(s, si, cert, text);
        if (good) {
            *out_cert = cert;
            *out_time = time;
        }
    }
    ossl.PKCS7_SIGNER_INFO_free(si);
    return good;
}

/* ---- the file ------------------------------------------------------------------------------ */

sk_err crypto_signed_feed(struct crypto_signed *s, const void *bytes, size_t len) {
    if (s->file == NULL) {
        return sk_fail(SK_E_USAGE);
    }
    return ossl.EVP_DigestUpdate(s->file, bytes, len) == 1 ? sk_ok() : sk_fail(SK_E_NOMEM);
}

bool crypto_signed_fits(struct crypto_signed *s) {
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    return s->file != NULL && ossl.EVP_DigestFinal_ex(s->file, digest, &len) == 1 &&
           len == s->file_digest_len && memcmp(digest, s->file_digest, len) == 0;
}
