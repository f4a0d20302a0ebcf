// SPDX-License-Identifier: Apache-2.0
/* Tasks of a compile: whatever the number of places, the outside sees the same in the same order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "defc/crew.h"

#define TASKS 6u

/* Instead of libc's, in this program: after so many calls, so many fail. */
static unsigned forks_granted, forks_refused;

pid_t fork(void) {
    if (forks_granted > 0) {
        forks_granted--;
    } else if (forks_refused > 0) {
        forks_refused--;
        errno = EAGAIN;
        return -1;
    }
    return _Fork();
}

static const unsigned PLACES[] = {1, 2, 3, 5, 64};
#define PLACES_COUNT (sizeof PLACES / sizeof PLACES[0])

/* What the world hears. */
struct world {
    struct diag diag;
    struct buf heard;
    struct crew *crew;
    uint64_t progress;
};

struct piece {
    struct world *w;
    unsigned number;
    unsigned messages;
    sk_err err;
    int signal;
    bool nested;
    struct crew_task *inner;
    unsigned inner_count;
};

static void hear(void *ctx, enum diag_level level, const char *where, uint64_t line,
                 const char *text) {
    struct world *w = ctx;
    assert_false(sk_failed(buf_printf(&w->heard, "%d %s:%u %s\n", (int)level,
                                      where != NULL ? where : "-", (unsigned)line, text)));
}

static void hear_progress(void *ctx, uint64_t done) {
    struct world *w = ctx;
    assert_true(done >= w->progress);
    w->progress = done;
}

static void begin(struct world *w, unsigned places) {
    memset(w, 0, sizeof *w);
    w->diag = (struct diag){.say = hear, .ctx = w};
    assert_false(sk_failed(crew_new(places, &w->diag, &w->crew)));
}

static void end(struct world *w) {
    crew_free(w->crew);
    buf_release(&w->heard);
}

static sk_err run_piece(void *ctx, bool apart, struct buf *out_result) {
    struct piece *p = ctx;
    (void)apart;
    for (unsigned i = 0; i < p->messages; i++) {
        diag_say(&p->w->diag, DIAG_WARNING, i % 2 == 0 ? "file" : NULL, i, "piece %u", p->number);
    }
    if (p->signal != 0) {
        (void)kill(getpid(), p->signal);
    }
    crew_progress(p->w->crew, 10);
    if (p->inner != NULL) {
        TRY(crew_run(p->w->crew, p->inner, p->inner_count));
    }
    TRY(p->err);
    return buf_printf(out_result, "result %u", p->number);
}

static sk_err piece_done(void *ctx, bool apart, struct sk_bytes result) {
    struct piece *p = ctx;
    (void)apart;
    diag_say(&p->w->diag, DIAG_INFO, NULL, 0, "%.*s", (int)result.len, (const char *)result.ptr);
    return sk_ok();
}

static void make(struct world *w, struct piece *piece, struct crew_task *task) {
    for (unsigned i = 0; i < TASKS; i++) {
        piece[i] = (struct piece){.w = w, .number = i, .messages = 3};
        task[i] = (struct crew_task){
            .run = run_piece, .done = piece_done, .ctx = &piece[i], .weight = i * 7 % TASKS};
    }
}

/* What one place says is what any number says. */
static void compare(struct world *w, struct buf *first) {
    if (first->len == 0) {
        assert_false(sk_failed(buf_append(first, w->heard.data, w->heard.len)));
        return;
    }
    assert_string_equal(buf_text(&w->heard), buf_text(first));
}

/* Takes out the lines that tell of processes that could not be started. */
static void forget_refusals(struct buf *heard) {
    char *text = (char *)heard->data;
    size_t kept = 0;
    for (size_t at = 0; at < heard->len;) {
        const char *end = memchr(text + at, '\n', heard->len - at);
        size_t len = (size_t)(end - (text + at)) + 1;
        if (memmem(text + at, len, "goes on with fewer", 18) == NULL) {
            memmove(text + kept, text + at, len);
            kept += len;
        }
        at += len;
    }
    if (kept < heard->len) {
        text[kept] = '\0';
    }
    heard->len = kept;
}

static void the_order_is_that_of_the_tasks(void **state) {
    (void)state;
    struct buf first = {0};
    for (size_t i = 0; i < PLACES_COUNT; i++) {
        struct world w;
        struct piece piece[TASKS];
        struct crew_task task[TASKS];
        begin(&w, PLACES[i]);
        make(&w, piece, task);
        task[3].here = true;
        crew_hear(w.crew, hear_progress, &w);
        assert_false(sk_failed(crew_run(w.crew, task, TASKS)));
        assert_int_equal(w.progress, 10 * TASKS);
        assert_int_equal(w.diag.count[DIAG_WARNING], 3 * TASKS);
        assert_int_equal(w.diag.count[DIAG_INFO], TASKS);
        compare(&w, &first);
        end(&w);
    }
    buf_release(&first);
}

static void the_first_failure_in_order_counts(void **state) {
    (void)state;
    struct buf first = {0};
    for (size_t i = 0; i < PLACES_COUNT; i++) {
        struct world w;
        struct piece piece[TASKS];
        struct crew_task task[TASKS];
        begin(&w, PLACES[i]);
        make(&w, piece, task);
        piece[2].err = sk_fail(SK_E_FORMAT);
        piece[4].err = sk_fail(SK_E_PERM);
        assert_int_equal(crew_run(w.crew, task, TASKS).code, SK_E_FORMAT);
        assert_non_null(strstr(buf_text(&w.heard), "piece 2"));
        assert_null(strstr(buf_text(&w.heard), "piece 3"));
        compare(&w, &first);
        end(&w);
    }
    buf_release(&first);
}

static void a_child_that_dies_is_an_error(void **state) {
    (void)state;
    struct world w;
    struct piece piece[TASKS];
    struct crew_task task[TASKS];
    begin(&w, 2);
    make(&w, piece, task);
    piece[1].signal = SIGKILL;
    assert_int_equal(crew_run(w.crew, task, TASKS).code, SK_E_INTERNAL);
    assert_non_null(strstr(buf_text(&w.heard), "signal 9"));
    assert_int_equal(w.diag.count[DIAG_ERROR], 1);
    /* Its place is free again, and so are those of the others. */
    make(&w, piece, task);
    assert_false(sk_failed(crew_run(w.crew, task, TASKS)));
    end(&w);
}

/* No descriptor for its socket: the work is done here, and no place is lost. */
static void without_children_the_work_is_done_here(void **state) {
    (void)state;
    struct world w;
    struct piece piece[TASKS];
    struct crew_task task[TASKS];
    struct rlimit before, none;
    begin(&w, 2);
    make(&w, piece, task);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){3, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    sk_err err = crew_run(w.crew, task, TASKS);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_false(sk_failed(err));
    assert_non_null(strstr(buf_text(&w.heard), "goes on with fewer"));
    assert_int_equal(w.diag.count[DIAG_WARNING], 3 * TASKS);
    assert_int_equal(w.diag.count[DIAG_INFO], TASKS + 1);
    assert_int_equal(w.diag.count[DIAG_ERROR], 0);
    make(&w, piece, task);
    assert_false(sk_failed(crew_run(w.crew, task, TASKS)));
    end(&w);
}

static void run_with_refusals(unsigned granted, unsigned refused, unsigned messages,
                              struct buf *first) {
    struct world w;
    struct piece piece[TASKS], inner[TASKS];
    struct crew_task task[TASKS], inner_task[TASKS];
    begin(&w, 4);
    make(&w, piece, task);
    make(&w, inner, inner_task);
    task[3].here = true;
    piece[2].messages = piece[4].messages = messages;
    piece[1].inner = piece[4].inner = inner_task;
    piece[1].inner_count = piece[4].inner_count = TASKS;
    forks_granted = granted;
    forks_refused = refused;
    assert_false(sk_failed(crew_run(w.crew, task, TASKS)));
    assert_true(refused == 0 || granted >= TASKS - 1 || forks_refused != refused);
    forks_refused = 0;
    assert_int_equal(w.diag.count[DIAG_ERROR], 0);
    forget_refusals(&w.heard);
    compare(&w, first);
    end(&w);
}

/* The system refuses one fork, or all from it on: the same is done and told. */
static void refused_processes_change_nothing(void **state) {
    (void)state;
    struct buf first = {0};
    run_with_refusals(0, 0, 3, &first);
    for (unsigned n = 0; n < 2 * TASKS; n++) {
        run_with_refusals(n, 1, 3, &first);
        run_with_refusals(n, UINT_MAX, 3, &first);
    }
    first.len = 0;
    run_with_refusals(0, 0, 40000, &first);
    run_with_refusals(1, UINT_MAX, 40000, &first); /* more than is kept */
    run_with_refusals(3, UINT_MAX, 40000, &first);
    buf_release(&first);
}

/* More than is kept, from all but the first: they wait for their turn, and nothing sticks. */
static void many_messages_do_not_stick(void **state) {
    (void)state;
    struct buf first = {0};
    for (size_t i = 0; i < PLACES_COUNT; i++) {
        struct world w;
        struct piece piece[TASKS];
        struct crew_task task[TASKS];
        begin(&w, PLACES[i]);
        make(&w, piece, task);
        for (unsigned t = 1; t < TASKS; t++) {
            piece[t].messages = 40000;
        }
        assert_false(sk_failed(crew_run(w.crew, task, TASKS)));
        compare(&w, &first);
        end(&w);
    }
    buf_release(&first);
}

static void tasks_may_have_tasks(void **state) {
    (void)state;
    struct buf first = {0};
    for (size_t i = 0; i < PLACES_COUNT; i++) {
        struct world w;
        struct piece piece[TASKS], inner[TASKS];
        struct crew_task task[TASKS], inner_task[TASKS];
        begin(&w, PLACES[i]);
        make(&w, piece, task);
        make(&w, inner, inner_task);
        inner_task[TASKS - 1].here = true;
        for (unsigned t = 0; t < TASKS; t++) {
            piece[t].inner = inner_task;
            piece[t].inner_count = TASKS;
        }
        assert_false(sk_failed(crew_run(w.crew, task, TASKS)));
        compare(&w, &first);
        end(&w);
    }
    buf_release(&first);
}

static sk_err too_much(void *ctx, bool apart, struct buf *out_result) {
    (void)ctx;
    (void)apart;
    TRY(buf_reserve(out_result, CREW_RESULT_MAX + 1));
    memset(out_result->data, 'x', CREW_RESULT_MAX + 1);
    out_result->len = CREW_RESULT_MAX + 1;
    return sk_ok();
}

static void limits_are_kept(void **state) {
    (void)state;
    struct world w;
    struct crew_task task[CREW_TASKS_MAX + 1] = {{.run = too_much}};
    begin(&w, 2);
    assert_int_equal(crew_run(w.crew, task, 1).code, SK_E_INTERNAL);
    assert_int_equal(crew_run(w.crew, task, CREW_TASKS_MAX + 1).code, SK_E_LIMIT);
    assert_false(sk_failed(crew_run(w.crew, task, 0)));
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_is_that_of_the_tasks),
        cmocka_unit_test(the_first_failure_in_order_counts),
        cmocka_unit_test(a_child_that_dies_is_an_error),
        cmocka_unit_test(without_children_the_work_is_done_here),
        cmocka_unit_test(refused_processes_change_nothing),
        cmocka_unit_test(many_messages_do_not_stick),
        cmocka_unit_test(tasks_may_have_tasks),
        cmocka_unit_test(limits_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
