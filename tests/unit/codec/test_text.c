// SPDX-License-Identifier: Apache-2.0
/*
 * Encodings of bytes as text: tables of cases, each read in chunks of every awkward size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <iconv.h>

#include "codec/charset_single.h"
#include "pack.h"

typedef sk_err (*open_fn)(struct sk_stream *up, struct sk_stream **out_stream);

static sk_err go_on(struct sk_stream *up, struct sk_stream **out_stream) {
    return sk_base64_open(up, SK_BASE64_GO_ON, out_stream);
}
static sk_err ignore(struct sk_stream *up, struct sk_stream **out_stream) {
    return sk_base64_open(up, SK_BASE64_IGNORE, out_stream);
}

static sk_err line_only(struct sk_stream *up, struct sk_stream **out_stream) {
    return sk_base64_open(up, SK_BASE64_LINE, out_stream);
}
static sk_err stop(struct sk_stream *up, struct sk_stream **out_stream) {
    return sk_base64_open(up, SK_BASE64_STOP, out_stream);
}
static sk_err shift_jis(struct sk_stream *up, struct sk_stream **out_stream) {
    static const struct sk_bytes name = {(const uint8_t *)"Shift_JIS", 9};
    return sk_charset_open(up, name, out_stream);
}
static sk_err iso_2022_jp(struct sk_stream *up, struct sk_stream **out_stream) {
    static const struct sk_bytes name = {(const uint8_t *)"ISO-2022-JP", 11};
    return sk_charset_open(up, name, out_stream);
}

struct text_case {
    open_fn open;
    const char *in;
    const char *out;
};

#define B64(in, out)                                                                               \
    {go_on, in, out}, {                                                                            \
        ignore, in, out                                                                            \
    }

static const struct text_case CASES[] = {
    B64("", ""),
    B64("QUJDRA==", "ABCD"),
    B64("QUJDREU=", "ABCDE"),
    B64("QUJDRUZH", "ABCEFG"),
    B64("Q\nU J\tD\r\nR-U_Z*H\x80", "ABCEFG"),
    B64("QUJDR", "ABC"),   /* six bits are no byte */
    B64("QUJDRE", "ABCD"), /* padding left out */
    B64("QUJDREU", "ABCDE"),
    B64("====QUJD", "ABC"),
    B64("QUJD\n=\nRUZH\n", "ABCEFG"),
    {go_on, "QUJDRA==\nRUZHSA==\n", "ABCDEFGH"}, /* two encodings in a row */
    {go_on, "QU=JDRUZH", "A$4Td"},
    {ignore, "QU=JDRUZH", "ABCEFG"},
    {stop, "=QUJDRA==QUJD", "ABCD"},
    {stop, "QUJD", "ABC"},
    {line_only, "QUJD=xxx\nRUZH", "ABCEFG"},
    {line_only, "QUJD=xxx\rRUZH=", "ABCEFG"},
    {sk_uudecode_open, "#0V%T\n`\nend\n", "Cat"},
    {sk_uudecode_open, "#0V%T\r\n`\r\nend", "Cat"},
    {sk_uudecode_open, "#0V%T\njunk in lower case\n--\n#0V%T\n", "CatCat"},
    {sk_uudecode_open, "#0V%TX\n", "Cat"}, /* with a checksum */
    {sk_uudecode_open, "+=&AE('!A>6QO860 \n", "the payload"},
    {sk_uudecode_open, "+=&AE('!A>6QO860\n", "the payload"}, /* the blank was cut off */
    {sk_uudecode_open, "", ""},
    {sk_yenc_open, "k\x8c\x8d\r\n=yend size=3", "Abc"},
    {sk_yenc_open, "=ypart begin=1\nk=\xcc\n\x8d", "Abc"},
    {sk_yenc_open, "k=", "A"},
    {iso_2022_jp, "\x1b$BF|K\\\x1b(B!", "\xe6\x97\xa5\xe6\x9c\xac!"},
    {shift_jis, "\x93\xfa\x96\x7b!", "\xe6\x97\xa5\xe6\x9c\xac!"},
    {shift_jis, "a\xff!", "a\xef\xbf\xbd!"}, /* no text of it */
    {shift_jis, "a\x93", "a\xef\xbf\xbd"},   /* half a character */
    {sk_quoted_open, "", ""},
    {sk_quoted_open, "=41=4a=4Ax", "AJJx"},
    {sk_quoted_open, "a=\nb=\r\nc= \t\nd=\t\r\ne=\rf", "abcdef"},
    {sk_quoted_open, "a \t\nb\r\nc", "a \t\nb\r\nc"},
    {sk_quoted_open, "=ZZ=4 =4", "=ZZ=4 =4"},
    {sk_quoted_open, "==41=", "=A"},
    {sk_quoted_open, "=\n=\n=\n", ""},
    {sk_quoted_open, "x=", "x"},
    {sk_quoted_open, "x=  ", "x"},
    {sk_quoted_open, "x=4", "x=4"},
};

static void check_case(const struct text_case *c, size_t step, size_t cap) {
    struct drip up;
    struct sk_stream *s = NULL;
    struct buf out = {0};
    bool ended = false;
    assert_int_equal(c->open(drip_init(&up, c->in, strlen(c->in), step), &s).code, SK_OK);
    assert_int_equal(pack_drain(s, cap, &out).code, SK_OK);
    assert_int_equal(out.len, strlen(c->out));
    assert_memory_equal(out.data == NULL ? (const void *)"" : out.data, c->out, out.len);
    assert_true(sk_codec_consumed(s, &ended) <= strlen(c->in));
    assert_true(ended);
    sk_stream_close(s);
    buf_release(&out);
}

static void test_cases(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 4096};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        for (size_t a = 0; a < 7; a++) {
            for (size_t b = 0; b < 7; b++) {
                check_case(&CASES[i], sizes[a], sizes[b]);
            }
        }
    }
}

/* What follows the end is left alone, so that the caller can go on there. */
static void test_consumed(void **state) {
    (void)state;
    static const struct {
        open_fn open;
        const char *in;
        size_t used;
    } cases[] = {{sk_uudecode_open, "#0V%T\n`\nend\nmore", 12},
                 {sk_uudecode_open, "#0V%T\nbegin 644 x\n", 6},
                 {sk_yenc_open, "k\n=yend size=1\n", 2},
                 {sk_yenc_open, "k\n=ybegin size=1\n", 2}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct drip up;
        struct sk_stream *s = NULL;
        struct buf out = {0};
        bool ended = false;
        drip_init(&up, cases[i].in, strlen(cases[i].in), 3);
        assert_int_equal(cases[i].open(&up.base, &s).code, SK_OK);
        assert_int_equal(pack_drain(s, 10, &out).code, SK_OK);
        assert_int_equal(sk_codec_consumed(s, &ended), cases[i].used);
        assert_true(ended);
        sk_stream_close(s);
        buf_release(&out);
    }
}

static void test_charsets(void **state) {
    (void)state;
    static const struct sk_bytes unknown = {(const uint8_t *)"x-nobody", 8};
    static const struct sk_bytes known = {(const uint8_t *)"utf-16LE", 8};
    struct drip up;
    struct sk_stream *s = NULL;
    assert_true(sk_charset_known(known));
    assert_false(sk_charset_known(unknown));
    drip_init(&up, "a", 1, 1);
    assert_int_equal(sk_charset_open(&up.base, unknown, &s).code, SK_E_UNSUPPORTED);
    for (int i = 0; i < 3; i++) { /* a converter is given back clean */
        struct buf out = {0};
        drip_init(&up, "\x1b$BF|", 5, 5);
        assert_int_equal(iso_2022_jp(&up.base, &s).code, SK_OK);
        assert_int_equal(pack_drain(s, 10, &out).code, SK_OK);
        assert_int_equal(out.len, 3);
        sk_stream_close(s);
        buf_release(&out);
    }
}

/* Our own tables say of every byte what iconv says. */
static void test_single_bytes(void **state) {
    (void)state;
    static const char *const NAMES[] = {
        "KOI8-R", "KOI8-U",     "CP866",      "CP1250",      "CP1251", "CP1252",
        "CP1253", "CP1254",     "CP1256",     "CP1257",      "CP874",  "ISO-8859-2",
        "IBM037", "ISO-8859-5", "ISO-8859-7", "ISO-8859-15", "IBM500",
    };
    for (size_t k = 0; k < sizeof(NAMES) / sizeof(NAMES[0]); k++) {
        const struct charset_single *set = charset_single_find(NAMES[k]);
        iconv_t cd = iconv_open("UTF-8", NAMES[k]);
        assert_non_null(set);
        for (unsigned byte = 0; cd != (iconv_t)-1 && byte < 256; byte++) {
            uint8_t ours[3];
            char in = (char)byte, theirs[8] = "\xef\xbf\xbd", *from = &in, *to = theirs;
            size_t in_left = 1, room = sizeof(theirs);
            bool known = iconv(cd, &from, &in_left, &to, &room) != (size_t)-1;
            size_t len = known ? (size_t)(to - theirs) : 3;
            assert_int_equal(charset_single_put(set, (uint8_t)byte, ours), len);
            assert_memory_equal(ours, theirs, len);
        }
        if (cd == (iconv_t)-1) {
            print_message("[  note    ] iconv does not know %s: not compared\n", NAMES[k]);
        } else {
            (void)iconv_close(cd);
        }
    }
    assert_null(charset_single_find("CP1255"));
}

/* Through the stream, in pieces of every size: more than fits the queue, bytes that are nothing. */
static void test_single_stream(void **state) {
    (void)state;
    static const struct sk_bytes name = {(const uint8_t *)"windows-1252", 12};
    struct buf in = {0}, want = {0};
    for (unsigned i = 0; i < 5000; i++) {
        assert_int_equal(buf_puts(&in, i % 7 == 0    ? "\x80"
                                       : i % 11 == 0 ? "\x81"
                                                     : "a")
                             .code,
                         SK_OK);
        assert_int_equal(buf_puts(&want, i % 7 == 0    ? "\xe2\x82\xac"
                                         : i % 11 == 0 ? "\xef\xbf\xbd"
                                                       : "a")
                             .code,
                         SK_OK);
    }
    for (size_t step = 1; step < 5000; step = step * 3 + 1) {
        struct drip up;
        struct sk_stream *s = NULL;
        struct buf out = {0};
        drip_init(&up, in.data, in.len, step);
        assert_int_equal(sk_charset_open(&up.base, name, &s).code, SK_OK);
        assert_int_equal(pack_drain(s, step, &out).code, SK_OK);
        assert_int_equal(out.len, want.len);
        assert_memory_equal(out.data, want.data, want.len);
        sk_stream_close(s);
        buf_release(&out);
    }
    buf_release(&in);
    buf_release(&want);
}

static void test_base64_tells_of_odd_padding(void **state) {
    (void)state;
    static const struct {
        const char *in;
        bool odd;
    } cases[] = {{"QUJD", false}, {"QUJDRA==\n\n", false}, {"QUJDRA==QUJD", true}, {"=Q", true}};
    for (size_t i = 0; i < 4; i++) {
        struct drip up;
        struct sk_stream *s = NULL;
        struct buf out = {0};
        drip_init(&up, cases[i].in, strlen(cases[i].in), 3);
        assert_int_equal(sk_base64_open(&up.base, SK_BASE64_GO_ON, &s).code, SK_OK);
        assert_int_equal(pack_drain(s, 10, &out).code, SK_OK);
        assert_int_equal(sk_base64_odd(s), cases[i].odd);
        sk_stream_close(s);
        buf_release(&out);
    }
}

/* A run of white space too long for a soft line break is text, and costs no more than its bytes. */
static void test_quoted_long_white(void **state) {
    (void)state;
    struct buf in = {0};
    struct buf out = {0};
    struct drip up;
    struct sk_stream *s = NULL;
    assert_int_equal(buf_puts(&in, "=").code, SK_OK);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(buf_puts(&in, " ").code, SK_OK);
    }
    drip_init(&up, in.data, in.len, 100);
    assert_int_equal(sk_quoted_open(&up.base, &s).code, SK_OK);
    assert_int_equal(pack_drain(s, 1000, &out).code, SK_OK);
    assert_int_equal(out.len, in.len);
    assert_memory_equal(out.data, in.data, in.len);
    sk_stream_close(s);
    buf_release(&in);
    buf_release(&out);
}

static void test_errors(void **state) {
    (void)state;
    const open_fn opens[] = {go_on, sk_quoted_open, shift_jis};
    for (size_t i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
        struct drip up;
        struct sk_stream *s = NULL;
        struct buf out = {0};
        drip_init(&up, "QUJDREVG", 8, 8);
        up.at_end = sk_fail(SK_E_IO);
        assert_int_equal(opens[i](&up.base, &s).code, SK_OK);
        assert_int_equal(pack_drain(s, 100, &out).code, SK_E_IO);
        assert_true(out.len > 0); /* first the bytes, then the error */
        sk_stream_close(s);
        buf_release(&out);
        for (uint64_t n = 1; n <= 2; n++) {
            mem_fault_set(n);
            assert_int_equal(opens[i](&up.base, &s).code, SK_E_NOMEM);
            mem_fault_set(0);
        }
    }
}

int main(void) {
    sk_charset_prepare();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_consumed),
        cmocka_unit_test(test_charsets),
        cmocka_unit_test(test_single_bytes),
        cmocka_unit_test(test_single_stream),
        cmocka_unit_test(test_base64_tells_of_odd_padding),
        cmocka_unit_test(test_quoted_long_white),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
