// SPDX-License-Identifier: Apache-2.0
/* Manifests: only what we would write is read; old images go, foreign files stay; sets open whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "defkit.h"
#include "defs/manifest.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ROW "segment main main-0123456789abcdef.skdef " ID "\n"

static void only_proper_text_is_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"sekisho-definitions 1\n" ROW, SK_OK},
        {"sekisho-definitions 1\n", SK_OK},
        {"", SK_E_FORMAT},
        {"sekisho-definitions 1", SK_E_FORMAT},
        {"sekisho-definitions 2\n" ROW, SK_E_FORMAT},
        {"sekisho-definitions 1\n" ROW ROW, SK_E_FORMAT},
        {"sekisho-definitions 1\nsegment main ../x " ID "\n", SK_E_FORMAT},
        {"sekisho-definitions 1\nsegment ../m ../m-0123456789abcdef.skdef " ID "\n", SK_E_FORMAT},
        {"sekisho-definitions 1\nsegment main main-0123456789abcdee.skdef " ID "\n", SK_E_FORMAT},
        {"sekisho-definitions 1\nsegment main main-0123456789abcdef.skdef " ID " x\n", SK_E_FORMAT},
        {"sekisho-definitions 1\nsegment main main-0123456789abcdef.skdef 0123\n", SK_E_FORMAT},
        {"sekisho-definitions 1\n\n" ROW, SK_E_FORMAT},
        {"sekisho-definitions 1\nother main main-0123456789abcdef.skdef " ID "\n", SK_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct manifest m;
        assert_int_equal(manifest_parse(cases[i].text, strlen(cases[i].text), &m).code,
                         cases[i].code);
    }
    struct manifest m = {.count = 0};
    for (unsigned i = 0; i <= DEFSET_SEGMENT_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "s%u", i);
        assert_int_equal(manifest_set(&m, name, ID).code,
                         i < DEFSET_SEGMENT_MAX ? SK_OK : SK_E_LIMIT);
    }
    assert_int_equal(manifest_set(&m, "Upper", ID).code, SK_E_USAGE);
}

static void sweep_takes_only_its_own(void **state) {
    (void)state;
    static const char *const stay[] = {"main-0123456789abcdef.skdef",
                                       "notes.txt",
                                       "x.skdef",
                                       "main-0123456789ABCDEF.skdef",
                                       "a.manifest.0123456789abcdef",
                                       ".bashrc",
                                       ".x.0123456789abcdef",
                                       "main-0123.skdef",
                                       ".main.skdef.0123456789abcde"};
    static const char *const go[] = {"main-1111111111111111.skdef",
                                     "old-one-2222222222222222.skdef",
                                     ".main.skdef.0123456789abcdef", ".manifest.0123456789abcdef"};
    struct scratch s;
    struct manifest m = {.count = 0};
    scratch_make(&s);
    assert_int_equal(manifest_set(&m, "main", ID).code, SK_OK);
    for (size_t i = 0; i < sizeof stay / sizeof stay[0]; i++) {
        scratch_text(&s, stay[i], "x");
    }
    for (size_t i = 0; i < sizeof go / sizeof go[0]; i++) {
        scratch_text(&s, go[i], "x");
    }
    manifest_sweep(s.dir, &m, NULL);
    for (size_t i = 0; i < sizeof stay / sizeof stay[0]; i++) {
        assert_int_equal(access(scratch_path(&s, stay[i]), F_OK), 0);
    }
    for (size_t i = 0; i < sizeof go / sizeof go[0]; i++) {
        assert_int_not_equal(access(scratch_path(&s, go[i]), F_OK), 0);
    }
    scratch_remove(&s);
}

static void a_set_opens_whole_or_not_at_all(void **state) {
    (void)state;
    struct scratch s;
    struct defset *set = NULL;
    struct defc_report report;
    struct diag_tape tape;
    struct manifest m;
    diag_tape_init(&tape);
    scratch_make(&s);
    assert_int_equal(defset_open(scratch_path(&s, "none"), &tape.diag, &set).code, SK_E_NOTFOUND);
    assert_int_equal(defset_open(scratch_path(&s, "src"), &tape.diag, &set).code, SK_E_NOTFOUND);
    defkit_sample(&s);
    scratch_text(&s, "src/daily.hdb", "44d88612fea8a8f36de82e1278abb02f:68:Test.Ignored-1\n");
    assert_int_equal(defkit_compile(&s, &tape.diag, &report).code, SK_OK);
    assert_int_equal(report.segments, 2);
    char out[512];
    (void)snprintf(out, sizeof out, "%s", scratch_path(&s, "out"));
    assert_int_equal(defset_open(out, &tape.diag, &set).code, SK_OK);
    assert_int_equal(defset_count(set), 2);
    assert_int_equal(defset_signature_count(set), report.signatures);
    assert_true(defset_ignores(set, "Test.Ignored-1"));
    assert_false(defset_ignores(set, "Test.Eicar-1"));
    assert_null(defset_image(set, 2));
    defset_close(set);
    assert_int_equal(manifest_read(out, NULL, &m).code, SK_OK);
    char one[512];
    (void)snprintf(one, sizeof one, "out/%s", m.row[0].file);
    assert_int_equal(defset_open(scratch_path(&s, one), NULL, &set).code, SK_OK);
    assert_int_equal(defset_count(set), 1);
    defset_close(set);
    /* Swap the two images: each is whole, but the set is not the one that was made. */
    char a[512];
    char b[512];
    (void)snprintf(a, sizeof a, "%s", scratch_path(&s, one));
    (void)snprintf(one, sizeof one, "out/%s", m.row[1].file);
    (void)snprintf(b, sizeof b, "%s", scratch_path(&s, one));
    assert_int_equal(rename(a, scratch_path(&s, "t")), 0);
    assert_int_equal(rename(b, a), 0);
    assert_int_equal(rename(scratch_path(&s, "t"), b), 0);
    assert_int_equal(defset_open(out, &tape.diag, &set).code, SK_E_FORMAT);
    assert_int_equal(unlink(a), 0);
    assert_int_equal(defset_open(out, &tape.diag, &set).code, SK_E_FORMAT);
    scratch_remove(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_proper_text_is_read),
        cmocka_unit_test(sweep_takes_only_its_own),
        cmocka_unit_test(a_set_opens_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
