// SPDX-License-Identifier: Apache-2.0
/*
 * Property: the compiler (src/defc) and the matcher (src/match) together find what a naive matcher
 * finds. Random bodies of the whole grammar are written as text from a tree; the naive matcher
 * walks the tree and knows neither programs nor triggers nor tables.
 *
 * One round: some signatures over a small alphabet (so that near misses are frequent), a random
 * layer with planted instances, offsets of every kind, an executable with sections. The set of
 * signatures found must be equal. The seed is printed; PROP_SEED repeats a run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "defc/body.h"
#include "match/bound.h"
#include "match/matcher.h"

#define ROUNDS 3000
#define SIGS 12
#define LAYER_MAX 1500

/* ---- random numbers -------------------------------------------------------------------------- */

static uint64_t rng;
static uint32_t rnd(uint32_t n) {
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)((rng >> 16) % n);
}
static bool chance(uint32_t percent) {
    return rnd(100) < percent;
}
static uint8_t some_byte(void) {
    static const uint8_t few[] = {'a', 'b', 'c', 'A', 'B', 'C', 0, 0xff, '.', '\n', '0', ' '};
    return few[rnd(sizeof(few))];
}

/* ---- a body as a tree ------------------------------------------------------------------------ */

enum kind { BYTE, SKIP, GROUP, BOUND };
struct node {
    enum kind kind;
    uint8_t value, mask;
    uint32_t n;          /* SKIP */
    bool negated;        /* GROUP, BOUND */
    uint8_t bound;       /* 'B', 'L', 'W' */
    struct node *alt[4]; /* GROUP: lists */
    uint32_t alts;
    struct node *next;
};
struct gap {
    uint32_t min, max;
};
struct body {
    struct node *part[4];
    struct gap gap[4]; /* before the part */
    uint32_t parts;
    bool nocase, wide, word, also;
    /* one-byte anchors of part 0 */
    bool near_left, near_right;
    uint32_t near_min, near_max;
    uint8_t near_byte;
};

static struct arena trees;

static struct node *new_node(enum kind kind) {
    struct node *n = arena_zalloc(&trees, 1, sizeof(*n));
    assert_non_null(n);
    n->kind = kind;
    return n;
}

static struct node *random_byte(void) {
    struct node *n = new_node(BYTE);
    uint32_t how = rnd(20);
    n->mask = how == 0 ? 0 : how == 1 ? 0xf0 : how == 2 ? 0x0f : 0xff;
    n->value = some_byte() & n->mask;
    return n;
}

static struct node *literal_list(uint32_t n) {
    struct node *first = NULL;
    for (uint32_t i = 0; i < n; i++) {
        struct node *one = new_node(BYTE);
        one->mask = 0xff;
        one->value = some_byte();
        one->next = first;
        first = one;
    }
    return first;
}

static struct node *random_list(uint32_t n, unsigned depth, const struct body *b);

static struct node *random_group(unsigned depth, const struct body *b) {
    struct node *g = new_node(GROUP);
    bool equal = chance(60);
    uint32_t len = 1 + rnd(3);
    g->negated = equal && !b->nocase && !b->wide && chance(25);
    g->alts = 1 + rnd(4);
    for (uint32_t i = 0; i < g->alts; i++) {
        if (g->negated) {
            g->alt[i] = literal_list(len);
        } else if (equal) {
            g->alt[i] = NULL;
            for (uint32_t k = 0; k < len; k++) {
                struct node *one = random_byte();
                one->next = g->alt[i];
                g->alt[i] = one;
            }
        } else {
            uint32_t least = i == 0 ? 1 : 0; /* the first one may not be empty */
            g->alt[i] = random_list(least + rnd(3), depth + 1, b);
        }
    }
    return g;
}

static struct node *random_item(unsigned depth, const struct body *b) {
    uint32_t how = rnd(12);
    if (how == 0 && depth < 3) {
        return random_group(depth, b);
    }
    if (how == 1) {
        struct node *s = new_node(SKIP);
        s->n = depth == 0 ? rnd(4) : 1 + rnd(3); /* {0} alone would be an empty alternative */
        return s;
    }
    return random_byte();
}

static struct node *random_list(uint32_t n, unsigned depth, const struct body *b) {
    struct node *first = NULL;
    for (uint32_t i = 0; i < n; i++) {
        struct node *one = random_item(depth, b);
        one->next = first;
        first = one;
    }
    return first;
}

static struct node *append(struct node *a, struct node *b) {
    if (a == NULL) {
        return b;
    }
    struct node *last = a;
    while (last->next != NULL) {
        last = last->next;
    }
    last->next = b;
    return a;
}

static struct node *random_bound(void) {
    struct node *n = new_node(BOUND);
    n->bound = (uint8_t) "BLW"[rnd(3)];
    n->negated = chance(30);
    return n;
}

static struct node *random_part(const struct body *b) {
    struct node *list = chance(8) ? random_bound() : NULL;
    list = append(list, random_list(rnd(4), 0, b));
    list = append(list, literal_list(2 + (chance(30) ? 5 + rnd(16) : rnd(4))));
    list = append(list, random_list(rnd(4), 0, b));
    if (chance(8)) {
        list = append(list, random_bound());
    }
    return list;
}

static struct body random_body(void) {
    struct body b = {
        .parts = 1 + (chance(30) ? rnd(3) : 0), .nocase = chance(30), .wide = chance(20)};
    b.also = b.wide && chance(50);
    b.word = chance(15);
    for (uint32_t i = 0; i < b.parts; i++) {
        b.part[i] = random_part(&b);
        uint32_t how = rnd(3);
        uint32_t min = rnd(6);
        b.gap[i] = how == 0   ? (struct gap){0, MT_UNBOUNDED}
                   : how == 1 ? (struct gap){min, min + 1 + rnd(8)}
                              : (struct gap){min, MT_UNBOUNDED};
    }
    if (chance(8) && !b.wide) {
        b.near_left = chance(50);
        b.near_right = !b.near_left || chance(50);
        b.near_min = rnd(4);
        b.near_max = b.near_min + rnd(4);
        b.near_byte = some_byte();
        b.part[0] = literal_list(2 + rnd(6));
    }
    return b;
}

/* ---- the tree as text ------------------------------------------------------------------------ */

static void put(struct buf *out, const char *text) {
    assert_false(sk_failed(buf_puts(out, text)));
}

static void write_byte(struct buf *out, uint8_t value, uint8_t mask) {
    char text[3] = {(mask & 0xf0) ? "0123456789abcdef"[value >> 4] : '?',
                    (mask & 0x0f) ? "0123456789ABCDEF"[value & 15] : '?', 0};
    put(out, text);
}

static void write_list(struct buf *out, const struct node *n) {
    for (; n != NULL; n = n->next) {
        if (n->kind == BYTE) {
            write_byte(out, n->value, n->mask);
        } else if (n->kind == SKIP) {
            assert_false(sk_failed(buf_printf(out, "{%u}", n->n)));
        } else if (n->kind == BOUND) {
            assert_false(sk_failed(buf_printf(out, "%s(%c)", n->negated ? "!" : "", n->bound)));
        } else {
            put(out, n->negated ? "!(" : "(");
            for (uint32_t i = 0; i < n->alts; i++) {
                put(out, i > 0 ? "|" : "");
                write_list(out, n->alt[i]);
            }
            put(out, ")");
        }
    }
}

static void write_gap(struct buf *out, struct gap g) {
    if (g.max == MT_UNBOUNDED) {
        assert_false(sk_failed(g.min == 0 ? buf_puts(out, "*") : buf_printf(out, "{%u-}", g.min)));
    } else {
        assert_false(sk_failed(buf_printf(out, "{%u-%u}", g.min, g.max)));
    }
}

static void write_near(struct buf *out, const struct body *b, bool left) {
    if (left) {
        write_byte(out, b->near_byte, 0xff);
    }
    assert_false(sk_failed(buf_printf(out, "[%u-%u]", b->near_min, b->near_max)));
    if (!left) {
        write_byte(out, b->near_byte, 0xff);
    }
}

static void write_body(struct buf *out, const struct body *b) {
    for (uint32_t i = 0; i < b->parts; i++) {
        if (i > 0) {
            write_gap(out, b->gap[i]);
        }
        if (i == 0 && b->near_left) {
            write_near(out, b, true);
        }
        write_list(out, b->part[i]);
        if (i == 0 && b->near_right) {
            write_near(out, b, false);
        }
    }
    if (b->nocase || b->wide || b->word) {
        put(out, "::");
        put(out, b->nocase ? "i" : "");
        put(out, b->wide ? "w" : "");
        put(out, b->also ? "a" : "");
        put(out, b->word ? "f" : "");
    }
}

/* ---- the naive matcher ----------------------------------------------------------------------- */

static uint8_t layer[LAYER_MAX];
static size_t layer_len;

static uint8_t lower(uint8_t b) {
    return b >= 'A' && b <= 'Z' ? b | 0x20 : b;
}
static bool byte_holds(const struct node *n, bool nocase, uint8_t text) {
    if ((text & n->mask) == n->value) {
        return true;
    }
    return nocase && (lower(text) & n->mask) == (n->mask == 0xff ? lower(n->value) : n->value);
}

/* What is to be matched after the current list: a chain on the C stack. */
struct after {
    const struct node *list;
    const struct after *outer;
};
/* Ends found: a set of positions. */
static bool ends[LAYER_MAX + 1];

static bool bound_holds(const struct node *n, size_t pos, bool left) {
    bool is;
    if (left ? pos == 0 : pos >= layer_len) {
        is = true;
    } else {
        uint8_t byte = layer[left ? pos - 1 : pos];
        is = bound_is(n->bound, left ? MT_SIDE_LEFT : MT_SIDE_RIGHT, byte);
        is |= !left && n->bound == 'L' && byte == '\r' && pos + 1 < layer_len &&
              layer[pos + 1] == '\n';
    }
    return is != n->negated;
}

static void walk(const struct body *b, bool wide, const struct node *n, size_t pos,
                 const struct after *after);

static void walk_group(const struct body *b, bool wide, const struct node *n, size_t pos,
                       const struct after *after) {
    struct after rest = {n->next, after};
    if (!n->negated) {
        for (uint32_t i = 0; i < n->alts; i++) {
            walk(b, wide, n->alt[i], pos, &rest);
        }
        return;
    }
    size_t len = 0;
    for (const struct node *k = n->alt[0]; k != NULL; k = k->next) {
        len++;
    }
    if (pos + len > layer_len) {
        return;
    }
    for (uint32_t i = 0; i < n->alts; i++) {
        size_t at = pos;
        const struct node *k = n->alt[i];
        while (k != NULL && byte_holds(k, false, layer[at])) {
            k = k->next;
            at++;
        }
        if (k == NULL) {
            return;
        }
    }
    walk(b, wide, n->next, pos + len, after);
}

static void walk(const struct body *b, bool wide, const struct node *n, size_t pos,
                 const struct after *after) {
    while (n == NULL && after != NULL) {
        n = after->list;
        after = after->outer;
    }
    if (n == NULL) {
        ends[pos] = true;
        return;
    }
    if (n->kind == SKIP) {
        if (pos + n->n <= layer_len) {
            walk(b, wide, n->next, pos + n->n, after);
        }
    } else if (n->kind == GROUP) {
        walk_group(b, wide, n, pos, after);
    } else if (n->kind == BOUND) {
        /* only made at the very ends of a part */
        if (bound_holds(n, pos, n->next != NULL)) {
            walk(b, wide, n->next, pos, after);
        }
    } else if (pos < layer_len && byte_holds(n, b->nocase, layer[pos])) {
        if (!wide) {
            walk(b, wide, n->next, pos + 1, after);
        } else if (pos + 1 < layer_len && layer[pos + 1] == 0) {
            walk(b, wide, n->next, pos + 2, after);
        }
    }
}

static bool near_holds(const struct body *b, size_t pos, bool left) {
    for (uint32_t d = b->near_min; d <= b->near_max; d++) {
        size_t at = left ? pos - 1 - d : pos + d;
        if (left ? d < pos : at < layer_len) {
            struct node one = {.value = b->near_byte, .mask = 0xff};
            if (byte_holds(&one, b->nocase, layer[at])) {
                return true;
            }
        }
    }
    return false;
}

static bool word_at(size_t pos, bool left, bool wide) {
    if (!wide) {
        return left ? pos > 0 && bound_is_alnum(layer[pos - 1])
                    : pos < layer_len && bound_is_alnum(layer[pos]);
    }
    return left ? pos >= 2 && bound_is_alnum(layer[pos - 2]) && layer[pos - 1] == 0
                : pos + 1 < layer_len && bound_is_alnum(layer[pos]) && layer[pos + 1] == 0;
}

static bool parts_from(const struct body *b, bool wide, uint32_t i, size_t pos) {
    bool mine[LAYER_MAX + 1];
    memset(ends, 0, sizeof(ends));
    if (i == 0 && b->near_left && !near_holds(b, pos, true)) {
        return false;
    }
    walk(b, wide, b->part[i], pos, NULL);
    memcpy(mine, ends, sizeof(mine));
    for (size_t e = 0; e <= layer_len; e++) {
        if (!mine[e] || (i == 0 && b->near_right && !near_holds(b, e, false))) {
            continue;
        }
        if (i + 1 == b->parts) {
            if (!b->word || !word_at(e, false, wide)) {
                return true;
            }
            continue;
        }
        struct gap g = b->gap[i + 1];
        for (size_t next = e + g.min; next <= layer_len; next++) {
            if (next - e > g.max) {
                break;
            }
            if (parts_from(b, wide, i + 1, next)) {
                return true;
            }
        }
    }
    return false;
}

struct window {
    bool any, none;
    int64_t first, last;
};

static bool found_naively(const struct body *b, struct window w) {
    for (unsigned form = 0; form < (b->also ? 2u : 1u); form++) {
        bool wide = b->wide && form == 0;
        for (size_t pos = 0; pos <= layer_len && !w.none; pos++) {
            if (!w.any && ((int64_t)pos < w.first || (int64_t)pos > w.last)) {
                continue;
            }
            if (b->word && word_at(pos, true, wide)) {
                continue;
            }
            if (parts_from(b, wide, 0, pos)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- offsets --------------------------------------------------------------------------------- */

static struct sk_exe_section sections[2];
static struct sk_exe exe;

static struct window random_offset(struct buf *out) {
    uint32_t n = rnd(12), shift = chance(50) ? rnd(300) : 0;
    struct window w = {.any = false};
    int64_t base = 0;
    switch (rnd(9)) {
    case 0:
        assert_false(sk_failed(buf_printf(out, "%u", n)));
        base = n;
        break;
    case 1:
        n = rnd(60);
        assert_false(sk_failed(buf_printf(out, "EOF-%u", n)));
        base = (int64_t)layer_len - n;
        break;
    case 2:
        assert_false(sk_failed(buf_printf(out, "EP%c%u", chance(50) ? '+' : '-', n)));
        base = (int64_t)exe.entry + (strchr(buf_text(out), '-') != NULL ? -(int64_t)n : n);
        break;
    case 3:
        assert_false(sk_failed(buf_printf(out, "S1+%u", n)));
        base = (int64_t)sections[1].off + n;
        break;
    case 4:
        assert_false(sk_failed(buf_printf(out, "SL+%u", n)));
        base = (int64_t)sections[1].off + n;
        break;
    default:
        return (struct window){.any = true};
    }
    if (shift > 0) {
        assert_false(sk_failed(buf_printf(out, ",%u", shift)));
    }
    put(out, ":");
    w.first = base;
    w.last = base + shift;
    w.none = base < 0;
    return w;
}

/* ---- layers ---------------------------------------------------------------------------------- */

static void plant_byte(uint8_t byte) {
    if (layer_len < LAYER_MAX - 4) {
        layer[layer_len++] = byte;
    }
}

static void plant_list(const struct body *b, const struct node *n) {
    for (; n != NULL; n = n->next) {
        if (n->kind == BYTE) {
            uint8_t byte = (uint8_t)(n->value | (some_byte() & ~n->mask));
            bool flip = b->nocase && n->mask == 0xff && lower(byte | 0x20) >= 'a' &&
                        (byte | 0x20) <= 'z' && chance(50);
            plant_byte(flip ? byte ^ 0x20 : byte);
            if (b->wide && (!b->also || layer_len % 2)) {
                plant_byte(0);
            }
        } else if (n->kind == SKIP) {
            for (uint32_t i = 0; i < n->n; i++) {
                plant_byte(some_byte());
            }
        } else if (n->kind == GROUP) {
            plant_list(b, n->alt[rnd(n->alts)]);
        }
    }
}

static void random_layer(const struct body *bodies, uint32_t n) {
    layer_len = 0;
    while (layer_len < LAYER_MAX - 300 && !chance(8)) {
        const struct body *b = &bodies[rnd(n)];
        for (uint32_t i = rnd(20); i > 0; i--) {
            plant_byte(some_byte());
        }
        if (b->near_left) {
            plant_byte(b->near_byte);
        }
        for (uint32_t i = 0; i < b->parts; i++) {
            plant_list(b, b->part[i]);
            for (uint32_t k = rnd(8); k > 0 && chance(80); k--) {
                plant_byte(some_byte());
            }
        }
        if (chance(20) && layer_len > 0) {
            layer[rnd((uint32_t)layer_len)] = some_byte();
        }
    }
    if (layer_len == 0) {
        plant_byte(0);
    }
    sections[0] = (struct sk_exe_section){.off = 0, .size = layer_len / 2};
    sections[1] = (struct sk_exe_section){.off = layer_len / 2, .size = layer_len - layer_len / 2};
    exe = (struct sk_exe){.has_entry = true,
                          .entry = rnd((uint32_t)layer_len),
                          .section_count = 2,
                          .section = sections};
}

/* ---- rounds ---------------------------------------------------------------------------------- */

static bool note_hit(void *ctx, const struct match_hit *hit) {
    ((bool *)ctx)[hit->sig] = true;
    return true;
}

static bool run_matcher(const struct mt_segment *s, bool *hit) {
    struct sk_source src;
    struct matcher *m = NULL;
    const struct mt_segment *segments[] = {s};
    struct match_budget budget = {.steps = UINT64_C(1) << 40};
    sk_source_init_mem(&src, layer, layer_len);
    struct match_layer l = {.src = &src,
                            .target = SK_TARGET_PE,
                            .container = SK_TYPE_ANY,
                            .file_size = layer_len,
                            .exe = &exe};
    assert_false(sk_failed(matcher_new(segments, 1, &m)));
    sk_err err = matcher_scan(m, &l, &budget, note_hit, hit);
    matcher_free(m);
    sk_source_release(&src);
    return !sk_failed(err);
}

struct round {
    struct body body[SIGS];
    struct window window[SIGS];
    struct buf line[SIGS];
    uint32_t sigs;
    unsigned hits;
};

static void add_signature(struct round *r, struct body_builder *b) {
    struct defc_why why;
    struct body body = r->body[r->sigs];
    struct buf *line = &r->line[r->sigs];
    struct buf offset = {0};
    struct window w = random_offset(&offset);
    buf_clear(line);
    assert_false(sk_failed(buf_printf(line, "S%u;Engine:51-255,Target:%u;0;%s", r->sigs,
                                      w.any ? rnd(2) : 1, buf_text(&offset))));
    buf_release(&offset);
    write_body(line, &body);
    assert_false(sk_failed(body_add_line(b, BODY_LDB, buf_text(line), line->len, &why)));
    if (why.reason != DEFC_TAKEN) {
        fail_msg("%s: %s", buf_text(line), why.text);
    }
    r->window[r->sigs++] = w;
}

static void one_round(struct round *r) {
    struct arena arena;
    struct mt_segment s;
    struct body_builder *b = NULL;
    bool hit[SIGS] = {false};
    arena_init(&arena, (size_t)1 << 30);
    assert_false(sk_failed(body_builder_new(NULL, &b)));
    uint32_t n = 1 + rnd(SIGS);
    for (uint32_t i = 0; i < n; i++) {
        r->body[i] = random_body();
    }
    random_layer(r->body, n);
    for (r->sigs = 0; r->sigs < n;) {
        add_signature(r, b);
    }
    assert_false(sk_failed(body_build_segment(b, &arena, &s)));
    assert_true(run_matcher(&s, hit));
    for (uint32_t i = 0; i < n; i++) {
        bool want = found_naively(&r->body[i], r->window[i]);
        r->hits += want;
        if (want != hit[i]) {
            FILE *f = fopen("prop-layer.bin", "wb");
            if (f != NULL) {
                (void)fwrite(layer, 1, layer_len, f);
                (void)fclose(f);
            }
            fail_msg("%s: naive %d, matcher %d (layer of %zu bytes in prop-layer.bin, entry %lu)",
                     buf_text(&r->line[i]), want, hit[i], layer_len, (unsigned long)exe.entry);
        }
    }
    body_builder_free(b);
    arena_release(&arena);
}

static void naive_and_real_agree(void **state) {
    (void)state;
    const char *given = getenv("PROP_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : 20240229;
    static struct round r;
    arena_init(&trees, (size_t)1 << 30);
    for (unsigned i = 0; i < ROUNDS; i++) {
        rng = (seed + i) * 0x9E3779B97F4A7C15u | 1;
        one_round(&r);
        arena_clear(&trees);
    }
    print_message("seed %llu, %u rounds, %u signatures present\n", (unsigned long long)seed, ROUNDS,
                  r.hits);
    assert_true(r.hits > ROUNDS);
    for (unsigned i = 0; i < SIGS; i++) {
        buf_release(&r.line[i]);
    }
    arena_release(&trees);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(naive_and_real_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
