// SPDX-License-Identifier: Apache-2.0
/*
 * What counts, as clamscan 1.4.6 does (each row and boundary asked with numbers of its own):
 *
 *   cards   14 to 16 digits of an issuer's range that satisfy the Luhn check, no digit before or
 *           behind; between the digits up to 8 blanks or hyphens. A number ends where the length of
 *           its issuer is reached, so numbers may stand side by side.
 *   SSN     area 001 to 772 but 666, group and serial not zero, no digit before or behind; with two
 *           hyphens, or without any
 */
#include "norm/digits.h"

#include <string.h>

#define CARD_DIGITS_MAX 16u
#define PREFIX_DIGITS 6u
#define BREAKS_MAX 8u
#define SSN_AREA_LAST 772u

struct issuer {
    uint32_t first; /* of the first PREFIX_DIGITS digits */
    uint32_t last;
    uint8_t len;
    bool other; /* debit or private label */
};

static const struct issuer ISSUERS[] = {
    {222100, 272099, 16, false}, {300000, 305999, 16, false}, {352800, 358999, 16, false},
    {360000, 369999, 16, false}, {380000, 499999, 16, false}, {500000, 509999, 16, true},
    {510000, 559999, 16, false}, {601100, 601199, 16, false}, {622126, 622926, 16, false},
    {624000, 626999, 16, false}, {628200, 628899, 16, false}, {644000, 659999, 16, false},
    {100000, 199999, 15, true},  {300000, 305999, 15, false}, {340000, 349999, 15, false},
    {360000, 379999, 15, false}, {100000, 199999, 14, true},  {300000, 305999, 14, false},
    {360000, 369999, 14, false},
};

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static bool luhn_holds(const uint8_t *digit, unsigned len) {
    unsigned sum = 0;
    for (unsigned i = 0; i < len; i++) {
        unsigned d = digit[len - 1 - i];
        d *= i % 2 == 0 ? 1 : 2;
        sum += d > 9 ? d - 9 : d;
    }
    return sum % 10 == 0;
}

static bool is_issued(const uint8_t *digit, unsigned len, bool others) {
    uint32_t prefix = 0;
    for (unsigned i = 0; i < PREFIX_DIGITS; i++) {
        prefix = prefix * 10 + digit[i];
    }
    for (size_t i = 0; i < sizeof(ISSUERS) / sizeof(ISSUERS[0]); i++) {
        const struct issuer *issuer = &ISSUERS[i];
        if (issuer->len == len && prefix >= issuer->first && prefix <= issuer->last &&
            (others || !issuer->other)) {
            return true;
        }
    }
    return false;
}

/* Length of the card number at `at` with its breaks, 0: none. */
static size_t card_at(struct sk_bytes text, size_t at, bool others) {
    uint8_t digit[CARD_DIGITS_MAX];
    unsigned len = 0;
    unsigned breaks = 0;
    size_t found = 0;
    for (size_t i = at; i < text.len && len < CARD_DIGITS_MAX && breaks <= BREAKS_MAX; i++) {
        uint8_t c = text.ptr[i];
        if (c == ' ' || c == '-') {
            breaks++;
            continue;
        }
        if (!is_digit(c)) {
            break;
        }
        digit[len++] = (uint8_t)(c - '0');
        bool ends = i + 1 == text.len || !is_digit(text.ptr[i + 1]);
        if (ends && len >= 14 && is_issued(digit, len, others) && luhn_holds(digit, len)) {
            found = i + 1 - at;
        }
    }
    return found;
}

static bool ssn_holds(const uint8_t *p, size_t hyphen) {
    unsigned area = (unsigned)(p[0] - '0') * 100 + (unsigned)(p[1] - '0') * 10 + (p[2] - '0');
    p += 3 + hyphen;
    bool group = p[0] != '0' || p[1] != '0';
    p += 2 + hyphen;
    return area > 0 && area != 666 && area <= SSN_AREA_LAST && group && memcmp(p, "0000", 4) != 0;
}

/* Length of the SSN at `at`, 0: none. */
static size_t ssn_at(struct sk_bytes text, size_t at, bool hyphens) {
    static const char FORM[] = "ddd-dd-dddd";
    size_t hyphen = hyphens ? 1 : 0;
    size_t len = 9 + 2 * hyphen;
    if (text.len - at < len || (text.len - at > len && is_digit(text.ptr[at + len]))) {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        bool dash = hyphens && FORM[i] == '-';
        if (dash ? text.ptr[at + i] != '-' : !is_digit(text.ptr[at + i])) {
            return 0;
        }
    }
    return ssn_holds(text.ptr + at, hyphen) ? len : 0;
}

/* How far to go on: past the number that was counted, else one byte. */
static size_t look(struct sk_bytes text, size_t at, unsigned what, struct digits_found *found) {
    size_t card = 0;
    size_t ssn = 0;
    if ((what & (DIGITS_CARDS | DIGITS_OTHER_CARDS)) != 0) {
        card = card_at(text, at, (what & DIGITS_OTHER_CARDS) != 0);
    }
    if (card > 0) {
        found->cards++;
        return card;
    }
    if ((what & DIGITS_SSN_HYPHENS) != 0) {
        ssn = ssn_at(text, at, true);
    }
    if (ssn == 0 && (what & DIGITS_SSN_STRIPPED) != 0) {
        ssn = ssn_at(text, at, false);
    }
    found->ssns += ssn > 0;
    return ssn > 0 ? ssn : 1;
}

size_t digits_count(struct sk_bytes text, size_t limit, bool before, unsigned what,
                    struct digits_found *inout_found) {
    size_t at = 0;
    while (at < limit && at < text.len) {
        bool first = is_digit(text.ptr[at]) && !(at == 0 ? before : is_digit(text.ptr[at - 1]));
        at += first ? look(text, at, what, inout_found) : 1;
    }
    return at;
}
