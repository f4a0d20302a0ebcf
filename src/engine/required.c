// SPDX-License-Identifier: Apache-2.0
/*
 *   ^invoice_[0-9]+\.(exe|scr)$      runs of plain characters outside brackets and groups:
 *    ^^^^^^^^                        "invoice_", and the longest is the answer
 *
 * Careful rather than clever: an alternation outside groups, or brackets that do not end, make the
 * answer empty; a character that a quantifier makes optional is in no run; what stands behind a
 * backslash is in none either, as its meaning may be a class or a place.
 */
#include "engine/required.h"

#include <string.h>

#define QUANTIFIERS "*+?{"

static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == ' ';
}

/* Behind the bracket expression at p; NULL: it does not end. */
static const char *skip_brackets(const char *p) {
    p += p[1] == '^' ? 2 : 1;
    p += *p == ']' ? 1 : 0;
    while (*p != '\0' && *p != ']') {
        if (p[0] == '[' && (p[1] == ':' || p[1] == '.' || p[1] == '=')) {
            char end[3] = {p[1], ']', '\0'};
            p = strstr(p + 2, end);
            if (p == NULL) {
                return NULL;
            }
            p++;
        }
        p++;
    }
    return *p == ']' ? p + 1 : NULL;
}

/* Behind what stands at p and is no plain character: an escape, brackets, or one character.
 * NULL: malformed. */
static const char *skip_one(const char *p) {
    if (*p == '\\') {
        return p[1] == '\0' ? NULL : p + 2;
    }
    return *p == '[' ? skip_brackets(p) : p + 1;
}

/* Behind the quantifier at p, if there is one. */
static const char *skip_quantifier(const char *p) {
    while (*p != '\0' && strchr(QUANTIFIERS, *p) != NULL) {
        const char *end = *p == '{' ? strchr(p, '}') : p;
        if (end == NULL) {
            return p + strlen(p);
        }
        p = end + 1;
    }
    return p;
}

/* A run of plain characters at p: its length without a last one that a quantifier speaks of. */
static size_t run_at(const char *p) {
    size_t len = 0;
    while (is_plain(p[len])) {
        len++;
    }
    bool quantified = len > 0 && p[len] != '\0' && strchr(QUANTIFIERS, p[len]) != NULL;
    return quantified ? len - 1 : len;
}

struct sk_bytes required_text(const char *regex) {
    struct sk_bytes best = {NULL, 0};
    const struct sk_bytes none = {NULL, 0};
    unsigned depth = 0;
    const char *p = regex;
    while (*p != '\0') {
        size_t len = run_at(p);
        if (len > best.len && depth == 0) {
            best.ptr = (const uint8_t *)p;
            best.len = len;
        }
        if (len > 0) {
            p += len;
            continue;
        }
        if ((*p == '|' && depth == 0) || (*p == ')' && depth == 0)) {
            return none;
        }
        depth += *p == '(' ? 1 : *p == ')' ? -1u : 0;
        p = skip_one(p);
        if (p == NULL) {
            return none;
        }
        p = skip_quantifier(p);
    }
    return depth == 0 ? best : none;
}
