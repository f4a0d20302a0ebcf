// SPDX-License-Identifier: Apache-2.0
/*
 * A layer through all body signatures of all segments.
 *
 *   phase 1   always list --+
 *             anchors ------+--> touched bits + list of touched signatures
 *             filter -------+        (one bit a signature, one a trigger; cleared by the lists)
 *   between   keys of all subsignatures to be asked for, looked for in one pass (sieve.h)
 *   phase 2   each touched signature: target -> attributes -> expression -> hit
 *                                                              |
 *                                  counts (per scan, shared) <-+-> pattern search, on demand
 *
 * A scan without a hit writes no memory but the lists' lengths. Phase 2 runs after phase 1 and not
 * inside it, so the filter keeps its cache lines, and a signature is judged on the whole layer.
 *
 * Hand-offs: filter.h finds triggers, pattern.h counts subsignatures, logic.h decides; this file
 * owns the touched sets and the order of checks. It must not know how a literal is found.
 *
 * Errors: the first one ends the scan; hits found before have been reported. Bits are cleared on
 * every way out.
 */
#include "match/matcher.h"

#include <string.h>

#include "base/mem.h"
#include "match/attribute.h"
#include "match/compare.h"
#include "match/counts.h"
#include "match/filter.h"
#include "match/logic.h"
#include "match/macro.h"
#include "match/pattern.h"
#include "match/regex.h"
#include "match/sieve.h"

struct id_list {
    uint64_t *id; /* segment << 32 | index */
    size_t count;
    size_t cap;
};

struct matcher {
    const struct mt_segment *segment[MATCH_SEGMENT_MAX];
    unsigned segment_count;
    uint64_t *sig_bit[MATCH_SEGMENT_MAX];     /* touched signatures */
    uint64_t *trig_bit[MATCH_SEGMENT_MAX];    /* triggers found */
    struct filter_plan *plan[MT_TABLE_COUNT]; /* made when first needed */
    struct id_list sigs;
    struct id_list trigs;
    uint32_t *scratch; /* candidates of one block */
    struct pattern_run run;
    struct regex_run regex;
    bool limited; /* a regular expression of this layer gave up */
    bool near_miss;
    struct counts counts;
    struct sieve sieve;
    struct match_stats stats;
};

/* What one scan passes down. */
struct scan {
    struct matcher *m;
    const struct match_layer *layer;
    match_hit_fn found;
    void *found_ctx;
};

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
    mem_free(m->sigs.id);
    mem_free(m->trigs.id);
    mem_free(m->scratch);
    pattern_run_release(&m->run);
    regex_run_release(&m->regex);
    counts_release(&m->counts);
    sieve_release(&m->sieve);
    mem_free(m);
}

const struct match_stats *matcher_stats(const struct matcher *m) {
    return &m->stats;
}

/* ---- phase 1 --------------------------------------------------------------------------------- */

static sk_err list_add(struct id_list *list, unsigned segment, uint32_t index) {
    uint64_t *grown = mem_grow(list->id, &list->cap, list->count + 1, sizeof(*list->id));
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    list->id = grown;
    list->id[list->count++] = (uint64_t)segment << 32 | index;
    return sk_ok();
}

static void list_clear(struct id_list *list, uint64_t *const *bits) {
    for (size_t i = 0; i < list->count; i++) {
        bits[list->id[i] >> 32][(uint32_t)list->id[i] >> 6] = 0;
    }
    list->count = 0;
}

static sk_err touch(struct matcher *m, unsigned segment, uint32_t sig) {
    if (sig >= m->segment[segment]->sig_count) {
        return sk_fail(SK_E_FORMAT);
    }
    uint64_t bit = (uint64_t)1 << (sig & 63);
    if ((m->sig_bit[segment][sig >> 6] & bit) != 0) {
        return sk_ok();
    }
    TRY(list_add(&m->sigs, segment, sig));
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
    sk_err err = list_add(&m->trigs, input, trig);
    if (sk_failed(err)) {
        m->trig_bit[input][trig >> 6] = 0; /* or nothing would ever clear it */
        return err;
    }
    if ((uint64_t)t->sig_first + t->sig_count > seg->trig_sig_count) {
        return sk_fail(SK_E_FORMAT);
    }
    for (uint32_t i = 0; i < t->sig_count; i++) {
        TRY(touch(m, input, seg->trig_sig[t->sig_first + i]));
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

static sk_err touch_place(struct scan *s, unsigned segment, const struct mt_anchor *anchor,
                          const struct plan_place *place) {
    struct anchor_text text;
    anchor_load(s, &anchor[place->first], &text);
    TRY(s->m->run.err);
    unsigned first = text.text & 0xff;
    if (text.len == 0 || (place->byte_set[first >> 5] >> (first & 31) & 1) == 0) {
        return sk_ok();
    }
    for (uint32_t i = place->first; i < place->first + place->count; i++) {
        if (anchor_holds(&text, &anchor[i])) {
            TRY(touch(s->m, segment, anchor[i].sig));
        }
    }
    return sk_ok();
}

static sk_err touch_fixed(struct scan *s, const struct filter_plan *plan, unsigned segment) {
    const struct mt_table *t = plan->input[segment].table;
    for (uint32_t i = 0; i < t->always_count; i++) {
        TRY(touch(s->m, segment, t->always[i]));
    }
    for (uint32_t i = 0; i < plan->place_count[segment]; i++) {
        TRY(touch_place(s, segment, t->anchor, &plan->place[segment][i]));
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
        TRY(filter_plan_new(input, m->segment_count, &m->plan[number]));
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
    struct filter_job job = {.kernel = filter_kernel_best(),
                             .src = s->layer->src,
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

/* ---- phase 2 --------------------------------------------------------------------------------- */

static bool is_of_target(const struct match_layer *layer, const struct mt_sig *sig) {
    return sig->target == SK_TARGET_ANY || sig->target == (uint8_t)layer->target;
}

/* Does the signature apply to this layer at all? misplaced: it does but for the layers around. */
static sk_err concerned(const struct scan *s, const struct mt_segment *seg,
                        const struct mt_sig *sig, bool *out_concerns, bool *out_misplaced) {
    bool concerns = is_of_target(s->layer, sig), misplaced = false;
    if ((uint64_t)sig->attr_first + sig->attr_count > seg->attr_count ||
        (uint64_t)sig->node_first + sig->node_count > seg->node_count ||
        (uint64_t)sig->sub_first + sig->sub_count > seg->sig_sub_count) {
        return sk_fail(SK_E_FORMAT);
    }
    for (unsigned i = 0; i < sig->attr_count && concerns; i++) {
        const struct mt_attr *attr = &seg->attr[sig->attr_first + i];
        bool holds = attribute_holds(s->layer, attr);
        misplaced = misplaced || (!holds && attribute_is_about_place(attr));
        concerns = holds || attribute_is_about_place(attr);
    }
    *out_misplaced = concerns && misplaced;
    *out_concerns = concerns && !misplaced;
    return sk_ok();
}

/* ---- the sieve ------------------------------------------------------------------------------- */

/* The part to look for: the longest key. NULL: this subsignature is not for the sieve (anchored,
 * of two forms, damaged, or without a key long enough). */
static const struct mt_part *sieve_part(const struct mt_segment *seg, uint32_t sub_index) {
    if (sub_index >= seg->sub_count) {
        return NULL;
    }
    const struct mt_sub *sub = &seg->sub[sub_index];
    if (sub->off_kind != MT_OFF_ANY || sub->also != MT_NO_SUB ||
        (sub->flags & MT_SUB_SPECIAL) != 0 ||
        (uint64_t)sub->part_first + sub->part_count > seg->part_count) {
        return NULL;
    }
    const struct mt_part *best = NULL;
    for (uint32_t k = 0; k < sub->part_count; k++) {
        const struct mt_part *part = &seg->part[sub->part_first + k];
        if ((uint64_t)part->key + part->key_len > seg->lit_len) {
            return NULL;
        }
        if (sieve_takes(part) && (best == NULL || part->key_len > best->key_len)) {
            best = part;
        }
    }
    return best;
}

static sk_err sieve_signature(struct scan *s, unsigned segment, uint32_t index) {
    struct matcher *m = s->m;
    const struct mt_segment *seg = m->segment[segment];
    const struct mt_sig *sig = &seg->sig[index];
    bool concerns = false, misplaced = false;
    TRY(concerned(s, seg, sig, &concerns, &misplaced));
    for (uint32_t i = 0; i < sig->sub_count && concerns; i++) {
        uint32_t sub = seg->sig_sub[sig->sub_first + i];
        const struct mt_part *part = sieve_part(seg, sub);
        struct count_slot *slot = part == NULL ? NULL : counts_slot(&m->counts, segment, sub);
        if (part != NULL && slot == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
        if (part != NULL && !slot->sieved) {
            slot->sieved = true;
            TRY(sieve_add(&m->sieve, segment, seg, sub, part));
        }
    }
    return sk_ok();
}

static sk_err on_key(void *ctx, unsigned segment, uint32_t sub_index, uint64_t first) {
    struct matcher *m = ctx;
    const struct mt_segment *seg = m->segment[segment];
    struct count_slot *slot = counts_slot(&m->counts, segment, sub_index);
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    if (first == SIEVE_ABSENT) {
        slot->asked = UINT64_MAX;
        slot->count = 0;
        return sk_ok();
    }
    /* sieve_part has looked at these indexes; of a chain it may be a later part's key */
    const struct mt_sub *sub = &seg->sub[sub_index];
    uint64_t delta = seg->part[sub->part_first].key_delta;
    if (sub->part_count == 1 && first > delta) {
        slot->from = first - delta;
    }
    return sk_ok();
}

/* Finds out which subsignatures cannot occur, when there are enough to pay for a pass. */
static sk_err sift(struct scan *s, struct match_budget *budget) {
    struct matcher *m = s->m;
    for (size_t i = 0; i < m->sigs.count; i++) {
        TRY(sieve_signature(s, (unsigned)(m->sigs.id[i] >> 32), (uint32_t)m->sigs.id[i]));
    }
    struct filter_job job = {.kernel = filter_kernel_best(),
                             .src = s->layer->src,
                             .scratch = m->scratch,
                             .tick = budget->tick,
                             .tick_ctx = budget->ctx};
    TRY(sieve_run(&m->sieve, &job, on_key, m));
    m->run.view = NULL; /* the filter has used the source since */
    m->run.view_len = 0;
    return sk_ok();
}

/* ---- judging --------------------------------------------------------------------------------- */

/* A signature under evaluation, for the counting callback. */
struct judged {
    struct matcher *m;
    unsigned segment;
    const struct mt_sig *sig;
    const struct match_layer *layer;
    uint64_t offset; /* of a hit of the subsignature counted last */
};

static sk_err count_sub(void *ctx, uint32_t number, uint64_t want, uint64_t *out_count) {
    struct judged *j = ctx;
    const struct mt_segment *seg = j->m->segment[j->segment];
    uint32_t sub = seg->sig_sub[j->sig->sub_first + number];
    struct count_slot *slot = counts_slot(&j->m->counts, j->segment, sub);
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    bool known = slot->asked > 0 && (slot->count < slot->asked || slot->count >= want);
    if (!known) {
        struct pattern_hits hits;
        j->m->run.from = slot->from;
        sk_err err = pattern_count(&j->m->run, seg, sub, want, &hits);
        j->m->run.from = 0;
        TRY(err);
        slot->asked = want;
        slot->count = hits.count;
        slot->first = hits.first;
    }
    if (slot->count > 0) {
        j->offset = slot->first;
    }
    *out_count = slot->count;
    return sk_ok();
}

/* How soon to ask for a necessary subsignature: at fixed places first (cheap), then by the longest
 * key, the one most likely to be missing. */
static uint32_t urgency(const struct mt_segment *seg, uint32_t sub_index) {
    if (sub_index >= seg->sub_count) {
        return 0; /* damaged: found out when it is counted */
    }
    const struct mt_sub *sub = &seg->sub[sub_index];
    if (sub->off_kind != MT_OFF_ANY) {
        return UINT32_MAX;
    }
    uint32_t longest = 0;
    for (uint32_t k = 0; k < sub->part_count && sub->part_first + k < seg->part_count; k++) {
        uint32_t len = seg->part[sub->part_first + k].key_len;
        longest = len > longest ? len : longest;
    }
    return longest;
}

struct ask {
    uint32_t number; /* of the subsignature */
    uint32_t urgency;
};

/* The members of a plain AND that must occur, most urgent first. Returns how many. */
static unsigned necessary(const struct judged *j, const struct logic_expr *expr,
                          struct ask out[MT_SUB_MAX]) {
    const struct mt_segment *seg = j->m->segment[j->segment];
    unsigned n = 0;
    if (expr->node_count == 0 || expr->node[0].op != MT_NODE_AND ||
        expr->node[0].cmp != MT_CMP_NONE) {
        return 0;
    }
    for (uint32_t i = 1; i < expr->node_count && n < MT_SUB_MAX;) {
        const struct mt_node *node = &expr->node[i];
        if (node->op == MT_NODE_SUB && node->cmp == MT_CMP_NONE && node->arg < expr->sub_count) {
            uint32_t sub = seg->sig_sub[j->sig->sub_first + node->arg];
            if (sub < seg->sub_count && (seg->sub[sub].flags & MT_SUB_SPECIAL) != 0) {
                i++; /* costly, and not known yet */
                continue;
            }
            struct ask ask = {node->arg, urgency(seg, sub)};
            unsigned at = n++;
            for (; at > 0 && out[at - 1].urgency < ask.urgency; at--) {
                out[at] = out[at - 1];
            }
            out[at] = ask;
        }
        i += node->size > 0 ? node->size : expr->node_count;
    }
    return n;
}

/*
 * An AND (96 % of the official signatures) is asked for its members by urgency before the
 * expression is evaluated in order: a missing member ends it after one search, and whatever was
 * counted is remembered, so nothing is searched twice.
 */
static sk_err lacks_a_member(struct judged *j, const struct logic_expr *expr, bool *out_lacks) {
    struct ask order[MT_SUB_MAX];
    unsigned n = necessary(j, expr, order);
    uint64_t count = 1;
    for (unsigned i = 0; i < n && count > 0; i++) {
        TRY(count_sub(j, order[i].number, 1, &count));
    }
    *out_lacks = count == 0;
    return sk_ok();
}

/* ---- special subsignatures ------------------------------------------------------------------- */

/* A subsignature that is not a body, in its signature. */
struct special {
    struct judged *judged;
    const struct mt_sub *sub;
    uint32_t number;
};

/* Counting for a trigger: only earlier subsignatures, so that everything asked for is known or a
 * body. */
static sk_err count_earlier(void *ctx, uint32_t number, uint64_t want, uint64_t *out_count) {
    struct special *sp = ctx;
    return number < sp->number ? count_sub(sp->judged, number, want, out_count)
                               : sk_fail(SK_E_FORMAT);
}

/* A limit of one expression is told at the end; the other signatures are still judged. */
static sk_err count_regex(struct special *sp, struct pattern_hits *out_hits) {
    struct judged *j = sp->judged;
    struct matcher *m = j->m;
    const struct mt_segment *seg = m->segment[j->segment];
    if (sp->sub->part_first >= seg->regex_count) {
        return sk_fail(SK_E_FORMAT);
    }
    const struct mt_regex *regex = &seg->regex[sp->sub->part_first];
    if ((uint64_t)regex->node_first + regex->node_count > seg->node_count) {
        return sk_fail(SK_E_FORMAT);
    }
    struct logic_expr trigger = {&seg->node[regex->node_first], regex->node_count, sp->number};
    bool holds = false;
    TRY(logic_eval(&trigger, count_earlier, sp, &holds));
    if (!holds) {
        return sk_ok();
    }
    struct regex_use use = {j->segment, seg, sp->sub};
    sk_err err = regex_count(&m->regex, &m->run, &use, out_hits);
    if (err.code == SK_E_LIMIT && !sk_failed(m->run.err)) {
        m->limited = true;
        return sk_ok();
    }
    return err;
}

static sk_err count_compare(struct special *sp, struct pattern_hits *out_hits) {
    struct judged *j = sp->judged;
    const struct mt_segment *seg = j->m->segment[j->segment];
    if (sp->sub->part_first >= seg->compare_count) {
        return sk_fail(SK_E_FORMAT);
    }
    const struct mt_compare *c = &seg->compare[sp->sub->part_first];
    if (c->ref >= j->sig->sub_count) {
        return sk_ok(); /* clamscan takes it, and it never holds */
    }
    uint32_t ref = seg->sig_sub[j->sig->sub_first + c->ref];
    if (ref >= seg->sub_count) {
        return sk_fail(SK_E_FORMAT);
    }
    bool holds = false;
    if ((seg->sub[ref].flags & MT_SUB_SPECIAL) == 0) {
        TRY(compare_holds(&j->m->run, seg, c, ref, &holds));
    }
    out_hits->count = holds;
    return sk_ok();
}

static sk_err count_macro(struct special *sp, struct pattern_hits *out_hits) {
    struct judged *j = sp->judged;
    const struct mt_segment *seg = j->m->segment[j->segment];
    if (sp->sub->part_first >= seg->macro_count) {
        return sk_fail(SK_E_FORMAT);
    }
    struct macro_use use = {.segments = j->m->segment,
                            .segment_count = j->m->segment_count,
                            .segment = j->segment,
                            .sig = j->sig,
                            .macro = &seg->macro[sp->sub->part_first]};
    return macro_count(&j->m->run, &use, out_hits);
}

static void count_image(const struct special *sp, struct pattern_hits *out_hits) {
    const struct match_layer *layer = sp->judged->layer;
    uint64_t want = (uint64_t)sp->sub->shift << 32 | sp->sub->part_first, hash = 0;
    if (layer->image_hash == NULL) {
        return;
    }
    out_hits->count = layer->image_hash(layer->image_ctx, &hash) && hash == want;
    sp->judged->m->run.view = NULL; /* the source has been used since */
    sp->judged->m->run.view_len = 0;
}

static sk_err count_special(struct special *sp, struct pattern_hits *out_hits) {
    switch (sp->sub->flags & MT_SUB_SPECIAL) {
    case MT_SUB_REGEX:
        return count_regex(sp, out_hits);
    case MT_SUB_COMPARE:
        return count_compare(sp, out_hits);
    case MT_SUB_MACRO:
        return count_macro(sp, out_hits);
    case MT_SUB_IMAGE:
        count_image(sp, out_hits);
        return sk_ok();
    default:
        return sk_fail(SK_E_FORMAT);
    }
}

/* Counts the special subsignatures of a signature, in their order, before its expression is asked.
 * Each is counted in full, because it is asked for in more than one way. */
static sk_err count_specials(struct judged *j) {
    const struct mt_segment *seg = j->m->segment[j->segment];
    for (uint32_t i = 0; i < j->sig->sub_count; i++) {
        uint32_t index = seg->sig_sub[j->sig->sub_first + i];
        if (index >= seg->sub_count) {
            return sk_fail(SK_E_FORMAT);
        }
        struct special sp = {j, &seg->sub[index], i};
        struct pattern_hits hits = {0, 0};
        if ((sp.sub->flags & MT_SUB_SPECIAL) == 0) {
            continue;
        }
        TRY(count_special(&sp, &hits));
        struct count_slot *slot = counts_slot(&j->m->counts, j->segment, index);
        if (slot == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
        slot->asked = UINT64_MAX;
        slot->count = hits.count;
        slot->first = hits.first;
    }
    return sk_ok();
}

static sk_err judge(struct scan *s, unsigned segment, uint32_t index) {
    const struct mt_segment *seg = s->m->segment[segment];
    const struct mt_sig *sig = &seg->sig[index];
    bool concerns = false, misplaced = false;
    TRY(concerned(s, seg, sig, &concerns, &misplaced));
    if (!concerns && (!misplaced || s->m->near_miss)) {
        return sk_ok();
    }
    s->m->stats.evaluated++;
    struct judged j = {.m = s->m, .segment = segment, .sig = sig, .layer = s->layer};
    struct logic_expr expr = {&seg->node[sig->node_first], sig->node_count, sig->sub_count};
    bool lacks = false, holds = false;
    TRY(lacks_a_member(&j, &expr, &lacks));
    if (lacks) {
        return sk_ok();
    }
    /* What would match elsewhere only has to be known roughly: a regular expression is not run for
     * it. (Running them was half of the time on files with regular expressions for mail parts.) */
    if (misplaced && (sig->flags & MT_SIG_SPECIAL) != 0) {
        s->m->near_miss = true;
        return sk_ok();
    }
    if ((sig->flags & MT_SIG_SPECIAL) != 0) {
        TRY(count_specials(&j));
    }
    TRY(logic_eval(&expr, count_sub, &j, &holds));
    if (!holds) {
        return sk_ok();
    }
    if (misplaced) {
        s->m->near_miss = true;
        return sk_ok();
    }
    s->m->stats.hits++;
    struct match_hit hit = {segment, index, sig->name, j.offset};
    return s->found(s->found_ctx, &hit) ? sk_ok() : sk_fail(SK_E_STOP);
}

/* ---- trials ---------------------------------------------------------------------------------- */

static bool keep_offset(void *ctx, uint64_t start) {
    struct match_trial_sub *sub = ctx;
    sub->offset[sub->offset_count++] = start;
    return sub->offset_count < MATCH_TRIAL_OFFSETS;
}

static sk_err try_sub(struct judged *j, uint32_t number, struct match_trial_sub *out) {
    const struct mt_segment *seg = j->m->segment[j->segment];
    uint32_t sub = seg->sig_sub[j->sig->sub_first + number];
    *out = (struct match_trial_sub){0};
    TRY(count_sub(j, number, UINT64_MAX, &out->count));
    if (out->count == 0 || sub >= seg->sub_count) {
        return sk_ok();
    }
    if ((seg->sub[sub].flags & MT_SUB_SPECIAL) == 0) {
        return pattern_each(&j->m->run, seg, sub, keep_offset, out);
    }
    if ((seg->sub[sub].flags & MT_SUB_COMPARE) == 0) {
        (void)keep_offset(out, j->offset);
    }
    return sk_ok();
}

/* Counts everything. SK_E_LIMIT: what was counted so far stands. */
static sk_err try_subs(struct judged *j, struct match_trial *trial) {
    if ((j->sig->flags & MT_SIG_SPECIAL) != 0) {
        TRY(count_specials(j));
    }
    for (uint32_t i = 0; i < j->sig->sub_count; i++) {
        TRY(try_sub(j, i, &trial->sub[i]));
    }
    return sk_ok();
}

sk_err matcher_explain(struct matcher *m, const struct match_layer *layer,
                       const struct match_sig *which, struct match_trial *out_trial) {
    if (which->segment >= m->segment_count || which->sig >= m->segment[which->segment]->sig_count) {
        return sk_fail(SK_E_USAGE);
    }
    const struct mt_segment *seg = m->segment[which->segment];
    const struct mt_sig *sig = &seg->sig[which->sig];
    struct scan s = {.m = m, .layer = layer};
    bool concerns = false, misplaced = false;
    TRY(concerned(&s, seg, sig, &concerns, &misplaced)); /* proves the ranges */
    struct match_trial *t = out_trial;
    *t = (struct match_trial){.segment = which->segment,
                              .sig = which->sig,
                              .of_target = is_of_target(layer, sig),
                              .sub_count =
                                  sig->sub_count < MT_SUB_MAX ? sig->sub_count : MT_SUB_MAX};
    for (unsigned i = 0; i < sig->attr_count && i < 64; i++) {
        bool holds = attribute_holds(layer, &seg->attr[sig->attr_first + i]);
        t->failed |= (uint64_t)!holds << i;
    }
    struct judged j = {.m = m, .segment = which->segment, .sig = sig};
    struct logic_expr expr = {&seg->node[sig->node_first], sig->node_count, t->sub_count};
    sk_err err = try_subs(&j, t);
    err = sk_failed(err) ? err : logic_eval(&expr, count_sub, &j, &t->holds);
    if (err.code == SK_E_LIMIT) {
        t->limited = true;
        m->run.err = sk_ok();
        return sk_ok();
    }
    return err;
}

sk_err matcher_try(struct matcher *m, const struct match_layer *layer, struct match_budget *budget,
                   const struct match_tries *tries) {
    struct match_trial *trial = mem_zalloc(1, sizeof(*trial));
    sk_err err = trial == NULL ? sk_fail(SK_E_NOMEM) : sk_ok();
    pattern_run_start(&m->run, layer->src, layer->exe, budget);
    for (size_t i = 0; i < tries->count && !sk_failed(err); i++) {
        err = matcher_explain(m, layer, &tries->sig[i], trial);
        if (!sk_failed(err)) {
            tries->tried(tries->ctx, trial);
        }
    }
    m->limited = false;
    counts_clear(&m->counts);
    mem_free(trial);
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
    m->near_miss = false;
    sk_err err = collect(&s, budget);
    if (!sk_failed(err)) {
        err = sift(&s, budget);
    }
    for (size_t i = 0; i < m->sigs.count && !sk_failed(err); i++) {
        err = judge(&s, (unsigned)(m->sigs.id[i] >> 32), (uint32_t)m->sigs.id[i]);
    }
    if (!sk_failed(err) && m->limited) {
        err = sk_fail(SK_E_LIMIT);
    }
    m->limited = false;
    list_clear(&m->sigs, m->sig_bit);
    list_clear(&m->trigs, m->trig_bit);
    counts_clear(&m->counts);
    sieve_clear(&m->sieve);
    return err.code == SK_E_STOP ? sk_ok() : err;
}
