// SPDX-License-Identifier: Apache-2.0
/* Addresses as clamscan 1.4.6 cleans and compares them: each row was seen there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "norm/url.h"

static struct sk_bytes of(const char *text) {
    return (struct sk_bytes){(const uint8_t *)text, strlen(text)};
}

static void test_addresses(void **state) {
    (void)state;
    static const char *const YES[] = {"http://evil.example.net/x",
                                      "https://x",
                                      "ftp://x",
                                      "http://",
                                      "evil.com",
                                      "EVIL.com",
                                      "  a.com",
                                      "evil.co.uk",
                                      "evil.museum",
                                      "http:a.com",
                                      "ftp:/evil.com",
                                      "http:a@evil.com",
                                      "-evil.com",
                                      "ev_il.com",
                                      "a%b.com",
                                      "www.evil.com/a b",
                                      "a.com/\\",
                                      "http:%01.com"};
    static const char *const NO[] = {"HTTP://evil.example.net/",
                                     "mailto:a@evil.example.net",
                                     "javascript:alert(1)",
                                     "#top",
                                     "/relative",
                                     "//evil.example.net/x",
                                     "evil.xyz",
                                     "evil.app",
                                     "evil.COM",
                                     "1.2.3.4",
                                     "evil.com.",
                                     "evil..com",
                                     "evil.com:80",
                                     "evil.com?x",
                                     "a@evil.com",
                                     "http:",
                                     "httpx://evil.com",
                                     "ftp:evil",
                                     "a.com  ",
                                     "",
                                     "foo:evil.com",
                                     "evil%2ecom",
                                     ".com",
                                     "com"};
    for (size_t i = 0; i < sizeof(YES) / sizeof(YES[0]); i++) {
        if (!url_is_address(of(YES[i]))) {
            fail_msg("%s is an address", YES[i]);
        }
    }
    for (size_t i = 0; i < sizeof(NO) / sizeof(NO[0]); i++) {
        if (url_is_address(of(NO[i]))) {
            fail_msg("%s is none", NO[i]);
        }
    }
}

static void test_cleaning(void **state) {
    (void)state;
    static const struct {
        const char *raw;
        bool shown;
        const char *clean;
        const char *host;
    } CASES[] = {
        {"http://evil.example.net/x", false, "http://evil.example.net", "evil.example.net"},
        {"http://EVIL.Example.NET/X", false, "http://evil.example.net", "evil.example.net"},
        {"http://evil.example.net:8080/x", false, "http://evil.example.net", "evil.example.net"},
        {"http://evil.example.net?x=1", false, "http://evil.example.net", "evil.example.net"},
        {"http://evil.example.net#x", false, "http://evil.example.net#x", "evil.example.net#x"},
        {"http://%65vil.example.net/", false, "http://evil.example.net", "evil.example.net"},
        {"http://%2565vil.com", false, "http://evil.com", "evil.com"},
        {"http://evil.com%2f", false, "http://evil.com%2f", "evil.com%2f"},
        {"http://evil.com%20", false, "http://evil.com%20", "evil.com%20"},
        {"http://evil.com%3fx", false, "http://evil.com?x", "evil.com"},
        {"http://evil.com%zz%4", false, "http://evil.com%zz%4", "evil.com%zz%4"},
        {"http://evil.example.net./", false, "http://evil.example.net.", "evil.example.net."},
        {"http://user:pw@evil.net/", false, "http://user", "user"},
        {"http://a@b@c.com", false, "http://a@b@c.com", "c.com"},
        {"http://e;vil .com", false, "http://evil.com", "evil.com"},
        {"http://evil.net\\x", false, "http://evil.net", "evil.net"},
        {"http:evil.example.net", false, "http:evil.example.net", "http"},
        {"http:///evil.net", false, "http:///evil.net", ""},
        {"http://a\x01"
         "b.net",
         false, "http://ab.net", "ab.net"},
        {"http://a%00b.net", false,
         "http://a\x01"
         "b.net",
         "a\x01"
         "b.net"},
        {"PayPal.com", true, "paypal.com", "paypal.com"},
        {"(www.paypal.com)", true, "www.paypal.com", "www.paypal.com"},
        {"..paypal.com..", true, "paypal.com", "paypal.com"},
        {"http:// www.paypal.com", true, "http://www.paypal.com", "www.paypal.com"},
        {"HTTP://www.paypal.com", true, "HTTP://www.paypal.com", "www.paypal.com"},
        {"FOO://BAR", true, "FOO://bar", "bar"},
        {"mailto:a@paypal.com", true, "mailto:a@paypal.com", "paypal.com"},
        {"C:\\x", true, "C:/x", "C"},
        {"//www.paypal.com", true, "", ""},
        {"a.com:80/x", true, "a.com:80", "a.com"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct url u;
        char host[URL_MAX_BYTES + 1];
        url_clean(of(CASES[i].raw), CASES[i].shown, &u);
        assert_string_equal(u.text, CASES[i].clean);
        assert_int_equal(u.len, strlen(u.text));
        struct sk_bytes h = url_host(&u);
        memcpy(host, h.ptr, h.len);
        host[h.len] = '\0';
        assert_string_equal(host, CASES[i].host);
    }
}

static void test_shown(void **state) {
    (void)state;
    static const char *const YES[] = {
        "www.paypal.com",    "paypal.com/login", "see http://www.paypal.com/",
        "hxxp://paypal.com", "x:y.com",          "http://x",
        "mailto:a@a.com",    "a:b.com",          "www . paypal . com"};
    static const char *const NO[] = {"click here",      "Visit paypal.com now",
                                     "paypal",          "www.paypal.com:80",
                                     "user@paypal.com", "foo:bar",
                                     "FOO://BAR",       "1.2.3.4",
                                     "12:34",           ""};
    struct url u;
    for (size_t i = 0; i < sizeof(YES) / sizeof(YES[0]); i++) {
        url_clean(of(YES[i]), true, &u);
        assert_true(url_looks_like_address(&u));
    }
    for (size_t i = 0; i < sizeof(NO) / sizeof(NO[0]); i++) {
        url_clean(of(NO[i]), true, &u);
        assert_false(url_looks_like_address(&u));
    }
}

static void test_registered(void **state) {
    (void)state;
    static const char *const CASES[][2] = {{"www.paypal.com", "paypal.com"},
                                           {"a.b.bank.co.uk", "bank.co.uk"},
                                           {"evil.foo.uk", "foo.uk"},
                                           {"x.b.me.uk", "b.me.uk"},
                                           {"a.uk.com", "uk.com"},
                                           {"com", "com"},
                                           {"co.uk", "co.uk"},
                                           {"", ""},
                                           {"a.b.com.br", "b.com.br"}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct sk_bytes got = url_registered(of(CASES[i][0]));
        assert_int_equal(got.len, strlen(CASES[i][1]));
        assert_memory_equal(got.ptr, CASES[i][1], got.len);
    }
}

struct seen {
    char text[4096];
    size_t len;
    unsigned count, max;
};

static bool on_form(void *ctx, const char *text, size_t len) {
    struct seen *s = ctx;
    s->len += (size_t)snprintf(s->text + s->len, sizeof(s->text) - s->len, "%.*s ", (int)len, text);
    return ++s->count < s->max;
}

static void expect_form(const char *raw, const char *form, bool expected) {
    struct seen s = {.max = 1000};
    char padded[256];
    url_each_form(of(raw), on_form, &s);
    (void)snprintf(padded, sizeof(padded), " %s ", form);
    memmove(s.text + 1, s.text, s.len + 1);
    s.text[0] = ' ';
    if ((strstr(s.text, padded) != NULL) != expected) {
        fail_msg("%s: %s is %s among: %s", raw, form, expected ? "not" : "wrongly", s.text);
    }
    assert_true(s.count <= URL_HASHES_MAX);
}

static void test_forms(void **state) {
    (void)state;
    const char *u = "http://a.b.evil.com/p/q/r.html?x=1";
    expect_form(u, "a.b.evil.com/p/q/r.html?x=1", true);
    expect_form(u, "a.b.evil.com/p/q/r.html", true);
    expect_form(u, "b.evil.com/p/", true);
    expect_form(u, "evil.com/p/q/", true);
    expect_form(u, "com/", false);
    u = "http://a.b.c.d.e.f.g.com/x";
    expect_form(u, "a.b.c.d.e.f.g.com/", true);
    expect_form(u, "c.d.e.f.g.com/", false);
    expect_form(u, "d.e.f.g.com/", true);
    u = "http://evil.com/a/b/c/d/e/f";
    expect_form(u, "evil.com/a/b/c/d/", true);
    expect_form(u, "evil.com/a/b/c/d/e/", false);
    expect_form("http://evil.com/a/../b", "evil.com/b", true);
    expect_form("http://evil.com/a/./b", "evil.com/a/b", true);
    expect_form("http://evil.com/%41", "evil.com/A", true);
    expect_form("http://u@evil.com/", "evil.com/", true);
    expect_form("https://evil.com", "evil.com/", true);
    expect_form("", "/", true);
    expect_form("http://evil.com/.?x", "evil.com/?x", true);
    expect_form("http://evil.com/..", "evil.com/", true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_cleaning),
        cmocka_unit_test(test_shown),     cmocka_unit_test(test_registered),
        cmocka_unit_test(test_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
