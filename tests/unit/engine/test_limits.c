// SPDX-License-Identifier: Apache-2.0
/* Every limit against an input made to break it; memory, reads and files that fail on us. */
#include "fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/layer.h"
#include "os/fault.h"
#include "os/file.h"

static const struct fake_sig SIGS[] = {{"aaaa-evil", "Evil.A", SK_TARGET_ANY, false}};

static const struct sk_report *limited(struct sk_scanner **out_sc, const struct sk_options *options,
                                       const struct buf *object) {
    *out_sc = scanner_with(options);
    return scan_buf(*out_sc, object);
}

static void expect_limit(const struct sk_options *options, const struct buf *object,
                         const char *word) {
    struct sk_scanner *sc;
    const struct sk_report *r = limited(&sc, options, object);
    if (r->verdict != SK_VERDICT_INCOMPLETE || !has_note(r, word)) {
        print_error("expected %s, verdict %d\n", word, (int)r->verdict);
    }
    assert_int_equal(r->verdict, SK_VERDICT_INCOMPLETE);
    assert_true(has_note(r, word));
    sk_scanner_free(sc);
}

/* Depth counted as clamscan does: N layers on top of each other, the object included. */
static void test_recursion(void **state) {
    (void)state;
    struct buf box = {0}, next = {0};
    for (unsigned layers = 2; layers <= 6; layers++) {
        box_begin(&box);
        box_add_text(&box, FAKE_BOMB, "evil", "aaaa-evil", 1);
        for (unsigned i = 2; i < layers; i++) {
            box_begin(&next);
            box_add(&next, FAKE_PLAIN, "box", &box, 0);
            struct buf swap = box;
            box = next;
            next = swap;
        }
        /* Raw boxes hold the pattern too: only the deepest layer may match. */
        const struct fake_sig deep[] = {{"aaaa-evil", "Evil.A", SK_TARGET_OTHER, false}};
        fake_reset(deep, 1);
        struct sk_options options;
        sk_options_init(&options);
        options.limits.max_recursion = 4;
        struct sk_scanner *sc;
        const struct sk_report *r = limited(&sc, &options, &box);
        assert_int_equal(r->verdict, layers <= 4 ? SK_VERDICT_INFECTED : SK_VERDICT_INCOMPLETE);
        assert_int_equal(has_note(r, "limit-recursion"), layers > 4);
        sk_scanner_free(sc);
    }
    buf_release(&box);
    buf_release(&next);
}

static void test_very_deep_nesting(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct buf box = {0}, next = {0};
    box_begin(&box);
    for (unsigned i = 0; i < 500; i++) {
        box_begin(&next);
        box_add(&next, i % 2 == 0 ? FAKE_PLAIN : FAKE_SLICE, "b", &box, 0);
        struct buf swap = box;
        box = next;
        next = swap;
    }
    struct sk_options options;
    sk_options_init(&options);
    options.limits.max_recursion = 0; /* the built-in maximum */
    expect_limit(&options, &box, "limit-recursion");
    buf_release(&box);
    buf_release(&next);
}

static void test_files(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct buf box = {0};
    box_begin(&box);
    for (unsigned i = 0; i < 50; i++) {
        box_add_text(&box, FAKE_PLAIN, "f", "some content", 0);
    }
    struct sk_options options;
    sk_options_init(&options);
    options.limits.max_files = 51;
    struct sk_scanner *sc;
    assert_int_equal(limited(&sc, &options, &box)->verdict, SK_VERDICT_CLEAN);
    sk_scanner_free(sc);
    options.limits.max_files = 50;
    expect_limit(&options, &box, "limit-files");
    buf_release(&box);
}

/* Searched as it is (one search), and noted: exactly from one byte more than the limit on. */
static void expect_not_normalised(struct sk_options *options, const char *text, unsigned searched,
                                  bool complete) {
    fake_reset(SIGS, 1);
    struct buf object = {0};
    assert_false(sk_failed(buf_puts(&object, text)));
    struct sk_scanner *sc = scanner_with(options);
    const struct sk_report *report = scan_buf(sc, &object);
    assert_int_equal(fake.matched, searched);
    assert_int_equal(report->complete, complete);
    assert_int_equal(has_note(report, "limit-normalise"), !complete);
    assert_int_equal(report->finding_count, 0);
    sk_scanner_free(sc);
    buf_release(&object);
}

static void test_normalising(void **state) {
    (void)state;
    struct sk_options options;
    sk_options_init(&options);
    options.alerts = SK_ALERT_EXCEEDS_MAX; /* says nothing, as in clamscan */
    expect_not_normalised(&options, "<b>a page", 3, true);
    expect_not_normalised(&options, "TXT1 a text", 2, true);
    options.limits.max_html_normalise = 9;
    options.limits.max_script_normalise = 11;
    expect_not_normalised(&options, "<b>a page", 3, true);
    expect_not_normalised(&options, "TXT1 a text", 2, true);
    expect_not_normalised(&options, "<b>a page!", 1, false);
    expect_not_normalised(&options, "TXT1 a text!", 1, false);
    sk_options_init(&options);
    options.limits.max_html_notags = 9;
    expect_not_normalised(&options, "<b>a page", 3, true);
    expect_not_normalised(&options, "<b>a page!", 2, false);
    expect_not_normalised(&options, "TXT1 a text!", 2, true);
}

static void test_file_size(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct buf box = {0};
    struct sk_options options;
    sk_options_init(&options);
    options.limits.max_file_size = 1 << 20;
    box_begin(&box);
    box_add_text(&box, FAKE_BOMB, "big", "0123456789", 200000);
    expect_limit(&options, &box, "limit-file-size");
    /* A lie about the size does not hide the member; what it states is not possible. */
    const struct fake_sig deep[] = {{"aaaa-evil", "Evil.A", SK_TARGET_OTHER, false}};
    fake_reset(deep, 1);
    box_begin(&box);
    box_add_text(&box, FAKE_CLAIM, "liar", "....aaaa-evil", 4000);
    struct sk_scanner *sc;
    assert_int_equal(limited(&sc, &options, &box)->verdict, SK_VERDICT_INFECTED);
    sk_scanner_free(sc);
    /* The object itself. */
    buf_clear(&box);
    assert_false(sk_failed(buf_reserve(&box, (1 << 20) + 1)));
    memset(box.data, 'x', (1 << 20) + 1);
    box.len = (1 << 20) + 1;
    fake_reset(SIGS, 1);
    expect_limit(&options, &box, "limit-file-size");
    assert_int_equal(fake.matched, 0);
    buf_release(&box);
}

static void test_scan_size(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct buf box = {0};
    struct sk_options options;
    sk_options_init(&options);
    options.limits.max_scan_size = 3 << 20;
    box_begin(&box);
    for (unsigned i = 0; i < 10; i++) {
        box_add_text(&box, FAKE_BOMB, "1m", "0123456789abcdef", 65536);
    }
    struct sk_scanner *sc;
    const struct sk_report *r = limited(&sc, &options, &box);
    assert_int_equal(r->verdict, SK_VERDICT_INCOMPLETE);
    assert_true(has_note(r, "limit-scan-size"));
    assert_true(r->layers < 6);
    sk_scanner_free(sc);
    buf_release(&box);
}

static void test_ratio(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct buf box = {0};
    struct sk_options options;
    sk_options_init(&options);
    box_begin(&box);
    box_add_text(&box, FAKE_BOMB, "bomb", "0123456789abcdef", 5 << 20);
    struct sk_scanner *sc;
    const struct sk_report *r = limited(&sc, &options, &box);
    assert_true(has_note(r, "limit-ratio"));
    assert_int_equal(r->verdict, SK_VERDICT_INCOMPLETE);
    assert_true(r->bytes_scanned < 24 << 20);
    sk_scanner_free(sc);
    buf_release(&box);
}

static void test_time(void **state) {
    (void)state;
    struct buf box = {0};
    struct sk_options options;
    sk_options_init(&options);
    box_begin(&box);
    for (unsigned i = 0; i < 100; i++) {
        box_add_text(&box, FAKE_SLOW, "slow", "some content", 10);
    }
    fake_reset(SIGS, 1);
    struct sk_scanner *sc;
    const struct sk_report *r = limited(&sc, &options, &box);
    assert_true(has_note(r, "limit-time"));
    assert_int_equal(r->verdict, SK_VERDICT_INCOMPLETE);
    assert_true(r->layers < 20);
    /* The next object has its own time. */
    assert_int_equal(scan_text(sc, "next object")->verdict, SK_VERDICT_CLEAN);
    sk_scanner_free(sc);
    box_begin(&box);
    box_add_text(&box, FAKE_BOX_TICK, "", "", 0);
    fake_reset(SIGS, 1);
    expect_limit(&options, &box, "limit-time");
    /* In the middle of a search. */
    fake_reset(SIGS, 1);
    fake.match_ticks = 10;
    sc = scanner_with(&options);
    fake.clock_ms = 0;
    sc->budget.limits.max_scan_time = 0;
    r = scan_buf(sc, &box);
    assert_true(has_note(r, "limit-time"));
    assert_false(has_note(r, "limit-match"));
    sk_scanner_free(sc);
    buf_release(&box);
}

static void test_memory_without_spool(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct buf box = {0};
    struct sk_options options;
    sk_options_init(&options);
    options.limits.max_memory = 4 << 20;
    box_begin(&box);
    box_add_text(&box, FAKE_BOMB, "8m", "0123456789abcdef", 1 << 19);
    expect_limit(&options, &box, "limit-memory");
    buf_release(&box);
}

/* Boxes in a box, each padded by a bomb member, so that stores must wait and spill. */
static void make_spilling(struct buf *box) {
    struct buf inner = {0};
    box_begin(&inner);
    box_add_text(&inner, FAKE_BOMB, "evil", "aaaa-evil", 3000);
    box_add_text(&inner, FAKE_PLAIN, "x", "innocent content", 0);
    box_begin(box);
    for (unsigned i = 0; i < 20; i++) {
        box_add(box, FAKE_PLAIN, "in.box", &inner, 0);
    }
    buf_release(&inner);
}

static void test_spool(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct buf box = {0};
    make_spilling(&box);
    struct sk_options options;
    sk_options_init(&options);
    FILE_AUTO int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &fd)));
    options.spool_fd = fd;
    options.flags = SK_SCAN_ALL_MATCHES;
    struct sk_scanner *sc = scanner_with(&options);
    sc->pool.memory_bytes = 1; /* every buffer spills as soon as it is full */
    struct buf big = {0};
    box_begin(&big);
    box_add_text(&big, FAKE_BOMB, "2m", "0123456789abcdef", 1 << 17);
    struct buf all = {0};
    box_begin(&all);
    box_add(&all, FAKE_PLAIN, "big", &big, 0);
    box_add(&all, FAKE_PLAIN, "many", &box, 0);
    const struct sk_report *r = scan_buf(sc, &all);
    assert_int_equal(r->verdict, SK_VERDICT_INFECTED);
    assert_true(r->complete);
    assert_int_equal(r->layers, 3 + 1 + 20 + 40);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_true(st.st_size >= 2 << 20);
    sk_scanner_free(sc);
    buf_release(&big);
    buf_release(&all);
    buf_release(&box);
}

/* ---- failures ----------------------------------------------------------------------------- */

static void make_infected(struct buf *box) {
    struct buf inner = {0}, exe = {0};
    assert_false(sk_failed(buf_printf(&exe, "EXE1%020d", 0)));
    box_begin(&inner);
    box_add(&inner, FAKE_PLAIN, "a.exe", &exe, 0);
    box_add_text(&inner, FAKE_BOMB, "evil", "aaaa-evil", 100000);
    box_begin(box);
    box_add(box, FAKE_PLAIN, "in.box", &inner, 0);
    box_add(box, FAKE_SLICE, "in2.box", &inner, 0);
    box_add_text(box, FAKE_PLAIN, "x", "innocent content", 0);
    buf_release(&inner);
    buf_release(&exe);
}

static void check_never_clean(int result, const struct sk_report *r) {
    if (result != SK_OK) {
        return;
    }
    assert_true(r->verdict == SK_VERDICT_INFECTED || r->verdict == SK_VERDICT_INCOMPLETE);
    if (r->verdict == SK_VERDICT_INFECTED) {
        assert_int_equal(r->finding_count > 0, 1);
        assert_string_not_equal(r->findings[0].name, "");
    }
}

static void test_every_allocation_may_fail(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct buf box = {0};
    make_infected(&box);
    struct sk_options options;
    sk_options_init(&options);
    options.flags = SK_SCAN_ALL_MATCHES;
    for (uint64_t n = 1; n < 10000; n++) {
        struct sk_scanner *sc = NULL;
        const struct sk_report *r = NULL;
        mem_fault_set(n);
        int result = sk_scanner_new(fake_engine(), &options, &sc);
        if (result == SK_OK) {
            result = sk_scan_mem(sc, box.data, box.len, NULL, &r);
        }
        bool reached = mem_fault_seen() >= n;
        mem_fault_set(0);
        check_never_clean(result, r);
        sk_scanner_free(sc);
        if (!reached) {
            assert_true(n > 5);
            buf_release(&box);
            return;
        }
    }
    fail();
}

static void write_file(int fd, const struct buf *bytes) {
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_false(sk_failed(file_pwrite_all(fd, bytes->data, bytes->len, 0)));
}

static void test_every_read_and_write_may_fail(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct buf box = {0};
    make_infected(&box);
    struct sk_options options;
    sk_options_init(&options);
    FILE_AUTO int spool = -1;
    FILE_AUTO int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &spool)));
    assert_false(sk_failed(file_temp(NULL, &fd)));
    write_file(fd, &box);
    options.spool_fd = spool;
    for (uint64_t n = 1; n < 10000; n++) {
        struct sk_scanner *sc = scanner_with(&options);
        sc->pool.memory_bytes = 1;
        const struct sk_report *r = NULL;
        os_fault_set(n);
        int result = sk_scan_fd(sc, fd, NULL, &r);
        bool reached = os_fault_seen() >= n;
        os_fault_set(0);
        assert_int_equal(result, SK_OK);
        check_never_clean(result, r);
        sk_scanner_free(sc);
        if (!reached) {
            assert_true(n > 5);
            buf_release(&box);
            return;
        }
    }
    fail();
}

static void test_descriptors(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct sk_options options;
    sk_options_init(&options);
    struct sk_scanner *sc = scanner_with(&options);
    const struct sk_report *r = NULL;
    assert_int_equal(sk_scan_fd(sc, -1, NULL, &r), SK_E_IO);
    int dir = open("/", O_RDONLY | O_DIRECTORY);
    assert_int_equal(sk_scan_fd(sc, dir, NULL, &r), SK_E_UNSUPPORTED);
    close(dir);
    assert_int_equal(sk_scan_mem(sc, NULL, 3, NULL, &r), SK_E_USAGE);
    /* Opened for writing only: the bytes cannot be read. */
    char path[] = "/tmp/sekisho-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "some content", 12), 12);
    int blind = open(path, O_WRONLY);
    assert_int_equal(sk_scan_fd(sc, blind, NULL, &r), SK_OK);
    assert_int_equal(r->verdict, SK_VERDICT_INCOMPLETE);
    assert_true(has_note(r, "read-error"));
    close(blind);
    close(fd);
    unlink(path);
    sk_scanner_free(sc);
}

/* A file larger than the buffer is read in windows; it shrinks while the reader is in it. */
static int shrinking_fd;

static uint64_t shrink_clock(void) {
    fake.clock_ms++;
    if (fake.clock_ms == 3) {
        assert_int_equal(ftruncate(shrinking_fd, 100), 0);
    }
    return fake.clock_ms;
}

static void test_large_and_shrinking_file(void **state) {
    (void)state;
    fake_reset(SIGS, 1);
    struct sk_options options;
    sk_options_init(&options);
    FILE_AUTO int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &fd)));
    struct buf box = {0}, member = {0};
    assert_false(sk_failed(buf_reserve(&member, 9 << 20)));
    memset(member.data, 'x', 9 << 20);
    member.len = 9 << 20;
    box_begin(&box);
    box_add(&box, FAKE_SLICE, "slice", &member, 0);
    box_add(&box, FAKE_PLAIN, "stream", &member, 0);
    box_add_text(&box, FAKE_PLAIN, "evil", "aaaa-evil", 0);
    write_file(fd, &box);
    struct sk_scanner *sc = scanner_with(&options);
    const struct sk_report *r = NULL;
    assert_int_equal(sk_scan_fd(sc, fd, NULL, &r), SK_OK);
    assert_int_equal(r->verdict, SK_VERDICT_INFECTED);
    assert_true(r->complete);
    assert_int_equal(r->bytes_read, box.len);
    shrinking_fd = fd;
    fake.clock_ms = 0;
    sc->budget.now_ms = shrink_clock;
    assert_int_equal(sk_scan_fd(sc, fd, NULL, &r), SK_OK);
    assert_int_equal(r->verdict, SK_VERDICT_INCOMPLETE);
    assert_true(has_note(r, "read-error"));
    assert_true(has_note(r, "changed"));
    sk_scanner_free(sc);
    buf_release(&box);
    buf_release(&member);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recursion),
        cmocka_unit_test(test_very_deep_nesting),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_file_size),
        cmocka_unit_test(test_normalising),
        cmocka_unit_test(test_scan_size),
        cmocka_unit_test(test_ratio),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_memory_without_spool),
        cmocka_unit_test(test_spool),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_every_read_and_write_may_fail),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_large_and_shrinking_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
