// SPDX-License-Identifier: Apache-2.0
/* LZMA and LZMA2 without a container, and branches of every kind, as liblzma writes them. */
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "pack.h"

static uint32_t seed = 1;

static uint32_t chance(uint32_t below) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

/* Filters in the order of packing; the last is LZMA1 or LZMA2. */
static void pack(struct buf *out, const lzma_filter *filters, const struct buf *in) {
    size_t room = in->len * 2 + 1024, pos = 0;
    out->len = 0;
    assert_false(sk_failed(buf_reserve(out, room)));
    assert_int_equal(
        lzma_raw_buffer_encode(filters, NULL, in->data, in->len, out->data, &pos, room), LZMA_OK);
    out->len = pos;
}

static void assert_gives(struct sk_stream *s, size_t cap, const struct buf *want, int code) {
    struct buf got = {0};
    sk_err err = pack_drain(s, cap, &got);
    assert_int_equal(err.code, code);
    assert_int_equal(got.len, want->len);
    assert_memory_equal(got.data, want->data, want->len);
    buf_release(&got);
}

/* ---- branches ----------------------------------------------------------------------------- */

/* Bytes of which many look like calls of one processor or other. */
static void fill_calls(struct buf *out, size_t len) {
    static const uint8_t usual[] = {0xe8, 0xe9, 0x00, 0xff, 0xeb, 0xf0, 0xf8, 0x48, 0x01,
                                    0x40, 0x7f, 0xc0, 0x10, 0x94, 0x97, 0x90, 0xb0, 0x16};
    out->len = 0;
    while (out->len < len) {
        uint8_t byte = chance(4) == 0 ? (uint8_t)chance(256) : usual[chance(sizeof(usual))];
        assert_false(sk_failed(buf_append(out, &byte, 1)));
    }
}

/* A bundle of IA-64 whose slots are all calls. */
static void fill_bundles(struct buf *out, size_t len) {
    out->len = 0;
    while (out->len < len) {
        uint8_t bundle[16];
        for (size_t i = 0; i < sizeof(bundle); i++) {
            bundle[i] = (uint8_t)chance(256);
        }
        bundle[0] = (uint8_t)((bundle[0] & 0xe0) | (0x10 + chance(16)));
        for (unsigned slot = 0; slot < 3; slot++) {
            for (unsigned bit = 0; bit < 41; bit++) {
                unsigned at = 5 + 41 * slot + bit;
                bool set = bit == 37 || bit == 39, clear = bit == 38 || bit == 40;
                clear = clear || (bit >= 9 && bit < 12);
                bundle[at / 8] |= (uint8_t)(set ? 1u << at % 8 : 0);
                bundle[at / 8] &= (uint8_t) ~(clear ? 1u << at % 8 : 0);
            }
        }
        assert_false(sk_failed(buf_append(out, bundle, sizeof(bundle))));
    }
}

static void check_branch(enum sk_branch kind, lzma_vli filter, void *options, uint32_t number) {
    static const size_t lens[] = {1, 4, 5, 15, 16, 17, 100, 16384, 16385, 50003};
    static const size_t caps[] = {1, 7, 4096, 70000};
    lzma_options_lzma lzma;
    assert_false(lzma_lzma_preset(&lzma, 1));
    lzma_filter filters[3] = {
        {filter, options}, {LZMA_FILTER_LZMA2, &lzma}, {LZMA_VLI_UNKNOWN, NULL}};
    struct buf in = {0}, packed = {0};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]) * 4; i++) {
        (i % 2 == 0 ? fill_calls : fill_bundles)(&in, lens[i / 4]);
        pack(&packed, filters, &in);
        struct drip d;
        struct sk_stream *lzma2 = NULL, *s = NULL;
        drip_init(&d, packed.data, packed.len, 1 + i % 3 * 1000);
        assert_false(sk_failed(sk_lzma2_open(&d.base, 24, SK_CODEC_MEM_BYTES, &lzma2)));
        assert_false(sk_failed(sk_branch_open(lzma2, kind, number, &s)));
        assert_gives(s, caps[i % 4], &in, SK_OK);
        sk_stream_close(s);
        sk_stream_close(lzma2);
    }
    buf_release(&in);
    buf_release(&packed);
}

static void test_branches(void **state) {
    (void)state;
    static const lzma_vli calls[] = {
        [SK_BRANCH_X86] = LZMA_FILTER_X86,     [SK_BRANCH_POWERPC] = LZMA_FILTER_POWERPC,
        [SK_BRANCH_IA64] = LZMA_FILTER_IA64,   [SK_BRANCH_ARM] = LZMA_FILTER_ARM,
        [SK_BRANCH_SPARC] = LZMA_FILTER_SPARC, [SK_BRANCH_ARM_THUMB] = LZMA_FILTER_ARMTHUMB,
        [SK_BRANCH_ARM64] = LZMA_FILTER_ARM64};
    for (unsigned kind = 0; kind < sizeof(calls) / sizeof(calls[0]); kind++) {
        lzma_options_bcj options = {.start_offset = 0x12345670};
        check_branch((enum sk_branch)kind, calls[kind], NULL, 0);
        check_branch((enum sk_branch)kind, calls[kind], &options, options.start_offset);
    }
}

static void test_delta(void **state) {
    (void)state;
    static const uint32_t distances[] = {1, 2, 4, 255, 256};
    for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
        lzma_options_delta options = {.type = LZMA_DELTA_TYPE_BYTE, .dist = distances[i]};
        check_branch(SK_BRANCH_DELTA, LZMA_FILTER_DELTA, &options, distances[i]);
    }
}

/* ---- streams ------------------------------------------------------------------------------ */

static void test_raw(void **state) {
    (void)state;
    struct buf in = {0}, packed = {0};
    pack_sample(&in, 300000, 7);
    lzma_options_lzma lzma;
    assert_false(lzma_lzma_preset(&lzma, 6));
    lzma_filter filters[2] = {{LZMA_FILTER_LZMA1, &lzma}, {LZMA_VLI_UNKNOWN, NULL}};
    uint8_t props[SK_LZMA_PROPS_BYTES];
    assert_int_equal(lzma_properties_encode(&filters[0], props), LZMA_OK);
    pack(&packed, filters, &in); /* with an end marker */
    for (unsigned known = 0; known < 2; known++) {
        struct drip d;
        struct sk_stream *s = NULL;
        uint64_t size = known != 0 ? in.len : SK_CODEC_SIZE_UNKNOWN;
        drip_init(&d, packed.data, packed.len, 777);
        assert_false(sk_failed(sk_lzma1_open(&d.base, props, size, SK_CODEC_MEM_BYTES, &s)));
        assert_gives(s, 5000, &in, SK_OK);
        bool ended = false;
        assert_int_equal(sk_codec_consumed(s, &ended), packed.len);
        assert_true(ended);
        sk_stream_close(s);
    }
    buf_release(&in);
    buf_release(&packed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_delta),
        cmocka_unit_test(test_raw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
