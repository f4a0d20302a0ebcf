// SPDX-License-Identifier: Apache-2.0
/* A process that closed itself in before libcrypto was needed: what it can still do, and that the
 * rest says so and is noted as a lack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/late.h"
#include "crypto/cipher.h"
#include "crypto/detached.h"
#include "crypto/digest.h"
#include "crypto/rsa.h"
#include "crypto/signed.h"

static int seal(void **state) {
    (void)state;
    late_seal();
    return 0;
}

/* RFC 1321; FIPS 180 examples. */
static void test_short_digests(void **state) {
    (void)state;
    uint8_t out[CRYPTO_DIGEST_MAX];
    char hex[2 * CRYPTO_DIGEST_MAX + 1];
    assert_false(sk_failed(crypto_digest(CRYPTO_MD5, "message digest", 14, out)));
    crypto_hex(out, 16, hex);
    assert_string_equal(hex, "f96b697d7cb7938d525a2f31aaf161d0");
    const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    assert_false(sk_failed(crypto_digest(CRYPTO_SHA256, two, strlen(two), out)));
    crypto_hex(out, 32, hex);
    assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_false(sk_failed(crypto_digest(CRYPTO_SHA1, two, strlen(two), out)));
    crypto_hex(out, 20, hex);
    assert_string_equal(hex, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    assert_false(late_take_lack());
}

static void lacks(sk_err err) {
    assert_int_equal(err.code, SK_E_UNSUPPORTED);
    assert_true(late_take_lack());
}

static void test_everything_else_lacks(void **state) {
    (void)state;
    static const uint8_t bytes[(33 << 10)] = {1};
    const struct sk_bytes few = {bytes, 3};
    uint8_t out[64];
    lacks(crypto_digest(CRYPTO_SHA1, bytes, sizeof(bytes), out));
    lacks(crypto_digest(CRYPTO_MD5, bytes, sizeof(bytes), out));
    lacks(sha512_digest(false, bytes, 3, out));
    struct digester *digester = NULL;
    assert_false(sk_failed(digester_new(&digester)));
    lacks(digester_begin(digester, CRYPTO_MASK(CRYPTO_MD5)));
    digester_free(digester);
    struct aes_cbc *aes = NULL;
    lacks(aes_cbc_new(&(struct aes_key){bytes, 16, bytes, false}, &aes));
    lacks(crypto_rsa_public(few, 3, few, out));
    struct crypto_signed *s = NULL;
    lacks(crypto_signed_open(few, &s));
    lacks(crypto_signed_open_list(few, &s));
    struct crypto_trust *trust = NULL;
    lacks(crypto_trust_new(&trust));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_digests),
        cmocka_unit_test(test_everything_else_lacks),
    };
    return cmocka_run_group_tests(tests, seal, NULL);
}
