// SPDX-License-Identifier: Apache-2.0
/* The fingerprint of bytes: every bit of every length has a say, keys differ, no key is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "crypto/fingerprint.h"

static struct fingerprint key;

static int set_up(void **state) {
    (void)state;
    return sk_failed(fingerprint_init(&key)) ? -1 : 0;
}

static bool same(struct fingerprint_hash a, struct fingerprint_hash b) {
    return a.half[0] == b.half[0] && a.half[1] == b.half[1];
}

/* One bit anywhere makes another hash; put back, it is the old one again, wherever the bytes lie.
 */
static void test_every_bit_counts(void **state) {
    (void)state;
    static const size_t LENGTHS[] = {1,    2,    7,    8,    15,   16,   17,   31,   32,  33,
                                     2047, 2048, 2049, 2063, 2064, 4095, 4096, 4097, 6150};
    for (size_t l = 0; l < sizeof(LENGTHS) / sizeof(LENGTHS[0]); l++) {
        size_t len = LENGTHS[l];
        uint8_t *bytes = mem_zalloc(1, len + 1);
        assert_non_null(bytes);
        struct fingerprint_hash zeros = fingerprint_of(&key, bytes, len);
        assert_true(same(zeros, fingerprint_of(&key, bytes + 1, len)));
        for (size_t bit = 0; bit < len * 8; bit++) {
            bytes[bit / 8] = (uint8_t)(1u << bit % 8);
            struct fingerprint_hash other = fingerprint_of(&key, bytes, len);
            assert_false(other.half[0] == zeros.half[0]);
            assert_false(other.half[1] == zeros.half[1]);
            bytes[bit / 8] = 0;
        }
        assert_true(same(zeros, fingerprint_of(&key, bytes, len)));
        mem_free(bytes);
    }
}

/* Words that are exchanged, within a chunk and between chunks, make another hash. */
static void test_order_counts(void **state) {
    (void)state;
    size_t len = 3 * FINGERPRINT_CHUNK;
    uint8_t *bytes = mem_zalloc(1, len);
    assert_non_null(bytes);
    struct fingerprint_hash seen[64];
    for (unsigned i = 0; i < 64; i++) {
        bytes[i * (len / 64)] = 1;
        seen[i] = fingerprint_of(&key, bytes, len);
        bytes[i * (len / 64)] = 0;
        for (unsigned k = 0; k < i; k++) {
            assert_false(same(seen[i], seen[k]));
        }
    }
    mem_free(bytes);
}

static void test_keys_differ(void **state) {
    (void)state;
    struct fingerprint other;
    assert_false(sk_failed(fingerprint_init(&other)));
    for (size_t i = 0; i < FINGERPRINT_CHUNK / 8; i++) {
        assert_true(other.sum[i] != key.sum[i]);
        assert_true(i == 0 || key.sum[i] != key.sum[i - 1]);
    }
    assert_true(other.point[0] != key.point[0] && key.point[0] != key.point[1]);
    assert_false(same(fingerprint_of(&key, "the same", 8), fingerprint_of(&other, "the same", 8)));
}

/* Modulo 2^61 - 1, in numbers that a person can check: with sums of zero the words are the
 * products, and the polynomial is that of its four pieces. */
static void test_as_defined(void **state) {
    (void)state;
    struct fingerprint plain = {.point = {3, ((uint64_t)1 << 61) - 2 /* -1 */}};
    uint64_t words[2] = {(uint64_t)1 << 63, 6}; /* product: 3 * 2^64: pieces 0 0 3 0 */
    struct fingerprint_hash hash = fingerprint_of(&plain, words, sizeof(words));
    assert_int_equal(hash.half[0], 81 + 3 * 3);
    assert_int_equal(hash.half[1], (((uint64_t)1 << 61) - 1 + 1 - 3) % (((uint64_t)1 << 61) - 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_order_counts),
        cmocka_unit_test(test_keys_differ),
        cmocka_unit_test(test_as_defined),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
