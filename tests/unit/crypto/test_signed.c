// SPDX-License-Identifier: Apache-2.0
/*
 * Signatures that osslsigncode made with certificates of our own (fuzz/seeds/signed): what is
 * inside, who signed whom, and that one changed byte undoes it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/signed.h"

#define DER_MAX_BYTES ((size_t)16384)

static uint8_t der[DER_MAX_BYTES];

static size_t load(const char *name) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char path[512];
    snprintf(path, sizeof(path), SEEDS "/%s.b64", name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    uint32_t bits = 0;
    unsigned have = 0;
    size_t len = 0;
    for (int c = fgetc(f); c != EOF; c = fgetc(f)) {
        const char *at = strchr(digits, c);
        if (at == NULL) {
            continue;
        }
        bits = bits << 6 | (uint32_t)(at - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            assert_true(len < sizeof(der));
            der[len++] = (uint8_t)(bits >> have);
        }
    }
    fclose(f);
    return len;
}

static struct crypto_signed *open_named(const char *name) {
    struct crypto_signed *s = NULL;
    size_t len = load(name);
    assert_int_equal(crypto_signed_open((struct sk_bytes){der, len}, &s).code, SK_OK);
    return s;
}

static void what_is_inside(void **state) {
    (void)state;
    struct crypto_signed *s = open_named("sha256");
    assert_int_equal(crypto_signed_cert_count(s), 2);
    uint32_t signer = crypto_signed_signer(s);
    assert_true(signer < 2);
    const struct crypto_cert *leaf = crypto_signed_cert(s, signer);
    const struct crypto_cert *issuer = crypto_signed_cert(s, 1 - signer);
    char hex[41];
    crypto_hex(leaf->subject, 20, hex); /* as clamscan --dumpcerts prints them */
    assert_string_equal(hex, "73be59408f66e9f0eb6a014b3faab1600fafdd48");
    crypto_hex(leaf->serial, 20, hex);
    assert_string_equal(hex, "a4526ef25600e126a06ceaad17f8be17ec71897f");
    crypto_hex(leaf->issuer, 20, hex);
    assert_string_equal(hex, "8bea32f520c2023ad69a0114129a376e4d2a7be3");
    assert_int_equal(leaf->not_before, 1795805165);
    assert_int_equal(leaf->not_after, 2055005165);
    assert_true(leaf->code_sign && !leaf->time_sign && !leaf->cert_sign);
    assert_true(issuer->code_sign && issuer->time_sign && issuer->cert_sign);
    assert_int_equal(leaf->modulus.len, 256);
    assert_true(crypto_signed_issued(s, signer, issuer->modulus));
    assert_false(crypto_signed_issued(s, signer, leaf->modulus));
    assert_false(crypto_signed_issued(s, 1 - signer, issuer->modulus));
    assert_false(crypto_signed_issued(s, 7, issuer->modulus));
    assert_true(crypto_signed_holds(s));
    assert_int_equal(crypto_signed_feed(s, "MZ", 2).code, SK_OK);
    assert_false(crypto_signed_fits(s));
    crypto_signed_close(s);
}

static void stamps(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool stamped;
    } row[] = {{"sha1", false}, {"sha256", false}, {"rfc3161", false}, {"stamped", true}};
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct crypto_signed *s = open_named(row[i].name);
        uint32_t stamper = CRYPTO_NO_CERT;
        int64_t when = 0;
        assert_true(crypto_signed_holds(s));
        assert_int_equal(crypto_signed_stamp(s, &stamper, &when), row[i].stamped);
        if (row[i].stamped) {
            assert_true(when >= 1422748800 && when < 1422748800 + 86400); /* 2015-02-01 */
            assert_true(crypto_signed_cert(s, stamper)->time_sign);
        }
        crypto_signed_close(s);
    }
}

/* Whatever byte is changed: the signature is not read, does not hold, or the change lies outside of
 * what it covers: certificates and unsigned attributes. */
static void changed_bytes(void **state) {
    (void)state;
    size_t len = load("sha256");
    unsigned held = 0;
    for (size_t i = 0; i < len; i += 3) {
        struct crypto_signed *s = NULL;
        der[i] ^= 1;
        if (!sk_failed(crypto_signed_open((struct sk_bytes){der, len}, &s))) {
            held += crypto_signed_holds(s);
            crypto_signed_close(s);
        }
        der[i] ^= 1;
    }
    assert_true(held < len / 3 * 9 / 10);
    size_t content =
        (size_t)((uint8_t *)memmem(der, len, "\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0f", 10) - der);
    for (size_t i = content + 10; i < content + 60; i++) {
        struct crypto_signed *s = NULL;
        der[i] ^= 1;
        if (!sk_failed(crypto_signed_open((struct sk_bytes){der, len}, &s))) {
            assert_false(crypto_signed_holds(s));
            crypto_signed_close(s);
        }
        der[i] ^= 1;
    }
}

static void refused(void **state) {
    (void)state;
    struct crypto_signed *s = NULL;
    size_t len = load("sha256");
    for (size_t cut = 0; cut < len; cut += 17) {
        assert_true(sk_failed(crypto_signed_open((struct sk_bytes){der, cut}, &s)));
    }
    static uint8_t large[CRYPTO_SIGNED_MAX_BYTES + 1];
    assert_int_equal(crypto_signed_open((struct sk_bytes){large, sizeof(large)}, &s).code,
                     SK_E_LIMIT);
    for (uint64_t nth = 1; nth <= 3; nth++) { /* itself and two keys */
        len = load("sha256");
        mem_fault_set(nth);
        assert_int_equal(crypto_signed_open((struct sk_bytes){der, len}, &s).code, SK_E_NOMEM);
        mem_fault_set(0);
    }
    crypto_signed_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_inside),
        cmocka_unit_test(stamps),
        cmocka_unit_test(changed_bytes),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
