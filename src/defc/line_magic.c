// SPDX-License-Identifier: Apache-2.0
/*
 * Lines of file typing.
 *
 *   ftm   kind:offset:magic:name:required type:type[:min[:max]]
 *
 * Kind 0 (these bytes at this offset) is taken here; kind 1 (a pattern, anywhere) is a body like
 * any other (body.c). Kind 4 (partitions of disk images) is checked and counted as not supported:
 * seen with clamscan 1.4.6, it says nothing about anything else, and the reader of partitions needs
 * no list. Seen with clamscan 1.4.6: the magic of kind 0 is plain hex without wildcards, the offset
 * a number, only the first 1024 bytes of a layer are looked at, an unknown type is malformed, the
 * required type is not looked at.
 */
#include "defc/rules.h"
#include "defc/why.h"

#define FIELDS 6u
#define FIELDS_MAX 8u

static enum sk_type type_of(struct sk_bytes text) {
    char name[64] = "";
    if (text.len < sizeof(name)) {
        memcpy(name, text.ptr, text.len);
    }
    return sk_type_from_clam(name);
}

static sk_err keep(struct rule_builder *b, const struct rule_magic *m, struct sk_bytes magic) {
    struct rule_magic *slot = vec_push(&b->magic, 1, sizeof(*slot));
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *slot = *m;
    slot->len = (uint16_t)magic.len;
    return rules_put_text(b, magic, &slot->text);
}

sk_err line_magic(struct rule_builder *b, struct sk_bytes line, struct defc_why *why) {
    struct sk_bytes f[FIELDS_MAX];
    uint8_t magic[RULE_MAGIC_MAX_BYTES];
    size_t len = 0;
    uint64_t offset = 0;
    unsigned count = rules_fields(line, f, FIELDS_MAX);
    if (count < FIELDS || count > FIELDS_MAX) {
        why_say(why, DEFC_MALFORMED, "%u fields", count);
        return sk_ok();
    }
    rules_check_levels(&f[FIELDS], count - FIELDS, why);
    enum sk_type type = type_of(f[5]);
    if (type == SK_TYPE_COUNT || type_of(f[4]) == SK_TYPE_COUNT) {
        why_say(why, DEFC_MALFORMED, "unknown type");
    }
    if (!text_is(f[0], "0")) {
        bool known = text_is(f[0], "4");
        why_say(why, known ? DEFC_NOT_YET_FORMAT : DEFC_MALFORMED, "file typing of kind %.*s",
                (int)(f[0].len < 8 ? f[0].len : 8), (const char *)f[0].ptr);
        return sk_ok();
    }
    if (!text_number(f[1], UINT32_MAX, &offset) || !rules_hex(f[2], magic, sizeof(magic), &len) ||
        len == 0) {
        why_say(why, DEFC_MALFORMED, "malformed offset or magic");
    }
    if (!why_taken(why)) {
        return sk_ok();
    }
    struct rule_magic m = {.offset = (uint32_t)offset, .type = (uint16_t)type};
    return keep(b, &m, (struct sk_bytes){magic, len});
}
