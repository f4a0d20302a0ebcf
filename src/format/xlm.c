// SPDX-License-Identifier: Apache-2.0
/*
 * Formulas of Excel out of their tokens.
 *
 *     rgce (operands first): "cmd" "/c" & EXEC(1)  -->  EXEC("cmd"&"/c")
 *
 * Operands stand in `text` one behind the other; `at` says where each begins, so an operator is one
 * insertion between the last two, a function one in front of its arguments and a comma between
 * them. Work is bounded by XLM_TEXT_BYTES a token, and a token takes at least a byte of a record.
 * References are absolute, R1C1 (relative ones in brackets), since macros are read, not edited.
 */
#include "format/xlm.h"

#include <stdio.h>

#include "base/utf8.h"

#define XLM_ANY 0xffu
#define COMMAND_BIT 0x8000u
#define FUNCTION_USER 255u

struct function {
    uint16_t number;
    uint8_t arguments;
    bool is_command;
    const char *name;
};
static const struct function FUNCTIONS[] = {
#define XLM_FUNCTION(number, arguments, name) {number, arguments, false, name},
#define XLM_COMMAND(number, name) {number, XLM_ANY, true, name},
#include "format/xlm_functions.def"
#undef XLM_FUNCTION
#undef XLM_COMMAND
};

/* ---- text ---------------------------------------------------------------------------------- */

static void insert(struct xlm_text *t, size_t at, const void *bytes, size_t len) {
    if (len > XLM_TEXT_BYTES - t->len) {
        t->cut = true;
        return;
    }
    memmove(t->text + at + len, t->text + at, t->len - at);
    memcpy(t->text + at, bytes, len);
    t->len += len;
}

static void put(struct xlm_text *t, const char *text) {
    insert(t, t->len, text, strlen(text));
}

static void push(struct xlm_text *t) {
    if (t->depth == XLM_STACK_MAX) {
        t->cut = true;
        return;
    }
    t->at[t->depth++] = (uint16_t)t->len;
}

static void push_text(struct xlm_text *t, const char *text) {
    push(t);
    put(t, text);
}

static void put_unit(struct xlm_text *t, uint32_t c) {
    uint8_t bytes[SK_UTF8_MAX_BYTES];
    insert(t, t->len, bytes, sk_utf8_put(bytes, c));
}

static void push_string(struct xlm_text *t, struct sk_cursor *c, bool biff8) {
    size_t count = sk_cursor_u8(c);
    bool is_wide = biff8 && (sk_cursor_u8(c) & 1) != 0;
    push_text(t, "\"");
    for (size_t i = 0; i < count && sk_cursor_left(c) > 0; i++) {
        put_unit(t, is_wide ? sk_cursor_u16le(c) : sk_cursor_u8(c));
    }
    put(t, "\"");
}

static void binary(struct xlm_text *t, const char *sign) {
    if (t->depth < 2) {
        t->cut = true;
        return;
    }
    insert(t, t->at[--t->depth], sign, strlen(sign));
}

static void unary(struct xlm_text *t, const char *before, const char *behind) {
    if (t->depth < 1) {
        t->cut = true;
        return;
    }
    insert(t, t->at[t->depth - 1], before, strlen(before));
    put(t, behind);
}

/* The last `count` operands become the arguments of `name`. */
static void call(struct xlm_text *t, const char *name, uint32_t count) {
    if (count > t->depth) {
        count = t->depth;
        t->cut = true;
    }
    if (count == 0) {
        push(t);
    }
    uint32_t first = count == 0 ? t->depth - 1 : t->depth - count;
    for (uint32_t i = t->depth - 1; count > 0 && i > first; i--) {
        insert(t, t->at[i], ",", 1);
    }
    insert(t, t->at[first], "(", 1);
    insert(t, t->at[first], name, strlen(name));
    put(t, ")");
    t->depth = first + 1;
}

/* ---- tokens -------------------------------------------------------------------------------- */

static const struct function *find_function(unsigned number, bool is_command) {
    for (size_t i = 0; i < sizeof(FUNCTIONS) / sizeof(FUNCTIONS[0]); i++) {
        if (FUNCTIONS[i].number == number && FUNCTIONS[i].is_command == is_command) {
            return &FUNCTIONS[i];
        }
    }
    return NULL;
}

static void function(struct xlm_text *t, unsigned number, uint32_t count) {
    bool is_command = (number & COMMAND_BIT) != 0;
    number &= 0x7fffu;
    const struct function *f = find_function(number, is_command);
    char name[32];
    (void)snprintf(name, sizeof(name), is_command ? "COMMAND.%u" : "FUNCTION.%u", number);
    if (count == XLM_ANY) {
        count = f != NULL && f->arguments != XLM_ANY ? f->arguments : 1;
        count = count < t->depth ? count : t->depth;
    }
    call(t, f != NULL ? f->name : number == FUNCTION_USER && !is_command ? "USER" : name, count);
}

static void reference(struct xlm_text *t, unsigned row, unsigned col, bool is_offset) {
    char text[48];
    unsigned column = col & 0x3fffu;
    (void)snprintf(text, sizeof(text), is_offset ? "R[%u]C[%u]" : "R%uC%u",
                   is_offset ? row : row + 1, is_offset ? column : column + 1);
    put(t, text);
}

static void cell(struct xlm_text *t, struct sk_cursor *c, bool biff8, bool is_offset) {
    unsigned row = sk_cursor_u16le(c);
    unsigned col = biff8 ? sk_cursor_u16le(c) : sk_cursor_u8(c);
    push(t);
    reference(t, biff8 ? row : row & 0x3fffu, col, is_offset);
}

static void area(struct xlm_text *t, struct sk_cursor *c, bool biff8, bool is_offset) {
    unsigned row[2] = {sk_cursor_u16le(c), sk_cursor_u16le(c)};
    push(t);
    for (int i = 0; i < 2; i++) {
        unsigned col = biff8 ? sk_cursor_u16le(c) : sk_cursor_u8(c);
        put(t, i == 0 ? "" : ":");
        reference(t, biff8 ? row[i] : row[i] & 0x3fffu, col, is_offset);
    }
}

static void push_number(struct xlm_text *t, struct sk_cursor *c) {
    uint64_t bits = sk_cursor_u64le(c);
    double value;
    char text[40];
    memcpy(&value, &bits, sizeof(value));
    (void)snprintf(text, sizeof(text), "%.15g", value);
    push_text(t, text);
}

static void push_name(struct xlm_text *t, unsigned index) {
    char text[24];
    (void)snprintf(text, sizeof(text), "NAME.%u", index);
    push_text(t, text);
}

static void attribute(struct xlm_text *t, struct sk_cursor *c) {
    uint8_t flags = sk_cursor_u8(c);
    uint16_t word = sk_cursor_u16le(c);
    if ((flags & 0x04) != 0) {
        sk_cursor_skip(c, ((uint64_t)word + 1) * 2);
    } else if ((flags & 0x10) != 0) {
        call(t, "SUM", 1);
    }
}

/* Tokens that only take room: their bytes behind the first, by BIFF8 and BIFF5; 0xff: not one. */
static unsigned filler(unsigned token, bool biff8) {
    switch (token) {
    case 0x01:
    case 0x02:
        return biff8 ? 4 : 3;
    case 0x26:
    case 0x27:
    case 0x28:
        return 6;
    case 0x29:
        return 2;
    default:
        return 0xff;
    }
}

/* Operands that point into other sheets or nowhere. False: not one. */
static bool far_operand(struct xlm_text *t, struct sk_cursor *c, unsigned token, bool biff8) {
    switch (token) {
    case 0x20:
        sk_cursor_skip(c, 7);
        push_text(t, "{}");
        return true;
    case 0x2a:
    case 0x2b:
        sk_cursor_skip(c, (token == 0x2a ? 4u : 8u) - (biff8 ? 0 : token == 0x2a ? 1 : 2));
        push_text(t, "#REF!");
        return true;
    case 0x39:
        sk_cursor_skip(c, 2);
        push_name(t, sk_cursor_u16le(c));
        sk_cursor_skip(c, biff8 ? 2 : 20);
        return true;
    case 0x3a:
        sk_cursor_skip(c, biff8 ? 2 : 14);
        cell(t, c, biff8, false);
        return true;
    case 0x3b:
        sk_cursor_skip(c, biff8 ? 2 : 14);
        area(t, c, biff8, false);
        return true;
    case 0x3c:
    case 0x3d:
        sk_cursor_skip(c, biff8 ? (token == 0x3c ? 6u : 10u) : (token == 0x3c ? 17u : 20u));
        push_text(t, "#REF!");
        return true;
    default:
        return false;
    }
}

static bool constant(struct xlm_text *t, struct sk_cursor *c, unsigned token, bool biff8) {
    char text[16];
    switch (token) {
    case 0x16:
        push(t);
        return true;
    case 0x17:
        push_string(t, c, biff8);
        return true;
    case 0x1c:
        (void)snprintf(text, sizeof(text), "#ERR%u!", sk_cursor_u8(c));
        push_text(t, text);
        return true;
    case 0x1d:
        push_text(t, sk_cursor_u8(c) != 0 ? "TRUE" : "FALSE");
        return true;
    case 0x1e:
        (void)snprintf(text, sizeof(text), "%u", sk_cursor_u16le(c));
        push_text(t, text);
        return true;
    case 0x1f:
        push_number(t, c);
        return true;
    default:
        return false;
    }
}

/* Operands and functions. False: not one. */
static bool operand(struct xlm_text *t, struct sk_cursor *c, unsigned token, bool biff8) {
    uint32_t count;
    switch (token) {
    case 0x21:
        function(t, sk_cursor_u16le(c), XLM_ANY);
        return true;
    case 0x22:
        count = sk_cursor_u8(c) & 0x7fu;
        function(t, sk_cursor_u16le(c), count);
        return true;
    case 0x23:
        push_name(t, sk_cursor_u16le(c));
        sk_cursor_skip(c, biff8 ? 2 : 12);
        return true;
    case 0x24:
    case 0x2c:
        cell(t, c, biff8, token == 0x2c);
        return true;
    case 0x25:
    case 0x2d:
        area(t, c, biff8, token == 0x2d);
        return true;
    default:
        return far_operand(t, c, token, biff8);
    }
}

/* False: an unknown token, behind which nothing can be read. */
static bool one_token(struct xlm_text *t, struct sk_cursor *c, bool biff8) {
    static const char *const signs[] = {
        "+", "-", "*", "/", "^", "&", "<", "<=", "=", ">=", ">", "<>", " ", ",", ":"};
    unsigned token = sk_cursor_u8(c);
    token = token >= 0x40 ? (token & 0x1f) | 0x20 : token;
    unsigned skip = filler(token, biff8);
    if (skip != 0xff) {
        sk_cursor_skip(c, skip);
    } else if (token >= 0x03 && token <= 0x11) {
        binary(t, signs[token - 0x03]);
    } else if (token == 0x12 || token == 0x13) {
        unary(t, token == 0x12 ? "+" : "-", "");
    } else if (token == 0x14) {
        unary(t, "", "%");
    } else if (token == 0x15) {
        unary(t, "(", ")");
    } else if (token == 0x19) {
        attribute(t, c);
    } else {
        return constant(t, c, token, biff8) || operand(t, c, token, biff8);
    }
    return true;
}

void xlm_formula(struct sk_bytes rgce, bool biff8, struct xlm_text *out) {
    struct sk_cursor c = sk_cursor_of(rgce);
    out->len = 0;
    out->depth = 0;
    out->cut = false;
    bool known = true;
    while (known && !out->cut && sk_cursor_ok(&c) && sk_cursor_left(&c) > 0) {
        known = one_token(out, &c, biff8);
    }
    if (!known || out->cut || !sk_cursor_ok(&c)) {
        out->len = out->len < XLM_TEXT_BYTES - 3 ? out->len : XLM_TEXT_BYTES - 3;
        memcpy(out->text + out->len, "...", 3);
        out->len += 3;
    }
}
