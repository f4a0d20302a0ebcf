// SPDX-License-Identifier: Apache-2.0
/*
 * A compiled signature in words.
 *
 *   signature -> target, attributes, expression
 *             -> subsignature -> form (the second is of "wa") -> part -> elements (decode_prog.c)
 *             -> how it is found: triggers, anchors, or on every layer
 *
 * It speaks of what was compiled, not of the line it came from: that is what the program will do.
 * Triggers are not listed by signature in the image; finding them goes through the whole table,
 * which is soon enough for one signature and costs scans nothing.
 */
#include "cli/decode.h"

#include "cli/intl.h"
#include "cli/words.h"
#include "base/type.h"
#include "crypto/digest.h"

struct decoding {
    struct tell *t;
    const struct mt_segment *seg;
    const struct mt_sig *sig;
    uint32_t index;
    struct buf says;
};

/* A fresh phrase. */
static struct buf *phrase(struct decoding *d) {
    buf_clear(&d->says);
    return &d->says;
}

/* ---- hashes ---------------------------------------------------------------------------------- */

static void decode_hash(struct tell *t, const struct query_signature *sig) {
    static const char *const algo[HS_ALGO_COUNT] = {"md5", "sha1", "sha256"};
    static const char *const of[QUERY_KIND_COUNT] = {
        [QUERY_FILE_HASH] = N_("the whole object or member"),
        [QUERY_SECTION_HASH] = N_("one section of a Windows program"),
        [QUERY_IMPORT_HASH] = N_("the import list of a Windows program"),
        [QUERY_ALLOW] = N_("the whole object or member, which is then trusted"),
    };
    char hex[2 * CRYPTO_DIGEST_MAX + 1];
    crypto_hex(sig->digest, hs_digest_bytes(sig->algo), hex);
    tell_text(t, "algorithm", _("algorithm"), algo[sig->algo]);
    tell_text(t, "digest", _("digest"), hex);
    tell_text(t, "of", _("of"), intl_text(of[sig->kind]));
    if (sig->size != HS_SIZE_ANY) {
        tell_number(t, "size", _("size in bytes"), sig->size);
    } else {
        tell_text(t, NULL, _("size in bytes"), _("any"));
    }
}

/* ---- rules about members --------------------------------------------------------------------- */

static void decode_range(struct decoding *d, const char *key, const char *label,
                         struct rule_range range) {
    if (range.min == 0 && range.max == UINT64_MAX) {
        return;
    }
    SK_IGNORE(buf_printf(phrase(d), "%llu-%llu", (unsigned long long)range.min,
                         (unsigned long long)range.max),
              "an empty phrase is shown when memory is gone");
    tell_text(d->t, key, label, buf_text(&d->says));
}

static sk_err decode_member(struct decoding *d, const struct rules *rules) {
    if (d->index >= rules->member_count) {
        return sk_fail(SK_E_FORMAT);
    }
    const struct rule_member *m = &rules->member[d->index];
    tell_text(d->t, "container", _("member of"),
              m->container == SK_TYPE_ANY || m->container >= SK_TYPE_COUNT
                  ? _("any container")
                  : sk_type_word((enum sk_type)m->container));
    if (m->regex != RULE_NO_TEXT && m->regex < rules->text_len) {
        tell_text(d->t, "member_name", _("name of the member, regular expression"),
                  &rules->text[m->regex]);
    }
    decode_range(d, "container_size", _("size of the container"), m->container_size);
    decode_range(d, "packed_size", _("packed size"), m->packed_size);
    decode_range(d, "member_size", _("unpacked size"), m->size);
    decode_range(d, "position", _("number of the member"), m->position);
    if ((m->flags & RULE_MEMBER_CRC) != 0) {
        TRY(buf_printf(phrase(d), "%08x", m->crc32));
        tell_text(d->t, "crc32", _("CRC-32"), buf_text(&d->says));
    }
    if (m->encrypted != RULE_ENCRYPTED_ANY) {
        tell_flag(d->t, "encrypted", _("only if it is encrypted"), m->encrypted == RULE_ENCRYPTED);
    }
    return sk_ok();
}

static void decode_id(struct decoding *d, const char *key, const char *label, const uint8_t *id) {
    char hex[2 * RULE_CERT_ID_BYTES + 1];
    crypto_hex(id, RULE_CERT_ID_BYTES, hex);
    tell_text(d->t, key, label, hex);
}

static sk_err decode_certificate(struct decoding *d, const struct rules *rules) {
    if (d->index >= rules->cert_count) {
        return sk_fail(SK_E_FORMAT);
    }
    const struct rule_cert *c = &rules->cert[d->index];
    bool trusted = (c->flags & RULE_CERT_TRUSTED) != 0;
    tell_flag(d->t, "trusted", _("programs signed with it are trusted"), trusted);
    tell_flag(d->t, "blocked", _("programs that carry it are found"), !trusted);
    decode_id(d, "subject_sha1", _("subject, SHA-1"), c->subject);
    if ((c->flags & RULE_CERT_SERIAL) != 0) {
        decode_id(d, "serial_sha1", _("serial number, SHA-1"), c->serial);
    }
    tell_number(d->t, "modulus_bits", _("bits of the RSA key"), (uint64_t)c->modulus_len * 8);
    tell_flag(d->t, "code", _("for code"), (c->flags & RULE_CERT_CODE) != 0);
    tell_flag(d->t, "time", _("for time stamps"), (c->flags & RULE_CERT_TIME) != 0);
    tell_flag(d->t, "certificates", _("for certificates"), (c->flags & RULE_CERT_CERT) != 0);
    return sk_ok();
}

/* ---- links ------------------------------------------------------------------------------------
 */

static sk_err decode_link(struct decoding *d, const struct rules *rules) {
    static const char *const means[RULE_LINK_KIND_COUNT] = {
        N_("a domain to protect, regular expression over real:displayed"),
        N_("a domain to protect"),
        N_("links that are right, regular expression over real:displayed"),
        N_("a link that is right, real:displayed host"),
    };
    static const char *const words[RULE_LINK_KIND_COUNT] = {"protect-regex", "protect-host",
                                                            "allow-regex", "allow-hosts"};
    if (d->index >= rules->link_count || rules->link[d->index].kind >= RULE_LINK_KIND_COUNT) {
        return sk_fail(SK_E_FORMAT);
    }
    uint32_t kind = rules->link[d->index].kind;
    tell_text(d->t, "list", NULL, words[kind]);
    tell_text(d->t, NULL, _("means"), intl_text(means[kind]));
    return sk_ok();
}

static sk_err decode_url(struct decoding *d, const struct rules *rules) {
    static const char *const means[RULE_URL_KIND_COUNT] = {
        N_("an address that spreads malware, by its SHA-256"),
        N_("a blocked address, by its SHA-256"),
        N_("an address of phishing, by its SHA-256"),
        N_("an address that is right, by its SHA-256"),
    };
    static const char *const words[RULE_URL_KIND_COUNT] = {"malware", "blocked", "phishing",
                                                           "allow"};
    if (d->index >= rules->url_count || rules->url[d->index].kind >= RULE_URL_KIND_COUNT) {
        return sk_fail(SK_E_FORMAT);
    }
    uint32_t kind = rules->url[d->index].kind;
    tell_text(d->t, "list", NULL, words[kind]);
    tell_text(d->t, NULL, _("means"), intl_text(means[kind]));
    return sk_ok();
}

static sk_err decode_icon(struct decoding *d, const struct rules *rules) {
    if (d->index >= rules->icon_count) {
        return sk_fail(SK_E_FORMAT);
    }
    const struct rule_icon *icon = &rules->icon[d->index];
    tell_text(d->t, "group1", _("first group"), &rules->text[icon->group[0]]);
    tell_text(d->t, "group2", _("second group"), &rules->text[icon->group[1]]);
    tell_number(d->t, "side", _("pixels a side"), icon->side);
    tell_number(d->t, "coloured", _("percent of coloured pixels"),
                icon->spread[RULE_ICON_SPREADS - 1]);
    return sk_ok();
}

/* ---- expression ------------------------------------------------------------------------------ */

static sk_err decode_attributes(struct decoding *d) {
    if (d->sig->attr_count == 0) {
        return sk_ok();
    }
    tell_open(d->t, "attributes", _("only if"), '[');
    for (unsigned i = 0; i < d->sig->attr_count; i++) {
        const struct mt_attr *a = &d->seg->attr[d->sig->attr_first + i];
        TRY(words_attribute(d->seg, a, phrase(d)));
        tell_open(d->t, NULL, NULL, '{');
        tell_number(d->t, "key", NULL, a->key);
        tell_number(d->t, "min", NULL, a->min);
        tell_number(d->t, "max", NULL, a->max);
        tell_text(d->t, "says", NULL, buf_text(&d->says));
        tell_close(d->t, NULL, '}');
        tell_line(d->t, 0, buf_text(&d->says));
    }
    tell_close(d->t, _("only if"), ']');
    return sk_ok();
}

static sk_err decode_nodes(struct decoding *d, const struct mt_node *node, uint32_t count) {
    uint32_t left[MT_NESTING_MAX];
    uint32_t depth = 0;
    tell_open(d->t, "nodes", NULL, '[');
    for (uint32_t i = 0; i < count; i++) {
        bool group = node[i].op != MT_NODE_SUB;
        TRY(words_node(&node[i], phrase(d)));
        tell_open(d->t, NULL, NULL, '{');
        tell_number(d->t, "depth", NULL, depth);
        tell_text(d->t, "says", NULL, buf_text(&d->says));
        tell_close(d->t, NULL, '}');
        tell_line(d->t, 1 + depth, buf_text(&d->says));
        if (depth > 0) {
            left[depth - 1]--;
        }
        if (group) {
            if (depth == MT_NESTING_MAX) {
                return sk_fail(SK_E_FORMAT);
            }
            left[depth++] = node[i].arg;
        }
        while (depth > 0 && left[depth - 1] == 0) {
            depth--;
        }
    }
    tell_close(d->t, NULL, ']');
    return sk_ok();
}

static sk_err decode_expression(struct decoding *d) {
    const struct mt_node *node = &d->seg->node[d->sig->node_first];
    TRY(words_expression(node, d->sig->node_count, phrase(d)));
    tell_text(d->t, "expression", _("matches when"), buf_text(&d->says));
    return decode_nodes(d, node, d->sig->node_count);
}

/* ---- subsignatures --------------------------------------------------------------------------- */

static sk_err decode_part(struct decoding *d, const struct mt_part *part, bool first) {
    struct tell *t = d->t;
    tell_open(t, NULL, NULL, '{');
    if (!first) {
        TRY(words_gap(part, phrase(d)));
        tell_number(t, "gap_min", NULL, part->gap_min);
        if (part->gap_max != MT_UNBOUNDED) {
            tell_number(t, "gap_max", NULL, part->gap_max);
        }
        tell_text(t, "gap", NULL, buf_text(&d->says));
        tell_line(t, 0, buf_text(&d->says));
    }
    tell_number(t, "length_min", NULL, part->len_min);
    tell_number(t, "length_max", NULL, part->len_max);
    TRY(decode_program(t, d->seg, part));
    tell_close(t, NULL, '}');
    return sk_ok();
}

/* The expression /text/flags and when it is asked. part_first is an index of regex[]. */
static sk_err decode_regex(struct decoding *d, const struct mt_sub *sub) {
    static const char LETTERS[] = "greismxAEU"; /* bit k of MT_REGEX_* */
    const struct mt_segment *seg = d->seg;
    if (sub->part_first >= seg->regex_count) {
        return sk_fail(SK_E_FORMAT);
    }
    const struct mt_regex *re = &seg->regex[sub->part_first];
    if ((uint64_t)re->text + re->text_len > seg->lit_len ||
        (uint64_t)re->node_first + re->node_count > seg->node_count) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(buf_puts(phrase(d), "/"));
    TRY(buf_append(&d->says, &seg->lit[re->text], re->text_len));
    TRY(buf_puts(&d->says, "/"));
    for (unsigned k = 0; LETTERS[k] != 0; k++) {
        TRY((re->flags >> k & 1) != 0 ? buf_append(&d->says, &LETTERS[k], 1) : sk_ok());
    }
    tell_text(d->t, "regex", _("regular expression"), buf_text(&d->says));
    TRY(words_expression(&seg->node[re->node_first], re->node_count, phrase(d)));
    tell_text(d->t, "asked_when", _("asked when"), buf_text(&d->says));
    return sk_ok();
}

/* A number near the last hit of another subsignature. part_first is an index of compare[]. */
static sk_err decode_compare(struct decoding *d, const struct mt_sub *sub) {
    static const char *const SIGNS[] = {"", "=", ">", "<"}; /* enum mt_cmp */
    if (sub->part_first >= d->seg->compare_count) {
        return sk_fail(SK_E_FORMAT);
    }
    const struct mt_compare *c = &d->seg->compare[sub->part_first];
    TRY(buf_printf(phrase(d),
                   _("a number of %u bytes, %d bytes from the last hit of subsignature %u:"),
                   c->width, c->off, c->ref));
    for (unsigned k = 0; k < 2 && c->cmp[k] != MT_CMP_NONE && c->cmp[k] <= MT_CMP_LT; k++) {
        TRY(buf_printf(&d->says, " %s%lld", SIGNS[c->cmp[k]], (long long)c->value[k]));
    }
    tell_text(d->t, "compare", _("compares"), buf_text(&d->says));
    return sk_ok();
}

static sk_err decode_macro(struct decoding *d, const struct mt_sub *sub) {
    if (sub->part_first >= d->seg->macro_count) {
        return sk_fail(SK_E_FORMAT);
    }
    const struct mt_macro *m = &d->seg->macro[sub->part_first];
    TRY(buf_printf(phrase(d),
                   _("a body of group %u, %u to %u bytes from the start of subsignature %u"),
                   m->group, m->min, m->max, m->ref));
    tell_text(d->t, "macro", _("macro"), buf_text(&d->says));
    return sk_ok();
}

static void decode_image(struct decoding *d, const struct mt_sub *sub) {
    char hash[17];
    snprintf(hash, sizeof(hash), "%08x%08x", sub->shift, sub->part_first);
    tell_open(d->t, NULL, NULL, '{');
    tell_text(d->t, "image_hash", _("image hash"), hash);
    tell_close(d->t, NULL, '}');
}

static sk_err decode_special(struct decoding *d, const struct mt_sub *sub) {
    if ((sub->flags & MT_SUB_IMAGE) != 0) {
        decode_image(d, sub);
        return sk_ok();
    }
    tell_open(d->t, NULL, NULL, '{');
    TRY(words_offset(sub, phrase(d)));
    tell_text(d->t, "where", _("where"), buf_text(&d->says));
    TRY((sub->flags & MT_SUB_REGEX) != 0     ? decode_regex(d, sub)
        : (sub->flags & MT_SUB_COMPARE) != 0 ? decode_compare(d, sub)
                                             : decode_macro(d, sub));
    tell_close(d->t, NULL, '}');
    return sk_ok();
}

static sk_err decode_form(struct decoding *d, const struct mt_sub *sub) {
    struct tell *t = d->t;
    if ((sub->flags & MT_SUB_SPECIAL) != 0) {
        return decode_special(d, sub);
    }
    if ((uint64_t)sub->part_first + sub->part_count > d->seg->part_count) {
        return sk_fail(SK_E_FORMAT);
    }
    tell_open(t, NULL, NULL, '{');
    TRY(words_offset(sub, phrase(d)));
    tell_text(t, "where", _("where"), buf_text(&d->says));
    tell_flag(t, "full_word", _("as a whole word"), (sub->flags & MT_SUB_FULLWORD) != 0);
    tell_open(t, "parts", _("bytes"), '[');
    for (uint32_t k = 0; k < sub->part_count; k++) {
        TRY(decode_part(d, &d->seg->part[sub->part_first + k], k == 0));
    }
    tell_close(t, _("bytes"), ']');
    tell_close(t, NULL, '}');
    return sk_ok();
}

static sk_err decode_sub(struct decoding *d, uint32_t number) {
    struct tell *t = d->t;
    uint32_t index = d->seg->sig_sub[d->sig->sub_first + number];
    TRY(buf_printf(phrase(d), _("subsignature %u"), number));
    tell_open(t, NULL, NULL, '{');
    tell_number(t, "number", NULL, number);
    tell_open(t, "forms", buf_text(&d->says), '[');
    for (unsigned form = 0; form < 2 && index != MT_NO_SUB; form++) {
        if (index >= d->seg->sub_count) {
            return sk_fail(SK_E_FORMAT);
        }
        if (form > 0) {
            tell_line(t, 0, _("or"));
        }
        TRY(decode_form(d, &d->seg->sub[index]));
        index = d->seg->sub[index].also;
    }
    tell_close(t, "", ']');
    tell_close(t, NULL, '}');
    return sk_ok();
}

/* ---- how it is found ------------------------------------------------------------------------- */

static void found_row(struct decoding *d, const char *by) {
    tell_open(d->t, NULL, NULL, '{');
    tell_text(d->t, "by", NULL, by);
    tell_text(d->t, "says", NULL, buf_text(&d->says));
    tell_close(d->t, NULL, '}');
    tell_line(d->t, 0, buf_text(&d->says));
}

/* Bytes with masks behind them, of which 0 is any byte. */
static sk_err decode_masked(const uint8_t *bytes, size_t len, struct buf *out) {
    for (size_t i = 0; i < len; i++) {
        TRY(bytes[len + i] == 0 ? buf_puts(out, "??") : buf_printf(out, "%02x", bytes[i]));
    }
    return sk_ok();
}

static sk_err decode_triggers(struct decoding *d) {
    const struct mt_segment *seg = d->seg;
    for (uint32_t i = 0; i < seg->trig_count; i++) {
        const struct mt_trig *trig = &seg->trig[i];
        bool masked = (trig->flags & MT_TRIG_MASKED) != 0;
        if ((uint64_t)trig->sig_first + trig->sig_count > seg->trig_sig_count ||
            trig->lit + (uint64_t)trig->len * (1 + masked) > seg->lit_len) {
            return sk_fail(SK_E_FORMAT);
        }
        bool mine = false;
        for (uint32_t k = 0; k < trig->sig_count && !mine; k++) {
            mine = seg->trig_sig[trig->sig_first + k] == d->index;
        }
        if (!mine) {
            continue;
        }
        TRY(buf_puts(phrase(d), masked ? _("the bytes ") : _("the literal ")));
        TRY(masked ? decode_masked(&seg->lit[trig->lit], trig->len, &d->says)
                   : decode_literal(&seg->lit[trig->lit], trig->len, &d->says));
        TRY((trig->flags & MT_TRIG_NOCASE) != 0 ? buf_puts(&d->says, _(" in upper or lower case"))
                                                : sk_ok());
        found_row(d, "literal");
    }
    return sk_ok();
}

static sk_err decode_anchors(struct decoding *d, const struct mt_table *table) {
    for (uint32_t i = 0; i < table->anchor_count; i++) {
        const struct mt_anchor *a = &table->anchor[i];
        if (a->sig != d->index) {
            continue;
        }
        struct mt_sub place = {.off_kind = a->kind, .section = a->section, .off = a->off};
        TRY(buf_puts(phrase(d), _("a look at one place: ")));
        TRY(words_offset(&place, &d->says));
        found_row(d, "place");
    }
    for (uint32_t i = 0; i < table->always_count; i++) {
        if (table->always[i] == d->index) {
            TRY(buf_puts(phrase(d), _("evaluated on every object of its target")));
            found_row(d, "always");
        }
    }
    return sk_ok();
}

static sk_err decode_found(struct decoding *d) {
    tell_open(d->t, "found_by", _("found by"), '[');
    TRY(decode_triggers(d));
    TRY(decode_anchors(d, &d->seg->table[d->sig->target]));
    tell_close(d->t, _("found by"), ']');
    return sk_ok();
}

static sk_err decode_body(struct decoding *d) {
    const struct mt_segment *seg = d->seg;
    const struct mt_sig *sig = d->sig;
    if (sig->target >= MT_TABLE_COUNT ||
        (uint64_t)sig->attr_first + sig->attr_count > seg->attr_count ||
        (uint64_t)sig->node_first + sig->node_count > seg->node_count ||
        (uint64_t)sig->sub_first + sig->sub_count > seg->sig_sub_count) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(buf_printf(phrase(d), "%u, %s", (unsigned)sig->target, words_target(sig->target)));
    tell_number(d->t, "target", NULL, sig->target);
    tell_text(d->t, "target_text", _("target"), buf_text(&d->says));
    TRY(decode_attributes(d));
    TRY(decode_expression(d));
    tell_open(d->t, "subsignatures", NULL, '[');
    for (uint32_t i = 0; i < sig->sub_count; i++) {
        TRY(decode_sub(d, i));
    }
    tell_close(d->t, NULL, ']');
    return decode_found(d);
}

/* Of a rule that is neither hash nor body; SK_E_UNSUPPORTED: it is none. */
static sk_err decode_rule(struct decoding *d, const struct query_signature *sig) {
    const struct rules *rules = image_rules(sig->image);
    switch (sig->kind) {
    case QUERY_MEMBER:
        return decode_member(d, rules);
    case QUERY_CERTIFICATE:
        return decode_certificate(d, rules);
    case QUERY_LINK:
        return decode_link(d, rules);
    case QUERY_URL:
        return decode_url(d, rules);
    case QUERY_ICON:
        return decode_icon(d, rules);
    default:
        return sk_fail(SK_E_UNSUPPORTED);
    }
}

sk_err decode_signature(struct tell *t, const struct query_signature *sig) {
    tell_text(t, "name", _("name"), sig->name);
    tell_text(t, "kind", _("kind"), query_kind_text(sig->kind));
    tell_text(t, "segment", _("segment"), sig->segment);
    tell_flag(t, "ignored", _("ignored"), sig->ignored);
    if (sig->digest != NULL) {
        decode_hash(t, sig);
        return sk_ok();
    }
    struct decoding d = {.t = t, .seg = image_segment(sig->image), .index = sig->index};
    sk_err err = decode_rule(&d, sig);
    if (err.code == SK_E_UNSUPPORTED) {
        err = d.index < d.seg->sig_count ? sk_ok() : sk_fail(SK_E_FORMAT);
        d.sig = sk_failed(err) ? NULL : &d.seg->sig[d.index];
        err = sk_failed(err) ? err : decode_body(&d);
    }
    buf_release(&d.says);
    return err;
}
