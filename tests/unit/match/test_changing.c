// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes that are written to while they are looked at, as those of a mapped file may be: by the
 * callbacks of a run, and by another process all the time. Nothing goes out of bounds (the bytes
 * end where nothing may be read), runs end as they should, and what is told stands in the other
 * bytes, which do not change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "build.h"
#include "match/filter.h"
#include "match/find.h"
#include "match/matcher.h"

#define PAGE ((size_t)4096)
#define LEN (200 * PAGE - 123) /* more than a window, and than what lies between ticks */
#define SIGS 60u

/* Bytes of two processes, right before a page that nobody may touch. */
static uint8_t *shared_bytes(void) {
    size_t pages = (LEN + PAGE - 1) / PAGE * PAGE;
    uint8_t *p =
        mmap(NULL, pages + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + pages, PAGE, PROT_NONE), 0);
    return p + pages - LEN;
}

static void unshare_bytes(uint8_t *p) {
    uint8_t *start = (uint8_t *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1));
    assert_int_equal(munmap(start, (LEN + PAGE - 1) / PAGE * PAGE + PAGE), 0);
}

/* Pieces of what the signatures below are made of, here and there. */
static void scribble(uint8_t *p, unsigned times) {
    static const char WORDS[] = "abcabccababababbbaccbcabcabcabaaaaaaaaaaaaaaaaaaabcab";
    for (unsigned i = 0; i < times; i++) {
        size_t len = 1 + tb_below(30), from = tb_below(sizeof(WORDS) - 31);
        size_t at = tb_below(16) == 0 ? LEN - len : tb_below(LEN - 30);
        for (size_t k = 0; k < len; k++) {
            ((volatile uint8_t *)p)[at + k] = (uint8_t)WORDS[from + k];
        }
    }
}

static pid_t start_scribbler(uint8_t *p) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    while (pid == 0) {
        scribble(p, 1000);
    }
    return pid;
}

static void stop_scribbler(pid_t pid) {
    int status;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Of letters, so that all of them are anywhere near. */
static void fill(uint8_t *p) {
    for (size_t i = 0; i < LEN; i++) {
        p[i] = (uint8_t)('a' + tb_below(3));
    }
}

/* No count of these is asked to be nothing. */
static struct tb *signatures(void) {
    static const char *const bodies[] = {"6161626263",
                                         "616162{0-4}6263",
                                         "61626162??63",
                                         "63636161*626262",
                                         "(6162|63)6161",
                                         "6161616161616161616161",
                                         "6162636162636162",
                                         "626263",
                                         "616263{3}616161",
                                         "636361",
                                         "616161616161616161616161616161616161",
                                         "6162636162636162{0-3}61",
                                         "61616161616161*62626262626262",
                                         "616263616263616263616263616263616261"};
    static const char *const exprs[] = {"0", "0&1", "0&1&2", "0>2"};
    struct tb *b = tb_new();
    tb_menu(b, 8, 3);
    for (unsigned i = 0; i < SIGS; i++) {
        uint32_t subs[3];
        for (unsigned k = 0; k < 3; k++) {
            struct tb_sub_spec spec = {.body = bodies[tb_below(14)],
                                       .flags = tb_below(3) == 0 ? TB_NOCASE : 0};
            subs[k] = tb_sub(b, &spec);
        }
        (void)tb_sig(b, &(struct tb_sig_spec){
                            .expr = exprs[i % 4], .subs = subs, .sub_count = 3, .trigger = 0});
    }
    return b;
}

struct run {
    uint8_t *bytes;
    const struct mt_segment *seg;
    unsigned hits, ticks;
};

static sk_err on_trigger(void *ctx, unsigned input, uint32_t trig, uint64_t off) {
    struct run *r = ctx;
    assert_int_equal(input, 0);
    assert_true(trig < r->seg->trig_count);
    assert_true(off < LEN && r->seg->trig[trig].len <= LEN - off);
    r->hits++;
    scribble(r->bytes, 3);
    return sk_ok();
}

static bool on_tick(void *ctx) {
    struct run *r = ctx;
    r->ticks++;
    scribble(r->bytes, 500);
    return true;
}

static void filter_once(struct run *r, bool marks, const struct filter_kernel *kernel) {
    static uint32_t scratch[FILTER_BLOCK_BYTES];
    uint64_t done[8] = {0};
    assert_true(r->seg->trig_count <= 64 * 8);
    struct filter_input in = {r->seg, &r->seg->table[0], done};
    struct filter_plan *plan = NULL;
    struct sk_source src;
    sk_source_init_mem(&src, r->bytes, LEN);
    assert_int_equal(filter_plan_new(&in, 1, marks, &plan).code, SK_OK);
    struct filter_job job = {.kernel = kernel,
                             .src = &src,
                             .plan = plan,
                             .scratch = scratch,
                             .hit = on_trigger,
                             .hit_ctx = r,
                             .tick = on_tick,
                             .tick_ctx = r};
    unsigned before = r->hits, bits = 0;
    assert_int_equal(filter_run(&job).code, SK_OK);
    for (unsigned i = 0; i < 8; i++) {
        bits += (unsigned)__builtin_popcountll(done[i]);
    }
    assert_int_equal(r->hits - before, bits); /* each once */
    filter_plan_free(plan);
}

static void filter_all(struct run *r, unsigned rounds) {
    for (unsigned round = 0; round < rounds; round++) {
        const struct filter_kernel *kernel;
        for (unsigned k = 0; (kernel = filter_kernel_nth(k)) != NULL; k++) {
            filter_once(r, false, kernel);
            filter_once(r, true, kernel);
        }
    }
}

static void test_filter(void **state) {
    (void)state;
    tb_seed = 1;
    struct tb *b = signatures();
    struct run r = {shared_bytes(), tb_finish(b), 0, 0};
    fill(r.bytes);
    filter_all(&r, 2);
    pid_t scribbler = start_scribbler(r.bytes);
    filter_all(&r, 2);
    stop_scribbler(scribbler);
    assert_true(r.hits > 0 && r.ticks > 0);
    tb_free(b);
    unshare_bytes(r.bytes);
}

static void test_find(void **state) {
    (void)state;
    static const char *const WORDS[] = {"abc", "aaaaaaaa", "bcabcabcababc", "zz"};
    tb_seed = 2;
    uint8_t *bytes = shared_bytes();
    fill(bytes);
    pid_t scribbler = start_scribbler(bytes);
    uint64_t found = 0;
    for (unsigned round = 0; round < 24; round++) {
        struct find_key key;
        const char *word = WORDS[round % 4];
        find_key_init(&key, (const uint8_t *)word, strlen(word), round % 3, round % 2 == 1);
        size_t end = LEN - key.reach + 1;
        const struct find_kernel *kernel;
        for (unsigned k = 0; (kernel = find_kernel_nth(k)) != NULL; k++) {
            for (size_t at = 0; at < end; at++) {
                size_t got = kernel->next(&key, bytes, at, end);
                assert_true(got >= at && got <= end);
                found += got < end;
                at = got;
            }
        }
    }
    stop_scribbler(scribbler);
    assert_true(found > 0);
    unshare_bytes(bytes);
}

static bool collect(void *ctx, const struct match_hit *hit) {
    uint64_t *sigs = ctx;
    assert_true(hit->sig < SIGS);
    assert_int_equal(*sigs >> hit->sig & 1, 0);
    *sigs |= (uint64_t)1 << hit->sig;
    return true;
}

static uint64_t hits_of(struct matcher *m, struct sk_source *src, struct sk_source *glance) {
    uint64_t sigs = 0;
    struct match_budget budget = {.steps = 1 << 30};
    struct match_layer layer = {.src = src, .glance = glance};
    assert_int_equal(matcher_scan(m, &layer, &budget, collect, &sigs).code, SK_OK);
    return sigs;
}

/* The search looks at bytes that change and decides by bytes that do not. */
static void test_scan(void **state) {
    (void)state;
    tb_seed = 3;
    struct tb *b = signatures();
    const struct mt_segment *seg = tb_finish(b);
    struct matcher *m = NULL;
    assert_int_equal(matcher_new(&seg, 1, &m).code, SK_OK);
    uint8_t *bytes = shared_bytes(), *fixed = mem_zalloc(LEN, 1);
    assert_non_null(fixed);
    struct sk_source src, glance;
    sk_source_init_mem(&src, fixed, LEN);
    sk_source_init_mem(&glance, bytes, LEN);
    fill(bytes);
    assert_true(hits_of(m, &glance, NULL) != 0);
    assert_true(hits_of(m, &src, NULL) == 0);
    assert_true(hits_of(m, &src, &glance) == 0); /* what is seen alone is no find */
    memcpy(fixed, bytes, LEN);
    uint64_t all = hits_of(m, &src, NULL), some = 0;
    assert_true(hits_of(m, &src, &glance) == all);
    pid_t scribbler = start_scribbler(bytes);
    for (unsigned round = 0; round < 8; round++) {
        uint64_t sigs = hits_of(m, &src, &glance);
        assert_true((sigs & ~all) == 0);
        some |= sigs;
    }
    stop_scribbler(scribbler);
    assert_true(some != 0);
    matcher_free(m);
    mem_free(fixed);
    tb_free(b);
    unshare_bytes(bytes);
}

/* Bytes that are lost end the scan as a failed read does. */
static const uint8_t *lend(void *ctx, uint64_t off, size_t len) {
    const uint8_t *bytes = ctx;
    (void)len;
    return off < 100 ? bytes : NULL;
}

static void test_lost(void **state) {
    (void)state;
    tb_seed = 4;
    struct tb *b = signatures();
    const struct mt_segment *seg = tb_finish(b);
    struct matcher *m = NULL;
    assert_int_equal(matcher_new(&seg, 1, &m).code, SK_OK);
    uint8_t *bytes = mem_zalloc(LEN, 1);
    assert_non_null(bytes);
    struct sk_source src, glance;
    sk_source_init_mem(&src, bytes, LEN);
    sk_source_init_lend(&glance, LEN, lend, bytes);
    uint64_t sigs = 0;
    struct match_budget budget = {.steps = 1 << 30};
    struct match_layer layer = {.src = &src, .glance = &glance};
    assert_int_equal(matcher_scan(m, &layer, &budget, collect, &sigs).code, SK_E_IO);
    sk_source_release(&glance);
    matcher_free(m);
    mem_free(bytes);
    tb_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
