// SPDX-License-Identifier: Apache-2.0
/*
 * The ends of an LZMA stream:
 *
 *     START --5 bytes--> RUN --marker, size unknown-------------------------> MARK_END -> over
 *                         |--all bytes--> END --something left--> MARK ---------^
 *                                          |--nothing left--> over
 *
 * Behind the last symbol the range coder has come to 0 in a sound stream. If not, a stream whose
 * size is known may still have an end marker.
 */
#include "codec/lzma1.h"

#include "base/cursor.h"
#include "codec/codec.h"

sk_err lzma1_init(struct lzma1 *d, const uint8_t *props, uint64_t size, uint64_t mem_bytes) {
    TRY(lz_window_init(&d->feed.window, sk_load_u32le(props + 1), size, mem_bytes));
    TRY(lz_core_props(&d->feed.core, props[0]));
    lz_core_reset(&d->feed.core);
    d->left = size;
    d->state = LZMA1_START;
    return sk_ok();
}

static sk_err run(struct lzma1 *d, struct stage_io *io) {
    size_t before = io->out_len;
    bool mark = false;
    TRY(lz_feed_run(&d->feed, io, d->left, UINT64_MAX, &mark));
    if (mark) {
        d->state = LZMA1_MARK_END;
        return d->left == SK_CODEC_SIZE_UNKNOWN ? sk_ok() : sk_fail(SK_E_FORMAT);
    }
    if (d->left != SK_CODEC_SIZE_UNKNOWN) {
        d->left -= io->out_len - before;
        d->state = d->left == 0 ? LZMA1_END : LZMA1_RUN;
    }
    return sk_ok();
}

sk_err lzma1_step(struct lzma1 *d, struct stage_io *io, bool *out_end) {
    bool done = true, empty = false;
    *out_end = false;
    io->want_more = false;
    while (!*out_end && !io->want_more && io->out_len < io->out_cap) {
        switch (d->state) {
        case LZMA1_START:
            TRY(lz_feed_start(&d->feed, io, UINT64_MAX, &done));
            d->state = !done ? LZMA1_START : d->left == 0 ? LZMA1_END : LZMA1_RUN;
            break;
        case LZMA1_RUN:
            TRY(run(d, io));
            break;
        case LZMA1_END:
            TRY(lz_feed_finish(&d->feed, io, UINT64_MAX, &done, &empty));
            *out_end = done && empty;
            d->state = done ? LZMA1_MARK : LZMA1_END;
            break;
        case LZMA1_MARK:
            TRY(lz_feed_mark(&d->feed, io, &done));
            d->state = done ? LZMA1_MARK_END : LZMA1_MARK;
            break;
        case LZMA1_MARK_END:
            TRY(lz_feed_finish(&d->feed, io, UINT64_MAX, &done, &empty));
            *out_end = done && empty;
            if (done && !empty) {
                return sk_fail(SK_E_FORMAT);
            }
            break;
        }
    }
    return sk_ok();
}

void lzma1_release(struct lzma1 *d) {
    lz_feed_release(&d->feed);
}
