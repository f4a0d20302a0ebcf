// SPDX-License-Identifier: Apache-2.0
/*
 * XML tokens out of a stream of bytes, in constant memory.
 *
 *     up --4 KiB--> raw --UTF-16 to UTF-8, or as is--> win --peek/take--> tokens
 *
 * `win` is a small window in front of the reading position: deciding what a '<' begins needs nine
 * bytes ("<![CDATA["), an entity twelve. All state of the tokens is in struct sk_xml; there is no
 * stack, because nobody checks that tags match: Office opens some documents that no strict parser
 * would, and an adversary closes his elements as he likes. `depth` only counts.
 *
 * A '<' that begins no tag is text. A '<' inside a tag, outside quotes, ends that tag and begins
 * the next. Users: the readers of Office's, Hangul's and Adobe's XML.
 */
#include "format/xml.h"

#include <string.h>

#include "base/utf8.h"

#define RAW_BYTES ((size_t)4096)
#define WIN_BYTES ((size_t)8192)
#define ENTITY_BYTES 12
#define NO_BYTE (-1)

enum encoding { ENC_BYTES, ENC_UTF16LE, ENC_UTF16BE };

struct sk_xml_in {
    struct sk_walk *walk;
    struct sk_stream *up;
    sk_err err;
    bool started;
    bool ended; /* up has no more */
    bool in_cdata;
    enum encoding enc;
    uint16_t high; /* first half of a surrogate pair, 0: none */
    size_t raw_len;
    size_t pos; /* in win */
    size_t len;
    size_t tag_len;
    uint8_t raw[RAW_BYTES];
    uint8_t win[WIN_BYTES];
    uint8_t text[SK_XML_TEXT_BYTES];
    uint8_t tag[SK_XML_TAG_BYTES];
};

struct sk_xml *sk_xml_new(struct sk_walk *walk, struct sk_stream *up) {
    struct sk_xml *xml = arena_zalloc(walk_arena(walk), 1, sizeof(*xml));
    struct sk_xml_in *in = arena_alloc(walk_arena(walk), sizeof(*in));
    if (xml == NULL || in == NULL) {
        return NULL;
    }
    *in = (struct sk_xml_in){.walk = walk, .up = up};
    xml->in = in;
    return xml;
}

/* ---- bytes -------------------------------------------------------------------------------- */

/* One UTF-16 unit into win. A lone half of a pair becomes U+FFFD. */
static void put_unit(struct sk_xml_in *in, uint16_t unit) {
    uint32_t c = unit;
    bool is_high = unit >= 0xd800 && unit < 0xdc00;
    bool is_low = unit >= 0xdc00 && unit < 0xe000;
    if (in->high != 0 && is_low) {
        c = 0x10000 + ((uint32_t)(in->high - 0xd800) << 10) + (unit - 0xdc00u);
        in->high = 0;
        in->len += sk_utf8_put(in->win + in->len, c);
        return;
    }
    if (in->high != 0) {
        in->len += sk_utf8_put(in->win + in->len, 0xfffd);
        in->high = 0;
    }
    if (is_high) {
        in->high = unit;
        return;
    }
    in->len += sk_utf8_put(in->win + in->len, is_low ? 0xfffd : c);
}

/* Tells the encoding and drops the byte order mark. */
static enum encoding detect(const uint8_t *p, size_t len, size_t *out_skip) {
    *out_skip = 0;
    if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        *out_skip = 3;
    } else if (len >= 2 && p[0] == 0xff && p[1] == 0xfe) {
        *out_skip = 2;
        return ENC_UTF16LE;
    } else if (len >= 2 && p[0] == 0xfe && p[1] == 0xff) {
        *out_skip = 2;
        return ENC_UTF16BE;
    } else if (len >= 2 && p[0] == '<' && p[1] == 0) {
        return ENC_UTF16LE;
    } else if (len >= 2 && p[0] == 0 && p[1] == '<') {
        return ENC_UTF16BE;
    }
    return ENC_BYTES;
}

/* Everything in raw into win, which has room for it; an odd byte stays. */
static void transcode(struct sk_xml_in *in) {
    size_t at = 0;
    if (!in->started && (in->raw_len >= 4 || in->ended)) {
        in->enc = detect(in->raw, in->raw_len, &at);
        in->started = true;
    }
    if (!in->started) {
        return;
    }
    if (in->enc == ENC_BYTES) {
        memcpy(in->win + in->len, in->raw + at, in->raw_len - at);
        in->len += in->raw_len - at;
        in->raw_len = 0;
        return;
    }
    for (; in->raw_len - at >= 2; at += 2) {
        const uint8_t *p = in->raw + at;
        put_unit(in, in->enc == ENC_UTF16LE ? sk_load_u16le(p) : sk_load_u16be(p));
    }
    in->raw_len -= at;
    if (in->raw_len != 0) {
        in->raw[0] = in->raw[at];
    }
}

/* At least `want` bytes in front of pos, unless the input ends. want is small. */
static void fill(struct sk_xml_in *in, size_t want) {
    while (in->len - in->pos < want && !in->ended) {
        memmove(in->win, in->win + in->pos, in->len - in->pos);
        in->len -= in->pos;
        in->pos = 0;
        in->err = walk_tick(in->walk);
        /* A unit of two bytes becomes up to three (and a lost half of a pair three more). */
        size_t cap = (WIN_BYTES - in->len - 8) / 2;
        cap = cap < RAW_BYTES - in->raw_len ? cap : RAW_BYTES - in->raw_len;
        size_t got = 0;
        if (!sk_failed(in->err)) {
            in->err = sk_stream_read(in->up, in->raw + in->raw_len, cap, &got);
        }
        in->ended = sk_failed(in->err) || got == 0;
        in->raw_len += got;
        transcode(in);
    }
}

/* The byte i places ahead, NO_BYTE behind the end. */
static int peek_at(struct sk_xml_in *in, size_t i) {
    if (in->len - in->pos <= i) {
        fill(in, i + 1);
    }
    return in->len - in->pos > i ? in->win[in->pos + i] : NO_BYTE;
}

static bool looking_at(struct sk_xml_in *in, const char *text) {
    size_t len = strlen(text);
    fill(in, len);
    return in->len - in->pos >= len && memcmp(in->win + in->pos, text, len) == 0;
}

static bool is_space(int c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool ends_name(int c) {
    return c == NO_BYTE || is_space(c) || c == '>' || c == '/' || c == '=' || c == '<';
}

static void skip_space(struct sk_xml_in *in) {
    while (is_space(peek_at(in, 0))) {
        in->pos++;
    }
}

/* Behind the next `text`, or at the end. */
static void skip_past(struct sk_xml_in *in, const char *text) {
    while (peek_at(in, 0) != NO_BYTE && !looking_at(in, text)) {
        in->pos++;
    }
    if (peek_at(in, 0) != NO_BYTE) {
        in->pos += strlen(text);
    }
}

/* ---- entities ----------------------------------------------------------------------------- */

static int digit_of(uint8_t c, int base) {
    int value = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : base;
    return value < base ? value : -1;
}

/* "#65" or "#x41"; zero when it is not a number of a character. */
static uint32_t char_number(const uint8_t *p, size_t len) {
    int base = len > 1 && (p[1] == 'x' || p[1] == 'X') ? 16 : 10;
    uint32_t value = 0;
    size_t i = base == 16 ? 2 : 1;
    if (i == len) {
        return 0;
    }
    for (; i < len; i++) {
        int digit = digit_of(p[i], base);
        if (digit < 0 || value > 0x10ffff / (uint32_t)base) {
            return 0;
        }
        value = value * (uint32_t)base + (uint32_t)digit;
    }
    return value <= 0x10ffff ? value : 0;
}

/* At '&': the character it stands for, and how many bytes it takes; 0: none of ours. */
static uint32_t entity(struct sk_xml_in *in, size_t *out_len) {
    static const struct {
        const char *name;
        uint32_t c;
    } known[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    fill(in, ENTITY_BYTES);
    const uint8_t *p = in->win + in->pos;
    size_t avail = in->len - in->pos < ENTITY_BYTES ? in->len - in->pos : ENTITY_BYTES;
    const uint8_t *end = memchr(p, ';', avail);
    if (end == NULL) {
        return 0;
    }
    size_t len = (size_t)(end - p) - 1;
    *out_len = len + 2;
    if (len > 0 && p[1] == '#') {
        return char_number(p + 1, len);
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (len == strlen(known[i].name) && memcmp(p + 1, known[i].name, len) == 0) {
            return known[i].c;
        }
    }
    return 0;
}

/* One character from the window, decoded, to out; returns how many bytes (at most 4). */
static size_t take_char(struct sk_xml_in *in, uint8_t *out) {
    size_t len = 0;
    uint32_t c = in->win[in->pos] == '&' ? entity(in, &len) : 0;
    if (c != 0) {
        in->pos += len;
        return sk_utf8_put(out, c);
    }
    out[0] = in->win[in->pos++];
    return 1;
}

/* ---- tags --------------------------------------------------------------------------------- */

static void tag_put(struct sk_xml *xml, const uint8_t *bytes, size_t len) {
    struct sk_xml_in *in = xml->in;
    if (len > SK_XML_TAG_BYTES - in->tag_len) {
        xml->cut = true;
        return;
    }
    memcpy(in->tag + in->tag_len, bytes, len);
    in->tag_len += len;
}

static struct sk_bytes tag_since(const struct sk_xml *xml, size_t from) {
    return (struct sk_bytes){xml->in->tag + from, xml->in->tag_len - from};
}

static struct sk_bytes take_name(struct sk_xml *xml) {
    struct sk_xml_in *in = xml->in;
    size_t from = in->tag_len;
    while (!ends_name(peek_at(in, 0))) {
        tag_put(xml, in->win + in->pos, 1);
        in->pos++;
    }
    return tag_since(xml, from);
}

/* quote: NO_BYTE when the value has none. */
static bool value_ends(struct sk_xml_in *in, int quote) {
    int c = peek_at(in, 0);
    if (c == NO_BYTE || quote != NO_BYTE) {
        return c == quote || c == NO_BYTE;
    }
    return is_space(c) || c == '>' || c == '<' || looking_at(in, "/>");
}

static struct sk_bytes take_value(struct sk_xml *xml) {
    struct sk_xml_in *in = xml->in;
    size_t from = in->tag_len;
    int quote = peek_at(in, 0);
    bool quoted = quote == '"' || quote == '\'';
    in->pos += quoted ? 1 : 0;
    while (!value_ends(in, quoted ? quote : NO_BYTE)) {
        uint8_t bytes[4];
        size_t len = take_char(in, bytes);
        tag_put(xml, bytes, len);
    }
    in->pos += quoted && peek_at(in, 0) == quote ? 1 : 0;
    return tag_since(xml, from);
}

static void take_attr(struct sk_xml *xml) {
    struct sk_xml_in *in = xml->in;
    if (peek_at(in, 0) == '=') { /* a stray one */
        in->pos++;
        return;
    }
    struct sk_xml_attr attr = {.name = take_name(xml)}; /* empty when the tag is cut */
    skip_space(in);
    if (peek_at(in, 0) == '=') {
        in->pos++;
        skip_space(in);
        attr.value = take_value(xml);
    }
    if (xml->attr_count == SK_XML_ATTR_MAX) {
        xml->cut = true;
        return;
    }
    xml->attr[xml->attr_count++] = attr;
}

/* From behind '<' or '</' to behind '>'. */
static void take_tag(struct sk_xml *xml, enum sk_xml_kind kind) {
    struct sk_xml_in *in = xml->in;
    in->tag_len = 0;
    xml->kind = kind;
    xml->name = take_name(xml);
    for (;;) {
        skip_space(in);
        int c = peek_at(in, 0);
        if (c == NO_BYTE || c == '<') {
            return;
        }
        if (c == '/' || c == '>') {
            in->pos++;
            xml->empty = c == '/';
            if (c == '>') {
                return;
            }
            if (peek_at(in, 0) == '>') {
                in->pos++;
                return;
            }
            xml->empty = false;
            continue;
        }
        take_attr(xml);
    }
}

static void take_pi(struct sk_xml *xml) {
    struct sk_xml_in *in = xml->in;
    in->pos += 2;
    in->tag_len = 0;
    xml->kind = SK_XML_PI;
    while (!ends_name(peek_at(in, 0)) && peek_at(in, 0) != '?') {
        tag_put(xml, in->win + in->pos, 1);
        in->pos++;
    }
    xml->name = tag_since(xml, 0);
    size_t len = 0;
    skip_space(in);
    while (peek_at(in, 0) != NO_BYTE && !looking_at(in, "?>")) {
        if (len < SK_XML_TEXT_BYTES) {
            in->text[len++] = in->win[in->pos];
        }
        in->pos++;
    }
    in->pos += peek_at(in, 0) == NO_BYTE ? 0 : 2;
    xml->text = (struct sk_bytes){in->text, len};
}

/* "<!DOCTYPE x [ <!ENTITY ...> ]>": to the '>' outside quotes and brackets. */
static void skip_declaration(struct sk_xml_in *in) {
    int quote = 0;
    bool inside = false;
    bool ended = false;
    in->pos += 2;
    while (!ended && peek_at(in, 0) != NO_BYTE) {
        if (inside && quote == 0 && looking_at(in, "<!--")) {
            in->pos += 4;
            skip_past(in, "-->");
            continue;
        }
        int c = in->win[in->pos++];
        if (quote != 0) {
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '[' || c == ']') {
            inside = c == '[';
        } else {
            ended = c == '>' && !inside;
        }
    }
}

/* ---- text --------------------------------------------------------------------------------- */

/* Does the '<' here begin markup? */
static bool is_markup(struct sk_xml_in *in) {
    int c = peek_at(in, 1);
    return c == '/' || c == '!' || c == '?' || c == '_' || c == ':' || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static bool text_goes_on(struct sk_xml_in *in, size_t len) {
    if (len > SK_XML_TEXT_BYTES - 4 || peek_at(in, 0) == NO_BYTE) {
        return false;
    }
    if (in->in_cdata) {
        return !looking_at(in, "]]>");
    }
    return in->win[in->pos] != '<' || !is_markup(in);
}

static void take_text(struct sk_xml *xml) {
    struct sk_xml_in *in = xml->in;
    size_t len = 0;
    while (text_goes_on(in, len)) {
        if (in->in_cdata) {
            in->text[len++] = in->win[in->pos++];
        } else {
            len += take_char(in, in->text + len);
        }
    }
    if (in->in_cdata && looking_at(in, "]]>")) {
        in->pos += 3;
        in->in_cdata = false;
    }
    xml->kind = SK_XML_TEXT;
    xml->text = (struct sk_bytes){in->text, len};
}

/* ---- tokens ------------------------------------------------------------------------------- */

/* At markup. False: it was passed over. */
static bool take_markup(struct sk_xml *xml) {
    struct sk_xml_in *in = xml->in;
    if (looking_at(in, "<?")) {
        take_pi(xml);
        return true;
    }
    if (looking_at(in, "<!--")) {
        in->pos += 4;
        skip_past(in, "-->");
        return false;
    }
    if (looking_at(in, "<![CDATA[")) {
        in->pos += 9;
        in->in_cdata = true;
        return false;
    }
    if (looking_at(in, "<!")) {
        skip_declaration(in);
        return false;
    }
    bool is_end = looking_at(in, "</");
    in->pos += is_end ? 2 : 1;
    take_tag(xml, is_end ? SK_XML_END : SK_XML_START);
    return true;
}

sk_err sk_xml_next(struct sk_xml *xml) {
    struct sk_xml_in *in = xml->in;
    bool leaves = (xml->kind == SK_XML_START && xml->empty) || xml->kind == SK_XML_END;
    xml->depth -= leaves && xml->depth > 0 ? 1 : 0;
    xml->kind = SK_XML_EOF;
    xml->name = xml->text = (struct sk_bytes){NULL, 0};
    xml->attr_count = 0;
    xml->empty = false;
    xml->cut = false;
    while (peek_at(in, 0) != NO_BYTE) {
        bool markup = !in->in_cdata && in->win[in->pos] == '<' && is_markup(in);
        if (!markup) {
            take_text(xml);
            if (xml->text.len == 0) {
                continue; /* an empty CDATA section */
            }
        } else if (!take_markup(xml)) {
            continue;
        }
        xml->depth += xml->kind == SK_XML_START && xml->depth < UINT32_MAX ? 1 : 0;
        return sk_ok();
    }
    xml->kind = SK_XML_EOF;
    return in->err;
}

bool sk_xml_is(struct sk_bytes name, const char *local) {
    const uint8_t *colon = name.len == 0 ? NULL : memchr(name.ptr, ':', name.len);
    size_t skip = colon == NULL ? 0 : (size_t)(colon - name.ptr) + 1;
    size_t len = strlen(local);
    return name.len - skip == len && (len == 0 || memcmp(name.ptr + skip, local, len) == 0);
}

bool sk_xml_attr(const struct sk_xml *xml, const char *local, struct sk_bytes *out_value) {
    for (size_t i = 0; i < xml->attr_count; i++) {
        if (sk_xml_is(xml->attr[i].name, local)) {
            *out_value = xml->attr[i].value;
            return true;
        }
    }
    return false;
}

/* ---- the text of one element -------------------------------------------------------------- */

static sk_err text_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct sk_xml_text *st = (struct sk_xml_text *)(void *)base;
    while (st->left.len == 0 && !st->ended) {
        TRY(sk_xml_next(st->xml));
        enum sk_xml_kind kind = st->xml->kind;
        if (kind == SK_XML_TEXT) {
            st->left = st->xml->text;
        }
        st->ended = kind == SK_XML_EOF || (kind == SK_XML_END && st->xml->depth <= st->depth);
    }
    size_t n = st->left.len < cap ? st->left.len : cap;
    if (n > 0) {
        memcpy(buf, st->left.ptr, n);
        st->left = (struct sk_bytes){st->left.ptr + n, st->left.len - n};
    }
    *out_len = n;
    return sk_ok();
}

struct sk_stream *sk_xml_text_init(struct sk_xml_text *st, struct sk_xml *xml) {
    *st = (struct sk_xml_text){.base = {.read = text_read},
                               .xml = xml,
                               .depth = xml->depth,
                               .ended = xml->kind != SK_XML_START || xml->empty};
    return &st->base;
}

/* ---- the head, for probes ------------------------------------------------------------------- */

/* A text being filled. */
struct head_text {
    char *text;
    size_t cap;
    size_t len;
};

struct head {
    const struct sk_peek *peek;
    size_t step; /* 1, or 2 for UTF-16 */
    size_t first;
};

static int head_at(const struct head *h, size_t i) {
    size_t at = h->first + i * h->step;
    return at < h->peek->head_len ? h->peek->head[at] : NO_BYTE;
}

static bool head_has(const struct head *h, size_t i, const char *text) {
    for (; *text != 0; text++, i++) {
        if (head_at(h, i) != (uint8_t)*text) {
            return false;
        }
    }
    return true;
}

/* From i to behind `end`, copied to out (NULL: nowhere) as far as it has room. */
static size_t head_copy(const struct head *h, size_t i, const char *end, struct head_text *out) {
    size_t stop = i;
    while (head_at(h, stop) != NO_BYTE && !head_has(h, stop, end)) {
        stop++;
    }
    stop += head_at(h, stop) == NO_BYTE ? 0 : strlen(end);
    for (; out != NULL && i < stop && out->len + 1 < out->cap; i++) {
        out->text[out->len++] = (char)head_at(h, i);
    }
    return stop;
}

bool sk_xml_head(const struct sk_peek *peek, char *out_text, size_t cap) {
    struct head h = {.peek = peek, .step = 1};
    struct head_text out = {out_text, cap, 0};
    enum encoding enc = detect(peek->head, peek->head_len, &h.first);
    h.step = enc == ENC_BYTES ? 1 : 2;
    h.first += enc == ENC_UTF16BE ? 1 : 0;
    bool found = false;
    for (size_t i = 0; !found && head_at(&h, i) != NO_BYTE;) {
        if (is_space(head_at(&h, i))) {
            i++;
        } else if (head_has(&h, i, "<!--")) {
            i = head_copy(&h, i + 4, "-->", NULL);
        } else if (head_has(&h, i, "<?")) {
            i = head_copy(&h, i, "?>", &out);
        } else if (head_has(&h, i, "<!")) {
            i = head_copy(&h, i, ">", NULL);
        } else if (head_at(&h, i) == '<') {
            i = head_copy(&h, i, ">", &out);
            found = true;
        } else {
            break;
        }
    }
    out_text[out.len] = 0;
    return found;
}
