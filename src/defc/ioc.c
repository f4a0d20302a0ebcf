// SPDX-License-Identifier: Apache-2.0
/*
 * Hashes out of OpenIOC files.
 *
 *   ... <IndicatorItem ...> ... <Content type="md5"> HEX </Content> ... </IndicatorItem> ...
 *
 * Seen with clamscan 1.4.6: every Content inside an IndicatorItem counts whose trimmed text is a
 * hash by its length; conditions, types, operators and nesting are not looked at; names are case
 * sensitive; CDATA is not read. The whole file is read, within a bound; nothing nests here, so
 * nothing recurses. Entities are never expanded: a text with one is no hash, and a document type,
 * which could declare some, is refused.
 */
#include "defc/ioc.h"

#include "base/buf.h"
#include "defc/text.h"

static sk_err read_all(struct sk_stream *in, struct buf *out) {
    uint8_t chunk[4096];
    for (;;) {
        size_t got = 0;
        TRY(sk_stream_read(in, chunk, sizeof(chunk), &got));
        if (got == 0) {
            return sk_ok();
        }
        if (out->len + got > IOC_MAX_BYTES) {
            return sk_fail(SK_E_LIMIT);
        }
        TRY(buf_append(out, chunk, got));
    }
}

static bool is_space(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct sk_bytes trimmed(struct sk_bytes t) {
    while (t.len > 0 && is_space(t.ptr[0])) {
        t = text_from(t, 1);
    }
    while (t.len > 0 && is_space(t.ptr[t.len - 1])) {
        t.len--;
    }
    return t;
}

static bool is_hash(struct sk_bytes t) {
    for (size_t i = 0; i < t.len; i++) {
        uint8_t c = t.ptr[i];
        bool digit = c >= '0' && c <= '9';
        bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (!digit && !letter) {
            return false;
        }
    }
    return t.len == 32 || t.len == 40 || t.len == 64;
}

/* The name of a tag without what follows it. */
static struct sk_bytes tag_name(struct sk_bytes tag) {
    size_t n = 0;
    while (n < tag.len && !is_space(tag.ptr[n]) && (n == 0 || tag.ptr[n] != '/')) {
        n++;
    }
    return text_upto(tag, n);
}

/* Bytes up to and with `mark`; all of them when it is missing. */
static size_t past(struct sk_bytes t, const char *mark) {
    const uint8_t *at = t.len == 0 ? NULL : memmem(t.ptr, t.len, mark, strlen(mark));
    return at == NULL ? t.len : (size_t)(at - t.ptr) + strlen(mark);
}

struct ioc_state {
    bool in_item;
    bool in_content;
};

static void on_tag(struct ioc_state *s, struct sk_bytes tag) {
    struct sk_bytes name = tag_name(tag);
    bool empty = tag.len > 0 && tag.ptr[tag.len - 1] == '/';
    s->in_content = false;
    if (text_is(name, "IndicatorItem")) {
        s->in_item = !empty;
    } else if (text_is(name, "/IndicatorItem")) {
        s->in_item = false;
    } else if (text_is(name, "Content")) {
        s->in_content = s->in_item && !empty;
    }
}

/* One `<...`: how many bytes of rest it takes; 0: refused. */
static size_t on_markup(struct ioc_state *s, struct sk_bytes rest) {
    if (text_starts(rest, "<!DOCTYPE")) {
        return 0;
    }
    if (text_starts(rest, "<!--")) {
        return past(rest, "-->");
    }
    if (text_starts(rest, "<![CDATA[")) {
        s->in_content = false;
        return past(rest, "]]>");
    }
    size_t len = past(rest, ">");
    if (len >= 2 && rest.ptr[1] != '?') {
        on_tag(s, text_upto(text_from(rest, 1), len - 2));
    }
    return len;
}

static sk_err walk(struct sk_bytes rest, ioc_found_fn found, void *ctx) {
    struct ioc_state s = {false, false};
    while (rest.len > 0) {
        size_t len = text_find(rest, '<');
        struct sk_bytes text = trimmed(text_upto(rest, len));
        if (s.in_content && is_hash(text)) {
            TRY(found(ctx, text));
        }
        rest = text_from(rest, len);
        if (rest.len > 0) {
            len = on_markup(&s, rest);
            if (len == 0) {
                return sk_fail(SK_E_FORMAT);
            }
            rest = text_from(rest, len);
        }
    }
    return sk_ok();
}

sk_err ioc_read(struct sk_stream *in, ioc_found_fn found, void *ctx) {
    struct buf whole = {0};
    sk_err err = read_all(in, &whole);
    if (!sk_failed(err)) {
        err = walk((struct sk_bytes){whole.data, whole.len}, found, ctx);
    }
    buf_release(&whole);
    return err;
}
