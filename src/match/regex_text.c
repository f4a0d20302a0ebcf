// SPDX-License-Identifier: Apache-2.0
/*
 * The text of an expression, read without understanding all of it:
 *
 *     \x3Cscript.*?\s*\x7B[^\x7D]*?let\s*(?P<var>\w+) ...
 *     prefix    |  |               tail
 *               |  passed over: classes, escapes, quantifiers; a bracket ends the search
 *               anything may follow: the first place decides
 *
 * A tail has no bracket before it, so its groups keep their numbers.
 */
#include "match/regex_text.h"

#include <string.h>

#include "match/tables_special.h"

static bool is_letter(uint8_t c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}
static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}
static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}
static int hex_digit(uint8_t c) {
    uint8_t low = lower(c);
    return is_digit(c) ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* The byte that stands at *inout_at, when it can be nothing else, and moves on; or -1. */
static int literal_at(const uint8_t *text, size_t len, size_t *inout_at) {
    static const char PLAIN[] = " <>=;:,\"'!@%&_~/";
    size_t at = *inout_at;
    uint8_t c = text[at];
    if (is_letter(c) || is_digit(c) || (c != 0 && strchr(PLAIN, c) != NULL)) {
        *inout_at = at + 1;
        return c;
    }
    if (c != '\\' || at + 3 >= len || text[at + 1] != 'x') {
        return -1;
    }
    int high = hex_digit(text[at + 2]), low = hex_digit(text[at + 3]);
    if (high < 0 || low < 0 || high + low == 0) {
        return -1;
    }
    *inout_at = at + 4;
    return high << 4 | low;
}

/* Literals from `at` on, as many as are asked for at most; not the one that a quantifier follows,
 * which may be missing. */
static size_t literals(const uint8_t *text, size_t len, size_t *inout_at, uint8_t *out,
                       size_t max) {
    size_t n = 0;
    while (*inout_at < len && n < max) {
        int c = literal_at(text, len, inout_at);
        if (c < 0 || (*inout_at < len && memchr("?*+{", text[*inout_at], 4) != NULL)) {
            break;
        }
        out[n++] = (uint8_t)c;
    }
    return n;
}

/* Behind a class of characters; 0: it is none that is understood. */
static size_t behind_class(const uint8_t *text, size_t len, size_t at) {
    at += at + 1 < len && text[at + 1] == '^' ? 2 : 1;
    for (bool first = true; at < len && (first || text[at] != ']'); first = false) {
        bool escape = text[at] == '\\' && at + 1 < len;
        if (text[at] == '[' || (first && text[at] == ']') ||
            (escape && memchr("QEc", text[at + 1], 3) != NULL)) {
            return 0;
        }
        at += text[at] == '\\' ? 2 : 1;
    }
    return at < len ? at + 1 : 0;
}

/* Behind the counts of a quantifier. */
static size_t behind_counts(const uint8_t *text, size_t len, size_t at) {
    while (++at < len && (is_digit(text[at]) || text[at] == ',')) {
    }
    return at < len && text[at] == '}' ? at + 1 : 0;
}

/* Behind what stands at `at` and is no literal; 0: that is not understood. */
static size_t behind_other(const uint8_t *text, size_t len, size_t at) {
    switch (text[at]) {
    case '.':
    case '?':
    case '*':
    case '+':
        return at + 1;
    case '[':
        return behind_class(text, len, at);
    case '{':
        return behind_counts(text, len, at);
    case '\\':
        return at + 1 < len && memchr("sSdDwW.*+?()[]{}/-", text[at + 1], 18) != NULL ? at + 2 : 0;
    default:
        return 0;
    }
}

/* Not where the rest asks for the whole. */
static size_t find_tail(const uint8_t *text, size_t len, size_t at) {
    static const char *const WHOLE[] = {"(?R", "(?0", "\\g"};
    for (size_t i = 0; i < sizeof(WHOLE) / sizeof(WHOLE[0]); i++) {
        if (memmem(text, len, WHOLE[i], strlen(WHOLE[i])) != NULL) {
            return 0;
        }
    }
    while (at < len) {
        uint8_t unused[REGEX_TAIL_MIN];
        size_t from = at;
        if (literals(text, len, &at, unused, REGEX_TAIL_MIN) == REGEX_TAIL_MIN) {
            return from;
        }
        at = at > from ? at : behind_other(text, len, at);
        if (at == 0) {
            return 0;
        }
    }
    return 0;
}

/* Nothing is said where one of several may stand first, or where a start depends on those before
 * it ((*COMMIT), \G). */
void regex_text_read(const uint8_t *text, size_t len, uint32_t flags, struct regex_text *out) {
    size_t at = 0;
    *out = (struct regex_text){.caseless = (flags & MT_REGEX_CASELESS) != 0};
    if ((flags & MT_REGEX_EXTENDED) != 0 || memchr(text, '|', len) != NULL ||
        memmem(text, len, "(*", 2) != NULL || memmem(text, len, "\\G", 2) != NULL) {
        return;
    }
    size_t n = literals(text, len, &at, out->prefix, REGEX_PREFIX_MAX);
    for (size_t i = 0; i < n && out->caseless; i++) {
        out->prefix[i] = lower(out->prefix[i]);
    }
    if (n < REGEX_PREFIX_MIN || (out->caseless && is_letter(out->prefix[0]))) {
        return; /* two first bytes to look for */
    }
    out->prefix_len = n;
    out->first_decides = (flags & MT_REGEX_DOTALL) != 0 && len - at >= 2 && text[at] == '.' &&
                         text[at + 1] == '*' && (len - at == 2 || text[at + 2] != '+');
    out->tail = out->first_decides ? find_tail(text, len, at) : 0;
}
