// SPDX-License-Identifier: Apache-2.0
/*
 * Names: which are declared, in which scope, and their numbers.
 *
 *     var a, b = f(1), c;      function f(x, y) { ... }
 *         NAME COMMA NAME ...           NAME COMMA NAME   '}' of its body: the scope ends
 *
 * A function opens a scope and declares its own name in it, so the name is not known outside. A
 * number is given at every declaration; the last one of a name in a scope is what all its uses
 * print, earlier ones too. Names behind '.' and reserved words are left alone.
 *
 * As seen with sigtool 1.4.6: a comma asks for a name only outside of braces of the scope (so in a
 * body only the first name of a `var` is declared) and outside of brackets that opened behind a
 * name; a semicolon ends a declaration only where both are closed. Parentheses do not matter.
 */
#include <string.h>

#include "norm/js_priv.h"

#include "base/mem.h"

static const char *const RESERVED[] = {
    "abstract", "boolean",   "break",      "byte",     "case",         "catch",  "char",
    "class",    "const",     "continue",   "debugger", "default",      "delete", "do",
    "double",   "else",      "enum",       "export",   "extends",      "false",  "final",
    "finally",  "float",     "for",        "function", "goto",         "if",     "implements",
    "import",   "in",        "instanceof", "int",      "interface",    "long",   "native",
    "new",      "null",      "package",    "private",  "protected",    "public", "return",
    "short",    "static",    "super",      "switch",   "synchronized", "this",   "throw",
    "throws",   "transient", "true",       "try",      "typeof",       "var",    "void",
    "volatile", "while",     "with",
};

static bool is_reserved(const uint8_t *text, size_t len) {
    for (size_t i = 0; i < sizeof(RESERVED) / sizeof(RESERVED[0]); i++) {
        if (RESERVED[i][0] == (char)text[0] && strlen(RESERVED[i]) == len &&
            memcmp(RESERVED[i], text, len) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- declarations ------------------------------------------------------------------------- */

static uint64_t text_hash(const uint8_t *text, size_t len) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++) {
        h = (h ^ text[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

/* text: text_hash of the name, so that a search through scopes reads the name once. */
static uint64_t hash_of(uint32_t scope, uint64_t text) {
    uint64_t h = (text ^ scope) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static struct js_decl *decl_find(struct sk_norm_js *js, uint32_t scope,
                                 const struct js_token *token, uint64_t hash) {
    if (js->bucket_count == 0) {
        return NULL;
    }
    const uint8_t *text = js->text.data + token->at;
    uint32_t i = js->bucket[hash_of(scope, hash) & (js->bucket_count - 1)];
    while (i != JS_NONE && js_work(js, 1)) {
        struct js_decl *d = &js->decl[i];
        if (d->scope == scope && d->len == token->len &&
            memcmp(js->text.data + d->at, text, d->len) == 0) {
            return d;
        }
        i = d->next;
    }
    return NULL;
}

static bool buckets_grow(struct sk_norm_js *js) {
    size_t count = js->bucket_count == 0 ? 64 : js->bucket_count * 2;
    uint32_t *bucket = mem_realloc(js->bucket, count * sizeof(*bucket));
    if (bucket == NULL) {
        js_fail(js, sk_fail(SK_E_NOMEM));
        return false;
    }
    js->bucket = bucket;
    js->bucket_count = count;
    memset(bucket, 0xff, count * sizeof(*bucket));
    for (uint32_t i = 0; i < js->decl_count; i++) {
        struct js_decl *d = &js->decl[i];
        uint64_t hash = text_hash(js->text.data + d->at, d->len);
        uint32_t *head = &bucket[hash_of(d->scope, hash) & (count - 1)];
        d->next = *head;
        *head = i;
    }
    return true;
}

static void declare(struct sk_norm_js *js, const struct js_token *token) {
    uint64_t hash = text_hash(js->text.data + token->at, token->len);
    struct js_decl *d = decl_find(js, js->here, token, hash);
    if (d != NULL) {
        d->number = js->names++;
        return;
    }
    struct js_decl *decl = mem_grow(js->decl, &js->decl_cap, js->decl_count + 1, sizeof(*js->decl));
    if (decl == NULL) {
        js_fail(js, sk_fail(SK_E_NOMEM));
        return;
    }
    js->decl = decl;
    if (js->decl_count >= js->bucket_count && !buckets_grow(js)) {
        return;
    }
    uint32_t *head = &js->bucket[hash_of(js->here, hash) & (js->bucket_count - 1)];
    decl[js->decl_count] = (struct js_decl){js->here, token->at, token->len, js->names++, *head};
    *head = (uint32_t)js->decl_count++;
}

uint32_t js_scope_number(struct sk_norm_js *js, const struct js_token *token) {
    uint32_t scope = token->scope;
    uint64_t hash = text_hash(js->text.data + token->at, token->len);
    while (scope != JS_NONE && js_work(js, 1)) {
        const struct js_decl *d = decl_find(js, scope, token, hash);
        if (d != NULL) {
            return d->number;
        }
        scope = js->scope[scope].parent;
    }
    return JS_NONE;
}

/* ---- scopes ------------------------------------------------------------------------------- */

static void scope_open(struct sk_norm_js *js, uint32_t parent) {
    struct js_scope *scope =
        mem_grow(js->scope, &js->scope_cap, js->scope_count + 1, sizeof(*js->scope));
    if (scope == NULL) {
        js_fail(js, sk_fail(SK_E_NOMEM));
        return;
    }
    js->scope = scope;
    scope[js->scope_count] = (struct js_scope){.parent = parent};
    js->here = (uint32_t)js->scope_count++;
}

void js_scope_begin(struct sk_norm_js *js) {
    js->scope_count = 0;
    js->decl_count = 0;
    js->names = 0;
    js->parens = 0;
    if (js->bucket_count > 0) {
        memset(js->bucket, 0xff, js->bucket_count * sizeof(*js->bucket));
    }
    scope_open(js, JS_NONE);
}

static void want(struct js_scope *scope, enum js_want what, bool bare) {
    scope->want = (uint8_t)what;
    scope->bare = bare;
}

static void see_reserved(struct sk_norm_js *js, const struct js_token *token) {
    if (js_token_is(js, token, "function")) {
        scope_open(js, js->here);
        if (!sk_failed(js->err)) {
            want(&js->scope[js->here], JS_WANT_NAME, true);
            js->scope[js->here].head = true;
        }
    } else if (js_token_is(js, token, "var")) {
        want(&js->scope[js->here], JS_WANT_NAME, false);
        js->scope[js->here].skipped = 0;
        js->scope[js->here].head = false;
    }
}

static void see_word(struct sk_norm_js *js, struct js_token *token) {
    struct js_scope *scope = &js->scope[js->here];
    token->scope = js->here;
    if (token->len > 0 && is_reserved(js->text.data + token->at, token->len)) {
        token->kind = JS_FIXED;
        see_reserved(js, token);
        return;
    }
    if (token != js->token && token[-1].kind == JS_OP && js_token_is(js, &token[-1], ".")) {
        token->kind = JS_FIXED;
        return;
    }
    if (scope->want == JS_WANT_NAME) {
        declare(js, token);
        bool own = scope->head; /* the name of the function itself */
        want(scope, own ? JS_WANT_NOTHING : JS_WANT_COMMA, false);
    }
}

static void see_brace(struct sk_norm_js *js, struct js_scope *scope, uint8_t c) {
    if (c == '{') {
        scope->braces++;
        scope->head = false;
        if (scope->bare) {
            want(scope, JS_WANT_NOTHING, false);
        }
        return;
    }
    scope->braces -= scope->braces > 0;
    if (scope->braces == 0 && js->here != 0) {
        js->here = scope->parent;
    }
}

static void see_bracket(struct js_scope *scope, uint8_t c) {
    if (c == '[') {
        scope->brackets++;
        scope->skipped += scope->want == JS_WANT_COMMA;
        return;
    }
    scope->brackets -= scope->brackets > 0;
    scope->skipped -= scope->skipped > 0;
}

static void see_op(struct sk_norm_js *js, uint8_t c) {
    struct js_scope *scope = &js->scope[js->here];
    switch (c) {
    case '(':
        js->parens++;
        if (scope->head) {
            want(scope, JS_WANT_NAME, true);
            scope->head = false;
        }
        break;
    case ')':
        js->parens -= js->parens > 0;
        scope->head = false;
        break;
    case '{':
    case '}':
        see_brace(js, scope, c);
        break;
    case '[':
    case ']':
        see_bracket(scope, c);
        break;
    case ',':
        if (scope->want == JS_WANT_COMMA && scope->braces == 0 && scope->skipped == 0) {
            want(scope, JS_WANT_NAME, false);
        }
        break;
    case ';':
        if (scope->braces == 0 && scope->brackets == 0) {
            want(scope, JS_WANT_NOTHING, false);
            scope->head = false;
        }
        break;
    default:
        break;
    }
}

void js_scope_see(struct sk_norm_js *js, struct js_token *token) {
    if (token->kind == JS_WORD) {
        see_word(js, token);
    } else if (token->kind == JS_OP && token->len == 1) {
        see_op(js, js->text.data[token->at]);
    }
}
