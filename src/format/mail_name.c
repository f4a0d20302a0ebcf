// SPDX-License-Identifier: Apache-2.0
/*
 * The name of a part, for people, for rules about members and for what its ending says.
 *
 *     Content-Disposition: filename  >  Content-Type: name  >  last piece of Content-Location
 *
 * as clamscan 1.4.6 chooses (seen). RFC 2231 forms are put together by mail_param.c, RFC 2047 words
 * ("=?iso-2022-jp?B?...?=") are decoded here although RFC 2231 forbids them in parameters: most
 * mail programs write them there. Both end as UTF-8 when the character set is known, else as the
 * bytes they are. Words of a stateful character set may be cut in the middle of a character; each
 * is decoded by itself, as most programs do.
 */
#include "format/mail_parts.h"

#include <string.h>

#include "codec/codec.h"

struct memory_stream {
    struct sk_stream base;
    struct sk_bytes left;
};

static sk_err memory_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct memory_stream *s = (struct memory_stream *)(void *)base;
    size_t n = s->left.len < cap ? s->left.len : cap;
    if (n > 0) {
        memcpy(buf, s->left.ptr, n);
        s->left.ptr += n;
        s->left.len -= n;
    }
    *out_len = n;
    return sk_ok();
}

/* All of a stream, up to MAIL_NAME_MAX_BYTES, into arena memory. */
static bool gather(struct arena *arena, struct sk_stream *s, struct sk_bytes *out_text) {
    uint8_t *out = arena_alloc(arena, MAIL_NAME_MAX_BYTES);
    size_t len = 0;
    size_t got = 1;
    if (out == NULL) {
        return false;
    }
    while (got > 0 && len < MAIL_NAME_MAX_BYTES) {
        if (sk_failed(sk_stream_read(s, out + len, MAIL_NAME_MAX_BYTES - len, &got))) {
            break;
        }
        len += got;
    }
    *out_text = (struct sk_bytes){out, len};
    return true;
}

bool mail_to_utf8(struct arena *arena, struct sk_bytes text, struct sk_bytes charset,
                  struct sk_bytes *out_utf8) {
    struct memory_stream up = {.base = {.read = memory_read}, .left = text};
    struct sk_stream *s = NULL;
    *out_utf8 = text;
    if (charset.len == 0 || text.len == 0) {
        return true;
    }
    sk_err err = sk_charset_open(&up.base, charset, &s);
    if (sk_failed(err)) {
        return err.code != SK_E_NOMEM;
    }
    bool ok = gather(arena, s, out_utf8);
    sk_stream_close(s);
    return ok;
}

/* ---- RFC 2047 ---- */

struct word {
    struct sk_bytes charset;
    uint8_t encoding; /* 'b' or 'q' */
    struct sk_bytes text;
    size_t end; /* behind "?=" */
};

static bool word_at(struct sk_bytes t, size_t at, struct word *out) {
    struct sk_cursor c = sk_cursor_make(t.ptr + at, t.len - at);
    const uint8_t *mark[3];
    size_t from = 2;
    if (sk_cursor_left(&c) < 8 || memcmp(c.ptr, "=?", 2) != 0) {
        return false;
    }
    for (unsigned i = 0; i < 3; i++) {
        mark[i] = from < c.len ? memchr(c.ptr + from, '?', c.len - from) : NULL;
        if (mark[i] == NULL) {
            return false;
        }
        from = (size_t)(mark[i] - c.ptr) + 1;
    }
    if (from >= c.len || c.ptr[from] != '=' || mark[1] - mark[0] != 2) {
        return false;
    }
    out->charset = (struct sk_bytes){c.ptr + 2, (size_t)(mark[0] - c.ptr) - 2};
    const uint8_t *star = memchr(out->charset.ptr, '*', out->charset.len); /* RFC 2231, 5 */
    out->charset.len = star == NULL ? out->charset.len : (size_t)(star - out->charset.ptr);
    out->encoding = mark[0][1] | 0x20;
    out->text = (struct sk_bytes){mark[1] + 1, (size_t)(mark[2] - mark[1]) - 1};
    out->end = at + from + 1;
    return out->encoding == 'b' || out->encoding == 'q';
}

static bool decode_word(struct arena *arena, const struct word *w, struct sk_bytes *out_text) {
    struct memory_stream up = {.base = {.read = memory_read}, .left = w->text};
    struct sk_stream *s = NULL;
    if (w->encoding == 'q') {
        char *copy = arena_strndup(arena, (const char *)w->text.ptr, w->text.len);
        if (copy == NULL) {
            return false;
        }
        for (size_t i = 0; i < w->text.len; i++) {
            copy[i] = copy[i] == '_' ? ' ' : copy[i];
        }
        up.left.ptr = (const uint8_t *)copy;
    }
    sk_err err = w->encoding == 'q' ? sk_quoted_open(&up.base, &s)
                                    : sk_base64_open(&up.base, SK_BASE64_GO_ON, &s);
    struct sk_bytes bytes;
    if (sk_failed(err) || !gather(arena, s, &bytes)) {
        sk_stream_close(s);
        return false;
    }
    sk_stream_close(s);
    return mail_to_utf8(arena, bytes, w->charset, out_text);
}

static size_t put(uint8_t *out, size_t len, struct sk_bytes text) {
    size_t n = text.len < MAIL_NAME_MAX_BYTES - len ? text.len : MAIL_NAME_MAX_BYTES - len;
    if (n > 0) {
        memcpy(out + len, text.ptr, n);
    }
    return len + n;
}

/* Is there only white space between two words? It then belongs to neither. */
static size_t next_word(struct sk_bytes t, size_t at) {
    size_t pos = at;
    while (pos < t.len && (t.ptr[pos] == ' ' || (t.ptr[pos] >= '\t' && t.ptr[pos] <= '\r'))) {
        pos++;
    }
    struct word w;
    return word_at(t, pos, &w) ? pos : at;
}

bool mail_decode_words(struct arena *arena, struct sk_bytes text, struct sk_bytes *out_text) {
    uint8_t *out = arena_alloc(arena, MAIL_NAME_MAX_BYTES);
    size_t len = 0;
    size_t at = 0;
    if (out == NULL) {
        return false;
    }
    while (at < text.len && len < MAIL_NAME_MAX_BYTES) {
        struct word w;
        struct sk_bytes plain;
        if (text.ptr[at] == '=' && word_at(text, at, &w)) {
            if (!decode_word(arena, &w, &plain)) {
                return false;
            }
            len = put(out, len, plain);
            at = next_word(text, w.end);
        } else {
            out[len++] = text.ptr[at++];
        }
    }
    *out_text = (struct sk_bytes){out, len};
    return true;
}

/* ---- choosing ---- */

static struct sk_bytes last_piece(struct sk_bytes url) {
    for (size_t i = url.len; i > 0; i--) {
        if (url.ptr[i - 1] == '/' || url.ptr[i - 1] == '\\') {
            return (struct sk_bytes){url.ptr + i, url.len - i};
        }
    }
    return url;
}

static bool first_param(struct arena *arena, const struct mail_readings *fields, const char *name,
                        struct sk_bytes *out_text) {
    for (unsigned i = 0; i < fields->count && out_text->len == 0; i++) {
        struct mail_readings found = {0};
        if (!mail_params(arena, fields->text[i], name, &found)) {
            return false;
        }
        *out_text = found.count > 0 ? mail_trim(found.text[0]) : *out_text;
    }
    return true;
}

bool mail_name(struct mail *m, const struct mail_head *head, struct sk_bytes *out_name) {
    struct arena *arena = walk_arena(m->walk);
    struct sk_bytes raw = {NULL, 0};
    *out_name = raw;
    if (!first_param(arena, &head->disposition, "filename", &raw) ||
        (raw.len == 0 && !first_param(arena, &head->type, "name", &raw))) {
        return false;
    }
    if (raw.len == 0 && head->location.count > 0) {
        raw = last_piece(head->location.text[0]);
    }
    return raw.len == 0 || mail_decode_words(arena, raw, out_name);
}
