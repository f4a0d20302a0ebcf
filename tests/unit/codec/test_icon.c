// SPDX-License-Identifier: Apache-2.0
/* Pictures of icons: packings, opacity, sizes and damage. What is right was asked of clamscan 1.4.6
 * (head of codec/icon.c); tests/differential/diff_icons.py asks it about many more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/icon.h"

#define HEADER 40u

/* A bitmap without pixels, then room. */
struct made {
    uint8_t bytes[HEADER + 1024 + 256 * 256 * 4 + 256 * 32];
    size_t len;
    size_t rows; /* where they start */
    size_t stride, mask_stride, mask;
};

static void make(struct made *m, uint32_t width, uint32_t height, uint16_t bits) {
    memset(m, 0, sizeof(*m));
    sk_store_u32le(m->bytes, HEADER);
    sk_store_u32le(m->bytes + 4, width);
    sk_store_u32le(m->bytes + 8, 2 * height);
    sk_store_u16le(m->bytes + 14, bits);
    m->rows = HEADER + (bits <= 8 ? (size_t)4 << bits : 0);
    m->stride = ((size_t)width * bits + 31) / 32 * 4;
    m->mask = m->rows + m->stride * height;
    m->mask_stride = ((size_t)width + 31) / 32 * 4;
    m->len = m->mask + m->mask_stride * height;
}

static sk_err decode(struct made *m, struct icon_picture *out) {
    struct sk_source src;
    sk_source_init_mem(&src, m->bytes, m->len);
    sk_err err = icon_decode(&src, 0, out);
    sk_source_release(&src);
    return err;
}

/* Colour of the pixel at the top left when the last row begins with these bytes. */
static uint32_t first(uint16_t bits, uint32_t value, bool masked) {
    static struct made m;
    struct icon_picture p;
    make(&m, 16, 16, bits);
    for (uint32_t i = 0; bits <= 8 && i < 1u << bits; i++) {
        sk_store_u32le(m.bytes + HEADER + (size_t)4 * i, 0x80000000u | (i * 0x010203));
    }
    uint8_t *row = m.bytes + m.rows + 15 * m.stride;
    for (unsigned i = 0; i < bits / 8u + (bits < 8); i++) {
        row[i] = (uint8_t)(value >> (8 * i));
    }
    m.bytes[m.mask + 15 * m.mask_stride] = masked ? 0x80 : 0;
    assert_int_equal(decode(&m, &p).code, SK_OK);
    assert_int_equal(p.side, 16);
    return p.rgb[0];
}

static void test_packings(void **state) {
    (void)state;
    assert_int_equal(first(1, 0x80, false), 0x010203);
    assert_int_equal(first(4, 0x70, false), 0x070e15);
    assert_int_equal(first(8, 0x11, false), 0x112233);
    assert_int_equal(first(24, 0x123456, false), 0x123456);
    assert_int_equal(first(32, 0xff123456, false), 0x123456);
    assert_int_equal(first(16, 0x001f, false), 0x0000ff);
    assert_int_equal(first(16, 0x0800, false), 0x840000);
    assert_int_equal(first(16, 0x0040, false), 0x008000);
}

static void test_opacity(void **state) {
    (void)state;
    assert_int_equal(first(24, 0x123456, true), 0xffffff);
    assert_int_equal(first(32, 0x00123456, false), 0x123456); /* all see-through: the mask */
    assert_int_equal(first(32, 0x00123456, true), 0xffffff);
    assert_int_equal(first(32, 0x80000000, true), 0x7f7f7f); /* opacity: the mask is not asked */
    assert_int_equal(first(8, 0, true), 0x7f7f7f);           /* opacity of the palette */
    assert_int_equal(first(16, 0x8000, true), 0xf9f7f7);     /* of stray bits */
}

static void test_sizes(void **state) {
    (void)state;
    static const struct {
        uint32_t width, height;
        unsigned side; /* 0: refused */
    } CASES[] = {
        {16, 16, 16},   {20, 20, 16},   {20, 21, 24},        {24, 24, 24},  {28, 28, 24},
        {28, 29, 32},   {32, 24, 24},   {40, 40, 32},        {48, 48, 24},  {64, 64, 32},
        {96, 96, 24},   {256, 256, 32}, {72, 72, 0},         {120, 120, 0}, {15, 15, 0},
        {257, 257, 0},  {16, 22, 16},   {16, 23, 0},         {27, 20, 24},  {28, 20, 0},
        {250, 200, 32}, {0, 0, 0},      {0xfffffff0, 16, 0},
    };
    static struct made m;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct icon_picture p = {0};
        make(&m, CASES[i].width > 256 ? 16 : CASES[i].width,
             CASES[i].height > 256 ? 16 : CASES[i].height, 1);
        sk_store_u32le(m.bytes + 4, CASES[i].width);
        sk_store_u32le(m.bytes + 8, 2 * CASES[i].height);
        sk_err err = decode(&m, &p);
        assert_int_equal(err.code, CASES[i].side != 0 ? SK_OK : SK_E_FORMAT);
        assert_true(sk_failed(err) || p.side == CASES[i].side);
    }
}

/* Halving: pairs first, each rounded down. Sampling: rows down, columns to the nearest. */
static void test_scaling(void **state) {
    (void)state;
    static struct made m;
    struct icon_picture p;
    make(&m, 48, 48, 24);
    uint8_t *top = m.bytes + m.rows + 47 * m.stride, *second = top - m.stride;
    top[0] = 3, top[3] = 0, second[0] = 2, second[3] = 1; /* (1 + 1) / 2, not 6 / 4 */
    assert_int_equal(decode(&m, &p).code, SK_OK);
    assert_int_equal(p.rgb[0], 1);
    make(&m, 20, 20, 24);
    for (unsigned y = 0; y < 20; y++) {
        for (unsigned x = 0; x < 20; x++) {
            uint8_t *at = m.bytes + m.rows + (19 - y) * m.stride + (size_t)3 * x;
            at[0] = (uint8_t)x;
            at[1] = (uint8_t)y;
        }
    }
    assert_int_equal(decode(&m, &p).code, SK_OK);
    assert_int_equal(p.rgb[2 * 16 + 2], 0x0203);
    assert_int_equal(p.rgb[15 * 16 + 15], 0x1213);
}

static void test_damage(void **state) {
    (void)state;
    static struct made m;
    struct icon_picture p;
    make(&m, 16, 16, 8);
    size_t whole = m.len;
    for (m.len = 0; m.len < whole; m.len++) {
        assert_int_equal(decode(&m, &p).code, SK_E_FORMAT);
    }
    assert_int_equal(decode(&m, &p).code, SK_OK);
    static const uint16_t BITS[] = {0, 2, 3, 15, 48, 65535};
    for (size_t i = 0; i < sizeof(BITS) / sizeof(BITS[0]); i++) {
        sk_store_u16le(m.bytes + 14, BITS[i]);
        assert_int_equal(decode(&m, &p).code, SK_E_UNSUPPORTED);
    }
    sk_store_u16le(m.bytes + 14, 8);
    sk_store_u32le(m.bytes, 39);
    assert_int_equal(decode(&m, &p).code, SK_E_FORMAT);
    sk_store_u32le(m.bytes, UINT32_MAX);
    assert_int_equal(decode(&m, &p).code, SK_E_FORMAT);
    sk_store_u32le(m.bytes, HEADER);
    mem_fault_set(1);
    assert_int_equal(decode(&m, &p).code, SK_E_NOMEM);
    mem_fault_set(0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packings), cmocka_unit_test(test_opacity),
        cmocka_unit_test(test_sizes),    cmocka_unit_test(test_scaling),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
