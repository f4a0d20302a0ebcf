// SPDX-License-Identifier: Apache-2.0
/* mem_expect is advice: whatever it is told, blocks are as before, zeroed ones of zeros. And a
 * block that grows out of what mem_keep allows keeps its contents, though its old pages go
 * meanwhile; and what is kept is what the budget leaves: no block counts twice, or for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sanitized.h"

static void blocks_are_as_before(void **state) {
    (void)state;
    static const size_t SIZES[] = {0, 1, 4095, 4097, 100000, (size_t)3 << 20, (size_t)64 << 20};
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        mem_expect(SIZES[i]);
        uint8_t *dirty = mem_alloc(50000);
        assert_non_null(dirty);
        memset(dirty, 0xa5, 50000);
        mem_free(dirty);
        uint8_t *zeros = mem_zalloc(60000, 1);
        assert_non_null(zeros);
        for (size_t k = 0; k < 60000; k++) {
            assert_int_equal(zeros[k], 0);
        }
        mem_free(zeros);
    }
}

/* Tests that refuse the n-th allocation do not count it. */
static void it_is_no_allocation_of_ours(void **state) {
    (void)state;
    mem_fault_set(1);
    mem_expect(10000);
    assert_int_equal(mem_fault_seen(), 0);
    assert_null(mem_alloc(1));
    mem_fault_set(0);
}

#define BUDGET ((size_t)4 << 20)
#define KIB ((size_t)1 << 10)

/* As in a process that was forked from one with much at the end of its heap, which is cut off
 * afterwards: the heap ends below where it began. */
static void begin_with_a_heap(void) {
    static void *block[8192];
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 20); /* which sanitizers do not have */
    (void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
    for (size_t i = 0; i < 8192; i++) {
        block[i] = malloc(1000);
        assert_non_null(block[i]);
    }
    mem_keep(BUDGET);
    for (size_t i = 0; i < 8192; i++) {
        free(block[i]);
    }
    (void)malloc_trim(0);
}

static uint8_t at(size_t i) {
    return (uint8_t)(i * 31 >> 7);
}

static void contents_outgrow_the_budget(void **state) {
    (void)state;
    const size_t first = ((size_t)3 << 20) + 777, last = (size_t)20 << 20;
    begin_with_a_heap();
    uint8_t *block = mem_alloc(first);
    assert_non_null(block);
    for (size_t i = 0; i < first; i++) {
        block[i] = at(i);
    }
    for (size_t bytes = first; bytes < last; bytes += (size_t)5 << 20) {
        block = mem_realloc(block, bytes);
        assert_non_null(block);
        for (size_t i = 0; i < first; i++) {
            assert_int_equal(block[i], at(i));
        }
    }
    block = mem_realloc(block, 20000);
    assert_non_null(block);
    for (size_t i = 0; i < 20000; i++) {
        assert_int_equal(block[i], at(i));
    }
    mem_free(block);
}

/* How many KiB of a block of so many stay in memory when it is freed? */
static size_t kept_of(size_t kib) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *block = mem_alloc(kib * KIB);
    assert_non_null(block);
    assert_true(mem_large_bytes() >= kib * KIB);
    memset(block, 1, kib * KIB);
    uint8_t *first = block + (page - (uintptr_t)block % page), *end = block + kib * KIB;
    mem_free(block);
    size_t kept = 0;
    for (; first + page <= end; first += page) {
        unsigned char is_there = 0;
        kept += mincore(first, page, &is_there) == 0 && (is_there & 1) != 0 ? page / KIB : 0;
    }
    return kept;
}

static bool keeps_nothing(void) {
    return SK_SANITIZED || sysconf(_SC_PAGESIZE) != 4096;
}

static void what_the_budget_leaves_is_kept(void **state) {
    (void)state;
    if (keeps_nothing()) {
        assert_int_equal(mem_large_bytes(), 0);
        skip();
    }
    assert_int_equal(mem_large_bytes(), 0);
    assert_true(kept_of(2560) >= 2560 - 8);
    void *zeros = mem_zalloc(900, KIB); /* in the heap */
    assert_non_null(zeros);
    assert_true(kept_of(2560) >= 2560 - 8);
    void *beside = mem_zalloc(2048, KIB);
    assert_non_null(beside);
    assert_true(kept_of(2560) < 2048); /* yields to the others */
    mem_free(beside);
    mem_free(zeros);
}

static void what_shrinks_is_not_counted(void **state) {
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        void *block = mem_zalloc((size_t)3 << 20, 1); /* beside what is kept */
        assert_non_null(block);
        block = mem_realloc(block, 100);
        assert_non_null(block);
        mem_free(block);
    }
    if (!keeps_nothing()) {
        assert_true(kept_of(1024) >= 1024 - 8);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_as_before),
        cmocka_unit_test(it_is_no_allocation_of_ours),
        cmocka_unit_test(contents_outgrow_the_budget), /* of the process, from here on */
        cmocka_unit_test(what_the_budget_leaves_is_kept),
        cmocka_unit_test(what_shrinks_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
