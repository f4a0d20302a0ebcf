// SPDX-License-Identifier: Apache-2.0
/*
 * LZW as in PDF and TIFF (ISO 32000-1, 7.4.4; TIFF 6.0, section 13): codes of 9 to 12 bits, highest
 * bit first.
 *
 *     0..255 literal   256 clear   257 end   258.. strings, each a known string and one more byte
 *
 *     entry: prefix code + last byte + length; a string is written from its end backwards
 *
 * The width grows when the table holds 511, 1023, 2047 entries: one entry early with
 * EarlyChange 1 (the default of both formats), else exactly at 512 and so on. A full table stays as
 * it is at 12 bits until a clear, as readers do. A missing end is an end; a code from the future is
 * damage.
 */
#include "codec/codec.h"
#include "codec/stage.h"

#define CODE_CLEAR 256u
#define CODE_END 257u
#define CODE_FIRST 258u
#define WIDTH_MIN 9u
#define WIDTH_MAX 12u
#define TABLE_MAX 4096u
#define NO_CODE 0xffffu

struct lzw {
    struct stage stage;
    unsigned early; /* 0 or 1 */
    unsigned width;
    unsigned next; /* first code without a string */
    unsigned last; /* the code before, NO_CODE behind a clear */
    uint32_t bits;
    unsigned bit_count;
    uint16_t prefix[TABLE_MAX];
    uint16_t length[TABLE_MAX];
    uint8_t suffix[TABLE_MAX];
    uint8_t first[TABLE_MAX]; /* first byte of the string */
    uint8_t out[TABLE_MAX];   /* the string being given out */
    unsigned out_len, out_sent;
};

static void lzw_clear(struct lzw *s) {
    s->width = WIDTH_MIN;
    s->next = CODE_FIRST;
    s->last = NO_CODE;
}

/* The string of a code into out[]. Lengths are below TABLE_MAX because each code adds one byte. */
static void spell(struct lzw *s, unsigned code) {
    unsigned len = s->length[code];
    s->out_len = len;
    s->out_sent = 0;
    while (len > 0) {
        s->out[--len] = s->suffix[code];
        code = s->prefix[code];
    }
}

static void add(struct lzw *s, uint8_t byte) {
    if (s->next >= TABLE_MAX) {
        return;
    }
    s->prefix[s->next] = (uint16_t)s->last;
    s->suffix[s->next] = byte;
    s->first[s->next] = s->first[s->last];
    s->length[s->next] = (uint16_t)(s->length[s->last] + 1);
    s->next++;
    if (s->next + s->early >= (1u << s->width) && s->width < WIDTH_MAX) {
        s->width++;
    }
}

static sk_err take_code(struct lzw *s, unsigned code, bool *out_end) {
    if (code == CODE_END) {
        *out_end = true;
        return sk_ok();
    }
    if (code == CODE_CLEAR) {
        lzw_clear(s);
        return sk_ok();
    }
    if (code > s->next || (code == s->next && (s->last == NO_CODE || code >= TABLE_MAX))) {
        return sk_fail(SK_E_FORMAT);
    }
    if (s->last != NO_CODE) {
        add(s, code == s->next ? s->first[s->last] : s->first[code]);
    }
    spell(s, code);
    s->last = code;
    return sk_ok();
}

static bool next_code(struct lzw *s, struct stage_io *io, unsigned *out_code) {
    while (s->bit_count < s->width && io->in_used < io->in_len) {
        s->bits = s->bits << 8 | io->in[io->in_used++];
        s->bit_count += 8;
    }
    if (s->bit_count < s->width) {
        return false;
    }
    s->bit_count -= s->width;
    *out_code = s->bits >> s->bit_count & ((1u << s->width) - 1);
    return true;
}

static bool drain(struct lzw *s, struct stage_io *io) {
    while (s->out_sent < s->out_len && io->out_len < io->out_cap) {
        io->out[io->out_len++] = s->out[s->out_sent++];
    }
    return s->out_sent == s->out_len;
}

static sk_err lzw_step(struct stage *stage, struct stage_io *io) {
    struct lzw *s = (struct lzw *)(void *)stage;
    unsigned code;
    while (drain(s, io)) {
        if (!next_code(s, io, &code)) {
            io->end = io->in_last;
            return sk_ok();
        }
        TRY(take_code(s, code, &io->end));
        if (io->end) {
            return sk_ok();
        }
    }
    return sk_ok();
}

sk_err sk_lzw_open(struct sk_stream *up, bool early_change, struct sk_stream **out_stream) {
    struct lzw *s = stage_new(sizeof(*s), up, lzw_step, NULL);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    s->early = early_change ? 1 : 0;
    for (unsigned i = 0; i < CODE_CLEAR; i++) {
        s->length[i] = 1;
        s->suffix[i] = (uint8_t)i;
        s->first[i] = (uint8_t)i;
    }
    lzw_clear(s);
    *out_stream = &s->stage.base;
    return sk_ok();
}
