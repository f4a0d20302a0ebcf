// SPDX-License-Identifier: Apache-2.0
/*
 * PDF over golden files written byte by byte and by qpdf (fuzz/seeds/make_pdf.py): what each hides
 * is found, in memory and through windows; damage and encryption are told; failing allocations
 * leave nothing behind; bombs end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "golden.h"
#include "walktest.h"

extern const struct sk_format sk_format_pdf;

#define T "text of a stream, "
#define TEXT T T T T T T
#define SCRIPT "app.alert('seed');"
#define NO_NOTE SK_NOTE_COUNT

static const struct sample {
    const char *file;
    const char *child;   /* name */
    const char *content; /* whole */
    enum sk_note note;   /* NO_NOTE: none at all */
} samples[] = {
    {"plain", "object 5 0", TEXT, NO_NOTE},
    {"plain", "javascript 4", SCRIPT, NO_NOTE},
    {"flate", "object 5 0", TEXT, NO_NOTE},
    {"filters", "object 5 0", TEXT, NO_NOTE},
    {"lzw", "object 5 0", TEXT, NO_NOTE},
    {"predictor", "object 5 0", TEXT, NO_NOTE},
    {"escaped-names", "object 5 0", TEXT, NO_NOTE},
    {"filter-reference", "object 5 0", TEXT, NO_NOTE},
    {"wrong-length", "object 5 0", TEXT, NO_NOTE},
    {"wrong-length", "object 6 0", TEXT, NO_NOTE},
    {"truncated", "object 5 0", NULL, SK_NOTE_DAMAGED},
    {"no-end", "object 5 0", TEXT, NO_NOTE},
    {"junk-in-front", "object 5 0", TEXT, NO_NOTE},
    {"hidden-in-comment", "object 5 0", TEXT, NO_NOTE},
    {"hidden-in-string", "object 5 0", TEXT, NO_NOTE},
    {"two-of-one-number", "object 5 0", TEXT, NO_NOTE},
    {"two-of-one-number", "object 5 0", SCRIPT, NO_NOTE},
    {"script-reference", "javascript 6", SCRIPT, NO_NOTE},
    {"script-stream", "javascript 6 0", SCRIPT, NO_NOTE},
    {"attached", "attached.txt", TEXT, NO_NOTE},
    {"object-stream", "javascript 21", SCRIPT, NO_NOTE},
    {"xref-stream", "javascript", SCRIPT, NO_NOTE},
    {"image", "object 5 0", "\xff\xd8\xff\xe0 picture", NO_NOTE},
    {"nesting", "javascript 5", SCRIPT, NO_NOTE},
    {"cycle", "object 5 0", NULL, NO_NOTE},
    {"rc4-40", NULL, TEXT, NO_NOTE},
    {"rc4-40", NULL, SCRIPT, NO_NOTE},
    {"rc4-128", NULL, TEXT, NO_NOTE},
    {"rc4-128", NULL, SCRIPT, NO_NOTE},
    {"aes-128", NULL, TEXT, NO_NOTE},
    {"aes-128", NULL, SCRIPT, NO_NOTE},
    {"aes-256-r5", NULL, TEXT, NO_NOTE},
    {"aes-256-r5", NULL, SCRIPT, NO_NOTE},
    {"aes-256", NULL, TEXT, NO_NOTE},
    {"aes-256", NULL, SCRIPT, NO_NOTE},
    {"locked", NULL, NULL, SK_NOTE_ENCRYPTED},
    {"decoy-locked", "object 5 0", TEXT, SK_NOTE_ENCRYPTED},
    {"decoy-open", "object 98 0", TEXT, NO_NOTE},
    {"decoy-open", "javascript 99", SCRIPT, NO_NOTE},
    {"comment-in-number", "javascript 77", SCRIPT, NO_NOTE},
    {"packed-filter", "object 5 0", TEXT, NO_NOTE},
    {"reference-chain", "javascript 6", SCRIPT, NO_NOTE},
};

static const struct told {
    const char *file;
    enum sk_fact fact;
    const char *value;
} facts[] = {
    {"plain", SK_FACT_SCRIPT, NULL},
    {"plain", SK_FACT_OPEN_ACTION, NULL},
    {"escaped-names", SK_FACT_NAME_OBFUSCATED, NULL},
    {"attached", SK_FACT_EMBEDDED, "attached.txt"},
    {"actions", SK_FACT_URI, "http://example.org/"},
    {"actions", SK_FACT_LAUNCH, "cmd.exe"},
    {"actions", SK_FACT_EXTERNAL, "http://example.org/a.pdf"},
    {"locked", SK_FACT_ENCRYPTION, NULL},
};

static uint8_t *load(const char *file, size_t *out_len) {
    char path[128];
    (void)snprintf(path, sizeof(path), "pdf/%s.pdf.b64", file);
    return golden_load(path, out_len);
}

static void check_sample(const struct sample *s, bool windowed) {
    size_t len = 0;
    uint8_t *file = load(s->file, &len);
    struct walktest t;
    enum sk_type type = SK_TYPE_PDF;
    walktest_init(&t);
    assert_true(walktest_bid(&sk_format_pdf, file, len, &type) >= 70);
    sk_err err = windowed ? walktest_run_windowed(&t, &sk_format_pdf, file, len)
                          : walktest_run(&t, &sk_format_pdf, file, len);
    assert_int_equal(err.code, SK_OK);
    if (s->content != NULL && !walktest_has(&t, s->child, s->content, strlen(s->content))) {
        fail_msg("%s: %s is not found", s->file, s->child == NULL ? "content" : s->child);
    }
    for (size_t i = 0; i < t.child_count; i++) { /* the engine would take the slice */
        assert_false(t.child[i].is_slice && t.child[i].has_data);
    }
    for (int n = 0; n < SK_NOTE_COUNT; n++) {
        if ((t.note[n] != 0) != (n == (int)s->note)) {
            fail_msg("%s: note %s %u times", s->file, sk_note_word((enum sk_note)n), t.note[n]);
        }
    }
    walktest_release(&t);
    free(file);
}

static void test_what_files_hide(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        check_sample(&samples[i], false);
        check_sample(&samples[i], true);
    }
}

static void test_facts(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        size_t len = 0;
        uint8_t *file = load(facts[i].file, &len);
        struct walktest t;
        walktest_init(&t);
        assert_int_equal(walktest_run(&t, &sk_format_pdf, file, len).code, SK_OK);
        if (!walktest_told(&t, facts[i].fact, facts[i].value)) {
            fail_msg("%s: %s is not told", facts[i].file, sk_fact_word(facts[i].fact));
        }
        walktest_release(&t);
        free(file);
    }
    /* The empty password opens it: nothing to tell. */
    size_t len = 0;
    uint8_t *file = load("aes-256", &len);
    struct walktest t;
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_pdf, file, len).code, SK_OK);
    assert_false(walktest_told(&t, SK_FACT_ENCRYPTION, NULL));
    assert_false(walktest_told(&t, SK_FACT_NAME_OBFUSCATED, NULL));
    walktest_release(&t);
    free(file);
}

static void test_words_of_a_page(void **state) {
    (void)state;
    size_t len = 0;
    uint8_t *file = load("page-text", &len);
    struct walktest t;
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_pdf, file, len).code, SK_OK);
    assert_int_equal(t.view_count, 1);
    assert_int_equal(t.view[0].target, SK_TARGET_TEXT);
    assert_int_equal(t.view[0].len, 8);
    assert_memory_equal(t.view[0].bytes, "words of", 8);
    walktest_release(&t);
    free(file);
}

static void test_pixels_are_left_out_unless_used(void **state) {
    (void)state;
    size_t len = 0;
    uint8_t *file = load("image", &len);
    struct walktest t;
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_pdf, file, len).code, SK_OK);
    assert_null(walktest_find(&t, "object 6 0"));
    walktest_release(&t);
    /* The same bytes, named as a file by an object behind. */
    static const char use[] = "9 0 obj <</F(x.bin)/EF<</F 6 0 R>>>> endobj";
    uint8_t *longer = malloc(len + sizeof(use));
    memcpy(longer, file, len);
    memcpy(longer + len, use, sizeof(use));
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_pdf, longer, len + sizeof(use)).code, SK_OK);
    assert_true(walktest_has(&t, "x.bin", TEXT, strlen(TEXT)));
    walktest_release(&t);
    free(longer);
    free(file);
}

static void test_failing_allocations(void **state) {
    (void)state;
    static const char *const files[] = {"filters", "object-stream", "attached", "aes-256",
                                        "rc4-40"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        size_t len = 0;
        uint8_t *file = load(files[i], &len);
        bool failed = true;
        for (uint64_t n = 1; failed; n++) {
            struct walktest t;
            walktest_init(&t);
            mem_fault_set(n);
            sk_err err = walktest_run_windowed(&t, &sk_format_pdf, file, len);
            failed = mem_fault_seen() >= n;
            mem_fault_set(0);
            bool told = err.code != SK_OK || t.note[SK_NOTE_LIMIT_MEMORY] > 0;
            assert_true(!failed || told);
            assert_true(failed || err.code == SK_OK);
            walktest_release(&t);
        }
        free(file);
    }
}

/* ---- bombs ---- */

static void repeat(struct buf *out, const char *text, size_t times) {
    for (size_t i = 0; i < times; i++) {
        assert_false(sk_failed(buf_puts(out, text)));
    }
}

static void test_streams_that_share_one_end(void **state) {
    (void)state;
    struct buf file = {0};
    struct walktest t;
    repeat(&file, "%PDF-1.4\n", 1);
    repeat(&file, "1 0 obj <<>> stream\n", 20000);
    repeat(&file, "endstream", 1);
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_pdf, file.data, file.len).code, SK_OK);
    assert_int_equal(t.child_count, 19999); /* the last is empty */
    assert_true(t.child_bytes < 8 * file.len + ((uint64_t)2 << 20));
    walktest_release(&t);
    buf_release(&file);
}

/* Strings are passed over eight bytes at a time: an escape, a parenthesis and the end at each place
 * of the eight. "endobj" in the string is none. */
static void test_strings_of_all_lengths(void **state) {
    (void)state;
    for (unsigned n = 0; n < 600; n++) {
        struct buf file = {0};
        struct walktest t;
        repeat(&file, "%PDF-1.4\n1 0 obj <</A(", 1);
        repeat(&file, "x", n % 10);
        repeat(&file, n % 2 == 0 ? "\\)" : "()", 1);
        repeat(&file, "y", n / 10 % 10);
        repeat(&file, n % 3 == 0 ? "\\\\" : "(\\()", 1);
        repeat(&file, "'*[]", n / 100);
        repeat(&file, " endobj )>>stream\nabcdefgh\nendstream endobj", 1);
        walktest_init(&t);
        assert_int_equal(walktest_run(&t, &sk_format_pdf, file.data, file.len).code, SK_OK);
        assert_int_equal(t.child_count, 1);
        walktest_release(&t);
        buf_release(&file);
    }
}

/* The file is searched for starts in pieces: one lies across the end of a piece, at each place. */
static void test_starts_across_pieces(void **state) {
    (void)state;
    for (unsigned n = 0; n < 40; n++) {
        struct buf file = {0};
        struct walktest t;
        repeat(&file, "%PDF-1.4 ", 1);
        repeat(&file, " ", 32768 - 30 + n - file.len);
        repeat(&file, "1 0 obj<<>>stream\nabcdefgh\nendstream ", 2);
        walktest_init(&t);
        assert_int_equal(walktest_run(&t, &sk_format_pdf, file.data, file.len).code, SK_OK);
        assert_int_equal(t.child_count, 2);
        walktest_release(&t);
        buf_release(&file);
    }
}

static void test_endless_objects(void **state) {
    (void)state;
    struct buf file = {0};
    struct walktest t;
    repeat(&file, "%PDF-1.4\n", 1);
    repeat(&file, "1 0 obj(", 1100000);
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_pdf, file.data, file.len).code, SK_OK);
    assert_true(t.note[SK_NOTE_LIMIT_MEMORY] > 0);
    walktest_release(&t);
    buf_release(&file);
}

static void test_one_long_object(void **state) {
    (void)state;
    struct buf file = {0};
    struct walktest t;
    repeat(&file, "%PDF-1.4\n1 0 obj <</A[", 1);
    repeat(&file, "(string) ", 1000000);
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_pdf, file.data, file.len).code, SK_OK);
    assert_int_equal(t.note[SK_NOTE_LIMIT_MEMORY], 1);
    walktest_release(&t);
    buf_release(&file);
}

/* Every stream asks a long object for its length, every script is a reference to it: what is loaded
 * is bounded and told, a length at its start still counts. */
static void test_many_references_to_one_long_object(void **state) {
    (void)state;
    struct buf file = {0};
    struct walktest t;
    repeat(&file, "%PDF-1.4\n1 0 obj 4 (", 1);
    repeat(&file, "aaaaaaaaaaaaaaaa", 60000);
    repeat(&file, ") endobj\n", 1);
    repeat(&file, "2 0 obj <</Length 1 0 R>> stream\ntext\nendstream endobj\n", 20000);
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_pdf, file.data, file.len).code, SK_OK);
    assert_int_equal(t.note[SK_NOTE_LIMIT_SCAN_SIZE], 1);
    assert_int_equal(t.child_count, 20000);
    assert_int_equal(t.child_bytes, 80000);
    walktest_release(&t);
    buf_release(&file);
}

static void put_packed(struct buf *out, const void *in, size_t len) {
    uLongf room = compressBound(len);
    assert_false(sk_failed(buf_reserve(out, room)));
    assert_int_equal(compress2(out->data + out->len, &room, in, len, 9), Z_OK);
    out->len += room;
}

/* Blanks packed twice, which the last filter drops: no byte comes out, yet time can end it. */
static void test_nothing_out_of_gigabytes(void **state) {
    (void)state;
    enum { BLANKS = 64 << 20 };
    struct buf once = {0};
    struct buf file = {0};
    struct walktest t;
    char *blanks = malloc(BLANKS);
    memset(blanks, ' ', BLANKS);
    put_packed(&once, blanks, BLANKS);
    repeat(&file, "%PDF-1.4\n1 0 obj <</Filter[/Fl/Fl/AHx]>> stream\n", 1);
    put_packed(&file, once.data, once.len);
    repeat(&file, "\nendstream endobj", 1);
    walktest_init(&t);
    t.stop_after_ticks = 40;
    assert_int_equal(walktest_run(&t, &sk_format_pdf, file.data, file.len).code, SK_E_STOP);
    assert_int_equal(t.ticks, 40);
    walktest_release(&t);
    free(blanks);
    buf_release(&once);
    buf_release(&file);
}

static void test_stops_at_once(void **state) {
    (void)state;
    size_t len = 0;
    uint8_t *file = load("object-stream", &len);
    for (uint64_t n = 1; n < 12; n++) {
        struct walktest t;
        walktest_init(&t);
        t.stop_after_ticks = n;
        assert_int_equal(walktest_run(&t, &sk_format_pdf, file, len).code, SK_E_STOP);
        assert_int_equal(t.ticks, n);
        walktest_release(&t);
    }
    struct walktest t;
    walktest_init(&t);
    t.stop_after_children = 1;
    assert_int_equal(walktest_run(&t, &sk_format_pdf, file, len).code, SK_E_STOP);
    assert_int_equal(t.child_count, 1);
    walktest_release(&t);
    free(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_files_hide),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_words_of_a_page),
        cmocka_unit_test(test_pixels_are_left_out_unless_used),
        cmocka_unit_test(test_failing_allocations),
        cmocka_unit_test(test_streams_that_share_one_end),
        cmocka_unit_test(test_strings_of_all_lengths),
        cmocka_unit_test(test_starts_across_pieces),
        cmocka_unit_test(test_endless_objects),
        cmocka_unit_test(test_one_long_object),
        cmocka_unit_test(test_many_references_to_one_long_object),
        cmocka_unit_test(test_nothing_out_of_gigabytes),
        cmocka_unit_test(test_stops_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
