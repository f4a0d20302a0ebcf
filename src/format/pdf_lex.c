// SPDX-License-Identifier: Apache-2.0
/*
 * What readers accept, not what the specification allows: a stray ')' or '>' is a token of its own,
 * a string without end goes to the end of the bytes, '#' without two digits stands for itself, hex
 * strings pass over what is no digit.
 *
 *     "(a (b) \) c)"   depth counts unescaped parentheses
 *     "/Java#53cript"  is JavaScript
 *     "<</A 1>>"       DICT NAME INT DICT_END
 */
#include "format/pdf_lex.h"

#include <string.h>

#include "base/hex.h"

#define SPACE 1u
#define DELIMITER 2u
static const uint8_t kinds[256] = {
    [0] = SPACE,       ['\t'] = SPACE,    ['\n'] = SPACE,    ['\f'] = SPACE,
    ['\r'] = SPACE,    [' '] = SPACE,     ['('] = DELIMITER, [')'] = DELIMITER,
    ['<'] = DELIMITER, ['>'] = DELIMITER, ['['] = DELIMITER, [']'] = DELIMITER,
    ['{'] = DELIMITER, ['}'] = DELIMITER, ['/'] = DELIMITER, ['%'] = DELIMITER,
};

bool pdf_is_space(uint8_t c) {
    return kinds[c] == SPACE;
}

bool pdf_is_regular(uint8_t c) {
    return kinds[c] == 0;
}

static void skip_space(struct sk_cursor *c) {
    bool comment = false;
    while (c->pos < c->len) {
        uint8_t b = c->ptr[c->pos];
        if (comment) {
            comment = b != '\n' && b != '\r';
        } else if (b == '%') {
            comment = true;
        } else if (!pdf_is_space(b)) {
            return;
        }
        c->pos++;
    }
}

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* The lowest bit that is set belongs to the first byte that is 0; 0: there is none. */
static uint64_t zeros(uint64_t word) {
    return (word - EACH_BYTE) & ~word & EACH_BYTE << 7;
}

/* To the next of "()\\", eight bytes at a time: a string without end is read to the end of the
 * bytes, once for each object that begins in it. May stop before, near the end. */
static void skip_plain(struct sk_cursor *c) {
    uint64_t word;
    while (c->len - c->pos >= sizeof(word)) {
        memcpy(&word, c->ptr + c->pos, sizeof(word));
        uint64_t round = (word & ~EACH_BYTE) ^ EACH_BYTE * '('; /* ')' is the next code */
        uint64_t found = zeros(round) | zeros(word ^ EACH_BYTE * '\\');
        if (found != 0) {
            c->pos += (size_t)__builtin_ctzll(found) / 8;
            return;
        }
        c->pos += sizeof(word);
    }
}

/* pos stands behind '('. */
static bool skip_string(struct sk_cursor *c) {
    uint64_t depth = 1;
    while (skip_plain(c), c->pos < c->len) {
        uint8_t b = c->ptr[c->pos++];
        if (b == '\\') {
            c->pos += c->pos < c->len ? 1 : 0;
        } else if (b == '(') {
            depth++;
        } else if (b == ')' && --depth == 0) {
            return true;
        }
    }
    return false;
}

static bool skip_hex(struct sk_cursor *c) {
    const uint8_t *end = memchr(c->ptr + c->pos, '>', c->len - c->pos);
    c->pos = end == NULL ? c->len : (size_t)(end - c->ptr) + 1;
    return end != NULL;
}

static void lex_regular(struct sk_cursor *c, struct pdf_token *t) {
    size_t start = c->pos;
    bool digits = true;
    int64_t value = 0;
    while (c->pos < c->len && pdf_is_regular(c->ptr[c->pos])) {
        uint8_t b = c->ptr[c->pos];
        bool sign = c->pos == start && (b == '+' || b == '-');
        digits = digits && (sign || (b >= '0' && b <= '9'));
        if (digits && !sign && value < INT64_C(1) << 48) {
            value = value * 10 + (b - '0');
        }
        c->pos++;
    }
    t->kind = digits ? PDF_INT : PDF_WORD;
    t->value = c->ptr[start] == '-' ? -value : value;
    t->cut = c->pos == c->len;
}

static enum pdf_kind lex_delimiter(struct sk_cursor *c, bool *out_cut) {
    uint8_t b = c->ptr[c->pos++];
    bool twice = c->pos < c->len && c->ptr[c->pos] == b;
    switch (b) {
    case '/':
        while (c->pos < c->len && pdf_is_regular(c->ptr[c->pos])) {
            c->pos++;
        }
        *out_cut = c->pos == c->len;
        return PDF_NAME;
    case '(':
        *out_cut = !skip_string(c);
        return PDF_STRING;
    case '[':
        return PDF_ARRAY;
    case ']':
        return PDF_ARRAY_END;
    case '<':
        if (twice) {
            c->pos++;
            return PDF_DICT;
        }
        *out_cut = !skip_hex(c);
        return PDF_HEX;
    case '>':
        c->pos += twice ? 1 : 0;
        return twice ? PDF_DICT_END : PDF_WORD;
    default:
        return PDF_WORD;
    }
}

void pdf_lex(struct sk_cursor *c, struct pdf_token *out_token) {
    skip_space(c);
    struct pdf_token t = {.kind = PDF_END, .ptr = c->ptr, .cut = true};
    size_t start = c->pos;
    if (c->pos < c->len && pdf_is_regular(c->ptr[c->pos])) {
        lex_regular(c, &t);
    } else if (c->pos < c->len) {
        t.cut = false;
        t.kind = lex_delimiter(c, &t.cut);
    }
    t.ptr = start < c->len ? c->ptr + start : NULL;
    t.len = c->pos - start;
    *out_token = t;
}

void pdf_value(struct sk_cursor *c, struct pdf_token *out_token) {
    pdf_lex(c, out_token);
    if (out_token->kind != PDF_INT || out_token->value < 0 || out_token->value >= UINT32_MAX) {
        return;
    }
    struct sk_cursor ahead = *c;
    struct pdf_token t;
    pdf_lex(&ahead, &t);
    if (t.kind != PDF_INT) {
        return;
    }
    pdf_lex(&ahead, &t);
    if (pdf_word_is(&t, "R")) {
        *c = ahead;
        out_token->kind = PDF_REF;
    }
}

/* One character of a name; pos moves on. */
static uint8_t name_char(const struct pdf_token *t, size_t *pos) {
    uint8_t c = t->ptr[(*pos)++];
    if (c != '#' || t->len - *pos < 2) {
        return c;
    }
    int high = sk_hex_digit(t->ptr[*pos]);
    int low = sk_hex_digit(t->ptr[*pos + 1]);
    if (high < 0 || low < 0) {
        return c;
    }
    *pos += 2;
    return (uint8_t)(high << 4 | low);
}

bool pdf_name_is(const struct pdf_token *t, const char *name) {
    if (t->kind != PDF_NAME) {
        return false;
    }
    size_t pos = 1;
    while (pos < t->len) {
        if (*name == '\0' || name_char(t, &pos) != (uint8_t)*name) {
            return false;
        }
        name++;
    }
    return *name == '\0';
}

bool pdf_word_is(const struct pdf_token *t, const char *word) {
    return t->kind == PDF_WORD && t->len == strlen(word) && memcmp(t->ptr, word, t->len) == 0;
}

bool pdf_word_begins(const struct pdf_token *t, const char *word) {
    size_t len = strlen(word);
    return t->kind == PDF_WORD && t->len >= len && memcmp(t->ptr, word, len) == 0;
}

bool pdf_name_hides(const struct pdf_token *t) {
    /* Each tried on clamscan 1.4.6, which alerts for these as key and as value, and for no other
     * of a hundred tried (JS, URI, ObjStm, Catalog, Encrypt, Action, ... are not among them). */
    static const char *const names[] = {"ASCIIHexDecode",
                                        "ASCII85Decode",
                                        "RunLengthDecode",
                                        "LZWDecode",
                                        "CCITTFaxDecode",
                                        "JBIG2Decode",
                                        "DCTDecode",
                                        "JPXDecode",
                                        "FlateDecode",
                                        "Crypt",
                                        "Standard",
                                        "Sig",
                                        "Linearized",
                                        "Image",
                                        "Contents",
                                        "Length",
                                        "Page",
                                        "JavaScript",
                                        "OpenAction",
                                        "EmbeddedFile",
                                        "Filter",
                                        "Launch",
                                        "AHx",
                                        "A85",
                                        "LZW",
                                        "RL",
                                        "Type"};
    if (t->kind != PDF_NAME || memchr(t->ptr, '#', t->len) == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (pdf_name_is(t, names[i])) {
            return true;
        }
    }
    return false;
}

/* ---- strings ---- */

static sk_err hex_bytes(const struct pdf_token *t, struct buf *out) {
    uint8_t byte = 0;
    bool half = false;
    TRY(buf_reserve(out, t->len / 2 + 1));
    for (size_t i = 1; i < t->len; i++) {
        int digit = sk_hex_digit(t->ptr[i]);
        if (digit < 0) {
            continue;
        }
        byte = (uint8_t)(byte << 4 | digit);
        if (half) {
            TRY(buf_append(out, &byte, 1));
        }
        half = !half;
    }
    if (half) {
        byte = (uint8_t)(byte << 4);
        TRY(buf_append(out, &byte, 1));
    }
    return sk_ok();
}

/* pos stands behind the backslash. False: the escape stands for nothing. */
static bool escape(const struct pdf_token *t, size_t *pos, uint8_t *out) {
    static const char from[] = "nrtbf";
    static const char to[] = "\n\r\t\b\f";
    uint8_t c = t->ptr[(*pos)++];
    const char *letter = c == 0 ? NULL : strchr(from, c);
    if (letter != NULL) {
        *out = (uint8_t)to[letter - from];
        return true;
    }
    if (c == '\r' || c == '\n') {
        *pos += c == '\r' && *pos < t->len && t->ptr[*pos] == '\n' ? 1 : 0;
        return false;
    }
    if (c < '0' || c > '7') {
        *out = c;
        return true;
    }
    unsigned value = c - '0';
    for (int i = 0; i < 2 && *pos < t->len && t->ptr[*pos] >= '0' && t->ptr[*pos] <= '7'; i++) {
        value = value * 8 + (unsigned)(t->ptr[(*pos)++] - '0');
    }
    *out = (uint8_t)value;
    return true;
}

sk_err pdf_string_bytes(const struct pdf_token *t, struct buf *out) {
    if (t->kind == PDF_HEX) {
        return hex_bytes(t, out);
    }
    size_t end = t->cut || t->len < 2 ? t->len : t->len - 1;
    size_t pos = 1;
    TRY(buf_reserve(out, t->len));
    while (pos < end) {
        uint8_t c = t->ptr[pos++];
        bool give = true;
        if (c == '\\' && pos < end) {
            give = escape(t, &pos, &c);
        } else if (c == '\r') { /* any line end is one \n */
            pos += pos < end && t->ptr[pos] == '\n' ? 1 : 0;
            c = '\n';
        }
        if (give) {
            TRY(buf_append(out, &c, 1));
        }
    }
    return sk_ok();
}

/* ---- dictionaries ---- */

bool pdf_dict_find(struct sk_bytes bytes, const char *key, struct sk_cursor *out_at) {
    struct sk_cursor c = sk_cursor_of(bytes);
    struct pdf_token t;
    uint64_t depth = 0;
    bool is_key = true;
    for (pdf_value(&c, &t); t.kind != PDF_END; pdf_value(&c, &t)) {
        if (t.kind == PDF_DICT || t.kind == PDF_ARRAY) {
            depth += depth > 0 || t.kind == PDF_DICT ? 1 : 0;
            continue;
        }
        if (t.kind == PDF_DICT_END || t.kind == PDF_ARRAY_END) {
            depth -= depth > 0 ? 1 : 0;
            if (depth == 0 && t.kind == PDF_DICT_END) {
                return false;
            }
            is_key = true; /* whatever closed here was a value */
            continue;
        }
        if (depth != 1) {
            continue;
        }
        if (is_key && pdf_name_is(&t, key)) {
            *out_at = c;
            return true;
        }
        is_key = is_key ? t.kind != PDF_NAME : true;
    }
    return false;
}

int64_t pdf_dict_int(struct sk_bytes bytes, const char *key, int64_t otherwise) {
    struct sk_cursor at;
    struct pdf_token t;
    if (!pdf_dict_find(bytes, key, &at)) {
        return otherwise;
    }
    pdf_value(&at, &t);
    return t.kind == PDF_INT ? t.value : otherwise;
}

bool pdf_dict_name_is(struct sk_bytes bytes, const char *key, const char *name) {
    struct sk_cursor at;
    struct pdf_token t;
    if (!pdf_dict_find(bytes, key, &at)) {
        return false;
    }
    pdf_value(&at, &t);
    return pdf_name_is(&t, name);
}
