// SPDX-License-Identifier: Apache-2.0
/*
 * Words for what the tables of match/tables.h say. One switch for each enum there; a value that is
 * not known gives SK_E_FORMAT, never a wrong phrase. A new kind of attribute, offset or node gets
 * its row here and is told everywhere at once.
 *
 * Expressions are in preorder; they are written from an explicit stack of open groups:
 *
 *   AND 3, SUB 0, OR 2, SUB 1, SUB 2     ->   "0", "&", "(", "1", "|", "2", ")"
 */
#include "cli/words.h"

#include "base/type.h"
#include "cli/intl.h"

const char *words_target(unsigned target) {
    switch (target) {
    case SK_TARGET_ANY:
        return _("any object");
    case SK_TARGET_PE:
        return _("Windows programs (PE)");
    case SK_TARGET_OLE2:
        return _("OLE2 documents");
    case SK_TARGET_HTML:
        return _("HTML, normalised");
    case SK_TARGET_MAIL:
        return _("mail");
    case SK_TARGET_GRAPHICS:
        return _("images");
    case SK_TARGET_ELF:
        return _("ELF programs");
    case SK_TARGET_TEXT:
        return _("text, normalised");
    case SK_TARGET_MACHO:
        return _("Mach-O programs");
    case SK_TARGET_PDF:
        return _("PDF documents");
    case SK_TARGET_SWF:
        return _("Flash");
    case SK_TARGET_JAVA:
        return _("Java classes");
    case SK_TARGET_INTERNAL:
        return _("internal");
    case SK_TARGET_OTHER:
        return _("data of no known type");
    default:
        return _("unknown");
    }
}

static const char *place_base(uint8_t kind) {
    switch (kind) {
    case MT_OFF_EP:
        return _("from the entry point");
    case MT_OFF_SECT:
        return _("from the start of section");
    case MT_OFF_SECT_LAST:
        return _("from the start of the last section");
    default:
        return NULL;
    }
}

sk_err words_offset(const struct mt_sub *sub, struct buf *out) {
    const char *base = place_base(sub->off_kind);
    if (base != NULL) {
        TRY(buf_puts(out, base));
        TRY(sub->off_kind == MT_OFF_SECT ? buf_printf(out, " %u", (unsigned)sub->section)
                                         : sk_ok());
        TRY(buf_printf(out, ": %+d", sub->off));
    } else if (sub->off_kind == MT_OFF_ANY) {
        return buf_puts(out, _("anywhere"));
    } else if (sub->off_kind == MT_OFF_ABS) {
        TRY(buf_printf(out, _("at offset %lld"), (long long)sub->off));
    } else if (sub->off_kind == MT_OFF_EOF) {
        TRY(buf_printf(out, _("%lld bytes before the end"), (long long)sub->off));
    } else if (sub->off_kind == MT_OFF_SECT_ANY) {
        return buf_printf(out, _("anywhere in section %u"), (unsigned)sub->section);
    } else if (sub->off_kind == MT_OFF_VI) {
        TRY(buf_puts(out, _("in the version information")));
    } else {
        return sk_fail(SK_E_FORMAT);
    }
    return sub->shift == 0 ? sk_ok() : buf_printf(out, _(", or up to %u bytes behind"), sub->shift);
}

/* ---- attributes ----------------------------------------------------------------------------- */

static sk_err range_words(const char *what, const struct mt_attr *a, struct buf *out) {
    TRY(buf_puts(out, what));
    if (a->max == UINT32_MAX) {
        return buf_printf(out, _(": %u or more"), a->min);
    }
    return a->min == a->max ? buf_printf(out, ": %u", a->min)
                            : buf_printf(out, _(": %u to %u"), a->min, a->max);
}

static const char *type_words(uint32_t type) {
    return type < SK_TYPE_COUNT ? sk_type_word((enum sk_type)type) : "?";
}

static sk_err icon_words(const struct mt_segment *seg, const struct mt_attr *a, struct buf *out) {
    bool first = a->key == MT_ATTR_ICON_GROUP1;
    if ((uint64_t)a->min + a->max > seg->lit_len) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(buf_puts(out, first ? _("has an icon of the first kind of group: ")
                            : _("has an icon of the second kind of group: ")));
    return buf_append(out, seg->lit + a->min, a->max);
}

sk_err words_attribute(const struct mt_segment *seg, const struct mt_attr *a, struct buf *out) {
    switch (a->key) {
    case MT_ATTR_FILE_SIZE:
        return range_words(_("file size"), a, out);
    case MT_ATTR_ENTRY_POINT:
        return range_words(_("entry point"), a, out);
    case MT_ATTR_SECTION_COUNT:
        return range_words(_("number of sections"), a, out);
    case MT_ATTR_CONTAINER:
        return a->min == SK_TYPE_ANY ? buf_puts(out, _("not inside a container"))
                                     : buf_printf(out, _("inside: %s"), type_words(a->min));
    case MT_ATTR_ANCESTOR:
        return buf_printf(out, _("container %u levels up: %s"), a->max + 1,
                          a->min == SK_TYPE_ANY ? _("any") : type_words(a->min));
    case MT_ATTR_TELLS:
        return buf_printf(out, _("tells a type: %s"), type_words(a->min));
    case MT_ATTR_ICON_GROUP1:
    case MT_ATTR_ICON_GROUP2:
        return icon_words(seg, a, out);
    case MT_ATTR_HANDLER:
        return buf_printf(out, _("asks for a scan as: %s"), type_words(a->min));
    default:
        return sk_fail(SK_E_FORMAT);
    }
}

/* ---- expressions ---------------------------------------------------------------------------- */

static sk_err put_cmp_words(const struct mt_node *n, struct buf *out) {
    switch (n->cmp) {
    case MT_CMP_NONE:
        return sk_ok();
    case MT_CMP_EQ:
        return buf_printf(out, _(", exactly %u hits"), n->value);
    case MT_CMP_GT:
        return buf_printf(out, _(", more than %u hits"), n->value);
    case MT_CMP_LT:
        return buf_printf(out, _(", less than %u hits"), n->value);
    default:
        return sk_fail(SK_E_FORMAT);
    }
}

sk_err words_node(const struct mt_node *n, struct buf *out) {
    if (n->op == MT_NODE_SUB) {
        TRY(buf_printf(out, _("subsignature %u"), (unsigned)n->arg));
    } else if (n->op == MT_NODE_AND || n->op == MT_NODE_OR) {
        TRY(buf_puts(out, n->op == MT_NODE_AND ? _("all of these") : _("any of these")));
    } else {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(put_cmp_words(n, out));
    return n->distinct == 0
               ? sk_ok()
               : buf_printf(out, _(", of at least %u different subsignatures"), n->distinct);
}

static sk_err put_cmp(const struct mt_node *n, struct buf *out) {
    static const char sign[] = {0, '=', '>', '<'};
    if (n->cmp == MT_CMP_NONE) {
        return sk_ok();
    }
    if (n->cmp >= sizeof sign) {
        return sk_fail(SK_E_FORMAT);
    }
    TRY(buf_printf(out, "%c%u", sign[n->cmp], n->value));
    return n->distinct == 0 ? sk_ok() : buf_printf(out, ",%u", n->distinct);
}

/* A group being written. */
struct group {
    const struct mt_node *node;
    uint32_t left;
    bool bracket;
};

sk_err words_expression(const struct mt_node *node, uint32_t count, struct buf *out) {
    struct group open[MT_NESTING_MAX];
    uint32_t depth = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct mt_node *n = &node[i];
        if (depth > 0 && open[depth - 1].left < open[depth - 1].node->arg) {
            TRY(buf_puts(out, open[depth - 1].node->op == MT_NODE_AND ? "&" : "|"));
        }
        if (depth > 0) {
            open[depth - 1].left--;
        }
        if (n->op != MT_NODE_SUB) {
            if (depth == MT_NESTING_MAX || n->arg == 0) {
                return sk_fail(SK_E_FORMAT);
            }
            open[depth] = (struct group){n, n->arg, depth > 0 || n->cmp != MT_CMP_NONE};
            TRY(open[depth++].bracket ? buf_puts(out, "(") : sk_ok());
            continue;
        }
        TRY(buf_printf(out, "%u", (unsigned)n->arg));
        TRY(put_cmp(n, out));
        while (depth > 0 && open[depth - 1].left == 0) {
            const struct group *g = &open[--depth];
            TRY(g->bracket ? buf_puts(out, ")") : sk_ok());
            TRY(put_cmp(g->node, out));
        }
    }
    return depth == 0 ? sk_ok() : sk_fail(SK_E_FORMAT);
}

/* ---- bytes ---------------------------------------------------------------------------------- */

sk_err words_gap(const struct mt_part *part, struct buf *out) {
    if (part->gap_max != MT_UNBOUNDED) {
        return part->gap_min == part->gap_max
                   ? buf_printf(out, _("after %u bytes"), part->gap_min)
                   : buf_printf(out, _("after %u to %u bytes"), part->gap_min, part->gap_max);
    }
    return part->gap_min == 0 ? buf_puts(out, _("after any number of bytes"))
                              : buf_printf(out, _("after %u bytes or more"), part->gap_min);
}

sk_err words_bytes_text(const uint8_t *bytes, size_t len, struct buf *out) {
    TRY(buf_puts(out, "\""));
    for (size_t i = 0; i < len; i++) {
        uint8_t b = bytes[i];
        bool plain = b >= 0x20 && b < 0x7f && b != '"' && b != '\\';
        TRY(buf_printf(out, plain ? "%c" : "\\x%02x", b));
    }
    return buf_puts(out, "\"");
}

sk_err words_bytes_hex(const uint8_t *bytes, size_t len, struct buf *out) {
    for (size_t i = 0; i < len; i++) {
        TRY(buf_printf(out, "%02x", bytes[i]));
    }
    return sk_ok();
}
