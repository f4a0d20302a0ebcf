// SPDX-License-Identifier: Apache-2.0
/*
 * Undoing the predictors that PDF and TIFF put in front of Flate and LZW (ISO 32000-1, 7.4.4.4;
 * RFC 2083, section 6; TIFF 6.0, section 14).
 *
 *     PNG    | tag 0..4 | row bytes |   each row tells its own filter: none, sub, up, average,
 * Paeth TIFF   | row bytes |              each sample is the difference to the one before
 *
 * Rows are gathered whole and given out whole; a row cut by the end of the data is undone as far as
 * it goes. Tags above 4 count as none, as readers have it. TIFF differences are undone for samples
 * of 8 and 16 bits; other widths pass as they are (that is what hides nothing: they are packed
 * pixels, not text).
 */
#include <string.h>

#include "base/mem.h"
#include "codec/codec.h"
#include "codec/stage.h"

#define ROW_MAX_BYTES ((uint64_t)1 << 20)
#define COLORS_MAX 64u
#define TIFF_PREDICTOR 2u
#define PNG_PREDICTOR_FIRST 10u

struct predictor {
    struct stage stage;
    uint8_t *row;   /* this row; given out from `sent` once it is done */
    uint8_t *above; /* the row before, undone */
    size_t row_bytes;
    size_t pixel_bytes; /* distance to the sample on the left, at least 1 */
    size_t have;
    size_t sent;
    size_t done; /* bytes of row that are undone; 0: still gathering */
    unsigned bits;
    bool png;
    bool tagged; /* the tag of this row was read */
    uint8_t tag;
};

static uint8_t paeth(int left, int up, int corner) {
    int guess = left + up - corner;
    int a = guess > left ? guess - left : left - guess;
    int b = guess > up ? guess - up : up - guess;
    int c = guess > corner ? guess - corner : corner - guess;
    return (uint8_t)(a <= b && a <= c ? left : b <= c ? up : corner);
}

static void undo_png(struct predictor *s) {
    for (size_t i = 0; i < s->have; i++) {
        uint8_t left = i >= s->pixel_bytes ? s->row[i - s->pixel_bytes] : 0;
        uint8_t corner = i >= s->pixel_bytes ? s->above[i - s->pixel_bytes] : 0;
        uint8_t up = s->above[i];
        switch (s->tag) {
        case 1:
            s->row[i] = (uint8_t)(s->row[i] + left);
            break;
        case 2:
            s->row[i] = (uint8_t)(s->row[i] + up);
            break;
        case 3:
            s->row[i] = (uint8_t)(s->row[i] + (left + up) / 2);
            break;
        case 4:
            s->row[i] = (uint8_t)(s->row[i] + paeth(left, up, corner));
            break;
        default:
            break;
        }
    }
}

static void undo_tiff(struct predictor *s) {
    for (size_t i = s->pixel_bytes; s->bits == 8 && i < s->have; i++) {
        s->row[i] = (uint8_t)(s->row[i] + s->row[i - s->pixel_bytes]);
    }
    for (size_t i = s->pixel_bytes; s->bits == 16 && i + 1 < s->have; i += 2) {
        unsigned sum =
            (unsigned)sk_load_u16be(s->row + i) + sk_load_u16be(s->row + i - s->pixel_bytes);
        s->row[i] = (uint8_t)(sum >> 8);
        s->row[i + 1] = (uint8_t)sum;
    }
}

static void undo(struct predictor *s) {
    if (s->png) {
        undo_png(s);
        memcpy(s->above, s->row, s->have);
    } else {
        undo_tiff(s);
    }
    s->done = s->have;
    s->sent = 0;
}

/* True when the row is all out and gathering may go on. */
static bool drain(struct predictor *s, struct stage_io *io) {
    size_t n = s->done - s->sent;
    n = n < io->out_cap - io->out_len ? n : io->out_cap - io->out_len;
    memcpy(io->out + io->out_len, s->row + s->sent, n);
    io->out_len += n;
    s->sent += n;
    if (s->sent < s->done) {
        return false;
    }
    if (s->done > 0) {
        s->done = s->sent = s->have = 0;
        s->tagged = false;
    }
    return true;
}

static sk_err predictor_step(struct stage *stage, struct stage_io *io) {
    struct predictor *s = (struct predictor *)(void *)stage;
    while (drain(s, io)) {
        size_t left = io->in_len - io->in_used;
        if (left == 0) {
            break;
        }
        if (s->png && !s->tagged) {
            s->tag = io->in[io->in_used++];
            s->tagged = true;
            continue;
        }
        size_t n = s->row_bytes - s->have;
        n = n < left ? n : left;
        memcpy(s->row + s->have, io->in + io->in_used, n);
        io->in_used += n;
        s->have += n;
        if (s->have == s->row_bytes) {
            undo(s);
        }
    }
    if (io->in_last && io->in_used == io->in_len && s->done == 0) {
        if (s->have > 0) {
            undo(s);
        }
        io->end = drain(s, io);
    }
    return sk_ok();
}

static void predictor_fini(struct stage *stage) {
    struct predictor *s = (struct predictor *)(void *)stage;
    mem_free(s->row);
    mem_free(s->above);
}

sk_err sk_predictor_open(struct sk_stream *up, const struct sk_predictor *how,
                         struct sk_stream **out_stream) {
    if (how->colors == 0 || how->colors > COLORS_MAX || how->columns == 0 || how->bits == 0 ||
        how->bits > 32) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    uint64_t row_bits = (uint64_t)how->columns * (how->colors * how->bits);
    uint64_t row_bytes = (row_bits + 7) / 8;
    if (row_bytes > ROW_MAX_BYTES) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    struct predictor *s = stage_new(sizeof(*s), up, predictor_step, predictor_fini);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    s->row_bytes = (size_t)row_bytes;
    s->pixel_bytes = (how->colors * how->bits + 7) / 8;
    s->bits = how->bits;
    s->png = how->predictor != TIFF_PREDICTOR;
    s->row = mem_alloc(s->row_bytes);
    s->above = mem_zalloc(1, s->row_bytes);
    if (s->row == NULL || s->above == NULL) {
        sk_stream_close(&s->stage.base);
        return sk_fail(SK_E_NOMEM);
    }
    *out_stream = &s->stage.base;
    return sk_ok();
}

bool sk_predictor_wanted(const struct sk_predictor *how) {
    return how->predictor == TIFF_PREDICTOR ||
           (how->predictor >= PNG_PREDICTOR_FIRST && how->predictor < PNG_PREDICTOR_FIRST + 6);
}
