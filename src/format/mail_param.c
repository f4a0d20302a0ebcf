// SPDX-License-Identifier: Apache-2.0
/*
 * Fields with parameters, read in every way that mail programs do.
 *
 *     multipart/mixed; boundary="a b" (comment); name*0*=utf-8''%41; name*1=b
 *     \_ mail_media _/ \________________ mail_params _____________________/
 *
 * The strict reading follows RFC 2045 (comments, quoted strings, backslashes) and RFC 2231 (parts
 * in the order of their numbers, percent signs, character set). The naive one looks for the name
 * anywhere and takes what follows the '=': it finds parameters that broken quotes or comments hide
 * from the strict one. Where a value can be cut in several ways (unquoted with blanks, backslashes,
 * a quote that never closes) each is a reading. Equal readings are kept once, MAIL_READINGS_MAX at
 * most.
 *
 * Seen with clamscan 1.4.6: it too takes boundaries without, with single and with unclosed quotes,
 * with blanks around '=' and with comments before or behind.
 */
#include "format/mail_parts.h"

#include <string.h>

#include "base/hex.h"
#include "codec/codec.h"

#define SEGMENTS_MAX 64u

bool mail_readings_add(struct arena *arena, struct mail_readings *list, struct sk_bytes text) {
    if (list->count == MAIL_READINGS_MAX) {
        return true;
    }
    for (unsigned i = 0; i < list->count; i++) {
        if (list->text[i].len == text.len &&
            (text.len == 0 || memcmp(list->text[i].ptr, text.ptr, text.len) == 0)) {
            return true;
        }
    }
    char *copy = arena_strndup(arena, text.len == 0 ? "" : (const char *)text.ptr, text.len);
    if (copy == NULL) {
        return false;
    }
    list->text[list->count++] = (struct sk_bytes){(const uint8_t *)copy, text.len};
    return true;
}

static bool is_white(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct sk_bytes slice(struct sk_bytes text, size_t from, size_t to) {
    /* An empty text may have no bytes to point at. */
    return (struct sk_bytes){text.ptr == NULL ? NULL : text.ptr + from, to - from};
}

/* Behind a comment that begins at pos (they nest), or the end. */
static size_t skip_comment(struct sk_bytes t, size_t pos) {
    unsigned open = 0;
    while (pos < t.len) {
        uint8_t c = t.ptr[pos++];
        if (c == '\\' && pos < t.len) {
            pos++;
        } else if (c == '(') {
            open++;
        } else if (c == ')' && --open == 0) {
            break;
        }
    }
    return pos;
}

static size_t skip_white(struct sk_bytes t, size_t pos) {
    while (pos < t.len && (is_white(t.ptr[pos]) || t.ptr[pos] == '(')) {
        pos = t.ptr[pos] == '(' ? skip_comment(t, pos) : pos + 1;
    }
    return pos;
}

/* The quote that closes the one before pos, or the end. */
static size_t find_quote(struct sk_bytes t, size_t pos) {
    while (pos < t.len && t.ptr[pos] != '"') {
        pos += t.ptr[pos] == '\\' ? 2 : 1;
    }
    return pos < t.len ? pos : t.len;
}

static size_t find_byte(struct sk_bytes t, size_t pos, uint8_t byte) {
    const uint8_t *at = pos < t.len ? memchr(t.ptr + pos, byte, t.len - pos) : NULL;
    return at == NULL ? t.len : (size_t)(at - t.ptr);
}

bool mail_media(struct arena *arena, struct sk_bytes field, struct sk_bytes *out_text) {
    uint8_t *out = arena_alloc(arena, field.len);
    size_t len = 0;
    if (out == NULL) {
        return false;
    }
    for (size_t pos = skip_white(field, 0); pos < field.len && field.ptr[pos] != ';';) {
        uint8_t c = field.ptr[pos];
        if (c != '"') { /* "multipart"/"mixed" is taken by some */
            out[len++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
        }
        pos = skip_white(field, pos + 1);
    }
    *out_text = (struct sk_bytes){out, len};
    return true;
}

/* ---- strict ---- */

struct param {
    struct sk_bytes name;
    struct sk_bytes value; /* without quotes, backslashes as they are */
    bool quoted;
};

/* The parameter at or behind *pos. */
static bool next_param(struct sk_bytes t, size_t *pos, struct param *out) {
    size_t at = skip_white(t, *pos);
    while (at < t.len && t.ptr[at] == ';') {
        at = skip_white(t, at + 1);
    }
    if (at == t.len) {
        return false;
    }
    size_t name = at;
    while (at < t.len && t.ptr[at] != '=' && t.ptr[at] != ';' && t.ptr[at] != '(' &&
           !is_white(t.ptr[at])) {
        at++;
    }
    *out = (struct param){.name = slice(t, name, at)};
    at = skip_white(t, at);
    if (at < t.len && t.ptr[at] == '=') {
        at = skip_white(t, at + 1);
        out->quoted = at < t.len && t.ptr[at] == '"';
        size_t end = out->quoted ? find_quote(t, at + 1) : find_byte(t, at, ';');
        out->value = slice(t, at + out->quoted, end);
        at = out->quoted && end < t.len ? end + 1 : end;
    } else if (at == name) {
        at++; /* a byte that begins nothing */
    }
    *pos = at;
    return true;
}

static bool add_unescaped(struct arena *arena, struct mail_readings *list, struct sk_bytes raw) {
    uint8_t *out = arena_alloc(arena, raw.len);
    size_t len = 0;
    if (out == NULL) {
        return false;
    }
    for (size_t i = 0; i < raw.len; i++) {
        i += raw.ptr[i] == '\\' && i + 1 < raw.len;
        out[len++] = raw.ptr[i];
    }
    return mail_readings_add(arena, list, (struct sk_bytes){out, len});
}

/* Each way to cut the value. */
static bool add_value(struct arena *arena, struct mail_readings *list, const struct param *p) {
    struct sk_bytes v = p->value;
    if (p->quoted) {
        return add_unescaped(arena, list, v) && mail_readings_add(arena, list, v) &&
               mail_readings_add(arena, list, mail_trim(v));
    }
    v = mail_trim(v);
    size_t word = 0;
    while (word < v.len && !is_white(v.ptr[word]) && v.ptr[word] != '(') {
        word++;
    }
    return mail_readings_add(arena, list, slice(v, 0, word)) && mail_readings_add(arena, list, v);
}

/* ---- RFC 2231 ---- */

struct segment {
    struct sk_bytes value;
    unsigned number;
    bool escaped;
};

/* "name*", "name*3", "name*3*": is it this name, and which part? */
static bool segment_of(struct sk_bytes attr, const char *name, struct segment *out) {
    size_t len = strlen(name);
    if (attr.len <= len || attr.ptr[len] != '*' || !mail_word_is(slice(attr, 0, len), name)) {
        return false;
    }
    size_t at = len + 1;
    unsigned number = 0;
    while (at < attr.len && attr.ptr[at] >= '0' && attr.ptr[at] <= '9' && number < 10000) {
        number = number * 10 + (attr.ptr[at++] - '0');
    }
    out->number = number;
    out->escaped = at == len + 1 || (at < attr.len && attr.ptr[at] == '*');
    return true;
}

static size_t unescape(struct sk_bytes in, uint8_t *out) {
    size_t len = 0;
    for (size_t i = 0; i < in.len; i++) {
        if (in.ptr[i] == '%' && i + 2 < in.len && sk_hex_digit(in.ptr[i + 1]) >= 0 &&
            sk_hex_digit(in.ptr[i + 2]) >= 0) {
            out[len++] = (uint8_t)(sk_hex_digit(in.ptr[i + 1]) << 4 | sk_hex_digit(in.ptr[i + 2]));
            i += 2;
        } else {
            out[len++] = in.ptr[i];
        }
    }
    return len;
}

/* charset'language'text; *out_rest is all of it when there are no two apostrophes. */
static struct sk_bytes charset_of(struct sk_bytes text, struct sk_bytes *out_rest) {
    size_t first = find_byte(text, 0, '\'');
    size_t second = find_byte(text, first + 1, '\'');
    if (second >= text.len) {
        *out_rest = text;
        return (struct sk_bytes){NULL, 0};
    }
    *out_rest = slice(text, second + 1, text.len);
    return slice(text, 0, first);
}

/* The segments in the order of their numbers, put together. */
static bool add_segments(struct arena *arena, struct mail_readings *list, struct segment *seg,
                         unsigned count) {
    size_t room = 0;
    for (unsigned i = 0; i < count; i++) {
        room += seg[i].value.len;
        for (unsigned k = i; k > 0 && seg[k - 1].number > seg[k].number; k--) {
            struct segment swap = seg[k];
            seg[k] = seg[k - 1];
            seg[k - 1] = swap;
        }
    }
    uint8_t *text = arena_alloc(arena, room);
    if (text == NULL) {
        return false;
    }
    size_t len = 0;
    struct sk_bytes charset = {NULL, 0};
    for (unsigned i = 0; i < count; i++) {
        struct sk_bytes value = seg[i].value;
        if (i == 0 && seg[i].escaped) {
            charset = charset_of(value, &value);
        }
        if (seg[i].escaped) {
            len += unescape(value, text + len);
        } else if (value.len > 0) {
            memcpy(text + len, value.ptr, value.len);
            len += value.len;
        }
    }
    struct sk_bytes utf8;
    return mail_to_utf8(arena, (struct sk_bytes){text, len}, charset, &utf8) &&
           mail_readings_add(arena, list, utf8) &&
           mail_readings_add(arena, list, (struct sk_bytes){text, len});
}

static bool strict_params(struct arena *arena, struct sk_bytes field, const char *name,
                          struct mail_readings *out_list) {
    struct segment *seg = arena_zalloc(arena, SEGMENTS_MAX, sizeof(*seg));
    if (seg == NULL) {
        return false;
    }
    unsigned count = 0;
    size_t pos = 0;
    struct param p;
    bool ok = true;
    while (ok && next_param(field, &pos, &p)) {
        if (mail_word_is(p.name, name)) {
            ok = add_value(arena, out_list, &p);
        } else if (count < SEGMENTS_MAX && segment_of(p.name, name, &seg[count])) {
            seg[count].value = p.quoted ? p.value : mail_trim(p.value);
            count++;
        }
    }
    return ok && (count == 0 || add_segments(arena, out_list, seg, count));
}

/* ---- naive ---- */

static bool naive_value(struct arena *arena, struct sk_bytes t, size_t at,
                        struct mail_readings *out_list) {
    while (at < t.len && is_white(t.ptr[at])) {
        at++;
    }
    if (at == t.len || t.ptr[at] != '=') {
        return true;
    }
    at++;
    while (at < t.len && is_white(t.ptr[at])) {
        at++;
    }
    if (at < t.len && (t.ptr[at] == '"' || t.ptr[at] == '\'')) {
        size_t end = find_byte(t, at + 1, t.ptr[at]);
        size_t semicolon = find_byte(t, at + 1, ';');
        return mail_readings_add(arena, out_list, slice(t, at + 1, end)) &&
               (end < t.len || mail_readings_add(arena, out_list, slice(t, at + 1, semicolon)));
    }
    size_t end = find_byte(t, at, ';');
    size_t word = at;
    while (word < end && !is_white(t.ptr[word]) && t.ptr[word] != '"') {
        word++;
    }
    return mail_readings_add(arena, out_list, slice(t, at, word)) &&
           mail_readings_add(arena, out_list, mail_trim(slice(t, at, end)));
}

static bool naive_params(struct arena *arena, struct sk_bytes field, const char *name,
                         struct mail_readings *out_list) {
    size_t at;
    size_t from = 0;
    while (out_list->count < MAIL_READINGS_MAX && from < field.len &&
           mail_word_in(slice(field, from, field.len), name, &at)) {
        from += at + strlen(name);
        if (!naive_value(arena, field, from, out_list)) {
            return false;
        }
    }
    return true;
}

bool mail_params(struct arena *arena, struct sk_bytes field, const char *name,
                 struct mail_readings *out_list) {
    return strict_params(arena, field, name, out_list) &&
           naive_params(arena, field, name, out_list);
}
