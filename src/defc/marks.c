// SPDX-License-Identifier: Apache-2.0
/*
 * Marks of a table by taking turns.
 *
 * A class lets a place pass when its four bytes are each among the bytes that its marks have there:
 * the cross product of four sets. A literal of thirty bytes offers twenty-seven marks to four
 * classes, so most literals find a class that has nearly all of their bytes already. One after the
 * other takes the mark and class that cost least now; then everybody once more, knowing what the
 * others have chosen:
 *
 *     literal  a b c d e f g h i j     mark at c: window c..j, class k: c in S0, d in S1, e, f
 *
 *     cost = what more passes class k x PASS_NS + how often its four bytes stand x BEGIN_NS
 *            + how often the window stands x HIT_NS
 *
 * What passes is counted with a chain of byte pairs (defc/freq.h), forwards and backwards:
 *
 *     before[i][v]   rate of S0 S1 .. S(i-1) v       after[i][v]   probability of S(i+1) .. S3
 *                                                                  behind v
 *
 * from which the growth by one mark follows without a loop over the sets; that a new byte and
 * another one that is not next to it also meet through the old ones between is left out.
 *
 * Tables for HTML and text are searched in normalised text alone, so their pairs are those of that,
 * and grams common in it count (".com", once in 800 bytes of change logs, was the mark of a word
 * because hardly any header or program has it). With that and BEGIN_NS, which was not there before,
 * 0.4 % of the places of text begin like a mark and 0.09 % are followed, where it was 1.4 and 0.27.
 *
 * Bytes are looked up by their lower seven bits as they stand. Before, without the bit that case is
 * folded by, three bytes and eight classes for each segment: six permutations instead of four. By a
 * model of places that pass, never built: four bytes and tables of 64, two to three times as many
 * pass; every second place alone with two marks for each literal, twice as many; a sample of
 * windows instead of the chain, 1.2 times as many.
 *
 * With the tables for ELF of the official files (2,000 literals in eight classes), 2.5 % of the
 * places of shared libraries pass, 4 to 7 % of text; of ten times the set (11,000 and 13,000
 * literals) 7 and 16 %, which costs less than half of what its groups did, whose bitmaps the
 * first-level cache does not hold. All 69,000 literals for PE in the same way: a third, so tables
 * that large keep their groups.
 *
 * Tried with ten times the set: five, six and eight bytes (a mark then has more bytes that a class
 * must take and fewer places to choose from: 10, 13 and 34 % of programs pass); six classes for the
 * large segment and two for the small (8 and 15 %); sixteen classes (5 and 9 %, but twice the
 * permutations for every byte); five turns, or bytes that no mark has yet at a part of their cost
 * instead of nothing (no fewer); groups for literals of fifteen bytes and more and marks for the
 * others alone (they let nearly as many pass).
 */
#include "defc/marks.h"

#include <stdlib.h>
#include <string.h>

#include "defc/freq.h"
#include "match/plan.h"

#define BYTES MT_MARK_BYTES
#define VALUES MT_MARK_VALUES
#define CLASSES MT_MARK_CLASSES
#define TURNS 2u
#define PASS_NS 1.5
#define BEGIN_NS 6.0
#define HIT_NS 200.0 /* 30, 80, 100: more is followed; 400, 1000: more passes */
/* What passes costs 1 ns a place; what groups of as many triggers cost more than the permutations,
 * 0.5 ns a byte at least, is what may be spent on it. Half for each of two segments. */
#define RATE_MAX 0.15
/* Of normalised text: the model is about those bytes alone and not about programs, too, so it says
 * more for the same triggers (ten times the full set: 0.17 and 0.20). */
#define TEXT_RATE_MAX 0.22

struct model {
    double first[VALUES];
    double next[VALUES][VALUES];     /* [a][b]: p(b | a) */
    double previous[VALUES][VALUES]; /* the same, [b][a] */
};

struct class {
    uint32_t count[BYTES][VALUES]; /* how many marks have this byte there */
    double before[BYTES][VALUES];
    double after[BYTES][VALUES];
};

/* The mark of one literal. */
struct choice {
    uint32_t at; /* of the window, in the literal */
    unsigned cls;
};

/* What may stand at the four places of a mark: one value, or two, or any. */
struct values {
    unsigned count[BYTES]; /* VALUES: any */
    unsigned value[BYTES][2];
};

struct choosing {
    struct model model;
    struct class cls[CLASSES];
    struct freq_run run; /* of the literal that chooses */
    bool text;           /* it is looked for in normalised text */
    struct choice *choice;
};

static void model_fill(struct model *m, bool text) {
    const uint8_t *first = text ? freq_text_first : freq_low_first;
    const char(*pair)[129] = text ? freq_text_pair : freq_low_pair;
    for (unsigned a = 0; a < VALUES; a++) {
        m->first[a] = freq_rate(first[a]);
        for (unsigned b = 0; b < VALUES; b++) {
            m->next[a][b] = freq_rate((uint32_t)(pair[a][b] - '0'));
            m->previous[b][a] = m->next[a][b];
        }
    }
}

/* The sums of a class whose sets have changed. */
static void class_sum(const struct model *m, struct class *c) {
    for (unsigned v = 0; v < VALUES; v++) {
        c->before[0][v] = m->first[v];
        c->after[BYTES - 1][v] = 1;
    }
    for (unsigned i = 1; i < BYTES; i++) {
        double *before = c->before[i], *after = c->after[BYTES - 1 - i];
        memset(before, 0, sizeof(c->before[i]));
        memset(after, 0, sizeof(c->after[i]));
        for (unsigned x = 0; x < VALUES; x++) {
            for (unsigned v = 0; c->count[i - 1][x] > 0 && v < VALUES; v++) {
                before[v] += c->before[i - 1][x] * m->next[x][v];
            }
            for (unsigned v = 0; c->count[BYTES - i][x] > 0 && v < VALUES; v++) {
                after[v] += m->previous[x][v] * c->after[BYTES - i][x];
            }
        }
    }
}

/* What passes a class, per byte. */
static double class_rate(const struct class *c) {
    double sum = 0;
    for (unsigned v = 0; v < VALUES; v++) {
        sum += c->count[0][v] > 0 ? c->before[0][v] * c->after[0][v] : 0;
    }
    return sum;
}

/* How much more passes with these values. From the last byte to the first: what follows a new
 * value is what followed it before, and the new ones at the next place. */
static double class_growth(const struct model *m, const struct class *c, const struct values *v) {
    double growth = 0, follows[2] = {0, 0};
    unsigned behind = 0; /* new values at the next place, and where in v they are */
    unsigned next[2] = {0, 0};
    for (unsigned i = BYTES; i-- > 0;) {
        double sum[2] = {0, 0};
        unsigned fresh = 0, value[2] = {0, 0};
        bool any = v->count[i] == VALUES;
        for (unsigned k = 0; k < v->count[i]; k++) {
            unsigned x = any ? k : v->value[i][k];
            if (c->count[i][x] > 0) {
                continue;
            }
            double after = c->after[i][x];
            for (unsigned b = 0; b < behind; b++) {
                after += m->next[x][next[b]] * follows[b];
            }
            growth += c->before[i][x] * after;
            sum[fresh] = any ? 0 : after;
            value[fresh] = x;
            fresh += !any;
        }
        behind = fresh;
        memcpy(follows, sum, sizeof(follows));
        memcpy(next, value, sizeof(next));
    }
    return growth;
}

/* Both cases of a letter when they are the same; any where the literal has ended. */
static void values_at(const struct marks_literal *lit, uint32_t at, struct values *out) {
    for (unsigned i = 0; i < BYTES; i++) {
        out->count[i] = VALUES;
        if (at + i < lit->len) {
            uint8_t byte = lit->bytes[at + i];
            bool both = lit->nocase && byte >= 'a' && byte <= 'z';
            out->count[i] = both ? 2 : 1;
            out->value[i][0] = byte % VALUES;
            out->value[i][1] = byte & 0x5fu;
        }
    }
}

/* A literal joins (by 1) or leaves (by -1) its class. */
static void class_change(struct choosing *c, const struct marks_literal *lit, struct choice where,
                         int by) {
    struct class *cls = &c->cls[where.cls];
    struct values v;
    values_at(lit, where.at, &v);
    bool changed = false;
    for (unsigned i = 0; i < BYTES; i++) {
        for (unsigned k = 0; k < v.count[i]; k++) {
            uint32_t *count = &cls->count[i][v.count[i] == VALUES ? k : v.value[i][k]];
            uint32_t was = *count;
            *count = by > 0 ? was + 1 : was - 1;
            changed = changed || (was == 0) != (*count == 0);
        }
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
static unsigned best_class(const struct choosing *c, const struct values *v, double *out_growth) {
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

/* How often the n bytes at `at` stand. */
static double rate_of(const struct choosing *c, uint32_t at, uint32_t n) {
    double rate = freq_window(&c->run, at, n);
    double text = c->text && n >= 4 ? freq_text_window(&c->run, at, n) : 0;
    return rate > text ? rate : text;
}

static struct choice choose(struct choosing *c, const struct marks_literal *lit) {
    struct choice best = {0, 0};
    double least = 0;
    uint32_t least_len = lit->len > 4 ? 4 : lit->len;
    freq_run(&c->run, lit->bytes, lit->len);
    for (uint32_t at = 0; at + least_len <= c->run.len; at++) {
        double stands = rate_of(c, at, window_len(c->run.len, at)) * HIT_NS +
                        rate_of(c, at, least_len) * BEGIN_NS;
        struct values v;
        values_at(lit, at, &v);
        double growth = 0;
        unsigned cls = best_class(c, &v, &growth);
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
        for (unsigned i = 0; i < BYTES * VALUES; i++) {
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

sk_err marks_choose(struct arena *arena, const struct marks_literal *lit, uint32_t count, bool text,
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
        model_fill(&c->model, text);
        c->text = text;
        err = take_turns(c, order, count) > (text ? TEXT_RATE_MAX : RATE_MAX)
                  ? sk_ok()
                  : keep(arena, c, order, count, out_marks);
    }
    arena_release(&work);
    return err;
}
