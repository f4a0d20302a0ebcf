// SPDX-License-Identifier: Apache-2.0
/*
 * The two text encodings of PostScript and PDF (ISO 32000-1, 7.4.2 and 7.4.3).
 *
 *     ASCIIHex   pairs of hex digits, '>' ends; an odd last digit counts as if 0 followed
 *     ASCII85    five characters '!'..'u' give four bytes, 'z' gives four zeros, "~>" ends;
 *                n characters at the end (2..4) give n - 1 bytes; an optional "<~" opens
 *
 * Lenient as the readers are that victims use: a missing end is an end; characters that belong to
 * neither encoding are passed over (there it is the hostile file, not the reader, that decides to
 * put them in). A group of five beyond 2^32 is kept modulo 2^32, as most readers do. Nothing in the
 * input is an error.
 */
#include "base/hex.h"
#include "codec/codec.h"
#include "codec/stage.h"

/* ---- ASCIIHex ---- */

struct asciihex {
    struct stage stage;
    uint8_t high;
    bool half; /* high holds a digit */
};

static sk_err asciihex_step(struct stage *stage, struct stage_io *io) {
    struct asciihex *s = (struct asciihex *)(void *)stage;
    bool over = false;
    while (io->out_len < io->out_cap && io->in_used < io->in_len && !over) {
        uint8_t c = io->in[io->in_used++];
        int digit = sk_hex_digit(c);
        over = c == '>';
        if (digit >= 0 && s->half) {
            io->out[io->out_len++] = (uint8_t)(s->high << 4 | digit);
            s->half = false;
        } else if (digit >= 0) {
            s->high = (uint8_t)digit;
            s->half = true;
        }
    }
    over = over || (io->in_last && io->in_used == io->in_len && io->out_len < io->out_cap);
    if (over && s->half) {
        io->out[io->out_len++] = (uint8_t)(s->high << 4);
        s->half = false;
    }
    io->end = over;
    return sk_ok();
}

sk_err sk_asciihex_open(struct sk_stream *up, struct sk_stream **out_stream) {
    struct asciihex *s = stage_new(sizeof(*s), up, asciihex_step, NULL);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *out_stream = &s->stage.base;
    return sk_ok();
}

/* ---- ASCII85 ---- */

#define FIRST_CHAR '!'
#define LAST_CHAR 'u'

struct ascii85 {
    struct stage stage;
    uint32_t hold;
    unsigned held; /* characters in hold, 0..4 */
    uint8_t queue[4];
    unsigned queued, sent;
    bool started; /* something other than white space was seen */
    bool opening; /* the first character was '<' */
    bool over;
};

static void group_flush(struct ascii85 *s) {
    unsigned bytes = s->held == 0 ? 0 : s->held - 1;
    for (unsigned i = s->held; i < 5 && s->held > 0; i++) {
        s->hold = s->hold * 85 + (LAST_CHAR - FIRST_CHAR);
    }
    for (unsigned i = 0; i < bytes; i++) {
        s->queue[i] = (uint8_t)(s->hold >> (24 - 8 * i));
    }
    s->queued = bytes;
    s->sent = 0;
    s->hold = 0;
    s->held = 0;
}

static void group_take(struct ascii85 *s, uint8_t c) {
    if (c == 'z' && s->held == 0) {
        s->queued = 4;
        s->sent = 0;
        s->queue[0] = s->queue[1] = s->queue[2] = s->queue[3] = 0;
    } else if (c == '~' && s->opening && s->held == 1) { /* "<~" */
        s->hold = 0;
        s->held = 0;
    } else if (c == '~') {
        s->over = true;
        group_flush(s);
    } else if (c >= FIRST_CHAR && c <= LAST_CHAR) {
        s->hold = s->hold * 85 + (uint32_t)(c - FIRST_CHAR);
        if (++s->held == 5) {
            group_flush(s);
        }
    }
    s->opening = !s->started && c == '<';
    s->started = s->started || c > ' ';
}

static bool group_drain(struct ascii85 *s, struct stage_io *io) {
    while (s->sent < s->queued && io->out_len < io->out_cap) {
        io->out[io->out_len++] = s->queue[s->sent++];
    }
    return s->sent == s->queued;
}

static sk_err ascii85_step(struct stage *stage, struct stage_io *io) {
    struct ascii85 *s = (struct ascii85 *)(void *)stage;
    while (group_drain(s, io) && io->in_used < io->in_len && !s->over) {
        group_take(s, io->in[io->in_used++]);
    }
    if (io->in_last && io->in_used == io->in_len && !s->over && s->sent == s->queued) {
        s->over = true;
        group_flush(s);
    }
    io->end = group_drain(s, io) && s->over;
    return sk_ok();
}

sk_err sk_ascii85_open(struct sk_stream *up, struct sk_stream **out_stream) {
    struct ascii85 *s = stage_new(sizeof(*s), up, ascii85_step, NULL);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *out_stream = &s->stage.base;
    return sk_ok();
}
