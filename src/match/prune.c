// SPDX-License-Identifier: Apache-2.0
/*
 * Between the phases: a touched signature is out when one necessary subsignature is not there.
 *
 *   first    of each signature one subsignature, the one most likely to be missing and not the one
 *            whose trigger was found: few are looked for together (pattern_ask_all), many with the
 *            sieve
 *   second   all that the signatures left over may ask for, with the sieve, when there are many
 *
 * An ordinary ELF file touches five signatures of up to fifteen subsignatures and matches none.
 * Looking for all of their keys at once took a second pass over the file, with a table made for it,
 * more than the filter itself; a few searches for one literal are a tenth of that. Tried before:
 * the sieve for everything straight away.
 */
#include "match/matcher_private.h"

/* The part to look for: the first with the longest key, as in pattern.c. NULL: this subsignature is
 * not for the sieve (anchored, of two forms, damaged, or without a key long enough). */
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

/* Will be looked for, once. */
static sk_err want_sub(struct matcher *m, unsigned segment, uint32_t sub) {
    const struct mt_segment *seg = m->segment[segment];
    struct count_slot *slot = counts_slot(&m->counts, segment, sub);
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    if (slot->sieved || slot->asked > 0) {
        return sk_ok();
    }
    slot->sieved = true;
    if (m->ask_count < PATTERN_ASKS_MAX) {
        m->ask[m->ask_count] = (struct pattern_ask){.seg = seg, .sub = sub};
        m->ask_segment[m->ask_count] = segment;
    }
    m->ask_count++;
    const struct mt_part *part = sieve_part(seg, sub);
    return part != NULL ? sieve_add(&m->sieve, segment, seg, sub, part) : sk_ok();
}

static sk_err on_key(void *ctx, unsigned segment, uint32_t sub_index, uint64_t first) {
    struct matcher *m = ctx;
    struct count_slot *slot = counts_slot(&m->counts, segment, sub_index);
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    if (first == SIEVE_ABSENT) {
        slot->asked = UINT64_MAX;
        slot->count = 0;
        return sk_ok();
    }
    slot->seen = true;
    slot->from = first;
    return sk_ok();
}

static sk_err run_sieve(struct scan *s, struct match_budget *budget) {
    struct matcher *m = s->m;
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

static sk_err ask_all(struct matcher *m) {
    TRY(pattern_ask_all(&m->run, m->ask, m->ask_count));
    for (unsigned i = 0; i < m->ask_count; i++) {
        const struct pattern_ask *ask = &m->ask[i];
        bool one_form = ask->seg->sub[ask->sub].also == MT_NO_SUB;
        uint64_t first = !ask->seen ? SIEVE_ABSENT : one_form ? ask->key_at : 0;
        TRY(on_key(m, m->ask_segment[i], ask->sub, first));
    }
    return sk_ok();
}

/* Looks for what is wanted, and wants nothing any more. */
static sk_err look(struct scan *s, struct match_budget *budget) {
    struct matcher *m = s->m;
    sk_err err = m->ask_count == 0                  ? sk_ok()
                 : m->ask_count <= PATTERN_ASKS_MAX ? ask_all(m)
                                                    : run_sieve(s, budget);
    m->ask_count = 0;
    sieve_clear(&m->sieve);
    return err;
}

static struct judged judged_of(const struct scan *s, const struct touched *t) {
    return (struct judged){.m = s->m,
                           .segment = t->segment,
                           .sig = &s->m->segment[t->segment]->sig[t->index],
                           .layer = s->layer,
                           .trig = t->trig};
}

static uint32_t sub_of(const struct judged *j, uint32_t number) {
    return j->m->segment[j->segment]->sig_sub[j->sig->sub_first + number];
}

/* Members at fixed places are looked at here and now; of the others the first is chosen. */
static sk_err choose_ask(struct scan *s, struct touched *t) {
    struct ask order[MT_SUB_MAX];
    struct judged j = judged_of(s, t);
    unsigned n = judge_necessary(&j, order);
    for (unsigned i = 0; i < n && !t->out && !t->asks; i++) {
        if (order[i].urgency == ASK_AT_ONCE) {
            uint64_t count = 0;
            TRY(judge_count(&j, order[i].number, 1, &count));
            t->out = count == 0;
        } else if (order[i].urgency > 0) {
            t->asks = true;
            t->ask = (uint8_t)order[i].number;
        }
    }
    return sk_ok();
}

static sk_err first_of(struct scan *s, struct touched *t) {
    const struct mt_segment *seg = s->m->segment[t->segment];
    bool concerns = false, misplaced = false;
    TRY(judge_concerned(s, seg, &seg->sig[t->index], &concerns, &misplaced));
    t->out = !concerns && !misplaced;
    if (t->out) {
        return sk_ok();
    }
    TRY(choose_ask(s, t));
    s->m->stats.evaluated += t->out;
    struct judged j = judged_of(s, t);
    return t->asks && !t->out ? want_sub(s->m, t->segment, sub_of(&j, t->ask)) : sk_ok();
}

static sk_err answer_of(struct scan *s, struct touched *t) {
    if (t->out || !t->asks) {
        return sk_ok();
    }
    struct judged j = judged_of(s, t);
    struct count_slot *slot = counts_slot(&s->m->counts, t->segment, sub_of(&j, t->ask));
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    t->out = slot->asked > 0 && slot->count == 0;
    s->m->stats.evaluated += t->out;
    return sk_ok();
}

/* All that a signature which is still in may ask for. */
static sk_err rest_of(struct scan *s, const struct touched *t) {
    const struct mt_segment *seg = s->m->segment[t->segment];
    struct judged j = judged_of(s, t);
    for (uint32_t i = 0; i < j.sig->sub_count && !t->out; i++) {
        if (sieve_part(seg, sub_of(&j, i)) != NULL) {
            TRY(want_sub(s->m, t->segment, sub_of(&j, i)));
        }
    }
    return sk_ok();
}

sk_err prune(struct scan *s, struct match_budget *budget) {
    struct touched_list *sigs = &s->m->sigs;
    for (size_t i = 0; i < sigs->count; i++) {
        TRY(first_of(s, &sigs->item[i]));
    }
    TRY(look(s, budget));
    for (size_t i = 0; i < sigs->count; i++) {
        TRY(answer_of(s, &sigs->item[i]));
        TRY(rest_of(s, &sigs->item[i]));
    }
    /* few are looked for as they are asked for */
    if (s->m->ask_count <= PATTERN_ASKS_MAX) {
        s->m->ask_count = 0;
    }
    return look(s, budget);
}
