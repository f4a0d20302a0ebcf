// SPDX-License-Identifier: Apache-2.0
/*
 * The filters of PDF: tables of what goes in and what must come out, whatever the chunking; data
 * made by an encoder of ours for LZW, whose widths grow; failing allocations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/mem.h"
#include "pack.h"

typedef sk_err (*open_fn)(struct sk_stream *up, struct sk_stream **out);

static sk_err open_lzw(struct sk_stream *up, struct sk_stream **out) {
    return sk_lzw_open(up, true, out);
}
static sk_err open_lzw_late(struct sk_stream *up, struct sk_stream **out) {
    return sk_lzw_open(up, false, out);
}
static sk_err open_png(struct sk_stream *up, struct sk_stream **out) {
    return sk_predictor_open(up, &(struct sk_predictor){15, 1, 8, 4}, out);
}
static sk_err open_png_rgb(struct sk_stream *up, struct sk_stream **out) {
    return sk_predictor_open(up, &(struct sk_predictor){12, 3, 8, 2}, out);
}
static sk_err open_tiff(struct sk_stream *up, struct sk_stream **out) {
    return sk_predictor_open(up, &(struct sk_predictor){2, 1, 8, 4}, out);
}
static sk_err open_tiff16(struct sk_stream *up, struct sk_stream **out) {
    return sk_predictor_open(up, &(struct sk_predictor){2, 1, 16, 2}, out);
}

#define B(text) (text), sizeof(text) - 1

static const struct row {
    open_fn open;
    const char *in;
    size_t in_len;
    const char *out;
    size_t out_len;
    enum sk_err_code end;
} rows[] = {
    {sk_asciihex_open, B("48656C6c 6f>junk"), B("Hello"), SK_OK},
    {sk_asciihex_open, B("48 65 6"), B("He`"), SK_OK},
    {sk_asciihex_open, B("4>"), B("@"), SK_OK},
    {sk_asciihex_open, B("4g8\n%65"), B("He"), SK_OK},
    {sk_asciihex_open, B(""), B(""), SK_OK},
    {sk_asciihex_open, B(">"), B(""), SK_OK},
    {sk_ascii85_open, B("87cURD]i,\"Ebo80~>"), B("Hello World!"), SK_OK},
    {sk_ascii85_open, B("<~87cURD]i,\"Ebo80~>"), B("Hello World!"), SK_OK},
    {sk_ascii85_open, B("87cUR\n D]i,\"Ebo7"), B("Hello World"), SK_OK},
    {sk_ascii85_open, B("z87cURD~>"), B("\0\0\0\0Hell"), SK_OK},
    {sk_ascii85_open, B("87cURDZ~>"), B("Hello"), SK_OK},
    {sk_ascii85_open, B("~>"), B(""), SK_OK},
    {sk_runlength_open, B("\x04Hello\xfe!\x80junk"), B("Hello!!!"), SK_OK},
    {sk_runlength_open, B("\xfe!"), B("!!!"), SK_OK},
    {sk_runlength_open, B("\x04Hel"), B("Hel"), SK_E_FORMAT},
    {sk_runlength_open, B("\xfe"), B(""), SK_E_FORMAT},
    /* The example of ISO 32000-1, 7.4.4.2. */
    {open_lzw, B("\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01"), B("-----A---B"), SK_OK},
    {open_lzw, B("\x80\x0b\x60\x50"), B("---"), SK_OK},
    {open_lzw, B("\x80\x0b\xff\xff"), B("/"), SK_E_FORMAT},
    {open_lzw, B("\xff\xff"), B(""), SK_E_FORMAT},
    {open_png, B("\0abcd\2\1\1\1\1\1a\1\1\1\7same"), B("abcdbcdeabcdsame"), SK_OK},
    {open_png, B("\3\2\2\2\2\3\1\1\1\1\4\1\1\1\1"), B("\2\3\3\3\2\3\4\4\3\4\5\6"), SK_OK},
    {open_png, B("\0ab"), B("ab"), SK_OK},
    {open_png_rgb, B("\1abc\1\2\3"), B("abcbdf"), SK_OK},
    {open_tiff, B("a\1\1\1b\1"), B("abcdbc"), SK_OK},
    {open_tiff16, B("\0\xff\0\1\0\1"), B("\0\xff\1\0\0\1"), SK_OK},
};

static void test_rows_in_every_chunking(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t step = 1; step < 64; step = step * 3 + 1) {
            for (size_t cap = 1; cap < 64; cap = cap * 5 + 1) {
                struct drip up;
                struct sk_stream *s = NULL;
                struct buf out = {0};
                sk_err err = rows[i].open(drip_init(&up, rows[i].in, rows[i].in_len, step), &s);
                assert_int_equal(err.code, SK_OK);
                err = pack_drain(s, cap, &out);
                sk_stream_close(s);
                if (err.code != (int)rows[i].end || out.len != rows[i].out_len ||
                    memcmp(buf_text(&out), rows[i].out, out.len) != 0) {
                    fail_msg("row %zu step %zu cap %zu: error %d, \"%s\"", i, step, cap, err.code,
                             buf_text(&out));
                }
                buf_release(&out);
            }
        }
    }
}

/* ---- LZW with growing widths ---- */

struct bits {
    struct buf out;
    uint32_t hold;
    unsigned held;
};

static void put_code(struct bits *b, unsigned code, unsigned width) {
    b->hold = b->hold << width | code;
    b->held += width;
    while (b->held >= 8) {
        uint8_t byte = (uint8_t)(b->hold >> (b->held - 8));
        assert_false(sk_failed(buf_append(&b->out, &byte, 1)));
        b->held -= 8;
    }
}

/* A plain encoder: longest known string by search; clears when the table is full. */
static void lzw_encode(struct bits *b, const uint8_t *in, size_t len, unsigned early) {
    static uint16_t next[4096][256];
    unsigned top = 258;
    unsigned width = 9;
    unsigned code = 256;
    memset(next, 0, sizeof(next));
    put_code(b, 256, 9);
    for (size_t i = 0; i < len; i++) {
        if (code == 256) {
            code = in[i];
        } else if (next[code][in[i]] != 0) {
            code = next[code][in[i]];
        } else {
            put_code(b, code, width);
            next[code][in[i]] = (uint16_t)top++;
            /* The decoder is one entry behind. */
            width = top - 1 + early >= 2048   ? 12
                    : top - 1 + early >= 1024 ? 11
                    : top - 1 + early >= 512  ? 10
                                              : 9;
            code = in[i];
            if (top == 4094) {
                put_code(b, code, width);
                put_code(b, 256, width);
                memset(next, 0, sizeof(next));
                top = 258;
                width = 9;
                code = 256;
            }
        }
    }
    if (code != 256) {
        put_code(b, code, width);
        top++;
        width = top - 1 + early >= 2048   ? 12
                : top - 1 + early >= 1024 ? 11
                : top - 1 + early >= 512  ? 10
                                          : 9;
    }
    put_code(b, 257, width);
    put_code(b, 0, 7);
}

static void test_lzw_round_trip(void **state) {
    (void)state;
    struct buf sample = {0};
    pack_sample(&sample, 60000, 3);
    for (unsigned early = 0; early < 2; early++) {
        struct bits b = {0};
        struct buf out = {0};
        struct drip up;
        struct sk_stream *s = NULL;
        lzw_encode(&b, sample.data, sample.len, early);
        sk_err err =
            (early == 1 ? open_lzw : open_lzw_late)(drip_init(&up, b.out.data, b.out.len, 777), &s);
        assert_int_equal(err.code, SK_OK);
        assert_int_equal(pack_drain(s, 1000, &out).code, SK_OK);
        assert_int_equal(out.len, sample.len);
        assert_memory_equal(out.data, sample.data, out.len);
        sk_stream_close(s);
        buf_release(&out);
        buf_release(&b.out);
    }
    buf_release(&sample);
}

static void test_predictors_without_sense(void **state) {
    (void)state;
    static const struct sk_predictor bad[] = {{12, 0, 8, 4}, {12, 65, 8, 4},
                                              {12, 1, 0, 4}, {12, 1, 33, 4},
                                              {12, 1, 8, 0}, {12, 64, 32, 1u << 20}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct drip up;
        struct sk_stream *s = NULL;
        assert_int_equal(sk_predictor_open(drip_init(&up, "", 0, 1), &bad[i], &s).code,
                         SK_E_UNSUPPORTED);
        assert_null(s);
    }
    assert_false(sk_predictor_wanted(&(struct sk_predictor){1, 1, 8, 1}));
    assert_false(sk_predictor_wanted(&(struct sk_predictor){16, 1, 8, 1}));
}

static void test_failing_allocations(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sk_err err = sk_fail(SK_E_NOMEM);
        for (uint64_t n = 1; sk_failed(err); n++) {
            struct drip up;
            struct sk_stream *s = NULL;
            mem_fault_set(n);
            err = rows[i].open(drip_init(&up, rows[i].in, rows[i].in_len, 7), &s);
            mem_fault_set(0);
            assert_true(err.code == SK_OK || err.code == SK_E_NOMEM);
            sk_stream_close(s);
            assert_true(n < 20);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_in_every_chunking),
        cmocka_unit_test(test_lzw_round_trip),
        cmocka_unit_test(test_predictors_without_sense),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
