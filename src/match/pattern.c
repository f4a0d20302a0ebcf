// SPDX-License-Identifier: Apache-2.0
/*
 * Searches one subsignature in a layer.
 *
 *   sub:    part 0 --gap--> part 1 --gap--> part 2
 *   spans:  where a part may start; part 0's come from the offset, the others' from the ends found
 *           for the part before:   [end + gap_min, end + gap_max]
 *
 * Each part is searched over its spans by its key literal (find.h) and verified by its program.
 * Spans that touch are joined, so a part that occurs at every byte of a file of zeros costs one
 * span, not one per byte, and every start is tried once. In front of an unlimited gap only the
 * smallest end matters: the search stops as soon as no later start can give a smaller one.
 *
 * A floating chain is first narrowed by its rarest key (narrow_starts).
 *
 * Several subsignatures of which probably none is there (pattern_ask_all) are looked for in turn in
 * each piece, which stays in the L1 cache: one after the other over the whole layer cost three
 * times as much.
 *
 * What counts: starts of the last part that have a valid chain (for one part: every hit). A start
 * whose part can end in several ways (alternatives of various lengths) counts once, but all its
 * ends are handed on.
 *
 * Windows: the layer is searched in pieces of at most SEARCH_BYTES that overlap by the key, and
 * every access goes through pattern_bytes, so layers behind a read function need no more memory
 * than their windows. A piece is asked for again after programs have run, because they may have
 * moved the window.
 *
 * Budget: one step per program operation and per 64 bytes searched.
 */
#include "match/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "match/bound.h"
#include "match/find.h"

#define SEARCH_BYTES ((size_t)32 * 1024)
#define TICK_STEPS 32768u
#define NO_END UINT64_MAX
#define KEY_NEAR 512u /* further bytes of a part are no help to find it */
#define KEY_GOOD 6u   /* a key of so many bytes needs no help */

sk_err pattern_run_init(struct pattern_run *run) {
    *run = (struct pattern_run){0};
    run->choice = mem_zalloc(PATTERN_CHOICE_MAX, sizeof(*run->choice));
    run->node = mem_zalloc(PATTERN_NODE_MAX, sizeof(*run->node));
    if (run->choice == NULL || run->node == NULL) {
        pattern_run_release(run);
        return sk_fail(SK_E_NOMEM);
    }
    return sk_ok();
}

void pattern_run_release(struct pattern_run *run) {
    mem_free(run->choice);
    mem_free(run->node);
    mem_free(run->now.span);
    mem_free(run->next.span);
    *run = (struct pattern_run){0};
}

void pattern_run_start(struct pattern_run *run, struct sk_source *src, const struct sk_exe *exe,
                       struct match_budget *budget) {
    run->src = src;
    run->glance = NULL;
    run->exe = exe;
    run->budget = budget;
    run->since_tick = 0;
    run->view = NULL;
    run->view_len = 0;
    run->err = sk_ok();
}

bool pattern_spend(struct pattern_run *run, uint64_t n) {
    struct match_budget *b = run->budget;
    if (sk_failed(run->err)) {
        return false;
    }
    if (b->steps < n) {
        b->steps = 0;
        run->err = sk_fail(SK_E_LIMIT);
        return false;
    }
    b->steps -= n;
    run->since_tick += n;
    if (run->since_tick >= TICK_STEPS) {
        run->since_tick = 0;
        if (b->tick != NULL && !b->tick(b->ctx)) {
            run->err = sk_fail(SK_E_LIMIT);
            return false;
        }
    }
    return true;
}

const uint8_t *pattern_bytes(struct pattern_run *run, uint64_t off, size_t n) {
    if (run->view != NULL && off >= run->view_off && off - run->view_off <= run->view_len &&
        n <= run->view_len - (size_t)(off - run->view_off)) {
        return run->view + (off - run->view_off);
    }
    uint64_t size = run->src->size;
    if (off > size || n > size - off) {
        return NULL;
    }
    /* The view is replaced by every call, or it would outlive the source's promise. */
    run->view = sk_source_at(run->src, off, n, &run->view_len);
    run->view_off = off;
    if (sk_failed(run->src->failed)) {
        run->err = run->src->failed;
        run->view = NULL;
    }
    return run->view_len < n ? NULL : run->view;
}

/* ---- spans ----------------------------------------------------------------------------------- */

static uint64_t add_saturating(uint64_t a, uint64_t b) {
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* Adds [lo, hi] and joins it with its neighbours. Spans come nearly in order. */
static bool spans_add(struct pattern_run *run, struct pattern_spans *s, uint64_t lo, uint64_t hi) {
    size_t at = s->count;
    while (at > 0 && s->span[at - 1].lo > lo) {
        at--;
    }
    if (!pattern_spend(run, 1 + s->count - at)) {
        return false;
    }
    if (at > 0 && add_saturating(s->span[at - 1].hi, 1) >= lo) {
        at--; /* joins the one before */
        lo = s->span[at].lo;
        hi = hi > s->span[at].hi ? hi : s->span[at].hi;
    }
    size_t over = at;
    while (over < s->count && s->span[over].lo <= add_saturating(hi, 1)) {
        hi = hi > s->span[over].hi ? hi : s->span[over].hi;
        over++;
    }
    if (over == at) {
        if (s->count == PATTERN_CHAIN_MAX) {
            run->err = sk_fail(SK_E_LIMIT);
            return false;
        }
        struct pattern_span *grown = mem_grow(s->span, &s->cap, s->count + 1, sizeof(*s->span));
        if (grown == NULL) {
            run->err = sk_fail(SK_E_NOMEM);
            return false;
        }
        s->span = grown;
    }
    size_t rest = s->count - over;
    memmove(&s->span[at + 1], &s->span[over], rest * sizeof(*s->span));
    s->span[at] = (struct pattern_span){lo, hi};
    s->count = at + 1 + rest;
    return true;
}

bool pattern_place(const struct sk_exe *exe, uint64_t size, struct pattern_offset offset,
                   uint64_t *out_place) {
    uint64_t base = 0;
    bool back = offset.kind == MT_OFF_EOF;
    switch (offset.kind) {
    case MT_OFF_ABS:
        break;
    case MT_OFF_EOF:
        base = size;
        break;
    case MT_OFF_EP:
        if (exe == NULL || !exe->has_entry) {
            return false;
        }
        base = exe->entry;
        break;
    case MT_OFF_SECT_LAST:
    case MT_OFF_SECT:
    case MT_OFF_SECT_ANY: {
        uint32_t count = exe == NULL ? 0 : exe->section_count;
        uint32_t index = offset.kind == MT_OFF_SECT_LAST ? count - 1 : offset.section;
        if (count == 0 || index >= count) {
            return false;
        }
        base = exe->section[index].off;
        break;
    }
    default:
        return false;
    }
    int64_t delta = back ? -(int64_t)offset.off : offset.off;
    if (delta < 0) {
        return !__builtin_sub_overflow(base, (uint64_t)-delta, out_place);
    }
    return !__builtin_add_overflow(base, (uint64_t)delta, out_place);
}

/* Where part 0 may start. */
static bool start_spans(struct pattern_run *run, const struct mt_sub *sub,
                        struct pattern_spans *out) {
    uint64_t place = 0, width = sub->shift;
    out->count = 0;
    if (sub->off_kind == MT_OFF_ANY) {
        return spans_add(run, out, 0, UINT64_MAX);
    }
    if (sub->off_kind == MT_OFF_VI) {
        for (uint32_t i = 0; run->exe != NULL && i < run->exe->vinfo_count; i++) {
            if (!spans_add(run, out, run->exe->vinfo[i],
                           add_saturating(run->exe->vinfo[i], width))) {
                return false;
            }
        }
        return true;
    }
    if (sub->off_kind > MT_OFF_VI) {
        run->err = sk_fail(SK_E_FORMAT);
        return false;
    }
    bool anywhere = sub->off_kind == MT_OFF_SECT_ANY;
    struct pattern_offset offset = {sub->off_kind, sub->section, anywhere ? 0 : sub->off};
    if (!pattern_place(run->exe, run->src->size, offset, &place)) {
        return true;
    }
    if (anywhere) {
        width = run->exe->section[sub->section].size;
    }
    return spans_add(run, out, place, add_saturating(place, width));
}

/* ---- one part -------------------------------------------------------------------------------- */

struct part_search {
    struct pattern_run *run;
    const struct mt_sub *sub;
    const struct mt_part *part;
    struct pattern_prog prog;
    struct find_key key; /* len 0: none */
    uint32_t key_base;   /* from the start of the part to the place that the key is about */
    uint32_t max_gap;    /* of the next part */
    uint32_t min_gap;
    bool first;
    bool last;
    uint64_t want;        /* last part: stop at this many */
    uint64_t count;       /* starts that matched */
    uint64_t hit;         /* the first of them */
    uint64_t latest;      /* the last of them */
    uint64_t best_end;    /* next gap unlimited: the smallest end */
    pattern_seen_fn seen; /* NULL: hits are only counted */
    void *seen_ctx;
};

/* Is the character that ends right before / starts right at pos part of a word? */
static bool word_neighbour(struct pattern_run *run, const struct mt_sub *sub, uint64_t pos,
                           bool before) {
    size_t unit = (sub->flags & MT_SUB_WIDE) != 0 ? 2 : 1;
    if (before && pos < unit) {
        return false;
    }
    const uint8_t *p = pattern_bytes(run, before ? pos - unit : pos, unit);
    return p != NULL && bound_is_alnum(p[0]) && (unit == 1 || p[1] == 0);
}

/* No later start can end before the best end so far. */
static bool hopeless(const struct part_search *ps, uint64_t start) {
    return ps->best_end != NO_END && add_saturating(start, ps->part->len_min) >= ps->best_end;
}

/* One way the part ends. False: an error. */
static bool take_end(struct part_search *ps, uint64_t end) {
    if (ps->max_gap == MT_UNBOUNDED) {
        ps->best_end = end < ps->best_end ? end : ps->best_end;
        return true;
    }
    return spans_add(ps->run, &ps->run->next, add_saturating(end, ps->min_gap),
                     add_saturating(end, ps->max_gap));
}

/* Tries the part at one start. False: the search is over (enough, or an error). */
static bool try_start(struct part_search *ps, uint64_t start) {
    struct pattern_run *run = ps->run;
    bool word = (ps->sub->flags & MT_SUB_FULLWORD) != 0;
    uint64_t end = 0;
    bool matched = false;
    if (!pattern_spend(run, 1) ||
        (word && ps->first && word_neighbour(run, ps->sub, start, true))) {
        return !sk_failed(run->err);
    }
    for (bool more = pattern_match(run, &ps->prog, start, &end); more && !(ps->last && matched);
         more = pattern_match_next(run, &ps->prog, &end)) {
        if (ps->last && word && word_neighbour(run, ps->sub, end, false)) {
            continue;
        }
        matched = true;
        if (ps->seen == NULL && !ps->last && !take_end(ps, end)) {
            return false;
        }
    }
    if (matched) {
        ps->hit = ps->count == 0 ? start : ps->hit;
        ps->latest = start;
        ps->count++;
        if (ps->seen != NULL && !ps->seen(ps->seen_ctx, start)) {
            return false;
        }
    }
    bool enough = ps->last ? ps->count >= ps->want : hopeless(ps, add_saturating(start, 1));
    return !sk_failed(run->err) && !enough;
}

/* Starts lo..hi, all inside the layer, one piece: hi - lo < SEARCH_BYTES. */
static bool search_piece(struct part_search *ps, uint64_t lo, uint64_t hi) {
    struct pattern_run *run = ps->run;
    size_t starts = (size_t)(hi - lo + 1), at = 0;
    if (!pattern_spend(run, 1 + starts / 64)) {
        return false;
    }
    while (at < starts) {
        size_t left = starts - at;
        const uint8_t *p = pattern_key_bytes(run, lo + at + ps->key_base, left - 1 + ps->key.reach);
        if (p == NULL) {
            return false;
        }
        size_t found = find_next(&ps->key, p, 0, left);
        if (found == left) {
            return true;
        }
        if (!try_start(ps, lo + at + found)) {
            return false;
        }
        at += found + 1;
    }
    return true;
}

static bool search_span(struct part_search *ps, uint64_t lo, uint64_t hi) {
    uint64_t size = ps->run->src->size;
    uint64_t tail = ps->key.len != 0 ? (uint64_t)ps->part->key_delta + ps->key.len : 0;
    tail = tail > ps->part->len_min ? tail : ps->part->len_min;
    if (tail > size || lo > size - tail) {
        return true;
    }
    hi = hi < size - tail ? hi : size - tail;
    uint64_t piece = SEARCH_BYTES;
    while (lo <= hi && !hopeless(ps, lo)) {
        if (ps->key.len == 0) {
            if (!try_start(ps, lo)) {
                return false;
            }
            lo++;
            continue;
        }
        uint64_t last = hi - lo < piece ? hi : lo + piece - 1;
        if (!search_piece(ps, lo, last)) {
            return false;
        }
        lo = last + 1;
    }
    return true;
}

/* Fills what one start is tried with from the tables. False: they are damaged. */
static bool part_try_init(struct part_search *ps, const struct mt_segment *seg, uint32_t index) {
    const struct mt_part *part = &seg->part[index];
    ps->part = part;
    ps->best_end = NO_END;
    ps->prog = (struct pattern_prog){seg->prog, part->prog, part->prog + part->prog_len};
    return (uint64_t)part->prog + part->prog_len <= seg->prog_len &&
           (uint64_t)part->key + part->key_len <= seg->lit_len && part->key_len <= SEARCH_BYTES;
}

/* Fills the search from the tables. False: they are damaged. */
static bool part_search_init(struct part_search *ps, const struct mt_segment *seg, uint32_t index) {
    if (!part_try_init(ps, seg, index)) {
        return false;
    }
    const struct mt_part *part = ps->part;
    /* A key far from the start would make every view longer by the distance. */
    ps->key_base = part->key_delta > KEY_NEAR ? part->key_delta : 0;
    if (part->key_len > 0) {
        find_key_init(&ps->key, seg->lit + part->key, part->key_len, part->key_delta - ps->key_base,
                      (part->key_flags & MT_PART_KEY_NOCASE) != 0);
    }
    if (part->key_len > 0 && part->key_len < KEY_GOOD && ps->key_base == 0) {
        uint32_t near = part->len_min < KEY_NEAR ? part->len_min : KEY_NEAR;
        pattern_offer_fixed(&ps->prog, near, &ps->key);
    }
    return true;
}

/* Searches one part over run->now and leaves the spans of the next part in run->next. */
static bool search_part(struct part_search *ps) {
    struct pattern_run *run = ps->run;
    run->next.count = 0;
    for (size_t i = 0; i < run->now.count; i++) {
        if (!search_span(ps, run->now.span[i].lo, run->now.span[i].hi)) {
            break;
        }
    }
    if (sk_failed(run->err)) {
        return false;
    }
    if (ps->best_end != NO_END) {
        return spans_add(run, &run->next, add_saturating(ps->best_end, ps->min_gap), UINT64_MAX);
    }
    return true;
}

/* ---- narrowing ------------------------------------------------------------------------------- */

/* Where part 0 must start, seen from a hit of another part's key. */
struct narrowing {
    struct pattern_run *run;
    struct find_key key;
    uint64_t back_min; /* from the place the key is about to the start of part 0 */
    uint64_t back_max; /* UINT64_MAX: any distance */
    bool gave_up;      /* too many places */
};

/* The part whose key is longest, if that is not the first. */
static uint32_t rarest_part(const struct mt_segment *seg, const struct mt_sub *sub) {
    uint32_t best = 0;
    for (uint32_t k = 1; k < sub->part_count; k++) {
        const struct mt_part *part = &seg->part[sub->part_first + k];
        if (part->key_len > seg->part[sub->part_first + best].key_len) {
            best = k;
        }
    }
    return best;
}

static void narrowing_distance(struct narrowing *n, const struct mt_segment *seg,
                               const struct mt_sub *sub, uint32_t part, uint32_t base) {
    n->back_min = n->back_max = base;
    for (uint32_t k = 0; k < part; k++) {
        const struct mt_part *before = &seg->part[sub->part_first + k], *after = before + 1;
        n->back_min += (uint64_t)before->len_min + after->gap_min;
        uint64_t most = after->gap_max == MT_UNBOUNDED ? UINT64_MAX
                                                       : (uint64_t)before->len_max + after->gap_max;
        n->back_max = add_saturating(n->back_max, most);
    }
}

/* One occurrence of the key. False: no more are needed, or an error. */
static bool narrow_hit(struct narrowing *n, uint64_t at) {
    struct pattern_spans *out = &n->run->now;
    if (at < n->back_min) {
        return true;
    }
    if (out->count == PATTERN_CHAIN_MAX) {
        n->gave_up = true;
        return false;
    }
    return spans_add(n->run, out, at < n->back_max ? 0 : at - n->back_max, at - n->back_min);
}

static void narrow_search(struct narrowing *n) {
    uint64_t size = n->run->src->size, from = n->run->from;
    uint64_t at = from > n->key.at ? from - n->key.at : 0;
    while (at < size && size - at >= n->key.reach) {
        uint64_t left = size - at - n->key.reach + 1;
        size_t starts = left < SEARCH_BYTES ? (size_t)left : SEARCH_BYTES;
        const uint8_t *p = pattern_key_bytes(n->run, at, starts - 1 + n->key.reach);
        if (p == NULL || !pattern_spend(n->run, 1 + starts / 64)) {
            return;
        }
        for (size_t found = find_next(&n->key, p, 0, starts); found < starts;
             found = find_next(&n->key, p, found + 1, starts)) {
            if (!narrow_hit(n, at + found)) {
                return;
            }
        }
        at += starts;
    }
}

/* The same from places of the key that are known. */
static bool starts_from_places(struct pattern_run *run, const struct mt_segment *seg,
                               const struct mt_sub *sub) {
    struct narrowing n = {.run = run};
    uint32_t rare = rarest_part(seg, sub);
    narrowing_distance(&n, seg, sub, rare, seg->part[sub->part_first + rare].key_delta);
    run->now.count = 0;
    for (unsigned i = 0; i < run->place_count && narrow_hit(&n, run->place[i]); i++) {
    }
    return !sk_failed(run->err);
}

/*
 * A floating chain whose first part is common and a later one rare would be followed from every
 * place of the first. Looking for the rare key first leaves only starts within reach of it, mostly
 * none. run->now holds them afterwards; false: an error.
 */
static bool narrow_starts(struct pattern_run *run, const struct mt_segment *seg,
                          const struct mt_sub *sub) {
    uint32_t rare = rarest_part(seg, sub);
    if (rare == 0 || sub->off_kind != MT_OFF_ANY) {
        return true;
    }
    struct narrowing n = {.run = run};
    struct part_search ps = {.run = run};
    if (!part_search_init(&ps, seg, sub->part_first + rare)) {
        run->err = sk_fail(SK_E_FORMAT);
        return false;
    }
    n.key = ps.key;
    narrowing_distance(&n, seg, sub, rare, ps.key_base);
    run->now.count = 0;
    narrow_search(&n);
    if (n.gave_up) {
        run->now.count = 0;
        return spans_add(run, &run->now, 0, UINT64_MAX);
    }
    return !sk_failed(run->err);
}

/* ---- whole subsignatures --------------------------------------------------------------------- */

/* Follows the parts from the starts in run->now. */
static sk_err follow_chain(struct pattern_run *run, const struct mt_segment *seg,
                           const struct mt_sub *sub, uint64_t want, struct part_search *ps) {
    for (unsigned k = 0; k < sub->part_count && run->now.count > 0; k++) {
        *ps = (struct part_search){.run = run, .sub = sub, .first = k == 0, .want = want};
        ps->last = k + 1u == sub->part_count;
        if (!part_search_init(ps, seg, sub->part_first + k)) {
            return sk_fail(SK_E_FORMAT);
        }
        if (!ps->last) {
            const struct mt_part *next = &seg->part[sub->part_first + k + 1];
            ps->min_gap = next->gap_min;
            ps->max_gap = next->gap_max;
        }
        if (!search_part(ps)) {
            return run->err;
        }
        struct pattern_spans swap = run->now;
        run->now = run->next;
        run->next = swap;
    }
    return sk_ok();
}

/* Fills run->now with the places where the first part may start. */
static sk_err begin_chain(struct pattern_run *run, const struct mt_segment *seg,
                          const struct mt_sub *sub) {
    if (sub->part_count == 0 || (uint64_t)sub->part_first + sub->part_count > seg->part_count) {
        return sk_fail(SK_E_FORMAT);
    }
    if (run->place != NULL && sub->off_kind == MT_OFF_ANY) {
        return starts_from_places(run, seg, sub) ? sk_ok() : run->err;
    }
    if (!start_spans(run, sub, &run->now) || !narrow_starts(run, seg, sub)) {
        return run->err;
    }
    return sk_ok();
}

/* Starts whose key would lie before run->from cannot be. */
static void clip_starts(struct pattern_run *run, const struct mt_part *first) {
    uint64_t from = run->from > first->key_delta ? run->from - first->key_delta : 0;
    size_t kept = 0;
    for (size_t i = 0; i < run->now.count; i++) {
        struct pattern_span span = run->now.span[i];
        span.lo = span.lo > from ? span.lo : from;
        if (span.lo <= span.hi) {
            run->now.span[kept++] = span;
        }
    }
    run->now.count = kept;
}

/* One form of a subsignature (without `also`). */
static sk_err count_form(struct pattern_run *run, const struct mt_segment *seg,
                         const struct mt_sub *sub, uint64_t want, struct part_search *ps) {
    TRY(begin_chain(run, seg, sub));
    if (run->from > 0 && rarest_part(seg, sub) == 0) {
        clip_starts(run, &seg->part[sub->part_first]);
    }
    return follow_chain(run, seg, sub, want, ps);
}

sk_err pattern_count(struct pattern_run *run, const struct mt_segment *seg, uint32_t sub,
                     uint64_t want, struct pattern_hits *out_hits) {
    struct pattern_hits hits = {0, 0};
    for (unsigned form = 0; form < 2 && hits.count < want; form++) {
        if (sub >= seg->sub_count) {
            return sk_fail(SK_E_FORMAT);
        }
        struct part_search ps = {.last = false};
        TRY(count_form(run, seg, &seg->sub[sub], want - hits.count, &ps));
        if (ps.last && ps.count > 0) {
            hits.first = hits.count == 0 ? ps.hit : hits.first;
            hits.count += ps.count;
        }
        sub = seg->sub[sub].also;
        if (sub == MT_NO_SUB) {
            break;
        }
    }
    *out_hits = hits;
    return sk_ok();
}

/* ---- many at once ---------------------------------------------------------------------------- */

/* One form of a subsignature, looked for by the part with the longest key. */
struct quest {
    struct part_search ps;
    struct pattern_ask *ask;
    uint64_t from; /* a place before it is none */
    bool only;     /* the subsignature has no other form */
};

/* one: at one place only, so that nothing has to be made ready for a search. */
static sk_err quest_init(struct quest *q, struct pattern_run *run, struct pattern_ask *ask,
                         uint32_t index, bool one) {
    static const struct mt_sub anywhere = {.off_kind = MT_OFF_ANY}; /* whole words are let pass */
    const struct mt_segment *seg = ask->seg;
    if (index >= seg->sub_count) {
        return sk_fail(SK_E_FORMAT);
    }
    const struct mt_sub *sub = &seg->sub[index];
    if (sub->part_count == 0 || (uint64_t)sub->part_first + sub->part_count > seg->part_count) {
        return sk_fail(SK_E_FORMAT);
    }
    *q = (struct quest){.ask = ask};
    q->ps = (struct part_search){.run = run, .sub = &anywhere, .last = true, .want = 1};
    uint32_t part = sub->part_first + rarest_part(seg, sub);
    if (one ? !part_try_init(&q->ps, seg, part) : !part_search_init(&q->ps, seg, part)) {
        return sk_fail(SK_E_FORMAT);
    }
    uint64_t delta = q->ps.part->key_delta;
    q->from = ask->key_at > delta ? ask->key_at - delta : 0;
    q->only = seg->sub[ask->sub].also == MT_NO_SUB;
    return sk_ok();
}

/* A subsignature of one part has a hit where that part has one. */
static void quest_seen(struct quest *q) {
    const struct mt_sub *sub = &q->ask->seg->sub[q->ask->sub];
    q->ask->seen = true;
    q->ask->counted = q->only && sub->part_count == 1 && sub->off_kind == MT_OFF_ANY &&
                      (sub->flags & MT_SUB_FULLWORD) == 0;
    q->ask->first = q->ps.hit;
}

/* The places [lo, hi] of the layer. False: an error. */
static bool quest_piece(struct quest *q, uint64_t lo, uint64_t hi) {
    lo = lo > q->from ? lo : q->from;
    if (lo <= hi && !q->ask->seen && !search_span(&q->ps, lo, hi) && q->ps.count > 0) {
        quest_seen(q);
        q->ask->key_at =
            q->only ? add_saturating(q->ps.hit, q->ps.part->key_delta) : q->ask->key_at;
    }
    return !sk_failed(q->ps.run->err);
}

/* One place where the key stands. False: an error. */
static bool quest_place(struct quest *q, uint64_t start) {
    uint64_t size = q->ps.run->src->size;
    if (start <= size && q->ps.part->len_min <= size - start && !try_start(&q->ps, start) &&
        q->ps.count > 0) {
        quest_seen(q);
    }
    return !sk_failed(q->ps.run->err);
}

sk_err pattern_ask_all(struct pattern_run *run, struct pattern_ask *ask, size_t count) {
    struct quest quest[2 * PATTERN_ASKS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < count && i < PATTERN_ASKS_MAX; i++) {
        ask[i].seen = ask[i].counted = false;
        TRY(quest_init(&quest[n++], run, &ask[i], ask[i].sub, false));
        uint32_t also = ask[i].seg->sub[ask[i].sub].also;
        if (also != MT_NO_SUB) {
            TRY(quest_init(&quest[n++], run, &ask[i], also, false));
        }
    }
    for (uint64_t at = 0; at < run->src->size; at += SEARCH_BYTES) {
        for (size_t i = 0; i < n; i++) {
            if (!quest_piece(&quest[i], at, at + SEARCH_BYTES - 1)) {
                return run->err;
            }
        }
    }
    return sk_ok();
}

sk_err pattern_ask_at(struct pattern_run *run, struct pattern_ask *ask) {
    struct quest quest;
    ask->seen = ask->counted = false;
    TRY(quest_init(&quest, run, ask, ask->sub, true));
    uint64_t delta = quest.ps.part->key_delta;
    return ask->key_at < delta || quest_place(&quest, ask->key_at - delta) ? sk_ok() : run->err;
}

/* ---- every hit ------------------------------------------------------------------------------- */

struct starts {
    struct pattern_run *run;
    uint64_t *at;
    size_t count;
    size_t cap;
};

static bool keep_start(void *ctx, uint64_t start) {
    struct starts *s = ctx;
    if (s->count == PATTERN_CHAIN_MAX) {
        s->run->err = sk_fail(SK_E_LIMIT);
        return false;
    }
    uint64_t *grown = mem_grow(s->at, &s->cap, s->count + 1, sizeof(*s->at));
    if (grown == NULL) {
        s->run->err = sk_fail(SK_E_NOMEM);
        return false;
    }
    s->at = grown;
    s->at[s->count++] = start;
    return true;
}

/*
 * Which of these starts of a first part have a chain behind them? Starts that reach the same last
 * place are one hit, that of the earliest: seen with clamscan 1.4.6 for an unlimited gap.
 */
static sk_err each_chain(struct pattern_run *run, const struct mt_segment *seg,
                         const struct mt_sub *sub, struct starts *s) {
    size_t kept = 0;
    uint64_t reached = NO_END;
    for (size_t i = 0; i < s->count; i++) {
        struct part_search ps = {.last = false};
        run->now.count = 0;
        if (!spans_add(run, &run->now, s->at[i], s->at[i])) {
            return run->err;
        }
        TRY(follow_chain(run, seg, sub, UINT64_MAX, &ps));
        if (ps.last && ps.count > 0 && ps.latest != reached) {
            reached = ps.latest;
            s->at[kept++] = s->at[i];
        }
    }
    s->count = kept;
    return sk_ok();
}

static sk_err each_form(struct pattern_run *run, const struct mt_segment *seg,
                        const struct mt_sub *sub, struct starts *s) {
    struct part_search ps = {.run = run, .sub = sub, .first = true, .want = UINT64_MAX};
    TRY(begin_chain(run, seg, sub));
    ps.last = sub->part_count == 1;
    ps.seen = keep_start;
    ps.seen_ctx = s;
    if (!part_search_init(&ps, seg, sub->part_first)) {
        return sk_fail(SK_E_FORMAT);
    }
    if (!search_part(&ps)) {
        return run->err;
    }
    return sub->part_count == 1 ? sk_ok() : each_chain(run, seg, sub, s);
}

static int by_place(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

sk_err pattern_each(struct pattern_run *run, const struct mt_segment *seg, uint32_t sub,
                    pattern_seen_fn seen, void *ctx) {
    struct starts all = {.run = run};
    sk_err err = sk_ok();
    for (unsigned form = 0; form < 2 && !sk_failed(err) && sub != MT_NO_SUB; form++) {
        struct starts one = {.run = run};
        err =
            sub < seg->sub_count ? each_form(run, seg, &seg->sub[sub], &one) : sk_fail(SK_E_FORMAT);
        for (size_t i = 0; i < one.count && !sk_failed(err); i++) {
            err = keep_start(&all, one.at[i]) ? sk_ok() : run->err;
        }
        mem_free(one.at);
        sub = sub < seg->sub_count ? seg->sub[sub].also : MT_NO_SUB;
    }
    if (all.count > 1) {
        qsort(all.at, all.count, sizeof(*all.at), by_place);
    }
    for (size_t i = 0; i < all.count && !sk_failed(err) && seen(ctx, all.at[i]); i++) {
    }
    mem_free(all.at);
    return err;
}
