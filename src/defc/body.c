// SPDX-License-Identifier: Apache-2.0
/*
 * Lines of body signatures. A line goes through these doors in order; the first that is shut
 * decides the reason, and nothing has reached the pools by then:
 *
 *   fields -> functionality level -> kinds we cannot express -> attributes -> expression
 *          -> every subsignature staged -> (all good) -> pools, necessary set, name, struct mt_sig
 *
 *   db   Name=Hex
 *   ftm  1:Offset:Hex:Name:RequiredType:Type[:min[:max]]
 *   ndb  Name:Target:Offset:Hex[:min[:max]]      offset $5: a body of macro group 5, no signature
 *   ldb  Name;Attributes;Expression;Sub0;Sub1...     ';' also stands inside regular expressions,
 *                                                    which are recognised by their '/'
 *
 * clamscan refuses a whole database for one malformed line; here the line alone is left out.
 * What it ignores silently (too high a level, unknown attribute, unknown target) is reported.
 */
#include "defc/body.h"

#include <inttypes.h>

#include "defc/body_private.h"
#include "defc/names.h"
#include "defc/special.h"
#include "defc/text.h"
#include "defc/why.h"

#define ATTR_MAX 32u
#define ATTR_ITEMS_MAX 16u
#define INTERMEDIATES_MAX 16u
#define FLEVEL_ATTRIBUTES 51u /* the first level that knew attributes besides Target */

/* A line cut to fields, common to all kinds. */
struct line {
    struct sk_bytes name;
    struct sk_bytes expr;
    struct sk_bytes subs; /* rest of an ldb line */
    unsigned target;
    struct mt_attr attr[ATTR_MAX];
    unsigned attr_count;
    bool has_target;
    bool has_levels;         /* Engine came first */
    bool has_attr;           /* anything but Engine and Target */
    uint16_t flags;          /* MT_SIG_* */
    struct sk_bytes icon[2]; /* groups; ptr NULL: not asked for */
    bool in_group;           /* no signature, but a body of this macro group */
    uint8_t group;
};

sk_err body_builder_new(struct names_builder *names, struct body_builder **out_builder) {
    struct body_builder *b = mem_zalloc(1, sizeof(*b));
    if (b == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    b->names = names;
    arena_init(&b->arena, MEM_MAX_BYTES);
    *out_builder = b;
    return sk_ok();
}

void body_builder_free(struct body_builder *b) {
    if (b == NULL) {
        return;
    }
    strpool_release(&b->prog);
    strpool_release(&b->lit);
    strpool_release(&b->node);
    struct vec *vecs[] = {&b->part,  &b->sub,     &b->trigger,  &b->sig,
                          &b->need,  &b->sig_sub, &b->attr,     &b->parts,
                          &b->nodes, &b->mt_trig, &b->trig_sig, &b->trig_use,
                          &b->regex, &b->compare, &b->macro,    &b->macro_body};
    for (size_t i = 0; i < sizeof(vecs) / sizeof(vecs[0]); i++) {
        vec_release(vecs[i]);
    }
    map_release(&b->sub_map);
    hex_stage_release(&b->stage);
    expr_release(&b->expr);
    expr_release(&b->trigger_expr);
    arena_release(&b->arena);
    mem_free(b);
}

uint64_t body_count(const struct body_builder *b) {
    return b->sig.count - b->type_count;
}

/* ---- names, levels, targets ----------------------------------------------------------------- */

static void set_name(struct line *l, struct sk_bytes name, struct defc_why *why) {
    static const char clam[] = " (Clam)";
    size_t tail = sizeof(clam) - 1;
    if (name.len > tail && text_is(text_from(name, name.len - tail), clam)) {
        name = text_upto(name, name.len - tail);
    }
    if (name.len == 0) {
        why_say(why, DEFC_MALFORMED, "empty name");
    }
    l->name = name;
}

static void check_level(uint64_t min, uint64_t max, struct defc_why *why) {
    if (min > DEFC_FLEVEL || max < DEFC_FLEVEL) {
        why_say(why, DEFC_FLEVEL_TOO_HIGH,
                "for functionality levels %" PRIu64 " to %" PRIu64 ", this is %u", min, max,
                DEFC_FLEVEL);
    }
}

static void set_target(struct line *l, struct sk_bytes text, struct defc_why *why) {
    uint64_t n;
    if (!text_number(text, UINT32_MAX, &n)) {
        why_say(why, DEFC_MALFORMED, "malformed target");
    } else if (n >= SK_TARGET_COUNT) {
        why_say(why, DEFC_NOT_YET_ATTRIBUTE, "unknown target %" PRIu64, n);
    } else {
        l->target = (unsigned)n;
    }
}

/* ---- attributes of ldb ---------------------------------------------------------------------- */

static void add_attr(struct line *l, uint32_t key, uint32_t min, uint32_t max) {
    if (l->attr_count < ATTR_MAX) {
        l->attr[l->attr_count++] = (struct mt_attr){key, min, max};
    }
}

static void read_range_attr(struct line *l, uint32_t key, struct sk_bytes value,
                            struct defc_why *why) {
    uint32_t min, max;
    if (!text_range(value, &min, &max)) {
        why_say(why, DEFC_MALFORMED, "malformed range of an attribute");
        return;
    }
    add_attr(l, key, min, max);
}

static enum sk_type type_of(struct sk_bytes value, struct defc_why *why) {
    char name[64] = "";
    if (value.len < sizeof(name)) {
        memcpy(name, value.ptr, value.len);
        name[value.len] = '\0';
    }
    enum sk_type type = sk_type_from_clam(name);
    if (type == SK_TYPE_COUNT) {
        why_say(why, DEFC_NOT_YET_ATTRIBUTE, "unknown type %s", name);
    }
    return type;
}

static void read_container(struct line *l, struct sk_bytes value, struct defc_why *why) {
    add_attr(l, MT_ATTR_CONTAINER, (uint32_t)type_of(value, why), 0);
}

/* CL_TYPE_ANY as a handler is none: clamscan 1.4.6 takes it for a signature like any other. */
static void read_handler(struct line *l, struct sk_bytes value, struct defc_why *why) {
    enum sk_type type = type_of(value, why);
    if (type != SK_TYPE_ANY) {
        add_attr(l, MT_ATTR_HANDLER, (uint32_t)type, 0);
        l->flags |= MT_SIG_HANDLER;
    }
}

/* T>T>T: the last one is the direct parent. Seen with clamscan 1.4.6 (all chains up to four types):
 * CL_TYPE_ANY takes no place of its own, ZIP>ANY asks for a ZIP as direct parent; but there must be
 * as many layers around as there are types. */
static void read_intermediates(struct line *l, struct sk_bytes value, struct defc_why *why) {
    enum sk_type type[INTERMEDIATES_MAX];
    unsigned count = 0;
    bool more = true;
    while (more && why_taken(why)) {
        if (count == INTERMEDIATES_MAX) {
            why_say(why, DEFC_MALFORMED, "more than %u intermediates", INTERMEDIATES_MAX);
            return;
        }
        type[count++] = type_of(text_cut(&value, '>', &more), why);
    }
    uint32_t place = 0;
    for (unsigned i = count; i > 0; i--) {
        if (type[i - 1] != SK_TYPE_ANY) {
            add_attr(l, MT_ATTR_ANCESTOR, (uint32_t)type[i - 1], place++);
        }
    }
    if (place < count) {
        add_attr(l, MT_ATTR_ANCESTOR, SK_TYPE_ANY, count - 1);
    }
}

static void read_levels_attr(struct line *l, struct sk_bytes value, struct defc_why *why) {
    uint32_t min, max;
    if (!text_range(value, &min, &max)) {
        why_say(why, DEFC_MALFORMED, "malformed functionality levels");
        return;
    }
    l->has_levels = min >= FLEVEL_ATTRIBUTES && !l->has_attr && !l->has_target;
    check_level(min, max, why);
}

static void read_file_size(struct line *l, struct sk_bytes value, struct defc_why *why) {
    read_range_attr(l, MT_ATTR_FILE_SIZE, value, why);
}

static void read_entry_point(struct line *l, struct sk_bytes value, struct defc_why *why) {
    read_range_attr(l, MT_ATTR_ENTRY_POINT, value, why);
}

static void read_section_count(struct line *l, struct sk_bytes value, struct defc_why *why) {
    read_range_attr(l, MT_ATTR_SECTION_COUNT, value, why);
}

/* A group without a name is asked for, too. */
static struct sk_bytes icon_group(struct sk_bytes value) {
    return value.len > 0 ? value : (struct sk_bytes){(const uint8_t *)"", 0};
}

static void read_icon_group1(struct line *l, struct sk_bytes value, struct defc_why *why) {
    (void)why;
    l->icon[0] = icon_group(value);
}

static void read_icon_group2(struct line *l, struct sk_bytes value, struct defc_why *why) {
    (void)why;
    l->icon[1] = icon_group(value);
}

static void read_target(struct line *l, struct sk_bytes value, struct defc_why *why) {
    set_target(l, value, why);
    l->has_target = true;
}

static void read_attr(struct line *l, struct sk_bytes item, struct defc_why *why) {
    static const struct {
        const char *key;
        void (*read)(struct line *l, struct sk_bytes value, struct defc_why *why);
    } ATTR[] = {
        {"Engine", read_levels_attr},          {"Target", read_target},
        {"FileSize", read_file_size},          {"EntryPoint", read_entry_point},
        {"Container", read_container},         {"NumberOfSections", read_section_count},
        {"Intermediates", read_intermediates}, {"HandlerType", read_handler},
        {"IconGroup1", read_icon_group1},      {"IconGroup2", read_icon_group2},
    };
    bool more;
    struct sk_bytes value = item;
    struct sk_bytes key = text_cut(&value, ':', &more);
    bool may_be_empty = text_is(key, "IconGroup1") || text_is(key, "IconGroup2");
    if (!more || key.len == 0 || (value.len == 0 && !may_be_empty)) {
        why_say(why, DEFC_MALFORMED, "malformed attribute");
        return;
    }
    for (size_t i = 0; i < sizeof(ATTR) / sizeof(ATTR[0]); i++) {
        if (text_is(key, ATTR[i].key)) {
            ATTR[i].read(l, value, why);
            l->has_attr = l->has_attr || i > 1;
            return;
        }
    }
    why_say(why, DEFC_NOT_YET_ATTRIBUTE, "attribute %.*s", (int)(key.len < 40 ? key.len : 40),
            (const char *)key.ptr);
}

/* What clamscan 1.4.6 refuses a database for. */
static void check_attrs(const struct line *l, struct defc_why *why) {
    bool exe =
        l->target == SK_TARGET_PE || l->target == SK_TARGET_ELF || l->target == SK_TARGET_MACHO;
    if (!l->has_target) {
        why_say(why, DEFC_MALFORMED, "no target");
    }
    if (l->has_attr && !l->has_levels) {
        why_say(why, DEFC_MALFORMED, "attributes without Engine, %u at least, before them",
                FLEVEL_ATTRIBUTES);
    }
    if ((l->icon[0].ptr != NULL || l->icon[1].ptr != NULL) && l->target != SK_TARGET_PE) {
        why_say(why, DEFC_MALFORMED, "an icon group of another target than PE");
    }
    for (unsigned i = 0; i < l->attr_count; i++) {
        uint32_t key = l->attr[i].key;
        if (!exe && (key == MT_ATTR_ENTRY_POINT || key == MT_ATTR_SECTION_COUNT)) {
            why_say(why, DEFC_MALFORMED, "EntryPoint or NumberOfSections of no executable");
        }
    }
}

static void read_attrs(struct line *l, struct sk_bytes text, struct defc_why *why) {
    bool more = true;
    unsigned items = 0;
    while (more && why_taken(why)) {
        struct sk_bytes item = text_cut(&text, ',', &more);
        read_attr(l, item, why);
        if (++items > ATTR_ITEMS_MAX) {
            why_say(why, DEFC_MALFORMED, "too many attributes");
        }
    }
    check_attrs(l, why);
}

/* ---- the three kinds of lines ---------------------------------------------------------------- */

static bool contains(struct sk_bytes t, const char *what) {
    return t.len > 0 && memmem(t.ptr, t.len, what, strlen(what)) != NULL;
}

/* One subsignature of an ldb line. The marks of other kinds do not occur in a hex body. */
static sk_err stage_sub(struct body_builder *b, struct sk_bytes sub, unsigned target,
                        struct defc_why *why) {
    if (contains(sub, "/")) {
        return special_stage_regex(b, sub, target, why);
    }
    if (text_starts(sub, IMAGE_MARK)) {
        special_stage_image(b, sub, why);
    } else if (contains(sub, "$")) {
        special_stage_macro(b, sub, why);
    } else if (contains(sub, "#")) {
        special_stage_compare(b, sub, why);
    } else {
        return subsig_stage(b, sub, target, true, why);
    }
    return sk_ok();
}

static sk_err stage_ldb(struct body_builder *b, struct sk_bytes line, struct line *l,
                        struct defc_why *why) {
    bool more = true;
    set_name(l, text_cut(&line, ';', &more), why);
    struct sk_bytes attrs = text_cut(&line, ';', &more);
    l->expr = text_cut(&line, ';', &more);
    if (!more) {
        why_say(why, DEFC_MALFORMED, "fewer than four fields");
        return sk_ok();
    }
    l->subs = line;
    read_attrs(l, attrs, why);
    if (why_taken(why)) {
        TRY(expr_parse(&b->expr, l->expr, why));
    }
    while (more && why_taken(why)) {
        struct sk_bytes sub = special_cut(&line, &more);
        if (b->staged_count == MT_SUB_MAX) {
            why_say(why, DEFC_MALFORMED, "more than %d subsignatures", MT_SUB_MAX);
            return sk_ok();
        }
        TRY(stage_sub(b, sub, l->target, why));
    }
    if (why_taken(why) && b->staged_count != b->expr.sub_count) {
        why_say(why, DEFC_MALFORMED, "%u subsignatures, but the expression names %u",
                b->staged_count, b->expr.sub_count);
    }
    return sk_ok();
}

/* The one subsignature of ndb and db. */
static sk_err stage_single(struct body_builder *b, struct sk_bytes text, struct line *l,
                           struct defc_why *why) {
    if (!why_taken(why)) {
        return sk_ok();
    }
    TRY(expr_parse(&b->expr, text_of("0"), why));
    return subsig_stage(b, text, l->target, false, why);
}

static void read_levels(struct sk_bytes text, struct defc_why *why) {
    bool more;
    uint64_t min = 0, max = UINT32_MAX;
    struct sk_bytes first = text_cut(&text, ':', &more);
    if ((first.len > 0 && !text_number(first, UINT32_MAX, &min)) ||
        (text.len > 0 && !text_number(text, UINT32_MAX, &max))) {
        why_say(why, DEFC_MALFORMED, "malformed functionality levels");
        return;
    }
    check_level(min, max, why);
}

static sk_err stage_ndb(struct body_builder *b, struct sk_bytes line, struct line *l,
                        struct defc_why *why) {
    bool more;
    set_name(l, text_cut(&line, ':', &more), why);
    struct sk_bytes target = text_cut(&line, ':', &more);
    if (!text_is(target, "*")) {
        set_target(l, target, why);
    }
    /* offset and hex stay together: the same form as a subsignature */
    size_t colon = text_find(line, ':');
    size_t end = colon + 1 + text_find(text_from(line, colon + 1), ':');
    if (!more || colon == line.len) {
        why_say(why, DEFC_MALFORMED, "fewer than four fields");
        return sk_ok();
    }
    read_levels(text_from(line, end + 1), why);
    if (text_starts(line, "$")) {
        l->in_group = true;
        l->group = special_macro_group(text_upto(line, colon), why);
        return stage_single(b, text_from(text_upto(line, end), colon + 1), l, why);
    }
    return stage_single(b, text_upto(line, end), l, why);
}

/* Seen with clamscan 1.4.6: of kind 1 the required type counts. */
static sk_err stage_type(struct body_builder *b, struct sk_bytes line, struct line *l,
                         struct defc_why *why) {
    bool more;
    struct sk_bytes kind = text_cut(&line, ':', &more);
    size_t colon = text_find(line, ':');
    size_t end = colon + 1 + text_find(text_from(line, colon + 1), ':');
    struct sk_bytes rest = text_from(line, end + 1);
    set_name(l, text_cut(&rest, ':', &more), why);
    struct sk_bytes required = text_cut(&rest, ':', &more);
    if (!more || !text_is(kind, "1")) {
        why_say(why, DEFC_MALFORMED, "fewer than six fields");
        return sk_ok();
    }
    enum sk_type must = type_of(required, why);
    enum sk_type tells = type_of(text_cut(&rest, ':', &more), why);
    read_levels(rest, why);
    add_attr(l, MT_ATTR_TELLS, (uint32_t)tells, (uint32_t)must);
    l->flags |= MT_SIG_TYPE;
    return stage_single(b, text_upto(line, end), l, why);
}

static sk_err stage_db(struct body_builder *b, struct sk_bytes line, struct line *l,
                       struct defc_why *why) {
    bool more;
    set_name(l, text_cut(&line, '=', &more), why);
    if (!more || text_find(line, ':') < line.len) {
        why_say(why, DEFC_MALFORMED, "not Name=Hex");
    }
    return stage_single(b, line, l, why);
}

/* ---- the line is good ------------------------------------------------------------------------ */

static sk_err keep_subs(struct body_builder *b, struct mt_sig *sig, struct special_costs *costs) {
    sig->sub_first = (uint32_t)b->sig_sub.count;
    sig->sub_count = (uint16_t)b->staged_count;
    if (vec_push(&b->sig_sub, b->staged_count, sizeof(uint32_t)) == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    uint32_t *slot = &((uint32_t *)b->sig_sub.data)[sig->sub_first];
    for (unsigned i = 0; i < b->staged_count; i++) {
        if (b->staged[i].special == 0) {
            TRY(subsig_intern(b, &b->staged[i], &slot[i]));
            costs->cost[i] = subsig_cost(b, slot[i]);
            costs->order[i] = subsig_order(b, slot[i]);
            costs->need[i] = (uint64_t)1 << i;
        }
    }
    /* the others speak of these */
    for (unsigned i = 0; i < b->staged_count; i++) {
        if (b->staged[i].special != 0) {
            TRY(special_keep(b, i, costs, &slot[i]));
            sig->flags |= MT_SIG_SPECIAL;
        }
    }
    return sk_ok();
}

static sk_err keep_expr(struct body_builder *b, struct mt_sig *sig,
                        const struct special_costs *costs, uint64_t *out_need) {
    expr_rank(&b->expr, costs->cost, costs->need);
    *out_need = expr_at(&b->expr, b->expr.root)->need;
    expr_rank(&b->expr, costs->order, costs->need);
    b->nodes.count = 0;
    TRY(expr_write(&b->expr, &b->nodes));
    uint32_t off = 0;
    struct sk_bytes bytes = {b->nodes.data, b->nodes.count * sizeof(struct mt_node)};
    TRY(strpool_put(&b->node, bytes, &off));
    sig->node_first = off / (uint32_t)sizeof(struct mt_node);
    sig->node_count = (uint16_t)b->nodes.count;
    return sk_ok();
}

/* The texts of icon groups lie among the literals. Several of one kind: the last counts, and a
 * group may have no name, as with clamscan 1.4.6. */
static sk_err keep_icon_groups(struct body_builder *b, struct line *l) {
    for (unsigned i = 0; i < sizeof(l->icon) / sizeof(l->icon[0]); i++) {
        uint32_t off = 0;
        if (l->icon[i].ptr == NULL) {
            continue;
        }
        TRY(strpool_put(&b->lit, l->icon[i], &off));
        add_attr(l, MT_ATTR_ICON_GROUP1 + i, off, (uint32_t)l->icon[i].len);
        l->flags |= MT_SIG_ICON;
    }
    return sk_ok();
}

static sk_err keep(struct body_builder *b, struct line *l) {
    TRY(keep_icon_groups(b, l));
    struct special_costs costs;
    struct mt_sig sig = {.target = (uint8_t)l->target,
                         .flags = l->flags,
                         .attr_first = (uint32_t)b->attr.count,
                         .attr_count = (uint8_t)l->attr_count};
    uint64_t need = 0;
    TRY(keep_subs(b, &sig, &costs));
    TRY(keep_expr(b, &sig, &costs, &need));
    struct mt_attr *attr = vec_push(&b->attr, l->attr_count, sizeof(*attr));
    struct mt_sig *s = vec_push(&b->sig, 1, sizeof(*s));
    uint64_t *n = vec_push(&b->need, 1, sizeof(*n));
    if (attr == NULL || s == NULL || n == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    memcpy(attr, l->attr, l->attr_count * sizeof(*attr));
    b->type_count += (l->flags & MT_SIG_TYPE) != 0;
    sig.name = (uint32_t)(b->sig.count - 1);
    *s = sig;
    *n = need;
    return sk_ok();
}

static sk_err keep_in_group(struct body_builder *b, const struct line *l) {
    uint32_t sub = 0;
    TRY(subsig_intern(b, &b->staged[0], &sub));
    struct mt_macro_body *body = vec_push(&b->macro_body, 1, sizeof(*body));
    if (body == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *body = (struct mt_macro_body){.sub = sub, .group = l->group, .target = (uint8_t)l->target};
    return sk_ok();
}

static sk_err name_line(struct body_builder *b, const struct line *l, struct defc_why *why,
                        uint32_t *out_ref) {
    sk_err err = names_add(b->names, (const char *)l->name.ptr, l->name.len, out_ref);
    if (err.code == SK_E_LIMIT) {
        why_say(why, DEFC_MALFORMED, "name of %zu bytes", l->name.len);
        return sk_ok();
    }
    return err;
}

sk_err body_add_line(struct body_builder *b, enum body_kind kind, const char *line, size_t len,
                     struct defc_why *why) {
    static sk_err (*const stage[])(struct body_builder *, struct sk_bytes, struct line *,
                                   struct defc_why *) = {stage_ndb, stage_ldb, stage_db,
                                                         stage_type};
    struct line l = {.target = SK_TARGET_ANY, .flags = kind == BODY_LDB ? MT_SIG_LOGICAL : 0};
    struct defc_why w = {.reason = DEFC_TAKEN};
    uint32_t name = 0;
    hex_stage_clear(&b->stage);
    b->staged_count = 0;
    if (len > BODY_LINE_MAX) {
        why_say(&w, DEFC_MALFORMED, "line of %zu bytes", len);
    } else {
        TRY(stage[kind](b, (struct sk_bytes){(const uint8_t *)line, len}, &l, &w));
    }
    if (why_taken(&w) && l.in_group) {
        *why = w;
        return keep_in_group(b, &l);
    }
    if (why_taken(&w) && b->names != NULL) {
        TRY(name_line(b, &l, &w, &name));
    }
    if (why_taken(&w)) {
        TRY(keep(b, &l));
        if (b->names != NULL) {
            ((struct mt_sig *)b->sig.data)[b->sig.count - 1].name = name;
        }
    }
    *why = w;
    return sk_ok();
}
