// SPDX-License-Identifier: Apache-2.0
/* What an observer hears: every layer once, before what is in it, with digests and bytes; facts and
 * notes with the number of their layer; and that a scan without one is the same. */
#include "fixture.h"

#define HEARD_MAX 8192u

struct heard {
    char text[HEARD_MAX];
    size_t len;
    uint64_t last_id;
    uint8_t sha256_of_object[32];
};

__attribute__((format(printf, 2, 3))) static void say(struct heard *h, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    h->len += (size_t)vsnprintf(h->text + h->len, sizeof(h->text) - h->len, fmt, args);
    va_end(args);
    assert_true(h->len < sizeof(h->text));
}

static void on_layer(void *ctx, const struct sk_layer_seen *l) {
    struct heard *h = ctx;
    assert_true(l->id > h->last_id && l->parent < l->id);
    h->last_id = l->id;
    say(h, "%s%.*s:%s:%d<%d ", l->view != 0 ? "view" : "layer", (int)l->name_len, l->name, l->type,
        (int)l->id, (int)l->parent);
    say(h, l->opened != 0 ? "" : "unopened ");
    if (l->parent == 0) {
        memcpy(h->sha256_of_object, l->sha256, 32);
    }
}

static void on_bytes(void *ctx, uint64_t layer, const void *bytes, size_t len) {
    if (layer > 1) {
        say(ctx, "[%.*s] ", (int)len, (const char *)bytes);
    }
}

static void on_fact(void *ctx, const struct sk_fact_seen *fact) {
    say(ctx, "fact%d=%s=%.*s ", (int)fact->layer, fact->word, (int)fact->value_len,
        fact->value == NULL ? "" : fact->value);
}

static void on_note(void *ctx, uint64_t layer, const struct sk_note_entry *note) {
    say(ctx, "note%d=%s ", (int)layer, note->word);
}

static void on_retyped(void *ctx, uint64_t layer, const char *type) {
    say(ctx, "type%d=%s ", (int)layer, type);
}

static void test_what_is_heard(void **state) {
    (void)state;
    struct buf outer = {0}, inner = {0};
    box_begin(&inner);
    box_add_text(&inner, FAKE_PLAIN, "x", "deep data", 0);
    box_add_text(&inner, FAKE_FACT, "", "value", SK_FACT_URI);
    box_begin(&outer);
    box_add_text(&outer, FAKE_PLAIN, "tiny", "abc", 0);
    box_add_text(&outer, FAKE_ENCRYPTED, "secret", "hidden", 0);
    box_add_text(&outer, FAKE_VIEW, "", "other bytes", SK_TARGET_HTML);
    box_add(&outer, FAKE_PLAIN, "in.box", &inner, 0);
    fake_reset(NULL, 0);
    struct heard h = {0};
    struct sk_observer observer = {&h, 1, on_layer, on_bytes, on_fact, on_note, on_retyped};
    struct sk_options options;
    sk_options_init(&options);
    options.observer = &observer;
    struct sk_scanner *sc = scanner_with(&options);
    struct sk_report with = *scan_buf(sc, &outer);
    assert_non_null(strstr(h.text, "layer:zip:1<0 "));
    assert_non_null(strstr(h.text, "layertiny:data:2<1 [abc] "));
    assert_non_null(strstr(h.text, "layersecret:data:3<1 unopened "));
    assert_non_null(strstr(h.text, "note1=encrypted "));
    assert_non_null(strstr(h.text, "fact1=script=a value "));
    assert_non_null(strstr(h.text, "view:html:4<1 [other bytes] "));
    assert_non_null(strstr(h.text, "layerin.box:zip:5<1 "));
    assert_non_null(strstr(h.text, "layerx:data:6<5 [deep data] "));
    assert_non_null(strstr(h.text, "fact5=uri=value "));
    uint8_t digest[CRYPTO_ALGO_COUNT][CRYPTO_DIGEST_MAX];
    assert_false(sk_failed(digester_begin(sc->digester, CRYPTO_MASK(CRYPTO_SHA256))));
    assert_false(sk_failed(digester_update(sc->digester, outer.data, outer.len)));
    assert_false(sk_failed(digester_end(sc->digester, digest)));
    assert_memory_equal(digest[CRYPTO_SHA256], h.sha256_of_object, 32);
    sk_scanner_free(sc);
    /* The same without anybody listening. */
    sc = scanner_flags(0);
    const struct sk_report *without = scan_buf(sc, &outer);
    assert_int_equal(without->layers, with.layers);
    assert_int_equal(without->note_count, with.note_count);
    assert_int_equal(without->bytes_scanned, with.bytes_scanned);
    sk_scanner_free(sc);
    buf_release(&outer);
    buf_release(&inner);
}

/* What the normaliser makes of a page: every output is a view, here up to its first NUL (which
 * notags has for characters beyond ASCII). */
static void expect_views(const void *page, size_t len, const char *wanted) {
    fake_reset(NULL, 0);
    struct heard h = {0};
    struct sk_observer observer = {&h, 1, on_layer, on_bytes, NULL, NULL, NULL};
    struct sk_options options;
    sk_options_init(&options);
    options.observer = &observer;
    struct sk_scanner *sc = scanner_with(&options);
    struct buf object = {0};
    assert_false(sk_failed(buf_append(&object, page, len)));
    assert_true(scan_buf(sc, &object)->complete);
    buf_release(&object);
    assert_string_equal(h.text, wanted);
    sk_scanner_free(sc);
}

static void test_pages_in_utf16_are_read_both_ways(void **state) {
    static const char PLAIN[] = "<b>xYz";
    static const char LATIN[] = "<\0b\0>\0x\0\xe9\0Y\0";
    static const char WIDE[] = "<\0b\0>\0x\0B0\0\1"; /* U+3042, U+0100 */
    (void)state;
    expect_views(PLAIN, sizeof(PLAIN) - 1,
                 "layer:html:1<0 view:html:2<1 [<b>xyz] view:html:3<1 [ xyz] ");
    expect_views(LATIN, sizeof(LATIN) - 1,
                 "layer:html:1<0 view:html:2<1 [<b>x\xe9y] view:html:3<1 [ x] ");
    expect_views(WIDE, sizeof(WIDE) - 1,
                 "layer:html:1<0 view:html:2<1 [<b>xb\x10] view:html:3<1 [ xb ] "
                 "view:html:4<1 [<b>xb0\x01] view:html:5<1 [ xb0 ] ");
}

/* A page that is text for clamscan is searched as both. */
static void test_pages_in_text_are_read_as_both(void **state) {
    (void)state;
    expect_views("TXT1page X", 10,
                 "layer:html:1<0 view:html:2<1 [txt1page x] view:html:3<1 [txt1page x] "
                 "view:text:4<1 [txt1page x] ");
}

static void on_any_layer(void *ctx, const struct sk_layer_seen *l) {
    (void)ctx;
    (void)l;
}

static void keep_view(void *ctx, uint64_t layer, const void *bytes, size_t len) {
    if (layer > 1) {
        assert_false(sk_failed(buf_append(ctx, bytes, len)));
    }
}

/* Normalised text that is made again wherever it is asked for is that of the store: with runs of
 * white space and of bytes that go across its pieces, and pieces without text. */
static void test_large_text_is_made_again(void **state) {
    (void)state;
    fake_reset(NULL, 0);
    struct buf object = {0}, seen[2] = {{0}, {0}};
    assert_false(sk_failed(buf_append(&object, "TXT1", 4)));
    uint32_t dice = 1;
    while (object.len < 3000000) {
        static const char KINDS[] = " \t\n\0\x80\xff Abz.";
        uint8_t run[40];
        dice = dice * 1664525 + 1013904223;
        memset(run, KINDS[(dice >> 16) % (sizeof(KINDS) - 1)], sizeof(run));
        bool long_run = dice >> 24 == 0;
        for (size_t n = long_run ? 4000 : 1; n > 0; n--) {
            assert_false(sk_failed(buf_append(&object, run, 1 + (dice >> 8) % sizeof(run))));
        }
    }
    for (int again = 0; again < 2; again++) {
        struct sk_observer observer = {&seen[again], 1, on_any_layer, keep_view, NULL, NULL, NULL};
        struct sk_options options;
        sk_options_init(&options);
        options.observer = &observer;
        struct sk_scanner *sc = scanner_with(&options);
        sc->pool.memory_bytes = again == 1 ? 1 : sc->pool.memory_bytes;
        assert_true(scan_buf(sc, &object)->complete);
        sk_scanner_free(sc);
    }
    assert_true(seen[0].len > 256 * 1024 && seen[0].len < object.len);
    assert_int_equal(seen[0].len, seen[1].len);
    assert_memory_equal(seen[0].data, seen[1].data, seen[0].len);
    buf_release(&seen[0]);
    buf_release(&seen[1]);
    buf_release(&object);
}

static void test_bytes_only_when_wanted(void **state) {
    (void)state;
    struct buf box = {0};
    box_begin(&box);
    box_add_text(&box, FAKE_PLAIN, "m", "member bytes", 0);
    fake_reset(NULL, 0);
    struct heard h = {0};
    struct sk_observer observer = {&h, 0, on_layer, on_bytes, NULL, NULL, NULL};
    struct sk_options options;
    sk_options_init(&options);
    options.observer = &observer;
    struct sk_scanner *sc = scanner_with(&options);
    (void)scan_buf(sc, &box);
    assert_string_equal(h.text, "layer:zip:1<0 layerm:data:2<1 ");
    sk_scanner_free(sc);
    buf_release(&box);
}

static void test_object_beyond_a_limit(void **state) {
    (void)state;
    fake_reset(NULL, 0);
    struct heard h = {0};
    struct sk_observer observer = {&h, 1, on_layer, on_bytes, on_fact, on_note, on_retyped};
    struct sk_options options;
    sk_options_init(&options);
    options.observer = &observer;
    options.limits.max_file_size = 4;
    struct sk_scanner *sc = scanner_with(&options);
    (void)scan_text(sc, "longer than four");
    assert_string_equal(h.text, "note1=limit-file-size layer:data:1<0 unopened ");
    sk_scanner_free(sc);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_heard),
        cmocka_unit_test(test_pages_in_utf16_are_read_both_ways),
        cmocka_unit_test(test_pages_in_text_are_read_as_both),
        cmocka_unit_test(test_large_text_is_made_again),
        cmocka_unit_test(test_bytes_only_when_wanted),
        cmocka_unit_test(test_object_beyond_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
