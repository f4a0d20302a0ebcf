// SPDX-License-Identifier: Apache-2.0
/* Names, notes and ends of TAR archives; what is in archives of every kind is golden
 * (test_archives.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "walktest.h"

extern const struct sk_format sk_format_tar;

#define BLOCK ((size_t)512)

struct box {
    uint8_t p[64 * 512];
    size_t len;
};

static struct box B;

struct head {
    const char *name;
    const char *prefix;
    const char *magic; /* 8 bytes; NULL: ustar */
    uint64_t size;
    char type;      /* 0: a file */
    unsigned wrong; /* added to the checksum */
};

static uint8_t *put_header(const struct head *h) {
    uint8_t *p = B.p + B.len;
    unsigned sum = h->wrong;
    memset(p, 0, BLOCK);
    memcpy(p, h->name, strlen(h->name));
    (void)snprintf((char *)p + 124, 12, "%011llo", (unsigned long long)h->size);
    memset(p + 148, ' ', 8);
    p[156] = (uint8_t)(h->type == 0 ? '0' : h->type);
    memcpy(p + 257, h->magic == NULL ? "ustar\00000" : h->magic, 8);
    if (h->prefix != NULL) {
        memcpy(p + 345, h->prefix, strlen(h->prefix));
    }
    for (size_t i = 0; i < BLOCK; i++) {
        sum += p[i];
    }
    (void)snprintf((char *)p + 148, 8, "%06o", sum);
    B.len += BLOCK;
    return p;
}

static void put_body(const char *text) {
    memset(B.p + B.len, 0, BLOCK);
    memcpy(B.p + B.len, text, strlen(text));
    B.len += BLOCK;
}

static void put(const char *name, char type, const char *text) {
    put_header(&(struct head){.name = name, .type = type, .size = strlen(text)});
    put_body(text);
}

static void put_fill(char byte, size_t blocks) {
    memset(B.p + B.len, byte, blocks * BLOCK);
    B.len += blocks * BLOCK;
}

static void walk(struct walktest *t, enum sk_err_code code) {
    struct walktest windowed;
    walktest_init(&windowed);
    assert_int_equal(walktest_run_windowed(&windowed, &sk_format_tar, B.p, B.len).code, code);
    walktest_init(t);
    assert_int_equal(walktest_run(t, &sk_format_tar, B.p, B.len).code, code);
    assert_int_equal(t->child_count, windowed.child_count);
    assert_memory_equal(t->note, windowed.note, sizeof(t->note));
    walktest_release(&windowed);
}

static void expect_name(const char *name) {
    struct walktest t;
    walk(&t, SK_OK);
    assert_int_equal(t.child_count, 1);
    assert_string_equal(t.child[0].name, name);
    assert_int_equal(t.child[0].got_bytes, 3);
    walktest_release(&t);
    B.len = 0;
}

static void test_names(void **state) {
    (void)state;
    char hundred[101];
    memset(hundred, 'n', 100);
    hundred[100] = 0;
    B.len = 0;
    put(hundred, 0, "one");
    expect_name(hundred);
    put_header(&(struct head){.name = "short", .prefix = "in/here", .size = 3});
    put_body("one");
    expect_name("in/here/short");
    put_header(&(struct head){.name = "short", .prefix = "in/", .size = 3});
    put_body("one");
    expect_name("in/short");
    /* The same place is used for other things by GNU tar and before ustar. */
    put_header(&(struct head){.name = "short", .prefix = "12345", .magic = "ustar  \0", .size = 3});
    put_body("one");
    expect_name("short");
    put_header(
        &(struct head){.name = "short", .prefix = "12345", .magic = "\0\0\0\0\0\0\0", .size = 3});
    put_body("one");
    expect_name("short");
}

/* Later lines win: what a record says over a long name, what the last of two of a kind says. */
static void test_who_names(void **state) {
    (void)state;
    B.len = 0;
    put("././@LongLink", 'L', "first");
    put("././@LongLink", 'L', "second");
    put("short", 0, "one");
    expect_name("second");
    put("x", 'x', "13 path=four\n");
    put("././@LongLink", 'L', "second");
    put("short", 0, "one");
    expect_name("four");
    put("x", 'x', "25 GNU.sparse.name=three\n13 path=four\n");
    put("short", 0, "one");
    expect_name("three");
    put("x", 'x', "13 path=four\nzz path=five\n");
    put("short", 0, "one");
    expect_name("four");
    put("x", 'x', "9 path=\n");
    put("short", 0, "one");
    expect_name("short");
    /* It is said of the next member only, and behind zeros, too. */
    put("x", 'x', "13 path=four\n");
    put_fill(0, 2);
    put("short", 0, "one");
    put("next", 0, "two");
    struct walktest t;
    walk(&t, SK_OK);
    assert_true(walktest_has(&t, "four", "one", 3) && walktest_has(&t, "next", "two", 3));
    assert_int_equal(t.child[1].index, 1);
    walktest_release(&t);
}

static void test_records_that_are_none(void **state) {
    (void)state;
    static const char *const records[] = {
        "99 path=four\n", "path=four\n",   "7 path=four\n", "99999999999999999999 path=four\n",
        "-5 path=four\n", "13path=four\n", "12 path four\n"};
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        B.len = 0;
        put("x", 'x', records[i]);
        put("short", 0, "one");
        expect_name("short");
    }
}

/* One note for a run of blocks, and which one: is it behind the end? */
static void test_notes(void **state) {
    (void)state;
    struct walktest t;
    B.len = 0;
    put("a", 0, "one");
    put_fill('J', 3);
    put("b", 0, "two");
    put_fill('K', 2);
    put("c", 0, "three");
    put_fill(0, 2);
    put_fill('L', 2);
    walk(&t, SK_OK);
    assert_int_equal(t.note[SK_NOTE_DAMAGED], 2);
    assert_int_equal(t.note[SK_NOTE_TRAILING], 1);
    assert_int_equal(t.child_count, 3);
    walktest_release(&t);
}

/* Bodies that go beyond the end are given once: else each header of many would cost all that
 * follows. Headers behind them are followed. */
static void test_cut_bodies(void **state) {
    (void)state;
    struct walktest t;
    B.len = 0;
    put("whole", 0, "one");
    for (unsigned i = 0; i < 20; i++) {
        put_header(&(struct head){.name = "cut", .size = (uint64_t)1 << 30});
    }
    put("last", 0, "two");
    walk(&t, SK_OK);
    assert_int_equal(t.child_count, 3);
    assert_int_equal(t.child[1].got_bytes, 21 * BLOCK);
    assert_true(walktest_has(&t, "last", "two", 3));
    assert_true(t.note[SK_NOTE_DAMAGED] > 0);
    walktest_release(&t);
}

static void test_no_archive(void **state) {
    (void)state;
    struct walktest t;
    enum sk_type type = SK_TYPE_ANY;
    B.len = 0;
    put_header(&(struct head){.name = "a", .size = 3, .wrong = 1});
    put_body("one");
    put_fill('J', 8);
    assert_int_equal(walktest_bid(&sk_format_tar, B.p, B.len, &type), 0);
    walk(&t, SK_E_FORMAT);
    assert_int_equal(t.child_count, 0);
    assert_int_equal(t.note[SK_NOTE_DAMAGED], 0);
    walktest_release(&t);
    put("b", 0, "two"); /* now the first one is a header that was damaged */
    assert_int_equal(walktest_bid(&sk_format_tar, B.p, B.len, &type), 90);
    walk(&t, SK_OK);
    assert_true(walktest_has(&t, "b", "two", 3));
    assert_int_equal(t.note[SK_NOTE_DAMAGED], 1);
    walktest_release(&t);

    /* A sum that agrees by chance: without a magic the rest must be a header's, too. */
    B.len = 0;
    put_header(&(struct head){.name = "a", .magic = "\0\0\0\0\0\0\0", .size = 3});
    put_body("one");
    assert_int_equal(walktest_bid(&sk_format_tar, B.p, B.len, &type), 75);
    assert_int_equal(type, SK_TYPE_TAR_OLD);
    B.len = 0;
    put_header(&(struct head){.name = "a", .magic = "\0\0\0\0\0\0\0", .size = 3, .wrong = 'x'});
    B.p[136] = 'x'; /* a time that is no number */
    put_body("one");
    assert_int_equal(walktest_bid(&sk_format_tar, B.p, B.len, &type), 0);
    walk(&t, SK_E_FORMAT);
    walktest_release(&t);

    B.len = 0;
    put_fill(0, 8);
    assert_int_equal(walktest_bid(&sk_format_tar, B.p, B.len, &type), 0);
    walk(&t, SK_E_FORMAT);
    walktest_release(&t);
    B.len = 100;
    walk(&t, SK_E_FORMAT);
    walktest_release(&t);
}

static void build_all(void) {
    B.len = 0;
    put("a", 0, "one");
    put("x", 'x', "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n28 GNU.sparse.realsize=1000\n");
    put_header(&(struct head){.name = "holes", .size = BLOCK + 3});
    put_body("1\n700\n3\n");
    put_body("two");
    put("././@LongLink", 'L', "long");
    put("b", 0, "three");
}

/* Each of sixty headers says that all the others are its map: they are gone over twice, not sixty
 * times. */
static void test_maps_that_overlap(void **state) {
    (void)state;
    struct walktest t;
    B.len = 0;
    for (unsigned i = 0; i < 60; i++) {
        uint8_t *p = put_header(
            &(struct head){.name = "x", .magic = "ustar  \0", .type = 'S', .size = 1, .wrong = 2});
        p[482] = p[504] = 1;
    }
    walk(&t, SK_OK);
    assert_true(t.note[SK_NOTE_DAMAGED] > 0);
    assert_true(t.ticks < 60 * 4);
    walktest_release(&t);
}

/* Stopped anywhere, it stops. */
static void test_stop(void **state) {
    (void)state;
    build_all();
    struct walktest t;
    walk(&t, SK_OK);
    assert_int_equal(t.child_count, 3);
    assert_int_equal(t.child[1].got_bytes, 1000);
    uint64_t ticks = t.ticks;
    walktest_release(&t);
    for (uint64_t i = 1; i <= ticks + 1; i++) {
        walktest_init(&t);
        t.stop_after_ticks = i;
        bool ends = i > ticks;
        assert_int_equal(walktest_run(&t, &sk_format_tar, B.p, B.len).code,
                         ends ? SK_OK : SK_E_STOP);
        walktest_release(&t);
    }
    for (uint32_t i = 1; i <= 2; i++) {
        walktest_init(&t);
        t.stop_after_children = i;
        assert_int_equal(walktest_run(&t, &sk_format_tar, B.p, B.len).code, SK_E_STOP);
        walktest_release(&t);
    }
}

static void test_no_memory(void **state) {
    (void)state;
    build_all();
    for (uint64_t nth = 1;; nth++) {
        struct walktest t;
        walktest_init(&t);
        mem_fault_set(nth);
        sk_err err = walktest_run_windowed(&t, &sk_format_tar, B.p, B.len);
        bool all = mem_fault_seen() < nth;
        mem_fault_set(0);
        assert_int_equal(err.code, all ? SK_OK : SK_E_NOMEM);
        walktest_release(&t);
        if (all) {
            assert_true(nth > 1);
            return;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_who_names),
        cmocka_unit_test(test_records_that_are_none),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_cut_bodies),
        cmocka_unit_test(test_no_archive),
        cmocka_unit_test(test_maps_that_overlap),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
