// SPDX-License-Identifier: Apache-2.0
/*
 * The views of an HTML layer: nocomment, notags and script (norm/html.h), each searched on its own.
 *
 *     layer -> normaliser -> stores -> nocomment  targets 3 and 0
 *                                      notags     targets 3 and 0
 *                                      script     targets 3 and 0; as normalised text 7 and 0
 *
 * Seen with clamscan 1.4.6 (one planted string per output and target); names come in this order,
 * and hash signatures of whole files match an output, too. Raw HTML is not searched by clamscan;
 * here it is, with target 0 (layer.c), its names come last.
 *
 * UTF-16, seen likewise: little-endian pages are decoded as norm/utf16.h says, every unit a byte,
 * and that is normalised; of big-endian ones the NULs are dropped, which the normaliser does to any
 * page. Here little-endian pages are read both ways, unless all units are Latin-1 (then both are
 * the same): without a byte order mark browsers take the bytes one by one. What a browser makes of
 * such a page otherwise is a member (format/html.c).
 *
 * Only one store may grow beyond memory at a time (store.h). So a page whose outputs are kept in
 * memory (they are at most a few times the page) is normalised once, a larger one once for each
 * output.
 */
#include <string.h>

#include "engine/hashes.h"
#include "engine/observe.h"
#include "engine/view.h"
#include "format/content.h"
#include "norm/html.h"
#include "norm/utf16.h"

#define ONE_PASS_BYTES ((size_t)1 << 20)

#define UNITS_BYTES ((size_t)4096)

struct pass {
    struct sk_scanner *sc;
    struct layer *layer;
    bool wanted[SK_HTML_OUT_COUNT];
    bool together;               /* several outputs grow side by side */
    struct sk_norm_utf16 *utf16; /* NULL: the bytes as they are */
    struct store store[SK_HTML_OUT_COUNT];
};

static sk_err put(void *ctx, enum sk_html_out out, const uint8_t *bytes, size_t len) {
    struct pass *pass = ctx;
    if (!pass->wanted[out]) {
        return sk_ok();
    }
    while (len > 0) {
        uint8_t *room;
        size_t cap;
        TRY(store_room(&pass->store[out], &room, &cap));
        size_t n = len < cap ? len : cap;
        memcpy(room, bytes, n);
        TRY(store_put(&pass->store[out], n));
        bytes += n;
        len -= n;
    }
    return sk_ok();
}

static sk_err feed(struct pass *pass, struct sk_norm_html *h, const uint8_t *p, size_t len) {
    uint8_t units[UNITS_BYTES];
    if (pass->utf16 == NULL) {
        return sk_norm_html_feed(h, p, len);
    }
    while (len > 0) {
        size_t n = len < sizeof(units) ? len : sizeof(units);
        TRY(sk_norm_html_feed(h, units, sk_norm_utf16_feed(pass->utf16, p, n, units)));
        p += n;
        len -= n;
    }
    return sk_ok();
}

static sk_err feed_all(struct pass *pass, struct sk_norm_html *h) {
    struct sk_source *src = &pass->layer->src;
    for (uint64_t off = 0; off < src->size;) {
        size_t avail;
        const uint8_t *p = sk_source_at(src, off, 1, &avail);
        if (p == NULL) {
            return sk_failed(src->failed) ? src->failed : sk_fail(SK_E_IO);
        }
        TRY(feed(pass, h, p, avail));
        off += avail;
        if (!scan_time_left(pass->sc, pass->layer)) {
            return sk_fail(SK_E_STOP);
        }
    }
    return sk_norm_html_finish(h);
}

static void normalise(struct pass *pass) {
    const struct sk_html_events events = {
        .put = put, .no_scripts = !pass->wanted[SK_HTML_SCRIPT], .ctx = pass};
    struct sk_norm_html *h;
    sk_err err = sk_norm_html_new(&events, &h);
    if (!sk_failed(err)) {
        err = feed_all(pass, h);
        sk_norm_html_free(h);
    }
    scan_note_error(pass->sc, pass->layer, err);
}

/* What was stored before an error is searched, too. */
static void search(struct pass *pass, enum sk_html_out out) {
    struct sk_scanner *sc = pass->sc;
    struct sk_source src;
    struct view view = {
        .src = &src, .target = SK_TARGET_HTML, .rank = (unsigned)out * (unsigned)RANK_NORMALISED};
    store_source(&pass->store[out], &src);
    if (src.size > 0) {
        observe_view(sc, pass->layer, view.target, &src);
        view_search(sc, pass->layer, &view);
        scan_note_error(sc, pass->layer, hashes_view(sc, pass->layer, &src, view.rank));
        if (out == SK_HTML_SCRIPT) {
            view_search_as_text(sc, pass->layer, &src, view.rank + (unsigned)RANK_NORMALISED);
        }
    }
    sk_source_release(&src);
}

/* Without comments a page is hardly shorter, without tags mostly half as long. */
static void expect(struct pass *pass) {
    uint64_t size = pass->layer->src.size / (pass->utf16 != NULL ? 2 : 1);
    if (pass->wanted[SK_HTML_NOCOMMENT]) {
        store_expect(&pass->store[SK_HTML_NOCOMMENT], size, size);
    }
    if (pass->wanted[SK_HTML_NOTAGS]) {
        store_expect(&pass->store[SK_HTML_NOTAGS], size / 2, size / 2);
    }
}

static void run(struct pass *pass) {
    for (unsigned i = 0; i < SK_HTML_OUT_COUNT; i++) {
        store_begin(&pass->store[i], &pass->sc->pool);
        pass->store[i].stays = pass->together;
    }
    expect(pass);
    normalise(pass);
    for (unsigned i = 0; i < SK_HTML_OUT_COUNT && !pass->sc->stop; i++) {
        if (pass->wanted[i]) {
            search(pass, (enum sk_html_out)i);
        }
    }
    for (unsigned i = 0; i < SK_HTML_OUT_COUNT; i++) {
        store_release(&pass->store[i]);
    }
}

/* All outputs of one reading of the page, as far as the limits let it. Seen with clamscan: they
 * count the bytes of the page, of UTF-16 those it is decoded to. */
static void read_page(struct sk_scanner *sc, struct layer *layer, struct sk_norm_utf16 *utf16) {
    const struct sk_limits *limits = &sc->budget.limits;
    uint64_t size = utf16 != NULL ? layer->src.size / 2 : layer->src.size;
    struct pass all = {.sc = sc, .layer = layer, .utf16 = utf16, .wanted = {true, true, true}};
    if (size > limits->max_html_normalise) {
        verdict_note(sc, layer, SK_NOTE_LIMIT_NORMALISE, "HTML");
        return;
    }
    if (size > limits->max_html_notags) {
        verdict_note(sc, layer, SK_NOTE_LIMIT_NORMALISE, "HTML without tags");
        all.wanted[SK_HTML_NOTAGS] = false;
    }
    if (layer->src.size <= ONE_PASS_BYTES) {
        all.together = true;
        run(&all);
        return;
    }
    for (unsigned i = 0; i < SK_HTML_OUT_COUNT && !sc->stop; i++) {
        struct pass pass = {.sc = sc, .layer = layer, .utf16 = utf16};
        pass.wanted[i] = all.wanted[i];
        if (utf16 != NULL) {
            *utf16 = (struct sk_norm_utf16){.beyond = utf16->beyond};
        }
        if (pass.wanted[i]) {
            run(&pass);
        }
    }
}

static bool is_little_endian(struct layer *layer) {
    struct sk_peek peek = {.size = layer->src.size};
    peek.head = sk_source_at(&layer->src, 0, SK_PEEK_HEAD_BYTES, &peek.head_len);
    return peek.head != NULL && sk_content_utf16(&peek) == SK_TYPE_TEXT_UTF16LE;
}

void view_search_html(struct sk_scanner *sc, struct layer *layer) {
    struct sk_norm_utf16 utf16 = {0};
    if (is_little_endian(layer)) {
        read_page(sc, layer, &utf16);
        if (!utf16.beyond && layer->src.size / 2 <= sc->budget.limits.max_html_normalise) {
            return; /* every unit was seen */
        }
    }
    if (!sc->stop) {
        read_page(sc, layer, NULL);
    }
}
