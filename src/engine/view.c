// SPDX-License-Identifier: Apache-2.0
/*
 * One view through the matcher.
 *
 * The matcher reports every signature that matches, in no order of use to people; the rank made
 * here puts them in ClamAV's order (verdict.c). Which signatures are "plain" and which "logical" is
 * told by the compiler (MT_SIG_LOGICAL); more than one subsignature can only be logical.
 *
 * The search budget is per view: an input made to exhaust it must not take the budget of the other
 * layers with it. Running out is a note, except when the time was over: then that is the note.
 */
#include "engine/view.h"

struct view_ctx {
    struct sk_scanner *sc;
    struct layer *layer;
    const struct view *view;
};

static unsigned rank_of(const struct view_ctx *v, const struct mt_sig *sig) {
    bool logical = (sig->flags & MT_SIG_LOGICAL) != 0 || sig->sub_count > 1;
    bool own = sig->target != SK_TARGET_ANY;
    if (own && v->view->target == SK_TARGET_OTHER) {
        return logical ? RANK_LOGICAL_LATE : RANK_PLAIN_LATE;
    }
    if (logical) {
        return own ? RANK_LOGICAL : RANK_LOGICAL_ANY;
    }
    return own ? RANK_PLAIN : RANK_PLAIN_ANY;
}

static bool on_hit(void *ctx, const struct match_hit *hit) {
    struct view_ctx *v = ctx;
    const struct sk_engine *engine = v->sc->engine;
    if (hit->segment >= engine->segment_count) {
        return true;
    }
    const struct mt_segment *segment = engine->segment[hit->segment];
    struct verdict_hit found = {.image = engine->image[hit->segment],
                                .name = hit->name,
                                .offset = hit->offset,
                                .rank = RANK_PLAIN_ANY};
    if (hit->sig < segment->sig_count) {
        found.rank = rank_of(v, &segment->sig[hit->sig]);
    }
    found.rank += v->view->rank;
    verdict_find(v->sc, v->layer, &found);
    return true;
}

static bool on_tick(void *ctx) {
    struct view_ctx *v = ctx;
    return scan_time_left(v->sc, v->layer);
}

void view_search(struct sk_scanner *sc, struct layer *layer, const struct view *view) {
    struct view_ctx ctx = {sc, layer, view};
    struct match_layer ml = {.src = view->src,
                             .target = view->target,
                             .container = layer->parent == NULL ? SK_TYPE_ANY : layer->parent->type,
                             .file_size = layer->src.size,
                             .exe = view->exe};
    struct match_budget budget = {.steps = sc->steps, .tick = on_tick, .ctx = &ctx};
    sk_err err = matcher_scan(sc->matcher, &ml, &budget, on_hit, &ctx);
    if (err.code == SK_E_LIMIT) {
        if (!sc->budget.time_over) {
            verdict_note(sc, layer, SK_NOTE_LIMIT_MATCH, NULL);
        }
        return;
    }
    /* SK_E_FORMAT is a damaged definitions table, not a damaged object: part of the search was not
     * done, and a person should know why. */
    if (err.code == SK_E_FORMAT || err.code == SK_E_INTERNAL) {
        verdict_note(sc, layer, SK_NOTE_LIMIT_MATCH, "damaged definitions");
        return;
    }
    scan_note_error(sc, layer, err);
}

void view_search_text(struct sk_scanner *sc, struct layer *layer) {
    (void)sc;
    (void)layer;
}
