// SPDX-License-Identifier: Apache-2.0
/*
 * Fork without exec: the child keeps the parent's mappings (definition images), so a new worker
 * costs about a millisecond and no memory of its own. What must not be inherited is closed here, in
 * one place:
 *
 *   parent                         child
 *   ------                         -----
 *   socketpair                     parent-death signal, then "is the parent still there?"
 *   fork ------------------------> signals to their defaults
 *   close the child's end          0,1,2 = /dev/null; close everything that is not in `keep`
 *                                  _exit(entry(ctx, fd))
 *
 * A worker can be forked while other workers live: their sockets are closed in the child as well,
 * otherwise the end of one worker would not be seen as end of file.
 */
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"

#define CHILD_SETUP_FAILED 126
#define DYING_MAX 32u

/* Killed, and not waited for yet, by process `of`. What a scanning process had takes the kernel 0.2
 * to 1 ms to clear away (memory, a mount namespace): it does that beside what is left to be done
 * here, and beside the others. */
static struct {
    pid_t pid[DYING_MAX];
    unsigned count;
    pid_t of;
} dying;

static void reset_signals(void) {
    sigset_t none;
    (void)sigemptyset(&none);
    for (int sig = 1; sig < NSIG; sig++) {
        bool quiet = sig == SIGINT || sig == SIGQUIT || sig == SIGHUP || sig == SIGPIPE;
        struct sigaction action = {.sa_handler = quiet ? SIG_IGN : SIG_DFL};
        (void)sigaction(sig, &action, NULL); /* fails for SIGKILL and SIGSTOP: nothing to reset */
    }
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_span(unsigned first, unsigned last) {
    if (first > last || syscall(SYS_close_range, first, last, 0) == 0) {
        return;
    }
    /* Before Linux 5.9: one by one, up to what can be open at all. */
    long most = sysconf(_SC_OPEN_MAX);
    for (unsigned fd = first; fd <= last && (long)fd < most; fd++) {
        (void)close((int)fd);
    }
}

static int by_number(const void *a, const void *b) {
    int x = *(const int *)a;
    int y = *(const int *)b;
    return (x > y) - (x < y);
}

static void close_others(const struct spawn_options *options, int fd) {
    int keep[SPAWN_KEEP_MAX + 1];
    unsigned count = 0;
    keep[count++] = fd;
    for (unsigned i = 0; i < options->keep_count; i++) {
        keep[count++] = options->keep[i];
    }
    qsort(keep, count, sizeof(keep[0]), by_number);
    unsigned next = 3;
    for (unsigned i = 0; i < count; i++) {
        if (keep[i] < 3) {
            continue;
        }
        if ((unsigned)keep[i] > next) {
            close_span(next, (unsigned)keep[i] - 1);
        }
        next = (unsigned)keep[i] + 1;
    }
    close_span(next, UINT_MAX);
}

static void quiet_standard_streams(void) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; fd++) {
        if (null < 0 || dup2(null, fd) < 0) {
            (void)close(fd);
        }
    }
}

static _Noreturn void run_child(const struct spawn_options *options, int fd, pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(CHILD_SETUP_FAILED);
    }
    reset_signals();
    quiet_standard_streams();
    if (!options->keep_all) {
        close_others(options, fd);
    }
    _exit(options->entry(options->ctx, fd));
}

static size_t word_bytes(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

static bool inherit_word(uint64_t *word, bool on) {
    return word == NULL || madvise(word, word_bytes(), on ? MADV_DOFORK : MADV_DONTFORK) == 0;
}

uint64_t *spawn_word_new(void) {
    void *word =
        mmap(NULL, word_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (word == MAP_FAILED) {
        return NULL;
    }
    if (!inherit_word(word, false)) {
        spawn_word_free(word);
        return NULL;
    }
    return word;
}

void spawn_word_free(uint64_t *word) {
    if (word != NULL) {
        (void)munmap(word, word_bytes());
    }
}

static int wait_for(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static void reap(void) {
    while (dying.of == getpid() && dying.count > 0) {
        (void)wait_for(dying.pid[--dying.count]);
    }
}

sk_err spawn_fork(const struct spawn_options *options, struct spawn_child *out_child) {
    if (options->keep_count > SPAWN_KEEP_MAX) {
        return sk_fail(SK_E_USAGE);
    }
    reap();
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return file_err(errno);
    }
    pid_t parent = getpid();
    pid_t pid = inherit_word(options->word, true) ? fork() : -1;
    if (pid == 0) {
        run_child(options, pair[1], parent);
    }
    sk_err err = pid < 0 ? file_err(errno) : sk_ok();
    (void)inherit_word(options->word, false);
    file_close(&pair[1]);
    if (pid < 0) {
        file_close(&pair[0]);
        return err;
    }
    *out_child = (struct spawn_child){.pid = pid, .fd = pair[0]};
    return sk_ok();
}

bool spawn_ended(struct spawn_child *child, int *out_status) {
    if (child->pid <= 0) {
        return false;
    }
    int status = 0;
    pid_t got = waitpid(child->pid, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) {
        return false;
    }
    *out_status = status;
    child->pid = 0;
    file_close(&child->fd);
    return true;
}

int spawn_end(struct spawn_child *child, bool force) {
    file_close(&child->fd);
    if (child->pid <= 0) {
        return 0;
    }
    if (force) {
        (void)kill(child->pid, SIGKILL);
    }
    int status = wait_for(child->pid);
    child->pid = 0;
    return status;
}

/* Is there a place among the dying, and will they be reaped? */
static bool may_die_later(void) {
    if (dying.of != getpid()) { /* the first time, or those are our parent's */
        dying.count = 0;
        dying.of = atexit(reap) == 0 ? getpid() : 0;
    }
    return dying.of != 0 && dying.count < DYING_MAX;
}

void spawn_kill(struct spawn_child *child) {
    if (child->pid <= 0 || !may_die_later()) {
        (void)spawn_end(child, true);
        return;
    }
    file_close(&child->fd);
    (void)kill(child->pid, SIGKILL);
    dying.pid[dying.count++] = child->pid;
    child->pid = 0;
}

void spawn_leave(int code) {
    reap();
    _exit(code);
}
