// SPDX-License-Identifier: Apache-2.0
/*
 * What a script does to hide another one, undone on its tokens:
 *
 *     unescape ( "%41" X      ->  "A"                    X is not looked at
 *     function(p,a,c,k...){...}("0 1",2,2,"x|y".split("|"),0,{})   ->  the words put in
 *     eval ( "text" )         ->  the tokens of text
 *
 * In this order, one pass each, so that what comes out of eval is not looked at again. The text of
 * eval is scanned as if it followed the script (js_scan.c).
 */
#include <string.h>

#include "norm/js_priv.h"

#include "base/hex.h"
#include "base/mem.h"

static bool is_string(const struct js_token *t) {
    return t->kind == JS_STRING;
}

/* ---- unescape ----------------------------------------------------------------------------- */

/* The number of `count` hexadecimal digits, or -1. */
static int32_t hex_at(const uint8_t *p, size_t left, size_t count) {
    int32_t value = 0;
    if (left < count) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        int digit = sk_hex_digit(p[i]);
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

/* In place: it only becomes shorter. */
static void unescape(struct sk_norm_js *js, struct js_token *t) {
    uint8_t *p = js->text.data + t->at;
    size_t put = 0;
    for (size_t i = 0; i < t->len;) {
        size_t left = t->len - i - 1;
        int32_t wide =
            p[i] == '%' && left > 0 && p[i + 1] == 'u' ? hex_at(p + i + 2, left - 1, 4) : -1;
        int32_t narrow = p[i] == '%' ? hex_at(p + i + 1, left, 2) : -1;
        if (wide >= 0) {
            uint8_t utf8[3];
            size_t n = js_utf8((uint32_t)wide, utf8);
            memcpy(p + put, utf8, n);
            put += n;
            i += 6;
        } else if (narrow >= 0) {
            p[put++] = narrow == 0 ? 1 : (uint8_t)narrow;
            i += 3;
        } else {
            p[put++] = p[i++];
        }
    }
    t->len = (uint32_t)put;
}

static void fold_unescape(struct sk_norm_js *js) {
    struct js_token *t = js->token;
    size_t put = 0;
    for (size_t i = 0; i < js->token_count; i++) {
        bool call = js->token_count - i >= 4 && t[i].kind == JS_WORD &&
                    js_token_is(js, &t[i], "unescape") && js_token_is(js, &t[i + 1], "(") &&
                    is_string(&t[i + 2]);
        if (call) {
            i += 2;
            unescape(js, &t[i]);
            t[put++] = t[i];
            i++;
        } else {
            t[put++] = t[i];
        }
    }
    js->token_count = put;
}

/* ---- what puts tokens in ------------------------------------------------------------------ */

struct old_tokens {
    struct js_token *token;
    size_t count;
};

#define EVAL_DEPTH 16

/* The tokens move aside, new ones are added from the start. */
static struct old_tokens begin(struct sk_norm_js *js) {
    struct old_tokens old = {js->token, js->token_count};
    js->kept_cap = js->token_cap;
    js->token = NULL;
    js->token_count = 0;
    js->token_cap = 0;
    return old;
}

static void copy(struct sk_norm_js *js, const struct js_token *t) {
    struct js_token *token = js_room(js);
    if (token != NULL) {
        *token = *t;
        js->token_count++;
    }
}

/* Text of its own: what tokens point into may move while it is scanned. */
static void scan(struct sk_norm_js *js, const uint8_t *bytes, size_t len) {
    struct buf own = {0};
    js->join_from = js->token_count;
    js_fail(js, buf_append(&own, bytes, len));
    if (!sk_failed(js->err)) {
        js_scan(js, own.data, own.len);
        js_scan_pause(js);
    }
    buf_release(&own);
}

/* ---- eval --------------------------------------------------------------------------------- */

static bool is_eval(const struct sk_norm_js *js, const struct js_token *t, size_t left) {
    return left >= 4 && t[0].kind == JS_WORD && js_token_is(js, &t[0], "eval") &&
           js_token_is(js, &t[1], "(") && is_string(&t[2]) && js_token_is(js, &t[3], ")");
}

/* The text of one eval becomes tokens of their own. */
static struct old_tokens eval_tokens(struct sk_norm_js *js, const struct js_token *text) {
    struct old_tokens done = begin(js);
    size_t done_cap = js->kept_cap;
    scan(js, js->text.data + text->at, text->len);
    struct old_tokens made = begin(js);
    js->token = done.token;
    js->token_count = done.count;
    js->token_cap = done_cap;
    return made;
}

/* Tokens of evals being read: each one's first token is taken as it is, and when there is none the
 * one that follows; the others may be evals again. */
static void fold_eval(struct sk_norm_js *js) {
    struct old_tokens level[EVAL_DEPTH] = {begin(js)};
    size_t at[EVAL_DEPTH] = {0};
    unsigned depth = 0;
    bool taken = true; /* the next token may be looked at */
    for (;;) {
        struct old_tokens *old = &level[depth];
        if (at[depth] >= old->count || sk_failed(js->err)) {
            mem_free(old->token);
            if (depth == 0) {
                return;
            }
            depth--;
            continue;
        }
        const struct js_token *t = &old->token[at[depth]];
        size_t left = old->count - at[depth];
        if (taken && depth + 1 < EVAL_DEPTH && is_eval(js, t, left)) {
            at[depth] += 4;
            if (left > 4 && t[4].kind == JS_OP && js_token_is(js, &t[4], ";")) {
                at[depth]++;
            }
            level[depth + 1] = eval_tokens(js, &t[2]);
            at[++depth] = 0;
            taken = false;
            continue;
        }
        copy(js, t);
        at[depth]++;
        taken = true;
    }
}

/* ---- packed functions --------------------------------------------------------------------- */

#define PACK_TOKENS 17u /* behind '(': "p",a,c,"k".split("|"),0,{} */
#define PACK_LEFT 19u   /* fewer tokens behind '(': left alone */

static bool is_packer(const struct sk_norm_js *js, const struct js_token *t, size_t left) {
    static const char *const HEAD[] = {"function", "(", "p", ",", "a", ",", "c", ",", "k"};
    for (size_t i = 0; i < sizeof(HEAD) / sizeof(HEAD[0]); i++) {
        if (i >= left || is_string(&t[i]) || !js_token_is(js, &t[i], HEAD[i])) {
            return false;
        }
    }
    return true;
}

/* Behind the body of the function; old_count when it has no end. */
static size_t body_end(struct sk_norm_js *js, const struct old_tokens *old, size_t i) {
    size_t depth = 0;
    for (; i < old->count && js_work(js, 1); i++) {
        if (old->token[i].kind != JS_OP) {
            continue;
        }
        if (js_token_is(js, &old->token[i], "{")) {
            depth++;
        } else if (js_token_is(js, &old->token[i], "}") && --depth == 0) {
            return i + 1;
        }
        if (depth > old->count) {
            return old->count; /* a '}' before any '{' */
        }
    }
    return old->count;
}

/* The arguments are not looked at but for the two strings. NULL: not packed. */
static const struct js_token *packed_args(struct sk_norm_js *js, const struct old_tokens *old,
                                          size_t from) {
    for (size_t i = from; i < old->count && js_work(js, 1); i++) {
        const struct js_token *t = &old->token[i];
        if (t->kind == JS_OP && js_token_is(js, t, "(")) {
            bool fits = old->count - i > PACK_LEFT && is_string(&t[1]) && is_string(&t[7]);
            return fits ? &t[1] : NULL;
        }
        if (t->kind == JS_FIXED && js_token_is(js, t, "function")) {
            return NULL;
        }
    }
    return NULL;
}

/* A digit of the packer's numbers, up to 61, or -1. */
static int digit_of(uint8_t c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'Z' ? c - 'A' + 36 : -1;
}

static uint32_t base_of(const struct js_token *t) {
    bool number = t->kind == JS_INTEGER || t->kind == JS_FLOAT;
    return number && t->number > 0 && t->number < 65536 ? (uint32_t)t->number : 0;
}

/* Where each word of the list begins, so that a hostile list costs no search. */
static uint32_t *index_words(struct sk_norm_js *js, struct sk_bytes words, uint32_t *out_count) {
    uint32_t count = 1;
    for (size_t i = 0; i < words.len; i++) {
        count += words.ptr[i] == '|';
    }
    uint32_t *start = mem_alloc(((size_t)count + 1) * sizeof(*start));
    if (start == NULL) {
        js_fail(js, sk_fail(SK_E_NOMEM));
        return NULL;
    }
    uint32_t n = 0;
    start[n++] = 0;
    for (size_t i = 0; i < words.len; i++) {
        if (words.ptr[i] == '|') {
            start[n++] = (uint32_t)i + 1;
        }
    }
    start[n] = (uint32_t)words.len + 1;
    *out_count = count;
    return start;
}

/* The words of `text` that are numbers of words of the list become these. */
static void unpack(struct sk_norm_js *js, struct sk_bytes text, struct sk_bytes words,
                   uint32_t base, struct buf *out) {
    uint32_t count;
    uint32_t *start = index_words(js, words, &count);
    for (size_t i = 0; start != NULL && i < text.len && !sk_failed(js->err);) {
        size_t end = i;
        uint32_t number = 0;
        while (end < text.len && digit_of(text.ptr[end]) >= 0) {
            number = number * base + (uint32_t)digit_of(text.ptr[end++]);
        }
        struct sk_bytes piece = {text.ptr + i, end > i ? end - i : 1};
        i += piece.len;
        if (end >= i && number < count && start[number + 1] - start[number] > 1) {
            piece.ptr = words.ptr + start[number];
            piece.len = start[number + 1] - start[number] - 1;
        }
        (void)js_work(js, piece.len); /* one text may be unpacked by many packers */
        js_fail(js, out->len + piece.len > SK_NORM_JS_MAX_BYTES
                        ? sk_fail(SK_E_LIMIT)
                        : buf_append(out, piece.ptr, piece.len));
    }
    mem_free(start);
}

static struct sk_bytes bytes_of(const struct sk_norm_js *js, const struct js_token *t) {
    return (struct sk_bytes){js->text.data + t->at, t->len};
}

static void fold_packed(struct sk_norm_js *js) {
    struct old_tokens old = begin(js);
    const struct js_token *args = NULL;
    for (size_t i = 0; i < old.count && !sk_failed(js->err);) {
        const struct js_token *t = &old.token[i];
        if (t == args) {
            struct buf text = {0};
            unpack(js, bytes_of(js, &t[0]), bytes_of(js, &t[6]), base_of(&t[2]), &text);
            scan(js, text.data, text.len);
            buf_release(&text);
            i += PACK_TOKENS;
            continue;
        }
        if (is_packer(js, t, old.count - i)) {
            args = packed_args(js, &old, body_end(js, &old, i));
        }
        copy(js, t);
        i++;
    }
    mem_free(old.token);
}

static bool has_word(const struct sk_norm_js *js, const char *text) {
    for (size_t i = 0; i < js->token_count; i++) {
        if (js->token[i].kind == JS_WORD && js_token_is(js, &js->token[i], text)) {
            return true;
        }
    }
    return false;
}

void js_fold(struct sk_norm_js *js) {
    js->here = 0; /* what comes out stands outside of all functions */
    if (has_word(js, "p")) {
        fold_packed(js);
    }
    fold_unescape(js);
    if (has_word(js, "eval")) {
        fold_eval(js);
    }
}
