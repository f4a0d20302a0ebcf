// SPDX-License-Identifier: Apache-2.0
/*
 * One view through the matcher.
 *
 * The matcher reports every signature that matches, in no order of use to people; the rank made
 * here puts them in ClamAV's order (verdict.c). Which signatures are "plain" and which "logical" is
 * told by the compiler (MT_SIG_LOGICAL); more than one subsignature can only be logical.
 *
 * FileSize asks about the layer, but in HTML about the view (seen with clamscan: its HTML outputs
 * are files of their own, its normalised text is not).
 *
 * A handler (layer.c) asks for the raw bytes to be searched for any target, which the search before
 * has done: its hits are kept and told once more, unless the program in the bytes or a picture had
 * a say in them. A file made of all signatures was searched three times.
 *
 * The search budget is per view: an input made to exhaust it must not take the budget of the other
 * layers with it. Running out is a note, except when the time was over: then that is the note.
 */
#include "engine/view.h"

#include "base/mem.h"
#include "engine/embedded.h"
#include "engine/observe.h"
#include "engine/icons.h"
#include "engine/picture.h"
#include "engine/root.h"
#include "engine/switches.h"

#define RAW_HITS_MAX ((size_t)4096) /* with more than that it is searched again */

struct view_ctx {
    struct sk_scanner *sc;
    struct layer *layer;
    const struct view *view;
    struct trials_view trials;
    bool kept; /* hits are kept to be told again */
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

/* A signature with HandlerType does not tell of itself: it asks for the layer to be scanned as
 * another type. True: asked. While that scan is on it is a signature like any other. */
static bool asks_for_handler(struct layer *layer, const struct mt_segment *segment,
                             const struct mt_sig *sig) {
    if ((sig->flags & MT_SIG_HANDLER) == 0 || layer->handled) {
        return false;
    }
    for (unsigned i = 0; i < sig->attr_count; i++) {
        const struct mt_attr *attr = &segment->attr[sig->attr_first + i];
        if (attr->key != MT_ATTR_HANDLER || attr->min >= SK_TYPE_COUNT) {
            continue;
        }
        unsigned at = 0;
        while (at < layer->handler_count && layer->handler[at] != (enum sk_type)attr->min) {
            at++;
        }
        if (at == layer->handler_count && at < LAYER_HANDLER_MAX) {
            layer->handler[layer->handler_count++] = (enum sk_type)attr->min;
        }
    }
    return true;
}

/* A signature that only tells a type. True: it is one. */
static bool tells_type(const struct view_ctx *v, const struct mt_segment *segment,
                       const struct match_hit *hit) {
    const struct mt_sig *sig = &segment->sig[hit->sig];
    if ((sig->flags & MT_SIG_TYPE) == 0) {
        return false;
    }
    for (unsigned i = 0; i < sig->attr_count && v->view->src == &v->layer->src; i++) {
        const struct mt_attr *attr = &segment->attr[sig->attr_first + i];
        if (attr->key == MT_ATTR_TELLS) {
            struct embedded_hit tells = {v->trials.match, {hit->segment, hit->sig}, attr};
            embedded_hit(v->sc, v->layer, &tells);
        }
    }
    return true;
}

/* Hits for any target. */
static void keep_hit(struct view_ctx *v, const struct match_hit *hit) {
    struct raw_hits *kept = &v->sc->raw_hits;
    struct match_hit *grown = NULL;
    if (kept->count < RAW_HITS_MAX) {
        grown = mem_grow(kept->item, &kept->cap, kept->count + 1, sizeof(*grown));
    }
    if (grown == NULL) {
        v->kept = false;
        return;
    }
    kept->item = grown;
    kept->item[kept->count++] = *hit;
}

static bool on_hit(void *ctx, const struct match_hit *hit) {
    struct view_ctx *v = ctx;
    const struct sk_engine *engine = v->sc->engine;
    if (hit->segment >= engine->segment_count) {
        return true;
    }
    const struct mt_segment *segment = engine->segment[hit->segment];
    if (v->kept && hit->sig < segment->sig_count &&
        segment->sig[hit->sig].target == SK_TARGET_ANY) {
        keep_hit(v, hit);
    }
    struct verdict_hit found = {.image = engine->image[hit->segment],
                                .name = hit->name,
                                .offset = hit->offset,
                                .rank = RANK_PLAIN_ANY};
    if (hit->sig < segment->sig_count) {
        if (tells_type(v, segment, hit)) {
            return true;
        }
        if (asks_for_handler(v->layer, segment, &segment->sig[hit->sig])) {
            return true;
        }
        found.rank = rank_of(v, &segment->sig[hit->sig]);
        if ((v->sc->options.flags & SK_SCAN_EXPLAIN) != 0) {
            struct match_sig sig = {hit->segment, hit->sig};
            found.trial = trials_of_hit(v->sc, &v->trials, &sig);
        }
    }
    found.rank += v->view->rank;
    verdict_find(v->sc, v->layer, &found);
    return true;
}

static bool on_tick(void *ctx) {
    struct view_ctx *v = ctx;
    return scan_time_left(v->sc, v->layer);
}

/* The search of this layer for any target, when it was done before. */
static bool told_again(struct sk_scanner *sc, struct view_ctx *ctx, struct match_budget *budget) {
    const struct raw_hits *kept = &sc->raw_hits;
    if (!kept->whole || ctx->view->target != SK_TARGET_ANY || sc->options.try_count > 0) {
        return false;
    }
    struct match_hits hits = {kept->item, kept->count, on_hit, ctx};
    matcher_repeat(sc->matcher, ctx->trials.match, budget, &hits);
    return true;
}

void view_search(struct sk_scanner *sc, struct layer *layer, const struct view *view) {
    struct view_ctx ctx = {.sc = sc, .layer = layer, .view = view};
    enum sk_type around[BUDGET_RECURSION_MAX + 1];
    unsigned depth = 0;
    for (const struct layer *l = layer->parent; l != NULL; l = l->parent) {
        around[depth++] = l->type;
    }
    struct match_layer ml = {.src = view->src,
                             .glance = view->src == &layer->src ? root_glance(sc, layer) : NULL,
                             .target = view->target,
                             .container = layer->parent == NULL ? SK_TYPE_ANY : layer->parent->type,
                             .ancestor = around,
                             .ancestor_count = depth,
                             .file_size =
                                 view->target == SK_TARGET_HTML ? view->src->size : layer->src.size,
                             .exe = view->exe};
    struct picture_ask ask = {sc, layer};
    if (picture_has_hash(sc, layer)) {
        ml.image_hash = picture_hash;
        ml.image_ctx = &ask;
    }
    struct icon_ask icons = {sc, layer, view->exe};
    if (view->exe != NULL && view->exe->resource_size > 0 && view->src == &layer->src) {
        ml.icon = icons_have;
        ml.icon_ctx = &icons;
    }
    struct match_budget budget = {.steps = sc->steps, .tick = on_tick, .ctx = &ctx};
    ctx.trials = (struct trials_view){layer, &ml, view->src != &layer->src};
    bool alike = view->src == &layer->src && view->exe == NULL && ml.image_hash == NULL;
    if (alike && told_again(sc, &ctx, &budget)) {
        return;
    }
    if (alike) {
        ctx.kept = true;
        sc->raw_hits.count = 0;
        sc->raw_hits.whole = false;
    }
    sk_err err = matcher_scan(sc->matcher, &ml, &budget, on_hit, &ctx);
    sc->raw_hits.whole = alike ? ctx.kept && !sk_failed(err) : sc->raw_hits.whole;
    sc->verdict.depends_on_place = sc->verdict.depends_on_place || matcher_near_miss(sc->matcher);
    if (sc->options.try_count > 0) {
        trials_of_view(sc, &ctx.trials, &budget);
    }
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

void view_search_normalised(struct sk_scanner *sc, struct layer *layer) {
    uint32_t kind = sk_type_is_html(layer->type) ? WITHOUT_HTML : WITHOUT_TEXT;
    if ((sk_type_flags(layer->type) & SK_TYPE_TEXTUAL) == 0 || sc->stop || sc->off[layer->type] ||
        (sc->engine->without & kind) != 0 || (sc->options.flags & SK_SCAN_NO_NORMALISING) != 0) {
        return;
    }
    if (sk_type_is_html(layer->type)) {
        view_search_html(sc, layer);
    } else if (layer->src.size > sc->budget.limits.max_script_normalise) {
        verdict_note(sc, layer, SK_NOTE_LIMIT_NORMALISE, "text");
    } else {
        view_search_as_text(sc, layer, &layer->src, RANK_NORMALISED);
    }
}
