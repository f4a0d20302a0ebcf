// SPDX-License-Identifier: Apache-2.0
/*
 * BCJ2, what 7z does to x86 programs at its highest levels: the targets of calls and jumps are
 * taken out of the program, made absolute, and packed apart.
 *
 *     main   E8 . . . 0F 84 . . .     all bytes but the targets that were taken out
 *     call   00 40 12 34              a target of E8, highest byte first
 *     jump                            of E9, and of 0F 80 to 0F 8F
 *     bits   1        0               for every such instruction: was its target taken out?
 *
 * The bits are coded as LZMA codes them (11 bits of probability, moved by 1/32), each in the
 * context of the byte in front of an E8, or one for all E9, or one for all 0F 8x. A target that was
 * put back is no place to look for instructions in, but its last byte is the one in front of what
 * follows. A bit is read when the byte behind the instruction is asked for: behind the last one
 * none may be.
 *
 * The end of `main` is the end, unless an instruction is the last of it: whoever reads knows the
 * size and asks for no more. The end of another stream is damage. Source: Bcj2.c of the LZMA
 * SDK 9.20, which is in the public domain, and archives of 7-Zip 26.02.
 */
#include <string.h>

#include "base/mem.h"
#include "codec/codec.h"

#define FEED_BYTES ((size_t)4096)
#define TARGET_BYTES 4u
#define CONTEXT_E9 256u
#define CONTEXT_JCC 257u
#define CONTEXTS 258u
#define PROB_BITS 11u
#define PROB_MOVE 5u
#define RANGE_TOP (1u << 24)
#define RANGE_START_BYTES 5u

struct feed {
    struct sk_stream *up;
    size_t pos;
    size_t len;
    uint8_t buf[FEED_BYTES];
};

struct bcj2 {
    struct sk_stream base;
    struct feed feed[SK_BCJ2_STREAMS];
    uint16_t prob[CONTEXTS];
    uint32_t range; /* 0: its first bytes are not read yet */
    uint32_t code;
    uint32_t place; /* of the next byte in the program */
    uint8_t before; /* the byte in front of it, or of `opened` */
    uint8_t opened; /* an instruction whose bit is due; 0: none */
    uint8_t due;    /* bytes of target that are not given yet, its last ones */
    uint8_t target[TARGET_BYTES];
    sk_err failed;
};

enum { MAIN, CALL, JUMP, BITS };

/* More bytes; *out_any false: there are none. */
static sk_err feed_fill(struct feed *f, bool *out_any) {
    if (f->pos == f->len) {
        size_t got = 0;
        TRY(sk_stream_read(f->up, f->buf, sizeof(f->buf), &got));
        f->pos = 0;
        f->len = got;
    }
    *out_any = f->pos < f->len;
    return sk_ok();
}

static sk_err feed_byte(struct feed *f, uint8_t *out) {
    bool any;
    TRY(feed_fill(f, &any));
    if (!any) {
        return sk_fail(SK_E_FORMAT);
    }
    *out = f->buf[f->pos++];
    return sk_ok();
}

static sk_err range_start(struct bcj2 *s) {
    for (unsigned i = 0; i < RANGE_START_BYTES; i++) {
        uint8_t byte;
        TRY(feed_byte(&s->feed[BITS], &byte));
        s->code = s->code << 8 | byte;
    }
    s->range = UINT32_MAX;
    return sk_ok();
}

static sk_err next_bit(struct bcj2 *s, uint16_t *prob, bool *out_bit) {
    if (s->range == 0) {
        TRY(range_start(s));
    }
    if (s->range < RANGE_TOP) {
        uint8_t byte;
        TRY(feed_byte(&s->feed[BITS], &byte));
        s->range <<= 8;
        s->code = s->code << 8 | byte;
    }
    uint32_t bound = (s->range >> PROB_BITS) * *prob;
    *out_bit = s->code >= bound;
    if (*out_bit) {
        s->range -= bound;
        s->code -= bound;
        *prob = (uint16_t)(*prob - (*prob >> PROB_MOVE));
    } else {
        s->range = bound;
        *prob = (uint16_t)(*prob + (((1u << PROB_BITS) - *prob) >> PROB_MOVE));
    }
    return sk_ok();
}

/* What follows the instruction: its target, or nothing. */
static sk_err close_instruction(struct bcj2 *s) {
    bool taken;
    unsigned context = s->opened == 0xe8 ? s->before : CONTEXT_JCC;
    context = s->opened == 0xe9 ? CONTEXT_E9 : context;
    TRY(next_bit(s, &s->prob[context], &taken));
    if (taken) {
        uint8_t absolute[TARGET_BYTES];
        for (unsigned i = 0; i < TARGET_BYTES; i++) {
            TRY(feed_byte(&s->feed[s->opened == 0xe8 ? CALL : JUMP], &absolute[i]));
        }
        sk_store_u32le(s->target, sk_load_u32be(absolute) - (s->place + TARGET_BYTES));
        s->due = TARGET_BYTES;
        s->before = s->target[TARGET_BYTES - 1];
    } else {
        s->before = s->opened;
    }
    s->opened = 0;
    return sk_ok();
}

/* Bytes of main up to the next instruction, which is among them. */
static size_t copy_main(struct bcj2 *s, uint8_t *buf, size_t cap) {
    struct feed *f = &s->feed[MAIN];
    size_t len = f->len - f->pos < cap ? f->len - f->pos : cap;
    const uint8_t *from = f->buf + f->pos;
    unsigned before = s->before;
    size_t i = 0;
    while (i < len) {
        unsigned byte = from[i];
        buf[i++] = (uint8_t)byte;
        if ((byte & 0xfe) == 0xe8 || (before == 0x0f && (byte & 0xf0) == 0x80)) {
            s->opened = (uint8_t)byte;
            break;
        }
        before = byte;
    }
    s->before = (uint8_t)before;
    f->pos += i;
    return i;
}

static size_t copy_target(struct bcj2 *s, uint8_t *buf, size_t cap) {
    size_t len = s->due < cap ? s->due : cap;
    memcpy(buf, s->target + (TARGET_BYTES - s->due), len);
    s->due = (uint8_t)(s->due - len);
    return len;
}

/* Fills buf, unless main ends before. */
static sk_err run(struct bcj2 *s, uint8_t *buf, size_t cap, size_t *out_got) {
    while (*out_got < cap) {
        bool any = true;
        if (s->opened != 0) {
            TRY(close_instruction(s));
        }
        size_t len = copy_target(s, buf + *out_got, cap - *out_got);
        if (len == 0) {
            TRY(feed_fill(&s->feed[MAIN], &any));
            len = copy_main(s, buf + *out_got, cap - *out_got);
        }
        s->place += (uint32_t)len;
        *out_got += len;
        if (!any) {
            break;
        }
    }
    return sk_ok();
}

static sk_err bcj2_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct bcj2 *s = (struct bcj2 *)(void *)base;
    size_t got = 0;
    if (!sk_failed(s->failed)) {
        s->failed = run(s, buf, cap, &got);
    }
    if (got == 0 && sk_failed(s->failed)) {
        return s->failed;
    }
    *out_len = got;
    return sk_ok();
}

static void bcj2_close(struct sk_stream *base) {
    mem_free(base);
}

sk_err sk_bcj2_open(struct sk_stream *const up[SK_BCJ2_STREAMS], struct sk_stream **out_stream) {
    struct bcj2 *s = mem_zalloc(1, sizeof(*s));
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    s->base = (struct sk_stream){bcj2_read, bcj2_close};
    for (unsigned i = 0; i < SK_BCJ2_STREAMS; i++) {
        s->feed[i].up = up[i];
    }
    for (unsigned i = 0; i < CONTEXTS; i++) {
        s->prob[i] = 1u << (PROB_BITS - 1);
    }
    *out_stream = &s->base;
    return sk_ok();
}
