// SPDX-License-Identifier: Apache-2.0
/*
 * Security catalogues: lists of programs that somebody signed, instead of the programs themselves.
 *
 *   ContentInfo(signedData) of a CertTrustList
 *     usage SEQUENCE | identifier | time | algorithm SEQUENCE | members SEQUENCE { SEQUENCE {
 *       tag | SET { SEQUENCE { attribute, SET { value } } ... } } }
 *     attribute SpcIndirectData: SEQUENCE { SEQUENCE { SpcPeImageData, ... },
 *                                           SEQUENCE { SEQUENCE { algorithm }, digest } }
 *
 * Taken are digests of programs (SHA-1 or SHA-256, those of Authenticode) and the signed bytes
 * themselves: whom to trust depends on crb lines of all segments and on the day, so the engine
 * decides that anew (engine/authenticode.c). A catalogue whose signature does not hold is left out.
 * Seen with clamscan 1.4.6 (tests/differential/diff_catalogue.py): it does the same when it loads
 * the file. Source: Microsoft "Windows Authenticode Portable Executable Signature Format".
 */
#include "defc/catalogue.h"

#include "crypto/der.h"
#include "crypto/signed.h"
#include "defc/why.h"

static const uint8_t OID_INDIRECT[] = {0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 4};
static const uint8_t OID_PROGRAM[] = {0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 15};
static const uint8_t OID_SHA1[] = {0x2b, 0x0e, 3, 2, 0x1a};
static const uint8_t OID_SHA256[] = {0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1};

static bool is_oid(struct sk_bytes body, const uint8_t *oid, size_t len) {
    return body.len == len && memcmp(body.ptr, oid, len) == 0;
}

/* The first element of a SEQUENCE at the cursor, when that is an object identifier. */
static bool leading_oid(struct sk_cursor *c, struct sk_bytes *out_oid) {
    struct sk_bytes body;
    if (!der_expect(c, DER_SEQUENCE, &body)) {
        return false;
    }
    struct sk_cursor inner = sk_cursor_of(body);
    return der_expect(&inner, DER_OID, out_oid);
}

/* The value of a SpcIndirectData attribute. False: not the digest of a program. */
static bool read_value(struct sk_bytes value, struct rule_listed *out) {
    struct sk_cursor c = sk_cursor_of(value);
    struct sk_bytes content, info, oid, digest;
    if (!der_expect(&c, DER_SEQUENCE, &content)) {
        return false;
    }
    c = sk_cursor_of(content);
    if (!leading_oid(&c, &oid) || !is_oid(oid, OID_PROGRAM, sizeof(OID_PROGRAM)) ||
        !der_expect(&c, DER_SEQUENCE, &info)) {
        return false;
    }
    c = sk_cursor_of(info);
    if (!leading_oid(&c, &oid) || !der_expect(&c, DER_OCTETS, &digest)) {
        return false;
    }
    bool good = (is_oid(oid, OID_SHA1, sizeof(OID_SHA1)) && digest.len == 20) ||
                (is_oid(oid, OID_SHA256, sizeof(OID_SHA256)) && digest.len == 32);
    if (good) {
        memcpy(out->digest, digest.ptr, digest.len);
        out->len = (uint32_t)digest.len;
    }
    return good;
}

static sk_err read_member(struct rule_builder *b, struct sk_bytes member, uint32_t catalogue) {
    struct sk_cursor c = sk_cursor_of(member);
    struct sk_bytes tag, attributes, attribute, oid, value;
    if (!der_expect(&c, DER_OCTETS, &tag) || !der_expect(&c, DER_SET, &attributes)) {
        return sk_ok();
    }
    c = sk_cursor_of(attributes);
    while (der_expect(&c, DER_SEQUENCE, &attribute)) {
        struct sk_cursor inner = sk_cursor_of(attribute);
        struct rule_listed listed = {.catalogue = catalogue};
        if (!der_expect(&inner, DER_OID, &oid) || !der_expect(&inner, DER_SET, &value) ||
            !is_oid(oid, OID_INDIRECT, sizeof(OID_INDIRECT)) || !read_value(value, &listed)) {
            continue;
        }
        struct rule_listed *slot = vec_push(&b->listed, 1, sizeof(*slot));
        if (slot == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
        *slot = listed;
    }
    return sk_ok();
}

/* The members are the third SEQUENCE of the list. */
static sk_err read_list(struct rule_builder *b, struct sk_bytes list, uint32_t catalogue) {
    struct sk_cursor c = sk_cursor_of(list);
    struct sk_bytes body = {NULL, 0}, member;
    uint8_t tag;
    for (unsigned seen = 0; seen < 3;) {
        if (!der_next(&c, &tag, &body)) {
            return sk_ok();
        }
        seen += tag == DER_SEQUENCE;
    }
    c = sk_cursor_of(body);
    while (der_expect(&c, DER_SEQUENCE, &member)) {
        TRY(read_member(b, member, catalogue));
    }
    return sk_ok();
}

sk_err catalogue_add(struct rule_builder *b, struct sk_bytes der, struct defc_why *why) {
    struct crypto_signed *s = NULL;
    size_t before = b->listed.count;
    *why = (struct defc_why){.reason = DEFC_TAKEN};
    sk_err err = crypto_signed_open_list(der, &s);
    if (err.code == SK_E_FORMAT || err.code == SK_E_LIMIT) {
        why_say(why, DEFC_MALFORMED, "no catalogue that can be read");
        return sk_ok();
    }
    TRY(err);
    if (!crypto_signed_holds(s)) {
        why_say(why, DEFC_MALFORMED, "the signature of the catalogue does not hold");
    } else {
        err = read_list(b, crypto_signed_content(s), (uint32_t)b->catalogue.count);
    }
    crypto_signed_close(s);
    if (sk_failed(err) || b->listed.count == before) {
        why_say(why, DEFC_MALFORMED, "no program in the catalogue");
        return err;
    }
    struct rule_catalogue row = {.len = (uint32_t)der.len};
    TRY(rules_put_text(b, der, &row.text));
    struct rule_catalogue *slot = vec_push(&b->catalogue, 1, sizeof(*slot));
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *slot = row;
    return sk_ok();
}
