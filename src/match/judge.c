// SPDX-License-Identifier: Apache-2.0
/*
 * Phase 2 of matcher.c: one touched signature on the whole layer.
 *
 *   target -> attributes -> members that must occur, most urgent first -> special ones ->
 * expression -> icons
 *
 * A missing member ends it after one search, and whatever was counted is remembered in counts.h, so
 * nothing is searched twice, whichever signature asks. A special member that fails ends it as well:
 * of two regular expressions that must both match the second is not run (two thirds of what they
 * cost on change logs).
 */
#include "match/matcher_private.h"

#include "base/mem.h"
#include "match/attribute.h"
#include "match/compare.h"
#include "match/find.h"
#include "match/macro.h"

static bool is_of_target(const struct match_layer *layer, const struct mt_sig *sig) {
    return sig->target == SK_TARGET_ANY || sig->target == (uint8_t)layer->target;
}

sk_err judge_concerned(const struct scan *s, const struct mt_segment *seg, const struct mt_sig *sig,
                       bool *out_concerns, bool *out_misplaced) {
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

/* ---- judging --------------------------------------------------------------------------------- */

sk_err judge_count(void *ctx, uint32_t number, uint64_t want, uint64_t *out_count) {
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
        const struct key_places *places =
            slot->places > 0 ? &j->m->places.item[slot->places - 1] : NULL;
        j->m->run.from = slot->from;
        j->m->run.place = places != NULL ? places->at : NULL;
        j->m->run.place_count = places != NULL ? places->count : 0;
        sk_err err = pattern_count(&j->m->run, seg, sub, want, &hits);
        j->m->run.from = 0;
        j->m->run.place = NULL;
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

#define PROGRAM_LOOK_MAX ((uint32_t)64 * 1024)
/* The literal of a trigger lies in one piece in a program. */
bool judge_holds_trigger(const struct judged *j, uint32_t number) {
    const struct mt_segment *seg = j->m->segment[j->segment];
    uint32_t index = seg->sig_sub[j->sig->sub_first + number];
    if (j->trig >= seg->trig_count || index >= seg->sub_count) {
        return false;
    }
    const struct mt_trig *t = &seg->trig[j->trig];
    const struct mt_sub *sub = &seg->sub[index];
    if ((uint64_t)t->lit + t->len > seg->lit_len) {
        return false;
    }
    for (uint32_t k = 0; k < sub->part_count && sub->part_first + k < seg->part_count; k++) {
        const struct mt_part *part = &seg->part[sub->part_first + k];
        /* No compiler makes longer programs, and nobody counts the time. */
        if ((uint64_t)part->prog + part->prog_len <= seg->prog_len &&
            part->prog_len <= PROGRAM_LOOK_MAX &&
            memmem(seg->prog + part->prog, part->prog_len, seg->lit + t->lit, t->len) != NULL) {
            return true;
        }
    }
    return false;
}

/* How soon to ask for a necessary subsignature: at fixed places first (cheap), then the one most
 * likely to be missing, by the bytes of the key that will be looked for; last those without a key.
 * (By its length, "sp" was looked for in all of a text before two backquotes were.) */
static uint32_t urgency(const struct judged *j, uint32_t sub_index) {
    const struct mt_segment *seg = j->m->segment[j->segment];
    if (sub_index >= seg->sub_count) {
        return 0; /* damaged: found out when it is counted */
    }
    const struct mt_sub *sub = &seg->sub[sub_index];
    if (sub->off_kind != MT_OFF_ANY) {
        return ASK_AT_ONCE;
    }
    const struct mt_part *longest = NULL; /* the first of them, as in pattern.c */
    for (uint32_t k = 0; k < sub->part_count && sub->part_first + k < seg->part_count; k++) {
        const struct mt_part *part = &seg->part[sub->part_first + k];
        longest = longest == NULL || part->key_len > longest->key_len ? part : longest;
    }
    if (longest == NULL || (uint64_t)longest->key + longest->key_len > seg->lit_len) {
        return 0;
    }
    return find_rarity(seg->lit + longest->key, longest->key_len);
}

/* Does this node need a hit of its subsignature? */
static bool needs_a_hit(const struct mt_node *node, uint32_t sub_count) {
    bool positive = node->cmp == MT_CMP_NONE || node->cmp == MT_CMP_GT ||
                    (node->cmp == MT_CMP_EQ && node->value > 0);
    return node->op == MT_NODE_SUB && positive && node->arg < sub_count;
}

unsigned judge_necessary(const struct judged *j, struct ask out[MT_SUB_MAX]) {
    const struct mt_segment *seg = j->m->segment[j->segment];
    const struct mt_node *nodes = &seg->node[j->sig->node_first];
    uint32_t count = j->sig->node_count;
    unsigned n = 0;
    if (count == 0 || nodes[0].op != MT_NODE_AND || nodes[0].cmp != MT_CMP_NONE) {
        return 0;
    }
    for (uint32_t i = 1; i < count && n<MT_SUB_MAX; i += nodes[i].size> 0 ? nodes[i].size : count) {
        if (!needs_a_hit(&nodes[i], j->sig->sub_count)) {
            continue;
        }
        uint32_t sub = seg->sig_sub[j->sig->sub_first + nodes[i].arg];
        if (sub < seg->sub_count && (seg->sub[sub].flags & MT_SUB_SPECIAL) != 0) {
            continue; /* costly, and not known yet */
        }
        struct ask ask = {.number = nodes[i].arg, .urgency = urgency(j, sub)};
        unsigned at = n++;
        for (; at > 0 && out[at - 1].urgency < ask.urgency; at--) {
            out[at] = out[at - 1];
        }
        out[at] = ask;
    }
    return n;
}

/* An AND (96 % of the official signatures) is asked for its members before the expression is
 * evaluated in order. */
static sk_err lacks_a_member(struct judged *j, bool *out_lacks) {
    struct ask order[MT_SUB_MAX];
    unsigned n = judge_necessary(j, order);
    uint64_t count = 1;
    for (unsigned i = 0; i < n && count > 0; i++) {
        TRY(judge_count(j, order[i].number, 1, &count));
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
    return number < sp->number ? judge_count(sp->judged, number, want, out_count)
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

#define BODIES UINT32_MAX /* all that are not special */

/*
 * Does a member of the AND at the root fail, one that is a subsignature by itself? Asked of the
 * bodies before, and of a special one after it has been counted: then no count of a later one
 * changes what the expression gives, and regular expressions are the dearest question of all.
 */
static sk_err member_fails(struct judged *j, uint32_t number, bool *out_fails) {
    const struct mt_segment *seg = j->m->segment[j->segment];
    const struct mt_node *nodes = &seg->node[j->sig->node_first];
    uint32_t count = j->sig->node_count;
    bool holds = true;
    if (count == 0 || nodes[0].op != MT_NODE_AND || nodes[0].cmp != MT_CMP_NONE) {
        count = 0;
    }
    for (uint32_t i = 1; i < count && holds; i += nodes[i].size > 0 ? nodes[i].size : count) {
        const struct mt_node *node = &nodes[i];
        if (node->op != MT_NODE_SUB || node->arg >= j->sig->sub_count) {
            continue;
        }
        uint32_t sub = seg->sig_sub[j->sig->sub_first + node->arg];
        bool special = sub >= seg->sub_count || (seg->sub[sub].flags & MT_SUB_SPECIAL) != 0;
        if (number == BODIES ? !special : node->arg == number) {
            const struct logic_expr member = {node, 1, j->sig->sub_count};
            TRY(logic_eval(&member, judge_count, j, &holds));
        }
    }
    *out_fails = !holds;
    return sk_ok();
}

/* Counts the special subsignatures of a signature, in their order, before its expression is asked.
 * Each is counted in full, because it is asked for in more than one way. *out_fails: the expression
 * cannot hold any more, the rest was not counted; NULL: all are to be counted. */
static sk_err count_specials(struct judged *j, bool *out_fails) {
    const struct mt_segment *seg = j->m->segment[j->segment];
    bool fails = false;
    if (out_fails != NULL) {
        TRY(member_fails(j, BODIES, &fails));
    }
    for (uint32_t i = 0; i < j->sig->sub_count && !fails; i++) {
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
        if (out_fails != NULL) {
            TRY(member_fails(j, i, &fails));
        }
    }
    if (out_fails != NULL) {
        *out_fails = fails;
    }
    return sk_ok();
}

static bool icons_hold(struct matcher *m, const struct match_layer *layer,
                       const struct mt_segment *seg, const struct mt_sig *sig) {
    bool hold = attribute_icons_hold(layer, seg, sig);
    m->run.view = NULL; /* the source has been used since */
    m->run.view_len = 0;
    return hold;
}

sk_err judge(struct scan *s, const struct touched *t) {
    unsigned segment = t->segment;
    uint32_t index = t->index;
    const struct mt_segment *seg = s->m->segment[segment];
    const struct mt_sig *sig = &seg->sig[index];
    bool concerns = false, misplaced = false;
    TRY(judge_concerned(s, seg, sig, &concerns, &misplaced));
    if (!concerns && (!misplaced || s->m->near_miss)) {
        return sk_ok();
    }
    s->m->stats.evaluated++;
    struct judged j = {
        .m = s->m, .segment = segment, .sig = sig, .layer = s->layer, .trig = t->trig};
    struct logic_expr expr = {&seg->node[sig->node_first], sig->node_count, sig->sub_count};
    bool lacks = false, holds = false;
    TRY(lacks_a_member(&j, &lacks));
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
        TRY(count_specials(&j, &lacks));
        if (lacks) {
            return sk_ok();
        }
    }
    TRY(logic_eval(&expr, judge_count, &j, &holds));
    if (!holds) {
        return sk_ok();
    }
    if (misplaced) {
        s->m->near_miss = true;
        return sk_ok();
    }
    if ((sig->flags & MT_SIG_ICON) != 0 && !icons_hold(s->m, s->layer, seg, sig)) {
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
    TRY(judge_count(j, number, UINT64_MAX, &out->count));
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
        TRY(count_specials(j, NULL));
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
    TRY(judge_concerned(&s, seg, sig, &concerns, &misplaced)); /* proves the ranges */
    struct match_trial *t = out_trial;
    *t = (struct match_trial){.segment = which->segment,
                              .sig = which->sig,
                              .of_target = is_of_target(layer, sig),
                              .sub_count =
                                  sig->sub_count < MT_SUB_MAX ? sig->sub_count : MT_SUB_MAX};
    bool icons = (sig->flags & MT_SIG_ICON) == 0 || icons_hold(m, layer, seg, sig);
    for (unsigned i = 0; i < sig->attr_count && i < 64; i++) {
        const struct mt_attr *attr = &seg->attr[sig->attr_first + i];
        bool holds = attribute_holds(layer, attr) && (icons || !attribute_is_icon(attr));
        t->failed |= (uint64_t)!holds << i;
    }
    struct judged j = {.m = m, .segment = which->segment, .sig = sig, .trig = MATCH_NO_TRIG};
    struct logic_expr expr = {&seg->node[sig->node_first], sig->node_count, t->sub_count};
    sk_err err = try_subs(&j, t);
    err = sk_failed(err) ? err : logic_eval(&expr, judge_count, &j, &t->holds);
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
