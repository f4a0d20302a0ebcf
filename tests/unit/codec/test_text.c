// SPDX-License-Identifier: Apache-2.0
/*
 * Encodings of bytes as text: tables of cases, each read in chunks of every awkward size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "pack.h"

typedef sk_err (*open_fn)(struct sk_stream *up, struct sk_stream **out_stream);

static sk_err go_on(struct sk_stream *up, struct sk_stream **out_stream) {
    return sk_base64_open(up, SK_BASE64_GO_ON, out_stream);
}
static sk_err ignore(struct sk_stream *up, struct sk_stream **out_stream) {
    return sk_base64_open(up, SK_BASE64_IGNORE, out_stream);
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
    assert_int_equal(sk_codec_consumed(s, &ended), strlen(c->in));
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
    const open_fn opens[] = {go_on, sk_quoted_open};
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_base64_tells_of_odd_padding),
        cmocka_unit_test(test_quoted_long_white),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
