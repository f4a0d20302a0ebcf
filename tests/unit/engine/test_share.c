// SPDX-License-Identifier: Apache-2.0
/* Members shared out among scanners: every one is somebody's, sums are those of one scan, and
 * whatever is worth a line in a report makes the shares count for nothing. */
#include "fixture.h"

#include <unistd.h>

#include "engine/share.h"
#include "os/file.h"

#define MEMBERS 60u

static const struct fake_sig SIGS[] = {{"aaaa-evil", "Evil.A", SK_TARGET_ANY, false}};

struct shares {
    unsigned count;
    unsigned agreed;
    bool plain[SK_SHARES_MAX];
    uint64_t layers;
    uint64_t bytes;
    bool alike;
    struct sk_stats stats;
};

static void on_agreed(void *ctx) {
    ((struct shares *)ctx)->agreed++;
}

static int file_of(const struct buf *box) {
    int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &fd)));
    assert_false(sk_failed(file_write_all(fd, box->data, box->len)));
    return fd;
}

/* Digests that were put off are taken; true: none of them speaks against the report. */
static bool stands(struct sk_scanner *sc, int owes) {
    uint64_t tag = 0;
    int good = 1;
    while (owes != 0 && sk_scan_settle(sc, 1, &tag, &good) != 0) {
        assert_int_equal(tag, 9);
    }
    return good != 0;
}

static void one_share(struct shares *all, struct sk_scanner *sc, int fd, unsigned index) {
    static uint8_t first[32];
    struct sk_share share = {
        .tag = 9, .index = index, .count = all->count, .agreed = on_agreed, .ctx = all};
    const struct sk_report *r = NULL;
    int owes = 0;
    assert_int_equal(sk_scan_share(sc, fd, &share, &r, &owes), SK_OK);
    all->plain[index] = r->verdict == SK_VERDICT_CLEAN && r->complete != 0 && r->note_count == 0 &&
                        r->finding_count == 0;
    all->layers += r->layers;
    all->bytes += r->bytes_scanned;
    if (index == 0) {
        memcpy(first, r->alike, sizeof(first));
    }
    all->alike = all->alike && memcmp(first, r->alike, sizeof(first)) == 0;
    all->plain[index] = stands(sc, owes) && all->plain[index];
}

/* All shares, also when share 0 did not agree. */
static struct shares scan_shares(const struct sk_options *options, const struct buf *box,
                                 unsigned count) {
    struct shares all = {.count = count, .alike = true};
    int fd = file_of(box);
    struct sk_scanner *sc = scanner_with(options);
    for (unsigned i = 0; i < count; i++) {
        one_share(&all, sc, fd, i);
    }
    sk_scanner_stats(sc, &all.stats);
    sk_scanner_free(sc);
    (void)close(fd);
    return all;
}

static unsigned plain_count(const struct shares *all) {
    unsigned n = 0;
    for (unsigned i = 0; i < all->count; i++) {
        n += all->plain[i];
    }
    return n;
}

static void dull_members(struct buf *box, unsigned count) {
    box_begin(box);
    for (unsigned i = 0; i < count; i++) {
        char name[16], text[256];
        (void)snprintf(name, sizeof(name), "m%u", i);
        (void)snprintf(text, sizeof(text), "%*u dull", (int)(i * 7 % 200) + 8, i);
        box_add_text(box, i % 3 == 0 ? FAKE_SLICE : FAKE_PLAIN, name, text, 0);
    }
}

static void dull_box(struct buf *box) {
    dull_members(box, MEMBERS);
}

static void test_sums_are_those_of_one_scan(void **state) {
    (void)state;
    struct sk_options options;
    struct buf box = {0}, inner = {0};
    sk_options_init(&options);
    fake_reset(SIGS, 1);
    dull_members(&inner, MEMBERS / 3);
    dull_box(&box);
    box_add(&box, FAKE_PLAIN, "inner", &inner, 0);
    struct sk_scanner *sc = scanner_with(&options);
    const struct sk_report *one = scan_buf(sc, &box);
    static const uint8_t zeros[32];
    assert_memory_equal(one->alike, zeros, sizeof(zeros));
    for (unsigned count = 2; count <= SK_SHARES_MAX; count++) {
        struct shares all = scan_shares(&options, &box, count);
        assert_int_equal(all.agreed, 1);
        assert_int_equal(plain_count(&all), count);
        assert_true(all.alike);
        assert_int_equal(all.layers, one->layers);
        assert_int_equal(all.bytes, one->bytes_scanned);
        assert_int_equal(all.stats.shares, count);
        assert_int_equal(all.stats.objects, 1);
        assert_int_equal(all.stats.layers, one->layers);
        assert_int_equal(all.stats.bytes, one->bytes_scanned);
    }
    sk_scanner_free(sc);
    buf_release(&box);
    buf_release(&inner);
}

/* Wherever it is, one share ends, and only that one: nothing is told twice or lost. */
static void test_a_finding_spoils_one_share(void **state) {
    (void)state;
    struct sk_options options;
    struct buf box = {0}, deep = {0};
    sk_options_init(&options);
    for (unsigned kind = 0; kind < 4; kind++) {
        /* in a member; in a member of a member; by digest; cleared by an allow-list */
        fake_reset(SIGS, kind == 2 ? 0 : 1);
        const char *text = "some aaaa-evil text";
        if (kind >= 2) {
            fake_hash(kind == 2 ? HS_FILE : HS_ALLOW, HS_SHA256, text, strlen(text), "Hash");
        }
        dull_box(&box);
        box_begin(&deep);
        box_add_text(&deep, FAKE_PLAIN, "deep", text, 0);
        if (kind == 1) {
            box_add(&box, FAKE_BOMB, "box", &deep, 1);
        } else {
            box_add_text(&box, FAKE_BOMB, "evil", text, 1);
        }
        box_add_text(&box, FAKE_PLAIN, "last", "after it", 0);
        /* raw boxes hold the pattern, too: it counts in members only */
        static const struct fake_sig inside[] = {{"aaaa-evil", "Evil.A", SK_TARGET_OTHER, false}};
        fake.sig = inside;
        struct shares all = scan_shares(&options, &box, 4);
        assert_int_equal(all.agreed, 1);
        assert_int_equal(plain_count(&all), 3);
    }
    buf_release(&box);
    buf_release(&deep);
}

static void test_notes_inside_spoil(void **state) {
    (void)state;
    static const enum fake_kind kinds[] = {FAKE_BROKEN, FAKE_UNREADABLE, FAKE_METHOD, FAKE_SILENT};
    struct sk_options options;
    struct buf box = {0};
    sk_options_init(&options);
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        fake_reset(SIGS, 1);
        dull_box(&box);
        box_add_text(&box, kinds[i], "bad", "bad content", 0);
        struct shares all = scan_shares(&options, &box, 3);
        assert_int_equal(all.agreed, 1);
        assert_int_equal(plain_count(&all), 2);
    }
    buf_release(&box);
}

static void expect_refusal(const struct sk_options *options, const struct buf *box) {
    struct shares all = scan_shares(options, box, 3);
    assert_int_equal(all.agreed, 0);
    /* share 0 told of the whole object; no sum of it and others may look like one */
    assert_false(all.alike && plain_count(&all) == 3);
}

static void test_what_is_not_shared(void **state) {
    (void)state;
    struct sk_options options;
    struct buf box = {0};
    sk_options_init(&options);
    fake_reset(SIGS, 1);
    for (unsigned i = 0; i < 3; i++) { /* what headers tell */
        static const enum fake_kind kinds[] = {FAKE_ENCRYPTED, FAKE_VIEW, FAKE_BOX_BROKEN};
        dull_box(&box);
        box_add_text(&box, kinds[i], "odd", "content", SK_TARGET_HTML);
        expect_refusal(&options, &box);
    }
    dull_box(&box);
    options.limits.max_files = MEMBERS * 2 - 1;
    expect_refusal(&options, &box);
    sk_options_init(&options);
    options.limits.max_scan_size = box.len + box.len / 2;
    expect_refusal(&options, &box);
    sk_options_init(&options);
    options.flags = SK_SCAN_NO_ARCHIVES;
    expect_refusal(&options, &box);
    box_begin(&box); /* fewer members than shares */
    box_add_text(&box, FAKE_PLAIN, "one", "one member", 0);
    box_add_text(&box, FAKE_PLAIN, "two", "one more", 0);
    options.flags = 0;
    expect_refusal(&options, &box);
    struct buf most = {0};
    dull_box(&most);
    dull_box(&box);
    box_add(&box, FAKE_BOMB, "most of it", &most, 1);
    expect_refusal(&options, &box);
    buf_release(&most);
    box.len = 0;
    assert_false(sk_failed(buf_puts(&box, "no box at all")));
    expect_refusal(&options, &box);
    buf_release(&box);
}

/* A quarter of the time, so that scanning alone afterwards has all of it. */
static void test_time(void **state) {
    (void)state;
    struct sk_options options;
    struct buf box = {0};
    sk_options_init(&options);
    for (unsigned seconds = 10; seconds <= 40; seconds += 30) {
        fake_reset(SIGS, 1);
        dull_box(&box);
        box_add_text(&box, FAKE_SLOW, "slow", "content", seconds);
        struct shares all = scan_shares(&options, &box, 2);
        assert_int_equal(all.agreed, 1);
        assert_int_equal(plain_count(&all), seconds == 10 ? 2 : 1);
    }
    buf_release(&box);
}

/* Facts are part of what all must see. */
static void test_other_facts_are_other_shares(void **state) {
    (void)state;
    struct sk_options options;
    struct buf box = {0};
    uint8_t alike[2][32];
    sk_options_init(&options);
    fake_reset(SIGS, 1);
    for (unsigned i = 0; i < 2; i++) {
        dull_box(&box);
        if (i > 0) {
            box_add_text(&box, FAKE_FACT, "", "value", SK_FACT_URI);
        }
        struct sk_scanner *sc = scanner_with(&options);
        struct shares ctx = {.count = 2};
        struct sk_share share = {.count = 2, .agreed = on_agreed, .ctx = &ctx};
        const struct sk_report *r = NULL;
        int owes = 0, fd = file_of(&box);
        assert_int_equal(sk_scan_share(sc, fd, &share, &r, &owes), SK_OK);
        assert_int_equal(ctx.agreed, 1);
        memcpy(alike[i], r->alike, sizeof(alike[i]));
        (void)stands(sc, owes);
        sk_scanner_free(sc);
        (void)close(fd);
    }
    assert_memory_not_equal(alike[0], alike[1], sizeof(alike[0]));
    buf_release(&box);
}

static void test_usage(void **state) {
    (void)state;
    static const struct sk_share wrong[] = {
        {.count = 0}, {.count = 1}, {.count = SK_SHARES_MAX + 1}, {.index = 2, .count = 2}};
    struct sk_scanner *sc = scanner_flags(0);
    const struct sk_report *r = NULL;
    int owes = 0;
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(sk_scan_share(sc, 0, &wrong[i], &r, &owes), SK_E_USAGE);
    }
    sk_scanner_free(sc);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_are_those_of_one_scan),
        cmocka_unit_test(test_a_finding_spoils_one_share),
        cmocka_unit_test(test_notes_inside_spoil),
        cmocka_unit_test(test_what_is_not_shared),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_other_facts_are_other_shares),
        cmocka_unit_test(test_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
