// SPDX-License-Identifier: Apache-2.0
/* Copies of clean objects: the same report without a search; and everything that is never taken
 * from memory. */
#include "fixture.h"

#include <unistd.h>

#include "base/mem.h"
#include "crypto/lanes_kernel.h"
#include "engine/known.h"
#include "engine/layer.h"
#include "os/file.h"

static const struct fake_sig SIGS[] = {{"aaaa-evil", "Evil.A", SK_TARGET_ANY, false}};

static int file_of(const void *bytes, size_t len) {
    int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &fd)));
    assert_false(sk_failed(file_write_all(fd, bytes, len)));
    return fd;
}

static struct sk_scanner *begin(uint32_t flags) {
    fake_reset(SIGS, 1);
    return scanner_flags(flags);
}

/* The report on these bytes in a file of their own, and how often the matcher was asked. */
static struct sk_report scan_bytes(struct sk_scanner *sc, const void *bytes, size_t len,
                                   unsigned *out_matched) {
    const struct sk_report *report = NULL;
    unsigned before = fake.matched;
    int fd = file_of(bytes, len);
    assert_int_equal(sk_scan_fd(sc, fd, NULL, &report), SK_OK);
    (void)close(fd);
    *out_matched = fake.matched - before;
    return *report;
}

static void expect_same(const struct sk_report *a, const struct sk_report *b) {
    assert_int_equal(a->verdict, b->verdict);
    assert_int_equal(a->complete, b->complete);
    assert_int_equal(a->depends_on_place, b->depends_on_place);
    assert_int_equal(a->layers, b->layers);
    assert_int_equal(a->bytes_scanned, b->bytes_scanned);
    assert_int_equal(a->bytes_read, b->bytes_read);
    assert_int_equal(a->finding_count, b->finding_count);
    assert_int_equal(a->note_count, b->note_count);
    assert_string_equal(a->type, b->type);
}

/* Twice the same bytes: searched `again` times the second time, and the same report. */
static void twice(struct sk_scanner *sc, const void *bytes, size_t len, bool again) {
    unsigned first = 0, second = 0;
    uint64_t copies = sc->stats.copies;
    struct sk_report a = scan_bytes(sc, bytes, len, &first);
    struct sk_report b = scan_bytes(sc, bytes, len, &second);
    assert_true(first > 0);
    assert_int_equal(second, again ? first : 0);
    assert_int_equal(sc->stats.copies - copies, again ? 0 : 1);
    expect_same(&a, &b);
}

static void test_a_copy_is_not_searched(void **state) {
    (void)state;
    struct sk_scanner *sc = begin(SK_SCAN_REMEMBER);
    twice(sc, "nothing to see", 14, false);
    twice(sc, "nothing to sea", 14, false);
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_PLAIN, "a", "a member", 0);
    box_add_text(&box, FAKE_PLAIN, "b", "another member", 0);
    twice(sc, box.data, box.len, false);
    buf_release(&box);
    fake.near_miss = true;
    twice(sc, "but for its place", 17, false);
    sk_scanner_free(sc);
}

static void test_only_when_asked(void **state) {
    (void)state;
    struct sk_scanner *sc = begin(0);
    twice(sc, "nothing to see", 14, true);
    assert_null(sc->known);
    sk_scanner_free(sc);
    struct sk_options options;
    sk_options_init(&options);
    const struct sk_observer observer = {0};
    options.flags = SK_SCAN_REMEMBER;
    options.observer = &observer; /* wants to see every layer */
    sc = scanner_with(&options);
    assert_null(sc->known);
    sk_scanner_free(sc);
}

/* Findings, notes of every kind, tiny objects. */
static void test_more_than_clean(void **state) {
    (void)state;
    struct sk_scanner *sc = begin(SK_SCAN_REMEMBER);
    twice(sc, "a aaaa-evil", 11, true);
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_ENCRYPTED, "a", "a member", 0);
    twice(sc, box.data, box.len, true);
    buf_release(&box);
    fake.match_err = sk_fail(SK_E_LIMIT);
    twice(sc, "too much for it", 15, true);
    fake.match_err = sk_ok();
    twice(sc, "too much for it", 15, false);
    unsigned matched = 0;
    (void)scan_bytes(sc, "tiny", 4, &matched);
    (void)scan_bytes(sc, "tiny", 4, &matched);
    assert_int_equal(sc->stats.copies, 1);
    sk_scanner_free(sc);
}

static void test_allowed_is_not_remembered(void **state) {
    (void)state;
    struct sk_scanner *sc = begin(SK_SCAN_REMEMBER);
    fake_hash(HS_ALLOW, HS_MD5, "a aaaa-evil", 11, "listed");
    twice(sc, "a aaaa-evil", 11, true);
    sk_scanner_free(sc);
}

/* A large object that is no container costs less to search again, as most are read once. */
static void test_what_is_worth_it(void **state) {
    (void)state;
    struct sk_scanner *sc = begin(SK_SCAN_REMEMBER);
    size_t len = (size_t)300 << 10;
    uint8_t *large = mem_zalloc(1, len);
    assert_non_null(large);
    twice(sc, large, len, true);
    twice(sc, large, (size_t)256 << 10, false);
    struct buf box = {0}, content = {.data = large, .len = len};
    box_begin(&box);
    box_add_text(&box, FAKE_BOMB, "b", "over and over again, or so", 40000);
    box_add(&box, FAKE_PLAIN, "c", &content, 0);
    twice(sc, box.data, box.len, false);
    buf_release(&box);
    mem_free(large);
    sk_scanner_free(sc);
}

/* Digests that are owed: remembered when the report stands, and only then. */
static void test_owed(void **state) {
    (void)state;
    if (lanes_kernel_best() == NULL) {
        print_message("[  note    ] no lanes on this machine: nothing is put off\n");
        skip();
    }
    static const char CLEAN[] = "just as long as the evil one",
                      EVIL[] = "an evil one known by digest.";
    struct sk_scanner *sc = begin(SK_SCAN_REMEMBER);
    fake_hash(HS_FILE, HS_MD5, EVIL, strlen(EVIL), "Hash.Evil");
    const struct sk_report *report = NULL;
    int owes = 0, stands = 0, clean = file_of(CLEAN, strlen(CLEAN)),
        evil = file_of(EVIL, strlen(EVIL)), gone = file_of(CLEAN, strlen(CLEAN));
    uint64_t tag = 0;
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(sk_scan_ahead(sc, evil, 1, &report, &owes), SK_OK);
        assert_int_equal(owes, 1);
        assert_int_equal(sk_scan_settle(sc, 1, &tag, &stands), 1);
        assert_int_equal(stands, 0);
    }
    assert_int_equal(sk_scan_ahead(sc, gone, 2, &report, &owes), SK_OK);
    usleep(20000); /* the clock of the file system is coarse */
    assert_false(sk_failed(file_write_all(gone, "more", 4)));
    assert_int_equal(sk_scan_settle(sc, 1, &tag, &stands), 1);
    assert_int_equal(stands, 0);
    for (unsigned round = 0; round < 2; round++) { /* not known while it is owed */
        assert_int_equal(sk_scan_ahead(sc, clean, round, &report, &owes), SK_OK);
        assert_int_equal(owes, 1);
    }
    assert_int_equal(sc->stats.copies, 0);
    while (sk_scan_settle(sc, 1, &tag, &stands) != 0) {
        assert_int_equal(stands, 1);
    }
    assert_int_equal(sk_scan_ahead(sc, clean, 3, &report, &owes), SK_OK);
    assert_int_equal(owes, 0);
    assert_int_equal(report->verdict, SK_VERDICT_CLEAN);
    assert_int_equal(sc->stats.copies, 1);
    (void)close(clean);
    (void)close(evil);
    (void)close(gone);
    sk_scanner_free(sc);
}

/* More than there is room for: the old ones go, one by one, and nothing is mistaken for another. */
static void test_room(void **state) {
    (void)state;
    struct known *known = NULL;
    assert_false(sk_failed(known_new(&known)));
    if (known == NULL) {
        skip();
    }
    unsigned left = 0;
    for (uint32_t i = 0; i < 2 * KNOWN_MAX; i++) {
        struct known_entry entry = {.layers = i};
        assert_null(known_find(known, &i, sizeof(i)));
        known_name(known, &i, sizeof(i), &entry);
        known_put(known, &entry);
        assert_int_equal(known_find(known, &i, sizeof(i))->layers, i);
    }
    for (uint32_t i = 0; i < 2 * KNOWN_MAX; i++) {
        const struct known_entry *entry = known_find(known, &i, sizeof(i));
        assert_true(entry == NULL || entry->layers == i);
        left += entry != NULL;
    }
    assert_true(left > KNOWN_MAX / 2 && left <= KNOWN_MAX);
    known_free(known);
}

static void test_no_memory(void **state) {
    (void)state;
    struct known *known = NULL;
    mem_fault_set(1);
    assert_int_equal(known_new(&known).code, SK_E_NOMEM);
    mem_fault_set(0);
    assert_null(known);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_is_not_searched),
        cmocka_unit_test(test_only_when_asked),
        cmocka_unit_test(test_more_than_clean),
        cmocka_unit_test(test_allowed_is_not_remembered),
        cmocka_unit_test(test_what_is_worth_it),
        cmocka_unit_test(test_owed),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
