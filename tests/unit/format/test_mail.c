// SPDX-License-Identifier: Apache-2.0
/*
 * The mail reader: one table of mails that mail programs read in different ways, each with a
 * content that one of them would show; then what needs more than a line: names, facts, notes,
 * mailboxes, limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "walktest.h"

extern const struct sk_format sk_format_tnef;
extern const struct sk_format sk_format_mail;
extern const struct sk_format sk_format_uuencode;

#define PAYLOAD "the payload"
#define PAYLOAD_BASE64 "dGhlIHBheWxvYWQ="
#define TOP "From: a@b\nTo: c@d\nMIME-Version: 1.0\n"
#define PART "Content-Type: a/b\nContent-Transfer-Encoding: base64\n\n" PAYLOAD_BASE64 "\n"
#define MULTI "Content-Type: multipart/mixed; boundary"
#define BODY "\n--B\n" PART "--B--\n"

static void run(struct walktest *t, const struct sk_format *format, const char *mail, size_t len) {
    walktest_init(t);
    assert_int_equal(walktest_run(t, format, mail, len).code, SK_OK);
}

static const char *const EVERY_READING[] = {
    /* ways to write a boundary */
    TOP MULTI "=B\n" BODY,
    TOP MULTI "=\"B\"\n" BODY,
    TOP MULTI " = \"B\"\n" BODY,
    TOP MULTI "='B'\n" BODY,
    TOP MULTI "=\"B\" (comment)\n" BODY,
    TOP MULTI "=(comment)\"B\"\n" BODY,
    TOP MULTI "=\"B\n" BODY,
    TOP MULTI "=\"\\B\"\n" BODY,
    TOP MULTI "*=us-ascii''B\n" BODY,
    TOP MULTI "*1=\"B\"; boundary*0=\"\"\n" BODY,
    TOP MULTI "*0*=us-ascii'en'%42\n" BODY,
    TOP MULTI "=\"B \"\n" BODY,
    TOP MULTI "=B;boundary=C\n" BODY,
    TOP MULTI "=C;boundary=B\n" BODY,
    TOP MULTI "=B trailing words\n" BODY,
    TOP "Content-Type: multipart/mixed;\n\t\n boundary=\"B\"\n" BODY,
    TOP "Content-Type: multipart/mixed; x=\"; boundary=C\"; boundary=B\n" BODY,
    TOP "Content-Type: multipart/mixed; (boundary=C) boundary=B\n" BODY,
    TOP "Content-Type: (c) multipart (c) / (c) mixed ; boundary=B\n" BODY,
    TOP "Content-Type: multipart/mixed\n" BODY,
    TOP MULTI "=\"\"\n\n--\n" PART "----\n",
    TOP MULTI "=b\n" BODY,
    TOP MULTI "=BB\n\n--B\n" PART "--B--\n",
    /* delimiters */
    TOP MULTI "=B\n\n--B  \t\n" PART "--B--\n",
    TOP MULTI "=B\n\n--Bxyz\n" PART "--B--\n",
    TOP MULTI "=B\n\ntext\r--B\n" PART "--B--\n",
    TOP MULTI "=B\n\n--B\n" PART,
    TOP MULTI "=B\n\n \t--B\n" PART "--B--\n",
    TOP MULTI "=B\n\n--B--\n--B\n" PART,
    TOP MULTI "=B\n\n--B\n\nx\n--B--\n" PART,
    TOP MULTI "=B\n\n--B--\n" PART "--B--\n",
    TOP MULTI "=B\n\n--B\n" MULTI "=B\n\n--B\n" PART "--B--\n",
    TOP MULTI "=B\n\n--B\n" MULTI "=BC\n\n--BC\n" PART "--B--\n",
    TOP MULTI "=BC\n\n--BC\n" MULTI "=B\n\n--B\n" PART "--BC--\n",
    /* two fields of one name */
    TOP "Content-Type: text/plain\n" MULTI "=B\n" BODY,
    TOP MULTI "=B\nContent-Type: text/plain\n" BODY,
    TOP MULTI "=C\n" MULTI "=B\n" BODY,
    TOP "Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\n" PAYLOAD_BASE64,
    TOP "Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\n" PAYLOAD_BASE64,
    TOP "Content-Transfer-Encoding: 7bit base64\n\n" PAYLOAD_BASE64,
    /* encodings */
    TOP "Content-Transfer-Encoding: (c) \"BASE64\" ;\n\n" PAYLOAD_BASE64,
    TOP "Content-Transfer-Encoding: x-base-64\n\n" PAYLOAD_BASE64,
    TOP "Content-Tranfer-Encoding: base64\n\n" PAYLOAD_BASE64,
    TOP "Content-Transfer-Encoding \"base64\"\n\n" PAYLOAD_BASE64,
    TOP "Con\"tent-Transfer-Encoding: base64\n\n" PAYLOAD_BASE64,
    TOP "Content-Transfer-Encoding : base64\n\n" PAYLOAD_BASE64,
    TOP "content-transfer-encoding:base64\n\n" PAYLOAD_BASE64,
    TOP "Content-Transfer-Encoding:\n base64\n\n" PAYLOAD_BASE64,
    TOP "Content-Transfer-Encoding: base64\n\n**dGhl!IHB\n\n heWxv\n-YWQ=--",
    TOP "Content-Transfer-Encoding: quoted-printable\n\n=74he pay= \t\nload",
    TOP "Content-Transfer-Encoding: base64\n\ndGhl=IHBheWxvYWQ=",        /* '=' as garbage */
    TOP "Content-Transfer-Encoding: base64\n\ndGhlIHBh=xxx\neWxvYWQ=",   /* the line as garbage */
    TOP "Content-Transfer-Encoding: base64\n\n" PAYLOAD_BASE64 "\nQUJD", /* the end */
    TOP "Content-Transfer-Encoding: x-unknown\n\n" PAYLOAD,
    /* headers */
    TOP "junk line\nContent-Transfer-Encoding: base64\n\n" PAYLOAD_BASE64,
    TOP "Content-Transfer-Encoding: base64\njunk\n" PAYLOAD_BASE64 "\n\n****",
    TOP "Content-Transfer-Encoding: base64\n \t\n" PAYLOAD_BASE64 "\n\n****",
    TOP "Subject: x\rContent-Transfer-Encoding: base64\n\n" PAYLOAD_BASE64,
    TOP "Content-Transfer-Encoding: ba\n",
    "\n\n" TOP "Content-Transfer-Encoding: base64\n\n" PAYLOAD_BASE64,
    "\xef\xbb\xbf" TOP "Content-Transfer-Encoding: base64\n\n" PAYLOAD_BASE64,
    "From: a\rContent-Transfer-Encoding: base64\r\r" PAYLOAD_BASE64 "\r", /* old Mac */
    "From: a\r\r\nContent-Transfer-Encoding: base64\r\r\n\r\r\n" PAYLOAD_BASE64 "\r\r\n",
    "--B\n" PART "--B--\n", /* a multipart without its header */
    /* in text */
    TOP "\nHi. This is the program.\nI could not deliver.\nI have given up.\n\n--- Below this line "
        "is a copy of the message.\n\n"
        "Return-Path: <x@y>\n" TOP MULTI "=B\n" BODY,
    TOP "\ntext\nbegin 644 x\n+=&AE('!A>6QO860 \n`\nend\n",
    TOP "\ntext\nbegin 644 x\n+=&AE('!A>6QO860\n", /* blank cut off, no end */
    TOP "\ntext\nbegin-base64 644 x\n" PAYLOAD_BASE64 "\n====\n",
    TOP "\n=ybegin line=128 size=11 name=x\n\x9e\x92\x8fJ\x9a\x8b\xa3\x96\x99\x8b\x8e\r\n=yend "
        "size=11\n",
    TOP "Content-Type: text/html\n\nbegin 644 x\n+=&AE('!A>6QO860 \n`\nend\n",
};

static void test_every_reading(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(EVERY_READING) / sizeof(EVERY_READING[0]); i++) {
        const char *mail = EVERY_READING[i];
        bool none = strstr(mail, ": ba\n") != NULL; /* one must fail, to prove the alarm works */
        struct walktest t;
        run(&t, &sk_format_mail, mail, strlen(mail));
        if (walktest_has(&t, NULL, PAYLOAD, strlen(PAYLOAD)) == none) {
            fail_msg("case %zu: payload %sfound in: %s", i, none ? "" : "not ", mail);
        }
        walktest_release(&t);
    }
}

/* What is well-formed is given once. */
static void test_ordinary_mail(void **state) {
    (void)state;
    static const char mail[] = TOP
        "Content-Type: multipart/mixed; boundary=\"B\"\n\npreamble\n--B\n"
        "Content-Type: multipart/alternative; boundary=\"=_C\"\n\n"
        "--=_C\nContent-Type: text/plain; charset=utf-8\n\nHello\n--=_C\n"
        "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        "<p>Hello</p>=20\n--=_C--\n\n--B\n"
        "Content-Type: application/octet-stream; name=\"a.bin\"\n"
        "Content-Disposition: attachment; filename=\"f.bin\"\n"
        "Content-Transfer-Encoding: base64\n\n" PAYLOAD_BASE64 "\n--B\n"
        "Content-Type: message/rfc822\n\nFrom: x\nSubject: y\n\nforwarded\n--B--\n";
    struct walktest t;
    run(&t, &sk_format_mail, mail, sizeof(mail) - 1);
    assert_int_equal(t.child_count, 4);
    assert_true(walktest_has(&t, "attachment", "Hello", 5));
    assert_true(walktest_has(&t, "mixedtextportion", "<p>Hello</p> ", 13));
    assert_true(walktest_has(&t, "f.bin", PAYLOAD, strlen(PAYLOAD)));
    assert_int_equal(walktest_find(&t, "mixedtextportion")->as, SK_TYPE_HTML);
    assert_int_equal(walktest_find(&t, "f.bin")->as, SK_TYPE_ANY);
    assert_int_equal(walktest_find(&t, "f.bin")->size, strlen(PAYLOAD));
    assert_int_equal(t.child[3].as, SK_TYPE_MAIL);
    assert_true(t.child[3].is_slice);
    assert_int_equal(t.child[3].got_bytes, strlen("From: x\nSubject: y\n\nforwarded"));
    walktest_release(&t);
}

static void test_names(void **state) {
    (void)state;
    static const struct {
        const char *field;
        const char *name;
    } cases[] = {
        {"Content-Disposition: attachment; filename=a.exe", "a.exe"},
        {"Content-Disposition: attachment; filename=\"a b.exe\"", "a b.exe"},
        {"Content-Disposition: attachment; filename=\"a\\\"b.exe\"", "a\"b.exe"},
        {"Content-Disposition: attachment; filename*=utf-8''%e2%82%ac.exe", "\xe2\x82\xac.exe"},
        {"Content-Disposition: attachment; filename*1=b.exe; filename*0=a", "ab.exe"},
        {"Content-Disposition: attachment; filename*0*=utf-8''a%20; filename*1=\"b.exe\"",
         "a b.exe"},
        {"Content-Disposition: attachment; filename*=shift_jis''%93%fa%96%7b.exe",
         "\xe6\x97\xa5\xe6\x9c\xac.exe"},
        {"Content-Type: a/b; name=\"=?iso-2022-jp?B?GyRCRnxLXBsoQi5leGU=?=\"",
         "\xe6\x97\xa5\xe6\x9c\xac.exe"},
        {"Content-Type: a/b; name=\"=?utf-8?Q?a_b=2Eexe?=\"", "a b.exe"},
        {"Content-Type: a/b; name=\"=?utf-8?Q?a?=\n =?utf-8?q?.exe?=\"", "a.exe"},
        {"Content-Type: a/b; name=n.exe\nContent-Disposition: inline; filename=f.exe", "f.exe"},
        {"Content-Type: a/b; name=\"=?broken\"", "=?broken"},
        {"Content-Location: http://host/dir/page.htm", "page.htm"},
        {"Content-Type: a/b", "attachment"},
        {"Content-Type: text/html", "mixedtextportion"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf mail = {0};
        struct walktest t;
        assert_int_equal(
            buf_printf(&mail, TOP MULTI "=B\n\n--B\n%s\n\ncontent\n--B--\n", cases[i].field).code,
            SK_OK);
        run(&t, &sk_format_mail, buf_text(&mail), mail.len);
        if (walktest_find(&t, cases[i].name) == NULL) {
            fail_msg("case %zu: no member named %s but %s", i, cases[i].name, t.child[0].name);
        }
        walktest_release(&t);
        buf_release(&mail);
    }
}

static void test_kinds(void **state) {
    (void)state;
    static const struct {
        const char *mail;
        enum sk_type as;
    } cases[] = {
        {TOP "Content-Type: text/html\n\nno tag at all", SK_TYPE_HTML},
        {TOP "Content-Type: application/xhtml+xml\n\nno tag at all", SK_TYPE_HTML},
        {TOP "Content-Type: a/b; name=x.HTML\n\nno tag at all", SK_TYPE_HTML},
        {TOP "Content-Type: a/b; name=x.eml\n\nno tag at all", SK_TYPE_MAIL},
        {TOP "Content-Type: message/rfc822\n\nFrom: x\n\nno tag at all", SK_TYPE_MAIL},
        {TOP "Content-Type: multipart/digest; boundary=B\n\n--B\n\nFrom: x\n\nno tag\n",
         SK_TYPE_MAIL},
        {TOP "Content-Type: text/plain\n\nno tag at all", SK_TYPE_ANY},
        {TOP "\nno tag at all", SK_TYPE_ANY},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct walktest t;
        run(&t, &sk_format_mail, cases[i].mail, strlen(cases[i].mail));
        assert_int_equal(t.child_count, 1);
        assert_int_equal(t.child[0].as, cases[i].as);
        walktest_release(&t);
    }
}

/* Text comes as it is and in UTF-8. */
static void test_charsets(void **state) {
    (void)state;
    static const struct {
        const char *charset;
        const char *body;
        size_t len;
    } cases[] = {
        {"; charset=iso-2022-jp", "\x1b$BF|K\\\x1b(B!", 11},
        {"", "\x1b$BF|K\\\x1b(B!", 11}, /* not told, but plain to see */
        {"; charset=\"Shift_JIS\"", "\x93\xfa\x96\x7b!", 5},
        {"; charset=EUC-JP", "\xc6\xfc\xcb\xdc!", 5},
        {"; charset=utf-7", "+ZeVnLA-!", 9},
        {"; charset=utf-16be", "\x65\xe5\x67\x2c\0!", 6},
        {"; charset=utf-16", "\xff\xfe\xe5\x65\x2c\x67!\0", 8},
        {"; charset=gb2312", "\xc8\xd5\xb1\xbe!", 5},
        {"; charset=big5", "\xa4\xe9\xa5\xbb!", 5},
    };
    static const char utf8[] = "\xe6\x97\xa5\xe6\x9c\xac!";
    sk_formats_prepare();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf mail = {0};
        struct walktest t;
        assert_int_equal(
            buf_printf(&mail, TOP "Content-Type: text/plain%s\n\n", cases[i].charset).code, SK_OK);
        assert_int_equal(buf_append(&mail, cases[i].body, cases[i].len).code, SK_OK);
        run(&t, &sk_format_mail, buf_text(&mail), mail.len);
        assert_true(walktest_has(&t, NULL, cases[i].body, cases[i].len));
        if (!walktest_has(&t, NULL, utf8, strlen(utf8))) {
            fail_msg("case %zu: no UTF-8", i);
        }
        assert_true(walktest_told(&t, SK_FACT_CHARSET, NULL));
        walktest_release(&t);
        buf_release(&mail);
    }
    struct walktest t; /* nothing to convert */
    static const char plain[] = TOP "Content-Type: text/plain; charset=shift_jis\n\nonly ASCII";
    run(&t, &sk_format_mail, plain, sizeof(plain) - 1);
    assert_int_equal(t.child_count, 1);
    walktest_release(&t);
}

static void test_notes_and_facts(void **state) {
    (void)state;
    static const char partial[] =
        TOP "Content-Type: message/partial; id=x; number=2; total=3\n\ntext";
    static const char external[] =
        TOP "Content-Type: message/external-body; access-type=URL; URL=\"http://x/y\"\n\n\n";
    struct walktest t;
    run(&t, &sk_format_mail, partial, sizeof(partial) - 1);
    assert_int_equal(t.note[SK_NOTE_MISSING_VOLUME], 1);
    walktest_release(&t);
    run(&t, &sk_format_mail, external, sizeof(external) - 1);
    assert_true(walktest_told(&t, SK_FACT_EXTERNAL,
                              "message/external-body; access-type=URL; URL=\"http://x/y\""));
    walktest_release(&t);
}

static void test_mailbox(void **state) {
    (void)state;
    static const char one[] = "From a@b Mon Jan  1 00:00:00 2024\n" TOP "\nFrom here on text\n\n"
                              "From time to time text\n";
    static const char two[] = "From a@b Mon Jan  1 00:00:00 2024\n" TOP "\nfirst\n\n"
                              "From a@b Mon Jan  1 00:00:01 2024\r\n" TOP "\nsecond\n";
    struct walktest t;
    run(&t, &sk_format_mail, one, sizeof(one) - 1);
    assert_int_equal(t.child_count, 1); /* the body */
    assert_int_equal(t.child[0].as, SK_TYPE_ANY);
    walktest_release(&t);
    run(&t, &sk_format_mail, two, sizeof(two) - 1);
    assert_int_equal(t.child_count, 2);
    assert_int_equal(t.child[1].as, SK_TYPE_MAIL);
    assert_true(t.child[0].got_bytes + t.child[1].got_bytes == sizeof(two) - 1);
    walktest_release(&t);
}

/* ---- limits ---- */

static void repeat(struct buf *b, const char *text, unsigned times) {
    for (unsigned i = 0; i < times; i++) {
        assert_int_equal(buf_puts(b, text).code, SK_OK);
    }
}

static void test_endless_nesting(void **state) {
    (void)state;
    static const unsigned levels[] = {90, 150, 3000};
    for (size_t k = 0; k < 3; k++) {
        struct buf mail = {0};
        struct walktest t;
        repeat(&mail, TOP, 1);
        for (unsigned i = 0; i < levels[k]; i++) {
            assert_int_equal(buf_printf(&mail, MULTI "=B%u\n\n--B%u\n", i, i).code, SK_OK);
        }
        run(&t, &sk_format_mail, buf_text(&mail), mail.len);
        bool noted = t.note[SK_NOTE_LIMIT_RECURSION] + t.note[SK_NOTE_LIMIT_SCAN_SIZE] > 0;
        assert_int_equal(noted, levels[k] > 100);
        assert_true(t.ticks < 200000);
        walktest_release(&t);
        buf_release(&mail);
    }
}

/* Each boundary begins like the ones inside: every level has two readings. */
static void test_multiplying_readings(void **state) {
    (void)state;
    struct buf mail = {0};
    struct walktest t;
    repeat(&mail, TOP, 1);
    for (unsigned i = 1; i < 400; i++) {
        assert_int_equal(buf_printf(&mail, MULTI "=%0*u\n\n--%0*u\n", i, 0, i, 0).code, SK_OK);
    }
    run(&t, &sk_format_mail, buf_text(&mail), mail.len);
    assert_true(t.ticks < 20000000);
    assert_true(t.note[SK_NOTE_LIMIT_SCAN_SIZE] + t.note[SK_NOTE_LIMIT_RECURSION] > 0);
    walktest_release(&t);
    buf_release(&mail);
}

static void test_many_parts(void **state) {
    (void)state;
    struct buf mail = {0};
    struct walktest t;
    repeat(&mail, TOP MULTI "=B\n\n", 1);
    repeat(&mail, "--B\nContent-Type: a/b\n\n1234567\n", 100000);
    walktest_init(&t);
    t.arena_ceiling_bytes = (size_t)2 << 20;
    assert_int_equal(walktest_run(&t, &sk_format_mail, buf_text(&mail), mail.len).code, SK_OK);
    assert_int_equal(t.child_count, 100000);
    assert_true(walktest_told(&t, SK_FACT_MAIL_LIMIT, "EmailMIMEPartsPerMessage"));
    walktest_release(&t);
    buf_release(&mail);
}

static void test_header_bombs(void **state) {
    (void)state;
    static const struct {
        const char *start;
        const char *unit;
        unsigned times;
        const char *limit;
    } cases[] = {
        {"X: ", "aaaaaaaaaaaaaaaa", 500000, NULL},
        {"Content-Type: text/plain; a=", "aaaaaaaaaaaaaaaa", 500000, "EmailHeaderBytes"},
        {"Content-Type: multipart/mixed; boundary=\"", "----------------", 500000,
         "EmailHeaderBytes"},
        {"Content-Type: text/plain", ";\n boundary=B", 100000, "EmailMIMEArguments"},
        {"X: y", "\n z", 300000, "EmailLineFoldCnt"},
        {"X: y", "\nContent-Type: multipart/mixed; boundary=(((((((((", 50000, "EmailHeaders"},
        {"X: y", "\rContent-Type: x/y", 200000, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf mail = {0};
        struct walktest t;
        repeat(&mail, TOP, 1);
        repeat(&mail, cases[i].start, 1);
        repeat(&mail, cases[i].unit, cases[i].times);
        repeat(&mail, "\nContent-Transfer-Encoding: base64\n\n" PAYLOAD_BASE64 "\n", 1);
        walktest_init(&t);
        t.arena_ceiling_bytes = (size_t)4 << 20;
        assert_int_equal(walktest_run(&t, &sk_format_mail, buf_text(&mail), mail.len).code, SK_OK);
        assert_true(walktest_has(&t, NULL, PAYLOAD, strlen(PAYLOAD)));
        if (cases[i].limit != NULL && !walktest_told(&t, SK_FACT_MAIL_LIMIT, cases[i].limit)) {
            fail_msg("case %zu: %s not told", i, cases[i].limit);
        }
        walktest_release(&t);
        buf_release(&mail);
    }
}

/* Work must stay in proportion to the bytes: ticks stand for it. */
static void test_hard_bodies(void **state) {
    (void)state;
    static const struct {
        const char *head;
        const char *unit;
    } cases[] = {
        {TOP MULTI "=----------\n\n", "----------------"},
        {TOP MULTI "=\"\"\n\n", "--\n"},
        {TOP MULTI "=B\n\n", "--Bx\n"},
        {TOP MULTI "=B\n\n", "\r--B\r"},
        {TOP "\n", "begin 644 a\n"},
        {TOP "\n", "Content-Transfer-Encoding: base64\n\n"},
        {TOP "\n", "Content-Type: multipart/mixed; boundary=B\n\n--B\n\n"},
        {TOP "\n", "(This file must be converted with BinHex 4.0)\n"},
        {TOP "\n", "=ybegin x\n"},
        {"From a@b Mon Jan  1 00:00:00 2024\n\n", "\nFrom a\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf mail = {0};
        struct walktest t;
        repeat(&mail, cases[i].head, 1);
        repeat(&mail, cases[i].unit, 20000);
        walktest_init(&t);
        sk_err err = walktest_run(&t, &sk_format_mail, buf_text(&mail), mail.len);
        assert_int_equal(err.code, SK_OK);
        if (t.ticks > 3000000 || t.child_bytes > 150 * mail.len) {
            fail_msg("case %zu: %llu ticks, %llu bytes", i, (unsigned long long)t.ticks,
                     (unsigned long long)t.child_bytes);
        }
        walktest_release(&t);
        buf_release(&mail);
    }
}

static void test_out_of_memory(void **state) {
    (void)state;
    static const char mail[] = TOP MULTI
        "=\"B\"; boundary*0=C\n\n--B\nContent-Disposition: x; filename*=utf-8''a%20b\n"
        "Content-Transfer-Encoding: base64\n\n" PAYLOAD_BASE64 "=" PAYLOAD_BASE64 "\n"
        "--B\nContent-Type: text/plain; charset=iso-2022-jp\n\n\x1b$BF|K\\\x1b(B\n"
        "--B\nContent-Type: a/b; name=\"=?utf-8?B?QQ==?=\"\n\nbegin 644 x\n#0V%T\n`\nend\n"
        "--B--\n\nbegin 644 x\n#0V%T\n`\nend\n";
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct walktest t;
        walktest_init(&t);
        mem_fault_set(n);
        sk_err err = walktest_run(&t, &sk_format_mail, mail, sizeof(mail) - 1);
        done = mem_fault_seen() < n;
        mem_fault_set(0);
        assert_true(err.code == SK_OK || err.code == SK_E_NOMEM);
        walktest_release(&t);
        assert_true(n < 10000);
    }
}

static void test_stop(void **state) {
    (void)state;
    static const char mail[] = TOP MULTI "=B\n\n--B\n\nfirst\n--B\n\nsecond\n--B--\n";
    for (uint64_t n = 1; n < 30; n++) {
        struct walktest t;
        walktest_init(&t);
        t.stop_after_ticks = n;
        sk_err err = walktest_run(&t, &sk_format_mail, mail, sizeof(mail) - 1);
        assert_true(err.code == SK_E_STOP || (err.code == SK_OK && t.ticks < n));
        walktest_release(&t);
    }
}

static void test_text_with_files(void **state) {
    (void)state;
    static const char text[] = "words\n\nbegin 644 cat\n#0V%T\n`\nend\nmore\n";
    enum sk_type type = SK_TYPE_ANY;
    struct walktest t;
    assert_int_equal(walktest_bid(&sk_format_uuencode, text, sizeof(text) - 1, &type), 45);
    assert_int_equal(type, SK_TYPE_TEXT_ASCII);
    assert_int_equal(walktest_bid(&sk_format_uuencode, text + 7, sizeof(text) - 8, &type), 70);
    assert_int_equal(walktest_bid(&sk_format_uuencode, "begin with words\n", 17, &type), 0);
    run(&t, &sk_format_uuencode, text, sizeof(text) - 1);
    assert_int_equal(t.child_count, 1);
    assert_true(walktest_has(&t, "cat", "Cat", 3));
    walktest_release(&t);
}

/* Attributes that lie about their length, each leading to the next: one search each, and none of
 * them may run to the end (it took minutes). */
static void test_tnef_that_lies_often(void **state) {
    (void)state;
    static const char start[] = "\x78\x9f\x3e\x22\0";
    static const char lie[] = "\x02\x02\x90\x06\x00\xff\xff\xff";
    enum { START = sizeof(start), LIE = sizeof(lie), LIES = 700000 };
    uint8_t *file = malloc(START + (size_t)LIE * LIES);
    struct walktest t;
    memcpy(file, start, START);
    for (size_t i = 0; i < LIES; i++) {
        memcpy(file + START + i * LIE, lie, LIE);
    }
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_tnef, file, START + (size_t)LIE * LIES).code,
                     SK_OK);
    assert_int_equal(t.note[SK_NOTE_DAMAGED], 1);
    walktest_release(&t);
    free(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tnef_that_lies_often),
        cmocka_unit_test(test_every_reading),
        cmocka_unit_test(test_ordinary_mail),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_charsets),
        cmocka_unit_test(test_notes_and_facts),
        cmocka_unit_test(test_mailbox),
        cmocka_unit_test(test_endless_nesting),
        cmocka_unit_test(test_multiplying_readings),
        cmocka_unit_test(test_many_parts),
        cmocka_unit_test(test_header_bombs),
        cmocka_unit_test(test_hard_bodies),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_text_with_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
