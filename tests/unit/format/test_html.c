// SPDX-License-Identifier: Apache-2.0
/* data: addresses in HTML: where they begin and end, what they hold, broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "walktest.h"

extern const struct sk_format sk_format_html;
extern const struct sk_format sk_format_screnc;

static const struct {
    const char *page;
    const char *name; /* NULL: no member */
    const char *data;
} CASES[] = {
    {"<a href=\"data:text/html;base64,PGI+eDwvYj4=\">x</a>", "text/html", "<b>x</b>"},
    {"<a href='DATA:text/html,%3Cb%3Ex \"y' z>", "text/html", "<b>x \"y"},
    {"<a href=data:x;charset=y;base64,QUJD z>", "x", "ABC"},
    {"<style>a{b:url(data:image/png;base64,QUJD)}", "image/png", "ABC"},
    {"<a href=\"data:,%4\"", "", "%4"},
    {"<a href=\"data:x,unclosed", "x", "unclosed"},
    {"<a href=\"data:x y,z\">", "x y", "z"},
    {"<a href=\"data:no comma\">, ", NULL, NULL},
    {"<a href=\"mydata:x,y\">", NULL, NULL},
    {"<a href=\"data:x,\">", NULL, NULL},
    {"data:", NULL, NULL},
};

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct walktest t;
        walktest_init(&t);
        t.read_chunk_bytes = 7;
        assert_int_equal(
            walktest_run(&t, &sk_format_html, CASES[i].page, strlen(CASES[i].page)).code, SK_OK);
        assert_int_equal(t.child_count, CASES[i].name != NULL);
        if (CASES[i].name != NULL) {
            assert_string_equal(t.child[0].name, CASES[i].name);
            assert_int_equal(t.child[0].got_bytes, strlen(CASES[i].data));
            assert_memory_equal(t.child[0].head, CASES[i].data, strlen(CASES[i].data));
        }
        walktest_release(&t);
    }
}

/* A page in UTF-16 is a member in UTF-8, once, without its mark. */
static void test_wide_pages(void **state) {
#define WIDE(in_, charset_, out_)                                                                  \
    { in_, sizeof(in_) - 1, charset_, out_ }
    static const struct {
        const char *page;
        size_t len;
        const char *charset; /* NULL: not wide */
        const char *text;
    } PAGES[] = {
        WIDE("\xff\xfe<\0p\0>\0B0", "utf-16le", "<p>\xe3\x81\x82"),
        WIDE("\xfe\xff\0<\0p\0>0B", "utf-16be", "<p>\xe3\x81\x82"),
        WIDE("<\0p\0>\0B0B0B0B0B0B0B0B0", "utf-16le",
             "<p>\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82"
             "\xe3\x81\x82\xe3\x81\x82"),
        WIDE("0B0B0B0B0B0B0B0B\0<\0/", "utf-16be",
             "\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3\x81\x82\xe3"
             "\x81\x82\xe3\x81\x82</"),
        WIDE("<p>bytes<\0p>", NULL, ""),
        WIDE("<p>bytes\xff\xfe", NULL, ""),
    };
#undef WIDE
    (void)state;
    for (size_t i = 0; i < sizeof(PAGES) / sizeof(PAGES[0]); i++) {
        struct walktest t;
        walktest_init(&t);
        assert_int_equal(walktest_run(&t, &sk_format_html, PAGES[i].page, PAGES[i].len).code,
                         SK_OK);
        assert_int_equal(t.child_count, PAGES[i].charset != NULL);
        assert_int_equal(t.fact_count, PAGES[i].charset != NULL);
        if (PAGES[i].charset != NULL) {
            assert_int_equal(t.child[0].as, SK_TYPE_HTML);
            assert_int_equal(t.child[0].got_bytes, strlen(PAGES[i].text));
            assert_memory_equal(t.child[0].head, PAGES[i].text, strlen(PAGES[i].text));
            assert_string_equal(t.fact[0].value, PAGES[i].charset);
        }
        walktest_release(&t);
    }
}

static void test_encoded_script(void **state) {
    static const char FILE[] = "#@~^CgAAAA==aaaaaaaaaaAAAAAA==^#~@after";
    static const char WANT[] = "<script>xp#xp#p##pafter</script>";
    (void)state;
    for (size_t chunk = 16; chunk < 64; chunk++) {
        struct walktest t;
        walktest_init(&t);
        t.read_chunk_bytes = chunk;
        assert_int_equal(walktest_run(&t, &sk_format_screnc, FILE, sizeof(FILE) - 1).code, SK_OK);
        assert_int_equal(t.child_count, 1);
        assert_string_equal(t.child[0].name, "screnc.html");
        assert_int_equal(t.child[0].got_bytes, sizeof(WANT) - 1);
        assert_memory_equal(t.child[0].head, WANT, sizeof(WANT) - 1);
        walktest_release(&t);
    }
}

/* Many unclosed quotes: each would reach to the end. */
static void test_unclosed_quotes_stay_linear(void **state) {
    static char page[200000];
    struct walktest t;
    (void)state;
    for (size_t i = 0; i + 10 <= sizeof(page); i += 10) {
        memcpy(page + i, "=\"data:x,y", 10);
        page[i + 1] = '\'';
        page[i + 9] = ' ';
    }
    page[1] = '"';
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_html, page, sizeof(page)).code, SK_OK);
    assert_true(t.child_bytes < 4 * sizeof(page));
    walktest_release(&t);
}

static void fail_every_allocation(const char *page, size_t len) {
    for (uint64_t nth = 1;; nth++) {
        struct walktest t;
        walktest_init(&t);
        mem_fault_set(nth);
        sk_err err = walktest_run(&t, &sk_format_html, page, len);
        bool reached = mem_fault_seen() >= nth;
        mem_fault_set(0);
        assert_true(err.code == SK_OK || (reached && err.code == SK_E_NOMEM));
        walktest_release(&t);
        if (!reached) {
            break;
        }
    }
}

static void test_every_allocation_fails_once(void **state) {
    static const char WIDE[] = "\xff\xfe<\0p\0>\0B0";
    (void)state;
    fail_every_allocation(CASES[0].page, strlen(CASES[0].page));
    fail_every_allocation(WIDE, sizeof(WIDE) - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_wide_pages),
        cmocka_unit_test(test_encoded_script),
        cmocka_unit_test(test_unclosed_quotes_stay_linear),
        cmocka_unit_test(test_every_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
