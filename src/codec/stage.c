// SPDX-License-Identifier: Apache-2.0
/*
 * The pull loop of every codec:
 *
 *     up --read--> in[16 KiB] --step--> caller's buffer
 *                  ^ in_pos   ^ in_len
 *
 * A codec may ask for the bytes where they lie, if they lie in memory: then `in` is all of them.
 *
 * One read runs steps until a byte comes out, the data ends, or something fails. A failure that
 * comes together with bytes is kept for the next read: what could be decoded is always scanned.
 * The loop ends because every turn uses input, makes output, or fetches input, and each of them is
 * finite; empty members are counted.
 */
#include "codec/stage.h"

#include <libdeflate.h>

#include "base/mem.h"
#include "codec/codec.h"

/* All of up at once. */
static bool borrow(struct stage *s) {
    struct sk_bytes all;
    if (!s->borrows || s->pulled > 0 ||
        !sk_stream_take_memory(s->up, STAGE_BORROW_MAX_BYTES, &all)) {
        return false;
    }
    s->in = all.ptr;
    s->in_len = all.len;
    s->in_last = true;
    s->pulled = all.len;
    return true;
}

/* Move what is left to the front and append one upstream read. */
static sk_err fill(struct stage *s) {
    size_t left = s->in_len - s->in_pos;
    if (borrow(s)) {
        return sk_ok();
    }
    if (left > 0 && s->in_pos > 0) {
        memmove(s->buf, s->buf + s->in_pos, left);
    }
    s->in_pos = 0;
    s->in_len = left;
    if (left == STAGE_IN_BYTES) {
        return sk_fail(SK_E_FORMAT);
    }
    size_t got = 0;
    TRY(sk_stream_read(s->up, s->buf + left, STAGE_IN_BYTES - left, &got));
    s->in_last = got == 0;
    s->in_len += got;
    s->pulled += got;
    return sk_ok();
}

sk_err stage_more(struct stage *s, struct stage_io *io) {
    s->in_pos += io->in_used;
    if (!s->in_last) {
        TRY(fill(s));
    }
    io->in = s->in + s->in_pos;
    io->in_len = s->in_len - s->in_pos;
    io->in_used = 0;
    io->in_last = s->in_last;
    return io->in_len > 0 ? sk_ok() : sk_fail(SK_E_FORMAT);
}

/* One step and its bookkeeping. */
static sk_err turn(struct stage *s, uint8_t *buf, size_t cap, size_t *out_got, bool *out_hungry) {
    struct stage_io io = {.in = s->in + s->in_pos,
                          .in_len = s->in_len - s->in_pos,
                          .out = buf,
                          .out_cap = cap,
                          .in_last = s->in_last};
    sk_err err = s->step(s, &io);
    s->in_pos += io.in_used;
    *out_got = io.out_len;
    *out_hungry = io.want_more;
    if (io.out_len > 0) {
        s->empty_restarts = 0;
    }
    if (sk_failed(err)) {
        return err;
    }
    s->ended = io.end;
    if (io.restarted && ++s->empty_restarts > STAGE_EMPTY_RESTARTS_MAX) {
        return sk_fail(SK_E_FORMAT);
    }
    bool progress = io.end || io.restarted || io.in_used > 0 || io.out_len > 0;
    bool starved = io.want_more || io.in_len == 0;
    return progress || (starved && !s->in_last) ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static sk_err stage_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct stage *s = (struct stage *)(void *)base;
    size_t got = 0;
    bool hungry = false;
    while (cap > 0 && got == 0 && !s->ended && !sk_failed(s->failed)) {
        if ((hungry || s->in_pos == s->in_len) && !s->in_last) {
            s->failed = fill(s);
        }
        if (!sk_failed(s->failed)) {
            s->failed = turn(s, buf, cap, &got, &hungry);
        }
    }
    if (got == 0 && sk_failed(s->failed)) {
        return s->failed;
    }
    *out_len = got;
    return sk_ok();
}

static void stage_close(struct sk_stream *base) {
    struct stage *s = (struct stage *)(void *)base;
    if (s->fini != NULL) {
        s->fini(s);
    }
    mem_free(s->buf);
    mem_free(s);
}

void *stage_new(size_t bytes_of_codec, struct sk_stream *up,
                sk_err (*step)(struct stage *stage, struct stage_io *io),
                void (*fini)(struct stage *stage)) {
    struct stage *s = mem_zalloc(1, bytes_of_codec);
    uint8_t *in = mem_alloc(STAGE_IN_BYTES);
    if (s == NULL || in == NULL) {
        mem_free(s);
        mem_free(in);
        return NULL;
    }
    s->base = (struct sk_stream){.read = stage_read, .close = stage_close};
    s->up = up;
    s->step = step;
    s->fini = fini;
    s->buf = in;
    s->in = in;
    return s;
}

int stage_next_magic(struct stage_io *io, const void *magic, size_t len) {
    if (io->in_len < len && !io->in_last) {
        io->want_more = true;
        return -1;
    }
    return io->in_len >= len && memcmp(io->in, magic, len) == 0;
}

uint64_t sk_codec_consumed(const struct sk_stream *codec, bool *out_ended) {
    const struct stage *s = (const struct stage *)(const void *)codec;
    *out_ended = s->ended;
    return s->pulled - (s->in_len - s->in_pos) - s->held_back;
}

uint32_t sk_crc32(uint32_t crc, const void *bytes, size_t len) {
    return len == 0 ? crc : libdeflate_crc32(crc, bytes, len);
}
