// SPDX-License-Identifier: Apache-2.0
/* JavaScript normaliser: table of cases (outputs of sigtool 1.4.6), every cut, one object for
 * several scripts, limits, every allocation failing once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "norm/js.h"

static sk_err put(void *ctx, const uint8_t *bytes, size_t len) {
    return buf_append(ctx, bytes, len);
}

struct js_case {
    const char *in;
    size_t in_len;
    const char *out;
    size_t out_len;
};
#define CASE(in_, out_)                                                                            \
    { in_, sizeof(in_) - 1, out_, sizeof(out_) - 1 }

/* clang-format off */
static const struct js_case CASES[] = {
    CASE("var Foo = \"Hel\" + 'lo'; // gone\n/* x */ Foo.bar(Foo)</script>",
         "<script>var n000=\"hello\";gone n000.bar(n000)</script>"),
    CASE("function f(a,b){var c,d;return a+b+c+d}f(a)</script>",
         "<script>function n000(n001,n002){var n003,d;return n001+n002+n003+d}f(a)</script>"),
    CASE("var a;var a;a;x.a</script>",
         "<script>var n001;var n001;n001;x.a</script>"),
    CASE("unescape(\"%41%u0042\")+1</script>",
         "<script>\"ab\"+1</script>"),
    CASE("eval(\"a;b;\");c;eval(\"d;e\")</script>",
         "<script>a;b;c;d;</script>"),
    CASE("\"\\x41\\n\\u00e9\\0\" 'a\"b'</script>",
         "<script>\"a \303\251\001\"\"a\"b\"</script>"),
    CASE("010 1.50 1e3 .5 99999999999 1.5e-5 0x1f</script>",
         "<script>10 1.5 1 e3.5 1215752191 1.5e-05 0 x1f</script>"),
    CASE("a(b</script>",
         "<script>a(b</script>)</script>"),
    CASE("\"open</script>",
         "<script>\"open</script>\"</script>"),
    CASE("a//b</script>",
         "<script>a</script>"),
    CASE("a @ b # c</script>",
         "<script>a b c</script>"),
    CASE("eval(function(p,a,c,k,e,d){}('0 1=2;',62,3,'var|foo|bar'.split('|'),0,{}))</script>",
         "<script>eval(function(n000,n001,n002,n003,n004,n005){}(var n006=bar;))</script>"),
    CASE("var a=[b,c],d={e:f,g:h},i;for(var j in k){j}</script>",
         "<script>var n000=[b,c],n001={e:f,g:h},n002;for(var n003 in k){n003}</script>"),
    CASE("if(a){b}else return 1 2</script>",
         "<script>if(a){b}else return 1 2</script>"),
    CASE("unescape(\"a\"</script>",
         "<script>\"a\"/script>)</script>"),
    CASE("a\\u0041 \\b</script>",
         "<script>a\\0041  b</script>"),
};
/* clang-format on */
#define CASE_COUNT (sizeof(CASES) / sizeof(CASES[0]))

static sk_err run(struct sk_norm_js *js, const struct js_case *c, size_t cut, struct buf *out) {
    TRY(sk_norm_js_feed(js, (const uint8_t *)c->in, cut));
    TRY(sk_norm_js_feed(js, (const uint8_t *)c->in + cut, c->in_len - cut));
    return sk_norm_js_finish(js, put, out);
}

static void test_cases_in_every_cut(void **state) {
    (void)state;
    struct sk_norm_js *js;
    assert_false(sk_failed(sk_norm_js_new(&js)));
    for (size_t i = 0; i < CASE_COUNT; i++) {
        for (size_t cut = 0; cut <= CASES[i].in_len; cut++) {
            struct buf out = {0};
            assert_false(sk_failed(run(js, &CASES[i], cut, &out)));
            assert_int_equal(out.len, CASES[i].out_len);
            assert_memory_equal(out.data, CASES[i].out, out.len);
            buf_release(&out);
        }
    }
    sk_norm_js_free(js);
}

static void test_too_large_is_refused_and_the_next_goes(void **state) {
    static uint8_t block[1 << 20];
    struct sk_norm_js *js;
    (void)state;
    memset(block, ';', sizeof(block));
    memset(block, ' ', sizeof(block) - 1);
    assert_false(sk_failed(sk_norm_js_new(&js)));
    sk_err err = sk_ok();
    for (int i = 0; i <= 20 && !sk_failed(err); i++) {
        err = sk_norm_js_feed(js, block, sizeof(block));
    }
    assert_int_equal(err.code, SK_E_LIMIT);
    struct buf out = {0};
    assert_int_equal(sk_norm_js_finish(js, put, &out).code, SK_E_LIMIT);
    assert_int_equal(out.len, 0);
    assert_false(sk_failed(run(js, &CASES[0], 3, &out)));
    assert_int_equal(out.len, CASES[0].out_len);
    buf_release(&out);
    sk_norm_js_free(js);
}

/* `first` so often, then `second`. */
static sk_err run_repeated(struct sk_norm_js *js, const char *first, const char *second,
                           size_t times, struct buf *out) {
    struct buf script = {0};
    for (size_t i = 0; i < 2 * times; i++) {
        assert_false(sk_failed(buf_puts(&script, i < times ? first : second)));
    }
    sk_err err = sk_norm_js_feed(js, script.data, script.len);
    sk_err end = sk_norm_js_finish(js, put, out);
    buf_release(&script);
    return sk_failed(err) ? err : end;
}

/* Each took minutes to hours when its search was not bounded. */
static void test_bombs_end(void **state) {
    static const struct {
        const char *first;
        const char *second;
        int code;
    } bombs[] = {
        {"function a ", "x ", SK_E_LIMIT},       /* names in deep scopes */
        {"function(p,a,c,k ", "x ", SK_E_LIMIT}, /* packers without a body */
        {"function(p,a,c,k{", "}", SK_E_LIMIT},  /* and with nested ones */
        {"1", "2", SK_OK},                       /* one long number */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        struct sk_norm_js *js;
        struct buf out = {0};
        assert_false(sk_failed(sk_norm_js_new(&js)));
        sk_err err = run_repeated(js, bombs[i].first, bombs[i].second, 500000, &out);
        assert_int_equal(err.code, bombs[i].code);
        assert_true(err.code == SK_OK || out.len == 0);
        buf_clear(&out);
        assert_false(sk_failed(run(js, &CASES[0], 3, &out)));
        assert_int_equal(out.len, CASES[0].out_len);
        buf_release(&out);
        sk_norm_js_free(js);
    }
}

static void test_every_allocation_fails_once(void **state) {
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        for (uint64_t nth = 1;; nth++) {
            struct buf out = {0};
            struct sk_norm_js *js = NULL;
            mem_fault_set(nth);
            sk_err err = sk_norm_js_new(&js);
            if (!sk_failed(err)) {
                err = run(js, &CASES[i], 1, &out);
            }
            bool reached = mem_fault_seen() >= nth;
            mem_fault_set(0);
            sk_norm_js_free(js);
            bool ok = !sk_failed(err) && out.len == CASES[i].out_len;
            buf_release(&out);
            if (!reached) {
                assert_true(ok);
                break;
            }
            assert_true(ok || err.code == SK_E_NOMEM);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_in_every_cut),
        cmocka_unit_test(test_too_large_is_refused_and_the_next_goes),
        cmocka_unit_test(test_bombs_end),
        cmocka_unit_test(test_every_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
