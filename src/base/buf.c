// SPDX-License-Identifier: Apache-2.0
/*
 * Growing buffer. One spare byte behind the data is always a NUL, so text needs no copy.
 * The two escapers share one UTF-8 decoder that accepts only shortest forms and no surrogates
 * (RFC 3629), because file names and member names are written by the adversary.
 */
#include "base/buf.h"

sk_err buf_reserve(struct buf *b, size_t more) {
    size_t need;
    if (__builtin_add_overflow(b->len, more, &need) || __builtin_add_overflow(need, 1, &need)) {
        return sk_fail(SK_E_NOMEM);
    }
    uint8_t *grown = mem_grow(b->data, &b->cap, need, 1);
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    b->data = grown;
    return sk_ok();
}

sk_err buf_append(struct buf *b, const void *bytes, size_t len) {
    TRY(buf_reserve(b, len));
    if (len != 0) {
        memcpy(b->data + b->len, bytes, len);
    }
    b->len += len;
    b->data[b->len] = 0;
    return sk_ok();
}

sk_err buf_puts(struct buf *b, const char *text) {
    return buf_append(b, text, strlen(text));
}

sk_err buf_vprintf(struct buf *b, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    int need = vsnprintf(NULL, 0, fmt, args);
    sk_err err = need < 0 ? sk_fail(SK_E_INTERNAL) : buf_reserve(b, (size_t)need);
    if (!sk_failed(err)) {
        vsnprintf((char *)b->data + b->len, (size_t)need + 1, fmt, again);
        b->len += (size_t)need;
    }
    va_end(again);
    return err;
}

sk_err buf_printf(struct buf *b, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    sk_err err = buf_vprintf(b, fmt, args);
    va_end(args);
    return err;
}

void buf_clear(struct buf *b) {
    b->len = 0;
    if (b->data != NULL) {
        b->data[0] = 0;
    }
}

void buf_release(struct buf *b) {
    mem_free(b->data);
    *b = (struct buf){0};
}

const char *buf_text(const struct buf *b) {
    return b->data == NULL || b->len == 0 ? "" : (const char *)b->data;
}

/* Length of the well-formed UTF-8 sequence at p, or 0. *out_code is its code point. */
static size_t utf8_len(const uint8_t *p, size_t left, uint32_t *out_code) {
    static const uint32_t SMALLEST[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
               : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
               : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
                                             : 0;
    if (n == 0 || n > left) {
        return 0;
    }
    uint32_t code = n == 1 ? p[0] : p[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (p[i] & 0x3f);
    }
    if ((n > 1 && code < SMALLEST[n]) || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        return 0;
    }
    *out_code = code;
    return n;
}

/* C1 controls and the bidirectional overrides can disguise a name on a terminal. */
static bool disguises(uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200e && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static sk_err put_hex_bytes(struct buf *b, const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        TRY(buf_printf(b, "\\x%02x", p[i]));
    }
    return sk_ok();
}

sk_err buf_put_escaped(struct buf *b, const char *text, size_t len) {
    const uint8_t *p = (const uint8_t *)text;
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        size_t n = utf8_len(p + i, len - i, &code);
        if (n == 0) {
            TRY(put_hex_bytes(b, p + i, 1));
            n = 1;
        } else if (code == '\n' || code == '\t' || code == '\r') {
            TRY(buf_puts(b, code == '\n' ? "\\n" : code == '\t' ? "\\t" : "\\r"));
        } else if (code == '\\') {
            TRY(buf_puts(b, "\\\\"));
        } else if (disguises(code)) {
            TRY(put_hex_bytes(b, p + i, n));
        } else {
            TRY(buf_append(b, p + i, n));
        }
        i += n;
    }
    return sk_ok();
}

sk_err buf_put_json(struct buf *b, const char *text, size_t len) {
    const uint8_t *p = (const uint8_t *)text;
    TRY(buf_puts(b, "\""));
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        size_t n = utf8_len(p + i, len - i, &code);
        if (n == 0) {
            TRY(buf_puts(b, "\\ufffd"));
            n = 1;
        } else if (code == '"' || code == '\\') {
            TRY(buf_printf(b, "\\%c", (int)code));
        } else if (disguises(code)) { /* all below 0xffff; valid JSON either way */
            TRY(buf_printf(b, "\\u%04x", code));
        } else {
            TRY(buf_append(b, p + i, n));
        }
        i += n;
    }
    return buf_puts(b, "\"");
}
