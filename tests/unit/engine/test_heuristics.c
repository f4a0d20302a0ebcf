// SPDX-License-Identifier: Apache-2.0
/* Heuristics.*: which note or fact becomes which name under which switch, and where it stands among
 * other findings. The box of the fake world is of type ZIP. */
#include "fixture.h"

static const struct fake_sig SIGS[] = {
    {"aaaa-evil", "Evil.A.UNOFFICIAL", SK_TARGET_ANY, false},
    {"bbbb-pua", "PUA.B", SK_TARGET_ANY, false},
};

struct how {
    uint32_t flags;
    uint32_t alerts;
};

/* The names, joined; the findings belong to the report of a scanner that is freed here. */
static void expect(const struct how *how, const struct buf *box, const char *names) {
    struct sk_options options;
    sk_options_init(&options);
    options.flags = how->flags;
    options.alerts = how->alerts;
    struct sk_scanner *sc = scanner_with(&options);
    expect_names(scan_buf(sc, box), names);
    sk_scanner_free(sc);
}

static void box_of_fact(struct buf *box, enum sk_fact fact, const char *value, unsigned times) {
    buf_clear(box);
    box_begin(box);
    while (times-- > 0) {
        box_add_text(box, FAKE_FACT, "", value, (uint32_t)fact);
    }
}

static void test_encrypted_by_switch(void **state) {
    (void)state;
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_ENCRYPTED, "m", "secret", 0);
    fake_reset(SIGS, 2);
    expect(&(struct how){0, 0}, &box, "");
    expect(&(struct how){0, SK_ALERT_ENCRYPTED_DOC}, &box, "");
    expect(&(struct how){0, SK_ALERT_ENCRYPTED_ARCHIVE}, &box, "Heuristics.Encrypted.Zip");
    /* A switch of its own does not ask for the general one. */
    expect(&(struct how){SK_SCAN_NO_HEURISTICS, SK_ALERT_ENCRYPTED_ARCHIVE}, &box,
           "Heuristics.Encrypted.Zip");
    buf_release(&box);
}

static void test_order(void **state) {
    (void)state;
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_BOMB, "strong", "aaaa-evil", 2);
    box_add_text(&box, FAKE_ENCRYPTED, "m", "secret", 0);
    fake_reset(SIGS, 2);
    uint32_t on = SK_ALERT_ENCRYPTED_ARCHIVE;
    /* The box holds the bytes of its member, so it is found too, after it. */
    expect(&(struct how){0, on}, &box, "Evil.A.UNOFFICIAL");
    expect(&(struct how){SK_SCAN_ALL_MATCHES, on}, &box,
           "Evil.A.UNOFFICIAL Evil.A.UNOFFICIAL Heuristics.Encrypted.Zip");
    expect(&(struct how){SK_SCAN_ALL_MATCHES | SK_SCAN_HEURISTICS_FIRST, on}, &box,
           "Heuristics.Encrypted.Zip Evil.A.UNOFFICIAL Evil.A.UNOFFICIAL");
    buf_release(&box);
}

static void test_unwanted_first(void **state) {
    (void)state;
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_BOMB, "a", "bbbb-pua", 2);
    box_add_text(&box, FAKE_BOMB, "b", "aaaa-evil", 2);
    fake_reset(SIGS, 2);
    expect(&(struct how){0, 0}, &box, "Evil.A.UNOFFICIAL");
    expect(&(struct how){SK_SCAN_HEURISTICS_FIRST, 0}, &box, "PUA.B");
    buf_release(&box);
}

static void test_values(void **state) {
    (void)state;
    struct buf box = {0};
    fake_reset(SIGS, 2);
    box_of_fact(&box, SK_FACT_MAIL_LIMIT, "EmailHeaders", 2);
    expect(&(struct how){SK_SCAN_ALL_MATCHES, SK_ALERT_EXCEEDS_MAX}, &box,
           "Heuristics.Limits.Exceeded.EmailHeaders");
    box_of_fact(&box, SK_FACT_BROKEN_MEDIA, "PNG.CRCMismatch", 1);
    expect(&(struct how){0, SK_ALERT_BROKEN_MEDIA}, &box,
           "Heuristics.Broken.Media.PNG.CRCMismatch");
    expect(&(struct how){0, SK_ALERT_BROKEN}, &box, "");
    /* Not a word of the reader's: a name is never made of it. */
    box_of_fact(&box, SK_FACT_BROKEN_MEDIA, "PNG\n/etc/passwd: OK", 1);
    expect(&(struct how){0, SK_ALERT_BROKEN_MEDIA}, &box, "");
    box_of_fact(&box, SK_FACT_BROKEN_MEDIA, "", 1);
    expect(&(struct how){0, SK_ALERT_BROKEN_MEDIA}, &box, "");
    buf_release(&box);
}

static void test_overlaps(void **state) {
    (void)state;
    struct buf box = {0};
    fake_reset(SIGS, 2);
    box_of_fact(&box, SK_FACT_OVERLAP, "", 5);
    expect(&(struct how){0, 0}, &box, "");
    box_of_fact(&box, SK_FACT_OVERLAP, "", 6);
    expect(&(struct how){0, 0}, &box, "Heuristics.Zip.OverlappingFiles");
    expect(&(struct how){SK_SCAN_NO_HEURISTICS, 0}, &box, "");
    buf_release(&box);
}

static void test_type_of_the_reader(void **state) {
    (void)state;
    struct buf box = {0};
    fake_reset(SIGS, 2);
    box_of_fact(&box, SK_FACT_MACROS_VBA, "", 1); /* told by a reader of ZIP: of no OLE2 file */
    expect(&(struct how){0, SK_ALERT_MACROS}, &box, "");
    buf_release(&box);
}

static void test_lists(void **state) {
    (void)state;
    struct buf box = {0};
    fake_reset(SIGS, 2);
    box_of_fact(&box, SK_FACT_OVERLAP, "", 6);
    fake.ignored = "Heuristics.Zip.OverlappingFiles";
    expect(&(struct how){0, 0}, &box, "");
    fake.ignored = NULL;
    fake_hash(HS_ALLOW, HS_MD5, box.data, box.len, "allowed");
    expect(&(struct how){0, 0}, &box, "");
    buf_release(&box);
}

static void test_limits(void **state) {
    (void)state;
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_PLAIN, "one", "some text", 0);
    box_add_text(&box, FAKE_PLAIN, "two", "more text", 0);
    fake_reset(SIGS, 2);
    struct sk_options options;
    sk_options_init(&options);
    options.alerts = SK_ALERT_EXCEEDS_MAX;
    options.limits.max_files = 2;
    struct sk_scanner *sc = scanner_with(&options);
    const struct sk_report *r = scan_buf(sc, &box);
    expect_names(r, "Heuristics.Limits.Exceeded.MaxFiles");
    assert_false(r->complete); /* a finding does not make it seen */
    sk_scanner_free(sc);
    buf_release(&box);
}

/* A part that is off: its type stays, its members are not looked for, and nobody says so. */
static void test_parts(void **state) {
    (void)state;
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_BOMB, "m", "aaaa-evil", 1);
    box_add_text(&box, FAKE_METHOD, "n", "xxxx", 1);
    fake_reset(SIGS, 2);
    struct sk_options options;
    sk_options_init(&options);
    options.flags = SK_SCAN_ALL_MATCHES;
    options.parts_off = SK_PART_ARCHIVE;
    struct sk_scanner *sc = scanner_with(&options);
    const struct sk_report *r = scan_buf(sc, &box);
    assert_int_equal(r->finding_count, 1);
    assert_string_equal(r->findings[0].layer, "");
    assert_string_equal(r->type, "zip");
    assert_true(r->complete);
    assert_int_equal(r->layers, 1);
    sk_scanner_free(sc);
    buf_release(&box);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encrypted_by_switch),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_unwanted_first),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_overlaps),
        cmocka_unit_test(test_type_of_the_reader),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
