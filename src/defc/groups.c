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
 * 1 MiB: it has to stay in the second-level cache.
 *
 * Slow set: entries are put one by one, in the order of their bytes, into the bucket whose share of
 * byte triples grows least; there are eight buckets, and what passes the nibble tables is compared
 * with the entries of its bucket.
 */
#include "defc/body_private.h"

#include "match/foldhash.h"

#define LOG2_WORDS_MIN 8u
#define LOG2_WORDS_MAX 18u
#define LOG2_BUCKETS_MAX 24u
#define SLOW_BUCKETS 8u

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

/* Fewest words with at most 12 % of the bits set: 2 n bits in 32 words. */
static uint8_t log2_words(uint64_t windows) {
    unsigned log2 = LOG2_WORDS_MIN;
    while (log2 < LOG2_WORDS_MAX && windows * 2 * 100 > ((uint64_t)32 << log2) * 12) {
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

static void place_entries(const struct body_builder *b, unsigned table, struct group_kind kind,
                          const struct mt_group_head *head, uint32_t *bitmap, uint32_t *first,
                          struct mt_entry *entry) {
    for (size_t i = 0; i < b->trig_use.count; i++) {
        for (uint32_t k = 0; k < kind.s && wanted(b, i, table, kind.how); k++) {
            uint32_t delta = use_at(b, i)->window + k;
            uint64_t window = window_at(b, i, delta, kind.q);
            uint32_t bits = foldhash_bits(window);
            uint64_t hash = foldhash_bucket(window);
            bitmap[foldhash_word(bits, head->log2_words)] |= foldhash_mask(bits);
            uint32_t at = first[foldhash_bucket_index(hash, head->log2_buckets)]++;
            entry[at] = (struct mt_entry){foldhash_tag(hash), (uint16_t)delta, (uint32_t)i};
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
    struct mt_group_head head = {.q = kind.q,
                                 .s = kind.s,
                                 .log2_words = log2_words(windows),
                                 .log2_buckets = log2_buckets(windows),
                                 .entry_count = (uint32_t)windows};
    size_t buckets = (size_t)1 << head.log2_buckets;
    uint32_t *bitmap = arena_zalloc(arena, (size_t)1 << head.log2_words, sizeof(*bitmap));
    uint32_t *first = arena_zalloc(arena, buckets + 1, sizeof(*first));
    struct mt_entry *entry = arena_zalloc(arena, windows, sizeof(*entry));
    if (windows > UINT32_MAX || bitmap == NULL || first == NULL || entry == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    count_entries(b, table, kind, head.log2_buckets, first);
    counts_to_starts(first, buckets);
    place_entries(b, table, kind, &head, bitmap, first, entry);
    memmove(first + 1, first, buckets * sizeof(*first)); /* placing moved each start to its end */
    first[0] = 0;
    out->group[out->group_count++] = (struct mt_group){head, bitmap, first, entry};
    return sk_ok();
}

/* ---- slow set ------------------------------------------------------------------------------- */

struct nibble_sets {
    uint32_t lo[3], hi[3];
};

static double share(const struct nibble_sets *s) {
    double p = 1;
    for (unsigned i = 0; i < 3; i++) {
        p *= __builtin_popcount(s->lo[i]) * __builtin_popcount(s->hi[i]);
    }
    return p;
}
static struct nibble_sets with(struct nibble_sets s, uint32_t value) {
    for (unsigned i = 0; i < 3; i++) {
        uint32_t byte = value >> 8 * i & 0xff;
        s.lo[i] |= 1u << (byte & 15);
        s.hi[i] |= 1u << (byte >> 4);
    }
    return s;
}

static unsigned best_bucket(const struct nibble_sets *sets, uint32_t value) {
    unsigned best = 0;
    double least = 0;
    for (unsigned k = 0; k < SLOW_BUCKETS; k++) {
        struct nibble_sets grown = with(sets[k], value);
        double more = share(&grown) - share(&sets[k]);
        if (k == 0 || more < least) {
            least = more;
            best = k;
        }
    }
    return best;
}

static int by_bytes(const void *a, const void *b) {
    const struct mt_slow_entry *x = a, *y = b;
    uint32_t vx = __builtin_bswap32(x->value), vy = __builtin_bswap32(y->value);
    if (vx != vy) {
        return vx < vy ? -1 : 1;
    }
    return x->trig < y->trig ? -1 : x->trig > y->trig;
}
static int by_bucket(const void *a, const void *b) {
    const struct mt_slow_entry *x = a, *y = b;
    return x->pad != y->pad ? (x->pad < y->pad ? -1 : 1) : by_bytes(a, b);
}

static void fill_head(struct mt_slow_head *head, const struct nibble_sets *sets,
                      const struct mt_slow_entry *slow, size_t n) {
    for (unsigned k = 0; k < SLOW_BUCKETS; k++) {
        for (unsigned i = 0; i < 3 * 16; i++) {
            unsigned pos = i / 16, nibble = i % 16;
            head->lo[pos][nibble] |= (uint8_t)((sets[k].lo[pos] >> nibble & 1) << k);
            head->hi[pos][nibble] |= (uint8_t)((sets[k].hi[pos] >> nibble & 1) << k);
        }
    }
    for (size_t i = 0; i < n; i++) {
        head->first[slow[i].pad + 1]++;
    }
    for (unsigned k = 0; k < SLOW_BUCKETS; k++) {
        head->first[k + 1] += head->first[k];
    }
}

static void fill_slow(const struct body_builder *b, unsigned table, struct mt_slow_entry *slow) {
    size_t n = 0;
    for (size_t i = 0; i < b->trig_use.count; i++) {
        if (!wanted(b, i, table, TRIGGER_SLOW)) {
            continue;
        }
        const struct mt_trig *t = trig_at(b, i);
        uint32_t mask = t->len < 4 ? 0x00ffffffu : 0xffffffffu;
        uint32_t value = 0;
        memcpy(&value, b->lit.bytes.data + t->lit, t->len < 4 ? t->len : 4);
        slow[n++] = (struct mt_slow_entry){(value | 0x20202020u) & mask, mask, (uint32_t)i, 0};
    }
}

static sk_err build_slow(const struct body_builder *b, struct arena *arena, unsigned table,
                         struct mt_table *out) {
    size_t n = 0;
    for (size_t i = 0; i < b->trig_use.count; i++) {
        n += wanted(b, i, table, TRIGGER_SLOW);
    }
    if (n == 0) {
        return sk_ok();
    }
    struct nibble_sets sets[SLOW_BUCKETS] = {{{0}, {0}}};
    struct mt_slow_head *head = arena_zalloc(arena, 1, sizeof(*head));
    struct mt_slow_entry *slow = arena_zalloc(arena, n, sizeof(*slow));
    if (head == NULL || slow == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    fill_slow(b, table, slow);
    qsort(slow, n, sizeof(*slow), by_bytes);
    for (size_t i = 0; i < n; i++) { /* pad holds the bucket for a while */
        slow[i].pad = best_bucket(sets, slow[i].value);
        sets[slow[i].pad] = with(sets[slow[i].pad], slow[i].value);
    }
    qsort(slow, n, sizeof(*slow), by_bucket);
    fill_head(head, sets, slow, n);
    for (size_t i = 0; i < n; i++) {
        slow[i].pad = 0;
    }
    out->slow_head = head;
    out->slow = slow;
    out->slow_count = (uint32_t)n;
    return sk_ok();
}

sk_err groups_build(const struct body_builder *b, struct arena *arena, unsigned table,
                    struct mt_table *out) {
    static const struct group_kind kinds[] = {{TRIGGER_LONG, TRIGGER_LONG_Q, TRIGGER_LONG_S},
                                              {TRIGGER_SHORT, TRIGGER_SHORT_Q, TRIGGER_SHORT_S}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        TRY(build_group(b, arena, table, kinds[i], out));
    }
    return build_slow(b, arena, table, out);
}
