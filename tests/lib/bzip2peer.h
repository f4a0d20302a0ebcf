// SPDX-License-Identifier: Apache-2.0
/*
 * bzip2peer: libbz2 and our decoder over the same bytes, for a unit test and a fuzz target. libbz2
 * is asked for one byte at a time, because on damage it withholds what it wrote in that call.
 */
#ifndef SK_TESTS_BZIP2PEER_H
#define SK_TESTS_BZIP2PEER_H

#include <bzlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/source.h"
#include "codec/codec.h"

struct bzip2_peer {
    struct buf ours;
    struct buf theirs;
    bool ours_sound;
    bool theirs_sound;
};

/* True: sound to the end. At most max bytes. */
static inline bool bzip2_peer_theirs(const uint8_t *data, size_t len, size_t max, struct buf *out) {
    bool sound = true;
    size_t at = 0;
    while (sound && (at == 0 || (len - at >= 3 && memcmp(data + at, "BZh", 3) == 0))) {
        bz_stream bz = {.next_in = (char *)(uintptr_t)(data + at),
                        .avail_in = (unsigned)(len - at)};
        int rc = BZ2_bzDecompressInit(&bz, 0, 0);
        while (rc == BZ_OK && out->len < max) {
            char byte;
            bz.next_out = &byte;
            bz.avail_out = 1;
            rc = BZ2_bzDecompress(&bz);
            bool wrote = bz.avail_out == 0;
            if (wrote && sk_failed(buf_append(out, &byte, 1))) {
                rc = BZ_MEM_ERROR;
            }
            if (rc == BZ_OK && !wrote && bz.avail_in == 0) {
                rc = BZ_UNEXPECTED_EOF;
            }
        }
        sound = rc == BZ_STREAM_END || rc == BZ_OK;
        at = len - bz.avail_in;
        BZ2_bzDecompressEnd(&bz);
        if (out->len >= max) {
            break;
        }
    }
    return sound;
}

static inline bool bzip2_peer_ours(const uint8_t *data, size_t len, size_t max, struct buf *out) {
    struct sk_source src;
    struct sk_source_stream raw;
    struct sk_stream *s = NULL;
    sk_source_init_mem(&src, data, len);
    if (sk_failed(sk_bunzip2_open(sk_source_stream_init(&raw, &src, 0, len), &s))) {
        return false;
    }
    size_t got = 1;
    sk_err err = sk_ok();
    while (!sk_failed(err) && got > 0 && out->len < max) {
        uint8_t piece[4096];
        size_t room = max - out->len < sizeof(piece) ? max - out->len : sizeof(piece);
        err = sk_stream_read(s, piece, room, &got);
        if (!sk_failed(err)) {
            err = buf_append(out, piece, got);
        }
    }
    sk_stream_close(s);
    sk_source_release(&src);
    return !sk_failed(err);
}

/* A block that ends behind four equal bytes: libbz2 makes up how many more there are, and loses the
 * last of them all. */
static inline bool bzip2_peer_cut_run(const struct bzip2_peer *p) {
    size_t n = p->ours.len;
    return n >= 4 && p->theirs.len + 1 >= n && p->theirs.len < n + 255 &&
           memcmp(p->ours.data + n - 4, p->ours.data + n - 3, 3) == 0;
}

/* Both decode; true when they agree. Release with bzip2_peer_release. */
static inline bool bzip2_peer_run(struct bzip2_peer *p, const uint8_t *data, size_t len,
                                  size_t max) {
    *p = (struct bzip2_peer){0};
    p->theirs_sound = bzip2_peer_theirs(data, len, max, &p->theirs);
    p->ours_sound = bzip2_peer_ours(data, len, max, &p->ours);
    size_t both = p->ours.len < p->theirs.len ? p->ours.len : p->theirs.len;
    bool begins = both == 0 || memcmp(p->ours.data, p->theirs.data, both) == 0;
    bool same = p->ours.len == p->theirs.len && p->ours_sound == p->theirs_sound;
    bool full = p->ours.len == max && p->theirs.len == max; /* how it went on is not known */
    return begins &&
           (same || full || (!p->ours_sound && !p->theirs_sound && bzip2_peer_cut_run(p)));
}

static inline void bzip2_peer_release(struct bzip2_peer *p) {
    buf_release(&p->ours);
    buf_release(&p->theirs);
}

#endif
