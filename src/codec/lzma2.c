// SPDX-License-Identifier: Apache-2.0
/*
 * LZMA2: chunks of LZMA symbols or of plain bytes.
 *
 *     00                                        the end
 *     01 size(2)   bytes                        plain; the dictionary is emptied before
 *     02 size(2)   bytes                        plain
 *     80..9f size(2) packed(2) symbols          sizes are one less, highest byte first; bits 16 to
 *     a0..bf size(2) packed(2) symbols            20 of the first are in the control byte
 *     c0..df size(2) packed(2) props symbols    a0: probabilities begin anew; c0: with properties;
 *     e0..ff size(2) packed(2) props symbols      e0: the dictionary is emptied as well
 *
 * A chunk of symbols is a range coded stream of its own, whose end is told by both sizes and which
 * has no end marker.
 */
#include "codec/lzma2.h"

#include <string.h>

#include "base/cursor.h"

#define CONTROL_SYMBOLS 0x80u
#define CONTROL_RESET 0xa0u
#define CONTROL_PROPS 0xc0u
#define CONTROL_CLEAR 0xe0u
#define CONTROL_BYTES_CLEAR 1u
#define CONTROL_BYTES 2u
#define LITERAL_BITS_MAX 4u

sk_err lzma2_init(struct lzma2 *d, uint8_t dict, uint64_t size, uint64_t mem_bytes) {
    if (dict > LZMA2_DICT_MAX) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    uint64_t bytes =
        dict == LZMA2_DICT_MAX ? UINT32_MAX : (uint64_t)(2 | (dict & 1)) << (dict / 2 + 11);
    d->state = LZMA2_CHUNK;
    d->given = 0;
    d->wants_clear = true;
    d->wants_props = true;
    return lz_window_init(&d->feed.window, bytes, size, mem_bytes);
}

static sk_err set_props(struct lzma2 *d, uint8_t props) {
    if (props % 9u + props / 9u % 5u > LITERAL_BITS_MAX) {
        return sk_fail(SK_E_FORMAT);
    }
    d->wants_props = false;
    return lz_core_props(&d->feed.core, props);
}

/* The header of a chunk of symbols. */
static sk_err begin_symbols(struct lzma2 *d, unsigned control, struct sk_cursor *c) {
    d->left = (control & 0x1f) << 16;
    d->left += sk_cursor_u16be(c) + 1u;
    d->packed_left = sk_cursor_u16be(c) + 1u;
    if (control >= CONTROL_PROPS) {
        TRY(set_props(d, sk_cursor_u8(c)));
    } else if (d->wants_props) {
        return sk_fail(SK_E_FORMAT);
    }
    if (control >= CONTROL_RESET) {
        lz_core_reset(&d->feed.core);
    }
    d->state = LZMA2_START;
    return sk_ok();
}

static size_t header_bytes(unsigned control) {
    if (control < CONTROL_SYMBOLS) {
        return control == 0 ? 1 : 3;
    }
    return control >= CONTROL_PROPS ? 6 : 5;
}

static sk_err begin_chunk(struct lzma2 *d, struct stage_io *io, bool *out_end) {
    size_t len = io->in_len - io->in_used;
    struct sk_cursor c = sk_cursor_make(io->in + io->in_used, len);
    unsigned control = sk_cursor_u8(&c);
    size_t need = header_bytes(control);
    bool clears = control == CONTROL_BYTES_CLEAR || control >= CONTROL_CLEAR;
    if (len < need) {
        io->want_more = !io->in_last;
        return io->in_last ? sk_fail(SK_E_FORMAT) : sk_ok();
    }
    io->in_used += need;
    *out_end = control == 0;
    if (control == 0) {
        return sk_ok();
    }
    if ((d->wants_clear && !clears) || (control > CONTROL_BYTES && control < CONTROL_SYMBOLS)) {
        return sk_fail(SK_E_FORMAT);
    }
    if (clears) {
        lz_window_clear(&d->feed.window);
        d->wants_clear = false;
        d->wants_props = true;
    }
    if (control >= CONTROL_SYMBOLS) {
        return begin_symbols(d, control, &c);
    }
    d->left = sk_cursor_u16be(&c) + 1u;
    d->state = LZMA2_BYTES;
    return sk_ok();
}

static sk_err run_symbols(struct lzma2 *d, struct stage_io *io) {
    size_t in_before = io->in_used, out_before = io->out_len;
    bool mark = false;
    sk_err err = lz_feed_run(&d->feed, io, d->left, d->packed_left, &mark);
    d->left -= (uint32_t)(io->out_len - out_before);
    d->given += io->out_len - out_before;
    d->packed_left -= (uint32_t)(io->in_used - in_before);
    TRY(err);
    d->state = d->left == 0 ? LZMA2_END : LZMA2_SYMBOLS;
    return mark ? sk_fail(SK_E_FORMAT) : sk_ok();
}

/* Ends of the symbols: both sizes are used up, and nothing is left in the range coder. */
static sk_err end_symbols(struct lzma2 *d, struct stage_io *io) {
    size_t before = io->in_used;
    bool done = false, empty = false;
    TRY(lz_feed_finish(&d->feed, io, d->packed_left, &done, &empty));
    if (!done) {
        return sk_ok();
    }
    d->packed_left -= (uint32_t)(io->in_used - before);
    d->state = LZMA2_CHUNK;
    return empty && d->packed_left == 0 ? sk_ok() : sk_fail(SK_E_FORMAT);
}

static size_t smallest(size_t a, size_t b, size_t c) {
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

static sk_err give_bytes(struct lzma2 *d, struct stage_io *io) {
    struct lz_window *w = &d->feed.window;
    TRY(lz_window_ready(w));
    size_t len = smallest(d->left, io->in_len - io->in_used, io->out_cap - io->out_len);
    len = smallest(len, w->cap - w->pos, len);
    if (len == 0) {
        io->want_more = !io->in_last;
        return io->in_last ? sk_fail(SK_E_FORMAT) : sk_ok();
    }
    memcpy(w->buf + w->pos, io->in + io->in_used, len);
    memcpy(io->out + io->out_len, io->in + io->in_used, len);
    lz_window_wrote(w, len);
    io->in_used += len;
    io->out_len += len;
    d->left -= (uint32_t)len;
    d->given += len;
    d->state = d->left == 0 ? LZMA2_CHUNK : LZMA2_BYTES;
    return sk_ok();
}

static sk_err start_symbols(struct lzma2 *d, struct stage_io *io) {
    bool done = false;
    TRY(lz_feed_start(&d->feed, io, d->packed_left, &done));
    if (done) {
        d->packed_left -= (uint32_t)LZ_START_BYTES;
        d->state = LZMA2_SYMBOLS;
    }
    return sk_ok();
}

sk_err lzma2_step(struct lzma2 *d, struct stage_io *io, bool *out_end) {
    *out_end = false;
    io->want_more = false;
    while (!*out_end && !io->want_more && io->out_len < io->out_cap) {
        switch (d->state) {
        case LZMA2_CHUNK:
            TRY(begin_chunk(d, io, out_end));
            break;
        case LZMA2_START:
            TRY(start_symbols(d, io));
            break;
        case LZMA2_SYMBOLS:
            TRY(run_symbols(d, io));
            break;
        case LZMA2_END:
            TRY(end_symbols(d, io));
            break;
        case LZMA2_BYTES:
            TRY(give_bytes(d, io));
            break;
        }
    }
    return sk_ok();
}

void lzma2_release(struct lzma2 *d) {
    lz_feed_release(&d->feed);
}
