// SPDX-License-Identifier: Apache-2.0
/*
 * Lines about certificates of signed programs.
 *
 *   crb  Name;Trusted;Subject;Serial;Modulus;Exponent;CodeSign;TimeSign;CertSign;NotBefore;Comment
 *        [;min[;max]]
 *
 * Seen with clamscan 1.4.6: Trusted and the three uses are 0 or 1; subject and serial are SHA-1 in
 * hex, the serial may be empty (any); the modulus is hex of either case; exponent (always 65537),
 * NotBefore and comment are not looked at, but their fields must be there.
 */
#include "defc/rules.h"
#include "defc/why.h"

#define FIELDS 11u
#define FIELDS_MAX 13u

static bool read_flag(struct sk_bytes text, uint8_t bit, struct rule_cert *c) {
    c->flags |= text_is(text, "1") ? bit : 0;
    return text_is(text, "1") || text_is(text, "0");
}

static bool read_id(struct sk_bytes text, uint8_t out_id[RULE_CERT_ID_BYTES]) {
    size_t len = 0;
    return rules_hex(text, out_id, RULE_CERT_ID_BYTES, &len) && len == RULE_CERT_ID_BYTES;
}

static void read_line(const struct sk_bytes *f, struct rule_cert *c, struct defc_why *why) {
    if (!read_flag(f[1], RULE_CERT_TRUSTED, c) || !read_flag(f[6], RULE_CERT_CODE, c) ||
        !read_flag(f[7], RULE_CERT_TIME, c) || !read_flag(f[8], RULE_CERT_CERT, c)) {
        why_say(why, DEFC_MALFORMED, "trust and uses of a certificate are 0 or 1");
    }
    if (f[3].len > 0) {
        c->flags |= RULE_CERT_SERIAL;
    }
    if (!read_id(f[2], c->subject) || (f[3].len > 0 && !read_id(f[3], c->serial))) {
        why_say(why, DEFC_MALFORMED, "subject and serial of a certificate are SHA-1 in hex");
    }
}

sk_err line_cert(struct rule_builder *b, struct sk_bytes line, struct defc_why *why) {
    struct sk_bytes f[FIELDS_MAX + 1];
    uint8_t modulus[RULE_MODULUS_MAX_BYTES];
    struct rule_cert c = {0};
    size_t len = 0, zeros = 0;
    unsigned count = 0;
    for (bool more = true; more && count <= FIELDS_MAX;) {
        f[count++] = text_cut(&line, ';', &more);
    }
    if (count < FIELDS || count > FIELDS_MAX) {
        why_say(why, DEFC_MALFORMED, "%u fields", count);
        return sk_ok();
    }
    read_line(f, &c, why);
    rules_check_levels(&f[FIELDS], count - FIELDS, why);
    bool hex = rules_hex(f[4], modulus, sizeof(modulus), &len);
    while (hex && zeros < len && modulus[zeros] == 0) {
        zeros++;
    }
    if (!hex || zeros == len) {
        why_say(why, DEFC_MALFORMED, "a modulus is hex, at most %u bytes", RULE_MODULUS_MAX_BYTES);
    }
    if (why_taken(why)) {
        TRY(rules_name(b, f[0], why, &c.name));
    }
    if (!why_taken(why)) {
        return sk_ok();
    }
    c.modulus_len = (uint16_t)(len - zeros);
    TRY(rules_put_text(b, (struct sk_bytes){&modulus[zeros], len - zeros}, &c.modulus));
    struct rule_cert *slot = vec_push(&b->cert, 1, sizeof(*slot));
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *slot = c;
    return sk_ok();
}
