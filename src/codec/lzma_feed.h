// SPDX-License-Identifier: Apache-2.0
/*
 * lz_feed: LZMA symbols out of the input of a step into its output, with the care for the ends of
 * both that lz_core leaves to others. Internal to the LZMA decoder.
 *
 * Storage of the caller: {0} -> lz_core_props, lz_window_init -> lz_core_reset, lz_feed_start ->
 * lz_feed_run... -> lz_feed_finish -> lz_feed_release. Errors: SK_E_FORMAT, SK_E_NOMEM; what was
 * decoded before is in the output. Without an error and without *out_done, more input is wanted
 * (io->want_more is set then) or there is no more room.
 */
#ifndef SK_CODEC_LZMA_FEED_H
#define SK_CODEC_LZMA_FEED_H

#include "codec/lzma_core.h"
#include "codec/stage.h"

struct lz_feed {
    struct lz_core core;
    struct lz_window window;
};

/* The first bytes of a range coded stream, of which no more than `most` belong to it. */
sk_err lz_feed_start(struct lz_feed *f, struct stage_io *io, uint64_t most, bool *out_done);
/* Symbols, until `bytes` came out, the room is used up, or an end marker (*out_mark) was met. They
 * may use `most` bytes of input; one that uses more is damage. */
sk_err lz_feed_run(struct lz_feed *f, struct stage_io *io, uint64_t bytes, uint64_t most,
                   bool *out_mark);
/* Behind the last symbol: brings the range coder to its end, which is sound if nothing is left in
 * it (*out_empty). */
sk_err lz_feed_finish(struct lz_feed *f, struct stage_io *io, uint64_t most, bool *out_done,
                      bool *out_empty);
/* One more symbol, which is to be an end marker; all else is damage. */
sk_err lz_feed_mark(struct lz_feed *f, struct stage_io *io, bool *out_done);
void lz_feed_release(struct lz_feed *f);

#endif
