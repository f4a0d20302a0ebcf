// SPDX-License-Identifier: Apache-2.0
/* UTF-16 as bytes: outputs of sigtool --utf16-decode, of a scan, in every cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "norm/utf16.h"

#define CASE(in_, out_)                                                                            \
    { in_, sizeof(in_) - 1, out_ }

static const struct {
    const char *in;
    size_t in_len;
    const char *out;
} CASES[] = {
    CASE("\xff\xfe"
         "A\0B\0",
         "\xdf"
         "AB"),
    CASE("\xfe\xff\0A\0B", "\xee\x10 "),
    CASE("5\xd8\xb3\xdcx\0", "\xb5sx"),
    CASE("A\0\xe9\0B0C", "A\xe9"
                         "B"),
    CASE("A\0\xf0\1B\0", "A"), /* the byte would be 0 */
    CASE("", ""),
};

static void test_cases_in_every_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        for (size_t cut = 0; cut <= CASES[i].in_len; cut++) {
            struct sk_norm_utf16 n = {.as_sigtool = true};
            uint8_t out[32];
            const uint8_t *in = (const uint8_t *)CASES[i].in;
            size_t len = sk_norm_utf16_feed(&n, in, cut, out);
            len += sk_norm_utf16_feed(&n, in + cut, CASES[i].in_len - cut, out + len);
            assert_int_equal(len, strlen(CASES[i].out));
            assert_memory_equal(out, CASES[i].out, len);
        }
    }
}

static void test_a_lost_byte_takes_its_block(void **state) {
    static uint8_t text[4096];
    struct sk_norm_utf16 n = {.as_sigtool = true};
    (void)state;
    for (size_t i = 0; i < sizeof(text); i += 2) {
        text[i] = 'x';
    }
    text[1000] = 0; /* in the second block of 512 */
    text[1100] = 0;
    assert_int_equal(sk_norm_utf16_feed(&n, text, sizeof(text), text), 2048 - 12 - 218);
}

static void test_a_scan_loses_nothing(void **state) {
    static const char TEXT[] = "A\0\xf0\1B\0\0\0C";
    uint8_t out[sizeof(TEXT)];
    struct sk_norm_utf16 n = {0};
    (void)state;
    assert_int_equal(sk_norm_utf16_feed(&n, (const uint8_t *)TEXT, 4, out), 2);
    assert_true(n.beyond);
    n = (struct sk_norm_utf16){0};
    assert_int_equal(sk_norm_utf16_feed(&n, (const uint8_t *)TEXT, sizeof(TEXT) - 1, out), 4);
    assert_memory_equal(out, "A\0B\0", 4);
    n = (struct sk_norm_utf16){0};
    assert_int_equal(sk_norm_utf16_feed(&n, (const uint8_t *)"A\0\xff", 4, out), 2);
    assert_false(n.beyond);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_in_every_cut),
        cmocka_unit_test(test_a_lost_byte_takes_its_block),
        cmocka_unit_test(test_a_scan_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
