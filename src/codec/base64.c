// SPDX-License-Identifier: Apache-2.0
/*
 * base64 (RFC 4648, RFC 2045 section 6.8) as hostile mail writes it.
 *
 *     up --letters--> quantum of four sextets --> three bytes --> queue --> caller
 *          '='  -----> what the quantum holds is given out (GO_ON), or nothing happens (others)
 *          others ---> passed over
 *
 * Nothing in the input is an error: mail programs decode garbage, missing padding and text without
 * line ends, each in its own way, and so does whoever is attacked. Where they part ways is at a '='
 * that is not the end: some stop there, some begin a new quantum (two encodings one after the
 * other), some pass over it, some over the rest of its line (clamscan 1.4.6). sk_base64_odd tells
 * that these differ, and the caller can read again.
 *
 * Kept difference to clamscan 1.4.6 (seen): it gives out two bytes for a quantum of two letters,
 * and nothing behind a '=' that comes first.
 */
#include "base/mem.h"
#include "codec/codec.h"
#include "codec/stage.h"

#define G 0xff /* no letter */
#define P 0xfe /* padding */

/* clang-format off */
static const uint8_t SEXTETS[256] = {
    G, G, G, G, G, G, G, G, G, G, G, G, G, G, G, G,
    G, G, G, G, G, G, G, G, G, G, G, G, G, G, G, G,
    G, G, G, G, G, G, G, G, G, G, G, 62, G, G, G, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, G, G, G, P, G, G,
    G, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, G, G, G, G, G,
    G, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, G, G, G, G, G,
    G, G, G, G, G, G, G, G, G, G, G, G, G, G, G, G,
    G, G, G, G, G, G, G, G, G, G, G, G, G, G, G, G,
    G, G, G, G, G, G, G, G, G, G, G, G, G, G, G, G,
    G, G, G, G, G, G, G, G, G, G, G, G, G, G, G, G,
    G, G, G, G, G, G, G, G, G, G, G, G, G, G, G, G,
    G, G, G, G, G, G, G, G, G, G, G, G, G, G, G, G,
    G, G, G, G, G, G, G, G, G, G, G, G, G, G, G, G,
    G, G, G, G, G, G, G, G, G, G, G, G, G, G, G, G,
};
/* clang-format on */
#undef G
#undef P
#define SEXTET_PAD 0xfe
#define SEXTETS_MAX 63

struct base64 {
    struct stage stage;
    enum sk_base64_pad pad;
    uint32_t hold;
    unsigned held; /* sextets in hold, below 4 between turns */
    uint8_t queue[3];
    unsigned queued, sent;
    bool padded;   /* a '=' was seen */
    bool skipping; /* LINE: up to the line end */
    bool lettered; /* a letter was seen */
    bool stopped;  /* STOP: at the end */
    bool odd;
};

static void flush(struct base64 *s) {
    static const unsigned bytes[] = {0, 0, 1, 2, 3};
    uint32_t value = s->hold << 6 * (4 - s->held);
    s->queue[0] = (uint8_t)(value >> 16);
    s->queue[1] = (uint8_t)(value >> 8);
    s->queue[2] = (uint8_t)value;
    s->queued = bytes[s->held];
    s->sent = 0;
    s->hold = 0;
    s->held = 0;
}

/* True when all of it is out. */
static bool drain(struct base64 *s, struct stage_io *io) {
    while (s->sent < s->queued && io->out_len < io->out_cap) {
        io->out[io->out_len++] = s->queue[s->sent++];
    }
    return s->sent == s->queued;
}

/* Whole quanta without anything in between: nearly all of any real encoding. */
static void run_of_letters(struct stage_io *io) {
    while (io->in_len - io->in_used >= 4 && io->out_cap - io->out_len >= 3) {
        const uint8_t *p = io->in + io->in_used;
        uint8_t a = SEXTETS[p[0]];
        uint8_t b = SEXTETS[p[1]];
        uint8_t c = SEXTETS[p[2]];
        uint8_t d = SEXTETS[p[3]];
        if (((a | b | c | d) & 0xc0) != 0) {
            return;
        }
        io->out[io->out_len++] = (uint8_t)(a << 2 | b >> 4);
        io->out[io->out_len++] = (uint8_t)(b << 4 | c >> 2);
        io->out[io->out_len++] = (uint8_t)(c << 6 | d);
        io->in_used += 4;
    }
}

static void take(struct base64 *s, uint8_t byte) {
    uint8_t value = SEXTETS[byte];
    s->skipping = s->skipping && byte != '\n' && byte != '\r';
    if (s->skipping) {
        return;
    }
    if (value <= SEXTETS_MAX) {
        s->odd = s->odd || s->padded;
        s->lettered = true;
        s->hold = s->hold << 6 | value;
        if (++s->held == 4) {
            flush(s);
        }
    } else if (value == SEXTET_PAD) {
        s->padded = true;
        s->skipping = s->pad == SK_BASE64_LINE;
        s->stopped = s->pad == SK_BASE64_STOP && s->lettered;
        if (s->pad == SK_BASE64_GO_ON && s->held > 0) {
            flush(s);
        }
    }
}

static sk_err base64_step(struct stage *stage, struct stage_io *io) {
    struct base64 *s = (struct base64 *)(void *)stage;
    while (drain(s, io)) {
        if (s->held == 0 && !s->padded) {
            size_t before = io->in_used;
            run_of_letters(io);
            s->lettered = s->lettered || io->in_used > before;
        }
        if (io->in_used == io->in_len || s->stopped) {
            break;
        }
        take(s, io->in[io->in_used++]);
    }
    bool over = s->stopped || (io->in_last && io->in_used == io->in_len);
    if (over && drain(s, io)) {
        flush(s);
        io->end = drain(s, io);
    }
    return sk_ok();
}

sk_err sk_base64_open(struct sk_stream *up, enum sk_base64_pad pad, struct sk_stream **out_stream) {
    struct base64 *s = stage_new(sizeof(*s), up, base64_step, NULL);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    s->pad = pad;
    *out_stream = &s->stage.base;
    return sk_ok();
}

bool sk_base64_odd(const struct sk_stream *base64) {
    return ((const struct base64 *)(const void *)base64)->odd;
}
