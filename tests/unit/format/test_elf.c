// SPDX-License-Identifier: Apache-2.0
/* ELF reader on files made here, both classes and byte orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "walktest.h"

extern const struct sk_format sk_format_elf;

struct elf_image {
    uint8_t bytes[0x400];
    size_t len;
    bool is_64;
    bool is_be;
    size_t pos;
};

static void put(struct elf_image *im, uint64_t v, unsigned width) {
    for (unsigned i = 0; i < width; i++) {
        unsigned shift = 8 * (im->is_be ? width - 1 - i : i);
        im->bytes[im->pos++] = (uint8_t)(v >> shift);
    }
}

static void put_words(struct elf_image *im, const uint64_t *v, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        put(im, v[i], im->is_64 ? 8 : 4);
    }
}

#define PH_OFF 0x40
#define SH_OFF 0x100

/* One segment: file 0x200.. at 0x8000, 0x80 bytes; sections: null, 0x200+0x40, 0x3f0+0x100. */
static void make(struct elf_image *im, bool is_64, bool is_be, uint64_t entry) {
    *im = (struct elf_image){.len = sizeof(im->bytes), .is_64 = is_64, .is_be = is_be};
    memcpy(im->bytes, "\177ELF", 4);
    im->bytes[4] = is_64 ? 2 : 1;
    im->bytes[5] = is_be ? 2 : 1;
    im->pos = 16;
    put(im, 2, 2);
    put(im, is_64 ? 62 : 3, 2);
    put(im, 1, 4);
    put_words(im, (const uint64_t[]){entry, PH_OFF, SH_OFF}, 3);
    put(im, 0, 4);
    const uint16_t tail[] = {is_64 ? 64 : 52, is_64 ? 56 : 32, 1, is_64 ? 64 : 40, 3, 0};
    for (unsigned i = 0; i < 6; i++) {
        put(im, tail[i], 2);
    }
    im->pos = PH_OFF;
    put(im, 1, 4);
    if (is_64) {
        put(im, 5, 4);
    }
    put_words(im, (const uint64_t[]){0x200, 0x8000, 0x8000, 0x80, 0x80}, 5);
    static const uint64_t sections[3][2] = {{0, 0}, {0x200, 0x40}, {0x3f0, 0x100}};
    for (unsigned i = 0; i < 3; i++) {
        im->pos = SH_OFF + i * (is_64 ? 64u : 40u);
        put(im, 0, 4);
        put(im, i, 4);
        put_words(im, (const uint64_t[]){0, 0x8000 * i, sections[i][0], sections[i][1]}, 4);
    }
}

static void walk(struct walktest *t, const struct elf_image *im) {
    walktest_init(t);
    assert_int_equal(walktest_run(t, &sk_format_elf, im->bytes, im->len).code, SK_OK);
    assert_true(t->has_exe);
}

static void test_classes_and_orders(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct elf_image im;
        struct walktest t;
        make(&im, kind & 1, kind & 2, 0x8010);
        walk(&t, &im);
        assert_true(t.exe.has_entry);
        assert_int_equal(t.exe.entry, 0x210);
        assert_int_equal(t.exe.section_count, 3);
        assert_int_equal(t.exe.section[1].off, 0x200);
        assert_int_equal(t.exe.section[1].size, 0x40);
        assert_int_equal(t.exe.section[1].vaddr, 0x8000);
        assert_int_equal(t.exe.section[2].size, 0x10); /* clipped */
        assert_false(t.exe.section_hashes_alert);
        walktest_release(&t);
    }
}

static void assert_entry(const struct elf_image *im, bool has, uint64_t want) {
    struct walktest t;
    walk(&t, im);
    assert_int_equal(t.exe.has_entry, has);
    assert_int_equal(has ? t.exe.entry : want, want);
    walktest_release(&t);
}

static void test_entry(void **state) {
    (void)state;
    struct elf_image im;
    make(&im, true, false, 0);
    assert_entry(&im, true, 0);
    make(&im, true, false, 0x8080);
    assert_entry(&im, false, 0);
    make(&im, true, false, UINT64_MAX);
    assert_entry(&im, false, 0);
    make(&im, true, false, 0x8000);
    im.bytes[56] = 0; /* no program headers: an object file */
    assert_entry(&im, true, 0);
    make(&im, true, false, 0x8000);
    im.bytes[54] = 55; /* entries of a size that is not ours */
    assert_entry(&im, false, 0);
    make(&im, true, false, 0x8000);
    im.bytes[4] = 9; /* class and order that the kernel does not look at */
    im.bytes[5] = 9;
    assert_entry(&im, true, 0x200);
}

static void test_sections_damaged(void **state) {
    (void)state;
    struct elf_image im;
    struct walktest t;
    make(&im, true, false, 0x8000);
    im.bytes[58] = 1; /* shentsize */
    walk(&t, &im);
    assert_int_equal(t.exe.section_count, 0);
    assert_true(t.exe.has_entry);
    walktest_release(&t);
    make(&im, true, false, 0x8000);
    im.bytes[60] = 0xff; /* 65535 stated, 12 fit */
    im.bytes[61] = 0xff;
    walk(&t, &im);
    assert_int_equal(t.exe.section_count, (0x400 - SH_OFF) / 64);
    walktest_release(&t);
    make(&im, true, false, 0x8000);
    memset(im.bytes + 40, 0xff, 8); /* shoff */
    walk(&t, &im);
    assert_int_equal(t.exe.section_count, 0);
    walktest_release(&t);
}

/* More than are read at once: section i has i + 1 bytes at i, its header is where it says. */
static void test_many_sections(void **state) {
    (void)state;
    static uint8_t file[SH_OFF + 200 * 64];
    for (unsigned bits = 32; bits <= 64; bits += 32) {
        struct elf_image im;
        make(&im, bits == 64, false, 0x8000);
        unsigned each = bits == 64 ? 64 : 40, words = bits == 64 ? 16 : 12, wide = bits / 8;
        memset(file, 0xee, sizeof(file));
        memcpy(file, im.bytes, SH_OFF);
        file[bits == 64 ? 60 : 48] = 200;
        for (unsigned i = 0; i < 200; i++) {
            uint8_t *p = file + SH_OFF + (size_t)i * each + words;
            memset(p, 0, (size_t)3 * wide);
            p[0] = (uint8_t)(i + 7);
            p[wide] = (uint8_t)i;
            p[2 * wide] = (uint8_t)(i + 1);
        }
        struct walktest t;
        walktest_init(&t);
        assert_int_equal(walktest_run(&t, &sk_format_elf, file, SH_OFF + (size_t)200 * each).code,
                         SK_OK);
        assert_int_equal(t.exe.section_count, 200);
        for (unsigned i = 0; i < 200; i++) {
            assert_int_equal(t.exe.section[i].vaddr, (uint8_t)(i + 7));
            assert_int_equal(t.exe.section[i].off, i);
            assert_int_equal(t.exe.section[i].size, i + 1);
        }
        walktest_release(&t);
    }
}

static void test_not_elf(void **state) {
    (void)state;
    struct elf_image im;
    make(&im, true, false, 0);
    enum sk_type type = SK_TYPE_BINARY;
    assert_int_equal(walktest_bid(&sk_format_elf, im.bytes, im.len, &type), 95);
    for (size_t len = 0; len < 62; len++) {
        struct walktest t;
        walktest_init(&t);
        assert_int_equal(walktest_run(&t, &sk_format_elf, im.bytes, len).code, SK_E_FORMAT);
        assert_false(t.has_exe);
        walktest_release(&t);
    }
    im.bytes[1] = 'e';
    assert_int_equal(walktest_bid(&sk_format_elf, im.bytes, im.len, &type), 0);
}

static void test_stop_and_memory(void **state) {
    (void)state;
    struct elf_image im;
    make(&im, true, false, 0x8000);
    for (uint64_t n = 1; n < 3; n++) { /* at the segment, at the sections */
        struct walktest t;
        walktest_init(&t);
        t.stop_after_ticks = n;
        assert_int_equal(walktest_run(&t, &sk_format_elf, im.bytes, im.len).code, SK_E_STOP);
        walktest_release(&t);
    }
    struct walktest t;
    walktest_init(&t);
    mem_fault_set(1);
    assert_int_equal(walktest_run(&t, &sk_format_elf, im.bytes, im.len).code, SK_E_NOMEM);
    mem_fault_set(0);
    walktest_release(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_and_orders), cmocka_unit_test(test_entry),
        cmocka_unit_test(test_sections_damaged),   cmocka_unit_test(test_not_elf),
        cmocka_unit_test(test_stop_and_memory),    cmocka_unit_test(test_many_sections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
