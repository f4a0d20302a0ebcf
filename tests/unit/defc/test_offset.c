// SPDX-License-Identifier: Apache-2.0
/* Offsets: a table of good forms with what they mean, a table of forms clamscan refuses too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "defc/offset.h"
#include "defc/text.h"

static const struct good {
    const char *text;
    unsigned target;
    struct offset want;
} goods[] = {
    {"", 0, {MT_OFF_ANY, 0, 0, 0}},
    {"*", 0, {MT_OFF_ANY, 0, 0, 0}},
    {"0", 0, {MT_OFF_ABS, 0, 0, 0}},
    {"41022,41059", 6, {MT_OFF_ABS, 0, 41022, 41059}},
    {"5,", 0, {MT_OFF_ABS, 0, 5, 0}},
    {"2147483647", 0, {MT_OFF_ABS, 0, INT32_MAX, 0}},
    {"EOF-0", 0, {MT_OFF_EOF, 0, 0, 0}},
    {"EOF-500,500", 7, {MT_OFF_EOF, 0, 500, 500}},
    {"EP+0", 1, {MT_OFF_EP, 0, 0, 0}},
    {"EP-12", 6, {MT_OFF_EP, 0, -12, 0}},
    {"EP+0,100", 9, {MT_OFF_EP, 0, 0, 100}},
    {"S0+0", 1, {MT_OFF_SECT, 0, 0, 0}},
    {"S12+5900,7", 1, {MT_OFF_SECT, 12, 5900, 7}},
    {"SE1", 1, {MT_OFF_SECT_ANY, 1, 0, 0}},
    {"SL+7", 6, {MT_OFF_SECT_LAST, 0, 7, 0}},
    {"VI", 1, {MT_OFF_VI, 0, 0, 0}},
};

static const struct bad {
    const char *text;
    unsigned target;
    enum defc_reason reason;
} bads[] = {
    {"EOF", 0, DEFC_MALFORMED},          {"EOF+1", 0, DEFC_MALFORMED},
    {"eof-2", 0, DEFC_MALFORMED},        {"EP+0", 0, DEFC_MALFORMED},
    {"EP", 1, DEFC_MALFORMED},           {"EP0", 1, DEFC_MALFORMED},
    {"EP+", 1, DEFC_MALFORMED},          {"S0+0", 7, DEFC_MALFORMED},
    {"S0-4", 1, DEFC_MALFORMED},         {"S+4", 1, DEFC_MALFORMED},
    {"S0", 1, DEFC_MALFORMED},           {"SEx", 1, DEFC_MALFORMED},
    {"SE1+3", 1, DEFC_MALFORMED},        {"SE1", 0, DEFC_MALFORMED},
    {"SL-4", 1, DEFC_MALFORMED},         {"VI", 6, DEFC_MALFORMED},
    {"VIx", 1, DEFC_MALFORMED},          {"*,4", 0, DEFC_MALFORMED},
    {"-4", 0, DEFC_MALFORMED},           {"abc", 0, DEFC_MALFORMED},
    {"4 ", 0, DEFC_MALFORMED},           {"2,1,3", 0, DEFC_MALFORMED},
    {"4,x", 0, DEFC_MALFORMED},          {"2147483648", 0, DEFC_MALFORMED},
    {"4,4294967295", 0, DEFC_MALFORMED}, {"S70000+0", 1, DEFC_MALFORMED},
    {"$group$", 0, DEFC_MALFORMED},
};

static void good_forms(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
        struct defc_why why = {.reason = DEFC_TAKEN};
        struct offset got = {.kind = MT_OFF_VI, .shift = 99};
        offset_parse(text_of(goods[i].text), goods[i].target, &got, &why);
        if (why.reason != DEFC_TAKEN) {
            fail_msg("%s: %s", goods[i].text, why.text);
        }
        assert_int_equal(got.kind, goods[i].want.kind);
        assert_int_equal(got.section, goods[i].want.section);
        assert_int_equal(got.off, goods[i].want.off);
        assert_int_equal(got.shift, goods[i].want.shift);
    }
}

static void bad_forms(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        struct defc_why why = {.reason = DEFC_TAKEN};
        struct offset got = {0};
        offset_parse(text_of(bads[i].text), bads[i].target, &got, &why);
        if (why.reason != bads[i].reason) {
            fail_msg("%s for target %u: reason %d", bads[i].text, bads[i].target, why.reason);
        }
        assert_true(why.text[0] != 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_forms),
        cmocka_unit_test(bad_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
