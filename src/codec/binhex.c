// SPDX-License-Identifier: Apache-2.0
/*
 * BinHex 4.0 (RFC 1741): text between two colons -> bytes -> run lengths undone.
 *
 *     : letter letter letter letter ... :        64 letters, six bits each, most significant first
 *     90 00        the byte 90
 *     X 90 n       X, n times in all
 *
 * What stands before the first colon is passed over (it is the line that names the format). Other
 * bytes between letters (line ends) are, too. The forks and their checksums are binhex.c of
 * src/format's business.
 */
#include "base/mem.h"
#include "codec/codec.h"
#include "codec/stage.h"

#define RUN_MARK 0x90
#define NO_LETTER 0xff

static const char LETTERS[] = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";

struct binhex {
    struct stage stage;
    uint8_t value[256];
    bool open;  /* behind the first colon */
    bool ended; /* at the second */
    uint32_t hold;
    unsigned held; /* bits */
    bool marked;   /* a run mark is waiting for its count */
    uint8_t last;
    unsigned repeat; /* how often `last` is still due */
};

static void give_repeats(struct binhex *s, struct stage_io *io) {
    while (s->repeat > 0 && io->out_len < io->out_cap) {
        io->out[io->out_len++] = s->last;
        s->repeat--;
    }
}

static void take_byte(struct binhex *s, uint8_t byte) {
    if (s->marked) {
        s->marked = false;
        if (byte == 0) {
            s->last = RUN_MARK;
            s->repeat = 1;
        } else {
            s->repeat = byte - 1u;
        }
    } else if (byte == RUN_MARK) {
        s->marked = true;
    } else {
        s->last = byte;
        s->repeat = 1;
    }
}

static void take_char(struct binhex *s, uint8_t c) {
    if (c == ':') {
        s->ended = s->open;
        s->open = true;
    } else if (s->open && s->value[c] != NO_LETTER) {
        s->hold = s->hold << 6 | s->value[c];
        s->held += 6;
    }
}

static sk_err binhex_step(struct stage *stage, struct stage_io *io) {
    struct binhex *s = (struct binhex *)(void *)stage;
    for (;;) {
        give_repeats(s, io);
        if (s->repeat > 0) {
            return sk_ok();
        }
        if (s->held >= 8) {
            s->held -= 8;
            take_byte(s, (uint8_t)(s->hold >> s->held));
        } else if (!s->ended && io->in_used < io->in_len) {
            take_char(s, io->in[io->in_used++]);
        } else {
            break;
        }
    }
    io->end = s->ended || (io->in_last && io->in_used == io->in_len);
    return sk_ok();
}

sk_err sk_binhex_open(struct sk_stream *up, struct sk_stream **out_stream) {
    struct binhex *s = stage_new(sizeof(*s), up, binhex_step, NULL);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    memset(s->value, NO_LETTER, sizeof(s->value));
    for (uint8_t i = 0; i < sizeof(LETTERS) - 1; i++) {
        s->value[(uint8_t)LETTERS[i]] = i;
    }
    *out_stream = &s->stage.base;
    return sk_ok();
}
