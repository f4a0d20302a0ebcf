// SPDX-License-Identifier: Apache-2.0
/*
 * Lines out of a stream. The buffer is much larger than the longest line allowed, so a line is
 * found with one memchr and handed out in place; a line that fills the whole buffer is dropped
 * piece by piece. The last line needs no newline.
 */
#include "defc/lines.h"

#include "base/mem.h"

#define BUFFER_BYTES ((size_t)256 * 1024)

sk_err lines_init(struct lines *l, struct sk_stream *in, size_t cap) {
    uint8_t *buf = mem_alloc(BUFFER_BYTES);
    if (buf == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *l = (struct lines){.in = in, .cap = cap, .buf = buf};
    return sk_ok();
}

void lines_release(struct lines *l) {
    mem_free(l->buf);
    l->buf = NULL;
}

/* Move what is left to the front and read more behind it. */
static sk_err refill(struct lines *l) {
    memmove(l->buf, &l->buf[l->pos], l->len - l->pos);
    l->len -= l->pos;
    l->pos = 0;
    size_t got = 0;
    TRY(sk_stream_read(l->in, &l->buf[l->len], BUFFER_BYTES - l->len, &got));
    l->eof = got == 0;
    l->len += got;
    l->bytes += got;
    return sk_ok();
}

/* The next raw line without its newline. *out_cut: it was longer than the buffer. */
static sk_err raw_line(struct lines *l, struct sk_bytes *out, bool *out_cut) {
    bool cut = false;
    for (;;) {
        const uint8_t *from = &l->buf[l->pos];
        const uint8_t *nl = memchr(from, '\n', l->len - l->pos);
        if (nl != NULL || l->eof) {
            size_t n = nl != NULL ? (size_t)(nl - from) : l->len - l->pos;
            *out = (struct sk_bytes){from, n};
            *out_cut = cut;
            l->pos += n + (nl != NULL);
            return sk_ok();
        }
        if (l->len - l->pos == BUFFER_BYTES) {
            l->pos = l->len;
            cut = true;
        }
        TRY(refill(l));
    }
}

sk_err lines_next(struct lines *l, struct line *out) {
    for (;;) {
        struct sk_bytes raw = {NULL, 0};
        bool cut = false;
        if (l->eof && l->pos == l->len) {
            *out = (struct line){.end = true};
            return sk_ok();
        }
        TRY(raw_line(l, &raw, &cut));
        if (l->eof && raw.len == 0 && l->pos == l->len && !cut) {
            continue;
        }
        l->number++;
        if (raw.len > 0 && raw.ptr[raw.len - 1] == '\r') {
            raw.len--;
        }
        if (!cut && (raw.len == 0 || raw.ptr[0] == '#')) {
            continue;
        }
        *out = (struct line){(const char *)raw.ptr, raw.len, l->number, NULL, false};
        if (cut || raw.len > l->cap) {
            out->fault = "the line is too long";
        } else if (memchr(raw.ptr, '\0', raw.len) != NULL) {
            out->fault = "the line holds a NUL byte";
        }
        return sk_ok();
    }
}
