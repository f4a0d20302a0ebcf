// SPDX-License-Identifier: Apache-2.0
/*
 * Hex data of RTF as attackers write it (RTF Specification 1.9.1; what Word passes over was
 * published by those who take such files apart):
 *
 *     {\*\objdata 01 0{\*\x 99}5 \foo00 \'41 0 \bin3 abc ... }
 *                    |- inner -|  |----|  |--|   |------|    ^ the group that holds \objdata ends
 *                    not data     passed over    raw bytes
 *
 * Whatever is no digit is passed over. A lone last digit is dropped. \binN is honoured as far as
 * there are bytes. Readers differ about digits in inner groups (clamscan 1.4.6 passes over them,
 * seen; Word over those of unknown destinations only), about \'xx (the half byte before it is lost
 * or not; clamscan stops) and about digits glued to the control word (its parameter, or data). Such
 * places are noted in `seen`; the caller reads again with the doubt turned.
 */
#include "format/rtf_data.h"

#include <string.h>

#include "base/hex.h"

#define WORD_MAX 32u
#define WORD_BYTES ((size_t)64)
#define STEP_BYTES ((size_t)4096)
#define TICK_BYTES ((uint64_t)65536)
#define TEXT_SEARCH_BYTES ((size_t)65536)

static bool is_letter(uint8_t c) {
    c |= 0x20;
    return c >= 'a' && c <= 'z';
}

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

struct rtf_word rtf_word_read(struct sk_source *src, uint64_t pos) {
    struct sk_cursor c = sk_source_cursor(src, pos, WORD_BYTES);
    struct rtf_word w = {.symbol = c.len > 0 ? c.ptr[0] : 0};
    size_t at = 0;
    while (at < c.len && at < WORD_MAX && is_letter(c.ptr[at])) {
        at++;
    }
    if (at == 0) {
        w.len = w.symbol == '\'' && c.len >= 3 ? 3 : (c.len > 0 ? 1 : 0);
        return w;
    }
    w.name = c.ptr;
    w.name_len = at;
    bool minus = at < c.len && c.ptr[at] == '-';
    size_t digits = at + (minus ? 1 : 0);
    if (digits < c.len && is_digit(c.ptr[digits])) {
        at = digits;
        w.has_value = true;
    }
    while (w.has_value && at < c.len && is_digit(c.ptr[at])) {
        w.value = w.value < INT64_C(1) << 40 ? w.value * 10 + (c.ptr[at] - '0') : w.value;
        at++;
    }
    w.value = minus ? -w.value : w.value;
    w.len = at + (at < c.len && c.ptr[at] == ' ' ? 1 : 0);
    return w;
}

bool rtf_word_is(const struct rtf_word *w, const char *name) {
    size_t len = strlen(name);
    return w->name != NULL && w->name_len == len && memcmp(w->name, name, len) == 0;
}

/* Behind a backslash. */
static void take_word(struct rtf_hex *h) {
    struct rtf_word w = rtf_word_read(h->src, h->pos);
    if (rtf_word_is(&w, "bin") && w.value > 0) {
        uint64_t rest = h->src->size - h->pos - w.len;
        h->raw = (uint64_t)w.value < rest ? (uint64_t)w.value : rest;
    } else if (w.symbol == '\'' && w.name == NULL) {
        h->seen |= RTF_DOUBT_QUOTES;
        h->half = h->half && (h->how & RTF_DOUBT_QUOTES) == 0;
    }
    h->pos += w.len;
}

/* One byte that is no backslash. True: *out is a byte of data. */
static bool take_byte(struct rtf_hex *h, uint8_t c, uint8_t *out) {
    if (c == '{') {
        h->depth++;
        return false;
    }
    if (c == '}') {
        h->ended = h->depth == 0;
        h->depth -= h->ended ? 0 : 1;
        return false;
    }
    int digit = sk_hex_digit(c);
    if (digit < 0) {
        return false;
    }
    if (h->depth > 0) {
        h->seen |= RTF_DOUBT_GROUPS;
        if (h->picture || (h->how & RTF_DOUBT_GROUPS) == 0) {
            return false;
        }
    }
    *out = (uint8_t)(h->high << 4 | digit);
    h->high = (uint8_t)digit;
    h->half = !h->half;
    return !h->half;
}

/* Raw bytes of \bin: given out unless they are in a group that does not count. */
static size_t take_raw(struct rtf_hex *h, struct sk_bytes have, uint8_t *buf, size_t cap) {
    size_t n = have.len < cap ? have.len : cap;
    n = n < h->raw ? n : (size_t)h->raw;
    bool counts = h->depth == 0 || (!h->picture && (h->how & RTF_DOUBT_GROUPS) != 0);
    memcpy(buf, have.ptr, n);
    h->raw -= n;
    h->pos += n;
    return counts ? n : 0;
}

/* Take from one window until the buffer is full, the group ends, or a backslash comes. */
static size_t take_window(struct rtf_hex *h, struct sk_bytes have, uint8_t *buf, size_t cap) {
    size_t out = 0;
    size_t i = 0;
    while (i < have.len && out < cap && !h->ended && have.ptr[i] != '\\') {
        out += take_byte(h, have.ptr[i], &buf[out]) ? 1 : 0;
        i++;
    }
    h->pos += i;
    if (i < have.len && out < cap && !h->ended) {
        h->pos++;
        take_word(h);
    }
    return out;
}

/* Charge what was read, ask the clock now and then. */
static sk_err pay(struct rtf_hex *h, uint64_t used) {
    uint64_t before = *h->left;
    *h->left -= used < before ? used : before;
    return before / TICK_BYTES != *h->left / TICK_BYTES ? walk_tick(h->walk) : sk_ok();
}

static sk_err hex_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct rtf_hex *h = (struct rtf_hex *)(void *)base;
    size_t out = 0;
    while (out == 0 && cap > 0 && !h->ended && h->pos < h->src->size) {
        if (*h->left == 0) {
            return sk_fail(SK_E_LIMIT);
        }
        struct sk_bytes have;
        have.ptr = sk_source_at(h->src, h->pos, 1, &have.len);
        if (have.ptr == NULL) {
            return h->src->failed;
        }
        have.len = have.len < STEP_BYTES ? have.len : STEP_BYTES;
        uint64_t from = h->pos;
        out = h->raw > 0 ? take_raw(h, have, buf, cap) : take_window(h, have, buf, cap);
        TRY(pay(h, h->pos - from));
    }
    *out_len = out;
    return sk_ok();
}

struct sk_stream *rtf_hex_init(struct rtf_hex *h, const struct rtf *r, uint64_t pos) {
    *h = (struct rtf_hex){.base = {hex_read, NULL}, .walk = r->walk, .src = r->src, .pos = pos};
    h->left = r->left;
    return &h->base;
}

/* ---- text ---- */

/* Behind a backslash: what the word stands for in text, 0: nothing. */
static uint8_t text_word(struct rtf_hex *h) {
    struct rtf_word w = rtf_word_read(h->src, h->pos);
    uint8_t c = 0;
    if (w.name == NULL && w.symbol == '\'' && w.len == 3) {
        struct sk_cursor digits = sk_source_cursor(h->src, h->pos + 1, 2);
        int high = digits.len == 2 ? sk_hex_digit(digits.ptr[0]) : -1;
        int low = digits.len == 2 ? sk_hex_digit(digits.ptr[1]) : -1;
        c = high >= 0 && low >= 0 ? (uint8_t)(high << 4 | low) : 0;
    } else if (w.name == NULL && (w.symbol == '\\' || w.symbol == '{' || w.symbol == '}')) {
        c = w.symbol;
    } else if (rtf_word_is(&w, "u") && w.value > 0 && w.value < 128) {
        c = (uint8_t)w.value;
    } else if (rtf_word_is(&w, "bin") && w.value > 0) {
        uint64_t rest = h->src->size - h->pos - w.len;
        h->pos += (uint64_t)w.value < rest ? (uint64_t)w.value : rest;
    }
    h->pos += w.len;
    return c;
}

sk_err rtf_text(const struct rtf *r, uint64_t pos, char *out, size_t *out_len) {
    struct rtf_hex h;
    size_t len = 0;
    rtf_hex_init(&h, r, pos);
    for (size_t i = 0; i < TEXT_SEARCH_BYTES && len < RTF_TEXT_MAX && !h.ended; i++) {
        size_t avail;
        uint64_t from = h.pos;
        const uint8_t *p = sk_source_at(h.src, h.pos, 1, &avail);
        if (p == NULL || *h.left == 0) {
            break;
        }
        uint8_t c = *p;
        h.pos++;
        if (c == '{' || c == '}') {
            uint8_t unused;
            (void)take_byte(&h, c, &unused);
            c = 0;
        } else if (c == '\\') {
            c = text_word(&h);
        }
        if (c >= ' ') { /* line ends are none */
            out[len++] = (char)c;
        }
        TRY(pay(&h, h.pos - from));
    }
    *out_len = len;
    return sk_failed(r->src->failed) ? r->src->failed : sk_ok();
}
