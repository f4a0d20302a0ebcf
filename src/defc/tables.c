// SPDX-License-Identifier: Apache-2.0
/*
 * From pools to struct mt_segment.
 *
 *   need of each signature -> (trigger, signature) pairs -> sorted -> mt_trig, trig_sig
 *                          -> anchored checks and always lists, table by table
 *
 * Triggers are global: equal literals are one trigger, whatever their targets. A table lists the
 * triggers that some signature of its target or of target 0 has; a touched signature of a foreign
 * target is put aside by the matcher at the cost of one comparison.
 *
 * A target without signatures gets no table of its own but that of target 0 (see match/tables.h).
 */
#include "defc/body_private.h"

static const struct mt_sig *sig_at(const struct body_builder *b, size_t i) {
    return &((const struct mt_sig *)b->sig.data)[i];
}
static uint64_t need_at(const struct body_builder *b, size_t i) {
    return ((const uint64_t *)b->need.data)[i];
}

/* Calls fn for each form of each necessary subsignature of each signature. */
typedef sk_err (*need_fn)(void *ctx, uint32_t sig, uint32_t sub);

static sk_err each_need_of(const struct body_builder *b, uint32_t sig, need_fn fn, void *ctx) {
    const uint32_t *subs = &((const uint32_t *)b->sig_sub.data)[sig_at(b, sig)->sub_first];
    for (uint64_t need = need_at(b, sig); need != 0; need &= need - 1) {
        uint32_t sub = subs[__builtin_ctzll(need)];
        TRY(fn(ctx, sig, sub));
        uint32_t also = body_sub(b, sub)->also;
        if (also != MT_NO_SUB) {
            TRY(fn(ctx, sig, also));
        }
    }
    return sk_ok();
}

static sk_err each_need(const struct body_builder *b, need_fn fn, void *ctx) {
    for (uint32_t i = 0; i < b->sig.count; i++) {
        TRY(each_need_of(b, i, fn, ctx));
    }
    return sk_ok();
}

/* ---- triggers ------------------------------------------------------------------------------- */

struct trig_build {
    struct body_builder *b;
    struct map map;
    struct vec pair; /* uint64_t: trigger << 32 | signature */
    struct mt_trig wanted;
};

static bool same_trig(void *ctx, uint32_t value) {
    const struct trig_build *t = ctx;
    const struct mt_trig *there = &((const struct mt_trig *)t->b->mt_trig.data)[value];
    return there->lit == t->wanted.lit && there->len == t->wanted.len &&
           there->flags == t->wanted.flags;
}

static sk_err trig_of(struct trig_build *t, const struct trigger *from, uint32_t *out_trig) {
    struct body_builder *b = t->b;
    struct sk_bytes text = {b->prog.bytes.data + from->prog, from->len};
    uint8_t masked[2 * sizeof(from->value)];
    t->wanted = (struct mt_trig){.len = from->len, .flags = from->nocase ? MT_TRIG_NOCASE : 0};
    if (from->how == TRIGGER_MASKED) {
        memcpy(masked, &from->value, sizeof(from->value));
        memcpy(masked + sizeof(from->value), &from->mask, sizeof(from->mask));
        text = (struct sk_bytes){masked, sizeof(masked)};
        t->wanted.flags = MT_TRIG_MASKED;
    }
    TRY(strpool_put(&b->lit, text, &t->wanted.lit));
    uint64_t hash = map_hash(&t->wanted, sizeof(t->wanted));
    *out_trig = map_get(&t->map, hash, same_trig, t);
    if (*out_trig != MAP_NONE) {
        return sk_ok();
    }
    struct mt_trig *trig = vec_push(&b->mt_trig, 1, sizeof(*trig));
    struct trig_use *use = vec_push(&b->trig_use, 1, sizeof(*use));
    if (trig == NULL || use == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *trig = t->wanted;
    *use = (struct trig_use){.window = from->window, .how = from->how};
    *out_trig = (uint32_t)(b->mt_trig.count - 1);
    return map_put(&t->map, hash, *out_trig);
}

static sk_err add_pair(void *ctx, uint32_t sig, uint32_t sub) {
    struct trig_build *t = ctx;
    struct trigger from = *body_trigger(t->b, sub);
    uint32_t trig = 0;
    if (from.how == TRIGGER_ANCHOR) {
        return sk_ok();
    }
    TRY(trig_of(t, &from, &trig));
    ((struct trig_use *)t->b->trig_use.data)[trig].targets |=
        (uint16_t)(1u << sig_at(t->b, sig)->target);
    uint64_t *pair = vec_push(&t->pair, 1, sizeof(*pair));
    if (pair == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *pair = (uint64_t)trig << 32 | sig;
    return sk_ok();
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static sk_err list_signatures(struct trig_build *t) {
    struct body_builder *b = t->b;
    uint64_t *pair = t->pair.data;
    uint32_t *sig = vec_push(&b->trig_sig, t->pair.count, sizeof(*sig));
    if (sig == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    if (t->pair.count > 0) {
        qsort(pair, t->pair.count, sizeof(*pair), by_value);
    }
    uint32_t n = 0;
    for (size_t i = 0; i < t->pair.count; i++) {
        if (i > 0 && pair[i] == pair[i - 1]) {
            continue;
        }
        struct mt_trig *trig = &((struct mt_trig *)b->mt_trig.data)[pair[i] >> 32];
        if (trig->sig_count++ == 0) {
            trig->sig_first = n;
        }
        sig[n++] = (uint32_t)pair[i];
    }
    b->trig_sig.count = n;
    return sk_ok();
}

static sk_err build_triggers(struct body_builder *b) {
    struct trig_build t = {.b = b};
    sk_err err = each_need(b, add_pair, &t);
    if (!sk_failed(err)) {
        err = list_signatures(&t);
    }
    map_release(&t.map);
    vec_release(&t.pair);
    return err;
}

/* ---- anchored checks and always lists ---------------------------------------------------------
 */

struct anchor_build {
    const struct body_builder *b;
    unsigned table;
    struct vec anchor; /* struct mt_anchor */
};

static sk_err add_anchor(void *ctx, uint32_t sig, uint32_t sub) {
    struct anchor_build *a = ctx;
    const struct trigger *t = body_trigger(a->b, sub);
    const struct mt_sub *s = body_sub(a->b, sub);
    if (t->how != TRIGGER_ANCHOR || !body_in_table(sig_at(a->b, sig)->target, a->table)) {
        return sk_ok();
    }
    struct mt_anchor *anchor = vec_push(&a->anchor, 1, sizeof(*anchor));
    if (anchor == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *anchor = (struct mt_anchor){.kind = s->off_kind,
                                 .section = s->section,
                                 .off = s->off,
                                 .delta = t->delta,
                                 .value = t->value,
                                 .mask = t->mask,
                                 .sig = sig};
    return sk_ok();
}

static int three_way(int64_t x, int64_t y) {
    return x < y ? -1 : x > y;
}
static int by_place(const void *a, const void *b) {
    const struct mt_anchor *x = a, *y = b;
    const int64_t keys[][2] = {{x->kind, y->kind},   {x->section, y->section}, {x->off, y->off},
                               {x->delta, y->delta}, {x->value, y->value},     {x->mask, y->mask},
                               {x->sig, y->sig}};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        int order = three_way(keys[i][0], keys[i][1]);
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static sk_err keep_anchors(struct anchor_build *a, struct arena *arena, struct mt_table *out) {
    size_t n = a->anchor.count;
    if (n == 0) {
        return sk_ok();
    }
    struct mt_anchor *anchor = arena_zalloc(arena, n, sizeof(*anchor));
    if (anchor == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    qsort(a->anchor.data, n, sizeof(*anchor), by_place);
    memcpy(anchor, a->anchor.data, n * sizeof(*anchor));
    out->anchor = anchor;
    out->anchor_count = (uint32_t)n;
    return sk_ok();
}

static sk_err build_anchors(const struct body_builder *b, struct arena *arena, unsigned table,
                            struct mt_table *out) {
    struct anchor_build a = {.b = b, .table = table};
    sk_err err = each_need(b, add_anchor, &a);
    if (!sk_failed(err)) {
        err = keep_anchors(&a, arena, out);
    }
    vec_release(&a.anchor);
    return err;
}

static sk_err build_always(const struct body_builder *b, struct arena *arena, unsigned table,
                           struct mt_table *out) {
    uint32_t n = 0;
    for (size_t i = 0; i < b->sig.count; i++) {
        n += need_at(b, i) == 0 && body_in_table(sig_at(b, i)->target, table);
    }
    if (n == 0) {
        return sk_ok();
    }
    uint32_t *always = arena_zalloc(arena, n, sizeof(*always));
    if (always == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (uint32_t i = 0, k = 0; i < b->sig.count; i++) {
        if (need_at(b, i) == 0 && body_in_table(sig_at(b, i)->target, table)) {
            always[k++] = i;
        }
    }
    out->always = always;
    out->always_count = n;
    return sk_ok();
}

/* ---- the segment ---------------------------------------------------------------------------- */

static void set_pools(const struct body_builder *b, struct mt_segment *s) {
    s->sig = b->sig.data;
    s->sig_sub = b->sig_sub.data;
    s->sub = b->sub.data;
    s->part = b->part.data;
    s->prog = b->prog.bytes.data;
    s->lit = b->lit.bytes.data;
    s->node = (const struct mt_node *)(const void *)b->node.bytes.data;
    s->attr = b->attr.data;
    s->trig = b->mt_trig.data;
    s->trig_sig = b->trig_sig.data;
    s->regex = b->regex.data;
    s->compare = b->compare.data;
    s->macro = b->macro.data;
    s->macro_body = b->macro_body.data;
    s->macro_count = (uint32_t)b->macro.count;
    s->macro_body_count = (uint32_t)b->macro_body.count;
    s->regex_count = (uint32_t)b->regex.count;
    s->compare_count = (uint32_t)b->compare.count;
    s->sig_count = (uint32_t)b->sig.count;
    s->sig_sub_count = (uint32_t)b->sig_sub.count;
    s->sub_count = (uint32_t)b->sub.count;
    s->part_count = (uint32_t)b->part.count;
    s->prog_len = (uint32_t)b->prog.bytes.len;
    s->lit_len = (uint32_t)b->lit.bytes.len;
    s->node_count = (uint32_t)(b->node.bytes.len / sizeof(struct mt_node));
    s->attr_count = (uint32_t)b->attr.count;
    s->trig_count = (uint32_t)b->mt_trig.count;
    s->trig_sig_count = (uint32_t)b->trig_sig.count;
}

sk_err body_build_segment(struct body_builder *b, struct arena *arena,
                          struct mt_segment *out_segment) {
    struct mt_segment s;
    memset(&s, 0, sizeof(s));
    if (b->mt_trig.count != 0) {
        return sk_fail(SK_E_USAGE);
    }
    TRY(build_triggers(b));
    for (size_t i = 0; i < b->sig.count; i++) {
        b->own_table[sig_at(b, i)->target] = true;
    }
    for (unsigned t = 0; t < MT_TABLE_COUNT; t++) {
        if (t > 0 && !b->own_table[t]) {
            s.table[t] = s.table[SK_TARGET_ANY];
            continue;
        }
        TRY(groups_build(b, arena, t, &s.table[t]));
        TRY(build_anchors(b, arena, t, &s.table[t]));
        TRY(build_always(b, arena, t, &s.table[t]));
    }
    set_pools(b, &s);
    *out_segment = s;
    return sk_ok();
}

void body_stats_get(const struct body_builder *b, const struct mt_segment *segment,
                    struct body_stats *out_stats) {
    struct body_stats st = {.sigs = segment->sig_count,
                            .subs = segment->sub_count,
                            .parts = segment->part_count,
                            .triggers = segment->trig_count,
                            .prog_bytes = segment->prog_len,
                            .lit_bytes = segment->lit_len};
    for (size_t i = 0; i < b->trig_use.count; i++) {
        uint8_t how = ((const struct trig_use *)b->trig_use.data)[i].how;
        st.long_triggers += how == TRIGGER_LONG;
        st.short_triggers += how == TRIGGER_SHORT;
        st.slow_triggers += how == TRIGGER_SLOW || how == TRIGGER_MASKED;
    }
    struct anchor_build a = {.b = b};
    for (uint32_t i = 0; i < b->sig.count; i++) {
        st.always += need_at(b, i) == 0;
        const uint32_t *subs = &((const uint32_t *)b->sig_sub.data)[sig_at(b, i)->sub_first];
        for (uint64_t need = need_at(b, i); need != 0; need &= need - 1) {
            st.anchored += body_trigger(a.b, subs[__builtin_ctzll(need)])->how == TRIGGER_ANCHOR;
        }
    }
    *out_stats = st;
}
