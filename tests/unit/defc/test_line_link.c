// SPDX-License-Identifier: Apache-2.0
/* Lines of pdb, wdb and gdb: what is kept, and what is refused (rows seen with clamscan 1.4.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "defc/rules.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static enum defc_reason add(struct rule_builder *b, enum rule_kind kind, const char *line) {
    struct defc_why why;
    struct sk_bytes bytes = {(const uint8_t *)line, strlen(line)};
    assert_false(sk_failed(rules_add_line(b, kind, bytes, &why)));
    return why.reason;
}

static void expect_link(enum rule_kind kind, const char *line, enum rule_link_kind link,
                        const char *text) {
    struct rule_builder b = {0};
    assert_int_equal(add(&b, kind, line), DEFC_TAKEN);
    assert_int_equal(b.link.count, 1);
    const struct rule_link *l = b.link.data;
    assert_int_equal(l->kind, link);
    assert_string_equal((const char *)b.text.data + l->text, text);
    rules_release(&b);
}

static void test_links(void **state) {
    (void)state;
    expect_link(RULE_PDB, "R:.+\\.bank\\.com", RULE_LINK_DOMAIN_REGEX, ".+\\.bank\\.com/");
    /* Repetition is limited by what it comes to, not by its marks. */
    expect_link(RULE_PDB, "R:(a+b+c+d+e+f+g+h+i+j+)+", RULE_LINK_DOMAIN_REGEX,
                "(a+b+c+d+e+f+g+h+i+j+)+/");
    expect_link(RULE_PDB, "R:(a{0,20}b)+(c*){99}", RULE_LINK_DOMAIN_REGEX, "(a{0,20}b)+(c*){99}/");
    expect_link(RULE_PDB, "R:((a|b*)+)?()*a$", RULE_LINK_DOMAIN_REGEX, "((a|b*)+)?()*a$/");
    expect_link(RULE_PDB, "R:\\*+[+*]+a{1}", RULE_LINK_DOMAIN_REGEX, "\\*+[+*]+a{1}/");
    expect_link(RULE_PDB, "R:[]{9999}+]\\{9999}[^]+]x{2,70}", RULE_LINK_DOMAIN_REGEX,
                "[]{9999}+]\\{9999}[^]+]x{2,70}/");
    expect_link(RULE_PDB, "R:bank.com:17-", RULE_LINK_DOMAIN_REGEX, "bank.com/");
    expect_link(RULE_PDB, "H:bank.com:17-300", RULE_LINK_DOMAIN_HOST, "bank.com/");
    expect_link(RULE_PDB, "H:bank", RULE_LINK_DOMAIN_HOST, "bank/");
    expect_link(RULE_WDB, "X:.+a\\.net:.+b\\.com:17-", RULE_LINK_ALLOW_REGEX,
                ".+a\\.net:.+b\\.com/");
    expect_link(RULE_WDB, "X:.+abc", RULE_LINK_ALLOW_REGEX, ".+abc/");
    expect_link(RULE_WDB, "Y:.*net", RULE_LINK_ALLOW_REGEX, ".*net/");
    expect_link(RULE_WDB, "M:a.com:b.com", RULE_LINK_ALLOW_HOSTS, "a.com:b.com/");
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        enum rule_kind kind;
        const char *line;
        enum defc_reason reason;
    } CASES[] = {
        {RULE_PDB, "X:a:b.com", DEFC_MALFORMED},
        {RULE_WDB, "R:bank.com", DEFC_MALFORMED},
        {RULE_WDB, "H:bank.com", DEFC_MALFORMED},
        {RULE_PDB, "Q:bank.com", DEFC_MALFORMED},
        {RULE_PDB, "R:", DEFC_MALFORMED},
        /* What the C library would unroll without end (the last but one found by fuzzing). */
        {RULE_PDB, "R:((a{90}){90}){90}", DEFC_MALFORMED},
        {RULE_PDB, "R:(((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+", DEFC_MALFORMED},
        {RULE_PDB, "R:.++++++++++++++++++++++++++++++\\.bank", DEFC_MALFORMED},
        {RULE_PDB, "R:((a|b*)+){256}", DEFC_MALFORMED},
        {RULE_PDB, "R:(((a*){3}){9}){11}", DEFC_MALFORMED},
        {RULE_PDB, "R:((a*)+(b*)+){99}", DEFC_MALFORMED},
        {RULE_PDB, "R:((){3,9}(a{0,20}(){1,30}()+)+)+", DEFC_MALFORMED},
        {RULE_PDB, "R:(a{0,9}b{0,9}){3,}", DEFC_MALFORMED},
        {RULE_PDB, "R:a*(a?()?){60}()+", DEFC_MALFORMED},
        {RULE_PDB, "R:a*(a?(^|b)?){60}(c|$)+", DEFC_MALFORMED},
        /* Repetitions of nothing or of a repetition, and empty alternatives. */
        {RULE_PDB, "R:a**b", DEFC_MALFORMED},
        {RULE_PDB, "R:a+?b", DEFC_MALFORMED},
        {RULE_PDB, "R:a{1,2}{3}b", DEFC_MALFORMED},
        {RULE_PDB, "R:*a", DEFC_MALFORMED},
        {RULE_PDB, "R:^*a", DEFC_MALFORMED},
        {RULE_PDB, "R:a|*b", DEFC_MALFORMED},
        {RULE_PDB, "R:(+a)", DEFC_MALFORMED},
        {RULE_PDB, "R:(|a)b", DEFC_MALFORMED},
        {RULE_PDB, "R:(a|)b", DEFC_MALFORMED},
        {RULE_WDB, "X:(a|[)}]{2,90}){1,90}", DEFC_MALFORMED},
        {RULE_PDB, "H", DEFC_MALFORMED},
        {RULE_PDB, "", DEFC_MALFORMED},
        {RULE_WDB, "X:a(b:c.com", DEFC_MALFORMED},
        {RULE_PDB, "R1:bank.com", DEFC_MALFORMED},
        {RULE_PDB, "R:(a{200}){200}com", DEFC_MALFORMED},
        {RULE_WDB, "X:a.*net:b.com:9000-", DEFC_FLEVEL_TOO_HIGH},
        {RULE_PDB, "H:bank.com:17-20", DEFC_FLEVEL_TOO_HIGH},
        {RULE_GDB, "S:F:" HASH "00", DEFC_MALFORMED},
        {RULE_GDB, "S:F:zz", DEFC_MALFORMED},
        {RULE_GDB, "S3:F:" HASH, DEFC_MALFORMED},
        {RULE_GDB, "S:Q:" HASH, DEFC_MALFORMED},
        {RULE_GDB, "S:P:001122", DEFC_MALFORMED},
        {RULE_GDB, "S1:W:" HASH, DEFC_MALFORMED},
        {RULE_GDB, HASH, DEFC_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct rule_builder b = {0};
        if (add(&b, CASES[i].kind, CASES[i].line) != CASES[i].reason) {
            fail_msg("%s", CASES[i].line);
        }
        assert_int_equal(b.link.count + b.url.count, 0);
        rules_release(&b);
    }
}

static void test_urls(void **state) {
    (void)state;
    struct rule_builder b = {0};
    assert_int_equal(add(&b, RULE_GDB, "S:P:00112233"), DEFC_TAKEN);
    assert_int_equal(b.url.count, 0);
    assert_int_equal(add(&b, RULE_GDB, "S:F:" HASH), DEFC_TAKEN);
    assert_int_equal(add(&b, RULE_GDB, "S1:F:" HASH ":17-"), DEFC_TAKEN);
    assert_int_equal(add(&b, RULE_GDB, "S2:F:" HASH), DEFC_TAKEN);
    assert_int_equal(add(&b, RULE_GDB, "S:W:" HASH), DEFC_TAKEN);
    const struct rule_url *u = b.url.data;
    assert_int_equal(b.url.count, 4);
    static const enum rule_url_kind KINDS[] = {RULE_URL_MALWARE, RULE_URL_BLOCKED,
                                               RULE_URL_PHISHING, RULE_URL_ALLOW};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(u[i].kind, KINDS[i]);
        assert_int_equal(u[i].digest[1], 0x11);
    }
    assert_int_equal(rules_count(&b), 3); /* an allowed one finds nothing */
    rules_release(&b);
}

static void test_memory_runs_out(void **state) {
    (void)state;
    for (uint64_t nth = 1; nth < 4; nth++) {
        struct rule_builder b = {0};
        struct defc_why why;
        struct sk_bytes line = {(const uint8_t *)"H:bank.com", 10};
        mem_fault_set(nth);
        sk_err err = rules_add_line(&b, RULE_PDB, line, &why);
        bool hit = mem_fault_seen() >= nth;
        mem_fault_set(0);
        assert_true(hit == (err.code == SK_E_NOMEM));
        rules_release(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
