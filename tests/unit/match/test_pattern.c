// SPDX-License-Identifier: Apache-2.0
/* Patterns against the brute-force matcher: random bodies over a small alphabet, every offset kind,
 * words, windows, budgets, damaged programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "build_internal.h"
#include "match/bound.h"
#include "match/pattern.h"

static struct pattern_run run;
static struct match_budget budget;

static int setup(void **state) {
    (void)state;
    return sk_failed(pattern_run_init(&run)) ? -1 : 0;
}

static int teardown(void **state) {
    (void)state;
    pattern_run_release(&run);
    return 0;
}

static uint64_t count_in(const struct mt_segment *seg, uint32_t sub, struct sk_source *src,
                         const struct sk_exe *exe, uint64_t want) {
    budget = (struct match_budget){.steps = (uint64_t)1 << 40};
    pattern_run_start(&run, src, exe, &budget);
    struct pattern_hits hits = {77, 77};
    assert_int_equal(pattern_count(&run, seg, sub, want, &hits).code, SK_OK);
    assert_true(hits.count == 0 ? hits.first == 0 : hits.first < src->size + 1);
    return hits.count;
}

static uint64_t count_mem(const struct mt_segment *seg, uint32_t sub, const void *text, size_t len,
                          const struct sk_exe *exe) {
    struct sk_source src;
    sk_source_init_mem(&src, text, len);
    uint64_t count = count_in(seg, sub, &src, exe, UINT64_MAX);
    sk_source_release(&src);
    return count;
}

/* ---- random bodies --------------------------------------------------------------------------- */

static char *put_byte(char *p) {
    static const char *const bytes[] = {"61", "62", "63", "41", "62", "6?", "?2", "??"};
    const char *b = bytes[tb_below(tb_below(3) == 0 ? 8 : 4)];
    *p++ = b[0];
    *p++ = b[1];
    return p;
}

static char *put_gap(char *p) {
    unsigned a = tb_below(4), b = a + tb_below(5);
    switch (tb_below(4)) {
    case 0:
        *p++ = '*';
        return p;
    case 1:
        return p + snprintf(p, 16, "{%u}", a);
    case 2:
        return p + snprintf(p, 16, "{%u-}", a);
    default:
        return p + snprintf(p, 16, "{%u-%u}", a, b);
    }
}

static char *put_alt(char *p) {
    unsigned n = 2 + tb_below(3), len = 1 + tb_below(3);
    bool same = tb_below(2) == 0;
    if (same && tb_below(2) == 0) {
        *p++ = '!';
    }
    *p++ = '(';
    for (unsigned i = 0; i < n; i++) {
        if (i > 0) {
            *p++ = '|';
        }
        for (unsigned k = same ? len : 1 + tb_below(3); k > 0; k--) {
            p = put_byte(p);
        }
    }
    *p++ = ')';
    return p;
}

static void random_body(char *p) {
    unsigned parts = 1 + tb_below(3);
    for (unsigned i = 0; i < parts; i++) {
        if (i > 0) {
            p = put_gap(p);
        }
        p = put_byte(p);
        for (unsigned n = tb_below(5); n > 0; n--) {
            p = tb_below(4) == 0 ? put_alt(p) : put_byte(p);
        }
    }
    *p = '\0';
}

static const struct sk_exe_section sections[] = {{.off = 10, .size = 20}, {.off = 40, .size = 9}};
static const uint32_t vinfo[] = {5, 17, 18, 60};
static const struct sk_exe exe = {.has_entry = true,
                                  .entry = 33,
                                  .section_count = 2,
                                  .section = sections,
                                  .vinfo = vinfo,
                                  .vinfo_count = 4};

static void test_random_bodies_agree_with_brute_force(void **state) {
    (void)state;
    uint64_t hits = 0;
    for (unsigned round = 0; round < 4000; round++) {
        tb_seed = round + 1;
        struct tb *b = tb_new();
        b->no_keys = tb_below(5) == 0;
        char body[512];
        random_body(body);
        static const unsigned flag_menu[] = {
            0, 0, 0, TB_NOCASE, MT_SUB_FULLWORD, MT_SUB_FULLWORD | MT_SUB_WIDE};
        struct tb_sub_spec spec = {.body = body, .flags = flag_menu[tb_below(6)]};
        if (tb_below(3) == 0) {
            spec.off_kind = (enum mt_off_kind)tb_below(MT_OFF_VI + 1);
            spec.section = (uint16_t)tb_below(3);
            spec.off =
                spec.off_kind == MT_OFF_EP ? (int32_t)tb_below(80) - 40 : (int32_t)tb_below(100);
            spec.shift = tb_below(2) == 0 ? 0 : tb_below(60);
        }
        uint32_t sub = tb_sub(b, &spec);
        const struct mt_segment *seg = tb_finish(b);
        for (unsigned t = 0; t < 4; t++) {
            uint8_t text[160];
            size_t len = tb_below(sizeof(text));
            static const char letters[] = "aaabbbccAB .\0\xe9";
            for (size_t i = 0; i < len; i++) {
                text[i] = (uint8_t)letters[tb_below(sizeof(letters) - 1)];
            }
            const struct sk_exe *e = tb_below(8) == 0 ? NULL : &exe;
            uint64_t want = tb_oracle(b, sub, text, len, e);
            uint64_t got = count_mem(seg, sub, text, len, e);
            if (want != got) {
                fail_msg("round %u body %s kind %u flags %u: %llu instead of %llu", round, body,
                         (unsigned)spec.off_kind, spec.flags, (unsigned long long)got,
                         (unsigned long long)want);
            }
            struct sk_bytes bytes = {text, len};
            struct sk_source src;
            tb_read_source(&src, &bytes);
            uint64_t some = 1 + tb_below(3);
            assert_int_equal(count_in(seg, sub, &src, e, some), want < some ? want : some);
            sk_source_release(&src);
            hits += want;
        }
        tb_free(b);
    }
    assert_true(hits > 10000); /* or the test would compare nothing with nothing */
}

/* ---- windows --------------------------------------------------------------------------------- */

/* Chains that cross window borders, with a far gap, in a source that is not in memory. */
static void test_chains_cross_windows(void **state) {
    (void)state;
    size_t len = 3 * SK_SOURCE_WINDOW_BYTES + 100;
    uint8_t *text = mem_zalloc(len, 1);
    assert_non_null(text);
    struct tb *b = tb_new();
    uint32_t far = tb_sub(b, &(struct tb_sub_spec){.body = "71727374{250000-270000}75767778"});
    uint32_t any = tb_sub(b, &(struct tb_sub_spec){.body = "71727374*75767778*797a"});
    uint32_t one = tb_sub(b, &(struct tb_sub_spec){.body = "71??737475(7677|78)"});
    const struct mt_segment *seg = tb_finish(b);
    for (size_t at = SK_SOURCE_WINDOW_BYTES - 12; at < SK_SOURCE_WINDOW_BYTES + 4; at++) {
        memset(text, 0, len);
        memcpy(text + at, "qrstuvw", 7);
        memcpy(text + at + 4 + 255555, "uvwx", 4);
        memcpy(text + len - 2, "yz", 2);
        struct sk_bytes bytes = {text, len};
        struct sk_source src;
        tb_read_source(&src, &bytes);
        assert_int_equal(count_in(seg, far, &src, NULL, 9), 1);
        assert_int_equal(count_in(seg, any, &src, NULL, 9), 1);
        assert_int_equal(count_in(seg, one, &src, NULL, 9), 1);
        sk_source_release(&src);
    }
    tb_free(b);
    mem_free(text);
}

/* A file of zeros with a part that matches everywhere stays cheap: spans join. */
static void test_dense_parts_do_not_reach_the_chain_limit(void **state) {
    (void)state;
    size_t len = 600000;
    uint8_t *text = mem_zalloc(len, 1);
    assert_non_null(text);
    memcpy(text + len - 20, "zzzz", 4);
    struct tb *b = tb_new();
    uint32_t near = tb_sub(b, &(struct tb_sub_spec){.body = "00000000{0-10}7a7a7a7a"});
    uint32_t exact = tb_sub(b, &(struct tb_sub_spec){.body = "00000000{200}7a7a7a7a"});
    uint32_t any = tb_sub(b, &(struct tb_sub_spec){.body = "0000*7a7a7a7a"});
    const struct mt_segment *seg = tb_finish(b);
    assert_int_equal(count_mem(seg, near, text, len, NULL), 1);
    assert_int_equal(count_mem(seg, exact, text, len, NULL), 1);
    assert_int_equal(count_mem(seg, any, text, len, NULL), 1);
    tb_free(b);
    mem_free(text);
}

/* The same places are no problem when a later part is rarer: its key narrows the starts. */
static void test_rare_part_narrows_the_starts(void **state) {
    (void)state;
    size_t len = (size_t)(PATTERN_CHAIN_MAX + 10) * 8;
    uint8_t *text = mem_zalloc(len, 1);
    assert_non_null(text);
    for (size_t i = 0; i < len; i += 8) {
        text[i] = text[i + 1] = 'q';
    }
    struct tb *b = tb_new();
    uint32_t sub = tb_sub(b, &(struct tb_sub_spec){.body = "7171{1-3}??{0-9}7a7a7a"});
    const struct mt_segment *seg = tb_finish(b);
    assert_int_equal(count_mem(seg, sub, text, len, NULL), 0);
    memcpy(text + len - 13, "zzz", 3);
    assert_int_equal(count_mem(seg, sub, text, len, NULL), 1);
    memcpy(text + 800, "zzz", 3);
    assert_int_equal(count_mem(seg, sub, text, len, NULL), 2);
    tb_free(b);
    mem_free(text);
}

static void test_too_many_chains_is_a_limit(void **state) {
    (void)state;
    size_t len = (size_t)(PATTERN_CHAIN_MAX + 10) * 8;
    uint8_t *text = mem_zalloc(len, 1);
    assert_non_null(text);
    for (size_t i = 0; i < len; i += 8) {
        text[i] = text[i + 1] = 'q';
    }
    struct tb *b = tb_new();
    uint32_t sub = tb_sub(b, &(struct tb_sub_spec){.body = "7171{1-3}7272"});
    const struct mt_segment *seg = tb_finish(b);
    struct sk_source src;
    sk_source_init_mem(&src, text, len);
    budget = (struct match_budget){.steps = (uint64_t)1 << 40};
    pattern_run_start(&run, &src, NULL, &budget);
    struct pattern_hits hits;
    assert_int_equal(pattern_count(&run, seg, sub, 1, &hits).code, SK_E_LIMIT);
    tb_free(b);
    mem_free(text);
}

/* ---- budget ---------------------------------------------------------------------------------- */

static bool never(void *ctx) {
    (*(unsigned *)ctx)++;
    return false;
}

static void test_budget_and_tick_end_a_search(void **state) {
    (void)state;
    size_t len = 100000;
    uint8_t *text = mem_zalloc(len, 1);
    assert_non_null(text);
    struct tb *b = tb_new();
    uint32_t sub = tb_sub(b, &(struct tb_sub_spec){.body = "00(00|0000)(00|0000)(00|0000)01"});
    const struct mt_segment *seg = tb_finish(b);
    struct sk_source src;
    sk_source_init_mem(&src, text, len);
    struct pattern_hits hits;
    budget = (struct match_budget){.steps = 5000};
    pattern_run_start(&run, &src, NULL, &budget);
    assert_int_equal(pattern_count(&run, seg, sub, 1, &hits).code, SK_E_LIMIT);
    assert_int_equal(budget.steps, 0);
    unsigned asked = 0;
    budget = (struct match_budget){.steps = 1 << 30, .tick = never, .ctx = &asked};
    pattern_run_start(&run, &src, NULL, &budget);
    assert_int_equal(pattern_count(&run, seg, sub, 1, &hits).code, SK_E_LIMIT);
    assert_int_equal(asked, 1);
    tb_free(b);
    mem_free(text);
}

/* ---- programs by hand ------------------------------------------------------------------------ */

static bool run_program(const uint8_t *prog, size_t len, const char *text, uint64_t pos,
                        uint64_t *out_end) {
    struct sk_source src;
    sk_source_init_mem(&src, text, strlen(text));
    budget = (struct match_budget){.steps = 100000};
    pattern_run_start(&run, &src, NULL, &budget);
    struct pattern_prog p = {prog, 0, (uint32_t)len};
    return pattern_match(&run, &p, pos, out_end);
}

static void test_boundaries(void **state) {
    (void)state;
    static const struct {
        char kind;
        uint8_t negated;
        enum mt_side side;
        const char *text;
        unsigned pos;
        bool holds;
    } rows[] = {
        {'B', 0, MT_SIDE_LEFT, ".x", 1, true},     {'B', 0, MT_SIDE_LEFT, "\nx", 1, false},
        {'B', 1, MT_SIDE_LEFT, "ax", 1, true},     {'B', 0, MT_SIDE_RIGHT, "x\"", 1, true},
        {'B', 0, MT_SIDE_RIGHT, "x.", 1, false},   {'B', 0, MT_SIDE_LEFT, "x", 0, true},
        {'B', 0, MT_SIDE_RIGHT, "x", 1, true},     {'L', 0, MT_SIDE_LEFT, "\nx", 1, true},
        {'L', 0, MT_SIDE_LEFT, "\rx", 1, false},   {'L', 0, MT_SIDE_RIGHT, "x\r\n", 1, true},
        {'L', 0, MT_SIDE_RIGHT, "x\ry", 1, false}, {'L', 1, MT_SIDE_RIGHT, "x\r", 1, true},
        {'W', 0, MT_SIDE_LEFT, "_x", 1, true},     {'W', 0, MT_SIDE_RIGHT, "x9", 1, false},
        {'W', 1, MT_SIDE_RIGHT, "xy", 1, true},    {'W', 1, MT_SIDE_RIGHT, "x", 1, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t prog[] = {MT_OP_BOUND, (uint8_t)rows[i].kind, rows[i].negated,
                          (uint8_t)rows[i].side};
        uint64_t end;
        bool holds = run_program(prog, sizeof(prog), rows[i].text, rows[i].pos, &end);
        if (holds != rows[i].holds) {
            fail_msg("row %zu", i);
        }
        assert_false(sk_failed(run.err));
    }
    uint8_t set[32], not_set[32];
    bound_middle_set('B', false, set);
    bound_middle_set('B', true, not_set);
    for (unsigned i = 0; i < 32; i++) {
        assert_int_equal(set[i] ^ not_set[i], 0xff);
    }
    assert_true((set['.' / 8] >> '.' % 8 & 1) == 1 && (set['\r' / 8] >> '\r' % 8 & 1) == 1);
    assert_true((set['x' / 8] >> 'x' % 8 & 1) == 0);
}

static void test_near_byte_on_either_side(void **state) {
    (void)state;
    const char *text = "a...x...b";
    for (unsigned pos = 0; pos <= 9; pos++) {
        for (unsigned min = 0; min < 11; min++) {
            for (unsigned max = min; max < 12; max++) {
                for (unsigned side = 0; side < 2; side++) {
                    bool want = false;
                    for (int d = (int)min; d <= (int)max; d++) {
                        int at = side == MT_SIDE_LEFT ? (int)pos - 1 - d : (int)pos + d;
                        want |= at >= 0 && at < 9 && (text[at] & 0xf8) == ('x' & 0xf8);
                    }
                    uint8_t prog[] = {MT_OP_NEAR,   (uint8_t)side, (uint8_t)min,
                                      (uint8_t)max, 'x',           0xf8};
                    uint64_t end = 77;
                    assert_int_equal(run_program(prog, sizeof(prog), text, pos, &end), want);
                    assert_int_equal(end, want ? pos : 77);
                    assert_false(sk_failed(run.err));
                }
            }
        }
    }
}

/* (a(b|bc)|ab)d with every end asked for. */
static void test_nested_alternatives_backtrack(void **state) {
    (void)state;
    static const uint8_t prog[] = {
        MT_OP_ALT, 2, 0,                                         /* two alternatives */
        19,        0, MT_OP_LIT,  1,  0, 'a',                    /* a */
        MT_OP_ALT, 2, 0,          4,  0, MT_OP_LIT, 1,   0, 'b', /*  (b| */
        4,         0, MT_OP_SKIP, 2,  0, 0xff,                   /*  damaged on purpose */
        5,         0, MT_OP_LIT,  2,  0, 'a',       'b',         /* ab */
        MT_OP_LIT, 1, 0,          'd'};
    uint64_t end = 0;
    assert_true(run_program(prog, sizeof(prog), "abd", 0, &end));
    assert_int_equal(end, 3);
    /* no 'd': takes back through the damaged alternative */
    assert_false(run_program(prog, sizeof(prog), "abx", 0, &end));
    assert_int_equal(run.err.code, SK_E_FORMAT);
    uint8_t fixed[sizeof(prog)];
    memcpy(fixed, prog, sizeof(prog));
    fixed[20] = MT_OP_LIT;
    fixed[18] = 0; /* the second inner alternative is empty; its bytes are dead but bounded */
    assert_false(run_program(fixed, sizeof(fixed), "abx", 0, &end));
}

static void test_damaged_programs(void **state) {
    (void)state;
    static const struct {
        uint8_t code[12];
        uint8_t len;
    } rows[] = {
        {{0}, 1},
        {{99}, 1},
        {{MT_OP_LIT}, 1},
        {{MT_OP_LIT, 3, 0, 'a', 'b'}, 5},
        {{MT_OP_MASK, 2, 0, 'a', 0xff, 'b'}, 6},
        {{MT_OP_SKIP, 1}, 2},
        {{MT_OP_SET, 1, 2, 3}, 4},
        {{MT_OP_FIXED, 0, 0, 1, 0, 2, 0, 'a', 0xff, 'a'}, 10},
        {{MT_OP_FIXED, 0, 0, 0, 0, 1, 0}, 7},
        {{MT_OP_ALT, 0, 0}, 3},
        {{MT_OP_ALT, 2, 0, 1, 0, MT_OP_LIT}, 6},
        {{MT_OP_ALT, 1, 0, 9, 0, MT_OP_LIT}, 6},
        {{MT_OP_BOUND, 'B', 0}, 3},
        {{MT_OP_BOUND, 'X', 0, 0}, 4},
        {{MT_OP_BOUND, 'B', 0, 2}, 4},
        {{MT_OP_NEAR, 0, 1, 2, 3}, 5},
        {{MT_OP_NEAR, 2, 1, 2, 3, 4}, 6},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t end;
        assert_false(run_program(rows[i].code, rows[i].len, "abcdefgh", 0, &end));
        assert_int_equal(run.err.code, SK_E_FORMAT);
    }
}

static void test_damaged_subsignatures(void **state) {
    (void)state;
    struct tb *b = tb_new();
    uint32_t sub = tb_sub(b, &(struct tb_sub_spec){.body = "61626364*65666768"});
    struct mt_segment seg = *tb_finish(b);
    struct sk_source src;
    sk_source_init_mem(&src, "abcdxefgh", 9);
    struct mt_sub subs[1];
    struct mt_part parts[2];
    for (unsigned round = 0; round < 9; round++) {
        memcpy(subs, b->sub.at, sizeof(subs));
        memcpy(parts, b->part.at, sizeof(parts));
        seg.sub = subs;
        seg.part = parts;
        static const uint32_t out = 0xfffffff0;
        switch (round) {
        case 1:
            subs[0].part_first = out;
            break;
        case 2:
            subs[0].part_count = 0;
            break;
        case 3:
            subs[0].off_kind = 77;
            break;
        case 4:
            parts[1].prog = out;
            break;
        case 5:
            parts[0].prog_len = out;
            break;
        case 6:
            parts[0].key = out;
            break;
        case 7:
            subs[0].also = 5;
            break;
        case 8:
            parts[0].key_len = 40000;
            break;
        default:
            break;
        }
        budget = (struct match_budget){.steps = 100000};
        pattern_run_start(&run, &src, NULL, &budget);
        struct pattern_hits hits;
        sk_err err = pattern_count(&run, &seg, sub, 2, &hits);
        assert_int_equal(err.code, round == 0 ? SK_OK : SK_E_FORMAT);
    }
    tb_free(b);
}

static void test_second_form_counts_too(void **state) {
    (void)state;
    struct tb *b = tb_new();
    uint32_t wide = tb_sub(b, &(struct tb_sub_spec){.body = "6100620063006400"});
    uint32_t plain = tb_sub(b, &(struct tb_sub_spec){.body = "61626364"});
    b->sub.at[wide].also = plain;
    const struct mt_segment *seg = tb_finish(b);
    assert_int_equal(count_mem(seg, wide, "abcd--a\0b\0c\0d\0--abcd", 20, NULL), 3);
    assert_int_equal(count_mem(seg, plain, "abcd--a\0b\0c\0d\0--abcd", 20, NULL), 2);
    tb_free(b);
}

static sk_err refuse(void *ctx, uint64_t off, void *buf, size_t len) {
    (void)ctx;
    (void)off;
    (void)buf;
    (void)len;
    return sk_fail(SK_E_IO);
}

static void test_failed_source_is_an_error(void **state) {
    (void)state;
    struct tb *b = tb_new();
    uint32_t sub = tb_sub(b, &(struct tb_sub_spec){.body = "61626364"});
    const struct mt_segment *seg = tb_finish(b);
    struct sk_source src;
    sk_source_init_read(&src, 1000, refuse, NULL);
    budget = (struct match_budget){.steps = 100000};
    pattern_run_start(&run, &src, NULL, &budget);
    struct pattern_hits hits;
    assert_int_equal(pattern_count(&run, seg, sub, 1, &hits).code, SK_E_IO);
    sk_source_release(&src);
    tb_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_bodies_agree_with_brute_force),
        cmocka_unit_test(test_chains_cross_windows),
        cmocka_unit_test(test_dense_parts_do_not_reach_the_chain_limit),
        cmocka_unit_test(test_rare_part_narrows_the_starts),
        cmocka_unit_test(test_too_many_chains_is_a_limit),
        cmocka_unit_test(test_budget_and_tick_end_a_search),
        cmocka_unit_test(test_boundaries),
        cmocka_unit_test(test_near_byte_on_either_side),
        cmocka_unit_test(test_nested_alternatives_backtrack),
        cmocka_unit_test(test_damaged_programs),
        cmocka_unit_test(test_damaged_subsignatures),
        cmocka_unit_test(test_second_form_counts_too),
        cmocka_unit_test(test_failed_source_is_an_error),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
