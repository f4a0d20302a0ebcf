// SPDX-License-Identifier: Apache-2.0
/* Objects inside other bytes: every kind at every place of a step, headers that lie, limits. */
#include "format/embedded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "codec/codec.h"
#include "format/pairs.h"

#define STEP ((size_t)60 * 1024)

struct box {
    uint8_t *p;
    size_t len;
};

static struct box box_of(size_t len) {
    struct box b = {mem_zalloc(len, 1), len};
    assert_non_null(b.p);
    for (size_t i = 0; i < len; i++) {
        b.p[i] = (uint8_t)(i * 7 % 251);
    }
    return b;
}

static void put_pe(struct box *b, size_t at, uint32_t section_off, uint32_t section_len) {
    static const uint8_t mz[2] = {'M', 'Z'};
    memset(b->p + at, 0, 0x200);
    memcpy(b->p + at, mz, 2);
    sk_store_u32le(b->p + at + 0x3c, 0x80);
    memcpy(b->p + at + 0x80, "PE\0\0", 4);
    sk_store_u16le(b->p + at + 0x86, 1);
    sk_store_u16le(b->p + at + 0x94, 0xe0);
    sk_store_u16le(b->p + at + 0x98, 0x10b);
    sk_store_u32le(b->p + at + 0x98 + 0xe0 + 16, section_len);
    sk_store_u32le(b->p + at + 0x98 + 0xe0 + 20, section_off);
}

static void put_sevenzip(struct box *b, size_t at) {
    memset(b->p + at, 0, 32);
    memcpy(b->p + at, "7z\xbc\xaf\x27\x1c\0\4", 8);
    sk_store_u32le(b->p + at + 8, sk_crc32(0, b->p + at + 12, 20));
}

static void put_cab(struct box *b, size_t at, uint32_t len) {
    memset(b->p + at, 0, 36);
    memcpy(b->p + at, "MSCF", 4);
    sk_store_u32le(b->p + at + 8, len);
    sk_store_u16le(b->p + at + 24, 0x0103);
}

static bool left_out; /* by the last find() */

static unsigned find(const struct box *b, uint64_t reach, struct sk_embedded *out) {
    struct sk_source src;
    sk_source_init_mem(&src, b->p, b->len);
    struct sk_embedded_job job = {
        .src = &src, .program_reach = reach, .archives = true, .out = out};
    assert_false(sk_failed(sk_embedded_find(&job)));
    sk_source_release(&src);
    left_out = job.left_out;
    return job.count;
}

static void test_kinds(void **state) {
    (void)state;
    struct sk_embedded e[EMBEDDED_MAX];
    struct box b = box_of(200000);
    put_pe(&b, 1000, 0x200, 0x400);
    put_sevenzip(&b, 5000);
    put_cab(&b, 7000, 600);
    memcpy(b.p + 9000, "Rar!\x1a\x07\1\0", 8);
    memcpy(b.p + 100 + 32768, "\1CD001\1", 7);
    unsigned n = find(&b, UINT64_MAX, e);
    assert_int_equal(n, 5);
    static const struct sk_embedded want[] = {{100, 200000 - 100, SK_TYPE_ISO},
                                              {1000, 199000, SK_TYPE_PE},
                                              {5000, 195000, SK_TYPE_SEVENZIP},
                                              {7000, 600, SK_TYPE_CAB},
                                              {9000, 191000, SK_TYPE_RAR}};
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(e[i].off, want[i].off);
        assert_int_equal(e[i].len, want[i].len);
        assert_int_equal(e[i].type, want[i].type);
    }
    assert_int_equal(find(&b, 1000, e), 4); /* programs only before the reach */
    assert_int_equal(find(&b, 1001, e), 5);
    mem_free(b.p);
}

/* Around the end of a step, where a magic lies in two pieces, and at the very end. */
static void test_every_place(void **state) {
    (void)state;
    struct sk_embedded e[EMBEDDED_MAX];
    struct box b = box_of(2 * STEP + 1000);
    struct box clean = box_of(b.len);
    for (size_t at = STEP - 80; at < STEP + 40; at++) {
        put_sevenzip(&b, at);
        assert_int_equal(find(&b, 0, e), 1);
        assert_int_equal(e[0].off, at);
        memcpy(b.p, clean.p, b.len);
        put_pe(&b, at, 0x200, 0x40);
        assert_int_equal(find(&b, UINT64_MAX, e), 1);
        assert_int_equal(e[0].off, at);
        memcpy(b.p, clean.p, b.len);
    }
    put_sevenzip(&b, b.len - 32);
    assert_int_equal(find(&b, 0, e), 1);
    assert_int_equal(e[0].len, 32);
    mem_free(b.p);
    mem_free(clean.p);
}

static void test_headers_that_lie(void **state) {
    (void)state;
    struct sk_embedded e[EMBEDDED_MAX];
    struct box b = box_of(4096);
    put_sevenzip(&b, 100);
    b.p[115] ^= 1; /* checksum */
    put_cab(&b, 300, 5000);
    put_pe(&b, 1000, 0x200, 0x40);
    sk_store_u16le(b.p + 1000 + 0x86, 0); /* no sections */
    put_pe(&b, 1600, 0x200, 0x40);
    sk_store_u32le(b.p + 1600 + 0x3c, 0xfffffff0u);
    put_pe(&b, 2200, 0x200, 0x40);
    sk_store_u16le(b.p + 2200 + 0x98, 0x107);
    memcpy(b.p + 2900, "Rar!\x1a\x07\7\7", 8);
    memcpy(b.p + 3000, "\1CD001\1", 7); /* too near to the start */
    assert_int_equal(find(&b, UINT64_MAX, e), 0);
    memcpy(b.p + 4096 - 64, "MZ", 2); /* cut */
    sk_store_u32le(b.p + 4096 - 64 + 0x3c, 0x30);
    assert_int_equal(find(&b, UINT64_MAX, e), 0);
    mem_free(b.p);
}

static void test_programs_reach_to_the_next(void **state) {
    (void)state;
    struct sk_embedded e[EMBEDDED_MAX];
    struct box b = box_of(100000);
    put_pe(&b, 1000, 0x200, 0x100);
    put_pe(&b, 10000, 0x200, 30000); /* its section holds the next */
    put_pe(&b, 20000, 0x200, 0x100);
    assert_int_equal(find(&b, UINT64_MAX, e), 3);
    assert_int_equal(e[0].len, 9000);
    assert_int_equal(e[1].len, 30000 + 0x200);
    assert_int_equal(e[2].len, 80000);
    mem_free(b.p);
}

static void test_limit_of_each_type(void **state) {
    (void)state;
    struct sk_embedded e[EMBEDDED_MAX];
    struct box b = box_of(100000);
    for (unsigned i = 0; i < 40; i++) {
        put_pe(&b, 1000 + i * 1000, 0x200, 0x40);
        put_cab(&b, 50000 + i * 1000, 100);
        unsigned each = i < EMBEDDED_PER_TYPE_MAX ? i + 1 : EMBEDDED_PER_TYPE_MAX;
        assert_int_equal(find(&b, UINT64_MAX, e), 2 * each);
        assert_int_equal(left_out, i >= EMBEDDED_PER_TYPE_MAX);
    }
    assert_int_equal(find(&b, 0, e), EMBEDDED_PER_TYPE_MAX); /* programs do not count here */
    mem_free(b.p);
}

/* As find(), after all of it was seen in pieces of `piece` bytes that overlap by eight. */
static unsigned find_seen(const struct box *b, struct sk_embedded_seen *seen, size_t piece,
                          struct sk_embedded *out) {
    for (size_t off = 0; seen->end < b->len; off += piece - 8) {
        size_t len = b->len - off < piece ? b->len - off : piece;
        sk_embedded_see(seen, off, (struct sk_bytes){b->p + off, len});
        sk_embedded_see(seen, off, (struct sk_bytes){b->p + off, len / 2}); /* seen already */
        if (off + len + 100 < b->len) {
            sk_embedded_see(seen, off + len + 1, (struct sk_bytes){b->p + off + len + 1, 99});
        }
    }
    struct sk_source src;
    sk_source_init_mem(&src, b->p, b->len);
    struct sk_embedded_job job = {
        .src = &src, .program_reach = 5000, .archives = true, .seen = seen, .out = out};
    assert_false(sk_failed(sk_embedded_find(&job)));
    left_out = job.left_out;
    return job.count;
}

static void expect_same(const struct box *b, struct sk_embedded_seen start) {
    static const size_t PIECE[] = {16, 17, 100, 4096, 1 << 20};
    struct sk_embedded one[EMBEDDED_MAX], two[EMBEDDED_MAX];
    unsigned n = find(b, 5000, one);
    bool more = left_out;
    for (size_t i = 0; i < sizeof(PIECE) / sizeof(PIECE[0]); i++) {
        struct sk_embedded_seen seen = start;
        assert_int_equal(find_seen(b, &seen, PIECE[i], two), n);
        assert_int_equal(left_out, more);
        for (unsigned k = 0; k < n; k++) {
            assert_true(one[k].off == two[k].off && one[k].len == two[k].len &&
                        one[k].type == two[k].type);
        }
    }
}

/* What was seen on the way gives the same finds as a look at all the bytes. */
static void test_seen(void **state) {
    (void)state;
    struct box b = box_of(70000);
    struct sk_embedded_seen start = {.size = b.len, .program_reach = UINT64_MAX};
    expect_same(&b, start);
    for (size_t at = 900; at < 60000; at += 1009) {
        switch (at % 4) {
        case 0:
            put_pe(&b, at, 0x200, 0x100);
            break;
        case 1:
            put_sevenzip(&b, at);
            break;
        case 2:
            put_cab(&b, at, 300);
            break;
        default:
            memcpy(b.p + at, "Rar!\x1a\x07\1\0", 8);
        }
    }
    memcpy(b.p + b.len - 7, "\1CD001\1", 7);
    expect_same(&b, start);
    start.program_reach = 5000;
    expect_same(&b, start);
    start.program_reach = 4999; /* not enough: all bytes are looked at */
    expect_same(&b, start);
    for (size_t at = 0; at + 2 < b.len; at += 50) { /* more than can be noted */
        memcpy(b.p + at, "MZ", 2);
    }
    struct sk_embedded_seen seen = {.size = b.len, .program_reach = UINT64_MAX};
    struct sk_embedded e[EMBEDDED_MAX];
    (void)find_seen(&b, &seen, 4096, e);
    assert_true(seen.more);
    start.program_reach = UINT64_MAX;
    expect_same(&b, start);
    mem_free(b.p);
}

static bool never(void *ctx) {
    (void)ctx;
    return false;
}

static sk_err fails(void *ctx, uint64_t off, void *buf, size_t len) {
    (void)ctx;
    (void)off;
    (void)buf;
    (void)len;
    return sk_fail(SK_E_IO);
}

static void test_errors(void **state) {
    (void)state;
    struct sk_embedded e[EMBEDDED_MAX];
    struct box b = box_of(1000);
    struct sk_source src;
    sk_source_init_mem(&src, b.p, b.len);
    struct sk_embedded_job job = {.src = &src, .tick = never, .out = e};
    assert_int_equal(sk_embedded_find(&job).code, SK_E_STOP);
    sk_source_release(&src);
    sk_source_init_read(&src, 1000, fails, NULL);
    job.tick = NULL;
    assert_int_equal(sk_embedded_find(&job).code, SK_E_IO);
    assert_int_equal(job.count, 0);
    sk_source_release(&src);
    mem_free(b.p);
}

/* What a kernel must answer, byte by byte. */
static size_t pairs_by_hand(const uint8_t *p, size_t len, size_t from, uint64_t *out_places) {
    static const char PAIRS[][3] = {"MZ", "MS", "7z", "Ra", "\1C"};
    for (; len - from > PAIRS_BLOCK; from += PAIRS_BLOCK) {
        uint64_t places = 0;
        for (size_t i = 0; i < PAIRS_BLOCK; i++) {
            for (size_t k = 0; k < sizeof(PAIRS) / sizeof(PAIRS[0]); k++) {
                places |= (uint64_t)(memcmp(p + from + i, PAIRS[k], 2) == 0) << i;
            }
        }
        if (places != 0) {
            *out_places = places;
            return from;
        }
    }
    *out_places = UINT64_MAX;
    return from;
}

/* Random bytes are nearly without pairs, random halves of their bytes nearly have them, their own
 * bytes are full of them. */
static void test_kernels_agree(void **state) {
    (void)state;
    static const char LETTERS[] = "MZS7zRa\1CJmr";
    const struct pairs_kernel *kernel;
    uint32_t seed = 1;
    for (unsigned round = 0; round < 4000; round++) {
        size_t len = round % 700;
        struct box b = {mem_alloc(len + 1), len};
        assert_non_null(b.p);
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525u + 1013904223u;
            uint8_t any = (uint8_t)(seed >> 16);
            uint8_t letter = (uint8_t)LETTERS[(seed >> 8) % (sizeof(LETTERS) - 1)];
            b.p[i] = round % 3 == 0   ? letter
                     : round % 3 == 1 ? (uint8_t)((letter & 0x0f) | (any & 0x70))
                                      : any;
        }
        size_t from = len == 0 ? 0 : seed % len;
        for (unsigned k = 0; (kernel = pairs_kernel_nth(k)) != NULL; k++) {
            uint64_t places = 0, want = 0;
            assert_int_equal(kernel->next(b.p, len, from, &places),
                             pairs_by_hand(b.p, len, from, &want));
            assert_true(places == want);
        }
        mem_free(b.p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_agree),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_every_place),
        cmocka_unit_test(test_headers_that_lie),
        cmocka_unit_test(test_programs_reach_to_the_next),
        cmocka_unit_test(test_limit_of_each_type),
        cmocka_unit_test(test_seen),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
