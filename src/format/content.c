// SPDX-License-Identifier: Apache-2.0
/*
 * Text, HTML, script or binary: the decision when no format bids. Mail: the question its reader
 * asks.
 *
 *     first 1 KiB is text?   no --> BINARY
 *          | yes: ASCII, UTF-8 or UTF-16 (with or without BOM)
 *          +--> a tag of TAGS anywhere in the head ------------------> HTML
 *          +--> "#!" first ------------------------------------------> SCRIPT
 *          +---------------------------------------------------------> TEXT_*
 *
 * What counts as text and which tags make HTML was measured on clamscan 1.4.6 (the signature
 * target must agree with what the signatures were written for). Kept differences:
 * - clamscan takes anything as UTF-16BE whose 16-bit units hold no control character below 128,
 *   which is true for four of five files of random bytes. Here half of the bytes must also be
 *   printable, so that compressed data is not searched as text.
 * - A stray control character or NUL in otherwise printable text does not turn it into binary.
 * - Mail is told from a run of header lines, not from the first one: one unknown or broken header
 *   in front hides nothing (clamav issue 1205). A lone "To:" or "Date:" line is no mail. MHTML is
 *   what has MIME headers but none of a mail's own, as in clamscan. Header lines that fill the head
 *   and tell nothing leave the type alone, but the mail reader looks into them.
 * - Pages for browsers that clamscan does not take for HTML are text for it, and its signatures
 *   expect that: "<!doctype html", "<html", "<body" or "<title" first, UTF-16 with the high byte
 * first and no mark, SVG. They stay text, and are searched as HTML besides (sk_content_is_page).
 *
 * Everything here is linear in the head (at most SK_PEEK_HEAD_BYTES).
 */
#include "format/content.h"

#include <strings.h>

#include "base/search.h"

#define TEXT_WINDOW_BYTES ((size_t)1024)
#define ATTRIBUTE_SPAN_BYTES ((size_t)256)
#define MAIL_JUNK_LINES_MAX 2U

/* ---- text or not ---- */

/* Bell to carriage return and escape occur in text; so does everything from 128 up. */
static bool is_text_byte(uint8_t c) {
    return (c >= 7 && c <= 13) || c == 27 || (c >= 32 && c != 127);
}

static bool is_printable_byte(uint8_t c) {
    return (c >= 32 && c < 127) || (c >= 9 && c <= 13);
}

struct text_census {
    size_t bytes;
    size_t printable;
    size_t nul_even; /* NULs at even offsets: big-endian UTF-16 */
    size_t nul_odd;
    size_t bad_units; /* big-endian 16-bit units that are control characters */
};

static size_t window_of(const struct sk_peek *peek) {
    return peek->head_len < TEXT_WINDOW_BYTES ? peek->head_len : TEXT_WINDOW_BYTES;
}

static struct text_census take_census(const struct sk_peek *peek) {
    struct text_census t = {.bytes = window_of(peek)};
    for (size_t i = 0; i < t.bytes; i++) {
        uint8_t c = peek->head[i];
        bool odd = (i & 1) != 0;
        t.printable += is_printable_byte(c);
        t.nul_even += c == 0 && !odd;
        t.nul_odd += c == 0 && odd;
        t.bad_units += odd && peek->head[i - 1] == 0 && (c < 128 && !is_text_byte(c));
    }
    return t;
}

static bool is_utf8(const uint8_t *p, size_t len) {
    size_t i = 0;
    while (i < len) {
        size_t more = p[i] < 0x80 ? 0 : p[i] < 0xc2 ? 9 : p[i] < 0xe0 ? 1 : p[i] < 0xf0 ? 2 : 3;
        if (p[i] > 0xf4 || more == 9) {
            return false;
        }
        i++;
        while (more > 0 && i < len) { /* a sequence cut by the window is fine */
            if ((p[i] & 0xc0) != 0x80) {
                return false;
            }
            i++;
            more--;
        }
    }
    return true;
}

/* Nothing but text bytes? Sixteen at a time, since most layers are plain text and need no census.
 */
typedef uint8_t lanes __attribute__((vector_size(16)));
typedef uint64_t words __attribute__((vector_size(16)));

static inline bool any_lane(lanes v) {
    words w;
    memcpy(&w, &v, sizeof(w));
    return (w[0] | w[1]) != 0;
}

static bool is_plain(const uint8_t *p, size_t len, bool *out_high) {
    lanes odd = {0}, high = {0};
    size_t i = 0;
    for (; len - i >= sizeof(lanes); i += sizeof(lanes)) {
        lanes b;
        memcpy(&b, p + i, sizeof(b));
        odd |= (lanes)(b < 32) & (lanes)(b != 27) & (lanes)((lanes)(b - 7) > 6);
        odd |= (lanes)(b == 127);
        high |= b;
    }
    bool bad = any_lane(odd), any_high = any_lane(high & 0x80);
    for (; i < len; i++) {
        bad = bad || !is_text_byte(p[i]);
        any_high = any_high || p[i] >= 0x80;
    }
    *out_high = any_high;
    return !bad;
}

/* "<" and a letter, "!" or "/" as two units; where the "<" stands tells the order of the bytes. */
static enum sk_type utf16_of_tag(const struct sk_peek *peek, size_t len) {
    const uint8_t *p = peek->head;
    const uint8_t *nul = len > 0 ? memchr(p, 0, len) : NULL;
    while (nul != NULL && (size_t)(nul - p) + 1 < len) {
        size_t at = (size_t)(nul - p); /* of the NUL behind the "<" */
        uint8_t letter = p[at + 1] | 0x20;
        bool name = (letter >= 'a' && letter <= 'z') || p[at + 1] == '!' || p[at + 1] == '/';
        if (name && at > 0 && p[at - 1] == '<') {
            if (at % 2 == 1 && at + 2 < len && p[at + 2] == 0) {
                return SK_TYPE_TEXT_UTF16LE;
            }
            if (at % 2 == 0 && at > 1 && p[at - 2] == 0) {
                return SK_TYPE_TEXT_UTF16BE;
            }
        }
        nul = memchr(nul + 1, 0, len - at - 1);
    }
    return SK_TYPE_TEXT_ASCII;
}

/* No control characters, and the halves of pairs in order: what random bytes do not give for long.
 */
static bool is_wide_text(const struct sk_peek *peek, size_t len, enum sk_type order) {
    unsigned high = order == SK_TYPE_TEXT_UTF16LE ? 1 : 0;
    bool half = false; /* a first half was seen */
    for (size_t i = 0; i + 1 < len; i += 2) {
        uint8_t top = peek->head[i + high];
        bool second = top >= 0xdc && top <= 0xdf;
        if (second != half || (top == 0 && !is_text_byte(peek->head[i + 1 - high]))) {
            return false;
        }
        half = top >= 0xd8 && top <= 0xdb;
    }
    return true;
}

/* SK_TYPE_BINARY when it is no text. */
static enum sk_type text_type(const struct sk_peek *peek) {
    size_t len = window_of(peek);
    if (len == 0) {
        return SK_TYPE_BINARY;
    }
    if (sk_peek_has(peek, 0, "\xff\xfe", 2)) {
        return SK_TYPE_TEXT_UTF16LE;
    }
    if (sk_peek_has(peek, 0, "\xfe\xff", 2)) {
        return SK_TYPE_TEXT_UTF16BE;
    }
    bool high;
    if (is_plain(peek->head, len, &high)) {
        return high && is_utf8(peek->head, len) ? SK_TYPE_TEXT_UTF8 : SK_TYPE_TEXT_ASCII;
    }
    struct text_census t = take_census(peek);
    size_t nuls = t.nul_even + t.nul_odd;
    if (nuls * 4 >= t.bytes && (t.printable + nuls) * 10 >= t.bytes * 9) {
        if (t.nul_odd > 8 * t.nul_even) {
            return SK_TYPE_TEXT_UTF16LE;
        }
        if (t.nul_even > 8 * t.nul_odd) {
            return SK_TYPE_TEXT_UTF16BE;
        }
    }
    enum sk_type wide = utf16_of_tag(peek, t.bytes);
    if (wide != SK_TYPE_TEXT_ASCII && is_wide_text(peek, t.bytes, wide)) {
        return wide;
    }
    bool texty = t.bad_units == 0 ? t.printable * 2 >= t.bytes : t.printable * 20 >= t.bytes * 19;
    return texty ? SK_TYPE_TEXT_ASCII : SK_TYPE_BINARY;
}

/* ---- HTML ---- */

/* Reads text of one or two bytes a character alike: NULs are passed over, letters folded. */
struct tag_reader {
    const struct sk_peek *peek;
    size_t pos;
};

static int tag_next(struct tag_reader *r) {
    while (r->pos < r->peek->head_len && r->peek->head[r->pos] == 0) {
        r->pos++;
    }
    if (r->pos >= r->peek->head_len) {
        return -1;
    }
    int c = r->peek->head[r->pos++];
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static bool is_space(int c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A space in the pattern stands for a run of white space. */
static bool tag_matches(const struct sk_peek *peek, size_t pos, const char *pattern) {
    struct tag_reader r = {peek, pos};
    int c = tag_next(&r);
    for (size_t i = 0; pattern[i] != '\0'; i++) {
        if (pattern[i] == ' ') {
            if (!is_space(c)) {
                return false;
            }
            while (is_space(c)) {
                c = tag_next(&r);
            }
            continue;
        }
        if (c != (uint8_t)pattern[i]) {
            return false;
        }
        c = tag_next(&r);
    }
    return true;
}

static bool any_tag(const struct sk_peek *peek, size_t pos, const char *const *patterns) {
    for (size_t i = 0; patterns[i] != NULL; i++) {
        if (tag_matches(peek, pos, patterns[i])) {
            return true;
        }
    }
    return false;
}

/* Anywhere in the head, as clamscan does; may_be_tag knows the first letters. */
static const char *const TAGS[] = {"<html>", "<head>",  "<script", "<iframe",
                                   "<table", "<object", NULL};
/* The same, but the tag must go on with this attribute. */
static const char *const ATTRIBUTE_TAGS[][2] = {{"<a ", "href"}, {"<img", "src"}};
/* Only as the first thing behind white space, BOM and comments; no HTML for clamscan. */
static const char *const OPENERS[] = {"<!doctype html", "<html", "<head", "<body", "<title", NULL};

static bool any_attribute_tag(const struct sk_peek *peek, size_t pos) {
    for (size_t i = 0; i < sizeof(ATTRIBUTE_TAGS) / sizeof(ATTRIBUTE_TAGS[0]); i++) {
        if (!tag_matches(peek, pos, ATTRIBUTE_TAGS[i][0])) {
            continue;
        }
        size_t end = pos + ATTRIBUTE_SPAN_BYTES;
        for (size_t at = pos + 1; at < end && at < peek->head_len; at++) {
            if (peek->head[at] == '<' || peek->head[at] == '>') {
                break;
            }
            if (tag_matches(peek, at, ATTRIBUTE_TAGS[i][1])) {
                return true;
            }
        }
    }
    return false;
}

/* Offset of the first byte that is no white space, BOM, NUL or comment. */
static size_t html_start(const struct sk_peek *peek) {
    size_t pos = 0;
    if (sk_peek_has(peek, 0, "\xef\xbb\xbf", 3)) {
        pos = 3;
    } else if (sk_peek_has(peek, 0, "\xff\xfe", 2) || sk_peek_has(peek, 0, "\xfe\xff", 2)) {
        pos = 2;
    }
    while (pos < peek->head_len) {
        if (is_space(peek->head[pos]) || peek->head[pos] == 0) {
            pos++;
            continue;
        }
        if (!sk_peek_has(peek, pos, "<!--", 4)) {
            break;
        }
        const uint8_t *end = memmem(peek->head + pos, peek->head_len - pos, "-->", 3);
        if (end == NULL) {
            break;
        }
        pos = (size_t)(end - peek->head) + 3;
    }
    return pos;
}

/* Can the tag at pos be one of TAGS, ATTRIBUTE_TAGS or "<svg"? Programs in C are full of '<', with
 * letters behind it, so two of them are looked at. NUL: two bytes a character, perhaps. */
static bool may_be_tag(const struct sk_peek *peek, size_t pos) {
    static const char SECOND[256][4] = {
        ['a'] = " ", ['h'] = "et", ['i'] = "fm", ['o'] = "b", ['s'] = "cv", ['t'] = "a",
        ['A'] = " ", ['H'] = "et", ['I'] = "fm", ['O'] = "b", ['S'] = "cv", ['T'] = "a",
    };
    if (pos + 2 >= peek->head_len) {
        return false;
    }
    uint8_t first = peek->head[pos + 1], second = peek->head[pos + 2];
    const char *may = SECOND[first];
    bool is = may[0] == ' '
                  ? is_space(second)
                  : may[0] != 0 && (may[0] == (second | 0x20) || may[1] == (second | 0x20));
    return is || first == 0 || (second == 0 && may[0] != 0);
}

/* The next place from *inout_pos on that may begin a tag. */
static bool next_tag(const struct sk_peek *peek, size_t *inout_pos) {
    for (size_t pos = *inout_pos; pos < peek->head_len; pos++) {
        const uint8_t *at = memchr(peek->head + pos, '<', peek->head_len - pos);
        if (at == NULL) {
            return false;
        }
        pos = (size_t)(at - peek->head);
        if (may_be_tag(peek, pos)) {
            *inout_pos = pos;
            return true;
        }
    }
    return false;
}

/* A browser runs the scripts of "<svg" and "<svg:svg" and shows what they embed. */
static bool is_svg(const struct sk_peek *peek) {
    for (size_t pos = 0; next_tag(peek, &pos); pos++) {
        if (tag_matches(peek, pos, "<svg")) {
            return true;
        }
    }
    return false;
}

/* *out_svg: "<svg" was met before that, or anywhere. */
static bool is_html(const struct sk_peek *peek, bool *out_svg) {
    *out_svg = false;
    for (size_t pos = 0; next_tag(peek, &pos); pos++) {
        if (any_tag(peek, pos, TAGS) || any_attribute_tag(peek, pos)) {
            return true;
        }
        *out_svg = *out_svg || tag_matches(peek, pos, "<svg");
    }
    return false;
}

enum sk_type sk_content_utf16(const struct sk_peek *peek) {
    enum sk_type text = text_type(peek);
    bool told = text == SK_TYPE_TEXT_UTF16LE || text == SK_TYPE_TEXT_UTF16BE;
    return told ? text : utf16_of_tag(peek, peek->head_len);
}

/* ---- mail ---- */

enum header_worth {
    HEADER_NONE,  /* not a header line */
    HEADER_OTHER, /* "word: ..." */
    HEADER_USUAL, /* found in mail, but elsewhere too (HTTP, notes) */
    HEADER_MAIL,  /* found in mail only */
    HEADER_FIRST, /* alone enough when it is the first line */
};

struct header_name {
    const char *name;
    enum header_worth worth;
};

static const struct header_name HEADERS[] = {
    {"received", HEADER_FIRST},
    {"return-path", HEADER_FIRST},
    {"message-id", HEADER_FIRST},
    {"delivered-to", HEADER_FIRST},
    {"envelope-to", HEADER_FIRST},
    {"delivery-date", HEADER_FIRST},
    {"from", HEADER_FIRST},
    {"subject", HEADER_FIRST},
    {"to", HEADER_MAIL},
    {"mime-version", HEADER_MAIL},
    {"reply-to", HEADER_MAIL},
    {"x-mailer", HEADER_MAIL},
    {"dkim-signature", HEADER_MAIL},
    {"x-originating-ip", HEADER_MAIL},
    {"domainkey-signature", HEADER_MAIL},
    {"sender", HEADER_MAIL},
    {"bcc", HEADER_MAIL},
    {"x-envelope-from", HEADER_MAIL},
    {"list-unsubscribe", HEADER_MAIL},
    {"in-reply-to", HEADER_MAIL},
    {"cc", HEADER_USUAL},
    {"date", HEADER_USUAL},
    {"content-type", HEADER_USUAL},
    {"content-transfer-encoding", HEADER_USUAL},
};

static enum header_worth header_worth(struct sk_bytes line) {
    size_t name_len = 0;
    while (name_len < line.len && line.ptr[name_len] > 32 && line.ptr[name_len] < 127 &&
           line.ptr[name_len] != ':') {
        name_len++;
    }
    if (name_len == 0 || name_len == line.len || line.ptr[name_len] != ':') {
        return HEADER_NONE;
    }
    for (size_t i = 0; i < sizeof(HEADERS) / sizeof(HEADERS[0]); i++) {
        if (strlen(HEADERS[i].name) == name_len &&
            strncasecmp(HEADERS[i].name, (const char *)line.ptr, name_len) == 0) {
            return HEADERS[i].worth;
        }
    }
    return HEADER_OTHER;
}

/* The next line without its end (CRs in front of it too: transports double them); false at the end
 * of the head. */
static bool next_line(struct sk_cursor *c, int end_byte, struct sk_bytes *out_line) {
    size_t left = sk_cursor_left(c);
    if (left == 0) {
        return false;
    }
    const uint8_t *start = c->ptr + c->pos;
    const uint8_t *end = memchr(start, end_byte, left);
    size_t len = end == NULL ? left : (size_t)(end - start);
    sk_cursor_skip(c, end == NULL ? len : len + 1);
    while (len > 0 && start[len - 1] == '\r') {
        len--;
    }
    *out_line = (struct sk_bytes){start, len};
    return true;
}

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

/* "From sender Mon Jan  1 00:00:00 2020": the time tells it from prose. */
bool sk_content_is_envelope(struct sk_bytes line) {
    if (line.len <= 5 || memcmp(line.ptr, "From ", 5) != 0) {
        return false;
    }
    for (size_t i = 6; i + 1 < line.len; i++) {
        if (line.ptr[i] == ':' && is_digit(line.ptr[i - 1]) && is_digit(line.ptr[i + 1])) {
            return true;
        }
    }
    return false;
}

struct mail_census {
    unsigned headers;
    unsigned usual;   /* known names */
    unsigned mail;    /* names that only mail has */
    unsigned mime;    /* MIME-Version among them */
    unsigned content; /* Content-... among the usual */
    unsigned junk;
    bool binary; /* a line that is no header holds a NUL: a message catalogue, say, that quotes one
                  */
    bool opened; /* the first line was enough to expect mail */
    bool mbox;   /* the envelope line of a mailbox came first */
};

static bool line_begins(struct sk_bytes line, const char *name) {
    size_t len = strlen(name);
    return line.len >= len && strncasecmp((const char *)line.ptr, name, len) == 0;
}

/* Counts one line; false when the header is over. */
static bool count_line(struct mail_census *m, struct sk_bytes line) {
    if (line.len == 0) {
        return m->headers == 0 && !m->opened;
    }
    bool first = m->headers + m->junk == 0;
    if ((line.ptr[0] == ' ' || line.ptr[0] == '\t') && !first) {
        return true;
    }
    if (first && sk_content_is_envelope(line)) {
        m->mbox = true;
        return false;
    }
    enum header_worth worth = header_worth(line);
    if (worth == HEADER_NONE) {
        m->binary = memchr(line.ptr, 0, line.len) != NULL;
        return !m->binary && ++m->junk <= MAIL_JUNK_LINES_MAX;
    }
    m->opened = m->opened || (first && worth == HEADER_FIRST);
    m->headers++;
    m->usual += worth >= HEADER_USUAL;
    m->mail += worth >= HEADER_MAIL;
    m->mime += line_begins(line, "mime-version");
    m->content += worth == HEADER_USUAL && line_begins(line, "content-");
    return true;
}

enum sk_content_mail sk_content_mail(const struct sk_peek *peek) {
    struct sk_cursor c = sk_cursor_make(peek->head, peek->head_len);
    if (sk_peek_has(peek, 0, "\xef\xbb\xbf", 3)) {
        sk_cursor_skip(&c, 3);
    }
    struct mail_census m = {0};
    struct sk_bytes line;
    /* Old Macs end lines with CR alone. */
    bool has_lf = peek->head_len > 0 && memchr(peek->head, '\n', peek->head_len) != NULL;
    int end_byte = has_lf ? '\n' : '\r';
    bool in_header = true;
    while (in_header && next_line(&c, end_byte, &line)) {
        in_header = count_line(&m, line);
    }
    if (m.mbox || (m.opened && m.junk == 0)) {
        return SK_CONTENT_SURE_MAIL;
    }
    if (!m.binary && m.mail >= 1 && m.usual >= 2 && m.headers >= 2 * m.junk) {
        bool mhtml = m.mail == m.mime && m.usual == m.mail + m.content;
        return mhtml ? SK_CONTENT_MHTML : SK_CONTENT_MAIL;
    }
    bool endless = in_header && peek->size > peek->head_len && m.headers > 0 && m.junk == 0;
    return endless ? SK_CONTENT_MAYBE_MAIL : SK_CONTENT_NO_MAIL;
}

enum sk_type sk_content_type(const struct sk_peek *peek) {
    enum sk_type text = text_type(peek);
    if (text == SK_TYPE_BINARY) {
        return SK_TYPE_BINARY;
    }
    bool unmarked = text == SK_TYPE_TEXT_UTF16BE && !sk_peek_has(peek, 0, "\xfe\xff", 2);
    struct sk_peek_tags tags = {.known = !unmarked};
    if (!unmarked && is_html(peek, &tags.svg)) {
        return SK_TYPE_HTML;
    }
    if (peek->tags != NULL) {
        *peek->tags = tags;
    }
    return sk_peek_has(peek, 0, "#!", 2) ? SK_TYPE_SCRIPT : text;
}

bool sk_content_has_address(const struct sk_peek *peek) {
    static const struct sk_needle MARK = {";base64,", 8, 5};
    return sk_search((struct sk_bytes){peek->head, peek->head_len}, &MARK) != NULL;
}

bool sk_content_is_page(const struct sk_peek *peek) {
    if (any_tag(peek, html_start(peek), OPENERS)) {
        return true;
    }
    if (peek->tags != NULL && peek->tags->known) {
        return peek->tags->svg;
    }
    /* Other text with a tag of HTML is HTML already. */
    bool unmarked = peek->head_len > 0 && memchr(peek->head, 0, peek->head_len) != NULL, svg;
    return (unmarked && is_html(peek, &svg)) || is_svg(peek);
}
