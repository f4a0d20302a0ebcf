// SPDX-License-Identifier: Apache-2.0
/*
 * A subsignature can be found in five ways:
 *
 *   anchored   exact place known: up to four bytes are compared there, once a layer
 *   long       run of 15 and more: eight windows of eight bytes, the text sampled every 8 bytes
 *   short      run of 6 and more: three windows of four bytes, the text sampled every 3 bytes
 *   slow       run of 3 and more: every offset, by nibble tables
 *   masked     three of four bytes, one byte between two runs: slow as well
 *
 * A run of q + s - 1 bytes holds s windows of q bytes, one of which is sampled wherever the run
 * lies. The block of s windows with the fewest expected hits is taken:
 *
 *       run    . . . . [ w0 w1 w2 ... w(s-1) ] . . .        cost = sum of p(window) / s
 *
 * What a candidate costs decides between them: a filter hit is some 30 ns (misprediction and cache
 * miss), a touched signature some 20 us (its other subsignatures are searched). A trigger whose
 * windows are so common that the filter would fill up goes to the slow set.
 *
 * The literal that is compared after a hit is cut to TRIGGER_LITERAL_MAX bytes around its block:
 * more bytes hardly make it rarer, and equal cuts are shared.
 */
#include "defc/trigger.h"

#include "defc/expr.h"

#define MB 1e6
#define HIT_NS 30.0
#define TOUCH_NS 20000.0
#define LONG_NS 1.0 /* its share of filter bits and buckets */
#define SHORT_NS 3.0
#define SLOW_NS 60.0
#define SLOW_HIT_NS 15.0
#define SLOW_HITS_PER_MB 40.0 /* instead of the fewest, for more bytes behind */
#define SLOW_LITERAL_ENOUGH 16u
#define MASKED_NS 60.0
#define MASKED_LEN 4u
#define ANCHOR_NS 1.0
#define COMMON_HITS_PER_MB 400.0
#define COMMON_TEXT_PER_MB 1.0 /* text that many files hold: as if once a megabyte */
/* Bytes at an entry point or a header are far from random: a match is this much likelier. */
#define PLACE_FACTOR 65536.0
#define MAGIC_BYTES 8

static const struct hex_part *part_at(const struct hex_stage *st, uint32_t i) {
    return &((const struct hex_part *)st->part.data)[i];
}
static const struct hex_run *run_at(const struct hex_stage *st, uint32_t i) {
    return &((const struct hex_run *)st->run.data)[i];
}

/* ---- filter groups and slow set -------------------------------------------------------------- */

struct block {
    double hits; /* per byte position */
    uint32_t at;
};

/* The block of s windows of q bytes with the fewest hits. The run has at least q + s - 1 bytes. */
static struct block best_block(const struct freq_run *f, uint32_t q, uint32_t s) {
    double window[FREQ_RUN_MAX];
    struct block best = {EXPR_COST_NONE, 0};
    for (uint32_t i = 0; i + q <= f->len; i++) {
        window[i] = freq_window(f, i, q);
    }
    for (uint32_t i = 0; i + q + s - 1 <= f->len; i++) {
        double sum = 0;
        for (uint32_t k = 0; k < s; k++) {
            sum += window[i + k];
        }
        if (sum < best.hits) {
            best = (struct block){sum, i};
        }
    }
    best.hits /= s;
    return best;
}

/* Cut the literal around [at, at + need) and say where the block is inside. */
static void cut_literal(struct trigger *t, const struct hex_run *run, uint32_t len,
                        struct block block, uint32_t need) {
    uint32_t spare = TRIGGER_LITERAL_MAX - need;
    uint32_t first = block.at > spare / 2 ? block.at - spare / 2 : 0;
    uint32_t end = first + TRIGGER_LITERAL_MAX < len ? first + TRIGGER_LITERAL_MAX : len;
    t->prog = run->prog + first;
    t->len = (uint16_t)(end - first);
    t->window = (uint16_t)(block.at - first);
}

static double touch_ns(const struct freq_run *f, uint32_t first, uint32_t len) {
    double p = MB * freq_window(f, first, len);
    if (freq_is_common_text(f, first, len) && p < COMMON_TEXT_PER_MB) {
        p = COMMON_TEXT_PER_MB;
    }
    return p * TOUCH_NS;
}

static void consider(struct trigger *best, const struct trigger *t) {
    if (t->cost < best->cost) {
        *best = *t;
    }
}

static uint32_t literal_len(const struct freq_run *f, uint32_t at) {
    return f->len - at < TRIGGER_LITERAL_MAX ? f->len - at : TRIGGER_LITERAL_MAX;
}

/* The key of a slow entry is the start of its literal: one that is found more often, but leaves
 * more bytes to compare, is the better one as long as it costs next to nothing. ("_success" instead
 * of "attack_success" had a signature of 25 subsignatures evaluated on every tenth program.) Of ELF
 * files: in text such keys stand so often that the search was a quarter slower, Windows programs
 * were a thirtieth. */
static uint32_t slow_start(const struct freq_run *f, uint32_t q, uint32_t rarest) {
    uint32_t at = f->len - rarest < SLOW_LITERAL_ENOUGH ? 0 : rarest;
    at = f->len > TRIGGER_LITERAL_MAX && at < f->len - TRIGGER_LITERAL_MAX
             ? f->len - TRIGGER_LITERAL_MAX
             : at;
    while (at < rarest && MB * freq_window(f, at, q) > SLOW_HITS_PER_MB) {
        at++;
    }
    return at;
}

static void consider_slow(struct trigger *best, const struct hex_run *run, const struct freq_run *f,
                          struct trigger t, bool whole) {
    uint32_t q = f->len >= 4 ? 4 : 3;
    struct block block = best_block(f, q, 1);
    uint32_t len = literal_len(f, block.at);
    t.how = TRIGGER_SLOW;
    t.cost = SLOW_NS + MB * block.hits * SLOW_HIT_NS + touch_ns(f, block.at, len);
    block.at = whole ? slow_start(f, q, block.at) : block.at;
    t.prog = run->prog + block.at;
    t.len = (uint16_t)literal_len(f, block.at);
    t.window = 0;
    consider(best, &t);
}

static void consider_group(struct trigger *best, const struct hex_run *run,
                           const struct freq_run *f, struct trigger t) {
    bool is_long = t.how == TRIGGER_LONG;
    uint32_t q = is_long ? TRIGGER_LONG_Q : TRIGGER_SHORT_Q;
    uint32_t s = is_long ? TRIGGER_LONG_S : TRIGGER_SHORT_S;
    if (f->len < q + s - 1) {
        return;
    }
    struct block block = best_block(f, q, s);
    if (MB * block.hits > COMMON_HITS_PER_MB) {
        return;
    }
    cut_literal(&t, run, f->len, block, q + s - 1);
    t.cost = (is_long ? LONG_NS : SHORT_NS) + MB * block.hits * HIT_NS +
             touch_ns(f, t.prog - run->prog, t.len);
    consider(best, &t);
}

/* `before` bytes at the end of run a, any byte, the others of three at the start of run b. */
static void consider_masked(struct trigger *best, const struct hex_stage *st,
                            const struct hex_run *a, const struct hex_run *b, uint32_t before) {
    struct trigger t = {.how = TRIGGER_MASKED, .len = MASKED_LEN};
    double p = 1;
    for (uint32_t i = 0; i < MASKED_LEN; i++) {
        const struct hex_run *run = i < before ? a : b;
        uint32_t at = i < before ? a->len - before + i : i - before - 1;
        if (i == before) {
            continue;
        }
        uint8_t byte = st->prog.data[run->prog + at];
        bool letter = run->nocase && byte >= 'a' && byte <= 'z';
        t.mask |= (letter ? 0xdfu : 0xffu) << 8 * i;
        t.value |= (uint32_t)(letter ? byte & 0xdf : byte) << 8 * i;
        p *= freq_byte(byte | 0x20);
    }
    t.cost = MASKED_NS + MB * p * SLOW_HIT_NS + MB * p * TOUCH_NS;
    consider(best, &t);
}

/* Runs of one part with one byte between them. */
static void consider_gaps(struct trigger *best, const struct hex_stage *st,
                          const struct hex_part *part) {
    for (uint32_t i = 1; i < part->run_count; i++) {
        const struct hex_run *a = run_at(st, part->run_first + i - 1), *b = a + 1;
        bool near = a->delta != HEX_FLOATING && b->delta != HEX_FLOATING &&
                    b->delta == a->delta + a->len + 1;
        if (near && a->len >= 2) {
            consider_masked(best, st, a, b, 2);
        }
        if (near && b->len >= 2) {
            consider_masked(best, st, a, b, 1);
        }
    }
}

static void consider_run(struct trigger *best, const struct hex_stage *st,
                         const struct hex_run *run, uint16_t part, unsigned target) {
    if (run->len < 3) {
        return;
    }
    struct freq_run f;
    freq_run(&f, st->prog.data + run->prog, run->len);
    if (target == SK_TARGET_PE) {
        freq_run_windows(&f);
    }
    struct trigger t = {.part = part, .nocase = (uint8_t)run->nocase};
    t.how = TRIGGER_LONG;
    consider_group(best, run, &f, t);
    t.how = TRIGGER_SHORT;
    consider_group(best, run, &f, t);
    if (best->how == TRIGGER_NONE || best->cost > SLOW_NS) {
        consider_slow(best, run, &f, t, target == SK_TARGET_ELF);
    }
}

/* ---- anchored checks ------------------------------------------------------------------------- */

static bool exact_place(const struct offset *o) {
    return o->shift == 0 && o->kind != MT_OFF_ANY && o->kind != MT_OFF_VI &&
           o->kind != MT_OFF_SECT_ANY;
}

/* The four (or fewer) bytes of the first part that are rarest together. */
static void consider_anchor(struct trigger *best, const struct hex_stage *st,
                            const struct hex_part *part, const struct offset *o) {
    for (uint32_t i = 0; i < part->run_count; i++) {
        const struct hex_run *run = run_at(st, part->run_first + i);
        if (run->delta == HEX_FLOATING) {
            continue;
        }
        struct freq_run f;
        freq_run(&f, st->prog.data + run->prog, run->len);
        uint32_t n = f.len < 4 ? f.len : 4;
        struct trigger t = {.how = TRIGGER_ANCHOR};
        struct block block = best_block(&f, n, 1);
        bool magic =
            o->kind == MT_OFF_ABS && (uint64_t)o->off + run->delta + block.at < MAGIC_BYTES;
        double p = magic ? 1.0 : block.hits * PLACE_FACTOR;
        t.cost = ANCHOR_NS + (p > 1.0 ? 1.0 : p) * TOUCH_NS;
        t.delta = run->delta + block.at;
        for (uint32_t k = 0; k < n; k++) {
            uint8_t byte = st->prog.data[run->prog + block.at + k];
            bool letter = run->nocase && byte >= 'a' && byte <= 'z';
            t.mask |= (letter ? 0xdfu : 0xffu) << 8 * k;
            t.value |= (uint32_t)(letter ? byte & 0xdf : byte) << 8 * k;
        }
        consider(best, &t);
    }
}

static struct trigger choose(const struct hex_stage *st, struct hex_range range,
                             const struct offset *offset, unsigned target) {
    struct trigger best = {.how = TRIGGER_NONE, .cost = EXPR_COST_NONE};
    if (exact_place(offset)) {
        /* Searching for what is at a known place would find it in the same files, and cost more. */
        consider_anchor(&best, st, part_at(st, range.part_first), offset);
    }
    for (uint32_t p = 0; p < range.part_count && best.how != TRIGGER_ANCHOR; p++) {
        const struct hex_part *part = part_at(st, range.part_first + p);
        for (uint32_t i = 0; i < part->run_count; i++) {
            consider_run(&best, st, run_at(st, part->run_first + i), (uint16_t)p, target);
        }
    }
    for (uint32_t p = 0; p < range.part_count && best.how == TRIGGER_NONE; p++) {
        consider_gaps(&best, st, part_at(st, range.part_first + p));
    }
    return best;
}

/* Is there text in it that Windows programs hold? */
static bool holds_windows_text(const struct hex_stage *st, struct hex_range range) {
    bool holds = false;
    for (uint32_t p = 0; p < range.part_count && !holds; p++) {
        const struct hex_part *part = part_at(st, range.part_first + p);
        for (uint32_t i = 0; i < part->run_count && !holds; i++) {
            const struct hex_run *run = run_at(st, part->run_first + i);
            holds = freq_holds_windows(st->prog.data + run->prog, run->len);
        }
    }
    return holds;
}

/* The order in which the members of an AND are evaluated decides which offset is told: it is that
 * of the plain model, so that no list of words for Windows programs changes it. */
struct trigger trigger_choose(const struct hex_stage *st, struct hex_range range,
                              const struct offset *offset, unsigned target) {
    struct trigger plain =
        choose(st, range, offset, target == SK_TARGET_PE ? SK_TARGET_ANY : target);
    struct trigger best = plain;
    if (target == SK_TARGET_PE && holds_windows_text(st, range)) {
        best = choose(st, range, offset, target);
    }
    best.order = plain.cost;
    return best;
}

/* ---- keys ------------------------------------------------------------------------------------ */

struct trigger_key trigger_key(const struct hex_stage *st, const struct hex_part *part) {
    struct trigger_key best = {0};
    double rarest = EXPR_COST_NONE;
    for (uint32_t i = 0; i < part->run_count; i++) {
        const struct hex_run *run = run_at(st, part->run_first + i);
        if (run->delta == HEX_FLOATING) {
            continue;
        }
        struct freq_run f;
        freq_run(&f, st->prog.data + run->prog, run->len);
        uint32_t n = f.len < TRIGGER_KEY_MAX ? f.len : TRIGGER_KEY_MAX;
        /* The chain alone: best_block over long windows would look at every gram of each. */
        struct block block = {0, 0};
        for (uint32_t at = 0, most = 0; at + n <= f.len; at++) {
            uint32_t quarters = f.first[at] + f.sum[at + n - 1] - f.sum[at];
            if (quarters > most) {
                most = quarters;
                block.at = at;
            }
        }
        double p = freq_window(&f, block.at, n);
        if (p < rarest) {
            rarest = p;
            best = (struct trigger_key){run->prog + block.at, run->delta + block.at, (uint16_t)n,
                                        (uint16_t)run->nocase};
        }
    }
    return best;
}
