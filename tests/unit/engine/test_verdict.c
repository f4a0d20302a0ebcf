// SPDX-License-Identifier: Apache-2.0
/* Allow and ignore lists, notes, completeness: what may clear a finding and what may not be clean.
 */
#include "fixture.h"

static const struct fake_sig SIGS[] = {
    {"aaaa-evil", "Evil.A.UNOFFICIAL", SK_TARGET_ANY, false},
    {"bbbb-evil", "Evil.B", SK_TARGET_ANY, false},
};

#define INNER "xxxxaaaa-evil"

static void make_boxes(struct buf *outer, struct buf *inner, enum fake_kind kind) {
    box_begin(inner);
    box_add_text(inner, FAKE_BOMB, "deep", "aaaa-evil", 2);
    box_begin(outer);
    box_add(outer, kind, "in.box", inner, 0);
}

static void test_member_on_the_allow_list(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct sk_scanner *sc = scanner_flags(SK_SCAN_ALL_MATCHES);
    const char *text = "some aaaa-evil";
    assert_int_equal(scan_text(sc, text)->verdict, SK_VERDICT_INFECTED);
    fake_hash(HS_ALLOW, HS_SHA1, text, strlen(text), "allowed");
    const struct sk_report *r = scan_text(sc, text);
    assert_int_equal(r->verdict, SK_VERDICT_ALLOWED);
    assert_int_equal(r->finding_count, 0);
    assert_true(r->complete);
    /* An entry for a member does not clear the box around it, which holds the same bytes. */
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_PLAIN, "m", text, 0);
    r = scan_buf(sc, &box);
    expect_names(r, "Evil.A.UNOFFICIAL");
    assert_string_equal(r->findings[0].layer, "");
    sk_scanner_free(sc);
    buf_release(&box);
}

static void test_every_layer_up_to_the_object_may_clear(void **state) {
    (void)state;
    static const enum fake_kind KIND[] = {FAKE_PLAIN, FAKE_SLICE};
    for (unsigned i = 0; i < 2; i++) {
        struct buf outer = {0}, inner = {0};
        make_boxes(&outer, &inner, KIND[i]);
        for (unsigned on = 0; on < 2; on++) {
            fake_reset(SIGS, 1);
            const struct buf *listed = on == 0 ? &outer : &inner;
            fake_hash(HS_ALLOW, HS_MD5, listed->data, listed->len, "allowed");
            struct sk_scanner *sc = scanner_flags(0);
            const struct sk_report *r = scan_buf(sc, &outer);
            /* The deep member and the inner box are cleared by either; the outer only by itself. */
            assert_int_equal(r->verdict, on == 0 ? SK_VERDICT_ALLOWED : SK_VERDICT_INFECTED);
            if (on == 1) {
                assert_string_equal(r->findings[0].layer, "");
            }
            sk_scanner_free(sc);
        }
        buf_release(&outer);
        buf_release(&inner);
    }
}

/* mid.box is closed before its own box inside is opened: its allow entry must still count. */
static void test_allow_entry_of_a_closed_layer(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct buf low = {0}, mid = {0}, top = {0};
    box_begin(&low);
    box_add_text(&low, FAKE_SLOW, "deep", "aaaa-evil", 0);
    box_begin(&mid);
    box_add(&mid, FAKE_PLAIN, "low.box", &low, 0);
    box_begin(&top);
    box_add(&top, FAKE_PLAIN, "mid.box", &mid, 0);
    fake_hash(HS_ALLOW, HS_SHA256, mid.data, mid.len, "allowed");
    struct sk_scanner *sc = scanner_flags(SK_SCAN_ALL_MATCHES);
    const struct sk_report *r = scan_buf(sc, &top);
    assert_int_equal(r->finding_count, 1); /* top itself */
    assert_string_equal(r->findings[0].layer, "");
    sk_scanner_free(sc);
    buf_release(&low);
    buf_release(&mid);
    buf_release(&top);
}

static void test_allowed_does_not_hide_the_rest(void **state) {
    (void)state;
    fake_reset(SIGS, 2);
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_BOMB, "good", "aaaa-evil", 2);
    box_add_text(&box, FAKE_ENCRYPTED, "locked", "", 0);
    fake_hash(HS_ALLOW, HS_MD5, "aaaa-evilaaaa-evil", 18, "allowed");
    fake_hash(HS_ALLOW, HS_MD5, box.data, box.len, "allowed");
    struct sk_scanner *sc = scanner_flags(0);
    const struct sk_report *r = scan_buf(sc, &box);
    assert_int_equal(r->verdict, SK_VERDICT_INCOMPLETE);
    assert_false(r->complete);
    sk_scanner_free(sc);
    buf_release(&box);
}

static void test_ignored_name(void **state) {
    (void)state;
    fake_reset(SIGS, 2);
    fake.ignored = "Evil.A";
    struct sk_scanner *sc = scanner_flags(SK_SCAN_ALL_MATCHES);
    assert_int_equal(scan_text(sc, "...aaaa-evil")->verdict, SK_VERDICT_CLEAN);
    expect_names(scan_text(sc, "...aaaa-evil bbbb-evil"), "Evil.B");
    sk_scanner_free(sc);
}

static void expect_incomplete(const struct buf *object, const char *word) {
    struct sk_scanner *sc = scanner_flags(0);
    const struct sk_report *r = scan_buf(sc, object);
    assert_int_equal(r->verdict, SK_VERDICT_INCOMPLETE);
    assert_false(r->complete);
    assert_true(has_note(r, word));
    sk_scanner_free(sc);
}

static void test_what_was_not_seen_is_never_clean(void **state) {
    (void)state;
    static const struct {
        enum fake_kind kind;
        const char *word;
    } CASE[] = {
        {FAKE_ENCRYPTED, "encrypted"},   {FAKE_SILENT, "unsupported-method"},
        {FAKE_BROKEN, "damaged"},        {FAKE_METHOD, "unsupported-method"},
        {FAKE_UNREADABLE, "read-error"}, {FAKE_BOX_BROKEN, "damaged"},
    };
    struct buf box = {0};
    for (size_t i = 0; i < sizeof(CASE) / sizeof(CASE[0]); i++) {
        fake_reset(SIGS, 2);
        box_begin(&box);
        box_add_text(&box, CASE[i].kind, "member", "some content", 0);
        expect_incomplete(&box, CASE[i].word);
    }
    fake_reset(SIGS, 2);
    box_begin(&box);
    box_add_text(&box, FAKE_PLAIN, "a.pdf", "TYP1 cannot be opened", 0);
    expect_incomplete(&box, "unsupported-format");
    box_begin(&box);
    box_add_text(&box, FAKE_PLAIN, "m", "MAIL without a reader", 0);
    expect_incomplete(&box, "unsupported-format");
    fake_reset(SIGS, 2);
    fake.match_err = sk_fail(SK_E_LIMIT);
    expect_incomplete(&box, "limit-match");
    fake.match_err = sk_fail(SK_E_FORMAT);
    expect_incomplete(&box, "limit-match");
    fake.match_err = sk_fail(SK_E_NOMEM);
    expect_incomplete(&box, "limit-memory");
    buf_release(&box);
}

static void test_what_was_read_before_the_damage_is_searched(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_BROKEN, "m", INNER, 0);
    struct sk_scanner *sc = scanner_flags(0);
    const struct sk_report *r = scan_buf(sc, &box);
    assert_int_equal(r->verdict, SK_VERDICT_INFECTED);
    assert_string_equal(r->findings[0].layer, "m");
    assert_false(r->complete);
    sk_scanner_free(sc);
    buf_release(&box);
}

static void test_notes_are_bounded_and_told_once(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct buf box = {0};
    box_begin(&box);
    for (unsigned i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", i);
        box_add_text(&box, FAKE_BROKEN, name, "some content", 0);
        box_add_text(&box, FAKE_ENCRYPTED, name, "some content", 0);
    }
    box_add_text(&box, FAKE_METHOD, "last", "some content", 0);
    struct sk_scanner *sc = scanner_flags(0);
    const struct sk_report *r = scan_buf(sc, &box);
    assert_true(r->note_count <= VERDICT_NOTE_MAX + SK_NOTE_COUNT);
    assert_true(
        has_note(r, "unsupported-method")); /* a new kind is told even when the list is full */
    unsigned locked = 0;
    for (size_t i = 0; i < r->note_count; i++) {
        locked += strcmp(r->notes[i].word, "encrypted") == 0;
    }
    assert_int_equal(locked, 1);
    sk_scanner_free(sc);
    buf_release(&box);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_member_on_the_allow_list),
        cmocka_unit_test(test_every_layer_up_to_the_object_may_clear),
        cmocka_unit_test(test_allow_entry_of_a_closed_layer),
        cmocka_unit_test(test_allowed_does_not_hide_the_rest),
        cmocka_unit_test(test_ignored_name),
        cmocka_unit_test(test_what_was_not_seen_is_never_clean),
        cmocka_unit_test(test_what_was_read_before_the_damage_is_searched),
        cmocka_unit_test(test_notes_are_bounded_and_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
