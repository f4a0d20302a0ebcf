// SPDX-License-Identifier: Apache-2.0
/*
 * Lines about icons of programs.
 *
 *   idb  Name:Group1:Group2:124 hex digits
 *        side 2 | 3 coloured, 3 grey areas of value 3, x 2, y 2 | 3 bright, 3 dark, 3 sharp, 3
 *        smooth areas of value 2, x 2, y 2 | red 2, green 2, blue 2, share 2
 *
 * Seen with clamscan 1.4.6, which refuses a database for anything else: exactly four fields; hex of
 * either case; side 10, 18 or 20 (16, 24, 32); places up to 7/8 of the side; values of coloured and
 * grey areas up to 4072; red, green and blue up to 103 together, the share up to 100. Groups may be
 * empty. It takes up to 256 groups; here there is no such limit. What the numbers mean:
 * norm/icon_print.c.
 */
#include "base/hex.h"
#include "defc/rules.h"
#include "defc/why.h"

#define FIELDS 4u
#define DIGITS 124u
#define COLOUR_MAX 4072u
#define SPREAD_SUM_MAX 103u
#define SHARE_MAX 100u
#define COLOUR_AREAS 6u

/* The next `digits` digits, which were found to be hex. */
static uint16_t take(struct sk_bytes *text, unsigned digits) {
    uint16_t value = 0;
    for (unsigned i = 0; i < digits; i++) {
        value = (uint16_t)(value << 4 | sk_hex_digit(text->ptr[i]));
    }
    *text = text_from(*text, digits);
    return value;
}

static bool read_hash(struct sk_bytes text, struct rule_icon *out) {
    out->side = (uint8_t)take(&text, 2);
    bool good = out->side == 16 || out->side == 24 || out->side == 32;
    unsigned place_max = out->side - out->side / 8u;
    for (unsigned i = 0; i < RULE_ICON_AREAS; i++) {
        struct rule_icon_area *a = &out->area[i];
        a->value = take(&text, i < COLOUR_AREAS ? 3 : 2);
        a->x = (uint8_t)take(&text, 2);
        a->y = (uint8_t)take(&text, 2);
        good = good && a->value <= COLOUR_MAX && a->x <= place_max && a->y <= place_max;
    }
    for (unsigned i = 0; i < RULE_ICON_SPREADS; i++) {
        out->spread[i] = (uint8_t)take(&text, 2);
    }
    unsigned sum = (unsigned)out->spread[0] + out->spread[1] + out->spread[2];
    return good && sum <= SPREAD_SUM_MAX && out->spread[3] <= SHARE_MAX;
}

static bool is_hex(struct sk_bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        if (sk_hex_digit(text.ptr[i]) < 0) {
            return false;
        }
    }
    return true;
}

sk_err line_icon(struct rule_builder *b, struct sk_bytes line, struct defc_why *why) {
    struct sk_bytes f[FIELDS];
    struct rule_icon icon = {0};
    unsigned count = rules_fields(line, f, FIELDS);
    if (count != FIELDS) {
        why_say(why, DEFC_MALFORMED, "%u fields", count);
        return sk_ok();
    }
    if (f[3].len != DIGITS || !is_hex(f[3]) || !read_hash(f[3], &icon)) {
        why_say(why, DEFC_MALFORMED, "the hash of an icon is %u digits with bounds", DIGITS);
        return sk_ok();
    }
    TRY(rules_name(b, f[0], why, &icon.name));
    if (!why_taken(why)) {
        return sk_ok();
    }
    TRY(rules_put_text(b, f[1], &icon.group[0]));
    TRY(rules_put_text(b, f[2], &icon.group[1]));
    struct rule_icon *slot = vec_push(&b->icon, 1, sizeof(*slot));
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *slot = icon;
    return sk_ok();
}
