// SPDX-License-Identifier: Apache-2.0
/* Byte comparisons: what clamscan 1.4.6 reads out of which bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "match/compare.h"

#define B MT_COMPARE_BIG
#define L MT_COMPARE_LITTLE
#define E MT_COMPARE_EXACT

static const struct {
    uint8_t number, flags;
    const char *bytes; /* its length is the width */
    int64_t value;
    bool equal;
} rows[] = {
    {MT_NUMBER_DEC, 0, "42", 42, true},
    {MT_NUMBER_DEC, 0, "42..", 42, true},
    {MT_NUMBER_DEC, 0, "  42", 42, true},
    {MT_NUMBER_DEC, 0, "4 2 ", 42, false},
    {MT_NUMBER_DEC, 0, "+042", 42, true},
    {MT_NUMBER_DEC, 0, "-042", -42, true},
    {MT_NUMBER_DEC, 0, "xxxx", 0, true},
    {MT_NUMBER_DEC, 0, "99999999999999999999", -1, false},
    {MT_NUMBER_DEC, E, "0042", 42, true},
    {MT_NUMBER_DEC, E, "42..", 42, false},
    {MT_NUMBER_DEC, E, "  42", 42, false},
    {MT_NUMBER_HEX, 0, "002a", 42, false},
    {MT_NUMBER_HEX, B, "002a", 42, true},
    {MT_NUMBER_HEX, B, "2a..", 42, true},
    {MT_NUMBER_HEX, B, "0x2a", 42, true},
    {MT_NUMBER_HEX, B, "x02a", 42, false},
    {MT_NUMBER_HEX, B | E, "0x2a", 42, true},
    {MT_NUMBER_HEX, B | E, "  2a", 42, false},
    {MT_NUMBER_HEX, L, "2a00", 42, true},
    {MT_NUMBER_HEX, L, "2a..", 42, true},
    {MT_NUMBER_HEX, L, "2ag0", 42, true},
    {MT_NUMBER_HEX, L, "0x2a", 42, true},
    {MT_NUMBER_HEX, L, "3412", 0x1234, true},
    {MT_NUMBER_HEX, L, "2a0", 42, false},
    {MT_NUMBER_HEX, L, "2a0", 0xa002, true},
    {MT_NUMBER_HEX, L, "7g", 0, true},
    {MT_NUMBER_HEX, L, "ab5g", 0xab, true},
    {MT_NUMBER_HEX, L, "5gab", 0, true},
    {MT_NUMBER_HEX, L, "1x34", 0x341, true},
    {MT_NUMBER_HEX, L, "abx5", 0, true},
    {MT_NUMBER_HEX, L, "    ", 0, true},
    {MT_NUMBER_HEX, L | E, "a", 10, true},
    {MT_NUMBER_HEX, L | E, "123", 0x2301, false},
    {MT_NUMBER_HEX, L | E, "x13", 0x130, true},
    {MT_NUMBER_HEX, L | E, " f42", 0x420f, false},
    {MT_NUMBER_HEX, B, "+0x12", 0, true},
    {MT_NUMBER_HEX, B | E, "+", 0, false},
    {MT_NUMBER_AUTO, B, "42", 42, false},
    {MT_NUMBER_AUTO, B, "  42", 42, false},
    {MT_NUMBER_AUTO, B, " 42.", 42, true},
    {MT_NUMBER_AUTO, B, "0x2a", 42, true},
    {MT_NUMBER_AUTO, B, "0042", 42, true},
    {MT_NUMBER_AUTO, B, "052.", 52, true},
    {MT_NUMBER_AUTO, L, "0x2a", 42, true},
    {MT_NUMBER_AUTO, L, "0042", 42, false},
    {MT_NUMBER_AUTO, 0, "0x2a", 42, false},
    {MT_NUMBER_RAW, B, "AB", 16706, true},
    {MT_NUMBER_RAW, L, "AB", 16961, true},
    {MT_NUMBER_RAW, 0, "A", 65, false},
    {MT_NUMBER_RAW, B, "\xff\xff\xff\xff", 0xffffffff, true},
    {MT_NUMBER_RAW, B, "\xff\xff\xff\xff\xff\xff\xff\xff", -1, true},
};

static void test_numbers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mt_compare c = {.value = {rows[i].value, 0},
                               .width = (uint32_t)strlen(rows[i].bytes),
                               .cmp = {MT_CMP_EQ, MT_CMP_NONE},
                               .number = rows[i].number,
                               .flags = rows[i].flags};
        if (compare_number(&c, (const uint8_t *)rows[i].bytes) != rows[i].equal) {
            fail_msg("row %zu: %s", i, rows[i].bytes);
        }
    }
}

static void test_two_comparisons(void **state) {
    (void)state;
    struct mt_compare c = {.value = {65, 70},
                           .width = 1,
                           .cmp = {MT_CMP_GT, MT_CMP_LT},
                           .number = MT_NUMBER_RAW,
                           .flags = B};
    assert_false(compare_number(&c, (const uint8_t *)"A"));
    assert_true(compare_number(&c, (const uint8_t *)"B"));
    assert_true(compare_number(&c, (const uint8_t *)"E"));
    assert_false(compare_number(&c, (const uint8_t *)"F"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers),
                                       cmocka_unit_test(test_two_comparisons)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
