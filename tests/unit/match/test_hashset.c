// SPDX-License-Identifier: Apache-2.0
/* Hash sets: filter without false negatives, lookups at page edges, gate, hostile tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "match/hashset.h"

static uint64_t rng_state;

static uint64_t rng(void) {
    uint64_t z = rng_state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

struct built {
    struct hs_fuse_head head;
    uint8_t *fp;
};

static struct built build(const uint64_t *keys, uint32_t count) {
    struct built b;
    hs_fuse_size(count, &b.head);
    b.fp = mem_alloc(b.head.array_length + 1);
    uint64_t *copy = mem_alloc(count * sizeof(*copy) + 1);
    void *scratch = mem_alloc(hs_fuse_scratch_bytes(count));
    assert_true(b.fp != NULL && copy != NULL && scratch != NULL);
    if (count > 0) {
        memcpy(copy, keys, count * sizeof(*copy));
    }
    uint32_t length = b.head.array_length;
    assert_true(hs_fuse_build(copy, count, &b.head, b.fp, scratch));
    assert_int_equal(b.head.array_length, length);
    mem_free(copy);
    mem_free(scratch);
    return b;
}

static void test_fuse_has_no_false_negatives(void **state) {
    (void)state;
    static const uint32_t counts[] = {1, 2, 3, 4, 5, 7, 10, 33, 100, 999, 5000, 200000};
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        uint32_t n = counts[c];
        uint64_t *keys = mem_alloc(n * sizeof(*keys));
        assert_non_null(keys);
        rng_state = n;
        for (uint32_t i = 0; i < n; i++) {
            keys[i] = rng();
        }
        struct built b = build(keys, n);
        for (uint32_t i = 0; i < n; i++) {
            assert_true(hs_fuse_has(&b.head, b.fp, keys[i]));
        }
        unsigned wrong = 0;
        for (uint32_t i = 0; i < 200000; i++) {
            wrong += hs_fuse_has(&b.head, b.fp, rng());
        }
        assert_true(wrong < 2000); /* 1 %; 1/256 is expected */
        if (n == 200000) {
            assert_true(wrong > 200); /* an accept-nothing filter would be a broken test */
            assert_true(b.head.array_length < n + n / 4);
        }
        mem_free(b.fp);
        mem_free(keys);
    }
}

static void test_fuse_takes_repeats_and_is_deterministic(void **state) {
    (void)state;
    uint64_t keys[3000], turned[3000];
    rng_state = 7;
    for (unsigned i = 0; i < 3000; i++) {
        keys[i] = i < 1000 ? rng() : keys[i % 1000];
    }
    for (unsigned i = 0; i < 3000; i++) {
        turned[i] = keys[2999 - i];
    }
    struct built a = build(keys, 3000), b = build(turned, 3000);
    assert_int_equal(a.head.key_count, 1000);
    assert_memory_equal(&a.head, &b.head, sizeof(a.head));
    assert_memory_equal(a.fp, b.fp, a.head.array_length);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(hs_fuse_has(&a.head, a.fp, keys[i]));
    }
    mem_free(a.fp);
    mem_free(b.fp);
}

static void test_empty_fuse_holds_nothing(void **state) {
    (void)state;
    struct built b = build(NULL, 0);
    assert_false(hs_fuse_has(&b.head, b.fp, 0));
    mem_free(b.fp);
}

/* A set of sorted records built by hand. */
struct small_set {
    struct hs_set set;
    uint8_t *record;
    uint32_t *page_key;
    struct built fuse;
};

static void put_le32(uint8_t *p, uint32_t v) {
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> 8 * i);
    }
}

/* Record i: digest with i/repeat in the leading bytes, size i % repeat + 1, name i. */
static struct small_set *small_set_make(enum hs_algo algo, uint32_t count, uint32_t repeat,
                                        bool filtered) {
    static struct small_set one; /* the set points into it */
    struct small_set s = {0};
    size_t each = hs_record_bytes(algo), per_page = HS_PAGE_BYTES / each;
    uint32_t pages = (uint32_t)((count + per_page - 1) / per_page);
    s.record = mem_zalloc(pages, HS_PAGE_BYTES);
    s.page_key = mem_zalloc(pages, sizeof(uint32_t));
    uint64_t *keys = mem_zalloc(count, sizeof(*keys));
    assert_true(s.record != NULL && s.page_key != NULL && keys != NULL);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *rec = s.record + i / per_page * HS_PAGE_BYTES + i % per_page * each;
        uint32_t id = i / repeat;
        rec[1] = (uint8_t)(id >> 12); /* many digests share their first four bytes */
        rec[4] = (uint8_t)(id >> 8);
        rec[5] = (uint8_t)id;
        put_le32(rec + each - 8, i % repeat + 1);
        put_le32(rec + each - 4, i);
        keys[i] = hs_key(rec);
        if (i % per_page == 0) {
            s.page_key[i / per_page] = (uint32_t)rec[1] << 16;
        }
    }
    s.set = (struct hs_set){.algo = algo,
                            .record_count = count,
                            .record = s.record,
                            .page_key = s.page_key,
                            .page_count = pages};
    if (filtered) {
        s.fuse = build(keys, count);
        s.set.fuse = &one.fuse.head;
        s.set.fingerprint = s.fuse.fp;
    }
    mem_free(keys);
    one = s;
    return &one;
}

static void small_set_release(struct small_set *s) {
    mem_free(s->record);
    mem_free(s->page_key);
    mem_free(s->fuse.fp);
}

struct names {
    uint32_t name[8];
    unsigned count, stop_after;
};

static bool collect(void *ctx, uint32_t name) {
    struct names *n = ctx;
    assert_true(n->count < 8);
    n->name[n->count++] = name;
    return n->count != n->stop_after;
}

static void digest_of(const struct small_set *s, uint32_t i, uint8_t *out) {
    size_t each = hs_record_bytes(s->set.algo), per_page = HS_PAGE_BYTES / each;
    memcpy(out, s->record + i / per_page * HS_PAGE_BYTES + i % per_page * each,
           hs_digest_bytes(s->set.algo));
}

static void test_every_record_is_found(void **state) {
    (void)state;
    static const uint32_t counts[] = {1, 169, 170, 171, 341, 5000, 20000};
    for (unsigned algo = 0; algo < HS_ALGO_COUNT; algo++) {
        for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
            struct small_set *s = small_set_make((enum hs_algo)algo, counts[c], 3, c % 2 == 0);
            for (uint32_t i = 0; i < counts[c]; i++) {
                uint8_t digest[HS_DIGEST_MAX];
                digest_of(s, i, digest);
                struct names got = {.count = 0};
                assert_int_equal(hs_lookup(&s->set, digest, i % 3 + 1, collect, &got), 1);
                assert_int_equal(got.name[0], i);
                assert_int_equal(hs_lookup(&s->set, digest, 4, collect, &got), 0);
                digest[hs_digest_bytes(s->set.algo) - 1] = 1;
                assert_int_equal(hs_lookup(&s->set, digest, i % 3 + 1, collect, &got), 0);
            }
            small_set_release(s);
        }
    }
}

/* One digest filling several pages, found wherever its sizes lie; any-size records too. */
static void test_equal_digests_span_pages(void **state) {
    (void)state;
    struct small_set *s = small_set_make(HS_MD5, 1000, 600, true);
    uint8_t digest[HS_DIGEST_MAX];
    for (uint32_t i = 0; i < 1000; i += 7) {
        digest_of(s, i, digest);
        struct names got = {.count = 0};
        assert_int_equal(hs_lookup(&s->set, digest, i % 600 + 1, collect, &got), 1);
        assert_int_equal(got.name[0], i);
    }
    digest_of(s, 0, digest);
    put_le32(s->record + 16, HS_SIZE_ANY);
    put_le32(s->record + 24 + 16, HS_SIZE_ANY);
    struct names got = {.count = 0};
    assert_int_equal(hs_lookup(&s->set, digest, UINT64_MAX, collect, &got), 2);
    got = (struct names){.stop_after = 1};
    assert_int_equal(hs_lookup(&s->set, digest, 77, collect, &got), 1);
    small_set_release(s);
}

static void test_gate(void **state) {
    (void)state;
    static uint8_t gate[HS_GATE_BYTES];
    gate[68 / 8] |= 1 << 68 % 8;
    gate[HS_GATE_BYTES - 1] |= 0x80;
    uint32_t big[] = {1u << 24, 20000000, UINT32_MAX - 1};
    struct hs_set set = {.record_count = 5, .gate = gate, .big = big, .big_count = 3};
    assert_true(hs_gate(&set, 68));
    assert_false(hs_gate(&set, 67));
    assert_false(hs_gate(&set, 69));
    assert_true(hs_gate(&set, HS_GATE_BITS - 1));
    assert_true(hs_gate(&set, HS_GATE_BITS));
    assert_false(hs_gate(&set, HS_GATE_BITS + 1));
    assert_true(hs_gate(&set, 20000000));
    assert_true(hs_gate(&set, UINT32_MAX - 1));
    assert_false(hs_gate(&set, UINT32_MAX));
    assert_false(hs_gate(&set, (uint64_t)1 << 32 | 68));
    set.any_size = true;
    assert_true(hs_gate(&set, 67));
    set.record_count = 0;
    assert_false(hs_gate(&set, 68));
    struct hs_set bare = {.record_count = 1};
    assert_false(hs_gate(&bare, 68));
    assert_false(hs_gate(&bare, HS_GATE_BITS + 5));
}

/* Contents may lie: random heads, page keys out of order, counts above the pages. */
static void test_damaged_tables_answer_no_or_something(void **state) {
    (void)state;
    struct small_set *s = small_set_make(HS_SHA1, 1000, 1, true);
    uint8_t digest[HS_DIGEST_MAX];
    rng_state = 3;
    for (unsigned round = 0; round < 20000; round++) {
        struct hs_fuse_head head = s->fuse.head;
        head.seed = rng();
        head.segment_length = (uint32_t)rng() >> rng() % 32;
        head.segment_count_length = (uint32_t)rng() >> rng() % 32;
        s->set.fuse = round % 2 == 0 ? &head : NULL;
        s->set.record_count = (uint32_t)rng();
        s->page_key[rng() % s->set.page_count] = (uint32_t)rng();
        digest_of(s, (uint32_t)(rng() % 1000), digest);
        digest[1] = (uint8_t)rng();
        struct names got = {.stop_after = 1};
        assert_true(hs_lookup(&s->set, digest, 1, collect, &got) <= 1);
    }
    small_set_release(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fuse_has_no_false_negatives),
        cmocka_unit_test(test_fuse_takes_repeats_and_is_deterministic),
        cmocka_unit_test(test_empty_fuse_holds_nothing),
        cmocka_unit_test(test_every_record_is_found),
        cmocka_unit_test(test_equal_digests_span_pages),
        cmocka_unit_test(test_gate),
        cmocka_unit_test(test_damaged_tables_answer_no_or_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
