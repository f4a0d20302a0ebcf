// SPDX-License-Identifier: Apache-2.0
/*
 * lzmapeer: liblzma and our decoder over the same bytes, for unit tests and fuzz targets. liblzma
 * is asked for one byte at a time: then it notices damage as soon as it has read it.
 */
#ifndef SK_TESTS_LZMAPEER_H
#define SK_TESTS_LZMAPEER_H

#include <lzma.h>
#include <string.h>

#include "base/buf.h"
#include "base/source.h"
#include "codec/codec.h"

enum lzma_peer_kind { PEER_XZ, PEER_LZIP, PEER_ALONE, PEER_LZMA1, PEER_LZMA2 };
#define LZMA_PEER_KINDS 5u

struct lzma_peer {
    enum lzma_peer_kind kind;
    uint8_t props[SK_LZMA_PROPS_BYTES]; /* PEER_LZMA1, at most 4 bits of lc + lp; [0]: PEER_LZMA2 */
    uint64_t size;                      /* PEER_LZMA1 */
    struct buf ours;
    struct buf theirs;
    sk_err our_end;
    sk_err their_end;
    size_t our_used; /* input, when all is sound */
    size_t their_used;
};

static inline sk_err lzma_peer_result(lzma_ret rc) {
    switch (rc) {
    case LZMA_OK:
    case LZMA_STREAM_END:
        return sk_ok();
    case LZMA_MEM_ERROR:
        return sk_fail(SK_E_NOMEM);
    case LZMA_MEMLIMIT_ERROR:
        return sk_fail(SK_E_LIMIT);
    case LZMA_OPTIONS_ERROR:
        return sk_fail(SK_E_UNSUPPORTED);
    default:
        return sk_fail(SK_E_FORMAT);
    }
}

static inline lzma_ret lzma_peer_raw(const struct lzma_peer *p, lzma_stream *lz) {
    lzma_options_lzma options = {.ext_flags = LZMA_LZMA1EXT_ALLOW_EOPM,
                                 .ext_size_low = (uint32_t)p->size,
                                 .ext_size_high = (uint32_t)(p->size >> 32)};
    lzma_filter filters[2] = {{LZMA_FILTER_LZMA1EXT, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    if (p->kind == PEER_LZMA2) {
        unsigned dict = p->props[0];
        if (dict > 40) {
            return LZMA_OPTIONS_ERROR;
        }
        filters[0].id = LZMA_FILTER_LZMA2;
        options.dict_size = dict == 40 ? UINT32_MAX : (2u | (dict & 1u)) << (dict / 2u + 11);
    } else {
        options.dict_size = sk_load_u32le(p->props + 1);
        options.lc = p->props[0] % 9u;
        options.lp = p->props[0] / 9u % 5u;
        options.pb = p->props[0] / 45u;
        if (p->props[0] >= 225) {
            return LZMA_DATA_ERROR;
        }
    }
    if (lzma_raw_decoder_memusage(filters) > SK_CODEC_MEM_BYTES) {
        return LZMA_MEMLIMIT_ERROR;
    }
    return lzma_raw_decoder(lz, filters);
}

static inline lzma_ret lzma_peer_begin(const struct lzma_peer *p, lzma_stream *lz) {
    switch (p->kind) {
    case PEER_XZ:
        return lzma_stream_decoder(lz, SK_CODEC_MEM_BYTES, 0);
    case PEER_LZIP:
        return lzma_lzip_decoder(lz, SK_CODEC_MEM_BYTES, 0);
    case PEER_ALONE:
        return lzma_alone_decoder(lz, SK_CODEC_MEM_BYTES);
    default:
        return lzma_peer_raw(p, lz);
    }
}

/* Behind a stream: does another one follow? The zero padding of .xz is passed over. */
static inline bool lzma_peer_follows(const struct lzma_peer *p, lzma_stream *lz) {
    while (p->kind == PEER_XZ && lz->avail_in > 0 && lz->next_in[0] == 0) {
        lz->next_in++;
        lz->avail_in--;
    }
    const char *magic = p->kind == PEER_XZ ? "\xfd"
                                             "7zXZ\0"
                                           : "LZIP";
    size_t len = p->kind == PEER_XZ ? 6 : 4;
    return p->kind <= PEER_LZIP && lz->avail_in >= len && memcmp(lz->next_in, magic, len) == 0;
}

static inline void lzma_peer_theirs(struct lzma_peer *p, const uint8_t *data, size_t len,
                                    size_t max) {
    lzma_stream lz = LZMA_STREAM_INIT;
    lzma_ret rc = lzma_peer_begin(p, &lz);
    lz.next_in = data;
    lz.avail_in = len;
    while (rc == LZMA_OK && p->theirs.len < max) {
        uint8_t byte;
        lz.next_out = &byte;
        lz.avail_out = 1;
        rc = lzma_code(&lz, LZMA_FINISH);
        if (lz.avail_out == 0 && sk_failed(buf_append(&p->theirs, &byte, 1))) {
            rc = LZMA_MEM_ERROR;
        }
        if (rc == LZMA_STREAM_END && lzma_peer_follows(p, &lz)) {
            rc = lzma_peer_begin(p, &lz);
        }
    }
    p->their_end = lzma_peer_result(rc);
    p->their_used = len - lz.avail_in;
    lzma_end(&lz);
}

static inline sk_err lzma_peer_open(const struct lzma_peer *p, struct sk_stream *up,
                                    struct sk_stream **out_stream) {
    switch (p->kind) {
    case PEER_XZ:
        return sk_unxz_open(up, SK_CODEC_MEM_BYTES, out_stream);
    case PEER_LZIP:
        return sk_unlzip_open(up, SK_CODEC_MEM_BYTES, out_stream);
    case PEER_ALONE:
        return sk_unlzma_open(up, SK_CODEC_MEM_BYTES, out_stream);
    case PEER_LZMA1:
        return sk_lzma1_open(up, p->props, p->size, SK_CODEC_MEM_BYTES, out_stream);
    default:
        return sk_lzma2_open(up, p->props[0], SK_CODEC_MEM_BYTES, out_stream);
    }
}

static inline void lzma_peer_ours(struct lzma_peer *p, const uint8_t *data, size_t len,
                                  size_t max) {
    struct sk_source src;
    struct sk_source_stream raw;
    struct sk_stream *s = NULL;
    sk_source_init_mem(&src, data, len);
    sk_err err = lzma_peer_open(p, sk_source_stream_init(&raw, &src, 0, len), &s);
    size_t got = sk_failed(err) ? 0 : 1;
    while (!sk_failed(err) && got > 0 && p->ours.len < max) {
        uint8_t piece[4096];
        size_t room = max - p->ours.len < sizeof(piece) ? max - p->ours.len : sizeof(piece);
        err = sk_stream_read(s, piece, room, &got);
        if (!sk_failed(err)) {
            err = buf_append(&p->ours, piece, got);
        }
    }
    p->our_end = err;
    if (s != NULL) {
        bool ended = false;
        p->our_used = (size_t)sk_codec_consumed(s, &ended);
        sk_stream_close(s);
    }
    sk_source_release(&src);
}

/* A chunk of LZMA2 whose symbols take more bytes than it tells: liblzma looks when it has given
 * one. */
static inline bool lzma_peer_chunk_over(const struct lzma_peer *p) {
    return (p->kind == PEER_XZ || p->kind == PEER_LZMA2) && p->our_end.code == SK_E_FORMAT &&
           p->their_end.code == SK_E_FORMAT && p->theirs.len == p->ours.len + 1;
}

/* Each gave what the other began with, and said the same of the end. */
static inline bool lzma_peer_alike(const struct lzma_peer *p) {
    size_t both = p->ours.len < p->theirs.len ? p->ours.len : p->theirs.len;
    return p->our_end.code == p->their_end.code &&
           (both == 0 || memcmp(p->ours.data, p->theirs.data, both) == 0);
}

/* Both decode at most max bytes; true when they agree. kind, props and size are set before. Release
 * with lzma_peer_release. */
static inline bool lzma_peer_run(struct lzma_peer *p, const uint8_t *data, size_t len, size_t max) {
    lzma_peer_theirs(p, data, len, max);
    lzma_peer_ours(p, data, len, max);
    size_t both = p->ours.len < p->theirs.len ? p->ours.len : p->theirs.len;
    bool begins = both == 0 || memcmp(p->ours.data, p->theirs.data, both) == 0;
    bool full = p->ours.len == max && p->theirs.len == max; /* how it went on is not known */
    bool same = p->ours.len == p->theirs.len && p->our_end.code == p->their_end.code;
    bool used = sk_failed(p->our_end) || p->our_used == p->their_used;
    /* whether the tables count is a matter of some kilobytes */
    bool limit = p->our_end.code == SK_E_LIMIT || p->their_end.code == SK_E_LIMIT;
    return begins && (full || (same && used) || limit || lzma_peer_chunk_over(p));
}

static inline void lzma_peer_release(struct lzma_peer *p) {
    buf_release(&p->ours);
    buf_release(&p->theirs);
}

#endif
