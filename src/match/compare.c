// SPDX-License-Identifier: Apache-2.0
/*
 * What clamscan 1.4.6 does (table in tests/unit/match/test_compare.c):
 *
 *   place   start of the last hit (of a chain: of its first part) + off. A place of 0 or before
 *           never holds, nor does a number that goes beyond the end of the layer.
 *   raw     1, 2, 4 bytes unsigned, 8 bytes signed, byte order as stated
 *   dec     blanks, sign, digits; what is no digit ends the number; no digit at all is 0
 *   hex     the same, or 0x and digits. Little-endian: see read_reversed
 *   auto    hex with 0x, else decimal (big-endian only); fewer than three bytes behind the
 *           blanks never hold
 *   hex, auto and raw without a byte order never hold; a number too large for 64 bits neither
 *   exact   the digits fill the whole width: no blanks
 *
 * clamscan looks at the last hit of each piece of a file it reads, but finds it only inside the
 * first 128 KiB; for larger layers the last hit in that piece and the last of all are both looked
 * at here.
 */
#include "match/compare.h"

#include <string.h>

#define FIRST_PIECE ((uint64_t)128 * 1024)

static int digit(uint8_t c, unsigned base) {
    int v = c >= '0' && c <= '9'   ? c - '0'
            : c >= 'a' && c <= 'f' ? c - 'a' + 10
            : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                   : 99;
    return v < (int)base ? v : -1;
}

static bool is_blank(uint8_t c) {
    return c == ' ' || (c >= 9 && c <= 13);
}

struct number {
    int64_t value;
    uint32_t used; /* bytes that belong to the number */
    bool fits;
};

static bool has_prefix(const uint8_t *p, uint32_t len) {
    return len >= 3 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && digit(p[2], 16) >= 0;
}

static struct number read_text(const uint8_t *p, uint32_t len, unsigned base) {
    struct number n = {.fits = true};
    uint32_t at = 0;
    bool minus = false;
    while (at < len && is_blank(p[at])) {
        at++;
    }
    uint32_t first = at;
    if (at < len && (p[at] == '-' || p[at] == '+')) {
        minus = p[at++] == '-';
    }
    if (at == first && base == 16 && has_prefix(&p[at], len - at)) {
        at += 2;
    }
    uint32_t digits = at;
    for (; at < len && digit(p[at], base) >= 0; at++) {
        int64_t step = minus ? -digit(p[at], base) : digit(p[at], base);
        if (__builtin_mul_overflow(n.value, (int64_t)base, &n.value) ||
            __builtin_add_overflow(n.value, step, &n.value)) {
            n.fits = false;
        }
    }
    n.used = at == digits ? 0 : at - first;
    return n;
}

static bool is_paired(uint8_t c) {
    return digit(c, 16) >= 0 || c == 'x' || c == 'X';
}

/*
 * Pairs of hex digits from the last to the first: blanks and 0x are skipped, an odd number of
 * digits gets a 0 in front. From the first pair on that is not of digits (an x counts as one) it is
 * as if zeros stood there. What comes of it is read as any number: 12x4 is x412, which is 0; 1x34
 * is 341x, which is 0x341. One byte alone is just a digit.
 */
static struct number read_reversed(const uint8_t *p, uint32_t len) {
    uint8_t pairs[MT_COMPARE_WIDTH_MAX + 1];
    uint32_t at = 0;
    if (len == 1) {
        return read_text(p, len, 16);
    }
    while (at < len && is_blank(p[at])) {
        at++;
    }
    uint32_t blanks = at;
    if (has_prefix(&p[at], len - at)) {
        at += 2;
    }
    uint32_t odd = (len - at) % 2;
    uint32_t count = len - at + odd;
    if (count == 0) {
        return (struct number){.fits = true};
    }
    memset(pairs, '0', count);
    for (uint32_t i = 0; i < count; i += 2) {
        uint8_t high = i < odd ? '0' : p[at + i - odd];
        uint8_t low = p[at + i + 1 - odd];
        if (!is_paired(high) || !is_paired(low)) {
            break;
        }
        pairs[count - 2 - i] = high;
        pairs[count - 1 - i] = low;
    }
    struct number out = read_text(pairs, count, 16);
    out.used = blanks > 0 ? 0 : out.used;
    return out;
}

static struct number read_raw(const uint8_t *p, uint32_t width, bool little) {
    uint64_t value = 0;
    for (uint32_t i = 0; i < width; i++) {
        value = value << 8 | p[little ? width - 1 - i : i];
    }
    return (struct number){(int64_t)value, width, true};
}

static bool in_order(uint8_t cmp, int64_t number, int64_t value) {
    switch (cmp) {
    case MT_CMP_NONE:
        return true;
    case MT_CMP_EQ:
        return number == value;
    case MT_CMP_GT:
        return number > value;
    default:
        return number < value;
    }
}

bool compare_number(const struct mt_compare *c, const uint8_t *bytes) {
    bool little = (c->flags & MT_COMPARE_LITTLE) != 0;
    bool ordered = little || (c->flags & MT_COMPARE_BIG) != 0;
    bool hex = c->number == MT_NUMBER_HEX;
    if (c->number == MT_NUMBER_AUTO) {
        uint32_t at = 0;
        while (at < c->width && is_blank(bytes[at])) {
            at++;
        }
        if (c->width - at < 3) {
            return false;
        }
        hex = has_prefix(&bytes[at], c->width - at);
        ordered = ordered && (hex || !little);
    }
    if (!ordered && c->number != MT_NUMBER_DEC) {
        return false;
    }
    struct number n;
    if (c->number == MT_NUMBER_RAW) {
        n = read_raw(bytes, c->width, little);
    } else if (hex && little) {
        n = read_reversed(bytes, c->width);
    } else {
        n = read_text(bytes, c->width, hex ? 16 : 10);
    }
    if (!n.fits || ((c->flags & MT_COMPARE_EXACT) != 0 && n.used != c->width)) {
        return false;
    }
    return in_order(c->cmp[0], n.value, c->value[0]) && in_order(c->cmp[1], n.value, c->value[1]);
}

struct last {
    uint64_t any, early;
    bool has_any, has_early;
};

static bool keep_last(void *ctx, uint64_t start) {
    struct last *l = ctx;
    l->any = start;
    l->has_any = true;
    if (start < FIRST_PIECE) {
        l->early = start;
        l->has_early = true;
    }
    return true;
}

static bool holds_near(struct pattern_run *run, const struct mt_compare *c, uint64_t start) {
    uint64_t place;
    bool none = c->off < 0 ? __builtin_sub_overflow(start, (uint64_t) - (int64_t)c->off, &place)
                           : __builtin_add_overflow(start, (uint64_t)c->off, &place);
    if (none || place == 0) {
        return false;
    }
    const uint8_t *p = pattern_bytes(run, place, c->width);
    return p != NULL && compare_number(c, p);
}

sk_err compare_holds(struct pattern_run *run, const struct mt_segment *seg,
                     const struct mt_compare *c, uint32_t ref, bool *out_holds) {
    struct last last = {0};
    bool raw = c->number == MT_NUMBER_RAW;
    if (c->width == 0 || c->width > MT_COMPARE_WIDTH_MAX || (raw && c->width > 8)) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(pattern_each(run, seg, ref, keep_last, &last));
    *out_holds = (last.has_any && holds_near(run, c, last.any)) ||
                 (last.has_early && last.early != last.any && holds_near(run, c, last.early));
    return run->err;
}
