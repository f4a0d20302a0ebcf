// SPDX-License-Identifier: Apache-2.0
/* Encoded scripts: outputs of clamscan 1.4.6, in every cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/screnc.h"

#define CASE(in_, out_)                                                                            \
    { in_, sizeof(in_) - 1, out_, sizeof(out_) - 1 }
#define TAIL "AAAAAA==^#~@"

static const struct {
    const char *in;
    size_t in_len;
    const char *out;
    size_t out_len;
} CASES[] = {
    CASE("", ""),
    CASE("plain #@~ text #@~", "plain #@~ text #@~"),
    CASE("##@~^CgAAAA==aaaaaaaaaa" TAIL "after", "#xp#xp#p##pafter"),
    /* one block alone */
    CASE("#@~^CgAAAA==aaaaaaaaaa" TAIL "#@~^CgAAAA==", "xp#xp#p##p#@~^CgAAAA=="),
    /* CR, LF and NUL count nowhere */
    CASE("#@~^CgAAAA==aa\r\naa\0aaaaaa" TAIL, "xp#xp#p##p"),
    CASE("#@~^DAAAAA==@!@*@#@&@$@x" TAIL, "<>\r\n@\xff"),
    /* pairs: one off the length, none of the sequence */
    CASE("#@~^BAAAAA==a\xe4na\x80x" TAIL "z", "x\xe4np\x80xz"),
    /* a length that ends in an escape never ends */
    CASE("#@~^AQAAAA==@!aaa", "<p#x"),
    /* a tail that is none */
    CASE("#@~^AgAAAA==aashort", "xpshort"),
    CASE("#@~^AAAAAA==" TAIL "x", "x"),
};

static void test_cases_in_every_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        for (size_t cut = 0; cut <= CASES[i].in_len; cut++) {
            struct sk_screnc d = {0};
            uint8_t out[128];
            const uint8_t *in = (const uint8_t *)CASES[i].in;
            size_t len = sk_screnc_feed(&d, in, cut, out);
            len += sk_screnc_feed(&d, in + cut, CASES[i].in_len - cut, out + len);
            len += sk_screnc_finish(&d, out + len);
            assert_int_equal(len, CASES[i].out_len);
            assert_memory_equal(out, CASES[i].out, len);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases_in_every_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
