// SPDX-License-Identifier: Apache-2.0
/*
 * Logic against clamscan 1.4.6: each expression was run (as an ldb signature of target 0, three
 * 10-byte subsignatures) over 64 files holding subsignature 0, 1, 2 zero to three times each. Bit
 * c0 * 16 + c1 * 4 + c2 says whether clamscan reported the file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "build.h"
#include "match/logic.h"

static const struct {
    const char *expr;
    uint64_t holds;
} seen[] = {
    /* clang-format off */
        {"0", 0xffffffffffff0000u},
        {"0>1", 0xffffffff00000000u},
        {"0<2", 0x00000000ffffffffu},
        {"0=0", 0x000000000000ffffu},
        {"0=1", 0x00000000ffff0000u},
        {"0=2", 0x0000ffff00000000u},
        {"(0&1)>2", 0xfff0fff0ff000000u},
        {"(0&1)=2", 0x0000000000f00000u},
        {"(0&1)<3", 0x000f000f00ffffffu},
        {"(0&1)=0", 0x000f000f000fffffu},
        {"(0|1)=0", 0x000000000000000fu},
        {"(0|1)>2", 0xfffffff0ff00f000u},
        {"(0|1)<2", 0x00000000000f00ffu},
        {"(0|1)=2", 0x0000000f00f00f00u},
        {"(0|1|2)>3,2", 0xfffeffecfec8ec80u},
        {"(0|1|2)>2,3", 0xeee0eee0eee00000u},
        {"(0|1|2)=3,2", 0x0000001201240240u},
        {"(0|1|2)<4,2", 0x0000001201360260u},
        {"(0&1&2)>3,2", 0xeee0eee0eec00000u},
        {"((0|1)>1&2)", 0xeeeeeeeeeee0ee00u},
        {"(0>1|1)>2", 0xfffffff0f000f000u},
        {"(0=0|1)>1", 0xff00ff00ff00ff00u},
        {"(0=0|1)<2", 0x00ff00ff00ff00ffu},
        {"(0=0&1)>1", 0x000000000000ff00u},
        {"(0=0&1)=1", 0x00000000000000f0u},
        {"(0>1&1)>3", 0xfff0ff0000000000u},
        {"((0|1)>1|2)>3", 0xfffeffecfec0ec00u},
        {"((0&1)|2)>2", 0xfff8fff8ffe88888u},
        {"((0&1)|2)>1,2", 0xfff0fff0fff00000u},
        {"((0|1)>1|2)>2,2", 0x0000000000000000u},
        {"(0=0|1)=1,2", 0x00000000000000f0u},
        {"(0=0|1)>0,2", 0x000000000000fff0u},
        {"0&1|2", 0xfffefffefffe0000u},
        {"0|1&2", 0xffffffffffffeee0u},
        {"(0|1)&2", 0xeeeeeeeeeeeeeee0u},
        {"0&(1|2)", 0xfffefffefffe0000u},
        {"0|(1&2)", 0xffffffffffffeee0u},
        {"(0)", 0xffffffffffff0000u},
        {"(0|1)>0", 0xfffffffffffffff0u},
        {"0>0", 0xffffffffffff0000u},
        {"0<1", 0x000000000000ffffu},
        {"1<1&0", 0x000f000f000f0000u},
        {"(0|1)<1&2", 0x000000000000000eu},
        {"(0<2|1)>1", 0xff00ff00fff0ff00u},
        {"(0|1=0)>1", 0xffffffff00000000u},
        {"(0&1=0)>0", 0x000f000f000f0000u},
        {"(0&1=0)=1", 0x00000000000f0000u},
        {"(0|1<3)>2", 0xffff0ff00f000000u},
        {"(0|1<3)=0", 0x000000000000f00fu},
        {"(0=0|1=0)=0", 0xffffffffffffffffu},
        {"(0=0|1=0)<1", 0xffffffffffffffffu},
        {"((0&1)|2)>2,2", 0xfff0fff0ffe00000u},
        {"((0|1)&2)>2,3", 0xeee0eee0eee00000u},
        {"((0|1)=1|2)>1,2", 0x0000000000000000u},
        {"((0|1)>0|2)>1,2", 0x0000000000000000u},
        {"((0|1)|2)>1,2", 0xfffefffefffeeee0u},
        {"(0&1|2)>2,3", 0xeee0eee0eee00000u},
        {"(0|1&2)>3,2", 0xeeeeeeeceec8ec80u},
        {"(0|1&2)=2", 0x0000000000020020u},
        {"((0|1)=2|2)=2", 0x4444444144144144u},
        {"((0&1)=2|2)=2", 0x4444444444144444u},
        {"((0|1)<3&2)=3", 0x0000000200240248u},
        {"(0&1)>0,2", 0xfff0fff0fff00000u},
        {"((0&1)>2,2|2)", 0xfffefffeffeeeeeeu},
        {"(0>1&1)=3", 0x000000f000000000u},
        {"(0=2&1)=3", 0x000000f000000000u},
        {"(0<3&1)=2", 0x0000000000f00f00u},
        {"((0&1)|2)=1", 0x0002000200022222u},
        {"((0&1)|2)=1,1", 0x0002000200022222u},
        {"(0|1)=0&2", 0x000000000000000eu},
        {"2&(0|1)<2", 0x00000000000e00eeu},
        {"((0=0)|1)=0", 0x000f000f000f000fu},
        {"((0=0)&1)=2", 0x0000000000000f00u},
        {"(0=0|1)>0,1", 0xfff0fff0fff0fff0u},
        {"(0>1|1)>0,2", 0xfff0fff000000000u},
        {"(0>1|1)>0,1", 0xfffffffffff0fff0u},
        {"((0>0)|1)>0,2", 0xfff0fff0fff00000u},
        {"((0|1)=1|2)>1", 0xccccccccccceccecu},
        {"((0|1)>0|2)>1", 0xfffffffffffeffecu},
        {"((0|1)>0|2)>0,1", 0xeeeeeeeeeeeeeeeeu},
        {"((0|1)>0|2)>0,2", 0x0000000000000000u},
        {"((0|1)>0|2)=2", 0x0000000100120124u},
        {"((0|1)>0&2)=2", 0x0000000000020020u},
        {"((0|1)=0|2)=2", 0x4444444444444444u},
        {"((0|1)=0|2)=0", 0x1111111111111111u},
        {"((0|1)=0|2)<2", 0x3333333333333333u},
        {"(0|1|2)>0,2&0", 0xfffefffefffe0000u},
        {"(0|1|2)=0,1", 0x0000000000000000u},
        {"0>0,2", 0xffffffffffff0000u},
        {"0>0,1", 0xffffffffffff0000u},
        {"0=1,1", 0x00000000ffff0000u},
        {"0=1,2", 0x00000000ffff0000u},
        {"(0|1|2)<9,2", 0x7ffefffefffeeee0u},
        {"(0|1|2)<9,3", 0x6ee0eee0eee00000u},
        {"(0&1)<9,2", 0xfff0fff0fff00000u},
        {"(0|1)=0,1", 0x0000000000000000u},
        {"(0|1)<3,1", 0x0000000f00ff0ff0u},
        {"(0|1|2&0)", 0xffffffffffff0000u},
        {"1>1|2&0", 0xffeeffeeffeeff00u},
        {"0=0|1&2", 0xeee0eee0eee0ffffu},
        {"(0|1&2)|0=3", 0xffffeeeeeeeeeee0u},
        {"(0|1&2)", 0xeeeeeeeeeeeeeee0u},
        {"(0&1|2)", 0xfffefffefffeeeeeu},
        {"((0|1)|2=0)>0,3", 0x1110111011100000u},
        {"((0&1)<2|2)>1", 0xccccccccccccccccu},
        {"((0&1)=0|2)<3", 0x7777777777777777u},
        {"((0&1)=0&2)", 0x000e000e000eeeeeu},
    /* clang-format on */
};

struct answers {
    uint64_t count[64];
    uint64_t cap;     /* never answer more than `want` when set: what a lazy search gives */
    unsigned asked;   /* how often */
    unsigned fail_at; /* this question fails; 0: none */
};

static sk_err answer(void *ctx, uint32_t sub, uint64_t want, uint64_t *out_count) {
    struct answers *a = ctx;
    assert_true(want >= 1);
    if (++a->asked == a->fail_at) {
        return sk_fail(SK_E_LIMIT);
    }
    uint64_t count = a->count[sub];
    *out_count = a->cap != 0 && count > want ? want : count;
    return sk_ok();
}

static bool eval(const char *expr, struct answers *a) {
    struct mt_node nodes[64];
    struct logic_expr e = {nodes, tb_expr(expr, nodes, 64), 64};
    bool holds = false;
    a->asked = 0;
    assert_int_equal(logic_eval(&e, answer, a, &holds).code, SK_OK);
    return holds;
}

static void test_expressions_mean_what_clamscan_does(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        for (unsigned c = 0; c < 64; c++) {
            for (unsigned lazy = 0; lazy < 2; lazy++) {
                struct answers a = {.count = {c / 16, c / 4 % 4, c % 4}, .cap = lazy};
                bool want = (seen[i].holds >> c & 1) != 0;
                if (eval(seen[i].expr, &a) != want) {
                    fail_msg("%s with %u %u %u: not %d", seen[i].expr, c / 16, c / 4 % 4, c % 4,
                             want);
                }
            }
        }
    }
}

static void test_decided_expressions_ask_no_more(void **state) {
    (void)state;
    struct answers a = {.count = {0, 1, 1}};
    assert_false(eval("0&1&2", &a));
    assert_int_equal(a.asked, 1);
    assert_true(eval("1|0|2", &a));
    assert_int_equal(a.asked, 1);
    assert_true(eval("(1|0|2)>0", &a));
    assert_int_equal(a.asked, 1);
    assert_true(eval("(1|0|2)>0,2", &a));
    assert_int_equal(a.asked, 3);
    assert_false(eval("(0&1)>3&(1|2)", &a));
    assert_int_equal(a.asked, 1);
}

static void test_values_for_people(void **state) {
    (void)state;
    static const struct {
        const char *expr;
        bool holds;
        uint64_t hits;
    } rows[] = {{"0", true, 2},          {"0=1", false, 2},   {"0|1|2", true, 5},
                {"(0|1)>9", false, 5},   {"0&1&2", false, 0}, {"(0&1)>4,2", true, 5},
                {"(0|1)>4,3", false, 5}, {"2=0", true, 0},    {"0&(1|2)=3", true, 5},
                {"1&(0|2)>3", false, 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mt_node nodes[64];
        struct logic_expr e = {nodes, tb_expr(rows[i].expr, nodes, 64), 64};
        struct answers a = {.count = {2, 3, 0}};
        bool holds = false;
        uint64_t hits = 99;
        assert_int_equal(logic_value(&e, answer, &a, &holds, &hits).code, SK_OK);
        if (holds != rows[i].holds || hits != rows[i].hits) {
            fail_msg("%s: %d, %llu hits", rows[i].expr, holds, (unsigned long long)hits);
        }
        a.fail_at = 1;
        a.asked = 0;
        assert_int_equal(logic_value(&e, answer, &a, &holds, &hits).code, SK_E_LIMIT);
    }
    struct logic_expr none = {NULL, 0, 0};
    bool holds;
    uint64_t hits;
    assert_int_equal(logic_value(&none, answer, NULL, &holds, &hits).code, SK_E_FORMAT);
}

static void test_error_of_a_count_is_passed_on(void **state) {
    (void)state;
    struct mt_node nodes[64];
    struct logic_expr e = {nodes, tb_expr("0&(1|2)>1", nodes, 64), 3};
    for (unsigned n = 1; n <= 3; n++) {
        struct answers a = {.count = {1, 1, 1}, .fail_at = n};
        bool holds;
        assert_int_equal(logic_eval(&e, answer, &a, &holds).code, SK_E_LIMIT);
    }
}

static void test_damaged_trees(void **state) {
    (void)state;
    struct answers a = {.count = {1, 1, 1}};
    bool holds;
    struct mt_node nodes[64], good[64];
    unsigned n = tb_expr("0&(1|2)>1", good, 64);
    assert_int_equal(n, 5);
    for (unsigned round = 0; round < 9; round++) {
        memcpy(nodes, good, sizeof(nodes));
        struct logic_expr e = {nodes, n, 3};
        switch (round) {
        case 1:
            nodes[0].arg = 3;
            break;
        case 2:
            nodes[2].size = 9;
            break;
        case 3:
            nodes[2].size = 0;
            break;
        case 4:
            nodes[2].op = 9;
            break;
        case 5:
            nodes[2].cmp = 9;
            break;
        case 6:
            nodes[1].arg = 3;
            break;
        case 7:
            e.node_count = 0;
            break;
        case 8:
            nodes[2].arg = 0;
            break;
        default:
            break;
        }
        sk_err err = logic_eval(&e, answer, &a, &holds);
        assert_int_equal(err.code, round == 0 ? SK_OK : SK_E_FORMAT);
    }
    struct mt_node deep[MT_NESTING_MAX + 2];
    for (unsigned i = 0; i < MT_NESTING_MAX + 2; i++) {
        deep[i] = (struct mt_node){
            .op = MT_NODE_AND, .arg = 1, .size = (uint16_t)(MT_NESTING_MAX + 2 - i)};
    }
    deep[MT_NESTING_MAX + 1] = (struct mt_node){.op = MT_NODE_SUB, .size = 1};
    struct logic_expr e = {deep, MT_NESTING_MAX + 2, 3};
    assert_int_equal(logic_eval(&e, answer, &a, &holds).code, SK_E_FORMAT);
    e.node = deep + 1;
    e.node_count = MT_NESTING_MAX + 1;
    assert_int_equal(logic_eval(&e, answer, &a, &holds).code, SK_OK);
    assert_true(holds);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions_mean_what_clamscan_does),
        cmocka_unit_test(test_decided_expressions_ask_no_more),
        cmocka_unit_test(test_values_for_people),
        cmocka_unit_test(test_error_of_a_count_is_passed_on),
        cmocka_unit_test(test_damaged_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
