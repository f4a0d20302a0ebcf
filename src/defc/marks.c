// SPDX-License-Identifier: Apache-2.0
/*
 * Marks of a table by taking turns.
 *
 * A class lets a place pass when its three bytes are each among the bytes that its marks have
 * there: the cross product of three sets. A literal of thirty bytes offers twenty-seven marks to
 * eight classes, so most literals find a class that has nearly all of their bytes already. One
 * after the other takes the mark and class that cost least now; then everybody once more, knowing
 * what the others have chosen:
 *
 *     literal  a b c d e f g h i j     mark at c: window c..j, class k: c in S0, d in S1, e in S2
 *
 *     cost = what more passes class k x PASS_NS + how often the window stands x HIT_NS
 *
 * What passes is counted with a chain of byte pairs (defc/freq.h):
 *
 *     rate(S0, S1, S2) = sum p(a) p(b | a) p(c | b) over a in S0, b in S1, c in S2
 *
 * A class keeps four sums (struct class) from which the growth by one mark follows without a loop;
 * that a new first and a new last byte also meet through the old middle ones is left out.
 *
 * Measured with the tables for ELF of the official files (2,000 literals in sixteen classes): 2.5 %
 * of the places of shared libraries pass, 3 to 6 % of text. All 69,000 literals for PE in the same
 * way: a third, so tables that large keep their groups.
 */
#include "defc/marks.h"

#include <stdlib.h>
#include <string.h>

#include "defc/freq.h"
#include "match/plan.h"

#define CLASSES 8u
#define VALUES 128u
#define TURNS 3u
#define PASS_NS 1.5
#define HIT_NS 30.0
/* Half of what a table may let pass: there are two segments. */
#define RATE_MAX 0.06

struct model {
    double first[VALUES];
    double next[VALUES][VALUES];     /* [a][b]: p(b | a) */
    double previous[VALUES][VALUES]; /* the same, [b][a] */
};

struct class {
    uint32_t count[3][VALUES]; /* how many marks have this byte there */
    double before[VALUES];     /* [b]: sum of p(a) p(b | a) over the first bytes */
    double after[VALUES];      /* [b]: sum of p(c | b) over the last bytes */
    double more_first[VALUES]; /* [a]: what passes more with a among the first bytes */
    double more_last[VALUES];
};

/* The mark of one literal. */
struct choice {
    uint32_t at; /* of the window, in the literal */
    unsigned cls;
};

struct choosing {
    struct model model;
    struct class cls[CLASSES];
    struct freq_run run; /* of the literal that chooses */
    struct choice *choice;
};

static void model_fill(struct model *m) {
    for (unsigned a = 0; a < VALUES; a++) {
        m->first[a] = freq_rate(freq_first[a]);
        for (unsigned b = 0; b < VALUES; b++) {
            m->next[a][b] = freq_rate((uint32_t)(freq_pair[a][b] - '0'));
            m->previous[b][a] = m->next[a][b];
        }
    }
}

/* The sums of a class whose sets have changed. */
static void class_sum(const struct model *m, struct class *c) {
    memset(c->before, 0, sizeof(c->before));
    memset(c->after, 0, sizeof(c->after));
    memset(c->more_first, 0, sizeof(c->more_first));
    memset(c->more_last, 0, sizeof(c->more_last));
    for (unsigned x = 0; x < VALUES; x++) {
        for (unsigned b = 0; c->count[0][x] > 0 && b < VALUES; b++) {
            c->before[b] += m->first[x] * m->next[x][b];
        }
        for (unsigned b = 0; c->count[2][x] > 0 && b < VALUES; b++) {
            c->after[b] += m->previous[x][b];
        }
    }
    for (unsigned b = 0; b < VALUES; b++) {
        for (unsigned x = 0; c->count[1][b] > 0 && x < VALUES; x++) {
            c->more_first[x] += m->previous[b][x] * c->after[b];
            c->more_last[x] += c->before[b] * m->next[b][x];
        }
    }
    for (unsigned a = 0; a < VALUES; a++) {
        c->more_first[a] *= m->first[a];
    }
}

/* What passes a class, per byte. */
static double class_rate(const struct class *c) {
    double sum = 0;
    for (unsigned a = 0; a < VALUES; a++) {
        sum += c->count[0][a] > 0 ? c->more_first[a] : 0;
    }
    return sum;
}

/* How much more passes with a mark of these three values. */
static double class_growth(const struct model *m, const struct class *c, const unsigned v[3]) {
    bool a = c->count[0][v[0]] == 0, b = c->count[1][v[1]] == 0, z = c->count[2][v[2]] == 0;
    double growth = 0, after = c->after[v[1]];
    if (z) {
        growth += c->more_last[v[2]];
        after += m->next[v[1]][v[2]];
    }
    if (a) {
        growth += c->more_first[v[0]];
    }
    if (b) {
        growth += (c->before[v[1]] + (a ? m->first[v[0]] * m->next[v[0]][v[1]] : 0)) * after;
    } else if (a && z) {
        growth += m->first[v[0]] * m->next[v[0]][v[1]] * m->next[v[1]][v[2]];
    }
    return growth;
}

static void values_at(const struct marks_literal *lit, uint32_t at, unsigned out[3]) {
    for (unsigned i = 0; i < 3; i++) {
        out[i] = plan_class_index(lit->bytes[at + i]);
    }
}

/* A literal joins (by 1) or leaves (by -1) its class. */
static void class_change(struct choosing *c, const struct marks_literal *lit, struct choice where,
                         int by) {
    struct class *cls = &c->cls[where.cls];
    unsigned v[3];
    values_at(lit, where.at, v);
    bool changed = false;
    for (unsigned i = 0; i < 3; i++) {
        uint32_t was = cls->count[i][v[i]];
        cls->count[i][v[i]] = by > 0 ? was + 1 : was - 1;
        changed = changed || (was == 0) != (cls->count[i][v[i]] == 0);
    }
    if (changed) {
        class_sum(&c->model, cls);
    }
}

/* Of the mark at `at`: as long as the literal allows. */
static uint32_t window_len(uint32_t len, uint32_t at) {
    return len - at >= 8 ? 8 : len - at >= 4 ? 4 : 3;
}

/* The class that grows least by these values. */
static unsigned best_class(const struct choosing *c, const unsigned v[3], double *out_growth) {
    unsigned best = 0;
    double least = class_growth(&c->model, &c->cls[0], v);
    for (unsigned k = 1; k < CLASSES; k++) {
        double growth = class_growth(&c->model, &c->cls[k], v);
        if (growth < least) {
            least = growth;
            best = k;
        }
    }
    *out_growth = least;
    return best;
}

static struct choice choose(struct choosing *c, const struct marks_literal *lit) {
    struct choice best = {0, 0};
    double least = 0;
    uint32_t least_len = lit->len > 4 ? 4 : lit->len;
    freq_run(&c->run, lit->bytes, lit->len);
    for (uint32_t at = 0; at + least_len <= c->run.len; at++) {
        double stands = freq_window(&c->run, at, window_len(c->run.len, at)) * HIT_NS;
        unsigned v[3];
        values_at(lit, at, v);
        double growth = 0;
        unsigned cls = best_class(c, v, &growth);
        if (at == 0 || stands + growth * PASS_NS < least) {
            least = stands + growth * PASS_NS;
            best = (struct choice){at, cls};
        }
    }
    return best;
}

/* Short literals have least to choose from, so they choose first. */
static int by_length(const void *a, const void *b) {
    const struct marks_literal *x = *(const struct marks_literal *const *)a;
    const struct marks_literal *y = *(const struct marks_literal *const *)b;
    if (x->len != y->len) {
        return x->len < y->len ? -1 : 1;
    }
    return x->trig < y->trig ? -1 : x->trig > y->trig;
}

static double take_turns(struct choosing *c, const struct marks_literal *const *order,
                         uint32_t count) {
    for (unsigned turn = 0; turn < TURNS; turn++) {
        for (uint32_t i = 0; i < count; i++) {
            if (turn > 0) {
                class_change(c, order[i], c->choice[i], -1);
            }
            c->choice[i] = choose(c, order[i]);
            class_change(c, order[i], c->choice[i], 1);
        }
    }
    double rate = 0;
    for (unsigned k = 0; k < CLASSES; k++) {
        rate += class_rate(&c->cls[k]);
    }
    return rate;
}

static struct mt_mark mark_of(const struct marks_literal *lit, uint32_t at) {
    uint32_t q = window_len(lit->len, at);
    struct mt_mark mark = {.trig = lit->trig, .delta = (uint16_t)at, .q = (uint16_t)q};
    for (uint32_t i = 0; i < q; i++) {
        mark.window |= (uint64_t)(lit->bytes[at + i] | 0x20u) << 8 * i;
    }
    return mark;
}

static sk_err keep(struct arena *arena, const struct choosing *c,
                   const struct marks_literal *const *order, uint32_t count,
                   struct marks *out_marks) {
    struct mt_mark_head *head = arena_zalloc(arena, 1, sizeof(*head));
    struct mt_mark *mark = arena_zalloc(arena, count, sizeof(*mark));
    if (head == NULL || mark == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (unsigned k = 0; k < CLASSES; k++) {
        for (unsigned i = 0; i < 3 * VALUES; i++) {
            bool in = c->cls[k].count[i / VALUES][i % VALUES] > 0;
            head->cls[i / VALUES][i % VALUES] |= (uint8_t)((unsigned)in << k);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        mark[i] = mark_of(order[i], c->choice[i].at);
    }
    *out_marks = (struct marks){head, mark, count};
    return sk_ok();
}

sk_err marks_choose(struct arena *arena, const struct marks_literal *lit, uint32_t count,
                    struct marks *out_marks) {
    if (count == 0 || count > MARKS_MAX) {
        return sk_ok();
    }
    struct arena work;
    arena_init(&work, (size_t)4 << 20);
    struct choosing *c = arena_zalloc(&work, 1, sizeof(*c));
    const struct marks_literal **order = arena_zalloc(&work, count, sizeof(const void *));
    sk_err err = sk_fail(SK_E_NOMEM);
    if (c != NULL && order != NULL) {
        c->choice = arena_zalloc(&work, count, sizeof(*c->choice));
    }
    if (c != NULL && c->choice != NULL) {
        for (uint32_t i = 0; i < count; i++) {
            order[i] = &lit[i];
        }
        qsort(order, count, sizeof(const void *), by_length);
        model_fill(&c->model);
        err = take_turns(c, order, count) > RATE_MAX ? sk_ok()
                                                     : keep(arena, c, order, count, out_marks);
    }
    arena_release(&work);
    return err;
}
