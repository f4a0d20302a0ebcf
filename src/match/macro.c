// SPDX-License-Identifier: Apache-2.0
/*
 *   hits of the reference   |A      |A            |A        each [start + min, start + max]
 *   bodies of the group         |m            |m            marks the reference hits around it
 *
 * A macro behind a macro: the bodies the first one found are the reference of the second.
 *
 * The documented meaning: `${6-7}12$` behind `616161` is what `616161{3-4}(one|of|group|12)` would
 * be. clamscan 1.4.6 looks at a macro only at the moment the subsignature before it comes once
 * more, and then only at the last body seen; the example of its own documentation finds nothing
 * there. What it finds is found here too (docs/differences-from-clamav.md).
 */
#include "match/macro.h"

#include <stdlib.h>

#include "base/mem.h"

struct place {
    uint64_t at;
    bool near; /* a body of the group lies within reach */
};
struct places {
    struct pattern_run *run;
    struct place *place; /* ascending */
    size_t count;
    size_t cap;
};
/* One macro at work: bodies near the reference are kept. */
struct near {
    const struct mt_macro *macro;
    struct places *ref;
    struct places *found;
};

static bool keep_place(void *ctx, uint64_t start) {
    struct places *p = ctx;
    struct place *grown = mem_grow(p->place, &p->cap, p->count + 1, sizeof(*p->place));
    if (grown == NULL) {
        p->run->err = sk_fail(SK_E_NOMEM);
        return false;
    }
    p->place = grown;
    p->place[p->count++] = (struct place){start, false};
    return true;
}

/* The first place at or behind `at`. */
static size_t first_from(const struct places *p, uint64_t at) {
    size_t lo = 0, hi = p->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (p->place[mid].at < at) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static bool mark_around(void *ctx, uint64_t start) {
    struct near *n = ctx;
    struct places *ref = n->ref;
    if (start < n->macro->min) {
        return true;
    }
    uint64_t last = start - n->macro->min;
    size_t i = first_from(ref, start > n->macro->max ? start - n->macro->max : 0);
    bool any = i < ref->count && ref->place[i].at <= last;
    for (; i < ref->count && ref->place[i].at <= last; i++) {
        ref->place[i].near = true;
        if (!pattern_spend(ref->run, 1)) {
            return false;
        }
    }
    return !any || keep_place(n->found, start);
}

static int by_place(const void *a, const void *b) {
    uint64_t x = ((const struct place *)a)->at, y = ((const struct place *)b)->at;
    return x < y ? -1 : x > y;
}

/* Marks the reference places and finds the bodies near them. */
static sk_err mark_group(struct near *n, const struct macro_use *use) {
    for (unsigned s = 0; s < use->segment_count; s++) {
        const struct mt_segment *seg = use->segments[s];
        for (uint32_t i = 0; i < seg->macro_body_count; i++) {
            const struct mt_macro_body *body = &seg->macro_body[i];
            if (body->group != n->macro->group || body->target != use->sig->target) {
                continue;
            }
            if (body->sub >= seg->sub_count || (seg->sub[body->sub].flags & MT_SUB_SPECIAL) != 0) {
                return sk_fail(SK_E_FORMAT);
            }
            TRY(pattern_each(n->ref->run, seg, body->sub, mark_around, n));
            TRY(n->ref->run->err);
        }
    }
    if (n->found->count > 1) {
        qsort(n->found->place, n->found->count, sizeof(*n->found->place), by_place);
    }
    return sk_ok();
}

/* The macros from the one asked for back to the body they start at. False: there is none, so the
 * macro never holds (or the tables are damaged). */
static bool chain_of(const struct macro_use *use, const struct mt_macro *chain[MT_SUB_MAX],
                     unsigned *out_count, uint32_t *out_body) {
    const struct mt_segment *seg = use->segments[use->segment];
    const struct mt_macro *m = use->macro;
    for (unsigned n = 0; n < MT_SUB_MAX; n++) {
        chain[n] = m;
        if (m->ref >= use->sig->sub_count) {
            return false;
        }
        uint32_t index = seg->sig_sub[use->sig->sub_first + m->ref];
        const struct mt_sub *sub = index < seg->sub_count ? &seg->sub[index] : NULL;
        if (sub == NULL || ((sub->flags & MT_SUB_SPECIAL) != 0 && sub->flags != MT_SUB_MACRO)) {
            return false;
        }
        if (sub->flags != MT_SUB_MACRO) {
            *out_count = n + 1;
            *out_body = index;
            return true;
        }
        if (sub->part_first >= seg->macro_count) {
            return false;
        }
        m = &seg->macro[sub->part_first];
    }
    return false; /* the first subsignature speaks of itself */
}

static struct pattern_hits count_near(const struct places *ref) {
    struct pattern_hits hits = {0, 0};
    for (size_t i = 0; i < ref->count; i++) {
        if (ref->place[i].near && hits.count++ == 0) {
            hits.first = ref->place[i].at;
        }
    }
    return hits;
}

sk_err macro_count(struct pattern_run *run, const struct macro_use *use,
                   struct pattern_hits *out_hits) {
    const struct mt_macro *chain[MT_SUB_MAX];
    unsigned left = 0;
    uint32_t body = 0;
    struct pattern_hits hits = {0, 0};
    if (!chain_of(use, chain, &left, &body)) {
        *out_hits = hits;
        return sk_ok();
    }
    struct places ref = {.run = run}, found = {.run = run};
    sk_err err = pattern_each(run, use->segments[use->segment], body, keep_place, &ref);
    err = sk_failed(err) ? err : run->err;
    while (!sk_failed(err) && left > 0 && ref.count > 0) {
        struct near n = {chain[--left], &ref, &found};
        found.count = 0;
        err = n.macro->min <= n.macro->max ? mark_group(&n, use) : sk_ok();
        hits = count_near(&ref);
        struct places swap = ref;
        ref = found;
        found = swap;
    }
    hits = left == 0 ? hits : (struct pattern_hits){0, 0};
    mem_free(ref.place);
    mem_free(found.place);
    if (!sk_failed(err)) {
        *out_hits = hits;
    }
    return err;
}
