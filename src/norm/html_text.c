// SPDX-License-Identifier: Apache-2.0
/*
 * Text between tags, comments, and what stands in <script> and <style>.
 *
 *           '<' not "<!"              '>'
 *     TEXT -------------> tag states -----> TAG_DONE -> TEXT | SCRIPT
 *      |  '<' '!'          '>'                            |
 *      +----------> BANG ------> TEXT                     | "</script" and white space or '>'
 *                                     TEXT <--------------+
 *
 * A comment ends at its first '>', however it began. In a script white space goes (nocomment) and
 * its words meet. Behind '<' one byte is passed unseen, so that "<</script>" is no end tag.
 *
 * Bytes from 0x80 up (seen with sigtool 1.4.6): at most three wait until a byte below 0x80 lets
 * them out; UTF-8 full stops of East Asian scripts become '.'. notags gets their last byte wrong
 * (the one before it, or NUL) and does not take note of having written: signatures have it so.
 */
#include <string.h>

#include "norm/html_priv.h"

/* ---- bytes from 0x80 up ------------------------------------------------------------------- */

bool html_is_full_stop(const struct html_high *high) {
    return high->len == 3 && (memcmp(high->bytes, "\xe3\x80\x82", 3) == 0 ||
                              memcmp(high->bytes, "\xef\xb9\x92", 3) == 0 ||
                              memcmp(high->bytes, "\xef\xbc\x8e", 3) == 0);
}

/* Of three bytes or less; none, most of the time. */
static void high_write(struct sk_norm_html *h) {
    struct html_high *high = &h->text_high;
    if (html_is_full_stop(high)) {
        html_put(h, '.');
        html_put_notags(h, '.');
        html_show(h, '.');
        high->len = 0;
        return;
    }
    for (unsigned i = 0; i < high->len; i++) {
        bool last = i + 1 == high->len;
        html_put(h, high->bytes[i]);
        html_put_notags(h, !last ? high->bytes[i] : i > 0 ? high->bytes[i - 1] : 0);
        html_show(h, high->bytes[i]);
    }
    high->len = 0;
}

static inline void high_out(struct sk_norm_html *h) {
    if (h->text_high.len > 0) {
        high_write(h);
    }
}

static void high_in(struct sk_norm_html *h, uint8_t c) {
    struct html_high *high = &h->text_high;
    if (high->len == sizeof(high->bytes)) {
        high_out(h);
    }
    high->bytes[high->len++] = c;
}

/* ---- text --------------------------------------------------------------------------------- */

/* '<' and '&' look alike to the outputs. */
static void enter_mark(struct sk_norm_html *h, uint8_t c) {
    html_pay_gap(h);
    html_space_notags(h);
    if (c == '&') {
        h->back = HTML_TEXT;
        h->state = HTML_ENTITY;
        h->entity_len = 0;
        return;
    }
    html_show(h, ' ');
    h->state = HTML_TAG_OPEN;
}

static void text_byte(struct sk_norm_html *h, uint8_t c) {
    if (html_is(c, HTML_C_SPACE)) {
        if (h->gap == HTML_GAP_NONE) {
            h->gap = HTML_GAP_OPEN;
        }
        html_space_notags(h);
        html_show(h, ' ');
        return;
    }
    html_pay_gap(h);
    html_put(h, html_lower_of[c]);
    if (html_is(c, HTML_C_CTRL)) {
        html_space_notags(h);
        return;
    }
    html_put_notags(h, html_lower_of[c]);
    h->notags_space = false;
    html_show(h, c);
}

const uint8_t *html_text(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    for (; p < end; p++) {
        if (h->vector != NULL && h->text_high.len == 0) {
            p += h->vector->html_text(h, p, (size_t)(end - p));
            if (p == end) {
                return p;
            }
        }
        uint8_t c = *p;
        if (html_is(c, HTML_C_GONE)) {
            continue;
        }
        if (html_is(c, HTML_C_HIGH)) {
            html_pay_gap(h);
            high_in(h, c);
            continue;
        }
        high_out(h);
        if (html_is(c, HTML_C_MARK)) {
            enter_mark(h, c);
            return p + 1;
        }
        text_byte(h, c);
    }
    return p;
}

const uint8_t *html_bang(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    const uint8_t *gt = memchr(p, '>', (size_t)(end - p));
    if (gt == NULL) {
        return end;
    }
    h->state = HTML_TEXT;
    h->gap = HTML_GAP_SHUT;
    return gt + 1;
}

/* ---- script and style --------------------------------------------------------------------- */

static uint8_t ahead_byte(uint8_t c) {
    return c == '\n' ? ' ' : html_lower_of[c];
}

/* Of an encoded script, ahead of its block. */
static const uint8_t *script_ahead(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    for (; p < end; p++) {
        uint8_t c = *p;
        if (html_is(c, HTML_C_GONE) || (html_is(c, HTML_C_SPACE) && !h->ahead_any)) {
            continue;
        }
        h->ahead_any = true;
        html_put(h, ahead_byte(c));
        if (c == '<') {
            h->state = HTML_SCRIPT_TAG;
            h->tag.len = 0;
            return p + 1;
        }
    }
    return p;
}

const uint8_t *html_script(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    if (h->ahead) {
        return script_ahead(h, p, end);
    }
    for (; p < end; p++) {
        if (h->vector != NULL && h->text_high.len == 0) {
            p += h->vector->html_script(h, p, (size_t)(end - p));
            if (p == end) {
                return p;
            }
        }
        uint8_t c = *p;
        if (html_is(c, HTML_C_GONE)) {
            continue;
        }
        if (html_is(c, HTML_C_HIGH)) {
            high_in(h, c);
            continue;
        }
        high_out(h);
        if (html_is(c, HTML_C_SPACE)) {
            continue;
        }
        if (c == '&') {
            h->back = HTML_SCRIPT;
            h->state = HTML_ENTITY;
            h->entity_len = 0;
            return p + 1;
        }
        html_put(h, c == '\'' ? '"' : html_lower_of[c]);
        if (c == '<') {
            h->state = HTML_SCRIPT_TAG;
            h->tag.len = 0;
            return p + 1;
        }
    }
    return p;
}

/* Behind '<': an end tag is read to its end, anything else is script again. */
const uint8_t *html_script_tag(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    for (; p < end; p++) {
        uint8_t c = html_lower_of[*p];
        bool space = html_is(c, HTML_C_SPACE);
        if (html_is(c, HTML_C_GONE) || (space && h->tag.len == 0 && !h->ahead)) {
            continue;
        }
        if (!space || h->ahead) {
            html_put(h, ahead_byte(c));
        }
        if (h->tag.len == 0 && c != '/') {
            h->state = c == '!' && !h->ahead ? HTML_SCRIPT_BANG : HTML_SCRIPT;
            return p + 1;
        }
        if (space || c == '>') {
            bool ends = html_name_is(&h->tag, "/script") ||
                        (h->in_style && html_name_is(&h->tag, "/style"));
            h->state = ends ? HTML_TEXT : HTML_SCRIPT;
            h->gap = HTML_GAP_SHUT;
            h->ahead = h->ahead && !ends;
            return p + 1;
        }
        html_name_put(&h->tag, c);
    }
    return p;
}

/* "<!" until '>': nothing is decoded, no end tag is seen. */
const uint8_t *html_script_bang(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    for (; p < end; p++) {
        uint8_t c = *p;
        if (html_is(c, HTML_C_SPACE | HTML_C_GONE)) {
            continue;
        }
        html_put(h, c == '\'' ? '"' : html_lower_of[c]);
        if (c == '>') {
            h->state = HTML_SCRIPT;
            return p + 1;
        }
    }
    return p;
}
