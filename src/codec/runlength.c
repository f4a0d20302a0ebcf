// SPDX-License-Identifier: Apache-2.0
/*
 * RunLength of PostScript and PDF, PackBits of TIFF (ISO 32000-1, 7.4.5).
 *
 *     0..127    n + 1 bytes follow as they are
 *     128       end of data
 *     129..255  the next byte, 257 - n times
 *
 * A missing end is an end; data cut inside a run is damage.
 */
#include <string.h>

#include "codec/codec.h"
#include "codec/stage.h"

#define END_OF_DATA 128u

struct runlength {
    struct stage stage;
    unsigned literal; /* bytes still to be copied */
    unsigned repeat;  /* copies of `byte` still to be given */
    bool need_byte;   /* the byte of the run is still to come */
    uint8_t byte;
};

static void run_give(struct runlength *s, struct stage_io *io) {
    size_t room = io->out_cap - io->out_len;
    if (s->literal > 0) {
        size_t have = io->in_len - io->in_used;
        size_t n = s->literal < room ? s->literal : room;
        n = n < have ? n : have;
        memcpy(io->out + io->out_len, io->in + io->in_used, n);
        io->in_used += n;
        io->out_len += n;
        s->literal -= (unsigned)n;
        return;
    }
    size_t n = s->repeat < room ? s->repeat : room;
    memset(io->out + io->out_len, s->byte, n);
    io->out_len += n;
    s->repeat -= (unsigned)n;
}

static sk_err runlength_step(struct stage *stage, struct stage_io *io) {
    struct runlength *s = (struct runlength *)(void *)stage;
    while (io->out_len < io->out_cap) {
        if (s->repeat > 0 && !s->need_byte) {
            run_give(s, io);
            continue;
        }
        if (io->in_used == io->in_len) {
            break;
        }
        if (s->literal > 0) {
            run_give(s, io);
        } else if (s->need_byte) {
            s->byte = io->in[io->in_used++];
            s->need_byte = false;
        } else {
            unsigned n = io->in[io->in_used++];
            if (n == END_OF_DATA) {
                io->end = true;
                return sk_ok();
            }
            s->literal = n < END_OF_DATA ? n + 1 : 0;
            s->repeat = n < END_OF_DATA ? 0 : 257 - n;
            s->need_byte = s->repeat > 0;
        }
    }
    if (io->in_last && io->in_used == io->in_len && io->out_len < io->out_cap) {
        if (s->literal > 0 || s->need_byte) {
            return sk_fail(SK_E_FORMAT);
        }
        io->end = true;
    }
    return sk_ok();
}

sk_err sk_runlength_open(struct sk_stream *up, struct sk_stream **out_stream) {
    struct runlength *s = stage_new(sizeof(*s), up, runlength_step, NULL);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *out_stream = &s->stage.base;
    return sk_ok();
}
