// SPDX-License-Identifier: Apache-2.0
/*
 * Between the phases many subsignatures are asked for, and most of them are not there (prune.c).
 * When they are too many to look for one by one, their keys are made into a filter table for this
 * one layer and looked for together:
 *
 *   keys of 15 bytes and more   -> group q = 8, s = 8   0.125 lookups per byte
 *   keys of 7 to 14             -> group q = 4, s = 4   0.25
 *   keys of 3 to 6              -> slow set             three permutations for 64 bytes
 *   shorter ones                -> not here
 *
 * Of six bytes there may be thousands, which would let every place through the slow set; then
 *
 *   keys of 6 to 14             -> group q = 4, s = 3   0.33
 *
 * The short ones matter: a signature may have nothing but four- to six-byte words to be found by.
 *
 * The table is made like the ones in an image (match/tables.h, match/foldhash.h) and searched by
 * the same filter_run, with the keys in the place of triggers. Every key is found once for each of
 * its places, because one of its windows is sampled. A key that begins with zeros has its windows
 * further on (the nine keys that a library of 7 MB asked for let all its padding through, which
 * cost more than the rest of the pass). (Tried: new tables without the keys found often enough,
 * made when many of those were looked up; no gain even on data that repeats every 128 KiB.)
 */
#include "match/sieve.h"

#include <string.h>

#include "base/mem.h"
#include "match/find.h"
#include "match/foldhash.h"

/* A pass for the groups, or for the slow set, costs about as much as so many single searches. */
#define WORTH_LONG 12u
#define WORTH_SHORT 10u

struct group_memory {
    uint32_t *bitmap;
    uint32_t *first;
    struct mt_entry *entry;
};

struct shape {
    uint8_t q;
    uint8_t s;
    uint16_t len_min;
    uint16_t len_max;
};
static const struct shape eight = {8, 8, 15, UINT16_MAX}, four = {4, 4, 7, 14},
                          three = {4, 3, 6, 14};
#define SIX_MANY 64u
#define BYTE_RARE 12u /* find_rarity: of padding it is 5, of letters 22 and more */

#define FIRST_SLOTS 256u
#define SIEVE_KEYS_KEPT 4096u /* one exceptional layer is not paid for by later ones */

static uint32_t key_hash(const uint8_t *lit, const struct mt_trig *key) {
    uint64_t h = key->flags;
    for (unsigned at = 0; at < key->len; at += 8) {
        uint64_t word = 0;
        memcpy(&word, lit + at, key->len - at < 8 ? key->len - at : 8u);
        h = foldhash_bucket(h ^ word);
    }
    return (uint32_t)(h >> 32);
}

/* Where the index of this key is, or would be. */
static uint32_t *key_slot(const struct sieve *s, const uint8_t *lit, const struct mt_trig *key) {
    size_t at = key_hash(lit, key) & (s->slot_count - 1);
    for (; s->slot[at] != 0; at = (at + 1) & (s->slot_count - 1)) {
        const struct mt_trig *other = &s->trig[s->slot[at] - 1];
        if (other->len == key->len && other->flags == key->flags &&
            memcmp(s->lit + other->lit, lit, key->len) == 0) {
            break;
        }
    }
    return &s->slot[at];
}

static sk_err make_slots(struct sieve *s) {
    size_t wanted = s->slot_count == 0 ? FIRST_SLOTS : 2 * s->slot_count;
    uint32_t *slots = mem_zalloc(wanted, sizeof(*slots));
    if (slots == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    mem_free(s->slot);
    s->slot = slots;
    s->slot_count = wanted;
    for (size_t i = 0; i < s->key_count; i++) {
        *key_slot(s, s->lit + s->trig[i].lit, &s->trig[i]) = (uint32_t)i + 1;
    }
    return sk_ok();
}

static sk_err add_key(struct sieve *s, const uint8_t *lit, struct mt_trig key, uint32_t *slot) {
    struct mt_trig *trig = mem_grow(s->trig, &s->trig_cap, s->key_count + 1, sizeof(*trig));
    s->trig = trig != NULL ? trig : s->trig;
    uint8_t *bytes = mem_grow(s->lit, &s->lit_cap, s->lit_len + key.len, 1);
    s->lit = bytes != NULL ? bytes : s->lit;
    if (trig == NULL || bytes == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    key.lit = (uint32_t)s->lit_len;
    memcpy(s->lit + s->lit_len, lit, key.len);
    s->lit_len += key.len;
    s->trig[s->key_count++] = key;
    *slot = (uint32_t)s->key_count;
    s->six_count += key.len == 6;
    s->long_count += key.len > 6;
    return sk_ok();
}

sk_err sieve_add(struct sieve *s, uint32_t who, const struct mt_segment *seg,
                 const struct mt_part *part) {
    const uint8_t *lit = seg->lit + part->key;
    struct mt_trig key = {.len = part->key_len < SIEVE_KEY_USED ? part->key_len : SIEVE_KEY_USED,
                          .flags =
                              (part->key_flags & MT_PART_KEY_NOCASE) != 0 ? MT_TRIG_NOCASE : 0};
    if (2 * s->key_count >= s->slot_count) {
        TRY(make_slots(s));
    }
    uint32_t *slot = key_slot(s, lit, &key);
    if (*slot == 0 && s->key_count == SIEVE_KEYS_MAX) {
        return sk_ok();
    }
    TRY(*slot == 0 ? add_key(s, lit, key, slot) : sk_ok());
    struct sieve_asker *grown =
        mem_grow(s->asker, &s->asker_cap, s->asker_count + 1, sizeof(*grown));
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    s->asker = grown;
    s->asker[s->asker_count++] = (struct sieve_asker){who, *slot - 1};
    return sk_ok();
}

/* Of six bytes and more, not of seven and more, are the keys that are sampled. */
static bool six_is_long(const struct sieve *s) {
    return s->six_count >= SIX_MANY;
}

static size_t count_long(const struct sieve *s) {
    return s->long_count + (six_is_long(s) ? s->six_count : 0);
}

static bool is_short(const struct sieve *s, const struct mt_trig *t) {
    return t->len < 6 || (t->len == 6 && !six_is_long(s));
}

static bool worth_long(const struct sieve *s) {
    return count_long(s) >= WORTH_LONG;
}

static bool worth_short(const struct sieve *s) {
    return s->key_count - count_long(s) >= WORTH_SHORT;
}

static bool fits(const struct shape *shape, const struct mt_trig *t) {
    return t->len >= shape->len_min && t->len <= shape->len_max;
}

/* Smallest n with 1 << n >= value. */
static uint8_t log2_up(size_t value) {
    uint8_t n = 0;
    while (((size_t)1 << n) < value) {
        n++;
    }
    return n;
}

static uint64_t window_hash(const struct sieve *s, const struct mt_group_head *h, size_t key,
                            unsigned delta, uint32_t *out_bits) {
    uint64_t w = foldhash_load(s->lit + s->trig[key].lit + delta, h->q);
    *out_bits = foldhash_bits(w);
    return foldhash_bucket(w);
}

/* Counts one window in its bucket (place false) or puts its entry where the counts say (true). */
static void window_pass(const struct sieve *s, const struct mt_group *g, struct group_memory *mem,
                        struct mt_entry entry, bool place) {
    uint32_t bits;
    uint64_t hash = window_hash(s, &g->head, entry.trig, entry.delta, &bits);
    uint32_t bucket = foldhash_bucket_index(hash, g->head.log2_buckets);
    if (!place) {
        mem->bitmap[foldhash_word(bits, g->head.log2_words)] |= foldhash_mask(bits);
        mem->first[bucket + 2]++;
        return;
    }
    /* first[b + 1] moves from the start of bucket b to its end */
    entry.tag = foldhash_tag(s->lit + s->trig[entry.trig].lit, g->head.q, g->head.s);
    mem->entry[mem->first[bucket + 1]++] = entry;
}

/* How rare the commonest window of a block is. */
static uint32_t block_rarity(const struct shape *shape, const uint8_t *block) {
    uint32_t least = UINT32_MAX;
    for (unsigned d = 0; d < shape->s; d++) {
        uint32_t rarity = find_rarity(block + d, shape->q);
        least = rarity < least ? rarity : least;
    }
    return least;
}

/* Where the windows of a key begin: at its start, but if there is a common one among them, where
 * the commonest is rarest. */
static unsigned block_start(const struct sieve *s, const struct shape *shape,
                            const struct mt_trig *key) {
    const uint8_t *lit = s->lit + key->lit;
    uint32_t first = block_rarity(shape, lit), most = first;
    unsigned best = 0, len = shape->q + shape->s - 1u;
    for (unsigned at = 1; first < shape->q * BYTE_RARE && at + len <= key->len; at++) {
        uint32_t here = block_rarity(shape, lit + at);
        best = here > most ? at : best;
        most = here > most ? here : most;
    }
    return best;
}

static void group_pass(const struct sieve *s, const struct shape *shape, const struct mt_group *g,
                       struct group_memory *mem, bool place) {
    for (size_t i = 0; i < s->key_count; i++) {
        unsigned windows = fits(shape, &s->trig[i]) ? shape->s : 0;
        unsigned start = windows > 0 ? block_start(s, shape, &s->trig[i]) : 0;
        for (unsigned d = start; d < start + windows; d++) {
            window_pass(s, g, mem, (struct mt_entry){0, (uint16_t)d, (uint32_t)i}, place);
        }
    }
}

static sk_err make_group(const struct sieve *s, const struct shape *shape, struct group_memory *mem,
                         struct mt_table *t) {
    size_t windows = 0;
    for (size_t i = 0; i < s->key_count; i++) {
        windows += fits(shape, &s->trig[i]) ? shape->s : 0;
    }
    if (windows == 0) {
        return sk_ok();
    }
    struct mt_group g = {.head = {.q = shape->q, .s = shape->s}};
    g.head.log2_words = log2_up(windows); /* two bits in 32 at most */
    g.head.log2_buckets = log2_up(windows);
    g.head.entry_count = (uint32_t)windows;
    size_t buckets = (size_t)1 << g.head.log2_buckets;
    mem->bitmap = mem_zalloc((size_t)1 << g.head.log2_words, sizeof(uint32_t));
    mem->first = mem_zalloc(buckets + 2, sizeof(uint32_t));
    mem->entry = mem_zalloc(windows, sizeof(struct mt_entry));
    if (mem->bitmap == NULL || mem->first == NULL || mem->entry == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    group_pass(s, shape, &g, mem, false);
    for (size_t b = 2; b <= buckets + 1; b++) {
        mem->first[b] += mem->first[b - 1];
    }
    group_pass(s, shape, &g, mem, true);
    g.bitmap = mem->bitmap;
    g.bucket_first = mem->first;
    g.entry = mem->entry;
    t->group[t->group_count++] = g;
    return sk_ok();
}

struct sieve_table {
    struct mt_segment segment; /* the real one with keys for triggers */
    struct mt_table table;
    struct group_memory group[2];
    struct mt_slow_head slow_head;
    struct mt_slow_entry *slow;
    uint64_t *done;
    uint8_t *found;  /* of each key: SIEVE_PLACES + 1 at most */
    uint64_t *place; /* SIEVE_PLACES of each */
};

/* A key is looked for until it was found once more than there is room for. The filter finds windows
 * in order, but a literal starts up to a step before its window. */
static sk_err on_key(void *ctx, unsigned input, uint32_t trig, uint64_t off) {
    struct sieve_table *t = ctx;
    (void)input;
    unsigned at = t->found[trig]++;
    if (at == SIEVE_PLACES) {
        return sk_ok();
    }
    uint64_t *place = &t->place[(size_t)trig * SIEVE_PLACES];
    for (; at > 0 && place[at - 1] > off; at--) {
        place[at] = place[at - 1];
    }
    place[at] = off;
    t->done[trig >> 6] &= ~((uint64_t)1 << (trig & 63));
    return sk_ok();
}

static struct mt_slow_entry slow_entry(const struct sieve *s, size_t key) {
    const struct mt_trig *t = &s->trig[key];
    uint32_t mask = t->len < 4 ? 0x00ffffffu : UINT32_MAX, value = 0;
    memcpy(&value, s->lit + t->lit, t->len < 4 ? t->len : 4);
    value = (value | (uint32_t)FOLDHASH_FOLD) & mask;
    return (struct mt_slow_entry){value, mask, (uint32_t)key, 0};
}

/* Entries go to the eight classes in turn. */
static sk_err make_slow(const struct sieve *s, struct sieve_table *t) {
    uint32_t count = 0, at = 0;
    for (size_t i = 0; i < s->key_count; i++) {
        count += is_short(s, &s->trig[i]);
    }
    if (count == 0) {
        return sk_ok();
    }
    t->slow = mem_zalloc(count, sizeof(*t->slow));
    if (t->slow == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (unsigned cls = 0; cls < 8; cls++) {
        uint32_t nth = 0;
        t->slow_head.first[cls] = at;
        for (size_t i = 0; i < s->key_count; i++) {
            if (is_short(s, &s->trig[i]) && nth++ % 8 == cls) {
                t->slow[at++] = slow_entry(s, i);
            }
        }
    }
    t->slow_head.first[8] = at;
    t->table.slow_head = &t->slow_head;
    t->table.slow = t->slow;
    t->table.slow_count = at;
    return sk_ok();
}

static sk_err make_table(const struct sieve *s, struct sieve_table *t) {
    t->segment = (struct mt_segment){.lit = s->lit,
                                     .lit_len = (uint32_t)s->lit_len,
                                     .trig = s->trig,
                                     .trig_count = (uint32_t)s->key_count};
    t->done = mem_zalloc(s->key_count / 64 + 1, sizeof(uint64_t));
    t->found = mem_zalloc(s->key_count + 1, sizeof(*t->found));
    t->place = mem_alloc((s->key_count + 1) * SIEVE_PLACES * sizeof(*t->place));
    if (t->done == NULL || t->found == NULL || t->place == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    if (worth_long(s)) {
        TRY(make_group(s, &eight, &t->group[0], &t->table));
        TRY(make_group(s, six_is_long(s) ? &three : &four, &t->group[1], &t->table));
    }
    return worth_short(s) ? make_slow(s, t) : sk_ok();
}

static void free_table(struct sieve_table *t) {
    for (unsigned i = 0; i < 2; i++) {
        mem_free(t->group[i].bitmap);
        mem_free(t->group[i].first);
        mem_free(t->group[i].entry);
    }
    mem_free(t->slow);
    mem_free(t->done);
    mem_free(t->found);
    mem_free(t->place);
}

static sk_err tell_all(const struct sieve *s, const struct sieve_table *table, sieve_tell_fn tell,
                       void *ctx) {
    for (size_t i = 0; i < s->asker_count; i++) {
        struct sieve_asker asker = s->asker[i];
        bool looked_for = is_short(s, &s->trig[asker.key]) ? worth_short(s) : worth_long(s);
        struct sieve_answer answer = {asker.who, table->found[asker.key],
                                      &table->place[(size_t)asker.key * SIEVE_PLACES]};
        TRY(looked_for ? tell(ctx, &answer) : sk_ok());
    }
    return sk_ok();
}

sk_err sieve_run(const struct sieve *s, struct filter_job *job, sieve_tell_fn tell, void *ctx) {
    if (!worth_long(s) && !worth_short(s)) {
        return sk_ok();
    }
    struct sieve_table table = {0};
    struct filter_plan *plan = NULL;
    sk_err err = make_table(s, &table);
    if (!sk_failed(err)) {
        struct filter_input input = {&table.segment, &table.table, table.done};
        err = filter_plan_new(&input, 1, false, &plan);
    }
    if (!sk_failed(err)) {
        job->plan = plan;
        job->hit = on_key;
        job->hit_ctx = &table;
        err = filter_run(job);
    }
    filter_plan_free(plan);
    if (!sk_failed(err)) {
        err = tell_all(s, &table, tell, ctx);
    }
    free_table(&table);
    return err;
}

void sieve_clear(struct sieve *s) {
    if (s->key_count > SIEVE_KEYS_KEPT) {
        sieve_release(s);
        return;
    }
    if (s->key_count > 0) {
        memset(s->slot, 0, s->slot_count * sizeof(*s->slot));
    }
    s->key_count = 0;
    s->lit_len = 0;
    s->asker_count = 0;
    s->six_count = 0;
    s->long_count = 0;
}

void sieve_release(struct sieve *s) {
    mem_free(s->trig);
    mem_free(s->lit);
    mem_free(s->asker);
    mem_free(s->slot);
    *s = (struct sieve){0};
}
