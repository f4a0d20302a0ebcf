// SPDX-License-Identifier: Apache-2.0
/*
 * Workers that are lost while answers wait to be sent together, over a fake engine whose scanner
 * does what the object says: 'c' nothing, 'F' find, 'N' note, 'o' owe digests, 'w' owe digests that
 * do not let the report stand, 'C' crash, 'H' hang, 'P' answer for the object behind this one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/file.h"
#include "pool/pool.h"
#include "wire/frame.h"
#include "wire/scan.h"

/* ---- the fake engine ---- */

struct sk_engine {
    int nothing;
};
struct sk_scanner {
    struct sk_report report;
    struct sk_finding finding;
    struct sk_note_entry note;
    uint64_t owed[64];
    bool stands[64];
    unsigned owed_count;
};

void sk_options_init(struct sk_options *out_options) {
    *out_options = (struct sk_options){.limits = {.max_memory = 64 << 20}, .spool_fd = -1};
}

int sk_scanner_new(struct sk_engine *engine, const struct sk_options *options,
                   struct sk_scanner **out_scanner) {
    (void)engine;
    (void)options;
    *out_scanner = mem_zalloc(1, sizeof(**out_scanner));
    return SK_OK;
}

#include "fake_engine.h"

static _Noreturn void answer_for_the_next(uint64_t id) {
    static struct wire_packet p;
    struct scan_done done = {.id = id + 1, .complete = 1, .type = "text"};
    if (!sk_failed(wire_encode(wire_find(&scan_dialog, SCAN_DONE), &done, p.bytes, sizeof(p.bytes),
                               &p.len))) {
        (void)wire_send(own_socket(), &p, true);
    }
    for (;;) {
        (void)usleep(1000);
    }
}

static void report_on(struct sk_scanner *s, char act) {
    s->finding = (struct sk_finding){.name = "F", .layer = "", .layer_type = ""};
    s->note =
        (struct sk_note_entry){.word = "encrypted", .text = "t", .layer = "l", .incomplete = 1};
    s->report = (struct sk_report){.complete = act != 'N',
                                   .type = "text",
                                   .layers = 1,
                                   .findings = &s->finding,
                                   .finding_count = act == 'F',
                                   .notes = &s->note,
                                   .note_count = act == 'N'};
}

int sk_scan_ahead(struct sk_scanner *s, int fd, uint64_t tag, const struct sk_report **out_report,
                  int *out_owes) {
    char act = 0;
    (void)!pread(fd, &act, 1, 0);
    if (act == 'C') {
        _exit(0);
    } else if (act == 'P') {
        answer_for_the_next(tag);
    }
    volatile bool hang = act == 'H';
    while (hang) {
    }
    report_on(s, act);
    if (act == 'o' || act == 'w') {
        s->stands[s->owed_count] = act == 'o';
        s->owed[s->owed_count++] = tag;
        *out_owes = 1;
    }
    *out_report = &s->report;
    return SK_OK;
}

/* The second time, of a 'w': something is found. */
int sk_scan_fd(struct sk_scanner *s, int fd, const char *name,
               const struct sk_report **out_report) {
    (void)fd;
    (void)name;
    report_on(s, 'F');
    *out_report = &s->report;
    return SK_OK;
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
    *out_stands = s->stands[s->owed_count];
    return 1;
}

/* ---- the test side ---- */

#define OBJECTS 64

struct seen {
    unsigned count[OBJECTS];
    enum sk_verdict verdict[OBJECTS];
    char word[OBJECTS][32];
};

static void on_result(void *ctx, const struct pool_result *r) {
    struct seen *seen = ctx;
    assert_true(r->tag < OBJECTS);
    assert_int_equal(r->result, SK_OK);
    seen->count[r->tag]++;
    seen->verdict[r->tag] = r->report->verdict;
    assert_in_range(r->report->note_count, 0, 1);
    if (r->report->note_count > 0) {
        (void)snprintf(seen->word[r->tag], 32, "%s", r->report->notes[0].word);
    }
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

/* One result for each object, and only those that cannot be scanned are told as lost. */
static void check(const char *acts, uint32_t time_limit, unsigned jobs) {
    static struct sk_engine engine;
    struct seen seen = {0};
    struct pool_options o;
    struct pool *pool = NULL;
    unsigned lost = 0;
    pool_options_init(&o);
    o.engine = &engine;
    o.on_result = on_result;
    o.ctx = &seen;
    o.jobs = jobs;
    o.scan.limits.max_scan_time = time_limit;
    o.grace_ms = 100;
    o.sandbox = strchr(acts, 'P') != NULL ? POOL_SANDBOX_OFF : POOL_SANDBOX_AUTO;
    assert_false(sk_failed(pool_new(&o, &pool)));
    run(pool, acts);
    for (unsigned i = 0; acts[i] != '\0'; i++) {
        bool dies = strchr("CHP", acts[i]) != NULL;
        bool bad = strchr("Fw", acts[i]) != NULL;
        assert_int_equal(seen.count[i], 1);
        assert_string_equal(seen.word[i], dies ? "worker-died" : acts[i] == 'N' ? "encrypted" : "");
        assert_int_equal(seen.verdict[i], bad                      ? SK_VERDICT_INFECTED
                                          : dies || acts[i] == 'N' ? SK_VERDICT_INCOMPLETE
                                                                   : SK_VERDICT_CLEAN);
        lost += dies ? 1 : 0;
    }
    assert_int_equal(pool_deaths(pool), lost);
    pool_free(pool);
}

/* A lost worker costs the one object it was at, wherever in its packets that stands, and what had
 * waited to be sent is scanned again. */
static void test_one_lost_anywhere(void **state) {
    (void)state;
    unsigned before = open_count();
    for (unsigned at = 0; at < 40; at++) {
        char acts[] = "cFccocoFccNcccwccccFcccoccFcccccNoccccccw";
        acts[at] = 'C';
        check(acts, 0, 1);
        check(acts, 0, 2);
    }
    assert_int_equal(open_count(), before);
}

static void test_many_lost(void **state) {
    (void)state;
    static const char *const acts[] = {"CC", "CCCcCCCcFCo", "ccccccccCCccccccccCcNcccccC",
                                       "oooCwoooCoFoCooocccC"};
    for (unsigned i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        check(acts[i], 0, 1);
        check(acts[i], 0, 2);
    }
}

/* The watch does not take an object for the one that hangs because its answer has not come. */
static void test_one_hangs(void **state) {
    (void)state;
    check("cccccHcFc", 200, 1);
    check("oHcc", 200, 1);
}

/* A worker that answers for what it has not come to is not believed, and is to blame itself. */
static void test_answers_come_in_turn(void **state) {
    (void)state;
    check("cccPFc", 0, 1);
    check("PF", 0, 1);
    check("ooPF", 0, 1);
}

/* Fewer objects wait where few descriptors may be open: their owner can still open more. */
static void test_few_descriptors(void **state) {
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit few = {.rlim_cur = 56, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    char acts[OBJECTS] = "o";
    memset(acts, 'o', OBJECTS - 1);
    check(acts, 0, 1);
    check(acts, 0, 2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_lost_anywhere), cmocka_unit_test(test_many_lost),
        cmocka_unit_test(test_one_hangs),         cmocka_unit_test(test_answers_come_in_turn),
        cmocka_unit_test(test_few_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
