// SPDX-License-Identifier: Apache-2.0
/* Types by magic and by content, as tables; the order of bids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "format/content.h"
#include "format/format.h"

struct sample {
    enum sk_type type;
    const char *bytes;
    size_t len;
};
#define SAMPLE(type_, bytes_)                                                                      \
    { SK_TYPE_##type_, bytes_, sizeof(bytes_) - 1 }

static struct sk_peek peek_of(const void *bytes, size_t len) {
    size_t tail = len < SK_PEEK_TAIL_BYTES ? len : SK_PEEK_TAIL_BYTES;
    size_t head = len < SK_PEEK_HEAD_BYTES ? len : SK_PEEK_HEAD_BYTES;
    const uint8_t *p = bytes;
    return (struct sk_peek){p, head, p + (len - tail), tail, len, NULL};
}

/* What is kept of going through the head tells the same as going through it again. */
static enum sk_type type_of(const void *bytes, size_t len) {
    const struct sk_peek peek = peek_of(bytes, len);
    struct sk_peek_tags tags = {0};
    struct sk_peek kept = peek;
    kept.tags = &tags;
    struct sk_bid bids[SK_BID_MAX];
    enum sk_type type = SK_TYPE_COUNT, again = SK_TYPE_COUNT;
    sk_identify(&kept, bids, &type);
    assert_int_equal(sk_content_is_page(&kept), sk_content_is_page(&peek));
    sk_identify(&peek, bids, &again);
    assert_int_equal(type, again);
    return type;
}

static void check(const struct sample *samples, size_t count) {
    for (size_t i = 0; i < count; i++) {
        enum sk_type got = type_of(samples[i].bytes, samples[i].len);
        if (got != samples[i].type) {
            fail_msg("sample %zu \"%.40s\": %s, expected %s", i, samples[i].bytes,
                     sk_type_clam_name(got), sk_type_clam_name(samples[i].type));
        }
    }
}
#define CHECK(samples) check(samples, sizeof(samples) / sizeof((samples)[0]))

#define ZERO16 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

static void test_magic(void **state) {
    (void)state;
    static const struct sample samples[] = {
        SAMPLE(OLE2, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" ZERO16),
        SAMPLE(PDF, "%PDF-1.4\n"),
        SAMPLE(PDF, "garbage\n%PDF-1.4\n"),
        SAMPLE(RTF, "{\\rtf1 hello}"),
        SAMPLE(RTF, "{\\rt hello}"),
        SAMPLE(SWF, "FWS\x05 body"),
        SAMPLE(SWF, "CWS\x09 body"),
        SAMPLE(SWF, "ZWS\x0d body"),
        SAMPLE(TEXT_ASCII, "FWSs are here"),
        SAMPLE(JAVA, "\xca\xfe\xba\xbe\0\0\0\x34"),
        SAMPLE(JAVA, "\xca\xfe\xba\xbe\0\3\0\x2d"),
        SAMPLE(MACHO_FAT, "\xca\xfe\xba\xbe\0\0\0\x02"),
        SAMPLE(MACHO, "\xfe\xed\xfa\xce\0\0\0\x02"),
        SAMPLE(MACHO, "\xcf\xfa\xed\xfe\0\0\0\x02"),
        SAMPLE(GIF, "GIF89a\1\1"),
        SAMPLE(PNG, "\x89PNG\r\n\x1a\n"),
        SAMPLE(JPEG, "\xff\xd8\xff\xe0\0\x10JFIF"),
        SAMPLE(TIFF, "II*\0\10\0\0\0"),
        SAMPLE(TIFF, "MM\0*\0\0\0\10"),
        SAMPLE(GRAPHICS, "BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0" ZERO16 ZERO16 ZERO16),
        SAMPLE(TEXT_ASCII, "BMW is a maker of cars, not a picture"),
        SAMPLE(ARJ, "\x60\xea\x2a\x00\x1e\x0b\1\0" ZERO16),
        SAMPLE(SZDD, "SZDD\x88\xf0\x27\x33"),
        SAMPLE(CHM, "ITSF\3\0\0\0"),
        SAMPLE(TNEF, "\x78\x9f\x3e\x22\0\0"),
        SAMPLE(BINHEX, "(This file must be converted with BinHex 4.0)\n:"),
        SAMPLE(UUENCODED, "begin 644 cat.txt\n#0V%T\n`\nend\n"),
        SAMPLE(TEXT_ASCII, "begin with the first chapter"),
        SAMPLE(RIFF, "RIFF\x10\0\0\0WAVEfmt "),
        SAMPLE(PYTHON_COMPILED, "\x42\x0d\x0d\x0a\0\0\0\0\0\0\0\0"),
        SAMPLE(LNK, "L\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46"),
        SAMPLE(ONENOTE, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3"),
        SAMPLE(HWP3, "HWP Document File V3.00 \x1a\1\2\3\4\5"),
        SAMPLE(XDP, "<?xml version=\"1.0\"?>\n<xdp:xdp xmlns:xdp=\"x\">"),
        SAMPLE(LZIP, "LZIP\1\x0c"),
        SAMPLE(LZ4, "\x04\x22\x4d\x18\x64"),
        SAMPLE(COMPRESS, "\x1f\x9d\x90\x68\xca"),
        SAMPLE(LZMA, "\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x34"),
    };
    CHECK(samples);
}

static void test_dmg_is_told_by_its_tail(void **state) {
    (void)state;
    static char image[2048];
    memset(image, 0, sizeof(image));
    memcpy(image + sizeof(image) - 512, "koly\0\0\0\4\0\0\2\0", 12);
    assert_int_equal(type_of(image, sizeof(image)), SK_TYPE_DMG);
    assert_int_not_equal(type_of(image, sizeof(image) - 1), SK_TYPE_DMG);
}

static void test_text(void **state) {
    (void)state;
    static const struct sample samples[] = {
        SAMPLE(BINARY, ""),
        SAMPLE(TEXT_ASCII, "x"),
        SAMPLE(TEXT_ASCII, "hello world\r\n\tand\f more\x1b[0m"),
        SAMPLE(TEXT_ASCII, "latin h\xe9llo"),
        SAMPLE(TEXT_UTF8, "utf-8 h\xc3\xa9llo"),
        SAMPLE(TEXT_UTF8, "\xef\xbb\xbfhello"),
        SAMPLE(TEXT_UTF16LE, "\xff\xfeh\0e\0l\0l\0o\0"),
        SAMPLE(TEXT_UTF16BE, "\xfe\xff\0h\0e\0l\0l\0o"),
        SAMPLE(TEXT_UTF16LE, "h\0e\0l\0l\0o\0 \0w\0o\0r\0l\0d\0"),
        SAMPLE(TEXT_UTF16BE, "\0h\0e\0l\0l\0o\0 \0w\0o\0r\0l\0d"),
        SAMPLE(TEXT_ASCII, "echo one stray\1 control character in some text"),
        SAMPLE(TEXT_ASCII, "text\0text is here"),
        SAMPLE(BINARY, "\1\2\3\4\5\6\7\x0e\x0f\x10\x11\x12 ab"),
        SAMPLE(BINARY, ZERO16 ZERO16 ZERO16 "some text"),
        SAMPLE(SCRIPT, "#!/bin/sh\necho hello\n"),
        SAMPLE(TEXT_ASCII, "# !/bin/sh\n"),
        SAMPLE(TEXT_ASCII, "<?php echo 1;"),
    };
    CHECK(samples);
}

/* Only text of nothing but text bytes is looked at as UTF-8: so the answer tells how each byte was
 * taken, wherever it stands. */
static void test_every_byte_of_text(void **state) {
    (void)state;
    char text[41];
    for (unsigned c = 0; c < 256; c++) {
        bool text_byte = (c >= 7 && c <= 13) || c == 27 || (c >= 32 && c < 127);
        for (size_t at = 2; at + 1 < sizeof(text); at++) { /* at the end it may be cut */
            memset(text, 'x', sizeof(text));
            memcpy(text, "\xc3\xa9", 2);
            text[at] = (char)c;
            enum sk_type type = type_of(text, sizeof(text));
            assert_int_equal(type, text_byte ? SK_TYPE_TEXT_UTF8 : SK_TYPE_TEXT_ASCII);
        }
    }
}

static void test_text_is_judged_by_the_first_kilobyte(void **state) {
    (void)state;
    static char bytes[3000];
    memset(bytes, 't', sizeof(bytes));
    memset(bytes + 1024, 1, sizeof(bytes) - 1024);
    assert_int_equal(type_of(bytes, sizeof(bytes)), SK_TYPE_TEXT_ASCII);
    memset(bytes + 700, 0, sizeof(bytes) - 700);
    assert_int_equal(type_of(bytes, sizeof(bytes)), SK_TYPE_BINARY);
}

/* Eight characters of UTF-16, low byte first, that no text of single bytes has. */
#define WIDE8 "\x01\x30\x02\x30\x03\x30\x04\x30\x05\x30\x06\x30\x01\x30\x02\x30"

static bool is_page(const char *bytes, size_t len) {
    struct sk_peek peek = {.head = (const uint8_t *)bytes, .head_len = len, .size = len};
    return sk_content_is_page(&peek);
}

/* Text for clamscan, a page for a browser. */
static void test_pages(void **state) {
    (void)state;
    static const char *const PAGES[] = {
        "\xef\xbb\xbf<!DOCTYPE html>", "<title>x</title>", " <!-- a --><BODY>",
        "<?xml?><svg xmlns='x'/>",     "x <SVG:svg>",      "<html lang=\"ja\">"};
    static const char *const OTHERS[] = {"prose with a <title> in it", "<p>x", "<s", "", "svg <sv"};
    for (size_t i = 0; i < sizeof(PAGES) / sizeof(PAGES[0]); i++) {
        assert_true(is_page(PAGES[i], strlen(PAGES[i])));
    }
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++) {
        assert_false(is_page(OTHERS[i], strlen(OTHERS[i])));
    }
    assert_true(is_page("\0<\0h\0e\0a\0d\0>\0 \0x\0y", 16));
    struct sk_peek css = {.head = (const uint8_t *)"url(data:x;base64,QQ==)", .head_len = 18};
    assert_true(sk_content_has_address(&css));
    css.head_len = 17;
    assert_false(sk_content_has_address(&css));
}

static void test_html(void **state) {
    (void)state;
    static const struct sample samples[] = {
        SAMPLE(HTML, "<html><body>x</body></html>"),
        SAMPLE(TEXT_ASCII, "  \r\n<!-- a --> <!-- b -->\n<HTML lang=\"ja\">"),
        SAMPLE(TEXT_ASCII, "prose with a <title> in it"),
        SAMPLE(HTML, "prose with <A  HREF=\"x\"> in it"),
        SAMPLE(HTML, "var a = '<iframe src=x>';"),
        SAMPLE(HTML, "a <script>b</script>"),
        SAMPLE(HTML, "a <ScRiPt>b"),
        SAMPLE(HTML, "a <s\0cript>b and so on, in bytes that are text but for one"),
        SAMPLE(HTML, "a <TABLE"),
        SAMPLE(HTML, "a <Object"),
        SAMPLE(HTML, "a <A\fHREF"),
        SAMPLE(TEXT_ASCII, "a <svg:svg>, <sv, <he, <ta, <i, <a"),
        SAMPLE(TEXT_ASCII, "a <std>, <thread>, <iostream>, <algorithm>, <optional>, <a"),
        SAMPLE(HTML, "a <a class=x\thref=y>"),
        SAMPLE(TEXT_ASCII, "a <a name=x> href <b>"),
        SAMPLE(HTML, "a <img class=x src=\"y\">"),
        SAMPLE(HTML, "a <img\nsrc=b>"),
        SAMPLE(TEXT_ASCII, "a <image src=b>"),
        SAMPLE(TEXT_ASCII, "a < b and c > d <p>"),
        SAMPLE(HTML, "\xff\xfe<\0h\0t\0m\0l\0>\0"),
        SAMPLE(HTML, "\xfe\xff\0<\0h\0e\0a\0d\0>\0 \0x\0y"),
        SAMPLE(TEXT_UTF16BE, "\0<\0h\0e\0a\0d\0>\0 \0x\0y"),
        SAMPLE(HTML, WIDE8 WIDE8 WIDE8 WIDE8 "<\0h\0e\0a\0d\0>\0"),
        SAMPLE(BINARY, WIDE8 "\1\0" WIDE8 WIDE8 WIDE8 WIDE8 "<\0h\0e\0a\0d\0>\0"),
        SAMPLE(BINARY, WIDE8 "\0\xdc" WIDE8 WIDE8 WIDE8 WIDE8 "<\0h\0e\0a\0d\0>\0"),
        SAMPLE(TEXT_ASCII, "<!-- never closed <html"),
        SAMPLE(TEXT_ASCII, "<"),
    };
    CHECK(samples);
}

static void test_html_tag_far_into_the_head(void **state) {
    (void)state;
    static char bytes[SK_PEEK_HEAD_BYTES];
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes + sizeof(bytes) - 6, "<html>", 6);
    assert_int_equal(type_of(bytes, sizeof(bytes)), SK_TYPE_HTML);
    assert_int_equal(type_of(bytes, sizeof(bytes) - 1), SK_TYPE_TEXT_ASCII);
}

/* A header as large as the head: the type stays, the mail reader looks all the same. */
static void test_endless_header(void **state) {
    (void)state;
    static uint8_t bytes[2 * SK_PEEK_HEAD_BYTES];
    static const char *const starts[] = {"X-A: ", "Key: value\n next\nX-B: ", "words only ",
                                         "X-A: 1\n\n"};
    for (size_t i = 0; i < 4; i++) {
        struct sk_bid bids[SK_BID_MAX];
        enum sk_type type = SK_TYPE_ANY;
        memset(bytes, 'a', sizeof(bytes));
        memcpy(bytes, starts[i], strlen(starts[i]));
        struct sk_peek peek = {bytes, SK_PEEK_HEAD_BYTES, bytes, SK_PEEK_TAIL_BYTES, sizeof(bytes),
                               NULL};
        unsigned count = sk_identify(&peek, bids, &type);
        assert_int_equal(type, SK_TYPE_TEXT_ASCII);
        bool opened = false;
        for (unsigned k = 0; k < count; k++) {
            opened =
                opened || (strcmp(bids[k].format->name, "mail") == 0 && bids[k].bid >= SK_BID_WALK);
        }
        assert_int_equal(opened, i < 2);
    }
}

static void test_mail(void **state) {
    (void)state;
    static const struct sample samples[] = {
        SAMPLE(MAIL, "Received: from a by b\r\nFrom: a@b\r\nSubject: x\r\n\r\nbody"),
        SAMPLE(MAIL, "From: a@b\nTo: c\n\nbody"),
        SAMPLE(MAIL, "From: a@b\nSubject: %PDF-1.4\n\nbody"),
        SAMPLE(MAIL, "X-A: 1\r\r\nFrom: a\r\r\nTo: b\r\r\n\r\r\nbody"),
        SAMPLE(MAIL, "X-A: 1\rFrom: a\rTo: b\r\rbody"),
        SAMPLE(MAIL, "From: a@b\n\n(This file must be converted with BinHex 4.0)\n"),
        SAMPLE(MAIL, "Subject: alone is enough when a body follows\n\nbody"),
        SAMPLE(MAIL, "X-Unknown: 1\nReceived: from x\nFrom: a@b\n\nbody"),
        SAMPLE(MAIL, "\n\nReceived: from a\nFrom: b\n\nbody"),
        SAMPLE(MAIL, "broken line\nReceived: from a\n\tby b\nFrom: x\nTo: y\n\nbody"),
        SAMPLE(MHTML, "MIME-Version: 1.0\nContent-Type: text/plain\n\nbody"),
        SAMPLE(MAIL, "MIME-Version: 1.0\nContent-Type: text/plain\nTo: a\n\nbody"),
        SAMPLE(MAIL, "MIME-Version: 1.0\nDate: a\nContent-Type: text/plain\n\nbody"),
        SAMPLE(MAIL, "From a@b Mon Jan  1 00:00:00 2020\nhello\n\nbody"),
        SAMPLE(MAIL, "from: a@b\nSUBJECT: lower and upper\n\n\1\2\3\4\5\6"),
        SAMPLE(MAIL, "Received: from a\n\n<html><body>html mail</body></html>"),
        SAMPLE(TEXT_ASCII, "From here to there it is a long way\n"),
        SAMPLE(TEXT_ASCII, "To: be\nor not to be\n"),
        SAMPLE(TEXT_ASCII, "Date: today\n\nnotes"),
        SAMPLE(TEXT_ASCII, "HTTP/1.1 200 OK\nDate: x\nContent-Type: text/plain\n\nbody"),
        SAMPLE(TEXT_ASCII, "key: value\nother: value\n"),
        SAMPLE(BINARY,
               "\xde\x12\x04\x95\0\0\0\0\x07\0\0\0\x1c\0\0\0\0Language: x\nMIME-Version: 1.0\n"
               "Content-Type: text/plain\n\0\0\0\x01\x02\x03\x04\x05\x06\x01\x02\x03"),
        SAMPLE(TEXT_ASCII, "a\nb\nc\nFrom: x\nTo: y\n"),
    };
    CHECK(samples);
}

static void test_best_bid_first(void **state) {
    (void)state;
    static const char bytes[] = "GIF89a\n%PDF-1.4";
    struct sk_peek peek = peek_of(bytes, sizeof(bytes) - 1);
    struct sk_bid bids[SK_BID_MAX];
    enum sk_type type;
    unsigned count = sk_identify(&peek, bids, &type);
    assert_true(count >= 1);
    assert_int_equal(type, SK_TYPE_GIF);
    assert_int_equal(bids[0].type, type);
    for (unsigned i = 1; i < count; i++) {
        assert_true(bids[i].bid > 0 && bids[i].bid <= bids[i - 1].bid);
    }
}

static void test_every_prefix_is_safe(void **state) {
    (void)state;
    static const char bytes[] = "\xca\xfe\xba\xbe\0\0\0\x34<!-- From: x\nTo: y <a href=";
    for (size_t len = 0; len < sizeof(bytes); len++) {
        assert_true(type_of(bytes, len) < SK_TYPE_COUNT);
        assert_true(type_of(bytes + len, sizeof(bytes) - len) < SK_TYPE_COUNT);
    }
}

static void test_peek_has_checks_bounds(void **state) {
    (void)state;
    struct sk_peek peek = peek_of("abc", 3);
    assert_true(sk_peek_has(&peek, 1, "bc", 2));
    assert_false(sk_peek_has(&peek, 1, "bcd", 3));
    assert_false(sk_peek_has(&peek, 4, "", 0));
    assert_false(sk_peek_has(&peek, SIZE_MAX, "a", 1));
}

static void test_descriptors_are_whole(void **state) {
    (void)state;
    for (unsigned i = 0; i < sk_format_count; i++) {
        assert_non_null(sk_formats[i]->name);
        assert_non_null(sk_formats[i]->probe);
        assert_true(sk_formats[i]->type < SK_TYPE_COUNT);
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(sk_formats[i]->name, sk_formats[j]->name);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_magic),
        cmocka_unit_test(test_dmg_is_told_by_its_tail),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_every_byte_of_text),
        cmocka_unit_test(test_text_is_judged_by_the_first_kilobyte),
        cmocka_unit_test(test_html),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_html_tag_far_into_the_head),
        cmocka_unit_test(test_mail),
        cmocka_unit_test(test_endless_header),
        cmocka_unit_test(test_best_bid_first),
        cmocka_unit_test(test_every_prefix_is_safe),
        cmocka_unit_test(test_peek_has_checks_bounds),
        cmocka_unit_test(test_descriptors_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
