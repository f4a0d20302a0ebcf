// SPDX-License-Identifier: Apache-2.0
/*
 * RTF over golden files (fuzz/seeds/make_rtf.py): the object is found in each disguise, from memory
 * and through windows; pictures, links and fields are told; overlapping data ends; failing
 * allocations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "golden.h"
#include "walktest.h"

extern const struct sk_format sk_format_rtf;

#define T "text of an object, "
#define TEXT T T T T
#define OLE2 "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

static const struct sample {
    const char *file;
    const char *child;
    const char *content;
} samples[] = {
    {"package", "a.txt", TEXT},
    {"package", "pict", "picture"},
    {"upper", "a.txt", TEXT},
    {"space", "a.txt", TEXT},
    {"words", "a.txt", TEXT},
    {"inner-groups", "a.txt", TEXT},
    {"inner-counts", "a.txt", TEXT},
    {"quotes", "a.txt", TEXT},
    {"quotes-drop", "a.txt", TEXT},
    {"binary", "a.txt", TEXT},
    {"binary-inside", "a.txt", TEXT},
    {"glued", "a.txt", TEXT},
    {"odd", "a.txt", TEXT},
    {"not-closed", "a.txt", TEXT},
    {"version", "a.txt", TEXT},
    {"no-object-group", "a.txt", TEXT},
    {"two", "a.txt", TEXT},
    {"two", "Other.Class", "second"},
    {"two", "METAFILEPICT", TEXT},
    {"ole2", "Word.Document.8", OLE2 TEXT},
    {"no-header", "objdata", OLE2 TEXT},
    {"picture", "pict", "\x89PNG\r\n\x1a\n" TEXT},
    {"datastore", "datastore", OLE2 TEXT},
    {"nesting", "a.txt", TEXT},
    {"false-binary", "a.txt", TEXT},
};

static const struct told {
    const char *file;
    enum sk_fact fact;
    const char *value;
} facts[] = {
    {"package", SK_FACT_EMBEDDED, "a.txt"},
    {"two", SK_FACT_EMBEDDED, "Other.Class"},
    {"linked", SK_FACT_EXTERNAL, "http://example.org/a.hta"},
    {"linked", SK_FACT_OPEN_ACTION, "objupdate"},
    {"template", SK_FACT_EXTERNAL, "http://example.org/a.dotm"},
    {"fields", SK_FACT_URI, "http://example.org/b"},
    {"fields", SK_FACT_LAUNCH, "DDEAUTO c:\\\\cmd.exe \"/c\""},
    {"fields", SK_FACT_EXTERNAL, "http://example.org/c.png"},
};

static uint8_t *load(const char *file, size_t *out_len) {
    char path[128];
    (void)snprintf(path, sizeof(path), "rtf/%s.rtf.b64", file);
    return golden_load(path, out_len);
}

static void check_sample(const struct sample *s, bool windowed) {
    size_t len = 0;
    uint8_t *file = load(s->file, &len);
    struct walktest t;
    enum sk_type type = SK_TYPE_RTF;
    walktest_init(&t);
    assert_int_equal(walktest_bid(&sk_format_rtf, file, len, &type), 85);
    sk_err err = windowed ? walktest_run_windowed(&t, &sk_format_rtf, file, len)
                          : walktest_run(&t, &sk_format_rtf, file, len);
    assert_int_equal(err.code, SK_OK);
    if (!walktest_has(&t, s->child, s->content, strlen(s->content))) {
        fail_msg("%s: %s is not found", s->file, s->child);
    }
    bool overlaps = strcmp(s->file, "nesting") == 0;
    assert_int_equal(t.note[SK_NOTE_LIMIT_SCAN_SIZE], overlaps ? 1 : 0);
    walktest_release(&t);
    free(file);
}

static void test_disguises(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        check_sample(&samples[i], false);
        check_sample(&samples[i], true);
    }
}

static void test_facts(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        size_t len = 0;
        uint8_t *file = load(facts[i].file, &len);
        struct walktest t;
        walktest_init(&t);
        assert_int_equal(walktest_run(&t, &sk_format_rtf, file, len).code, SK_OK);
        if (!walktest_told(&t, facts[i].fact, facts[i].value)) {
            fail_msg("%s: %s is not told", facts[i].file, facts[i].value);
        }
        walktest_release(&t);
        free(file);
    }
}

static void test_failing_allocations(void **state) {
    (void)state;
    size_t len = 0;
    uint8_t *file = load("package", &len);
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        struct walktest t;
        walktest_init(&t);
        mem_fault_set(n);
        sk_err err = walktest_run_windowed(&t, &sk_format_rtf, file, len);
        failed = mem_fault_seen() >= n;
        mem_fault_set(0);
        assert_true(failed ? err.code == SK_E_NOMEM : err.code == SK_OK);
        walktest_release(&t);
    }
    free(file);
}

/* Each object holds all that follow: reading them all would be quadratic. */
static void test_objects_in_objects(void **state) {
    (void)state;
    struct buf file = {0};
    struct walktest t;
    assert_false(sk_failed(buf_puts(&file, "{\\rtf1")));
    for (int i = 0; i < 30000; i++) {
        assert_false(sk_failed(buf_puts(&file, "{\\objdata 01{")));
    }
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_rtf, file.data, file.len).code, SK_OK);
    assert_int_equal(t.note[SK_NOTE_LIMIT_SCAN_SIZE], 1);
    assert_true(t.child_bytes < 20 * file.len);
    assert_true(t.ticks < 5000);
    walktest_release(&t);
    buf_release(&file);
}

static void test_stops_at_once(void **state) {
    (void)state;
    size_t len = 0;
    uint8_t *file = load("two", &len);
    for (uint32_t n = 1; n < 4; n++) {
        struct walktest t;
        walktest_init(&t);
        t.stop_after_children = n;
        assert_int_equal(walktest_run(&t, &sk_format_rtf, file, len).code, SK_E_STOP);
        assert_int_equal(t.child_count, n);
        walktest_release(&t);
    }
    free(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disguises),           cmocka_unit_test(test_facts),
        cmocka_unit_test(test_failing_allocations), cmocka_unit_test(test_objects_in_objects),
        cmocka_unit_test(test_stops_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
