// SPDX-License-Identifier: Apache-2.0
/* Buffer and JSON writer: growth, escaping of hostile text, nesting, failed allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"

struct escape_case {
    const char *in;
    size_t len;
    const char *escaped;
    const char *json;
};
#define CASE(in, escaped, json)                                                                    \
    { in, sizeof(in) - 1, escaped, json }

static const struct escape_case CASES[] = {
    CASE("plain", "plain", "\"plain\""),
    CASE("a\nb\tc\r", "a\\nb\\tc\\r", "\"a\\u000ab\\u0009c\\u000d\""),
    CASE("back\\slash \"q\"", "back\\\\slash \"q\"", "\"back\\\\slash \\\"q\\\"\""),
    CASE("\x1b[31m", "\\x1b[31m", "\"\\u001b[31m\""),
    CASE("\xe9\x96\xa2\xe6\x89\x80", "\xe9\x96\xa2\xe6\x89\x80", "\"\xe9\x96\xa2\xe6\x89\x80\""),
    CASE("\xff\xc3(", "\\xff\\xc3(", "\"\\ufffd\\ufffd(\""),
    CASE("\xc0\x80", "\\xc0\\x80", "\"\\ufffd\\ufffd\""),                 /* overlong NUL */
    CASE("\xed\xa0\x80", "\\xed\\xa0\\x80", "\"\\ufffd\\ufffd\\ufffd\""), /* surrogate */
    CASE("\xe2\x80\xae"
         "gpj.exe",
         "\\xe2\\x80\\xaegpj.exe", "\"\\u202egpj.exe\""), /* RLO */
    CASE("\xc2\x9b"
         "2J",
         "\\xc2\\x9b"
         "2J",
         "\"\\u009b2J\""), /* C1 control */
    CASE("nul\0in", "nul\\x00in", "\"nul\\u0000in\""),
    CASE("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""),
    CASE("", "", "\"\""),
};

static void test_escapes(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct buf b = {0};
        assert_int_equal(buf_put_escaped(&b, CASES[i].in, CASES[i].len).code, SK_OK);
        assert_string_equal(buf_text(&b), CASES[i].escaped);
        buf_clear(&b);
        assert_int_equal(buf_put_json(&b, CASES[i].in, CASES[i].len).code, SK_OK);
        assert_string_equal(buf_text(&b), CASES[i].json);
        buf_release(&b);
    }
}

static void write_document(struct json *j) {
    json_open(j, NULL, '{');
    json_str(j, "name", "x");
    json_open(j, "list", '[');
    json_u64(j, NULL, UINT64_MAX);
    json_bool(j, NULL, true);
    json_null(j, NULL);
    json_open(j, NULL, '{');
    json_close(j, '}');
    json_close(j, ']');
    json_double(j, "rate", 1.5);
    json_close(j, '}');
}

static void test_json_nests(void **state) {
    (void)state;
    struct buf b = {0};
    struct json j;
    json_init(&j, &b);
    write_document(&j);
    assert_int_equal(j.err.code, SK_OK);
    assert_string_equal(
        buf_text(&b),
        "{\"name\":\"x\",\"list\":[18446744073709551615,true,null,{}],\"rate\":1.500}");
    json_close(&j, '}');
    assert_int_equal(j.err.code, SK_E_INTERNAL);
    buf_release(&b);
}

static void test_failed_allocation_keeps_contents(void **state) {
    (void)state;
    struct buf b = {0};
    assert_int_equal(buf_puts(&b, "12345").code, SK_OK);
    mem_fault_set(1);
    assert_int_equal(buf_printf(&b, "%0100d", 7).code, SK_E_NOMEM);
    mem_fault_set(0);
    assert_string_equal(buf_text(&b), "12345");
    assert_int_equal(buf_reserve(&b, SIZE_MAX).code, SK_E_NOMEM);
    mem_fault_set(1);
    struct buf fresh = {0};
    struct json j;
    json_init(&j, &fresh);
    write_document(&j);
    mem_fault_set(0);
    assert_int_equal(j.err.code, SK_E_NOMEM);
    buf_release(&fresh);
    buf_release(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_json_nests),
        cmocka_unit_test(test_failed_allocation_keeps_contents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
