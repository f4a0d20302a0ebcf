// SPDX-License-Identifier: Apache-2.0
/*
 * Logical expressions. `shape` writes the nodes with every parenthesis; `hits` is for how many of
 * the 54 combinations of hit counts (0..2, 0..2, 0..2, 0..1) clamscan 1.4.6 reported the signature
 * when four planted strings occurred that often (black-box run; the same evaluation is done here
 * over the compiled nodes). `need`: ids of the necessary set, costs rising with the id.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "defc/expr.h"
#include "defc/text.h"
#include "defc/why.h"

static const struct good {
    const char *text;
    const char *shape;
    int hits; /* -1: not measured */
    uint64_t need;
} goods[] = {
    {"0", "0", 36, 1},
    {"((0))", "0", 36, 1},
    {"00", "0", 36, 1},
    {"0&1|2", "(0&(1|2))", 32, 1},
    {"0|1&2", "(0|(1&2))", 44, 3},
    {"0&1|2&3", "(0&(1|(2&3)))", 28, 1},
    {"0|1&2|3", "(0|(1&(2|3)))", 46, 3},
    {"(0&1|2)", "((0&1)|2)", 44, 5},
    {"(0|1&2)", "((0|1)&2)", 32, 3},
    {"(0|1&2|3)", "(0|(1&2)|3)", 49, 11},
    {"(0&1|2|3)", "((0&(1|2))|3)", 43, 9},
    {"(0|1)&2|3", "((0|1)&(2|3))", 40, 3},
    {"((0|1)&2|3)", "(((0|1)&2)|3)", 43, 11},
    {"(0&1|2)>0", "((0&1)|2)>0", 44, 5},
    {"(0|1&2)>0", "((0|1)&2)>0", 32, 3},
    {"(0&1|2&3)>0", "(0&(1|2)&3)>0", 16, 1},
    {"((0&1)|2)&3", "(((0&1)|2)&3)", 22, 5},
    {"((0&1)|(2&3))", "((0&1)|(2&3))", 34, 5},
    {"(0&1|2)=3", "((0&1)|2)=3", 6, 5},
    {"(0|1&2)=3", "((0|1)&2)=3", 10, 3},
    {"(0|1&2)>3", "((0|1)&2)>3", 18, 3},
    {"3&(0&1|2)>0", "(((0&1)|2)>0&3)", 22, 5},
    {"(0|1|2&3)>0", "((0|1|2)&3)>0", 26, 7},
    {"(0&1&2|3)>0", "((0&1&2)|3)>0", 35, 9},
    {"((0|1)=2)&2", "((0|1)=2&2)", 12, 3},
    {"((0|1)=2|2)=3", "((0|1)=2|2)=3", 6, 7},
    {"((0|1)=2|2)>2", "((0|1)=2|2)>2", 12, 7},
    {"(0|1)=2&(1|2)=3", "((0|1)=2&(1|2)=3)", 4, 3},
    {"((0=1)|1)=2", "(0=1|1)=2", 18, 3},
    {"(0|1)<3,1&2", "((0|1)<3,1&2)", 20, 3},
    {"(0|1)<3,2&2", "((0|1)<3,2&2)", 4, 1},
    {"(0|1)<3&2", "(2&(0|1)<3)", 24, 4},
    {"(0|1)=0,1&2", "((0|1)=0,1&2)", 0, 3},
    {"(0|1)=0,0&2", "(2&(0|1)=0)", 4, 4},
    {"(0&1)=0&2", "(2&(0&1)=0)", 20, 4},
    {"(0&1)<2&2", "(2&(0&1)<2)", 20, 4},
    {"((0&1)|2)<2&3", "(3&((0&1)|2)<2)", 10, 8},
    {"(0|1|2|3)>1,3", "(0|1|2|3)>1,3", 28, 3},
    {"(0|1|2|3)>1,4", "(0|1|2|3)>1,4", -1, 1},
    {"(0|1|2|3)>1,2", "(0|1|2|3)>1,2", -1, 7},
    {"((0&1)|2|3)>1,3", "((0&1)|2|3)>1,3", -1, 1},
    {"((2&3)|0|1)>1,3", "((2&3)|0|1)>1,3", -1, 3},
    {"((2|3)>0|0|1)>1,2", "((2|3)>0|0|1)>1,2", -1, 1},
    {"(0=0|1|2)>0,2", "(0=0|1|2)>0,2", -1, 6},
    {"(0=0|1=0|2)>0,2", "(0=0|1=0|2)>0,2", -1, 0},
    {"3|(0&1)>2", "(3|(0&1)>2)", 36, 9},
    {"3&(0&1)>2", "((0&1)>2&3)", 9, 1},
    {"(0&1)>2|3", "((0&1)>2|3)", 36, 9},
    {"(0=0&1)", "(1&0=0)", 12, 2},
    {"0=0,1&1", "(1&0=0)", 12, 2},
    {"0<3,1&1", "(1&0<3)", 36, 2},
    {"2&((0)|(1))", "((0|1)&2)", 32, 3},
    {"2&(0)", "(0&2)", 24, 1},
    {"0<0&1", "(1&0<0)", 0, 2},
    {"(0|1)<0&2", "(2&(0|1)<0)", 0, 4},
    {"0=0", "0=0", -1, 0},
    {"0=0|1", "(0=0|1)", -1, 0},
    {"0<2", "0<2", -1, 0},
    {"(0|0)=2", "(0|0)=2", 18, 1},
    {"(0|0)>0,2", "(0|0)>0,2", 0, 1},
    {"63&5", "(5&63)", -1, 32},
    {"0=4294967295", "0=4294967295", 0, 1},
    {"(8==9)", "8=9", -1, 1 << 8},
    {"0==1", "0=1", 18, 1},
    {"0===1", "0=1", 18, 1},
    {"0>>1", "0>1", 18, 1},
    {"0=>1", "0>1", 18, 1},
    {"0<=1", "0=1", 18, 1},
    {"0>1,", "0>1", 18, 1},
    {"0=2,&1&2", "(0=2&1&2)", 8, 1},
    {"0=2,|1", "(0=2|1)", 42, 3},
    {"(0|1)>1,&2", "((0|1)>1&2)", 24, 3},
};

struct truth {
    bool holds;
    uint64_t sum, members;
};

static bool compare(const struct mt_node *n, uint64_t sum, uint64_t members) {
    bool holds = n->cmp == MT_CMP_EQ   ? sum == n->value
                 : n->cmp == MT_CMP_GT ? sum > n->value
                 : n->cmp == MT_CMP_LT ? sum < n->value
                                       : true;
    return holds && (unsigned)__builtin_popcountll(members) >= n->distinct;
}

/* What tables.h says about nodes, written once more. */
static struct truth eval(const struct mt_node **at, const unsigned *count) {
    const struct mt_node *n = (*at)++;
    if (n->op == MT_NODE_SUB) {
        uint64_t hits = n->arg < 4 ? count[n->arg] : 0;
        bool holds = n->cmp == MT_CMP_NONE ? hits > 0 : compare(n, hits, UINT64_MAX);
        return holds ? (struct truth){true, hits, (uint64_t)1 << n->arg}
                     : (struct truth){false, 0, 0};
    }
    struct truth all = {n->op == MT_NODE_AND, 0, 0};
    for (unsigned i = 0; i < n->arg; i++) {
        struct truth kid = eval(at, count);
        all.holds = n->op == MT_NODE_AND ? all.holds && kid.holds : all.holds || kid.holds;
        all.sum += kid.sum;
        all.members |= kid.members;
    }
    if (!all.holds) {
        all = (struct truth){false, 0, 0};
    }
    if (n->cmp != MT_CMP_NONE) {
        assert_true(n->flags & MT_NODE_GROUP);
        all.holds = compare(n, all.sum, all.members);
        all.members = 0; /* seen with clamscan: nothing to the "distinct" of a group around */
    }
    return all.holds ? all : (struct truth){false, 0, 0};
}

/* need: where the nodes hold, one of these has a hit; 0: they hold without. */
static int count_hits(const struct mt_node *nodes, size_t n, uint64_t need) {
    int hits = 0;
    for (unsigned i = 0; i < 54; i++) {
        const unsigned count[4] = {i % 3, i / 3 % 3, i / 9 % 3, i / 27};
        const struct mt_node *at = nodes;
        bool holds = eval(&at, count).holds;
        uint64_t hit = 0;
        for (unsigned k = 0; k < 4; k++) {
            hit |= (uint64_t)(count[k] > 0) << k;
        }
        assert_true(!holds || need == 0 || (need & hit) != 0);
        hits += holds;
        assert_true(at == nodes + n);
    }
    return hits;
}

static void put(struct buf *out, const char *text) {
    assert_false(sk_failed(buf_puts(out, text)));
}

static void shape(struct buf *out, const struct mt_node **at) {
    const struct mt_node *n = (*at)++, *end = n + n->size;
    if (n->op == MT_NODE_SUB) {
        assert_false(sk_failed(buf_printf(out, "%u", n->arg)));
    } else {
        put(out, "(");
        for (unsigned i = 0; i < n->arg; i++) {
            put(out, i == 0 ? "" : n->op == MT_NODE_AND ? "&" : "|");
            shape(out, at);
        }
        put(out, ")");
    }
    assert_true(*at == end);
    if (n->cmp != MT_CMP_NONE) {
        assert_false(sk_failed(buf_printf(out, "%c%u", "?=><"[n->cmp], n -> value)));
    }
    if (n->distinct > 0) {
        assert_false(sk_failed(buf_printf(out, ",%u", n->distinct)));
    }
}

static void rising_costs(double *cost) {
    cost[0] = 1;
    for (unsigned i = 1; i < MT_SUB_MAX; i++) {
        cost[i] = cost[i - 1] * 2.5; /* a subsignature costs more than all before it together */
    }
}

static void good_expressions(void **state) {
    (void)state;
    struct expr e = {0};
    struct vec nodes = {0};
    struct buf out = {0};
    double cost[MT_SUB_MAX];
    unsigned wrong = 0;
    rising_costs(cost);
    for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
        struct defc_why why = {.reason = DEFC_TAKEN};
        assert_false(sk_failed(expr_parse(&e, text_of(goods[i].text), &why)));
        if (why.reason != DEFC_TAKEN) {
            fail_msg("%s: %s", goods[i].text, why.text);
        }
        expr_rank(&e, cost, NULL);
        nodes.count = 0;
        assert_false(sk_failed(expr_write(&e, &nodes)));
        buf_clear(&out);
        const struct mt_node *at = nodes.data;
        shape(&out, &at);
        uint64_t need = expr_at(&e, e.root)->need;
        int hits = count_hits(nodes.data, nodes.count, need);
        if (strcmp(buf_text(&out), goods[i].shape) != 0 ||
            (goods[i].hits >= 0 && hits != goods[i].hits) || need != goods[i].need) {
            print_error("%s: %s, %d hits, need %llx\n", goods[i].text, buf_text(&out), hits,
                        (unsigned long long)need);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
    buf_release(&out);
    vec_release(&nodes);
    expr_release(&e);
}

static const char *const bads[] = {
    "",
    "()",
    "(0",
    "0)",
    "0&&1",
    "0|",
    "&0",
    "0 & 1",
    "(0)1",
    "0(1)",
    "0=",
    "0<",
    "0=a",
    "0&1>",
    "0|1|",
    "(0|1),1",
    "0,1",
    "0-1",
    "0>1>2",
    "64",
    "0=4294967296",
    "0>99999999999",
    "0=+1",
    "(0|1)>-1",
    "(0|1)=1,2,3",
    "((0|1)>1)>1",
    "((0|1)>1)=3",
    "(0=1)>0",
    "2&(0)>1",
    "a",
    "0&a",
    "(0|1)==2",
    "(0&1)==2,1",
    "(0|1)>,1",
    "0=1=",
    "0=&1",
    "0=,2&1",
    /* clamscan takes these, with answers that nobody meant */
    "0<<1",
    "0><1",
    "0>1,,1&1",
};

static void bad_expressions(void **state) {
    (void)state;
    struct expr e = {0};
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        struct defc_why why = {.reason = DEFC_TAKEN};
        assert_false(sk_failed(expr_parse(&e, text_of(bads[i]), &why)));
        if (why.reason != DEFC_MALFORMED || why.text[0] == 0) {
            fail_msg("taken: %s", bads[i]);
        }
    }
    expr_release(&e);
}

static void nesting_is_limited(void **state) {
    (void)state;
    struct expr e = {0};
    struct buf text = {0};
    for (unsigned deep = MT_NESTING_MAX - 2; deep < MT_NESTING_MAX + 40; deep++) {
        struct defc_why why = {.reason = DEFC_TAKEN};
        buf_clear(&text);
        for (unsigned i = 0; i < deep; i++) {
            put(&text, i % 2 ? "(0|" : "(0&");
        }
        put(&text, "1");
        for (unsigned i = 0; i < deep; i++) {
            put(&text, ")");
        }
        assert_false(sk_failed(expr_parse(&e, text_of(buf_text(&text)), &why)));
        assert_int_equal(why.reason, deep < MT_NESTING_MAX ? DEFC_TAKEN : DEFC_MALFORMED);
    }
    buf_release(&text);
    expr_release(&e);
}

static void impossible_costs(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t need;
    } rows[] = {{"0", 0}, {"0&1", 2}, {"0|1", 0}, {"0&(1|0)", 0}, {"(1|2)&0", 6}, {"0&1&2", 2}};
    struct expr e = {0};
    double cost[MT_SUB_MAX];
    rising_costs(cost);
    cost[0] = EXPR_COST_NONE;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct defc_why why = {.reason = DEFC_TAKEN};
        assert_false(sk_failed(expr_parse(&e, text_of(rows[i].text), &why)));
        expr_rank(&e, cost, NULL);
        assert_int_equal(expr_at(&e, e.root)->need, rows[i].need);
    }
    expr_release(&e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_expressions),
        cmocka_unit_test(bad_expressions),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(impossible_costs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
