// SPDX-License-Identifier: Apache-2.0
/* Regular expressions: limits are told, windows and slices change nothing, nothing leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "match/regex.h"

struct rig {
    struct mt_segment seg;
    struct mt_regex regex[64];
    struct mt_sub sub;
    struct regex_run run;
    struct pattern_run pattern;
    struct match_budget budget;
};

static sk_err copy(void *ctx, uint64_t off, void *buf, size_t len) {
    memcpy(buf, (const uint8_t *)ctx + off, len);
    return sk_ok();
}

static void rig_init(struct rig *r) {
    memset(r, 0, sizeof(*r));
    r->seg.regex = r->regex;
    r->seg.regex_count = 64;
    r->sub = (struct mt_sub){.flags = MT_SUB_REGEX, .also = MT_NO_SUB};
    regex_run_init(&r->run);
    assert_false(sk_failed(pattern_run_init(&r->pattern)));
}

static void rig_release(struct rig *r) {
    regex_run_release(&r->run);
    pattern_run_release(&r->pattern);
}

static void set(struct rig *r, uint32_t index, const char *text, uint32_t flags) {
    r->seg.lit = (const uint8_t *)text;
    r->seg.lit_len = (uint32_t)strlen(text);
    r->regex[index] = (struct mt_regex){.text_len = r->seg.lit_len, .flags = flags};
    r->sub.part_first = index;
}

static sk_err count(struct rig *r, struct sk_source *src, uint64_t *out) {
    struct pattern_hits hits = {0, 0};
    struct regex_use use = {0, &r->seg, &r->sub};
    r->budget.steps = r->budget.steps == 0 ? (uint64_t)1 << 40 : r->budget.steps;
    pattern_run_start(&r->pattern, src, NULL, &r->budget);
    sk_err err = regex_count(&r->run, &r->pattern, &use, &hits);
    *out = hits.count;
    return err;
}

static uint64_t count_mem(struct rig *r, const void *text, size_t len) {
    struct sk_source src;
    uint64_t n = 0;
    sk_source_init_mem(&src, text, len);
    assert_int_equal(count(r, &src, &n).code, SK_OK);
    sk_source_release(&src);
    return n;
}

static uint64_t count_read(struct rig *r, void *text, size_t len) {
    struct sk_source src;
    uint64_t n = 0;
    sk_source_init_read(&src, len, copy, text);
    assert_int_equal(count(r, &src, &n).code, SK_OK);
    sk_source_release(&src);
    return n;
}

static void test_offsets_and_flags(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint32_t flags;
        uint8_t off_kind;
        int32_t off;
        uint32_t shift;
        const char *layer;
        uint64_t count;
    } rows[] = {
        {"foo", 0, MT_OFF_ANY, 0, 0, "..foo.foo", 1},
        {"foo", MT_REGEX_GLOBAL, MT_OFF_ANY, 0, 0, "..foo.foofoo", 3},
        {"foo", 0, MT_OFF_ABS, 2, 0, "..foo", 1},
        {"foo", 0, MT_OFF_ABS, 1, 0, "..foo", 0},
        {"foo", MT_REGEX_ROLLING, MT_OFF_ABS, 1, 0, "..foo", 1},
        {"foo", MT_REGEX_GLOBAL, MT_OFF_ABS, 2, 0, "..foofoo.foo", 2},
        {"foo", 0, MT_OFF_ABS, 0, 2, "..foo", 1},
        {"foo", 0, MT_OFF_ABS, 0, 1, "..foo", 0},
        {"foo", MT_REGEX_CONFINED, MT_OFF_ABS, 0, 5, "..foo...", 1},
        {"foo", MT_REGEX_CONFINED, MT_OFF_ABS, 0, 4, "..foo...", 0},
        {"^foo", 0, MT_OFF_ABS, 2, 0, "..foo", 1},
        {"(?<=.)foo", 0, MT_OFF_ABS, 2, 0, "..foo", 0},
        {"foo", 0, MT_OFF_EOF, 3, 0, "..foo", 1},
        {"foo", MT_REGEX_ROLLING, MT_OFF_ABS, 9, 0, "..foo", 0},
        {"FOO", MT_REGEX_CASELESS, MT_OFF_ANY, 0, 0, "..foo", 1},
        {"q*", MT_REGEX_GLOBAL, MT_OFF_ANY, 0, 0, "abc", 4},
        {"$", 0, MT_OFF_ANY, 0, 0, "abc", 1},
    };
    struct rig r;
    rig_init(&r);
    for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char layer[64];
        size_t len = strlen(rows[i].layer);
        memcpy(layer, rows[i].layer, len);
        set(&r, i, rows[i].text, rows[i].flags);
        r.sub.off_kind = rows[i].off_kind;
        r.sub.off = rows[i].off;
        r.sub.shift = rows[i].shift;
        for (unsigned jit = 0; jit < 2; jit++) {
            if (count_mem(&r, layer, len) != rows[i].count ||
                count_read(&r, layer, len) != rows[i].count) {
                fail_msg("row %u: %s in %s", i, rows[i].text, rows[i].layer);
            }
            regex_run_release(&r.run);
            r.run.jit = jit == 0;
        }
        r.run.jit = false;
    }
    rig_release(&r);
}

/* Places around the borders of slices and windows: both ways to read give the same count. */
static void test_windows_agree(void **state) {
    (void)state;
    size_t len = 2 * REGEX_WINDOW_BYTES + 12345, step = REGEX_WINDOW_BYTES - REGEX_OVERLAP_BYTES;
    char *text = mem_alloc(len);
    assert_non_null(text);
    memset(text, '.', len);
    const size_t places[] = {0, 4094, step - 2, step + 1, step + 4096 + 3, 2 * step - 3, len - 3};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        memcpy(text + places[i], "foo", 3);
    }
    memcpy(text + 1000, "begin", 5);
    memcpy(text + 1000 + REGEX_OVERLAP_BYTES, "finish", 6);
    struct rig r;
    rig_init(&r);
    static const struct {
        const char *text;
        uint32_t flags;
        uint64_t count;
    } rows[] = {{"foo", MT_REGEX_GLOBAL, 7},
                {"^foo", MT_REGEX_GLOBAL, 1},
                {"foo", MT_REGEX_ANCHORED, 1},
                {"foo$", 0, 1},
                {"foo$", MT_REGEX_GLOBAL, 1},
                {"begin[^s]*sh", MT_REGEX_DOTALL, 1},
                {"fo(?=o)", MT_REGEX_GLOBAL, 7},
                {"(?<=\\.)foo", MT_REGEX_GLOBAL, 5},
                {"never", 0, 0},
                {".{4}fo", MT_REGEX_GLOBAL, 5}};
    for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set(&r, i, rows[i].text, rows[i].flags);
        uint64_t whole = count_mem(&r, text, len), windows = count_read(&r, text, len);
        if (whole != rows[i].count || windows != whole) {
            fail_msg("%s: %lu whole, %lu in windows", rows[i].text, (unsigned long)whole,
                     (unsigned long)windows);
        }
    }
    rig_release(&r);
    mem_free(text);
}

static void test_limits_are_told(void **state) {
    (void)state;
    static char text[40000];
    struct rig r;
    struct sk_source src;
    uint64_t n = 0;
    rig_init(&r);
    memset(text, 'a', sizeof(text));
    sk_source_init_mem(&src, text, sizeof(text));
    set(&r, 0, "(a+)+[bc]", 0);
    assert_int_equal(count(&r, &src, &n).code, SK_E_LIMIT);
    set(&r, 1, "^(?:a|b)*[cd]", 0);
    assert_int_equal(count(&r, &src, &n).code, SK_E_LIMIT);
    set(&r, 2, "b", 0);
    r.budget.steps = 100; /* 40000 / 8 are needed */
    assert_int_equal(count(&r, &src, &n).code, SK_E_LIMIT);
    sk_source_release(&src);
    rig_release(&r);
}

/* From its one '<' the expression takes some 400,000 steps: more than a start has at first. */
static void test_hard_starts_are_paid_for(void **state) {
    (void)state;
    static char text[9000];
    struct rig r;
    struct sk_source src;
    uint64_t n = 0;
    rig_init(&r);
    memset(text, '.', sizeof(text));
    text[4500] = '<';
    memset(text + 4501, '{', 500);
    memset(text + 5600, '}', 1);
    sk_source_init_mem(&src, text, sizeof(text));
    set(&r, 0, "<[.{]*?\\{[^}]*?[bc]", 0);
    r.budget.steps = 100000;
    assert_int_equal(count(&r, &src, &n).code, SK_E_LIMIT);
    r.budget.steps = 3 * 1000 * 1000;
    assert_int_equal(count(&r, &src, &n).code, SK_OK);
    assert_int_equal(n, 0);
    r.budget.steps = 0; /* no end */
    set(&r, 1, "<[.{]*?\\{[^}]*?[bc]|\\.\\}", 0);
    assert_int_equal(count_mem(&r, text, sizeof(text)), 1);
    set(&r, 2, "<[.{]*?\\{[^}]*?[bc]|\\.(?=[<}])", MT_REGEX_GLOBAL);
    assert_int_equal(count_mem(&r, text, sizeof(text)), 2);
    sk_source_release(&src);
    rig_release(&r);
}

/* What every match begins with is only taken from a text that cannot mean anything else. */
static void test_prefixes(void **state) {
    (void)state;
    static const struct {
        const char *text, *prefix;
        uint32_t flags;
    } ROWS[] = {
        {"; function\\s+", "; function", 0},
        {"\\x3B function\\s+", "; function", 0},
        {"\\x3CScript.*?", "<script", MT_REGEX_CASELESS},
        {"\\x3CScript.*?", "<Script", 0},
        {"abcde", "abcde", 0},
        {"0123456789abcdefgh", "0123456789abcdef", 0},
        {"abcde?", "abcd", 0},
        {"abcde*f", "abcd", 0},
        {"abcd\\x65{2,3}", "abcd", 0},
        {"abcde+", "abcd", 0},
        {"abcd(e)", "abcd", 0},
        {"abcd\\d", "abcd", 0},
        {"abcd\\x00e", "abcd", 0},
        {"abc", NULL, 0},
        {"abcd?", NULL, 0},
        {"abcd|efgh", NULL, 0},
        {"abcd(e|f)", NULL, 0}, /* looked at no closer */
        {"abcd(*COMMIT)e", NULL, 0},
        {"abcd(?<=\\Gabcd)", NULL, 0},
        {"^abcd", NULL, 0},
        {"(?i)abcd", NULL, 0},
        {"[a]bcde", NULL, 0},
        {"\\Qabcd.\\E", NULL, 0},
        {"ab cd", NULL, MT_REGEX_EXTENDED},
        {"abcd", NULL, MT_REGEX_CASELESS}, /* 'a' and 'A' */
    };
    struct rig r;
    rig_init(&r);
    for (uint32_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        set(&r, i, ROWS[i].text, ROWS[i].flags);
        (void)count_mem(&r, "abcd", 4);
        const struct regex_kept *k = NULL;
        for (size_t n = 0; n < REGEX_KEPT; n++) {
            k = r.run.kept[n].key == (uint64_t)i + 1 ? &r.run.kept[n] : k;
        }
        assert_non_null(k);
        const char *want = ROWS[i].prefix != NULL ? ROWS[i].prefix : "";
        const struct regex_text *said = &k->text;
        if (said->prefix_len != strlen(want) || memcmp(said->prefix, want, strlen(want)) != 0) {
            fail_msg("%s: prefix of %zu bytes", ROWS[i].text, said->prefix_len);
        }
    }
    rig_release(&r);
}

/* The same expression in brackets has no prefix, and the same matches. */
static void test_prefixes_change_nothing(void **state) {
    (void)state;
    static const char *const TEXTS[] = {"; function\\s*[a-c]+",
                                        "abab",
                                        "ababa?b",
                                        "abab.*?cd",
                                        "abab.*cd(?P<x>[abc])(?P=x)",
                                        "<abab.*?(?<=<ab)cd\\b",
                                        "abab.*+cd",
                                        "<aba.*?[^;]*?cab\\Kc?",
                                        "abab.*?b\\s*cab(?P<x>[abc])(?P=x)",
                                        "<aba.*(?<=<)bab(?<=dbab)\\b",
                                        "abab+?c",
                                        "<abab(?=[ab<])",
                                        "abab$",
                                        "<ab<a\\b",
                                        "abab(?!c).",
                                        "aba\\x62(?<=bab)c?",
                                        "ab<ab(?P<x>[abc])[^<]*?(?P=x)",
                                        "abab\\Kab",
                                        "cdcd(cdcd)*",
                                        "; fu(nction)?"};
    static const char *const PARTS[] = {"ab", "a", "b",          "AB",    "<", "c",    "cd",  "d",
                                        "\n", " ", "; function", "; fun", ";", "abab", "<ab<"};
    static const uint32_t FLAGS[] = {0, MT_REGEX_GLOBAL, MT_REGEX_CASELESS | MT_REGEX_GLOBAL,
                                     MT_REGEX_DOTALL | MT_REGEX_MULTILINE | MT_REGEX_GLOBAL};
    uint32_t seed = 1;
    uint64_t matches = 0;
    for (unsigned round = 0; round < 60; round++) {
        char text[12000];
        size_t len = 0;
        for (size_t want = round < 30 ? round * 3 : sizeof(text); len + 16 < want;) {
            seed = seed * 1664525u + 1013904223u;
            const char *part = PARTS[(seed >> 16) % (sizeof(PARTS) / sizeof(PARTS[0]))];
            memcpy(text + len, part, strlen(part));
            len += strlen(part);
        }
        struct rig r;
        rig_init(&r);
        for (uint32_t t = 0; t < sizeof(TEXTS) / sizeof(TEXTS[0]); t++) {
            uint32_t flags = FLAGS[(round + t) % (sizeof(FLAGS) / sizeof(FLAGS[0]))];
            char bracketed[100];
            (void)snprintf(bracketed, sizeof(bracketed), "(?:%s)", TEXTS[t]);
            set(&r, 2 * t, TEXTS[t], flags);
            uint64_t with = count_mem(&r, text, len);
            assert_int_equal(with, count_read(&r, text, len));
            set(&r, 2 * t + 1, bracketed, flags);
            assert_int_equal(with, count_mem(&r, text, len));
            matches += with;
        }
        rig_release(&r);
    }
    assert_true(matches > 1000);
}

/* Where an expression behind `.*` can be cut so that what is left stands for itself. */
static void test_tails(void **state) {
    (void)state;
    static const struct {
        const char *text, *tail;
    } ROWS[] = {
        {"abcd.*efg", "efg"},
        {"abcd.*?ef.gh?ijk(?P<x>l)(?P=x)", "ijk(?P<x>l)(?P=x)"},
        {"abcd.*\\s*\\x7B[^\\x7D\\]]*?l?et{2,3}\\}let\\s*", "let\\s*"},
        {"abcd.*[]efg]efg", NULL},
        {"abcd.*[[:alpha:]]efg", NULL},
        {"abcd.*[\\Q]\\E]efg", NULL},
        {"abcd.*[\\c]efg]efg", NULL},
        {"abcd.*[efg", NULL},
        {"abcd.*\\Qefg\\E", NULL},
        {"abcd.*{efgh}", NULL},
        {"abcd.*e{123}", NULL},
        {"abcd.*(e)fgh", NULL},
        {"abcd.*^efg", NULL},
        {"abcd.*\\1efg", NULL},
        {"abcd.*efg?h", NULL},
        {"abcd.*efg(?R)?", NULL},
        {"abcd.*efg(h\\g<0>)?", NULL},
        {"abcd.*\\x00efg", NULL},
        {"abcd.+efg", NULL},
        {"abcd.*efg|h", NULL},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct regex_text said;
        size_t len = strlen(ROWS[i].text);
        regex_text_read((const uint8_t *)ROWS[i].text, len, MT_REGEX_DOTALL, &said);
        const char *tail = said.tail > 0 ? ROWS[i].text + said.tail : NULL;
        if ((tail == NULL) != (ROWS[i].tail == NULL) ||
            (tail != NULL && strcmp(tail, ROWS[i].tail) != 0)) {
            fail_msg("%s: tail %s", ROWS[i].text, tail == NULL ? "none" : tail);
        }
    }
}

/* What has no tail is not tried at all, however many steps that would take. */
static void test_tail_first(void **state) {
    (void)state;
    static const char expression[] = "abcd.*?[^x]*?\\{[^}]*?let\\s(?P<x>[bc])(?P=x)";
    static char text[20000];
    struct rig r;
    struct sk_source src;
    uint64_t n = 0;
    rig_init(&r);
    memset(text, '.', sizeof(text));
    memcpy(text + 10, "abcd", 4);
    memset(text + 101, '{', 900);
    text[1500] = '}';
    memcpy(text + 9000, "let", 3);
    memcpy(text + 19000, "let bc", 6);
    sk_source_init_mem(&src, text, sizeof(text));
    set(&r, 0, expression, MT_REGEX_DOTALL);
    r.budget.steps = 10000;
    assert_int_equal(count(&r, &src, &n).code, SK_OK);
    assert_int_equal(n, 0);
    text[19005] = 'b'; /* now it has one: what lies before it is too hard for so few steps */
    r.budget.steps = 10000;
    assert_int_equal(count(&r, &src, &n).code, SK_E_LIMIT);
    memset(text + 101, '.', 1400);
    text[18000] = '{';
    r.budget.steps = 10000;
    assert_int_equal(count(&r, &src, &n).code, SK_OK);
    assert_int_equal(n, 1);
    sk_source_release(&src);
    rig_release(&r);
}

/* A hard start behind a prefix is paid for like any other. */
static void test_hard_prefixes(void **state) {
    (void)state;
    static char text[9000];
    struct rig r;
    struct sk_source src;
    uint64_t n = 0;
    rig_init(&r);
    memset(text, '.', sizeof(text));
    memcpy(text + 4496, "abcd<", 5);
    memset(text + 4501, '{', 500);
    text[5600] = '}';
    memcpy(text + 7000, "abcd<{c", 7);
    sk_source_init_mem(&src, text, sizeof(text));
    set(&r, 0, "abcd<[.{]*?\\{[^}]*?[bc]", 0);
    r.budget.steps = 100000;
    assert_int_equal(count(&r, &src, &n).code, SK_E_LIMIT);
    r.budget.steps = 3 * 1000 * 1000;
    assert_int_equal(count(&r, &src, &n).code, SK_OK);
    assert_int_equal(n, 1);
    sk_source_release(&src);
    rig_release(&r);
}

/* Where anything may follow the prefix, the first place that fails is the only one tried. */
static void test_first_place_decides(void **state) {
    (void)state;
    static char text[9000];
    struct rig r;
    struct sk_source src;
    uint64_t n = 0;
    rig_init(&r);
    memset(text, '.', sizeof(text));
    for (size_t at = 0; at < 40; at++) {
        memcpy(text + at * 100, "abcd", 4);
    }
    memset(text + 4501, '{', 500);
    text[5600] = '}';
    sk_source_init_mem(&src, text, sizeof(text));
    set(&r, 0, "abcd.*?\\{[^}]*?[bc]", MT_REGEX_DOTALL);
    r.budget.steps = 3 * 1000 * 1000;
    assert_int_equal(count(&r, &src, &n).code, SK_OK);
    assert_int_equal(n, 0);
    set(&r, 1, "abcd[^x]*?\\{[^}]*?[bc]", MT_REGEX_DOTALL); /* x may be between */
    r.budget.steps = 3 * 1000 * 1000;
    assert_int_equal(count(&r, &src, &n).code, SK_E_LIMIT);
    sk_source_release(&src);
    rig_release(&r);
}

/* It does not where bytes that are no part of the prefix stand before the .* */
static void test_first_place_does_not_decide(void **state) {
    (void)state;
    static const char *const expression[] = {"abcd\\x00.*\\{c", "abcd\\x1..*\\{c",
                                             "abcd.\\x02.*\\{c", "abcd\\d.*\\{c"};
    static const char *const second[] = {"abcd\0", "abcd\1", "abcd.\2", "abcd5"};
    static char text[3000];
    struct rig r;
    struct sk_source src;
    rig_init(&r);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t n = 0;
        memset(text, '.', sizeof(text));
        memcpy(text + 10, "abcd!", 5);
        memcpy(text + 1000, second[i], i == 2 ? 6 : 5);
        memcpy(text + 2000, "{c", 2);
        sk_source_init_mem(&src, text, sizeof(text));
        set(&r, i, expression[i], MT_REGEX_DOTALL);
        r.budget.steps = 3 * 1000 * 1000;
        assert_int_equal(count(&r, &src, &n).code, SK_OK);
        assert_int_equal(n, 1);
        sk_source_release(&src);
    }
    rig_release(&r);
}

static void test_damage_is_an_error(void **state) {
    (void)state;
    struct rig r;
    struct sk_source src;
    uint64_t n = 0;
    rig_init(&r);
    sk_source_init_mem(&src, "abc", 3);
    set(&r, 0, "(", 0);
    assert_int_equal(count(&r, &src, &n).code, SK_E_FORMAT);
    set(&r, 1, "abc", 0);
    r.regex[1].text = 1;
    assert_int_equal(count(&r, &src, &n).code, SK_E_FORMAT);
    r.regex[1].text_len = 0;
    assert_int_equal(count(&r, &src, &n).code, SK_E_FORMAT);
    r.sub.part_first = 64;
    assert_int_equal(count(&r, &src, &n).code, SK_E_FORMAT);
    char why[160];
    assert_false(regex_check((const uint8_t *)"(", 1, 0, why, sizeof(why)));
    assert_true(strlen(why) > 10);
    assert_true(regex_check((const uint8_t *)"a", 1, MT_REGEX_ALL, why, sizeof(why)));
    sk_source_release(&src);
    rig_release(&r);
}

/* More expressions than are kept, asked for in turn, twice. */
static void test_kept_code_is_replaced(void **state) {
    (void)state;
    struct rig r;
    rig_init(&r);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 64; i++) {
            set(&r, i, i % 2 == 0 ? "b" : "x", 0);
            assert_int_equal(count_mem(&r, "abc", 3), i % 2 == 0);
        }
    }
    rig_release(&r);
}

static void test_every_allocation_may_fail(void **state) {
    (void)state;
    char text[] = "..foo.foo";
    unsigned failures = 0;
    for (uint64_t nth = 1;; nth++) {
        struct rig r;
        struct sk_source src;
        uint64_t n = 0;
        rig_init(&r);
        set(&r, 0, "(f)(o){2}", MT_REGEX_GLOBAL);
        sk_source_init_read(&src, 9, copy, text);
        mem_fault_set(nth);
        sk_err err = count(&r, &src, &n);
        bool reached = mem_fault_seen() >= nth;
        mem_fault_set(0);
        sk_source_release(&src);
        assert_int_equal(count_mem(&r, text, 9), 2);
        rig_release(&r);
        if (!reached) {
            assert_int_equal(err.code, SK_OK);
            break;
        }
        failures++;
        assert_true(err.code == SK_E_NOMEM || n == 2);
    }
    assert_true(failures >= 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets_and_flags),
        cmocka_unit_test(test_windows_agree),
        cmocka_unit_test(test_limits_are_told),
        cmocka_unit_test(test_hard_starts_are_paid_for),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_prefixes_change_nothing),
        cmocka_unit_test(test_tails),
        cmocka_unit_test(test_tail_first),
        cmocka_unit_test(test_hard_prefixes),
        cmocka_unit_test(test_first_place_decides),
        cmocka_unit_test(test_first_place_does_not_decide),
        cmocka_unit_test(test_damage_is_an_error),
        cmocka_unit_test(test_kept_code_is_replaced),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
