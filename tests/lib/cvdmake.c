// SPDX-License-Identifier: Apache-2.0
/*
 * The signing side of defc/cvdsig.c, written from the same description and not from that code: raw
 * RSA with the private exponent, digits of 6 bits least significant first, PSS with a fixed salt.
 */
#include "cvdmake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <zlib.h>

#include <cmocka.h>

#include <openssl/bn.h>

#include "crypto/digest.h"

struct pair {
    BIGNUM *n;
    BIGNUM *d;
    uint8_t modulus[256];
    size_t len;
};
static struct pair payload_pair;
static struct pair info_pair;

static void make_pair(struct pair *p, int bits, unsigned long e) {
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *a = BN_new();
    BIGNUM *b = BN_new();
    BIGNUM *phi = BN_new();
    BIGNUM *exp = BN_new();
    p->n = BN_new();
    BN_set_word(exp, e);
    do {
        assert_int_equal(BN_generate_prime_ex(a, bits / 2, 0, NULL, NULL, NULL), 1);
        assert_int_equal(BN_generate_prime_ex(b, bits / 2, 0, NULL, NULL, NULL), 1);
        BN_mul(p->n, a, b, ctx);
        BN_sub_word(a, 1);
        BN_sub_word(b, 1);
        BN_mul(phi, a, b, ctx);
        p->d = BN_mod_inverse(NULL, exp, phi, ctx);
    } while (p->d == NULL || BN_num_bytes(p->n) != bits / 8);
    p->len = (size_t)BN_bn2bin(p->n, p->modulus);
    BN_free(a);
    BN_free(b);
    BN_free(phi);
    BN_free(exp);
    BN_CTX_free(ctx);
}

void cvdmake_keys(struct cvd_keys *out_public) {
    if (payload_pair.n == NULL) {
        make_pair(&payload_pair, 1024, 100001027);
        make_pair(&info_pair, 2048, 100002049);
    }
    *out_public = (struct cvd_keys){
        .payload_modulus = {payload_pair.modulus, payload_pair.len},
        .payload_exponent = 100001027,
        .info_modulus = {info_pair.modulus, info_pair.len},
        .info_exponent = 100002049,
    };
}

static void sign(const struct pair *p, const uint8_t *message, size_t len, char *out) {
    static const char digits[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *m = BN_bin2bn(message, (int)len, NULL);
    BIGNUM *s = BN_new();
    assert_int_equal(BN_mod_exp(s, m, p->d, p->n, ctx), 1);
    while (!BN_is_zero(s)) {
        *out++ = digits[BN_mod_word(s, 64)];
        BN_rshift(s, s, 6);
    }
    *out = '\0';
    BN_free(m);
    BN_free(s);
    BN_CTX_free(ctx);
}

static void sha256(const void *bytes, size_t len, uint8_t out[32]) {
    assert_false(sk_failed(crypto_digest(CRYPTO_SHA256, bytes, len, out)));
}

/* EMSA-PSS-ENCODE of RFC 8017 9.1.1, salt of 32 bytes, SHA-256. */
static void sign_pss(const struct pair *p, const uint8_t digest[32], char *out) {
    uint8_t em[256] = {0};
    uint8_t salt[32];
    uint8_t block[8 + 64] = {0};
    size_t db = p->len - 33;
    memset(salt, 0x5a, sizeof salt);
    memcpy(&block[8], digest, 32);
    memcpy(&block[40], salt, 32);
    uint8_t *hash = &em[db];
    sha256(block, sizeof block, hash);
    em[db - 33] = 1;
    memcpy(&em[db - 32], salt, 32);
    for (size_t off = 0; off < db; off++) {
        uint8_t seed[36];
        uint8_t mask[32];
        memcpy(seed, hash, 32);
        memset(&seed[32], 0, 3);
        seed[35] = (uint8_t)(off / 32);
        sha256(seed, sizeof seed, mask);
        em[off] ^= mask[off % 32];
    }
    int spare = (int)p->len * 8 - (BN_num_bits(p->n) - 1);
    em[0] &= (uint8_t)(0xff >> spare);
    em[p->len - 1] = 0xbc;
    sign(p, em, p->len, out);
}

static void add(struct buf *b, const void *bytes, size_t len) {
    assert_false(sk_failed(buf_append(b, bytes, len)));
}

static void add_file(struct buf *tar, const char *name, const void *bytes, size_t len, char type) {
    char block[512] = {0};
    unsigned sum = 0;
    static const char zero[512];
    (void)snprintf(block, 100, "%s", name);
    (void)snprintf(&block[124], 12, "%011o", (unsigned)len);
    memset(&block[148], ' ', 8);
    block[156] = type;
    for (size_t i = 0; i < sizeof block; i++) {
        sum += (uint8_t)block[i];
    }
    (void)snprintf(&block[148], 8, "%06o", sum);
    add(tar, block, sizeof block);
    add(tar, bytes, len);
    add(tar, zero, (512 - len % 512) % 512);
}

static void gzip(const struct buf *in, struct buf *out) {
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t cap = in->len + in->len / 100 + 1024;
    assert_false(sk_failed(buf_reserve(out, cap)));
    z.next_in = in->data;
    z.avail_in = (uInt)in->len;
    z.next_out = &out->data[out->len];
    z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += cap - z.avail_out;
    assert_int_equal(deflateEnd(&z), Z_OK);
}

static void make_info(const struct cvdmake_options *o, const struct cvdmake_file *file,
                      size_t count, struct buf *info) {
    uint8_t digest[32];
    char hex[65];
    char dsig[400];
    assert_false(
        sk_failed(buf_printf(info, "ClamAV-VDB:23 Nov 2026 15-09 +0000:%u:2:90:X:X:me:1795446559\n",
                             o->version + o->foreign_info)));
    for (size_t i = o->hides_first ? 1 : 0; i < count; i++) {
        size_t size = file[i].size != 0 ? file[i].size : strlen(file[i].text);
        sha256(file[i].text, size, digest);
        digest[0] ^= (uint8_t)(o->wrong_listed && i == 0);
        crypto_hex(digest, 32, hex);
        assert_false(sk_failed(buf_printf(info, "%s:%zu:%s\n", file[i].name, size, hex)));
    }
    if (o->lists_missing) {
        assert_false(sk_failed(buf_printf(info, "missing.hdb:5:%s\n", hex)));
    }
    if (o->kind != CVD_UNSIGNED && !o->no_dsig) {
        sha256(info->data, info->len, digest);
        sign_pss(&info_pair, digest, dsig);
        assert_false(sk_failed(buf_printf(info, "DSIG:%s\n", dsig)));
    }
}

void cvdmake_build(const struct cvdmake_options *o, const struct cvdmake_file *file, size_t count,
                   struct buf *out) {
    struct cvd_keys keys;
    struct buf tar = {0};
    struct buf info = {0};
    struct buf payload = {0};
    static const char end[1024];
    cvdmake_keys(&keys);
    make_info(o, file, count, &info);
    add_file(&tar, "COPYING", "COPYING\n", 8, 0);
    add_file(&tar, "test.info", info.data, info.len, '0');
    for (size_t i = 0; i < count; i++) {
        size_t size = file[i].size != 0 ? file[i].size : strlen(file[i].text);
        add_file(&tar, file[i].name, file[i].text, size, i == 0 ? o->type : 0);
    }
    add(&tar, end, sizeof end);
    if (o->plain) {
        add(&payload, tar.data, tar.len);
    } else {
        gzip(&tar, &payload);
    }
    uint8_t md5[16];
    char hex[33] = "X";
    char dsig[400] = "X";
    assert_false(sk_failed(crypto_digest(CRYPTO_MD5, payload.data, payload.len, md5)));
    if (o->kind != CVD_LOCAL) {
        crypto_hex(md5, 16, hex);
    }
    if (o->kind == CVD_SIGNED) {
        sign(&payload_pair, md5, 16, dsig);
    }
    char header[513];
    int n = snprintf(header, sizeof header,
                     "ClamAV-VDB:23 Nov 2026 15-09 +0000:%u:2:90:%s:%s:me:1795446559", o->version,
                     hex, dsig);
    memset(&header[n], ' ', sizeof header - (size_t)n);
    add(out, header, 512);
    add(out, payload.data, payload.len);
    buf_release(&tar);
    buf_release(&info);
    buf_release(&payload);
}
