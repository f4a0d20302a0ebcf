// SPDX-License-Identifier: Apache-2.0
/* Several segments in one pass find exactly what each of them finds alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "build.h"
#include "match/filter.h"

#define LEN 30000u
#define SIGS 24u
#define MANY 5000u

struct found {
    uint64_t off[FILTER_INPUT_MAX][SIGS];
    unsigned count;
};

static sk_err on_hit(void *ctx, unsigned input, uint32_t trig, uint64_t off) {
    struct found *f = ctx;
    assert_true(input < FILTER_INPUT_MAX && trig < SIGS);
    f->off[input][trig] = off + 1;
    f->count++;
    return sk_ok();
}

/* Pieces of the text, so that they are found, of a length that goes to a group or the slow set. */
static struct tb *segment_with(const uint8_t *text, uint8_t s8, uint8_t s4, unsigned sigs) {
    struct tb *b = tb_new();
    tb_menu(b, s8, s4);
    for (unsigned i = 0; i < sigs; i++) {
        char body[100] = "";
        unsigned len = 3 + tb_below(30), at = tb_below(LEN - len);
        for (unsigned k = 0; k < len; k++) {
            (void)snprintf(body + 2 * k, 3, "%02x", text[at + k]);
        }
        uint32_t sub = tb_sub(b, &(struct tb_sub_spec){.body = body});
        (void)tb_sig(b, &(struct tb_sig_spec){.expr = "0", .subs = &sub, .sub_count = 1});
    }
    return b;
}

static struct tb *segment_of(const uint8_t *text, uint8_t s8, uint8_t s4) {
    return segment_with(text, s8, s4, SIGS);
}

static struct found run(const struct mt_segment *const *seg, unsigned count, struct sk_source *src,
                        const struct filter_kernel *kernel, bool marks) {
    static uint32_t scratch[FILTER_BLOCK_BYTES];
    uint64_t done[FILTER_INPUT_MAX] = {0};
    struct filter_input in[FILTER_INPUT_MAX];
    for (unsigned i = 0; i < count; i++) {
        in[i] = (struct filter_input){seg[i], &seg[i]->table[0], &done[i]};
    }
    struct found f = {.count = 0};
    struct filter_plan *plan = NULL;
    assert_int_equal(filter_plan_new(in, count, marks, &plan).code, SK_OK);
    struct filter_job job = {.kernel = kernel,
                             .src = src,
                             .plan = plan,
                             .scratch = scratch,
                             .hit = on_hit,
                             .hit_ctx = &f};
    assert_int_equal(filter_run(&job).code, SK_OK);
    filter_plan_free(plan);
    return f;
}

static void test_together_as_alone(void **state) {
    (void)state;
    static uint8_t text[LEN];
    const struct filter_kernel *kernel;
    static const uint8_t menus[][2] = {{8, 3}, {8, 3}, {4, 3}, {8, 2}, {8, 0}};
    for (unsigned round = 0; round < 40; round++) {
        tb_seed = round;
        for (unsigned i = 0; i < LEN; i++) {
            text[i] = (uint8_t)(tb_below(3) == 0 ? tb_random() : 'a' + tb_below(6));
        }
        unsigned count = 1 + tb_below(FILTER_INPUT_MAX);
        struct tb *b[FILTER_INPUT_MAX];
        const struct mt_segment *seg[FILTER_INPUT_MAX];
        for (unsigned i = 0; i < count; i++) {
            unsigned menu = round % 2 == 0 ? 0 : tb_below(5);
            b[i] = segment_of(text, menus[menu][0], menus[menu][1]);
            seg[i] = tb_finish(b[i]);
        }
        struct sk_source src;
        sk_source_init_mem(&src, text, LEN);
        for (unsigned k = 0; (kernel = filter_kernel_nth(k)) != NULL; k++) {
            struct found all = run(seg, count, &src, kernel, false);
            struct found marked = run(seg, count, &src, kernel, true);
            unsigned sum = 0;
            for (unsigned i = 0; i < count; i++) {
                struct found one = run(&seg[i], 1, &src, kernel, i % 2 == 0);
                assert_memory_equal(all.off[i], one.off[0], sizeof(one.off[0]));
                assert_memory_equal(all.off[i], marked.off[i], sizeof(one.off[0]));
                sum += one.count;
            }
            assert_int_equal(all.count, sum);
            assert_true(sum > 0);
        }
        for (unsigned i = 0; i < count; i++) {
            tb_free(b[i]);
        }
    }
}

struct many {
    uint64_t off[MANY];
    uint64_t done[MANY / 64 + 1];
};

static sk_err on_one_of_many(void *ctx, unsigned input, uint32_t trig, uint64_t off) {
    struct many *m = ctx;
    assert_true(input == 0 && trig < MANY && m->off[trig] == 0);
    m->off[trig] = off + 1;
    return sk_ok();
}

/* So many marks that their sets are larger than those of few. */
static void test_many_marks(void **state) {
    (void)state;
    static uint8_t text[LEN];
    static uint32_t scratch[FILTER_BLOCK_BYTES];
    static struct many found[2];
    const struct filter_kernel *kernel;
    tb_seed = 5;
    for (unsigned i = 0; i < LEN; i++) {
        text[i] = (uint8_t)(tb_below(3) == 0 ? tb_random() : 'a' + tb_below(6));
    }
    struct tb *b = segment_with(text, 8, 3, MANY);
    const struct mt_segment *seg = tb_finish(b);
    assert_true(seg->trig_count > MANY / 2);
    struct sk_source src;
    sk_source_init_mem(&src, text, LEN);
    for (unsigned k = 0; (kernel = filter_kernel_nth(k)) != NULL; k++) {
        memset(found, 0, sizeof(found));
        for (unsigned marks = 0; marks < 2; marks++) {
            struct filter_input in = {seg, &seg->table[0], found[marks].done};
            struct filter_plan *plan = NULL;
            assert_int_equal(filter_plan_new(&in, 1, marks == 1, &plan).code, SK_OK);
            assert_true(marks == 0 || plan->marks.log2_set > 16);
            struct filter_job job = {.kernel = kernel,
                                     .src = &src,
                                     .plan = plan,
                                     .scratch = scratch,
                                     .hit = on_one_of_many,
                                     .hit_ctx = &found[marks]};
            assert_int_equal(filter_run(&job).code, SK_OK);
            filter_plan_free(plan);
        }
        assert_memory_equal(found[0].off, found[1].off, sizeof(found[0].off));
        for (uint32_t t = 0; t < seg->trig_count; t++) {
            assert_true(found[0].off[t] != 0); /* each is a piece of the text */
        }
    }
    tb_free(b);
}

/* The table with bitmaps of 2 MiB that say the same. */
static void stretch_bitmaps(struct mt_table *table) {
    for (unsigned g = 0; g < table->group_count; g++) {
        struct mt_group *group = &table->group[g];
        unsigned was = group->head.log2_words, log2 = PLAN_OWN_LOG2_MAX + 1;
        uint32_t *word = mem_alloc(((size_t)1 << log2) * sizeof(*word));
        assert_non_null(word);
        for (size_t w = 0; w < (size_t)1 << log2; w++) {
            word[w] = group->bitmap[w >> (log2 - was)];
        }
        group->head.log2_words = (uint8_t)log2;
        group->bitmap = word;
    }
}

/* Large bitmaps are searched where they lie, not ORed with others, first, last and all of them. */
static void test_large_bitmaps_stay(void **state) {
    (void)state;
    static uint8_t text[LEN];
    tb_seed = 6;
    for (unsigned i = 0; i < LEN; i++) {
        text[i] = (uint8_t)(tb_below(3) == 0 ? tb_random() : 'a' + tb_below(6));
    }
    struct tb *b[2] = {segment_of(text, 8, 3), segment_of(text, 8, 3)};
    static struct mt_segment large[2];
    const struct mt_segment *small[2];
    for (unsigned i = 0; i < 2; i++) {
        small[i] = tb_finish(b[i]);
        large[i] = *small[i];
        stretch_bitmaps(&large[i].table[0]);
    }
    struct sk_source src;
    sk_source_init_mem(&src, text, LEN);
    const struct filter_kernel *kernel = filter_kernel_nth(0);
    struct found expected = run(small, 2, &src, kernel, false);
    assert_true(expected.count > 0);
    for (unsigned which = 1; which < 4; which++) {
        const struct mt_segment *seg[2] = {(which & 1) != 0 ? &large[0] : small[0],
                                           (which & 2) != 0 ? &large[1] : small[1]};
        struct found found = run(seg, 2, &src, kernel, false);
        assert_memory_equal(&found, &expected, sizeof(found.off[0]) * 2);
        assert_int_equal(found.count, expected.count);
        struct filter_input in[2] = {{seg[0], &seg[0]->table[0], NULL},
                                     {seg[1], &seg[1]->table[0], NULL}};
        struct filter_plan *plan = NULL;
        assert_int_equal(filter_plan_new(in, 2, false, &plan).code, SK_OK);
        assert_int_equal(plan->group_count, 4);
        for (unsigned g = 0; g < plan->group_count; g++) {
            assert_null(plan->group[g].own);
        }
        filter_plan_free(plan);
    }
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned g = 0; g < large[i].table[0].group_count; g++) {
            mem_free((void *)(uintptr_t)large[i].table[0].group[g].bitmap);
        }
        tb_free(b[i]);
    }
}

/* Marks are used only where every table that holds anything has them. */
static void test_marks_of_all_or_none(void **state) {
    (void)state;
    static uint8_t text[LEN] = "some text to take pieces from, and the rest is zero";
    static const struct mt_table empty;
    struct mt_table without;
    tb_seed = 4;
    struct tb *b = segment_of(text, 8, 3);
    const struct mt_segment *seg = tb_finish(b);
    without = seg->table[0];
    without.mark_head = NULL;
    without.mark = NULL;
    without.mark_count = 0;
    const struct mt_table *const other[] = {&seg->table[0], &empty, &without};
    for (unsigned i = 0; i < 3; i++) {
        struct filter_input in[2] = {{seg, &seg->table[0], NULL}, {seg, other[i], NULL}};
        struct filter_plan *plan = NULL;
        assert_int_equal(filter_plan_new(in, 2, true, &plan).code, SK_OK);
        assert_int_equal(plan->by_marks, i < 2);
        assert_int_equal(plan->group_count == 0, i < 2);
        filter_plan_free(plan);
    }
    tb_free(b);
}

static void test_too_many_and_no_memory(void **state) {
    (void)state;
    static uint8_t text[LEN] = "some text to take pieces from, and the rest is zero";
    struct filter_input in[FILTER_INPUT_MAX + 1] = {{NULL, NULL, NULL}};
    struct filter_plan *plan = NULL;
    assert_int_equal(filter_plan_new(in, FILTER_INPUT_MAX + 1, false, &plan).code, SK_E_USAGE);
    tb_seed = 3;
    struct tb *b[2] = {segment_of(text, 8, 3), segment_of(text, 8, 3)};
    for (unsigned i = 0; i < 2; i++) {
        const struct mt_segment *seg = tb_finish(b[i]);
        in[i] = (struct filter_input){seg, &seg->table[0], NULL};
    }
    for (unsigned marks = 0; marks < 2; marks++) {
        uint64_t nth = 0;
        sk_err err;
        do {
            mem_fault_set(++nth);
            err = filter_plan_new(in, 2, marks == 1, &plan);
            mem_fault_set(0);
            assert_true(err.code == SK_OK || err.code == SK_E_NOMEM);
        } while (sk_failed(err));
        assert_true(nth > 3);
        filter_plan_free(plan);
    }
    filter_plan_free(NULL);
    tb_free(b[0]);
    tb_free(b[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_together_as_alone),      cmocka_unit_test(test_many_marks),
        cmocka_unit_test(test_large_bitmaps_stay),     cmocka_unit_test(test_marks_of_all_or_none),
        cmocka_unit_test(test_too_many_and_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
