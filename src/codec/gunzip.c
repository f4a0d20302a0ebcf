// SPDX-License-Identifier: Apache-2.0
/*
 * gzip (RFC 1952): members one after the other.
 *
 *     FIRST -> [EXTRA] -> [NAME] -> [COMMENT] -> [HCRC] -> BODY -> TRAILER -> NEXT -> EXTRA ...
 *                                                                             \-> end
 *
 * A body in memory is first tried whole (whole.c).
 *
 * zlib could read the wrapping itself, but it stops for good at a wrong checksum, and a member
 * behind it would go unscanned. So the header is read here, the body is raw inflate, the checksum
 * is ours: a mismatch is remembered and reported as SK_E_FORMAT after the last member.
 * Reserved flag bits are ignored, as a tool that opens the file anyway would.
 */
#define ZLIB_CONST
#include <zlib.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "codec/codec.h"
#include "codec/stage.h"
#include "codec/whole.h"
#include "codec/zstep.h"

#define FIXED_HEADER_BYTES ((size_t)10)
#define TRAILER_BYTES ((size_t)8)
#define METHOD_DEFLATE 8
#define FLAG_HCRC 0x02u
#define FLAG_EXTRA 0x04u
#define FLAG_NAME 0x08u
#define FLAG_COMMENT 0x10u

enum gz_state {
    GZ_FIRST,
    GZ_NEXT,
    GZ_EXTRA_LEN,
    GZ_SKIP,
    GZ_NAME,
    GZ_COMMENT,
    GZ_HCRC,
    GZ_BODY,
    GZ_TRAILER
};

struct gunzipper {
    struct stage stage;
    z_stream z;
    enum gz_state state;
    unsigned flags;
    size_t skip; /* bytes of the extra field still to pass */
    uint32_t crc;
    uint32_t len; /* modulo 2^32, as stored */
    bool begun;   /* the body: zlib has seen some of it */
    bool damaged; /* some member did not match its checksum */
};

/* True when n further bytes are there; else asks for more. */
static bool have(struct stage_io *io, size_t n) {
    if (io->in_len - io->in_used >= n) {
        return true;
    }
    io->want_more = !io->in_last;
    return false;
}

static sk_err take_fixed_header(struct gunzipper *s, struct stage_io *io) {
    if (s->state == GZ_NEXT) {
        int follows = stage_next_magic(io, "\x1f\x8b\x08", 3);
        if (follows == 0) {
            io->end = !s->damaged;
            return s->damaged ? sk_fail(SK_E_FORMAT) : sk_ok();
        }
        if (follows < 0) {
            return sk_ok();
        }
    }
    if (!have(io, FIXED_HEADER_BYTES)) {
        return sk_ok();
    }
    const uint8_t *h = io->in + io->in_used;
    if (h[0] != 0x1f || h[1] != 0x8b) {
        return sk_fail(SK_E_FORMAT);
    }
    if (h[2] != METHOD_DEFLATE) {
        return sk_fail(SK_E_UNSUPPORTED);
    }
    s->flags = h[3];
    io->in_used += FIXED_HEADER_BYTES;
    io->restarted = s->state == GZ_NEXT;
    s->state = GZ_EXTRA_LEN;
    s->crc = 0;
    s->len = 0;
    s->begun = false;
    return inflateReset(&s->z) == Z_OK ? sk_ok() : sk_fail(SK_E_INTERNAL);
}

static void take_extra_len(struct gunzipper *s, struct stage_io *io) {
    if ((s->flags & FLAG_EXTRA) != 0) {
        if (!have(io, 2)) {
            return;
        }
        s->skip = sk_load_u16le(io->in + io->in_used);
        io->in_used += 2;
    }
    s->state = GZ_SKIP;
}

static void skip_extra(struct gunzipper *s, struct stage_io *io) {
    size_t n = io->in_len - io->in_used;
    n = n < s->skip ? n : s->skip;
    io->in_used += n;
    s->skip -= n;
    if (s->skip == 0) {
        s->state = GZ_NAME;
    }
}

/* A NUL-terminated field, present when `flag` is set. */
static void skip_text(struct gunzipper *s, struct stage_io *io, unsigned flag,
                      enum gz_state after) {
    if ((s->flags & flag) == 0) {
        s->state = after;
        return;
    }
    const uint8_t *from = io->in + io->in_used;
    const uint8_t *nul = memchr(from, 0, io->in_len - io->in_used);
    if (nul == NULL) {
        io->in_used = io->in_len;
        return;
    }
    io->in_used += (size_t)(nul - from) + 1;
    s->state = after;
}

static void skip_hcrc(struct gunzipper *s, struct stage_io *io) {
    if ((s->flags & FLAG_HCRC) != 0) {
        if (!have(io, 2)) {
            return;
        }
        io->in_used += 2;
    }
    s->state = GZ_BODY;
}

/* The stated length of the last member, which is mostly the only one. Only whether a try pays
 * depends on it. */
static bool has_room(const struct stage_io *io) {
    return io->in_last && io->in_len >= TRAILER_BYTES &&
           sk_load_u32le(io->in + io->in_len - 4) <= io->out_cap;
}

static sk_err take_body(struct gunzipper *s, struct stage_io *io) {
    bool end = false;
    sk_err err = sk_ok();
    if (!s->begun && has_room(io) && whole_inflate(io)) {
        end = true;
    } else {
        err = zstep_run(&s->z, io, &end);
    }
    s->begun = true;
    s->crc = sk_crc32(s->crc, io->out, io->out_len);
    s->len += (uint32_t)io->out_len;
    if (end) {
        s->state = GZ_TRAILER;
    }
    return err;
}

static void take_trailer(struct gunzipper *s, struct stage_io *io) {
    if (!have(io, TRAILER_BYTES)) {
        return;
    }
    struct sk_cursor c = sk_cursor_make(io->in + io->in_used, TRAILER_BYTES);
    uint32_t crc = sk_cursor_u32le(&c);
    uint32_t len = sk_cursor_u32le(&c);
    s->damaged = s->damaged || crc != s->crc || len != s->len;
    io->in_used += TRAILER_BYTES;
    s->state = GZ_NEXT;
}

static sk_err gunzipper_step(struct stage *stage, struct stage_io *io) {
    struct gunzipper *s = (struct gunzipper *)(void *)stage;
    /* States without bytes of their own pass straight on; the order of the cases is the order of
     * the fields. */
    enum gz_state before = s->state;
    sk_err err = sk_ok();
    do {
        before = s->state;
        switch (s->state) {
        case GZ_FIRST:
        case GZ_NEXT:
            err = take_fixed_header(s, io);
            break;
        case GZ_EXTRA_LEN:
            take_extra_len(s, io);
            break;
        case GZ_SKIP:
            skip_extra(s, io);
            break;
        case GZ_NAME:
            skip_text(s, io, FLAG_NAME, GZ_COMMENT);
            break;
        case GZ_COMMENT:
            skip_text(s, io, FLAG_COMMENT, GZ_HCRC);
            break;
        case GZ_HCRC:
            skip_hcrc(s, io);
            break;
        case GZ_BODY:
            return take_body(s, io);
        case GZ_TRAILER:
            take_trailer(s, io);
            return sk_ok();
        }
    } while (!sk_failed(err) && s->state != before);
    return err;
}

static void gunzipper_fini(struct stage *stage) {
    inflateEnd(&((struct gunzipper *)(void *)stage)->z);
}

sk_err sk_gunzip_open(struct sk_stream *up, struct sk_stream **out_stream) {
    struct gunzipper *s = stage_new(sizeof(*s), up, gunzipper_step, gunzipper_fini);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    sk_err err = zstep_init(&s->z, -15);
    if (sk_failed(err)) {
        sk_stream_close(&s->stage.base);
        return err;
    }
    s->stage.borrows = true;
    *out_stream = &s->stage.base;
    return sk_ok();
}
