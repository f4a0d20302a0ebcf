// SPDX-License-Identifier: Apache-2.0
/*
 * quoted-printable (RFC 2045 section 6.7) as hostile mail writes it.
 *
 *     =4A  =4a            the byte
 *     = [white] line end  soft line break: nothing (transports add the white space)
 *     = at the very end   nothing
 *     any other           as it stands, the '=' included
 *
 * Nothing is an error. White space before a line end stays (RFC 2045 says it is to be dropped, mail
 * programs disagree; clamscan 1.4.6 keeps it), and so do CR LF (clamscan gives LF), so that text
 * which was not encoded at all comes out as it went in.
 */
#include "base/hex.h"
#include "base/mem.h"
#include "codec/codec.h"
#include "codec/stage.h"

#define SOFT_WHITE_MAX ((size_t)512) /* less than STAGE_LOOK_BYTES */

/* Bytes of the soft line break at p, 0: it is none, SIZE_MAX: more input would tell. */
static size_t soft_break(const uint8_t *p, size_t len, bool last) {
    size_t i = 1;
    while (i < len && i < SOFT_WHITE_MAX && (p[i] == ' ' || p[i] == '\t')) {
        i++;
    }
    if (i == len) {
        return last ? len : SIZE_MAX;
    }
    if (p[i] == '\n') {
        return i + 1;
    }
    if (p[i] != '\r') {
        return 0;
    }
    if (i + 1 == len && !last) {
        return SIZE_MAX;
    }
    return i + 1 < len && p[i + 1] == '\n' ? i + 2 : i + 1;
}

/* An '=' is next. False: wait for more input. */
static bool take_escape(struct stage_io *io) {
    const uint8_t *p = io->in + io->in_used;
    size_t len = io->in_len - io->in_used;
    if (len >= 3 && sk_hex_digit(p[1]) >= 0 && sk_hex_digit(p[2]) >= 0) {
        io->out[io->out_len++] = (uint8_t)(sk_hex_digit(p[1]) << 4 | sk_hex_digit(p[2]));
        io->in_used += 3;
        return true;
    }
    size_t soft = soft_break(p, len, io->in_last);
    if (soft == SIZE_MAX || (len < 3 && !io->in_last && soft == 0)) {
        io->want_more = true;
        return false;
    }
    if (soft > 0) {
        io->in_used += soft;
        return true;
    }
    io->out[io->out_len++] = '=';
    io->in_used++;
    return true;
}

static sk_err quoted_step(struct stage *stage, struct stage_io *io) {
    (void)stage;
    while (io->in_used < io->in_len && io->out_len < io->out_cap) {
        const uint8_t *p = io->in + io->in_used;
        size_t room = io->out_cap - io->out_len;
        size_t plain = io->in_len - io->in_used;
        plain = plain < room ? plain : room;
        const uint8_t *escape = memchr(p, '=', plain);
        plain = escape == NULL ? plain : (size_t)(escape - p);
        memcpy(io->out + io->out_len, p, plain);
        io->out_len += plain;
        io->in_used += plain;
        if (escape != NULL && !take_escape(io)) {
            return sk_ok();
        }
    }
    io->end = io->in_last && io->in_used == io->in_len;
    return sk_ok();
}

sk_err sk_quoted_open(struct sk_stream *up, struct sk_stream **out_stream) {
    struct stage *s = stage_new(sizeof(*s), up, quoted_step, NULL);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *out_stream = &s->base;
    return sk_ok();
}
