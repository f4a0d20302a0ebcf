// SPDX-License-Identifier: Apache-2.0
/*
 * What the files of the HTML normaliser share: the state, the classes of bytes, the way out.
 * Nothing here is for anybody else; the contract is html.h.
 */
#ifndef SK_NORM_HTML_PRIV_H
#define SK_NORM_HTML_PRIV_H

#include <string.h>

#include "norm/html.h"
#include "norm/js.h"
#include "norm/kernel.h"
#include "codec/screnc.h"

#define HTML_WINDOW_BYTES ((size_t)8191)
#define HTML_OUT_BYTES ((size_t)16384)
#define HTML_VALUE_MAX ((size_t)1024) /* of an attribute value, with its quotes */
#define HTML_REPEAT_MAX ((size_t)4096)
#define HTML_ENTITY_MAX ((size_t)1024)
#define HTML_NAME_MAX ((size_t)32) /* of names that mean something; longer ones are cut */
#define HTML_ENCODED_MAX 1000u     /* encoded scripts of a page; each may read a window again */
#define HTML_ATTRS 4               /* href, src, action, language */

enum html_state {
    HTML_TEXT,
    HTML_TAG_DONE, /* behind '>': the next byte has the addresses told */
    HTML_TAG_OPEN, /* behind '<' */
    HTML_BANG,     /* behind "<!" until '>' */
    HTML_TAG_NAME,
    HTML_ATTR_SEEK, /* behind a name or a value: the next attribute or '=' */
    HTML_ATTR_NAME,
    HTML_VALUE_SEEK, /* behind '=' */
    HTML_VALUE_BARE,
    HTML_VALUE_QUOTED,
    HTML_VALUE_GAP,  /* in quotes, behind the first white space or '>' */
    HTML_DATA_TYPE,  /* behind "data:" until ',' */
    HTML_DATA,       /* what the address holds itself */
    HTML_ATTR_TIGHT, /* behind that: the next name gets no space */
    HTML_ENTITY,
    HTML_NUMBER,
    HTML_SCRIPT,      /* in <script> or <style>; with the ones behind, html_in_script */
    HTML_SCRIPT_TAG,  /* behind its '<' */
    HTML_SCRIPT_BANG, /* behind its "<!" */
    HTML_STATE_COUNT
};

enum html_gap {
    HTML_GAP_NONE,
    HTML_GAP_OPEN, /* one space is owed to nocomment */
    HTML_GAP_SHUT  /* behind a tag: white space gives nothing */
};

struct html_out {
    uint8_t bytes[HTML_OUT_BYTES];
    size_t len;
};

struct html_value {
    uint8_t bytes[HTML_VALUE_MAX];
    size_t len;
    bool set;
};

struct html_name {
    char text[HTML_NAME_MAX];
    size_t len;
};

struct html_high { /* bytes from 0x80 up that wait */
    uint8_t bytes[3];
    unsigned len;
};

struct html_shown { /* the text of an open link */
    uint8_t bytes[SK_HTML_LINK_TEXT_MAX];
    size_t len;
};

struct sk_norm_html {
    const struct sk_html_events *events;
    const struct norm_kernel *vector; /* NULL: byte by byte */
    sk_err err;                       /* sticky */
    enum html_state state;
    enum html_state back; /* from an entity */
    enum html_gap gap;
    bool notags_space; /* notags ends with a space */
    struct html_high text_high;
    struct html_high value_high; /* outlives values and tags */
    /* tag */
    struct html_name tag;
    struct html_name attr;
    uint8_t quote; /* that ends the value */
    bool in_style;
    unsigned data_at; /* bytes of "data" the value began with; past them: it did not */
    bool data_quoted;
    bool value_any;           /* the value has a byte */
    struct html_value *value; /* that is being read, or NULL */
    struct html_value attrs[HTML_ATTRS];
    /* entity */
    uint8_t entity[HTML_ENTITY_MAX];
    size_t entity_len;
    uint32_t number;
    bool hex;
    /* links */
    bool in_link;
    bool in_form;
    struct html_value href;
    struct html_value action;
    struct html_shown link_text;
    struct html_shown form_text;
    /* script */
    struct sk_norm_js *js;           /* from the first script on */
    bool js_open;                    /* a script is being read */
    bool js_seen;                    /* one has been given out */
    sk_err js_err;                   /* of scripts that were left out */
    bool encoded;                    /* the rest of the page goes through screnc */
    bool encoded_new;                /* from the next byte on */
    bool ahead;                      /* of the block of an encoded script: text stays as it is */
    bool ahead_any;                  /* some of it was no white space */
    struct html_value other;         /* of an attribute that only an encoded script asks for */
    uint8_t repeat[HTML_REPEAT_MAX]; /* the attributes of a <script>, as its second tag has them */
    size_t repeat_len;
    bool repeat_tight; /* the next one gets no space */
    unsigned encoded_count;
    struct sk_screnc screnc;
    /* in and out */
    struct html_out nocomment;
    struct html_out notags;
    size_t window_len;
    uint8_t window[HTML_WINDOW_BYTES + 1];
    uint8_t decoded[HTML_WINDOW_BYTES + 4]; /* a window, decoded: at most 3 bytes more */
};

/* A state takes what it can of [p, end) and returns where it stopped. */
typedef const uint8_t *html_step(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end);

html_step html_text;
html_step html_tag_done;
html_step html_tag_open;
html_step html_bang;
html_step html_tag_name;
html_step html_attr_seek;
html_step html_attr_name;
html_step html_value_seek;
html_step html_value_bare;
html_step html_value_quoted;
html_step html_value_gap;
html_step html_data_type;
html_step html_data;
html_step html_attr_tight;
html_step html_entity;
html_step html_number;
html_step html_script;
html_step html_script_tag;
html_step html_script_bang;

enum html_class {
    HTML_C_PLAIN = 0,
    HTML_C_SPACE = 1,  /* 9..12 and 32 */
    HTML_C_GONE = 2,   /* carriage return: as if it were not there */
    HTML_C_HIGH = 4,   /* from 0x80 up */
    HTML_C_CTRL = 8,   /* other control characters */
    HTML_C_MARK = 16,  /* < & */
    HTML_C_VALUE = 32, /* > " ' : matter inside of tags */
};
extern const uint8_t html_class_of[256];
extern const uint8_t html_lower_of[256];

static inline bool html_is(uint8_t c, unsigned classes) {
    return (html_class_of[c] & classes) != 0;
}

void html_flush(struct sk_norm_html *h, enum sk_html_out which);

static inline void html_put(struct sk_norm_html *h, uint8_t c) {
    if (h->nocomment.len == HTML_OUT_BYTES) {
        html_flush(h, SK_HTML_NOCOMMENT);
    }
    h->nocomment.bytes[h->nocomment.len++] = c;
}
static inline void html_put_notags(struct sk_norm_html *h, uint8_t c) {
    if (h->notags.len == HTML_OUT_BYTES) {
        html_flush(h, SK_HTML_NOTAGS);
    }
    h->notags.bytes[h->notags.len++] = c;
}
/* One space in notags, unless the last thing there was one. */
static inline void html_space_notags(struct sk_norm_html *h) {
    if (!h->notags_space) {
        html_put_notags(h, ' ');
        h->notags_space = true;
    }
}
/* The space owed to nocomment. */
static inline void html_pay_gap(struct sk_norm_html *h) {
    if (h->gap == HTML_GAP_OPEN) {
        html_put(h, ' ');
    }
    h->gap = HTML_GAP_NONE;
}
static inline void html_keep(struct sk_norm_html *h, uint8_t c) {
    h->value_any = true;
    h->data_at += h->data_at > 4 || (h->data_at < 4 && c == (uint8_t) "data"[h->data_at]) ? 1 : 5;
    if (h->value != NULL && h->value->len < HTML_VALUE_MAX) {
        h->value->bytes[h->value->len++] = c;
    }
}

/* Is it UTF-8 of a full stop of East Asian scripts? */
bool html_is_full_stop(const struct html_high *high);

/* html_script.c: what stands in <script>, to the script normaliser. */
static inline bool html_in_script(const struct sk_norm_html *h) {
    bool entity = h->state == HTML_ENTITY || h->state == HTML_NUMBER;
    enum html_state state = entity ? h->back : h->state;
    return state >= HTML_SCRIPT && !h->in_style && !h->events->no_scripts;
}
void html_script_begins(struct sk_norm_html *h);
void html_script_takes(struct sk_norm_html *h, const uint8_t *p, const uint8_t *end);
void html_script_ends(struct sk_norm_html *h);
/* The block of an encoded script begins. */
void html_script_block(struct sk_norm_html *h);
/* An attribute of a <script> tag; value NULL: it has none. What goes beyond HTML_REPEAT_MAX is
 * lost. */
void html_script_attr(struct sk_norm_html *h, const struct html_value *value);
/* A <script> tag has ended: is what follows encoded? */
void html_script_language(struct sk_norm_html *h, const struct html_value *language);

/* The end of the input inside an entity. */
void html_entity_end(struct sk_norm_html *h);
/* Code point of a named entity; 0: none. */
uint32_t html_entity_find(const uint8_t *name, size_t len);

static inline void html_name_put(struct html_name *name, uint8_t c) {
    if (name->len < HTML_NAME_MAX) {
        name->text[name->len++] = (char)c;
    }
}
static inline bool html_name_is(const struct html_name *name, const char *text) {
    return name->len == strlen(text) && memcmp(name->text, text, name->len) == 0;
}
/* A tag ended with '>'; what its attributes say. */
void html_tag_ends(struct sk_norm_html *h);
/* Is a link or form open whose text somebody wants? */
static inline bool html_shows(const struct sk_norm_html *h) {
    return h->in_link || h->in_form;
}
/* Text that a reader sees, for the open link or form. */
void html_show(struct sk_norm_html *h, uint8_t c);
/* Text below 0x80 without '<' and '&'. */
void html_show_text(struct sk_norm_html *h, const uint8_t *p, size_t len);
/* The end of the input: what is open ends. */
void html_links_end(struct sk_norm_html *h);

#endif
