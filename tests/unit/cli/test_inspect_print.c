// SPDX-License-Identifier: Apache-2.0
/* The text of sekisho inspect when the worker that tells it was taken over: nothing reaches the
 * terminal unescaped, and a worker that died is told of beside what it had told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/note.h"
#include "cli/inspect_print.h"
#include "cli/inspect_tree.h"

#define EVIL "\033[2J"

static const char *text_of(struct inspection *in, const struct sk_report *report, struct buf *out) {
    struct outcome o = {.kind = OUTCOME_SCANNED, .path = "p", .report = report};
    inspection_finish(in);
    buf_clear(out);
    assert_false(sk_failed(inspect_print_text(in, &o, out)));
    return buf_text(out);
}

static void tell_object(struct inspection *in) {
    struct sk_layer_seen seen = {.id = 1, .name = EVIL, .name_len = strlen(EVIL), .type = EVIL};
    inspection_init(in);
    assert_non_null(inspection_layer(in, &seen));
}

static void test_escapes(void **state) {
    (void)state;
    struct inspection in;
    struct buf out = {0};
    tell_object(&in);
    struct sk_note_entry note = {.word = EVIL, .text = EVIL "note", .layer = EVIL, .detail = EVIL};
    struct sk_fact_seen fact = {1, EVIL "fact", EVIL, strlen(EVIL)};
    inspection_note(&in, 1, &note);
    inspection_fact(&in, &fact);
    struct sk_finding finding = {.name = EVIL "name", .layer = EVIL, .layer_type = EVIL};
    struct sk_report report = {.findings = &finding, .finding_count = 1, .type = "", .complete = 1};
    const char *text = text_of(&in, &report, &out);
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "\\x1b[2Jnote"));
    assert_non_null(strstr(text, "\\x1b[2Jfact"));
    assert_non_null(strstr(text, "\\x1b[2Jname"));
    inspection_release(&in);
    inspection_init(&in); /* nothing told of any layer: the notes of the report */
    report = (struct sk_report){.notes = &note, .note_count = 1, .type = "", .complete = 1};
    text = text_of(&in, &report, &out);
    assert_string_equal(text, "p: \\x1b[2Jnote\n");
    inspection_release(&in);
    buf_release(&out);
}

static void test_worker_died(void **state) {
    (void)state;
    struct inspection in;
    struct buf out = {0};
    tell_object(&in);
    struct sk_note_entry notes[] = {
        {.word = sk_note_word(SK_NOTE_WORKER_DIED), .text = "it died", .layer = ""},
        {.word = "damaged", .text = "told by its layer", .layer = ""}};
    struct sk_report report = {.notes = notes, .note_count = 2, .type = ""};
    const char *text = text_of(&in, &report, &out);
    assert_non_null(strstr(text, "p: it died\n"));
    assert_null(strstr(text, "told by its layer"));
    inspection_release(&in);
    buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_worker_died),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
