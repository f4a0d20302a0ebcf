// SPDX-License-Identifier: Apache-2.0
/*
 * The pool over a fake engine, whose scanner does what the object says: find, note, crash, hang,
 * open a file, leak, or speak out of turn. Whatever a worker does, every object gets one result,
 * and a lost worker never gives "clean".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"
#include "pool/pool.h"
#include "pool/slot.h"
#include "wire/frame.h"
#include "wire/scan.h"

/* ---- the fake engine ---- */

struct sk_engine {
    bool refuse;
    bool crash_at_start;
};
struct sk_scanner {
    bool seen_w; /* a 'w' is scanned for the second time next */
    bool seen_v;
    struct sk_report report;
    struct sk_finding finding;
    struct sk_note_entry note;
    struct sk_trial trial[2];
    struct sk_hits hits[3];
    uint64_t offset[10];
    char text[64];
};

void sk_options_init(struct sk_options *out_options) {
    *out_options = (struct sk_options){.limits = {.max_scan_time = 2000, .max_memory = 64 << 20},
                                       .spool_fd = -1};
}

int sk_scanner_new(struct sk_engine *engine, const struct sk_options *options,
                   struct sk_scanner **out_scanner) {
    (void)options;
    if (engine->crash_at_start) {
        abort();
    }
    *out_scanner = mem_zalloc(1, sizeof(**out_scanner));
    return engine->refuse ? SK_E_FORMAT : SK_OK;
}

#include "fake_engine.h"

static void speak_out_of_turn(void) {
    struct wire_packet p = {.bytes = {99, 0, 1, 0}, .len = 4};
    for (int fd = 3; fd < 64; fd++) {
        (void)wire_send(fd, &p, true);
    }
}

static void say(uint16_t type, const void *record) {
    static struct wire_packet p;
    if (!sk_failed(
            wire_encode(wire_find(&scan_dialog, type), record, p.bytes, sizeof(p.bytes), &p.len))) {
        (void)wire_send(own_socket(), &p, true);
    }
}

/* Permitted messages without end. */
static _Noreturn void babble(void) {
    struct scan_stats stats = {{1}};
    for (;;) {
        say(SCAN_STATS, &stats);
    }
}

/* Answers its first object like an honest worker, and never ends. */
static _Noreturn void answer_and_stay(void) {
    struct scan_done done = {.id = 1, .complete = 1, .type = "text"};
    say(SCAN_DONE, &done);
    for (;;) {
        (void)pause();
    }
}

/* Puts its first object aside again and again, to be given time for ever. */
static _Noreturn void put_aside_without_end(void) {
    struct scan_owes owes = {.id = 1};
    for (;;) {
        say(SCAN_OWES, &owes);
    }
}

/* Hits that belong to no trial. */
static void hits_of_nothing(void) {
    struct scan_hits hits = {.count = 1};
    say(SCAN_HITS, &hits);
    for (;;) {
        (void)pause();
    }
}

/* Says that it shares what nobody asked it to share. */
static void share_unasked(void) {
    struct scan_shared message = {.id = 3};
    say(SCAN_SHARED, &message);
    for (;;) {
        (void)pause();
    }
}

static void misbehave(char act) {
    if (act == 'C') {
        abort();
    } else if (act == 'H') {
        for (volatile int i = 0;; i++) {
        }
    } else if (act == 'S') {
        (void)socket(AF_INET, SOCK_STREAM, 0);
    } else if (act == 'T') {
        speak_out_of_turn();
    } else if (act == 'B') {
        babble();
    } else if (act == 'R') {
        answer_and_stay();
    } else if (act == 'Q') {
        hits_of_nothing();
    } else if (act == 'Y') {
        share_unasked();
    } else if (act == 'A') {
        put_aside_without_end();
    } else if (act == 'X') {
        _exit(0);
    } else if (act == 'L') {
        void *leak = mem_alloc(1 << 20);
        memset(leak, 1, 1 << 20);
        __asm__ volatile("" : : "r"(leak) : "memory");
    }
}

/* Two trials: of two subsignatures, and of one; the second has more offsets than a message holds,
 * and the finding points behind the last. */
static void explain(struct sk_scanner *s) {
    for (unsigned i = 0; i < 10; i++) {
        s->offset[i] = 100 + i;
    }
    s->hits[0] = (struct sk_hits){7, s->offset, 2};
    s->hits[1] = (struct sk_hits){0, NULL, 0};
    s->hits[2] = (struct sk_hits){10, s->offset, 10};
    s->trial[0] = (struct sk_trial){.layer = "l",
                                    .layer_type = "t",
                                    .view = "raw",
                                    .segment = 1,
                                    .signature = 2,
                                    .of_target = 1,
                                    .holds = 1,
                                    .failed_attributes = 5,
                                    .subs = s->hits,
                                    .sub_count = 2};
    s->trial[1] = (struct sk_trial){.layer = "",
                                    .layer_type = "",
                                    .view = "",
                                    .limited = 1,
                                    .subs = &s->hits[2],
                                    .sub_count = 1};
    s->report.trials = s->trial;
    s->report.trial_count = 2;
    s->report.depends_on_place = 1;
}

int sk_scan_fd(struct sk_scanner *s, int fd, const char *name,
               const struct sk_report **out_report) {
    (void)name;
    memset(s->text, 0, sizeof(s->text));
    ssize_t got = pread(fd, s->text, sizeof(s->text) - 1, 0);
    if (got <= 0) {
        return SK_E_IO;
    }
    s->report =
        (struct sk_report){.complete = 1, .type = "text", .layers = 1, .bytes_read = (uint64_t)got};
    misbehave(s->text[0] == 'V' && s->seen_v ? 'X' : s->text[0]);
    s->seen_v = s->seen_v || s->text[0] == 'V';
    s->seen_w = s->seen_w != (s->text[0] == 'w');
    if (s->text[0] == 'F' || (s->text[0] == 'w' && !s->seen_w)) {
        s->finding =
            (struct sk_finding){.name = s->text, .layer = "", .layer_type = "text", .offset = 3};
        s->report.findings = &s->finding;
        s->report.finding_count = 1;
        s->report.verdict = SK_VERDICT_INFECTED;
        s->finding.trial = s->text[1] == 'E' ? 2 : 9;
        if (s->text[1] == 'E') {
            explain(s);
        }
    } else if (s->text[0] == 'N') {
        s->note =
            (struct sk_note_entry){.word = "encrypted", .text = "t", .layer = "l", .incomplete = 1};
        s->report.notes = &s->note;
        s->report.note_count = 1; /* and yet it claims to be clean and complete */
    } else if (s->text[0] == 'I') {
        s->report.verdict = SK_VERDICT_INFECTED; /* by nothing */
    } else if (s->text[0] == 'O' && open("/etc/passwd", O_RDONLY) >= 0) {
        s->report.verdict = SK_VERDICT_CLEAN;
        s->report.layers = 777;
    }
    *out_report = &s->report;
    return SK_OK;
}

/* Owed: 'o' stands, 'w' does not and the second scan finds something, 'W' dies when it is settled,
 * 'V' when it is scanned again. */
static struct owed {
    uint64_t tag;
    char act;
} owed[64];
static unsigned owed_count;

int sk_scan_ahead(struct sk_scanner *s, int fd, uint64_t tag, const struct sk_report **out_report,
                  int *out_owes) {
    int result = sk_scan_fd(s, fd, NULL, out_report);
    if (result == SK_OK && strchr("owWV", s->text[0]) != NULL) {
        owed[owed_count++] = (struct owed){tag, s->text[0]};
        *out_owes = 1;
    }
    return result;
}

int sk_scan_share(struct sk_scanner *s, int fd, const struct sk_share *share,
                  const struct sk_report **out_report, int *out_owes) {
    return sk_scan_ahead(s, fd, share->tag, out_report, out_owes); /* not to be shared */
}

/* The newest first, so that answers change their order. */
int sk_scan_settle(struct sk_scanner *scanner, int all, uint64_t *out_tag, int *out_stands) {
    (void)scanner;
    if (owed_count == 0 || (all == 0 && owed_count < 5)) {
        return 0;
    }
    struct owed o = owed[--owed_count];
    misbehave(o.act == 'W' ? 'X' : o.act);
    *out_tag = o.tag;
    *out_stands = o.act != 'w' && o.act != 'V';
    return 1;
}

/* ---- the test side ---- */

#define OBJECTS 64

struct seen {
    unsigned count[OBJECTS];
    enum sk_verdict verdict[OBJECTS];
    int result[OBJECTS];
    char word[OBJECTS][32];
    uint64_t layers[OBJECTS];
    char name[OBJECTS][64];
};

static void on_result(void *ctx, const struct pool_result *r) {
    struct seen *seen = ctx;
    assert_true(r->tag < OBJECTS);
    seen->count[r->tag]++;
    seen->verdict[r->tag] = r->report->verdict;
    seen->result[r->tag] = r->result;
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

static struct sk_engine good_engine;

static void fill_options(struct pool_options *o, struct seen *seen) {
    pool_options_init(o);
    o->engine = &good_engine;
    o->on_result = on_result;
    o->ctx = seen;
    /* No clock: what is lost here is lost for another reason, however loaded the machine is. */
    o->scan.limits.max_scan_time = 0;
}

static struct pool *make_pool(struct seen *seen, unsigned jobs) {
    struct pool_options o;
    fill_options(&o, seen);
    o.jobs = jobs;
    struct pool *pool = NULL;
    assert_false(sk_failed(pool_new(&o, &pool)));
    return pool;
}

/* Submit one object per letter, wait for all. */
static void run(struct pool *pool, const char *acts) {
    for (unsigned i = 0; acts[i] != '\0'; i++) {
        char text[2] = {acts[i], '\0'};
        while (!pool_has_room(pool)) {
            assert_false(sk_failed(pool_poll(pool, 1000)));
        }
        assert_false(sk_failed(submit(pool, object(text), i)));
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

static void test_results_come_back(void **state) {
    (void)state;
    unsigned before = open_count();
    struct seen seen = {0};
    struct pool *pool = make_pool(&seen, 2);
    struct sandbox_state held = {0};
    assert_false(pool_sandbox_state(pool, &held));
    const char *acts = "ccFcNcccIcccccccccccccccFcccccc";
    run(pool, acts);
    for (unsigned i = 0; acts[i] != '\0'; i++) {
        assert_int_equal(seen.count[i], 1);
        enum sk_verdict want = acts[i] == 'F'   ? SK_VERDICT_INFECTED
                               : acts[i] == 'c' ? SK_VERDICT_CLEAN
                                                : SK_VERDICT_INCOMPLETE;
        assert_int_equal(seen.verdict[i], want);
    }
    assert_string_equal(seen.word[4], "encrypted");
    assert_string_equal(seen.name[2], "F");
    assert_true(pool_sandbox_state(pool, &held));
    assert_int_not_equal(sandbox_level(&held), SANDBOX_NONE);
    assert_int_equal(pool_deaths(pool), 0);
    assert_false(pool_spool_missing(pool));
    pool_free(pool);
    assert_int_equal(open_count(), before);
}

static void see_trials(void *ctx, const struct pool_result *result) {
    const struct sk_report *r = result->report;
    bool explained = result->tag == 0;
    assert_int_equal(r->finding_count, 1);
    assert_int_equal(r->findings[0].trial, explained ? 2 : 0);
    assert_int_equal(r->trial_count, explained ? 2 : 0);
    assert_int_equal(r->depends_on_place, explained);
    (*(unsigned *)ctx)++;
    if (!explained) {
        return;
    }
    const struct sk_trial *t = r->trials;
    assert_string_equal(t[0].layer, "l");
    assert_true(t[0].segment == 1 && t[0].signature == 2 && t[0].failed_attributes == 5);
    assert_true(t[0].of_target && t[0].holds && !t[0].limited && t[1].limited);
    assert_int_equal(t[0].sub_count, 2);
    assert_int_equal(t[0].subs[0].count, 7);
    assert_int_equal(t[0].subs[0].offset_count, 2);
    assert_int_equal(t[0].subs[0].offsets[1], 101);
    assert_int_equal(t[0].subs[1].count, 0);
    assert_int_equal(t[1].sub_count, 1);
    assert_int_equal(t[1].subs[0].offset_count, SCAN_HITS_OFFSETS);
}

static void test_trials_cross_the_sandbox(void **state) {
    (void)state;
    unsigned seen = 0;
    struct pool_options o;
    fill_options(&o, NULL);
    o.jobs = 1;
    o.on_result = see_trials;
    o.ctx = &seen;
    struct pool *pool = NULL;
    assert_false(sk_failed(pool_new(&o, &pool)));
    assert_false(sk_failed(submit(pool, object("FE"), 0)));
    assert_false(sk_failed(submit(pool, object("F"), 1)));
    while (pool_in_flight(pool) > 0) {
        assert_false(sk_failed(pool_poll(pool, 1000)));
    }
    assert_int_equal(seen, 2);
    pool_free(pool);
}

static void test_words_out_of_place_end_the_worker(void **state) {
    (void)state;
    struct seen seen = {0};
    struct pool_options o;
    fill_options(&o, &seen);
    o.jobs = 1;
    o.sandbox = POOL_SANDBOX_OFF;
    struct pool *pool = NULL;
    assert_false(sk_failed(pool_new(&o, &pool)));
    run(pool, "QcYc");
    for (unsigned i = 0; i < 4; i += 2) {
        assert_string_equal(seen.word[i], "worker-died");
        assert_int_equal(seen.verdict[i + 1], SK_VERDICT_CLEAN);
    }
    assert_int_equal(pool_deaths(pool), 2);
    pool_free(pool);
}

static void test_lost_workers_blame_one_object_each(void **state) {
    (void)state;
    unsigned before = open_count();
    struct seen seen = {0};
    struct pool *pool = make_pool(&seen, 2);
    const char *acts =
        sandbox_sanitized() ? "ccCccccccccTccccXccCCcFc" : "ccCccccccSccTccccXccCCcFc";
    run(pool, acts);
    unsigned deaths = 0;
    for (unsigned i = 0; acts[i] != '\0'; i++) {
        assert_int_equal(seen.count[i], 1);
        if (strchr("CSTX", acts[i]) != NULL) {
            deaths++;
            assert_int_equal(seen.verdict[i], SK_VERDICT_INCOMPLETE);
            assert_string_equal(seen.word[i], "worker-died");
        } else {
            assert_int_equal(seen.verdict[i],
                             acts[i] == 'F' ? SK_VERDICT_INFECTED : SK_VERDICT_CLEAN);
        }
    }
    assert_int_equal(pool_deaths(pool), deaths);
    pool_free(pool);
    assert_int_equal(open_count(), before);
}

/* Only the object that hangs is under a time limit. A worker that talks without end hangs too. */
static void test_answers_that_wait_for_digests(void **state) {
    (void)state;
    unsigned before = open_count();
    static const char *const acts[] = {
        "ooooooooooooooooccooFo", "cwc", "oooocooooow",
        "ocNooooIoooooooooooooooooooooooooooooooooooooooooooooooooooo"};
    for (unsigned k = 0; k < sizeof(acts) / sizeof(acts[0]); k++) {
        struct seen seen = {0};
        struct pool *pool = make_pool(&seen, 1);
        run(pool, acts[k]);
        for (unsigned i = 0; acts[k][i] != '\0'; i++) {
            assert_int_equal(seen.count[i], 1);
            enum sk_verdict want = strchr("Fw", acts[k][i]) != NULL   ? SK_VERDICT_INFECTED
                                   : strchr("co", acts[k][i]) != NULL ? SK_VERDICT_CLEAN
                                                                      : SK_VERDICT_INCOMPLETE;
            assert_int_equal(seen.verdict[i], want);
        }
        assert_int_equal(pool_deaths(pool), 0);
        pool_free(pool);
    }
    assert_int_equal(open_count(), before);
}

/* Reports that waited are not lost with the worker, and only one object is blamed: the one it was
 * busy with, also for the second time. One that dies of digests does not say of whose: the oldest
 * is blamed, or what was sent in the meantime, but in the end it is known. */
static void test_lost_while_answers_wait(void **state) {
    (void)state;
    static const char *const acts[] = {"oooC", "ooooCooo", "oCoCo", "Wooo", "oooV", "ooVoVooo"};
    for (unsigned k = 0; k < sizeof(acts) / sizeof(acts[0]); k++) {
        struct seen seen = {0};
        struct pool *pool = make_pool(&seen, 1);
        bool any = strchr(acts[k], 'W') != NULL;
        run(pool, acts[k]);
        for (unsigned i = 0; acts[k][i] != '\0'; i++) {
            bool lost = strchr("CWV", acts[k][i]) != NULL;
            assert_int_equal(seen.count[i], 1);
            if (lost || seen.verdict[i] != SK_VERDICT_CLEAN) {
                assert_true(lost || any);
                assert_int_equal(seen.verdict[i], SK_VERDICT_INCOMPLETE);
                assert_string_equal(seen.word[i], "worker-died");
            }
        }
        pool_free(pool);
    }
}

static void test_hanging_workers_are_killed(void **state) {
    (void)state;
    static const char acts[] = "HBA";
    for (unsigned i = 0; i < 3; i++) {
        char act[2] = {acts[i], '\0'};
        struct seen seen = {0};
        struct pool_options o;
        struct pool *pool = NULL;
        fill_options(&o, &seen);
        o.scan.limits.max_scan_time = 200;
        o.grace_ms = 100;
        o.sandbox = POOL_SANDBOX_OFF;
        assert_false(sk_failed(pool_new(&o, &pool)));
        run(pool, act);
        assert_int_equal(seen.count[0], 1);
        assert_int_equal(seen.verdict[0], SK_VERDICT_INCOMPLETE);
        assert_string_equal(seen.word[0], "worker-died");
        pool_free(pool);
    }
}

static void test_retired_worker_that_stays(void **state) {
    (void)state;
    struct seen seen = {0};
    struct pool_options o;
    struct pool *pool = NULL;
    fill_options(&o, &seen);
    o.recycle_files = 1;
    o.sandbox = POOL_SANDBOX_OFF;
    assert_false(sk_failed(pool_new(&o, &pool)));
    run(pool, "R");
    run(pool, "c");
    assert_int_equal(seen.count[0], 2);
    assert_int_equal(seen.verdict[0], SK_VERDICT_CLEAN);
    pool_free(pool);
}

static void test_a_worker_cannot_open(void **state) {
    (void)state;
    struct seen seen = {0};
    struct pool *pool = make_pool(&seen, 1);
    run(pool, "Oc");
    assert_int_equal(seen.count[0], 1);
    assert_int_not_equal(seen.layers[0], 777);
    pool_free(pool);
}

static void test_unreadable_object_is_a_result(void **state) {
    (void)state;
    struct seen seen = {0};
    struct pool *pool = make_pool(&seen, 1);
    assert_false(sk_failed(submit(pool, object(""), 0)));
    while (pool_in_flight(pool) > 0) {
        assert_false(sk_failed(pool_poll(pool, 1000)));
    }
    assert_int_equal(seen.result[0], SK_E_IO);
    assert_int_equal(seen.verdict[0], SK_VERDICT_INCOMPLETE);
    pool_free(pool);
}

static void test_killed_from_outside(void **state) {
    (void)state;
    struct seen seen = {0};
    struct pool *pool = make_pool(&seen, 1);
    run(pool, "c");
    pid_t pid = 0;
    assert_int_equal(pool_pids(pool, &pid, 1), 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    seen = (struct seen){0};
    run(pool, "ccc");
    unsigned answered = 0;
    for (unsigned i = 0; i < 3; i++) {
        answered += seen.count[i];
    }
    assert_int_equal(answered, 3);
    assert_int_equal(pool_deaths(pool), 1);
    pool_free(pool);
}

static void test_workers_are_recycled(void **state) {
    (void)state;
    struct seen seen = {0};
    struct pool_options o;
    fill_options(&o, &seen);
    o.recycle_files = 3;
    struct pool *pool = NULL;
    assert_false(sk_failed(pool_new(&o, &pool)));
    run(pool, "ccccccccccccccccc");
    for (unsigned i = 0; i < 17; i++) {
        assert_int_equal(seen.count[i], 1);
        assert_int_equal(seen.verdict[i], SK_VERDICT_CLEAN);
    }
    assert_int_equal(pool_deaths(pool), 0);
    pool_free(pool);

    seen = (struct seen){0};
    o.recycle_files = 1000;
    o.recycle_bytes = 3 << 20;
    assert_false(sk_failed(pool_new(&o, &pool)));
    run(pool, "c");
    pid_t first = 0;
    pid_t last = 0;
    (void)pool_pids(pool, &first, 1);
    run(pool, "LLLLLLc");
    (void)pool_pids(pool, &last, 1);
    if (!sandbox_sanitized()) {
        assert_int_not_equal(first, last);
    }
    assert_int_equal(pool_deaths(pool), 0);
    pool_free(pool);
}

static void test_pool_that_cannot_start_says_why(void **state) {
    (void)state;
    struct sk_engine bad = {.refuse = true};
    struct seen seen = {0};
    struct pool_options o;
    fill_options(&o, &seen);
    o.engine = &bad;
    struct pool *pool = NULL;
    for (int round = 0; round < 2; round++) {
        assert_false(sk_failed(pool_new(&o, &pool)));
        assert_false(sk_failed(submit(pool, object("c"), 0)));
        sk_err err = sk_ok();
        for (int i = 0; i < 100 && !sk_failed(err); i++) {
            err = pool_poll(pool, 1000);
        }
        assert_int_equal(err.code, SK_E_IO);
        assert_non_null(strstr(pool_why(pool), round == 0 ? "damaged data" : "ended at once"));
        assert_int_equal(submit(pool, object("c"), 0).code, SK_E_IO);
        pool_free(pool);
        bad = (struct sk_engine){.crash_at_start = true};
    }
    assert_int_equal(seen.count[0], 0);
    o.jobs = 0;
    assert_int_equal(pool_new(&o, &pool).code, SK_E_USAGE);
}

static void test_sandbox_modes(void **state) {
    (void)state;
    struct seen seen = {0};
    struct pool_options o;
    fill_options(&o, &seen);
    o.sandbox = POOL_SANDBOX_OFF;
    struct pool *pool = NULL;
    assert_false(sk_failed(pool_new(&o, &pool)));
    run(pool, "c");
    struct sandbox_state held;
    assert_true(pool_sandbox_state(pool, &held));
    assert_int_equal(sandbox_level(&held), SANDBOX_NONE);
    pool_free(pool);
    if (sandbox_sanitized()) {
        o.sandbox = POOL_SANDBOX_REQUIRE;
        assert_false(sk_failed(pool_new(&o, &pool)));
        assert_false(sk_failed(submit(pool, object("c"), 0)));
        sk_err err = sk_ok();
        for (int i = 0; i < 100 && !sk_failed(err); i++) {
            err = pool_poll(pool, 1000);
        }
        assert_non_null(strstr(pool_why(pool), "sandbox is required"));
        pool_free(pool);
    }
}

static void test_missing_spool_is_told(void **state) {
    (void)state;
    struct seen seen = {0};
    struct pool_options o;
    fill_options(&o, &seen);
    o.spool_dir = "/nonexistent-dir";
    struct pool *pool = NULL;
    assert_false(sk_failed(pool_new(&o, &pool)));
    assert_true(pool_spool_missing(pool));
    run(pool, "cF");
    assert_int_equal(seen.verdict[1], SK_VERDICT_INFECTED);
    pool_free(pool);
}

/* How long a worker has to do: what waits, at the rate since the question before. */
static void test_busy(void **state) {
    (void)state;
    struct slot slot = {.state = SLOT_UP, .count = 5, .sent = 4, .scanned = 10, .then_us = 1000};
    slot.item[0].owes = true;
    slot.item[1].again = true;
    assert_int_equal(slot_busy_us(&slot, 2000), 200);
    assert_int_equal(slot_busy_us(&slot, 3000), 0); /* nothing came since: nobody knows */
    slot.scanned = 11;
    assert_int_equal(slot_busy_us(&slot, 3500), 1000);
    slot.scanned = 12;
    slot.state = SLOT_STARTING;
    assert_int_equal(slot_busy_us(&slot, 9000), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_results_come_back),
        cmocka_unit_test(test_trials_cross_the_sandbox),
        cmocka_unit_test(test_words_out_of_place_end_the_worker),
        cmocka_unit_test(test_lost_workers_blame_one_object_each),
        cmocka_unit_test(test_answers_that_wait_for_digests),
        cmocka_unit_test(test_lost_while_answers_wait),
        cmocka_unit_test(test_hanging_workers_are_killed),
        cmocka_unit_test(test_retired_worker_that_stays),
        cmocka_unit_test(test_a_worker_cannot_open),
        cmocka_unit_test(test_unreadable_object_is_a_result),
        cmocka_unit_test(test_killed_from_outside),
        cmocka_unit_test(test_workers_are_recycled),
        cmocka_unit_test(test_pool_that_cannot_start_says_why),
        cmocka_unit_test(test_sandbox_modes),
        cmocka_unit_test(test_missing_spool_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
