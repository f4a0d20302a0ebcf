// SPDX-License-Identifier: Apache-2.0
/* Canonical codes: short and long ones, gaps, over-full sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "codec/huffman.h"

static void test_short_codes(void **state) {
    (void)state;
    static const uint8_t lengths[] = {2, 1, 3, 3}; /* B=0 A=10 C=110 D=111 */
    struct huff h;
    unsigned len = 0;
    assert_true(huff_build(&h, lengths, 4));
    assert_int_equal(huff_decode(&h, 0x0, &len), 1);
    assert_int_equal(len, 1);
    assert_int_equal(huff_decode(&h, 0x1, &len), 0); /* bits 1,0 */
    assert_int_equal(len, 2);
    assert_int_equal(huff_decode(&h, 0x3, &len), 2); /* 1,1,0 */
    assert_int_equal(huff_decode(&h, 0x7, &len), 3);
    assert_int_equal(len, 3);
}

static void test_codes_longer_than_the_table(void **state) {
    (void)state;
    uint8_t lengths[16];
    struct huff h;
    for (unsigned i = 0; i < 15; i++) {
        lengths[i] = (uint8_t)(i + 1);
    }
    lengths[15] = 15; /* 1..15 and one more: complete */
    assert_true(huff_build(&h, lengths, 16));
    for (unsigned i = 0; i < 16; i++) {
        unsigned len = 0;
        /* i ones, then a zero; the last code is all ones */
        uint64_t bits = i == 15 ? 0x7fff : ((uint64_t)1 << i) - 1;
        assert_int_equal(huff_decode(&h, bits, &len), (int)i);
        assert_int_equal(len, lengths[i]);
    }
}

static void test_missing_and_over_full(void **state) {
    (void)state;
    static const uint8_t one[] = {0, 2};
    static const uint8_t full[] = {1, 1, 15};
    static const uint8_t none[] = {0, 0, 0};
    struct huff h;
    unsigned len = 0;
    assert_true(huff_build(&h, one, 2));
    assert_int_equal(huff_decode(&h, 0, &len), 1);
    assert_int_equal(huff_decode(&h, 1, &len), HUFF_NONE);
    assert_false(huff_build(&h, full, 3));
    assert_true(huff_build(&h, none, 3));
    assert_int_equal(huff_decode(&h, 0, &len), HUFF_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_codes),
        cmocka_unit_test(test_codes_longer_than_the_table),
        cmocka_unit_test(test_missing_and_over_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
