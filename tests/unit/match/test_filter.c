// SPDX-License-Identifier: Apache-2.0
/* Kernels give equal lists; literals are found at every alignment and across blocks and windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "build.h"
#include "match/filter.h"
#include "match/find.h"

#define TEXT 3000u

static uint32_t *random_words(unsigned log2, unsigned density) {
    uint32_t *words = mem_zalloc((size_t)1 << log2, sizeof(*words));
    assert_non_null(words);
    for (size_t i = 0; i < (size_t)1 << log2; i++) {
        words[i] = UINT32_MAX;
        for (unsigned d = 0; d < density; d++) {
            words[i] &= (uint32_t)tb_random();
        }
    }
    return words;
}

/* The text is allocated to the byte, so that a sanitizer sees a kernel that reads too far. */
static uint8_t *random_text(size_t len) {
    uint8_t *text = mem_alloc(len == 0 ? 1 : len);
    assert_non_null(text);
    for (size_t i = 0; i < len; i++) {
        text[i] = (uint8_t)tb_random();
    }
    return text;
}

static bool passes(const struct plan_classes *c, const uint8_t *p) {
    unsigned any = 0;
    for (unsigned half = 0; half < c->halves; half++) {
        any |= (unsigned)(c->cls[0][half][plan_class_index(p[0])] &
                          c->cls[1][half][plan_class_index(p[1])] &
                          c->cls[2][half][plan_class_index(p[2])]);
    }
    return any != 0;
}

static void random_classes(struct plan_classes *c) {
    memset(c, 0, sizeof(*c));
    c->halves = tb_below(3);
    for (unsigned n = 0; n < 30; n++) {
        for (unsigned half = 0; half < c->halves; half++) {
            unsigned k = tb_below(8);
            for (unsigned i = 0; i < 3; i++) {
                uint8_t byte = (uint8_t)(tb_random() | 0x20);
                c->lo[half][i][byte & 15] |= (uint8_t)(1u << k);
                c->hi[half][i][byte >> 4] |= (uint8_t)(1u << k);
                c->cls[i][half][plan_class_index(byte)] |= (uint8_t)(1u << k);
            }
        }
    }
}

/* Up to all of 64 neighbours pass. */
static void random_mark_classes(struct plan_marks *m) {
    uint8_t mask = (uint8_t)(tb_random() | tb_random());
    for (unsigned i = 0; i < sizeof(m->cls); i++) {
        m->cls[i / MT_MARK_VALUES][i % MT_MARK_VALUES] =
            (uint8_t)((tb_random() | tb_random()) & mask);
    }
}

/* Half of all beginnings, a quarter of what goes on. */
static void random_marks(struct plan_marks *m) {
    static uint32_t set[(1u << 18) / 32], brief[(1u << 18) / 32], word[1u << 12];
    m->log2_set = 16 + tb_below(3);
    m->log2_words = tb_below(13);
    m->set = set;
    m->brief = brief;
    m->word = word;
    if (brief[0] != 0) { /* once filled, they are looked at in another way each time */
        return;
    }
    for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
        set[i] = (uint32_t)tb_random();
        brief[i] = (uint32_t)(tb_random() & tb_random()) | (i == 0);
    }
    for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
        word[i] = (uint32_t)tb_random();
    }
}

/* What a kernel lets pass beyond the classes is sorted out later; nothing else may differ. */
static size_t slow_positions(const struct filter_kernel *kernel, const struct plan_classes *c,
                             const struct filter_span *span, uint32_t *out) {
    size_t n = kernel->slow(c, span, out), kept = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(out[i] >= span->first && out[i] < span->end && out[i] + 3 <= span->avail);
        assert_true(i == 0 || out[i] > out[i - 1] || kept == 0);
        out[kept] = out[i];
        kept += passes(c, span->p + out[i]);
    }
    return kept;
}

/* Of each kind one hash in four. */
static void random_sets(struct filter_sets *sets) {
    static uint32_t set[PLAN_SLOW_KINDS][(1u << PLAN_SLOW_LOG2) / 32];
    for (unsigned k = 0; k < PLAN_SLOW_KINDS; k++) {
        for (unsigned i = 0; sets->set[k] == NULL && i < sizeof(set[k]) / sizeof(set[k][0]); i++) {
            set[k][i] = (uint32_t)(tb_random() & tb_random());
        }
        sets->set[k] = set[k];
    }
    sets->masked = tb_below(2) == 0;
}

/* Any places, so that all of a vector pass, or none. */
static void test_sifts_are_equal(void **state) {
    (void)state;
    static uint32_t list[TEXT], a[TEXT], b[TEXT];
    struct filter_sets sets = {.masked = false};
    uint64_t seen = 0, kept = 0;
    for (unsigned round = 0; round < 500; round++) {
        tb_seed = round;
        uint32_t len = tb_below(4) == 0 ? tb_below(40) : tb_below(TEXT);
        uint8_t *text = random_text(len);
        struct filter_span span = {.p = text, .avail = len, .end = len};
        random_sets(&sets);
        size_t n = 0;
        for (uint32_t pos = 0, most = 1 + tb_below(20); pos + 3 <= len; pos += 1 + tb_below(most)) {
            list[n++] = pos;
        }
        memcpy(a, list, n * sizeof(*a));
        size_t na = filter_kernel_scalar.sift(&sets, &span, a, n);
        size_t expected = 0;
        for (size_t i = 0; i < n; i++) {
            expected += filter_in_sets(&sets, &span, list[i]);
        }
        assert_int_equal(na, expected);
        const struct filter_kernel *kernel;
        for (unsigned k = 0; (kernel = filter_kernel_nth(k)) != NULL; k++) {
            memcpy(b, list, n * sizeof(*b));
            if (kernel->sift != NULL) {
                assert_int_equal(kernel->sift(&sets, &span, b, n), na);
                assert_memory_equal(a, b, na * sizeof(*a));
            }
        }
        seen += n;
        kept += na;
        mem_free(text);
    }
    assert_true(kept > 10000 && kept < seen);
}

static void test_kernels_are_equal(void **state) {
    (void)state;
    static uint32_t a[TEXT], b[TEXT];
    static struct plan_classes classes;
    static struct filter_plan plan;
    uint64_t seen = 0, marked = 0;
    for (unsigned round = 0; round < 3000; round++) {
        tb_seed = round;
        static const uint8_t steps[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 64};
        struct plan_bitmap g = {.q = round % 2 == 0 ? 8 : 4,
                                .s = steps[tb_below(sizeof(steps))],
                                .log2_words = tb_below(13)};
        uint32_t *words = random_words(g.log2_words, 1 + tb_below(5));
        g.word = words;
        uint32_t len = tb_below(4) == 0 ? tb_below(160) : tb_below(TEXT);
        uint8_t *text = random_text(len);
        struct filter_span span = {
            .p = text, .avail = len, .first = tb_below(g.s), .end = len - tb_below(len / 2 + 1)};
        random_classes(&classes);
        const struct filter_kernel *kernel;
        size_t na = filter_kernel_scalar.group(&g, &span, a);
        for (unsigned k = 0; (kernel = filter_kernel_nth(k)) != NULL; k++) {
            assert_int_equal(kernel->group(&g, &span, b), na);
            assert_memory_equal(a, b, na * sizeof(*a));
        }
        seen += na;
        na = slow_positions(&filter_kernel_scalar, &classes, &span, a);
        for (unsigned k = 0; (kernel = filter_kernel_nth(k)) != NULL; k++) {
            assert_int_equal(slow_positions(kernel, &classes, &span, b), na);
            assert_memory_equal(a, b, na * sizeof(*a));
        }
        seen += na;
        random_mark_classes(&plan.marks);
        random_marks(&plan.marks);
        na = filter_kernel_scalar.marks(&plan, &span, a);
        for (unsigned k = 0; (kernel = filter_kernel_nth(k)) != NULL; k++) {
            if (kernel->marks != NULL) {
                assert_int_equal(kernel->marks(&plan, &span, b), na);
                assert_memory_equal(a, b, na * sizeof(*a));
            }
        }
        marked += na;
        mem_free(text);
        mem_free(words);
    }
    assert_true(seen > 20000 && marked > 100000);
}

static void test_kernels_find_every_set_window(void **state) {
    (void)state;
    uint32_t word = UINT32_MAX;
    static uint32_t out[TEXT];
    const struct filter_kernel *kernel;
    for (unsigned k = 0; (kernel = filter_kernel_nth(k)) != NULL; k++) {
        print_message("kernel %s\n", kernel->name);
        for (uint8_t s = 1; s <= 9; s++) {
            for (uint32_t len = 0; len < 300; len++) {
                uint8_t *text = random_text(len);
                struct plan_bitmap g = {.q = s % 2 == 0 ? 8 : 4, .s = s, .word = &word};
                struct filter_span span = {.p = text, .avail = len, .first = s - 1u, .end = len};
                size_t n = kernel->group(&g, &span, out), want = 0;
                for (uint32_t pos = s - 1u; pos + g.q <= len; pos += s) {
                    assert_true(want < n && out[want] == pos);
                    want++;
                }
                assert_int_equal(n, want);
                mem_free(text);
            }
        }
    }
}

/* ---- find ------------------------------------------------------------------------------------ */

struct find_case {
    uint8_t lit[12];
    size_t len, at, reach;
    bool nocase;
    struct {
        size_t at;
        uint8_t byte;
        bool nocase;
    } offer[4];
    unsigned offers;
};

static uint8_t find_lower(uint8_t b) {
    return b >= 'A' && b <= 'Z' ? b | 0x20 : b;
}

static uint8_t find_byte(bool nocase) {
    static const char letters[] = "aAbB@`1";
    uint8_t c = (uint8_t)letters[tb_below(7)];
    return nocase ? find_lower(c) : c;
}

/* The key borrows the literal. */
static void random_find_case(struct find_case *out, struct find_key *key) {
    struct find_case c = {.len = 1 + tb_below(tb_below(3) == 0 ? 12 : 3),
                          .at = tb_below(3) == 0 ? tb_below(20) : 0,
                          .nocase = tb_below(2) == 0};
    for (size_t i = 0; i < c.len; i++) {
        c.lit[i] = find_byte(c.nocase);
    }
    c.reach = c.at + c.len;
    *out = c;
    find_key_init(key, out->lit, c.len, c.at, c.nocase);
    for (c.offers = 0; c.offers < 4 && tb_below(2) == 0; c.offers++) {
        c.offer[c.offers].at = tb_below(30);
        c.offer[c.offers].nocase = tb_below(2) == 0;
        c.offer[c.offers].byte = find_byte(c.offer[c.offers].nocase);
        find_key_offer(key, c.offer[c.offers].at, c.offer[c.offers].byte, c.offer[c.offers].nocase);
        c.reach = c.reach > c.offer[c.offers].at ? c.reach : c.offer[c.offers].at + 1;
    }
    *out = c;
}

/* Does the literal stand there? out_all: and every byte that was offered? */
static bool stands(const struct find_case *c, const uint8_t *place, bool *out_all) {
    bool equal = true;
    for (size_t i = 0; i < c->len; i++) {
        uint8_t t = place[c->at + i];
        equal = equal && (c->nocase ? find_lower(t) : t) == c->lit[i];
    }
    *out_all = equal;
    for (unsigned i = 0; i < c->offers; i++) {
        uint8_t t = place[c->offer[i].at];
        *out_all = *out_all && (c->offer[i].nocase ? find_lower(t) : t) == c->offer[i].byte;
    }
    return equal;
}

/* Every kernel finds the same place; none is passed where everything stands, and where they stop
 * the literal stands. */
static void test_find_kernels_are_equal_to_naive(void **state) {
    (void)state;
    const struct find_kernel *kernel;
    for (unsigned round = 0; round < 20000; round++) {
        tb_seed = round;
        struct find_key key;
        struct find_case c;
        random_find_case(&c, &key);
        assert_int_equal(key.reach, c.reach);
        size_t text_len = c.reach + tb_below(round % 4 == 0 ? 900 : 200);
        uint8_t *text = random_text(text_len);
        for (size_t i = 0; i < text_len; i++) {
            text[i] = (uint8_t) "aAbB@`1"[text[i] % 7];
        }
        size_t end = text_len - c.reach + 1, from = tb_below((uint32_t)end + 1);
        size_t got = find_next(&key, text, from, end);
        for (unsigned k = 0; (kernel = find_kernel_nth(k)) != NULL; k++) {
            assert_int_equal(kernel->next(&key, text, from, end), got);
        }
        bool all = false;
        for (size_t at = from; at < got; at++) {
            bool literal = stands(&c, text + at, &all);
            assert_false(all || (literal && c.offers == 0));
        }
        assert_true(got == end || stands(&c, text + got, &all));
        mem_free(text);
    }
}

/* What offers a part's fixed bytes offers those of its key once more. */
static void test_find_probes_are_of_different_places(void **state) {
    (void)state;
    static const uint8_t word[] = "var ";
    struct find_key key;
    find_key_init(&key, word, 4, 0, false);
    for (size_t at = 0; at < 4; at++) {
        find_key_offer(&key, at, word[at], false);
    }
    find_key_offer(&key, 6, 'q', false);
    bool seen[7] = {false};
    for (unsigned i = 0; i < FIND_PROBES; i++) {
        size_t at = key.probe[i].at;
        assert_true(at < 7 && !seen[at]);
        seen[at] = true;
    }
    assert_true(seen[6]); /* the rarest of them */
    assert_int_equal(key.reach, 7);
}

static void test_rarity(void **state) {
    (void)state;
    assert_int_equal(find_rarity(NULL, 0), 0);
    assert_true(find_rarity((const uint8_t *)" ", 1) > 0); /* the commonest byte */
    assert_true(find_rarity((const uint8_t *)"``", 2) > find_rarity((const uint8_t *)"sp", 2));
    assert_true(find_rarity((const uint8_t *)"spo", 3) > find_rarity((const uint8_t *)"sp", 2));
    uint8_t many[UINT8_MAX];
    memset(many, 0xff, sizeof(many));
    assert_true(find_rarity(many, sizeof(many)) < UINT32_MAX); /* ASK_AT_ONCE */
}

/* ---- whole runs ------------------------------------------------------------------------------ */

struct found {
    uint64_t off[64];
    unsigned count;
};

static sk_err on_hit(void *ctx, unsigned input, uint32_t trig, uint64_t off) {
    struct found *f = ctx;
    assert_int_equal(input, 0);
    assert_true(trig < 64);
    f->off[trig] = off;
    f->count++;
    return sk_ok();
}

static struct found run_by(bool marks, const struct mt_segment *seg, struct sk_source *src,
                           const struct filter_kernel *kernel) {
    static uint32_t scratch[FILTER_BLOCK_BYTES];
    uint64_t done[1] = {0};
    struct filter_input in = {seg, &seg->table[0], done};
    struct found f = {.count = 0, .off = {0}};
    struct filter_plan *plan = NULL;
    assert_int_equal(filter_plan_new(&in, 1, marks, &plan).code, SK_OK);
    assert_int_equal(plan->by_marks, marks);
    struct filter_job job = {.kernel = kernel,
                             .src = src,
                             .plan = plan,
                             .scratch = scratch,
                             .hit = on_hit,
                             .hit_ctx = &f};
    assert_int_equal(filter_run(&job).code, SK_OK);
    filter_plan_free(plan);
    assert_int_equal(f.count, (unsigned)__builtin_popcountll(done[0]));
    return f;
}

/* By groups and by marks. */
static struct found run(const struct mt_segment *seg, struct sk_source *src,
                        const struct filter_kernel *kernel) {
    struct found f = run_by(false, seg, src, kernel), g = run_by(true, seg, src, kernel);
    assert_int_equal(f.count, g.count);
    for (unsigned i = 0; i < 64; i++) {
        assert_true(f.off[i] == g.off[i]);
    }
    return f;
}

/* Literals of these lengths (3: slow set ... 40: group of eight), exact and case-insensitive. */
static const unsigned lengths[] = {3, 4, 5, 6, 7, 11, 14, 15, 16, 23, 40};
#define LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

static struct tb *planted_signatures(uint8_t s8, uint8_t s4) {
    struct tb *b = tb_new();
    tb_menu(b, s8, s4);
    for (unsigned i = 0; i < LENGTHS; i++) {
        char body[100] = "";
        for (unsigned k = 0; k < lengths[i]; k++) {
            (void)snprintf(body + 2 * k, 3, "%02x",
                           k == 0 ? '0' + (int)i : 'a' + (int)(i + k) % 26);
        }
        uint32_t sub =
            tb_sub(b, &(struct tb_sub_spec){.body = body, .flags = i % 3 == 0 ? TB_NOCASE : 0});
        (void)tb_sig(b, &(struct tb_sig_spec){.expr = "0", .subs = &sub, .sub_count = 1});
    }
    return b;
}

static void plant(uint8_t *text, unsigned i) {
    for (unsigned k = 0; k < lengths[i]; k++) {
        text[k] = (uint8_t)(k == 0 ? '0' + i : 'a' + (i + k) % 26);
        if (i % 3 == 0 && k % 2 == 1) {
            text[k] &= 0xdf;
        }
    }
}

static void check_at(const struct mt_segment *seg, uint8_t *text, size_t len, size_t at) {
    for (unsigned i = 0; i < LENGTHS; i++) {
        if (at + lengths[i] > len) {
            continue;
        }
        uint8_t keep[64];
        memcpy(keep, text + at, lengths[i]);
        plant(text + at, i);
        const struct filter_kernel *kernel;
        for (unsigned k = 0; (kernel = filter_kernel_nth(k)) != NULL; k++) {
            struct sk_source mem, read;
            struct sk_bytes bytes = {text, len};
            sk_source_init_mem(&mem, text, len);
            tb_read_source(&read, &bytes);
            struct found f = run(seg, &mem, kernel), g = run(seg, &read, kernel);
            if (f.count != 1 || f.off[i] != at || g.count != 1 || g.off[i] != at) {
                fail_msg("length %u at %zu, %s: %u and %u found", lengths[i], at, kernel->name,
                         f.count, g.count);
            }
            sk_source_release(&read);
        }
        memcpy(text + at, keep, lengths[i]);
    }
}

static void test_planted_literals_are_found_at_every_alignment(void **state) {
    (void)state;
    static const uint8_t menus[][2] = {{8, 3}, {4, 3}, {8, 2}, {5, 1}, {0, 4}, {3, 0}};
    for (size_t m = 0; m < sizeof(menus) / sizeof(menus[0]); m++) {
        struct tb *b = planted_signatures(menus[m][0], menus[m][1]);
        const struct mt_segment *seg = tb_finish(b);
        size_t len = 2 * FILTER_BLOCK_BYTES + 100;
        uint8_t *text = mem_zalloc(len, 1);
        assert_non_null(text);
        for (size_t at = 0; at < 24; at++) {
            check_at(seg, text, len, at);
            check_at(seg, text, len, len - 3 - at);
        }
        for (size_t at = FILTER_BLOCK_BYTES - 42; at < FILTER_BLOCK_BYTES + 9; at++) {
            check_at(seg, text, len, at);
        }
        mem_free(text);
        tb_free(b);
    }
}

static void test_planted_literals_are_found_at_window_edges(void **state) {
    (void)state;
    struct tb *b = planted_signatures(8, 3);
    const struct mt_segment *seg = tb_finish(b);
    size_t len = SK_SOURCE_WINDOW_BYTES + 5000;
    uint8_t *text = mem_zalloc(len, 1);
    assert_non_null(text);
    for (size_t at = SK_SOURCE_WINDOW_BYTES - 42; at < SK_SOURCE_WINDOW_BYTES + 2; at += 5) {
        check_at(seg, text, len, at);
    }
    mem_free(text);
    tb_free(b);
}

#define MANY 5000u /* of a kind: more than have longer hashes of their own (plan.c) */

struct many {
    uint64_t off[2 * MANY];
    unsigned count;
};

static sk_err on_many(void *ctx, unsigned input, uint32_t trig, uint64_t off) {
    struct many *many = ctx;
    assert_int_equal(input, 0);
    assert_true(trig < 2 * MANY);
    many->off[trig] = off;
    many->count++;
    return sk_ok();
}

/* The literal of a number: four letters, or three bytes of other values. */
static size_t nth_literal(unsigned i, uint8_t *out) {
    size_t len = i < MANY ? 4 : 3;
    for (size_t k = 0; k < len; k++) {
        out[k] = (uint8_t)(len == 4 ? 'a' + i % 26 : 0x80 + i % 32);
        i /= len == 4 ? 26 : 32;
    }
    return len;
}

/* A slow set of thousands finds each of its literals at its place, by every kernel. */
static void test_many_in_the_slow_set(void **state) {
    (void)state;
    struct tb *b = tb_new();
    tb_menu(b, 0, 0);
    uint8_t *text = mem_zalloc(2 * MANY, 5);
    struct many *want = mem_zalloc(1, sizeof(*want)), *got = mem_alloc(sizeof(*got));
    assert_true(text != NULL && want != NULL && got != NULL);
    for (unsigned i = 0; i < 2 * MANY; i++) {
        want->off[i] = 5 * (uint64_t)i;
        size_t len = nth_literal(i, text + 5 * (size_t)i);
        char body[9];
        for (size_t k = 0; k < len; k++) {
            (void)snprintf(body + 2 * k, 3, "%02x", text[5 * (size_t)i + k]);
        }
        uint32_t sub = tb_sub(b, &(struct tb_sub_spec){.body = body});
        (void)tb_sig(b, &(struct tb_sig_spec){.expr = "0", .subs = &sub, .sub_count = 1});
    }
    const struct mt_segment *seg = tb_finish(b);
    static uint32_t scratch[FILTER_BLOCK_BYTES];
    static uint64_t done[(2 * MANY + 63) / 64];
    struct filter_input in = {seg, &seg->table[0], done};
    struct filter_plan *plan = NULL;
    assert_int_equal(filter_plan_new(&in, 1, false, &plan).code, SK_OK);
    unsigned wide = 0;
    for (unsigned k = 0; k < PLAN_SLOW_KINDS; k++) {
        wide += plan->slow.kind[k].wide != NULL;
    }
    assert_int_equal(wide, 2);
    const struct filter_kernel *kernel;
    for (unsigned k = 0; (kernel = filter_kernel_nth(k)) != NULL; k++) {
        struct sk_source src;
        sk_source_init_mem(&src, text, 5 * 2 * (size_t)MANY);
        got->count = 0;
        memset(done, 0, sizeof(done));
        struct filter_job job = {kernel, &src, plan, scratch, .hit = on_many, .hit_ctx = got};
        assert_int_equal(filter_run(&job).code, SK_OK);
        assert_int_equal(got->count, 2 * MANY);
        assert_memory_equal(got->off, want->off, sizeof(got->off));
    }
    filter_plan_free(plan);
    mem_free(text);
    mem_free(want);
    mem_free(got);
    tb_free(b);
}

/* A literal longer than the context around a block is fetched from the source. */
static void test_literal_longer_than_the_view(void **state) {
    (void)state;
    enum { LONG = 30000 };
    char *body = mem_zalloc(2 * LONG + 1, 1);
    size_t len = 400000;
    uint8_t *text = mem_zalloc(len, 1);
    assert_true(body != NULL && text != NULL);
    tb_seed = 5;
    size_t at = SK_SOURCE_WINDOW_BYTES - LONG / 2;
    for (size_t i = 0; i < LONG; i++) {
        text[at + i] = (uint8_t)tb_random();
        (void)snprintf(body + 2 * i, 3, "%02x", text[at + i]);
    }
    struct tb *b = tb_new();
    uint32_t sub = tb_sub(b, &(struct tb_sub_spec){.body = body});
    (void)tb_sig(b, &(struct tb_sig_spec){.expr = "0", .subs = &sub, .sub_count = 1});
    const struct mt_segment *seg = tb_finish(b);
    struct sk_bytes bytes = {text, len};
    struct sk_source src;
    tb_read_source(&src, &bytes);
    struct found f = run(seg, &src, filter_kernel_nth(0));
    assert_int_equal(f.count, 1);
    assert_int_equal(f.off[0], at);
    sk_source_release(&src);
    tb_free(b);
    mem_free(text);
    mem_free(body);
}

static void test_damaged_tables_end_the_run(void **state) {
    (void)state;
    static uint32_t scratch[FILTER_BLOCK_BYTES];
    struct tb *b = planted_signatures(8, 3);
    const struct mt_segment *seg = tb_finish(b);
    uint8_t text[64] = {0};
    plant(text, 10);
    plant(text + 41, 0);
    for (unsigned round = 0; round < 13; round++) {
        struct mt_segment s = *seg;
        struct mt_table *t = &s.table[0];
        struct mt_entry entry[2000];
        uint32_t first[65];
        struct mt_slow_head head = *t->slow_head;
        assert_true(t->group[0].head.entry_count <= 2000);
        memcpy(entry, t->group[0].entry, t->group[0].head.entry_count * sizeof(*entry));
        memcpy(first, t->group[0].bucket_first, sizeof(first));
        t->group[0].entry = entry;
        t->group[0].bucket_first = first;
        t->slow_head = &head;
        struct mt_mark mark[64];
        assert_true(t->mark_count > 0 && t->mark_count <= 64);
        memcpy(mark, t->mark, t->mark_count * sizeof(*mark));
        t->mark = mark;
        switch (round) {
        case 1:
            t->group_count = MT_GROUP_MAX + 1;
            break;
        case 2:
            t->group[0].head.q = 5;
            break;
        case 3:
            t->group[0].head.s = 0;
            break;
        case 4:
            t->group[0].head.log2_words = 32;
            break;
        case 5:
            memset(first, 0xff, sizeof(first));
            break;
        case 6:
            for (unsigned i = 0; i < 2000; i++) {
                entry[i].trig = UINT32_MAX;
            }
            break;
        case 7:
            memset(head.first, 0xff, sizeof(head.first));
            head.first[0] = 0;
            break;
        case 8:
        case 10:
            s.lit_len = 3;
            break;
        case 11:
            for (unsigned i = 0; i < t->mark_count; i++) {
                mark[i].trig = UINT32_MAX;
            }
            break;
        case 12: /* the literal would begin before the layer, or not there: nothing is found */
            for (unsigned i = 0; i < t->mark_count; i++) {
                mark[i].delta = 50;
            }
            break;
        default:
            break;
        }
        struct sk_source src;
        sk_source_init_mem(&src, text, sizeof(text));
        uint64_t done[1] = {0};
        struct filter_input in = {&s, t, done};
        struct found f = {.count = 0};
        struct filter_plan *plan = NULL;
        sk_err err = filter_plan_new(&in, 1, round > 8, &plan);
        struct filter_job job = {.kernel = filter_kernel_nth(0),
                                 .src = &src,
                                 .plan = plan,
                                 .scratch = scratch,
                                 .hit = on_hit,
                                 .hit_ctx = &f};
        if (!sk_failed(err)) {
            err = filter_run(&job);
        }
        filter_plan_free(plan);
        bool good = round == 0 || round == 9 || round == 12;
        if (err.code != (good ? SK_OK : SK_E_FORMAT)) {
            fail_msg("round %u: %d", round, err.code);
        }
    }
    tb_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_are_equal),
        cmocka_unit_test(test_sifts_are_equal),
        cmocka_unit_test(test_kernels_find_every_set_window),
        cmocka_unit_test(test_find_kernels_are_equal_to_naive),
        cmocka_unit_test(test_find_probes_are_of_different_places),
        cmocka_unit_test(test_rarity),
        cmocka_unit_test(test_planted_literals_are_found_at_every_alignment),
        cmocka_unit_test(test_planted_literals_are_found_at_window_edges),
        cmocka_unit_test(test_many_in_the_slow_set),
        cmocka_unit_test(test_literal_longer_than_the_view),
        cmocka_unit_test(test_damaged_tables_end_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
