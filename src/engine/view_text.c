// SPDX-License-Identifier: Apache-2.0
/*
 * The normalised text of a layer, or of the scripts of a page (target 7).
 *
 * Signatures may ask for any offset of it, so it is written to a store first, or, of a large layer,
 * made again wherever it is asked for:
 *
 *     bytes   |  64 KiB  |  64 KiB  |  64 KiB  |        a mark for each piece: where its text
 *     text    |       |         |     |                 begins, and what the normaliser knows there
 *
 * It has no limit by default (ClamAV: MaxScriptNormalize, 20 MB). Making it once more, in the
 * cache, costs less than to write a large one to the spool and to read it there, and leaves the
 * memory to the layer itself. From 1 MiB on it does so in memory, too: nothing on an Intel server;
 * on an AMD one in a guest, where page faults are dear, 2 to 4 % of packed documents, and an
 * eighth of their page faults (from 128, 256 or 512 KiB on no more). An expression copies it, up to
 * REGEX_WINDOW_BYTES whole.
 */
#include <string.h>

#include "base/mem.h"
#include "engine/observe.h"
#include "engine/view.h"
#include "norm/text.h"

#define PIECE_BYTES SK_SOURCE_WANT_MAX
#define STORED_BYTES ((size_t)1 << 20) /* text of more is made again, not stored */

/* ---- in a store ------------------------------------------------------------------------------ */

/* Fills the store with the normalised text of src, or as much as there is room for. */
static void normalise(struct sk_scanner *sc, struct layer *layer, struct sk_source *src,
                      struct store *out) {
    struct sk_norm_text text = {0};
    sk_err err = sk_ok();
    for (uint64_t off = 0; off < src->size && !sk_failed(err);) {
        size_t avail;
        size_t cap;
        uint8_t *room;
        const uint8_t *p = sk_source_at(src, off, 1, &avail);
        if (p == NULL) {
            err = sk_failed(src->failed) ? src->failed : sk_fail(SK_E_IO);
            break;
        }
        err = store_room(out, &room, &cap);
        if (!sk_failed(err)) {
            size_t n = avail < cap ? avail : cap;
            err = store_put(out, sk_norm_text_feed(&text, p, n, room));
            off += n;
        }
        if (!scan_time_left(sc, layer)) {
            return;
        }
    }
    scan_note_error(sc, layer, err);
}

/* ---- made where it is asked for -------------------------------------------------------------- */

struct mark {
    uint64_t at; /* in the text */
    struct sk_norm_text state;
};

struct remade {
    struct sk_source *bytes;
    struct mark *mark; /* one a piece, and one behind the last */
    size_t count, cap;
    uint8_t text[PIECE_BYTES];
};

/* NULL: end or failure. */
static const uint8_t *piece(struct remade *r, size_t number, size_t *out_len) {
    const uint8_t *p = sk_source_at(r->bytes, (uint64_t)number * PIECE_BYTES, PIECE_BYTES, out_len);
    *out_len = *out_len < PIECE_BYTES ? *out_len : PIECE_BYTES;
    return p;
}

static sk_err add_mark(struct remade *r, const struct mark *mark) {
    struct mark *grown = mem_grow(r->mark, &r->cap, r->count + 1, sizeof(*grown));
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    r->mark = grown;
    r->mark[r->count++] = *mark;
    return sk_ok();
}

/* Finds the marks; an error leaves those in front of it. */
static sk_err find_marks(struct sk_scanner *sc, struct layer *layer, struct remade *r) {
    struct mark mark = {0};
    TRY(add_mark(r, &mark));
    size_t len;
    for (const uint8_t *p; (p = piece(r, r->count - 1, &len)) != NULL;) {
        mark.at += sk_norm_text_feed(&mark.state, p, len, r->text);
        TRY(add_mark(r, &mark));
        if (!scan_time_left(sc, layer)) {
            break;
        }
    }
    return r->bytes->failed;
}

/* The piece in which the text at off begins: the last mark at or in front of it. */
static size_t piece_of(const struct remade *r, uint64_t off) {
    size_t first = 0, end = r->count;
    while (end - first > 1) {
        size_t middle = first + (end - first) / 2;
        first = r->mark[middle].at <= off ? middle : first;
        end = r->mark[middle].at <= off ? end : middle;
    }
    return first;
}

static sk_err remake(void *ctx, uint64_t off, void *buf, size_t len) {
    struct remade *r = ctx;
    uint8_t *out = buf;
    for (size_t i = piece_of(r, off); len > 0; i++) {
        size_t in_len;
        const uint8_t *p = i + 1 < r->count ? piece(r, i, &in_len) : NULL;
        if (p == NULL) {
            return sk_failed(r->bytes->failed) ? r->bytes->failed : sk_fail(SK_E_IO);
        }
        struct sk_norm_text state = r->mark[i].state;
        size_t skip = (size_t)(off - r->mark[i].at);
        bool straight = skip == 0 && len >= in_len;
        size_t got = sk_norm_text_feed(&state, p, in_len, straight ? out : r->text);
        if (got != r->mark[i + 1].at - r->mark[i].at) {
            return sk_fail(SK_E_IO); /* the file has changed */
        }
        size_t n = got - skip < len ? got - skip : len;
        if (!straight) {
            memcpy(out, r->text + skip, n);
        }
        out += n;
        off += n;
        len -= n;
    }
    return sk_ok();
}

/* ---------------------------------------------------------------------------------------------- */

static void search(struct sk_scanner *sc, struct layer *layer, struct sk_source *text,
                   unsigned rank) {
    if (text->size > 0) {
        struct view view = {.src = text, .target = SK_TARGET_TEXT, .rank = rank};
        observe_view(sc, layer, view.target, text);
        view_search(sc, layer, &view);
    }
    sk_source_release(text);
}

static void search_remade(struct sk_scanner *sc, struct layer *layer, struct sk_source *bytes,
                          unsigned rank) {
    struct remade *r = mem_alloc(sizeof(*r));
    sk_err err = r == NULL ? sk_fail(SK_E_NOMEM) : sk_ok();
    if (r != NULL) {
        struct sk_source text;
        *r = (struct remade){.bytes = bytes};
        err = find_marks(sc, layer, r);
        sk_source_init_read(&text, r->count == 0 ? 0 : r->mark[r->count - 1].at, remake, r);
        search(sc, layer, &text, rank);
        mem_free(r->mark);
    }
    mem_free(r);
    scan_note_error(sc, layer, err);
}

void view_search_as_text(struct sk_scanner *sc, struct layer *layer, struct sk_source *bytes,
                         unsigned rank) {
    if (bytes->size >= STORED_BYTES || bytes->size >= sc->pool.memory_bytes) {
        search_remade(sc, layer, bytes, rank);
        return;
    }
    struct store normal;
    struct sk_source src;
    store_begin(&normal, &sc->pool);
    store_expect(&normal, bytes->size, bytes->size);
    normalise(sc, layer, bytes, &normal);
    store_source(&normal, &src);
    search(sc, layer, &src, rank);
    store_release(&normal);
}
