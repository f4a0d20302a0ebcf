// SPDX-License-Identifier: Apache-2.0
/* What the files of the JavaScript normaliser share. The contract is js.h. */
#ifndef SK_NORM_JS_PRIV_H
#define SK_NORM_JS_PRIV_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "base/utf8.h"
#include "norm/js.h"

#define JS_NONE UINT32_MAX
/* All searches of one normaliser may take so many steps a byte fed, and so many more. Scripts that
 * people write need a few a byte. */
#define JS_WORK_TIMES 16u
#define JS_WORK_STEPS ((uint64_t)16 << 20)

enum js_kind {
    JS_OP,     /* text: one operator */
    JS_WORD,   /* a name that may be renumbered; scope says where it stands */
    JS_FIXED,  /* a reserved word, or a name behind '.' */
    JS_STRING, /* text: decoded, without quotes */
    JS_INTEGER,
    JS_FLOAT,
};

struct js_token {
    uint8_t kind;
    uint32_t scope; /* of JS_WORD */
    uint32_t at;    /* of the text, in js->text */
    uint32_t len;
    double number; /* of JS_FLOAT and JS_INTEGER; of JS_WORD when printed: js_scope_number */
};

enum js_want {
    JS_WANT_NOTHING,
    JS_WANT_NAME, /* the next name is declared */
    JS_WANT_COMMA /* behind one: a comma asks for the next */
};

struct js_scope {
    uint32_t parent;
    uint8_t want;
    bool head; /* of a function: before its '(', '{' or ';' */
    bool bare; /* what is wanted is not wanted any more behind '{' */
    uint32_t braces;
    uint32_t brackets; /* open */
    uint32_t skipped;  /* of these, opened behind a declared name */
};

struct js_decl { /* the newest number of a name in a scope; chained by hash */
    uint32_t scope;
    uint32_t at;
    uint32_t len;
    uint32_t number;
    uint32_t next;
};

enum js_scan { JS_SCAN_PLAIN, JS_SCAN_STRING, JS_SCAN_LINE, JS_SCAN_BLOCK };

struct sk_norm_js {
    sk_err err;
    size_t fed;
    uint64_t work_left; /* steps that searches may still take */
    struct buf text;    /* what tokens point into */
    struct js_token *token;
    size_t token_count;
    size_t token_cap;
    size_t kept_cap;  /* of tokens moved aside last */
    size_t join_from; /* strings are joined with tokens from here on only */
    /* scanner */
    enum js_scan state;
    uint8_t quote;
    uint8_t before;  /* the byte before, in strings and block comments */
    struct buf part; /* of a word, number, operator or string that goes on */
    /* scopes */
    struct js_scope *scope;
    size_t scope_count;
    size_t scope_cap;
    uint32_t here;
    uint32_t names; /* given out */
    struct js_decl *decl;
    size_t decl_count;
    size_t decl_cap;
    uint32_t *bucket;
    size_t bucket_count; /* a power of two, or 0 */
    uint32_t parens;     /* open */
};

/* ---- js_scan.c: bytes to tokens ---- */
void js_scan(struct sk_norm_js *js, const uint8_t *bytes, size_t len);
/* No more bytes for now: an operator is complete. */
void js_scan_pause(struct sk_norm_js *js);
/* The end of the script: an open string ends; anything else that goes on is left out. */
void js_scan_end(struct sk_norm_js *js);

/* ---- js_scope.c: names ---- */
void js_scope_begin(struct sk_norm_js *js);
/* Every token in order; may change its kind. */
void js_scope_see(struct sk_norm_js *js, struct js_token *token);
/* The number of a name, or JS_NONE. */
uint32_t js_scope_number(struct sk_norm_js *js, const struct js_token *token);

/* ---- js_fold.c: unescape, packed functions, eval ---- */
void js_fold(struct sk_norm_js *js);

/* ---- js.c ---- */
/* Room behind the last token, which does not count yet; NULL: none, and js has failed. */
struct js_token *js_room(struct sk_norm_js *js);
/* Adds a token with this text; strings behind '+' behind a string are joined. */
void js_add(struct sk_norm_js *js, enum js_kind kind, const void *text, size_t len);
bool js_token_is(const struct sk_norm_js *js, const struct js_token *token, const char *text);
static inline void js_fail(struct sk_norm_js *js, sk_err err) {
    if (sk_failed(err) && !sk_failed(js->err)) {
        js->err = err;
    }
}
/* UTF-8 of a code below U+10000: NUL becomes 1, halves of surrogate pairs are written as they are
 * (sk_utf8_put has U+FFFD for them; seen with sigtool 1.4.6). At most three bytes; returns how
 * many. */
static inline size_t js_utf8(uint32_t c, uint8_t out[3]) {
    c = c == 0 ? 1 : c;
    if (c < 0x800) {
        return sk_utf8_put(out, c);
    }
    out[0] = (uint8_t)(0xe0 | c >> 12);
    out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    out[2] = (uint8_t)(0x80 | (c & 0x3f));
    return 3;
}
/* So many steps of a search that hostile input can prolong. False: no more, the script failed with
 * SK_E_LIMIT. */
static inline bool js_work(struct sk_norm_js *js, uint64_t steps) {
    bool enough = steps <= js->work_left;
    js->work_left -= enough ? steps : js->work_left;
    js_fail(js, enough ? sk_ok() : sk_fail(SK_E_LIMIT));
    return enough;
}

#endif
