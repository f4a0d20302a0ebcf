// SPDX-License-Identifier: Apache-2.0
/*
 * Compressed RTF of Outlook: bodies of .msg files and of winmail.dat.
 *
 *     u32 bytes that follow | u32 unpacked size | "LZFu" or "MELA" | u32 CRC | data
 *     LZFu: control byte, lowest bit first: 0 a byte; 1 u16 big endian: place 12 bits, length - 2
 *     into a ring of 4096 bytes that begins with common RTF; a place equal to the ring's own
 *     writing place ends the data.  MELA: as it is.
 *
 * The sizes and the CRC are not believed: the data ends where its end mark or the input does.
 * Source: [MS-OXRTFCP] 2.1, 2.2.
 */
#include <string.h>

#include "base/cursor.h"
#include "codec/codec.h"
#include "codec/stage.h"

#define HEADER_BYTES ((size_t)16)
#define RING_BYTES 4096u
#define MAGIC_PACKED 0x75465a4cu /* "LZFu" */
#define MAGIC_PLAIN 0x414c454du  /* "MELA" */

static const char COMMON[] =
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    "\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    "\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

struct lzfu {
    struct stage stage;
    bool started;
    bool plain;
    unsigned control;
    unsigned controls; /* bits of control that are left */
    unsigned write;
    unsigned place; /* of the copy that goes on */
    unsigned length;
    uint8_t ring[RING_BYTES];
};

static void put(struct lzfu *z, struct stage_io *io, uint8_t byte) {
    z->ring[z->write] = byte;
    z->write = (z->write + 1) % RING_BYTES;
    io->out[io->out_len++] = byte;
}

static sk_err begin(struct lzfu *z, struct stage_io *io) {
    if (io->in_len < HEADER_BYTES) {
        io->want_more = !io->in_last;
        return io->in_last ? sk_fail(SK_E_FORMAT) : sk_ok();
    }
    uint32_t magic = sk_load_u32le(io->in + 8);
    if (magic != MAGIC_PACKED && magic != MAGIC_PLAIN) {
        return sk_fail(SK_E_FORMAT);
    }
    io->in_used = HEADER_BYTES;
    z->plain = magic == MAGIC_PLAIN;
    z->started = true;
    memcpy(z->ring, COMMON, sizeof(COMMON) - 1);
    z->write = sizeof(COMMON) - 1;
    return sk_ok();
}

/* One token. False: it needs more input than there is. */
static bool token(struct lzfu *z, struct stage_io *io) {
    size_t need = (z->controls == 0 ? 1 : 0) + 1;
    const uint8_t *p = io->in + io->in_used;
    unsigned control = z->controls == 0 && io->in_len > io->in_used ? p[0] : z->control;
    need += control & 1;
    if (io->in_len - io->in_used < need) {
        return false;
    }
    p += z->controls == 0 ? 1 : 0;
    io->in_used += need;
    z->controls = z->controls == 0 ? 7 : z->controls - 1;
    z->control = control >> 1;
    if ((control & 1) == 0) {
        put(z, io, p[0]);
        return true;
    }
    unsigned pair = sk_load_u16be(p);
    z->place = pair >> 4;
    z->length = (pair & 0xf) + 2;
    io->end = z->place == z->write;
    return true;
}

static sk_err packed(struct lzfu *z, struct stage_io *io) {
    while (io->out_len < io->out_cap && !io->end) {
        if (z->length > 0) {
            put(z, io, z->ring[z->place]);
            z->place = (z->place + 1) % RING_BYTES;
            z->length--;
            continue;
        }
        if (!token(z, io)) {
            io->want_more = io->in_used == 0 && io->out_len == 0 && !io->in_last;
            /* The end mark is missing: what came before is whole. */
            return io->in_last && io->out_len == 0 ? sk_fail(SK_E_FORMAT) : sk_ok();
        }
    }
    return sk_ok();
}

static sk_err lzfu_step(struct stage *stage, struct stage_io *io) {
    struct lzfu *z = (struct lzfu *)(void *)stage;
    if (!z->started) {
        return begin(z, io);
    }
    if (!z->plain) {
        return packed(z, io);
    }
    io->out_len = io->in_len < io->out_cap ? io->in_len : io->out_cap;
    memcpy(io->out, io->in, io->out_len);
    io->in_used = io->out_len;
    io->end = io->in_last && io->in_used == io->in_len;
    return sk_ok();
}

sk_err sk_lzfu_open(struct sk_stream *up, struct sk_stream **out_stream) {
    struct lzfu *z = stage_new(sizeof(*z), up, lzfu_step, NULL);
    if (z == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *out_stream = &z->stage.base;
    return sk_ok();
}
