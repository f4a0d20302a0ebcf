// SPDX-License-Identifier: Apache-2.0
/*
 * What codec.h promises, tried on every codec in one table: round trips in every chunking, the end
 * found exactly, chains, damage after the bytes, memory limits, failing allocations and upstreams.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "pack.h"

#define SAMPLE_BYTES ((size_t)200000)
#define WHOLE_ROUNDS 60u

struct codec {
    const char *name;
    sk_err (*open)(struct sk_stream *up, struct sk_stream **out);
    void (*pack)(struct buf *out, const void *in, size_t len);
    bool chains;  /* several packed streams are one */
    bool checked; /* carries a checksum: every change of the content is noticed */
};

static sk_err open_xz(struct sk_stream *up, struct sk_stream **out) {
    return sk_unxz_open(up, SK_CODEC_MEM_BYTES, out);
}
static sk_err open_lzip(struct sk_stream *up, struct sk_stream **out) {
    return sk_unlzip_open(up, SK_CODEC_MEM_BYTES, out);
}
static sk_err open_lzma(struct sk_stream *up, struct sk_stream **out) {
    return sk_unlzma_open(up, SK_CODEC_MEM_BYTES, out);
}
static sk_err open_lzma_zip(struct sk_stream *up, struct sk_stream **out) {
    return sk_unlzma_zip_open(up, SK_CODEC_SIZE_UNKNOWN, SK_CODEC_MEM_BYTES, out);
}
static sk_err open_zstd(struct sk_stream *up, struct sk_stream **out) {
    return sk_unzstd_open(up, SK_CODEC_MEM_BYTES, out);
}
static void pack_raw(struct buf *out, const void *in, size_t len) {
    pack_deflate(out, in, len, 6, 0);
}
static void pack_stored(struct buf *out, const void *in, size_t len) {
    pack_deflate(out, in, len, 0, 0);
}

static const struct codec codecs[] = {
    {"inflate", sk_inflate_open, pack_raw, false, false},
    {"inflate-stored", sk_inflate_open, pack_stored, false, false},
    {"zlib", sk_inflate_zlib_open, pack_zlib, false, true},
    {"gunzip", sk_gunzip_open, pack_gzip, true, true},
    {"deflate64-stored", sk_deflate64_open, pack_stored, false, false},
    {"bunzip2", sk_bunzip2_open, pack_bzip2, true, true},
    {"unxz", open_xz, pack_xz, true, true},
    {"unlzip", open_lzip, pack_lzip, true, true},
    {"unlzma", open_lzma, pack_lzma, false, false},
    {"unlzma-zip", open_lzma_zip, pack_lzma_zip, false, false},
    {"unzstd", open_zstd, pack_zstd, true, true},
};
#define CODEC_COUNT (sizeof(codecs) / sizeof(codecs[0]))

static struct buf sample;

static int set_up(void **state) {
    (void)state;
    pack_sample(&sample, SAMPLE_BYTES, 7);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    buf_release(&sample);
    return 0;
}

/* Decode packed bytes; returns the end, fills out, and tells what was consumed. */
static sk_err decode(const struct codec *c, const struct buf *packed, size_t step, size_t cap,
                     struct buf *out, uint64_t *out_used) {
    struct drip up;
    struct sk_stream *s = NULL;
    bool ended = false;
    TRY(c->open(drip_init(&up, packed->data, packed->len, step), &s));
    sk_err err = pack_drain(s, cap, out);
    *out_used = sk_codec_consumed(s, &ended);
    assert_int_equal(ended, !sk_failed(err));
    size_t got = 0;
    sk_err again = sk_stream_read(s, (uint8_t[16]){0}, 16, &got);
    assert_int_equal(again.code, err.code);
    assert_int_equal(got, 0);
    sk_stream_close(s);
    return err;
}

static void assert_is_prefix(const struct buf *out) {
    assert_true(out->len <= sample.len);
    if (out->len > 0) {
        assert_memory_equal(out->data, sample.data, out->len);
    }
}

static void test_round_trip_in_every_chunking(void **state) {
    (void)state;
    static const size_t steps[] = {1, 13, 4096, 1 << 20};
    static const size_t caps[] = {1, 37, 65536, 1 << 20};
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        struct buf packed = {0};
        codecs[i].pack(&packed, sample.data, sample.len);
        for (size_t k = 0; k < 16; k++) {
            struct buf out = {0};
            uint64_t used = 0;
            sk_err err = decode(&codecs[i], &packed, steps[k % 4], caps[k / 4], &out, &used);
            assert_int_equal(err.code, SK_OK);
            assert_int_equal(out.len, sample.len);
            assert_is_prefix(&out);
            assert_int_equal(used, packed.len);
            buf_release(&out);
        }
        buf_release(&packed);
    }
}

static void test_empty_content(void **state) {
    (void)state;
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        struct buf packed = {0};
        struct buf out = {0};
        uint64_t used = 0;
        codecs[i].pack(&packed, "", 0);
        assert_int_equal(decode(&codecs[i], &packed, 5, 100, &out, &used).code, SK_OK);
        assert_int_equal(out.len, 0);
        assert_int_equal(used, packed.len);
        buf_release(&packed);
        buf_release(&out);
    }
}

static void test_end_is_exact_before_garbage(void **state) {
    (void)state;
    static const char garbage[] = "garbage that is no further stream";
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        for (size_t step = 1; step <= 100000; step *= 10) {
            struct buf packed = {0};
            struct buf out = {0};
            uint64_t used = 0;
            codecs[i].pack(&packed, sample.data, 5000);
            size_t len = packed.len;
            assert_false(sk_failed(buf_append(&packed, garbage, sizeof(garbage))));
            assert_int_equal(decode(&codecs[i], &packed, step, 1000, &out, &used).code, SK_OK);
            assert_int_equal(out.len, 5000);
            assert_int_equal(used, len);
            buf_release(&packed);
            buf_release(&out);
        }
    }
}

static void test_chains_are_one_stream(void **state) {
    (void)state;
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        struct buf packed = {0};
        struct buf out = {0};
        uint64_t used = 0;
        codecs[i].pack(&packed, sample.data, 3000);
        size_t first = packed.len;
        codecs[i].pack(&packed, sample.data + 3000, 4000);
        assert_int_equal(decode(&codecs[i], &packed, 7, 512, &out, &used).code, SK_OK);
        assert_int_equal(out.len, codecs[i].chains ? 7000 : 3000);
        assert_int_equal(used, codecs[i].chains ? packed.len : first);
        assert_is_prefix(&out);
        buf_release(&packed);
        buf_release(&out);
    }
}

static void test_truncation_gives_bytes_then_error(void **state) {
    (void)state;
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        struct buf packed = {0};
        codecs[i].pack(&packed, sample.data, 20000);
        size_t whole = packed.len;
        size_t most = 0;
        for (size_t cut = 0; cut < whole; cut += cut < 64 || whole - cut <= 160 ? 1 : 97) {
            struct buf out = {0};
            uint64_t used = 0;
            packed.len = cut;
            assert_int_equal(decode(&codecs[i], &packed, 4096, 333, &out, &used).code, SK_E_FORMAT);
            assert_is_prefix(&out);
            most = out.len > most ? out.len : most;
            buf_release(&out);
        }
        assert_true(most >= 19000); /* nearly all of it when only the end is missing */
        buf_release(&packed);
    }
}

static void test_damage_is_noticed(void **state) {
    (void)state;
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        struct buf packed = {0};
        codecs[i].pack(&packed, sample.data, 20000);
        for (size_t at = 0; at < packed.len; at += 53) {
            struct buf out = {0};
            uint64_t used = 0;
            packed.data[at] ^= 0x55;
            sk_err err = decode(&codecs[i], &packed, 4096, 4096, &out, &used);
            bool same = out.len == 20000 && memcmp(out.data, sample.data, 20000) == 0;
            if (codecs[i].checked && !sk_failed(err)) {
                assert_true(same); /* a field nobody checks, such as a file name or time */
            }
            assert_true(err.code == SK_OK || err.code == SK_E_FORMAT || err.code == SK_E_LIMIT ||
                        err.code == SK_E_UNSUPPORTED);
            packed.data[at] ^= 0x55;
            buf_release(&out);
        }
        buf_release(&packed);
    }
}

/* Libraries forget what a failing call wrote: that must not depend on how much is asked for. */
static void test_damage_costs_little_in_large_reads(void **state) {
    (void)state;
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        struct buf packed = {0};
        codecs[i].pack(&packed, sample.data, sample.len);
        for (size_t at = packed.len / 2; at < packed.len; at += packed.len / 16) {
            struct buf small = {0};
            struct buf large = {0};
            uint64_t used = 0;
            packed.data[at] ^= 0xff;
            sk_err err = decode(&codecs[i], &packed, 4096, 16, &small, &used);
            sk_err same = decode(&codecs[i], &packed, 1 << 20, 1 << 20, &large, &used);
            packed.data[at] ^= 0xff;
            assert_int_equal(err.code, same.code);
            assert_in_range(large.len + 128, small.len, small.len + 128);
            buf_release(&small);
            buf_release(&large);
        }
        buf_release(&packed);
    }
}

static void test_bad_member_does_not_hide_the_next(void **state) {
    (void)state;
    struct buf packed = {0};
    struct buf out = {0};
    uint64_t used = 0;
    pack_gzip(&packed, sample.data, 3000);
    packed.data[packed.len - 6] ^= 1; /* its checksum */
    pack_gzip(&packed, sample.data + 3000, 3000);
    assert_int_equal(decode(&codecs[3], &packed, 4096, 4096, &out, &used).code, SK_E_FORMAT);
    assert_int_equal(out.len, 6000);
    assert_is_prefix(&out);
    buf_release(&packed);
    buf_release(&out);
}

/* ---- streams in memory, tried whole ---------------------------------------------------------- */

struct decoded {
    sk_err err;
    struct buf out;
    uint64_t used;
};

static struct decoded decode_in_memory(const struct codec *c, const struct buf *packed,
                                       size_t cap) {
    struct decoded d = {0};
    struct sk_source src;
    struct sk_source_stream up;
    struct sk_stream *s = NULL;
    bool ended = false;
    sk_source_init_mem(&src, packed->data, packed->len);
    assert_false(sk_failed(c->open(sk_source_stream_init(&up, &src, 0, src.size), &s)));
    d.err = pack_drain(s, cap, &d.out);
    d.used = sk_codec_consumed(s, &ended);
    assert_int_equal(ended, !sk_failed(d.err));
    sk_stream_close(s);
    sk_source_release(&src);
    return d;
}

/* What zlib takes comes out the same. What it refuses is refused, after the same bytes, or begins
 * with them (whole.c). Returns 1 for the latter. */
static unsigned compare_with_streaming(const struct codec *c, const struct buf *packed,
                                       size_t cap) {
    struct decoded zlib = {0}, whole = decode_in_memory(c, packed, cap);
    zlib.err = decode(c, packed, 1000, cap, &zlib.out, &zlib.used);
    /* in gzip the checksum may still refuse it at the end */
    bool laxer = sk_failed(zlib.err) && (!sk_failed(whole.err) || whole.out.len > zlib.out.len);
    assert_true(laxer || whole.err.code == zlib.err.code);
    assert_true(laxer ? whole.out.len >= zlib.out.len : whole.out.len == zlib.out.len);
    if (zlib.out.len > 0) {
        assert_memory_equal(whole.out.data, zlib.out.data, zlib.out.len);
    }
    if (!sk_failed(zlib.err)) {
        assert_int_equal(whole.used, zlib.used);
    }
    buf_release(&zlib.out);
    buf_release(&whole.out);
    return laxer;
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void test_whole_streams_agree_with_streaming(void **state) {
    (void)state;
    static const size_t lens[] = {0, 1, 300, 20000, SAMPLE_BYTES};
    static const size_t caps[] = {100, 16 << 10, 256 << 10};
    uint32_t seed = 1;
    unsigned laxer = 0;
    for (size_t k = 0; k < 4 * 5 * 3; k++) {
        const struct codec *c = &codecs[k % 4]; /* all of zlib's */
        size_t len = lens[k / 4 % 5], cap = caps[k / 20];
        struct buf packed = {0};
        c->pack(&packed, sample.data, len);
        c->pack(&packed, sample.data, 300); /* a further member, or what follows */
        assert_int_equal(compare_with_streaming(c, &packed, cap), 0);
        size_t whole = packed.len;
        for (unsigned round = 0; round < WHOLE_ROUNDS; round++) {
            size_t at = next_random(&seed) % (round % 2 == 0 && whole > 80 ? 80 : whole);
            uint8_t flip = (uint8_t)(1u << next_random(&seed) % 8);
            packed.data[at] ^= flip;
            packed.len = round % 5 == 0 ? next_random(&seed) % whole : whole;
            laxer += compare_with_streaming(c, &packed, cap);
            packed.data[at] ^= flip;
        }
        packed.len = whole;
        buf_release(&packed);
    }
    print_message("%u damaged streams that only libdeflate takes\n", laxer);
}

static void test_every_allocation_may_fail(void **state) {
    (void)state;
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        struct buf packed = {0};
        codecs[i].pack(&packed, sample.data, 3000);
        codecs[i].pack(&packed, sample.data, 3000);
        unsigned failures = 0;
        for (uint64_t nth = 1;; nth++) {
            struct drip up;
            struct sk_stream *s = NULL;
            uint8_t chunk[512];
            size_t got = 1;
            mem_fault_set(nth);
            sk_err err = codecs[i].open(drip_init(&up, packed.data, packed.len, 4096), &s);
            while (!sk_failed(err) && got > 0) {
                err = sk_stream_read(s, chunk, sizeof(chunk), &got);
            }
            sk_stream_close(s);
            uint64_t seen = mem_fault_seen();
            mem_fault_set(0);
            if (seen < nth) {
                assert_int_equal(err.code, SK_OK);
                break;
            }
            assert_int_equal(err.code, SK_E_NOMEM);
            failures++;
        }
        assert_true(failures >= 2);
        buf_release(&packed);
    }
}

/* In memory some may fail without harm: then zlib does what was to be done at one go. */
static void test_every_allocation_may_fail_in_memory(void **state) {
    (void)state;
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        struct buf packed = {0};
        codecs[i].pack(&packed, sample.data, 3000);
        uint64_t seen = 0;
        for (uint64_t nth = 1; seen + 1 >= nth; nth++) {
            struct sk_source src;
            struct sk_source_stream up;
            struct sk_stream *s = NULL;
            uint8_t out[4096];
            size_t len = 0, got = 1;
            sk_source_init_mem(&src, packed.data, packed.len);
            struct sk_stream *raw = sk_source_stream_init(&up, &src, 0, src.size);
            mem_fault_set(nth);
            sk_err err = codecs[i].open(raw, &s);
            while (!sk_failed(err) && got > 0) {
                err = sk_stream_read(s, out + len, 100, &got);
                len += got;
                assert_true(len <= 3000);
            }
            sk_stream_close(s);
            seen = mem_fault_seen();
            mem_fault_set(0);
            assert_true(err.code == SK_E_NOMEM || (err.code == SK_OK && len == 3000));
            assert_true(seen >= nth || err.code == SK_OK);
            assert_memory_equal(out, sample.data, len);
            sk_source_release(&src);
        }
        assert_true(seen >= 2);
        buf_release(&packed);
    }
}

static void test_upstream_error_is_passed_on(void **state) {
    (void)state;
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        struct buf packed = {0};
        struct buf out = {0};
        struct drip up;
        struct sk_stream *s = NULL;
        codecs[i].pack(&packed, sample.data, 3000);
        struct sk_stream *raw = drip_init(&up, packed.data, packed.len / 2, 4096);
        up.at_end = sk_fail(SK_E_IO);
        assert_false(sk_failed(codecs[i].open(raw, &s)));
        assert_int_equal(pack_drain(s, 100, &out).code, SK_E_IO);
        assert_is_prefix(&out);
        sk_stream_close(s);
        buf_release(&packed);
        buf_release(&out);
    }
}

static void test_dictionary_above_limit_is_refused(void **state) {
    (void)state;
    static sk_err (*const opens[])(struct sk_stream *, uint64_t, struct sk_stream **) = {
        sk_unxz_open, sk_unlzip_open, sk_unlzma_open, sk_unzstd_open};
    static void (*const packs[])(struct buf *, const void *, size_t) = {pack_xz, pack_lzip,
                                                                        pack_lzma, pack_zstd};
    for (size_t i = 0; i < 4; i++) {
        struct buf packed = {0};
        struct buf out = {0};
        struct drip up;
        struct sk_stream *s = NULL;
        packs[i](&packed, sample.data, sample.len);
        assert_false(sk_failed(opens[i](drip_init(&up, packed.data, packed.len, 4096), 50000, &s)));
        assert_int_equal(pack_drain(s, 100, &out).code, SK_E_LIMIT);
        sk_stream_close(s);
        buf_release(&packed);
        buf_release(&out);
    }
}

static void test_unsupported_is_told_from_damage(void **state) {
    (void)state;
    struct buf out = {0};
    uint64_t used = 0;
    uint8_t gz[] = "\x1f\x8b\x07\0\0\0\0\0\0\0abc";        /* method 7 */
    uint8_t lz[] = "\x09\x14\x05\0\x1a\0\0\x10\0\0\0\0\0"; /* lc 8, lp 2 */
    struct buf in = {.data = gz, .len = sizeof(gz)};
    assert_int_equal(decode(&codecs[3], &in, 4096, 100, &out, &used).code, SK_E_UNSUPPORTED);
    in = (struct buf){.data = lz, .len = sizeof(lz)};
    assert_int_equal(decode(&codecs[9], &in, 4096, 100, &out, &used).code, SK_E_UNSUPPORTED);
    buf_release(&out);
}

static void test_chain_of_empty_members_ends(void **state) {
    (void)state;
    for (size_t i = 0; i < CODEC_COUNT; i++) {
        if (!codecs[i].chains) {
            continue;
        }
        struct buf one = {0};
        struct buf many = {0};
        struct buf out = {0};
        uint64_t used = 0;
        codecs[i].pack(&one, "", 0);
        for (unsigned n = 0; n < 10100; n++) {
            assert_false(sk_failed(buf_append(&many, one.data, one.len)));
        }
        assert_int_equal(decode(&codecs[i], &many, 4096, 100, &out, &used).code, SK_E_FORMAT);
        assert_int_equal(out.len, 0);
        buf_release(&one);
        buf_release(&many);
        buf_release(&out);
    }
}

static void test_xz_padding_between_streams(void **state) {
    (void)state;
    struct buf packed = {0};
    struct buf out = {0};
    uint64_t used = 0;
    pack_xz(&packed, sample.data, 100);
    assert_false(sk_failed(buf_append(&packed, "\0\0\0\0\0\0\0\0", 8)));
    pack_xz(&packed, sample.data + 100, 100);
    assert_int_equal(decode(&codecs[6], &packed, 3, 100, &out, &used).code, SK_OK);
    assert_int_equal(out.len, 200);
    assert_int_equal(used, packed.len);
    buf_release(&packed);
    buf_release(&out);
}

static void test_zstd_skippable_frames(void **state) {
    (void)state;
    static const char skip[] = "\x53\x2a\x4d\x18\x05\0\0\0hello";
    struct buf packed = {0};
    struct buf out = {0};
    uint64_t used = 0;
    assert_false(sk_failed(buf_append(&packed, skip, 13)));
    pack_zstd(&packed, sample.data, 1000);
    assert_false(sk_failed(buf_append(&packed, skip, 13)));
    pack_zstd(&packed, sample.data + 1000, 1000);
    assert_int_equal(decode(&codecs[10], &packed, 3, 100, &out, &used).code, SK_OK);
    assert_int_equal(out.len, 2000);
    assert_is_prefix(&out);
    buf_release(&packed);
    buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip_in_every_chunking),
        cmocka_unit_test(test_empty_content),
        cmocka_unit_test(test_end_is_exact_before_garbage),
        cmocka_unit_test(test_chains_are_one_stream),
        cmocka_unit_test(test_truncation_gives_bytes_then_error),
        cmocka_unit_test(test_damage_is_noticed),
        cmocka_unit_test(test_damage_costs_little_in_large_reads),
        cmocka_unit_test(test_bad_member_does_not_hide_the_next),
        cmocka_unit_test(test_whole_streams_agree_with_streaming),
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_every_allocation_may_fail_in_memory),
        cmocka_unit_test(test_upstream_error_is_passed_on),
        cmocka_unit_test(test_dictionary_above_limit_is_refused),
        cmocka_unit_test(test_unsupported_is_told_from_damage),
        cmocka_unit_test(test_chain_of_empty_members_ends),
        cmocka_unit_test(test_xz_padding_between_streams),
        cmocka_unit_test(test_zstd_skippable_frames),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
