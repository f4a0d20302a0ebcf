// SPDX-License-Identifier: Apache-2.0
/*
 * Seen with clamscan 1.4.6: only HTML that is a part of a mail is asked, also when the mail calls
 * the part plain text; --phishing-scan-urls=no switches it off, --heuristic-alerts=no does not,
 * --scan-html=no neither. The first link that is not right decides; all-match tells every name.
 *
 * The page is normalised once more for its links alone: parts of mail are few and small, and the
 * views of a page need not know about links.
 */
#include "engine/links.h"

#include "engine/heuristics.h"
#include "engine/phish.h"
#include "engine/switches.h"
#include "norm/html.h"

#define LINKS_MAX_BYTES ((uint64_t)40 << 20) /* of HTML, as for its views (view_html.c) */

struct links {
    struct sk_scanner *sc;
    struct layer *layer;
};

static sk_err put(void *ctx, enum sk_html_out out, const uint8_t *bytes, size_t len) {
    (void)ctx;
    (void)out;
    (void)bytes;
    (void)len;
    return sk_ok();
}

static void on_link(void *ctx, const struct sk_html_link *found) {
    struct links *l = ctx;
    uint32_t alerts = l->sc->options.alerts;
    struct phish_link link = {.real = found->url,
                              .shown = found->text,
                              .alert_ssl = (alerts & SK_ALERT_PHISHING_SSL) != 0,
                              .alert_cloak = (alerts & SK_ALERT_PHISHING_CLOAK) != 0};
    bool starved = false;
    const char *name = phish_check(l->sc->phish, &link, &starved);
    if (starved) {
        verdict_note(l->sc, l->layer, SK_NOTE_LIMIT_MEMORY, "expression for links");
    }
    if (name != NULL) {
        heuristics_find(l->sc, l->layer, name);
    }
}

static sk_err feed(struct links *l, struct sk_norm_html *html) {
    struct sk_source *src = &l->layer->src;
    uint64_t size = src->size < LINKS_MAX_BYTES ? src->size : LINKS_MAX_BYTES;
    if (size < src->size) {
        verdict_note(l->sc, l->layer, SK_NOTE_LIMIT_FILE_SIZE, "links of HTML");
    }
    for (uint64_t off = 0; off < size;) {
        size_t avail;
        const uint8_t *p = sk_source_at(src, off, 1, &avail);
        if (p == NULL) {
            return sk_failed(src->failed) ? src->failed : sk_fail(SK_E_IO);
        }
        avail = avail < size - off ? avail : (size_t)(size - off);
        TRY(sk_norm_html_feed(html, p, avail));
        off += avail;
        if (!scan_time_left(l->sc, l->layer)) {
            return sk_fail(SK_E_STOP);
        }
    }
    return sk_norm_html_finish(html);
}

static bool is_asked(const struct sk_scanner *sc, const struct layer *layer) {
    bool alert = (sc->options.alerts & (SK_ALERT_PHISHING_SSL | SK_ALERT_PHISHING_CLOAK)) != 0;
    return (sc->options.flags & SK_SCAN_NO_LINKS) == 0 &&
           (sc->engine->without & WITHOUT_LINKS) == 0 && layer->type == SK_TYPE_HTML &&
           layer->parent != NULL && sk_type_target(layer->parent->type) == SK_TARGET_MAIL &&
           (alert || phish_has_tables(sc->phish));
}

void links_check(struct sk_scanner *sc, struct layer *layer) {
    struct links l = {sc, layer};
    struct sk_html_events events = {.put = put, .link = on_link, .no_scripts = true, .ctx = &l};
    struct sk_norm_html *html = NULL;
    if (!is_asked(sc, layer) || sc->stop) {
        return;
    }
    sk_err err = sk_norm_html_new(&events, &html);
    if (!sk_failed(err)) {
        err = feed(&l, html);
        sk_norm_html_free(html);
    }
    scan_note_error(sc, layer, err);
}
