// SPDX-License-Identifier: Apache-2.0
/*
 * lz_window: the last bytes that LZMA gave out, up to the size of its dictionary, in a ring.
 * Internal to the LZMA decoder.
 *
 *     0         pos          cap      goal
 *     |  newer  |  older     |        |        once round: older bytes follow the newest one
 *     |  all    |  (unused)  |  -     |        before: the ring grows until it is as large as
 * `goal`
 *
 * The ring is larger than the dictionary by LZ_WINDOW_SPARE, so that a copy may write some bytes
 * too many behind pos: what they fall on is out of reach. As many may be read and written behind
 * cap. pos is a multiple of 16 where it goes back to 0, so pos tells the place of a byte among 16,
 * too.
 *
 * Memory is asked for as bytes are written (at most twice as much), not for the whole dictionary.
 *
 * Life cycle: lz_window_init -> (lz_window_ready -> up to cap - pos bytes written at pos, full
 * moved by lz_window_wrote)... -> lz_window_release. Errors: SK_E_NOMEM, SK_E_LIMIT.
 */
#ifndef SK_CODEC_LZMA_WINDOW_H
#define SK_CODEC_LZMA_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define LZ_WINDOW_SPARE ((size_t)64)
#define LZ_WINDOW_MIN ((size_t)4096)

struct lz_window {
    uint8_t *buf; /* owned, cap + LZ_WINDOW_SPARE bytes */
    size_t cap;
    size_t goal;
    size_t dict; /* no distance is larger */
    size_t pos;
    size_t full; /* bytes that a distance may reach, at most dict */
};

/* size: bytes that will be written at most. Drops what was there before. */
sk_err lz_window_init(struct lz_window *w, uint64_t dict, uint64_t size, uint64_t mem_bytes);
void lz_window_release(struct lz_window *w);
/* The dictionary is empty again. */
void lz_window_clear(struct lz_window *w);
/* There is room: pos < cap. */
sk_err lz_window_ready(struct lz_window *w);

static inline void lz_window_wrote(struct lz_window *w, size_t len) {
    w->pos += len;
    w->full = w->dict - w->full < len ? w->dict : w->full + len;
}

#endif
