// SPDX-License-Identifier: Apache-2.0
/*
 * Tags: names, attributes, values; the addresses of <a href> and <img src> in notags.
 *
 *     '<' -> TAG_OPEN -> TAG_NAME -> ATTR_SEEK <-> ATTR_NAME
 *                                     | '='           | '='
 *                                     +-> VALUE_SEEK <+
 *                      bare |  " or ' |
 *                           v         v
 *                     VALUE_BARE   VALUE_QUOTED
 *                           ^           | white space or '>'
 *                           +-VALUE_GAP-+
 *     '>' outside of quotes ends the tag.
 *
 * Odd ways that signatures depend on (seen with sigtool 1.4.6):
 * - Names are written as they come; before a name one space, whatever stood there.
 * - Behind its first white space or '>' a quoted value is a bare one: it ends at the next white
 *   space or '>', quotes are bytes like others. So a forgotten quote does not swallow the page.
 * - Single quotes in values become double ones.
 * - Waiting bytes from 0x80 up are let out by ordinary bytes of a value only: white space, quotes
 *   and the end of the value pass them, and the next value may get them.
 *
 * Some 70 ns a tag, of which the way through the states is little: tags of a few letters without
 * attributes (three of four) done in one go made 3 % of the normaliser.
 */
#include <string.h>

#include "norm/html_priv.h"

static void name_clear(struct html_name *name) {
    name->len = 0;
}

/* ---- links -------------------------------------------------------------------------------- */

enum { ATTR_HREF, ATTR_SRC, ATTR_ACTION, ATTR_LANGUAGE };

void html_show(struct sk_norm_html *h, uint8_t c) {
    if (!html_shows(h)) {
        return;
    }
    struct html_shown *shown[] = {h->in_link ? &h->link_text : NULL,
                                  h->in_form ? &h->form_text : NULL};
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        struct html_shown *s = shown[i];
        if (s == NULL || s->len == sizeof(s->bytes) ||
            (c == ' ' && (s->len == 0 || s->bytes[s->len - 1] == ' '))) {
            continue;
        }
        s->bytes[s->len++] = c;
    }
}

void html_show_text(struct sk_norm_html *h, const uint8_t *p, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (!html_is(p[i], HTML_C_GONE | HTML_C_CTRL)) {
            html_show(h, html_is(p[i], HTML_C_SPACE) ? ' ' : p[i]);
        }
    }
}

static void tell(struct sk_norm_html *h, enum sk_html_link_kind kind, struct sk_bytes url,
                 struct sk_bytes text) {
    const struct sk_html_link link = {.kind = kind, .url = url, .text = text};
    h->events->link(h->events->ctx, &link);
}

static struct sk_bytes shown_bytes(const struct html_shown *shown) {
    size_t len = shown->len;
    while (len > 0 && shown->bytes[len - 1] == ' ') {
        len--;
    }
    return (struct sk_bytes){shown->bytes, len};
}

static struct sk_bytes value_bytes(const struct html_value *value) {
    return (struct sk_bytes){value->bytes, value->len};
}

static void link_ends(struct sk_norm_html *h) {
    if (h->in_link) {
        h->in_link = false;
        tell(h, SK_HTML_LINK_A, value_bytes(&h->href), shown_bytes(&h->link_text));
    }
}

static void form_ends(struct sk_norm_html *h) {
    if (h->in_form) {
        h->in_form = false;
        tell(h, SK_HTML_LINK_FORM, value_bytes(&h->action), shown_bytes(&h->form_text));
    }
}

static void link_begins(struct sk_norm_html *h) {
    link_ends(h);
    if (h->attrs[ATTR_HREF].set) {
        h->in_link = true;
        h->href = h->attrs[ATTR_HREF];
        h->link_text.len = 0;
    }
}

static void tell_links(struct sk_norm_html *h) {
    if (h->events->link == NULL) {
        return;
    }
    if (html_name_is(&h->tag, "a")) {
        link_begins(h);
    } else if (html_name_is(&h->tag, "/a")) {
        link_ends(h);
    } else if (html_name_is(&h->tag, "img") && h->attrs[ATTR_SRC].set) {
        struct sk_bytes around = h->in_link ? value_bytes(&h->href) : (struct sk_bytes){0};
        tell(h, SK_HTML_LINK_IMG, around, value_bytes(&h->attrs[ATTR_SRC]));
    } else if (html_name_is(&h->tag, "form") && h->attrs[ATTR_ACTION].set) {
        form_ends(h);
        h->in_form = true;
        h->action = h->attrs[ATTR_ACTION];
        h->form_text.len = 0;
    } else if (html_name_is(&h->tag, "/form")) {
        form_ends(h);
    }
}

void html_links_end(struct sk_norm_html *h) {
    if (h->state == HTML_TAG_DONE) {
        tell_links(h);
    }
    link_ends(h);
    form_ends(h);
}

/* ---- ends of things ----------------------------------------------------------------------- */

/* A value that begins with a quote, entity or not, loses its first and its last byte, whatever that
 * is; one with a NUL ends there before. */
static void value_trim(struct html_value *value) {
    const uint8_t *nul = memchr(value->bytes, 0, value->len);
    value->len = nul != NULL ? (size_t)(nul - value->bytes) : value->len;
    value->set = true;
    if (value->len > 0 && value->bytes[0] == '"') {
        value->len = value->len > 2 ? value->len - 2 : 0;
        memmove(value->bytes, &value->bytes[1], value->len);
    }
}

static void value_ends(struct sk_norm_html *h) {
    if (h->value != NULL) {
        value_trim(h->value);
        if (html_name_is(&h->tag, "script")) {
            html_script_attr(h, h->value);
        }
        h->value = NULL;
    }
    name_clear(&h->attr);
    h->state = HTML_ATTR_SEEK;
}

static void put_address(struct sk_norm_html *h, const struct html_value *value) {
    if (value->len == 0) {
        return;
    }
    for (size_t i = 0; i < value->len; i++) {
        html_put_notags(h, value->bytes[i]);
    }
    html_put_notags(h, ' ');
    h->notags_space = true;
}

void html_tag_ends(struct sk_norm_html *h) {
    html_put(h, '>');
    h->gap = HTML_GAP_SHUT;
    h->state = HTML_TAG_DONE;
}

const uint8_t *html_tag_done(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    while (p < end && html_is(*p, HTML_C_GONE)) {
        p++;
    }
    if (p == end) {
        return p;
    }
    h->state = HTML_TEXT;
    h->in_style = html_name_is(&h->tag, "style");
    if (h->in_style || html_name_is(&h->tag, "script")) {
        h->state = HTML_SCRIPT;
        if (!h->in_style) {
            html_script_language(h, &h->attrs[ATTR_LANGUAGE]);
        }
    } else if (html_name_is(&h->tag, "a")) {
        put_address(h, &h->attrs[ATTR_HREF]);
    } else if (html_name_is(&h->tag, "img")) {
        put_address(h, &h->attrs[ATTR_SRC]);
    }
    tell_links(h);
    return p;
}

/* ---- names -------------------------------------------------------------------------------- */

const uint8_t *html_tag_open(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    while (p < end && html_is(*p, HTML_C_SPACE | HTML_C_GONE)) {
        p++;
    }
    if (p == end) {
        return p;
    }
    if (*p == '!') {
        h->state = HTML_BANG;
        return p + 1;
    }
    html_put(h, '<');
    name_clear(&h->tag);
    name_clear(&h->attr);
    h->value = NULL;
    for (size_t i = 0; i < HTML_ATTRS; i++) {
        h->attrs[i].set = false;
        h->attrs[i].len = 0;
    }
    h->repeat_len = 0;
    h->repeat_tight = false;
    h->state = HTML_TAG_NAME;
    return p;
}

/* An attribute was read that has no value. */
static void name_stands_alone(struct sk_norm_html *h) {
    if (h->attr.len > 0 && html_name_is(&h->tag, "script")) {
        html_script_attr(h, NULL);
    }
    name_clear(&h->attr);
}

/* Does this byte end the name of a tag or of an attribute? Then the state is what comes next. */
static bool name_ends(struct sk_norm_html *h, uint8_t c) {
    if (html_is(c, HTML_C_SPACE)) {
        h->state = HTML_ATTR_SEEK;
    } else if (c == '>') {
        name_stands_alone(h);
        html_tag_ends(h);
    }
    return c == '>' || html_is(c, HTML_C_SPACE);
}

/* The plain bytes of a name, lower case, to nocomment as well. Returns where they end. */
static const uint8_t *name_run(struct sk_norm_html *h, struct html_name *name, const uint8_t *p,
                               const uint8_t *end) {
    uint8_t *out = &h->nocomment.bytes[h->nocomment.len];
    char *text = &name->text[name->len];
    size_t room = HTML_OUT_BYTES - h->nocomment.len;
    size_t max = HTML_NAME_MAX - name->len;
    size_t left = (size_t)(end - p);
    size_t n = 0;
    max = max < room ? max : room;
    max = max < left ? max : left;
    for (; n < max && html_class_of[p[n]] == HTML_C_PLAIN && p[n] != '='; n++) {
        out[n] = html_lower_of[p[n]];
        text[n] = (char)html_lower_of[p[n]];
    }
    name->len += n;
    h->nocomment.len += n;
    return p + n;
}

const uint8_t *html_tag_name(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    for (; p < end; p++) {
        p = name_run(h, &h->tag, p, end);
        if (p == end) {
            return p;
        }
        uint8_t c = html_lower_of[*p];
        if (html_is(c, HTML_C_GONE)) {
            continue;
        }
        if (name_ends(h, c)) {
            return p + 1;
        }
        html_put(h, c);
        html_name_put(&h->tag, c);
    }
    return p;
}

const uint8_t *html_attr_seek(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    while (p < end && html_is(*p, HTML_C_SPACE | HTML_C_GONE)) {
        p++;
    }
    if (p == end) {
        return p;
    }
    if (*p == '>') {
        name_stands_alone(h);
        html_tag_ends(h);
        return p + 1;
    }
    if (*p == '=') {
        h->state = HTML_ATTR_NAME;
        return p;
    }
    html_put(h, ' ');
    name_stands_alone(h);
    h->state = HTML_ATTR_NAME;
    return p;
}

/* The place to keep the value of this attribute, or NULL: of no interest, or there was one. */
static struct html_value *value_of(struct sk_norm_html *h) {
    const bool is[HTML_ATTRS] = {
        [ATTR_HREF] = html_name_is(&h->attr, "href"),
        [ATTR_SRC] = html_name_is(&h->attr, "src"),
        [ATTR_ACTION] = html_name_is(&h->attr, "action"),
        [ATTR_LANGUAGE] = html_name_is(&h->attr, "language"),
    };
    struct html_value *wanted = NULL;
    for (size_t i = 0; i < HTML_ATTRS; i++) {
        if (is[i] && !h->attrs[i].set) {
            wanted = &h->attrs[i];
        }
    }
    return wanted == NULL && html_name_is(&h->tag, "script") ? &h->other : wanted;
}

const uint8_t *html_attr_name(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    for (; p < end; p++) {
        p = name_run(h, &h->attr, p, end);
        if (p == end) {
            return p;
        }
        uint8_t c = html_lower_of[*p];
        if (html_is(c, HTML_C_GONE)) {
            continue;
        }
        if (name_ends(h, c)) {
            return p + 1;
        }
        html_put(h, c);
        if (c == '=') {
            h->value = value_of(h);
            if (h->value != NULL) {
                h->value->len = 0;
            }
            h->quote = 0;
            h->value_any = false;
            h->data_at = 0;
            h->state = HTML_VALUE_SEEK;
            return p + 1;
        }
        html_name_put(&h->attr, c);
    }
    return p;
}

/* ---- values ------------------------------------------------------------------------------- */

static void high_out(struct sk_norm_html *h) {
    struct html_high *high = &h->value_high;
    if (html_is_full_stop(high)) {
        high->bytes[0] = '.';
        high->len = 1;
    }
    for (unsigned i = 0; i < high->len; i++) {
        html_put(h, high->bytes[i]);
        html_keep(h, high->bytes[i]);
    }
    high->len = 0;
}

static void high_in(struct sk_norm_html *h, uint8_t c) {
    struct html_high *high = &h->value_high;
    if (high->len == sizeof(high->bytes)) {
        high_out(h);
    }
    high->bytes[high->len++] = c;
}

/* Plain bytes, as many as come, once it is clear that the value does not begin with "data:".
 * Returns where they end. */
static const uint8_t *value_run(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    if (h->vector == NULL || h->data_at <= 4 || h->value_high.len > 0) {
        return p;
    }
    size_t n = h->vector->html_plain(h, p, (size_t)(end - p));
    struct html_value *value = h->value;
    if (value != NULL) {
        size_t room = HTML_VALUE_MAX - value->len;
        size_t kept = n < room ? n : room;
        memcpy(&value->bytes[value->len], p, kept);
        value->len += kept;
    }
    return p + n;
}

/* An ordinary byte of a value, or the start of an entity. */
static const uint8_t *value_byte(struct sk_norm_html *h, const uint8_t *p) {
    uint8_t c = *p;
    if (html_is(c, HTML_C_HIGH)) {
        high_in(h, c);
        return p + 1;
    }
    if (c == '&') {
        h->back = h->state;
        h->state = HTML_ENTITY;
        h->entity_len = 0;
        return p + 1;
    }
    if (c == ':' && h->data_at == 4) {
        h->data_quoted = h->state == HTML_VALUE_QUOTED;
        if (h->value != NULL) {
            h->value->len = 0; /* of no use to notags; a second one of the name neither */
            h->value->set = true;
            h->value = NULL;
        }
        name_stands_alone(h); /* seen: that is all a second tag has of it */
        h->state = HTML_DATA_TYPE;
        return p + 1;
    }
    if (c == '"' || c == '\'') {
        c = '"';
    } else {
        high_out(h);
    }
    html_put(h, html_lower_of[c]);
    html_keep(h, c);
    return p + 1;
}

const uint8_t *html_value_seek(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    while (p < end && html_is(*p, HTML_C_SPACE | HTML_C_GONE)) {
        p++;
    }
    if (p == end) {
        return p;
    }
    if (*p == '>') {
        value_ends(h);
        html_tag_ends(h);
        return p + 1;
    }
    h->state = HTML_VALUE_BARE;
    return p;
}

const uint8_t *html_value_bare(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    while (p < end && h->state == HTML_VALUE_BARE) {
        p = value_run(h, p, end);
        if (p == end) {
            return p;
        }
        uint8_t c = *p;
        if (html_is(c, HTML_C_GONE)) {
            p++;
        } else if (html_is(c, HTML_C_SPACE)) {
            value_ends(h);
            p++;
        } else if (c == '>') {
            value_ends(h);
            html_tag_ends(h);
            p++;
        } else if ((c == '"' || c == '\'') && !h->value_any) {
            h->quote = c;
            html_put(h, '"');
            html_keep(h, '"');
            h->data_at = 0;
            h->state = HTML_VALUE_QUOTED;
            p++;
        } else {
            p = value_byte(h, p);
        }
    }
    return p;
}

/* White space or '>' in quotes: from here on the value is a bare one, whatever quotes come. */
static void value_loosens(struct sk_norm_html *h, uint8_t c) {
    bool space = c != '>';
    html_put(h, c == '\n' ? ' ' : c);
    html_keep(h, space ? ' ' : c);
    h->state = HTML_VALUE_GAP;
}

const uint8_t *html_value_quoted(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    while (p < end && h->state == HTML_VALUE_QUOTED) {
        p = value_run(h, p, end);
        if (p == end) {
            return p;
        }
        uint8_t c = *p;
        if (html_is(c, HTML_C_GONE)) {
            p++;
        } else if (c == h->quote) {
            html_put(h, '"');
            html_keep(h, '"');
            value_ends(h);
            p++;
        } else if (c == '>' || html_is(c, HTML_C_SPACE)) {
            value_loosens(h, c);
            p++;
        } else {
            p = value_byte(h, p);
        }
    }
    return p;
}

const uint8_t *html_value_gap(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    while (p < end && html_is(*p, HTML_C_SPACE | HTML_C_GONE)) {
        p++;
    }
    if (p < end) {
        h->state = HTML_VALUE_BARE;
    }
    return p;
}

/* ---- data: addresses ---------------------------------------------------------------------- */

/*
 * Of <a href="data:text/html,..."> nocomment has "data" and notags nothing. What stands in it is a
 * member of the page (format/html.c). The type ends like any value; the data only at its quote, or
 * without one at white space or '>', which is swallowed.
 */
static void data_quote(struct sk_norm_html *h) {
    if (h->data_quoted) {
        html_put(h, '"');
    }
}

const uint8_t *html_data_type(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    for (; p < end; p++) {
        uint8_t c = *p;
        bool breaks = html_is(c, HTML_C_SPACE) || c == '>';
        if (c == ',') {
            data_quote(h);
            h->state = HTML_DATA;
            return p + 1;
        }
        if (h->quote != 0 && breaks) {
            h->quote = 0; /* loose from here on */
            continue;
        }
        if (c == h->quote || breaks) {
            data_quote(h);
            value_ends(h);
            if (c == '>') {
                html_tag_ends(h);
            }
            return p + 1;
        }
    }
    return p;
}

const uint8_t *html_data(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    for (; p < end; p++) {
        uint8_t c = *p;
        if (c == '&') {
            h->back = HTML_DATA;
            h->state = HTML_ENTITY;
            h->entity_len = 0;
            return p + 1;
        }
        bool ends = h->quote != 0 ? c == h->quote : html_is(c, HTML_C_SPACE) || c == '>';
        if (ends) {
            value_ends(h);
            h->state = HTML_ATTR_TIGHT;
            return p + 1;
        }
    }
    return p;
}

const uint8_t *html_attr_tight(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end) {
    while (p < end && html_is(*p, HTML_C_SPACE | HTML_C_GONE)) {
        p++;
    }
    if (p < end) {
        h->repeat_tight = true;
        h->state = HTML_ATTR_NAME;
    }
    return p;
}
