// SPDX-License-Identifier: Apache-2.0
/*
 * FlateDecode as readers of PDF do it: they do not insist on the zlib header and never look at the
 * checksum behind. Raw deflate, behind whatever header there is, line ends in front passed over.
 *
 *     up --> [CR LF]* [78 9c]? --lead--> inflate (codec/) --> caller
 *
 * When up is in memory, lead is the rest of it, so that inflate may have it whole.
 */
#include <string.h>

#include "base/mem.h"
#include "codec/codec.h"
#include "format/pdf_filter.h"

struct flate {
    struct sk_stream base; /* what the caller reads */
    struct sk_stream lead; /* what inflate reads */
    struct sk_stream *up;
    struct sk_stream *inflate;
    struct sk_source memory; /* lead, when up is in memory */
    struct sk_source_stream rest;
    uint8_t head[16];
    size_t pos, len;
    bool begun;
};

/* 0: there is none, what stands in front of it included. */
static size_t behind_header(const uint8_t *head, size_t len) {
    size_t at = 0;
    while (at < len && (head[at] == '\r' || head[at] == '\n')) {
        at++;
    }
    /* Method 8, window at most 32 KiB: the low nibble of raw deflate is never 8 in the first block
     * of an encoder (stored blocks begin with 0 or 1, the others set bit 1 or 2). */
    bool header = at + 2 <= len && (head[at] & 0x0f) == 8 && head[at] >> 4 <= 7;
    return header ? at + 2 : 0;
}

static sk_err flate_begin(struct flate *f) {
    bool more = true;
    while (f->len < sizeof(f->head) && more) {
        size_t got = 0;
        TRY(sk_stream_read(f->up, f->head + f->len, sizeof(f->head) - f->len, &got));
        f->len += got;
        more = got > 0;
    }
    f->pos = behind_header(f->head, f->len);
    f->begun = true;
    return sk_ok();
}

static sk_err flate_lead_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct flate *f = (struct flate *)(void *)((char *)base - offsetof(struct flate, lead));
    if (!f->begun) {
        TRY(flate_begin(f));
    }
    if (f->pos == f->len) {
        return sk_stream_read(f->up, buf, cap, out_len);
    }
    size_t n = f->len - f->pos < cap ? f->len - f->pos : cap;
    memcpy(buf, f->head + f->pos, n);
    f->pos += n;
    *out_len = n;
    return sk_ok();
}

static sk_err flate_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    return sk_stream_read(((struct flate *)(void *)base)->inflate, buf, cap, out_len);
}

static void flate_close(struct sk_stream *base) {
    sk_stream_close(((struct flate *)(void *)base)->inflate);
    mem_free(base);
}

sk_err pdf_flate_open(struct sk_stream *up, struct sk_stream **out_stream) {
    struct flate *f = mem_zalloc(1, sizeof(*f));
    if (f == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    f->base = (struct sk_stream){flate_read, flate_close};
    f->lead = (struct sk_stream){flate_lead_read, NULL};
    f->up = up;
    struct sk_bytes all;
    struct sk_stream *lead = &f->lead;
    if (sk_stream_take_memory(up, SIZE_MAX, &all)) {
        size_t head = all.len < sizeof(f->head) ? all.len : sizeof(f->head);
        size_t at = behind_header(all.ptr, head);
        sk_source_init_mem(&f->memory, all.ptr, all.len);
        lead = sk_source_stream_init(&f->rest, &f->memory, at, all.len - at);
    }
    sk_err err = sk_inflate_open(lead, &f->inflate);
    if (sk_failed(err)) {
        mem_free(f);
        return err;
    }
    *out_stream = &f->base;
    return sk_ok();
}
