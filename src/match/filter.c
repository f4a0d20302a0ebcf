// SPDX-License-Identifier: Apache-2.0
/*
 * Walks a layer in blocks, asks the kernel for candidates of every group of the plan, or once for
 * those of all marks, and follows each candidate to its literal.
 *
 *   view:   |-- CONTEXT --|------ block ------|-- CONTEXT --|    one contiguous piece of the layer
 *                         ^ positions asked for
 *
 * A block is looked at by all groups before the next one is read, so the bytes stay in the L1
 * cache. The context around it lets nearly every literal be compared in place; one that reaches
 * further is fetched from the source, after which the view is asked for again, because a source
 * promises a pointer only until the second next call.
 *
 * Sampling is decided by the offset in the layer: group (q, s) looks at multiples of s, so results
 * do not depend on where blocks or windows start.
 *
 * A candidate costs mostly misses of the cache: bucket, entries, trigger, literal, each known only
 * from the one before. So candidates go in batches, one step for all of them, which prefetches what
 * the next step reads. The tag of an entry is about the first bytes of the literal, which are in
 * view: with one of the window nine of ten literals that were compared, two misses each, were not
 * there (Windows programs; of files made of literals cut short 20 of 21).
 *
 * The nibble tables of the slow set let 10,000 to 200,000 places per MB pass where 100 to 200 hold
 * an entry, so their candidates go through one more small set (kernel->sift) before anything
 * branches. A hash whose entries have all been found leaves the set for the rest of the layer:
 * short keys are often common ones. (The set once knew three bytes only: thousands of places per MB
 * of text.)
 *
 * By marks (match/plan.h) 2 to 16 % of all places pass; of these one in ten begins with the four
 * bytes of some mark, and 200 to 1,000 per MB go on as one does. The kernel keeps the ones that do,
 * in two passes over the list; here the short ones among them that have been found leave. Then
 * there is one bucket to look into for all segments. Half to two thirds of the time of a search by
 * groups with the full set, a third of it with ten times the set (AVX-512; ELF files, C headers).
 *
 * The bytes may change between two loads (os/filemap.h): what is found is only a hint, and nothing
 * goes out of bounds. Positions come from the loop and from bits of a vector, never from a value in
 * the bytes; what is computed from bytes is an index only behind a shift or a mask that bounds it
 * whatever the value (foldhash_word, foldhash_bucket_index, plan_slow_hash, plan_mark_hash,
 * plan_class_index, & 127), so a second load could only give another entry of the same table. No
 * value from the bytes is compared with a bound and used afterwards. Bytes go to look_equal, not to
 * memcmp. The same holds of all kernels, of pairs.c and embedded.c of the formats, and of find.c.
 *
 * Tables may be hostile: shapes were compared with section lengths when the image was opened and
 * when the plan was made, everything read out of an element is compared with its bound here, and
 * SK_E_FORMAT ends the run.
 */
#include "match/filter.h"

#include <string.h>

#include "base/cpu.h"
#include "base/look.h"
#include "base/vec16.h"
#include "match/foldhash.h"

#define CONTEXT_BYTES 1024u
#define TICK_BLOCKS 64u
#define BATCH 16u  /* candidates */
#define CHECKS 64u /* triggers that may stand there */

struct view {
    const uint8_t *p; /* byte at layer offset `off` */
    uint64_t off;
    size_t len;
    uint32_t block;     /* start of the block inside the view */
    uint32_t block_len; /* positions in it */
};

/* The hashes of slow entries that are not all found yet: those of the plan until one retires. */
struct slow_sets {
    struct filter_sets now;
    uint32_t own[PLAN_SLOW_KINDS][sizeof(((struct plan_slow_kind *)0)->set) / sizeof(uint32_t)];
};

/* A table entry says: trigger `trig`, with its literal starting at `start`. */
struct check {
    uint64_t start;
    uint32_t trig; /* below the bound of the input */
    uint32_t input;
};
struct checks {
    struct check item[CHECKS];
    unsigned count;
};

/* One block. */
struct pass {
    struct filter_job *job;
    struct view *v;
    struct slow_sets *slow;
    struct checks *checks;
};

static const struct filter_kernel *const kernels[] = {
#if defined(__x86_64__)
    &filter_kernel_avx512,
    &filter_kernel_avx2,
#endif
#if VEC16_BUILT
    &filter_kernel_vec16,
#endif
    &filter_kernel_scalar,
};

const struct filter_kernel *filter_kernel_nth(unsigned n) {
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        if (cpu_has(kernels[i]->needs) && n-- == 0) {
            return kernels[i];
        }
    }
    return NULL;
}

/* The view of the block that starts at `at`. at < size. */
static sk_err view_load(struct sk_source *src, uint64_t at, struct view *out) {
    uint64_t back = at < CONTEXT_BYTES ? at : CONTEXT_BYTES;
    uint64_t rest = src->size - at;
    uint64_t block = rest < FILTER_BLOCK_BYTES ? rest : FILTER_BLOCK_BYTES;
    uint64_t want = back + block + CONTEXT_BYTES;
    size_t avail = 0;
    const uint8_t *p = sk_source_at(src, at - back, (size_t)want, &avail);
    if (p == NULL) {
        return sk_failed(src->failed) ? src->failed : sk_fail(SK_E_IO);
    }
    if (avail > want) {
        avail = (size_t)want;
    }
    *out = (struct view){p, at - back, avail, (uint32_t)back, (uint32_t)block};
    return sk_ok();
}

static uint8_t lower(uint8_t b) {
    return b >= 'A' && b <= 'Z' ? b | 0x20 : b;
}

static bool literal_equal(const uint8_t *text, const uint8_t *lit, const struct mt_trig *t) {
    bool masked = (t->flags & MT_TRIG_MASKED) != 0;
    if (!masked && (t->flags & MT_TRIG_NOCASE) == 0) {
        return look_equal(text, lit, t->len);
    }
    for (size_t i = 0; i < t->len; i++) {
        uint8_t byte = masked ? text[i] & lit[t->len + i] : lower(text[i]);
        if (byte != lit[i]) {
            return false;
        }
    }
    return true;
}

/* Is the literal of trigger t at layer offset start? The view may be renewed. */
static sk_err literal_at(const struct pass *ps, const struct filter_input *in,
                         const struct mt_trig *t, uint64_t start, bool *out_equal) {
    struct filter_job *job = ps->job;
    struct view *v = ps->v;
    uint64_t held = (t->flags & MT_TRIG_MASKED) != 0 ? 2 * (uint64_t)t->len : t->len;
    if (t->lit + held > in->segment->lit_len) {
        return sk_fail(SK_E_FORMAT);
    }
    const uint8_t *lit = in->segment->lit + t->lit;
    job->literals++;
    *out_equal = false;
    if (start > job->src->size || t->len > job->src->size - start) {
        return sk_ok();
    }
    if (start >= v->off && start + t->len <= v->off + v->len) {
        *out_equal = literal_equal(v->p + (start - v->off), lit, t);
        return sk_ok();
    }
    size_t avail = 0;
    const uint8_t *text = sk_source_at(job->src, start, t->len, &avail);
    if (text == NULL || avail < t->len) {
        return sk_failed(job->src->failed) ? job->src->failed : sk_fail(SK_E_IO);
    }
    *out_equal = literal_equal(text, lit, t);
    return view_load(job->src, v->off + v->block, v);
}

static bool is_done(const struct filter_input *in, uint32_t trig) {
    return trig < in->segment->trig_count && (in->done[trig >> 6] >> (trig & 63) & 1) != 0;
}

static sk_err run_check(const struct pass *ps, const struct check *c) {
    const struct filter_input *in = &ps->job->plan->input[c->input];
    bool equal = false;
    TRY(is_done(in, c->trig) ? sk_ok()
                             : literal_at(ps, in, &in->segment->trig[c->trig], c->start, &equal));
    if (!equal) {
        return sk_ok();
    }
    in->done[c->trig >> 6] |= (uint64_t)1 << (c->trig & 63);
    return ps->job->hit(ps->job->hit_ctx, c->input, c->trig, c->start);
}

static sk_err run_checks(const struct pass *ps) {
    struct checks *checks = ps->checks;
    unsigned count = checks->count;
    checks->count = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct check *c = &checks->item[i];
        const struct mt_segment *seg = ps->job->plan->input[c->input].segment;
        __builtin_prefetch(seg->lit + seg->trig[c->trig].lit);
    }
    for (unsigned i = 0; i < count; i++) {
        TRY(run_check(ps, &checks->item[i]));
    }
    return sk_ok();
}

/* Soon, at the latest when run_checks is called. */
static sk_err check_trigger(const struct pass *ps, unsigned input, uint32_t trig, uint64_t start) {
    const struct filter_input *in = &ps->job->plan->input[input];
    if (trig >= in->segment->trig_count) {
        return sk_fail(SK_E_FORMAT);
    }
    if (is_done(in, trig)) {
        return sk_ok();
    }
    __builtin_prefetch(&in->segment->trig[trig]);
    struct checks *checks = ps->checks;
    checks->item[checks->count++] = (struct check){start, trig, input};
    return checks->count == CHECKS ? run_checks(ps) : sk_ok();
}

struct window {
    uint64_t pos;  /* in the layer */
    uint64_t hash; /* foldhash_bucket of it */
};

/* May the literal of this entry stand there, by its first bytes? What is not in view is let pass.
 */
static inline bool tag_equal(const struct view *v, const struct mt_group *g,
                             const struct mt_entry *entry, uint64_t pos) {
    uint64_t start = pos - entry->delta;
    unsigned len = g->head.q + g->head.s - 1u;
    if (start < v->off || start + len > v->off + v->len) {
        return true;
    }
    return foldhash_tag(v->p + (start - v->off), g->head.q, g->head.s) == entry->tag;
}

static sk_err follow_bucket(const struct pass *ps, unsigned input, const struct mt_group *g,
                            struct window w) {
    uint32_t bucket = foldhash_bucket_index(w.hash, g->head.log2_buckets);
    uint32_t first = g->bucket_first[bucket], last = g->bucket_first[bucket + 1];
    if (first > last || last > g->head.entry_count) {
        return sk_fail(SK_E_FORMAT);
    }
    for (uint32_t e = first; e < last; e++) {
        const struct mt_entry *entry = &g->entry[e];
        if (entry->delta <= w.pos && tag_equal(ps->v, g, entry, w.pos)) {
            TRY(check_trigger(ps, input, entry->trig, w.pos - entry->delta));
        }
    }
    return sk_ok();
}

static uint64_t hash_ahead(const struct plan_group *pg, const struct view *v, uint32_t pos) {
    uint64_t hash = foldhash_bucket(foldhash_load(v->p + v->block + pos, pg->bitmap.q));
    for (unsigned i = 0; i < pg->count; i++) {
        const struct mt_group *g = pg->member[i];
        __builtin_prefetch(&g->bucket_first[foldhash_bucket_index(hash, g->head.log2_buckets)]);
    }
    return hash;
}

static void entries_ahead(const struct plan_group *pg, uint64_t hash) {
    for (unsigned i = 0; i < pg->count; i++) {
        const struct mt_group *g = pg->member[i];
        __builtin_prefetch(
            &g->entry[g->bucket_first[foldhash_bucket_index(hash, g->head.log2_buckets)]]);
    }
}

/* list[0 .. n), n <= BATCH. */
static sk_err follow_batch(const struct pass *ps, const struct plan_group *pg, const uint32_t *list,
                           size_t n) {
    uint64_t hash[BATCH], at = ps->v->off + ps->v->block;
    for (size_t i = 0; i < n; i++) {
        hash[i] = hash_ahead(pg, ps->v, list[i]);
    }
    for (size_t i = 0; i < n; i++) {
        entries_ahead(pg, hash[i]);
    }
    for (size_t i = 0; i < n; i++) {
        for (unsigned k = 0; k < pg->count; k++) {
            struct window w = {at + list[i], hash[i]};
            TRY(follow_bucket(ps, pg->input[k], pg->member[k], w));
        }
    }
    return run_checks(ps);
}

static sk_err run_group(const struct pass *ps, const struct plan_group *pg) {
    struct filter_job *job = ps->job;
    const struct view *v = ps->v;
    unsigned s = pg->bitmap.s;
    uint64_t at = v->off + v->block;
    struct filter_span span = {.p = v->p + v->block,
                               .avail = (uint32_t)(v->len - v->block),
                               .first = (uint32_t)((s - at % s) % s),
                               .end = v->block_len};
    size_t n = job->kernel->group(&pg->bitmap, &span, job->scratch);
    job->candidates += n;
    for (size_t i = 0; i < n; i += BATCH) {
        TRY(follow_batch(ps, pg, job->scratch + i, n - i < BATCH ? n - i : BATCH));
    }
    return sk_ok();
}

static uint32_t load_folded(const uint8_t *p, size_t avail) {
    uint8_t b[4] = {0};
    memcpy(b, p, avail < 4 ? avail : 4);
    return ((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24) |
           (uint32_t)FOLDHASH_FOLD;
}

/* When all entries of this hash are done, its places are no candidates any more. */
static void retire(const struct pass *ps, unsigned k, uint32_t hash) {
    const struct plan_slow_kind *kind = &ps->job->plan->slow.kind[k];
    uint32_t bucket = plan_slow_bucket(kind, hash);
    for (uint32_t e = kind->first[bucket]; e < kind->first[bucket + 1]; e++) {
        const struct plan_slow_entry *entry = &kind->entry[e];
        if (plan_slow_hash(entry->value) == hash &&
            !is_done(&ps->job->plan->input[entry->input], entry->trig)) {
            return;
        }
    }
    struct slow_sets *slow = ps->slow;
    if (slow->now.set[k] == kind->set) {
        memcpy(slow->own[k], kind->set, sizeof(slow->own[k]));
        slow->now.set[k] = slow->own[k];
    }
    slow->own[k][hash >> 5] &= ~(1u << (hash & 31));
}

static sk_err follow_slow(const struct pass *ps, unsigned k, uint32_t text, uint64_t start) {
    const struct plan_slow_kind *kind = &ps->job->plan->slow.kind[k];
    uint32_t value = text & kind->mask, hash = plan_slow_hash(value);
    if ((ps->slow->now.set[k][hash >> 5] >> (hash & 31) & 1) == 0) {
        return sk_ok();
    }
    uint32_t bucket = plan_slow_bucket(kind, hash);
    bool done = true, found = false;
    for (uint32_t e = kind->first[bucket]; e < kind->first[bucket + 1]; e++) {
        const struct plan_slow_entry *entry = &kind->entry[e];
        if (entry->value == value) {
            TRY(entry->delta > start
                    ? sk_ok()
                    : check_trigger(ps, entry->input, entry->trig, start - entry->delta));
            done = done && is_done(&ps->job->plan->input[entry->input], entry->trig);
            found = true;
        }
    }
    if (found && done) {
        retire(ps, k, hash);
    }
    return sk_ok();
}

static inline uint32_t slow_text(const struct view *v, uint32_t pos) {
    const uint8_t *p = v->p + v->block + pos;
    size_t avail = v->len - v->block - pos;
    uint32_t text;
    if (avail < sizeof(text)) {
        return load_folded(p, avail);
    }
    memcpy(&text, p, sizeof(text));
    return text | (uint32_t)FOLDHASH_FOLD;
}

static bool is_wide(const struct plan_slow *slow) {
    bool wide = false;
    for (unsigned k = 0; k < PLAN_SLOW_KINDS; k++) {
        wide = wide || slow->kind[k].wide != NULL;
    }
    return wide;
}

/* Once more with longer hashes: ten thousand entries of the sieve fill half of the small set. */
static size_t wide_sift(const struct pass *ps, uint32_t *list, size_t n) {
    const struct plan_slow_kind *kind = ps->job->plan->slow.kind;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t pos = list[i], text = slow_text(ps->v, pos), has = 0;
        for (unsigned k = 0; k < PLAN_SLOW_KINDS; k++) {
            uint32_t masked = text & kind[k].mask, h = plan_wide_hash(masked);
            uint32_t some = kind[k].wide == NULL ? 1 : kind[k].wide[h >> 5] >> (h & 31);
            has |= some & filter_in_set(&ps->slow->now, k, text);
        }
        list[kept] = pos;
        kept += has & 1;
    }
    return kept;
}

static inline uint64_t mark_text(const struct view *v, uint32_t pos) {
    const uint8_t *p = v->p + v->block + pos;
    size_t avail = v->len - v->block - pos;
    uint64_t text = 0;
    memcpy(&text, p, avail < sizeof(text) ? avail : sizeof(text));
    return text | FOLDHASH_FOLD;
}

/* Keeps the places where a mark goes on as it begins: once more after the kernel, because marks of
 * three and four bytes retire. */
static size_t mark_sift(const struct pass *ps, uint32_t *list, size_t n) {
    const struct plan_marks *marks = &ps->job->plan->marks;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t pos = list[i];
        uint64_t text = mark_text(ps->v, pos);
        uint32_t h = foldhash_bits(text), w = marks->word[foldhash_word(h, marks->log2_words)];
        uint32_t pass = w >> (h >> 4 & 31) & w >> (h >> 9 & 31);
        pass |= filter_in_set(&ps->slow->now, 1, (uint32_t)text);
        pass |= filter_in_set(&ps->slow->now, 0, (uint32_t)text);
        list[kept] = pos;
        kept += pass & 1;
    }
    return kept;
}

static sk_err follow_mark(const struct pass *ps, uint32_t bucket, uint64_t text, uint64_t place) {
    const struct plan_marks *m = &ps->job->plan->marks;
    for (uint32_t e = m->first[bucket]; e < m->first[bucket + 1]; e++) {
        const struct plan_mark *mark = &m->entry[e];
        if (mark->window == text && mark->delta <= place) {
            TRY(check_trigger(ps, mark->input, mark->trig, place - mark->delta));
        }
    }
    return sk_ok();
}

/* list[0 .. n), n <= BATCH. */
static sk_err follow_marks(const struct pass *ps, const uint32_t *list, size_t n) {
    const struct plan_marks *m = &ps->job->plan->marks;
    uint64_t text[BATCH], at = ps->v->off + ps->v->block;
    uint32_t bucket[BATCH];
    for (size_t i = 0; i < n; i++) {
        text[i] = mark_text(ps->v, list[i]);
        bucket[i] = foldhash_bucket_index(foldhash_bucket(text[i]), m->log2_buckets);
        __builtin_prefetch(&m->first[bucket[i]]);
    }
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(&m->entry[m->first[bucket[i]]]);
    }
    for (size_t i = 0; i < n; i++) {
        TRY(follow_mark(ps, bucket[i], text[i], at + list[i]));
        for (unsigned k = 0; k < PLAN_SLOW_KINDS; k++) {
            TRY(follow_slow(ps, k, (uint32_t)text[i], at + list[i]));
        }
    }
    return run_checks(ps);
}

static sk_err run_marks(const struct pass *ps) {
    struct filter_job *job = ps->job;
    const struct view *v = ps->v;
    /* a lent window comes out of memory as nobody has read it; the next one stands behind it */
    bool lent = job->src->lend != NULL;
    struct filter_span span = {.p = v->p + v->block,
                               .avail = (uint32_t)(v->len - v->block),
                               .end = v->block_len,
                               .ahead = lent ? (uint32_t)SK_SOURCE_WINDOW_BYTES : 0};
    bool able = job->kernel->marks != NULL;
    const struct filter_kernel *kernel = able ? job->kernel : &filter_kernel_scalar;
    size_t n = kernel->marks(job->plan, &span, job->scratch);
    n = mark_sift(ps, job->scratch, n);
    job->candidates += n;
    for (size_t i = 0; i < n; i += BATCH) {
        TRY(follow_marks(ps, job->scratch + i, n - i < BATCH ? n - i : BATCH));
    }
    return sk_ok();
}

static sk_err run_slow(const struct pass *ps) {
    struct filter_job *job = ps->job;
    const struct view *v = ps->v;
    const struct plan_slow *slow = &job->plan->slow;
    uint32_t entries = 0;
    for (unsigned k = 0; k < PLAN_SLOW_KINDS; k++) {
        entries += slow->kind[k].count;
    }
    if (entries == 0) {
        return sk_ok();
    }
    struct filter_span span = {
        .p = v->p + v->block, .avail = (uint32_t)(v->len - v->block), .end = v->block_len};
    size_t n = job->kernel->slow(&slow->classes, &span, job->scratch);
    bool able = job->kernel->sift != NULL;
    const struct filter_kernel *kernel = able ? job->kernel : &filter_kernel_scalar;
    n = kernel->sift(&ps->slow->now, &span, job->scratch, n);
    n = is_wide(slow) ? wide_sift(ps, job->scratch, n) : n;
    job->candidates += n;
    for (size_t i = 0; i < n; i++) {
        uint32_t pos = job->scratch[i], text = slow_text(v, pos);
        for (unsigned k = 0; k < PLAN_SLOW_KINDS; k++) {
            TRY(follow_slow(ps, k, text, v->off + v->block + pos));
        }
    }
    return run_checks(ps);
}

sk_err filter_run(struct filter_job *job) {
    const struct filter_plan *plan = job->plan;
    unsigned blocks = 0;
    struct slow_sets slow;
    struct checks checks = {.count = 0};
    slow.now.masked = plan->slow.kind[2].count + plan->slow.kind[3].count > 0;
    for (unsigned k = 0; k < PLAN_SLOW_KINDS; k++) {
        slow.now.set[k] = plan->slow.kind[k].set;
    }
    for (uint64_t at = 0; at < job->src->size; at += FILTER_BLOCK_BYTES) {
        struct view v;
        TRY(view_load(job->src, at, &v));
        struct pass ps = {job, &v, &slow, &checks};
        for (unsigned g = 0; g < plan->group_count; g++) {
            TRY(run_group(&ps, &plan->group[g]));
        }
        TRY(plan->by_marks ? run_marks(&ps) : run_slow(&ps));
        if (++blocks % TICK_BLOCKS == 0 && job->tick != NULL && !job->tick(job->tick_ctx)) {
            return sk_fail(SK_E_LIMIT);
        }
    }
    return sk_ok();
}
