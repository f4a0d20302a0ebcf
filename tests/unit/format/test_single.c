// SPDX-License-Identifier: Apache-2.0
/*
 * gzip, bzip2, xz, lzip, lzma and zstd as layers, over golden files made by the real tools
 * (tests/golden/single/, see make.py there): bids, name, trailing data, damage, memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "golden.h"
#include "walktest.h"

extern const struct sk_format sk_format_bzip2;
extern const struct sk_format sk_format_gzip;
extern const struct sk_format sk_format_xz;
extern const struct sk_format sk_format_zstd;

static const struct sample {
    const char *path;
    const struct sk_format *format;
    enum sk_type type;
    const char *name; /* of the child */
    bool chained;     /* two streams: the text twice */
} samples[] = {
    {"single/text.gz.b64", &sk_format_gzip, SK_TYPE_GZIP, "text", false},
    {"single/two.gz.b64", &sk_format_gzip, SK_TYPE_GZIP, "text", true},
    {"single/text.bz2.b64", &sk_format_bzip2, SK_TYPE_BZIP2, NULL, false},
    {"single/two.bz2.b64", &sk_format_bzip2, SK_TYPE_BZIP2, NULL, true},
    {"single/text.xz.b64", &sk_format_xz, SK_TYPE_XZ, NULL, false},
    {"single/two.xz.b64", &sk_format_xz, SK_TYPE_XZ, NULL, true},
    {"single/text.lzma.b64", &sk_format_xz, SK_TYPE_LZMA, NULL, false},
    {"single/text.lz.b64", &sk_format_xz, SK_TYPE_LZIP, NULL, false},
    {"single/text.zst.b64", &sk_format_zstd, SK_TYPE_ZSTD, NULL, false},
    {"single/two.zst.b64", &sk_format_zstd, SK_TYPE_ZSTD, NULL, true},
};
#define SAMPLE_COUNT (sizeof(samples) / sizeof(samples[0]))

/* The text make.py packs. */
static size_t expected(char *out, size_t cap, bool twice) {
    size_t len = 0;
    for (int round = 0; round < (twice ? 2 : 1); round++) {
        for (int i = 0; i < 100; i++) {
            len += (size_t)snprintf(out + len, cap - len, "line %d of a text to be packed\n", i);
        }
    }
    return len;
}

static void test_real_files(void **state) {
    (void)state;
    static char text[16384];
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        const struct sample *s = &samples[i];
        size_t len = 0;
        size_t text_len = expected(text, sizeof(text), s->chained);
        uint8_t *file = golden_load(s->path, &len);
        struct walktest t;
        enum sk_type type;
        walktest_init(&t);
        assert_true(walktest_bid(s->format, file, len, &type) >= 50);
        assert_int_equal(type, s->type);
        assert_int_equal(walktest_run_windowed(&t, s->format, file, len).code, SK_OK);
        assert_int_equal(t.child_count, 1);
        assert_true(walktest_has(&t, NULL, text, text_len));
        if (s->name == NULL) {
            assert_null(t.child[0].name);
        } else {
            assert_string_equal(t.child[0].name, s->name);
        }
        for (int n = 0; n < SK_NOTE_COUNT; n++) {
            assert_int_equal(t.note[n], 0);
        }
        walktest_release(&t);
        free(file);
    }
}

static void test_trailing_data(void **state) {
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        size_t len = 0;
        uint8_t *file = golden_load(samples[i].path, &len);
        for (int zeros = 0; zeros < 2; zeros++) {
            uint8_t *longer = calloc(1, len + 1024);
            struct walktest t;
            walktest_init(&t);
            memcpy(longer, file, len);
            if (zeros == 0) {
                memcpy(longer + len + 1000, "hello", 5);
            }
            assert_int_equal(walktest_run(&t, samples[i].format, longer, len + 1024).code, SK_OK);
            assert_int_equal(t.note[SK_NOTE_DAMAGED], 0);
            assert_int_equal(t.note[SK_NOTE_TRAILING], zeros == 0 ? 1 : 0);
            walktest_release(&t);
            free(longer);
        }
        free(file);
    }
}

static void test_truncation_is_damage(void **state) {
    (void)state;
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        size_t len = 0;
        uint8_t *file = golden_load(samples[i].path, &len);
        for (size_t cut = 1; cut < len; cut += 11) {
            struct walktest t;
            walktest_init(&t);
            assert_int_equal(walktest_run(&t, samples[i].format, file, cut).code, SK_OK);
            if (!samples[i].chained) { /* half a chain may be a whole stream */
                assert_int_equal(t.note[SK_NOTE_DAMAGED], 1);
            }
            walktest_release(&t);
        }
        free(file);
    }
}

static void test_every_allocation_may_fail(void **state) {
    (void)state;
    static char text[16384];
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        size_t len = 0, text_len = expected(text, sizeof(text), samples[i].chained);
        uint8_t *file = golden_load(samples[i].path, &len);
        for (uint64_t nth = 1;; nth++) {
            struct walktest t;
            walktest_init(&t);
            mem_fault_set(nth);
            sk_err err = walktest_run(&t, samples[i].format, file, len);
            uint64_t seen = mem_fault_seen();
            mem_fault_set(0);
            bool said = err.code == SK_E_NOMEM || t.note[SK_NOTE_LIMIT_MEMORY] > 0;
            bool nameless =
                t.child_count == 1 && t.child[0].name == NULL && samples[i].name != NULL;
            /* a whole stream is tried first, and can go on without that memory */
            bool served =
                samples[i].format == &sk_format_gzip && walktest_has(&t, NULL, text, text_len);
            walktest_release(&t);
            if (seen < nth) {
                assert_int_equal(err.code, SK_OK);
                break;
            }
            assert_true(said || nameless || served);
        }
        free(file);
    }
}

static void test_probes_refuse_what_is_close(void **state) {
    (void)state;
    static const struct {
        const struct sk_format *format;
        const char *bytes;
        size_t len;
    } near[] = {
        {&sk_format_gzip, "\x1f\x8b", 2},
        {&sk_format_gzip, "\x1f\x8b\x07\0\0\0\0\0\0\0\0\0", 12},
        {&sk_format_bzip2, "BZh9 is a name", 14},
        {&sk_format_bzip2, "BZh0\x31\x41\x59\x26\x53\x59", 10},
        {&sk_format_xz,
         "\xfd"
         "7zXZ",
         5},
        {&sk_format_xz, "]\0\0\x81\0\0\0\0\0\0\0\0\0\0", 14},
        {&sk_format_xz, "]\0\0\x80\0\0\0\0\0\0\0\0\0\1", 14},
        {&sk_format_zstd, "\x28\xb5\x2f", 3},
        {&sk_format_zstd, "\x50\x2a\x4d\x18\x02\0\0\0ab\x28\xb5\x2f\xfe", 14},
    };
    enum sk_type type;
    for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
        assert_int_equal(walktest_bid(near[i].format, near[i].bytes, near[i].len, &type), 0);
    }
    assert_int_equal(
        walktest_bid(&sk_format_zstd, "\x50\x2a\x4d\x18\x02\0\0\0ab\x28\xb5\x2f\xfd", 14, &type),
        60);
}

static void test_stop_is_obeyed(void **state) {
    (void)state;
    size_t len = 0;
    uint8_t *file = golden_load("single/text.gz.b64", &len);
    uint8_t *longer = calloc(1, len + 300000);
    memcpy(longer, file, len);
    struct walktest t;
    walktest_init(&t);
    t.stop_after_ticks = 2;
    assert_int_equal(walktest_run_windowed(&t, &sk_format_gzip, longer, len + 300000).code,
                     SK_E_STOP);
    walktest_release(&t);
    free(longer);
    free(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_files),
        cmocka_unit_test(test_trailing_data),
        cmocka_unit_test(test_truncation_is_damage),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_probes_refuse_what_is_close),
        cmocka_unit_test(test_stop_is_obeyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
