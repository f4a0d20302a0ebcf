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

extern const struct sk_format sk_format_png, sk_format_gif, sk_format_jpeg, sk_format_tiff;

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

static const char jpeg_start[] = "\xff\xd8";
static const char jfif[] = "\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0";
static const char exif[] = "\xff\xe1\0\x10"
                           "Exif\0\0MM\0*\0\0\0\0";
static const char spiff[] = "\xff\xe8\0\x10SPIFF\0\0\0\0\0\0\0\0\0";
static const char comment[] = "\xff\xfe\0\4hi";
static const char photoshop[] = "\xff\xed\0\4hi";
static const char table[] = "\xff\xdb\0\4hi";
static const char scan[] = "\xff\xda\0\4hi\x12\xff\0\x34\xff\xd3\x56\xff\xd9";

struct piece {
    const char *bytes;
    size_t len;
};
#define P(text)                                                                                    \
    { text, sizeof(text) - 1 }

static void segments_of_jpeg(void **state) {
    (void)state;
    static const struct {
        struct piece piece[4];
        const char *word;
    } ROWS[] = {
        {{P(jfif)}, NULL},
        {{P(table)}, NULL},
        {{P(jfif), P(jfif)}, "JPEG.JFIFdupAppMarker"},
        {{P(table), P(jfif)}, "JPEG.JFIFmarkerBadPosition"},
        {{P(comment), P(jfif)}, NULL},
        {{P(photoshop), P(jfif)}, NULL},
        {{P(comment), P(comment), P(jfif)}, "JPEG.JFIFmarkerBadPosition"},
        {{P(comment), P(exif), P(jfif)}, NULL},
        {{P(comment), P(exif), P(photoshop), P(jfif)}, "JPEG.JFIFmarkerBadPosition"},
        {{P("\xff\xe0\0\x0fJFIF\0\1\1\0\0\1\0\1\0")}, "JPEG.JFIFheaderTooShort"},
        {{P("\xff\xe0\0\x07JFIX\0")}, NULL},
        {{P(table), P(exif)}, NULL},
        {{P(exif), P(exif)}, "JPEG.ExifDupAppMarker"},
        {{P(spiff), P(exif)}, "JPEG.ExifDupAppMarker"},
        {{P("\xff\xe1\0\x08"
            "Exif\0\0")},
         "JPEG.ExifHeaderTooShort"},
        {{P(jfif), P(table), P(exif)}, NULL},
        {{P(jfif), P(table), P(table), P(exif)}, "JPEG.ExifHeaderBadPosition"},
        {{P(jfif), P(comment), P(table), P(exif)}, NULL},
        {{P(spiff)}, NULL},
        {{P(jfif), P(spiff)}, "JPEG.SPIFFdupAppMarker"},
        {{P(table), P(spiff)}, "JPEG.SPIFFmarkerBadPosition"},
        {{P("\xff\xe8\0\x08SPIFF\0")}, "JPEG.SPIFFheaderTooShort"},
        {{P("\xff\xf2\0\2")}, "JPEG.DTTMissingDTISegment"},
        {{P("\xff\xf1\0\2"), P("\xff\xf2\0\2")}, NULL},
        {{P("\xff\xf1\0\2"), P(comment), P("\xff\xf2\0\2")}, "JPEG.DTTMissingDTISegment"},
        {{P(jfif), P("\xff\xf7\0\2")}, "JPEG.AppMarkerBeforeJPG7"},
        {{P("\xff\xf7\0\2"), P(jfif), P(jfif)}, NULL},
        {{P(jfif), P("\xff\xd9\0\2")}, "JPEG.NoImages"},
        {{P(jfif), P("\xff\xe2\0\1")}, "JPEG.InvalidSegmentSize"},
        {{P(jfif), P("\xff\xe2\xff\xff")}, "JPEG.SegmentDataOutOfFile"},
        {{P(jfif), P("12345678901234")}, NULL},
        {{P(jfif), P("123456789012345")}, "JPEG.SpuriousBytesBeforeSegment"},
        {{P(jfif), P("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")}, NULL},
    };
    struct buf b = {0};
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        buf_clear(&b);
        PUT(&b, jpeg_start);
        for (size_t k = 0; k < 4; k++) {
            assert_false(sk_failed(buf_append(&b, ROWS[i].piece[k].bytes, ROWS[i].piece[k].len)));
        }
        PUT(&b, scan);
        expect(&sk_format_jpeg, &b, b.len, ROWS[i].word);
    }
    buf_release(&b);
}

static void cuts_of_jpeg(void **state) {
    (void)state;
    struct buf b = {0};
    PUT(&b, jpeg_start);
    PUT(&b, jfif);
    PUT(&b, scan);
    for (size_t len = 6; len <= b.len; len++) {
        /* a segment may lack its last byte, which is missed when the next marker is looked for */
        bool inside = len < 19 || (len > 23 && len < 25);
        expect(&sk_format_jpeg, &b, len,
               len > 24 ? NULL
               : inside ? "JPEG.SegmentDataOutOfFile"
                        : "JPEG.CantReadSegmentSize");
    }
    buf_release(&b);
}

/* A comment shorter than its length field: the name of an exploit. */
static void comment_of_jpeg(void **state) {
    (void)state;
    static const char bytes[] = "\xff\xd8\xff\xfe\0\1abcdefgh";
    struct walktest t;
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_jpeg, bytes, sizeof(bytes) - 1).code, SK_OK);
    assert_int_equal(t.fact_count, 1);
    assert_true(walktest_told(&t, SK_FACT_JPEG_COMMENT, NULL));
    walktest_release(&t);
}

/* What lies behind the end is a member; FF D9 in the tables of a second scan is no end. */
static void behind_jpeg(void **state) {
    (void)state;
    struct buf b = {0};
    struct walktest t;
    PUT(&b, jpeg_start);
    PUT(&b, jfif);
    assert_false(sk_failed(buf_append(&b, scan, sizeof(scan) - 3)));
    PUT(&b, "\xff\xc4\0\6\xff\xd9PK");
    PUT(&b, scan);
    PUT(&b, "PK\3\4 behind");
    walktest_init(&t);
    assert_int_equal(walktest_run_windowed(&t, &sk_format_jpeg, b.data, b.len).code, SK_OK);
    assert_int_equal(t.child_count, 1);
    assert_int_equal(t.child[0].got_bytes, 11);
    assert_memory_equal(t.child[0].head, "PK\3\4 behind", 11);
    walktest_release(&t);
    walktest_init(&t);
    t.stop_after_ticks = 2;
    assert_int_equal(walktest_run(&t, &sk_format_jpeg, b.data, b.len).code, SK_E_STOP);
    walktest_release(&t);
    b.len -= 13; /* no end */
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_jpeg, b.data, b.len).code, SK_OK);
    assert_int_equal(t.child_count, 0);
    walktest_release(&t);
    buf_release(&b);
}

/* One directory with one entry, 26 bytes, then 40 more. */
static void directories_of_tiff(void **state) {
    (void)state;
    static const struct {
        size_t at; /* of four bytes, little-endian */
        uint32_t value;
        const char *word;
    } ROWS[] = {
        {4, 8, NULL},
        {4, 0, "TIFF.InvalidIFDOffset"},
        {4, 9999, "TIFF.EOFReadingNumIFDDirectoryEntries"},
        {4, UINT32_MAX, "TIFF.EOFReadingNumIFDDirectoryEntries"},
        {8, 0x01000000 | 7, "TIFF.EOFReadingIFDEntry"},
        {14, 41, "TIFF.OutOfBoundsAccess"}, /* of one byte each, from 26 */
        {14, 40, NULL},
        {14, UINT32_MAX, "TIFF.OutOfBoundsAccess"},
        {18, UINT32_MAX, "TIFF.OutOfBoundsAccess"},
        {18, 27, "TIFF.OutOfBoundsAccess"},
        {22, 8, "TIFF.OutOfOrderIFDOffset"},
        {22, 22, "TIFF.OutOfOrderIFDOffset"},
        {22, 40, NULL}, /* empty, and the last */
        {22, 65, "TIFF.EOFReadingNumIFDDirectoryEntries"},
        {22, 62, "TIFF.EOFReadingChunkCRC"},
    };
    for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        uint8_t bytes[66] = "II*\0\x08\0\0\0\1\0\x31\1\2\0\x28\0\0\0\x1a";
        sk_store_u32le(bytes + ROWS[i].at, ROWS[i].value);
        struct buf b = {.data = bytes, .len = sizeof(bytes)};
        expect(&sk_format_tiff, &b, b.len, ROWS[i].word);
    }
    static const char big[] = "MM\0*\0\0\0\x08\0\1\1\x31\0\2\0\0\0\5\0\0\0\x1a\0\0\0\0";
    uint8_t bytes[26];
    memcpy(bytes, big, sizeof(bytes));
    struct buf b = {.data = bytes, .len = sizeof(bytes)};
    expect(&sk_format_tiff, &b, b.len, "TIFF.OutOfBoundsAccess");
    bytes[17] = 4; /* in the entry itself */
    expect(&sk_format_tiff, &b, b.len, NULL);
    for (size_t len = 4; len < b.len; len++) {
        expect(&sk_format_tiff, &b, len,
               len < 8    ? "TIFF.EOFReadingFirstIFDOffset"
               : len < 10 ? "TIFF.EOFReadingNumIFDDirectoryEntries"
               : len < 22 ? "TIFF.EOFReadingIFDEntry"
                          : "TIFF.EOFReadingChunkCRC");
    }
}

static void more_of_png_and_gif(void **state) {
    (void)state;
    struct buf b = {0};
    PUT(&b, png_head);
    PUT(&b, "\0\0\0\x0dIHDR\0\0\0\0\0\0\0\4\x08\0\0\0\0abcd");
    PUT(&b, "\0\0\3\xe8IDATxx");
    expect(&sk_format_png, &b, b.len, NULL); /* no width: nothing is called broken */
    buf_clear(&b);
    PUT(&b, gif_head);
    PUT(&b, "\x21\xfe\5ab");
    expect(&sk_format_gif, &b, b.len, "GIF.TruncatedExtensionSubBlock");
    buf_clear(&b);
    PUT(&b, gif_head);
    PUT(&b, "\x21\xfe\2ab");
    expect(&sk_format_gif, &b, b.len, "GIF.TruncatedExtension");
    buf_clear(&b);
    PUT(&b, gif_head);
    PUT(&b, "\x21\xf9\xffxxxxx"); /* eight bytes, whatever it says */
    PUT(&b, gif_image);
    PUT(&b, gif_data);
    PUT(&b, "\x3b");
    expect(&sk_format_gif, &b, b.len, NULL);
    buf_release(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_of_png),          cmocka_unit_test(damage_of_png),
        cmocka_unit_test(cuts_of_gif),          cmocka_unit_test(damage_of_gif),
        cmocka_unit_test(bytes_behind_the_end), cmocka_unit_test(segments_of_jpeg),
        cmocka_unit_test(cuts_of_jpeg),         cmocka_unit_test(comment_of_jpeg),
        cmocka_unit_test(behind_jpeg),          cmocka_unit_test(directories_of_tiff),
        cmocka_unit_test(more_of_png_and_gif),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
