// SPDX-License-Identifier: Apache-2.0
/*
 * struct stage: the part that all codecs share. A codec supplies `step` and `fini`.
 *
 * Life cycle: stage_new (allocates bytes_of_codec, whose first member must be a struct stage) ->
 * reads call step -> stage_close calls fini and frees. Ownership: borrows `up`; owns itself.
 *
 * step: use up to in_len bytes at `in` (set in_used), write up to out_cap bytes at `out` (set
 * out_len). in_last tells that no further input will come. Outcomes:
 *   - SK_OK with progress; SK_OK with `end`: the packed data is over, in_used exact;
 *   - SK_OK with `want_more` and nothing used: call again with more input behind the same bytes
 *     (never asked when in_last; at most STAGE_LOOK_BYTES are promised);
 *   - SK_OK without any progress although it had input or in_last: taken as damage;
 *   - an error: in_used and out_len still count; the reader sees the bytes first.
 * restarted: a new member began; too many without a byte of output are taken as damage, so that a
 * chain of empty members cannot burn time inside one read.
 */
#ifndef SK_CODEC_STAGE_H
#define SK_CODEC_STAGE_H

#include <stdbool.h>

#include "base/source.h"

#define STAGE_IN_BYTES ((size_t)16 * 1024)
#define STAGE_BORROW_MAX_BYTES ((size_t)64 << 20)
#define STAGE_LOOK_BYTES ((size_t)1024)
#define STAGE_EMPTY_RESTARTS_MAX 10000u

struct stage_io {
    const uint8_t *in;
    size_t in_len;
    size_t in_used;
    uint8_t *out;
    size_t out_cap;
    size_t out_len;
    bool in_last;
    bool end;
    bool want_more;
    bool restarted;
};

struct stage {
    struct sk_stream base;
    struct sk_stream *up;
    sk_err (*step)(struct stage *stage, struct stage_io *io);
    void (*fini)(struct stage *stage); /* may be NULL */
    uint8_t *buf;                      /* STAGE_IN_BYTES */
    const uint8_t *in;                 /* buf, or the memory of `up` */
    bool borrows; /* set by the codec: packed bytes that are in memory are not copied */
    size_t in_pos;
    size_t in_len;
    uint64_t pulled;    /* bytes taken from up */
    uint64_t held_back; /* bytes a step used but gave back at the end (bit readers) */
    uint32_t empty_restarts;
    bool in_last;
    bool ended;
    sk_err failed;
};

/* NULL when memory is out. Zeroed but for the stage. */
void *stage_new(size_t bytes_of_codec, struct sk_stream *up,
                sk_err (*step)(struct stage *stage, struct stage_io *io),
                void (*fini)(struct stage *stage));

/* Within a step: more input behind what is there; io is as at the beginning of a step with it. For
 * decoders that cannot stop in the midst. SK_E_FORMAT: there is none. */
sk_err stage_more(struct stage *stage, struct stage_io *io);
/* Does a further member follow? 1 the magic is there, 0 no, -1 want_more was set. */
int stage_next_magic(struct stage_io *io, const void *magic, size_t len);

#endif
