// SPDX-License-Identifier: Apache-2.0
/*
 * libcrypto's functions, looked up when the first of them is needed (openssl_load): after that,
 * ossl.EVP_DigestUpdate() and so on as in its manual. Macros of its headers that call functions
 * cannot be used. Internal to the crypto floor. Which version: the headers we are built with; its
 * soname stands in openssl_calls.c.
 */
#ifndef SK_CRYPTO_OPENSSL_CALLS_H
#define SK_CRYPTO_OPENSSL_CALLS_H

#define OPENSSL_SUPPRESS_DEPRECATED /* why: digest.c */

#include <stdbool.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define OPENSSL_CALLS(CALL)                                                                        \
    CALL(ASN1_INTEGER_cmp)                                                                         \
    CALL(ASN1_STRING_get0_data)                                                                    \
    CALL(ASN1_STRING_length)                                                                       \
    CALL(ASN1_TIME_to_tm)                                                                          \
    CALL(BIO_ctrl)                                                                                 \
    CALL(BIO_f_md)                                                                                 \
    CALL(BIO_free)                                                                                 \
    CALL(BIO_get_data)                                                                             \
    CALL(BIO_meth_free)                                                                            \
    CALL(BIO_meth_new)                                                                             \
    CALL(BIO_meth_set_ctrl)                                                                        \
    CALL(BIO_meth_set_read)                                                                        \
    CALL(BIO_new)                                                                                  \
    CALL(BIO_new_mem_buf)                                                                          \
    CALL(BIO_push)                                                                                 \
    CALL(BIO_s_null)                                                                               \
    CALL(BIO_set_data)                                                                             \
    CALL(BIO_set_init)                                                                             \
    CALL(BIO_write)                                                                                \
    CALL(BN_CTX_free)                                                                              \
    CALL(BN_CTX_new)                                                                               \
    CALL(BN_bin2bn)                                                                                \
    CALL(BN_bn2bin)                                                                                \
    CALL(BN_bn2binpad)                                                                             \
    CALL(BN_cmp)                                                                                   \
    CALL(BN_free)                                                                                  \
    CALL(BN_is_odd)                                                                                \
    CALL(BN_is_one)                                                                                \
    CALL(BN_mod_exp)                                                                               \
    CALL(BN_new)                                                                                   \
    CALL(BN_num_bits)                                                                              \
    CALL(CRYPTO_free)                                                                              \
    CALL(EVP_CIPHER_CTX_free)                                                                      \
    CALL(EVP_CIPHER_CTX_new)                                                                       \
    CALL(EVP_CIPHER_CTX_set_padding)                                                               \
    CALL(EVP_CIPHER_fetch)                                                                         \
    CALL(EVP_CipherInit_ex2)                                                                       \
    CALL(EVP_CipherUpdate)                                                                         \
    CALL(EVP_DecodeBlock)                                                                          \
    CALL(EVP_Digest)                                                                               \
    CALL(EVP_DigestFinal_ex)                                                                       \
    CALL(EVP_DigestInit_ex)                                                                        \
    CALL(EVP_DigestUpdate)                                                                         \
    CALL(EVP_MD_CTX_free)                                                                          \
    CALL(EVP_MD_CTX_new)                                                                           \
    CALL(EVP_MD_fetch)                                                                             \
    CALL(EVP_MD_get_size)                                                                          \
    CALL(EVP_PKEY_CTX_free)                                                                        \
    CALL(EVP_PKEY_CTX_new_from_name)                                                               \
    CALL(EVP_PKEY_free)                                                                            \
    CALL(EVP_PKEY_fromdata)                                                                        \
    CALL(EVP_PKEY_fromdata_init)                                                                   \
    CALL(EVP_PKEY_get_bn_param)                                                                    \
    CALL(EVP_PKEY_is_a)                                                                            \
    CALL(EVP_sha1)                                                                                 \
    CALL(EVP_sha256)                                                                               \
    CALL(EVP_sha384)                                                                               \
    CALL(EVP_sha512)                                                                               \
    CALL(MD5_Final)                                                                                \
    CALL(MD5_Init)                                                                                 \
    CALL(MD5_Update)                                                                               \
    CALL(OBJ_obj2nid)                                                                              \
    CALL(OBJ_obj2txt)                                                                              \
    CALL(OPENSSL_init_crypto)                                                                      \
    CALL(OPENSSL_sk_free)                                                                          \
    CALL(OPENSSL_sk_num)                                                                           \
    CALL(OPENSSL_sk_value)                                                                         \
    CALL(OSSL_PARAM_BLD_free)                                                                      \
    CALL(OSSL_PARAM_BLD_new)                                                                       \
    CALL(OSSL_PARAM_BLD_push_BN)                                                                   \
    CALL(OSSL_PARAM_BLD_push_uint)                                                                 \
    CALL(OSSL_PARAM_BLD_to_param)                                                                  \
    CALL(OSSL_PARAM_free)                                                                          \
    CALL(PEM_read_bio_X509)                                                                        \
    CALL(PKCS7_SIGNER_INFO_free)                                                                   \
    CALL(PKCS7_free)                                                                               \
    CALL(PKCS7_get0_signers)                                                                       \
    CALL(PKCS7_get_attribute)                                                                      \
    CALL(PKCS7_get_signed_attribute)                                                               \
    CALL(PKCS7_signatureVerify)                                                                    \
    CALL(PKCS7_verify)                                                                             \
    CALL(SHA1)                                                                                     \
    CALL(SHA1_Final)                                                                               \
    CALL(SHA1_Init)                                                                                \
    CALL(SHA1_Update)                                                                              \
    CALL(SHA256_Final)                                                                             \
    CALL(SHA256_Init)                                                                              \
    CALL(SHA256_Update)                                                                            \
    CALL(X509_ALGOR_free)                                                                          \
    CALL(X509_NAME_cmp)                                                                            \
    CALL(X509_NAME_get0_der)                                                                       \
    CALL(X509_NAME_get_text_by_NID)                                                                \
    CALL(X509_NAME_oneline)                                                                        \
    CALL(X509_STORE_add_cert)                                                                      \
    CALL(X509_STORE_free)                                                                          \
    CALL(X509_STORE_new)                                                                           \
    CALL(X509_STORE_set_purpose)                                                                   \
    CALL(X509_free)                                                                                \
    CALL(X509_get0_notAfter)                                                                       \
    CALL(X509_get0_notBefore)                                                                      \
    CALL(X509_get0_pubkey)                                                                         \
    CALL(X509_get0_serialNumber)                                                                   \
    CALL(X509_get_extended_key_usage)                                                              \
    CALL(X509_get_extension_flags)                                                                 \
    CALL(X509_get_issuer_name)                                                                     \
    CALL(X509_get_key_usage)                                                                       \
    CALL(X509_get_signature_info)                                                                  \
    CALL(X509_get_subject_name)                                                                    \
    CALL(X509_verify)                                                                              \
    CALL(d2i_PKCS7)                                                                                \
    CALL(d2i_PKCS7_SIGNER_INFO)                                                                    \
    CALL(d2i_X509_ALGOR)                                                                           \
    CALL(i2d_ASN1_INTEGER)

struct openssl_calls {
#define CALL(name) __typeof__(&(name)) name;
    OPENSSL_CALLS(CALL)
#undef CALL
};

/* Valid once openssl_load has been true. */
extern struct openssl_calls ossl;

/* False: not on this system, or not to be had in this process (base/late.h). */
bool openssl_load(void);

#endif
