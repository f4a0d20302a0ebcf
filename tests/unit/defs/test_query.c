// SPDX-License-Identifier: Apache-2.0
/* Listing and finding: every signature once, by whole name and by part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "defkit.h"
#include "defs/query.h"

static struct scratch scratch;
static struct defset *set;

static int setup(void **state) {
    (void)state;
    struct defc_report report;
    scratch_make(&scratch);
    defkit_sample(&scratch);
    scratch_text(&scratch, "src/daily.hdb", "00000000000000000000000000000002:9:Test.Ignored-1\n");
    assert_int_equal(defkit_compile(&scratch, NULL, &report).code, SK_OK);
    assert_int_equal(defset_open(scratch_path(&scratch, "out"), NULL, &set).code, SK_OK);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    defset_close(set);
    scratch_remove(&scratch);
    return 0;
}

struct seen {
    unsigned kind[QUERY_KIND_COUNT];
    unsigned ignored;
    char last[600];
    unsigned stop_after;
    unsigned count;
};

static sk_err note(void *ctx, const struct query_signature *sig) {
    struct seen *s = ctx;
    s->kind[sig->kind]++;
    s->ignored += sig->ignored;
    (void)snprintf(s->last, sizeof s->last, "%s %s", sig->segment, sig->name);
    return ++s->count == s->stop_after ? sk_fail(SK_E_STOP) : sk_ok();
}

static void everything_is_listed(void **state) {
    (void)state;
    struct seen seen = {.count = 0};
    uint64_t count = 0;
    assert_int_equal(query_signatures(set, NULL, note, &seen, &count).code, SK_OK);
    assert_int_equal(count, 12);
    assert_int_equal(seen.kind[QUERY_FILE_HASH], 5);
    assert_int_equal(seen.kind[QUERY_SECTION_HASH], 1);
    assert_int_equal(seen.kind[QUERY_IMPORT_HASH], 1);
    assert_int_equal(seen.kind[QUERY_ALLOW], 1);
    assert_int_equal(seen.kind[QUERY_BODY], 2);
    assert_int_equal(seen.kind[QUERY_LOGICAL], 2);
    assert_int_equal(seen.ignored, 1);
    seen = (struct seen){.stop_after = 3};
    assert_int_equal(query_signatures(set, NULL, note, &seen, &count).code, SK_OK);
    assert_int_equal(count, 3);
}

static void names_are_found(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool part;
        unsigned count;
        const char *last;
    } cases[] = {
        {"Test.Eicar-1", false, 1, "local Test.Eicar-1.UNOFFICIAL"},
        {"Test.Eicar-1.UNOFFICIAL", false, 1, "local Test.Eicar-1.UNOFFICIAL"},
        {"Test.Eicar", false, 0, ""},
        {"Eicar", true, 1, "local Test.Eicar-1.UNOFFICIAL"},
        {"Logic-1", true, 2, "local Test.Logic-11.UNOFFICIAL"},
        {"Test.Ignored-1", false, 1, "daily Test.Ignored-1.UNOFFICIAL"},
        {"", false, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct seen seen = {.count = 0};
        uint64_t count = 0;
        struct query_filter filter = {cases[i].text, cases[i].part};
        assert_int_equal(query_signatures(set, &filter, note, &seen, &count).code, SK_OK);
        assert_int_equal(count, cases[i].count);
        assert_string_equal(seen.last, cases[i].last);
    }
}

static bool look(void *ctx, struct sk_bytes key, struct sk_bytes value) {
    if (key.len == 14 && memcmp(key.ptr, "kind.hdb.taken", 14) == 0) {
        assert_int_equal(value.len, 1);
        *(char *)ctx = (char)value.ptr[0];
    }
    return true;
}

static void meta_tells_what_was_taken(void **state) {
    (void)state;
    char taken = 0;
    for (unsigned i = 0; i < defset_count(set); i++) {
        if (strcmp(image_header(defset_image(set, i))->name, "local") == 0) {
            query_meta(defset_image(set, i), look, &taken);
        }
    }
    assert_int_equal(taken, '4');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_listed),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(meta_tells_what_was_taken),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
