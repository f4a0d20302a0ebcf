// SPDX-License-Identifier: Apache-2.0
/* The sieve against brute force: few and many keys of every length, equal ones of two segments;
 * failing allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "build.h"
#include "match/sieve.h"

#define SUBS 400u /* of each segment */
#define KEY_MAX 24u
#define TEXT_LEN 30000u

struct keys {
    uint8_t lit[SUBS * KEY_MAX];
    struct mt_part part[SUBS];
    struct mt_segment segment;
};

struct world {
    struct keys keys[2];
    uint8_t text[TEXT_LEN];
    bool told[2][SUBS];
    unsigned hits, misses, many;
};

static uint8_t lower(uint8_t b) {
    return b >= 'A' && b <= 'Z' ? b | 0x20 : b;
}

/* Few letters, so that short keys stand at many places; the second segment repeats keys of the
 * first. six: of all keys are so long. */
static void make_keys(struct world *w, unsigned which, bool six) {
    struct keys *k = &w->keys[which];
    for (unsigned i = 0; i < SUBS; i++) {
        struct mt_part *part = &k->part[i];
        uint32_t len = six && i % 2 == 0 ? 6 : 3 + tb_below(KEY_MAX - 2);
        *part = (struct mt_part){.key = i * KEY_MAX, .key_len = (uint16_t)len};
        part->key_flags = tb_below(4) == 0 ? MT_PART_KEY_NOCASE : 0;
        for (uint32_t at = 0; at < len; at++) {
            uint8_t b = (uint8_t) "abcdeABx"[tb_below(8)];
            k->lit[part->key + at] = part->key_flags != 0 ? lower(b) : b;
        }
        if (tb_below(6) == 0) { /* padding: its windows are put elsewhere */
            memset(k->lit + part->key, 0, 1 + tb_below(len));
        }
        if (which == 1 && tb_below(2) == 0) {
            *part = w->keys[0].part[i];
            memcpy(k->lit + part->key, w->keys[0].lit + part->key, KEY_MAX);
        }
    }
    k->segment = (struct mt_segment){.lit = k->lit, .lit_len = sizeof(k->lit)};
}

static void make_text(struct world *w) {
    for (unsigned i = 0; i < TEXT_LEN; i++) {
        w->text[i] = (uint8_t) "abcdeABx"[tb_below(8)];
    }
    for (unsigned n = 0; n < 40; n++) {
        memset(w->text + tb_below(TEXT_LEN - 2 * KEY_MAX), 0, 2 * KEY_MAX);
    }
    for (unsigned n = 0; n < 600; n++) {
        const struct keys *k = &w->keys[tb_below(2)];
        const struct mt_part *part = &k->part[tb_below(SUBS)];
        memcpy(w->text + tb_below(TEXT_LEN - KEY_MAX), k->lit + part->key, part->key_len);
    }
}

static bool stands(const struct world *w, const struct keys *k, const struct mt_part *part,
                   size_t at) {
    bool same = part->key_len <= TEXT_LEN - at;
    for (size_t i = 0; i < part->key_len && same; i++) {
        uint8_t b = w->text[at + i];
        b = part->key_flags != 0 ? lower(b) : b;
        same = b == k->lit[part->key + i];
    }
    return same;
}

static sk_err check(void *ctx, const struct sieve_answer *a) {
    struct world *w = ctx;
    uint32_t segment = a->who / SUBS, sub = a->who % SUBS;
    const struct keys *k = &w->keys[segment];
    const struct mt_part *part = &k->part[sub];
    unsigned seen = 0;
    assert_false(w->told[segment][sub]);
    w->told[segment][sub] = true;
    for (size_t at = 0; at < TEXT_LEN; at++) {
        if (!stands(w, k, part, at)) {
            continue;
        }
        if (a->count <= SIEVE_PLACES) {
            assert_true(seen < a->count);
            assert_int_equal(a->place[seen], at);
        } else if (seen == 0) {
            assert_true(a->place[0] <= at + FILTER_STEP_MAX);
        }
        seen++;
    }
    assert_true(a->count <= SIEVE_PLACES ? seen == a->count : seen > SIEVE_PLACES);
    w->hits += seen > 0;
    w->misses += seen == 0;
    w->many += seen > SIEVE_PLACES;
    return sk_ok();
}

static sk_err run(struct world *w, struct sieve *s, unsigned count,
                  const struct filter_kernel *kernel) {
    static uint32_t scratch[FILTER_BLOCK_BYTES];
    struct sk_source src;
    sk_source_init_mem(&src, w->text, TEXT_LEN);
    struct filter_job job = {.kernel = kernel, .src = &src, .scratch = scratch};
    memset(w->told, 0, sizeof(w->told));
    for (unsigned i = 0; i < count; i++) {
        for (unsigned g = 0; g < 2; g++) {
            struct keys *k = &w->keys[g];
            TRY(sieve_add(s, g * SUBS + i, &k->segment, &k->part[i]));
        }
    }
    return sieve_run(s, &job, check, w);
}

static void test_answers_agree_with_brute_force(void **state) {
    (void)state;
    struct world *w = mem_zalloc(1, sizeof(*w));
    struct sieve s = {0};
    assert_non_null(w);
    for (unsigned round = 0; round < 6; round++) {
        tb_seed = round;
        bool many = round % 2 == 0;
        make_keys(w, 0, many);
        make_keys(w, 1, many);
        make_text(w);
        unsigned count = many ? SUBS : 20 + round; /* few: keys of six bytes are not sampled */
        const struct filter_kernel *kernel;
        for (unsigned n = 0; (kernel = filter_kernel_nth(n)) != NULL; n++) {
            assert_int_equal(run(w, &s, count, kernel).code, SK_OK);
            for (unsigned i = 0; i < count && many; i++) { /* enough of every length for a pass */
                assert_true(w->told[0][i] && w->told[1][i]);
            }
            assert_true(s.asker_count == 2 * count && s.key_count < 2 * count);
            sieve_clear(&s);
        }
    }
    assert_true(w->hits > 1000 && w->misses > 200 && w->many > 100);
    sieve_release(&s);
    mem_free(w);
}

/* The answers there are stay right; the same sieve works afterwards. */
static void test_every_allocation_may_fail(void **state) {
    (void)state;
    struct world *w = mem_zalloc(1, sizeof(*w));
    assert_non_null(w);
    tb_seed = 1;
    make_keys(w, 0, true);
    make_keys(w, 1, true);
    make_text(w);
    unsigned failures = 0;
    bool reached = true;
    for (uint64_t n = 1; reached; n++) {
        struct sieve s = {0};
        mem_fault_set(n);
        sk_err err = run(w, &s, 150, filter_kernel_nth(0));
        reached = mem_fault_seen() >= n;
        mem_fault_set(0);
        assert_int_equal(err.code, reached ? SK_E_NOMEM : SK_OK);
        failures += reached;
        sieve_clear(&s);
        assert_int_equal(run(w, &s, 150, filter_kernel_nth(0)).code, SK_OK);
        sieve_release(&s);
    }
    assert_true(failures >= 15);
    mem_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_agree_with_brute_force),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
