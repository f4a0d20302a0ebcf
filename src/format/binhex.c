// SPDX-License-Identifier: Apache-2.0
/*
 * BinHex 4.0 (RFC 1741): one Macintosh file as text.
 *
 *     (This file must be converted with BinHex 4.0)
 *     :letters:  ->  name length, name, 00, type, creator, flags,
 *                    data length, resource length, CRC of the header
 *                    data fork, CRC;  resource fork, CRC
 *
 * Both forks are members. Lengths are not believed beyond the bytes there are; a fork that is cut
 * short or whose checksum is wrong is scanned and noted as damaged.
 */
#include "format/format.h"

#include <string.h>

#include "base/search.h"
#include "codec/codec.h"

#define NAME_MAX_BYTES 63u
#define HEAD_BYTES ((size_t)(1 + 4 + 4 + 2 + 4 + 4 + 2)) /* behind the name */

/* Writers finish the sentence as they like: "with BinHex 4.0)", "; you knew that already.)". */
static const char LINE[] = "(This file must be converted";
#define LINE_SPAN_BYTES ((size_t)1024)

static int binhex_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    size_t span = peek->head_len < LINE_SPAN_BYTES ? peek->head_len : LINE_SPAN_BYTES;
    static const struct sk_needle NEEDLE = {LINE, sizeof(LINE) - 1, 0};
    return sk_search((struct sk_bytes){peek->head, span}, &NEEDLE) != NULL ? 85 : 0;
}

/* CRC of XMODEM: polynomial 1021, as BinHex has it over data followed by two zero bytes. */
static uint16_t crc_add(uint16_t crc, uint8_t byte) {
    crc ^= (uint16_t)(byte << 8);
    for (unsigned bit = 0; bit < 8; bit++) {
        crc = (uint16_t)((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}

/* Exactly len bytes of up, then its checksum. */
struct fork_stream {
    struct sk_stream base;
    struct sk_stream *up;
    uint64_t left;
    uint16_t crc;
    bool over; /* checksum read, or nothing more came */
    bool damaged;
};

static sk_err read_exact(struct sk_stream *up, uint8_t *buf, size_t len, size_t *out_got) {
    *out_got = 0;
    while (*out_got < len) {
        size_t got = 0;
        TRY(sk_stream_read(up, buf + *out_got, len - *out_got, &got));
        if (got == 0) {
            break;
        }
        *out_got += got;
    }
    return sk_ok();
}

static sk_err check_crc(struct fork_stream *f) {
    uint8_t stored[2];
    size_t got;
    f->over = true;
    TRY(read_exact(f->up, stored, sizeof(stored), &got));
    f->damaged = got < sizeof(stored) || sk_load_u16be(stored) != f->crc;
    return sk_ok();
}

static sk_err fork_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct fork_stream *f = (struct fork_stream *)(void *)base;
    size_t got = 0;
    if (f->left > 0 && !f->over) {
        cap = cap < f->left ? cap : (size_t)f->left;
        TRY(sk_stream_read(f->up, buf, cap, &got));
        for (size_t i = 0; i < got; i++) {
            f->crc = crc_add(f->crc, buf[i]);
        }
        f->left -= got;
        f->over = got == 0;
        f->damaged = got == 0;
    }
    if (got == 0 && !f->over) {
        TRY(check_crc(f));
    }
    *out_len = got;
    return got == 0 && f->damaged ? sk_fail(SK_E_FORMAT) : sk_ok();
}

/* What the engine left unread: the next fork lies behind it. */
static sk_err drain(struct sk_walk *walk, struct fork_stream *f) {
    uint8_t chunk[4096];
    size_t got = 1;
    while (got > 0) {
        TRY(walk_tick(walk));
        sk_err err = fork_read(&f->base, chunk, sizeof(chunk), &got);
        if (sk_failed(err)) {
            return err.code == SK_E_FORMAT ? sk_ok() : err;
        }
    }
    return sk_ok();
}

static sk_err give_fork(struct sk_walk *walk, struct sk_stream *up, struct sk_child *child) {
    struct fork_stream f = {.base = {.read = fork_read}, .up = up, .left = child->size};
    if (child->size > 0) {
        TRY(walk_child(walk, child, &f.base));
    }
    return drain(walk, &f);
}

static sk_err give_forks(struct sk_walk *walk, struct sk_source *src, struct sk_stream *up) {
    uint8_t name[NAME_MAX_BYTES + 1];
    uint8_t head[HEAD_BYTES];
    size_t got = 0;
    TRY(read_exact(up, name, 1, &got));
    size_t name_len = got == 1 && name[0] <= NAME_MAX_BYTES ? name[0] : 0;
    if (name_len == 0) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(read_exact(up, name, name_len, &got));
    TRY(read_exact(up, head, sizeof(head), &got));
    if (got < sizeof(head)) {
        return sk_fail(SK_E_FORMAT);
    }
    struct sk_cursor c = sk_cursor_make(head + 11, 8); /* behind 00, type, creator, flags */
    uint32_t size[2];
    size[0] = sk_cursor_u32be(&c);
    size[1] = sk_cursor_u32be(&c);
    for (uint32_t i = 0; i < 2; i++) {
        struct sk_child child = {.name = (const char *)name,
                                 .name_len = name_len,
                                 .packed_size = src->size,
                                 .size = size[i],
                                 .index = i};
        TRY(give_fork(walk, up, &child));
    }
    return sk_ok();
}

static sk_err binhex_walk(struct sk_walk *walk, struct sk_source *src) {
    size_t avail;
    const uint8_t *p = sk_source_at(src, 0, SK_SOURCE_WANT_MAX, &avail);
    const uint8_t *line = p == NULL ? NULL : memmem(p, avail, LINE, sizeof(LINE) - 1);
    if (line == NULL) {
        return sk_failed(src->failed) ? src->failed : sk_fail(SK_E_FORMAT);
    }
    struct sk_source_stream raw;
    struct sk_stream *codec = NULL;
    uint64_t start = (uint64_t)(line - p);
    TRY(sk_binhex_open(sk_source_stream_init(&raw, src, start, src->size - start), &codec));
    sk_err err = give_forks(walk, src, codec);
    sk_stream_close(codec);
    return err;
}

const struct sk_format sk_format_binhex = {
    .name = "binhex", .type = SK_TYPE_BINHEX, .probe = binhex_probe, .walk = binhex_walk};
