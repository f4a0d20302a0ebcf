// SPDX-License-Identifier: Apache-2.0
/*
 * The small tables of a segment in the making: what their lines have in common (fields, levels,
 * names, texts) and the writing of their sections. The readers of the single kinds are in line_*.c.
 *
 * Every section is flagged as required: a reader that passed over one would call clean what these
 * rules find.
 */
#include "defc/rules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "defc/names.h"
#include "defc/why.h"
#include "defc/write.h"

#define TEXT_MAX_BYTES ((size_t)64 << 20)

void rules_release(struct rule_builder *b) {
    buf_release(&b->text);
    vec_release(&b->member);
    vec_release(&b->password);
    vec_release(&b->switches);
    vec_release(&b->magic);
    vec_release(&b->link);
    vec_release(&b->url);
    vec_release(&b->cert);
    vec_release(&b->icon);
    vec_release(&b->catalogue);
    vec_release(&b->listed);
}

uint64_t rules_count(const struct rule_builder *b) {
    uint64_t count = b->member.count + b->cert.count + b->icon.count;
    const struct rule_link *link = b->link.data;
    for (size_t i = 0; i < b->link.count; i++) {
        count += link[i].kind == RULE_LINK_DOMAIN_REGEX || link[i].kind == RULE_LINK_DOMAIN_HOST;
    }
    const struct rule_url *url = b->url.data;
    for (size_t i = 0; i < b->url.count; i++) {
        count += url[i].kind != RULE_URL_ALLOW;
    }
    return count;
}

sk_err rules_put_text(struct rule_builder *b, struct sk_bytes text, uint32_t *out_ref) {
    size_t at = b->text.len;
    if (at + text.len >= TEXT_MAX_BYTES) {
        return sk_fail(SK_E_LIMIT);
    }
    TRY(buf_append(&b->text, text.ptr, text.len));
    TRY(buf_append(&b->text, "", 1));
    *out_ref = (uint32_t)at;
    return sk_ok();
}

unsigned rules_fields(struct sk_bytes line, struct sk_bytes *out_fields, unsigned max) {
    unsigned count = 0;
    bool more = true;
    while (more) {
        if (count == max) {
            return max + 1;
        }
        out_fields[count++] = text_cut(&line, ':', &more);
    }
    return count;
}

void rules_check_levels(const struct sk_bytes *field, unsigned count, struct defc_why *why) {
    uint64_t level[2] = {0, UINT32_MAX};
    for (unsigned i = 0; i < count && i < 2; i++) {
        if (field[i].len > 0 && !text_number(field[i], UINT32_MAX, &level[i])) {
            why_say(why, DEFC_MALFORMED, "malformed functionality levels");
            return;
        }
    }
    if (level[0] > DEFC_FLEVEL || level[1] < DEFC_FLEVEL) {
        why_say(why, DEFC_FLEVEL_TOO_HIGH,
                "for functionality levels %" PRIu64 " to %" PRIu64 ", this is %u", level[0],
                level[1], DEFC_FLEVEL);
    }
}

sk_err rules_name(struct rule_builder *b, struct sk_bytes name, struct defc_why *why,
                  uint32_t *out_ref) {
    size_t len = names_clean_len((const char *)name.ptr, name.len);
    if (len == 0) {
        why_say(why, DEFC_MALFORMED, "empty name");
        return sk_ok();
    }
    *out_ref = 0;
    if (b->names == NULL) {
        return sk_ok();
    }
    sk_err err = names_add(b->names, (const char *)name.ptr, len, out_ref);
    if (err.code == SK_E_LIMIT) {
        why_say(why, DEFC_MALFORMED, "name of %zu bytes", len);
        return sk_ok();
    }
    return err;
}

sk_err rules_add_line(struct rule_builder *b, enum rule_kind kind, struct sk_bytes line,
                      struct defc_why *why) {
    *why = (struct defc_why){.reason = DEFC_TAKEN};
    switch (kind) {
    case RULE_PWDB:
        return line_password(b, line, why);
    case RULE_CFG:
        return line_switch(b, line, why);
    case RULE_FTM:
        return line_magic(b, line, why);
    case RULE_PDB:
    case RULE_WDB:
        return line_link(b, kind, line, why);
    case RULE_GDB:
        return line_url(b, line, why);
    case RULE_CRB:
        return line_cert(b, line, why);
    case RULE_IDB:
        return line_icon(b, line, why);
    default:
        return line_member(b, kind, line, why);
    }
}

static int url_compare(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct rule_url));
}

static int listed_compare(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct rule_listed));
}

sk_err rules_finish(struct rule_builder *b, struct img_writer *w) {
    if (b->url.count > 0) {
        qsort(b->url.data, b->url.count, sizeof(struct rule_url), url_compare);
    }
    if (b->listed.count > 0) {
        qsort(b->listed.data, b->listed.count, sizeof(struct rule_listed), listed_compare);
    }
    const struct {
        uint16_t type;
        uint16_t flags;
        uint32_t elem;
        const void *data;
        size_t count;
    } section[] = {
        {IMG_RULE_TEXT, IMG_WARM, 1, b->text.data, b->text.len},
        {IMG_RULE_MEMBERS, IMG_WARM, sizeof(struct rule_member), b->member.data, b->member.count},
        {IMG_RULE_PASSWORDS, IMG_WARM, sizeof(struct rule_password), b->password.data,
         b->password.count},
        {IMG_RULE_SWITCHES, IMG_WARM, sizeof(struct rule_switch), b->switches.data,
         b->switches.count},
        {IMG_RULE_MAGIC, IMG_WARM, sizeof(struct rule_magic), b->magic.data, b->magic.count},
        {IMG_RULE_LINKS, IMG_WARM, sizeof(struct rule_link), b->link.data, b->link.count},
        {IMG_RULE_URLS, IMG_WARM, sizeof(struct rule_url), b->url.data, b->url.count},
        {IMG_RULE_CERTS, IMG_WARM, sizeof(struct rule_cert), b->cert.data, b->cert.count},
        {IMG_RULE_ICONS, IMG_WARM, sizeof(struct rule_icon), b->icon.data, b->icon.count},
        {IMG_RULE_CATALOGUES, IMG_COLD, sizeof(struct rule_catalogue), b->catalogue.data,
         b->catalogue.count},
        {IMG_RULE_LISTED, IMG_COLD, sizeof(struct rule_listed), b->listed.data, b->listed.count},
    };
    for (size_t i = 0; i < sizeof(section) / sizeof(section[0]); i++) {
        struct sk_bytes data = {section[i].data, section[i].count * section[i].elem};
        if (data.len > 0) {
            TRY(img_writer_section(w, section[i].type, 0, section[i].flags | IMG_REQUIRED,
                                   section[i].elem, data));
        }
    }
    return sk_ok();
}
