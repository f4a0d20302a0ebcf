// SPDX-License-Identifier: Apache-2.0
/* Cursor: every read at and past the end, sticky badness, integers of both orders, variable-length
 * integers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cursor.h"

static const uint8_t BYTES[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static void test_integers(void **state) {
    (void)state;
    struct sk_cursor c = sk_cursor_make(BYTES, sizeof(BYTES));
    assert_int_equal(sk_cursor_u16le(&c), 0x0201);
    assert_int_equal(sk_cursor_u16be(&c), 0x0304);
    assert_int_equal(sk_cursor_u32le(&c), 0x08070605);
    assert_int_equal(sk_cursor_u8(&c), 9);
    assert_true(sk_cursor_ok(&c));
    assert_int_equal(sk_cursor_left(&c), 0);
    sk_cursor_seek(&c, 0);
    assert_true(sk_cursor_u64be(&c) == 0x0102030405060708u);
    sk_cursor_seek(&c, 1);
    assert_true(sk_cursor_u64le(&c) == 0x0908070605040302u);
}

static void test_past_the_end_is_sticky(void **state) {
    (void)state;
    for (size_t len = 0; len < 4; len++) {
        struct sk_cursor c = sk_cursor_make(BYTES, len);
        assert_int_equal(sk_cursor_u32be(&c), 0);
        assert_false(sk_cursor_ok(&c));
        assert_int_equal(sk_cursor_left(&c), 0);
        assert_null(sk_cursor_take(&c, 1));
    }
    struct sk_cursor c = sk_cursor_make(BYTES, 4);
    sk_cursor_skip(&c, UINT64_MAX);
    assert_false(sk_cursor_ok(&c));
    c = sk_cursor_make(BYTES, 4);
    sk_cursor_seek(&c, 5);
    assert_false(sk_cursor_ok(&c));
    c = sk_cursor_make(NULL, 10);
    assert_int_equal(sk_cursor_left(&c), 0);
}

static void test_varint_round_trip(void **state) {
    (void)state;
    static const uint64_t VALUES[] = {0, 1, 127, 128, 300, 1u << 21, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof(VALUES) / sizeof(VALUES[0]); i++) {
        uint8_t out[10];
        size_t n = sk_varint_put(out, VALUES[i]);
        struct sk_cursor c = sk_cursor_make(out, n);
        assert_true(sk_cursor_varint(&c) == VALUES[i]);
        assert_true(sk_cursor_ok(&c));
        c = sk_cursor_make(out, n - 1);
        assert_true(sk_cursor_varint(&c) == 0);
        assert_false(sk_cursor_ok(&c));
    }
    static const uint8_t LONG[11] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
    struct sk_cursor c = sk_cursor_make(LONG, sizeof(LONG));
    assert_true(sk_cursor_varint(&c) == 0);
    assert_false(sk_cursor_ok(&c));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_past_the_end_is_sticky),
        cmocka_unit_test(test_varint_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
