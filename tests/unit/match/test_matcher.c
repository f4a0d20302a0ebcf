// SPDX-License-Identifier: Apache-2.0
/* Whole scans: every signature against brute force, targets, attributes, anchors, budgets, errors,
 * failing allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "build_internal.h"
#include "match/logic.h"
#include "match/matcher.h"

struct hits {
    uint64_t sig; /* bit per signature */
    unsigned count, stop_after;
};

static bool collect(void *ctx, const struct match_hit *hit) {
    struct hits *h = ctx;
    assert_true(hit->sig < 64);
    assert_int_equal(hit->name, hit->sig);
    assert_false(h->sig >> hit->sig & 1);
    h->sig |= (uint64_t)1 << hit->sig;
    h->count++;
    return h->count != h->stop_after;
}

static struct match_budget budget;

static sk_err scan(struct matcher *m, struct match_layer layer, struct hits *out) {
    budget = (struct match_budget){.steps = 1 << 30};
    *out = (struct hits){.stop_after = out->stop_after};
    return matcher_scan(m, &layer, &budget, collect, out);
}

static struct matcher *matcher_of(const struct mt_segment *seg) {
    struct matcher *m = NULL;
    assert_int_equal(matcher_new(&seg, 1, &m).code, SK_OK);
    return m;
}

/* ---- against brute force --------------------------------------------------------------------- */

struct oracle_ctx {
    const struct tb *b;
    const uint32_t *subs;
    const uint8_t *text;
    size_t len;
};

static sk_err oracle_count(void *ctx, uint32_t sub, uint64_t want, uint64_t *out_count) {
    const struct oracle_ctx *o = ctx;
    (void)want;
    *out_count = tb_oracle(o->b, o->subs[sub], o->text, o->len, NULL);
    return sk_ok();
}

#define EXPRS 12u
#define SIGS 62u /* enough of them to be looked for together (prune.c) */

static void random_sigs(struct tb *b, uint32_t subs[SIGS][3], const char *expr[SIGS]) {
    static const char *const bodies[] = {"6161626263",
                                         "616162{0-4}6263",
                                         "61626162??63",
                                         "63636161*626262",
                                         "(6162|63)6161",
                                         "6161616161616161",
                                         "6162636162636162",
                                         "626263",
                                         "616263{3}616161",
                                         "6363",
                                         "61616161616161616161616161616161",
                                         "6162636162636162{0-3}61",
                                         "61616161616161*62626262626262"};
    static const char *const exprs[] = {"0",     "0&1",       "0&1&2",     "0>2",
                                        "0&1=0", "0&(1|2)>3", "(0&1)>4",   "0&(1|2)>2,2",
                                        "0=1",   "0&1>1&2<3", "0&(1&2)=0", "(0|1|2)>5,3"};
    for (unsigned i = 0; i < SIGS; i++) {
        for (unsigned k = 0; k < 3; k++) {
            /* triggers must be necessary: subsignature 0 is, except in the last expression */
            struct tb_sub_spec spec = {.body = bodies[k == 0 ? tb_below(8) : tb_below(13)],
                                       .flags = tb_below(3) == 0 ? TB_NOCASE : 0};
            subs[i][k] = tb_sub(b, &spec);
        }
        unsigned e = i < EXPRS ? i : tb_below(4) == 0 ? tb_below(EXPRS) : 1 + tb_below(2);
        expr[i] = exprs[e];
        struct tb_sig_spec sig = {
            .expr = expr[i], .subs = subs[i], .sub_count = 3, .trigger = e == EXPRS - 1 ? -1 : 0};
        (void)tb_sig(b, &sig);
    }
}

static void test_signatures_agree_with_brute_force(void **state) {
    (void)state;
    unsigned hits = 0, misses = 0;
    for (unsigned round = 0; round < 150; round++) {
        tb_seed = round;
        struct tb *b = tb_new();
        tb_menu(b, round % 3 == 0 ? 0 : 4, round % 2 == 0 ? 1 : 3);
        uint32_t subs[SIGS][3];
        const char *expr[SIGS];
        random_sigs(b, subs, expr);
        struct matcher *m = matcher_of(tb_finish(b));
        for (unsigned t = 0; t < 6; t++) {
            uint8_t text[120];
            size_t len = tb_below(sizeof(text));
            for (size_t i = 0; i < len; i++) {
                text[i] = (uint8_t) "aaabbbccABx"[tb_below(11)];
            }
            if (len > 60 && tb_below(2) == 0) {
                memcpy(text + tb_below(20), "aaaaaaaaaaaaaaaaabbbbbbbcabcabcab", 33);
            }
            uint64_t want = 0;
            for (unsigned i = 0; i < SIGS; i++) {
                struct mt_node nodes[16];
                struct logic_expr e = {nodes, tb_expr(expr[i], nodes, 16), 3};
                struct oracle_ctx o = {b, subs[i], text, len};
                bool holds;
                assert_int_equal(logic_eval(&e, oracle_count, &o, &holds).code, SK_OK);
                want |= (uint64_t)holds << i;
            }
            struct sk_source mem, read;
            struct sk_bytes bytes = {text, len};
            sk_source_init_mem(&mem, text, len);
            tb_read_source(&read, &bytes);
            struct hits got = {0};
            assert_int_equal(scan(m, (struct match_layer){.src = &mem}, &got).code, SK_OK);
            if (got.sig != want) {
                fail_msg("round %u text %u: %llx, not %llx", round, t, (unsigned long long)got.sig,
                         (unsigned long long)want);
            }
            assert_int_equal(scan(m, (struct match_layer){.src = &read}, &got).code, SK_OK);
            assert_int_equal(got.sig, want);
            hits += (unsigned)__builtin_popcountll(want);
            misses += SIGS - (unsigned)__builtin_popcountll(want);
            sk_source_release(&read);
        }
        matcher_free(m);
        tb_free(b);
    }
    assert_true(hits > 5000 && misses > 5000);
}

/* ---- small fixed sets ------------------------------------------------------------------------ */

static const char marker[] = "....evil-marker-bytes....";
#define MARKER_BODY "6576696c2d6d61726b65722d6279746573"

static uint32_t marker_sig(struct tb *b, uint8_t target, struct mt_attr attr) {
    uint32_t sub = tb_sub(b, &(struct tb_sub_spec){.body = MARKER_BODY});
    struct tb_sig_spec spec = {
        .expr = "0", .subs = &sub, .sub_count = 1, .target = target, .attr = attr};
    return tb_sig(b, &spec);
}

static uint64_t hits_of(struct matcher *m, struct match_layer layer) {
    struct sk_source src;
    sk_source_init_mem(&src, marker, sizeof(marker) - 1);
    layer.src = &src;
    struct hits got = {0};
    assert_int_equal(scan(m, layer, &got).code, SK_OK);
    return got.sig;
}

static void test_target_and_attributes_gate(void **state) {
    (void)state;
    struct tb *b = tb_new();
    struct mt_attr none = {0, 0, 0};
    (void)marker_sig(b, SK_TARGET_ANY, none);
    (void)marker_sig(b, SK_TARGET_PE, none);
    (void)marker_sig(b, SK_TARGET_ANY, (struct mt_attr){MT_ATTR_FILE_SIZE, 10, 20});
    (void)marker_sig(b, SK_TARGET_ANY, (struct mt_attr){MT_ATTR_ENTRY_POINT, 7, 7});
    (void)marker_sig(b, SK_TARGET_ANY, (struct mt_attr){MT_ATTR_SECTION_COUNT, 1, 2});
    (void)marker_sig(b, SK_TARGET_ANY, (struct mt_attr){MT_ATTR_CONTAINER, SK_TYPE_ZIP, 0});
    (void)marker_sig(b, SK_TARGET_ANY, (struct mt_attr){MT_ATTR_CONTAINER, SK_TYPE_ANY, 0});
    (void)marker_sig(b, SK_TARGET_ANY, (struct mt_attr){999, 0, UINT32_MAX});
    struct matcher *m = matcher_of(tb_finish(b));
    struct sk_exe exe = {.has_entry = true, .entry = 7, .section_count = 2};
    assert_int_equal(hits_of(m, (struct match_layer){.file_size = 5}), 0x41);
    assert_int_equal(hits_of(m, (struct match_layer){.target = SK_TARGET_PE}), 0x43);
    assert_int_equal(hits_of(m, (struct match_layer){.target = SK_TARGET_ELF}), 0x41);
    assert_int_equal(hits_of(m, (struct match_layer){.file_size = 10}), 0x45);
    assert_int_equal(hits_of(m, (struct match_layer){.file_size = 20}), 0x45);
    assert_int_equal(hits_of(m, (struct match_layer){.file_size = 21}), 0x41);
    assert_int_equal(hits_of(m, (struct match_layer){.exe = &exe}), 0x59);
    exe.entry = 8;
    exe.section_count = 3;
    assert_int_equal(hits_of(m, (struct match_layer){.exe = &exe}), 0x41);
    assert_int_equal(hits_of(m, (struct match_layer){.container = SK_TYPE_ZIP}), 0x21);
    assert_int_equal(hits_of(m, (struct match_layer){.container = SK_TYPE_RAR}), 0x01);
    struct match_layer bad = {.target = SK_TARGET_COUNT};
    struct hits got = {0};
    assert_int_equal(scan(m, bad, &got).code, SK_E_USAGE);
    matcher_free(m);
    tb_free(b);
}

static void test_stats_and_stopping(void **state) {
    (void)state;
    struct tb *b = tb_new();
    struct mt_attr none = {0, 0, 0};
    (void)marker_sig(b, SK_TARGET_ANY, none);
    (void)marker_sig(b, SK_TARGET_ANY, none);
    struct matcher *m = matcher_of(tb_finish(b));
    struct sk_source src;
    sk_source_init_mem(&src, marker, sizeof(marker) - 1);
    struct hits got = {.stop_after = 1};
    assert_int_equal(scan(m, (struct match_layer){.src = &src}, &got).code, SK_OK);
    assert_int_equal(got.count, 1);
    const struct match_stats *st = matcher_stats(m);
    assert_int_equal(st->touched, 2);
    assert_int_equal(st->evaluated, 1);
    assert_int_equal(st->hits, 1);
    assert_int_equal(st->bytes, sizeof(marker) - 1);
    assert_true(st->candidates >= 1 && st->literals >= 2);
    got.stop_after = 0;
    assert_int_equal(scan(m, (struct match_layer){.src = &src}, &got).code, SK_OK);
    assert_int_equal(got.count, 2);
    sk_source_init_mem(&src, "", 0);
    assert_int_equal(scan(m, (struct match_layer){.src = &src}, &got).code, SK_OK);
    assert_int_equal(got.count, 0);
    matcher_free(m);
    tb_free(b);
}

/* Hits told again: all of them, in order, until the caller has enough; as if they were found now,
 * so each can be explained; and the next scan starts anew. */
struct again {
    struct matcher *m;
    const struct match_layer *layer;
    struct match_hit hit[4];
    unsigned count, stop_after;
    uint64_t places; /* of the first subsignature of each that was explained */
};

static bool keep_and_explain(void *ctx, const struct match_hit *hit) {
    struct again *a = ctx;
    struct match_sig which = {hit->segment, hit->sig};
    struct match_trial trial = {0};
    assert_true(a->count < 4);
    assert_int_equal(matcher_explain(a->m, a->layer, &which, &trial).code, SK_OK);
    a->places += trial.sub_count > 0 ? trial.sub[0].count : 0;
    a->hit[a->count++] = *hit;
    return a->count != a->stop_after;
}

static void test_repeating(void **state) {
    (void)state;
    struct tb *b = tb_new();
    struct mt_attr none = {0, 0, 0};
    for (unsigned i = 0; i < 3; i++) {
        (void)marker_sig(b, SK_TARGET_ANY, none);
    }
    struct matcher *m = matcher_of(tb_finish(b));
    struct sk_source src;
    sk_source_init_mem(&src, marker, sizeof(marker) - 1);
    struct match_layer layer = {.src = &src};
    struct again first = {.m = m, .layer = &layer};
    budget = (struct match_budget){.steps = 1 << 30};
    assert_int_equal(matcher_scan(m, &layer, &budget, keep_and_explain, &first).code, SK_OK);
    assert_int_equal(first.count, 3);
    assert_int_equal(first.places, 3);
    for (unsigned stop = 0; stop < 3; stop++) {
        struct again more = {.m = m, .layer = &layer, .stop_after = stop};
        struct match_hits hits = {first.hit, first.count, keep_and_explain, &more};
        matcher_repeat(m, &layer, &budget, &hits);
        assert_int_equal(more.count, stop == 0 ? 3 : stop);
        assert_int_equal(more.places, more.count);
        for (unsigned i = 0; i < more.count; i++) {
            assert_int_equal(more.hit[i].sig, first.hit[i].sig);
            assert_true(more.hit[i].offset == first.hit[i].offset);
        }
    }
    struct hits got = {.stop_after = 0};
    assert_int_equal(scan(m, layer, &got).code, SK_OK);
    assert_int_equal(got.count, 3);
    matcher_free(m);
    tb_free(b);
}

/* One anchored check a kind, on a signature whose subsignature stands at that place. */
static void test_anchors(void **state) {
    (void)state;
    static const struct sk_exe_section sections[] = {{.off = 2, .size = 5}, {.off = 8, .size = 9}};
    const struct sk_exe exe = {
        .has_entry = true, .entry = 6, .section_count = 2, .section = sections};
    static const struct {
        enum mt_off_kind kind;
        uint16_t section;
        int32_t off;
        uint32_t delta;
        const char *value;
        uint32_t mask;
        bool needs_exe;
        bool holds;
    } rows[] = {
        {MT_OFF_ABS, 0, 0, 0, "0123", UINT32_MAX, false, true},
        {MT_OFF_ABS, 0, 3, 2, "5678", UINT32_MAX, false, true},
        {MT_OFF_ABS, 0, 3, 2, "5679", UINT32_MAX, false, false},
        {MT_OFF_ABS, 0, 3, 2, "56??", 0xffff, false, true},
        {MT_OFF_EOF, 0, 2, 0, "ef??", 0xffff, false, true},
        {MT_OFF_EOF, 0, 2, 1, "f???", 0xff, false, true},
        {MT_OFF_EOF, 0, 2, 1, "f???", 0xffff, false, false},
        {MT_OFF_EOF, 0, 99, 0, "0123", UINT32_MAX, false, false},
        {MT_OFF_EP, 0, -2, 0, "4567", UINT32_MAX, true, true},
        {MT_OFF_EP, 0, -7, 0, "0123", UINT32_MAX, true, false},
        {MT_OFF_SECT, 1, 1, 0, "9abc", UINT32_MAX, true, true},
        {MT_OFF_SECT, 2, 0, 0, "9abc", UINT32_MAX, true, false},
        {MT_OFF_SECT_LAST, 0, 2, 0, "abcd", UINT32_MAX, true, true},
        {MT_OFF_SECT_ANY, 0, 0, 0, "2345", UINT32_MAX, true, false},
        {MT_OFF_ANY, 0, 0, 0, "0123", UINT32_MAX, false, false},
        {MT_OFF_VI, 0, 0, 0, "0123", UINT32_MAX, true, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tb *b = tb_new();
        uint32_t sub = tb_sub(b, &(struct tb_sub_spec){.body = "3?"});
        uint32_t sig = tb_sig(
            b, &(struct tb_sig_spec){.expr = "0", .subs = &sub, .sub_count = 1, .trigger = -1});
        b->always.count = 0; /* only the anchor touches it */
        struct mt_anchor a = {.kind = (uint8_t)rows[i].kind,
                              .section = rows[i].section,
                              .off = rows[i].off,
                              .delta = rows[i].delta,
                              .mask = rows[i].mask,
                              .sig = sig};
        memcpy(&a.value, rows[i].value, 4);
        a.value &= a.mask;
        tb_anchor(b, &a);
        struct matcher *m = matcher_of(tb_finish(b));
        struct sk_source src;
        sk_source_init_mem(&src, "0123456789abcdef", 16);
        for (unsigned with = 0; with < 2; with++) {
            struct hits got = {0};
            struct match_layer layer = {.src = &src, .exe = with == 1 ? &exe : NULL};
            assert_int_equal(scan(m, layer, &got).code, SK_OK);
            bool want = rows[i].holds && (with == 1 || !rows[i].needs_exe);
            if (got.count != want) {
                fail_msg("row %zu with %u", i, with);
            }
        }
        matcher_free(m);
        tb_free(b);
    }
}

static void test_segments_are_separate(void **state) {
    (void)state;
    struct tb *a = tb_new(), *b = tb_new();
    struct mt_attr none = {0, 0, 0};
    (void)marker_sig(a, SK_TARGET_ANY, none);
    uint32_t sub = tb_sub(b, &(struct tb_sub_spec){.body = "6e6f742074686572652061742061"});
    (void)tb_sig(b, &(struct tb_sig_spec){.expr = "0", .subs = &sub, .sub_count = 1});
    (void)marker_sig(b, SK_TARGET_ANY, none);
    const struct mt_segment *segs[MATCH_SEGMENT_MAX + 1] = {tb_finish(a), tb_finish(b)};
    struct matcher *m = NULL;
    assert_int_equal(matcher_new(segs, MATCH_SEGMENT_MAX + 1, &m).code, SK_E_USAGE);
    assert_null(m);
    assert_int_equal(matcher_new(segs, 2, &m).code, SK_OK);
    assert_int_equal(hits_of(m, (struct match_layer){.file_size = 1}), 3);
    matcher_free(m);
    assert_int_equal(matcher_new(NULL, 0, &m).code, SK_OK);
    assert_int_equal(hits_of(m, (struct match_layer){.file_size = 1}), 0);
    matcher_free(m);
    tb_free(a);
    tb_free(b);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static bool tick_false(void *ctx) {
    (void)ctx;
    return false;
}

static void test_budgets(void **state) {
    (void)state;
    struct tb *b = tb_new();
    struct mt_attr none = {0, 0, 0};
    (void)marker_sig(b, SK_TARGET_ANY, none);
    uint32_t sub = tb_sub(b, &(struct tb_sub_spec){.body = "00(00|0000)(00|0000)(00|0000)01"});
    (void)tb_sig(b, &(struct tb_sig_spec){.expr = "0", .subs = &sub, .sub_count = 1, .trigger = 0});
    struct matcher *m = matcher_of(tb_finish(b));
    size_t len = 2000000;
    uint8_t *text = mem_zalloc(len, 1);
    assert_non_null(text);
    memcpy(text, marker, sizeof(marker));
    struct sk_source src;
    sk_source_init_mem(&src, text, len);
    struct match_layer layer = {.src = &src};
    struct hits got = {0};
    budget = (struct match_budget){.steps = 300000};
    assert_int_equal(matcher_scan(m, &layer, &budget, collect, &got).code, SK_E_LIMIT);
    assert_int_equal(budget.steps, 0);
    budget = (struct match_budget){.steps = 1 << 30, .tick = tick_false};
    got = (struct hits){0};
    assert_int_equal(matcher_scan(m, &layer, &budget, collect, &got).code, SK_E_LIMIT);
    /* nothing sticks to the next scan */
    assert_int_equal(hits_of(m, (struct match_layer){.file_size = 1}), 1);
    matcher_free(m);
    tb_free(b);
    mem_free(text);
}

/* Looking for what a costly signature lacks leaves enough to judge those touched before it. */
static void test_budget_of_pruning(void **state) {
    (void)state;
    static const char *const bodies[] = {"000000(00|0000)(00|0000)(00|0000)01",
                                         "000000(00|0000)(00|0000)(00|0000)02"};
    struct tb *b = tb_new();
    struct mt_attr none = {0, 0, 0};
    uint32_t subs[2];
    (void)marker_sig(b, SK_TARGET_ANY, none);
    for (unsigned i = 0; i < 2; i++) {
        subs[i] = tb_sub(b, &(struct tb_sub_spec){.body = bodies[i]});
    }
    (void)tb_sig(b, &(struct tb_sig_spec){.expr = "0&1", .subs = subs, .sub_count = 2});
    struct matcher *m = matcher_of(tb_finish(b));
    size_t len = 2000000;
    uint8_t *text = mem_zalloc(len, 1);
    assert_non_null(text);
    memcpy(text, marker, sizeof(marker));
    struct sk_source src;
    sk_source_init_mem(&src, text, len);
    struct match_layer layer = {.src = &src};
    struct hits got = {0};
    budget = (struct match_budget){.steps = 300000};
    assert_int_equal(matcher_scan(m, &layer, &budget, collect, &got).code, SK_E_LIMIT);
    assert_int_equal(got.sig, 1);
    assert_int_equal(budget.steps, 0);
    assert_int_equal(hits_of(m, (struct match_layer){.file_size = 1}), 1);
    matcher_free(m);
    tb_free(b);
    mem_free(text);
}

static sk_err refuse(void *ctx, uint64_t off, void *buf, size_t len) {
    (void)ctx;
    (void)off;
    (void)buf;
    (void)len;
    return sk_fail(SK_E_IO);
}

static void test_failed_source(void **state) {
    (void)state;
    struct tb *b = tb_new();
    (void)marker_sig(b, SK_TARGET_ANY, (struct mt_attr){0, 0, 0});
    struct matcher *m = matcher_of(tb_finish(b));
    struct sk_source src;
    sk_source_init_read(&src, 100000, refuse, NULL);
    struct hits got = {0};
    assert_int_equal(scan(m, (struct match_layer){.src = &src}, &got).code, SK_E_IO);
    sk_source_release(&src);
    matcher_free(m);
    tb_free(b);
}

static void test_damaged_signatures(void **state) {
    (void)state;
    struct tb *b = tb_new();
    (void)marker_sig(b, SK_TARGET_ANY, (struct mt_attr){MT_ATTR_FILE_SIZE, 0, UINT32_MAX});
    const struct mt_segment *good = tb_finish(b);
    for (unsigned round = 0; round < 9; round++) {
        struct mt_segment seg = *good;
        struct mt_sig sig = *good->sig;
        struct mt_trig trig = *good->trig;
        uint32_t ref = 0, sub_ref = 0;
        seg.sig = &sig;
        seg.trig = &trig;
        seg.trig_sig = &ref;
        seg.sig_sub = &sub_ref;
        switch (round) {
        case 1:
            sig.sub_first = UINT32_MAX;
            break;
        case 2:
            sig.node_first = UINT32_MAX;
            break;
        case 3:
            sig.attr_first = UINT32_MAX;
            break;
        case 4:
            ref = 1;
            break;
        case 5:
            trig.sig_first = UINT32_MAX;
            break;
        case 6:
            sub_ref = UINT32_MAX;
            break;
        case 7:
            sig.node_count = 0;
            break;
        case 8:
            sig.sub_count = 0;
            break;
        default:
            break;
        }
        struct matcher *m = matcher_of(&seg);
        struct sk_source src;
        sk_source_init_mem(&src, marker, sizeof(marker) - 1);
        struct hits got = {0};
        sk_err err = scan(m, (struct match_layer){.src = &src}, &got);
        if (err.code != (round == 0 ? SK_OK : SK_E_FORMAT)) {
            fail_msg("round %u: %d", round, err.code);
        }
        matcher_free(m);
    }
    tb_free(b);
}

/* Every allocation fails once: an error, no leak, and the same matcher works afterwards. */
static void test_every_allocation_may_fail(void **state) {
    (void)state;
    struct tb *b = tb_new();
    uint32_t sub = tb_sub(b, &(struct tb_sub_spec){.body = MARKER_BODY "{0-5}2e"});
    for (unsigned i = 0; i < 40; i++) {
        (void)tb_sig(b, &(struct tb_sig_spec){.expr = "0", .subs = &sub, .sub_count = 1});
    }
    const struct mt_segment *seg = tb_finish(b);
    unsigned failures = 0;
    for (uint64_t n = 1;; n++) {
        struct sk_bytes bytes = {(const uint8_t *)marker, sizeof(marker) - 1};
        struct sk_source src;
        tb_read_source(&src, &bytes);
        struct matcher *m = NULL;
        struct hits got = {0};
        mem_fault_set(n);
        sk_err err = matcher_new(&seg, 1, &m);
        if (!sk_failed(err)) {
            err = scan(m, (struct match_layer){.src = &src}, &got);
        }
        bool reached = mem_fault_seen() >= n;
        mem_fault_set(0);
        if (m != NULL) {
            assert_int_equal(hits_of(m, (struct match_layer){.file_size = 1}), 0xffffffffffu);
        }
        matcher_free(m);
        sk_source_release(&src);
        if (!reached) {
            assert_int_equal(err.code, SK_OK);
            break;
        }
        assert_int_equal(err.code, SK_E_NOMEM);
        failures++;
    }
    assert_true(failures >= 10);
    tb_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signatures_agree_with_brute_force),
        cmocka_unit_test(test_target_and_attributes_gate),
        cmocka_unit_test(test_stats_and_stopping),
        cmocka_unit_test(test_repeating),
        cmocka_unit_test(test_anchors),
        cmocka_unit_test(test_segments_are_separate),
        cmocka_unit_test(test_budgets),
        cmocka_unit_test(test_budget_of_pruning),
        cmocka_unit_test(test_failed_source),
        cmocka_unit_test(test_damaged_signatures),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
