// SPDX-License-Identifier: Apache-2.0
/* Forked children: what they inherit, how they end, what the parent sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/spawn.h"

struct inherit {
    int kept;
    int dropped;
};

static int check_descriptors(void *ctx, int fd) {
    struct inherit *in = ctx;
    if (fcntl(in->kept, F_GETFD) < 0 || fcntl(in->dropped, F_GETFD) >= 0) {
        return 1;
    }
    for (int i = 0; i < 3; i++) {
        if (fcntl(i, F_GETFD) < 0 || write(i, "x", 1) != 1) {
            return 2;
        }
    }
    return write(fd, "ok", 2) == 2 ? 7 : 3;
}

static void test_child_inherits_only_what_is_kept(void **state) {
    (void)state;
    struct inherit in = {.kept = open("/dev/zero", O_RDONLY),
                         .dropped = open("/dev/zero", O_RDONLY)};
    struct spawn_options options = {
        .entry = check_descriptors, .ctx = &in, .keep = &in.kept, .keep_count = 1};
    struct spawn_child child = {0};
    assert_false(sk_failed(spawn_fork(&options, &child)));
    char got[8];
    assert_int_equal(read(child.fd, got, sizeof(got)), 2);
    int status = spawn_end(&child, false);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_int_equal(child.fd, -1);
    options.keep_all = true; /* then the other one is there, too */
    assert_false(sk_failed(spawn_fork(&options, &child)));
    status = spawn_end(&child, false);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    (void)close(in.kept);
    (void)close(in.dropped);
    options.keep_count = SPAWN_KEEP_MAX + 1;
    assert_int_equal(spawn_fork(&options, &child).code, SK_E_USAGE);
}

static int wait_for_ever(void *ctx, int fd) {
    (void)ctx;
    (void)fd;
    while (pause() < 0) {
    }
    return 0;
}

static int wait_for_end_of_file(void *ctx, int fd) {
    (void)ctx;
    char c;
    return read(fd, &c, 1) == 0 ? 5 : 6;
}

static void test_kill_and_end_of_file(void **state) {
    (void)state;
    struct spawn_options options = {.entry = wait_for_ever};
    struct spawn_child a = {0};
    struct spawn_child b = {0};
    int status = 0;
    assert_false(sk_failed(spawn_fork(&options, &a)));
    options.entry = wait_for_end_of_file;
    assert_false(sk_failed(spawn_fork(&options, &b)));
    assert_false(spawn_ended(&a, &status));
    status = spawn_end(&b, false); /* seen although a was forked from the same parent */
    assert_int_equal(WEXITSTATUS(status), 5);
    status = spawn_end(&a, true);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_false(spawn_ended(&a, &status));
}

struct words {
    uint64_t *own, *other;
};

static bool is_missing(const void *page) {
    return madvise((void *)(uintptr_t)page, 1, MADV_NORMAL) != 0 && errno == ENOMEM;
}

/* qemu-user takes every advice and follows none: there a child has what it should not have. */
static bool advice_counts(void) {
    void *page = mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    assert_int_equal(munmap(page, 1), 0);
    return is_missing(page);
}

/* Writes the own word and dies without one; the other one is not there at all. */
static int write_word(void *ctx, int fd) {
    const struct words *w = ctx;
    (void)fd;
    spawn_word_set(w->own, is_missing(w->other) ? 77 : 1);
    return raise(SIGKILL);
}

/* More than are kept in mind. They are gone when the next child has been forked. */
static void test_killed_children_are_reaped_later(void **state) {
    (void)state;
    struct spawn_options options = {.entry = wait_for_ever};
    pid_t pid[40];
    for (int round = 0; round < 2; round++) {
        struct spawn_child child[40];
        for (int i = 0; i < 40; i++) {
            assert_false(sk_failed(spawn_fork(&options, &child[i])));
            pid[i] = child[i].pid;
        }
        for (int i = 0; i < 40; i++) {
            spawn_kill(&child[i]);
            assert_int_equal(child[i].pid, 0);
            assert_int_equal(child[i].fd, -1);
            spawn_kill(&child[i]); /* there is none */
        }
        struct spawn_child last = {0};
        assert_false(sk_failed(spawn_fork(&options, &last)));
        for (int i = 0; i < 40; i++) {
            errno = 0;
            assert_int_equal(waitpid(pid[i], NULL, WNOHANG), -1);
            assert_int_equal(errno, ECHILD);
        }
        (void)spawn_end(&last, true);
    }
}

/* With a child of its own that it has killed: what it does not wait for would become ours, which
 * qemu-user refuses (EINVAL). */
static void test_leave_waits_for_what_was_killed(void **state) {
    (void)state;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) {
        assert_int_equal(errno, EINVAL);
        print_message("an emulator gives us no orphans: not shown that none is left\n");
        skip();
    }
    pid_t pid = fork();
    if (pid == 0) {
        struct spawn_options options = {.entry = wait_for_ever};
        struct spawn_child child = {0};
        if (sk_failed(spawn_fork(&options, &child))) {
            _exit(1);
        }
        spawn_kill(&child);
        spawn_leave(7);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    errno = 0;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
}

static void test_word_is_the_childs_alone(void **state) {
    (void)state;
    struct words w = {spawn_word_new(), spawn_word_new()};
    assert_true(w.own != NULL && w.other != NULL);
    struct spawn_options options = {.entry = write_word, .ctx = &w, .word = w.own};
    uint64_t want = advice_counts() ? 77 : 1;
    if (want == 1) {
        print_message("an emulator ignores madvise: not shown that others lack the word\n");
    }
    for (int round = 0; round < 2; round++) {
        struct spawn_child child = {0};
        assert_false(sk_failed(spawn_fork(&options, &child)));
        int status = spawn_end(&child, false);
        assert_true(WIFSIGNALED(status));
        assert_true(spawn_word_get(w.own) == want);
        assert_true(spawn_word_get(w.other) == 0);
        spawn_word_set(w.own, 0);
    }
    spawn_word_free(w.own);
    spawn_word_free(w.other);
    spawn_word_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_child_inherits_only_what_is_kept),
        cmocka_unit_test(test_kill_and_end_of_file),
        cmocka_unit_test(test_killed_children_are_reaped_later),
        cmocka_unit_test(test_leave_waits_for_what_was_killed),
        cmocka_unit_test(test_word_is_the_childs_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
