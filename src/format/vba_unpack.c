// SPDX-License-Identifier: Apache-2.0
/*
 * Decompression of VBA source text and dir streams.
 *
 *     01 | chunk | chunk | ...
 *     chunk: u16: bits 0-11 size - 3 (header included), 12-14 the mark 011, 15 packed
 *            packed: (flag byte, 8 tokens)...  bit 0: a byte; 1: u16 = distance | length
 *            else:   4096 bytes as they are
 *     A copy token's distance takes as many bits as the chunk is long so far needs (4 to 12), and
 *     never leaves its chunk, so one chunk is all the memory there is.
 *
 * A damaged chunk gives what it could; the next one is read nonetheless, since Office shows it,
 * too. The mark is not compared here (vba.c does where it searches). Source: [MS-OVBA] 2.4.1.
 */
#include "format/vba.h"

#include <string.h>

/* False: the token points before the chunk. */
static bool copy_token(struct vba_unpack *un, uint16_t token) {
    unsigned bits = 4;
    while (((size_t)1 << bits) < un->len) {
        bits++;
    }
    size_t len = (size_t)(token & (0xffffu >> bits)) + 3;
    size_t back = (size_t)(token >> (16 - bits)) + 1;
    if (back > un->len) {
        return false;
    }
    for (; len > 0 && un->len < VBA_CHUNK_BYTES; len--, un->len++) {
        un->out[un->len] = un->out[un->len - back];
    }
    return len == 0;
}

static void unpack_chunk(struct vba_unpack *un, size_t in_len) {
    struct sk_cursor c = sk_cursor_make(un->in, in_len);
    while (sk_cursor_left(&c) > 0) {
        uint8_t flags = sk_cursor_u8(&c);
        for (unsigned i = 0; i < 8 && sk_cursor_left(&c) > 0; i++) {
            bool good = un->len < VBA_CHUNK_BYTES;
            if (good && (flags >> i & 1) != 0) {
                uint16_t token = sk_cursor_u16le(&c);
                good = sk_cursor_ok(&c) && copy_token(un, token);
            } else if (good) {
                un->out[un->len++] = sk_cursor_u8(&c);
            }
            if (!good) {
                un->damaged = true;
                return;
            }
        }
    }
}

static sk_err next_chunk(struct vba_unpack *un) {
    uint8_t head[2];
    size_t got = 0;
    un->pos = un->len = 0;
    if (!un->started) {
        TRY(ole2_pull(un->up, head, 1, &got));
        un->started = true;
        if (got == 0 || head[0] != 1) {
            un->damaged = un->ended = true;
            return sk_ok();
        }
    }
    TRY(ole2_pull(un->up, head, 2, &got));
    if (got < 2) {
        un->damaged = un->damaged || got == 1;
        un->ended = true;
        return sk_ok();
    }
    uint16_t header = sk_load_u16le(head);
    bool packed = (header & 0x8000) != 0;
    size_t want = packed ? (size_t)(header & 0xfff) + 1 : VBA_CHUNK_BYTES;
    sk_err err = ole2_pull(un->up, un->in, want, &got);
    if (sk_failed(err) && err.code != SK_E_FORMAT) {
        return err;
    }
    if (got < want) {
        un->damaged = un->ended = true;
    }
    if (packed) {
        unpack_chunk(un, got);
    } else {
        memcpy(un->out, un->in, got);
        un->len = got;
    }
    return sk_ok();
}

static sk_err unpack_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct vba_unpack *un = (struct vba_unpack *)(void *)base;
    while (un->pos == un->len && !un->ended) {
        TRY(next_chunk(un));
    }
    size_t n = un->len - un->pos < cap ? un->len - un->pos : cap;
    memcpy(buf, un->out + un->pos, n);
    un->pos += n;
    *out_len = n;
    return n == 0 && un->damaged ? sk_fail(SK_E_FORMAT) : sk_ok();
}

struct sk_stream *vba_unpack_init(struct vba_unpack *un, struct sk_stream *up) {
    *un = (struct vba_unpack){.base = {.read = unpack_read}, .up = up};
    return &un->base;
}
