// SPDX-License-Identifier: Apache-2.0
/*
 * Every reference inside the body tables of an image, followed once (part of image_verify).
 *
 *   table -> groups -> entries -> triggers -> trig_sig -> signatures -> sig_sub -> subs -> parts
 *            slow, anchors, always ----------------------^     |-> nodes, attributes, name
 *
 * The matcher checks what it uses when it uses it and treats nonsense as "no match"; that keeps a
 * scan safe but would turn a compiler bug or bit rot into a silent miss. Here the same rules are
 * applied to everything and the first breach is an error. One function per kind of element returns
 * the fault as text or NULL, one loop walks them all. Part programs are checked by a small stack
 * machine, as alternatives nest. Shapes (array lengths, group heads) were proved at open.
 */
#include "defs/image_private.h"

#include "match/plan.h"

#define NODE_STACK_MAX (MT_NESTING_MAX + 2)

static bool in_range(uint32_t first, uint64_t count, uint32_t limit) {
    return first <= limit && count <= limit - first;
}

/* ---- programs ----------------------------------------------------------------------------- */

static const char *const program_fault = "a part has a malformed program";

/* Open alternatives: how many are left to come, and where the present one ends. */
struct alt_frame {
    uint32_t left;
    size_t end;
};

struct program_check {
    struct sk_cursor c;
    struct alt_frame frame[MT_ALT_NESTING_MAX];
    unsigned depth;
};

/* Set up the next alternative of the innermost choice, or leave it. False = malformed. */
static bool next_alternative(struct program_check *p) {
    struct alt_frame *f = &p->frame[p->depth - 1];
    if (f->left == 0) {
        p->depth--;
        return true;
    }
    f->left--;
    uint16_t len = sk_cursor_u16le(&p->c);
    size_t limit = p->depth >= 2 ? p->frame[p->depth - 2].end : p->c.len;
    f->end = p->c.pos + len;
    return sk_cursor_ok(&p->c) && f->end <= limit;
}

static bool check_fixed(struct sk_cursor *c) {
    uint8_t negated = sk_cursor_u8(c);
    uint8_t nocase = sk_cursor_u8(c);
    uint64_t n = sk_cursor_u16le(c);
    uint64_t count = sk_cursor_u16le(c);
    sk_cursor_skip(c, n * count * 2);
    return negated <= 1 && nocase <= 1 && n > 0 && count > 0;
}

static bool check_bound(struct sk_cursor *c) {
    uint8_t kind = sk_cursor_u8(c);
    uint8_t negated = sk_cursor_u8(c);
    uint8_t side = sk_cursor_u8(c);
    return (kind == 'B' || kind == 'L' || kind == 'W') && negated <= 1 && side <= MT_SIDE_RIGHT;
}

static bool check_near(struct sk_cursor *c) {
    uint8_t side = sk_cursor_u8(c);
    uint8_t min = sk_cursor_u8(c);
    uint8_t max = sk_cursor_u8(c);
    uint8_t value = sk_cursor_u8(c);
    uint8_t mask = sk_cursor_u8(c);
    return side <= MT_SIDE_RIGHT && min <= max && (value & ~mask) == 0;
}

static bool check_operation(struct program_check *p) {
    struct sk_cursor *c = &p->c;
    switch (sk_cursor_u8(c)) {
    case MT_OP_LIT:
    case MT_OP_LITI:
        sk_cursor_skip(c, sk_cursor_u16le(c));
        break;
    case MT_OP_MASK:
        sk_cursor_skip(c, (uint64_t)sk_cursor_u16le(c) * 2);
        break;
    case MT_OP_SKIP:
        sk_cursor_skip(c, 2);
        break;
    case MT_OP_SET:
        sk_cursor_skip(c, 32);
        break;
    case MT_OP_FIXED:
        return check_fixed(c) && sk_cursor_ok(c);
    case MT_OP_ALT:
        if (p->depth == MT_ALT_NESTING_MAX) {
            return false;
        }
        p->frame[p->depth++] = (struct alt_frame){sk_cursor_u16le(c), c->pos};
        return sk_cursor_ok(c) && p->frame[p->depth - 1].left > 0 && next_alternative(p);
    case MT_OP_BOUND:
        return check_bound(c) && sk_cursor_ok(c);
    case MT_OP_NEAR:
        return check_near(c) && sk_cursor_ok(c);
    default:
        return false;
    }
    return sk_cursor_ok(c);
}

/* Close what ends here: the present alternative, and the choices it was the last of. */
static bool close_alternatives(struct program_check *p) {
    while (p->depth > 0 && p->c.pos == p->frame[p->depth - 1].end) {
        if (!next_alternative(p)) {
            return false;
        }
    }
    return p->depth == 0 || p->c.pos < p->frame[p->depth - 1].end;
}

static const char *check_program(struct sk_bytes program) {
    struct program_check p = {.c = sk_cursor_of(program)};
    for (;;) {
        if (!close_alternatives(&p)) {
            return program_fault;
        }
        if (p.depth == 0 && sk_cursor_left(&p.c) == 0) {
            return NULL;
        }
        if (!check_operation(&p)) {
            return program_fault;
        }
    }
}

/* ---- elements ----------------------------------------------------------------------------- */

struct body_check {
    const struct image *img;
    const struct mt_segment *seg;
    const uint64_t *name_starts;
};

static const char *check_part(const struct body_check *b, uint32_t i) {
    const struct mt_part *part = &b->seg->part[i];
    if (!in_range(part->prog, part->prog_len, b->seg->prog_len) ||
        !in_range(part->key, part->key_len, b->seg->lit_len)) {
        return "a part points outside its tables";
    }
    if (part->gap_min > part->gap_max || part->len_min > part->len_max ||
        (part->key_len > 0 && (uint64_t)part->key_delta + part->key_len > part->len_max)) {
        return "a part has impossible lengths";
    }
    return check_program((struct sk_bytes){&b->seg->prog[part->prog], part->prog_len});
}

static const char *check_sub(const struct body_check *b, uint32_t i) {
    const struct mt_sub *sub = &b->seg->sub[i];
    if (sub->flags == MT_SUB_IMAGE) {
        return sub->part_count == 0 && sub->also == MT_NO_SUB && sub->off_kind == MT_OFF_ANY
                   ? NULL
                   : "an image hash is malformed";
    }
    if ((sub->flags & MT_SUB_SPECIAL) != 0) {
        uint32_t count = sub->flags == MT_SUB_REGEX     ? b->seg->regex_count
                         : sub->flags == MT_SUB_COMPARE ? b->seg->compare_count
                         : sub->flags == MT_SUB_MACRO   ? b->seg->macro_count
                                                        : 0;
        return sub->part_count == 0 && sub->part_first < count && sub->also == MT_NO_SUB &&
                       sub->off_kind <= MT_OFF_VI
                   ? NULL
                   : "a special subsignature is malformed";
    }
    if (sub->off_kind > MT_OFF_VI || sub->part_count == 0 ||
        !in_range(sub->part_first, sub->part_count, b->seg->part_count)) {
        return "a subsignature is malformed";
    }
    return sub->also == MT_NO_SUB || sub->also < b->seg->sub_count
               ? NULL
               : "a subsignature names another one that does not exist";
}

static const char *check_node(const struct mt_sig *sig, const struct mt_node *node, uint32_t left) {
    if (node->size == 0 || node->size > left || node->cmp > MT_CMP_LT) {
        return "an expression is malformed";
    }
    switch (node->op) {
    case MT_NODE_SUB:
        return node->size == 1 && node->arg < sig->sub_count
                   ? NULL
                   : "an expression names no subsignature";
    case MT_NODE_AND:
    case MT_NODE_OR:
        return node->arg > 0 ? NULL : "an expression has an empty group";
    default:
        return "an expression has an unknown operation";
    }
}

/* Preorder tree: the children of each node must fill it exactly. */
static const char *check_expression(const struct body_check *b, const struct mt_sig *sig) {
    struct {
        uint32_t end;
        uint32_t children;
    } stack[NODE_STACK_MAX];
    unsigned depth = 0;
    const struct mt_node *node = &b->seg->node[sig->node_first];
    for (uint32_t i = 0; i < sig->node_count; i++) {
        uint32_t limit = depth > 0 ? stack[depth - 1].end : sig->node_count;
        const char *fault = check_node(sig, &node[i], limit - i);
        if (fault != NULL || (i > 0 && depth == 0) || depth == NODE_STACK_MAX) {
            return fault != NULL ? fault : "an expression does not end where it should";
        }
        stack[depth].end = i + node[i].size;
        stack[depth].children = node[i].op == MT_NODE_SUB ? 0 : node[i].arg;
        depth++;
        while (depth > 0 && stack[depth - 1].end == i + 1) {
            if (stack[depth - 1].children != 0) {
                return "an expression lacks operands";
            }
            depth--;
            if (depth > 0 && stack[depth - 1].children-- == 0) {
                return "an expression has too many operands";
            }
        }
    }
    return depth == 0 ? NULL : "an expression is cut short";
}

static const char *check_sig(const struct body_check *b, uint32_t i) {
    const struct mt_sig *sig = &b->seg->sig[i];
    if (!image_is_name(b->img, b->name_starts, sig->name)) {
        return "a signature has no name";
    }
    if (sig->target >= SK_TARGET_COUNT || sig->sub_count > MT_SUB_MAX ||
        !in_range(sig->sub_first, sig->sub_count, b->seg->sig_sub_count) ||
        !in_range(sig->node_first, sig->node_count, b->seg->node_count) ||
        !in_range(sig->attr_first, sig->attr_count, b->seg->attr_count)) {
        return "a signature points outside its tables";
    }
    return sig->node_count == 0 ? "a signature has no expression" : check_expression(b, sig);
}

static const char *check_regex(const struct body_check *b, uint32_t i) {
    const struct mt_regex *r = &b->seg->regex[i];
    struct mt_sig trigger = {
        .node_first = r->node_first, .node_count = r->node_count, .sub_count = r->number};
    if (r->text_len == 0 || !in_range(r->text, r->text_len, b->seg->lit_len) ||
        (r->flags & ~MT_REGEX_ALL) != 0 || r->number >= MT_SUB_MAX || r->node_count == 0 ||
        !in_range(r->node_first, r->node_count, b->seg->node_count)) {
        return "a regular expression is malformed";
    }
    return check_expression(b, &trigger);
}

static const char *check_compare(const struct body_check *b, uint32_t i) {
    const struct mt_compare *c = &b->seg->compare[i];
    bool cmps = c->cmp[0] >= MT_CMP_EQ && c->cmp[0] <= MT_CMP_LT && c->cmp[1] <= MT_CMP_LT;
    bool raw = c->number == MT_NUMBER_RAW;
    return cmps && c->number >= MT_NUMBER_RAW && c->number <= MT_NUMBER_AUTO && c->width > 0 &&
                   c->width <= (raw ? 8 : MT_COMPARE_WIDTH_MAX) && (c->flags & ~MT_COMPARE_ALL) == 0
               ? NULL
               : "a byte comparison is malformed";
}

static const char *check_macro(const struct body_check *b, uint32_t i) {
    const struct mt_macro *m = &b->seg->macro[i];
    return m->group < MT_MACRO_GROUPS && m->ref < MT_SUB_MAX ? NULL : "a macro is malformed";
}

static const char *check_macro_body(const struct body_check *b, uint32_t i) {
    const struct mt_macro_body *m = &b->seg->macro_body[i];
    return m->group < MT_MACRO_GROUPS && m->target < SK_TARGET_COUNT &&
                   m->sub < b->seg->sub_count && (b->seg->sub[m->sub].flags & MT_SUB_SPECIAL) == 0
               ? NULL
               : "a body of a macro group is malformed";
}

/* min above max is allowed: a condition that never holds is what some lines say. */
static const char *check_attr(const struct body_check *b, uint32_t i) {
    const struct mt_attr *attr = &b->seg->attr[i];
    bool icon = attr->key == MT_ATTR_ICON_GROUP1 || attr->key == MT_ATTR_ICON_GROUP2;
    return attr->key >= MT_ATTR_FILE_SIZE && attr->key < MT_ATTR_KEY_END &&
                   (!icon || in_range(attr->min, attr->max, b->seg->lit_len))
               ? NULL
               : "an attribute is malformed";
}

static const char *check_trig(const struct body_check *b, uint32_t i) {
    const struct mt_trig *trig = &b->seg->trig[i];
    uint64_t held = (trig->flags & MT_TRIG_MASKED) != 0 ? 2 * (uint64_t)trig->len : trig->len;
    return trig->len >= 3 && in_range(trig->lit, held, b->seg->lit_len) && trig->sig_count > 0 &&
                   in_range(trig->sig_first, trig->sig_count, b->seg->trig_sig_count)
               ? NULL
               : "a trigger points outside its tables";
}

static const char *check_trig_sig(const struct body_check *b, uint32_t i) {
    return b->seg->trig_sig[i] < b->seg->sig_count ? NULL : "a trigger names no signature";
}

static const char *check_sig_sub(const struct body_check *b, uint32_t i) {
    return b->seg->sig_sub[i] < b->seg->sub_count ? NULL : "a signature names no subsignature";
}

/* ---- tables ------------------------------------------------------------------------------- */

static const char *check_group(const struct body_check *b, const struct mt_group *group) {
    uint32_t buckets = 1u << group->head.log2_buckets;
    for (uint32_t i = 0; i < buckets; i++) {
        if (group->bucket_first[i] > group->bucket_first[i + 1]) {
            return "buckets are out of order";
        }
    }
    if (group->bucket_first[0] != 0 || group->bucket_first[buckets] != group->head.entry_count) {
        return "buckets do not cover the entries";
    }
    for (uint32_t i = 0; i < group->head.entry_count; i++) {
        const struct mt_entry *e = &group->entry[i];
        if (e->trig >= b->seg->trig_count ||
            (uint32_t)e->delta + group->head.q > b->seg->trig[e->trig].len) {
            return "a bucket entry names no trigger";
        }
    }
    return NULL;
}

/* The classes that take the first four bytes of a mark, in both cases where the case is ignored. */
static unsigned mark_classes(const struct mt_mark_head *head, const struct mt_mark *m,
                             const uint8_t *text, bool nocase) {
    unsigned classes = (1u << MT_MARK_CLASSES) - 1;
    for (unsigned i = 0; i < MT_MARK_BYTES; i++) {
        for (unsigned v = 0; i >= m->q && v < MT_MARK_VALUES; v++) { /* whatever stands there */
            classes &= head->cls[i][v];
        }
        if (i < m->q) {
            bool letter = text[i] >= 'a' && text[i] <= 'z';
            classes &= head->cls[i][text[i] & 127u];
            classes &= head->cls[i][nocase && letter ? text[i] & 0x5fu : text[i] & 127u];
        }
    }
    return classes;
}

/* Each mark stands in its literal, and the classes let it pass. */
static bool mark_good(const struct body_check *b, const struct mt_table *table,
                      const struct mt_mark *m) {
    if (m->trig >= b->seg->trig_count || (b->seg->trig[m->trig].flags & MT_TRIG_MASKED) != 0 ||
        (m->q != 8 && m->q != 4 && m->q != 3) ||
        (uint32_t)m->delta + m->q > b->seg->trig[m->trig].len) {
        return false;
    }
    const struct mt_trig *t = &b->seg->trig[m->trig];
    if (!in_range(t->lit, t->len, b->seg->lit_len)) {
        return false;
    }
    const uint8_t *text = b->seg->lit + t->lit + m->delta;
    for (unsigned i = 0; i < 8; i++) {
        uint8_t byte = (uint8_t)(m->window >> 8 * i);
        if (byte != (i < m->q ? (uint8_t)(text[i] | 0x20) : 0)) {
            return false;
        }
    }
    return mark_classes(table->mark_head, m, text, (t->flags & MT_TRIG_NOCASE) != 0) != 0;
}

static bool slow_mask(uint32_t mask) {
    static const uint32_t masks[PLAN_SLOW_KINDS] = PLAN_SLOW_MASKS;
    bool good = false;
    for (unsigned i = 0; i < PLAN_SLOW_KINDS; i++) {
        good = good || mask == masks[i];
    }
    return good;
}

static const char *check_lists(const struct body_check *b, const struct mt_table *table) {
    for (uint32_t i = 0; i < table->slow_count; i++) {
        const struct mt_slow_entry *e = &table->slow[i];
        if (e->trig >= b->seg->trig_count || (e->value & ~e->mask) != 0 || !slow_mask(e->mask)) {
            return "an entry of the slow set is malformed";
        }
    }
    for (uint32_t i = 0; i < table->mark_count; i++) {
        if (!mark_good(b, table, &table->mark[i])) {
            return "a mark is malformed";
        }
    }
    for (uint32_t i = 0; i < table->anchor_count; i++) {
        const struct mt_anchor *a = &table->anchor[i];
        bool kind = a->kind != MT_OFF_ANY && a->kind != MT_OFF_SECT_ANY && a->kind < MT_OFF_VI;
        if (!kind || a->mask == 0 || (a->value & ~a->mask) != 0 || a->sig >= b->seg->sig_count) {
            return "an anchored check is malformed";
        }
    }
    for (uint32_t i = 0; i < table->always_count; i++) {
        if (table->always[i] >= b->seg->sig_count) {
            return "the list of signatures without trigger names none";
        }
    }
    return NULL;
}

static const char *check_table(const struct body_check *b, uint32_t t) {
    const struct mt_table *table = &b->seg->table[t];
    for (uint32_t g = 0; g < table->group_count; g++) {
        const char *fault = check_group(b, &table->group[g]);
        if (fault != NULL) {
            return fault;
        }
    }
    return check_lists(b, table);
}

sk_err image_check_body(const struct image *img, const uint64_t *name_starts, struct diag *diag) {
    const struct mt_segment *seg = &img->segment;
    struct body_check b = {.img = img, .seg = seg, .name_starts = name_starts};
    const struct {
        const char *what;
        uint32_t count;
        const char *(*check)(const struct body_check *b, uint32_t i);
    } walks[] = {
        {"trigger", seg->trig_count, check_trig},
        {"trigger list", seg->trig_sig_count, check_trig_sig},
        {"signature", seg->sig_count, check_sig},
        {"signature list", seg->sig_sub_count, check_sig_sub},
        {"subsignature", seg->sub_count, check_sub},
        {"part", seg->part_count, check_part},
        {"attribute", seg->attr_count, check_attr},
        {"regular expression", seg->regex_count, check_regex},
        {"comparison", seg->compare_count, check_compare},
        {"macro", seg->macro_count, check_macro},
        {"macro body", seg->macro_body_count, check_macro_body},
        {"table", MT_TABLE_COUNT, check_table},
    };
    for (size_t w = 0; w < sizeof walks / sizeof walks[0]; w++) {
        for (uint32_t i = 0; i < walks[w].count; i++) {
            const char *fault = walks[w].check(&b, i);
            if (fault != NULL) {
                return image_refuse(img, diag, "%s %u: %s", walks[w].what, i, fault);
            }
        }
    }
    return sk_ok();
}
