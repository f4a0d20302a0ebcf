// SPDX-License-Identifier: Apache-2.0
/* The tables of words (errors, types, notes): complete, unique, safe for numbers nobody knows;
 * diag. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"
#include "base/note.h"
#include "base/type.h"

static void test_every_error_has_a_text(void **state) {
    (void)state;
    for (int code = 0; code < SK_E_COUNT; code++) {
        assert_non_null(sk_err_text((sk_err){code}));
        assert_string_not_equal(sk_err_text((sk_err){code}), "unknown error");
    }
    assert_string_equal(sk_err_text((sk_err){-1}), "unknown error");
    assert_string_equal(sk_err_text((sk_err){SK_E_COUNT}), "unknown error");
}

static void test_types(void **state) {
    (void)state;
    for (unsigned i = 0; i < SK_TYPE_COUNT; i++) {
        const char *name = sk_type_clam_name((enum sk_type)i);
        assert_int_equal(strncmp(name, "CL_TYPE_", 8), 0);
        assert_int_equal(sk_type_from_clam(name), i); /* unique */
        assert_true(sk_type_target((enum sk_type)i) < SK_TARGET_COUNT);
        assert_true(strlen(sk_type_word((enum sk_type)i)) > 0);
    }
    assert_int_equal(sk_type_from_clam("CL_TYPE_NONE"), SK_TYPE_COUNT);
    assert_string_equal(sk_type_word((enum sk_type)9999), "data");
    assert_int_equal(sk_type_target(SK_TYPE_PE), SK_TARGET_PE);
    assert_true(sk_type_flags(SK_TYPE_ZIP) & SK_TYPE_CONTAINER);
}

static void test_notes(void **state) {
    (void)state;
    for (unsigned i = 0; i < SK_NOTE_COUNT; i++) {
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(sk_note_word((enum sk_note)i), sk_note_word((enum sk_note)k));
        }
    }
    assert_true(sk_note_incomplete(SK_NOTE_ENCRYPTED));
    assert_true(sk_note_incomplete(SK_NOTE_WORKER_DIED));
    assert_false(sk_note_incomplete(SK_NOTE_TRAILING));
    assert_true(sk_note_incomplete((enum sk_note)9999)); /* unknown never reads as complete */
}

static char said[64];

static void remember(void *ctx, enum diag_level level, const char *where, uint64_t line,
                     const char *text) {
    (void)ctx;
    snprintf(said, sizeof(said), "%d %s:%u %s", (int)level, where, (unsigned)line, text);
}

static void test_diag(void **state) {
    (void)state;
    struct diag d = {.say = remember};
    diag_say(&d, DIAG_WARNING, "a.ndb", 7, "bad %s", "hex");
    assert_string_equal(said, "1 a.ndb:7 bad hex");
    assert_int_equal(d.count[DIAG_WARNING], 1);
    diag_say(NULL, DIAG_ERROR, NULL, 0, "nobody listens");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_error_has_a_text),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_diag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
