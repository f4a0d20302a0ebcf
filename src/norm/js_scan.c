// SPDX-License-Identifier: Apache-2.0
/*
 * The scanner: bytes in any pieces to tokens. A token is complete when the byte behind it is seen;
 * until then its bytes wait in `part`, and at the end of a script they are left out (strings
 * excepted). Text that eval() hands over goes on where the last one ended.
 *
 *     PLAIN --quote--> STRING --the same quote, no backslash before--> PLAIN
 *       |---slash *--> BLOCK  --* slash------------------------------> PLAIN
 *       +---slash /--> LINE   --space or line feed-------------------> PLAIN
 *
 * As seen with sigtool 1.4.6: a line comment ends at the first space, too; a backslash before a
 * quote keeps a string open even when it is itself escaped; digits are a number of the C library
 * (integers keep 32 bits); bytes that belong to nothing part tokens and go.
 */
#include <stdlib.h>
#include <string.h>

#include "norm/js_priv.h"

#include "base/hex.h"

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static bool is_word(uint8_t c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static bool is_word_part(const struct buf *part) {
    return part->len > 0 && (is_word(part->data[0]) || part->data[0] == '\\') &&
           !is_digit(part->data[0]);
}

static bool is_op(uint8_t c) {
    return c != 0 && strchr("!%&()*+,-./:;<=>?[]^{|}~", c) != NULL;
}

/* ---- strings ------------------------------------------------------------------------------ */

/* A digit that is none counts as 0, as the last one it spoils the number. */
static uint32_t hex_number(const uint8_t *p, size_t len) {
    uint32_t value = 0;
    for (size_t i = 0; i < len; i++) {
        int digit = sk_hex_digit(p[i]);
        if (digit < 0 && i + 1 == len) {
            return len == 2 ? 0xff : 0xffff;
        }
        value = value << 4 | (uint32_t)(digit < 0 ? 0 : digit);
    }
    return value;
}

static void put_byte(struct sk_norm_js *js, struct buf *out, uint8_t c) {
    js_fail(js, buf_append(out, &c, 1));
}

/* p: behind the backslash. Returns how many bytes were taken. */
static size_t unquote_one(struct sk_norm_js *js, const uint8_t *p, size_t left, struct buf *out) {
    static const char NAMED[] = "bfnrtv0";
    static const uint8_t VALUE[] = {8, 12, 10, 13, 9, 11, 1};
    if (left == 0) {
        return 0;
    }
    const char *named = p[0] == 0 ? NULL : strchr(NAMED, p[0]);
    if (named != NULL) {
        put_byte(js, out, VALUE[named - NAMED]);
        return 1;
    }
    if (p[0] == 'x') {
        if (left < 3) {
            put_byte(js, out, '\\');
            return left;
        }
        uint32_t value = hex_number(p + 1, 2);
        put_byte(js, out, value == 0 ? 1 : (uint8_t)value);
        return 3;
    }
    if (p[0] == 'u') {
        if (left < 5) {
            put_byte(js, out, '\\');
            return 1;
        }
        uint8_t utf8[3];
        js_fail(js, buf_append(out, utf8, js_utf8(hex_number(p + 1, 4), utf8)));
        return 5;
    }
    put_byte(js, out, p[0]);
    return 1;
}

static void unquote(struct sk_norm_js *js, struct buf *out) {
    const uint8_t *p = js->part.data;
    size_t len = js->part.len;
    for (size_t i = 0; i < len;) {
        const uint8_t *slash = memchr(p + i, '\\', len - i);
        size_t plain = slash == NULL ? len - i : (size_t)(slash - (p + i));
        js_fail(js, buf_append(out, p + i, plain));
        i += plain;
        if (slash != NULL) {
            i++;
            i += unquote_one(js, p + i, len - i, out);
        }
    }
}

static void string_ends(struct sk_norm_js *js) {
    struct buf decoded = {0};
    if (js->part.len == 0 || memchr(js->part.data, '\\', js->part.len) == NULL) {
        js_add(js, JS_STRING, js->part.data, js->part.len);
    } else {
        unquote(js, &decoded);
        js_add(js, JS_STRING, decoded.data, decoded.len);
    }
    buf_release(&decoded);
    buf_clear(&js->part);
    js->state = JS_SCAN_PLAIN;
}

static size_t scan_string(struct sk_norm_js *js, const uint8_t *p, size_t len) {
    size_t i = 0;
    while (i < len) {
        uint8_t c = p[i];
        if (c == js->quote && js->before != '\\') {
            js_fail(js, buf_append(&js->part, p, i));
            js->before = 0;
            string_ends(js);
            return i + 1;
        }
        js->before = c;
        i++;
    }
    js_fail(js, buf_append(&js->part, p, len));
    return len;
}

/* ---- comments ----------------------------------------------------------------------------- */

static size_t scan_line(struct sk_norm_js *js, const uint8_t *p, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (p[i] == ' ' || p[i] == '\n') {
            js->state = JS_SCAN_PLAIN;
            return i + 1;
        }
    }
    return len;
}

static size_t scan_block(struct sk_norm_js *js, const uint8_t *p, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (p[i] == '/' && js->before == '*') {
            js->before = 0;
            js->state = JS_SCAN_PLAIN;
            return i + 1;
        }
        js->before = p[i];
    }
    return len;
}

/* ---- words, numbers, operators ------------------------------------------------------------ */

static bool number_goes_on(struct sk_norm_js *js, uint8_t c) {
    if (is_digit(c)) {
        return true;
    }
    const char *text = buf_text(&js->part);
    (void)js_work(js, js->part.len); /* a number may have any length; the scanner sees the error */
    bool point = strchr(text, '.') != NULL;
    const char *e = strpbrk(text, "eE");
    if (c == '.') {
        return !point;
    }
    if (c == 'e' || c == 'E') {
        return point;
    }
    return (c == '+' || c == '-') && e != NULL && e[1] == '\0';
}

static bool op_goes_on(const struct buf *part, uint8_t c) {
    static const char *const LONG[] = {
        "++", "--", "&&", "||", "==",  "!=",  ">=", "+=",  "-=",  "*=",  "/=",
        "%=", "&=", "|=", "^=", "===", "!==", ">>", ">>>", ">>=", ">>>="};
    if (c == 0) {
        return false; /* it would be taken for the end of a row of LONG */
    }
    for (size_t i = 0; i < sizeof(LONG) / sizeof(LONG[0]); i++) {
        if (strncmp(LONG[i], buf_text(part), part->len) == 0 && LONG[i][part->len] == (char)c) {
            return true;
        }
    }
    return false;
}

static void number_ends(struct sk_norm_js *js) {
    const char *text = buf_text(&js->part);
    bool real = strpbrk(text, ".eE") != NULL;
    js_add(js, real ? JS_FLOAT : JS_INTEGER, text, js->part.len);
}

/* What waits is complete: c does not belong to it. */
static void part_ends(struct sk_norm_js *js) {
    if (js->part.len == 0) {
        return;
    }
    uint8_t first = js->part.data[0];
    if (is_digit(first)) {
        number_ends(js);
    } else if (is_word_part(&js->part)) {
        js_add(js, JS_WORD, js->part.data, js->part.len);
    } else {
        js_add(js, JS_OP, js->part.data, js->part.len);
    }
    buf_clear(&js->part);
}

static bool part_goes_on(struct sk_norm_js *js, uint8_t c) {
    if (js->part.len == 0) {
        return false;
    }
    uint8_t first = js->part.data[0];
    if (is_digit(first)) {
        return number_goes_on(js, c);
    }
    return is_word_part(&js->part) ? is_word(c) : op_goes_on(&js->part, c);
}

/* Does c make a comment of the waiting '/'? */
static bool opens_comment(struct sk_norm_js *js, uint8_t c) {
    if (js->part.len != 1 || js->part.data[0] != '/' || (c != '/' && c != '*')) {
        return false;
    }
    buf_clear(&js->part);
    js->state = c == '/' ? JS_SCAN_LINE : JS_SCAN_BLOCK;
    js->before = 0;
    return true;
}

/* A backslash belongs to a word (or is an empty one) and ends it, unless 'u' follows: then it stays
 * and the 'u' goes. True: c was taken. */
static bool slash_goes_on(struct sk_norm_js *js, uint8_t c) {
    js->before = 0;
    if (js->part.len == 0) { /* it stood at the end of a text, and was told there */
        return false;
    }
    if (c == 'u') {
        return true;
    }
    js->part.len--;
    js_add(js, JS_WORD, js->part.data, js->part.len);
    buf_clear(&js->part);
    return false;
}

static void plain_byte(struct sk_norm_js *js, uint8_t c) {
    if (js->before == '\\' && slash_goes_on(js, c)) {
        return;
    }
    if (c == '\\') {
        if (!is_word_part(&js->part)) {
            part_ends(js);
        }
        put_byte(js, &js->part, c);
        js->before = c;
        return;
    }
    if (opens_comment(js, c)) {
        return;
    }
    if (part_goes_on(js, c)) {
        put_byte(js, &js->part, c);
        return;
    }
    part_ends(js);
    if (c == '"' || c == '\'') {
        js->state = JS_SCAN_STRING;
        js->quote = c;
    } else if (is_word(c)) {
        put_byte(js, &js->part, c);
    } else if (is_op(c)) {
        put_byte(js, &js->part, c);
        if (strchr("!%&*+-/=>^|", c) == NULL) {
            part_ends(js);
        }
    }
}

static size_t scan_plain(struct sk_norm_js *js, const uint8_t *p, size_t len) {
    size_t i = 0;
    while (i < len && js->state == JS_SCAN_PLAIN && !sk_failed(js->err)) {
        if (js->before == 0 && is_word_part(&js->part)) {
            size_t word = 0;
            while (i + word < len && is_word(p[i + word])) {
                word++;
            }
            js_fail(js, buf_append(&js->part, p + i, word));
            i += word;
            if (i == len) {
                break;
            }
        }
        plain_byte(js, p[i++]);
    }
    return i;
}

void js_scan(struct sk_norm_js *js, const uint8_t *bytes, size_t len) {
    typedef size_t step(struct sk_norm_js *, const uint8_t *, size_t);
    static step *const STEPS[] = {[JS_SCAN_PLAIN] = scan_plain,
                                  [JS_SCAN_STRING] = scan_string,
                                  [JS_SCAN_LINE] = scan_line,
                                  [JS_SCAN_BLOCK] = scan_block};
    for (size_t i = 0; i < len && !sk_failed(js->err);) {
        i += STEPS[js->state](js, bytes + i, len - i);
    }
}

void js_scan_pause(struct sk_norm_js *js) {
    if (js->part.len > 0 && js->state == JS_SCAN_PLAIN && !is_digit(js->part.data[0]) &&
        !is_word_part(&js->part)) {
        part_ends(js);
    }
}

void sk_norm_js_edge(struct sk_norm_js *js) {
    js_scan_pause(js);
    js->before = js->state == JS_SCAN_STRING ? 0 : js->before;
}

void js_scan_end(struct sk_norm_js *js) {
    if (js->state == JS_SCAN_STRING) {
        string_ends(js);
    }
    if (js->state == JS_SCAN_LINE) {
        js->state = JS_SCAN_PLAIN;
    }
    js_scan_pause(js);
}
