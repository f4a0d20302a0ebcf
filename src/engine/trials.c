// SPDX-License-Identifier: Apache-2.0
/*
 * From the matcher's trial (fixed arrays, reused) to the report's (exact arrays in the arena).
 * Called by view.c around a search; costs nothing when nobody asked.
 */
#include "engine/trials.h"

#include "base/mem.h"
#include "engine/scan.h"
#include "engine/verdict.h"

static struct sk_hits *copy_hits(struct arena *arena, const struct match_trial *trial) {
    struct sk_hits *hits = arena_zalloc(arena, trial->sub_count + 1, sizeof(*hits));
    for (unsigned i = 0; hits != NULL && i < trial->sub_count; i++) {
        const struct match_trial_sub *sub = &trial->sub[i];
        uint64_t *offset = arena_zalloc(arena, sub->offset_count + 1, sizeof(*offset));
        if (offset == NULL) {
            return NULL;
        }
        memcpy(offset, sub->offset, sub->offset_count * sizeof(*offset));
        hits[i] = (struct sk_hits){
            .count = sub->count, .offsets = offset, .offset_count = sub->offset_count};
    }
    return hits;
}

static struct sk_trial *room(struct sk_scanner *sc) {
    struct trials *t = &sc->trials;
    if (t->count == TRIALS_MAX) {
        return NULL;
    }
    if (t->count == t->cap) {
        size_t cap = t->cap == 0 ? 16 : t->cap * 2;
        struct sk_trial *row = arena_zalloc(&sc->arena, cap, sizeof(*row));
        if (row == NULL) {
            return NULL;
        }
        if (t->count > 0) {
            memcpy(row, t->row, t->count * sizeof(*row));
        }
        t->row = row;
        t->cap = cap;
    }
    return &t->row[t->count];
}

static size_t keep(struct sk_scanner *sc, const struct trials_view *view,
                   const struct match_trial *trial) {
    struct sk_trial *row = room(sc);
    struct sk_hits *hits = row == NULL ? NULL : copy_hits(&sc->arena, trial);
    if (hits == NULL) {
        return 0;
    }
    *row = (struct sk_trial){.layer = verdict_layer_path(sc, view->layer),
                             .layer_type = sk_type_word(view->layer->type),
                             .view = view->normalised ? "normalised" : "raw",
                             .segment = trial->segment,
                             .signature = trial->sig,
                             .of_target = trial->of_target,
                             .limited = trial->limited,
                             .holds = trial->holds,
                             .failed_attributes = trial->failed,
                             .subs = hits,
                             .sub_count = trial->sub_count};
    return ++sc->trials.count;
}

size_t trials_of_hit(struct sk_scanner *sc, const struct trials_view *view,
                     const struct match_sig *sig) {
    struct match_trial *trial = mem_zalloc(1, sizeof(*trial));
    size_t number = 0;
    if (trial != NULL && !sk_failed(matcher_explain(sc->matcher, view->match, sig, trial))) {
        number = keep(sc, view, trial);
    }
    mem_free(trial);
    return number;
}

struct trying {
    struct sk_scanner *sc;
    const struct trials_view *view;
};

static void tried(void *ctx, const struct match_trial *trial) {
    struct trying *t = ctx;
    (void)keep(t->sc, t->view, trial);
}

void trials_of_view(struct sk_scanner *sc, const struct trials_view *view,
                    struct match_budget *budget) {
    struct trying ctx = {sc, view};
    struct match_sig *sig = arena_zalloc(&sc->arena, sc->options.try_count + 1, sizeof(*sig));
    if (sig == NULL || sc->options.try_count == 0) {
        return;
    }
    for (size_t i = 0; i < sc->options.try_count; i++) {
        sig[i] = (struct match_sig){sc->options.tries[i].segment, sc->options.tries[i].signature};
    }
    struct match_tries tries = {sig, sc->options.try_count, tried, &ctx};
    SK_IGNORE(matcher_try(sc->matcher, view->match, budget, &tries), "the search itself tells");
}
