// SPDX-License-Identifier: Apache-2.0
/* Arena: alignment, ceiling, marks, clear, the n-th allocation failing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

static void test_blocks_are_aligned_and_apart(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, (size_t)1 << 20);
    uint8_t *last = NULL;
    for (size_t n = 0; n < 500; n++) {
        uint8_t *p = arena_alloc(&arena, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_true(p != last);
        memset(p, 0xa5, n);
        last = p;
    }
    arena_release(&arena);
    assert_int_equal(arena.held_bytes, 0);
}

static void test_ceiling_holds(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 100000);
    size_t got = 0;
    while (arena_alloc(&arena, 1000) != NULL) {
        got += 1000;
        assert_true(got <= 100000);
    }
    assert_true(got >= 90000);
    assert_true(arena.refused);
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_zalloc(&arena, SIZE_MAX / 2, 4));
    arena_clear(&arena);
    assert_false(arena.refused);
    assert_non_null(arena_alloc(&arena, 1000));
    arena_release(&arena);
}

static void test_small_ones_hold_little(void **state) {
    (void)state;
    struct arena arena;
    arena_init_small(&arena, 100000, 1024);
    for (unsigned i = 0; i < 8; i++) {
        assert_non_null(arena_alloc(&arena, 100));
    }
    assert_int_equal(arena.held_bytes, 1024);
    char *large = arena_zalloc(&arena, 1, 50000);
    assert_non_null(large);
    large[49999] = 1;
    assert_int_equal(arena.held_bytes, 1024 + 50000);
    while (arena_alloc(&arena, 1000) != NULL) {
        assert_true(arena.held_bytes <= 100000);
    }
    assert_true(arena.refused);
    arena_release(&arena);
}

static void test_rewind_frees_what_came_after(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, (size_t)8 << 20);
    char *kept = arena_strndup(&arena, "kept text", 4);
    assert_string_equal(kept, "kept");
    struct arena_mark mark = arena_mark(&arena);
    size_t held = arena.held_bytes;
    for (unsigned i = 0; i < 100; i++) {
        assert_non_null(arena_alloc(&arena, 50000));
    }
    arena_rewind(&arena, mark);
    assert_int_equal(arena.held_bytes, held);
    assert_string_equal(kept, "kept");
    arena_release(&arena);
}

static void test_every_failed_allocation_is_reported(void **state) {
    (void)state;
    for (uint64_t nth = 1; nth < 6; nth++) {
        struct arena arena;
        arena_init(&arena, (size_t)8 << 20);
        mem_fault_set(nth);
        unsigned refused = 0;
        for (unsigned i = 0; i < 6; i++) {
            refused += arena_alloc(&arena, 50000) == NULL;
        }
        assert_int_equal(refused, 1);
        assert_true(arena.refused);
        mem_fault_set(0);
        arena_release(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_aligned_and_apart),
        cmocka_unit_test(test_ceiling_holds),
        cmocka_unit_test(test_small_ones_hold_little),
        cmocka_unit_test(test_rewind_frees_what_came_after),
        cmocka_unit_test(test_every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
