// SPDX-License-Identifier: Apache-2.0
/* Layer stores: memory, spool, waiting, ceilings, failures. Budgets: zero means the maximum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "engine/budget.h"
#include "engine/store.h"
#include "os/fault.h"
#include "os/file.h"

static uint8_t pattern(uint64_t off, unsigned seed) {
    return (uint8_t)(off * 7 + (off >> 9) + seed);
}

static sk_err fill(struct store *st, uint64_t bytes, unsigned seed) {
    while (st->len < bytes) {
        uint8_t *ptr;
        size_t cap;
        TRY(store_room(st, &ptr, &cap));
        assert_true(cap >= 64 * 1024);
        size_t n = cap < bytes - st->len ? cap : (size_t)(bytes - st->len);
        for (size_t i = 0; i < n; i++) {
            ptr[i] = pattern(st->len + i, seed);
        }
        TRY(store_put(st, n));
    }
    return sk_ok();
}

static void check(struct store *st, uint64_t bytes, unsigned seed) {
    struct sk_source src;
    store_source(st, &src);
    assert_int_equal(src.size, bytes);
    for (uint64_t off = 0; off < bytes; off += 1021) {
        size_t avail;
        const uint8_t *p = sk_source_at(&src, off, 1, &avail);
        assert_non_null(p);
        assert_int_equal(p[0], pattern(off, seed));
    }
    sk_source_release(&src);
}

static void test_sizes_in_memory_and_in_the_spool(void **state) {
    (void)state;
    static const uint64_t SIZE[] = {0, 1, 65536, 262144, 262145, 1 << 20, (9 << 20) + 5};
    FILE_AUTO int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &fd)));
    for (unsigned spool = 0; spool < 2; spool++) {
        struct store_pool pool;
        store_pool_init(&pool, spool ? fd : -1, 64 << 20);
        for (size_t i = 0; i < sizeof(SIZE) / sizeof(SIZE[0]); i++) {
            struct store st;
            store_begin(&st, &pool);
            assert_false(sk_failed(fill(&st, SIZE[i], (unsigned)i)));
            assert_int_equal(st.spooled, spool == 1 && SIZE[i] > STORE_MEMORY_BYTES);
            check(&st, SIZE[i], (unsigned)i);
            assert_false(sk_failed(store_keep(&st)));
            check(&st, SIZE[i], (unsigned)i);
            store_release(&st);
        }
        assert_int_equal(pool.kept, 0);
        assert_int_equal(pool.end, 0);
        store_pool_trim(&pool);
        assert_true(pool.held <= 2 << 20);
        store_pool_release(&pool);
        assert_int_equal(pool.held, 0);
    }
}

/* Many wait at once; memory for them stays bounded, the rest goes to the spool file. */
static void test_waiting_stores(void **state) {
    (void)state;
    enum { COUNT = 40 };
    FILE_AUTO int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &fd)));
    struct store_pool pool;
    store_pool_init(&pool, fd, 64 << 20);
    struct store st[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        store_begin(&st[i], &pool);
        assert_false(sk_failed(fill(&st[i], 700000 + i, i)));
        assert_false(sk_failed(store_keep(&st[i])));
        assert_true(pool.kept <= STORE_KEPT_BYTES);
    }
    assert_true(pool.spooled > 20);
    for (unsigned i = 0; i < COUNT; i++) {
        check(&st[i], 700000 + i, i);
    }
    for (unsigned i = 0; i < COUNT; i += 2) {
        store_release(&st[i]);
    }
    for (unsigned i = 1; i < COUNT; i += 2) {
        check(&st[i], 700000 + i, i);
    }
    for (unsigned i = 1; i < COUNT; i += 2) {
        store_release(&st[i]);
    }
    assert_int_equal(pool.spooled, 0);
    assert_int_equal(pool.end, 0);
    assert_int_equal(pool.kept, 0);
    store_pool_release(&pool);
    assert_int_equal(pool.held, 0);
}

/* A layer that turns out large gives its buffer back; one told to stay goes on in memory, so
 * several may grow by turns. */
static void test_large_ones_shrink_or_stay(void **state) {
    (void)state;
    enum { COUNT = 3, TURNS = 3 };
    FILE_AUTO int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &fd)));
    struct store_pool pool;
    store_pool_init(&pool, fd, 128 << 20);
    struct store st[COUNT];
    store_begin(&st[0], &pool);
    assert_false(sk_failed(fill(&st[0], STORE_MEMORY_BYTES - 1, 1)));
    assert_true(pool.held <= STORE_MEMORY_BYTES);
    assert_false(sk_failed(fill(&st[0], STORE_MEMORY_BYTES + (1 << 20), 1)));
    assert_true(st[0].spooled);
    assert_true(pool.held <= 1 << 20);
    check(&st[0], STORE_MEMORY_BYTES + (1 << 20), 1);
    store_release(&st[0]);
    for (unsigned i = 0; i < COUNT; i++) {
        store_begin(&st[i], &pool);
        st[i].stays = true;
    }
    for (unsigned turn = 1; turn <= TURNS; turn++) {
        for (unsigned i = 0; i < COUNT; i++) {
            assert_false(sk_failed(fill(&st[i], turn * STORE_MEMORY_BYTES / 2 + 1, i)));
        }
    }
    for (unsigned i = 0; i < COUNT; i++) {
        assert_false(st[i].spooled);
        check(&st[i], TURNS * STORE_MEMORY_BYTES / 2 + 1, i);
        store_release(&st[i]);
    }
    store_pool_release(&pool);
    assert_int_equal(pool.held, 0);
}

/* What comes at once may stay in memory with what it comes from; more than was told goes on to the
 * spool. */
static void test_room_for_what_comes_at_once(void **state) {
    (void)state;
    FILE_AUTO int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &fd)));
    struct store_pool pool;
    store_pool_init(&pool, fd, 64 << 20);
    uint64_t told = STORE_MEMORY_BYTES + (1 << 20);
    static const struct {
        uint64_t packed, more;
        bool spooled;
    } rows[] = {{1 << 20, 0, false},
                {STORE_AT_ONCE_BYTES - STORE_MEMORY_BYTES, 0, true},
                {UINT64_MAX, 0, true},
                {1 << 20, 1 << 20, true}};
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct store st;
        store_begin(&st, &pool);
        store_expect_at_once(&st, told, rows[i].packed);
        assert_false(sk_failed(fill(&st, told + rows[i].more, i)));
        assert_int_equal(st.spooled, rows[i].spooled);
        check(&st, told + rows[i].more, i);
        store_release(&st);
        store_pool_trim(&pool);
        assert_true(pool.held <= 2 << 20 && (i > 0 || pool.held == 2 << 20));
    }
    store_pool_release(&pool);
}

static void test_ceiling_keeps_what_was_stored(void **state) {
    (void)state;
    struct store_pool pool;
    store_pool_init(&pool, -1, 1 << 20);
    struct store st;
    store_begin(&st, &pool);
    assert_int_equal(fill(&st, 4 << 20, 3).code, SK_E_LIMIT);
    assert_true(st.len > 512 * 1024);
    assert_true(pool.held <= 1 << 20);
    check(&st, st.len, 3);
    store_release(&st);
    store_pool_release(&pool);
}

static void test_failures(void **state) {
    (void)state;
    FILE_AUTO int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &fd)));
    struct store_pool pool;
    store_pool_init(&pool, fd, 64 << 20);
    pool.memory_bytes = 1;
    struct store st;
    store_begin(&st, &pool);
    os_fault_set(2);
    assert_int_equal(fill(&st, 4 << 20, 3).code, SK_E_IO);
    os_fault_set(0);
    check(&st, st.len, 3);
    store_release(&st);
    store_pool_release(&pool);
    store_begin(&st, &pool);
    mem_fault_set(1);
    assert_int_equal(fill(&st, 100, 3).code, SK_E_NOMEM);
    mem_fault_set(0);
    assert_false(sk_failed(fill(&st, 100, 3)));
    mem_fault_set(1);
    assert_int_equal(store_keep(&st).code, SK_E_NOMEM);
    mem_fault_set(0);
    check(&st, 100, 3);
    store_release(&st);
    store_pool_release(&pool);
    assert_int_equal(pool.held, 0);
}

static uint64_t now;
static uint64_t test_clock(void) {
    return now;
}

static void test_budget(void **state) {
    (void)state;
    struct sk_limits none = {0};
    struct budget b;
    budget_init(&b, &none);
    b.now_ms = test_clock;
    budget_start(&b);
    assert_int_equal(b.limits.max_recursion, BUDGET_RECURSION_MAX);
    assert_true(b.limits.max_file_size > (uint64_t)1 << 40);
    now = (uint64_t)10 * 86400 * 1000;
    assert_true(budget_time_left(&b));
    none.max_scan_time = 1000;
    none.max_scan_size = 100;
    none.max_ratio = 10;
    none.max_recursion = 5000;
    budget_init(&b, &none);
    b.now_ms = test_clock;
    budget_start(&b);
    assert_int_equal(b.limits.max_recursion, BUDGET_RECURSION_MAX);
    now += 999;
    assert_true(budget_time_left(&b));
    now++;
    assert_false(budget_time_left(&b));
    now -= 10; /* over stays over */
    assert_false(budget_time_left(&b));
    b.bytes = 40;
    assert_int_equal(budget_bytes_left(&b), 60);
    b.bytes = 140;
    assert_int_equal(budget_bytes_left(&b), 0);
    assert_false(budget_ratio_over(&b, BUDGET_RATIO_FROM, 0));
    assert_true(budget_ratio_over(&b, BUDGET_RATIO_FROM + 1, 0));
    assert_false(budget_ratio_over(&b, BUDGET_RATIO_FROM * 2, BUDGET_RATIO_FROM / 5));
    assert_true(budget_ratio_over(&b, BUDGET_RATIO_FROM * 2, BUDGET_RATIO_FROM / 6));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_in_memory_and_in_the_spool),
        cmocka_unit_test(test_waiting_stores),
        cmocka_unit_test(test_large_ones_shrink_or_stay),
        cmocka_unit_test(test_room_for_what_comes_at_once),
        cmocka_unit_test(test_ceiling_keeps_what_was_stored),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
