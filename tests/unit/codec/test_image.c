// SPDX-License-Identifier: Apache-2.0
/*
 * Pictures of every format, decoded and hashed: the hashes are what `sigtool --fuzzy-img` of ClamAV
 * 1.4.6 prints for the same files. Then cut files, lies about size, failing reads and allocations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/image.h"
#include "norm/image_hash.h"

#define FILE_MAX_BYTES ((size_t)16384)

static const struct {
    const char *name;
    uint64_t hash;
    bool cut_is_seen; /* a file without its last quarter is damaged */
} PICTURE[] = {
    {"rgb.png", 0xa5da49391259cee6, true},        {"adam7.png", 0xa5da49391259cee6, true},
    {"grey-alpha.png", 0xa5da49391259cee6, true}, {"palette.png", 0xa5da4925165beda2, true},
    {"s1.jpg", 0xa5da49391259cef2, true},         {"progressive.jpg", 0xa5da49391259cef2, true},
    {"cmyk.jpg", 0xa5da49291259cef6, true},       {"palette.gif", 0xa5da4925165beda2, true},
    {"interlaced.gif", 0xa5da4925165beda2, true}, {"rgb.bmp", 0xa5da49391259cee6, true},
    {"palette.bmp", 0xa5da4925165beda2, true},    {"one.bmp", 0xa5da4921167bee62, true},
    {"rle8.bmp", 0xa5da4925165beda2, true},       {"565.bmp", 0xa5da49391259cee6, true},
    {"lzw.tif", 0xa5da49391259cee6, true},        {"cmyk.tif", 0xa5da49391259cee6, true},
    {"g4.tif", 0xa5da4921167bee62, true},         {"jpeg.tif", 0xa5da49391259cee6, true},
    {"tiles.tif", 0xa5da49391259cee6, true},
};
#define PICTURE_COUNT (sizeof(PICTURE) / sizeof(PICTURE[0]))

/* ---- files --------------------------------------------------------------------------------- */

static int value_of(int c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c > 0 ? strchr(digits, c) : NULL;
    return at == NULL ? -1 : (int)(at - digits);
}

static size_t load(const char *name, uint8_t *out) {
    char path[512];
    snprintf(path, sizeof(path), SEEDS "/%s.b64", name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t len = 0;
    uint32_t bits = 0;
    unsigned have = 0;
    for (int c = fgetc(f); c != EOF; c = fgetc(f)) {
        if (value_of(c) < 0) {
            continue;
        }
        bits = bits << 6 | (uint32_t)value_of(c);
        have += 6;
        if (have >= 8) {
            have -= 8;
            assert_true(len < FILE_MAX_BYTES);
            out[len++] = (uint8_t)(bits >> have);
        }
    }
    fclose(f);
    return len;
}

/* ---- a sink -------------------------------------------------------------------------------- */

struct seen {
    struct image_hash hash;
    uint32_t rows;
    uint32_t stop_after; /* rows; 0: never */
};

static sk_err on_size(void *ctx, uint32_t width, uint32_t height) {
    struct seen *s = ctx;
    return image_hash_begin(&s->hash, width, height);
}

static sk_err on_row(void *ctx, const uint8_t *rgb) {
    struct seen *s = ctx;
    image_hash_row(&s->hash, rgb);
    return ++s->rows == s->stop_after ? sk_fail(SK_E_STOP) : sk_ok();
}

static sk_err on_tick(void *ctx) {
    (void)ctx;
    return sk_ok();
}

static sk_err decode(struct sk_source *src, uint32_t stop_after, uint64_t *out_hash) {
    struct seen s = {.stop_after = stop_after};
    struct image_sink sink = {on_size, on_row, on_tick, &s};
    sk_err err = image_decode(src, &sink);
    if (!sk_failed(err)) {
        assert_int_equal(s.rows, s.hash.height);
        *out_hash = image_hash_end(&s.hash);
    }
    image_hash_release(&s.hash);
    return err;
}

static sk_err decode_bytes(const uint8_t *bytes, size_t len, uint64_t *out_hash) {
    struct sk_source src;
    sk_source_init_mem(&src, bytes, len);
    sk_err err = decode(&src, 0, out_hash);
    sk_source_release(&src);
    return err;
}

/* ---- cases --------------------------------------------------------------------------------- */

static uint8_t file[FILE_MAX_BYTES];

static void hashes_are_those_of_sigtool(void **state) {
    (void)state;
    for (size_t i = 0; i < PICTURE_COUNT; i++) {
        uint64_t hash = 0;
        size_t len = load(PICTURE[i].name, file);
        print_message("%s\n", PICTURE[i].name);
        assert_int_equal(decode_bytes(file, len, &hash).code, SK_OK);
        assert_int_equal(hash, PICTURE[i].hash);
    }
}

static void cut_files_have_no_hash(void **state) {
    (void)state;
    for (size_t i = 0; i < PICTURE_COUNT; i++) {
        size_t len = load(PICTURE[i].name, file);
        uint64_t hash;
        print_message("%s\n", PICTURE[i].name);
        for (size_t cut = 0; cut < len; cut += len / 64 + 1) {
            sk_err err = decode_bytes(file, cut, &hash);
            assert_true(err.code == SK_OK || err.code == SK_E_FORMAT ||
                        err.code == SK_E_UNSUPPORTED || err.code == SK_E_LIMIT);
        }
        assert_true(sk_failed(decode_bytes(file, len - len / 4, &hash)) || !PICTURE[i].cut_is_seen);
    }
}

static void sink_stops_every_format(void **state) {
    (void)state;
    for (size_t i = 0; i < PICTURE_COUNT; i++) {
        struct sk_source src;
        uint64_t hash;
        sk_source_init_mem(&src, file, load(PICTURE[i].name, file));
        assert_int_equal(decode(&src, 3, &hash).code, SK_E_STOP);
        sk_source_release(&src);
    }
}

static sk_err bad_read(void *ctx, uint64_t off, void *buf, size_t len) {
    const uint64_t *bad_from = ctx;
    if (off + len > *bad_from) {
        return sk_fail(SK_E_IO);
    }
    memcpy(buf, file + off, len);
    return sk_ok();
}

static void read_errors_are_passed_on(void **state) {
    (void)state;
    for (size_t i = 0; i < PICTURE_COUNT; i++) {
        struct sk_source src;
        uint64_t hash, bad_from = 0;
        sk_source_init_read(&src, load(PICTURE[i].name, file), bad_read, &bad_from);
        assert_int_equal(decode(&src, 0, &hash).code, SK_E_IO);
        sk_source_release(&src);
    }
}

static void failing_allocations(void **state) {
    (void)state;
    for (size_t i = 0; i < PICTURE_COUNT; i++) {
        size_t len = load(PICTURE[i].name, file);
        sk_err err = sk_fail(SK_E_NOMEM);
        for (uint64_t nth = 1; sk_failed(err); nth++) {
            uint64_t hash;
            assert_true(nth < 200);
            mem_fault_set(nth);
            err = decode_bytes(file, len, &hash);
            mem_fault_set(0);
            /* libpng takes a refused buffer for damage */
            assert_true(err.code == SK_OK || err.code == SK_E_NOMEM || err.code == SK_E_FORMAT);
        }
    }
}

/* Headers that state more than the limits, with nothing behind: refused before memory is taken. */
static void bombs_are_refused(void **state) {
    (void)state;
    uint64_t hash;
    size_t len = load("rle8.bmp", file);
    memcpy(file + 18, "\x00\x00\x01\x00", 4); /* 65536 wide */
    assert_int_equal(decode_bytes(file, len, &hash).code, SK_E_LIMIT);
    memcpy(file + 18, "\xff\xff\x00\x00\xff\xff\x00\x00", 8); /* 65535 x 65535 */
    assert_int_equal(decode_bytes(file, len, &hash).code, SK_E_LIMIT);
    memcpy(file + 18, "\x00\x40\x00\x00\x00\x40\x00\x00", 8); /* 16384 x 16384, held in whole */
    assert_int_equal(decode_bytes(file, len, &hash).code, SK_E_LIMIT);
    len = load("interlaced.gif", file);
    memcpy(file + 6, "\xff\xff\xff\xff", 4);
    assert_int_equal(decode_bytes(file, len, &hash).code, SK_E_LIMIT);
    len = load("s1.jpg", file);
    uint8_t *frame = memmem(file, len, "\xff\xc0\x00\x11\x08", 5);
    assert_non_null(frame);
    memcpy(frame + 5, "\xff\xff\xff\xff", 4);
    assert_int_equal(decode_bytes(file, len, &hash).code, SK_E_LIMIT);
}

static void others_are_no_pictures(void **state) {
    (void)state;
    uint64_t hash;
    assert_int_equal(decode_bytes((const uint8_t *)"", 0, &hash).code, SK_E_FORMAT);
    assert_int_equal(decode_bytes((const uint8_t *)"RIFF....WEBP", 12, &hash).code, SK_E_FORMAT);
    assert_int_equal(decode_bytes((const uint8_t *)"BM", 2, &hash).code, SK_E_UNSUPPORTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_those_of_sigtool), cmocka_unit_test(cut_files_have_no_hash),
        cmocka_unit_test(sink_stops_every_format),     cmocka_unit_test(read_errors_are_passed_on),
        cmocka_unit_test(failing_allocations),         cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(others_are_no_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
