// SPDX-License-Identifier: Apache-2.0
/*
 * Buckets of the slow set, by merging.
 *
 * A bucket lets a place pass when each of its three bytes has its low nibble among the low nibbles
 * of the entries' bytes there, and its high nibble among the high ones: the cross product of
 * everything in the bucket. What matters is not how many byte triples that is but how often they
 * occur: twelve unrelated entries easily let three zeros pass, and then every padding byte of a
 * program is a candidate (measured: 450,000 candidates/MB on ELF files for the official PE set when
 * entries were placed one by one by the number of triples; exact hits are 200/MB).
 *
 * So: every entry starts as a cluster; the two whose union costs least more are merged until eight
 * are left. Cost of a cluster = expected hits per byte = product of the byte frequencies its
 * nibbles let pass + the counted rate of every common gram that passes (runs are far more frequent
 * than independent bytes would be).
 *
 *     entries --by bytes--> clusters (at most CLUSTER_MAX) --merge--> 8 buckets --> head
 *
 * Only the merged row of the cost matrix is computed anew, so it takes n^2 costs.
 */
#include "defc/slowset.h"

#include <float.h>
#include <stdlib.h>

#include "defc/freq.h"

#define BUCKETS 8u
#define CLUSTER_MAX 256u
#define COMMON_MAX 512u
#define COMMON_RATE 0.0002 /* grams below 200 per million bytes change no decision */

struct nibbles {
    uint16_t lo[3];
    uint16_t hi[3];
};

struct cluster {
    struct nibbles set;
    double cost;
    bool gone; /* merged into another */
};

struct model {
    double rate[256]; /* of a folded byte */
    uint32_t gram[COMMON_MAX];
    double gram_rate[COMMON_MAX];
    unsigned gram_count;
};

struct merging {
    const struct model *model;
    struct cluster *cluster;
    unsigned count;
    double *more; /* count x count, below the diagonal: what a union costs above its parts */
};

static void model_fill(struct model *m) {
    m->gram_count = 0;
    for (unsigned b = 0; b < 256; b++) {
        m->rate[b] = (b & 0x20) != 0 ? freq_byte((uint8_t)b) : 0;
    }
    for (unsigned i = 0; i < FREQ_GRAM_SLOTS && m->gram_count < COMMON_MAX; i++) {
        double rate = freq_gram[i].gram == 0 ? 0 : freq_rate(freq_gram[i].quarters);
        if (rate >= COMMON_RATE) {
            m->gram[m->gram_count] = freq_gram[i].gram;
            m->gram_rate[m->gram_count++] = rate;
        }
    }
}

static bool passes(const struct nibbles *s, uint32_t gram) {
    for (unsigned i = 0; i < 3; i++) {
        uint32_t byte = gram >> 8 * i & 0xff;
        if ((s->lo[i] >> (byte & 15) & 1) == 0 || (s->hi[i] >> (byte >> 4) & 1) == 0) {
            return false;
        }
    }
    return true;
}

static double cost_of(const struct model *m, const struct nibbles *s) {
    double product = 1;
    for (unsigned i = 0; i < 3; i++) {
        double sum = 0;
        for (unsigned b = 0; b < 256; b++) {
            bool in = (s->lo[i] >> (b & 15) & 1) != 0 && (s->hi[i] >> (b >> 4) & 1) != 0;
            sum += in ? m->rate[b] : 0;
        }
        product *= sum;
    }
    for (unsigned g = 0; g < m->gram_count; g++) {
        product += passes(s, m->gram[g]) ? m->gram_rate[g] : 0;
    }
    return product;
}

static struct nibbles joined(const struct nibbles *a, const struct nibbles *b) {
    struct nibbles u;
    for (unsigned i = 0; i < 3; i++) {
        u.lo[i] = a->lo[i] | b->lo[i];
        u.hi[i] = a->hi[i] | b->hi[i];
    }
    return u;
}

/* All of them where the mask lets any byte pass. */
static struct nibbles nibbles_of(const struct mt_slow_entry *e) {
    struct nibbles s;
    for (unsigned i = 0; i < 3; i++) {
        bool any = (e->mask >> 8 * i & 0xff) == 0;
        s.lo[i] = any ? UINT16_MAX : (uint16_t)(1u << (e->value >> 8 * i & 15));
        s.hi[i] = any ? UINT16_MAX : (uint16_t)(1u << (e->value >> (8 * i + 4) & 15));
    }
    return s;
}

static double *more_at(const struct merging *g, unsigned a, unsigned b) {
    return a > b ? &g->more[(size_t)a * g->count + b] : &g->more[(size_t)b * g->count + a];
}

static void row_fill(const struct merging *g, unsigned a, unsigned end) {
    for (unsigned b = 0; b < end; b++) {
        if (b != a && !g->cluster[b].gone) {
            struct nibbles u = joined(&g->cluster[a].set, &g->cluster[b].set);
            *more_at(g, a, b) = cost_of(g->model, &u) - g->cluster[a].cost - g->cluster[b].cost;
        }
    }
}

/* Merges the cheapest pair; *out_from went into *out_into. */
static void merge_once(struct merging *g, unsigned *out_from, unsigned *out_into) {
    double least = DBL_MAX;
    unsigned from = 0, into = 0;
    for (unsigned a = 1; a < g->count; a++) {
        for (unsigned b = 0; b < a && !g->cluster[a].gone; b++) {
            if (!g->cluster[b].gone && *more_at(g, a, b) < least) {
                least = *more_at(g, a, b);
                from = a;
                into = b;
            }
        }
    }
    struct cluster *kept = &g->cluster[into];
    kept->set = joined(&kept->set, &g->cluster[from].set);
    kept->cost = cost_of(g->model, &kept->set);
    g->cluster[from].gone = true;
    row_fill(g, into, g->count);
    *out_from = from;
    *out_into = into;
}

static int by_bytes(const void *a, const void *b) {
    const struct mt_slow_entry *x = a, *y = b;
    uint32_t vx = __builtin_bswap32(x->value), vy = __builtin_bswap32(y->value);
    if (vx != vy) {
        return vx < vy ? -1 : 1;
    }
    if (x->mask != y->mask) {
        return x->mask < y->mask ? -1 : 1;
    }
    return x->trig < y->trig ? -1 : x->trig > y->trig;
}

static int by_bucket(const void *a, const void *b) {
    const struct mt_slow_entry *x = a, *y = b;
    return x->pad != y->pad ? (x->pad < y->pad ? -1 : 1) : by_bytes(a, b);
}

/* Neighbours in byte order share a first cluster when there are too many entries. */
static void first_clusters(struct merging *g, struct mt_slow_entry *slow, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) { /* pad holds the cluster for a while */
        unsigned k = (unsigned)((uint64_t)i * g->count / count);
        struct nibbles s = nibbles_of(&slow[i]);
        g->cluster[k].set = joined(&g->cluster[k].set, &s);
        slow[i].pad = k;
    }
    for (unsigned k = 0; k < g->count; k++) {
        g->cluster[k].cost = cost_of(g->model, &g->cluster[k].set);
        row_fill(g, k, k);
    }
}

static void head_fill(struct mt_slow_head *head, const struct mt_slow_entry *slow, uint32_t count) {
    memset(head, 0, sizeof(*head));
    for (uint32_t i = 0; i < count; i++) {
        uint8_t bit = (uint8_t)(1u << slow[i].pad);
        head->first[slow[i].pad + 1]++;
        struct nibbles s = nibbles_of(&slow[i]);
        for (unsigned n = 0; n < 3 * 16; n++) {
            head->lo[n / 16][n % 16] |= (s.lo[n / 16] >> n % 16 & 1) != 0 ? bit : 0;
            head->hi[n / 16][n % 16] |= (s.hi[n / 16] >> n % 16 & 1) != 0 ? bit : 0;
        }
    }
    for (unsigned k = 0; k < BUCKETS; k++) {
        head->first[k + 1] += head->first[k];
    }
}

bool slowset_arrange(struct arena *arena, struct mt_slow_entry *slow, uint32_t count,
                     struct mt_slow_head *head) {
    struct arena_mark mark = arena_mark(arena);
    struct merging g = {.count = count < CLUSTER_MAX ? count : CLUSTER_MAX};
    struct model *model = arena_alloc(arena, sizeof(*model));
    g.cluster = arena_zalloc(arena, g.count, sizeof(*g.cluster));
    g.more = arena_zalloc(arena, (size_t)g.count * g.count, sizeof(*g.more));
    if (model == NULL || g.cluster == NULL || g.more == NULL) {
        return false;
    }
    model_fill(model);
    g.model = model;
    qsort(slow, count, sizeof(*slow), by_bytes);
    first_clusters(&g, slow, count);
    for (unsigned left = g.count; left > BUCKETS; left--) {
        unsigned from, into;
        merge_once(&g, &from, &into);
        for (uint32_t i = 0; i < count; i++) {
            slow[i].pad = slow[i].pad == from ? into : slow[i].pad;
        }
    }
    unsigned bucket[CLUSTER_MAX], used = 0;
    for (unsigned k = 0; k < g.count; k++) {
        bucket[k] = g.cluster[k].gone ? 0 : used++;
    }
    for (uint32_t i = 0; i < count; i++) {
        slow[i].pad = bucket[slow[i].pad];
    }
    qsort(slow, count, sizeof(*slow), by_bucket);
    head_fill(head, slow, count);
    for (uint32_t i = 0; i < count; i++) {
        slow[i].pad = 0;
    }
    arena_rewind(arena, mark);
    return true;
}
