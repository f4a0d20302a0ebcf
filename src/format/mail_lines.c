// SPDX-License-Identifier: Apache-2.0
/*
 * Lines and words of a mail, read where they stand.
 *
 * A line may be as long as the mail: only its first MAIL_LINE_PEEK_BYTES are shown, its end is
 * searched window by window. Line ends are LF, CR LF and any number of CR before LF (transports
 * double them); a lone CR ends a line in ranges that have no LF (mail of old Macs).
 */
#include "format/mail_parts.h"

#include <string.h>
#include <strings.h>

/* First of the two bytes in [off, end), or end. */
static sk_err find_end(struct mail *m, uint64_t off, uint64_t end, bool cr, uint64_t *out_off) {
    while (off < end) {
        size_t avail;
        const uint8_t *p = sk_source_at(m->src, off, 1, &avail);
        if (p == NULL) {
            return sk_failed(m->src->failed) ? m->src->failed : sk_fail(SK_E_IO);
        }
        avail = avail < end - off ? avail : (size_t)(end - off);
        const uint8_t *at = memchr(p, '\n', avail);
        size_t span = at == NULL ? avail : (size_t)(at - p);
        const uint8_t *ret = cr ? memchr(p, '\r', span) : NULL;
        at = ret == NULL ? at : ret;
        if (at != NULL) {
            *out_off = off + (uint64_t)(at - p);
            return sk_ok();
        }
        off += avail;
        TRY(walk_tick(m->walk));
    }
    *out_off = end;
    return sk_ok();
}

sk_err mail_line_at(struct mail *m, uint64_t off, uint64_t end, bool cr,
                    struct mail_line *out_line) {
    struct mail_line line = {.off = off};
    uint64_t stop;
    TRY(find_end(m, off, end, cr, &stop));
    line.next = stop < end ? stop + 1 : end;
    struct sk_cursor c = sk_source_cursor(m->src, off,
                                          stop - off < MAIL_LINE_PEEK_BYTES ? (size_t)(stop - off)
                                                                            : MAIL_LINE_PEEK_BYTES);
    size_t len = sk_cursor_left(&c);
    line.len = stop - off;
    line.head = (struct sk_bytes){c.ptr, len};
    while (line.len > 0 && line.len == len && line.head.ptr[len - 1] == '\r') {
        line.len = --len;
    }
    line.head.len = len;
    *out_line = line;
    return m->src->failed;
}

bool mail_cr_lines(struct mail *m, struct mail_range range) {
    struct sk_cursor c = sk_source_cursor(m->src, range.start, SK_SOURCE_WANT_MAX);
    uint64_t span = range.end - range.start;
    size_t len = sk_cursor_left(&c) < span ? sk_cursor_left(&c) : (size_t)span;
    return len > 0 && memchr(c.ptr, '\n', len) == NULL && memchr(c.ptr, '\r', len) != NULL;
}

sk_err mail_find(struct mail *m, struct mail_range range, struct sk_bytes needle,
                 uint64_t *out_off) {
    uint64_t off = range.start;
    while (off < range.end && range.end - off >= needle.len) {
        size_t avail;
        const uint8_t *p = sk_source_at(m->src, off, needle.len, &avail);
        if (p == NULL) {
            return sk_failed(m->src->failed) ? m->src->failed : sk_fail(SK_E_IO);
        }
        avail = avail < range.end - off ? avail : (size_t)(range.end - off);
        const uint8_t *at = memmem(p, avail, needle.ptr, needle.len);
        if (at != NULL) {
            *out_off = off + (uint64_t)(at - p);
            return sk_ok();
        }
        off += avail - needle.len + 1;
        TRY(walk_tick(m->walk));
    }
    *out_off = range.end;
    return sk_ok();
}

/* Fields of MIME that some programs read although the colon is missing. */
static bool is_mime_name(struct sk_bytes name) {
    return mail_word_is(name, "content-type") || mail_word_is(name, "content-transfer-encoding");
}

size_t mail_header_name(struct sk_bytes line, size_t *out_value) {
    size_t n = 0;
    while (n < line.len && (line.ptr[n] > ' ' || line.ptr[n] == 0) && line.ptr[n] < 127 &&
           line.ptr[n] != ':') {
        n++;
    }
    size_t colon = n;
    while (colon < line.len && (line.ptr[colon] == ' ' || line.ptr[colon] == '\t')) {
        colon++;
    }
    if (n > 0 && colon < line.len && line.ptr[colon] != ':' &&
        is_mime_name((struct sk_bytes){line.ptr, n})) {
        *out_value = colon;
        return n;
    }
    if (n == 0 || colon == line.len || line.ptr[colon] != ':') {
        return 0;
    }
    *out_value = colon + 1;
    return n;
}

bool mail_word_is(struct sk_bytes text, const char *word) {
    return strlen(word) == text.len && strncasecmp((const char *)text.ptr, word, text.len) == 0;
}

bool mail_word_in(struct sk_bytes text, const char *word, size_t *out_at) {
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (strncasecmp((const char *)text.ptr + i, word, len) == 0) {
            *out_at = i;
            return true;
        }
    }
    return false;
}

static bool is_white(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct sk_bytes mail_trim(struct sk_bytes text) {
    while (text.len > 0 && is_white(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && is_white(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}
