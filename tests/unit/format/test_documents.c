// SPDX-License-Identifier: Apache-2.0
/*
 * The readers of documents over all of their seeds: failing memory at every place, windows of every
 * kind, stops at every member and tick, cut files. What must come out of good and bad documents is
 * checked by tests/golden/documents; that nothing breaks on the way, here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>

#include "base/mem.h"
#include "golden.h"
#include "walktest.h"

#define DOCUMENT(id) extern const struct sk_format sk_format_##id;
#include "documents.def"
#undef DOCUMENT
#define DOCUMENT(id) &sk_format_##id,
static const struct sk_format *const FORMATS[] = {
#include "documents.def"
};
#undef DOCUMENT

typedef void (*check_fn)(const struct sk_format *format, const uint8_t *bytes, size_t len);

static void each_seed(check_fn check) {
    unsigned count = 0;
    for (size_t i = 0; i < sizeof(FORMATS) / sizeof(FORMATS[0]); i++) {
        char path[512];
        (void)snprintf(path, sizeof(path), SK_GOLDEN_DIR "/../../fuzz/seeds/%s", FORMATS[i]->name);
        DIR *dir = opendir(path);
        assert_non_null(dir);
        for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
            if (strstr(e->d_name, ".b64") == NULL) {
                continue;
            }
            (void)snprintf(path, sizeof(path), "../../fuzz/seeds/%s/%s", FORMATS[i]->name,
                           e->d_name);
            size_t len = 0;
            uint8_t *bytes = golden_load(path, &len);
            check(FORMATS[i], bytes, len);
            free(bytes);
            count++;
        }
        assert_int_equal(closedir(dir), 0);
    }
    assert_true(count >= 10);
}

static bool is_promised(sk_err err) {
    return err.code == SK_OK || err.code == SK_E_FORMAT || err.code == SK_E_STOP ||
           err.code == SK_E_LIMIT || err.code == SK_E_UNSUPPORTED || err.code == SK_E_NOMEM;
}

static void memory_fails(const struct sk_format *format, const uint8_t *bytes, size_t len) {
    for (uint64_t nth = 1; nth < 200; nth++) {
        struct walktest t;
        walktest_init(&t);
        mem_fault_set(nth);
        sk_err err = walktest_run_windowed(&t, format, bytes, len);
        uint64_t seen = mem_fault_seen();
        mem_fault_set(0);
        assert_true(is_promised(err));
        bool told = err.code == SK_E_NOMEM || t.note[SK_NOTE_LIMIT_MEMORY] > 0;
        walktest_release(&t);
        if (seen < nth) {
            return;
        }
        assert_true(told);
    }
}

static void arena_fails(const struct sk_format *format, const uint8_t *bytes, size_t len) {
    for (size_t ceiling = 0; ceiling < 400000; ceiling += 7000) {
        struct walktest t;
        walktest_init(&t);
        t.arena_ceiling_bytes = ceiling;
        assert_true(is_promised(walktest_run(&t, format, bytes, len)));
        walktest_release(&t);
    }
}

static void stops(const struct sk_format *format, const uint8_t *bytes, size_t len) {
    struct walktest all;
    walktest_init(&all);
    sk_err whole = walktest_run(&all, format, bytes, len);
    assert_true(is_promised(whole));
    for (uint32_t n = 1; n <= all.child_count && n < 40; n++) {
        struct walktest t;
        walktest_init(&t);
        t.stop_after_children = n;
        sk_err err = walktest_run(&t, format, bytes, len);
        assert_int_equal(err.code, n < all.child_count ? SK_E_STOP : whole.code);
        assert_int_equal(t.child_count, n);
        walktest_release(&t);
    }
    for (uint64_t n = 1; n <= all.ticks && n < 200; n++) {
        struct walktest t;
        walktest_init(&t);
        t.stop_after_ticks = n;
        (void)is_promised(walktest_run(&t, format, bytes, len));
        assert_true(t.ticks <= n + 1);
        walktest_release(&t);
    }
    walktest_release(&all);
}

static void cuts(const struct sk_format *format, const uint8_t *bytes, size_t len) {
    size_t step = len / 97 + 1;
    for (size_t cut = 0; cut < len; cut += step) {
        struct walktest t;
        walktest_init(&t);
        assert_true(is_promised(walktest_run(&t, format, bytes, cut)));
        walktest_release(&t);
    }
}

static sk_err read_fails(void *ctx, uint64_t off, void *buf, size_t len) {
    unsigned *left = ctx;
    (void)off;
    memset(buf, 0, len);
    return (*left)-- == 0 ? sk_fail(SK_E_IO) : sk_ok();
}

static void io_error(const struct sk_format *format, const uint8_t *bytes, size_t len) {
    (void)bytes;
    unsigned left = 0;
    struct sk_source src;
    struct walktest t;
    walktest_init(&t);
    sk_source_init_read(&src, len, read_fails, &left);
    assert_int_equal(walktest_run_source(&t, format, &src).code, SK_E_IO);
    sk_source_release(&src);
    walktest_release(&t);
}

static void test_memory(void **state) {
    (void)state;
    each_seed(memory_fails);
}
static void test_arena(void **state) {
    (void)state;
    each_seed(arena_fails);
}
static void test_stops(void **state) {
    (void)state;
    each_seed(stops);
}
static void test_cuts(void **state) {
    (void)state;
    each_seed(cuts);
}
static void test_io(void **state) {
    (void)state;
    each_seed(io_error);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory), cmocka_unit_test(test_arena), cmocka_unit_test(test_stops),
        cmocka_unit_test(test_cuts),   cmocka_unit_test(test_io),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
