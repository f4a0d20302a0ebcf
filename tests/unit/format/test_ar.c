// SPDX-License-Identifier: Apache-2.0
/* AR archives as no tool writes them; those that tools write are golden (test_archives.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "walktest.h"

extern const struct sk_format sk_format_ar;

#define HEADER_BYTES 60

struct box {
    char p[8192];
    size_t len;
};

static struct box B;

static void begin(void) {
    memcpy(B.p, "!<arch>\n", 8);
    B.len = 8;
}

/* Fields of a header; the content, padded. */
static void member(const char *name, const char *mode, const char *size, const char *content) {
    char *h = B.p + B.len;
    size_t len = strlen(content);
    memset(h, ' ', HEADER_BYTES);
    memcpy(h, name, strlen(name));
    memcpy(h + 40, mode, strlen(mode));
    memcpy(h + 48, size, strlen(size));
    memcpy(h + 58, "`\n", 2);
    memcpy(h + HEADER_BYTES, content, len);
    B.len += HEADER_BYTES + len;
    if (len % 2 != 0) {
        B.p[B.len++] = '\n';
    }
}

/* In memory and by windows: both tell the same. */
static void walk(struct walktest *t, enum sk_err_code code) {
    struct walktest w;
    walktest_init(&w);
    assert_int_equal(walktest_run_windowed(&w, &sk_format_ar, B.p, B.len).code, code);
    walktest_init(t);
    assert_int_equal(walktest_run(t, &sk_format_ar, B.p, B.len).code, code);
    assert_int_equal(t->child_count, w.child_count);
    for (size_t i = 0; i < w.child_count; i++) {
        assert_string_equal(t->child[i].name, w.child[i].name);
    }
    walktest_release(&w);
}

static void expect(const struct walktest *t, size_t index, const char *name, const char *content) {
    assert_true(index < t->child_count);
    assert_string_equal(t->child[index].name, name);
    assert_int_equal(t->child[index].got_bytes, strlen(content));
    assert_memory_equal(t->child[index].head, content, strlen(content));
}

static void test_names(void **state) {
    (void)state;
    struct walktest t;
    begin();
    member("/", "0", "4", "symb");
    member("//", "", "20", "first-long/\nsecond/\n");
    member("short.o/", "100644", "3", "one");
    member("/0", "100644", "3", "two");
    member("/12", "100644", "5", "three");
    member("old name", "100644", "4", "four");
    member("#1/8", "100644", "12", "bsd.....five");
    memset(B.p + B.len - 9, 0, 5); /* the dots */
    member("/", "0", "0", "");
    walk(&t, SK_OK);
    assert_int_equal(t.note[SK_NOTE_DAMAGED], 0);
    assert_int_equal(t.child_count, 8);
    expect(&t, 0, "/", "symb");
    expect(&t, 1, "//", "");
    expect(&t, 2, "short.o", "one");
    expect(&t, 3, "first-long", "two");
    expect(&t, 4, "second", "three");
    expect(&t, 5, "old name", "four");
    expect(&t, 6, "bsd", "five");
    expect(&t, 7, "/", "");
    assert_int_equal(t.child[6].size, 4);
    assert_int_equal(t.child[6].index, 6);
    walktest_release(&t);
}

/* Each holds for the members behind it; by windows, the first is kept and others are read. */
static void test_more_tables(void **state) {
    (void)state;
    struct walktest t;
    begin();
    member("//", "", "8", "first/\n\n");
    member("/0", "100644", "3", "one");
    member("//", "", "14", "second/\nthird/");
    member("/0", "100644", "3", "two");
    member("/8", "100644", "5", "three");
    member("//", "", "0", "");
    member("/0", "100644", "4", "four");
    walk(&t, SK_OK);
    expect(&t, 1, "first", "one");
    expect(&t, 3, "second", "two");
    expect(&t, 4, "third", "three");
    expect(&t, 6, "/0", "four");
    assert_int_equal(t.note[SK_NOTE_DAMAGED], 1);
    walktest_release(&t);
}

/* The member is scanned all the same, under the name of its header. */
static void test_names_that_lead_nowhere(void **state) {
    (void)state;
    static const char *const names[] = {"/0", "/99999999", "#1/9", "#1/4000000000"};
    for (size_t i = 0; i < 4; i++) {
        struct walktest t;
        begin();
        member(names[i], "100644", "3", "one");
        member("next/", "100644", "3", "two");
        walk(&t, SK_OK);
        assert_int_equal(t.note[SK_NOTE_DAMAGED], 1);
        assert_int_equal(t.child_count, 2);
        expect(&t, 0, names[i], "one");
        expect(&t, 1, "next", "two");
        walktest_release(&t);
    }
}

static void test_directories_and_links(void **state) {
    (void)state;
    struct walktest t;
    begin();
    member("empty/", "100644", "0", "");
    member("folder/", "40755", "0", "");
    member("link/", "120777", "0", "");
    member("hidden/", "40755", "4", "here");
    walk(&t, SK_OK);
    assert_int_equal(t.child_count, 2);
    expect(&t, 0, "empty", "");
    expect(&t, 1, "hidden", "here");
    walktest_release(&t);
}

static void test_damage(void **state) {
    (void)state;
    struct walktest t;
    begin();
    member("a/", "100644", "3", "one");
    member("b/", "100644", "9999999999", "two"); /* longer than the file */
    walk(&t, SK_OK);
    assert_int_equal(t.note[SK_NOTE_DAMAGED], 1);
    assert_memory_equal(t.child[1].head, "two", 3);
    walktest_release(&t);

    begin();
    member("a/", "100644", "3", "one");
    member("b/", "100644", "x", "two"); /* no size */
    walk(&t, SK_OK);
    assert_int_equal(t.note[SK_NOTE_DAMAGED], 1);
    assert_int_equal(t.child_count, 1);
    walktest_release(&t);

    begin();
    member("a/", "100644", "3", "one");
    B.p[8 + 58] = '?'; /* not one header */
    walk(&t, SK_E_FORMAT);
    assert_int_equal(t.child_count, 0);
    walktest_release(&t);

    begin();
    member("a/", "100644", "3", "one");
    memset(B.p + B.len, 'x', HEADER_BYTES - 1); /* too short for a header */
    B.len += HEADER_BYTES - 1;
    walk(&t, SK_OK);
    assert_int_equal(t.note[SK_NOTE_DAMAGED], 0);
    assert_int_equal(t.child_count, 1);
    walktest_release(&t);

    begin();
    walk(&t, SK_OK); /* without members */
    assert_int_equal(t.child_count, 0);
    walktest_release(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_more_tables),
        cmocka_unit_test(test_names_that_lead_nowhere),
        cmocka_unit_test(test_directories_and_links),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
