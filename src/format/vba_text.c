// SPDX-License-Identifier: Apache-2.0
/*
 * VBA source as clamscan searches it: one long normal form for all ways to type the same code.
 *
 * Seen with clamscan 1.4.6 (its temporary file vba_project, made from planted modules):
 * - outside quotes: letters A-Z become small; runs of spaces and tabs one space; "_" behind such a
 *   space and in front of the end of a line goes away with that end (a continued line);
 * - an end of line does not end the run of spaces: those behind "x \r\n" go, those behind "x\r\n"
 *   become one;
 * - inside quotes everything stays; a quote that nobody closes goes on over the lines;
 * - before all that, text becomes UTF-8 by the project's code page (1252 by the table here, others
 *   by the codec of character sets; bytes that are no text of it U+FFFD, where clamscan gives up).
 * Kept difference: " _" in front of a lone CR, where clamscan drops bytes up to the end of the
 * line.
 */
#include "format/vba.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static const uint16_t CP1252_80[32] = {
    0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178};

#define CP_WESTERN 1252u
#define CP_UTF8 65001u

size_t vba_utf8(unsigned codepage, uint8_t byte, uint8_t *out) {
    out[0] = byte;
    if (byte < 0x80 || codepage != CP_WESTERN) {
        return 1;
    }
    return sk_utf8_put(out, byte < 0xa0 ? CP1252_80[byte - 0x80] : byte);
}

/* At least `want` bytes in front of pos, unless the source ends. */
static void fill(struct vba_text *t, size_t want) {
    while (t->len - t->pos < want && !t->ended) {
        memmove(t->in, t->in + t->pos, t->len - t->pos);
        t->len -= t->pos;
        t->pos = 0;
        size_t got = 0;
        t->err = sk_stream_read(t->up, t->in + t->len, sizeof(t->in) - t->len, &got);
        t->ended = sk_failed(t->err) || got == 0;
        t->len += got;
    }
}

/* Bytes of the end of line behind the '_' here; 0: no continued line. */
static size_t continues(struct vba_text *t) {
    fill(t, 3);
    const uint8_t *p = t->in + t->pos;
    size_t left = t->len - t->pos;
    if (left >= 2 && p[1] == '\n') {
        return 1;
    }
    return left >= 3 && p[1] == '\r' && p[2] == '\n' ? 2 : 0;
}

/* The byte at pos, outside quotes; returns how many bytes it becomes. */
static size_t put_code(struct vba_text *t, uint8_t *out) {
    uint8_t c = t->in[t->pos];
    if (c == '_' && t->space) {
        size_t skip = continues(t);
        if (skip > 0) {
            t->pos += skip + 1;
            return 0;
        }
    }
    t->pos++;
    bool was_space = t->space;
    if (c == ' ' || c == '\t') {
        t->space = true;
        out[0] = ' ';
        return was_space ? 0 : 1;
    }
    t->space = was_space && (c == '\r' || c == '\n');
    t->in_string = c == '"';
    return vba_utf8(t->codepage, c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c, out);
}

bool vba_charset(unsigned codepage, char out_name[VBA_CHARSET_BYTES]) {
    if (codepage == CP_WESTERN || codepage == CP_UTF8 || codepage == VBA_CODEPAGE_NONE) {
        return false;
    }
    bool windows = codepage >= 1250 && codepage <= 1258;
    (void)snprintf(out_name, VBA_CHARSET_BYTES, "%s%u", windows ? "windows" : "cp", codepage);
    return true;
}

static sk_err text_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct vba_text *t = (struct vba_text *)(void *)base;
    size_t len = 0;
    for (;;) {
        fill(t, 1);
        if (t->pos == t->len || cap - len < 3) {
            break;
        }
        if (!t->in_string) {
            len += put_code(t, buf + len);
            continue;
        }
        uint8_t c = t->in[t->pos++];
        t->in_string = c != '"';
        len += vba_utf8(t->codepage, c, buf + len);
    }
    *out_len = len;
    return len == 0 ? t->err : sk_ok();
}

struct sk_stream *vba_text_init(struct vba_text *text, struct sk_stream *up, unsigned codepage) {
    *text = (struct vba_text){.base = {.read = text_read}, .up = up, .codepage = codepage};
    return &text->base;
}
