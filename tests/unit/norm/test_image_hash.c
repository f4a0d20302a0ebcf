// SPDX-License-Identifier: Apache-2.0
/* The image hash of flat, mirrored and graded pictures, where its exact arithmetic shows: the
 * values are those of `sigtool --fuzzy-img`, ClamAV 1.4.6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "norm/image_hash.h"

typedef uint8_t grey_fn(uint32_t x, uint32_t y);

static uint64_t hash_of(uint32_t width, uint32_t height, grey_fn *grey) {
    struct image_hash h;
    uint8_t row[3 * 256];
    assert_true(width <= 256);
    assert_int_equal(image_hash_begin(&h, width, height).code, SK_OK);
    for (uint32_t y = 0; y < height + 1; y++) { /* one more than told: passed over */
        for (uint32_t x = 0; x < width; x++) {
            row[3 * x] = row[3 * x + 1] = row[3 * x + 2] = grey(x, y);
        }
        image_hash_row(&h, row);
    }
    uint64_t hash = image_hash_end(&h);
    image_hash_release(&h);
    return hash;
}

static uint8_t flat(uint32_t x, uint32_t y) {
    (void)x;
    (void)y;
    return 123;
}
static uint8_t slope(uint32_t x, uint32_t y) {
    (void)y;
    return (uint8_t)(x * 3 > 255 ? 255 : x * 3);
}
static uint8_t noise(uint32_t x, uint32_t y) {
    return (uint8_t)((x * 7 + y * 13) * (x ^ y) % 251);
}
static uint8_t checks(uint32_t x, uint32_t y) {
    return (x + y) % 2 != 0 ? 200 : 10;
}

static void known_values(void **state) {
    (void)state;
    assert_int_equal(hash_of(50, 54, flat), 0x8000000000000000);
    assert_int_equal(hash_of(1, 1, flat), 0x8000000000000000);
    assert_int_equal(hash_of(9, 42, slope), 0x8200000000000000);
    assert_int_equal(hash_of(43, 46, slope), 0x8200000000000000);
    assert_int_equal(hash_of(32, 32, slope), 0x8000000000000000);
    assert_int_equal(hash_of(200, 5, slope), 0x8000000000000000);
    assert_int_equal(hash_of(32, 32, noise), 0xdc290ec52763947e);
    assert_int_equal(hash_of(100, 3, noise), 0x883717c8e837173e);
    assert_int_equal(hash_of(7, 90, noise), 0x9976073367bc501b);
    assert_int_equal(hash_of(256, 256, noise), 0xd2e104d103cceddf);
    assert_int_equal(hash_of(33, 31, checks), 0xd0b5155a157f50b5);
    assert_int_equal(hash_of(64, 64, checks), 0x8000000000000000);
    assert_int_equal(hash_of(2, 16, checks), 0xa814a814a814a814);
}

static void failing_allocations(void **state) {
    (void)state;
    for (uint64_t nth = 1; nth <= 2; nth++) {
        struct image_hash h = {0};
        mem_fault_set(nth);
        assert_int_equal(image_hash_begin(&h, 9, 9).code, SK_E_NOMEM);
        mem_fault_set(0);
        image_hash_release(&h);
    }
    struct image_hash h = {0};
    assert_int_equal(image_hash_begin(&h, 0, 9).code, SK_E_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
