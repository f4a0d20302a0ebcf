// SPDX-License-Identifier: Apache-2.0
/*
 * Lines about links in mail.
 *
 *   pdb  R:regex[:levels]    H:host[:levels]                      domains to protect
 *   wdb  X:regex[:levels]    Y:regex[:levels]    M:real:displayed[:levels]    links that are right
 *   gdb  S:F:sha256  S1:F:sha256  S2:F:sha256  S:W:sha256  *:P:first 4 bytes, levels behind
 * addresses
 *
 * Seen with clamscan 1.4.6: the letter decides which of the two lists a line may stand in; levels
 * are "min-max", each side may be missing, and a field of that form at the end is never part of the
 * expression; an X need not have two halves; expressions are POSIX extended. They are searched for
 * in "real:displayed/" and get a '/' at their end, so the end is anchored and the start is not.
 * Expressions whose last characters are no plain ones (co*) fail the load there ("Can't allocate
 * memory") and are taken here. A P line alone finds nothing and is not needed beside its F line.
 */
#include <regex.h>

#include "defc/rules.h"
#include "defc/why.h"

static bool is_levels(struct sk_bytes text) {
    unsigned dashes = 0;
    for (size_t i = 0; i < text.len; i++) {
        dashes += text.ptr[i] == '-';
        if (text.ptr[i] != '-' && (text.ptr[i] < '0' || text.ptr[i] > '9')) {
            return false;
        }
    }
    return dashes == 1 && text.len > 1;
}

/* Take "min-max" off the end. */
static void cut_levels(struct sk_bytes *line, struct defc_why *why) {
    size_t at = line->len;
    while (at > 0 && line->ptr[at - 1] != ':') {
        at--;
    }
    struct sk_bytes last = {line->ptr + at, line->len - at};
    if (at == 0 || !is_levels(last)) {
        return;
    }
    line->len = at - 1;
    bool more;
    struct sk_bytes level[2];
    level[0] = text_cut(&last, '-', &more);
    level[1] = last;
    rules_check_levels(level, 2, why);
}

static void check_regex(struct sk_bytes text, struct defc_why *why) {
    char copy[RULE_REGEX_MAX_BYTES];
    regex_t regex;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '/';
    copy[text.len + 1] = '\0';
    if (memchr(copy, 0, text.len) != NULL || !rule_regex_is_good(copy, text.len) ||
        regcomp(&regex, copy, REG_EXTENDED | REG_NOSUB) != 0) {
        why_say(why, DEFC_MALFORMED, "malformed or too large expression");
        return;
    }
    regfree(&regex);
}

static bool kind_of(enum rule_kind kind, struct sk_bytes letter, uint32_t *out_kind) {
    static const struct {
        enum rule_kind kind;
        const char *letter;
        enum rule_link_kind link;
    } KINDS[] = {{RULE_PDB, "R", RULE_LINK_DOMAIN_REGEX},
                 {RULE_PDB, "H", RULE_LINK_DOMAIN_HOST},
                 {RULE_WDB, "X", RULE_LINK_ALLOW_REGEX},
                 {RULE_WDB, "Y", RULE_LINK_ALLOW_REGEX},
                 {RULE_WDB, "M", RULE_LINK_ALLOW_HOSTS}};
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        if (KINDS[i].kind == kind && text_is(letter, KINDS[i].letter)) {
            *out_kind = KINDS[i].link;
            return true;
        }
    }
    return false;
}

sk_err line_link(struct rule_builder *b, enum rule_kind kind, struct sk_bytes line,
                 struct defc_why *why) {
    bool more;
    struct rule_link l;
    struct sk_bytes letter = text_cut(&line, ':', &more);
    if (!more || !kind_of(kind, letter, &l.kind)) {
        why_say(why, DEFC_MALFORMED,
                kind == RULE_PDB ? "not R:regex or H:host"
                                 : "not X:regex, Y:regex or M:real:displayed");
        return sk_ok();
    }
    cut_levels(&line, why);
    if (line.len == 0 || line.len + 2 > RULE_REGEX_MAX_BYTES ||
        memchr(line.ptr, 0, line.len) != NULL) {
        why_say(why, DEFC_MALFORMED, "an empty or too long expression");
    } else if (l.kind == RULE_LINK_DOMAIN_REGEX || l.kind == RULE_LINK_ALLOW_REGEX) {
        check_regex(line, why);
    }
    if (!why_taken(why)) {
        return sk_ok();
    }
    uint8_t text[RULE_REGEX_MAX_BYTES];
    memcpy(text, line.ptr, line.len);
    text[line.len] = '/';
    TRY(rules_put_text(b, (struct sk_bytes){text, line.len + 1}, &l.text));
    struct rule_link *slot = vec_push(&b->link, 1, sizeof(*slot));
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *slot = l;
    return sk_ok();
}

sk_err line_url(struct rule_builder *b, struct sk_bytes line, struct defc_why *why) {
    struct rule_url u = {.kind = RULE_URL_KIND_COUNT};
    bool more[2];
    cut_levels(&line, why);
    struct sk_bytes list = text_cut(&line, ':', &more[0]);
    struct sk_bytes letter = text_cut(&line, ':', &more[1]);
    uint8_t prefix[4];
    size_t len = 0;
    if (text_is(list, "S")) {
        u.kind = text_is(letter, "W") ? RULE_URL_ALLOW : RULE_URL_MALWARE;
    } else if (text_is(list, "S1") || text_is(list, "S2")) {
        u.kind = text_is(list, "S1") ? RULE_URL_BLOCKED : RULE_URL_PHISHING;
    }
    if (!more[0] || !more[1] || u.kind == RULE_URL_KIND_COUNT) {
        why_say(why, DEFC_MALFORMED, "not S, S1 or S2, with P, F or W");
    } else if (text_is(letter, "P")) {
        if (!rules_hex(line, prefix, sizeof(prefix), &len) || len != sizeof(prefix)) {
            why_say(why, DEFC_MALFORMED, "a prefix is eight hex digits");
        }
        return sk_ok(); /* nothing to keep: the whole hash stands in a line of its own */
    } else if (!(text_is(letter, "F") || u.kind == RULE_URL_ALLOW) ||
               !rules_hex(line, u.digest, sizeof(u.digest), &len) || len != sizeof(u.digest)) {
        why_say(why, DEFC_MALFORMED, "not a SHA-256");
    }
    if (!why_taken(why)) {
        return sk_ok();
    }
    struct rule_url *slot = vec_push(&b->url, 1, sizeof(*slot));
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *slot = u;
    return sk_ok();
}
