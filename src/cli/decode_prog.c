// SPDX-License-Identifier: Apache-2.0
/*
 * The program of a part, operation by operation.
 *
 *   LIT "MZ" | SKIP 4 | ALT (LIT "a" | LIT "bc") | LIT "z"
 *   ->  "MZ" = 4d5a
 *       any 4 bytes
 *       one of 2 alternatives
 *         alternative 1
 *           "a" = 61
 *         alternative 2
 *           "bc" = 6263
 *       "z" = 7a
 *
 * Alternatives nest, so a stack holds where each one ends and what follows it. Every read goes
 * through the cursor of the program: a damaged one gives SK_E_FORMAT.
 */
#include <string.h>

#include "base/cursor.h"
#include "cli/decode.h"
#include "cli/intl.h"
#include "cli/words.h"

#define SHOWN_MAX 80u

/* An ALT being told: the cursor is inside its alternative number `told`. */
struct open_alt {
    size_t end; /* of the alternative */
    uint32_t told;
    uint32_t count;
};
struct prog_tell {
    struct tell *t;
    struct sk_cursor c;
    struct open_alt alt[MT_ALT_NESTING_MAX];
    unsigned depth;
    struct buf says;
    struct buf hex; /* empty: the element has none */
};

sk_err decode_literal(const uint8_t *bytes, size_t len, struct buf *out) {
    size_t shown = len < SHOWN_MAX ? len : SHOWN_MAX;
    TRY(words_bytes_text(bytes, shown, out));
    TRY(buf_puts(out, " = "));
    TRY(words_bytes_hex(bytes, shown, out));
    return shown == len ? sk_ok() : buf_printf(out, _("... (%zu bytes)"), len);
}

static void add_element(struct prog_tell *p, const char *op) {
    struct tell *t = p->t;
    if (!t->as_json) {
        unsigned own = strcmp(op, "alternative") == 0 ? 1 : 0;
        tell_line(t, 2 * p->depth - own, buf_text(&p->says));
        return;
    }
    tell_open(t, NULL, NULL, '{');
    tell_text(t, "op", NULL, op);
    tell_number(t, "depth", NULL, p->depth);
    if (p->hex.len > 0) {
        tell_text(t, "hex", NULL, buf_text(&p->hex));
    }
    tell_text(t, "says", NULL, buf_text(&p->says));
    tell_close(t, NULL, '}');
}

/* n pairs (value, mask) as a pattern of hex digits. */
static sk_err masked(struct prog_tell *p, size_t n, struct buf *out) {
    for (size_t i = 0; i < n; i++) {
        uint8_t value = sk_cursor_u8(&p->c), mask = sk_cursor_u8(&p->c);
        if (mask == 0xff) {
            TRY(buf_printf(out, "%02x", value));
        } else if (mask == 0) {
            TRY(buf_puts(out, "??"));
        } else if (mask == 0xf0) {
            TRY(buf_printf(out, "%x?", value >> 4));
        } else if (mask == 0x0f) {
            TRY(buf_printf(out, "?%x", value & 15));
        } else {
            TRY(buf_printf(out, "[%02x/%02x]", value, mask));
        }
    }
    return sk_ok();
}

static sk_err say_literal(struct prog_tell *p, bool nocase) {
    uint16_t n = sk_cursor_u16le(&p->c);
    const uint8_t *bytes = sk_cursor_take(&p->c, n);
    if (bytes == NULL) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(words_bytes_hex(bytes, n, &p->hex));
    TRY(decode_literal(bytes, n, &p->says));
    TRY(nocase ? buf_puts(&p->says, _(" in upper or lower case")) : sk_ok());
    add_element(p, nocase ? "literal-nocase" : "literal");
    return sk_ok();
}

static sk_err say_masked(struct prog_tell *p) {
    TRY(masked(p, sk_cursor_u16le(&p->c), &p->hex));
    TRY(buf_printf(&p->says, _("bytes like %s"), buf_text(&p->hex)));
    add_element(p, "masked");
    return sk_ok();
}

static sk_err say_set(struct prog_tell *p) {
    const uint8_t *set = sk_cursor_take(&p->c, 32);
    if (set == NULL) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(buf_puts(&p->says, _("one byte of:")));
    for (unsigned b = 0; b < 256; b++) {
        unsigned last = b;
        while (last < 256 && (set[last / 8] >> (last % 8) & 1) != 0) {
            last++;
        }
        if (last > b) {
            TRY(last - b > 1 ? buf_printf(&p->says, " %02x-%02x", b, last - 1)
                             : buf_printf(&p->says, " %02x", b));
            b = last;
        }
    }
    add_element(p, "set");
    return sk_ok();
}

static sk_err say_fixed(struct prog_tell *p) {
    bool negated = sk_cursor_u8(&p->c) != 0, nocase = sk_cursor_u8(&p->c) != 0;
    uint16_t n = sk_cursor_u16le(&p->c), count = sk_cursor_u16le(&p->c);
    if ((size_t)n * count * 2 > sk_cursor_left(&p->c)) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(negated ? buf_printf(&p->says, _("%u bytes, but none of:"), (unsigned)n)
                : buf_puts(&p->says, _("one of:")));
    for (unsigned i = 0; i < count; i++) {
        TRY(buf_puts(&p->says, " "));
        TRY(masked(p, n, &p->says));
    }
    TRY(nocase ? buf_puts(&p->says, _(" in upper or lower case")) : sk_ok());
    add_element(p, negated ? "none-of" : "one-of");
    return sk_ok();
}

static sk_err say_bound(struct prog_tell *p) {
    uint8_t kind = sk_cursor_u8(&p->c);
    bool negated = sk_cursor_u8(&p->c) != 0;
    bool left = sk_cursor_u8(&p->c) == MT_SIDE_LEFT;
    const char *what = kind == 'B'   ? _("a word boundary")
                       : kind == 'L' ? _("a line boundary")
                                     : _("something that is no letter or digit");
    TRY(buf_printf(&p->says,
                   negated ? (left ? _("before it: not %s") : _("behind it: not %s"))
                           : (left ? _("before it: %s") : _("behind it: %s")),
                   what));
    add_element(p, "boundary");
    return sk_ok();
}

static sk_err say_near(struct prog_tell *p) {
    bool left = sk_cursor_u8(&p->c) == MT_SIDE_LEFT;
    unsigned min = sk_cursor_u8(&p->c), max = sk_cursor_u8(&p->c);
    TRY(masked(p, 1, &p->hex));
    TRY(buf_printf(&p->says,
                   left ? _("before it, %u to %u bytes away: the byte %s")
                        : _("behind it, %u to %u bytes away: the byte %s"),
                   min, max, buf_text(&p->hex)));
    add_element(p, "near");
    return sk_ok();
}

static sk_err say_skip(struct prog_tell *p) {
    TRY(buf_printf(&p->says, _("any %u bytes"), (unsigned)sk_cursor_u16le(&p->c)));
    add_element(p, "any");
    return sk_ok();
}

/* The next alternative begins at the cursor. */
static sk_err enter_alternative(struct prog_tell *p) {
    struct open_alt *a = &p->alt[p->depth - 1];
    uint16_t len = sk_cursor_u16le(&p->c);
    if (len > sk_cursor_left(&p->c)) {
        return sk_fail(SK_E_FORMAT);
    }
    a->end = p->c.pos + len;
    a->told++;
    buf_clear(&p->says);
    buf_clear(&p->hex);
    TRY(buf_printf(&p->says, _("- alternative %u:"), a->told));
    add_element(p, "alternative");
    return sk_ok();
}

static sk_err say_alternatives(struct prog_tell *p) {
    uint16_t count = sk_cursor_u16le(&p->c);
    if (count == 0 || p->depth == MT_ALT_NESTING_MAX) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(buf_printf(&p->says, _("one of %u alternatives:"), (unsigned)count));
    add_element(p, "alternatives");
    p->alt[p->depth++] = (struct open_alt){.count = count};
    return enter_alternative(p);
}

static sk_err say_operation(struct prog_tell *p) {
    buf_clear(&p->says);
    buf_clear(&p->hex);
    uint8_t op = sk_cursor_u8(&p->c);
    switch (op) {
    case MT_OP_LIT:
    case MT_OP_LITI:
        return say_literal(p, op == MT_OP_LITI);
    case MT_OP_MASK:
        return say_masked(p);
    case MT_OP_SKIP:
        return say_skip(p);
    case MT_OP_SET:
        return say_set(p);
    case MT_OP_FIXED:
        return say_fixed(p);
    case MT_OP_ALT:
        return say_alternatives(p);
    case MT_OP_BOUND:
        return say_bound(p);
    case MT_OP_NEAR:
        return say_near(p);
    default:
        return sk_fail(SK_E_FORMAT);
    }
}

static sk_err say_program(struct prog_tell *p) {
    for (;;) {
        while (p->depth > 0 && p->c.pos >= p->alt[p->depth - 1].end) {
            struct open_alt *a = &p->alt[p->depth - 1];
            if (a->told == a->count) {
                p->depth--;
            } else {
                TRY(enter_alternative(p));
            }
        }
        if (sk_cursor_left(&p->c) == 0) {
            return p->depth == 0 ? sk_ok() : sk_fail(SK_E_FORMAT);
        }
        TRY(say_operation(p));
        if (!sk_cursor_ok(&p->c)) {
            return sk_fail(SK_E_FORMAT);
        }
    }
}

sk_err decode_program(struct tell *t, const struct mt_segment *seg, const struct mt_part *part) {
    if ((uint64_t)part->prog + part->prog_len > seg->prog_len) {
        return sk_fail(SK_E_FORMAT);
    }
    struct prog_tell p = {.t = t};
    p.c = sk_cursor_of((struct sk_bytes){&seg->prog[part->prog], part->prog_len});
    tell_open(t, "elements", NULL, '[');
    sk_err err = say_program(&p);
    tell_close(t, NULL, ']');
    buf_release(&p.says);
    buf_release(&p.hex);
    return err;
}
