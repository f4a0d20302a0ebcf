// SPDX-License-Identifier: Apache-2.0
/*
 * Large containers shared out by the pool, over a fake engine whose scanner does what the object
 * says. Whatever becomes of the shares, every object gets one result, and it is the one that one
 * worker alone would give.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/late.h"
#include "base/mem.h"
#include "os/file.h"
#include "pool/pool.h"
#include "pool/split.h"

/* ---- the fake engine ---- */

struct sk_engine {
    int nothing;
};
struct sk_scanner {
    struct sk_report report;
    struct sk_finding finding;
    struct sk_note_entry note;
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

static void die_if(char act) {
    if (act == 'S') {
        (void)usleep(500 * 1000);
    }
    if (act == 'C' || act == 'S') {
        _exit(0);
    }
}

/* 'F' find, 'N' note, 'C' crash, 'S' crash later, else nothing worth telling; behind 'P' for one
 * worker alone. */
int sk_scan_fd(struct sk_scanner *s, int fd, const char *name,
               const struct sk_report **out_report) {
    (void)name;
    char text[2] = "";
    (void)!pread(fd, text, 2, 0);
    char act = text[0] == 'P' ? text[1] : text[0];
    die_if(act);
    s->finding = (struct sk_finding){.name = "F", .layer = "", .layer_type = ""};
    s->note =
        (struct sk_note_entry){.word = "encrypted", .text = "t", .layer = "", .incomplete = 1};
    s->report = (struct sk_report){.complete = 1,
                                   .type = "zip",
                                   .layers = 1,
                                   .findings = &s->finding,
                                   .finding_count = act == 'F',
                                   .notes = &s->note,
                                   .note_count = act == 'N'};
    *out_report = &s->report;
    return SK_OK;
}

/* Owed: 'o' stands, 'w' does not. */
static struct owed {
    uint64_t tag;
    char act;
} owed[64];
static unsigned owed_count;

int sk_scan_ahead(struct sk_scanner *s, int fd, uint64_t tag, const struct sk_report **out_report,
                  int *out_owes) {
    char act = 0;
    (void)!pread(fd, &act, 1, 0);
    if (act == 'o') {
        owed[owed_count++] = (struct owed){tag, act};
        *out_owes = 1;
    }
    return sk_scan_fd(s, fd, NULL, out_report);
}

int sk_scan_settle(struct sk_scanner *scanner, int all, uint64_t *out_tag, int *out_stands) {
    (void)scanner;
    if (owed_count == 0 || (all == 0 && owed_count < 5)) {
        return 0;
    }
    *out_tag = owed[--owed_count].tag;
    *out_stands = owed[owed_count].act == 'o';
    return 1;
}

/*
 * An object that can be shared: 'P', what one worker alone does, then what the worker of each share
 * does: '.' nothing worth telling, 'F' find, 'L' find later, 'O' 'o' later, 'N' note, 'C' crash,
 * 'I' an error, 'o' and 'w' as above, 'd' it saw other members, 't' it saw another type, 'p' it
 * matters where the object lies, 'k' it needs a late part, 'K' and says so before it shares.
 */
#define SHARE_LAYERS 7u
#define SHARE_BYTES 100u

int sk_scan_share(struct sk_scanner *s, int fd, const struct sk_share *share,
                  const struct sk_report **out_report, int *out_owes) {
    char text[32] = "";
    if (pread(fd, text, sizeof(text) - 1, 0) <= 0 || text[0] != 'P') {
        return sk_scan_ahead(s, fd, share->tag, out_report, out_owes);
    }
    char act = text[2 + share->index];
    bool ready = act != 'K' || has_part();
    if (share->index == 0 && ready) {
        share->agreed(share->ctx);
    }
    if (act == 'k') {
        (void)has_part();
    }
    if (act == 'L' || act == 'O') {
        (void)usleep((act == 'L' ? 300 : 150) * 1000);
        act = act == 'L' ? 'F' : 'o';
    }
    s->report = (struct sk_report){.complete = 1,
                                   .type = act == 't' ? "jar" : "zip",
                                   .layers = SHARE_LAYERS,
                                   .bytes_scanned = SHARE_BYTES << share->index,
                                   .bytes_read = 1,
                                   .depends_on_place = act == 'p',
                                   .alike = {act == 'd', 1}};
    s->finding = (struct sk_finding){.name = "share", .layer = "", .layer_type = ""};
    s->note = (struct sk_note_entry){.word = "encrypted", .text = "t", .layer = ""};
    s->report.findings = &s->finding;
    s->report.notes = &s->note;
    s->report.finding_count = act == 'F';
    s->report.note_count = act == 'N';
    die_if(act);
    if (act == 'o' || act == 'w') {
        owed[owed_count++] = (struct owed){share->tag, act};
        *out_owes = 1;
    }
    *out_report = &s->report;
    return act == 'I' ? SK_E_NOMEM : SK_OK;
}

/* ---- the test side ---- */

#define OBJECTS 64

struct seen {
    unsigned count[OBJECTS];
    enum sk_verdict verdict[OBJECTS];
    char word[OBJECTS][32];
    uint64_t layers[OBJECTS];
    char name[OBJECTS][64];
};

static void on_result(void *ctx, const struct pool_result *r) {
    struct seen *seen = ctx;
    assert_true(r->tag < OBJECTS);
    seen->count[r->tag]++;
    seen->verdict[r->tag] = r->report->verdict;
    seen->layers[r->tag] = r->report->layers;
    if (r->report->note_count > 0) {
        (void)snprintf(seen->word[r->tag], 32, "%s", r->report->notes[0].word);
    }
    if (r->report->finding_count > 0) {
        (void)snprintf(seen->name[r->tag], 64, "%s", r->report->findings[0].name);
    }
}

static sk_err submit(struct pool *pool, int fd, uint64_t tag) {
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return pool_submit(pool, fd, (uint64_t)st.st_size, tag);
}

static int object(const char *text) {
    int fd = -1;
    assert_false(sk_failed(file_temp(NULL, &fd)));
    assert_false(sk_failed(file_write_all(fd, text, strlen(text))));
    return fd;
}

static struct sk_engine engine;

static void fill_options(struct pool_options *o, struct seen *seen) {
    pool_options_init(o);
    o->engine = &engine;
    o->on_result = on_result;
    o->ctx = seen;
}

static struct pool *make_pool(struct seen *seen, unsigned jobs) {
    struct pool_options o;
    fill_options(&o, seen);
    o.jobs = jobs;
    struct pool *pool = NULL;
    assert_false(sk_failed(pool_new(&o, &pool)));
    return pool;
}

static unsigned open_count(void) {
    unsigned n = 0;
    for (int fd = 0; fd < 256; fd++) {
        n += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return n;
}

static int large_object(const char *text) {
    int fd = object(text);
    assert_int_equal(ftruncate(fd, (off_t)SPLIT_EACH_BYTES * 4), 0);
    return fd;
}

struct share_case {
    const char *text;
    enum sk_verdict verdict;
    const char *name; /* found by the worker that scans alone */
    const char *word; /* noted by it */
    unsigned deaths;
    uint64_t layers; /* 1: of one worker */
    bool depends;
};

struct share_seen {
    unsigned count;
    uint64_t bytes;
    bool depends;
    struct seen seen;
};

static void on_shared(void *ctx, const struct pool_result *r) {
    struct share_seen *s = ctx;
    s->count++;
    s->bytes = r->report->bytes_scanned;
    s->depends = r->report->depends_on_place != 0;
    on_result(&s->seen, r);
}

static void run_shared(const struct share_case *c, struct pool_options *o) {
    struct share_seen s = {0};
    struct pool *pool = NULL;
    o->on_result = on_shared;
    o->ctx = &s;
    assert_false(sk_failed(pool_new(o, &pool)));
    assert_false(sk_failed(submit(pool, large_object(c->text), 5)));
    while (pool_in_flight(pool) > 0) {
        assert_false(sk_failed(pool_poll(pool, 1000)));
    }
    assert_int_equal(s.count, 1);
    assert_int_equal(s.seen.count[5], 1);
    assert_int_equal(s.seen.verdict[5], c->verdict);
    assert_string_equal(s.seen.name[5], c->name);
    assert_string_equal(s.seen.word[5], c->word);
    assert_int_equal(s.seen.layers[5], c->layers);
    assert_int_equal(s.depends, c->depends);
    assert_true(pool_deaths(pool) >= c->deaths);
    assert_true(c->deaths > 0 || pool_deaths(pool) == 0);
    pool_free(pool);
}

/* Only plain shares that fit together are summed; everything else is what one worker alone says. */
static void test_shares(void **state) {
    (void)state;
    const uint64_t all = 3 * SHARE_LAYERS;
    const struct share_case cases[] = {
        {"PF...", SK_VERDICT_CLEAN, "", "", 0, all, false},
        {"PF.p.", SK_VERDICT_CLEAN, "", "", 0, all, true},
        {"PFooo", SK_VERDICT_CLEAN, "", "", 0, all, false},
        {"PF.wo", SK_VERDICT_INFECTED, "F", "", 0, 1, false},
        {"PFw..", SK_VERDICT_INFECTED, "F", "", 0, 1, false},
        {"Pc..F", SK_VERDICT_CLEAN, "", "", 0, 1, false},
        {"PFF..", SK_VERDICT_INFECTED, "F", "", 0, 1, false},
        {"PF.N.", SK_VERDICT_INFECTED, "F", "", 0, 1, false},
        {"PNNNN", SK_VERDICT_INCOMPLETE, "", "encrypted", 0, 1, false},
        {"PF..d", SK_VERDICT_INFECTED, "F", "", 0, 1, false},
        {"PFt..", SK_VERDICT_INFECTED, "F", "", 0, 1, false},
        {"PF.I.", SK_VERDICT_INFECTED, "F", "", 0, 1, false},
        {"PF.C.", SK_VERDICT_INFECTED, "F", "", 1, 1, false},
        {"PFC..", SK_VERDICT_INFECTED, "F", "", 1, 1, false},
        {"PFCCC", SK_VERDICT_INFECTED, "F", "", 1, 1, false},
        {"PCC.C", SK_VERDICT_INCOMPLETE, "", "worker-died", 2, 0, false},
        {"c", SK_VERDICT_CLEAN, "", "", 0, 1, false}, /* not to be shared */
        {"PFk..", SK_VERDICT_INFECTED, "F", "", 0, 1, false},
        {"PF.k.", SK_VERDICT_INFECTED, "F", "", 0, 1, false},
        {"PFKkk", SK_VERDICT_CLEAN, "", "", 0, all, false}, /* who shares with it has all, too */
    };
    unsigned before = open_count();
    struct pool_options o;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fill_options(&o, NULL);
        o.jobs = 3;
        run_shared(&cases[i], &o);
    }
    assert_int_equal(open_count(), before);
}

/* The limits of the whole object hold for the sum. */
static void test_shares_and_limits(void **state) {
    (void)state;
    const struct share_case fits = {"PF...", SK_VERDICT_CLEAN, "", "", 0, 3 * SHARE_LAYERS, false};
    const struct share_case not = {"PF...", SK_VERDICT_INFECTED, "F", "", 0, 1, false};
    struct pool_options o;
    fill_options(&o, NULL);
    o.jobs = 3;
    o.scan.limits.max_files = 3 * SHARE_LAYERS;
    o.scan.limits.max_scan_size = (1 + 2 + 4) * SHARE_BYTES;
    run_shared(&fits, &o);
    o.scan.limits.max_files--;
    run_shared(&not, &o);
    o.scan.limits.max_files++;
    o.scan.limits.max_scan_size--;
    run_shared(&not, &o);
}

/* One job, an observer, or signatures to be tried: nobody is asked to share. */
static void test_not_offered(void **state) {
    (void)state;
    const struct share_case alone = {"PF...", SK_VERDICT_INFECTED, "F", "", 0, 1, false};
    struct sk_observer observer = {0};
    struct pool_options o;
    fill_options(&o, NULL);
    run_shared(&alone, &o);
    o.jobs = 3;
    o.scan.try_count = 1;
    run_shared(&alone, &o);
    o.scan.try_count = 0;
    o.scan.observer = &observer;
    run_shared(&alone, &o);
}

/* Shares among other objects; nothing is lost, whoever dies. */
static void test_shares_among_others(void **state) {
    (void)state;
    static const char *const texts[] = {"PF...", "c", "PF.C.", "o", "PNN..", "C", "PFC..", "c",
                                        "PC.CC", "o", "PF.w.", "F", "PF...", "c", "PFo.C", "c"};
    const unsigned count = sizeof(texts) / sizeof(texts[0]);
    unsigned before = open_count();
    for (unsigned jobs = 2; jobs <= 4; jobs++) {
        struct seen seen = {0};
        struct pool *pool = make_pool(&seen, jobs);
        for (unsigned i = 0; i < 2 * count; i++) {
            const char *text = texts[i % count];
            int fd = text[0] == 'P' ? large_object(text) : object(text);
            while (i == count && pool_in_flight(pool) > 0) {
                assert_false(sk_failed(pool_poll(pool, 1000)));
            }
            assert_false(sk_failed(submit(pool, fd, i)));
            while (i >= count && pool_in_flight(pool) > 0) { /* the second time one by one */
                assert_false(sk_failed(pool_poll(pool, 1000)));
            }
        }
        for (unsigned i = 0; i < 2 * count; i++) {
            char act = texts[i % count][0] == 'P' ? texts[i % count][1] : texts[i % count][0];
            bool summed = seen.layers[i] > 1;
            assert_int_equal(seen.count[i], 1);
            enum sk_verdict want = act == 'F' && !summed       ? SK_VERDICT_INFECTED
                                   : strchr("NC", act) == NULL ? SK_VERDICT_CLEAN
                                                               : SK_VERDICT_INCOMPLETE;
            assert_int_equal(seen.verdict[i], want);
            assert_true(!summed || i < count || jobs < 3 ||
                        strpbrk(texts[i % count] + 2, "CNFw") == NULL);
        }
        assert_int_equal(seen.layers[count], jobs > 3 ? 4 * SHARE_LAYERS : jobs * SHARE_LAYERS);
        pool_free(pool);
    }
    assert_int_equal(open_count(), before);
}

/* A share finds something, so the object is scanned alone; then the worker goes whose share waits
 * for digests: that is no second reason. (When it goes first, nothing is shown.) */
static void test_two_reasons(void **state) {
    (void)state;
    struct seen seen = {0};
    struct pool *pool = make_pool(&seen, 2);
    pid_t pids[2];
    assert_false(sk_failed(submit(pool, large_object("PFOL"), 0)));
    while (pool_pids(pool, pids, 2) < 2) { /* until the other one has its share */
        assert_false(sk_failed(pool_poll(pool, 1000)));
    }
    assert_false(sk_failed(submit(pool, object("S"), 1))); /* to the first */
    while (pool_in_flight(pool) > 0) {
        assert_false(sk_failed(pool_poll(pool, 1000)));
    }
    assert_int_equal(seen.count[0], 1);
    assert_int_equal(seen.count[1], 1);
    assert_int_equal(seen.verdict[0], SK_VERDICT_INFECTED);
    assert_string_equal(seen.word[1], "worker-died");
    pool_free(pool);
}

/* Its shares saw bytes of two states, maybe. */
static void test_object_that_changes(void **state) {
    (void)state;
    for (int changes = 0; changes < 2; changes++) {
        struct seen seen = {0};
        struct pool *pool = make_pool(&seen, 2);
        pid_t pids[2];
        int fd = large_object("PFOO");
        int mine = dup(fd);
        assert_true(mine >= 0);
        assert_false(sk_failed(submit(pool, fd, 0)));
        while (pool_pids(pool, pids, 2) < 2) { /* until the other one has its share */
            assert_false(sk_failed(pool_poll(pool, 1000)));
        }
        if (changes != 0) {
            assert_int_equal(ftruncate(mine, (off_t)SPLIT_EACH_BYTES * 3), 0);
        }
        while (pool_in_flight(pool) > 0) {
            assert_false(sk_failed(pool_poll(pool, 1000)));
        }
        assert_int_equal(seen.count[0], 1);
        assert_int_equal(seen.verdict[0], changes ? SK_VERDICT_INFECTED : SK_VERDICT_CLEAN);
        assert_int_equal(seen.layers[0], changes ? 1 : 2 * SHARE_LAYERS);
        pool_free(pool);
        assert_int_equal(close(mine), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),      cmocka_unit_test(test_shares_and_limits),
        cmocka_unit_test(test_not_offered), cmocka_unit_test(test_shares_among_others),
        cmocka_unit_test(test_two_reasons), cmocka_unit_test(test_object_that_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
