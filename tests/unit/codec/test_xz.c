// SPDX-License-Identifier: Apache-2.0
/*
 * Our decoders of the LZMA family against liblzma: contents of every kind with dictionaries that
 * are smaller than these, all properties, filters and checksums, and streams with flipped bits,
 * where both must give the same bytes, stop at the same place and say the same of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "codec/lzma_window.h"
#include "codec/xz_check.h"
#include "lzmapeer.h"

#define MAX_BYTES ((size_t)8 << 20)
#define ROUNDS 60u
#define FLIPS 40u
#define BLOCK_HEADER_OFF 12u /* behind the header of the stream */

static uint32_t seed = 1;

static uint32_t chance(uint32_t below) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

/* `kind` 0 random, 1 a period with errors, 2 few letters, 3 short distances, 4 random in the midst
 */
static void fill(struct buf *out, size_t len, unsigned kind) {
    size_t period = 1 + chance(300);
    out->len = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)chance(256);
        bool noise = kind == 0 || chance(20) == 0 || (kind == 4 && i > len / 4 && i < len / 2);
        if (kind == 2) {
            byte = (uint8_t) "abcd efgh"[chance(9)];
        } else if (!noise && kind == 1 && i >= period) {
            byte = out->data[i - period];
        } else if (!noise && kind >= 3 && i > 40) {
            byte = out->data[i - 1 - chance(40)];
        }
        assert_false(sk_failed(buf_append(out, &byte, 1)));
    }
}

/* ---- packing ------------------------------------------------------------------------------ */

struct packing {
    struct lzma_peer peer; /* its kind, properties and size */
    lzma_options_lzma lzma;
    lzma_filter filters[LZMA_FILTERS_MAX + 1];
    lzma_check check;
    size_t block_bytes; /* 0: one block, and its header tells the sizes */
};

static void packing_init(struct packing *how, enum lzma_peer_kind kind) {
    *how = (struct packing){.peer = {.kind = kind, .size = SK_CODEC_SIZE_UNKNOWN}};
    bool usual = kind == PEER_LZIP;
    assert_false(lzma_lzma_preset(&how->lzma, chance(7)));
    how->lzma.dict_size = usual ? 1u << 12 : 4096u << chance(4);
    how->lzma.lc = usual ? 3 : chance(5);
    how->lzma.lp = usual ? 0 : chance(5 - how->lzma.lc);
    how->lzma.pb = usual ? 2 : chance(5);
    how->check = chance(2) == 0 ? LZMA_CHECK_CRC32 : LZMA_CHECK_CRC64;
    how->block_bytes = chance(3) * 7000;
    bool two = kind == PEER_XZ || kind == PEER_LZMA2;
    how->filters[0] = (lzma_filter){two ? LZMA_FILTER_LZMA2 : LZMA_FILTER_LZMA1, &how->lzma};
    how->filters[1].id = LZMA_VLI_UNKNOWN;
}

static void encode_all(lzma_stream *lz, struct buf *out, const struct buf *in, size_t piece) {
    lz->next_out = out->data;
    lz->avail_out = out->cap;
    size_t done = 0;
    lzma_ret rc = LZMA_OK;
    while (rc == LZMA_OK) {
        size_t len = piece == 0 || in->len - done < piece ? in->len - done : piece;
        lz->next_in = in->data + done;
        lz->avail_in = len;
        done += len;
        rc = lzma_code(lz, done == in->len ? LZMA_FINISH : LZMA_FULL_FLUSH);
        rc = rc == LZMA_STREAM_END && done < in->len ? LZMA_OK : rc;
    }
    assert_int_equal(rc, LZMA_STREAM_END);
    out->len = out->cap - lz->avail_out;
    lzma_end(lz);
}

static void pack_raw(struct packing *how, struct buf *out, const struct buf *in) {
    size_t pos = 0;
    bool lzip = how->peer.kind == PEER_LZIP;
    if (lzip) {
        memcpy(out->data, "LZIP\x01\x0c", 6);
        pos = 6;
    } else {
        assert_int_equal(lzma_properties_encode(how->filters, how->peer.props), LZMA_OK);
    }
    assert_int_equal(
        lzma_raw_buffer_encode(how->filters, NULL, in->data, in->len, out->data, &pos, out->cap),
        LZMA_OK);
    if (lzip) {
        sk_store_u32le(out->data + pos, sk_crc32(0, in->data, in->len));
        sk_store_u64le(out->data + pos + 4, in->len);
        sk_store_u64le(out->data + pos + 12, pos + 20);
        pos += 20;
    }
    out->len = pos;
}

static void pack(struct packing *how, struct buf *out, const struct buf *in) {
    lzma_stream lz = LZMA_STREAM_INIT;
    size_t pos = 0;
    out->len = 0;
    assert_false(sk_failed(buf_reserve(out, in->len * 2 + 5000)));
    if (how->peer.kind == PEER_ALONE) {
        assert_int_equal(lzma_alone_encoder(&lz, &how->lzma), LZMA_OK);
        encode_all(&lz, out, in, 0);
    } else if (how->peer.kind != PEER_XZ) {
        pack_raw(how, out, in);
    } else if (how->block_bytes > 0) {
        assert_int_equal(lzma_stream_encoder(&lz, how->filters, how->check), LZMA_OK);
        encode_all(&lz, out, in, how->block_bytes);
    } else {
        assert_int_equal(lzma_stream_buffer_encode(how->filters, how->check, NULL, in->data,
                                                   in->len, out->data, &pos, out->cap),
                         LZMA_OK);
        out->len = pos;
    }
}

static void assert_agrees(const struct packing *how, const struct buf *packed,
                          const struct buf *sound) {
    struct lzma_peer p = how->peer;
    assert_true(lzma_peer_run(&p, packed->data, packed->len, MAX_BYTES));
    if (sound != NULL) {
        assert_int_equal(p.our_end.code, SK_OK);
        assert_int_equal(p.ours.len, sound->len);
        assert_memory_equal(p.ours.data, sound->data, sound->len);
    }
    lzma_peer_release(&p);
}

/* ---- tests -------------------------------------------------------------------------------- */

static void test_contents(void **state) {
    (void)state;
    static const size_t lens[] = {1, 2, 19, 273, 4096, 4160, 4161, 20000, 70000, 300000};
    struct buf in = {0}, packed = {0};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        for (unsigned k = 0; k < LZMA_PEER_KINDS * 5; k++) {
            struct packing how;
            packing_init(&how, (enum lzma_peer_kind)(k / 5));
            fill(&in, lens[i], k % 5);
            pack(&how, &packed, &in);
            assert_agrees(&how, &packed, &in);
        }
    }
    buf_release(&in);
    buf_release(&packed);
}

/* A size that is told: with the end marker behind it, and one that is wrong. */
static void test_known_size(void **state) {
    (void)state;
    struct buf in = {0}, packed = {0};
    for (unsigned i = 0; i < 40; i++) {
        struct packing how;
        packing_init(&how, PEER_LZMA1);
        fill(&in, 1 + chance(9000), i % 5);
        pack(&how, &packed, &in);
        how.peer.size = in.len;
        assert_agrees(&how, &packed, &in);
        how.peer.size = chance((uint32_t)in.len + 300);
        assert_agrees(&how, &packed, how.peer.size == in.len ? &in : NULL);
    }
    buf_release(&in);
    buf_release(&packed);
}

static void damage(struct buf *b) {
    for (unsigned flips = 1 + chance(2); flips > 0; flips--) {
        uint32_t range = (uint32_t)(chance(3) != 0 || b->len < 40 ? b->len : 40);
        size_t at = chance(2) != 0 ? chance(range) : b->len - 1 - chance(range);
        b->data[at] =
            chance(2) != 0 ? (uint8_t)chance(256) : b->data[at] ^ (uint8_t)(1u << chance(8));
    }
    b->len = chance(4) == 0 ? 1 + chance((uint32_t)b->len) : b->len;
}

static void test_flipped_bits(void **state) {
    (void)state;
    struct buf in = {0}, packed = {0}, damaged = {0};
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct packing how;
        packing_init(&how, (enum lzma_peer_kind)(i % LZMA_PEER_KINDS));
        fill(&in, 1 + chance(i % 2 == 0 ? 200 : 20000), chance(5));
        pack(&how, &packed, &in);
        for (unsigned k = 0; k < FLIPS; k++) {
            damaged.len = 0;
            assert_false(sk_failed(buf_append(&damaged, packed.data, packed.len)));
            damage(&damaged);
            assert_agrees(&how, &damaged, NULL);
        }
    }
    buf_release(&in);
    buf_release(&packed);
    buf_release(&damaged);
}

/* Headers of blocks whose checksum is right, whatever they say. */
static void test_odd_headers(void **state) {
    (void)state;
    struct buf in = {0}, packed = {0}, odd = {0};
    lzma_options_delta delta = {.type = LZMA_DELTA_TYPE_BYTE, .dist = 3};
    lzma_options_bcj arm = {.start_offset = 64};
    unsigned told[SK_E_COUNT] = {0};
    for (unsigned i = 0; i < 40; i++) {
        struct packing how;
        packing_init(&how, PEER_XZ);
        if (i % 2 == 0) {
            how.filters[2] = how.filters[0];
            how.filters[0] = (lzma_filter){LZMA_FILTER_DELTA, &delta};
            how.filters[1] = (lzma_filter){LZMA_FILTER_ARM, &arm};
            how.filters[3].id = LZMA_VLI_UNKNOWN;
        }
        fill(&in, 500, i % 5);
        pack(&how, &packed, &in);
        assert_agrees(&how, &packed, &in);
        for (unsigned k = 0; k < FLIPS; k++) {
            odd.len = 0;
            assert_false(sk_failed(buf_append(&odd, packed.data, packed.len)));
            uint8_t *header = odd.data + BLOCK_HEADER_OFF;
            size_t len = ((size_t)header[0] + 1) * 4;
            header[1 + chance((uint32_t)len - 5)] = (uint8_t)chance(chance(2) != 0 ? 256 : 12);
            sk_store_u32le(header + len - 4, sk_crc32(0, header, len - 4));
            struct lzma_peer p = how.peer;
            /* of a size that is wrong, liblzma notices by the call, not by the byte */
            bool same = lzma_peer_run(&p, odd.data, odd.len, MAX_BYTES);
            assert_true(same || (p.our_end.code == SK_E_FORMAT && lzma_peer_alike(&p)));
            told[p.our_end.code]++;
            lzma_peer_release(&p);
        }
    }
    assert_true(told[SK_OK] > 0 && told[SK_E_FORMAT] > 0 && told[SK_E_UNSUPPORTED] > 0);
    buf_release(&in);
    buf_release(&packed);
    buf_release(&odd);
}

static void test_filters_and_checks(void **state) {
    (void)state;
    static const lzma_vli calls[] = {LZMA_FILTER_X86,      LZMA_FILTER_POWERPC, LZMA_FILTER_IA64,
                                     LZMA_FILTER_ARM,      LZMA_FILTER_SPARC,   LZMA_FILTER_ARM64,
                                     LZMA_FILTER_ARMTHUMB, LZMA_FILTER_DELTA};
    static const lzma_check checks[] = {LZMA_CHECK_NONE, LZMA_CHECK_CRC32, LZMA_CHECK_CRC64,
                                        LZMA_CHECK_SHA256};
    lzma_options_delta delta = {.type = LZMA_DELTA_TYPE_BYTE, .dist = 7};
    struct buf in = {0}, packed = {0};
    for (unsigned i = 0; i < 32; i++) {
        struct packing how;
        packing_init(&how, PEER_XZ);
        how.check = checks[i / 8];
        how.filters[2] = how.filters[0];
        how.filters[0] = (lzma_filter){calls[i % 8], i % 8 == 7 ? &delta : NULL};
        how.filters[1] = (lzma_filter){LZMA_FILTER_X86, NULL};
        how.filters[3].id = LZMA_VLI_UNKNOWN;
        fill(&in, 1 + chance(40000), i % 5);
        pack(&how, &packed, &in);
        assert_agrees(&how, &packed, &in);
        if (checks[i / 8] != LZMA_CHECK_NONE && how.block_bytes == 0) {
            struct buf wrong = packed;
            size_t at =
                packed.len - 12 - 4 * ((size_t)sk_load_u32le(packed.data + packed.len - 8) + 1);
            wrong.data[at - 1] ^= 1; /* the last byte of the checksum */
            struct lzma_peer p = how.peer;
            assert_true(lzma_peer_run(&p, wrong.data, wrong.len, MAX_BYTES));
            assert_int_equal(p.our_end.code, SK_E_FORMAT);
            assert_int_equal(p.ours.len, in.len);
            lzma_peer_release(&p);
        }
    }
    buf_release(&in);
    buf_release(&packed);
}

/* A checksum that was never defined, of as many bytes as CRC-32: all is sound, nothing is checked.
 */
static void test_unknown_check(void **state) {
    (void)state;
    struct packing how;
    struct buf in = {0}, packed = {0};
    packing_init(&how, PEER_XZ);
    how.check = LZMA_CHECK_CRC32;
    fill(&in, 3000, 1);
    pack(&how, &packed, &in);
    uint8_t *footer = packed.data + packed.len - 12;
    packed.data[7] = 2;
    sk_store_u32le(packed.data + 8, sk_crc32(0, packed.data + 6, 2));
    footer[9] = 2;
    sk_store_u32le(footer, sk_crc32(0, footer + 4, 6));
    assert_agrees(&how, &packed, &in);
    buf_release(&in);
    buf_release(&packed);
}

static void test_crc64(void **state) {
    (void)state;
    struct buf in = {0};
    fill(&in, 300, 0);
    assert_true(xz_crc64(0, (const uint8_t *)"123456789", 9) == UINT64_C(0x995dc9bbdf1939fa));
    for (size_t len = 0; len <= in.len; len++) {
        size_t half = len / 2;
        uint64_t crc = xz_crc64(xz_crc64(0, in.data, half), in.data + half, len - half);
        assert_true(crc == lzma_crc64(in.data, len, 0));
    }
    buf_release(&in);
}

/* A dictionary of 64 MiB costs what is written of it. */
static void test_window_grows(void **state) {
    (void)state;
    struct lz_window w = {0};
    assert_false(sk_failed(lz_window_init(&w, 64 << 20, UINT64_MAX, SK_CODEC_MEM_BYTES)));
    for (size_t sum = 0; sum < (size_t)80 << 20; sum += 4096) {
        assert_false(sk_failed(lz_window_ready(&w)));
        size_t room = w.cap - w.pos;
        lz_window_wrote(&w, room < 4096 ? room : 4096);
        assert_true(w.cap <= 2 * sum + (256 << 10) && w.cap <= (64 << 20) + LZ_WINDOW_SPARE);
    }
    assert_int_equal(w.full, 64 << 20);
    assert_int_equal(lz_window_init(&w, 64 << 20, UINT64_MAX, 1 << 20).code, SK_E_LIMIT);
    lz_window_release(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_known_size),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_odd_headers),
        cmocka_unit_test(test_filters_and_checks),
        cmocka_unit_test(test_unknown_check),
        cmocka_unit_test(test_crc64),
        cmocka_unit_test(test_window_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
