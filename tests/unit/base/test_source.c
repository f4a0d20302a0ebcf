// SPDX-License-Identifier: Apache-2.0
/* Sources: memory, slices, windows behind a read function, failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/source.h"

struct pattern_ctx {
    uint64_t fail_from; /* reads that touch this offset or later fail */
};

static uint8_t pattern(uint64_t off) {
    return (uint8_t)(off * 31 + (off >> 11));
}

static sk_err pattern_read(void *ctx, uint64_t off, void *buf, size_t len) {
    struct pattern_ctx *p = ctx;
    if (off + len > p->fail_from) {
        return sk_fail(SK_E_IO);
    }
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)buf)[i] = pattern(off + i);
    }
    return sk_ok();
}

static void test_windows_serve_every_offset(void **state) {
    (void)state;
    struct pattern_ctx ctx = {UINT64_MAX};
    struct sk_source s;
    uint64_t size = 3 * SK_SOURCE_WINDOW_BYTES + 777;
    sk_source_init_read(&s, size, pattern_read, &ctx);
    for (uint64_t off = 0; off < size; off += 4093) {
        size_t avail;
        const uint8_t *p = sk_source_at(&s, off, 9000, &avail);
        assert_non_null(p);
        assert_true(avail >= 9000 || off + avail == size);
        assert_int_equal(p[0], pattern(off));
        assert_int_equal(p[avail - 1], pattern(off + avail - 1));
    }
    size_t avail = 1;
    assert_null(sk_source_at(&s, size, 1, &avail));
    assert_int_equal(avail, 0);
    assert_false(sk_failed(s.failed));
    sk_source_release(&s);
}

/* Less of a window is filled, and what is promised is there all the same. */
static void test_windows_that_are_not_filled(void **state) {
    (void)state;
    struct pattern_ctx ctx = {UINT64_MAX};
    struct sk_source s;
    uint64_t size = SK_SOURCE_WINDOW_BYTES + 777;
    sk_source_init_read(&s, size, pattern_read, &ctx);
    s.fill = SK_SOURCE_WANT_MAX + 4096;
    for (uint64_t off = 0; off < size; off += 4093) {
        size_t avail;
        const uint8_t *p = sk_source_at(&s, off, SK_SOURCE_WANT_MAX, &avail);
        assert_non_null(p);
        assert_true(avail <= s.fill);
        assert_true(avail >= SK_SOURCE_WANT_MAX || off + avail == size);
        assert_int_equal(p[0], pattern(off));
        assert_int_equal(p[avail - 1], pattern(off + avail - 1));
    }
    sk_source_release(&s);
}

static void test_failed_read_is_sticky(void **state) {
    (void)state;
    struct pattern_ctx ctx = {SK_SOURCE_WINDOW_BYTES};
    struct sk_source s;
    sk_source_init_read(&s, 2 * SK_SOURCE_WINDOW_BYTES, pattern_read, &ctx);
    size_t avail;
    assert_non_null(sk_source_at(&s, 0, 1, &avail));
    assert_null(sk_source_at(&s, SK_SOURCE_WINDOW_BYTES, 1, &avail));
    assert_int_equal(s.failed.code, SK_E_IO);
    assert_null(sk_source_at(&s, 0, 1, &avail));
    sk_source_release(&s);
}

static void test_slice_is_clipped(void **state) {
    (void)state;
    struct pattern_ctx ctx = {UINT64_MAX};
    struct sk_source parent, slice;
    sk_source_init_read(&parent, 10000, pattern_read, &ctx);
    sk_source_init_slice(&slice, &parent, 9000, 5000);
    assert_int_equal(slice.size, 1000);
    uint8_t buf[2000];
    size_t got;
    assert_false(sk_failed(sk_source_read(&slice, 0, buf, sizeof(buf), &got)));
    assert_int_equal(got, 1000);
    assert_int_equal(buf[0], pattern(9000));
    assert_int_equal(buf[999], pattern(9999));
    sk_source_release(&slice);
    sk_source_release(&parent);
}

static void test_allocation_failure_is_reported(void **state) {
    (void)state;
    struct pattern_ctx ctx = {UINT64_MAX};
    struct sk_source s;
    sk_source_init_read(&s, 10, pattern_read, &ctx);
    mem_fault_set(1);
    size_t avail;
    assert_null(sk_source_at(&s, 0, 1, &avail));
    assert_int_equal(s.failed.code, SK_E_NOMEM);
    mem_fault_set(0);
    sk_source_release(&s);
}

struct lender {
    const uint8_t *bytes;
    uint64_t lost_from;
    unsigned calls;
};

static const uint8_t *lend(void *ctx, uint64_t off, size_t len) {
    struct lender *l = ctx;
    assert_true(len <= SK_SOURCE_WINDOW_BYTES);
    l->calls++;
    return off + len > l->lost_from ? NULL : l->bytes + off;
}

/* The same bytes as in memory, in windows, none of them copied. */
static void test_lent_windows(void **state) {
    (void)state;
    size_t size = 2 * SK_SOURCE_WINDOW_BYTES + 777;
    uint8_t *bytes = mem_alloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = pattern(i);
    }
    struct lender l = {bytes, UINT64_MAX, 0};
    struct sk_source s;
    mem_fault_set(1); /* nothing is allocated */
    sk_source_init_lend(&s, size, lend, &l);
    for (uint64_t off = 0; off < size; off += 4093) {
        size_t avail;
        const uint8_t *p = sk_source_at(&s, off, 9000, &avail);
        assert_ptr_equal(p, bytes + off);
        assert_true(avail >= 9000 || off + avail == size);
    }
    assert_int_equal(mem_fault_seen(), 0);
    mem_fault_set(0);
    assert_int_equal(l.calls, 3);
    l.lost_from = 1;
    size_t avail;
    assert_null(sk_source_at(&s, 0, 1, &avail));
    assert_int_equal(s.failed.code, SK_E_IO);
    sk_source_release(&s);
    mem_free(bytes);
}

static void test_stream_reads_range(void **state) {
    (void)state;
    uint8_t data[100];
    for (unsigned i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)i;
    }
    struct sk_source s;
    sk_source_init_mem(&s, data, sizeof(data));
    struct sk_source_stream st;
    struct sk_stream *stream = sk_source_stream_init(&st, &s, 90, 50);
    uint8_t buf[64];
    size_t len;
    assert_false(sk_failed(sk_stream_read(stream, buf, 4, &len)));
    assert_int_equal(len, 4);
    assert_int_equal(buf[0], 90);
    assert_false(sk_failed(sk_stream_read(stream, buf, sizeof(buf), &len)));
    assert_int_equal(len, 6);
    assert_false(sk_failed(sk_stream_read(stream, buf, sizeof(buf), &len)));
    assert_int_equal(len, 0);
    sk_stream_close(stream);
    sk_source_release(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows_serve_every_offset),
        cmocka_unit_test(test_windows_that_are_not_filled),
        cmocka_unit_test(test_failed_read_is_sticky),
        cmocka_unit_test(test_slice_is_clipped),
        cmocka_unit_test(test_allocation_failure_is_reported),
        cmocka_unit_test(test_lent_windows),
        cmocka_unit_test(test_stream_reads_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
