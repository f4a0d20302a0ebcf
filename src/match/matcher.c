// SPDX-License-Identifier: Apache-2.0
/*
 * A layer through all body signatures of all segments.
 *
 *   phase 1   always list --+
 *             anchors ------+--> touched bits + list of touched signatures
 *             filter -------+        (one bit a signature, one a trigger; cleared by the lists)
 *   between   touched signatures that lack one necessary subsignature are out (prune.c)
 *   phase 2   each of the others: target -> attributes -> expression -> hit      (judge.c)
 *                                                             |
 *                                 counts (per scan, shared) <-+-> pattern search, on demand
 *
 * A scan without a hit writes no memory but the lists' lengths. Phase 2 runs after phase 1 and not
 * inside it, so the filter keeps its cache lines, and a signature is judged on the whole layer.
 *
 * Hand-offs: filter.h finds triggers, prune.c and judge.c do the rest with pattern.h and logic.h;
 * this file owns the touched sets. It must not know how a literal is found.
 *
 * Errors: the first one ends the scan; hits found before have been reported. Bits are cleared on
 * every way out.
 */
#include "match/matcher.h"

#include <string.h>

#include "base/cursor.h"
#include "base/mem.h"
#include "match/matcher_private.h"

/* ---- life ------------------------------------------------------------------------------------ */

static sk_err alloc_bits(uint32_t count, uint64_t **out_bits) {
    uint64_t *bits = mem_zalloc((size_t)count / 64 + 1, sizeof(*bits));
    if (bits == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    *out_bits = bits;
    return sk_ok();
}

static sk_err matcher_fill(struct matcher *m, const struct mt_segment *const *segments) {
    for (unsigned i = 0; i < m->segment_count; i++) {
        m->segment[i] = segments[i];
        TRY(alloc_bits(segments[i]->sig_count, &m->sig_bit[i]));
        TRY(alloc_bits(segments[i]->trig_count, &m->trig_bit[i]));
    }
    m->scratch = mem_alloc(FILTER_BLOCK_BYTES * sizeof(*m->scratch));
    if (m->scratch == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    return pattern_run_init(&m->run);
}

sk_err matcher_new(const struct mt_segment *const *segments, unsigned count,
                   struct matcher **out_matcher) {
    if (count > MATCH_SEGMENT_MAX) {
        return sk_fail(SK_E_USAGE);
    }
    struct matcher *m = mem_zalloc(1, sizeof(*m));
    if (m == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    m->segment_count = count;
    sk_err err = matcher_fill(m, segments);
    if (sk_failed(err)) {
        matcher_free(m);
        return err;
    }
    *out_matcher = m;
    return sk_ok();
}

void matcher_free(struct matcher *m) {
    if (m == NULL) {
        return;
    }
    for (unsigned i = 0; i < m->segment_count; i++) {
        mem_free(m->sig_bit[i]);
        mem_free(m->trig_bit[i]);
    }
    for (unsigned t = 0; t < MT_TABLE_COUNT; t++) {
        filter_plan_free(m->plan[t]);
    }
    mem_free(m->sigs.item);
    mem_free(m->trigs.item);
    mem_free(m->asks.item);
    mem_free(m->wanted.item);
    mem_free(m->places.item);
    mem_free(m->scratch);
    pattern_run_release(&m->run);
    regex_run_release(&m->regex);
    counts_release(&m->counts);
    sieve_release(&m->sieve);
    mem_free(m);
}

void matcher_regexes_off(struct matcher *m, bool all, uint32_t flags) {
    m->regex.off = all;
    m->regex.flags_off = flags;
}

const struct match_stats *matcher_stats(const struct matcher *m) {
    return &m->stats;
}

/* ---- phase 1 --------------------------------------------------------------------------------- */

static sk_err list_add(struct touched_list *list, struct touched item) {
    struct touched *grown = mem_grow(list->item, &list->cap, list->count + 1, sizeof(*grown));
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    list->item = grown;
    list->item[list->count++] = item;
    return sk_ok();
}

static void list_clear(struct touched_list *list, uint64_t *const *bits) {
    for (size_t i = 0; i < list->count; i++) {
        bits[list->item[i].segment][list->item[i].index >> 6] = 0;
    }
    list->count = 0;
}

static sk_err touch(struct matcher *m, unsigned segment, uint32_t sig, uint32_t trig) {
    if (sig >= m->segment[segment]->sig_count) {
        return sk_fail(SK_E_FORMAT);
    }
    uint64_t bit = (uint64_t)1 << (sig & 63);
    if ((m->sig_bit[segment][sig >> 6] & bit) != 0) {
        return sk_ok();
    }
    TRY(list_add(&m->sigs, (struct touched){.segment = segment, .index = sig, .trig = trig}));
    m->sig_bit[segment][sig >> 6] |= bit;
    m->stats.touched++;
    return sk_ok();
}

/* A trigger was found. The filter has set its bit already, so it is listed first of all. */
static sk_err on_trigger(void *ctx, unsigned input, uint32_t trig, uint64_t off) {
    struct matcher *m = ctx;
    const struct mt_segment *seg = m->segment[input];
    const struct mt_trig *t = &seg->trig[trig];
    (void)off;
    sk_err err = list_add(&m->trigs, (struct touched){.segment = input, .index = trig});
    if (sk_failed(err)) {
        m->trig_bit[input][trig >> 6] = 0; /* or nothing would ever clear it */
        return err;
    }
    if ((uint64_t)t->sig_first + t->sig_count > seg->trig_sig_count) {
        return sk_fail(SK_E_FORMAT);
    }
    for (uint32_t i = 0; i < t->sig_count; i++) {
        TRY(touch(m, input, seg->trig_sig[t->sig_first + i], trig));
    }
    return sk_ok();
}

/* The bytes at the place of anchored checks. */
struct anchor_text {
    uint32_t text; /* little-endian */
    unsigned len;  /* bytes in it, at most four */
};

static void anchor_load(struct scan *s, const struct mt_anchor *a, struct anchor_text *out) {
    struct pattern_offset offset = {a->kind, a->section, a->off};
    uint64_t place, size = s->layer->src->size;
    *out = (struct anchor_text){0, 0};
    if (a->kind == MT_OFF_SECT_ANY || /* not one place */
        !pattern_place(s->layer->exe, size, offset, &place) ||
        __builtin_add_overflow(place, (uint64_t)a->delta, &place) || place >= size) {
        return;
    }
    unsigned len = size - place < 4 ? (unsigned)(size - place) : 4;
    const uint8_t *p = pattern_bytes(&s->m->run, place, len);
    for (unsigned i = 0; p != NULL && i < len; i++) {
        out->text |= (uint32_t)p[i] << 8 * i;
    }
    out->len = p != NULL ? len : 0;
}

static bool anchor_holds(const struct anchor_text *t, const struct mt_anchor *a) {
    unsigned need = a->mask == 0 ? 5 : 4 - (unsigned)__builtin_clz(a->mask) / 8;
    return need <= t->len && (t->text & a->mask) == a->value;
}

static inline bool place_takes(const struct plan_place *place, const struct anchor_text *t) {
    unsigned first = t->text & 0xff, pair = plan_pair_hash(t->text);
    return t->len > 0 && (place->byte_set[first >> 5] >> (first & 31) & 1) != 0 &&
           (t->len == 1 || (place->pair_set[pair >> 5] >> (pair & 31) & 1) != 0);
}

/* Most places are near the start of the layer, which is in view: there it takes one look. (A header
 * has thirty such places in each of its views; asked for one by one they cost as much as the search
 * of 2 KiB.) */
static inline bool is_refused(const struct pattern_run *run, const struct plan_place *place) {
    uint64_t at = (uint64_t)(place->where.off + (int64_t)place->where.delta);
    struct anchor_text text = {0, 4};
    if (place->where.kind != MT_OFF_ABS || run->view == NULL || run->view_off != 0 ||
        run->view_len < 4 || at > run->view_len - 4) {
        return false;
    }
    text.text = sk_load_u32le(run->view + at);
    return !place_takes(place, &text);
}

static sk_err touch_place(struct scan *s, unsigned segment, const struct mt_anchor *anchor,
                          const struct plan_place *place) {
    struct anchor_text text;
    anchor_load(s, &place->where, &text);
    TRY(s->m->run.err);
    if (!place_takes(place, &text)) {
        return sk_ok();
    }
    for (uint32_t i = place->first; i < place->first + place->count; i++) {
        if (anchor_holds(&text, &anchor[i])) {
            TRY(touch(s->m, segment, anchor[i].sig, MATCH_NO_TRIG));
        }
    }
    return sk_ok();
}

static sk_err touch_fixed(struct scan *s, const struct filter_plan *plan, unsigned segment) {
    const struct mt_table *t = plan->input[segment].table;
    for (uint32_t i = 0; i < t->always_count; i++) {
        TRY(touch(s->m, segment, t->always[i], MATCH_NO_TRIG));
    }
    (void)pattern_bytes(&s->m->run, 0, 1);
    for (uint32_t i = 0; i < plan->place_count[segment]; i++) {
        const struct plan_place *place = &plan->place[segment][i];
        TRY(is_refused(&s->m->run, place) ? sk_ok() : touch_place(s, segment, t->anchor, place));
    }
    return sk_ok();
}

/* Targets without a table of their own, in any segment, share the plan of target 0. */
static unsigned plan_number(const struct matcher *m, enum sk_target target) {
    for (unsigned i = 0; i < m->segment_count; i++) {
        const struct mt_table *any = &m->segment[i]->table[SK_TARGET_ANY];
        if (memcmp(&m->segment[i]->table[target], any, sizeof(*any)) != 0) {
            return (unsigned)target;
        }
    }
    return SK_TARGET_ANY;
}

static sk_err plan_for(struct matcher *m, enum sk_target target,
                       const struct filter_plan **out_plan) {
    unsigned number = plan_number(m, target);
    if (m->plan[number] == NULL) {
        struct filter_input input[MATCH_SEGMENT_MAX];
        for (unsigned i = 0; i < m->segment_count; i++) {
            input[i] =
                (struct filter_input){m->segment[i], &m->segment[i]->table[number], m->trig_bit[i]};
        }
        TRY(filter_plan_new(input, m->segment_count, filter_kernel_nth(0)->marks != NULL,
                            &m->plan[number]));
    }
    *out_plan = m->plan[number];
    return sk_ok();
}

static sk_err collect(struct scan *s, struct match_budget *budget) {
    struct matcher *m = s->m;
    const struct filter_plan *plan = NULL;
    TRY(plan_for(m, s->layer->target, &plan));
    for (unsigned i = 0; i < m->segment_count; i++) {
        TRY(touch_fixed(s, plan, i));
    }
    struct filter_job job = {.kernel = filter_kernel_nth(0),
                             .src = look_source(s->layer),
                             .plan = plan,
                             .scratch = m->scratch,
                             .hit = on_trigger,
                             .hit_ctx = m,
                             .tick = budget->tick,
                             .tick_ctx = budget->ctx};
    sk_err err = filter_run(&job);
    m->stats.bytes += s->layer->src->size;
    m->stats.candidates += job.candidates;
    m->stats.literals += job.literals;
    return err;
}

bool matcher_near_miss(const struct matcher *m) {
    return m->near_miss;
}

sk_err matcher_scan(struct matcher *m, const struct match_layer *layer, struct match_budget *budget,
                    match_hit_fn found, void *ctx) {
    if ((unsigned)layer->target >= MT_TABLE_COUNT) {
        return sk_fail(SK_E_USAGE);
    }
    struct scan s = {m, layer, found, ctx};
    pattern_run_start(&m->run, layer->src, layer->exe, budget);
    m->run.glance = layer->glance;
    m->near_miss = false;
    sk_err err = collect(&s, budget);
    if (!sk_failed(err)) {
        err = prune(&s, budget);
    }
    for (size_t i = 0; i < m->sigs.count && !sk_failed(err); i++) {
        err = m->sigs.item[i].out ? sk_ok() : judge(&s, &m->sigs.item[i]);
    }
    if (!sk_failed(err) && m->limited) {
        err = sk_fail(SK_E_LIMIT);
    }
    m->limited = false;
    list_clear(&m->sigs, m->sig_bit);
    list_clear(&m->trigs, m->trig_bit);
    counts_clear(&m->counts);
    sieve_clear(&m->sieve);
    m->asks.count = 0;
    m->wanted.count = 0;
    m->places.count = 0;
    return err.code == SK_E_STOP ? sk_ok() : err;
}

void matcher_repeat(struct matcher *m, const struct match_layer *layer, struct match_budget *budget,
                    const struct match_hits *hits) {
    pattern_run_start(&m->run, layer->src, layer->exe, budget);
    bool more = true;
    for (size_t i = 0; i < hits->count && more; i++) {
        more = hits->found(hits->ctx, &hits->item[i]);
    }
    m->limited = false;
    counts_clear(&m->counts);
}
