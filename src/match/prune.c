// SPDX-License-Identifier: Apache-2.0
/*
 * Between the phases: a touched signature is out when one necessary subsignature is not there.
 *
 *   rounds   each signature that is still in asks for one subsignature, the one most likely to be
 *            missing, last the one whose trigger was found; all that are asked for are looked for
 *            together: many by their keys (sieve.h), then, where places of a key are known, at
 *            those (one sweep over the layer, in the order of places), else by their rarest part
 *            (pattern_ask_all)
 *   rest     all that the signatures left over may ask for, with the sieve, when there are many
 *
 * An ordinary ELF file touches five signatures of up to fifteen subsignatures and matches none.
 * Looking for all of their keys at once took a second pass over the file, with a table made for it,
 * more than the filter itself; a few searches for one literal are a tenth of that. A file made of
 * the signatures' own bytes touches thousands: one search each over the whole layer reads it from
 * memory each time. Tried before: the sieve for everything straight away; one round. Once few
 * enough are left in, a sieve is for everything: by then most of that will be found.
 *
 * What a signature asks for is put in order once: done anew in every round that was a fifth of the
 * time on the first eight bytes of signatures as a Windows program. Known places in the order of
 * the askers loaded a window of 256 KiB for each (a quarter of the time on whole literals).
 */
#include "match/matcher_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FEW 48u            /* so many are looked for without the sieve */
#define REST_FEW 24u       /* so many are left to judge.c, which asks for few of them */
#define REST_MANY 16384u   /* of more signatures not all is looked for at once */
#define ROUNDS_MAX 8u      /* most signatures are out after one */
#define SPOTS_MAX 32768u   /* asked at in one sweep over the layer */
#define SEARCHES_MAX 1024u /* of pattern_ask_all for one layer; the others are left to judge.c */

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

/* Will be looked for, once a round. */
static sk_err want_sub(struct matcher *m, unsigned segment, uint32_t sub) {
    struct count_slot *slot = counts_slot(&m->counts, segment, sub);
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    if (slot->wanted || slot->asked > 0 || slot->seen == COUNT_SEEN_PART) {
        return sk_ok();
    }
    struct wanted *grown =
        mem_grow(m->wanted.item, &m->wanted.cap, m->wanted.count + 1, sizeof(*grown));
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    slot->wanted = true;
    m->wanted.item = grown;
    m->wanted.item[m->wanted.count++] = (struct wanted){segment, sub};
    return sk_ok();
}

static sk_err learn(struct matcher *m, struct wanted w, uint8_t seen, uint64_t first) {
    struct count_slot *slot = counts_slot(&m->counts, w.segment, w.sub);
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    if (seen == COUNT_ABSENT) {
        slot->asked = UINT64_MAX;
        slot->count = 0;
        return sk_ok();
    }
    slot->seen = seen;
    slot->from = first > slot->from ? first : slot->from;
    return sk_ok();
}

static sk_err keep_places(struct matcher *m, const struct sieve_answer *a) {
    struct key_places *grown =
        mem_grow(m->places.item, &m->places.cap, m->places.count + 1, sizeof(*grown));
    struct count_slot *slot = counts_slot(&m->counts, a->segment, a->sub);
    m->places.item = grown != NULL ? grown : m->places.item;
    if (grown == NULL || slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    struct key_places *places = &m->places.item[m->places.count++];
    *places = (struct key_places){.count = a->count};
    memcpy(places->at, a->place, a->count * sizeof(a->place[0]));
    slot->places = (uint32_t)m->places.count;
    return sk_ok();
}

static sk_err on_key(void *ctx, const struct sieve_answer *a) {
    struct wanted w = {a->segment, a->sub};
    if (a->count == 0) {
        return learn(ctx, w, COUNT_ABSENT, 0);
    }
    TRY(a->count <= SIEVE_PLACES ? keep_places(ctx, a) : sk_ok());
    uint64_t first = a->place[0] > FILTER_STEP_MAX ? a->place[0] - FILTER_STEP_MAX : 0;
    return learn(ctx, w, COUNT_SEEN_KEY, first);
}

static sk_err run_sieve(struct scan *s, struct match_budget *budget) {
    struct matcher *m = s->m;
    struct filter_job job = {.kernel = filter_kernel_nth(0),
                             .src = s->layer->src,
                             .scratch = m->scratch,
                             .tick = budget->tick,
                             .tick_ctx = budget->ctx};
    TRY(sieve_run(&m->sieve, &job, on_key, m));
    m->run.view = NULL; /* the filter has used the source since */
    m->run.view_len = 0;
    return sk_ok();
}

static sk_err learn_answer(struct matcher *m, struct wanted w, const struct pattern_ask *ask) {
    TRY(learn(m, w, ask->seen ? COUNT_SEEN_PART : COUNT_ABSENT, ask->key_at));
    struct count_slot *slot = counts_slot(&m->counts, w.segment, w.sub);
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    if (ask->counted) {
        slot->asked = slot->count = 1;
        slot->first = ask->first;
    }
    return sk_ok();
}

/* item[0 .. n), n <= PATTERN_ASKS_MAX. */
static sk_err ask_some(struct matcher *m, const struct wanted *item, size_t n) {
    struct pattern_ask ask[PATTERN_ASKS_MAX];
    for (size_t i = 0; i < n; i++) {
        struct count_slot *slot = counts_slot(&m->counts, item[i].segment, item[i].sub);
        if (slot == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
        ask[i] = (struct pattern_ask){
            .seg = m->segment[item[i].segment], .sub = item[i].sub, .key_at = slot->from};
    }
    TRY(pattern_ask_all(&m->run, ask, n));
    for (size_t i = 0; i < n; i++) {
        TRY(learn_answer(m, item[i], &ask[i]));
    }
    return sk_ok();
}

/* A place where the key of a subsignature stands. */
struct spot {
    uint64_t at;
    struct wanted what;
};
struct spot_list {
    struct spot *item; /* SPOTS_MAX */
    size_t count;
};

static int by_place(const void *a, const void *b) {
    uint64_t x = ((const struct spot *)a)->at, y = ((const struct spot *)b)->at;
    return x < y ? -1 : x > y;
}

static sk_err ask_spot(struct matcher *m, const struct spot *spot) {
    struct pattern_ask ask = {
        .seg = m->segment[spot->what.segment], .sub = spot->what.sub, .key_at = spot->at};
    const struct count_slot *slot = counts_slot(&m->counts, spot->what.segment, spot->what.sub);
    if (slot == NULL || slot->seen == COUNT_SEEN_PART) {
        return slot == NULL ? sk_fail(SK_E_NOMEM) : sk_ok();
    }
    TRY(pattern_ask_at(&m->run, &ask));
    return ask.seen ? learn_answer(m, spot->what, &ask) : sk_ok();
}

/* Asks at all of them in the order of their places, so that the layer is read once. */
static sk_err ask_spots(struct matcher *m, struct spot_list *spots) {
    qsort(spots->item, spots->count, sizeof(*spots->item), by_place);
    for (size_t i = 0; i < spots->count; i++) {
        TRY(ask_spot(m, &spots->item[i]));
    }
    for (size_t i = 0; i < spots->count; i++) {
        struct wanted w = spots->item[i].what;
        const struct count_slot *slot = counts_slot(&m->counts, w.segment, w.sub);
        if (slot == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
        TRY(slot->seen != COUNT_SEEN_PART ? learn(m, w, COUNT_ABSENT, 0) : sk_ok());
    }
    spots->count = 0;
    return sk_ok();
}

static void add_spots(struct spot_list *spots, struct wanted w, const struct key_places *places) {
    for (unsigned i = 0; i < places->count; i++) {
        spots->item[spots->count++] = (struct spot){places->at[i], w};
    }
}

/* Puts what is new and suits it into the sieve; the others stay wanted. */
static sk_err sieve_some(struct matcher *m) {
    size_t kept = 0;
    for (size_t i = 0; i < m->wanted.count; i++) {
        struct wanted w = m->wanted.item[i];
        const struct mt_segment *seg = m->segment[w.segment];
        const struct mt_part *part = sieve_part(seg, w.sub);
        struct count_slot *slot = counts_slot(&m->counts, w.segment, w.sub);
        if (slot == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
        if (part == NULL || slot->seen != 0) {
            m->wanted.item[kept++] = w;
            continue;
        }
        slot->wanted = false;
        TRY(sieve_add(&m->sieve, (struct sieve_asker){w.segment, w.sub, 0}, seg, part));
    }
    m->wanted.count = kept;
    return sk_ok();
}

/* Asks for all whose places are known, which takes no search; the others stay wanted. */
static sk_err ask_known(struct matcher *m, bool *out_any) {
    MEM_AUTO struct spot *item = NULL;
    struct spot_list spots = {NULL, 0};
    size_t kept = 0;
    for (size_t i = 0; i < m->wanted.count; i++) {
        struct wanted w = m->wanted.item[i];
        struct count_slot *slot = counts_slot(&m->counts, w.segment, w.sub);
        if (slot == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
        if (slot->places == 0) {
            m->wanted.item[kept++] = w;
            continue;
        }
        slot->wanted = false;
        if (item == NULL) {
            item = spots.item = mem_alloc(SPOTS_MAX * sizeof(*item));
            TRY(item == NULL ? sk_fail(SK_E_NOMEM) : sk_ok());
        }
        add_spots(&spots, w, &m->places.item[slot->places - 1]);
        TRY(spots.count > SPOTS_MAX - SIEVE_PLACES ? ask_spots(m, &spots) : sk_ok());
    }
    *out_any = kept < m->wanted.count;
    m->wanted.count = kept;
    return spots.count > 0 ? ask_spots(m, &spots) : sk_ok();
}

struct hunt {
    unsigned searches; /* of pattern_ask_all */
    unsigned sieves;
    size_t in;   /* signatures */
    bool rested; /* all that they may ask for was looked for */
};

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

static sk_err want_rest_of(struct scan *s, const struct touched *t) {
    const struct mt_segment *seg = s->m->segment[t->segment];
    struct judged j = judged_of(s, t);
    for (uint32_t i = 0; i < j.sig->sub_count && !t->out; i++) {
        if (sieve_part(seg, sub_of(&j, i)) != NULL) {
            TRY(want_sub(s->m, t->segment, sub_of(&j, i)));
        }
    }
    return sk_ok();
}

/* All that signatures which are still in may ask for. */
static sk_err want_rest(struct scan *s, struct hunt *hunt) {
    for (size_t i = 0; i < s->m->sigs.count && !hunt->rested; i++) {
        TRY(want_rest_of(s, &s->m->sigs.item[i]));
    }
    hunt->rested = true;
    return sk_ok();
}

/* Looks for what is wanted. When the first sieve left many in, the second is for all that they may
 * ask for: one pass more instead of one for each round. But of too many most would be looked for in
 * vain, because their signatures go out, and there would be no room for the others' keys. *out_any:
 * something was looked for. */
static sk_err look(struct scan *s, struct match_budget *budget, struct hunt *hunt, bool *out_any) {
    struct matcher *m = s->m;
    *out_any = false;
    if (m->wanted.count > FEW) {
        TRY(hunt->sieves > 0 && hunt->in <= REST_MANY ? want_rest(s, hunt) : sk_ok());
        size_t wanted = m->wanted.count;
        hunt->sieves++;
        TRY(sieve_some(m));
        TRY(run_sieve(s, budget));
        sieve_clear(&m->sieve);
        *out_any = m->wanted.count < wanted;
    }
    bool any = false;
    TRY(ask_known(m, &any));
    *out_any = *out_any || any;
    size_t n = 0;
    for (; n < m->wanted.count && hunt->searches < SEARCHES_MAX; n += PATTERN_ASKS_MAX) {
        size_t left = m->wanted.count - n;
        left = left < PATTERN_ASKS_MAX ? left : PATTERN_ASKS_MAX;
        TRY(ask_some(m, &m->wanted.item[n], left));
        hunt->searches += (unsigned)left;
        *out_any = true;
    }
    return sk_ok();
}

/* What was not looked for may be wanted again in the next round. */
static sk_err want_nothing(struct matcher *m) {
    for (size_t i = 0; i < m->wanted.count; i++) {
        struct wanted w = m->wanted.item[i];
        struct count_slot *slot = counts_slot(&m->counts, w.segment, w.sub);
        if (slot == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
        slot->wanted = false;
    }
    m->wanted.count = 0;
    return sk_ok();
}

static void put_out(struct scan *s, struct touched *t) {
    t->out = true;
    s->m->stats.evaluated++;
}

/* Asks for one member: *out_waits when the answer comes at the end of the round. */
static sk_err ask_member(struct scan *s, struct touched *t, struct ask ask, bool *out_waits) {
    struct judged j = judged_of(s, t);
    struct count_slot *slot = counts_slot(&s->m->counts, t->segment, sub_of(&j, ask.number));
    if (slot == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    uint64_t count = slot->asked > 0 ? slot->count : 1;
    if (slot->asked == 0 && ask.urgency == ASK_AT_ONCE) {
        TRY(judge_count(&j, ask.number, 1, &count));
    } else if (slot->asked == 0 && ask.urgency > 0 && slot->seen != COUNT_SEEN_PART) {
        *out_waits = true;
        return want_sub(s->m, t->segment, sub_of(&j, ask.number));
    }
    if (count == 0) {
        put_out(s, t);
    }
    return sk_ok();
}

/* In which order it will ask: most urgent first, but the one whose trigger was found comes last. */
static sk_err put_in_order(struct scan *s, struct touched *t) {
    struct ask order[MT_SUB_MAX];
    struct judged j = judged_of(s, t);
    struct ask_list *list = &s->m->asks;
    unsigned n = judge_necessary(&j, order), late = 0;
    if (n == 0) {
        return sk_ok();
    }
    struct ask *grown = mem_grow(list->item, &list->cap, list->count + n, sizeof(*grown));
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    list->item = grown;
    t->ask_at = (uint32_t)list->count;
    for (unsigned i = 0; i < n; i++) {
        if (judge_holds_trigger(&j, order[i].number)) {
            order[late++] = order[i];
        } else {
            list->item[list->count++] = order[i];
        }
    }
    memcpy(&list->item[list->count], order, late * sizeof(order[0]));
    list->count += late;
    t->ask_end = (uint32_t)list->count;
    return sk_ok();
}

/* The next member that nothing is known of. */
static sk_err ask_next(struct scan *s, struct touched *t) {
    bool waits = false;
    TRY(t->ask_end == 0 ? put_in_order(s, t) : sk_ok());
    for (; t->ask_at < t->ask_end && !t->out && !waits; t->ask_at += !waits) {
        TRY(ask_member(s, t, s->m->asks.item[t->ask_at], &waits));
    }
    t->settled = !waits;
    return sk_ok();
}

static sk_err leave_out_foreign(struct scan *s) {
    struct touched_list *sigs = &s->m->sigs;
    for (size_t i = 0; i < sigs->count; i++) {
        struct touched *t = &sigs->item[i];
        const struct mt_segment *seg = s->m->segment[t->segment];
        bool concerns = false, misplaced = false;
        TRY(judge_concerned(s, seg, &seg->sig[t->index], &concerns, &misplaced));
        t->out = !concerns && !misplaced;
    }
    return sk_ok();
}

/* *out_any: false when nothing could be looked for, so nothing will be. */
static sk_err run_round(struct scan *s, struct match_budget *budget, struct hunt *hunt,
                        bool *out_any) {
    struct touched_list *sigs = &s->m->sigs;
    hunt->in = 0;
    for (size_t i = 0; i < sigs->count; i++) {
        struct touched *t = &sigs->item[i];
        TRY(t->out || t->settled ? sk_ok() : ask_next(s, t));
        hunt->in += !t->out;
    }
    TRY(look(s, budget, hunt, out_any));
    return want_nothing(s->m);
}

static bool all_settled(const struct touched_list *sigs) {
    bool all = true;
    for (size_t i = 0; i < sigs->count && all; i++) {
        all = sigs->item[i].out || sigs->item[i].settled;
    }
    return all;
}

static sk_err narrow_down(struct scan *s, struct match_budget *budget) {
    struct matcher *m = s->m;
    struct hunt hunt = {0};
    bool any = true;
    TRY(leave_out_foreign(s));
    for (unsigned round = 0; round < ROUNDS_MAX && any && !all_settled(&m->sigs); round++) {
        TRY(run_round(s, budget, &hunt, &any));
    }
    TRY(want_rest(s, &hunt));
    if (m->wanted.count > REST_FEW) {
        TRY(sieve_some(m));
        TRY(run_sieve(s, budget));
    }
    return sk_ok();
}

/* Half of the steps at most: signatures touched early may hold without any of this. What a limit of
 * one signature left out here is asked for again by judge.c, in its order. */
sk_err prune(struct scan *s, struct match_budget *budget) {
    struct matcher *m = s->m;
    struct match_budget own = *budget;
    own.steps /= 2;
    budget->steps -= own.steps;
    m->run.budget = &own;
    sk_err err = narrow_down(s, &own);
    m->run.budget = budget;
    budget->steps += own.steps;
    if (err.code == SK_E_LIMIT && (budget->tick == NULL || budget->tick(budget->ctx))) {
        m->run.err = sk_ok();
        m->run.view = NULL; /* the filter may have been at work */
        m->run.view_len = 0;
        return sk_ok();
    }
    return err;
}
