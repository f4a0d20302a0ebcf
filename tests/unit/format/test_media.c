// SPDX-License-Identifier: Apache-2.0
/*
 * Structure of pictures: every cut of a whole file, and other damage. The expected words are what
 * clamscan 1.4.6 --alert-broken-media says behind "Heuristics.Broken.Media." for the same bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "walktest.h"

extern const struct sk_format sk_format_png, sk_format_gif;

static const char png_head[] = "\x89PNG\r\n\x1a\n";
/* Lengths and types matter, contents and checksums do not. */
static const char png_ihdr[] = "\0\0\0\x0dIHDR\0\0\0\4\0\0\0\4\x08\0\0\0\0abcd";
static const char png_idat[] = "\0\0\0\5IDATxxxxxabcd";
static const char png_iend[] = "\0\0\0\0IEND\xae\x42\x60\x82";

static const char gif_head[] = "GIF89a\4\0\4\0\x91\0\0"
                               "\0\0\0\xff\xff\xff\xff\0\0\0\xff\0";
static const char gif_ext[] = "\x21\xf9\x04\0\0\0\0\0";
static const char gif_image[] = "\x2c\0\0\0\0\4\0\4\0\0";
static const char gif_data[] = "\2\5\x84\x1d\x99\x7a\5\0";

#define PUT(b, text) assert_false(sk_failed(buf_append(b, text, sizeof(text) - 1)))

static void expect(const struct sk_format *format, const struct buf *b, size_t len,
                   const char *word) {
    struct walktest t;
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, format, b->data, len).code, SK_OK);
    if (word == NULL) {
        assert_int_equal(t.fact_count, 0);
    } else if (t.fact_count != 1 || !walktest_told(&t, SK_FACT_BROKEN_MEDIA, word)) {
        fail_msg("%zu bytes: not %s", len, word);
    }
    walktest_release(&t);
}

static void cuts_of_png(void **state) {
    (void)state;
    struct buf b = {0};
    PUT(&b, png_head);
    PUT(&b, png_ihdr);
    PUT(&b, png_idat);
    PUT(&b, png_iend);
    for (size_t len = 8; len <= b.len; len++) {
        /* where in its chunk the file ends; chunks are 25, 17 and 12 bytes */
        size_t at = len - 8, chunk = at < 25 ? 25 : at < 42 ? 17 : 12;
        size_t in = at < 25 ? at : at < 42 ? at - 25 : at - 42;
        expect(&sk_format_png, &b, len,
               in < 4           ? NULL
               : in < 8         ? "PNG.EOFReadingChunkType"
               : in < chunk - 4 ? "PNG.EOFReadingChunk"
               : in < chunk     ? "PNG.EOFReadingChunkCRC"
                                : NULL);
    }
    buf_release(&b);
}

static void damage_of_png(void **state) {
    (void)state;
    static const struct {
        const char *length;
        const char *word;
    } row[] = {{"\x80\0\0\0", "PNG.InvalidChunkLength"},
               {"\x7f\xff\xff\xff", "PNG.EOFReadingChunk"},
               {"\0\0\3\xe8", "PNG.EOFReadingChunk"}};
    struct buf b = {0};
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        buf_clear(&b);
        PUT(&b, png_head);
        PUT(&b, png_ihdr);
        assert_false(sk_failed(buf_append(&b, row[i].length, 4)));
        PUT(&b, "IDATxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        expect(&sk_format_png, &b, b.len, row[i].word);
    }
    buf_release(&b);
}

static void cuts_of_gif(void **state) {
    (void)state;
    struct buf b = {0};
    PUT(&b, gif_head);
    PUT(&b, gif_ext);
    PUT(&b, gif_image);
    PUT(&b, gif_data);
    PUT(&b, "\x3b");
    for (size_t len = 6; len <= b.len; len++) {
        expect(&sk_format_gif, &b, len,
               len < 13    ? "GIF.TruncatedScreenDescriptor"
               : len < 25  ? "GIF.TruncatedGlobalColorTable"
               : len == 26 ? "GIF.TruncatedExtension"
               : len < 34  ? "GIF.MissingImageData"
               : len < 43  ? "GIF.TruncatedImageDescriptor"
               : len < 51  ? "GIF.TruncatedImageDataBlock"
                           : NULL);
    }
    buf_release(&b);
}

static void damage_of_gif(void **state) {
    (void)state;
    struct buf b = {0};
    PUT(&b, gif_head);
    PUT(&b, "\x3b");
    expect(&sk_format_gif, &b, b.len, NULL); /* no picture, but an end */
    b.len--;
    PUT(&b, "\x55");
    expect(&sk_format_gif, &b, b.len, "GIF.UnknownBlockLabel");
    b.len--;
    PUT(&b, gif_image);
    PUT(&b, gif_data);
    size_t whole = b.len;
    PUT(&b, "\x21\xf9\x04\0");
    expect(&sk_format_gif, &b, b.len, NULL);
    b.len = whole;
    PUT(&b, "\x2c\0\0\0");
    expect(&sk_format_gif, &b, b.len, "GIF.TruncatedImageDescriptor");
    b.len = whole;
    b.data[25 + 9] = (uint8_t)0x81; /* colours of its own, which are not there */
    expect(&sk_format_gif, &b, b.len, "GIF.TruncatedImageDataBlock");
    buf_release(&b);
}

static void bytes_behind_the_end(void **state) {
    (void)state;
    static const char tail[] = "PK\3\4 or <?php";
    const struct sk_format *const format[] = {&sk_format_png, &sk_format_gif};
    for (unsigned i = 0; i < 2; i++) {
        struct buf b = {0};
        struct walktest t;
        if (i == 0) {
            PUT(&b, png_head);
            PUT(&b, png_iend);
        } else {
            PUT(&b, gif_head);
            PUT(&b, "\x3b");
        }
        walktest_init(&t);
        assert_int_equal(walktest_run(&t, format[i], b.data, b.len).code, SK_OK);
        assert_int_equal(t.child_count, 0);
        PUT(&b, tail);
        assert_int_equal(walktest_run_windowed(&t, format[i], b.data, b.len).code, SK_OK);
        assert_int_equal(t.child_count, 1);
        assert_true(walktest_has(&t, NULL, tail, sizeof(tail) - 1));
        assert_int_equal(t.fact_count, 0);
        walktest_release(&t);
        buf_release(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_of_png),          cmocka_unit_test(damage_of_png),
        cmocka_unit_test(cuts_of_gif),          cmocka_unit_test(damage_of_gif),
        cmocka_unit_test(bytes_behind_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
