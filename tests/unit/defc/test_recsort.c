// SPDX-License-Identifier: Apache-2.0
/* The radix sort against qsort, on random and on chosen records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "defc/recsort.h"

static uint64_t seed = 1;

static uint8_t rnd(void) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint8_t)(seed >> 56);
}

static size_t width;

static int compare(const void *a, const void *b) {
    return memcmp(a, b, width);
}

static void check(size_t count, size_t bytes, uint8_t mask, size_t alike) {
    uint8_t *a = mem_alloc(count * bytes + 1);
    uint8_t *b = mem_alloc(count * bytes + 1);
    assert_true(a != NULL && b != NULL);
    for (size_t i = 0; i < count * bytes; i++) {
        a[i] = i % bytes < alike ? 7 : rnd() & mask;
    }
    memcpy(b, a, count * bytes);
    width = bytes;
    qsort(b, count, bytes, compare);
    recsort(a, count, bytes);
    assert_memory_equal(a, b, count * bytes);
    mem_free(a);
    mem_free(b);
}

static void it_sorts_like_qsort(void **state) {
    (void)state;
    static const size_t counts[] = {0, 1, 2, 23, 24, 25, 26, 255, 256, 1000, 50000};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        check(counts[i], 24, 0xff, 0);
        check(counts[i], 40, 0xff, 0);
        check(counts[i], 24, 0x01, 0);
        check(counts[i], 24, 0xff, 23);
        check(counts[i], 40, 0x03, 30);
        check(counts[i], RECSORT_RECORD_MAX, 0xff, RECSORT_RECORD_MAX - 1);
        check(counts[i], 24, 0x00, 0);
        check(counts[i], 1, 0xff, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_sorts_like_qsort)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
