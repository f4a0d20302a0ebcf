// SPDX-License-Identifier: Apache-2.0
/*
 * Seen with clamscan 1.4.6: only HTML that is a part of a mail is asked, also when the mail calls
 * the part plain text; --phishing-scan-urls=no switches it off, --heuristic-alerts=no does not,
 * --scan-html=no neither. The first link that is not right decides; all-match tells every name.
 *
 * The page is normalised once more for its links alone: parts of mail are few and small, and the
 * views of a page need not know about links.
 *
 * Addresses in the text itself are looked up in hashed lists (gdb), nothing else: there clamscan
 * takes what stands between "http://" or "ftp://" and white space, and only in mail of one part.
 * Here "https://" counts, too, every part, and the address once more without what punctuation
 * around it. And where clamscan takes one address from what stands between white space, here the
 * others in it count: side by side all of them, inside each other (http://a/?u=http://b/) the first
 * NESTED_MAX, because each is as long as the rest of the outermost and would be hashed again.
 */
#include "engine/links.h"

#include <string.h>
#include <strings.h>

#include "engine/heuristics.h"
#include "engine/phish.h"
#include "engine/switches.h"
#include "norm/html.h"
#include "norm/url.h"

#define NESTED_MAX 4u
#define LINKS_MAX_BYTES ((uint64_t)40 << 20) /* of HTML, as for its views (view_html.c) */

struct links {
    struct sk_scanner *sc;
    struct layer *layer;
    /* The bytes without white space that are being looked at, of which URL_MAX_BYTES are known. */
    uint64_t run_end;
    uint64_t bare_end;  /* of the last address in it, without punctuation */
    unsigned addresses; /* in it */
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

/* ---- addresses in text -------------------------------------------------------------------- */

/* How many bytes of p[0..len) the address has that begins with them. */
static size_t bare_length(const uint8_t *p, size_t len) {
    size_t n = 0;
    while (n < len && p[n] > ' ' && p[n] < 0x7f && strchr("<>\"'()[]{}|\\^`", p[n]) == NULL) {
        n++;
    }
    while (n > 0 && strchr(".,;:!?", p[n - 1]) != NULL) {
        n--;
    }
    return n;
}

static void look_up(struct links *l, const uint8_t *p, size_t len) {
    const struct sk_html_link link = {.kind = SK_HTML_LINK_A, .url = {p, len}, .text = {p, 0}};
    on_link(l, &link);
}

/* An address begins with these bytes, which stand at off. */
static void look_from(struct links *l, uint64_t off, struct sk_bytes text) {
    bool same_run = off < l->run_end;
    l->addresses = same_run ? l->addresses + 1 : 1;
    bool deep = l->addresses > NESTED_MAX;
    if (deep && off < l->bare_end) {
        return;
    }
    size_t len = 0;
    while (len < text.len && text.ptr[len] > ' ') {
        len++;
    }
    size_t bare = bare_length(text.ptr, len);
    l->bare_end = off + bare;
    if (!same_run) {
        l->run_end = off + len;
    }
    if (!deep) {
        look_up(l, text.ptr, len);
    }
    if (deep || bare < len) {
        look_up(l, text.ptr, bare);
    }
}

/* at: of "://". */
static void look_at(struct links *l, uint64_t at) {
    static const char *const SCHEMES[] = {"https", "http", "ftp"};
    uint64_t start = at < 5 ? 0 : at - 5;
    struct sk_cursor c = sk_source_cursor(&l->layer->src, start, 5 + URL_MAX_BYTES);
    size_t before = (size_t)(at - start);
    for (size_t i = 0; i < sizeof(SCHEMES) / sizeof(SCHEMES[0]); i++) {
        size_t scheme = strlen(SCHEMES[i]);
        if (scheme > before || before > c.len ||
            strncasecmp((const char *)c.ptr + before - scheme, SCHEMES[i], scheme) != 0) {
            continue;
        }
        look_from(l, start + before - scheme,
                  (struct sk_bytes){c.ptr + before - scheme, c.len - (before - scheme)});
        return;
    }
}

static sk_err check_text(struct links *l) {
    struct sk_source *src = &l->layer->src;
    uint64_t off = 0;
    while (off < src->size && scan_time_left(l->sc, l->layer)) {
        struct sk_cursor c = sk_source_cursor(src, off, SK_SOURCE_WANT_MAX);
        const uint8_t *hit = c.len > 0 ? memmem(c.ptr, c.len, "://", 3) : NULL;
        if (hit != NULL) {
            uint64_t at = off + (uint64_t)(hit - c.ptr);
            look_at(l, at);
            off = at + 3;
        } else if (c.len > 2 && off + c.len < src->size) {
            off += c.len - 2;
        } else {
            break;
        }
    }
    return src->failed;
}

static sk_err check_page(struct links *l) {
    struct sk_html_events events = {.put = put, .link = on_link, .no_scripts = true, .ctx = l};
    struct sk_norm_html *html;
    TRY(sk_norm_html_new(&events, &html));
    sk_err err = feed(l, html);
    sk_norm_html_free(html);
    return err;
}

static bool is_asked(const struct sk_scanner *sc, const struct layer *layer) {
    return (sc->options.flags & SK_SCAN_NO_LINKS) == 0 &&
           (sc->engine->without & WITHOUT_LINKS) == 0 && layer->parent != NULL &&
           sk_type_target(layer->parent->type) == SK_TARGET_MAIL && !sc->stop;
}

void links_check(struct sk_scanner *sc, struct layer *layer) {
    struct links l = {.sc = sc, .layer = layer};
    bool alert = (sc->options.alerts & (SK_ALERT_PHISHING_SSL | SK_ALERT_PHISHING_CLOAK)) != 0;
    if (!is_asked(sc, layer)) {
        return;
    }
    if (layer->type == SK_TYPE_HTML && (alert || phish_has_tables(sc->phish))) {
        scan_note_error(sc, layer, check_page(&l));
    }
    if ((sk_type_flags(layer->type) & SK_TYPE_TEXTUAL) != 0 && phish_has_hashes(sc->phish)) {
        scan_note_error(sc, layer, check_text(&l));
    }
}
