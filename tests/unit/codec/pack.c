// SPDX-License-Identifier: Apache-2.0
/*
 * Encoders for tests. liblzma cannot write lzip, so that is put together from a raw LZMA stream.
 */
#include "pack.h"

#include <bzlib.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define DICT_BYTES (1u << 20)

static void check(bool good) {
    if (!good) {
        abort();
    }
}

static void add(struct buf *out, const void *bytes, size_t len) {
    check(!sk_failed(buf_append(out, bytes, len)));
}

static sk_err drip_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct drip *d = (struct drip *)(void *)base;
    size_t n = d->len - d->pos;
    n = n < d->step ? n : d->step;
    n = n < cap ? n : cap;
    if (n == 0 && sk_failed(d->at_end)) {
        return d->at_end;
    }
    if (n > 0) {
        memcpy(buf, d->data + d->pos, n);
    }
    d->pos += n;
    *out_len = n;
    return sk_ok();
}

struct sk_stream *drip_init(struct drip *d, const void *data, size_t len, size_t step) {
    *d = (struct drip){.base = {.read = drip_read}, .data = data, .len = len, .step = step};
    return &d->base;
}

void pack_sample(struct buf *out, size_t len, uint32_t seed) {
    uint32_t x = seed * 2654435761u + 1;
    buf_clear(out);
    while (out->len < len) {
        x = x * 1664525u + 1013904223u;
        size_t run = 1 + (x >> 24) % 40;
        if ((x >> 20 & 7u) == 0 && out->len > 1000) {
            size_t from = (x >> 8) % (out->len - 600);
            check(!sk_failed(buf_reserve(out, 600)));
            add(out, out->data + from, run * 15);
            continue;
        }
        uint8_t letter = (uint8_t)("etaoin shrdlu<>="[x >> 16 & 15u]);
        for (size_t i = 0; i < run % 5 + 1; i++) {
            letter = (uint8_t)(letter + (x >> 3 & 1u));
            add(out, &letter, 1);
        }
    }
    out->len = len;
}

void pack_deflate(struct buf *out, const void *in, size_t len, int level, int strategy) {
    z_stream z = {0};
    check(deflateInit2(&z, level, Z_DEFLATED, -15, 8, strategy) == Z_OK);
    size_t room = deflateBound(&z, len) + 64;
    check(!sk_failed(buf_reserve(out, room)));
    z.next_in = (Bytef *)(uintptr_t)in;
    z.avail_in = (unsigned)len;
    z.next_out = out->data + out->len;
    z.avail_out = (unsigned)room;
    check(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out->len += room - z.avail_out;
    check(deflateEnd(&z) == Z_OK);
}

void pack_zlib(struct buf *out, const void *in, size_t len) {
    uLongf room = compressBound(len);
    check(!sk_failed(buf_reserve(out, room)));
    check(compress(out->data + out->len, &room, in, len) == Z_OK);
    out->len += room;
}

void pack_gzip(struct buf *out, const void *in, size_t len) {
    /* extra, name, comment and header checksum, so that every state of the reader is passed */
    static const char header[] =
        "\x1f\x8b\x08\x1e\0\0\0\0\0\x03\x04\0abcdname.txt\0comment\0\x12\x34";
    uint8_t trailer[8];
    add(out, header, sizeof(header) - 1);
    pack_deflate(out, in, len, 6, Z_DEFAULT_STRATEGY);
    sk_store_u32le(trailer, (uint32_t)crc32_z(0, in, len));
    sk_store_u32le(trailer + 4, (uint32_t)len);
    add(out, trailer, sizeof(trailer));
}

void pack_bzip2(struct buf *out, const void *in, size_t len) {
    unsigned room = (unsigned)(len + len / 50 + 1000);
    check(!sk_failed(buf_reserve(out, room)));
    check(BZ2_bzBuffToBuffCompress((char *)out->data + out->len, &room, (char *)(uintptr_t)in,
                                   (unsigned)len, 1, 0, 0) == BZ_OK);
    out->len += room;
}

void pack_xz(struct buf *out, const void *in, size_t len) {
    size_t room = lzma_stream_buffer_bound(len);
    size_t pos = 0;
    check(!sk_failed(buf_reserve(out, room)));
    check(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, in, len, out->data + out->len, &pos,
                                  room) == LZMA_OK);
    out->len += pos;
}

/* Raw LZMA1 with end marker; the five bytes of properties go to out_props. */
static void raw_lzma(struct buf *out, const void *in, size_t len, uint8_t *out_props) {
    lzma_options_lzma options;
    check(!lzma_lzma_preset(&options, 1));
    options.dict_size = DICT_BYTES;
    lzma_filter filters[2] = {{LZMA_FILTER_LZMA1, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    check(lzma_properties_encode(&filters[0], out_props) == LZMA_OK);
    size_t room = len * 2 + 1000;
    size_t pos = 0;
    check(!sk_failed(buf_reserve(out, room)));
    check(lzma_raw_buffer_encode(filters, NULL, in, len, out->data + out->len, &pos, room) ==
          LZMA_OK);
    out->len += pos;
}

void pack_lzip(struct buf *out, const void *in, size_t len) {
    uint8_t props[5];
    uint8_t trailer[20];
    size_t start = out->len;
    add(out, "LZIP\x01\x14", 6); /* dictionary 2^20 */
    raw_lzma(out, in, len, props);
    sk_store_u32le(trailer, (uint32_t)crc32_z(0, in, len));
    sk_store_u64le(trailer + 4, len);
    sk_store_u64le(trailer + 12, out->len - start + sizeof(trailer));
    add(out, trailer, sizeof(trailer));
}

static void header_then_lzma(struct buf *out, const void *in, size_t len, bool zip) {
    struct buf raw = {0};
    uint8_t props[5];
    raw_lzma(&raw, in, len, props);
    if (zip) {
        add(out, "\x09\x14\x05\x00", 4);
    }
    add(out, props, sizeof(props));
    if (!zip) {
        add(out, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    }
    add(out, raw.data, raw.len);
    buf_release(&raw);
}

void pack_lzma(struct buf *out, const void *in, size_t len) {
    header_then_lzma(out, in, len, false);
}

void pack_lzma_zip(struct buf *out, const void *in, size_t len) {
    header_then_lzma(out, in, len, true);
}

void pack_zstd(struct buf *out, const void *in, size_t len) {
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    check(!ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1)));
    check(!ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, 0)));
    size_t room = ZSTD_compressBound(len);
    check(!sk_failed(buf_reserve(out, room)));
    size_t got = ZSTD_compress2(ctx, out->data + out->len, room, in, len);
    check(!ZSTD_isError(got));
    out->len += got;
    ZSTD_freeCCtx(ctx);
}

sk_err pack_drain(struct sk_stream *s, size_t cap, struct buf *out) {
    for (;;) {
        size_t got = 0;
        if (sk_failed(buf_reserve(out, cap))) {
            return sk_fail(SK_E_NOMEM);
        }
        TRY(sk_stream_read(s, out->data + out->len, cap, &got));
        check(got <= cap);
        if (got == 0) {
            return sk_ok();
        }
        out->len += got;
    }
}
