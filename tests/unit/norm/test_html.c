// SPDX-License-Identifier: Apache-2.0
/* HTML normaliser: table of cases (outputs of sigtool 1.4.6), every cut, the edge of a window,
 * links, errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "norm/html_priv.h"

struct seen {
    struct buf out[SK_HTML_OUT_COUNT];
    struct buf links;
    unsigned puts_left; /* then SK_E_LIMIT */
};

static sk_err put(void *ctx, enum sk_html_out out, const uint8_t *bytes, size_t len) {
    struct seen *seen = ctx;
    if (seen->puts_left == 0) {
        return sk_fail(SK_E_LIMIT);
    }
    seen->puts_left--;
    return buf_append(&seen->out[out], bytes, len);
}

static void on_link(void *ctx, const struct sk_html_link *link) {
    static const char KINDS[] = "aif";
    struct seen *seen = ctx;
    assert_false(sk_failed(buf_printf(&seen->links, "%c[%.*s|%.*s]", KINDS[link->kind],
                                      (int)link->url.len, (const char *)link->url.ptr,
                                      (int)link->text.len, (const char *)link->text.ptr)));
}

static sk_err feed_with(const struct sk_html_events *events, const struct norm_kernel *vector,
                        struct sk_bytes page, size_t cut) {
    const char *in = (const char *)page.ptr;
    size_t len = page.len;
    struct sk_norm_html *h;
    TRY(sk_norm_html_new(events, &h));
    h->vector = vector;
    sk_err err = sk_norm_html_feed(h, (const uint8_t *)in, cut);
    if (!sk_failed(err)) {
        err = sk_norm_html_feed(h, (const uint8_t *)in + cut, len - cut);
    }
    if (!sk_failed(err)) {
        err = sk_norm_html_finish(h);
    }
    sk_norm_html_free(h);
    return err;
}

static sk_err feed_cut(struct seen *seen, const char *in, size_t len, size_t cut) {
    const struct sk_html_events events = {.put = put, .link = on_link, .ctx = seen};
    return feed_with(&events, norm_kernel_nth(0), (struct sk_bytes){(const uint8_t *)in, len}, cut);
}

static void begin(struct seen *seen) {
    *seen = (struct seen){.puts_left = UINT32_MAX};
}

static void release(struct seen *seen) {
    for (int i = 0; i < SK_HTML_OUT_COUNT; i++) {
        buf_release(&seen->out[i]);
    }
    buf_release(&seen->links);
}

struct html_case {
    const char *in;
    size_t in_len;
    const char *nocomment;
    size_t nocomment_len;
    const char *notags;
    size_t notags_len;
};
#define CASE(in_, nocomment_, notags_)                                                             \
    { in_, sizeof(in_) - 1, nocomment_, sizeof(nocomment_) - 1, notags_, sizeof(notags_) - 1 }

/* clang-format off */
static const struct html_case CASES[] = {
    CASE("",
         "",
         ""),
    CASE("<script language='JScript.Encode'>#@~^CgAAAA==aaaaaaaaaaAAAAAA==^#~@</script>end",
         "<script language=\"jscript.encode\"><script language=\"javascript\">xp#xp#p##p</script>end",
         " end"),
    /* ahead of the block: as it stands, but for case and line ends */
    CASE("<script language='VBScript.Encode'>\n//**Start  Encode** '&lt;<! \r\n<b>"
         "#@~^CgAAAA==aaaaaaaaaaAAAAAA==^#~@ a b</script>c d",
         "<script language=\"vbscript.encode\"><script language=\"vbscript\">//**start  encode** '&lt;<!  <b>"
         "xp#xp#p##pab</script>c d",
         " c d"),
    /* without a block it ends with the script */
    CASE("<script language='JScript.Encode'>A  b</script>c  d",
         "<script language=\"jscript.encode\"><script language=\"javascript\">a  b</script>c d",
         " c d"),
    /* the second tag has the same attributes */
    CASE("<script TYPE=x ID='Q' language=JScript.Encode alt=\"D  E\" defer src=data:a,b z>"
         "#@~^CgAAAA==aaaaaaaaaaAAAAAA==^#~@</script>",
         "<script type=x id=\"q\" language=jscript.encode alt=\"d e\" defer src=dataz>"
         "<script type=\"x\" id=\"q\" language=\"javascript\" alt=\"d e\" defer srcz>xp#xp#p##p</script>",
         " "),
    CASE("<script src=Q language=VBScript.Encode>#@~^CgAAAA==aaaaaaaaaaAAAAAA==^#~@</script>end",
         "<script src=q language=vbscript.encode><script src=\"q\" language=\"vbscript\">xp#xp#p##p</script>end",
         " end"),
    CASE("ABC <B>DEF</B>  GHI\n\nJ",
         "abc <b>def</b>ghi j",
         "abc def ghi j"),
    CASE("a < ! x > b",
         "a b",
         "a b"),
    CASE("a<!-- x > y -->b",
         "ay -->b",
         "a y -->b"),
    CASE("<a HREF = \"Foo  Bar\" >x</a>",
         "<a href=\"foo bar\">x</a>",
         " Foo Bar x "),
    CASE("<p a='it\"s' b = c>",
         "<p a=\"it\"s\" b=c>",
         " "),
    CASE("<p a=\"ab cd ef\">",
         "<p a=\"ab cd ef\">",
         " "),
    /* an address with data in it is no address of notags, nor is a second one */
    CASE("<a href=\"data:text/html,ab\" href=x>z",
         "<a href=\"data\"href=x>z",
         " z"),
    CASE("<a href=\"ab cd ef\">z",
         "<a href=\"ab cd ef\">z",
         " ab c z"),
    CASE("<a href=\"b \"c d>y",
         "<a href=\"b \"c d>y",
         " b \" y"),
    CASE("<img src=foo/>x",
         "<img src=foo/>x",
         " foo/ x"),
    CASE("<p a=\"x>y>z\">c",
         "<p a=\"x>y>z\">c",
         " z\">c"),
    CASE("x &amp; &AMP; &lt;b&gt; &amp y",
         "x & &amp; <b> &amp y",
         "x b y"),
    CASE("&#65;&#x41;&#65x &#300; &hearts; &nbsp;",
         "aaAx &#x012c; &#x2665; \240",
         " x "),
    CASE("&#6a; &#; &foo; &foo<b>",
         "\006a; \000 &foo; &foo<b>",
         " a; "),
    CASE("a\000b\015c\001d\177",
         "abc\001d\177",
         "abc d\177"),
    CASE("A\200B \200\201 C \343\201\202D",
         "a\200b \200\201 c \343\201\202d",
         "a\000b \200\200c \343\201\201d"),
    CASE("\343\201\223\343\200\202Foo",
         "\343\201\223.foo",
         "\343\201\201.foo"),
    CASE("<p a=\"\303\251 x\">\303\251</p>",
         "<p a=\" \303\251x\">\303\251</p>",
         " \303\303"),
    CASE("<p a=\200><q =z>",
         "<p a=><q=\200z>",
         " "),
    CASE("<script>A  B \"c\" 'd'&lt;<!-- &lt; --></script >Z",
         "<script>ab\"c\"\"d\"<<!--&lt;--></script>z",
         " >z"),
    CASE("<style>a</script>b  c",
         "<style>a</script>b c",
         " b c"),
    CASE("<script><</script>x</script>y",
         "<script><</script>x</script>y",
         " y"),
    CASE("<p/ a/><p />x",
         "<p/ a/><p />x",
         " x"),
    CASE("<p =A  b><q ==>",
         "<p=a b><q==>",
         " "),
    CASE("x&-y z",
         "x&-y z",
         "x z"),
    CASE("x&quot",
         "x\"",
         "x "),
    CASE("a <",
         "a <",
         "a "),
    CASE("a <!",
         "a ",
         "a "),
    CASE("<a href=\"A&foo;B&#0;C\">z",
         "<a href=\"a&foo;b\000c\">z",
         " A&foo; z"),
    CASE("<a href=&quot;abc&quot;>z",
         "<a href=\"abc\">z",
         " abc z"),
    CASE("a \t <b>  </b>  c  ",
         "a <b></b>c",
         "a c "),
    CASE("<\?xml a=\"b\"\?>y",
         "<\?xml a=\"b\" \?>y",
         " y"),
    CASE("<script src=\"x\" />a</ script>b",
         "<script src=\"x\" />a</script>b",
         " "),
    CASE("\013\014 a",
         "a",
         "a"),
    CASE("<a href=\"X\"></a><img src=\"Y\"> ",
         "<a href=\"x\"></a><img src=\"y\">",
         " X Y "),
};
/* clang-format on */

static void assert_out(const struct buf *got, const char *want, size_t len) {
    assert_int_equal(got->len, len);
    if (len > 0) {
        assert_memory_equal(got->data, want, len);
    }
}

static void test_cases_in_every_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        const struct html_case *c = &CASES[i];
        for (size_t cut = 0; cut <= c->in_len; cut++) {
            struct seen seen;
            begin(&seen);
            assert_false(sk_failed(feed_cut(&seen, c->in, c->in_len, cut)));
            assert_out(&seen.out[SK_HTML_NOCOMMENT], c->nocomment, c->nocomment_len);
            assert_out(&seen.out[SK_HTML_NOTAGS], c->notags, c->notags_len);
            release(&seen);
        }
    }
}

/* 8191 bytes, then a space: it is lost; behind a word that crosses the edge it is not. */
static void test_window_edge(void **state) {
    static char in[9000];
    (void)state;
    for (size_t at = 8190; at <= 8192; at++) {
        struct seen seen;
        begin(&seen);
        memset(in, 'x', sizeof(in));
        in[100] = ' ';
        in[at] = ' ';
        assert_false(sk_failed(feed_cut(&seen, in, sizeof(in), 5)));
        assert_int_equal(seen.out[SK_HTML_NOCOMMENT].len, sizeof(in) - (at == 8191));
        release(&seen);
    }
    /* no white space to cut at: the window stays whole, and no byte is lost */
    struct seen seen;
    begin(&seen);
    memset(in, 'x', sizeof(in));
    assert_false(sk_failed(feed_cut(&seen, in, sizeof(in), 0)));
    assert_int_equal(seen.out[SK_HTML_NOCOMMENT].len, sizeof(in));
    release(&seen);
}

static void test_links(void **state) {
    static const struct {
        const char *in;
        const char *links;
    } LINKS[] = {
        {"<a href=\"http://A/\">  The <b>Bank</b>\n&amp; &#66;x</a>", "a[http://A/|The Bank & Bx]"},
        {"<a href=u>one<a href=v>two", "a[u|one]a[v|two]"},
        {"<a name=n>x</a><img src=s>", "i[|s]"},
        {"<a href=u><img src=\"s t\"></a>", "i[u|s t]a[u|]"},
        {"<form action=q>Name <input> <a href=u>go</a></form>", "a[u|go]f[q|Name go]"},
        {"<form action=q>rest", "f[q|rest]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(LINKS) / sizeof(LINKS[0]); i++) {
        struct seen seen;
        begin(&seen);
        assert_false(sk_failed(feed_cut(&seen, LINKS[i].in, strlen(LINKS[i].in), 3)));
        assert_string_equal(buf_text(&seen.links), LINKS[i].links);
        release(&seen);
    }
}

static void test_long_values_are_cut(void **state) {
    static char in[5000];
    struct seen seen;
    (void)state;
    memset(in, 'u', sizeof(in));
    memcpy(in, "<a href=", 8);
    memcpy(in + 3000, ">", 1);
    begin(&seen);
    assert_false(sk_failed(feed_cut(&seen, in, sizeof(in), 7)));
    assert_int_equal(seen.links.len, strlen("a[|]") + 1024 + SK_HTML_LINK_TEXT_MAX);
    release(&seen);
}

/* What is left encoded is told. */
static void test_too_many_encoded_scripts(void **state) {
    static const char tag[] =
        "<script language='JScript.Encode'>#@~^CgAAAA==aaaaaaaaaaAAAAAA==^#~@</script>end";
    for (unsigned count = 1000; count <= 1001; count++) {
        struct buf page = {0};
        struct seen seen;
        (void)state;
        begin(&seen);
        for (unsigned i = 0; i < count; i++) {
            assert_false(sk_failed(buf_puts(&page, tag)));
        }
        sk_err err = feed_cut(&seen, buf_text(&page), page.len, 9);
        assert_int_equal(err.code, count > 1000 ? SK_E_LIMIT : SK_OK);
        release(&seen);
        buf_release(&page);
    }
}

static void as_without(const struct norm_kernel *vector, struct sk_bytes page) {
    struct seen fast, slow, no_links;
    begin(&fast);
    begin(&slow);
    begin(&no_links);
    struct sk_html_events events = {.put = put, .link = on_link, .ctx = &fast};
    assert_false(sk_failed(feed_with(&events, vector, page, 100)));
    events.ctx = &slow;
    assert_false(sk_failed(feed_with(&events, NULL, page, 333)));
    events.ctx = &no_links;
    events.link = NULL;
    assert_false(sk_failed(feed_with(&events, vector, page, 0)));
    for (int i = 0; i < SK_HTML_OUT_COUNT; i++) {
        assert_out(&fast.out[i], buf_text(&slow.out[i]), slow.out[i].len);
        assert_out(&no_links.out[i], buf_text(&slow.out[i]), slow.out[i].len);
    }
    assert_string_equal(buf_text(&fast.links), buf_text(&slow.links));
    release(&fast);
    release(&slow);
    release(&no_links);
}

/* Pages out of pieces in which everything stands that the fast ways stop at, in runs of many
 * lengths, over several windows and outputs. Is the outcome that of the slow way, and the same when
 * nobody asks for links? */
static void test_vectors_change_nothing(void **state) {
    static const char *const PIECES[] = {"a",
                                         "Word",
                                         " ",
                                         "  ",
                                         "\t",
                                         "\n",
                                         "\r\n",
                                         "\x01",
                                         "\x1b",
                                         "\x7f",
                                         "\xe3\x80\x82",
                                         "\xd0\x91",
                                         "\xff",
                                         "<",
                                         ">",
                                         "&",
                                         "&lt;",
                                         "&#65;",
                                         "&#66 ",
                                         "'",
                                         "\"",
                                         "<B>",
                                         "</b>",
                                         "<a href=\"",
                                         "</a>",
                                         "data:",
                                         "<form action=q ",
                                         "</form>",
                                         "<script>",
                                         "</script>",
                                         "<style>",
                                         "</style>",
                                         "<!-- ",
                                         "-->",
                                         "src='",
                                         "=",
                                         "daTa",
                                         "<img src=u>"};
    enum { COUNT = sizeof(PIECES) / sizeof(PIECES[0]) };
    (void)state;
    uint32_t seed = 7;
    for (unsigned round = 0; round < 300; round++) {
        struct buf page = {0};
        size_t want = round % 10 == 0 ? 60000 : 700;
        while (page.len < want) {
            seed = seed * 1103515245 + 12345;
            unsigned times = (seed >> 28) == 0 ? (seed >> 20 & 127) + 1 : 1;
            for (unsigned i = 0; i < times; i++) {
                assert_false(sk_failed(buf_puts(&page, PIECES[(seed >> 8) % COUNT])));
            }
            if (round % 7 == 0 && (seed >> 16) % 50 == 0) {
                assert_false(sk_failed(buf_append(&page, (const uint8_t *)"", 1))); /* a NUL */
            }
        }
        const struct norm_kernel *vector;
        for (unsigned k = 0; (vector = norm_kernel_nth(k)) != NULL; k++) {
            as_without(vector, (struct sk_bytes){page.data, page.len});
        }
        buf_release(&page);
    }
}

static void test_errors(void **state) {
    static char in[100000];
    struct seen seen;
    (void)state;
    memset(in, 'x', sizeof(in));
    begin(&seen);
    seen.puts_left = 1;
    assert_int_equal(feed_cut(&seen, in, sizeof(in), 9).code, SK_E_LIMIT);
    release(&seen);
    const struct sk_html_events events = {.put = put, .ctx = &seen};
    struct sk_norm_html *h = NULL;
    mem_fault_set(1);
    assert_int_equal(sk_norm_html_new(&events, &h).code, SK_E_NOMEM);
    mem_fault_set(0);
    assert_null(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_in_every_cut),
        cmocka_unit_test(test_window_edge),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_long_values_are_cut),
        cmocka_unit_test(test_too_many_encoded_scripts),
        cmocka_unit_test(test_vectors_change_nothing),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
