// SPDX-License-Identifier: Apache-2.0
/* mem_expect is advice: whatever it is told, blocks are as before, zeroed ones of zeros. And a
 * block that grows out of what mem_keep allows keeps its contents, though its old pages go
 * meanwhile; and what was large and shrank does not count as large for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

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

static uint8_t at(size_t i) {
    return (uint8_t)(i * 31 >> 7);
}

static void contents_outgrow_the_budget(void **state) {
    (void)state;
    const size_t first = ((size_t)3 << 20) + 777, last = (size_t)20 << 20;
    mem_keep((size_t)4 << 20);
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

/* Does a freed block of 1 MiB keep its pages? */
static bool keeps(void) {
    const size_t bytes = (size_t)1 << 20, page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *block = mem_alloc(bytes);
    assert_non_null(block);
    memset(block, 1, bytes);
    void *inside = block + (page - (uintptr_t)block % page);
    mem_free(block);
    unsigned char is_there = 0;
    return mincore(inside, page, &is_there) == 0 && (is_there & 1) != 0;
}

static void what_shrinks_is_not_counted(void **state) {
    (void)state;
    bool kept = keeps();
    for (unsigned i = 0; i < 5; i++) {
        void *block = mem_zalloc((size_t)3 << 20, 1); /* beside what is kept */
        assert_non_null(block);
        block = mem_realloc(block, 100);
        assert_non_null(block);
        mem_free(block);
    }
    assert_int_equal(keeps(), kept);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_as_before),
        cmocka_unit_test(it_is_no_allocation_of_ours),
        cmocka_unit_test(contents_outgrow_the_budget), /* of the process, from here on */
        cmocka_unit_test(what_shrinks_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
