// SPDX-License-Identifier: Apache-2.0
/*
 * Lines about members of containers.
 *
 *   cdb Name:Container:ContainerSize:Regex:PackedSize:Size:Encrypted:Position:Res1:Res2[:min[:max]]
 *   zmd   Name:Encrypted:Regex:Size:PackedSize:CRC32:Method:Position:Depth     ZIP
 *   rmd   the same for RAR
 *
 * Seen with clamscan 1.4.6: in a cdb the reserved fields are not looked at (whatever stands there),
 * a number is N, A-B or '*', an unknown container type or an empty expression is malformed; in zmd
 * and rmd numbers are N or '*', the CRC is eight hex digits, method and depth are not looked at.
 * The expression '*' stands for any name. Expressions are POSIX extended and compiled here once, so
 * that a scan never meets one that does not compile.
 */
#include <regex.h>
#include <stdlib.h>

#include "defc/rules.h"
#include "defc/why.h"

#define CDB_FIELDS 10u
#define CDB_FIELDS_MAX 12u
#define MD_FIELDS 9u
#define CRC_DIGITS 8u

static void read_range(struct sk_bytes text, struct rule_range *out, struct defc_why *why) {
    *out = (struct rule_range){0, UINT64_MAX};
    if (text_is(text, "*")) {
        return;
    }
    bool more;
    struct sk_bytes first = text_cut(&text, '-', &more);
    if (!text_number(first, UINT64_MAX, &out->min) ||
        (more && !text_number(text, UINT64_MAX, &out->max))) {
        why_say(why, DEFC_MALFORMED, "malformed number or range");
    }
    if (!more) {
        out->max = out->min;
    }
}

static void read_number(struct sk_bytes text, struct rule_range *out, struct defc_why *why) {
    if (!text_is(text, "*") && text_find(text, '-') < text.len) {
        why_say(why, DEFC_MALFORMED, "malformed number");
    }
    read_range(text, out, why);
}

static void read_encrypted(struct sk_bytes text, struct rule_member *m, struct defc_why *why) {
    if (text_is(text, "*")) {
        m->encrypted = RULE_ENCRYPTED_ANY;
    } else if (text_is(text, "0") || text_is(text, "1")) {
        m->encrypted = text_is(text, "1") ? RULE_ENCRYPTED : RULE_PLAIN;
    } else {
        why_say(why, DEFC_MALFORMED, "encrypted is 0, 1 or *");
    }
}

static void read_crc(struct sk_bytes text, struct rule_member *m, struct defc_why *why) {
    char digits[CRC_DIGITS + 1] = "";
    char *end = digits;
    if (text_is(text, "*")) {
        return;
    }
    if (text.len == CRC_DIGITS) {
        memcpy(digits, text.ptr, CRC_DIGITS);
        m->crc32 = (uint32_t)strtoul(digits, &end, 16);
        m->flags |= RULE_MEMBER_CRC;
    }
    if (end != &digits[CRC_DIGITS] || digits[0] == '+' || digits[0] == '-' || digits[0] == ' ') {
        why_say(why, DEFC_MALFORMED, "a CRC has eight hex digits");
    }
}

static void read_container(struct sk_bytes text, struct rule_member *m, struct defc_why *why) {
    char name[64] = "";
    if (text_is(text, "*")) {
        m->container = SK_TYPE_ANY;
        return;
    }
    if (text.len > 0 && text.len < sizeof(name)) {
        memcpy(name, text.ptr, text.len);
    }
    enum sk_type type = sk_type_from_clam(name);
    if (type == SK_TYPE_COUNT) {
        why_say(why, DEFC_MALFORMED, "unknown container type %s", name);
        return;
    }
    m->container = (uint16_t)type;
}

static void check_regex(struct sk_bytes text, struct defc_why *why) {
    char copy[RULE_REGEX_MAX_BYTES + 1];
    regex_t regex;
    if (text.len == 0 || text.len > RULE_REGEX_MAX_BYTES ||
        memchr(text.ptr, '\0', text.len) != NULL ||
        !rule_regex_is_good((const char *)text.ptr, text.len)) {
        why_say(why, DEFC_MALFORMED, "an expression of %zu bytes, or with too many repetitions",
                text.len);
        return;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (regcomp(&regex, copy, REG_EXTENDED | REG_NOSUB) != 0) {
        why_say(why, DEFC_MALFORMED, "malformed expression for names");
        return;
    }
    regfree(&regex);
}

static void read_cdb(const struct sk_bytes *f, struct rule_member *m, struct defc_why *why) {
    read_container(f[1], m, why);
    read_range(f[2], &m->container_size, why);
    read_range(f[4], &m->packed_size, why);
    read_range(f[5], &m->size, why);
    read_encrypted(f[6], m, why);
    read_range(f[7], &m->position, why);
}

static void read_md(const struct sk_bytes *f, struct rule_member *m, struct defc_why *why) {
    m->container_size = (struct rule_range){0, UINT64_MAX};
    read_encrypted(f[1], m, why);
    read_number(f[3], &m->size, why);
    read_number(f[4], &m->packed_size, why);
    read_crc(f[5], m, why);
    read_number(f[7], &m->position, why);
}

static sk_err keep(struct rule_builder *b, struct rule_member *m, struct sk_bytes regex) {
    m->regex = RULE_NO_TEXT;
    if (!text_is(regex, "*")) {
        TRY(rules_put_text(b, regex, &m->regex));
    }
    struct rule_member *slot = vec_push(&b->member, 1, sizeof(*slot));
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *slot = *m;
    return sk_ok();
}

sk_err line_member(struct rule_builder *b, enum rule_kind kind, struct sk_bytes line,
                   struct defc_why *why) {
    struct sk_bytes f[CDB_FIELDS_MAX];
    struct rule_member m = {0};
    unsigned count = rules_fields(line, f, CDB_FIELDS_MAX);
    bool cdb = kind == RULE_CDB;
    unsigned least = cdb ? CDB_FIELDS : MD_FIELDS;
    if (count < least || count > least + 2) {
        why_say(why, DEFC_MALFORMED, "%u fields", count);
        return sk_ok();
    }
    if (cdb) {
        read_cdb(f, &m, why);
    } else {
        m.container = kind == RULE_ZMD ? SK_TYPE_ZIP : SK_TYPE_RAR;
        read_md(f, &m, why);
    }
    struct sk_bytes regex = f[cdb ? 3 : 2];
    if (!text_is(regex, "*")) {
        check_regex(regex, why);
    }
    rules_check_levels(&f[least], count - least, why);
    if (why_taken(why)) {
        TRY(rules_name(b, f[0], why, &m.name));
    }
    return why_taken(why) ? keep(b, &m, regex) : sk_ok();
}
