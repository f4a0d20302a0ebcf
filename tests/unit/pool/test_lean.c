// SPDX-License-Identifier: Apache-2.0
/*
 * Workers that did not load the late parts, over a fake engine whose scanner does what the object
 * says: 'c' nothing, 'F' find, 'C' crash, 'o' owe digests, 'k' need a late part, 'z' both of these,
 * 'Z' say for ever that something is lacking, 'D' tell (as layers) whether the worker is lean.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/late.h"
#include "base/mem.h"
#include "os/file.h"
#include "pool/pool.h"
#include "wire/frame.h"
#include "wire/scan.h"

#define LEAN_LAYERS 40u
#define FULL_LAYERS 50u

/* ---- the fake engine ---- */

struct sk_engine {
    int nothing;
};
struct sk_scanner {
    struct sk_report report;
    struct sk_finding finding;
    uint64_t owed[64];
    unsigned owed_count;
};

void sk_options_init(struct sk_options *out_options) {
    *out_options = (struct sk_options){.limits = {.max_memory = 64 << 20}, .spool_fd = -1};
}

static bool load_part(void) {
    return true;
}

static bool has_part(void) {
    static enum late_state state;
    return late_load(&state, load_part);
}

int sk_scanner_new(struct sk_engine *engine, const struct sk_options *options,
                   struct sk_scanner **out_scanner) {
    (void)engine;
    (void)options;
    if (!late_deferred()) {
        (void)has_part();
    }
    *out_scanner = mem_zalloc(1, sizeof(**out_scanner));
    return SK_OK;
}

#include "fake_engine.h"

static _Noreturn void lack_without_end(uint64_t id) {
    struct scan_lacks message = {.id = id};
    static struct wire_packet p;
    if (!sk_failed(wire_encode(wire_find(&scan_dialog, SCAN_LACKS), &message, p.bytes,
                               sizeof(p.bytes), &p.len))) {
        (void)wire_send(own_socket(), &p, true);
    }
    for (;;) {
        (void)usleep(1000);
    }
}

int sk_scan_ahead(struct sk_scanner *s, int fd, uint64_t tag, const struct sk_report **out_report,
                  int *out_owes) {
    char act = 0;
    (void)!pread(fd, &act, 1, 0);
    if (act == 'C') {
        _exit(0);
    }
    if (act == 'Z') {
        lack_without_end(tag);
    }
    s->finding = (struct sk_finding){.name = "F", .layer = "", .layer_type = ""};
    s->report = (struct sk_report){.complete = 1,
                                   .type = "text",
                                   .layers = 1,
                                   .findings = &s->finding,
                                   .finding_count = act == 'F'};
    s->report.verdict = act == 'F' ? SK_VERDICT_INFECTED : SK_VERDICT_CLEAN;
    if (act == 'D') {
        s->report.layers = late_deferred() ? LEAN_LAYERS : FULL_LAYERS;
    } else if ((act == 'k' || act == 'z') && !has_part()) {
        s->report.layers = 777; /* nobody must see this report */
    }
    if (act == 'o' || act == 'z') {
        s->owed[s->owed_count++] = tag;
        *out_owes = 1;
    }
    *out_report = &s->report;
    return SK_OK;
}

int sk_scan_fd(struct sk_scanner *s, int fd, const char *name,
               const struct sk_report **out_report) {
    int owes = 0;
    (void)name;
    return sk_scan_ahead(s, fd, 0, out_report, &owes);
}

int sk_scan_share(struct sk_scanner *s, int fd, const struct sk_share *share,
                  const struct sk_report **out_report, int *out_owes) {
    return sk_scan_ahead(s, fd, share->tag, out_report, out_owes);
}

int sk_scan_settle(struct sk_scanner *s, int all, uint64_t *out_tag, int *out_stands) {
    if (s->owed_count == 0 || (all == 0 && s->owed_count < 5)) {
        return 0;
    }
    *out_tag = s->owed[--s->owed_count];
    *out_stands = 1;
    return 1;
}

/* ---- the test side ---- */

#define OBJECTS 64

struct seen {
    unsigned count[OBJECTS];
    enum sk_verdict verdict[OBJECTS];
    bool died[OBJECTS];
    uint64_t layers[OBJECTS];
};

static void on_result(void *ctx, const struct pool_result *r) {
    struct seen *seen = ctx;
    assert_true(r->tag < OBJECTS);
    assert_int_equal(r->result, SK_OK);
    seen->count[r->tag]++;
    seen->verdict[r->tag] = r->report->verdict;
    seen->died[r->tag] =
        r->report->note_count == 1 && strcmp(r->report->notes[0].word, "worker-died") == 0;
    seen->layers[r->tag] = r->report->layers;
}

static sk_err submit(struct pool *pool, int fd, uint64_t tag) {
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return pool_submit(pool, fd, (uint64_t)st.st_size, tag);
}

static int object(char act) {
    int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &fd)));
    assert_false(sk_failed(file_write_all(fd, &act, 1)));
    return fd;
}

static struct sk_engine engine;

static struct pool_options options_for(struct seen *seen) {
    struct pool_options o;
    pool_options_init(&o);
    o.engine = &engine;
    o.on_result = on_result;
    o.ctx = seen;
    return o;
}

/* Submit one object per letter, wait for all. */
static void run(struct pool *pool, const char *acts) {
    for (unsigned i = 0; acts[i] != '\0'; i++) {
        while (!pool_has_room(pool)) {
            assert_false(sk_failed(pool_poll(pool, 1000)));
        }
        assert_false(sk_failed(submit(pool, object(acts[i]), i)));
    }
    while (pool_in_flight(pool) > 0) {
        assert_false(sk_failed(pool_poll(pool, 1000)));
    }
}

static unsigned open_count(void) {
    unsigned n = 0;
    for (int fd = 0; fd < 256; fd++) {
        n += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return n;
}

static void check(const char *acts, unsigned jobs) {
    struct seen seen = {0};
    struct pool_options o = options_for(&seen);
    struct pool *pool = NULL;
    unsigned lost = 0;
    o.jobs = jobs;
    assert_false(sk_failed(pool_new(&o, &pool)));
    run(pool, acts);
    for (unsigned i = 0; acts[i] != '\0'; i++) {
        bool dies = acts[i] == 'C' || acts[i] == 'Z';
        assert_int_equal(seen.count[i], 1);
        assert_int_equal(seen.died[i], dies);
        assert_int_equal(seen.verdict[i], dies             ? SK_VERDICT_INCOMPLETE
                                          : acts[i] == 'F' ? SK_VERDICT_INFECTED
                                                           : SK_VERDICT_CLEAN);
        assert_int_equal(seen.layers[i], dies ? 0 : 1);
        lost += dies ? 1 : 0;
    }
    assert_int_equal(pool_deaths(pool), lost);
    pool_free(pool);
}

/* Objects that need a late part get their result from a worker that has it, what else was sent to
 * the lean one is answered all the same, and no worker can have itself replaced for ever. */
static void test_lean_workers_give_way(void **state) {
    (void)state;
    static const char *const acts[] = {"k",
                                       "ckc",
                                       "kk",
                                       "cckccFccFck",
                                       "zoz",
                                       "ko",
                                       "oozok",
                                       "zkCkc",
                                       "cZ",
                                       "kZ",
                                       "ooooooooooooooooooooooooozoooooooooooooooooooooooookz"};
    unsigned before = open_count();
    for (unsigned k = 0; k < sizeof(acts) / sizeof(acts[0]); k++) {
        check(acts[k], 1);
        check(acts[k], 2);
    }
    assert_int_equal(open_count(), before);
}

static uint64_t layers_of_d(struct pool_options *o, const char *before) {
    struct seen seen = {0};
    struct pool *pool = NULL;
    o->ctx = &seen;
    assert_false(sk_failed(pool_new(o, &pool)));
    run(pool, before);
    run(pool, "D");
    pool_free(pool);
    return seen.layers[0];
}

/* Lean until the first lack, all parts from then on; all at once where work done twice would show.
 */
static void test_who_is_lean(void **state) {
    (void)state;
    struct pool_options o = options_for(NULL);
    assert_int_equal(layers_of_d(&o, ""), LEAN_LAYERS);
    assert_int_equal(layers_of_d(&o, "c"), LEAN_LAYERS);
    assert_int_equal(layers_of_d(&o, "k"), FULL_LAYERS);
    o.want_stats = true;
    assert_int_equal(layers_of_d(&o, "c"), FULL_LAYERS);
    /* What is not closed in loads in its place. */
    o.want_stats = false;
    o.sandbox = POOL_SANDBOX_OFF;
    assert_int_equal(layers_of_d(&o, "k"), LEAN_LAYERS);
}

static unsigned loaded;

static void count_load(void) {
    loaded++;
}

/* The parent loads all parts for the successors: not before something is lacking, and once. */
static void test_parent_loads_once(void **state) {
    (void)state;
    late_offer(count_load);
    check("ccoFc", 2);
    assert_int_equal(loaded, 0);
    check("ckckk", 2);
    check("kzk", 1);
    assert_int_equal(loaded, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lean_workers_give_way),
        cmocka_unit_test(test_who_is_lean),
        cmocka_unit_test(test_parent_loads_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
