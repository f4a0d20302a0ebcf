// SPDX-License-Identifier: Apache-2.0
/*
 * The reading half of the name encoding (see names.h for the bytes; the writing half is
 * defc/names.c).
 *
 * A name is decoded for a finding, for a listing, and by the verifier; never in the hot path. So
 * this file prefers checks to speed: the stem number, the stem's bounds, each number and the length
 * of the result are compared against their limits on every call, because an image may be hostile
 * and opening it reads none of these pages.
 */
#include "defs/names.h"

sk_err names_view_init(struct names_view *view, struct sk_bytes stems, struct sk_bytes names) {
    struct names_view v = {.name = names};
    if (stems.len == 0) {
        if (names.len != 0) {
            return sk_fail(SK_E_FORMAT);
        }
        *view = v;
        return sk_ok();
    }
    if (stems.len < 8 || names.len > UINT32_MAX) {
        return sk_fail(SK_E_FORMAT);
    }
    v.stem_count = sk_load_u32le(stems.ptr);
    uint64_t head = 4 + ((uint64_t)v.stem_count + 1) * 4;
    if (head > stems.len) {
        return sk_fail(SK_E_FORMAT);
    }
    v.stem_off = (const uint32_t *)(const void *)(stems.ptr + 4);
    v.stem = (struct sk_bytes){stems.ptr + head, stems.len - (size_t)head};
    *view = v;
    return sk_ok();
}

/* Two digits at a time would be faster; nobody waits for this. */
static size_t put_number(char *out, uint64_t value) {
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (size_t i = 0; i < n; i++) {
        out[i] = digits[n - 1 - i];
    }
    return n;
}

/* One element of a stem into text, which has room for 20 bytes; 0 = damaged. */
static size_t put_element(struct sk_cursor *stem, struct sk_cursor *numbers, char *text) {
    uint8_t byte = sk_cursor_u8(stem);
    if (byte == NAMES_MARK_NUMBER) {
        uint64_t value = sk_cursor_varint(numbers);
        return sk_cursor_ok(numbers) ? put_number(text, value) : 0;
    }
    if (byte == NAMES_MARK_BYTE) {
        byte = sk_cursor_u8(stem);
        if (!sk_cursor_ok(stem)) {
            return 0;
        }
    }
    text[0] = (char)byte;
    return 1;
}

sk_err names_decode(const struct names_view *view, uint32_t ref, struct buf *out,
                    uint32_t *out_next) {
    struct sk_cursor numbers = sk_cursor_of(view->name);
    sk_cursor_seek(&numbers, ref);
    uint64_t number = sk_cursor_varint(&numbers);
    if (!sk_cursor_ok(&numbers) || number >= view->stem_count) {
        return sk_fail(SK_E_FORMAT);
    }
    uint32_t from = view->stem_off[number];
    uint32_t to = view->stem_off[number + 1];
    if (from > to || to > view->stem.len) {
        return sk_fail(SK_E_FORMAT);
    }
    struct sk_cursor stem = sk_cursor_make(view->stem.ptr, to);
    sk_cursor_seek(&stem, from);
    char text[NAMES_NAME_MAX + 20];
    size_t len = 0;
    while (sk_cursor_left(&stem) > 0) {
        size_t n = put_element(&stem, &numbers, &text[len]);
        len += n;
        if (n == 0 || len > NAMES_NAME_MAX) {
            return sk_fail(SK_E_FORMAT);
        }
    }
    if (len == 0) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(buf_append(out, text, len));
    if (out_next != NULL) {
        *out_next = (uint32_t)numbers.pos;
    }
    return sk_ok();
}

/* ---- checking without decoding ----------------------------------------------------------------
 */

static struct names_stem look_at_stem(const struct names_view *view, uint64_t number) {
    struct names_stem s = {.seen = true, .bad = true};
    uint32_t from = view->stem_off[number];
    uint32_t to = view->stem_off[number + 1];
    if (from >= to || to > view->stem.len) {
        return s;
    }
    uint32_t letters = 0, numbers = 0;
    for (uint32_t i = from; i < to && letters + numbers <= NAMES_NAME_MAX; i++) {
        uint8_t byte = view->stem.ptr[i];
        if (byte == NAMES_MARK_BYTE && ++i == to) {
            return s;
        }
        letters += byte != NAMES_MARK_NUMBER;
        numbers += byte == NAMES_MARK_NUMBER;
    }
    s.bad = letters + numbers > NAMES_NAME_MAX; /* a number has a digit at least */
    s.letters = (uint16_t)letters;
    s.numbers = (uint16_t)numbers;
    return s;
}

static unsigned digits_of(uint64_t value) {
    unsigned n = 1;
    while (value >= 10) {
        value /= 10;
        n++;
    }
    return n;
}

bool names_check(const struct names_view *view, struct names_stem *stems, uint32_t ref,
                 uint32_t *out_next) {
    struct sk_cursor c = sk_cursor_of(view->name);
    sk_cursor_seek(&c, ref);
    uint64_t number = sk_cursor_varint(&c);
    if (!sk_cursor_ok(&c) || number >= view->stem_count) {
        return false;
    }
    struct names_stem *stem = &stems[number];
    if (!stem->seen) {
        *stem = look_at_stem(view, number);
    }
    unsigned len = stem->letters;
    for (unsigned i = 0; i < stem->numbers; i++) {
        len += digits_of(sk_cursor_varint(&c));
    }
    if (stem->bad || !sk_cursor_ok(&c) || len > NAMES_NAME_MAX) {
        return false;
    }
    *out_next = (uint32_t)c.pos;
    return true;
}
