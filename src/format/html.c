// SPDX-License-Identifier: Apache-2.0
/*
 * HTML as a container: what data: addresses (RFC 2397) hold themselves, in any attribute, in style
 * sheets (url()) and in scripts.
 *
 *     quote or ( or = or space   data:   [type][;parameter]... [;base64]   ,   data   end
 *
 * The end is the quote or parenthesis that the address began behind, else white space, a quote,
 * '>' or ')'. %XX is decoded first, then base64. A member is called by its type. The text of the
 * page itself is searched by the engine (norm/html.h); the type HTML comes from content.c, so this
 * reader never bids: the engine walks it on every HTML layer.
 *
 * ClamAV looks at attribute values only; here every place counts, since a browser's idea of the
 * page may differ from ours.
 *
 * A page in UTF-16 is a member once more in UTF-8, as a browser reads it: its addresses are found
 * there, and signatures for UTF-8. The readings that ClamAV's signatures know: engine/view_html.c.
 */
#include <string.h>
#include <strings.h>

#include "base/hex.h"
#include "codec/codec.h"
#include "format/content.h"
#include "format/format.h"

#define HEADER_MAX_BYTES ((size_t)256)

/* Bytes with %XX decoded. */
struct percent {
    struct sk_stream base;
    struct sk_stream *up;
    uint8_t held[3]; /* of a %XX that the last piece cut */
    size_t held_len;
};

/* In place; what may be the start of a %XX is held back unless `last`. */
static size_t decode(struct percent *p, uint8_t *buf, size_t len, bool last) {
    size_t put = 0;
    for (size_t i = 0; i < len;) {
        size_t left = len - i;
        if (buf[i] == '%' && left < 3 && !last) {
            memcpy(p->held, &buf[i], left);
            p->held_len = left;
            break;
        }
        int high = buf[i] == '%' && left >= 3 ? sk_hex_digit(buf[i + 1]) : -1;
        int low = high >= 0 ? sk_hex_digit(buf[i + 2]) : -1;
        if (low >= 0) {
            buf[put++] = (uint8_t)(high << 4 | low);
            i += 3;
        } else {
            buf[put++] = buf[i++];
        }
    }
    return put;
}

static sk_err percent_read(struct sk_stream *s, uint8_t *buf, size_t cap, size_t *out_len) {
    struct percent *p = (struct percent *)s;
    for (;;) {
        size_t held = p->held_len;
        size_t got = 0;
        if (cap <= held) {
            return sk_fail(SK_E_INTERNAL);
        }
        TRY(sk_stream_read(p->up, buf + held, cap - held, &got));
        memcpy(buf, p->held, held);
        p->held_len = 0;
        size_t len = decode(p, buf, held + got, got == 0);
        if (len > 0 || got == 0) {
            *out_len = len;
            return sk_ok();
        }
    }
}

/* ---- where it is -------------------------------------------------------------------------- */

struct address {
    uint8_t opener; /* byte before "data:" */
    uint64_t data;
    uint64_t end;
    bool base64;
    uint8_t header[HEADER_MAX_BYTES];
    size_t header_len;
};

static bool is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool opens(uint8_t c) {
    return c == '"' || c == '\'' || c == '(' || c == '=' || c == ';' || c == ',' || is_space(c);
}

static bool ends(uint8_t opener, uint8_t c) {
    if (opener == '"' || opener == '\'') {
        return c == opener;
    }
    return c == ')' || c == '>' || c == '"' || c == '\'' || is_space(c);
}

/* The header between ':' and ','. False: this is no data address. */
static bool read_header(struct sk_source *src, uint64_t at, struct address *a) {
    struct sk_cursor c = sk_source_cursor(src, at, HEADER_MAX_BYTES + 1);
    const uint8_t *comma = memchr(c.ptr, ',', c.len);
    if (c.len == 0 || comma == NULL) {
        return false;
    }
    a->header_len = (size_t)(comma - c.ptr);
    for (size_t i = 0; i < a->header_len; i++) {
        if (c.ptr[i] == '<' || c.ptr[i] == '>' || ends(a->opener, c.ptr[i])) {
            return false;
        }
    }
    memcpy(a->header, c.ptr, a->header_len);
    a->data = at + a->header_len + 1;
    size_t len = a->header_len;
    while (len > 0 && is_space(a->header[len - 1])) {
        len--;
    }
    a->base64 = len >= 7 && strncasecmp((const char *)&a->header[len - 7], ";base64", 7) == 0;
    return true;
}

/* Where the data ends; the end of the source when nothing ends it. */
static sk_err find_end(struct sk_walk *walk, struct sk_source *src, struct address *a) {
    uint64_t off = a->data;
    while (off < src->size) {
        size_t avail;
        const uint8_t *p = sk_source_at(src, off, 1, &avail);
        if (p == NULL) {
            return sk_failed(src->failed) ? src->failed : sk_fail(SK_E_IO);
        }
        for (size_t i = 0; i < avail; i++) {
            if (ends(a->opener, p[i])) {
                a->end = off + i;
                return sk_ok();
            }
        }
        off += avail;
        TRY(walk_tick(walk));
    }
    a->end = src->size;
    return sk_ok();
}

/* ---- what is in it ------------------------------------------------------------------------ */

static sk_err emit(struct sk_walk *walk, struct sk_source *src, const struct address *a,
                   uint32_t index) {
    struct sk_source_stream raw;
    struct percent percent = {.base = {.read = percent_read},
                              .up = sk_source_stream_init(&raw, src, a->data, a->end - a->data)};
    const uint8_t *semicolon = memchr(a->header, ';', a->header_len);
    struct sk_child child = {.name = (const char *)a->header,
                             .name_len = semicolon != NULL ? (size_t)(semicolon - a->header)
                                                           : a->header_len,
                             .packed_size = a->end - a->data,
                             .size = SK_SIZE_UNKNOWN,
                             .index = index};
    if (!a->base64) {
        return walk_child(walk, &child, &percent.base);
    }
    struct sk_stream *base64;
    TRY(sk_base64_open(&percent.base, SK_BASE64_GO_ON, &base64));
    sk_err err = walk_child(walk, &child, base64);
    sk_stream_close(base64);
    return err;
}

struct search {
    uint64_t off;
    uint32_t count;
    bool closed[2]; /* no further " or ' ends anything: what opens with it goes on as if bare */
};

/* The first "data:" from s->off on; false: none. */
static bool find(struct sk_source *src, struct search *s, struct address *a, uint64_t *out_header) {
    while (s->off + 5 < src->size) {
        size_t avail;
        const uint8_t *p = sk_source_at(src, s->off, 6, &avail);
        if (p == NULL || avail < 6) {
            return false;
        }
        const uint8_t *colon = memchr(p + 5, ':', avail - 5);
        if (colon == NULL) {
            s->off += avail - 5;
            continue;
        }
        size_t at = (size_t)(colon - p);
        uint64_t header = s->off + at + 1;
        s->off += at - 4;
        if (strncasecmp((const char *)colon - 4, "data", 4) == 0 && opens(colon[-5])) {
            a->opener = colon[-5];
            *out_header = header;
            return true;
        }
    }
    return false;
}

/* ---- UTF-16 ------------------------------------------------------------------------------- */

struct wide {
    const char *charset; /* NULL: one byte a character */
    unsigned start;      /* behind the byte order mark */
};

static struct wide look_for_wide(struct sk_source *src) {
    struct sk_peek peek = {.size = src->size};
    peek.head = sk_source_at(src, 0, SK_PEEK_HEAD_BYTES, &peek.head_len);
    enum sk_type order = peek.head == NULL ? SK_TYPE_TEXT_ASCII : sk_content_utf16(&peek);
    if (order == SK_TYPE_TEXT_UTF16LE) {
        return (struct wide){"utf-16le", sk_peek_has(&peek, 0, "\xff\xfe", 2) ? 2 : 0};
    }
    if (order == SK_TYPE_TEXT_UTF16BE) {
        return (struct wide){"utf-16be", sk_peek_has(&peek, 0, "\xfe\xff", 2) ? 2 : 0};
    }
    return (struct wide){NULL, 0};
}

static sk_err give_utf8(struct sk_walk *walk, struct sk_source *src, const struct wide *wide) {
    static const char NAME[] = "utf-8.html";
    struct sk_bytes charset = {(const uint8_t *)wide->charset, strlen(wide->charset)};
    struct sk_source_stream raw;
    struct sk_stream *text;
    struct sk_child child = {.name = NAME,
                             .name_len = sizeof(NAME) - 1,
                             .packed_size = src->size,
                             .size = SK_SIZE_UNKNOWN,
                             .as = SK_TYPE_HTML};
    walk_fact(walk, SK_FACT_CHARSET, (const char *)charset.ptr, charset.len);
    sk_err err = sk_charset_open(
        sk_source_stream_init(&raw, src, wide->start, src->size - wide->start), charset, &text);
    if (err.code == SK_E_UNSUPPORTED) {
        /* The tables are missing. What the other readings cannot see must be told. */
        walk_note(walk, SK_NOTE_METHOD, "UTF-16");
        return sk_ok();
    }
    TRY(err);
    err = walk_child(walk, &child, text);
    sk_stream_close(text);
    return err;
}

/* ---- the walk ----------------------------------------------------------------------------- */

static sk_err html_walk(struct sk_walk *walk, struct sk_source *src) {
    struct search s = {0};
    struct wide wide = look_for_wide(src);
    if (wide.charset != NULL) {
        TRY(give_utf8(walk, src, &wide));
        s.count++;
    }
    struct address a;
    uint64_t header;
    while (find(src, &s, &a, &header)) {
        bool quoted = a.opener == '"' || a.opener == '\'';
        unsigned which = a.opener == '\'';
        if (quoted && s.closed[which]) {
            a.opener = ' ';
        }
        TRY(walk_tick(walk));
        if (!read_header(src, header, &a)) {
            continue;
        }
        TRY(find_end(walk, src, &a));
        if (quoted && a.end == src->size) {
            s.closed[which] = true;
        }
        if (a.end > a.data) {
            TRY(emit(walk, src, &a, s.count++));
        }
        if (a.end < src->size && a.end > s.off) {
            s.off = a.end - 1;
        }
    }
    return src->failed;
}

static int html_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)peek;
    (void)out_type;
    return 0;
}

const struct sk_format sk_format_html = {
    .name = "html", .type = SK_TYPE_HTML, .probe = html_probe, .walk = html_walk};
