// SPDX-License-Identifier: Apache-2.0
/*
 * Between a step of a stage and the symbols of LZMA:
 *
 *     io->in   |  symbols in a row, unchecked          | < 20 bytes |
 *              |  the last of them, one by one, from a copy with zeros behind it
 *
 * If more input may follow, the last bytes are not touched but asked for again with more behind
 * them. If not (or if they are the last of a chunk of LZMA2), a symbol that read any of the zeros
 * is not whole: it is taken back, and the stream is damaged. So a stream cut short gives all that
 * its bytes tell, to the symbol.
 *
 * Bytes come out of the window, not straight into the caller's room: that is as large as the caller
 * likes, and distances lead far before it. The copy costs a hundredth of what the symbols do.
 */
#include "codec/lzma_feed.h"

#include <string.h>

static size_t smallest(size_t a, uint64_t b, uint64_t c) {
    uint64_t least = b < c ? b : c;
    return least < a ? (size_t)least : a;
}

/* The input there is, at most `most` of it; *out_last: nothing can come behind it. */
static size_t available(const struct stage_io *io, uint64_t most, bool *out_last) {
    size_t len = io->in_len - io->in_used;
    *out_last = io->in_last || len >= most;
    return len < most ? len : (size_t)most;
}

/* Is there input for `need` bytes? */
static sk_err have(struct stage_io *io, uint64_t most, size_t need, bool *out_have) {
    bool last;
    *out_have = available(io, most, &last) >= need;
    if (!*out_have && last) {
        return sk_fail(SK_E_FORMAT);
    }
    io->want_more = !*out_have;
    return sk_ok();
}

sk_err lz_feed_start(struct lz_feed *f, struct stage_io *io, uint64_t most, bool *out_done) {
    TRY(have(io, most, LZ_START_BYTES, out_done));
    if (!*out_done) {
        return sk_ok();
    }
    io->in_used += LZ_START_BYTES;
    return lz_core_start(&f->core, io->in + io->in_used - LZ_START_BYTES);
}

/* ---- symbols ------------------------------------------------------------------------------ */

/* One symbol, or what is left of a match, out of the last `len` bytes. */
static enum lz_stop run_last(struct lz_feed *f, const uint8_t *in, size_t limit, size_t len,
                             size_t *out_used) {
    uint8_t copy[2 * LZ_SYMBOL_MAX] = {0};
    struct lz_window before = f->window;
    memcpy(copy, in, len);
    f->core.range.in = copy;
    enum lz_stop why = lz_core_run(&f->core, &f->window, limit, NULL);
    *out_used = (size_t)(f->core.range.in - copy);
    if (*out_used > len) {
        *out_used = len;
        f->window = before;
        f->core.left = 0;
        return LZ_STOP_DAMAGE;
    }
    return why;
}

static enum lz_stop run_some(struct lz_feed *f, struct stage_io *io, size_t limit, uint64_t most) {
    bool last;
    const uint8_t *in = io->in + io->in_used;
    size_t len = available(io, most, &last), used = 0;
    enum lz_stop why = LZ_STOP_ROOM;
    if (len > LZ_SYMBOL_MAX) {
        f->core.range.in = in;
        why = lz_core_run(&f->core, &f->window, limit, in + len - LZ_SYMBOL_MAX);
        used = (size_t)(f->core.range.in - in);
    } else if (last || f->core.left > 0) {
        why = run_last(f, in, limit, len, &used);
    } else {
        io->want_more = true;
    }
    io->in_used += used;
    return why;
}

sk_err lz_feed_run(struct lz_feed *f, struct stage_io *io, uint64_t bytes, uint64_t most,
                   bool *out_mark) {
    struct lz_window *w = &f->window;
    enum lz_stop why = LZ_STOP_ROOM;
    size_t began = io->in_used;
    io->want_more = false;
    while (bytes > 0 && io->out_len < io->out_cap && why == LZ_STOP_ROOM && !io->want_more) {
        TRY(lz_window_ready(w));
        size_t from = w->pos;
        size_t room = smallest(w->cap - from, io->out_cap - io->out_len, bytes);
        why = run_some(f, io, from + room, most - (io->in_used - began));
        size_t got = w->pos - from;
        memcpy(io->out + io->out_len, w->buf + from, got);
        io->out_len += got;
        bytes -= got;
    }
    *out_mark = why == LZ_STOP_MARK;
    return why == LZ_STOP_DAMAGE ? sk_fail(SK_E_FORMAT) : sk_ok();
}

/* ---- ends --------------------------------------------------------------------------------- */

sk_err lz_feed_finish(struct lz_feed *f, struct stage_io *io, uint64_t most, bool *out_done,
                      bool *out_empty) {
    struct lz_range *r = &f->core.range;
    TRY(have(io, most, r->range < LZ_RANGE_TOP ? 1 : 0, out_done));
    if (*out_done) {
        r->in = io->in + io->in_used;
        lz_normalise(r);
        io->in_used = (size_t)(r->in - io->in);
        *out_empty = r->code == 0;
    }
    return f->core.left == 0 ? sk_ok() : sk_fail(SK_E_FORMAT);
}

sk_err lz_feed_mark(struct lz_feed *f, struct stage_io *io, bool *out_done) {
    TRY(lz_window_ready(&f->window));
    size_t limit = f->window.pos + 1;
    io->want_more = false;
    enum lz_stop why = run_some(f, io, limit, UINT64_MAX);
    *out_done = why == LZ_STOP_MARK;
    return *out_done || io->want_more ? sk_ok() : sk_fail(SK_E_FORMAT);
}

void lz_feed_release(struct lz_feed *f) {
    lz_core_release(&f->core);
    lz_window_release(&f->window);
}
