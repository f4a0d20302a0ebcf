// SPDX-License-Identifier: Apache-2.0
/*
 * The frame of the JavaScript normaliser: tokens are kept, then folded, then printed.
 *
 *     feed -> js_scan -> js_add (joins strings) -> js_scope_see
 *     finish -> rest of the scanner, missing ')' -> js_fold -> "<script>" tokens "</script>"
 *
 * A space is printed between two words or numbers only. The end tag that ended the script is part
 * of its text and is taken from its end, when it is there as tokens: an open string or a missing
 * parenthesis keeps it.
 */
#include "norm/js.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "norm/js_priv.h"

bool js_token_is(const struct sk_norm_js *js, const struct js_token *token, const char *text) {
    size_t len = strlen(text);
    return token->len == len && memcmp(js->text.data + token->at, text, len) == 0;
}

/* ---- tokens ------------------------------------------------------------------------------- */

/* "a" + and now "b": one string, made of a copy of both when they do not lie together. */
static bool join(struct sk_norm_js *js, const void *text, size_t len) {
    if (js->token_count - js->join_from < 2) {
        return false;
    }
    struct js_token *plus = &js->token[js->token_count - 1];
    struct js_token *string = plus - 1;
    if (plus->kind != JS_OP || !js_token_is(js, plus, "+") || string->kind != JS_STRING) {
        return false;
    }
    if (string->at + string->len == plus->at) { /* the '+' is the last thing in js->text */
        js->text.len = plus->at;
    } else {
        return false;
    }
    js_fail(js, buf_append(&js->text, text, len));
    if (!sk_failed(js->err)) {
        string->len += (uint32_t)len;
        js->token_count--;
    }
    return true;
}

struct js_token *js_room(struct sk_norm_js *js) {
    struct js_token *grown =
        mem_grow(js->token, &js->token_cap, js->token_count + 1, sizeof(*grown));
    if (grown == NULL) {
        js_fail(js, sk_fail(SK_E_NOMEM));
        return NULL;
    }
    js->token = grown;
    return &js->token[js->token_count];
}

void js_add(struct sk_norm_js *js, enum js_kind kind, const void *text, size_t len) {
    if (sk_failed(js->err) || (kind == JS_STRING && join(js, text, len))) {
        return;
    }
    struct js_token *token = js_room(js);
    if (token == NULL) {
        return;
    }
    *token = (struct js_token){.kind = (uint8_t)kind, .at = (uint32_t)js->text.len};
    token->len = (uint32_t)len;
    js_fail(js, js->text.len + len > 4 * SK_NORM_JS_MAX_BYTES ? sk_fail(SK_E_LIMIT)
                                                              : buf_append(&js->text, text, len));
    if (sk_failed(js->err)) {
        return;
    }
    if (kind == JS_INTEGER) {
        token->number = (int32_t)strtol(buf_text(&js->text) + token->at, NULL, 10);
    } else if (kind == JS_FLOAT) {
        token->number = strtod(buf_text(&js->text) + token->at, NULL);
    }
    js->token_count++;
    js_scope_see(js, token);
}

/* ---- printing ----------------------------------------------------------------------------- */

struct printer {
    sk_norm_js_put put;
    void *ctx;
    sk_err err;
    size_t len;
    uint8_t bytes[4096];
};

static void flush(struct printer *out) {
    if (out->len > 0 && !sk_failed(out->err)) {
        out->err = out->put(out->ctx, out->bytes, out->len);
    }
    out->len = 0;
}

static void print(struct printer *out, const void *text, size_t len) {
    const uint8_t *p = text;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = p[i];
        if (c >= 'A' && c <= 'Z') {
            c |= 0x20;
        } else if (c >= '\t' && c <= '\r') {
            c = ' ';
        }
        if (out->len == sizeof(out->bytes)) {
            flush(out);
        }
        out->bytes[out->len++] = c;
    }
}

static void print_text(struct printer *out, const char *text) {
    print(out, text, strlen(text));
}

static void print_token(struct printer *out, const struct sk_norm_js *js,
                        const struct js_token *t) {
    char number[32];
    uint32_t name;
    switch (t->kind) {
    case JS_STRING:
        print_text(out, "\"");
        print(out, js->text.data + t->at, t->len);
        print_text(out, "\"");
        break;
    case JS_INTEGER:
        (void)snprintf(number, sizeof(number), "%d", (int)t->number);
        print_text(out, number);
        break;
    case JS_FLOAT:
        (void)snprintf(number, sizeof(number), "%g", t->number);
        print_text(out, number);
        break;
    case JS_WORD:
        name = (uint32_t)t->number;
        if (name != JS_NONE) {
            (void)snprintf(number, sizeof(number), "n%03u", (unsigned)name);
            print_text(out, number);
            break;
        }
        print(out, js->text.data + t->at, t->len);
        break;
    default:
        print(out, js->text.data + t->at, t->len);
        break;
    }
}

static bool is_wordlike(const struct js_token *t) {
    return t->kind != JS_OP && t->kind != JS_STRING && (t->kind != JS_FIXED || t->len > 0);
}

static sk_err print_all(const struct sk_norm_js *js, sk_norm_js_put put, void *ctx) {
    struct printer out = {.put = put, .ctx = ctx};
    print_text(&out, "<script>");
    for (size_t i = 0; i < js->token_count && !sk_failed(out.err); i++) {
        if (i > 0 && is_wordlike(&js->token[i]) && is_wordlike(&js->token[i - 1])) {
            print_text(&out, " ");
        }
        print_token(&out, js, &js->token[i]);
    }
    print_text(&out, "</script>");
    flush(&out);
    return out.err;
}

/* ---- one script --------------------------------------------------------------------------- */

static void drop_end_tag(struct sk_norm_js *js) {
    static const char *const TAG[] = {"<", "/", "script", ">"};
    size_t count = js->token_count;
    bool there = count >= 4;
    for (size_t i = 0; there && i < 4; i++) {
        const struct js_token *t = &js->token[count - 4 + i];
        there = t->kind != JS_STRING && t->len == strlen(TAG[i]) &&
                strncasecmp((const char *)js->text.data + t->at, TAG[i], t->len) == 0 &&
                (t->kind != JS_WORD || js_scope_number(js, t) == JS_NONE);
    }
    js->token_count -= there ? 4 : 0;
}

/* Before anything is printed: it may fail. */
static void number_names(struct sk_norm_js *js) {
    for (size_t i = 0; i < js->token_count && !sk_failed(js->err); i++) {
        if (js->token[i].kind == JS_WORD) {
            js->token[i].number = js_scope_number(js, &js->token[i]);
        }
    }
}

static void begin(struct sk_norm_js *js) {
    js->err = sk_ok();
    js->fed = 0;
    buf_clear(&js->text);
    buf_clear(&js->part);
    js->token_count = 0;
    js->join_from = 0;
    js->state = JS_SCAN_PLAIN;
    js->before = 0;
    js_scope_begin(js);
}

sk_err sk_norm_js_feed(struct sk_norm_js *js, const uint8_t *bytes, size_t len) {
    if (!sk_failed(js->err) && len > SK_NORM_JS_MAX_BYTES - js->fed) {
        js_fail(js, sk_fail(SK_E_LIMIT));
    }
    if (!sk_failed(js->err)) {
        js->fed += len;
        js->work_left += (uint64_t)JS_WORK_TIMES * len;
        js_scan(js, bytes, len);
    }
    return js->err;
}

sk_err sk_norm_js_finish(struct sk_norm_js *js, sk_norm_js_put put, void *ctx) {
    if (!sk_failed(js->err)) {
        js_scan_end(js);
        while (js->parens > 0 && !sk_failed(js->err)) {
            js_add(js, JS_OP, ")", 1);
        }
    }
    if (!sk_failed(js->err)) {
        js_fold(js);
    }
    if (!sk_failed(js->err)) {
        drop_end_tag(js);
        number_names(js);
    }
    if (!sk_failed(js->err)) {
        js_fail(js, print_all(js, put, ctx));
    }
    sk_err err = js->err;
    begin(js);
    return err;
}

sk_err sk_norm_js_new(struct sk_norm_js **out_js) {
    struct sk_norm_js *js = mem_zalloc(1, sizeof(*js));
    if (js == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    js->work_left = JS_WORK_STEPS;
    begin(js);
    if (sk_failed(js->err)) {
        sk_norm_js_free(js);
        return sk_fail(SK_E_NOMEM);
    }
    *out_js = js;
    return sk_ok();
}

void sk_norm_js_free(struct sk_norm_js *js) {
    if (js == NULL) {
        return;
    }
    buf_release(&js->text);
    buf_release(&js->part);
    mem_free(js->token);
    mem_free(js->scope);
    mem_free(js->decl);
    mem_free(js->bucket);
    mem_free(js);
}
