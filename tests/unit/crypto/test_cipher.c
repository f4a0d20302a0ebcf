// SPDX-License-Identifier: Apache-2.0
/* RC4 (RFC 6229), AES-CBC (NIST SP 800-38A, F.2), SHA-384 and SHA-512 (FIPS 180-4) by known
 * answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "crypto/cipher.h"
#include "crypto/digest.h"

static void assert_hex(const uint8_t *bytes, size_t len, const char *hex) {
    char text[2 * CIPHER_HASH_MAX + 1];
    crypto_hex(bytes, len, text);
    assert_string_equal(text, hex);
}

static void test_rc4(void **state) {
    (void)state;
    static const uint8_t key[] = {1, 2, 3, 4, 5};
    uint8_t out[16] = {0};
    struct rc4 rc4;
    rc4_init(&rc4, key, sizeof(key));
    rc4_run(&rc4, out, 7, out);
    rc4_run(&rc4, out + 7, 9, out + 7);
    assert_hex(out, sizeof(out), "b2396305f03dc027ccc3524a0a1118a8");
}

static void test_aes_cbc(void **state) {
    (void)state;
    static const uint8_t key[] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                  0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    static const uint8_t iv[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const uint8_t plain[] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
                                    0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a};
    uint8_t block[16];
    struct aes_cbc *aes = NULL;
    assert_int_equal(aes_cbc_new(&(struct aes_key){key, 16, iv, true}, &aes).code, SK_OK);
    assert_int_equal(aes_cbc_run(aes, plain, 16, block).code, SK_OK);
    aes_cbc_free(aes);
    assert_hex(block, 16, "7649abac8119b246cee98e9b12e9197d");
    assert_int_equal(aes_cbc_new(&(struct aes_key){key, 16, iv, false}, &aes).code, SK_OK);
    assert_int_equal(aes_cbc_run(aes, block, 16, block).code, SK_OK);
    assert_memory_equal(block, plain, 16);
    assert_int_equal(aes_cbc_run(aes, block, 15, block).code, SK_E_USAGE);
    aes_cbc_free(aes);
}

static void test_wrong_key_length(void **state) {
    (void)state;
    static const uint8_t bytes[64];
    struct aes_cbc *aes = NULL;
    for (size_t len = 0; len < 64; len++) {
        if (len != 16 && len != 24 && len != 32) {
            assert_int_equal(aes_cbc_new(&(struct aes_key){bytes, len, bytes, true}, &aes).code,
                             SK_E_USAGE);
        }
    }
    assert_null(aes);
    mem_fault_set(1);
    assert_int_equal(aes_cbc_new(&(struct aes_key){bytes, 16, bytes, true}, &aes).code, SK_E_NOMEM);
    mem_fault_set(0);
}

static void test_sha2(void **state) {
    (void)state;
    uint8_t digest[CIPHER_HASH_MAX];
    assert_int_equal(sha512_digest(true, "abc", 3, digest).code, SK_OK);
    assert_hex(
        digest, 48,
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca1"
        "34c825a7");
    assert_int_equal(sha512_digest(false, "abc", 3, digest).code, SK_OK);
    assert_hex(
        digest, 64,
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23"
        "a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rc4),
        cmocka_unit_test(test_aes_cbc),
        cmocka_unit_test(test_wrong_key_length),
        cmocka_unit_test(test_sha2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
