// SPDX-License-Identifier: Apache-2.0
/*
 * uuencode (POSIX uuencode, historical and base64 form), behind its "begin" line.
 *
 *     length char, data, [checksum]     4 characters make 3 bytes, (c - 32) & 63 each
 *     ` or blank                        no bytes: the last data line
 *     end                               the end  (base64 form: "====")
 *
 * Mail cuts trailing blanks, which were data: a short line is filled up with them. A line longer
 * than it says is decoded whole; garbage behind its data does not matter. A line that cannot be
 * data is passed over, as forgiving decoders do; too many in a row, or another "begin", end the
 * stream in front of them.
 */
#include "base/mem.h"
#include "codec/codec.h"
#include "codec/stage.h"

#define LINE_MAX_BYTES ((size_t)512)
#define JUNK_LINES_MAX 32u
#define GROUP_CHARS 4u
#define FULL_LINE 'M' /* 45 bytes */

struct uudecoder {
    struct stage stage;
    uint8_t queue[LINE_MAX_BYTES];
    size_t queued, sent;
    unsigned junk; /* lines in a row */
    bool in_long_line;
    bool ended;
};

static bool drain(struct uudecoder *s, struct stage_io *io) {
    while (s->sent < s->queued && io->out_len < io->out_cap) {
        io->out[io->out_len++] = s->queue[s->sent++];
    }
    return s->sent == s->queued;
}

static size_t data_bytes(uint8_t length_char) {
    return (length_char - 32u) & 63u;
}

/* A byte or two out of range are damage; lower case all over is text. */
static bool is_data(struct sk_bytes line) {
    size_t want = (data_bytes(line.ptr[0]) + 2) / 3 * GROUP_CHARS;
    size_t bad = 0;
    bool dashes = line.len > 1 && line.ptr[0] == '-' && line.ptr[1] == '-';
    if (dashes && line.len < want / 2) {
        return false; /* a delimiter or a signature rather than 13 bytes of blanks */
    }
    if (line.len == 1 && want > 0 && line.ptr[0] != FULL_LINE) {
        return false; /* only whole lines of blanks were cut to nothing */
    }
    for (size_t i = 1; i < line.len && i <= want; i++) {
        bad += line.ptr[i] < 32 || line.ptr[i] > 96;
    }
    return line.ptr[0] >= 32 && line.ptr[0] <= 96 && bad * 8 < line.len;
}

static uint8_t sextet(struct sk_bytes line, size_t at) {
    return at < line.len ? (uint8_t)((line.ptr[at] - 32u) & 63u) : 0;
}

static void take_data(struct uudecoder *s, struct sk_bytes line) {
    size_t bytes = data_bytes(line.ptr[0]);
    size_t most = (line.len - 1) / GROUP_CHARS * 3;
    bytes = line.len - 1 > (bytes + 2) / 3 * GROUP_CHARS + GROUP_CHARS ? most : bytes;
    s->sent = 0;
    s->queued = 0;
    for (size_t at = 1; s->queued < bytes; at += GROUP_CHARS) {
        uint8_t a = sextet(line, at);
        uint8_t b = sextet(line, at + 1);
        uint8_t c = sextet(line, at + 2);
        uint8_t d = sextet(line, at + 3);
        s->queue[s->queued++] = (uint8_t)(a << 2 | b >> 4);
        s->queue[s->queued++] = (uint8_t)(b << 4 | c >> 2);
        s->queue[s->queued++] = (uint8_t)(c << 6 | d);
    }
    s->queued = bytes;
}

static bool begins(struct sk_bytes line, const char *word) {
    return line.len >= strlen(word) && memcmp(line.ptr, word, strlen(word)) == 0;
}

/* False: the stream ends in front of this line. */
static bool take_line(struct uudecoder *s, struct sk_bytes line) {
    if (line.len == 3 && begins(line, "end")) {
        s->ended = true;
    } else if (begins(line, "begin ")) {
        return false;
    } else if (line.len > 0 && is_data(line)) {
        s->junk = 0;
        take_data(s, line);
    } else {
        s->junk++;
    }
    return s->junk <= JUNK_LINES_MAX;
}

/* The line at the front of the input; false: wait for the rest of it. */
static bool next_line(struct uudecoder *s, struct stage_io *io, struct sk_bytes *out_line,
                      size_t *out_used) {
    const uint8_t *p = io->in + io->in_used;
    size_t left = io->in_len - io->in_used;
    const uint8_t *end = memchr(p, '\n', left);
    size_t len = end == NULL ? left : (size_t)(end - p);
    if (end == NULL && !io->in_last && len < LINE_MAX_BYTES) {
        io->want_more = true;
        return false;
    }
    *out_used = end == NULL ? len : len + 1;
    bool junk = s->in_long_line || len >= LINE_MAX_BYTES;
    s->in_long_line = junk && end == NULL;
    while (len > 0 && p[len - 1] == '\r') {
        len--;
    }
    *out_line = (struct sk_bytes){p, junk ? 0 : len};
    return true;
}

static sk_err uudecode_step(struct stage *stage, struct stage_io *io) {
    struct uudecoder *s = (struct uudecoder *)(void *)stage;
    while (drain(s, io) && !s->ended && io->in_used < io->in_len) {
        struct sk_bytes line;
        size_t used;
        if (!next_line(s, io, &line, &used)) {
            return sk_ok();
        }
        if (!take_line(s, line)) {
            s->ended = true;
            break;
        }
        io->in_used += used;
    }
    bool done = s->ended || (io->in_last && io->in_used == io->in_len);
    io->end = done && s->sent == s->queued;
    return sk_ok();
}

sk_err sk_uudecode_open(struct sk_stream *up, struct sk_stream **out_stream) {
    struct uudecoder *s = stage_new(sizeof(*s), up, uudecode_step, NULL);
    if (s == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *out_stream = &s->stage.base;
    return sk_ok();
}
