// SPDX-License-Identifier: Apache-2.0
/*
 * Passwords for encrypted archives, and switches of parts.
 *
 *   pwdb  Name;Attributes;0|1;Password      0: as it stands, 1: hex digits
 *   cfg   CATEGORY:0xflags[:min[:max]]      a bit that is not set switches a part off
 *
 * Seen with clamscan 1.4.6: a pwdb line has exactly four fields, attributes are those of logical
 * signatures and only Engine, Container (ZIP, RAR, ANY) and Target may stand there; categories are
 * upper case, an unknown one is ignored, flags want their 0x.
 */
#include <stdlib.h>

#include "defc/rules.h"
#include "defc/why.h"

#define PASSWORD_MAX_BYTES 256u
#define FLEVEL_ATTRIBUTES 51u

static void read_levels(struct sk_bytes value, bool *out_has_levels, struct defc_why *why) {
    bool more;
    struct sk_bytes level[2];
    uint32_t min, max;
    if (!text_range(value, &min, &max)) {
        why_say(why, DEFC_MALFORMED, "malformed functionality levels");
        return;
    }
    *out_has_levels = min >= FLEVEL_ATTRIBUTES;
    level[0] = text_cut(&value, '-', &more);
    level[1] = value;
    rules_check_levels(level, 2, why);
}

static void read_container(struct sk_bytes value, struct rule_password *p, struct defc_why *why) {
    if (text_is(value, "CL_TYPE_ZIP")) {
        p->container = SK_TYPE_ZIP;
    } else if (text_is(value, "CL_TYPE_RAR")) {
        p->container = SK_TYPE_RAR;
    } else if (text_is(value, "CL_TYPE_ANY")) {
        p->container = SK_TYPE_ANY;
    } else {
        why_say(why, DEFC_MALFORMED, "passwords are for ZIP, RAR or ANY");
    }
}

static void read_attrs(struct sk_bytes text, struct rule_password *p, struct defc_why *why) {
    bool more = true, has_levels = false;
    p->container = SK_TYPE_ANY;
    for (unsigned i = 0; more && why_taken(why); i++) {
        bool valued;
        struct sk_bytes value = text_cut(&text, ',', &more);
        struct sk_bytes key = text_cut(&value, ':', &valued);
        if (!valued || value.len == 0) {
            why_say(why, DEFC_MALFORMED, "malformed attribute");
        } else if (i == 0 && text_is(key, "Engine")) {
            read_levels(value, &has_levels, why);
        } else if (text_is(key, "Container") && has_levels) {
            read_container(value, p, why);
        } else if (!text_is(key, "Target")) {
            why_say(why, DEFC_MALFORMED, "an attribute that has no place here");
        }
    }
}

static int digit_of(uint8_t c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool rules_hex(struct sk_bytes text, uint8_t *out, size_t cap, size_t *out_len) {
    if (text.len % 2 != 0 || text.len / 2 > cap) {
        return false;
    }
    for (size_t i = 0; i < text.len / 2; i++) {
        int high = digit_of(text.ptr[2 * i]);
        int low = digit_of(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    *out_len = text.len / 2;
    return true;
}

sk_err line_password(struct rule_builder *b, struct sk_bytes line, struct defc_why *why) {
    struct rule_password p = {0};
    uint8_t bytes[PASSWORD_MAX_BYTES];
    bool more[3];
    struct sk_bytes name = text_cut(&line, ';', &more[0]);
    struct sk_bytes attrs = text_cut(&line, ';', &more[1]);
    struct sk_bytes form = text_cut(&line, ';', &more[2]);
    if (!more[0] || !more[1] || !more[2] || text_find(line, ';') < line.len) {
        why_say(why, DEFC_MALFORMED, "not four fields");
        return sk_ok();
    }
    read_attrs(attrs, &p, why);
    if (text_is(form, "1")) {
        size_t len = 0;
        if (!rules_hex(line, bytes, sizeof(bytes), &len)) {
            why_say(why, DEFC_MALFORMED, "malformed hex digits");
        }
        line = (struct sk_bytes){bytes, len};
    } else if (!text_is(form, "0") || line.len > PASSWORD_MAX_BYTES) {
        why_say(why, DEFC_MALFORMED, "a password is 0 or 1 and at most %u bytes",
                PASSWORD_MAX_BYTES);
    }
    if (why_taken(why)) {
        TRY(rules_name(b, name, why, &p.name));
    }
    if (!why_taken(why)) {
        return sk_ok();
    }
    p.len = (uint32_t)line.len;
    TRY(rules_put_text(b, line, &p.text));
    struct rule_password *slot = vec_push(&b->password, 1, sizeof(*slot));
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *slot = p;
    return sk_ok();
}

sk_err line_switch(struct rule_builder *b, struct sk_bytes line, struct defc_why *why) {
    static const char *const CATEGORY[RULE_SWITCH_COUNT] = {
        "PE",       "ELF",   "MACHO",    "ARCHIVE", "DOCUMENT", "MAIL",
        "PHISHING", "OTHER", "BYTECODE", "STATS",   "PCRE"};
    struct sk_bytes f[4];
    struct rule_switch s = {.category = RULE_SWITCH_COUNT};
    unsigned count = rules_fields(line, f, 4);
    char digits[9] = "";
    char *end = digits;
    if (count < 2 || count > 4 || !text_starts(f[1], "0x") || f[1].len < 3 || f[1].len > 10) {
        why_say(why, DEFC_MALFORMED, "not CATEGORY:0xflags");
        return sk_ok();
    }
    memcpy(digits, &f[1].ptr[2], f[1].len - 2);
    s.flags = (uint32_t)strtoul(digits, &end, 16);
    if (*end != '\0' || digit_of((uint8_t)digits[0]) < 0) {
        why_say(why, DEFC_MALFORMED, "malformed flags");
    }
    for (uint32_t i = 0; i < RULE_SWITCH_COUNT; i++) {
        if (text_is(f[0], CATEGORY[i])) {
            s.category = i;
        }
    }
    if (s.category == RULE_SWITCH_COUNT) {
        why_say(why, DEFC_NOT_YET_ATTRIBUTE, "unknown category");
    }
    rules_check_levels(&f[2], count - 2, why);
    if (!why_taken(why)) {
        return sk_ok();
    }
    struct rule_switch *slot = vec_push(&b->switches, 1, sizeof(*slot));
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *slot = s;
    return sk_ok();
}
