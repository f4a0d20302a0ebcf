// SPDX-License-Identifier: Apache-2.0
/*
 * Encoded scripts (JScript.Encode, VBScript.Encode) decoded:
 *
 *     anything  "#@~^"  length, base64 (8)  body  checksum (8) "^#~@"  anything
 *
 * Of the body length bytes are decoded; the twelve bytes behind them go, whatever they are. All
 * else passes as it is, a second block too. As clamscan 1.4.6 (screnc.c says what was seen).
 *
 * Life cycle: zero-initialise, feed in any pieces, finish once. No memory, no failure.
 */
#ifndef SK_CODEC_SCRENC_H
#define SK_CODEC_SCRENC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SK_SCRENC_TAIL_BYTES 12u
#define SK_SCRENC_LENGTH_BYTES 8u

enum sk_screnc_state {
    SK_SCRENC_SEEK, /* the mark */
    SK_SCRENC_LENGTH,
    SK_SCRENC_BODY,
    SK_SCRENC_TAIL,
    SK_SCRENC_PASS
};

struct sk_screnc {
    enum sk_screnc_state state;
    unsigned at;   /* in the mark, the length or the tail */
    unsigned pick; /* in the sequence of tables */
    uint32_t left;
    bool escaped; /* behind '@' */
    bool paired;  /* behind a byte from 0x80 up */
    uint8_t held[SK_SCRENC_TAIL_BYTES];
    /* tell: */
    uint8_t length[SK_SCRENC_LENGTH_BYTES]; /* as it stood, once it was read */
    size_t ahead; /* of the last feed: bytes written of what stands ahead of the block */
};

/* Writes at most len + 3 bytes to out (a mark that was none); returns how many. */
size_t sk_screnc_feed(struct sk_screnc *d, const uint8_t *in, size_t len, uint8_t *out);
/* The end of the input: what was held of a tail or mark that is none. Returns how many bytes. */
size_t sk_screnc_finish(struct sk_screnc *d, uint8_t out[SK_SCRENC_TAIL_BYTES]);

#endif
