// SPDX-License-Identifier: Apache-2.0
/*
 * Deflate64 where it differs from deflate, written bit by bit with the fixed codes, and where it
 * does not (literal-only streams of zlib). Streams of 7-Zip are compared in tests/integ.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <zlib.h>

#include "pack.h"

struct bits {
    uint8_t data[200000];
    size_t count;
};

static void put(struct bits *b, uint32_t value, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        b->data[b->count / 8] |= (uint8_t)((value >> i & 1u) << b->count % 8);
        b->count++;
    }
}

static void put_code(struct bits *b, uint32_t code, unsigned n) {
    for (unsigned i = n; i-- > 0;) {
        put(b, code >> i, 1);
    }
}

/* Fixed literal and length codes of RFC 1951, 3.2.6. */
static void put_symbol(struct bits *b, unsigned symbol) {
    if (symbol < 144) {
        put_code(b, 0x30 + symbol, 8);
    } else if (symbol < 256) {
        put_code(b, 0x190 + symbol - 144, 9);
    } else if (symbol < 280) {
        put_code(b, symbol - 256, 7);
    } else {
        put_code(b, 0xc0 + symbol - 280, 8);
    }
}

static sk_err decode(const struct bits *b, struct buf *out, uint64_t *out_used) {
    struct drip up;
    struct sk_stream *s = NULL;
    bool ended = false;
    TRY(sk_deflate64_open(drip_init(&up, b->data, (b->count + 7) / 8, 11), &s));
    sk_err err = pack_drain(s, 777, out);
    *out_used = sk_codec_consumed(s, &ended);
    sk_stream_close(s);
    return err;
}

static void test_longest_match_and_farthest_distance(void **state) {
    (void)state;
    static struct bits b;
    struct buf out = {0};
    uint64_t used = 0;
    memset(&b, 0, sizeof(b));
    put(&b, 1, 1);
    put(&b, 1, 2);
    put_symbol(&b, 'x');
    put_symbol(&b, 'y');
    put_symbol(&b, 'z');
    put_symbol(&b, 285); /* 3 + 16 bits: 65535 -> 65538 bytes */
    put(&b, 65535, 16);
    put_code(&b, 2, 5); /* distance 3 */
    put_symbol(&b, 'Q');
    put_symbol(&b, 257); /* 3 bytes from 65536 back: distance code 31, 49153 + 16383 */
    put_code(&b, 31, 5);
    put(&b, 16383, 14);
    put_symbol(&b, 257); /* 3 bytes from 32769 back: distance code 30 */
    put_code(&b, 30, 5);
    put(&b, 0, 14);
    put_symbol(&b, 256);
    assert_int_equal(decode(&b, &out, &used).code, SK_OK);
    assert_int_equal(used, (b.count + 7) / 8);
    assert_int_equal(out.len, 3 + 65538 + 1 + 3 + 3);
    for (size_t i = 0; i < 3 + 65538; i++) {
        assert_int_equal(out.data[i], "xyz"[i % 3]);
    }
    size_t q = 3 + 65538;
    assert_int_equal(out.data[q], 'Q');
    assert_memory_equal(out.data + q + 1, out.data + q + 1 - 65536, 3);
    assert_memory_equal(out.data + q + 4, out.data + q + 4 - 32769, 3);
    buf_release(&out);
}

static void test_hostile_streams_are_damage(void **state) {
    (void)state;
    static const struct {
        const char *what;
        uint8_t data[24];
        size_t len;
    } cases[] = {
        {"block type 3", {0x07}, 1},
        {"stored length does not agree", {0x01, 5, 0, 5, 0, 'a'}, 6},
        {"nothing", {0}, 0},
        {"286 and more literals codes", {0xfd, 0x00, 0x00}, 3},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bits b = {.count = cases[i].len * 8};
        struct buf out = {0};
        uint64_t used = 0;
        memcpy(b.data, cases[i].data, cases[i].len);
        assert_int_equal(decode(&b, &out, &used).code, SK_E_FORMAT);
        assert_int_equal(out.len, 0);
        buf_release(&out);
    }
}

static void test_distance_before_the_start(void **state) {
    (void)state;
    for (unsigned distance = 1; distance <= 4; distance++) {
        static struct bits b;
        struct buf out = {0};
        uint64_t used = 0;
        memset(&b, 0, sizeof(b));
        put(&b, 1, 1);
        put(&b, 1, 2);
        put_symbol(&b, 'a');
        put_symbol(&b, 'b');
        put_symbol(&b, 257);
        put_code(&b, distance - 1, 5);
        put_symbol(&b, 256);
        assert_int_equal(decode(&b, &out, &used).code, distance <= 2 ? SK_OK : SK_E_FORMAT);
        assert_int_equal(out.len, distance <= 2 ? 5 : 2);
        buf_release(&out);
    }
}

/* A dynamic block from a list of code length codes (3 bits each, in the order of RFC 1951). */
static void test_repeat_codes(void **state) {
    (void)state;
    static struct bits b;
    for (unsigned bad = 0; bad < 3; bad++) {
        struct buf out = {0};
        uint64_t used = 0;
        memset(&b, 0, sizeof(b));
        put(&b, 1, 1);
        put(&b, 2, 2);
        put(&b, 0, 5);  /* 257 literals */
        put(&b, 0, 5);  /* 1 distance */
        put(&b, 15, 4); /* all 19 lengths */
        /* order 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1 15; codes: 16 -> 2 bits, 18 -> 2, 1 ->
         * 1 */
        for (unsigned i = 0; i < 19; i++) {
            put(&b, i == 0 || i == 2 ? 2 : i == 17 ? 1 : 0, 3);
        }
        /* canonical: 1 = "0", 16 = "10", 18 = "11" */
        if (bad == 1) {
            put_code(&b, 2, 2); /* repeat with nothing before */
        }
        for (unsigned zeros = 0; zeros < 256 - 1;) {
            unsigned n = 255 - zeros > 138 ? 138 : 255 - zeros;
            put_code(&b, 3, 2);
            put(&b, n - 11, 7);
            zeros += n;
        }
        put_code(&b, 0, 1); /* literal 255: 1 bit, code 0 */
        put_code(&b, 0, 1); /* 256: 1 bit, code 1 */
        if (bad == 2) {
            put_code(&b, 3, 2); /* runs over the end */
            put(&b, 127, 7);
        } else {
            put_code(&b, 0, 1);
        }
        put_code(&b, 0, 1);
        put_code(&b, 1, 1);
        assert_int_equal(decode(&b, &out, &used).code, bad == 0 ? SK_OK : SK_E_FORMAT);
        assert_int_equal(out.len, bad == 0 ? 1 : 0);
        if (bad == 0) {
            assert_int_equal(out.data[0], 255);
        }
        buf_release(&out);
    }
}

static void test_literal_streams_of_zlib(void **state) {
    (void)state;
    static const int strategies[] = {Z_HUFFMAN_ONLY, Z_FIXED};
    for (size_t i = 0; i < 2; i++) {
        static struct bits b;
        struct buf in = {0};
        struct buf packed = {0};
        struct buf out = {0};
        uint64_t used = 0;
        pack_sample(&in, 60000, (uint32_t)i + 1);
        size_t len = i == 0 ? in.len : 200; /* Z_FIXED: short enough to have no match of 258 */
        pack_deflate(&packed, in.data, len, 6, strategies[i]);
        memset(&b, 0, sizeof(b));
        memcpy(b.data, packed.data, packed.len);
        b.count = packed.len * 8;
        assert_int_equal(decode(&b, &out, &used).code, SK_OK);
        assert_int_equal(out.len, len);
        assert_memory_equal(out.data, in.data, len);
        assert_int_equal(used, packed.len);
        buf_release(&in);
        buf_release(&packed);
        buf_release(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_longest_match_and_farthest_distance),
        cmocka_unit_test(test_hostile_streams_are_damage),
        cmocka_unit_test(test_distance_before_the_start),
        cmocka_unit_test(test_repeat_codes),
        cmocka_unit_test(test_literal_streams_of_zlib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
