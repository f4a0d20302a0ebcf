// SPDX-License-Identifier: Apache-2.0
/*
 * yEnc (yenc-draft 1.3), behind its "=ybegin" line.
 *
 *     byte - 42           each byte but the next two
 *     = byte              byte - 64 - 42
 *     CR, LF              nothing
 *     =y at a line start  a control line: "=ypart" is passed over, "=yend" or another "=ybegin"
 *                         end the stream in front of them
 *
 * Sizes and checksums of the control lines are not compared: whoever reads the part does not care.
 */
#include "base/mem.h"
#include "codec/codec.h"
#include "codec/stage.h"

#define CONTROL_BYTES ((size_t)5) /* tells "=ypar" from the others */

struct yenc {
    struct stage stage;
    bool in_line;    /* something of this line was decoded */
    bool in_control; /* up to the line end nothing is data */
    bool ended;
};

/* An '=' is next. False: wait for more input. */
static bool take_escape(struct yenc *s, struct stage_io *io) {
    const uint8_t *p = io->in + io->in_used;
    size_t left = io->in_len - io->in_used;
    size_t want = s->in_line || (left > 1 && p[1] != 'y') ? 2 : CONTROL_BYTES;
    if (left < want && !io->in_last) {
        io->want_more = true;
        return false;
    }
    if (!s->in_line && left > 1 && p[1] == 'y') {
        s->in_control = left >= CONTROL_BYTES && memcmp(p, "=ypar", CONTROL_BYTES) == 0;
        s->ended = !s->in_control;
        return true;
    }
    if (left > 1) {
        io->out[io->out_len++] = (uint8_t)(p[1] - 64 - 42);
    }
    io->in_used += left > 1 ? 2 : 1;
    s->in_line = true;
    return true;
}

static sk_err yenc_step(struct stage *stage, struct stage_io *io) {
    struct yenc *s = (struct yenc *)(void *)stage;
    while (!s->ended && io->in_used < io->in_len && io->out_len < io->out_cap) {
        uint8_t c = io->in[io->in_used];
        if (c == '\n' || c == '\r') {
            s->in_line = false;
            s->in_control = false;
            io->in_used++;
        } else if (s->in_control) {
            io->in_used++;
        } else if (c != '=') {
            io->out[io->out_len++] = (uint8_t)(c - 42);
            s->in_line = true;
            io->in_used++;
        } else if (!take_escape(s, io)) {
            return sk_ok();
        }
    }
    io->end = s->ended || (io->in_last && io->in_used == io->in_len);
    return sk_ok();
}

sk_err sk_yenc_open(struct sk_stream *up, struct sk_stream **out_stream) {
    struct yenc *s = stage_new(sizeof(*s), up, yenc_step, NULL);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *out_stream = &s->stage.base;
    return sk_ok();
}
