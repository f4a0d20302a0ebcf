// SPDX-License-Identifier: Apache-2.0
/*
 * BCJ2 against a packer of our own, which takes out targets as the dice say, and cut, and in pieces
 * of any size. What 7-Zip packs is in tests/integ/test_libarchive_formats.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/codec.h"

#define PROGRAM_BYTES 40000u
#define STREAM_BYTES (PROGRAM_BYTES + 16)

enum { MAIN, CALL, JUMP, BITS };

struct packed {
    uint8_t bytes[SK_BCJ2_STREAMS][STREAM_BYTES];
    size_t len[SK_BCJ2_STREAMS];
    /* the coder of bits */
    uint64_t low;
    uint32_t range;
    uint8_t cache;
    uint32_t held; /* bytes that a carry may still change */
    uint16_t prob[258];
};

static uint32_t seed = 1;

static uint32_t dice(uint32_t sides) {
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % sides;
}

static void put(struct packed *p, unsigned stream, uint8_t byte) {
    p->bytes[stream][p->len[stream]++] = byte;
}

static void shift_low(struct packed *p) {
    if (p->low < 0xff000000u || p->low > UINT32_MAX) {
        uint8_t carry = (uint8_t)(p->low >> 32);
        for (uint8_t byte = p->cache; p->held > 0; p->held--) {
            put(p, BITS, (uint8_t)(byte + carry));
            byte = 0xff;
        }
        p->cache = (uint8_t)(p->low >> 24);
    }
    p->held++;
    p->low = (p->low & 0x00ffffffu) << 8;
}

static void put_bit(struct packed *p, uint16_t *prob, bool bit) {
    uint32_t bound = (p->range >> 11) * *prob;
    if (bit) {
        p->low += bound;
        p->range -= bound;
        *prob = (uint16_t)(*prob - (*prob >> 5));
    } else {
        p->range = bound;
        *prob = (uint16_t)(*prob + ((2048 - *prob) >> 5));
    }
    while (p->range < 1u << 24) {
        p->range <<= 8;
        shift_low(p);
    }
}

static bool opens(uint8_t before, uint8_t byte) {
    return byte == 0xe8 || byte == 0xe9 || (before == 0x0f && byte >= 0x80 && byte <= 0x8f);
}

static void pack(struct packed *p, const uint8_t *program, size_t len) {
    *p = (struct packed){.range = UINT32_MAX, .held = 1};
    for (size_t i = 0; i < 258; i++) {
        p->prob[i] = 1024;
    }
    uint8_t before = 0;
    for (size_t i = 0; i < len;) {
        uint8_t byte = program[i++];
        put(p, MAIN, byte);
        if (!opens(before, byte) || i == len) {
            before = byte;
            continue;
        }
        size_t context = byte == 0xe8 ? before : byte == 0xe9 ? 256 : 257;
        bool take = len - i >= 4 && dice(3) > 0;
        put_bit(p, &p->prob[context], take);
        before = byte;
        if (take) {
            uint32_t target = sk_load_u32le(program + i) + (uint32_t)i + 4;
            for (int shift = 24; shift >= 0; shift -= 8) {
                put(p, byte == 0xe8 ? CALL : JUMP, (uint8_t)(target >> shift));
            }
            before = program[i + 3];
            i += 4;
        }
    }
    for (int i = 0; i < 5; i++) {
        shift_low(p);
    }
}

/* Full of what looks like calls, next to and within each other. */
static void make_program(uint8_t *program, size_t len) {
    static const uint8_t common[] = {0xe8, 0xe9, 0x0f, 0x80, 0x84, 0x8f, 0, 0xff};
    for (size_t i = 0; i < len; i++) {
        program[i] = dice(2) == 0 ? common[dice(sizeof(common))] : (uint8_t)dice(256);
    }
}

static uint8_t PROGRAM[PROGRAM_BYTES];
static uint8_t OUT[PROGRAM_BYTES];
static struct packed PACKED;

struct ups {
    struct sk_source src[SK_BCJ2_STREAMS];
    struct sk_source_stream stream[SK_BCJ2_STREAMS];
    struct sk_stream *up[SK_BCJ2_STREAMS];
};

static void ups_init(struct ups *u, const struct packed *p) {
    for (unsigned i = 0; i < SK_BCJ2_STREAMS; i++) {
        sk_source_init_mem(&u->src[i], p->bytes[i], p->len[i]);
        u->up[i] = sk_source_stream_init(&u->stream[i], &u->src[i], 0, p->len[i]);
    }
}

/* How the stream ended, or SK_OK with all of OUT wanted; what came out before. step 0: pieces of
 * any size. */
static sk_err unpack(const struct packed *p, size_t want, size_t step, size_t *out_len) {
    struct ups u;
    struct sk_stream *s;
    ups_init(&u, p);
    assert_false(sk_failed(sk_bcj2_open(u.up, &s)));
    *out_len = 0;
    size_t got = 1;
    sk_err err = sk_ok();
    while (got > 0 && *out_len < want && !sk_failed(err)) {
        size_t cap = step > 0 ? step : 1 + dice(100);
        size_t room = want - *out_len;
        got = 0;
        err = sk_stream_read(s, OUT + *out_len, cap < room ? cap : room, &got);
        *out_len += got;
    }
    sk_stream_close(s);
    return err;
}

static void test_round_trip(void **state) {
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 5, 6, 9, 4095, 4096, 4097, PROGRAM_BYTES};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        make_program(PROGRAM, lengths[i]);
        pack(&PACKED, PROGRAM, lengths[i]);
        static const size_t steps[] = {1, 3, 0, PROGRAM_BYTES};
        for (size_t k = 0; k < 4; k++) {
            size_t len;
            assert_false(sk_failed(unpack(&PACKED, lengths[i], steps[k], &len)));
            assert_int_equal(len, lengths[i]);
            assert_memory_equal(OUT, PROGRAM, len);
        }
    }
}

/* One of the streams ends too early: what is told before is right, and then that it is damaged. */
static void test_cut(void **state) {
    (void)state;
    make_program(PROGRAM, PROGRAM_BYTES);
    for (unsigned stream = CALL; stream <= BITS; stream++) {
        for (unsigned part = 0; part < 8; part++) {
            pack(&PACKED, PROGRAM, PROGRAM_BYTES);
            PACKED.len[stream] = PACKED.len[stream] * part / 8;
            size_t len;
            assert_int_equal(unpack(&PACKED, PROGRAM_BYTES, 1000, &len).code, SK_E_FORMAT);
            assert_true(len < PROGRAM_BYTES);
            assert_memory_equal(OUT, PROGRAM, len);
        }
    }
}

/* The bit of an instruction that is the last of all bytes is not asked for, and main tells the end.
 */
static void test_no_bit_behind_the_end(void **state) {
    (void)state;
    pack(&PACKED, (const uint8_t *)"\x90\xe8", 2);
    PACKED.len[BITS] = 0;
    struct ups u;
    struct sk_stream *s;
    ups_init(&u, &PACKED);
    assert_false(sk_failed(sk_bcj2_open(u.up, &s)));
    size_t got = 0;
    assert_false(sk_failed(sk_stream_read(s, OUT, 2, &got)));
    assert_int_equal(got, 2);
    assert_memory_equal(OUT, "\x90\xe8", 2);
    sk_stream_close(s);

    pack(&PACKED, (const uint8_t *)"\x90\x90", 2);
    ups_init(&u, &PACKED);
    assert_false(sk_failed(sk_bcj2_open(u.up, &s)));
    assert_false(sk_failed(sk_stream_read(s, OUT, 100, &got)));
    assert_int_equal(got, 2);
    assert_false(sk_failed(sk_stream_read(s, OUT, 100, &got)));
    assert_int_equal(got, 0);
    sk_stream_close(s);
}

static sk_err failing_read(struct sk_stream *s, uint8_t *buf, size_t cap, size_t *out_len) {
    (void)s;
    (void)buf;
    (void)cap;
    (void)out_len;
    return sk_fail(SK_E_IO);
}

static void test_failures(void **state) {
    (void)state;
    struct sk_stream *s = NULL;
    struct ups u;
    make_program(PROGRAM, 1000);
    pack(&PACKED, PROGRAM, 1000);
    ups_init(&u, &PACKED);
    mem_fault_set(1);
    assert_int_equal(sk_bcj2_open(u.up, &s).code, SK_E_NOMEM);
    mem_fault_set(0);
    assert_null(s);
    for (unsigned i = 0; i < SK_BCJ2_STREAMS; i++) {
        struct sk_stream failing = {.read = failing_read};
        size_t got;
        ups_init(&u, &PACKED);
        u.up[i] = &failing;
        assert_false(sk_failed(sk_bcj2_open(u.up, &s)));
        sk_err err;
        do {
            got = 0;
            err = sk_stream_read(s, OUT, sizeof(OUT), &got);
        } while (!sk_failed(err) && got > 0);
        assert_int_equal(err.code, SK_E_IO);
        assert_int_equal(sk_stream_read(s, OUT, sizeof(OUT), &got).code, SK_E_IO);
        sk_stream_close(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_no_bit_behind_the_end),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
