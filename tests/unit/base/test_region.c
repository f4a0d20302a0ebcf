// SPDX-License-Identifier: Apache-2.0
/* Region: blocks keep apart and keep their bytes, the budget holds, pages are kept and given back;
 * and mem_* on top of it, the n-th allocation failing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/region.h"

#define PAGE REGION_PAGE_BYTES
#define BUDGET ((size_t)512 * PAGE)

static struct region *opened(void) {
    static struct region region;
    if (sysconf(_SC_PAGESIZE) != (long)PAGE) {
        skip(); /* closed there */
    }
    if (region.base != NULL) {
        assert_int_equal(munmap(region.base, REGION_PAGES * PAGE), 0);
    }
    region = (struct region){0};
    assert_true(region_open(&region, BUDGET));
    return &region;
}

/* Runs follow each other without a gap, free ones never two in a row, and counts are right. */
static void check(const struct region *r) {
    size_t used = 0, kept = 0;
    bool was_free = false;
    for (uint32_t at = 0; at < REGION_PAGES;) {
        uint32_t len = r->run[at] & 0x7fffu;
        bool is_free = r->run[at] == len;
        assert_true(len > 0 && at + len <= REGION_PAGES);
        assert_int_equal(r->run[at + len - 1], r->run[at]);
        assert_false(is_free && was_free);
        assert_false(is_free && at < r->first);
        for (uint32_t i = at; i < at + len; i++) {
            bool warm = (r->warm[i / 64] >> (i % 64) & 1) != 0;
            assert_false(warm && !is_free);
            kept += warm;
        }
        used += is_free ? 0 : len;
        was_free = is_free;
        at += len;
    }
    assert_int_equal(used, r->used);
    assert_int_equal(kept, r->kept);
    assert_true(used + kept <= r->budget);
}

static void test_closed_gives_nothing(void **state) {
    (void)state;
    static struct region closed;
    int here;
    assert_null(region_alloc(&closed, 1, 0));
    assert_false(region_owns(&closed, &here));
    assert_false(region_owns(&closed, NULL));
    region_cool(&closed, 0);
}

static void test_budget_holds(void **state) {
    (void)state;
    struct region *r = opened();
    void *all = region_alloc(r, BUDGET, 0);
    assert_non_null(all);
    assert_null(region_alloc(r, 1, 0));
    assert_false(region_resize(r, all, BUDGET + 1, false));
    region_free(r, all);
    assert_int_equal(r->kept, BUDGET / PAGE);
    check(r);
    assert_null(region_alloc(r, BUDGET + 1, 0));
    assert_null(region_alloc(r, 0, 0));
    assert_null(region_alloc(r, SIZE_MAX, 0));
    all = region_alloc(r, BUDGET, 0);
    assert_int_equal(r->kept, 0);
    assert_false(region_resize(r, all, 0, false));
    assert_false(region_resize(r, all, SIZE_MAX - PAGE, false));
    check(r);
    region_free(r, all);
}

static void test_kept_pages_hold_no_more_than_told(void **state) {
    (void)state;
    struct region *r = opened();
    uint8_t *block = region_alloc(r, 100 * PAGE, 0);
    memset(block, 0xa5, 100 * PAGE);
    region_free(r, block);
    region_cool(r, 40);
    assert_int_equal(r->kept, 40);
    check(r);
    uint8_t *again = region_alloc(r, 100 * PAGE, 0);
    assert_ptr_equal(again, block);
    assert_int_equal(again[39 * PAGE], 0xa5);
    assert_int_equal(again[40 * PAGE], 0); /* from the top, and really */
    region_free(r, again);
    region_cool(r, 0);
    check(r);
    unsigned char in_memory[100];
    assert_int_equal(mincore(block, 100 * PAGE, in_memory), 0);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(in_memory[i] & 1, 0);
    }
}

/* Of two runs the one in memory is taken, though it lies behind. */
static void test_kept_pages_go_first(void **state) {
    (void)state;
    struct region *r = opened();
    void *first = region_alloc(r, 10 * PAGE, 0), *wall = region_alloc(r, 1, 0);
    void *second = region_alloc(r, 10 * PAGE, 0), *top = region_alloc(r, 1, 0);
    region_free(r, first);
    region_cool(r, 0);
    region_free(r, second);
    assert_ptr_equal(region_alloc(r, 10 * PAGE, 0), second);
    assert_ptr_equal(region_alloc(r, 10 * PAGE, 0), first);
    check(r);
    region_free(r, wall);
    region_free(r, top);
    check(r);
}

static size_t in_memory(uint8_t *from, size_t pages) {
    unsigned char is[256];
    size_t count = 0;
    assert_true(pages <= sizeof(is));
    assert_int_equal(mincore(from, pages * PAGE, is), 0);
    for (size_t i = 0; i < pages; i++) {
        count += is[i] & 1;
    }
    return count;
}

/* Only the pages come that are likely to be written to, and they do. */
static void test_sure_pages_come_at_once(void **state) {
    (void)state;
    struct region *r = opened();
    if (in_memory(region_alloc(r, PAGE, PAGE), 1) == 0) {
        skip(); /* before Linux 5.14 */
    }
    uint8_t *block = region_alloc(r, 32 * PAGE, 10 * PAGE);
    assert_int_equal(in_memory(block, 10), 10);
    assert_int_equal(in_memory(block + 10 * PAGE, 22), 0);
    assert_true(region_resize(r, block, 40 * PAGE, true));
    assert_int_equal(in_memory(block + 32 * PAGE, 8), 8);
    assert_true(region_resize(r, block, 48 * PAGE, false));
    assert_int_equal(in_memory(block + 40 * PAGE, 8), 0);
    check(r);
}

static uint32_t next(uint32_t *seed) {
    return *seed = *seed * 1664525u + 1013904223u;
}

#define BLOCKS 40

struct block {
    uint8_t *ptr;
    size_t len;
    uint8_t fill;
};

static void assert_filled(const struct block *b, size_t len) {
    for (size_t i = 0; i < len; i += 97) {
        assert_int_equal(b->ptr[i], b->fill);
    }
    assert_int_equal(b->ptr[len - 1], b->fill);
}

static void step(struct region *r, struct block *b, uint32_t *seed) {
    size_t len = 1 + next(seed) % (next(seed) % 8 == 0 ? 200 * PAGE : 9 * PAGE);
    if (b->ptr == NULL) {
        *b = (struct block){region_alloc(r, len, 0), len, (uint8_t)next(seed)};
    } else if (next(seed) % 2 == 0) {
        assert_filled(b, b->len);
        region_free(r, b->ptr);
        b->ptr = NULL;
    } else if (region_resize(r, b->ptr, len, false)) {
        assert_filled(b, b->len < len ? b->len : len);
        b->len = len;
    }
    if (b->ptr != NULL) {
        assert_int_equal((uintptr_t)b->ptr % 64, 0);
        assert_true(region_owns(r, b->ptr) && region_usable(r, b->ptr) >= b->len);
        memset(b->ptr, b->fill, b->len);
    }
}

static void test_any_order(void **state) {
    (void)state;
    struct region *r = opened();
    struct block block[BLOCKS] = {0};
    uint32_t seed = 1;
    for (unsigned i = 0; i < 4000; i++) {
        step(r, &block[(next(&seed) >> 8) % BLOCKS], &seed);
        if (i % 50 == 0) {
            region_cool(r, next(&seed) % 512);
        }
        if (i % 10 == 0) {
            check(r);
        }
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (block[i].ptr != NULL) {
            assert_filled(&block[i], block[i].len);
            region_free(r, block[i].ptr);
        }
    }
    check(r);
    assert_int_equal(r->used, 0);
}

static void free_twice(struct region *r) {
    void *block = region_alloc(r, 3 * PAGE, 0);
    region_free(r, block);
    region_free(r, block);
}

static void free_the_middle(struct region *r) {
    uint8_t *block = region_alloc(r, 3 * PAGE, 0);
    region_free(r, block + PAGE);
}

/* Its run became a part of a longer one. */
static void free_twice_between_free_runs(struct region *r) {
    void *below = region_alloc(r, 3 * PAGE, 0), *block = region_alloc(r, 3 * PAGE, 0);
    region_free(r, below);
    region_free(r, block);
    region_free(r, block);
}

/* There is another block now, over both. */
static void free_what_a_block_covers(struct region *r) {
    void *below = region_alloc(r, 3 * PAGE, 0), *block = region_alloc(r, 3 * PAGE, 0);
    region_free(r, below);
    region_free(r, block);
    void *both = region_alloc(r, 6 * PAGE, 0);
    region_free(r, both == below ? block : NULL);
}

/* Where the old end was, and as far behind it as it tells, the end of another. */
static void free_what_a_block_grew_over(struct region *r) {
    uint8_t *block = region_alloc(r, 3 * PAGE, 0);
    bool grown = region_resize(r, block, 4 * PAGE, false);
    void *behind = region_alloc(r, 3 * PAGE, 0);
    region_free(r, grown && behind != NULL ? block + 2 * PAGE : NULL);
}

static void test_wrong_pointers_end_the_process(void **state) {
    (void)state;
    static void (*const wrong[])(struct region *) = {
        free_twice, free_the_middle, free_twice_between_free_runs, free_what_a_block_covers,
        free_what_a_block_grew_over};
    struct region *r = opened();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            (void)signal(SIGABRT, SIG_DFL);
            wrong[i](r);
            _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

/* ---- mem.h ----------------------------------------------------------------------------------- */

static void fill_and_free(void *block, size_t len) {
    assert_non_null(block);
    memset(block, 0x5a, len);
    mem_free(block);
}

static void *grown(void *block, size_t from, size_t to) {
    uint8_t *more = mem_realloc(block, to);
    assert_non_null(more);
    for (size_t i = 0; i < (from < to ? from : to); i += 61) {
        assert_int_equal(more[i], 0x77);
    }
    memset(more, 0x77, to);
    return more;
}

/* From the heap into the region, within it, out of it, and back. */
static void test_blocks_move_with_their_bytes(void **state) {
    (void)state;
    static const size_t LEN[] = {100,     20000,  300000,  90000, 2000000, 3000000,
                                 9000000, 100000, 5000000, 10,    70000,   1};
    void *other = mem_alloc(50000);
    size_t had = 50;
    uint8_t *block = mem_alloc(had);
    assert_non_null(block);
    memset(block, 0x77, had);
    for (size_t i = 0; i < sizeof(LEN) / sizeof(LEN[0]); i++) {
        block = grown(block, had, LEN[i]);
        had = LEN[i];
        if (i % 3 == 0) {
            fill_and_free(other, 50000);
            other = mem_alloc(50000);
        }
    }
    fill_and_free(block, had);
    fill_and_free(other, 50000);
    fill_and_free(mem_realloc(NULL, 40000), 40000);
    fill_and_free(mem_realloc(NULL, 400), 400);
    fill_and_free(mem_zalloc(40000, 2), 80000);
    mem_trim();
}

static void test_the_nth_fails(void **state) {
    (void)state;
    uint8_t *block = mem_alloc(20000);
    assert_non_null(block);
    memset(block, 0x77, 20000);
    mem_fault_set(1);
    assert_null(mem_realloc(block, 4000000));
    assert_int_equal(block[19999], 0x77);
    mem_free(block);
    mem_fault_set(2);
    block = mem_alloc(20000);
    assert_null(mem_alloc(20000));
    assert_int_equal(mem_fault_seen(), 2);
    mem_fault_set(0);
    mem_free(block);
    assert_null(mem_alloc(0));
    assert_null(mem_alloc(MEM_MAX_BYTES + 1));
}

static int keep(void **state) {
    (void)state;
    mem_keep((size_t)4 << 20);
    mem_keep((size_t)4 << 20); /* once */
    return 0;
}

int main(void) {
    const struct CMUnitTest of_region[] = {
        cmocka_unit_test(test_closed_gives_nothing),
        cmocka_unit_test(test_budget_holds),
        cmocka_unit_test(test_kept_pages_hold_no_more_than_told),
        cmocka_unit_test(test_kept_pages_go_first),
        cmocka_unit_test(test_sure_pages_come_at_once),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_wrong_pointers_end_the_process),
    };
    const struct CMUnitTest of_mem[] = {
        cmocka_unit_test(test_blocks_move_with_their_bytes),
        cmocka_unit_test(test_the_nth_fails),
    };
    int failed = cmocka_run_group_tests(of_region, NULL, NULL);
    failed += cmocka_run_group_tests(of_mem, NULL, NULL); /* as in processes that do not scan */
    return failed + cmocka_run_group_tests(of_mem, keep, NULL);
}
