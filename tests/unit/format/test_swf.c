// SPDX-License-Identifier: Apache-2.0
/* Flash movies and XDP packages over golden files (fuzz/seeds/make_rtf.py), good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "golden.h"
#include "walktest.h"

extern const struct sk_format sk_format_swf;
extern const struct sk_format sk_format_xdp;

#define T "text of an object, "
#define TEXT T T T T
#define NO_NOTE SK_NOTE_COUNT

static const struct sample {
    const struct sk_format *format;
    const char *file;
    const char *child;
    const char *content; /* NULL: looked at by head */
    enum sk_note note;
} samples[] = {
    {&sk_format_swf, "swf/plain.swf", "binary data", TEXT, NO_NOTE},
    {&sk_format_swf, "swf/plain.swf", "image", "\xff\xd8\xff\xe0 image", NO_NOTE},
    {&sk_format_swf, "swf/zlib.swf", "movie", NULL, NO_NOTE},
    {&sk_format_swf, "swf/lzma.swf", "movie", NULL, NO_NOTE},
    {&sk_format_swf, "swf/false-length.swf", "movie", NULL, NO_NOTE},
    {&sk_format_swf, "swf/zlib-truncated.swf", "movie", NULL, SK_NOTE_DAMAGED},
    {&sk_format_swf, "swf/long-tag.swf", "binary data", TEXT, SK_NOTE_DAMAGED},
    {&sk_format_xdp, "xdp/chunk.xdp", "chunk", "%PDF-1.4\n" TEXT, NO_NOTE},
    {&sk_format_xdp, "xdp/prefix.xdp", "chunk", "%PDF-1.4\n" TEXT, NO_NOTE},
    {&sk_format_xdp, "xdp/two.xdp", "chunk", TEXT, NO_NOTE},
    {&sk_format_xdp, "xdp/two.xdp", "chunk", "%PDF-1.4\n" TEXT, NO_NOTE},
    {&sk_format_xdp, "xdp/utf-16.xdp", "chunk", "%PDF-1.4\n" TEXT, NO_NOTE},
    {&sk_format_xdp, "xdp/not-closed.xdp", "chunk", "%PDF-1.4\n" TEXT, NO_NOTE},
};

static uint8_t *load(const char *file, size_t *out_len) {
    char path[128];
    (void)snprintf(path, sizeof(path), "%s.b64", file);
    return golden_load(path, out_len);
}

static void check_sample(const struct sample *s, bool windowed) {
    size_t len = 0;
    uint8_t *file = load(s->file, &len);
    struct walktest t;
    enum sk_type type = s->format->type;
    walktest_init(&t);
    assert_true(walktest_bid(s->format, file, len, &type) >= 75);
    sk_err err = windowed ? walktest_run_windowed(&t, s->format, file, len)
                          : walktest_run(&t, s->format, file, len);
    assert_int_equal(err.code, SK_OK);
    const struct walktest_child *c = walktest_find(&t, s->child);
    if (c == NULL ||
        (s->content != NULL && !walktest_has(&t, s->child, s->content, strlen(s->content)))) {
        fail_msg("%s: %s is not found", s->file, s->child);
    }
    if (s->content == NULL) { /* the same header, but for its first letter */
        assert_memory_equal(c->head, "FWS", 3);
        assert_memory_equal(c->head + 3, file + 3, 5);
    }
    for (int n = 0; n < SK_NOTE_COUNT; n++) {
        assert_int_equal(t.note[n] != 0, n == (int)s->note);
    }
    walktest_release(&t);
    free(file);
}

static void test_what_files_hold(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        check_sample(&samples[i], false);
        check_sample(&samples[i], true);
    }
}

/* Packed by zlib and by LZMA, the movie is the plain file byte for byte. */
static void test_unpacked_is_plain(void **state) {
    (void)state;
    size_t plain_len = 0;
    uint8_t *plain = load("swf/plain.swf", &plain_len);
    static const char *const packed[] = {"swf/zlib.swf", "swf/lzma.swf"};
    for (size_t i = 0; i < 2; i++) {
        size_t len = 0;
        uint8_t *file = load(packed[i], &len);
        struct walktest t;
        walktest_init(&t);
        assert_int_equal(walktest_run(&t, &sk_format_swf, file, len).code, SK_OK);
        assert_true(walktest_has(&t, "movie", plain, plain_len));
        walktest_release(&t);
        free(file);
    }
    struct walktest t;
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_swf, plain, plain_len).code, SK_OK);
    assert_true(walktest_told(&t, SK_FACT_URI, NULL));
    walktest_release(&t);
    free(plain);
}

/* Data behind a million tags of nothing is found. */
static void test_many_tags_hide_nothing(void **state) {
    (void)state;
    static const uint8_t head[] = "FWS\x05\0\0\0\0\0\0\0\0\0"; /* frame of one byte, rate, count */
    static const uint8_t data[] = "\xca\x15\1\0\0\0\0\0data";  /* DefineBinaryData, 10 bytes */
    enum { TAGS = 1100000, HEAD = sizeof(head) - 1, DATA = sizeof(data) - 1 };
    uint8_t *file = malloc(HEAD + 2 * TAGS + DATA);
    struct walktest t;
    memcpy(file, head, HEAD);
    for (size_t i = 0; i < TAGS; i++) {
        file[HEAD + 2 * i] = 0x40; /* ShowFrame, empty */
        file[HEAD + 2 * i + 1] = 0;
    }
    memcpy(file + HEAD + 2 * TAGS, data, DATA);
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_swf, file, HEAD + 2 * TAGS + DATA).code, SK_OK);
    assert_true(walktest_has(&t, "binary data", "data", 4));
    walktest_release(&t);
    free(file);
}

static void test_too_short(void **state) {
    (void)state;
    size_t len = 0;
    uint8_t *file = load("swf/lzma-short.swf", &len);
    struct walktest t;
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_swf, file, len).code, SK_E_FORMAT);
    assert_int_equal(t.child_count, 0);
    walktest_release(&t);
    free(file);
}

static void test_failing_allocations(void **state) {
    (void)state;
    static const struct {
        const struct sk_format *format;
        const char *file;
    } files[] = {{&sk_format_swf, "swf/zlib.swf"},
                 {&sk_format_swf, "swf/lzma.swf"},
                 {&sk_format_swf, "swf/plain.swf"},
                 {&sk_format_xdp, "xdp/two.xdp"}};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        size_t len = 0;
        uint8_t *file = load(files[i].file, &len);
        bool failed = true;
        for (uint64_t n = 1; failed; n++) {
            struct walktest t;
            walktest_init(&t);
            mem_fault_set(n);
            sk_err err = walktest_run_windowed(&t, files[i].format, file, len);
            failed = mem_fault_seen() >= n;
            mem_fault_set(0);
            bool told = err.code == SK_E_NOMEM || t.note[SK_NOTE_LIMIT_MEMORY] > 0;
            assert_true(failed ? told : err.code == SK_OK);
            walktest_release(&t);
        }
        free(file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_files_hold),        cmocka_unit_test(test_unpacked_is_plain),
        cmocka_unit_test(test_many_tags_hide_nothing), cmocka_unit_test(test_too_short),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
