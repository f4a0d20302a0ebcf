// SPDX-License-Identifier: Apache-2.0
/*
 * What clambc 1.4.6 accepts and names in its messages, found out by feeding it heads made by hand
 * (tests/integ/test_bytecode.py asks it again):
 *
 *   ClamBC format time |maker excluded kind min max resource |compiler types functions magic 2a :N
 *
 *   number   one letter for the count of nibbles (0x60 + count), then the nibbles, lowest first,
 *            each as 0x60 + value; ` alone is 0
 *   |text    a number of bytes, then two nibbles a byte, the lower one first
 *   magic    the number 53e5493e9f3d1c30; then two bare nibbles, 42; then ':' and a decimal number,
 *            the longest line
 *
 * Behind it: a line with the trigger (a logical signature, or nothing), then types, functions and
 * the rest, which are not known here: no official file was at hand, and clambc crashes on a body
 * that is made up. That, the instructions and the interface are what is missing to run it.
 */
#include "defc/bytecode.h"

#include "defc/text.h"

#define MAGIC UINT64_C(0x53e5493e9f3d1c30)
#define MAGIC_TAIL 42u
#define NIBBLES_MAX 16u

static unsigned nibble(struct sk_cursor *c) {
    uint8_t b = sk_cursor_u8(c);
    if (b < 0x60 || b > 0x6f) {
        sk_cursor_skip(c, UINT64_MAX); /* fails the cursor */
        return 0;
    }
    return b - 0x60u;
}

static uint64_t number(struct sk_cursor *c) {
    uint8_t count = sk_cursor_u8(c);
    uint64_t n = 0;
    if (count < 0x60 || count > 0x60 + NIBBLES_MAX) {
        sk_cursor_skip(c, UINT64_MAX);
        return 0;
    }
    for (unsigned i = 0; i < count - 0x60u; i++) {
        n |= (uint64_t)nibble(c) << 4 * i;
    }
    return n;
}

static void skip_text(struct sk_cursor *c) {
    bool marked = sk_cursor_u8(c) == '|';
    uint64_t len = number(c);
    sk_cursor_skip(c, marked && len <= c->len ? len * 2 : UINT64_MAX);
}

bool bytecode_head(struct sk_bytes line, struct bytecode_head *out_head) {
    struct sk_cursor c = sk_cursor_of(line);
    struct bytecode_head h;
    const uint8_t *mark = sk_cursor_take(&c, 6);
    if (mark == NULL || memcmp(mark, "ClamBC", 6) != 0) {
        return false;
    }
    h.format = number(&c);
    h.time = number(&c);
    skip_text(&c);
    (void)number(&c);
    h.kind = number(&c);
    h.level_min = number(&c);
    h.level_max = number(&c);
    (void)number(&c);
    skip_text(&c);
    h.types = number(&c);
    h.functions = number(&c);
    uint64_t magic = number(&c);
    unsigned tail = nibble(&c);
    tail |= nibble(&c) << 4;
    bool colon = sk_cursor_u8(&c) == ':';
    if (!sk_cursor_ok(&c) || magic != MAGIC || tail != MAGIC_TAIL || !colon ||
        !text_number(text_from(line, c.pos), UINT32_MAX, &h.line_max)) {
        return false;
    }
    *out_head = h;
    return true;
}

struct sk_bytes bytecode_name(struct sk_bytes line) {
    struct sk_bytes name = text_upto(line, text_find(line, ';'));
    size_t at = 0;
    while (at + 1 < name.len && !(name.ptr[at] == '.' && name.ptr[at + 1] == '{')) {
        at++;
    }
    return at + 1 < name.len ? text_upto(name, at) : name;
}
