// SPDX-License-Identifier: Apache-2.0
/* struct map: everything put is found again, nothing else is, through growth and equal hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/map.h"
#include "base/mem.h"

static bool equal_u64(void *ctx, uint32_t value) {
    return *(const uint32_t *)ctx == value;
}

static void finds_what_was_put(void **state) {
    (void)state;
    struct map m = {0};
    for (uint32_t i = 0; i < 10000; i++) {
        assert_false(sk_failed(map_put(&m, map_hash(&i, sizeof(i)), i)));
    }
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t got = map_get(&m, map_hash(&i, sizeof(i)), equal_u64, &i);
        assert_int_equal(got, i < 10000 ? i : MAP_NONE);
    }
    map_release(&m);
    uint32_t zero = 0;
    assert_int_equal(map_get(&m, 1, equal_u64, &zero), MAP_NONE);
}

static void equal_hashes_are_told_apart(void **state) {
    (void)state;
    struct map m = {0};
    for (uint32_t i = 0; i < 100; i++) {
        assert_false(sk_failed(map_put(&m, 42, i)));
    }
    for (uint32_t i = 0; i < 101; i++) {
        assert_int_equal(map_get(&m, 42, equal_u64, &i), i < 100 ? i : MAP_NONE);
    }
    map_release(&m);
}

static void hash_sees_every_byte_and_the_length(void **state) {
    (void)state;
    uint8_t text[40] = {0};
    for (size_t len = 0; len < sizeof(text); len++) {
        assert_true(map_hash(text, len) != map_hash(text, len + 1 - 2 * (len == 39)));
        for (size_t i = 0; i < len; i++) {
            uint64_t before = map_hash(text, len);
            text[i] = 1;
            assert_true(map_hash(text, len) != before);
            text[i] = 0;
        }
    }
}

static void a_failed_put_changes_nothing(void **state) {
    (void)state;
    struct map m = {0};
    mem_fault_set(1);
    assert_int_equal(map_put(&m, 1, 1).code, SK_E_NOMEM);
    mem_fault_set(0);
    assert_int_equal(m.count, 0);
    assert_false(sk_failed(map_put(&m, 1, 1)));
    map_release(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_put),
        cmocka_unit_test(equal_hashes_are_told_apart),
        cmocka_unit_test(hash_sees_every_byte_and_the_length),
        cmocka_unit_test(a_failed_put_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
