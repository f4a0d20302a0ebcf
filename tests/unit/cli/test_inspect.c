// SPDX-License-Identifier: Apache-2.0
/* The tree out of what a worker tells, also when the worker lies or memory runs out; names of
 * files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/inspect_files.h"
#include "cli/inspect_tree.h"

static struct inspect_layer *tell(struct inspection *in, uint64_t id, uint64_t parent,
                                  const char *name) {
    struct sk_layer_seen seen = {.id = id,
                                 .parent = parent,
                                 .name = name,
                                 .name_len = strlen(name),
                                 .type = "t",
                                 .opened = 1};
    return inspection_layer(in, &seen);
}

static void expect_walk(const struct inspection *in, const char *joined) {
    char got[256] = "";
    size_t len = 0;
    const struct inspect_layer *layer = in->layer_count > 0 ? in->layer[0] : NULL;
    for (unsigned n = 0; layer != NULL && n < 100; n++, layer = inspection_next(layer)) {
        len +=
            (size_t)snprintf(got + len, sizeof(got) - len, "%u%s ", layer->depth, layer->seen.name);
    }
    assert_string_equal(got, joined);
}

static void test_tree(void **state) {
    (void)state;
    struct inspection in;
    inspection_init(&in);
    struct sk_note_entry early = {.word = "w", .text = "text", .layer = "", .incomplete = 1};
    inspection_note(&in, 5, &early); /* before its layer */
    assert_non_null(tell(&in, 1, 0, "object"));
    assert_non_null(tell(&in, 2, 1, "a"));
    assert_non_null(tell(&in, 4, 1, "b"));
    assert_non_null(tell(&in, 5, 2, "a1"));
    assert_non_null(tell(&in, 9, 5, "a11"));
    struct sk_fact_seen fact = {5, "word", "va\0lue", 6};
    inspection_fact(&in, &fact);
    inspection_type(&in, 5, "closer");
    inspection_finish(&in);
    expect_walk(&in, "0object 1a 2a1 3a11 1b ");
    const struct inspect_layer *a1 = in.layer[3];
    assert_string_equal(a1->seen.type, "closer");
    assert_true(a1->row->is_note && a1->row->incomplete);
    assert_int_equal(a1->row->next->value_len, 6);
    assert_memory_equal(a1->row->next->value, "va\0lue", 6);
    assert_false(in.dropped);
    inspection_clear(&in);
    inspection_finish(&in);
    expect_walk(&in, "");
    inspection_release(&in);
}

/* Ids that do not grow, parents that were not told, a second object: a ring or a forest of lies. */
static void test_lies(void **state) {
    (void)state;
    struct inspection in;
    inspection_init(&in);
    assert_null(tell(&in, 7, 3, "orphan"));
    assert_non_null(tell(&in, 7, 0, "object"));
    assert_null(tell(&in, 7, 7, "itself"));
    assert_null(tell(&in, 3, 7, "back"));
    assert_null(tell(&in, 8, 0, "second"));
    assert_null(tell(&in, 9, 8, "of nothing"));
    assert_non_null(tell(&in, 10, 7, "honest"));
    in.dropped = false;
    for (uint64_t depth = 1; depth < INSPECT_DEPTH_MAX; depth++) { /* 10 is the first of them */
        assert_non_null(tell(&in, 10 + depth, 9 + depth, ""));
    }
    assert_false(in.dropped);
    assert_null(tell(&in, 10 + INSPECT_DEPTH_MAX, 9 + INSPECT_DEPTH_MAX, "too deep"));
    assert_true(in.dropped);
    in.layer_count = 2;
    struct sk_fact_seen fact = {1234, "word", NULL, 0};
    inspection_fact(&in, &fact);
    inspection_finish(&in);
    expect_walk(&in, "0object 1honest ");
    assert_non_null(in.layer[0]->row);
    assert_true(in.dropped);
    inspection_release(&in);
}

static void test_too_many(void **state) {
    (void)state;
    struct inspection in;
    inspection_init(&in);
    assert_non_null(tell(&in, 1, 0, ""));
    for (uint64_t id = 2; id <= INSPECT_LAYERS_MAX; id++) {
        assert_non_null(tell(&in, id, 1, ""));
    }
    assert_false(in.dropped);
    assert_null(tell(&in, INSPECT_LAYERS_MAX + 1, 1, ""));
    assert_true(in.dropped);
    inspection_release(&in);
}

static void test_memory_runs_out(void **state) {
    (void)state;
    for (uint64_t nth = 1; nth < 12; nth++) {
        struct inspection in;
        inspection_init(&in);
        mem_fault_set(nth);
        (void)tell(&in, 1, 0, "object");
        (void)tell(&in, 2, 1, "member");
        struct sk_fact_seen fact = {2, "word", "value", 5};
        inspection_fact(&in, &fact);
        uint64_t seen = mem_fault_seen();
        mem_fault_set(0);
        inspection_finish(&in);
        assert_true(in.dropped || seen < nth);
        inspection_release(&in);
    }
}

static void expect_name(const char *name, size_t len, const char *expected) {
    char got[INSPECT_FILE_NAME_MAX];
    struct sk_layer_seen seen = {.id = 2, .name = name, .name_len = len};
    inspect_files_name(3, &seen, got);
    assert_string_equal(got, expected);
}

static void test_names(void **state) {
    (void)state;
    expect_name("", 0, "3.0002");
    expect_name("a.txt", 5, "3.0002-a.txt");
    expect_name("../..", 5, "3.0002-_.");
    expect_name("a/", 2, "3.0002");
    expect_name("x\\y/../z", 8, "3.0002-z");
    expect_name("a\0b", 3, "3.0002-a_b");
    expect_name("\xff\n", 2, "3.0002-__");
    char name[400];
    memset(name, 'n', sizeof(name));
    char got[INSPECT_FILE_NAME_MAX];
    struct sk_layer_seen seen = {.id = UINT64_MAX, .name = name, .name_len = sizeof(name)};
    inspect_files_name(UINT64_MAX, &seen, got);
    assert_int_equal(strlen(got), 20 + 1 + 20 + 1 + 80);
}

static void test_files(void **state) {
    (void)state;
    char dir[] = "/tmp/sekisho-inspect-XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct inspect_files files;
    assert_false(sk_failed(inspect_files_open(&files, dir)));
    files.budget = 5;
    char name[INSPECT_FILE_NAME_MAX];
    struct sk_layer_seen seen = {.id = 1, .name = "n", .name_len = 1, .opened = 1, .size = 100};
    inspect_files_begin(&files, &seen, name);
    assert_string_equal(name, "1.0001-n");
    inspect_files_put(&files, 2, "bad", 3); /* of another layer: nowhere */
    inspect_files_put(&files, 1, "abc", 3);
    inspect_files_put(&files, 1, "defg", 4); /* beyond the budget */
    assert_int_equal(files.failed.code, SK_E_LIMIT);
    inspect_files_begin(&files, &seen, name);
    assert_string_equal(name, "");
    struct stat st;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/1.0001-n", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 3);
    inspect_files_close(&files);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* What a layer is said to hold must come: no less, no more. */
static void test_cut_files(void **state) {
    (void)state;
    char dir[] = "/tmp/sekisho-inspect-XXXXXX";
    char path[256], name[INSPECT_FILE_NAME_MAX];
    assert_non_null(mkdtemp(dir));
    struct inspect_files files;
    assert_false(sk_failed(inspect_files_open(&files, dir)));
    struct sk_layer_seen seen = {.id = 1, .name = "", .opened = 1, .size = 4};
    static const struct {
        const char *bytes;
        enum sk_err_code code;
    } CASES[] = {{"abcd", SK_OK}, {"abc", SK_E_IO}, {"abcde", SK_E_LIMIT}};
    for (unsigned i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        inspect_files_end(&files, 100);
        files.failed = sk_ok();
        inspect_files_begin(&files, &seen, name);
        inspect_files_put(&files, 1, CASES[i].bytes, strlen(CASES[i].bytes));
        inspect_files_end(&files, 100);
        assert_int_equal(files.failed.code, CASES[i].code);
        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        assert_int_equal(unlink(path), 0);
    }
    /* the next layer begins before the bytes of this one are there */
    files.failed = sk_ok();
    inspect_files_begin(&files, &seen, name);
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    seen.id = 2;
    inspect_files_begin(&files, &seen, name);
    assert_string_equal(name, "");
    assert_int_equal(files.failed.code, SK_E_IO);
    inspect_files_close(&files);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),      cmocka_unit_test(test_lies),
        cmocka_unit_test(test_too_many),  cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_names),     cmocka_unit_test(test_files),
        cmocka_unit_test(test_cut_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
