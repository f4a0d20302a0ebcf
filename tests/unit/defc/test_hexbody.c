// SPDX-License-Identifier: Apache-2.0
/*
 * Hex bodies. Programs are written out as text by a small disassembler:
 *   L"6162" literal, I"6162" literal without case, M"60/f0" masks, S3 skip, [n] set of n bytes,
 *   F(6162|6364) F!(..) Fi(..) fixed, A(x|y) alternatives, B+l (W) boundary with negation and side,
 *   N(l,1-4,61/ff) one-byte anchor; parts are joined by {min-max}.
 * What is refused here is refused by clamscan 1.4.6 as well, except where a comment says otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "defc/hexbody.h"
#include "defc/text.h"
#include "defc/why.h"

static void dump_pairs(struct buf *out, struct sk_cursor *c, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        uint8_t value = sk_cursor_u8(c), mask = sk_cursor_u8(c);
        assert_false(sk_failed(mask == 0xff ? buf_printf(out, "%02x", value)
                                            : buf_printf(out, "%02x/%02x,", value, mask)));
    }
}

static void put(struct buf *out, const char *text) {
    assert_false(sk_failed(buf_puts(out, text)));
}

static void dump_literal(struct buf *out, struct sk_cursor *c, char letter) {
    assert_false(sk_failed(buf_printf(out, "%c\"", letter)));
    for (unsigned n = sk_cursor_u16le(c); n > 0; n--) {
        assert_false(sk_failed(buf_printf(out, "%02x", sk_cursor_u8(c))));
    }
    put(out, "\"");
}

static void dump_set(struct buf *out, struct sk_cursor *c) {
    const uint8_t *set = sk_cursor_take(c, 32);
    assert_non_null(set);
    unsigned n = 0;
    for (unsigned b = 0; b < 256; b++) {
        n += set[b / 8] >> b % 8 & 1;
    }
    assert_false(sk_failed(buf_printf(out, "[%u]", n)));
}

static void dump_fixed(struct buf *out, struct sk_cursor *c) {
    bool negated = sk_cursor_u8(c), nocase = sk_cursor_u8(c);
    unsigned n = sk_cursor_u16le(c), count = sk_cursor_u16le(c);
    assert_false(sk_failed(buf_printf(out, "F%s%s(", negated ? "!" : "", nocase ? "i" : "")));
    for (unsigned i = 0; i < count; i++) {
        put(out, i > 0 ? "|" : "");
        dump_pairs(out, c, n);
    }
    put(out, ")");
}

static void dump(struct buf *out, struct sk_cursor c);

static void dump_alt(struct buf *out, struct sk_cursor *c) {
    unsigned count = sk_cursor_u16le(c);
    put(out, "A(");
    for (unsigned i = 0; i < count; i++) {
        put(out, i > 0 ? "|" : "");
        size_t len = sk_cursor_u16le(c);
        const uint8_t *inner = sk_cursor_take(c, len);
        dump(out, sk_cursor_make(inner, len));
    }
    put(out, ")");
}

static void dump_op(struct buf *out, struct sk_cursor *c) {
    uint8_t a, b, d, e, f;
    switch (sk_cursor_u8(c)) {
    case MT_OP_LIT:
        dump_literal(out, c, 'L');
        break;
    case MT_OP_LITI:
        dump_literal(out, c, 'I');
        break;
    case MT_OP_MASK:
        put(out, "M\"");
        dump_pairs(out, c, sk_cursor_u16le(c));
        put(out, "\"");
        break;
    case MT_OP_SKIP:
        assert_false(sk_failed(buf_printf(out, "S%u", sk_cursor_u16le(c))));
        break;
    case MT_OP_SET:
        dump_set(out, c);
        break;
    case MT_OP_FIXED:
        dump_fixed(out, c);
        break;
    case MT_OP_ALT:
        dump_alt(out, c);
        break;
    case MT_OP_BOUND:
        a = sk_cursor_u8(c);
        b = sk_cursor_u8(c);
        d = sk_cursor_u8(c);
        assert_false(sk_failed(buf_printf(out, "B%c%c(%c)", b ? '-' : '+', d ? 'r' : 'l', a)));
        break;
    case MT_OP_NEAR:
        a = sk_cursor_u8(c);
        b = sk_cursor_u8(c);
        d = sk_cursor_u8(c);
        e = sk_cursor_u8(c);
        f = sk_cursor_u8(c);
        assert_false(
            sk_failed(buf_printf(out, "N(%c,%u-%u,%02x/%02x)", a ? 'r' : 'l', b, d, e, f)));
        break;
    default:
        fail_msg("unknown operation after %s", buf_text(out));
    }
}

static void dump(struct buf *out, struct sk_cursor c) {
    while (sk_cursor_left(&c) > 0) {
        dump_op(out, &c);
        assert_true(sk_cursor_ok(&c));
    }
}

/* The parts as text, or "" with *why set. */
static void compile(struct hex_stage *st, const char *body, unsigned flags, struct buf *out,
                    struct defc_why *why) {
    struct hex_range r = {0};
    *why = (struct defc_why){.reason = DEFC_TAKEN};
    hex_stage_clear(st);
    buf_clear(out);
    assert_false(sk_failed(hex_compile(st, text_of(body), flags, &r, why)));
    for (uint32_t i = 0; i < r.part_count && why_taken(why); i++) {
        const struct hex_part *p = &((const struct hex_part *)st->part.data)[r.part_first + i];
        if (i > 0) {
            assert_false(sk_failed(p->gap_max == MT_UNBOUNDED
                                       ? buf_printf(out, "{%u-}", p->gap_min)
                                       : buf_printf(out, "{%u-%u}", p->gap_min, p->gap_max)));
        }
        dump(out, sk_cursor_make(st->prog.data + p->prog, p->prog_len));
    }
}

static const struct good {
    const char *body;
    unsigned flags;
    const char *want;
} goods[] = {
    {"6162", 0, "L\"6162\""},
    {"6162", HEX_NOCASE, "I\"6162\""},
    {"4142", HEX_NOCASE, "I\"6162\""},
    {"0102", HEX_NOCASE, "L\"0102\""},
    {"6162", HEX_WIDE, "L\"61006200\""},
    {"61??6263", 0, "L\"61\"S1L\"6263\""},
    {"61??6263", HEX_WIDE, "L\"6100\"S1L\"0062006300\""},
    {"61{1}62", HEX_WIDE, "L\"6100\"S1L\"6200\""},
    {"6162{2}{2}6364", 0, "L\"6162\"S4L\"6364\""},
    {"{2}6162", 0, "S2L\"6162\""},
    {"6162{2}", 0, "L\"6162\"S2"},
    {"6162{}6364", 0, "L\"61626364\""},
    {"6162{127}6364", 0, "L\"6162\"S127L\"6364\""},
    {"6162{128}6364", 0, "L\"6162\"{128-128}L\"6364\""},
    {"6162*6364", 0, "L\"6162\"{0-}L\"6364\""},
    {"6162{-}6364", 0, "L\"6162\"{0-}L\"6364\""},
    {"6162{-9}6364", 0, "L\"6162\"{0-9}L\"6364\""},
    {"6162{9-}6364", 0, "L\"6162\"{9-}L\"6364\""},
    {"6162{3-9}6364", 0, "L\"6162\"{3-9}L\"6364\""},
    {"6162*{2}6364", 0, "L\"6162\"{0-}S2L\"6364\""},
    {"61626?", 0, "L\"6162\"M\"60/f0,\""},
    {"6162?6", 0, "L\"6162\"M\"06/0f,\""},
    {"6162?6", HEX_NOCASE, "I\"6162\"M\"06/0f,\""},
    {"61624?", HEX_NOCASE, "I\"6162\"M\"40/f0,\""},
    {"61626?", HEX_NOCASE, "I\"6162\"[31]"}, /* 60..6f and A..O */
    {"6162(61|62)", 0, "L\"6162\"[2]"},
    {"6162(61|62)", HEX_NOCASE, "I\"6162\"[4]"},
    {"6162(6?|62)", 0, "L\"6162\"[16]"},
    {"6162(63)", 0, "L\"6162\"[1]"},
    {"6162!(61|62)", 0, "L\"6162\"[254]"},
    {"6162(61|62)", HEX_WIDE, "L\"61006200\"F(6100|6200)"},
    {"(6162|6364)6566", 0, "F(6162|6364)L\"6566\""},
    {"6566!(6162|6364)", 0, "L\"6566\"F!(6162|6364)"},
    {"6566!(6162)67", 0, "L\"6566\"F!(6162)L\"67\""},
    {"6162(4162|6364)", HEX_NOCASE, "I\"6162\"Fi(6162|6364)"},
    {"6162(6?62|6364)", 0, "L\"6162\"F(60/f0,62|6364)"},
    {"6162(6?62|6364)", HEX_NOCASE, "I\"6162\"A([31]I\"62\"|I\"6364\")"},
    {"6566(6162|63)67", 0, "L\"6566\"A(L\"6162\"|L\"63\")L\"67\""},
    {"(6162|63)6566", 0, "A(L\"6162\"|L\"63\")L\"6566\""},
    {"6566(72|)67", 0, "L\"6566\"A(L\"72\"|)L\"67\""},
    {"6566(72|73|)67", 0, "L\"6566\"A(L\"72\"|L\"73\"|)L\"67\""},
    {"6566(6162|63(64|6566)6a)67", 0,
     "L\"6566\"A(L\"6162\"|L\"63\"A(L\"64\"|L\"6566\")L\"6a\")L\"67\""},
    {"6566((72|73)|74)67", 0, "L\"6566\"A([2]|L\"74\")L\"67\""},
    {"6566(72{1}75|7677)67", 0, "L\"6566\"A(L\"72\"S1L\"75\"|L\"7677\")L\"67\""},
    {"(B)6162", 0, "B+l(B)L\"6162\""},
    {"6162(L)", 0, "L\"6162\"B+r(L)"},
    {"!(W)6162!(W)", 0, "B-l(W)L\"6162\"B-r(W)"},
    {"6162(W)*(B)6364", 0, "L\"6162\"B+r(W){0-}B+l(B)L\"6364\""},
    {"6162(B)6364", 0, "L\"6162\"[13]L\"6364\""},
    {"6162(L)6364", 0, "L\"6162\"A(L\"0a\"|L\"0d0a\")L\"6364\""},
    {"6162!(L)6364", 0, "L\"6162\"[255]L\"6364\""},
    {"6162(W)6364", 0, "L\"6162\"[194]L\"6364\""},
    {"6162!(W)6364", 0, "L\"6162\"[62]L\"6364\""},
    {"6162(W){2}6364", 0, "L\"6162\"[194]S2L\"6364\""},
    {"61[1-4]6263", 0, "N(l,1-4,61/ff)L\"6263\""},
    {"6162[0-10]63", 0, "L\"6162\"N(r,0-10,63/ff)"},
    {"6162[2]63", HEX_NOCASE, "I\"6162\"N(r,2-2,43/df)"},
    {"6?[1-2]6263", 0, "N(l,1-2,60/f0)L\"6263\""},
    {"61[1-2]6263[3-4]64", 0, "N(l,1-2,61/ff)L\"6263\"N(r,3-4,64/ff)"},
    {"0d0a{3-30}28[1-2]2920{3-30}0d0a", 0, "L\"0d0a\"{3-30}N(l,1-2,28/ff)L\"2920\"{3-30}L\"0d0a\""},
};

static void good_bodies(void **state) {
    (void)state;
    struct hex_stage st = {0};
    struct buf out = {0};
    for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
        struct defc_why why;
        compile(&st, goods[i].body, goods[i].flags, &out, &why);
        if (why.reason != DEFC_TAKEN || strcmp(buf_text(&out), goods[i].want) != 0) {
            fail_msg("%s: got %s %s", goods[i].body, buf_text(&out), why.text);
        }
    }
    buf_release(&out);
    hex_stage_release(&st);
}

static const struct bad {
    const char *body;
    unsigned flags;
} bads[] = {
    {"", 0},
    {"aa", 0},
    {"61??62", 0},
    {"6?62", 0},
    {"616?", 0},
    {"6162*63", 0},
    {"*6162", 0},
    {"6162*", 0},
    {"{2-3}6162", 0},
    {"6162{2-3}", 0},
    {"6162{200}63", 0},
    {"6162**6364", 0},
    {"61626", 0},
    {"6162zz", 0},
    {"(61|62)", 0},
    {"(6162|6364)", 0},
    {"(6162|6364)65", 0},
    {"6566(6*72|7?73)67", 0},
    {"6566(6172{1-2}|7473)67", 0},
    {"6566(|72)67", 0},
    {"6566()67", 0},
    {"6566!(72|7374)67", 0},
    {"6566!(72(73|74))67", 0},
    {"6566!(7?)67", 0},
    {"6566(72!(73|74)75|7677)67xx", 0},
    {"6566(7275(B)|7677)67", 0},
    {"6162!(63|64)", HEX_WIDE},
    {"6162!(63|64)", HEX_NOCASE},
    {"6162!63", 0},
    {"6162!{1}63", 0},
    {"6162[1-2]6364", 0},
    {"61[1-2]62", 0},
    {"61[1-33]626364", 0},
    {"61[3-2]626364", 0},
    {"(61|66)[1-2]6263", 0},
    {"6263[1-2](61|66)", 0},
    {"6162[1-2]63[1-2]64", 0},
    {"6162[1-2]", 0},
    {"[1-2]6162", 0},
    {"6162[1-2]63{5}", 0},
    {"616(62|63)64", 0},
    {"6162(6|63)64", 0},
    {"6162(636|646)65", 0},
    {"6162{1a}6364", 0},
    {"6162{a}6364", 0},
    {"6162{1-2-3}6364", 0},
    {"6162{1", 0},
    {"6162(63", 0},
    {"6162)63", 0},
    {"6162]63", 0},
    {"6162}63", 0},
    {"6162|63", 0},
    {"61(62)63", 0},
    {"6162{3-2}6364", 0},          /* clamscan takes it and never matches */
    {"6162{1-5000000000}6364", 0}, /* clamscan wraps round */
    {"61[1-2]626364", HEX_WIDE},   /* clamscan takes it with a meaning of its own */
};

static void bad_bodies(void **state) {
    (void)state;
    struct hex_stage st = {0};
    struct buf out = {0};
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        struct defc_why why;
        compile(&st, bads[i].body, bads[i].flags, &out, &why);
        if (why.reason != DEFC_MALFORMED || why.text[0] == 0) {
            fail_msg("%s: taken as %s", bads[i].body, buf_text(&out));
        }
    }
    buf_release(&out);
    hex_stage_release(&st);
}

static void repeat(struct buf *b, const char *text, unsigned times) {
    for (unsigned i = 0; i < times; i++) {
        put(b, text);
    }
}

/* Limits: nesting, number of parts, size of alternatives, length of the text. */
static void limits(void **state) {
    (void)state;
    struct hex_stage st = {0};
    struct buf body = {0}, out = {0};
    struct defc_why why;
    for (unsigned extra = 0; extra < 2; extra++) {
        buf_clear(&body);
        put(&body, "6566");
        repeat(&body, "(61(", (MT_ALT_NESTING_MAX + 1) / 2 - 1 + extra);
        put(&body, "(61|6263)");
        repeat(&body, "62|63)|6465)", (MT_ALT_NESTING_MAX + 1) / 2 - 1 + extra);
        compile(&st, buf_text(&body), 0, &out, &why);
        assert_int_equal(why.reason, extra == 0 ? DEFC_TAKEN : DEFC_MALFORMED);
    }
    for (unsigned extra = 0; extra < 2; extra++) {
        buf_clear(&body);
        put(&body, "6162");
        repeat(&body, "*6162", HEX_PART_MAX - 1 + extra);
        compile(&st, buf_text(&body), 0, &out, &why);
        assert_int_equal(why.reason, extra == 0 ? DEFC_TAKEN : DEFC_MALFORMED);
    }
    buf_clear(&body);
    put(&body, "6162(61|62");
    repeat(&body, "(61|62)", 2500);
    put(&body, ")");
    compile(&st, buf_text(&body), 0, &out, &why);
    assert_int_equal(why.reason, DEFC_MALFORMED);
    buf_clear(&body);
    repeat(&body, "61", BODY_LINE_MAX / 2 + 1);
    compile(&st, buf_text(&body), 0, &out, &why);
    assert_int_equal(why.reason, DEFC_MALFORMED);
    buf_release(&body);
    buf_release(&out);
    hex_stage_release(&st);
}

/* Runs: what keys and triggers are made of. */
static void runs_and_lengths(void **state) {
    (void)state;
    struct hex_stage st = {0};
    struct buf out = {0};
    struct defc_why why;
    compile(&st, "616263??64(65|6667)6869", 0, &out, &why);
    assert_int_equal(why.reason, DEFC_TAKEN);
    const struct hex_run *run = st.run.data;
    assert_int_equal(st.run.count, 3);
    assert_int_equal(run[0].len, 3);
    assert_int_equal(run[0].delta, 0);
    assert_int_equal(run[1].len, 1);
    assert_int_equal(run[1].delta, 4);
    assert_int_equal(run[2].len, 2);
    assert_int_equal(run[2].delta, HEX_FLOATING);
    assert_memory_equal(st.prog.data + run[2].prog, "hi", 2);
    const struct hex_part *part = st.part.data;
    assert_int_equal(part[0].len_min, 8);
    assert_int_equal(part[0].len_max, 9);
    compile(&st, "61[1-9]626364[1-9]65", 0, &out, &why);
    part = st.part.data;
    run = st.run.data;
    assert_int_equal(part[0].len_min, 3);
    assert_int_equal(part[0].len_max, 3);
    assert_int_equal(st.run.count, 1);
    assert_int_equal(run[0].delta, 0);
    buf_release(&out);
    hex_stage_release(&st);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_bodies),
        cmocka_unit_test(bad_bodies),
        cmocka_unit_test(limits),
        cmocka_unit_test(runs_and_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
