// SPDX-License-Identifier: Apache-2.0
/* Real floors: EICAR in every container libarchive can write, nested, by body and by hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "lib/fakedefs.h"

#define ARCHIVE_ROOM ((size_t)4 << 20)

static struct fakedefs defs;
static char eicar[69];

/* One archive with a harmless member, then the given bytes. */
static void pack(struct buf *out, const char *format, int filter, const char *name,
                 const struct buf *content) {
    buf_clear(out);
    assert_false(sk_failed(buf_reserve(out, ARCHIVE_ROOM)));
    struct archive *a = archive_write_new();
    assert_int_equal(archive_write_set_format_by_name(a, format), ARCHIVE_OK);
    assert_int_equal(archive_write_add_filter(a, filter), ARCHIVE_OK);
    assert_int_equal(archive_write_set_bytes_in_last_block(a, 1), ARCHIVE_OK);
    size_t used = 0;
    assert_int_equal(archive_write_open_memory(a, out->data, ARCHIVE_ROOM, &used), ARCHIVE_OK);
    for (unsigned i = 0; i < 2; i++) {
        static const char HARMLESS[] = "a harmless member\n";
        struct archive_entry *e = archive_entry_new();
        archive_entry_set_pathname(e, i == 0 ? "readme.txt" : name);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0644);
        size_t len = i == 0 ? sizeof(HARMLESS) - 1 : content->len;
        archive_entry_set_size(e, (la_int64_t)len);
        assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
        const void *bytes = i == 0 ? (const void *)HARMLESS : content->data;
        assert_int_equal(archive_write_data(a, bytes, len), (la_ssize_t)len);
        archive_entry_free(e);
    }
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    out->len = used;
}

static const char *const FORMATS[] = {"zip",  "ustar", "pax", "newc",   "odc",
                                      "7zip", "argnu", "xar", "iso9660"};
#define FORMAT_COUNT (sizeof(FORMATS) / sizeof(FORMATS[0]))

static const int FILTERS[] = {ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_BZIP2,
                              ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD};
#define FILTER_COUNT (sizeof(FILTERS) / sizeof(FILTERS[0]))

static void expect_eicar(struct sk_scanner *sc, const struct buf *object, const char *what) {
    const struct sk_report *r = NULL;
    assert_int_equal(sk_scan_mem(sc, object->data, object->len, what, &r), 0);
    if (r->verdict != SK_VERDICT_INFECTED) {
        print_error("%s: verdict %d, type %s, %zu notes\n", what, (int)r->verdict, r->type,
                    r->note_count);
        for (size_t i = 0; i < r->note_count; i++) {
            print_error("   %s %s %s\n", r->notes[i].word, r->notes[i].layer,
                        r->notes[i].detail == NULL ? "" : r->notes[i].detail);
        }
    }
    assert_int_equal(r->verdict, SK_VERDICT_INFECTED);
    assert_non_null(strstr(r->findings[0].name, "Eicar"));
    assert_non_null(strstr(r->findings[0].layer, "eicar"));
}

static struct sk_scanner *scanner(uint32_t flags) {
    struct sk_options options;
    sk_options_init(&options);
    options.flags = flags;
    struct sk_scanner *sc = NULL;
    assert_int_equal(sk_scanner_new(defs.engine, &options, &sc), 0);
    return sc;
}

static void test_eicar_plain(void **state) {
    (void)state;
    struct sk_scanner *sc = scanner(SK_SCAN_ALL_MATCHES);
    const struct sk_report *r = NULL;
    assert_int_equal(sk_scan_mem(sc, eicar, 68, NULL, &r), 0);
    assert_int_equal(r->verdict, SK_VERDICT_INFECTED);
    assert_int_equal(r->finding_count, 2);
    assert_string_equal(r->findings[0].name, "Eicar.Body.UNOFFICIAL");
    assert_string_equal(r->findings[1].name, "Eicar.Hash.UNOFFICIAL");
    assert_true(r->complete);
    sk_scanner_free(sc);
}

static void test_eicar_in_every_container(void **state) {
    (void)state;
    struct sk_scanner *sc = scanner(0);
    struct buf content = {0}, packed = {0};
    assert_false(sk_failed(buf_append(&content, eicar, 68)));
    for (size_t f = 0; f < FORMAT_COUNT; f++) {
        for (size_t z = 0; z < FILTER_COUNT; z++) {
            char what[32];
            snprintf(what, sizeof(what), "%s, filter %d", FORMATS[f], FILTERS[z]);
            pack(&packed, FORMATS[f], FILTERS[z], "eicar.com", &content);
            expect_eicar(sc, &packed, what);
        }
    }
    sk_scanner_free(sc);
    buf_release(&content);
    buf_release(&packed);
}

static void test_every_container_in_every_other(void **state) {
    (void)state;
    struct sk_scanner *sc = scanner(0);
    struct buf content = {0}, inner = {0}, outer = {0};
    assert_false(sk_failed(buf_append(&content, eicar, 68)));
    for (size_t f = 0; f < FORMAT_COUNT; f++) {
        pack(&inner, FORMATS[f], FILTERS[f % FILTER_COUNT], "eicar.com", &content);
        for (size_t g = 0; g < FORMAT_COUNT; g++) {
            char what[48];
            snprintf(what, sizeof(what), "%s in %s", FORMATS[f], FORMATS[g]);
            pack(&outer, FORMATS[g], FILTERS[g % FILTER_COUNT], "inner.bin", &inner);
            expect_eicar(sc, &outer, what);
        }
    }
    sk_scanner_free(sc);
    buf_release(&content);
    buf_release(&inner);
    buf_release(&outer);
}

/* Cut anywhere: never a crash, never clean without a word. */
static void test_truncated_anywhere(void **state) {
    (void)state;
    struct sk_scanner *sc = scanner(0);
    struct buf content = {0}, packed = {0};
    for (unsigned i = 0; i < 3000; i++) {
        assert_false(sk_failed(buf_printf(&content, "%u,", i * 2654435761u)));
    }
    for (size_t f = 0; f < FORMAT_COUNT; f++) {
        pack(&packed, FORMATS[f], FILTERS[f % FILTER_COUNT], "numbers.txt", &content);
        for (size_t cut = 0; cut < packed.len; cut += 1 + packed.len / 97) {
            const struct sk_report *r = NULL;
            assert_int_equal(sk_scan_mem(sc, packed.data, cut, NULL, &r), 0);
            assert_true(r->verdict == SK_VERDICT_CLEAN || r->verdict == SK_VERDICT_INCOMPLETE);
        }
    }
    sk_scanner_free(sc);
    buf_release(&content);
    buf_release(&packed);
}

static void test_allocation_failures_with_real_floors(void **state) {
    (void)state;
    struct buf content = {0}, inner = {0}, outer = {0};
    assert_false(sk_failed(buf_append(&content, eicar, 68)));
    pack(&inner, "ustar", ARCHIVE_FILTER_GZIP, "eicar.com", &content);
    pack(&outer, "zip", ARCHIVE_FILTER_NONE, "inner.bin", &inner);
    for (uint64_t n = 1; n < 5000; n++) {
        struct sk_options options;
        sk_options_init(&options);
        struct sk_scanner *sc = NULL;
        const struct sk_report *r = NULL;
        mem_fault_set(n);
        int result = sk_scanner_new(defs.engine, &options, &sc);
        if (result == 0) {
            result = sk_scan_mem(sc, outer.data, outer.len, NULL, &r);
        }
        bool reached = mem_fault_seen() >= n;
        mem_fault_set(0);
        if (result == 0) {
            assert_true(r->verdict == SK_VERDICT_INFECTED || r->verdict == SK_VERDICT_INCOMPLETE);
        }
        sk_scanner_free(sc);
        if (!reached) {
            break;
        }
        assert_true(n < 4999);
    }
    buf_release(&content);
    buf_release(&inner);
    buf_release(&outer);
}

static int open_defs(void **state) {
    (void)state;
    fakedefs_eicar(eicar);
    char ndb[256] = "Eicar.Body:0:*:";
    size_t len = strlen(ndb);
    for (unsigned i = 0; i < 68; i++) {
        len += (size_t)snprintf(ndb + len, sizeof(ndb) - len, "%02x", (unsigned)eicar[i]);
    }
    snprintf(ndb + len, sizeof(ndb) - len, "\n");
    const struct fakedefs_file files[] = {
        {"a.ndb", ndb},
        {"a.hdb", "44d88612fea8a8f36de82e1278abb02f:68:Eicar.Hash\n"},
        {NULL, NULL}};
    fakedefs_open(&defs, files);
    return 0;
}

static int close_defs(void **state) {
    (void)state;
    fakedefs_close(&defs);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eicar_plain),
        cmocka_unit_test(test_eicar_in_every_container),
        cmocka_unit_test(test_every_container_in_every_other),
        cmocka_unit_test(test_truncated_anywhere),
        cmocka_unit_test(test_allocation_failures_with_real_floors),
    };
    return cmocka_run_group_tests(tests, open_defs, close_defs);
}
