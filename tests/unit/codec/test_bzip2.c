// SPDX-License-Identifier: Apache-2.0
/*
 * Our bzip2 against libbz2: contents of every kind, periodic ones above all (their tables are not
 * one way but several circles), every level, randomised blocks, and streams with flipped bits,
 * where both must give the same bytes and stop at the same place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "bzip2peer.h"
#include "pack.h"

#define MAX_BYTES ((size_t)8 << 20)
#define FLIPS 150u
#define RANDOMISED_BYTE 14u /* behind level, magic and CRC: the first bit */

static uint32_t seed = 1;

static uint32_t chance(uint32_t below) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static void pack(struct buf *out, const struct buf *in, int level) {
    unsigned room = (unsigned)(in->len + in->len / 50 + 1000);
    out->len = 0;
    assert_false(sk_failed(buf_reserve(out, room)));
    assert_int_equal(BZ2_bzBuffToBuffCompress((char *)out->data, &room, (char *)in->data,
                                              (unsigned)in->len, level, 0, 0),
                     BZ_OK);
    out->len = room;
}

static void assert_agrees(const struct buf *packed, bool sound) {
    struct bzip2_peer p;
    assert_true(bzip2_peer_run(&p, packed->data, packed->len, MAX_BYTES));
    if (sound) {
        assert_true(p.ours_sound);
    }
    bzip2_peer_release(&p);
}

/* `len` bytes: `kind` 0 random, 1 text-like, else the period with random bytes in it. */
static void fill(struct buf *out, size_t len, unsigned kind) {
    uint8_t period[64];
    out->len = 0;
    if (kind == 1) {
        pack_sample(out, len, 3);
        return;
    }
    for (size_t i = 0; i < sizeof(period); i++) {
        period[i] = (uint8_t)chance(256);
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = kind == 0 ? (uint8_t)chance(256) : period[i % (kind - 1)];
        assert_false(sk_failed(buf_append(out, &byte, 1)));
    }
}

static void test_contents(void **state) {
    (void)state;
    static const size_t lens[] = {1, 4, 5, 255, 259, 260, 16383, 16384, 100000, 950000};
    static const unsigned kinds[] = {0, 1, 2, 3, 4, 8, 51};
    struct buf in = {0}, packed = {0};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
            fill(&in, lens[i], kinds[k]);
            pack(&packed, &in, 1 + (int)(i * 5 + k) % 9);
            struct bzip2_peer p;
            assert_true(bzip2_peer_run(&p, packed.data, packed.len, MAX_BYTES));
            assert_true(p.ours_sound);
            assert_int_equal(p.ours.len, in.len);
            assert_memory_equal(p.ours.data, in.data, in.len);
            bzip2_peer_release(&p);
        }
    }
    buf_release(&in);
    buf_release(&packed);
}

static void test_runs_of_every_length(void **state) {
    (void)state;
    struct buf in = {0}, packed = {0};
    for (unsigned run = 1; run < 600; run++) {
        uint8_t bytes[600];
        memset(bytes, (int)(run & 3), sizeof(bytes));
        assert_false(sk_failed(buf_append(&in, bytes, run)));
    }
    pack(&packed, &in, 1);
    assert_agrees(&packed, true);
    buf_release(&in);
    buf_release(&packed);
}

/* A stream whose next has another level: the table grows, or is larger than need be. */
static void test_levels_in_a_chain(void **state) {
    (void)state;
    struct buf in = {0}, packed = {0}, chain = {0};
    fill(&in, 250000, 1);
    static const int levels[] = {1, 9, 2};
    for (size_t i = 0; i < 3; i++) {
        pack(&packed, &in, levels[i]);
        assert_false(sk_failed(buf_append(&chain, packed.data, packed.len)));
    }
    assert_agrees(&chain, true);
    /* a block of level 9 in a stream that says 2 */
    pack(&packed, &in, 9);
    packed.data[3] = '2';
    assert_agrees(&packed, false);
    buf_release(&in);
    buf_release(&packed);
    buf_release(&chain);
}

static void test_randomised(void **state) {
    (void)state;
    struct buf in = {0}, packed = {0};
    for (unsigned kind = 0; kind < 4; kind++) {
        fill(&in, 90000, kind);
        pack(&packed, &in, 1);
        packed.data[RANDOMISED_BYTE] |= 0x80;
        struct bzip2_peer p;
        assert_true(bzip2_peer_run(&p, packed.data, packed.len, MAX_BYTES));
        assert_false(p.ours_sound); /* the CRC is that of other bytes */
        if (kind < 2) {
            assert_true(p.ours.len > 89000);
        }
        bzip2_peer_release(&p);
    }
    buf_release(&in);
    buf_release(&packed);
}

static void test_flipped_bits(void **state) {
    (void)state;
    struct buf in = {0}, packed = {0};
    unsigned gave = 0;
    for (unsigned kind = 0; kind < 5; kind++) {
        fill(&in, kind == 1 ? 120000 : 30000, kind);
        pack(&packed, &in, 1);
        for (unsigned i = 0; i < FLIPS; i++) {
            /* half of them in the tables of the first block */
            size_t at = chance(i % 2 == 0 && packed.len > 200 ? 200 : (uint32_t)packed.len);
            uint8_t bit = (uint8_t)(1u << chance(8)), also = (uint8_t)chance(256);
            size_t second = chance((uint32_t)packed.len);
            also = i % 3 == 0 ? also : 0;
            packed.data[at] ^= bit;
            packed.data[second] ^= also;
            struct bzip2_peer p;
            assert_true(bzip2_peer_run(&p, packed.data, packed.len, MAX_BYTES));
            gave += !p.ours_sound && p.ours.len > 0;
            bzip2_peer_release(&p);
            packed.data[second] ^= also;
            packed.data[at] ^= bit;
        }
    }
    assert_true(gave > FLIPS / 4); /* damage that only shows behind bytes was among it */
    buf_release(&in);
    buf_release(&packed);
}

/* What is changed is told: a decoder that does not look at the CRCs does not pass. */
static void test_wrong_checksums(void **state) {
    (void)state;
    struct buf in = {0}, packed = {0};
    fill(&in, 50000, 1);
    pack(&packed, &in, 1);
    for (size_t at = 10; at < 14; at++) { /* of the block */
        packed.data[at] ^= 1;
        struct bzip2_peer p;
        assert_true(bzip2_peer_run(&p, packed.data, packed.len, MAX_BYTES));
        assert_false(p.ours_sound);
        assert_int_equal(p.ours.len, in.len);
        bzip2_peer_release(&p);
        packed.data[at] ^= 1;
    }
    packed.data[packed.len - 2] ^= 1; /* of the stream */
    struct bzip2_peer p;
    assert_true(bzip2_peer_run(&p, packed.data, packed.len, MAX_BYTES));
    assert_false(p.ours_sound);
    assert_int_equal(p.ours.len, in.len);
    bzip2_peer_release(&p);
    buf_release(&in);
    buf_release(&packed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),          cmocka_unit_test(test_runs_of_every_length),
        cmocka_unit_test(test_levels_in_a_chain), cmocka_unit_test(test_randomised),
        cmocka_unit_test(test_flipped_bits),      cmocka_unit_test(test_wrong_checksums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
