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
 * the askers loaded a window of 256 KiB for each (a quarter of the time on whole literals); nearly
 * in order is enough. Who asks keeps the number of the slot: looking it up for each question was an
 * eighth, a search made ready for one known place another.
 */
#include "match/matcher_private.h"

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

static struct count_slot *slot_at(const struct matcher *m, uint32_t index) {
    return &m->counts.slot[index];
}

static sk_err slot_of(struct matcher *m, unsigned segment, uint32_t sub, uint32_t *out_index) {
    *out_index = counts_index(&m->counts, segment, sub);
    return *out_index == COUNTS_NONE ? sk_fail(SK_E_NOMEM) : sk_ok();
}

/* Will be looked for, once a round. */
static sk_err want_slot(struct matcher *m, uint32_t index) {
    struct count_slot *slot = slot_at(m, index);
    if (slot->wanted || slot->asked > 0 || slot->seen == COUNT_SEEN_PART) {
        return sk_ok();
    }
    uint32_t *grown = mem_grow(m->wanted.item, &m->wanted.cap, m->wanted.count + 1, sizeof(*grown));
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    slot->wanted = true;
    m->wanted.item = grown;
    m->wanted.item[m->wanted.count++] = index;
    return sk_ok();
}

static void learn(struct count_slot *slot, uint8_t seen, uint64_t first) {
    if (seen == COUNT_ABSENT) {
        slot->asked = UINT64_MAX;
        slot->count = 0;
        return;
    }
    slot->seen = seen;
    slot->from = first > slot->from ? first : slot->from;
}

static sk_err keep_places(struct matcher *m, const struct sieve_answer *a) {
    struct key_places *grown =
        mem_grow(m->places.item, &m->places.cap, m->places.count + 1, sizeof(*grown));
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    m->places.item = grown;
    struct key_places *places = &m->places.item[m->places.count++];
    *places = (struct key_places){.count = a->count};
    memcpy(places->at, a->place, a->count * sizeof(a->place[0]));
    slot_at(m, a->who)->places = (uint32_t)m->places.count;
    return sk_ok();
}

static sk_err on_key(void *ctx, const struct sieve_answer *a) {
    struct matcher *m = ctx;
    if (a->count == 0) {
        learn(slot_at(m, a->who), COUNT_ABSENT, 0);
        return sk_ok();
    }
    TRY(a->count <= SIEVE_PLACES ? keep_places(m, a) : sk_ok());
    uint64_t first = a->place[0] > FILTER_STEP_MAX ? a->place[0] - FILTER_STEP_MAX : 0;
    learn(slot_at(m, a->who), COUNT_SEEN_KEY, first);
    return sk_ok();
}

static sk_err run_sieve(struct scan *s, struct match_budget *budget) {
    struct matcher *m = s->m;
    struct filter_job job = {.kernel = filter_kernel_nth(0),
                             .src = look_source(s->layer),
                             .scratch = m->scratch,
                             .tick = budget->tick,
                             .tick_ctx = budget->ctx};
    TRY(sieve_run(&m->sieve, &job, on_key, m));
    m->run.view = NULL; /* the filter has used the source since */
    m->run.view_len = 0;
    return sk_ok();
}

static void learn_answer(struct count_slot *slot, const struct pattern_ask *ask) {
    learn(slot, ask->seen ? COUNT_SEEN_PART : COUNT_ABSENT, ask->key_at);
    if (ask->counted) {
        slot->asked = slot->count = 1;
        slot->first = ask->first;
    }
}

static struct pattern_ask ask_of(const struct matcher *m, const struct count_slot *slot) {
    return (struct pattern_ask){
        .seg = m->segment[slot->segment], .sub = slot->sub, .key_at = slot->from};
}

/* item[0 .. n), n <= PATTERN_ASKS_MAX. */
static sk_err ask_some(struct matcher *m, const uint32_t *item, size_t n) {
    struct pattern_ask ask[PATTERN_ASKS_MAX];
    for (size_t i = 0; i < n; i++) {
        ask[i] = ask_of(m, slot_at(m, item[i]));
    }
    TRY(pattern_ask_all(&m->run, ask, n));
    for (size_t i = 0; i < n; i++) {
        learn_answer(slot_at(m, item[i]), &ask[i]);
    }
    return sk_ok();
}

/* A place where the key of a subsignature stands. */
struct spot {
    uint64_t at;
    uint32_t slot;
};
struct spot_list {
    struct spot *item, *sorted; /* SPOTS_MAX */
    size_t count;
};

#define SPOT_PIECES 1024u

/* By the piece of the layer they lie in; those of a piece stay in the order in which they came. */
static void sort_spots(struct spot_list *spots, uint64_t size) {
    uint32_t first[SPOT_PIECES + 1] = {0};
    unsigned shift = 0;
    while (size >> shift >= SPOT_PIECES) {
        shift++;
    }
    for (size_t i = 0; i < spots->count; i++) {
        first[(spots->item[i].at >> shift) + 1]++;
    }
    for (unsigned i = 1; i <= SPOT_PIECES; i++) {
        first[i] += first[i - 1];
    }
    for (size_t i = 0; i < spots->count; i++) {
        spots->sorted[first[spots->item[i].at >> shift]++] = spots->item[i];
    }
}

static sk_err ask_spot(struct matcher *m, const struct spot *spot) {
    struct count_slot *slot = slot_at(m, spot->slot);
    if (slot->seen == COUNT_SEEN_PART) {
        return sk_ok();
    }
    struct pattern_ask ask = ask_of(m, slot);
    ask.key_at = spot->at;
    TRY(pattern_ask_at(&m->run, &ask));
    if (ask.seen) {
        learn_answer(slot, &ask);
    }
    return sk_ok();
}

/* Asks at all of them nearly in the order of their places, so that the layer is read once. */
static sk_err ask_spots(struct matcher *m, struct spot_list *spots) {
    sort_spots(spots, m->run.src->size);
    for (size_t i = 0; i < spots->count; i++) {
        TRY(ask_spot(m, &spots->sorted[i]));
    }
    for (size_t i = 0; i < spots->count; i++) {
        struct count_slot *slot = slot_at(m, spots->item[i].slot);
        if (slot->seen != COUNT_SEEN_PART) {
            learn(slot, COUNT_ABSENT, 0);
        }
    }
    spots->count = 0;
    return sk_ok();
}

static void add_spots(struct spot_list *spots, uint32_t slot, const struct key_places *places) {
    for (unsigned i = 0; i < places->count; i++) {
        spots->item[spots->count++] = (struct spot){places->at[i], slot};
    }
}

/* Puts what is new and suits it into the sieve; the others stay wanted. */
static sk_err sieve_some(struct matcher *m) {
    size_t kept = 0;
    for (size_t i = 0; i < m->wanted.count; i++) {
        uint32_t index = m->wanted.item[i];
        struct count_slot *slot = slot_at(m, index);
        const struct mt_segment *seg = m->segment[slot->segment];
        const struct mt_part *part = slot->seen == 0 ? sieve_part(seg, slot->sub) : NULL;
        if (part == NULL) {
            m->wanted.item[kept++] = index;
            continue;
        }
        slot->wanted = false;
        TRY(sieve_add(&m->sieve, index, seg, part));
    }
    m->wanted.count = kept;
    return sk_ok();
}

/* Asks for all whose places are known, which takes no search; the others stay wanted. */
static sk_err ask_known(struct matcher *m, bool *out_any) {
    MEM_AUTO struct spot *item = NULL;
    struct spot_list spots = {NULL, NULL, 0};
    size_t kept = 0;
    for (size_t i = 0; i < m->wanted.count; i++) {
        uint32_t index = m->wanted.item[i];
        struct count_slot *slot = slot_at(m, index);
        if (slot->places == 0) {
            m->wanted.item[kept++] = index;
            continue;
        }
        slot->wanted = false;
        if (item == NULL) {
            item = spots.item = mem_alloc(2 * SPOTS_MAX * sizeof(*item));
            TRY(item == NULL ? sk_fail(SK_E_NOMEM) : sk_ok());
            spots.sorted = item + SPOTS_MAX;
        }
        add_spots(&spots, index, &m->places.item[slot->places - 1]);
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
        uint32_t slot;
        if (sieve_part(seg, sub_of(&j, i)) != NULL) {
            TRY(slot_of(s->m, t->segment, sub_of(&j, i), &slot));
            TRY(want_slot(s->m, slot));
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
static void want_nothing(struct matcher *m) {
    for (size_t i = 0; i < m->wanted.count; i++) {
        slot_at(m, m->wanted.item[i])->wanted = false;
    }
    m->wanted.count = 0;
}

static void put_out(struct scan *s, struct touched *t) {
    t->out = true;
    s->m->stats.evaluated++;
}

/* Asks for one member: *out_waits when the answer comes at the end of the round. */
static sk_err ask_member(struct scan *s, struct touched *t, struct ask ask, bool *out_waits) {
    struct judged j = judged_of(s, t);
    const struct count_slot *slot = slot_at(s->m, ask.slot);
    uint64_t count = slot->asked > 0 ? slot->count : 1;
    if (slot->asked == 0 && ask.urgency == ASK_AT_ONCE) {
        TRY(judge_count(&j, ask.number, 1, &count));
    } else if (slot->asked == 0 && ask.urgency > 0 && slot->seen != COUNT_SEEN_PART) {
        *out_waits = true;
        return want_slot(s->m, ask.slot);
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
        TRY(slot_of(s->m, t->segment, sub_of(&j, order[i].number), &order[i].slot));
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
    want_nothing(s->m);
    return sk_ok();
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
