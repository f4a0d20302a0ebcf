// SPDX-License-Identifier: Apache-2.0
/* Text normaliser: table of cases (outputs of sigtool), every byte, every cut, in place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "norm/kernel.h"
#include "norm/text.h"

struct text_case {
    const char *in;
    size_t in_len;
    const char *out;
};
#define CASE(in_, out_)                                                                            \
    { in_, sizeof(in_) - 1, out_ }

static const struct text_case CASES[] = {
    CASE("", ""),
    CASE("Hello  World\r\n\r\n\tX\1Y\x80Z  ", "hello world xyz "),
    CASE("  lead", " lead"),
    CASE("a \0 b", "a b"),
    CASE("a\0b", "ab"),
    CASE(" \x80 \xff ", " "),
    CASE("DEL\x7fstays", "del\x7fstays"),
    CASE("H\0e\0l\0l\0o\0 \0 \0", "hello "),
    CASE("\xe6\x97\xa5\xe6\x9c\xac", ""),
    CASE("\t\n\v\f\r ", " "),
    CASE("[@`{]^_~", "[@`{]^_~"),
};

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        uint8_t out[64];
        struct sk_norm_text n = {0};
        size_t len = sk_norm_text_feed(&n, (const uint8_t *)CASES[i].in, CASES[i].in_len, out);
        assert_int_equal(len, strlen(CASES[i].out));
        assert_memory_equal(out, CASES[i].out, len);
    }
}

/* Fed byte by byte nothing goes through vectors: any other cut must give the same. */
static void change_nothing(const struct norm_kernel *kernel) {
    static uint8_t in[4096], one[4096], many[4096];
    uint32_t seed = 1;
    for (unsigned round = 0; round < 400; round++) {
        /* from plain text over text full of spaces to bytes of every kind */
        for (size_t i = 0; i < sizeof(in); i++) {
            seed = seed * 1664525u + 1013904223u;
            uint32_t r = seed >> 8;
            bool odd = r % 100 < round % 101;
            in[i] = (uint8_t)(odd ? (r >> 8) % (round % 3 == 0 ? 40 : 256) : 'A' + (r >> 8) % 60);
        }
        size_t len = (seed >> 4) % sizeof(in) + 1, put = 0, cut = 0, got = 0;
        struct sk_norm_text a = {0}, b = {0};
        for (size_t i = 0; i < len; i++) {
            put += sk_norm_text_feed(&a, in + i, 1, one + put);
        }
        memcpy(many, in, len);
        while (cut < len) { /* in place, in pieces */
            seed = seed * 1664525u + 1013904223u;
            size_t n = 1 + (seed >> 8) % 700;
            n = n < len - cut ? n : len - cut;
            uint8_t piece[700];
            uint8_t *to = round % 2 == 0 ? many + got : piece;
            size_t text = norm_text_feed(kernel, &b, many + cut, n, to);
            if (round % 2 != 0) {
                memcpy(many + got, piece, text);
            }
            got += text;
            cut += n;
        }
        assert_int_equal(got, put);
        assert_memory_equal(many, one, put);
        assert_int_equal(a.last, b.last);
    }
}

static void test_vectors_change_nothing(void **state) {
    (void)state;
    const struct norm_kernel *kernel;
    for (unsigned k = 0; (kernel = norm_kernel_nth(k)) != NULL; k++) {
        print_message("kernel %s\n", kernel->name);
        change_nothing(kernel);
    }
    change_nothing(NULL);
}

static void test_every_byte(void **state) {
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t in[3] = {'x', (uint8_t)c, 'y'};
        uint8_t out[3];
        struct sk_norm_text n = {0};
        size_t len = sk_norm_text_feed(&n, in, 3, out);
        bool space = (c >= 9 && c <= 13) || c == 32;
        bool goes = !space && (c < 32 || c > 127);
        assert_int_equal(len, goes ? 2 : 3);
        if (!goes) {
            unsigned want = c >= 'A' && c <= 'Z' ? c + 32 : c;
            assert_int_equal(out[1], space ? ' ' : want);
        }
    }
}

static void test_cuts_and_in_place(void **state) {
    (void)state;
    uint8_t in[600];
    uint8_t whole[600];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof(in); i++) {
        seed = seed * 1103515245 + 12345;
        in[i] = (seed >> 16) % 3 == 0 ? ' ' : (uint8_t)(seed >> 20);
    }
    struct sk_norm_text n = {0};
    size_t len = sk_norm_text_feed(&n, in, sizeof(in), whole);
    for (size_t cut = 0; cut <= sizeof(in); cut++) {
        uint8_t copy[600];
        memcpy(copy, in, sizeof(in));
        struct sk_norm_text two = {0};
        size_t first = sk_norm_text_feed(&two, copy, cut, copy);
        size_t rest = sk_norm_text_feed(&two, copy + cut, sizeof(in) - cut, copy + first);
        assert_int_equal(first + rest, len);
        assert_memory_equal(copy, whole, len);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_vectors_change_nothing),
        cmocka_unit_test(test_cuts_and_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
