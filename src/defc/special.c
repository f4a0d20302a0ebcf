// SPDX-License-Identifier: Apache-2.0
/*
 * Subsignatures that are not bodies:
 *
 *   [offset:]Trigger/regex/flags[::anything]     a regular expression, run when Trigger holds
 *   id(>>off#options#cmp[,cmp])[anything]        a number near the last hit of subsignature id
 *   ${min-max}group$                             a body of an ndb group behind the subsignature
 * before
 *   fuzzy_img#hash[#0[#anything]]                the layer is a picture with this image hash
 *
 * Seen with clamscan 1.4.6 (one line at a time through its loader):
 *   - the text of a regular expression goes from the first '/' to the last one; ';' and ':' may
 *     stand in it, "\/" too; a trigger speaks of earlier subsignatures only and is not empty;
 *   - a comparison may speak of a later subsignature, of itself or of none: then it never holds;
 *     numbers are as in C (0x41, 010); one of the letters h d a i, at most one of l b (not with d),
 *     and e; a width of 1, 2, 4, 8 for i, at most 18 for h;
 *   - a macro may be the first subsignature: then it never holds, nor behind a regular expression
 *     or a comparison; behind another macro it speaks of that one's bodies;
 *     min above max never holds; of a body's group only the digits count (`$5x`, `$5,3`);
 *   - what follows the flags behind "::" and what follows ')' is passed over.
 *
 * A special subsignature belongs to its signature: it is never shared. What must be searched for on
 * its behalf follows from the trigger, or from the subsignature compared.
 */
#include "defc/special.h"

#include "defc/text.h"
#include "defc/why.h"
#include "match/regex.h"

#define HEX_WIDTH_MAX 18u
#define IMAGE_DIGITS 16u

/* ---- regular expressions ----------------------------------------------------------------------
 */

static uint32_t flag_of(char c) {
    static const char letters[] = "greismxAEU";
    static const uint32_t flags[] = {MT_REGEX_GLOBAL,   MT_REGEX_ROLLING,  MT_REGEX_CONFINED,
                                     MT_REGEX_CASELESS, MT_REGEX_DOTALL,   MT_REGEX_MULTILINE,
                                     MT_REGEX_EXTENDED, MT_REGEX_ANCHORED, MT_REGEX_DOLLAR_END,
                                     MT_REGEX_UNGREEDY};
    const char *at = c == '\0' ? NULL : strchr(letters, c);
    return at == NULL ? 0 : flags[at - letters];
}

static void read_flags(struct sk_bytes text, uint32_t *out, struct defc_why *why) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == ':' && i + 1 < text.len && text.ptr[i + 1] == ':') {
            return;
        }
        uint32_t flag = flag_of((char)text.ptr[i]);
        if (flag == 0) {
            why_say(why, DEFC_MALFORMED, "unknown flag of a regular expression");
            return;
        }
        *out |= flag;
    }
}

static size_t last_slash(struct sk_bytes text) {
    size_t at = text.len;
    while (at > 0 && text.ptr[at - 1] != '/') {
        at--;
    }
    return at == 0 ? text.len : at - 1;
}

sk_err special_stage_regex(struct body_builder *b, struct sk_bytes text, unsigned target,
                           struct defc_why *why) {
    struct staged_sub *s = &b->staged[b->staged_count];
    *s = (struct staged_sub){.special = MT_SUB_REGEX};
    size_t first = text_find(text, '/'), last = last_slash(text);
    struct sk_bytes head = text_upto(text, first);
    struct sk_bytes offset = {NULL, 0};
    size_t colon = text_find(head, ':');
    if (colon < head.len) {
        offset = text_upto(head, colon);
        head = text_from(head, colon + 1);
    }
    s->trigger = head;
    s->text = text_from(text_upto(text, last), first + 1);
    if (head.len == 0 || last <= first || s->text.len == 0) {
        why_say(why, DEFC_MALFORMED, "regular expression without trigger, text or end");
        return sk_ok();
    }
    offset_parse(offset, target, &s->offset, why);
    read_flags(text_from(text, last + 1), &s->regex_flags, why);
    char fault[160];
    if (why_taken(why) &&
        !regex_check(s->text.ptr, s->text.len, s->regex_flags, fault, sizeof(fault))) {
        why_say(why, DEFC_MALFORMED, "%s", fault);
    }
    if (why_taken(why)) {
        TRY(expr_parse(&b->trigger_expr, head, why));
    }
    if (why_taken(why) && b->trigger_expr.sub_count > b->staged_count) {
        why_say(why, DEFC_MALFORMED, "a trigger names a subsignature that is not an earlier one");
    }
    b->staged_count++;
    return sk_ok();
}

/* ---- byte comparisons -------------------------------------------------------------------------
 */

/* An integer as in C, too large ones at the end of the range; false when more follows it. Nothing
 * at all is 0. */
static bool c_number(struct sk_bytes t, int64_t *out) {
    size_t at = 0;
    int64_t n = 0, base = 10;
    bool minus = false, large = false;
    if (at < t.len && (t.ptr[at] == '-' || t.ptr[at] == '+')) {
        minus = t.ptr[at++] == '-';
    }
    if (at + 1 < t.len && t.ptr[at] == '0') {
        bool hex = t.ptr[at + 1] == 'x' || t.ptr[at + 1] == 'X';
        base = hex ? 16 : 8;
        at += hex ? 2 : 1;
    }
    for (; at < t.len; at++) {
        static const char digits[] = "0123456789abcdef";
        int c = t.ptr[at] >= 'A' && t.ptr[at] <= 'F' ? t.ptr[at] + 32 : t.ptr[at];
        const char *d = c == 0 ? NULL : strchr(digits, c);
        if (d == NULL || d - digits >= base) {
            return false;
        }
        int64_t step = minus ? digits - d : d - digits;
        large = large || __builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, step, &n);
    }
    *out = large ? (minus ? INT64_MIN : INT64_MAX) : n;
    return true;
}

/* "letters, then the width". */
static bool read_options(struct sk_bytes t, struct mt_compare *c) {
    size_t at = 0;
    for (; at < t.len && (t.ptr[at] < '0' || t.ptr[at] > '9'); at++) {
        static const char kinds[] = "idha"; /* as enum mt_number */
        char letter = (char)t.ptr[at];
        const char *kind = letter == '\0' ? NULL : strchr(kinds, letter);
        if (kind != NULL) {
            if (c->number != 0) {
                return false;
            }
            c->number = (uint8_t)(kind - kinds + 1);
        } else if (letter == 'l' || letter == 'b') {
            if ((c->flags & (MT_COMPARE_LITTLE | MT_COMPARE_BIG)) != 0) {
                return false;
            }
            c->flags |= letter == 'l' ? MT_COMPARE_LITTLE : MT_COMPARE_BIG;
        } else if (letter == 'e') {
            c->flags |= MT_COMPARE_EXACT;
        } else {
            return false;
        }
    }
    int64_t width = 0;
    if (c->number == 0 || at == t.len || !c_number(text_from(t, at), &width) || width <= 0 ||
        width > MT_COMPARE_WIDTH_MAX) {
        return false;
    }
    c->width = (uint32_t)width;
    if (c->number == MT_NUMBER_RAW) {
        return width == 1 || width == 2 || width == 4 || width == 8;
    }
    return (c->number != MT_NUMBER_HEX || width <= HEX_WIDTH_MAX) &&
           (c->number != MT_NUMBER_DEC || (c->flags & MT_COMPARE_LITTLE) == 0);
}

static bool read_comparison(struct sk_bytes t, uint8_t *cmp, int64_t *value) {
    static const char signs[] = "=><"; /* as enum mt_cmp */
    const char *sign = t.len == 0 || t.ptr[0] == 0 ? NULL : strchr(signs, t.ptr[0]);
    if (sign == NULL) {
        return false;
    }
    *cmp = (uint8_t)(sign - signs + 1);
    return c_number(text_from(t, 1), value);
}

static bool read_compare(struct sk_bytes text, struct mt_compare *c) {
    bool more;
    uint64_t ref = 0;
    int64_t off = 0;
    struct sk_bytes id = text_cut(&text, '(', &more);
    size_t end = text_find(text, ')');
    if (!more || end == text.len || !text_number(id, UINT16_MAX, &ref)) {
        return false;
    }
    text = text_upto(text, end);
    struct sk_bytes place = text_cut(&text, '#', &more);
    bool back = text_starts(place, "<<");
    if (!more || (!back && !text_starts(place, ">>")) || !c_number(text_from(place, 2), &off) ||
        off > INT32_MAX || off < -INT32_MAX) {
        return false;
    }
    struct sk_bytes options = text_cut(&text, '#', &more);
    if (!more || !read_options(options, c)) {
        return false;
    }
    c->ref = (uint16_t)ref;
    c->off = (int32_t)(back ? -off : off);
    struct sk_bytes first = text_cut(&text, ',', &more);
    return read_comparison(first, &c->cmp[0], &c->value[0]) &&
           (!more || read_comparison(text, &c->cmp[1], &c->value[1]));
}

void special_stage_compare(struct body_builder *b, struct sk_bytes text, struct defc_why *why) {
    struct staged_sub *s = &b->staged[b->staged_count++];
    *s = (struct staged_sub){.special = MT_SUB_COMPARE};
    if (!read_compare(text, &s->compare)) {
        why_say(why, DEFC_MALFORMED, "malformed byte comparison");
    }
}

/* ---- macros ------------------------------------------------------------------------------------
 */

/* "${min-max}group$" */
static bool read_macro(struct sk_bytes text, struct mt_macro *m) {
    bool more;
    uint64_t min, max, group;
    if (!text_starts(text, "${") || text.ptr[text.len - 1] != '$') {
        return false;
    }
    text = text_from(text_upto(text, text.len - 1), 2);
    struct sk_bytes range = text_cut(&text, '}', &more);
    struct sk_bytes low = text_cut(&range, '-', &more);
    if (!more || !text_number(low, UINT32_MAX, &min) || !text_number(range, UINT32_MAX, &max) ||
        !text_number(text, MT_MACRO_GROUPS - 1, &group)) {
        return false;
    }
    *m = (struct mt_macro){.min = (uint32_t)min, .max = (uint32_t)max, .group = (uint16_t)group};
    return true;
}

void special_stage_macro(struct body_builder *b, struct sk_bytes text, struct defc_why *why) {
    unsigned number = b->staged_count++;
    struct staged_sub *s = &b->staged[number];
    *s = (struct staged_sub){.special = MT_SUB_MACRO};
    if (!read_macro(text, &s->macro)) {
        why_say(why, DEFC_MALFORMED, "malformed macro, or a group beyond %u", MT_MACRO_GROUPS - 1);
    }
    /* The first one has none before it: it speaks of itself, and so never holds. */
    s->macro.ref = (uint16_t)(number > 0 ? number - 1 : 0);
}

uint8_t special_macro_group(struct sk_bytes offset, struct defc_why *why) {
    uint64_t group = MT_MACRO_GROUPS;
    size_t digits = 1;
    while (digits < offset.len && offset.ptr[digits] >= '0' && offset.ptr[digits] <= '9') {
        digits++;
    }
    if (!text_number(text_from(text_upto(offset, digits), 1), MT_MACRO_GROUPS - 1, &group)) {
        why_say(why, DEFC_MALFORMED, "malformed macro group, or one beyond %u",
                MT_MACRO_GROUPS - 1);
    }
    return (uint8_t)group;
}

/* ---- image hashes -----------------------------------------------------------------------------
 */

/* Hex digits of either case. */
static bool read_hash(struct sk_bytes text, uint64_t *out) {
    uint64_t hash = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        uint8_t letter = c | 0x20;
        if (c >= '0' && c <= '9') {
            hash = hash << 4 | (uint64_t)(c - '0');
        } else if (letter >= 'a' && letter <= 'f') {
            hash = hash << 4 | (uint64_t)(letter - 'a' + 10);
        } else {
            return false;
        }
    }
    *out = hash;
    return text.len == IMAGE_DIGITS;
}

void special_stage_image(struct body_builder *b, struct sk_bytes text, struct defc_why *why) {
    struct staged_sub *s = &b->staged[b->staged_count++];
    *s = (struct staged_sub){.special = MT_SUB_IMAGE};
    bool more;
    uint64_t distance = 0;
    text = text_from(text, sizeof(IMAGE_MARK) - 1);
    struct sk_bytes hash = text_cut(&text, '#', &more);
    if (!read_hash(hash, &s->image_hash)) {
        why_say(why, DEFC_MALFORMED, "an image hash has %u hex digits", IMAGE_DIGITS);
        return;
    }
    bool other;
    if (more &&
        (!text_number(text_cut(&text, '#', &other), UINT32_MAX, &distance) || distance != 0)) {
        why_say(why, DEFC_MALFORMED, "an image hash at another distance than 0");
    }
}

/* ---- pools ------------------------------------------------------------------------------------
 */

static sk_err keep_regex(struct body_builder *b, unsigned number, struct special_costs *costs,
                         uint32_t *out_index) {
    const struct staged_sub *s = &b->staged[number];
    struct defc_why why = {.reason = DEFC_TAKEN};
    struct mt_regex regex = {
        .text_len = (uint32_t)s->text.len, .flags = s->regex_flags, .number = (uint16_t)number};
    uint32_t off = 0;
    TRY(expr_parse(&b->trigger_expr, s->trigger, &why)); /* it has been, with success */
    expr_rank(&b->trigger_expr, costs->cost, costs->need);
    const struct expr_node *root = expr_at(&b->trigger_expr, b->trigger_expr.root);
    costs->cost[number] = root->need_cost;
    costs->need[number] = root->need;
    expr_rank(&b->trigger_expr, costs->order, costs->need);
    costs->order[number] = root->need_cost;
    b->nodes.count = 0;
    TRY(expr_write(&b->trigger_expr, &b->nodes));
    struct sk_bytes nodes = {b->nodes.data, b->nodes.count * sizeof(struct mt_node)};
    TRY(strpool_put(&b->node, nodes, &off));
    regex.node_first = off / (uint32_t)sizeof(struct mt_node);
    regex.node_count = (uint16_t)b->nodes.count;
    TRY(strpool_put(&b->lit, s->text, &regex.text));
    struct mt_regex *kept = vec_push(&b->regex, 1, sizeof(*kept));
    if (kept == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *kept = regex;
    *out_index = (uint32_t)(b->regex.count - 1);
    return sk_ok();
}

static sk_err keep_compare(struct body_builder *b, unsigned number, struct special_costs *costs,
                           uint32_t *out_index) {
    const struct mt_compare *c = &b->staged[number].compare;
    bool body = c->ref < b->staged_count && b->staged[c->ref].special == 0;
    costs->cost[number] = body ? costs->cost[c->ref] : EXPR_COST_NONE;
    costs->order[number] = body ? costs->order[c->ref] : EXPR_COST_NONE;
    costs->need[number] = body ? costs->need[c->ref] : 0;
    struct mt_compare *kept = vec_push(&b->compare, 1, sizeof(*kept));
    if (kept == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *kept = *c;
    *out_index = (uint32_t)(b->compare.count - 1);
    return sk_ok();
}

static sk_err keep_macro(struct body_builder *b, unsigned number, struct special_costs *costs,
                         uint32_t *out_index) {
    const struct mt_macro *m = &b->staged[number].macro;
    uint16_t before = b->staged[m->ref].special;
    bool has_place = before == 0 || (before == MT_SUB_MACRO && m->ref < number);
    costs->cost[number] = has_place ? costs->cost[m->ref] : EXPR_COST_NONE;
    costs->order[number] = has_place ? costs->order[m->ref] : EXPR_COST_NONE;
    costs->need[number] = has_place ? costs->need[m->ref] : 0;
    struct mt_macro *kept = vec_push(&b->macro, 1, sizeof(*kept));
    if (kept == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *kept = *m;
    *out_index = (uint32_t)(b->macro.count - 1);
    return sk_ok();
}

/* Nothing is searched for: such a signature is judged on every layer, unless another subsignature
 * it needs is a body. */
static sk_err keep_image(struct body_builder *b, unsigned number, struct special_costs *costs,
                         uint32_t *out_index) {
    costs->cost[number] = costs->order[number] = EXPR_COST_NONE;
    costs->need[number] = 0;
    *out_index = (uint32_t)b->staged[number].image_hash;
    return sk_ok();
}

sk_err special_keep(struct body_builder *b, unsigned number, struct special_costs *costs,
                    uint32_t *out_sub) {
    const struct staged_sub *s = &b->staged[number];
    uint32_t index = 0;
    TRY((s->special == MT_SUB_REGEX     ? keep_regex
         : s->special == MT_SUB_COMPARE ? keep_compare
         : s->special == MT_SUB_MACRO   ? keep_macro
                                        : keep_image)(b, number, costs, &index));
    struct mt_sub *sub = vec_push(&b->sub, 1, sizeof(*sub));
    struct trigger *trigger = vec_push(&b->trigger, 1, sizeof(*trigger));
    if (sub == NULL || trigger == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *sub = (struct mt_sub){.off_kind = (uint8_t)s->offset.kind,
                           .flags = s->special,
                           .section = s->offset.section,
                           .off = s->offset.off,
                           .shift = s->special == MT_SUB_IMAGE ? (uint32_t)(s->image_hash >> 32)
                                                               : s->offset.shift,
                           .part_first = index,
                           .also = MT_NO_SUB};
    *trigger =
        (struct trigger){.cost = EXPR_COST_NONE, .order = EXPR_COST_NONE, .how = TRIGGER_NONE};
    *out_sub = (uint32_t)(b->sub.count - 1);
    return sk_ok();
}

struct sk_bytes special_cut(struct sk_bytes *rest, bool *more) {
    struct sk_bytes all = *rest;
    bool inside = false;
    size_t at = 0;
    for (; at < all.len && (inside || all.ptr[at] != ';'); at++) {
        if (inside && all.ptr[at] == '\\') {
            at++;
        } else if (all.ptr[at] == '/') {
            inside = !inside;
        }
    }
    *more = at < all.len;
    *rest = text_from(all, at + 1);
    return text_upto(all, at);
}
