// SPDX-License-Identifier: Apache-2.0
/*
 * Merging of the segments' tables; plan.h draws it.
 *
 * Tried before: one pass for every segment (twice the lookups: a quarter of the time on programs);
 * and a merged image made by the compiler, as decision 003 foresaw it (a daily update would rebuild
 * it from all segments, and the manifest would have to tie it to them). ORing costs nothing and
 * loses little: with both official segments 13 % of the bits of the PE bitmap are set instead of 8.
 *
 * Tables may be hostile: their shapes were compared with the lengths of their sections when the
 * image was opened; what indexes memory is compared with its bounds here and in filter.c.
 */
#include "match/plan.h"

#include <string.h>

#include "base/mem.h"
#include "match/foldhash.h"

#define CLASSES_PER_HALF 8u
#define MARK_SET_MIN 16u
#define MARK_SET_MAX 18u
#define MARK_WORDS_MIN 4u
#define MARK_WORDS_MAX 14u
#define WIDE_ENTRIES 4096u /* of a slow kind: a quarter of its small set */

static bool shape_is_good(const struct mt_group_head *h) {
    return (h->q == 4 || h->q == 8) && h->s != 0 && h->s <= FILTER_STEP_MAX &&
           h->log2_words <= FILTER_LOG2_MAX && h->log2_buckets <= FILTER_LOG2_MAX;
}

static sk_err add_group(struct filter_plan *p, unsigned input, const struct mt_group *g) {
    if (!shape_is_good(&g->head)) {
        return sk_fail(SK_E_FORMAT);
    }
    unsigned i = 0;
    while (i < p->group_count &&
           (p->group[i].bitmap.q != g->head.q || p->group[i].bitmap.s != g->head.s ||
            p->group[i].count == FILTER_INPUT_MAX ||
            p->group[i].bitmap.log2_words > PLAN_OWN_LOG2_MAX ||
            g->head.log2_words > PLAN_OWN_LOG2_MAX)) {
        i++;
    }
    if (i == PLAN_GROUP_MAX) {
        return sk_fail(SK_E_FORMAT);
    }
    struct plan_group *pg = &p->group[i];
    if (i == p->group_count) {
        p->group_count++;
        pg->bitmap = (struct plan_bitmap){.q = g->head.q, .s = g->head.s};
    }
    pg->input[pg->count] = input;
    pg->member[pg->count++] = g;
    if (g->head.log2_words >= pg->bitmap.log2_words) {
        pg->bitmap.log2_words = g->head.log2_words;
        pg->bitmap.word = g->bitmap;
    }
    return sk_ok();
}

static sk_err merge_bitmaps(struct plan_group *pg) {
    if (pg->count < 2) {
        return sk_ok();
    }
    size_t words = (size_t)1 << pg->bitmap.log2_words;
    pg->own = mem_alloc(words * sizeof(*pg->own));
    if (pg->own == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    memset(pg->own, 0, words * sizeof(*pg->own));
    for (unsigned i = 0; i < pg->count; i++) {
        const struct mt_group *g = pg->member[i];
        unsigned stretch = pg->bitmap.log2_words - g->head.log2_words;
        for (size_t w = 0; w < words; w++) {
            pg->own[w] |= g->bitmap[w >> stretch];
        }
    }
    pg->bitmap.word = pg->own;
    return sk_ok();
}

/* ---- slow set -------------------------------------------------------------------------------- */

/* Class k of a half takes this byte at place i. */
static void add_class(struct plan_classes *c, unsigned half, unsigned k, unsigned i, uint8_t byte) {
    uint8_t bit = (uint8_t)(1u << k);
    c->lo[half][i][byte & 15] |= bit;
    c->hi[half][i][byte >> 4] |= bit;
    c->cls[i][half][plan_class_index(byte)] |= bit;
    c->halves = half + 1 > c->halves ? half + 1 : c->halves;
}

/* Class k takes the first three bytes of a value, and any where the mask is 0. */
static void add_classes(struct plan_classes *c, unsigned half, unsigned k, uint32_t value,
                        uint32_t mask) {
    for (unsigned i = 0; i < 3; i++) {
        bool any = (mask >> 8 * i & 0xff) == 0;
        for (unsigned v = 0; any && v < PLAN_CLASS_VALUES; v++) {
            add_class(c, half, k, i, plan_class_byte(v));
        }
        if (!any) {
            add_class(c, half, k, i, (uint8_t)(value >> 8 * i));
        }
    }
}

static struct plan_slow_kind *kind_of(struct plan_slow *slow, uint32_t mask) {
    for (unsigned i = 0; i < PLAN_SLOW_KINDS; i++) {
        if (slow->kind[i].mask == mask) {
            return &slow->kind[i];
        }
    }
    return NULL;
}

typedef void (*entry_fn)(struct plan_slow_kind *kind, const struct plan_slow_entry *e);

/* The entries of one class of one input. */
static sk_err each_of_class(struct filter_plan *p, unsigned input, unsigned cls, entry_fn use) {
    const struct mt_table *t = p->input[input].table;
    uint32_t first = t->slow_head->first[cls], last = t->slow_head->first[cls + 1];
    if (first > last || last > t->slow_count) {
        return sk_fail(SK_E_FORMAT);
    }
    for (uint32_t e = first; e < last; e++) {
        struct plan_slow_kind *kind = kind_of(&p->slow, t->slow[e].mask);
        if (kind == NULL) {
            return sk_fail(SK_E_FORMAT);
        }
        uint32_t value = (t->slow[e].value | (uint32_t)FOLDHASH_FOLD) & kind->mask;
        if (use == NULL) {
            add_classes(&p->slow.classes, input % PLAN_HALVES, cls, value, kind->mask);
        } else {
            use(kind, &(struct plan_slow_entry){value, t->slow[e].trig, (uint16_t)input, 0});
        }
    }
    return sk_ok();
}

/* Marks of less than eight bytes. */
static void each_short_mark(struct filter_plan *p, unsigned input, entry_fn use) {
    const struct mt_table *t = p->input[input].table;
    for (uint32_t i = 0; i < t->mark_count; i++) {
        const struct mt_mark *m = &t->mark[i];
        struct plan_slow_kind *kind = &p->slow.kind[m->q != 3];
        if (m->q != 8) {
            uint32_t value = ((uint32_t)m->window | (uint32_t)FOLDHASH_FOLD) & kind->mask;
            use(kind, &(struct plan_slow_entry){value, m->trig, (uint16_t)input, m->delta});
        }
    }
}

/* Calls for every entry of every input; NULL: adds the classes of all. */
static sk_err each_entry(struct filter_plan *p, entry_fn use) {
    for (unsigned i = 0; i < p->input_count; i++) {
        const struct mt_table *t = p->input[i].table;
        if (p->by_marks) {
            each_short_mark(p, i, use);
            continue;
        }
        bool some = t->slow_head != NULL && t->slow_count > 0;
        for (unsigned cls = 0; some && cls < CLASSES_PER_HALF; cls++) {
            TRY(each_of_class(p, i, cls, use));
        }
    }
    return sk_ok();
}

static void count_entry(struct plan_slow_kind *kind, const struct plan_slow_entry *e) {
    uint32_t h = plan_slow_hash(e->value);
    kind->set[h >> 5] |= 1u << (h & 31);
    kind->count++;
}

static void count_bucket(struct plan_slow_kind *kind, const struct plan_slow_entry *e) {
    kind->first[plan_slow_bucket(kind, plan_slow_hash(e->value)) + 1]++;
}

/* first[b] moves from the start of bucket b to its end. */
static void place_entry(struct plan_slow_kind *kind, const struct plan_slow_entry *e) {
    kind->entry[kind->first[plan_slow_bucket(kind, plan_slow_hash(e->value))]++] = *e;
    if (kind->wide != NULL) {
        uint32_t h = plan_wide_hash(e->value);
        kind->wide[h >> 5] |= 1u << (h & 31);
    }
}

/* About as many buckets as entries. */
static sk_err alloc_kind(struct plan_slow_kind *kind) {
    if (kind->count > WIDE_ENTRIES) {
        kind->wide = mem_zalloc((1u << PLAN_WIDE_LOG2) / 32, sizeof(*kind->wide));
        if (kind->wide == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
    }
    while (kind->log2 < PLAN_SLOW_LOG2 && (1u << kind->log2) < kind->count) {
        kind->log2++;
    }
    kind->first = mem_zalloc(((size_t)1 << kind->log2) + 1, sizeof(*kind->first));
    kind->entry = mem_zalloc((size_t)kind->count + 1, sizeof(*kind->entry));
    return kind->first != NULL && kind->entry != NULL ? sk_ok() : sk_fail(SK_E_NOMEM);
}

static sk_err make_slow(struct filter_plan *p) {
    static const uint32_t masks[PLAN_SLOW_KINDS] = PLAN_SLOW_MASKS;
    for (unsigned i = 0; i < PLAN_SLOW_KINDS; i++) {
        p->slow.kind[i].mask = masks[i];
    }
    TRY(p->by_marks ? sk_ok() : each_entry(p, NULL));
    TRY(each_entry(p, count_entry));
    for (unsigned i = 0; i < PLAN_SLOW_KINDS; i++) {
        TRY(alloc_kind(&p->slow.kind[i]));
    }
    TRY(each_entry(p, count_bucket));
    for (unsigned i = 0; i < PLAN_SLOW_KINDS; i++) {
        struct plan_slow_kind *kind = &p->slow.kind[i];
        for (size_t b = 1; b <= (size_t)1 << kind->log2; b++) {
            kind->first[b] += kind->first[b - 1];
        }
    }
    TRY(each_entry(p, place_entry));
    for (unsigned i = 0; i < PLAN_SLOW_KINDS; i++) {
        struct plan_slow_kind *kind = &p->slow.kind[i];
        memmove(kind->first + 1, kind->first, sizeof(*kind->first) << kind->log2);
        kind->first[0] = 0;
    }
    return sk_ok();
}

/* ---- marks ----------------------------------------------------------------------------------- */

static bool has_marks(const struct mt_table *t) {
    bool empty = t->group_count == 0 && (t->slow_head == NULL || t->slow_count == 0);
    return empty || t->mark_head != NULL;
}

static void add_mark_classes(struct filter_plan *p, unsigned input) {
    const struct mt_mark_head *head = p->input[input].table->mark_head;
    for (unsigned at = 0; head != NULL && at < sizeof(head->cls); at++) {
        unsigned i = at / MT_MARK_VALUES, v = at % MT_MARK_VALUES;
        unsigned classes = head->cls[i][v] & ((1u << MT_MARK_CLASSES) - 1);
        p->marks.cls[i][v] |= (uint8_t)(classes << input % PLAN_HALVES * MT_MARK_CLASSES);
    }
}

static uint32_t mark_bucket(const struct plan_marks *m, uint64_t window) {
    return foldhash_bucket_index(foldhash_bucket(window), m->log2_buckets);
}

/* Counts the marks of eight bytes in their buckets (place false) or puts them there. */
static void each_long_mark(struct filter_plan *p, bool place) {
    struct plan_marks *all = &p->marks;
    for (unsigned i = 0; i < p->input_count; i++) {
        const struct mt_table *t = p->input[i].table;
        for (uint32_t k = 0; k < t->mark_count; k++) {
            const struct mt_mark *m = &t->mark[k];
            if (m->q != 8) {
                continue;
            }
            uint64_t window = m->window | FOLDHASH_FOLD;
            uint32_t bucket = mark_bucket(all, window), bits = foldhash_bits(window);
            if (!place) {
                all->word[foldhash_word(bits, all->log2_words)] |= foldhash_mask(bits);
                all->first[bucket + 1]++;
                continue;
            }
            all->entry[all->first[bucket]++] =
                (struct plan_mark){window, m->trig, (uint16_t)i, m->delta};
        }
    }
}

static void add_first_four(struct plan_marks *all, const struct mt_mark *m) {
    uint32_t text = (uint32_t)m->window | (uint32_t)FOLDHASH_FOLD;
    unsigned values = m->q == 3 ? PLAN_CLASS_VALUES : 1; /* whatever comes behind three */
    for (unsigned v = 0; v < values; v++) {
        uint32_t four = m->q == 3 ? text | (uint32_t)plan_class_byte(v) << 24 : text;
        uint32_t h = plan_mark_hash(all, four);
        all->set[h >> 5] |= 1u << (h & 31);
        all->brief[h >> 5] |= (uint32_t)(m->q != 8) << (h & 31);
    }
}

static void add_begins(struct filter_plan *p) {
    for (unsigned i = 0; i < p->input_count; i++) {
        const struct mt_table *t = p->input[i].table;
        for (uint32_t k = 0; k < t->mark_count; k++) {
            add_first_four(&p->marks, &t->mark[k]);
        }
    }
}

/* One bit in 32 set at most, while that fits the caches: `set` and `brief` the first level. */
static void size_marks(struct filter_plan *p) {
    struct plan_marks *m = &p->marks;
    uint64_t all = 0;
    for (unsigned i = 0; i < p->input_count; i++) {
        const struct mt_table *t = p->input[i].table;
        all += t->mark_count;
        for (uint32_t k = 0; k < t->mark_count; k++) {
            m->count += t->mark[k].q == 8;
        }
    }
    m->log2_set = MARK_SET_MIN;
    while (m->log2_set < MARK_SET_MAX && (1u << m->log2_set) < 32 * all) {
        m->log2_set++;
    }
    m->log2_words = MARK_WORDS_MIN;
    while (m->log2_words < MARK_WORDS_MAX && (1u << m->log2_words) < 2 * (uint64_t)m->count) {
        m->log2_words++;
    }
    while (m->log2_buckets < MARK_WORDS_MAX && (1u << m->log2_buckets) < m->count) {
        m->log2_buckets++;
    }
}

static sk_err make_marks(struct filter_plan *p) {
    struct plan_marks *m = &p->marks;
    size_marks(p);
    m->set = mem_zalloc(((size_t)1 << m->log2_set) / 32, sizeof(*m->set));
    m->brief = mem_zalloc(((size_t)1 << m->log2_set) / 32, sizeof(*m->brief));
    size_t buckets = (size_t)1 << m->log2_buckets;
    m->word = mem_zalloc((size_t)1 << m->log2_words, sizeof(*m->word));
    m->first = mem_zalloc(buckets + 1, sizeof(*m->first));
    m->entry = mem_zalloc((size_t)m->count + 1, sizeof(*m->entry));
    if (m->set == NULL || m->brief == NULL || m->word == NULL || m->first == NULL ||
        m->entry == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (unsigned i = 0; i < p->input_count; i++) {
        add_mark_classes(p, i);
    }
    add_begins(p);
    each_long_mark(p, false);
    for (size_t b = 1; b <= buckets; b++) {
        m->first[b] += m->first[b - 1];
    }
    each_long_mark(p, true);
    memmove(m->first + 1, m->first, sizeof(*m->first) * buckets);
    m->first[0] = 0;
    return sk_ok();
}

/* ---- anchored checks --------------------------------------------------------------------------
 */

static bool same_place(const struct mt_anchor *a, const struct mt_anchor *b) {
    return a->kind == b->kind && a->section == b->section && a->off == b->off &&
           a->delta == b->delta;
}

/* Adds the first bytes that this check takes. */
static void add_bytes(struct plan_place *place, const struct mt_anchor *a) {
    if ((a->mask & 0xff) == 0xff) { /* nearly all */
        place->byte_set[(a->value & 0xff) >> 5] |= 1u << (a->value & 31);
        return;
    }
    for (unsigned b = 0; b < 256; b++) {
        if (((b ^ a->value) & a->mask & 0xff) == 0) {
            place->byte_set[b >> 5] |= 1u << (b & 31);
        }
    }
}

/* Adds the first two bytes that this check takes; all, when it takes many. */
static void add_pair(struct plan_place *place, const struct mt_anchor *a) {
    if (((a->mask | 0x2020u) & 0xffffu) != 0xffffu) {
        memset(place->pair_set, 0xff, sizeof(place->pair_set));
        return;
    }
    uint32_t h = plan_pair_hash(a->value);
    place->pair_set[h >> 5] |= 1u << (h & 31);
}

static sk_err make_places(struct filter_plan *p, unsigned input) {
    const struct mt_table *t = p->input[input].table;
    if (t->anchor_count == 0) {
        return sk_ok();
    }
    uint32_t count = 1;
    for (uint32_t i = 1; i < t->anchor_count; i++) {
        count += !same_place(&t->anchor[i - 1], &t->anchor[i]);
    }
    struct plan_place *place = mem_zalloc(count, sizeof(*place));
    if (place == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    p->place[input] = place;
    p->place_count[input] = count;
    place->where = t->anchor[0];
    for (uint32_t i = 0; i < t->anchor_count; i++) {
        if (i > 0 && !same_place(&t->anchor[i - 1], &t->anchor[i])) {
            place++;
            place->first = i;
            place->where = t->anchor[i];
        }
        place->count++;
        add_bytes(place, &t->anchor[i]);
        add_pair(place, &t->anchor[i]);
    }
    return sk_ok();
}

/* ---- life ------------------------------------------------------------------------------------ */

static sk_err fill(struct filter_plan *p) {
    for (unsigned i = 0; i < p->input_count; i++) {
        const struct mt_table *t = p->input[i].table;
        if (t->group_count > MT_GROUP_MAX) {
            return sk_fail(SK_E_FORMAT);
        }
        for (uint32_t g = 0; !p->by_marks && g < t->group_count; g++) {
            TRY(add_group(p, i, &t->group[g]));
        }
        TRY(make_places(p, i));
    }
    TRY(p->by_marks ? make_marks(p) : sk_ok());
    for (unsigned g = 0; g < p->group_count; g++) {
        TRY(merge_bitmaps(&p->group[g]));
    }
    return make_slow(p);
}

sk_err filter_plan_new(const struct filter_input *input, unsigned count, bool marks,
                       struct filter_plan **out_plan) {
    if (count > FILTER_INPUT_MAX) {
        return sk_fail(SK_E_USAGE);
    }
    struct filter_plan *p = mem_zalloc(1, sizeof(*p));
    if (p == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    p->input_count = count;
    p->by_marks = marks;
    for (unsigned i = 0; i < count; i++) {
        p->input[i] = input[i];
        p->by_marks = p->by_marks && has_marks(input[i].table);
    }
    sk_err err = fill(p);
    if (sk_failed(err)) {
        filter_plan_free(p);
        return err;
    }
    *out_plan = p;
    return sk_ok();
}

void filter_plan_free(struct filter_plan *p) {
    if (p == NULL) {
        return;
    }
    for (unsigned g = 0; g < p->group_count; g++) {
        mem_free(p->group[g].own);
    }
    for (unsigned i = 0; i < p->input_count; i++) {
        mem_free(p->place[i]);
    }
    for (unsigned i = 0; i < PLAN_SLOW_KINDS; i++) {
        mem_free(p->slow.kind[i].entry);
        mem_free(p->slow.kind[i].first);
        mem_free(p->slow.kind[i].wide);
    }
    mem_free(p->marks.set);
    mem_free(p->marks.brief);
    mem_free(p->marks.word);
    mem_free(p->marks.first);
    mem_free(p->marks.entry);
    mem_free(p);
}
