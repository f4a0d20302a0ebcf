// SPDX-License-Identifier: Apache-2.0
/* Card and social security numbers in text: rows seen with clamscan 1.4.6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "norm/digits.h"

#define ALL (DIGITS_CARDS | DIGITS_OTHER_CARDS | DIGITS_SSN_HYPHENS | DIGITS_SSN_STRIPPED)

static struct digits_found count(const char *text, unsigned what) {
    struct digits_found found = {0};
    size_t len = strlen(text);
    size_t end =
        digits_count((struct sk_bytes){(const uint8_t *)text, len}, len, false, what, &found);
    assert_true(end >= len);
    return found;
}

static void test_cards(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned credit, all;
    } CASES[] = {
        {"a 4111111111111111 b", 1, 1},
        {"4111111111111111 4111111111111111\n4111111111111111", 3, 3},
        {"5500000000000004 340000000000009 30000000000004 6011000000000004", 4, 4},
        {"5019717010103742", 0, 1},
        {"x4111111111111111y", 1, 1},
        {"4111-1111-1111-1111 4111 1111 1111 1111", 2, 2},
        {"4111--1111--1111--1111", 1, 1},
        {"4-1-11-11-11-11-11-11-11", 1, 1},
        {"4-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1", 0, 0},
        {"4111.1111.1111.1111", 0, 0},
        {"4111111111111112", 0, 0},
        {"41111111111111112", 0, 0},
        {"14111111111111111", 0, 0},
        {"2014000000000009 3088000000000009", 0, 0},
        {"2221000000000009 6221260000000000 6221250000000001", 2, 2},
        {"", 0, 0},
        {"411111111111111", 0, 0},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct digits_found credit = count(CASES[i].text, DIGITS_CARDS);
        struct digits_found all = count(CASES[i].text, DIGITS_CARDS | DIGITS_OTHER_CARDS);
        if (credit.cards != CASES[i].credit || all.cards != CASES[i].all) {
            fail_msg("%s: %d and %d", CASES[i].text, (int)credit.cards, (int)all.cards);
        }
        assert_int_equal(all.ssns, 0);
    }
}

static void test_ssns(void **state) {
    (void)state;
    static const struct {
        const char *text;
        unsigned hyphens, stripped;
    } CASES[] = {
        {"123-45-6789", 1, 0},  {"123456789", 0, 1},    {"nx123-45-6789yc", 1, 0},
        {"1123-45-6789", 0, 0}, {"123-45-67890", 0, 0}, {"123 45 6789", 0, 0},
        {"000-45-6789", 0, 0},  {"666-12-3456", 0, 0},  {"772-12-3456", 1, 0},
        {"773-12-3456", 0, 0},  {"123-00-3456", 0, 0},  {"123-45-0000", 0, 0},
        {"1234567890", 0, 0},   {"900123456", 0, 0},    {"123-456789", 0, 0},
        {"12-45-6789", 0, 0},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_int_equal(count(CASES[i].text, DIGITS_SSN_HYPHENS).ssns, CASES[i].hyphens);
        assert_int_equal(count(CASES[i].text, DIGITS_SSN_STRIPPED).ssns, CASES[i].stripped);
    }
}

/* The same text in windows of every size gives the same numbers. */
static void test_windows(void **state) {
    (void)state;
    const char *text = "4111111111111111 x 4111 1111 1111 1111, 123-45-6789;123456789 "
                       "30000000000004 14111111111111111 5-5-0-0-0-0-0-0-00000004 end";
    size_t len = strlen(text);
    struct digits_found whole = count(text, ALL);
    assert_int_equal(whole.cards, 4);
    assert_int_equal(whole.ssns, 2);
    for (size_t step = 1; step < len; step++) {
        struct digits_found found = {0};
        bool before = false;
        for (size_t off = 0; off < len;) {
            size_t avail = len - off < step + DIGITS_SPAN ? len - off : step + DIGITS_SPAN;
            size_t limit = avail == len - off ? avail : step;
            struct sk_bytes part = {(const uint8_t *)text + off, avail};
            off += digits_count(part, limit, before, ALL, &found);
            before = text[off - 1] >= '0' && text[off - 1] <= '9';
        }
        assert_int_equal(found.cards, whole.cards);
        assert_int_equal(found.ssns, whole.ssns);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cards),
        cmocka_unit_test(test_ssns),
        cmocka_unit_test(test_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
