// SPDX-License-Identifier: Apache-2.0
/* PE reader: the rules of pe.c, pe_imports.c and pe_version.c on an image made here. The numbers
 * themselves are compared with ClamAV in tests/integ/test_exe_oracle.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "format/pe_icons.h"
#include "format/pe_resource.h"
#include "walktest.h"

extern const struct sk_format sk_format_pe;

#define LFANEW 0x80
#define OPTIONAL (LFANEW + 24)
#define TABLE (OPTIONAL + 224)
#define IDATA_OFF 0x400 /* RVA 0x1000 */
#define RSRC_OFF 0x800  /* RVA 0x2000 */

struct image {
    uint8_t bytes[0x1000];
    size_t len;
};

static void put16(struct image *im, size_t at, uint16_t v) {
    sk_store_u16le(im->bytes + at, v);
}

static void put32(struct image *im, size_t at, uint32_t v) {
    sk_store_u32le(im->bytes + at, v);
}

static void put_text(struct image *im, size_t at, const char *text) {
    memcpy(im->bytes + at, text, strlen(text) + 1);
}

static size_t put_wide(struct image *im, size_t at, const char *text) {
    size_t n = strlen(text) + 1;
    for (size_t i = 0; i < n; i++) {
        put16(im, at + 2 * i, (uint8_t)text[i]);
    }
    return 2 * n;
}

static void put_section(struct image *im, unsigned i, uint32_t va, uint32_t raw, uint32_t rsize) {
    size_t at = TABLE + (size_t)40 * i;
    put32(im, at + 8, rsize);
    put32(im, at + 12, va);
    put32(im, at + 16, rsize);
    put32(im, at + 20, raw);
}

/* Two sections of 1 KiB and 2 KiB, entry at the start of the first. */
static void make(struct image *im) {
    *im = (struct image){.len = sizeof(im->bytes)};
    put_text(im, 0, "MZ");
    put32(im, 0x3c, LFANEW);
    put_text(im, LFANEW, "PE");
    put16(im, LFANEW + 4, 0x14c);
    put16(im, LFANEW + 6, 2);
    put16(im, LFANEW + 20, 224);
    put16(im, OPTIONAL, 0x10b);
    put32(im, OPTIONAL + 16, 0x1000);
    put32(im, OPTIONAL + 32, 0x1000);
    put32(im, OPTIONAL + 36, 0x200);
    put32(im, OPTIONAL + 60, 0x400);
    put32(im, OPTIONAL + 92, 16);
    put_section(im, 0, 0x1000, IDATA_OFF, 0x400);
    put_section(im, 1, 0x2000, RSRC_OFF, 0x800);
}

/* ws2_32: ordinal 1 and "Send"; b.drv: "x". */
static void make_imports(struct image *im) {
    put32(im, OPTIONAL + 104, 0x1000);
    put32(im, OPTIONAL + 108, 60);
    put32(im, IDATA_OFF, 0x1040);
    put32(im, IDATA_OFF + 12, 0x1080);
    put32(im, IDATA_OFF + 20 + 16, 0x1050); /* address table only */
    put32(im, IDATA_OFF + 20 + 12, 0x1090);
    put32(im, IDATA_OFF + 0x40, 0x80000001);
    put32(im, IDATA_OFF + 0x44, 0x10a0);
    put32(im, IDATA_OFF + 0x50, 0x10b0);
    put_text(im, IDATA_OFF + 0x80, "WS2_32.dll");
    put_text(im, IDATA_OFF + 0x90, "b.drv");
    put_text(im, IDATA_OFF + 0xa2, "Send");
    put_text(im, IDATA_OFF + 0xb2, "x");
}

/* One directory with one entry. */
static void put_dir(struct image *im, size_t at, uint32_t id, uint32_t to) {
    put16(im, RSRC_OFF + at + 14, 1);
    put32(im, RSRC_OFF + at + 16, id);
    put32(im, RSRC_OFF + at + 20, to);
}

static size_t put_node(struct image *im, size_t at, uint16_t len, const char *key) {
    put16(im, at, len);
    size_t end = at + 6 + put_wide(im, at + 6, key);
    return (end + 3) & ~(size_t)3;
}

#define STRING_OFF (RSRC_OFF + 0x60 + 92 + 36 + 24)

/* Strings "Alpha" = "ab" (28 bytes) and "Beta" = "cd" at STRING_OFF. */
static void make_version(struct image *im) {
    put32(im, OPTIONAL + 112, 0x2000);
    put32(im, OPTIONAL + 116, 0x400);
    put_dir(im, 0, 16, 0x80000018);
    put_dir(im, 0x18, 1, 0x80000030);
    put_dir(im, 0x30, 0x409, 0x48);
    uint16_t table = 24 + 28 + 24;
    put32(im, RSRC_OFF + 0x48, 0x2060);
    put32(im, RSRC_OFF + 0x4c, 92 + 36 + table);
    size_t root = RSRC_OFF + 0x60;
    put16(im, root + 2, 52);
    size_t fixed = put_node(im, root, 92 + 36 + table, "VS_VERSION_INFO");
    put32(im, fixed, 0xfeef04bd);
    put_node(im, root + 92, 36 + table, "StringFileInfo");
    put_node(im, root + 92 + 36, table, "040904E4");
    put_wide(im, put_node(im, STRING_OFF, 28, "Alpha"), "ab");
    put_wide(im, put_node(im, STRING_OFF + 28, 24, "Beta"), "cd");
}

static void walk(struct walktest *t, const struct image *im) {
    walktest_init(t);
    assert_int_equal(walktest_run(t, &sk_format_pe, im->bytes, im->len).code, SK_OK);
}

static void assert_imports(const struct image *im, const char *want) {
    struct walktest t;
    walk(&t, im);
    assert_true(t.has_exe);
    if (want == NULL) {
        assert_null(t.exe.imports);
    } else {
        assert_non_null(t.exe.imports);
        assert_string_equal(t.exe.imports, want);
        assert_int_equal(t.exe.imports_len, strlen(want));
    }
    walktest_release(&t);
}

static void assert_entry(const struct image *im, bool has, uint64_t want) {
    struct walktest t;
    walk(&t, im);
    assert_true(t.has_exe);
    assert_int_equal(t.exe.has_entry, has);
    if (has) {
        assert_int_equal(t.exe.entry, want);
    }
    walktest_release(&t);
}

static void assert_section(const struct image *im, unsigned i, uint64_t off, uint64_t size) {
    struct walktest t;
    walk(&t, im);
    assert_true(i < t.exe.section_count);
    assert_int_equal(t.exe.section[i].off, off);
    assert_int_equal(t.exe.section[i].size, size);
    walktest_release(&t);
}

static void test_probe(void **state) {
    (void)state;
    struct image im;
    enum sk_type type = SK_TYPE_BINARY;
    make(&im);
    assert_int_equal(walktest_bid(&sk_format_pe, im.bytes, im.len, &type), 95);
    im.bytes[LFANEW] = 'N';
    assert_int_equal(walktest_bid(&sk_format_pe, im.bytes, im.len, &type), 60);
    im.bytes[0] = 'Z';
    assert_int_equal(walktest_bid(&sk_format_pe, im.bytes, im.len, &type), 0);
}

static void test_entry(void **state) {
    (void)state;
    struct image im;
    make(&im);
    assert_entry(&im, true, IDATA_OFF);
    put32(&im, OPTIONAL + 16, 0x2010);
    assert_entry(&im, true, RSRC_OFF + 0x10);
    put32(&im, OPTIONAL + 16, 0x123); /* in the headers */
    assert_entry(&im, true, 0x123);
    put32(&im, OPTIONAL + 16, 0);
    assert_entry(&im, true, 0);
    put32(&im, OPTIONAL + 16, 0x1400); /* behind the raw data */
    assert_entry(&im, false, 0);
}

static void test_last_section_wins(void **state) {
    (void)state;
    struct image im;
    make(&im);
    put_section(&im, 1, 0x1000, RSRC_OFF, 0x800);
    assert_entry(&im, true, RSRC_OFF);
}

static void test_alignment_and_clipping(void **state) {
    (void)state;
    struct image im;
    make(&im);
    put_section(&im, 0, 0x1000, IDATA_OFF + 0x10, 0x3f1);
    assert_section(&im, 0, IDATA_OFF, 0x400);
    put_section(&im, 1, 0x2000, RSRC_OFF, 0xfffffe01); /* would overflow 32 bits */
    assert_section(&im, 1, RSRC_OFF, 0x800);
    put_section(&im, 1, 0x2000, 0xffffff00, 0x400);
    assert_section(&im, 1, 0x1000, 0);
    make(&im);
    put32(&im, OPTIONAL + 36, 0x1000); /* 0x400 is no multiple: 512 is taken */
    assert_section(&im, 0, IDATA_OFF, 0x400);
    put32(&im, OPTIONAL + 36, 0); /* no rounding */
    put_section(&im, 0, 0x1000, IDATA_OFF + 1, 3);
    assert_section(&im, 0, IDATA_OFF + 1, 3);
}

static void test_no_image_no_facts(void **state) {
    (void)state;
    struct image im;
    for (size_t len = 2; len <= TABLE + 80; len++) {
        struct walktest t;
        make(&im);
        im.len = len;
        walk(&t, &im);
        assert_int_equal(t.has_exe, len >= OPTIONAL + 96);
        if (t.has_exe) {
            assert_int_equal(t.exe.section_count, len < TABLE ? 0 : (len - TABLE) / 40);
        }
        walktest_release(&t);
    }
}

static void test_imports(void **state) {
    (void)state;
    struct image im;
    make(&im);
    assert_imports(&im, NULL);
    make_imports(&im);
    assert_imports(&im, "ws2_32.accept,ws2_32.send,b.drv.x");
    put32(&im, IDATA_OFF + 0x40, 0x80000384); /* no name known for 900 */
    assert_imports(&im, "ws2_32.ord900,ws2_32.send,b.drv.x");
    put32(&im, IDATA_OFF + 0x44, 0x9000);
    assert_imports(&im, "ws2_32.ord900,ws2_32.,b.drv.x");
    put32(&im, OPTIONAL + 108, 40); /* more than 20 bytes must be left */
    assert_imports(&im, "ws2_32.ord900,ws2_32.");
    put32(&im, OPTIONAL + 108, 0x1000); /* not wholly in the file */
    assert_imports(&im, NULL);
}

static void test_imports_refused(void **state) {
    (void)state;
    struct image im;
    make(&im);
    make_imports(&im);
    im.bytes[IDATA_OFF + 0xb2] = '?';
    assert_imports(&im, NULL);
    make_imports(&im);
    put32(&im, IDATA_OFF + 20 + 12, 0x9000); /* name of the second DLL */
    assert_imports(&im, NULL);
    make_imports(&im);
    put32(&im, IDATA_OFF, 0x9000);
    put32(&im, IDATA_OFF + 16, 0x9000);
    assert_imports(&im, NULL);
}

/* Every directory entry points at one table that fills the rest of the file: total work is bounded
 * by counts, and the list that nobody could have hashed is left out. */
static void test_imports_flood(void **state) {
    (void)state;
    size_t size = (size_t)2 << 20;
    uint8_t *bytes = mem_zalloc(1, size);
    assert_non_null(bytes);
    struct image im;
    make(&im);
    put32(&im, OPTIONAL + 104, 0x2000);
    put32(&im, OPTIONAL + 108, 20 * 1025);
    put_section(&im, 1, 0x2000, RSRC_OFF, (uint32_t)(size - RSRC_OFF));
    memcpy(bytes, im.bytes, sizeof(im.bytes));
    for (size_t i = 0; i < 1025; i++) {
        sk_store_u32le(bytes + RSRC_OFF + 20 * i, 0x2000 + 0x6000);
        sk_store_u32le(bytes + RSRC_OFF + 20 * i + 12, 0x2000);
    }
    memset(bytes + RSRC_OFF + 0x6000, 0x80, size - RSRC_OFF - 0x6000);
    struct walktest t;
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_pe, bytes, size).code, SK_OK);
    assert_true(t.has_exe);
    assert_null(t.exe.imports);
    assert_true(t.ticks < 1000000);
    walktest_release(&t);
    mem_free(bytes);
}

static void assert_strings(const struct image *im, uint32_t count) {
    static const uint32_t want[] = {STRING_OFF + 6, STRING_OFF + 28 + 6};
    struct walktest t;
    walk(&t, im);
    assert_int_equal(t.exe.vinfo_count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(t.exe.vinfo[i], want[i]);
    }
    walktest_release(&t);
}

static void test_version(void **state) {
    (void)state;
    struct image im;
    make(&im);
    assert_strings(&im, 0);
    make_version(&im);
    assert_strings(&im, 2);
    put16(&im, STRING_OFF + 28, 16); /* too short to count */
    assert_strings(&im, 1);
    put16(&im, STRING_OFF, 100); /* leaves its table */
    assert_strings(&im, 0);
    make_version(&im);
    im.bytes[RSRC_OFF + 0x60 + 6] = 'v';
    assert_strings(&im, 0);
    make_version(&im);
    put32(&im, RSRC_OFF + 0x60 + 40, 0);
    assert_strings(&im, 0);
}

static void test_resource_cycle(void **state) {
    (void)state;
    struct image im;
    struct walktest t;
    make(&im);
    make_version(&im);
    put_dir(&im, 0, 16, 0x80000000);
    put32(&im, RSRC_OFF + 12, 0xffffffff); /* every level is the root, with 131070 entries */
    walk(&t, &im);
    assert_true(t.ticks < 200000);
    walktest_release(&t);
}

/* The root of the resources with so many types in front of that of the version, all in the file. */
static void assert_many_types(uint32_t types, uint32_t strings, uint32_t notes) {
    struct image im;
    struct walktest t;
    make(&im);
    make_version(&im);
    size_t extra = (size_t)8 * types;
    size_t len = im.len + extra;
    uint8_t *bytes = calloc(1, len);
    assert_non_null(bytes);
    put32(&im, TABLE + 40 + 8, (uint32_t)(0x800 + extra)); /* the section, and where it leads to: */
    put32(&im, TABLE + 40 + 16, (uint32_t)(0x800 + extra));
    put32(&im, RSRC_OFF + 20, (uint32_t)(0x80000018 + extra));
    put32(&im, RSRC_OFF + 0x18 + 20, (uint32_t)(0x80000030 + extra));
    put32(&im, RSRC_OFF + 0x30 + 20, (uint32_t)(0x48 + extra));
    put32(&im, RSRC_OFF + 0x48, (uint32_t)(0x2060 + extra));
    put16(&im, RSRC_OFF + 12, (uint16_t)(types < 0xffff ? types : 0xffff));
    put16(&im, RSRC_OFF + 14, (uint16_t)(1 + types - (types < 0xffff ? types : 0xffff)));
    memcpy(bytes, im.bytes, RSRC_OFF + 16);
    memcpy(bytes + RSRC_OFF + 16 + extra, im.bytes + RSRC_OFF + 16, im.len - RSRC_OFF - 16);
    walktest_init(&t);
    assert_int_equal(walktest_run(&t, &sk_format_pe, bytes, len).code, SK_OK);
    assert_int_equal(t.exe.vinfo_count, strings);
    assert_int_equal(t.note[SK_NOTE_LIMIT_MATCH], notes);
    walktest_release(&t);
    free(bytes);
}

/* The version, its name and its language are entries, too. */
static void test_resource_flood(void **state) {
    (void)state;
    assert_many_types(100, 2, 0);
    assert_many_types(PE_RESOURCE_ENTRIES_MAX - 3, 2, 0);
    assert_many_types(PE_RESOURCE_ENTRIES_MAX - 2, 0, 1);
    assert_many_types(PE_RESOURCE_ENTRIES_MAX, 0, 1);
}

/* Entry `n` of the directory at `at`, which then has n + 1. */
static void put_entry(struct image *im, size_t at, unsigned n, uint32_t id, uint32_t to) {
    put16(im, RSRC_OFF + at + 14, (uint16_t)(n + 1));
    put32(im, RSRC_OFF + at + 16 + 8 * (size_t)n, id);
    put32(im, RSRC_OFF + at + 20 + 8 * (size_t)n, to);
}

static void put_leaf(struct image *im, size_t at, uint32_t off, uint32_t size) {
    put32(im, RSRC_OFF + at, 0x2000 + off);
    put32(im, RSRC_OFF + at + 4, size);
}

#define DIR 0x80000000u

/* Icons 1 (in two languages) and 2, at 0x600, 0x610, 0x620; the first group lists 2, 7, 1, the
 * second one 1. */
static void make_icons(struct image *im) {
    make(im);
    put32(im, OPTIONAL + 112, 0x2000);
    put32(im, OPTIONAL + 116, 0x800);
    put_entry(im, 0, 0, 3, DIR | 0x40);
    put_entry(im, 0, 1, 14, DIR | 0x140);
    put_entry(im, 0x40, 0, 1, DIR | 0x80);
    put_entry(im, 0x40, 1, 2, DIR | 0xc0);
    put_entry(im, 0x80, 0, 9, 0x100);
    put_entry(im, 0x80, 1, 10, 0x110);
    put_entry(im, 0xc0, 0, 9, 0x120);
    put_leaf(im, 0x100, 0x600, 16);
    put_leaf(im, 0x110, 0x610, 16);
    put_leaf(im, 0x120, 0x620, 16);
    put_entry(im, 0x140, 0, 30, DIR | 0x180);
    put_entry(im, 0x140, 1, 31, DIR | 0x1c0);
    put_entry(im, 0x180, 0, 9, 0x200);
    put_entry(im, 0x1c0, 0, 9, 0x210);
    put_leaf(im, 0x200, 0x300, 6 + 3 * 14);
    put_leaf(im, 0x210, 0x400, 6 + 14);
    put16(im, RSRC_OFF + 0x304, 3);
    put16(im, RSRC_OFF + 0x306 + 12, 2);
    put16(im, RSRC_OFF + 0x306 + 26, 7);
    put16(im, RSRC_OFF + 0x306 + 40, 1);
    put16(im, RSRC_OFF + 0x404, 1);
    put16(im, RSRC_OFF + 0x406 + 12, 1);
}

struct icons_seen {
    char text[256];
    size_t len;
    unsigned stop_after;
};

static sk_err on_icon(void *ctx, uint64_t off) {
    struct icons_seen *seen = ctx;
    if (seen->len + 8 < sizeof(seen->text)) {
        seen->len += (size_t)snprintf(seen->text + seen->len, sizeof(seen->text) - seen->len, "%x ",
                                      (unsigned)off);
    }
    return seen->stop_after > 0 && --seen->stop_after == 0 ? sk_fail(SK_E_STOP) : sk_ok();
}

static sk_err look_for_icons(struct image *im, struct icons_seen *seen) {
    struct walktest t;
    struct sk_source src;
    walk(&t, im);
    assert_true(t.has_exe && t.exe.resource_size > 0);
    sk_source_init_mem(&src, im->bytes, im->len);
    sk_err err = pe_icons(&src, &t.exe, on_icon, seen);
    sk_source_release(&src);
    walktest_release(&t);
    return err;
}

static void test_icons(void **state) {
    (void)state;
    struct image im;
    struct icons_seen seen = {.len = 0};
    make_icons(&im);
    assert_int_equal(look_for_icons(&im, &seen).code, SK_OK);
    assert_string_equal(seen.text, "e20 e00 e10 ");
    seen = (struct icons_seen){.stop_after = 1};
    assert_int_equal(look_for_icons(&im, &seen).code, SK_E_STOP);
    assert_string_equal(seen.text, "e20 ");
    put16(&im, RSRC_OFF + 0x304, 9); /* more than there are */
    put_leaf(&im, 0x200, 0x300, 6 + 14);
    seen = (struct icons_seen){.len = 0};
    assert_int_equal(look_for_icons(&im, &seen).code, SK_OK);
    assert_string_equal(seen.text, "e20 ");
    put_entry(&im, 0, 0, 4, DIR | 0x40); /* no icons */
    seen = (struct icons_seen){.len = 0};
    assert_int_equal(look_for_icons(&im, &seen).code, SK_OK);
    assert_string_equal(seen.text, "");
}

/* A hundred entries are looked at; directories in circles end. */
static void test_icon_limits(void **state) {
    (void)state;
    struct image im;
    struct icons_seen seen = {.len = 0};
    make_icons(&im);
    put_leaf(&im, 0x200, 0x220, 6 + 101 * 14); /* its numbers are no icon's */
    memset(im.bytes + RSRC_OFF + 0x220, 0, 6 + 101 * 14);
    put16(&im, RSRC_OFF + 0x224, 100);
    assert_int_equal(look_for_icons(&im, &seen).code, SK_OK);
    put16(&im, RSRC_OFF + 0x224, 101);
    assert_int_equal(look_for_icons(&im, &seen).code, SK_E_LIMIT);
    assert_string_equal(seen.text, "");
    make_icons(&im);
    put_entry(&im, 0x80, 0, 9, DIR | 0x80);
    put16(&im, RSRC_OFF + 0x80 + 12, 0xffff); /* 131070 entries in every language directory */
    put16(&im, RSRC_OFF + 0x40 + 12, 0xffff);
    seen = (struct icons_seen){.len = 0};
    assert_int_equal(look_for_icons(&im, &seen).code, SK_OK);
    make_icons(&im);
    put_leaf(&im, 0x200, 0x220, 6 + 100 * 14);
    put16(&im, RSRC_OFF + 0x224, 100);
    for (unsigned i = 0; i < 100; i++) {
        put16(&im, RSRC_OFF + 0x226 + 12 + (size_t)14 * i, 1);
    }
    for (unsigned i = 0; i < 6; i++) {
        put_entry(&im, 0x40, i, 1, DIR | 0x80);
    }
    put16(&im, RSRC_OFF + 0x80 + 12, 0xffff); /* so many entries that not all are looked at */
    seen = (struct icons_seen){.len = 0};
    assert_int_equal(look_for_icons(&im, &seen).code, SK_E_LIMIT);
}

static void test_stop_and_memory(void **state) {
    (void)state;
    struct image im;
    make(&im);
    make_imports(&im);
    make_version(&im);
    for (uint64_t n = 1; n < 8; n++) {
        struct walktest t;
        walktest_init(&t);
        t.stop_after_ticks = n;
        assert_int_equal(walktest_run(&t, &sk_format_pe, im.bytes, im.len).code, SK_E_STOP);
        walktest_release(&t);
    }
    sk_err err = sk_fail(SK_E_NOMEM);
    for (uint64_t n = 1; sk_failed(err); n++) {
        struct walktest t;
        walktest_init(&t);
        mem_fault_set(n);
        err = walktest_run(&t, &sk_format_pe, im.bytes, im.len);
        mem_fault_set(0);
        assert_true(!sk_failed(err) || err.code == SK_E_NOMEM);
        assert_true(n < 100);
        walktest_release(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_entry),
        cmocka_unit_test(test_last_section_wins),
        cmocka_unit_test(test_alignment_and_clipping),
        cmocka_unit_test(test_no_image_no_facts),
        cmocka_unit_test(test_imports),
        cmocka_unit_test(test_imports_refused),
        cmocka_unit_test(test_imports_flood),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_resource_cycle),
        cmocka_unit_test(test_resource_flood),
        cmocka_unit_test(test_icons),
        cmocka_unit_test(test_icon_limits),
        cmocka_unit_test(test_stop_and_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
