// SPDX-License-Identifier: Apache-2.0
/* The way of one scan: members, order of names, views, hashes, facts, two formats at once. */
#include "fixture.h"

static const struct fake_sig SIGS[] = {
    {"aaaa-evil", "Evil.A", SK_TARGET_ANY, false},
    {"bbbb-evil", "Evil.B", SK_TARGET_ANY, false},
    {"bbbb-evil", "Evil.B.Data", SK_TARGET_OTHER, false},
    {"bbbb-evil", "Evil.B.Logical", SK_TARGET_ANY, true},
    {"pppp-evil", "PUA.P", SK_TARGET_ANY, false},
    {"exex-evil", "Evil.Exe", SK_TARGET_PE, false},
    {"bbbb-evil", "Evil.B.Zip", SK_TARGET_PDF, false},
};
#define SIG_COUNT ((unsigned)(sizeof(SIGS) / sizeof(SIGS[0])))

static void test_clean_and_tiny(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    struct sk_scanner *sc = scanner_flags(0);
    const struct sk_report *r = scan_text(sc, "nothing to see");
    assert_int_equal(r->verdict, SK_VERDICT_CLEAN);
    assert_true(r->complete);
    assert_int_equal(r->bytes_scanned, 14);
    assert_string_equal(r->type, "data");
    assert_int_equal(fake.matched, 1);
    r = scan_text(sc, "12345");
    assert_int_equal(r->verdict, SK_VERDICT_CLEAN);
    assert_int_equal(fake.matched, 1);
    r = scan_text(sc, "");
    assert_int_equal(r->verdict, SK_VERDICT_CLEAN);
    r = scan_text(sc, "a aaaa-evil");
    assert_int_equal(r->verdict, SK_VERDICT_INFECTED);
    assert_string_equal(r->findings[0].layer, "");
    assert_int_equal(r->findings[0].offset, 2);
    sk_scanner_free(sc);
}

static void test_order_in_one_layer(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    const char *text = "bbbb-evil aaaa-evil";
    fake_hash(HS_FILE, HS_MD5, text, strlen(text), "Hash.X");
    struct sk_scanner *sc = scanner_flags(SK_SCAN_ALL_MATCHES);
    expect_names(scan_text(sc, text), "Evil.B Evil.A Hash.X Evil.B.Logical Evil.B.Data");
    sk_scanner_free(sc);
    sc = scanner_flags(0);
    expect_names(scan_text(sc, text), "Evil.B");
    sk_scanner_free(sc);
}

/* a.box { first.bin: nothing; in.box { deep.bin: B }; last.bin: A }, and the box itself by hash. */
static void make_nested(struct buf *box) {
    struct buf inner = {0};
    box_begin(&inner);
    box_add_text(&inner, FAKE_PLAIN, "deep.bin", "----bbbb-evil", 0);
    box_begin(box);
    box_add_text(box, FAKE_PLAIN, "first.bin", "nothing at all", 0);
    box_add(box, FAKE_PLAIN, "in.box", &inner, 0);
    box_add_text(box, FAKE_PLAIN, "last.bin", "----aaaa-evil", 0);
    buf_release(&inner);
}

static void test_members_come_before_their_container(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    struct buf box = {0};
    make_nested(&box);
    fake_hash(HS_FILE, HS_SHA256, box.data, box.len, "Hash.Box");
    struct sk_scanner *sc = scanner_flags(SK_SCAN_ALL_MATCHES);
    const struct sk_report *r = scan_buf(sc, &box);
    /* The bodies lie unpacked in the boxes, so the boxes match as well. */
    expect_names(r, "Evil.B Evil.B.Logical Evil.B.Data Evil.B Evil.B.Logical Evil.A Evil.B Evil.A"
                    " Hash.Box Evil.B.Logical");
    assert_string_equal(r->findings[0].layer, "in.box!deep.bin");
    assert_string_equal(r->findings[3].layer, "in.box");
    assert_string_equal(r->findings[3].layer_type, "zip");
    assert_string_equal(r->findings[5].layer, "last.bin");
    assert_string_equal(r->findings[6].layer, "");
    assert_int_equal(r->layers, 5);
    assert_string_equal(r->type, "zip");
    sk_scanner_free(sc);
    /* last.bin is looked at before in.box is opened, and yet the first name is the inner one. */
    sc = scanner_flags(0);
    r = scan_buf(sc, &box);
    expect_names(r, "Evil.B");
    assert_string_equal(r->findings[0].layer, "in.box!deep.bin");
    sk_scanner_free(sc);
    buf_release(&box);
}

/* Raw text is for target 0 alone, target 7 sees the normalised view, in lower case and with runs of
 * space folded. */
static void test_text_views(void **state) {
    (void)state;
    static const struct fake_sig TEXT[] = {
        {"Upper  CASE", "Raw.Any", SK_TARGET_ANY, false},
        {"upper case", "Normal.Any", SK_TARGET_ANY, false},
        {"upper case", "Normal.Text", SK_TARGET_TEXT, false},
        {"Upper  CASE", "Raw.Text", SK_TARGET_TEXT, false},
    };
    fake_reset(TEXT, 4);
    struct sk_scanner *sc = scanner_flags(SK_SCAN_ALL_MATCHES);
    expect_names(scan_text(sc, "TXT1 Upper  CASE"), "Raw.Any Normal.Text Normal.Any");
    assert_int_equal(fake.matched, 2);
    /* Longer than a window of the store. */
    struct buf big = {0};
    assert_false(sk_failed(buf_puts(&big, "TXT1 Upper  CASE")));
    for (unsigned i = 0; i < 100000; i++) {
        assert_false(sk_failed(buf_puts(&big, " some words more")));
    }
    expect_names(scan_buf(sc, &big), "Raw.Any Normal.Text Normal.Any");
    buf_release(&big);
    sk_scanner_free(sc);
}

static void test_first_match_stops_early(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_BOMB, "1", "aaaa-evil", 1);
    for (unsigned i = 0; i < 100; i++) {
        box_add_text(&box, FAKE_PLAIN, "n", "nothing here", 0);
    }
    struct sk_scanner *sc = scanner_flags(0);
    const struct sk_report *r = scan_buf(sc, &box);
    expect_names(r, "Evil.A");
    assert_string_equal(r->findings[0].layer, "1");
    assert_int_equal(r->layers, 2);
    sk_scanner_free(sc);
    buf_release(&box);
}

static void test_unwanted_names_step_back(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_PLAIN, "1", "----pppp-evil", 0);
    box_add_text(&box, FAKE_PLAIN, "2", "----aaaa-evil", 0);
    struct sk_scanner *sc = scanner_flags(0);
    expect_names(scan_buf(sc, &box), "Evil.A");
    expect_names(scan_text(sc, "x pppp-evil"), "PUA.P");
    sk_scanner_free(sc);
    sc = scanner_flags(SK_SCAN_ALL_MATCHES);
    expect_names(scan_buf(sc, &box), "Evil.A Evil.A PUA.P PUA.P");
    sk_scanner_free(sc);
    buf_release(&box);
}

static void test_executables(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    const char *text = "EXE10123456789abcdef exex-evil";
    fake_hash(HS_SECTION, HS_MD5, "0123456789abcdef", 16, "Section.X");
    fake_hash(HS_IMPORTS, HS_MD5, "a.b,c.d", 7, "Imports.X");
    struct sk_scanner *sc = scanner_flags(SK_SCAN_ALL_MATCHES);
    const struct sk_report *r = scan_text(sc, text);
    expect_names(r, "Evil.Exe Section.X Imports.X");
    assert_string_equal(r->type, "pe");
    assert_int_equal(r->findings[1].offset, 4);
    assert_true(fake.exe[0]);
    /* The same bytes elsewhere are no executable. */
    assert_int_equal(scan_text(sc, "NOT10123456789abcdef exex-evil")->verdict, SK_VERDICT_CLEAN);
    sk_scanner_free(sc);
}

static void test_executable_with_members(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    struct buf exe = {0};
    box_begin(&exe);
    struct buf sfx = {0};
    assert_false(sk_failed(buf_printf(&sfx, "EXE1%060d", 0)));
    box_add_text(&exe, FAKE_PLAIN, "inside", "----aaaa-evil", 0);
    assert_false(sk_failed(buf_append(&sfx, exe.data + 4, exe.len - 4)));
    struct buf outer = {0};
    box_begin(&outer);
    box_add(&outer, FAKE_PLAIN, "sfx.exe", &sfx, 0);
    struct sk_scanner *sc = scanner_flags(0);
    const struct sk_report *r = scan_buf(sc, &outer);
    expect_names(r, "Evil.A");
    assert_string_equal(r->findings[0].layer, "sfx.exe!inside");
    sk_scanner_free(sc);
    buf_release(&exe);
    buf_release(&sfx);
    buf_release(&outer);
}

static void test_two_formats_at_once(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_BOMB, "inside", "aaaa-evil", 2);
    memcpy(box.data, "POLY", 4);
    struct sk_scanner *sc = scanner_flags(0);
    const struct sk_report *r = scan_buf(sc, &box);
    assert_string_equal(r->type, "pe");
    assert_int_equal(r->verdict, SK_VERDICT_INFECTED);
    assert_string_equal(r->findings[0].layer, "inside");
    assert_true(fake.exe[0]);
    sk_scanner_free(sc);
    buf_release(&box);
}

static void test_container_is_told_to_the_matcher(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    struct buf box = {0};
    make_nested(&box);
    struct sk_scanner *sc = scanner_flags(SK_SCAN_ALL_MATCHES);
    (void)scan_buf(sc, &box);
    assert_int_equal(fake.container[0], SK_TYPE_ANY);
    assert_int_equal(fake.target[0], SK_TARGET_ANY);
    assert_int_equal(fake.container[1], SK_TYPE_ZIP);
    assert_int_equal(fake.target[1], SK_TARGET_OTHER);
    sk_scanner_free(sc);
    buf_release(&box);
}

static void test_unnamed_and_binary_names(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_PLAIN, "", "no name, clean", 0);
    box_add_text(&box, FAKE_BOMB, "", "aaaa-evil", 2);
    struct sk_scanner *sc = scanner_flags(0);
    assert_string_equal(scan_buf(sc, &box)->findings[0].layer, "#2");
    sk_scanner_free(sc);
    buf_release(&box);
}

static void test_member_is_what_its_container_says(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    struct buf box = {0};
    struct buf inner = {0};
    box_begin(&box);
    /* Data that tells nothing takes the type; the reader of that type is asked, too. */
    box_add_text(&box, FAKE_AS, "said", "no magic here", SK_TYPE_PE);
    /* Bytes that are of a kind keep theirs. */
    box_begin(&inner);
    box_add_text(&inner, FAKE_PLAIN, "deep", "nothing in it", 0);
    box_add(&box, FAKE_AS, "box", &inner, SK_TYPE_PE);
    struct sk_scanner *sc = scanner_flags(0);
    const struct sk_report *report = scan_buf(sc, &box);
    assert_int_equal(report->layers, 4);
    assert_int_equal(fake.target[1], SK_TARGET_PE);
    assert_true(fake.exe[1]);
    assert_int_equal(fake.target[2], SK_TARGET_ANY);
    sk_scanner_free(sc);
    buf_release(&inner);
    buf_release(&box);
}

static void test_views_belong_to_the_layer(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_VIEW, "", "aaaa-evil", SK_TARGET_HTML);
    struct sk_scanner *sc = scanner_flags(0);
    const struct sk_report *report = scan_buf(sc, &box);
    assert_int_equal(report->layers, 1);
    assert_int_equal(fake.target[1], SK_TARGET_HTML);
    assert_int_equal(fake.container[1], SK_TYPE_ANY);
    assert_true(report->finding_count > 0);
    assert_string_equal(report->findings[0].layer, "");
    assert_int_equal(report->bytes_scanned, box.len + strlen("aaaa-evil"));
    sk_scanner_free(sc);
    buf_release(&box);
}

static void test_no_archives_flag(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    struct buf box = {0};
    make_nested(&box);
    struct sk_scanner *sc = scanner_flags(SK_SCAN_NO_ARCHIVES);
    assert_int_equal(scan_buf(sc, &box)->layers, 1);
    sk_scanner_free(sc);
    buf_release(&box);
}

/* Found inside the bytes: a member, not searched for further ones; nothing of it without archives.
 */
static void test_embedded_objects(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    const char *text = "stub EMB:bbbb-evil EMB:aaaa-evil";
    struct sk_scanner *sc = scanner_flags(SK_SCAN_ALL_MATCHES);
    const struct sk_report *r = scan_text(sc, text);
    assert_int_equal(r->layers, 3);
    assert_string_equal(r->findings[0].layer, "embedded archive");
    assert_int_equal(r->findings[0].offset, 4);
    sk_scanner_free(sc);
    sc = scanner_flags(SK_SCAN_ALL_MATCHES | SK_SCAN_NO_ARCHIVES);
    assert_int_equal(scan_text(sc, text)->layers, 1);
    sk_scanner_free(sc);
}

static void test_trials(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    struct sk_scanner *sc = scanner_flags(SK_SCAN_EXPLAIN);
    const struct sk_report *r = scan_text(sc, "a aaaa-evil");
    assert_int_equal(r->finding_count, 1);
    assert_int_equal(r->findings[0].trial, 1);
    assert_int_equal(r->trial_count, 1);
    const struct sk_trial *t = &r->trials[0];
    assert_true(t->holds && t->of_target);
    assert_string_equal(t->view, "raw");
    assert_string_equal(t->layer, "");
    assert_int_equal(t->sub_count, 1);
    assert_int_equal(t->subs[0].count, 2);
    assert_int_equal(t->subs[0].offset_count, 2);
    assert_int_equal(t->subs[0].offsets[1], r->bytes_read);
    assert_int_equal(scan_text(sc, "nothing")->trial_count, 0);
    sk_scanner_free(sc);

    struct sk_try tries[2] = {{0, 3}, {1, 4}};
    struct buf box = {0};
    make_nested(&box);
    sc = scanner_flags(0);
    sc->options.tries = tries;
    sc->options.try_count = 2;
    r = scan_buf(sc, &box);
    assert_int_equal(r->trial_count % 2, 0);
    assert_true(r->trial_count >= 4); /* the object and its first member at least */
    assert_int_equal(r->trials[1].segment, 1);
    assert_int_equal(r->trials[1].signature, 4);
    assert_int_equal(r->findings[0].trial, 0);
    sk_scanner_free(sc);
    buf_release(&box);
}

static void test_near_miss_is_told(void **state) {
    (void)state;
    fake_reset(SIGS, SIG_COUNT);
    struct sk_scanner *sc = scanner_flags(0);
    assert_false(scan_text(sc, "nothing to see")->depends_on_place);
    fake.near_miss = true;
    const struct sk_report *r = scan_text(sc, "nothing to see");
    assert_true(r->depends_on_place);
    assert_int_equal(r->verdict, SK_VERDICT_CLEAN);
    fake.near_miss = false;
    assert_false(scan_text(sc, "nothing to see")->depends_on_place);
    sk_scanner_free(sc);
}

/* Two handlers ask for two more searches for any target; the one that was done is told again,
 * unless it was not done to its end, or a program had a say in it. */
static void test_handlers_are_not_searched_again(void **state) {
    (void)state;
    static const struct fake_sig sigs[] = {
        {.text = "one", .name = "Asks.One"},
        {.text = "two", .name = "Asks.Two"},
        {.text = "other", .name = "Of.Data", .target = SK_TARGET_OTHER},
        {.text = "any", .name = "Of.Any"},
    };
    fake_reset(sigs, 4);
    fake_handler(0, SK_TYPE_SWF);
    fake_handler(1, SK_TYPE_RTF);
    struct sk_scanner *sc = scanner_flags(SK_SCAN_ALL_MATCHES);
    const char *text = "\x01 one two any other \x02\x03";
    expect_names(scan_text(sc, text), "Asks.One Asks.Two Of.Any Of.Data");
    assert_int_equal(fake.matched, 1);
    assert_int_equal(fake.repeated, 2);
    expect_names(scan_text(sc, "\x01 nothing \x02"), "");
    assert_int_equal(fake.matched, 2);
    assert_int_equal(fake.repeated, 2);
    expect_names(scan_text(sc, "EXE1 one two any"), "Asks.One Asks.Two Of.Any");
    assert_int_equal(fake.matched, 4);
    assert_int_equal(fake.repeated, 3);
    fake.match_err = sk_fail(SK_E_LIMIT);
    expect_names(scan_text(sc, text), "Asks.One Asks.Two Of.Any Of.Data");
    assert_int_equal(fake.matched, 7);
    assert_int_equal(fake.repeated, 3);
    sk_scanner_free(sc);
}

static void test_engine_open_says_why(void **state) {
    (void)state;
    struct sk_engine *engine = NULL;
    char why[100];
    assert_int_equal(sk_engine_open("/nowhere", &engine, why, sizeof(why)), SK_E_NOTFOUND);
    assert_string_equal(why, "x:7: no such thing");
    assert_null(engine);
    assert_string_not_equal(sk_result_text(SK_E_NOTFOUND), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean_and_tiny),
        cmocka_unit_test(test_order_in_one_layer),
        cmocka_unit_test(test_members_come_before_their_container),
        cmocka_unit_test(test_text_views),
        cmocka_unit_test(test_first_match_stops_early),
        cmocka_unit_test(test_unwanted_names_step_back),
        cmocka_unit_test(test_executables),
        cmocka_unit_test(test_executable_with_members),
        cmocka_unit_test(test_two_formats_at_once),
        cmocka_unit_test(test_container_is_told_to_the_matcher),
        cmocka_unit_test(test_unnamed_and_binary_names),
        cmocka_unit_test(test_member_is_what_its_container_says),
        cmocka_unit_test(test_views_belong_to_the_layer),
        cmocka_unit_test(test_no_archives_flag),
        cmocka_unit_test(test_embedded_objects),
        cmocka_unit_test(test_trials),
        cmocka_unit_test(test_near_miss_is_told),
        cmocka_unit_test(test_handlers_are_not_searched_again),
        cmocka_unit_test(test_engine_open_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
