// SPDX-License-Identifier: Apache-2.0
/* Digests, CRC-32C, the bare RSA operation: published vectors, reuse, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "crypto/crc32c.h"
#include "crypto/digest.h"
#include "crypto/rsa.h"

/* RFC 1321, FIPS 180 examples for "abc". */
static const char *const ABC[3] = {
    "900150983cd24fb0d6963f7d28e17f72",
    "a9993e364706816aba3e25717850c26c9cd0d89d",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
};

static void test_digest_vectors(void **state) {
    (void)state;
    for (unsigned algo = 0; algo < CRYPTO_ALGO_COUNT; algo++) {
        uint8_t out[CRYPTO_DIGEST_MAX];
        char hex[2 * CRYPTO_DIGEST_MAX + 1];
        assert_false(sk_failed(crypto_digest((enum crypto_algo)algo, "abc", 3, out)));
        crypto_hex(out, crypto_digest_bytes((enum crypto_algo)algo), hex);
        assert_string_equal(hex, ABC[algo]);
    }
    uint8_t out[CRYPTO_DIGEST_MAX];
    assert_int_equal(crypto_digest(CRYPTO_ALGO_COUNT, "", 0, out).code, SK_E_UNSUPPORTED);
}

/* Short messages are hashed without libcrypto, digesters are the library's. */
static void test_short_and_long_agree(void **state) {
    (void)state;
    static uint8_t bytes[(33 << 10)];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 131 + (i >> 8));
    }
    struct digester *d = NULL;
    assert_false(sk_failed(digester_new(&d)));
    for (size_t len = 0; len <= sizeof(bytes); len += len < 200 ? 1 : 509) {
        uint8_t want[3][CRYPTO_DIGEST_MAX], got[CRYPTO_DIGEST_MAX];
        assert_false(sk_failed(digester_begin(d, CRYPTO_MASK_ALL)));
        assert_false(sk_failed(digester_update(d, bytes, len)));
        assert_false(sk_failed(digester_end(d, want)));
        for (unsigned algo = 0; algo < CRYPTO_ALGO_COUNT; algo++) {
            assert_false(sk_failed(crypto_digest((enum crypto_algo)algo, bytes, len, got)));
            assert_memory_equal(got, want[algo], crypto_digest_bytes((enum crypto_algo)algo));
        }
    }
    digester_free(d);
}

static void test_digester_is_reusable(void **state) {
    (void)state;
    struct digester *d = NULL;
    assert_false(sk_failed(digester_new(&d)));
    for (unsigned mask = 0; mask <= CRYPTO_MASK_ALL; mask++) {
        uint8_t out[3][CRYPTO_DIGEST_MAX];
        memset(out, 0xee, sizeof(out));
        assert_false(sk_failed(digester_begin(d, mask)));
        assert_false(sk_failed(digester_update(d, "a", 1)));
        assert_false(sk_failed(digester_update(d, "bc", 2)));
        assert_false(sk_failed(digester_end(d, out)));
        for (unsigned algo = 0; algo < CRYPTO_ALGO_COUNT; algo++) {
            char hex[2 * CRYPTO_DIGEST_MAX + 1];
            if ((mask & CRYPTO_MASK(algo)) == 0) {
                assert_int_equal(out[algo][0], 0xee);
                continue;
            }
            crypto_hex(out[algo], crypto_digest_bytes((enum crypto_algo)algo), hex);
            assert_string_equal(hex, ABC[algo]);
        }
    }
    digester_free(d);
    digester_free(NULL);
    mem_fault_set(1);
    assert_int_equal(digester_new(&d).code, SK_E_NOMEM);
    mem_fault_set(0);
}

static void test_crc32c(void **state) {
    (void)state;
    uint8_t bytes[4096];
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7 + (i >> 5));
    }
    assert_int_equal(crypto_crc32c(0, "123456789", 9), 0xe3069283u);
    assert_int_equal(crypto_crc32c_table(0, "123456789", 9), 0xe3069283u);
    for (size_t len = 0; len < 300; len++) {
        uint32_t whole = crypto_crc32c(0, bytes + 1, len);
        assert_int_equal(whole, crypto_crc32c_table(0, bytes + 1, len));
        assert_int_equal(whole, crypto_crc32c(crypto_crc32c(0, bytes + 1, len / 3),
                                              bytes + 1 + len / 3, len - len / 3));
    }
}

/* Small numbers worked by hand: n = 3233 = 61 * 53, e = 17, message 65 -> 2790; d = 2753. */
static void test_rsa_textbook(void **state) {
    (void)state;
    const uint8_t n[2] = {0x0c, 0xa1};
    const uint8_t m[1] = {65};
    const uint8_t c[2] = {0x0a, 0xe6};
    uint8_t out[2];
    struct sk_bytes mod = {n, 2};
    assert_false(sk_failed(crypto_rsa_public(mod, 17, (struct sk_bytes){m, 1}, out)));
    assert_memory_equal(out, c, 2);
    assert_false(sk_failed(crypto_rsa_public(mod, 2753, (struct sk_bytes){c, 2}, out)));
    assert_int_equal(out[0], 0);
    assert_int_equal(out[1], 65);
    assert_int_equal(crypto_rsa_public(mod, 17, mod, out).code, SK_E_BAD_SIGNATURE);
    const uint8_t even[2] = {0x0c, 0xa0};
    assert_int_equal(
        crypto_rsa_public((struct sk_bytes){even, 2}, 17, (struct sk_bytes){m, 1}, out).code,
        SK_E_USAGE);
    assert_int_equal(crypto_rsa_public(mod, 0, (struct sk_bytes){m, 1}, out).code, SK_E_USAGE);
    assert_int_equal(
        crypto_rsa_public((struct sk_bytes){n, 0}, 17, (struct sk_bytes){m, 1}, out).code,
        SK_E_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_vectors),       cmocka_unit_test(test_short_and_long_agree),
        cmocka_unit_test(test_digester_is_reusable), cmocka_unit_test(test_crc32c),
        cmocka_unit_test(test_rsa_textbook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
