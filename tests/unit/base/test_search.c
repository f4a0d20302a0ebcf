// SPDX-License-Identifier: Apache-2.0
/* sk_search finds what memmem finds, at every place, length and alignment, with wide vectors and
 * without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "base/search.h"

static const struct sk_needle NEEDLES[] = {
    {"ab", 2, 0}, {"begin", 5, 2}, {"begin", 5, 3}, {"aaa", 3, 1}, {"PK\5\6", 4, 2}};

/* A block of its own for each text: reading past it is seen by the sanitizer. */
static void check(const uint8_t *text, size_t len, const struct sk_needle *n) {
    uint8_t *own = mem_alloc(len + 1);
    assert_non_null(own);
    memcpy(own + 1, text, len);
    struct sk_bytes in = {own + 1, len};
    assert_ptr_equal(sk_search(in, n), memmem(own + 1, len, n->bytes, n->len));
    mem_free(own);
}

static void test_every_place(void **state) {
    (void)state;
    uint8_t text[700];
    for (size_t k = 0; k < sizeof(NEEDLES) / sizeof(NEEDLES[0]); k++) {
        const struct sk_needle *n = &NEEDLES[k];
        for (size_t len = 0; len < 640; len += len < 200 ? 1 : 11) { /* blocks of 256, too */
            memset(text, 'x', sizeof(text));
            check(text, len, n);
            for (size_t at = 0; at < len; at++) {
                /* the end of the text may cut it */
                memset(text, 'x', sizeof(text));
                memcpy(text + at, n->bytes, n->len);
                check(text, len, n);
            }
        }
    }
}

/* Few different bytes, so that pairs and beginnings of needles are everywhere. */
static void test_random(void **state) {
    (void)state;
    static const char LETTERS[] = "abeginPK\5\6";
    uint32_t seed = 7;
    uint8_t text[700];
    for (unsigned round = 0; round < 3000; round++) {
        size_t len = 0;
        size_t letters = 2 + round % (sizeof(LETTERS) - 2);
        for (; len < sizeof(text) && len < round / 4; len++) {
            seed = seed * 1664525u + 1013904223u;
            text[len] = (uint8_t)LETTERS[(seed >> 16) % letters];
        }
        check(text, len, &NEEDLES[round % (sizeof(NEEDLES) / sizeof(NEEDLES[0]))]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_place),
                                       cmocka_unit_test(test_random)};
    int failed = cmocka_run_group_tests_name("widest", tests, NULL, NULL);
    if (setenv("SEKISHO_VECTORS", "scalar", 1) != 0) {
        return 1;
    }
    (void)cpu_features_ask();
    return failed + cmocka_run_group_tests_name("scalar", tests, NULL, NULL);
}
