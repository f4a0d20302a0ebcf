// SPDX-License-Identifier: Apache-2.0
/* The XML tokenizer: tokens of good and of broken documents, encodings, limits, bounded growth. */
#include "format/xml.h"

#include <stdarg.h>
#include <stdlib.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "walktest.h"

#define MS(text) text, sizeof(text) - 1

/* ---- a format whose walk writes the tokens down ---- */

static struct buf seen;
static size_t read_step;
static bool as_text; /* read the text of every <t> as a stream */

static void put(const char *before, struct sk_bytes bytes) {
    assert_false(sk_failed(buf_puts(&seen, before)));
    assert_false(sk_failed(buf_append(&seen, bytes.ptr, bytes.len)));
}

static void put_start(const struct sk_xml *xml) {
    char depth[16];
    snprintf(depth, sizeof(depth), "%s%u", xml->empty ? "E" : "S", xml->depth);
    put(depth, (struct sk_bytes){(const uint8_t *)"", 0});
    put(":", xml->name);
    for (size_t i = 0; i < xml->attr_count; i++) {
        put(" ", xml->attr[i].name);
        put("=", xml->attr[i].value);
    }
    put(xml->cut ? " CUT|" : "|", (struct sk_bytes){(const uint8_t *)"", 0});
}

static sk_err put_stream(struct sk_xml *xml) {
    struct sk_xml_text st;
    struct sk_stream *s = sk_xml_text_init(&st, xml);
    for (;;) {
        uint8_t bytes[3];
        size_t got = 0;
        TRY(sk_stream_read(s, bytes, sizeof(bytes), &got));
        if (got == 0) {
            put("$", (struct sk_bytes){(const uint8_t *)"", 0});
            return sk_ok();
        }
        put("", (struct sk_bytes){bytes, got});
    }
}

struct slow {
    struct sk_source_stream all;
    struct sk_stream base;
};

static sk_err slow_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct slow *s = (struct slow *)(void *)((char *)base - offsetof(struct slow, base));
    return sk_stream_read(&s->all.base, buf, cap < read_step ? cap : read_step, out_len);
}

static sk_err tokens_walk(struct sk_walk *walk, struct sk_source *src) {
    struct slow slow = {.base = {.read = slow_read}};
    (void)sk_source_stream_init(&slow.all, src, 0, src->size);
    struct sk_xml *xml = sk_xml_new(walk, &slow.base);
    if (xml == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    bool in_text = false;
    for (;;) {
        TRY(sk_xml_next(xml));
        if (in_text && xml->kind != SK_XML_TEXT) {
            put("'|", (struct sk_bytes){(const uint8_t *)"", 0});
        }
        switch (xml->kind) {
        case SK_XML_EOF:
            return sk_ok();
        case SK_XML_START:
            put_start(xml);
            if (as_text && sk_xml_is(xml->name, "t")) {
                TRY(put_stream(xml));
            }
            break;
        case SK_XML_END:
            put("/", xml->name);
            put("|", (struct sk_bytes){(const uint8_t *)"", 0});
            break;
        case SK_XML_TEXT:
            put(in_text ? "" : "'", xml->text);
            break;
        case SK_XML_PI:
            put("?", xml->name);
            put(" ", xml->text);
            put("|", (struct sk_bytes){(const uint8_t *)"", 0});
            break;
        }
        in_text = xml->kind == SK_XML_TEXT;
    }
}

static const struct sk_format tokens = {
    .name = "tokens", .type = SK_TYPE_TEXT_UTF8, .probe = NULL, .walk = tokens_walk};

static void expect(const char *in, size_t len, const char *want) {
    static const size_t steps[] = {1, 2, 3, 7, 4096};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct walktest t;
        walktest_init(&t);
        buf_clear(&seen);
        read_step = steps[i];
        assert_int_equal(walktest_run(&t, &tokens, in, len).code, SK_OK);
        assert_string_equal(buf_text(&seen), want);
        walktest_release(&t);
    }
}

static void good_documents(void **state) {
    (void)state;
    expect(MS("<a/>"), "E1:a|");
    expect(MS("<a></a>"), "S1:a|/a|");
    expect(MS("<?xml version='1.0'?><w:a b = \"1\" c:d='x&lt;&#65;&#x42;y'>t</w:a >"),
           "?xml version='1.0'|S1:w:a b=1 c:d=x<ABy|'t'|/w:a|");
    expect(MS("<a><b/><c>x<!-- <d> -->y</c></a>"), "S1:a|E2:b|S2:c|'xy'|/c|/a|");
    expect(MS("<a>1<![CDATA[<b>&lt;]]]>2<![CDATA[]]></a>"), "S1:a|'1<b>&lt;]2'|/a|");
    expect(MS("<!DOCTYPE a [<!ENTITY e \"]>\"> <!-- ' --> <!ENTITY f SYSTEM 'x'>]><a>&e;</a>"),
           "S1:a|'&e;'|/a|");
    expect(MS("\xef\xbb\xbf<a>\xe3\x81\x82&#x3042;&#128512;</a>"),
           "S1:a|'\xe3\x81\x82\xe3\x81\x82\xf0\x9f\x98\x80'|/a|");
}

static void utf16_documents(void **state) {
    (void)state;
    expect(MS("<\0a\0>\0x\0<\0/\0a\0>\0"), "S1:a|'x'|/a|");
    expect(MS("\xff\xfe<\0a\0/\0>\0"), "E1:a|");
    expect(MS("\xfe\xff\0<\0a\0>\x30\x42\xd8\x3d\xde\x00\0<\0/\0a\0>"),
           "S1:a|'\xe3\x81\x82\xf0\x9f\x98\x80'|/a|");
    /* Lone halves, and half a unit at the end. */
    expect(MS("\xff\xfe<\0a\0>\0\x3d\xd8x\0\x00\xde?"), "S1:a|'\xef\xbf\xbdx\xef\xbf\xbd'|");
}

static void broken_documents(void **state) {
    (void)state;
    expect(MS(""), "");
    expect(MS("text < 1 <"), "'text < 1 <'|");
    expect(MS("</a></b><c>"), "/a|/b|S1:c|");
    expect(MS("<a b=c d='e"), "S1:a b=c d=e|");
    expect(MS("<a b <c d/>"), "S1:a b=|E2:c d=|");
    expect(MS("<a ==\"x\" / y=1>"), "S1:a \"x\"= y=1|");
    expect(MS("<a>&nope; &#0; &#x110000; &# &#x; &</a>"),
           "S1:a|'&nope; &#0; &#x110000; &# &#x; &'|/a|");
    expect(MS("<a><![CDATA[x"), "S1:a|'x'|");
    expect(MS("<a><!-- x"), "S1:a|");
    expect(MS("<a><?pi x"), "S1:a|?pi x|");
    expect(MS("<a><!DOCTYPE [ x"), "S1:a|");
    expect(MS("<a></b>x</a>"), "S1:a|/b|'x'|/a|");
}

/* A tag with more than is kept of one must not swallow the '<' behind it. */
static void tag_that_is_cut(void **state) {
    (void)state;
    struct buf in = {0};
    struct buf name = {0};
    struct walktest t;
    for (size_t i = 0; i < SK_XML_TAG_BYTES; i++) {
        assert_false(sk_failed(buf_puts(&name, "n")));
    }
    assert_false(sk_failed(buf_printf(&in, "<%s x<b/>", buf_text(&name))));
    walktest_init(&t);
    buf_clear(&seen);
    read_step = 4096;
    assert_int_equal(walktest_run(&t, &tokens, in.data, in.len).code, SK_OK);
    assert_non_null(strstr(buf_text(&seen), "|E2:b|"));
    walktest_release(&t);
    buf_release(&in);
    buf_release(&name);
}

static void text_of_an_element(void **state) {
    (void)state;
    as_text = true;
    expect(MS("<a><t>one<b>two</b>&amp;<![CDATA[3]]></t>x</a>"), "S1:a|S2:t|onetwo&3$'x'|/a|");
    expect(MS("<a><t/>x</a>"), "S1:a|E2:t|$'x'|/a|");
    expect(MS("<t>abc"), "S1:t|abc$");
    as_text = false;
}

static void limits(void **state) {
    (void)state;
    struct buf doc = {0};
    struct walktest t;
    assert_false(sk_failed(buf_puts(&doc, "<a b='")));
    for (size_t i = 0; i < SK_XML_TAG_BYTES; i++) {
        assert_false(sk_failed(buf_puts(&doc, "x")));
    }
    assert_false(sk_failed(buf_puts(&doc, "'/><c")));
    for (size_t i = 0; i < SK_XML_ATTR_MAX + 1; i++) {
        assert_false(sk_failed(buf_puts(&doc, " d=1")));
    }
    assert_false(sk_failed(buf_puts(&doc, "/><e/>")));
    walktest_init(&t);
    buf_clear(&seen);
    read_step = 4096;
    assert_int_equal(walktest_run(&t, &tokens, doc.data, doc.len).code, SK_OK);
    const char *first_end = strchr(buf_text(&seen), '|');
    assert_memory_equal(first_end - 4, " CUT", 4);
    assert_memory_equal(strrchr(buf_text(&seen), 'C'), "CUT|E1:e|", 10);
    assert_true(t.ticks >= doc.len / 4096);
    /* Time over in the middle of a tag. */
    t.stop_after_ticks = t.ticks + 2;
    assert_int_equal(walktest_run(&t, &tokens, doc.data, doc.len).code, SK_E_STOP);
    walktest_release(&t);
    buf_release(&doc);
}

/* A "billion laughs" document gives no more text than it has bytes. */
static void entities_do_not_grow(void **state) {
    (void)state;
    struct buf doc = {0};
    assert_false(sk_failed(buf_puts(&doc, "<!DOCTYPE l [<!ENTITY l0 'lol'>")));
    for (int i = 1; i < 10; i++) {
        assert_false(sk_failed(buf_printf(&doc, "<!ENTITY l%d '&l%d;&l%d;'>", i, i - 1, i - 1)));
    }
    assert_false(sk_failed(buf_puts(&doc, "]><l>&l9;</l>")));
    expect(buf_text(&doc), doc.len, "S1:l|'&l9;'|/l|");
    buf_release(&doc);
}

static void no_memory(void **state) {
    (void)state;
    for (unsigned n = 1; n < 6; n++) {
        struct walktest t;
        walktest_init(&t);
        t.arena_ceiling_bytes = n * 8192;
        read_step = 1;
        assert_int_equal(walktest_run(&t, &tokens, "<a/>", 4).code, SK_E_NOMEM);
        walktest_release(&t);
    }
}

static void head_of(const char *in, size_t len, const char *want) {
    char text[64];
    struct sk_peek peek = {.head = (const uint8_t *)in, .head_len = len, .size = len};
    bool is_xml = sk_xml_head(&peek, text, sizeof(text));
    assert_int_equal(is_xml, want != NULL);
    if (is_xml) {
        assert_string_equal(text, want);
    }
}

static void heads(void **state) {
    (void)state;
    head_of(MS(""), NULL);
    head_of(MS("a <b>"), NULL);
    head_of(MS("<?xml?>"), NULL);
    head_of(MS(" \n<a b='1'><c>"), "<a b='1'>");
    head_of(MS("\xef\xbb\xbf<?xml?><?mso-application progid='W'?><!-- <x> --><!DOCTYPE q><a>"),
            "<?xml?><?mso-application progid='W'?><a>");
    head_of(MS("\xff\xfe<\0a\0>\0"), "<a>");
    head_of(MS("\0<\0a\0>"), "<a>");
    head_of(MS("<a 0123456789012345678901234567890123456789012345678901234567890123456789>"),
            "<a 012345678901234567890123456789012345678901234567890123456789");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_documents),
        cmocka_unit_test(utf16_documents),
        cmocka_unit_test(broken_documents),
        cmocka_unit_test(tag_that_is_cut),
        cmocka_unit_test(text_of_an_element),
        cmocka_unit_test(limits),
        cmocka_unit_test(entities_do_not_grow),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(heads),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_release(&seen);
    return failed;
}
