// SPDX-License-Identifier: Apache-2.0
/*
 * From the HTML normaliser to that of scripts: the text of each <script>, raw, from behind its '>'
 * to the end of its end tag. Style sheets are no scripts, though they are read alike (html_text.c).
 *
 * A script that the normaliser refuses (too large, no memory) is left out, the page goes on, and
 * the error is told at its end.
 *
 * Encoded scripts (language="JScript.Encode" or "VBScript.Encode"): behind the tag a second one of
 * the plain language, with the same attributes, is written and all that follows goes through the
 * decoder (screnc.h), which decodes one block and passes the rest. Text ahead of the block stays as
 * it is, but for upper case and line ends ("**Start Encode**" is the usual one). Seen with
 * sigtool 1.4.6, where all of the page is such text when no block comes; here it ends with the
 * script.
 */
#include <string.h>
#include <strings.h>

#include "norm/html_priv.h"

static void failed(struct sk_norm_html *h, sk_err err) {
    if (sk_failed(err) && !sk_failed(h->js_err)) {
        h->js_err = err;
    }
}

void html_script_begins(struct sk_norm_html *h) {
    if (h->js == NULL) {
        failed(h, sk_norm_js_new(&h->js));
    }
    h->js_open = h->js != NULL;
}

void html_script_takes(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    SK_IGNORE(sk_norm_js_feed(h->js, p, (size_t)(end - p)), "sk_norm_js_finish tells it");
}

static sk_err put(void *ctx, const uint8_t *bytes, size_t len) {
    struct sk_norm_html *h = ctx;
    if (!sk_failed(h->err) && h->js_seen) {
        h->js_seen = false;
        h->err = h->events->put(h->events->ctx, SK_HTML_SCRIPT, (const uint8_t *)"\n", 1);
    }
    if (!sk_failed(h->err)) {
        h->err = h->events->put(h->events->ctx, SK_HTML_SCRIPT, bytes, len);
    }
    return h->err;
}

/* js_seen: a line feed is owed before the next one. */
void html_script_ends(struct sk_norm_html *h) {
    h->js_open = false;
    failed(h, sk_norm_js_finish(h->js, put, h));
    h->js_seen = true;
}

/* To the script normaliser its mark and length are a comment of a line (seen: an open string shows
 * it). */
void html_script_block(struct sk_norm_html *h) {
    uint8_t comment[4 + SK_SCRENC_LENGTH_BYTES] = "//~^";
    h->ahead = false;
    if (h->js_open) {
        memcpy(comment + 4, h->screnc.length, SK_SCRENC_LENGTH_BYTES - 1);
        comment[sizeof(comment) - 1] = '\n';
        html_script_takes(h, comment, comment + sizeof(comment));
    }
}

static bool value_is(const struct html_value *value, const char *text) {
    return value->set && value->len == strlen(text) &&
           strncasecmp((const char *)value->bytes, text, value->len) == 0;
}

#define PLACE_OF_LANGUAGE 0 /* in repeat: the plain name of the language; no NUL gets there */

static void repeat_byte(struct sk_norm_html *h, uint8_t c) {
    if (h->repeat_len < sizeof(h->repeat)) {
        h->repeat[h->repeat_len++] = c;
    }
}

void html_script_attr(struct sk_norm_html *h, const struct html_value *value) {
    if (!h->repeat_tight) {
        repeat_byte(h, ' ');
    }
    h->repeat_tight = false;
    for (size_t i = 0; i < h->attr.len; i++) {
        repeat_byte(h, (uint8_t)h->attr.text[i]);
    }
    if (value == NULL) {
        return;
    }
    bool language = html_name_is(&h->attr, "language");
    repeat_byte(h, '=');
    repeat_byte(h, '"');
    if (language) {
        repeat_byte(h, PLACE_OF_LANGUAGE);
    }
    for (size_t i = 0; i < value->len && !language; i++) {
        repeat_byte(h, html_lower_of[value->bytes[i]]);
    }
    repeat_byte(h, '"');
}

static void put_string(struct sk_norm_html *h, const char *text) {
    for (; *text != 0; text++) {
        html_put(h, (uint8_t)*text);
    }
}

void html_script_language(struct sk_norm_html *h, const struct html_value *language) {
    bool visual = value_is(language, "VBScript.Encode");
    if (!visual && !value_is(language, "JScript.Encode")) {
        return;
    }
    put_string(h, "<script");
    for (size_t i = 0; i < h->repeat_len; i++) {
        if (h->repeat[i] == PLACE_OF_LANGUAGE) {
            put_string(h, visual ? "vbscript" : "javascript");
        } else {
            html_put(h, h->repeat[i]);
        }
    }
    put_string(h, ">");
    h->encoded_new = h->encoded_count < HTML_ENCODED_MAX;
    h->encoded_count += h->encoded_new;
    failed(h, h->encoded_new ? sk_ok() : sk_fail(SK_E_LIMIT));
}
