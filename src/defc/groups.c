// SPDX-License-Identifier: Apache-2.0
/*
 * Filter groups and slow set of one table (match/tables.h draws them).
 *
 * A group is built in two passes over its windows: count windows a bucket, then place entries, so
 * that the entries of one bucket lie together in the order of their triggers:
 *
 *     window --foldhash_bits--> two bits of one word of the bitmap
 *            --foldhash_bucket-> bucket_first[i] .. bucket_first[i + 1] -> entry { tag, delta, trig
 * }
 *
 * The bitmap is as small as it can be with at most BITS_SET of its bits set, between 1 KiB and
 * 8 MiB. Up to 64 KiB, of windows of four bytes up to 256 KiB, it may be sparser: the bitmaps of
 * several segments are ORed (match/plan.h), and what passes costs more than what is looked up
 * (measured on C headers: 1.2 ns a byte with 9 % set in each of two, see bench/stages).
 * More than 1 MiB, which the second-level cache holds, only ten times the set needs, for Windows:
 * with half of the bits of 1 MiB set, seven times as many places passed, and each costs three
 * misses of the cache instead of one (4.7 ns a byte of filter instead of 2.3).
 *
 * Slow set: see defc/slowset.h; marks: defc/marks.h.
 */
#include "defc/body_private.h"

#include "defc/marks.h"
#include "defc/slowset.h"
#include "match/foldhash.h"

#define LOG2_WORDS_MIN 8u
#define LOG2_WORDS_SMALL 14u       /* of windows of eight bytes */
#define LOG2_WORDS_SMALL_SHORT 16u /* of four: two and a half times as many are looked up */
#define LOG2_WORDS_MAX 21u
#define BITS_SET_SMALL 20u /* per thousand */
#define BITS_SET 90u
#define LOG2_BUCKETS_MAX 24u

static const struct trig_use *use_at(const struct body_builder *b, size_t i) {
    return &((const struct trig_use *)b->trig_use.data)[i];
}
static const struct mt_trig *trig_at(const struct body_builder *b, size_t i) {
    return &((const struct mt_trig *)b->mt_trig.data)[i];
}
static bool wanted(const struct body_builder *b, size_t i, unsigned table, uint8_t how) {
    const struct trig_use *u = use_at(b, i);
    return u->how == how && (u->targets >> table & 1 || u->targets >> SK_TARGET_ANY & 1);
}

struct group_kind {
    uint8_t how, q, s;
};

static bool denser(uint64_t windows, unsigned log2, uint64_t per_mille) {
    return windows * 2 * 1000 > ((uint64_t)32 << log2) * per_mille;
}

/* Fewest words with few of the bits set (two a window), and, beyond what the first-level cache
 * holds, with not too many. */
static uint8_t log2_words(uint64_t windows, unsigned q) {
    unsigned log2 = LOG2_WORDS_MIN, small = q == 4 ? LOG2_WORDS_SMALL_SHORT : LOG2_WORDS_SMALL;
    while (log2 < small && denser(windows, log2, BITS_SET_SMALL)) {
        log2++;
    }
    while (log2 < LOG2_WORDS_MAX && denser(windows, log2, BITS_SET)) {
        log2++;
    }
    return (uint8_t)log2;
}
static uint8_t log2_buckets(uint64_t windows) {
    unsigned log2 = 0;
    while (log2 < LOG2_BUCKETS_MAX && ((uint64_t)1 << log2) < windows) {
        log2++;
    }
    return (uint8_t)log2;
}

static uint64_t window_at(const struct body_builder *b, size_t trig, uint32_t delta, unsigned q) {
    return foldhash_load(b->lit.bytes.data + trig_at(b, trig)->lit + delta, q);
}

/* Shift counts to starts: first[i] becomes the number of entries before bucket i. */
static void counts_to_starts(uint32_t *first, size_t buckets) {
    uint32_t sum = 0;
    for (size_t i = 0; i <= buckets; i++) {
        uint32_t n = first[i];
        first[i] = sum;
        sum += n;
    }
}

/* The arrays of the group that is built. */
struct group_arrays {
    struct mt_group_head head;
    uint32_t *bitmap, *first;
    struct mt_entry *entry;
};

static void place_entries(const struct body_builder *b, unsigned table, struct group_kind kind,
                          const struct group_arrays *g) {
    for (size_t i = 0; i < b->trig_use.count; i++) {
        if (!wanted(b, i, table, kind.how)) {
            continue;
        }
        uint16_t tag = foldhash_tag(b->lit.bytes.data + trig_at(b, i)->lit, kind.q, kind.s);
        for (uint32_t k = 0; k < kind.s; k++) {
            uint32_t delta = use_at(b, i)->window + k;
            uint64_t window = window_at(b, i, delta, kind.q);
            uint32_t bits = foldhash_bits(window);
            uint64_t hash = foldhash_bucket(window);
            g->bitmap[foldhash_word(bits, g->head.log2_words)] |= foldhash_mask(bits);
            uint32_t at = g->first[foldhash_bucket_index(hash, g->head.log2_buckets)]++;
            g->entry[at] = (struct mt_entry){tag, (uint16_t)delta, (uint32_t)i};
        }
    }
}

static void count_entries(const struct body_builder *b, unsigned table, struct group_kind kind,
                          unsigned buckets_log2, uint32_t *first) {
    for (size_t i = 0; i < b->trig_use.count; i++) {
        for (uint32_t k = 0; k < kind.s && wanted(b, i, table, kind.how); k++) {
            uint64_t window = window_at(b, i, use_at(b, i)->window + k, kind.q);
            first[foldhash_bucket_index(foldhash_bucket(window), buckets_log2)]++;
        }
    }
}

static sk_err build_group(const struct body_builder *b, struct arena *arena, unsigned table,
                          struct group_kind kind, struct mt_table *out) {
    uint64_t windows = 0;
    for (size_t i = 0; i < b->trig_use.count; i++) {
        windows += wanted(b, i, table, kind.how) ? kind.s : 0;
    }
    if (windows == 0) {
        return sk_ok();
    }
    struct group_arrays g = {.head = {.q = kind.q,
                                      .s = kind.s,
                                      .log2_words = log2_words(windows, kind.q),
                                      .log2_buckets = log2_buckets(windows),
                                      .entry_count = (uint32_t)windows}};
    size_t buckets = (size_t)1 << g.head.log2_buckets;
    g.bitmap = arena_zalloc(arena, (size_t)1 << g.head.log2_words, sizeof(*g.bitmap));
    g.first = arena_zalloc(arena, buckets + 1, sizeof(*g.first));
    g.entry = arena_zalloc(arena, windows, sizeof(*g.entry));
    if (windows > UINT32_MAX || g.bitmap == NULL || g.first == NULL || g.entry == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    count_entries(b, table, kind, g.head.log2_buckets, g.first);
    counts_to_starts(g.first, buckets);
    place_entries(b, table, kind, &g);
    /* Placing moved each start to its end, which is the next one's start. */
    memmove(g.first + 1, g.first, buckets * sizeof(*g.first));
    g.first[0] = 0;
    out->group[out->group_count++] = (struct mt_group){g.head, g.bitmap, g.first, g.entry};
    return sk_ok();
}

/* ---- slow set ------------------------------------------------------------------------------- */

static bool wanted_slow(const struct body_builder *b, size_t i, unsigned table) {
    return wanted(b, i, table, TRIGGER_SLOW) || wanted(b, i, table, TRIGGER_MASKED);
}

static void fill_slow(const struct body_builder *b, unsigned table, struct mt_slow_entry *slow) {
    size_t n = 0;
    for (size_t i = 0; i < b->trig_use.count; i++) {
        if (!wanted_slow(b, i, table)) {
            continue;
        }
        const struct mt_trig *t = trig_at(b, i);
        uint32_t mask = t->len < 4 ? 0x00ffffffu : 0xffffffffu;
        uint32_t value = 0;
        memcpy(&value, b->lit.bytes.data + t->lit, t->len < 4 ? t->len : 4);
        if (use_at(b, i)->how == TRIGGER_MASKED) {
            memcpy(&mask, b->lit.bytes.data + t->lit + 4, sizeof(mask));
            mask |= mask << 5 & 0x20202020u; /* 0xdf, a letter, is looked for folded */
        }
        slow[n++] = (struct mt_slow_entry){(value | 0x20202020u) & mask, mask, (uint32_t)i, 0};
    }
}

static sk_err build_slow(const struct body_builder *b, struct arena *arena, unsigned table,
                         struct mt_table *out) {
    size_t n = 0;
    for (size_t i = 0; i < b->trig_use.count; i++) {
        n += wanted_slow(b, i, table);
    }
    if (n == 0) {
        return sk_ok();
    }
    struct mt_slow_head *head = arena_zalloc(arena, 1, sizeof(*head));
    struct mt_slow_entry *slow = arena_zalloc(arena, n, sizeof(*slow));
    if (head == NULL || slow == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    fill_slow(b, table, slow);
    if (!slowset_arrange(arena, slow, (uint32_t)n, head)) {
        return sk_fail(SK_E_NOMEM);
    }
    out->slow_head = head;
    out->slow = slow;
    out->slow_count = (uint32_t)n;
    return sk_ok();
}

/* ---- marks ---------------------------------------------------------------------------------- */

static bool in_table(const struct body_builder *b, size_t i, unsigned table) {
    return wanted(b, i, table, use_at(b, i)->how);
}

static sk_err build_marks(const struct body_builder *b, struct arena *arena, unsigned table,
                          struct mt_table *out) {
    uint32_t n = 0, masked = 0;
    for (size_t i = 0; i < b->trig_use.count; i++) {
        n += in_table(b, i, table);
        masked += wanted(b, i, table, TRIGGER_MASKED);
    }
    if (n == 0 || n > MARKS_MAX || masked > 0) { /* a mark has no wildcards */
        return sk_ok();
    }
    struct marks_literal *lit = arena_zalloc(arena, n, sizeof(*lit));
    if (lit == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    uint32_t at = 0;
    for (size_t i = 0; i < b->trig_use.count; i++) {
        if (in_table(b, i, table)) {
            const struct mt_trig *t = trig_at(b, i);
            lit[at++] = (struct marks_literal){.bytes = b->lit.bytes.data + t->lit,
                                               .len = t->len,
                                               .nocase = (t->flags & MT_TRIG_NOCASE) != 0,
                                               .trig = (uint32_t)i};
        }
    }
    struct marks marks = {0};
    bool text = table == SK_TARGET_HTML || table == SK_TARGET_TEXT;
    TRY(marks_choose(arena, lit, n, text, &marks));
    out->mark_head = marks.head;
    out->mark = marks.mark;
    out->mark_count = marks.count;
    return sk_ok();
}

sk_err groups_build(const struct body_builder *b, struct arena *arena, unsigned table,
                    struct mt_table *out) {
    static const struct group_kind kinds[] = {{TRIGGER_LONG, TRIGGER_LONG_Q, TRIGGER_LONG_S},
                                              {TRIGGER_SHORT, TRIGGER_SHORT_Q, TRIGGER_SHORT_S}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        TRY(build_group(b, arena, table, kinds[i], out));
    }
    TRY(build_slow(b, arena, table, out));
    return build_marks(b, arena, table, out);
}
