// SPDX-License-Identifier: Apache-2.0
/*
 * Test-side compiler: bodies to parts and programs, expressions to trees, triggers to filter
 * tables. Straightforward and unoptimised: correctness tests lean on it. Split from oracle.c so
 * that the slow matcher shares nothing with it but the parsed body.
 */
#include "build_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "match/foldhash.h"
#include "match/plan.h"

uint64_t tb_seed = 1;

uint64_t tb_random(void) {
    uint64_t z = tb_seed += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

uint32_t tb_below(uint32_t n) {
    return (uint32_t)(tb_random() % n);
}

void *tb_more(void *old, size_t *cap, size_t need, size_t each) {
    void *p = mem_grow(old, cap, need, each);
    if (p == NULL) {
        abort();
    }
    return p;
}

#define ADD(vec, value)                                                                            \
    do {                                                                                           \
        (vec).at = tb_more((vec).at, &(vec).cap, (vec).count + 1, sizeof(*(vec).at));              \
        (vec).at[(vec).count++] = (value);                                                         \
    } while (0)

struct tb *tb_new(void) {
    struct tb *b = mem_zalloc(1, sizeof(*b));
    if (b == NULL) {
        abort();
    }
    b->s8 = 8;
    b->s4 = 3;
    return b;
}

void tb_menu(struct tb *b, uint8_t s8, uint8_t s4) {
    b->s8 = s8;
    b->s4 = s4;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static int nibble(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *parse_byte(const char *p, struct tb_byte *out) {
    *out = (struct tb_byte){0, 0};
    for (unsigned i = 0; i < 2; i++) {
        unsigned shift = i == 0 ? 4 : 0;
        if (p[i] != '?') {
            assert(nibble(p[i]) >= 0);
            out->value |= (uint8_t)(nibble(p[i]) << shift);
            out->mask |= (uint8_t)(15 << shift);
        }
    }
    return p + 2;
}

static const char *parse_gap(const char *p, struct tb_elem *e) {
    e->kind = TB_GAP;
    if (*p == '*') {
        e->max = MT_UNBOUNDED;
        return p + 1;
    }
    char *end;
    e->min = (uint32_t)strtoul(p + 1, &end, 10);
    e->max = e->min;
    if (*end == '-') {
        e->max = end[1] == '}' ? MT_UNBOUNDED : (uint32_t)strtoul(end + 1, &end, 10);
        end += *end == '-';
    }
    assert(*end == '}');
    return end + 1;
}

static const char *parse_alt(const char *p, struct tb_elem *e) {
    e->kind = TB_ALT;
    e->negated = *p == '!';
    p += e->negated ? 2 : 1;
    e->alt_count = 1;
    while (*p != ')') {
        struct tb_alt *alt = &e->alt[e->alt_count - 1];
        if (*p == '|') {
            assert(e->alt_count < TB_ALT_MAX);
            e->alt_count++;
            p++;
            continue;
        }
        assert(alt->len < TB_ALT_LEN);
        p = parse_byte(p, &alt->byte[alt->len++]);
    }
    return p + 1;
}

static void parse_body(struct tb_parsed *sub, const char *p) {
    while (*p != '\0') {
        struct tb_elem e = {.kind = TB_BYTE};
        if (*p == '*' || *p == '{') {
            p = parse_gap(p, &e);
        } else if (*p == '(' || *p == '!') {
            p = parse_alt(p, &e);
        } else {
            p = parse_byte(p, &e.byte);
        }
        ADD(sub->elem, e);
    }
}

/* ---- programs -------------------------------------------------------------------------------- */

static uint8_t fold_case(uint8_t v, bool nocase) {
    return nocase && v >= 'A' && v <= 'Z' ? v | 0x20 : v;
}

static void code16(struct tb *b, size_t v) {
    ADD(b->prog, (uint8_t)v);
    ADD(b->prog, (uint8_t)(v >> 8));
}

static void code_pair(struct tb *b, struct tb_byte byte, bool nocase) {
    ADD(b->prog, fold_case(byte.value, nocase && byte.mask == 0xff));
    ADD(b->prog, byte.mask);
}

/* Bytes of one run: literal when all are exact, masked otherwise (a masked run ignores nocase, so
 * letters then become sets). */
static void code_bytes(struct tb *b, const struct tb_byte *byte, size_t n, bool nocase) {
    bool exact = true, skip = true;
    for (size_t i = 0; i < n; i++) {
        exact = exact && byte[i].mask == 0xff;
        skip = skip && byte[i].mask == 0;
    }
    if (skip) {
        ADD(b->prog, MT_OP_SKIP);
        code16(b, n);
        return;
    }
    if (exact) {
        ADD(b->prog, nocase ? MT_OP_LITI : MT_OP_LIT);
        code16(b, n);
        for (size_t i = 0; i < n; i++) {
            ADD(b->prog, fold_case(byte[i].value, nocase));
        }
        return;
    }
    ADD(b->prog, MT_OP_MASK);
    code16(b, n);
    for (size_t i = 0; i < n; i++) {
        code_pair(b, byte[i], false);
    }
}

static bool equal_lengths(const struct tb_elem *e) {
    for (unsigned i = 1; i < e->alt_count; i++) {
        if (e->alt[i].len != e->alt[0].len) {
            return false;
        }
    }
    return true;
}

static void code_set(struct tb *b, const struct tb_elem *e, bool nocase) {
    ADD(b->prog, MT_OP_SET);
    uint8_t set[32] = {0};
    for (unsigned v = 0; v < 256; v++) {
        bool in = false;
        for (unsigned i = 0; i < e->alt_count; i++) {
            struct tb_byte a = e->alt[i].byte[0];
            bool fold = nocase && a.mask == 0xff;
            in |= (fold_case((uint8_t)v, fold) & a.mask) == fold_case(a.value, fold);
        }
        set[v / 8] |= (uint8_t)((in != e->negated) << v % 8);
    }
    for (unsigned i = 0; i < 32; i++) {
        ADD(b->prog, set[i]);
    }
}

static void code_alt(struct tb *b, const struct tb_elem *e, bool nocase) {
    if (equal_lengths(e) && e->alt[0].len == 1) {
        code_set(b, e, nocase);
        return;
    }
    if (equal_lengths(e)) {
        ADD(b->prog, MT_OP_FIXED);
        ADD(b->prog, e->negated);
        ADD(b->prog, nocase);
        code16(b, e->alt[0].len);
        code16(b, e->alt_count);
        for (unsigned i = 0; i < e->alt_count; i++) {
            for (unsigned k = 0; k < e->alt[i].len; k++) {
                code_pair(b, e->alt[i].byte[k], nocase);
            }
        }
        return;
    }
    ADD(b->prog, MT_OP_ALT);
    code16(b, e->alt_count);
    for (unsigned i = 0; i < e->alt_count; i++) {
        size_t at = b->prog.count;
        code16(b, 0);
        /* one operation a byte, so that alternatives have several */
        for (unsigned k = 0; k < e->alt[i].len; k++) {
            code_bytes(b, &e->alt[i].byte[k], 1, nocase);
        }
        size_t len = b->prog.count - at - 2;
        b->prog.at[at] = (uint8_t)len;
        b->prog.at[at + 1] = (uint8_t)(len >> 8);
    }
}

static unsigned alt_extreme(const struct tb_elem *e, bool longest) {
    unsigned len = e->alt[0].len;
    for (unsigned i = 1; i < e->alt_count; i++) {
        unsigned n = e->alt[i].len;
        len = (n > len) == longest ? n : len;
    }
    return len;
}

/* The literal run [first, first + len) of elements at a fixed distance from the part's start. */
static void choose_key(struct tb *b, const struct tb_parsed *sub, struct mt_part *part,
                       size_t first, size_t end) {
    bool nocase = (sub->spec.flags & TB_NOCASE) != 0;
    size_t run = 0, best = 0, best_at = 0, delta = 0, best_delta = 0;
    for (size_t i = first; i < end; i++) {
        const struct tb_elem *e = &sub->elem.at[i];
        if (e->kind == TB_ALT && !equal_lengths(e)) {
            break;
        }
        run = e->kind == TB_BYTE && e->byte.mask == 0xff ? run + 1 : 0;
        delta += e->kind == TB_ALT ? e->alt[0].len : 1;
        if (run > best) {
            best = run;
            best_at = i + 1 - run;
            best_delta = delta - run;
        }
    }
    part->key = (uint32_t)b->lit.count;
    part->key_len = (uint16_t)best;
    part->key_delta = (uint32_t)best_delta;
    part->key_flags = nocase ? MT_PART_KEY_NOCASE : 0;
    for (size_t i = 0; i < best; i++) {
        ADD(b->lit, fold_case(sub->elem.at[best_at + i].byte.value, nocase));
    }
}

static void code_part(struct tb *b, const struct tb_parsed *sub, struct mt_part part, size_t first,
                      size_t end) {
    bool nocase = (sub->spec.flags & TB_NOCASE) != 0;
    part.prog = (uint32_t)b->prog.count;
    for (size_t i = first; i < end;) {
        const struct tb_elem *e = &sub->elem.at[i];
        if (e->kind == TB_ALT) {
            code_alt(b, e, nocase);
            part.len_min += alt_extreme(e, false);
            part.len_max += alt_extreme(e, true);
            i++;
            continue;
        }
        struct tb_byte run[64];
        size_t n = 0;
        while (
            i < end && n < 64 && sub->elem.at[i].kind == TB_BYTE &&
            (n == 0 || !nocase || (sub->elem.at[i].byte.mask == 0xff) == (run[0].mask == 0xff))) {
            run[n++] = sub->elem.at[i++].byte;
        }
        code_bytes(b, run, n, nocase);
        part.len_min += (uint32_t)n;
        part.len_max += (uint32_t)n;
    }
    part.prog_len = (uint32_t)(b->prog.count - part.prog);
    choose_key(b, sub, &part, first, end);
    if (b->no_keys) {
        part.key_len = 0;
    }
    ADD(b->part, part);
}

uint32_t tb_sub(struct tb *b, const struct tb_sub_spec *spec) {
    struct tb_parsed sub = {.spec = *spec};
    parse_body(&sub, spec->body);
    struct mt_sub out = {.off_kind = (uint8_t)spec->off_kind,
                         .flags = (uint16_t)(spec->flags & (MT_SUB_FULLWORD | MT_SUB_WIDE)),
                         .section = spec->section,
                         .off = spec->off,
                         .shift = spec->shift,
                         .part_first = (uint32_t)b->part.count,
                         .also = MT_NO_SUB};
    struct mt_part part = {0};
    size_t first = 0;
    for (size_t i = 0; i <= sub.elem.count; i++) {
        if (i < sub.elem.count && sub.elem.at[i].kind != TB_GAP) {
            continue;
        }
        code_part(b, &sub, part, first, i);
        out.part_count++;
        if (i < sub.elem.count) {
            part = (struct mt_part){.gap_min = sub.elem.at[i].min, .gap_max = sub.elem.at[i].max};
        }
        first = i + 1;
    }
    ADD(b->parsed, sub);
    ADD(b->sub, out);
    return (uint32_t)b->sub.count - 1;
}

/* ---- expressions ----------------------------------------------------------------------------- */

struct expr_reader {
    const char *p;
    struct mt_node *node;
    unsigned count, cap;
};

static unsigned number(struct expr_reader *r) {
    char *end;
    unsigned long v = strtoul(r->p, &end, 10);
    assert(end != r->p);
    r->p = end;
    return (unsigned)v;
}

static void read_compare(struct expr_reader *r, struct mt_node *n) {
    n->cmp = *r->p == '=' ? MT_CMP_EQ : *r->p == '>' ? MT_CMP_GT : *r->p == '<' ? MT_CMP_LT : 0;
    if (n->cmp != 0) {
        r->p++;
        n->value = number(r);
        if (*r->p == ',') {
            r->p++;
            n->distinct = number(r);
        }
    }
}

static struct mt_node *new_node(struct expr_reader *r, unsigned at) {
    assert(r->count < r->cap);
    for (unsigned i = r->count; i > at; i--) {
        r->node[i] = r->node[i - 1];
    }
    r->count++;
    r->node[at] = (struct mt_node){.size = 1};
    return &r->node[at];
}

static void read_chain(struct expr_reader *r, bool inside);

static void read_member(struct expr_reader *r) {
    unsigned at = r->count;
    if (*r->p != '(') {
        struct mt_node *n = new_node(r, at);
        n->op = MT_NODE_SUB;
        n->arg = (uint16_t)number(r);
        read_compare(r, n);
        return;
    }
    r->p++;
    read_chain(r, true);
    assert(*r->p == ')');
    r->p++;
    if (*r->p == '=' || *r->p == '>' || *r->p == '<') {
        r->node[at].flags |= MT_NODE_GROUP;
        read_compare(r, &r->node[at]);
    }
}

static void join(struct expr_reader *r, unsigned at, char op) {
    unsigned size = r->count - at;
    struct mt_node *n = new_node(r, at);
    n->op = op == '&' ? MT_NODE_AND : MT_NODE_OR;
    n->arg = 2;
    n->size = (uint16_t)(size + 1);
}

/* Inside parentheses members group to the left, at the top to the right. */
static void read_chain(struct expr_reader *r, bool inside) {
    unsigned at = r->count, joins[64], n = 0;
    char ops[64];
    read_member(r);
    while (*r->p == '&' || *r->p == '|') {
        char op = *r->p++;
        unsigned member = r->count;
        read_member(r);
        if (inside) {
            join(r, at, op);
        } else {
            joins[n] = n == 0 ? at : joins[n];
            ops[n++] = op;
            joins[n] = member;
        }
    }
    while (n > 0) {
        n--;
        join(r, joins[n], ops[n]);
    }
}

unsigned tb_expr(const char *text, struct mt_node *nodes, unsigned cap) {
    struct expr_reader r = {.p = text, .node = nodes, .cap = cap};
    read_chain(&r, false);
    assert(*r.p == '\0');
    return r.count;
}

/* ---- signatures and triggers ----------------------------------------------------------------- */

/* The longest literal run of the subsignature: the trigger. 0: none of 3 bytes. */
static size_t trigger_run(const struct tb_parsed *sub, size_t *out_first) {
    size_t run = 0, best = 0;
    for (size_t i = 0; i < sub->elem.count; i++) {
        const struct tb_elem *e = &sub->elem.at[i];
        run = e->kind == TB_BYTE && e->byte.mask == 0xff ? run + 1 : 0;
        if (run > best) {
            best = run;
            *out_first = i + 1 - run;
        }
    }
    return best >= 3 ? best : 0;
}

uint32_t tb_sig(struct tb *b, const struct tb_sig_spec *spec) {
    uint32_t index = (uint32_t)b->sig.count;
    struct mt_sig sig = {.name = index,
                         .sub_first = (uint32_t)b->sig_sub.count,
                         .node_first = (uint32_t)b->node.count,
                         .attr_first = (uint32_t)b->attr.count,
                         .sub_count = (uint16_t)spec->sub_count,
                         .target = spec->target};
    for (unsigned i = 0; i < spec->sub_count; i++) {
        ADD(b->sig_sub, spec->subs[i]);
    }
    struct mt_node nodes[128];
    sig.node_count = (uint16_t)tb_expr(spec->expr, nodes, 128);
    for (unsigned i = 0; i < sig.node_count; i++) {
        ADD(b->node, nodes[i]);
    }
    if (spec->attr.key != 0) {
        ADD(b->attr, spec->attr);
        sig.attr_count = 1;
    }
    ADD(b->sig, sig);
    size_t first = 0, len = 0;
    const struct tb_parsed *sub = NULL;
    if (spec->trigger >= 0) {
        sub = &b->parsed.at[spec->subs[spec->trigger]];
        len = trigger_run(sub, &first);
    }
    if (len == 0) {
        ADD(b->always, index);
        return index;
    }
    bool nocase = (sub->spec.flags & TB_NOCASE) != 0;
    struct mt_trig trig = {.lit = (uint32_t)b->lit.count,
                           .len = (uint16_t)len,
                           .flags = nocase ? MT_TRIG_NOCASE : 0,
                           .sig_first = (uint32_t)b->trig_sig.count,
                           .sig_count = 1};
    for (size_t i = 0; i < len; i++) {
        ADD(b->lit, fold_case(sub->elem.at[first + i].byte.value, nocase));
    }
    ADD(b->trig_sig, index);
    ADD(b->trig, trig);
    return index;
}

void tb_anchor(struct tb *b, const struct mt_anchor *anchor) {
    ADD(b->anchor, *anchor);
}

/* ---- filter tables --------------------------------------------------------------------------- */

static void fill_group(struct tb *b, struct tb_group *g, const uint8_t *trig_group, uint8_t id) {
    struct mt_group_head *h = &g->head;
    h->log2_words = b->small ? 4 : 10;
    h->log2_buckets = b->small ? 2 : 6;
    g->bitmap = mem_zalloc((size_t)1 << h->log2_words, sizeof(uint32_t));
    g->first = mem_zalloc(((size_t)1 << h->log2_buckets) + 1, sizeof(uint32_t));
    assert(g->bitmap != NULL && g->first != NULL);
    for (uint32_t bucket = 0; bucket < 1u << h->log2_buckets; bucket++) {
        for (uint32_t t = 0; t < b->trig.count; t++) {
            for (uint32_t d = 0; trig_group[t] == id && d < h->s; d++) {
                uint64_t w = foldhash_load(b->lit.at + b->trig.at[t].lit + d, h->q);
                uint64_t hash = foldhash_bucket(w);
                if (foldhash_bucket_index(hash, h->log2_buckets) != bucket) {
                    continue;
                }
                uint32_t bits = foldhash_bits(w);
                g->bitmap[foldhash_word(bits, h->log2_words)] |= foldhash_mask(bits);
                uint16_t tag = foldhash_tag(b->lit.at + b->trig.at[t].lit, h->q, h->s);
                struct mt_entry e = {tag, (uint16_t)d, t};
                ADD(g->entry, e);
            }
        }
        g->first[bucket + 1] = (uint32_t)g->entry.count;
    }
    h->entry_count = (uint32_t)g->entry.count;
}

static void fill_slow(struct tb *b, const uint8_t *trig_group) {
    for (uint32_t k = 0; k < 8; k++) {
        for (uint32_t t = 0; t < b->trig.count; t++) {
            if (trig_group[t] != 0 || t % 8 != k) {
                continue;
            }
            const struct mt_trig *trig = &b->trig.at[t];
            struct mt_slow_entry e = {.mask = trig->len > 3 ? UINT32_MAX : 0x00ffffff, .trig = t};
            for (unsigned i = 0; i < 4 && i < trig->len; i++) {
                uint8_t v = b->lit.at[trig->lit + i] | 0x20;
                e.value |= (uint32_t)v << 8 * i;
                if (i < 3) {
                    b->slow_head.lo[i][v & 15] |= (uint8_t)(1 << k);
                    b->slow_head.hi[i][v >> 4] |= (uint8_t)(1 << k);
                }
            }
            ADD(b->slow, e);
        }
        b->slow_head.first[k + 1] = (uint32_t)b->slow.count;
    }
}

/* A mark anywhere in each literal, in any class. */
static void fill_marks(struct tb *b) {
    for (uint32_t t = 0; t < b->trig.count; t++) {
        const struct mt_trig *trig = &b->trig.at[t];
        uint32_t at = t * 7 % (trig->len - 2u), left = trig->len - at;
        struct mt_mark m = {.trig = t, .delta = (uint16_t)at};
        m.q = left >= 8 ? 8 : left >= 4 ? 4 : 3;
        for (unsigned i = 0; i < m.q; i++) {
            uint8_t byte = b->lit.at[trig->lit + at + i] | 0x20;
            m.window |= (uint64_t)byte << 8 * i;
        }
        for (unsigned v = 0; v < 4 * 128; v++) {
            uint8_t byte = b->lit.at[trig->lit + at + v / 128 % m.q], fold = byte;
            if ((trig->flags & MT_TRIG_NOCASE) != 0 && byte >= 'a' && byte <= 'z') {
                fold = byte & 0x5f;
            }
            if (v / 128 >= m.q || v % 128 == (byte & 127u) || v % 128 == (fold & 127u)) {
                b->mark_head.cls[v / 128][v % 128] |= (uint8_t)(1 << t % MT_MARK_CLASSES);
            }
        }
        ADD(b->mark, m);
    }
}

const struct mt_segment *tb_finish(struct tb *b) {
    uint8_t *trig_group = mem_zalloc(b->trig.count + 1, 1);
    assert(trig_group != NULL);
    struct mt_table table = {0};
    static const uint8_t q[2] = {8, 4};
    for (uint8_t g = 0; g < 2; g++) {
        uint8_t s = g == 0 ? b->s8 : b->s4;
        if (s == 0) {
            continue;
        }
        b->group[g].head = (struct mt_group_head){.q = q[g], .s = s};
        for (uint32_t t = 0; t < b->trig.count; t++) {
            if (trig_group[t] == 0 && b->trig.at[t].len >= q[g] + s - 1) {
                trig_group[t] = (uint8_t)(g + 1);
            }
        }
        fill_group(b, &b->group[g], trig_group, (uint8_t)(g + 1));
        struct mt_group *out = &table.group[table.group_count++];
        *out = (struct mt_group){b->group[g].head, b->group[g].bitmap, b->group[g].first,
                                 b->group[g].entry.at};
    }
    fill_slow(b, trig_group);
    fill_marks(b);
    mem_free(trig_group);
    table.slow_head = &b->slow_head;
    table.slow = b->slow.at;
    table.slow_count = (uint32_t)b->slow.count;
    table.mark_head = b->mark.count > 0 ? &b->mark_head : NULL;
    table.mark = b->mark.at;
    table.mark_count = (uint32_t)b->mark.count;
    table.anchor = b->anchor.at;
    table.anchor_count = (uint32_t)b->anchor.count;
    table.always = b->always.at;
    table.always_count = (uint32_t)b->always.count;
    struct mt_segment *s = &b->segment;
    s->sig = b->sig.at;
    s->sig_sub = b->sig_sub.at;
    s->sub = b->sub.at;
    s->part = b->part.at;
    s->prog = b->prog.at;
    s->lit = b->lit.at;
    s->node = b->node.at;
    s->attr = b->attr.at;
    s->trig = b->trig.at;
    s->trig_sig = b->trig_sig.at;
    s->sig_count = (uint32_t)b->sig.count;
    s->sig_sub_count = (uint32_t)b->sig_sub.count;
    s->sub_count = (uint32_t)b->sub.count;
    s->part_count = (uint32_t)b->part.count;
    s->prog_len = (uint32_t)b->prog.count;
    s->lit_len = (uint32_t)b->lit.count;
    s->node_count = (uint32_t)b->node.count;
    s->attr_count = (uint32_t)b->attr.count;
    s->trig_count = (uint32_t)b->trig.count;
    s->trig_sig_count = (uint32_t)b->trig_sig.count;
    for (unsigned t = 0; t < MT_TABLE_COUNT; t++) {
        s->table[t] = table;
    }
    return s;
}

void tb_free(struct tb *b) {
    for (size_t i = 0; i < b->parsed.count; i++) {
        mem_free(b->parsed.at[i].elem.at);
    }
    for (unsigned g = 0; g < 2; g++) {
        mem_free(b->group[g].bitmap);
        mem_free(b->group[g].first);
        mem_free(b->group[g].entry.at);
    }
    void *all[] = {b->parsed.at,   b->sub.at,     b->part.at,   b->prog.at, b->lit.at,
                   b->sig.at,      b->sig_sub.at, b->node.at,   b->attr.at, b->trig.at,
                   b->trig_sig.at, b->always.at,  b->anchor.at, b->slow.at, b->mark.at};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        mem_free(all[i]);
    }
    mem_free(b);
}
