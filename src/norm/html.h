// SPDX-License-Identifier: Apache-2.0
/*
 * Normalised HTML: what signatures for target 3 are written against, and the links of a page.
 *
 * One pass gives three outputs, byte for byte those of `sigtool --html-normalise` (ClamAV 1.4.6):
 *     nocomment   tags and text: lower case, white space folded, comments gone, entities decoded
 *     notags      the text alone, and the addresses of links and images
 *     script      what stands in <script>, normalised (js.h)
 * and a callback for every link, with the text that a reader would see (for phishing checks).
 *
 * Life cycle: sk_norm_html_new -> _feed in any pieces -> _finish once -> sk_norm_html_free. Pieces
 * do not influence the outputs. Memory: one block, whatever the input, and what the script
 * normaliser holds (js.h). Time: linear.
 * Ownership: _new **returns owned**; events are **borrowed** until _free; bytes in callbacks are
 * **borrowed** for the call. Errors: SK_E_NOMEM, and whatever `put` returned, which is sticky.
 * A script that is too large for js.h is left out alone, encoded scripts beyond the thousandth of a
 * page stay as they are; _finish tells it with SK_E_LIMIT.
 */
#ifndef SK_NORM_HTML_H
#define SK_NORM_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/err.h"

enum sk_html_out { SK_HTML_NOCOMMENT, SK_HTML_NOTAGS, SK_HTML_SCRIPT, SK_HTML_OUT_COUNT };

enum sk_html_link_kind {
    SK_HTML_LINK_A,    /* url: href, text: what stands between <a> and </a> */
    SK_HTML_LINK_IMG,  /* url: href of the <a> around it or nothing, text: src */
    SK_HTML_LINK_FORM, /* url: action, text: what stands in the form */
};

#define SK_HTML_LINK_TEXT_MAX ((size_t)1024) /* bytes; longer text is cut */

/* As the page says it: entities decoded, case kept, white space folded in the text. */
struct sk_html_link {
    enum sk_html_link_kind kind;
    struct sk_bytes url;
    struct sk_bytes text;
};

struct sk_html_events {
    sk_err (*put)(void *ctx, enum sk_html_out out, const uint8_t *bytes, size_t len);
    void (*link)(void *ctx, const struct sk_html_link *link); /* NULL: not wanted */
    bool no_scripts;                                          /* that output is not wanted */
    void *ctx;
};

struct sk_norm_html;

sk_err sk_norm_html_new(const struct sk_html_events *events, struct sk_norm_html **out_html);
sk_err sk_norm_html_feed(struct sk_norm_html *h, const uint8_t *bytes, size_t len);
sk_err sk_norm_html_finish(struct sk_norm_html *h);
void sk_norm_html_free(struct sk_norm_html *h);

#endif
