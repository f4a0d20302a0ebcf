// SPDX-License-Identifier: Apache-2.0
/*
 * The sandbox must stop: each forbidden act is tried in a caged child. An act that is refused makes
 * the child say 'r' (soft) or die by SIGSYS (hard); an act that succeeds makes it say 'd' (done),
 * and the test fails. What scanning needs must still work.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/sandbox.h"
#include "os/spawn.h"

#define MEMORY ((uint64_t)64 << 20)

static char victim_path[] = "/tmp/test_os_sandbox.XXXXXX";

struct act {
    const char *name;
    int (*run)(void); /* 0: it worked, which is wrong */
    bool hard;        /* must kill */
};

static int act_open(void) {
    return open("/etc/passwd", O_RDONLY) >= 0 ? 0 : errno;
}
static int act_create(void) {
    return open("/tmp/sandbox-escape", O_CREAT | O_WRONLY, 0600) >= 0 ? 0 : errno;
}
static int act_stat(void) {
    struct stat st;
    return stat("/etc/passwd", &st);
}
static int act_socket(void) {
    return socket(AF_INET, SOCK_STREAM, 0) < 0;
}
static int act_connect(void) {
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
    return connect(3, (struct sockaddr *)&a, sizeof(a));
}
static int act_fork(void) {
    return fork() < 0;
}
static int act_exec(void) {
    char *argv[] = {(char[]){"true"}, NULL};
    return execv("/bin/true", argv);
}
static int act_ptrace(void) {
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) != 0;
}
static int act_kill(void) {
    return kill(getppid(), 0);
}
static int act_unlink(void) {
    return unlink(victim_path);
}
static int act_rename(void) {
    return rename(victim_path, "/tmp/sandbox-renamed");
}
static int act_mount(void) {
    return mount("none", "/tmp", "tmpfs", 0, NULL);
}
static int act_exec_memory(void) {
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
           MAP_FAILED;
}
static int act_make_executable(void) {
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? 0 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}
static int act_much_memory(void) {
    return mmap(NULL, MEMORY + (16 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED;
}
static int act_write_elsewhere(void) {
    return write(1, "x", 1) != 1;
}
static int act_raise_limit(void) {
    struct rlimit l = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(RLIMIT_AS, &l);
}
static int act_io_uring(void) {
    return (int)syscall(SYS_io_uring_setup, 1, NULL) < 0;
}
static int act_process_vm(void) {
    return (int)syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0) < 0;
}
static int act_setuid(void) {
    return setuid(0);
}

static const struct act ACTS[] = {
    {"open", act_open, false},
    {"create", act_create, false},
    {"stat", act_stat, false},
    {"large mmap", act_much_memory, false},
    {"write to another descriptor", act_write_elsewhere, false},
    {"raise a limit", act_raise_limit, false},
    {"socket", act_socket, true},
    {"connect", act_connect, true},
    {"fork", act_fork, true},
    {"exec", act_exec, true},
    {"ptrace", act_ptrace, true},
    {"kill", act_kill, true},
    {"unlink", act_unlink, true},
    {"rename", act_rename, true},
    {"mount", act_mount, true},
    {"mmap PROT_EXEC", act_exec_memory, true},
    {"mprotect PROT_EXEC", act_make_executable, true},
    {"io_uring", act_io_uring, true},
    {"process_vm_readv", act_process_vm, true},
    {"setuid", act_setuid, true},
};

static bool say(int fd, char c) {
    struct iovec part = {&c, 1};
    struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};
    return sendmsg(fd, &msg, MSG_NOSIGNAL) == 1;
}

static void cage(int fd) {
    struct sandbox_state held;
    struct sandbox_options o = {.socket_fd = fd, .spool_fd = -1, .memory_bytes = MEMORY};
    sandbox_enter(&o, &held);
    (void)say(fd, sandbox_level(&held) == SANDBOX_FULL ? 'F' : 'P');
}

static int try_act(void *ctx, int fd) {
    const struct act *act = ctx;
    cage(fd);
    (void)say(fd, act->run() == 0 ? 'd' : 'r');
    return 0;
}

static char hear(int fd) {
    char c = 0;
    return read(fd, &c, 1) == 1 ? c : '-';
}

static void test_forbidden_acts_are_stopped(void **state) {
    (void)state;
    if (sandbox_sanitized()) {
        print_message("sanitizer build: the system call filter is off, test skipped\n");
        skip();
    }
    unsigned bad = 0;
    for (unsigned i = 0; i < sizeof(ACTS) / sizeof(ACTS[0]); i++) {
        struct spawn_options o = {.entry = try_act, .ctx = (void *)(uintptr_t)&ACTS[i]};
        struct spawn_child child = {0};
        assert_false(sk_failed(spawn_fork(&o, &child)));
        char level = hear(child.fd);
        char said = hear(child.fd);
        int status = spawn_end(&child, false);
        bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
        bool stopped = ACTS[i].hard ? killed : said == 'r';
        if (!stopped || (level != 'F' && level != 'P')) {
            print_error("%s: level %c, said %c, status %x\n", ACTS[i].name, level, said,
                        (unsigned)status);
            bad++;
        }
    }
    assert_int_equal(bad, 0);
    assert_int_equal(access(victim_path, F_OK), 0);
}

static int work(void *ctx, int fd) {
    const int *files = ctx; /* an object, the spool */
    struct sandbox_state held;
    struct sandbox_options o = {
        .socket_fd = fd, .spool_fd = files[1], .memory_bytes = MEMORY, .file_bytes = 1 << 20};
    sandbox_enter(&o, &held);
    char got[4];
    struct stat st;
    if (fstat(files[0], &st) != 0 || st.st_size != 3 || pread(files[0], got, 3, 0) != 3) {
        return 1;
    }
    if (pwrite(files[1], got, 3, 5) != 3 || ftruncate(files[1], 6) != 0) {
        return 2;
    }
    void *p = malloc(8 << 20);
    if (p == NULL || getpid() <= 0) {
        return 3;
    }
    memset(p, 1, 8 << 20);
    free(p);
    struct buf text = {0};
    if (sk_failed(sandbox_describe(&held, &text)) || text.len == 0) {
        return 4;
    }
    buf_release(&text);
    return say(fd, 'w') ? 0 : 5;
}

static void test_scanning_still_works(void **state) {
    (void)state;
    int files[2] = {open(victim_path, O_RDONLY), -1};
    assert_false(sk_failed(file_temp(NULL, &files[1])));
    struct spawn_options o = {.entry = work, .ctx = files, .keep = files, .keep_count = 2};
    struct spawn_child child = {0};
    assert_false(sk_failed(spawn_fork(&o, &child)));
    assert_int_equal(hear(child.fd), 'w');
    int status = spawn_end(&child, false);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    char got[2];
    assert_false(sk_failed(file_pread_all(files[1], got, 1, 5)));
    assert_int_equal(got[0], 'a');
    file_close(&files[0]);
    file_close(&files[1]);
}

static int stay(void *ctx, int fd) {
    (void)ctx;
    cage(fd);
    return sleep(60) == 0 ? 6 : 0; /* we are killed before */
}

/* The line of /proc/PID/status that begins with `name`, without it. */
static void status_of(pid_t pid, const char *name, char *out, size_t cap) {
    char path[64], line[256];
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    out[0] = '\0';
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            (void)snprintf(out, cap, "%s", line + strlen(name));
        }
    }
    (void)fclose(f);
}

/* Every one of this kernel's capabilities is gone, from every set. */
static void test_no_capability_is_left(void **state) {
    (void)state;
    static const char *const SETS[] = {"CapInh:\t", "CapPrm:\t", "CapEff:\t", "CapBnd:\t",
                                       "CapAmb:\t"};
    struct spawn_options o = {.entry = stay};
    struct spawn_child child = {0};
    assert_false(sk_failed(spawn_fork(&o, &child)));
    (void)hear(child.fd);
    char own[64];
    status_of(getpid(), "CapEff:\t", own, sizeof(own));
    bool may = (strtoull(own, NULL, 16) >> CAP_SETPCAP & 1) != 0;
    for (unsigned i = 0; i < sizeof(SETS) / sizeof(SETS[0]); i++) {
        char got[64];
        status_of(child.pid, SETS[i], got, sizeof(got));
        if (may || i != 3) { /* without the right to, nobody can narrow what bounds them */
            assert_string_equal(got, "0000000000000000\n");
        }
    }
    (void)spawn_end(&child, true);
}

static void test_levels_are_told_openly(void **state) {
    (void)state;
    struct buf b = {0};
    struct sandbox_state s = {.held = SANDBOX_ALL};
    assert_int_equal(sandbox_level(&s), SANDBOX_FULL);
    assert_false(sk_failed(sandbox_describe(&s, &b)));
    assert_string_equal(buf_text(&b), "full");
    buf_clear(&b);
    s.held &= ~(uint32_t)(SANDBOX_LANDLOCK | SANDBOX_NAMESPACES);
    assert_false(sk_failed(sandbox_describe(&s, &b)));
    assert_string_equal(buf_text(&b), "partial (no namespaces, no landlock)");
    buf_clear(&b);
    s.held = SANDBOX_RLIMITS;
    assert_int_equal(sandbox_level(&s), SANDBOX_NONE);
    assert_false(sk_failed(sandbox_describe(&s, &b)));
    assert_string_equal(buf_text(&b), "none");
    buf_release(&b);
}

static int make_victim(void **state) {
    (void)state;
    int fd = mkstemp(victim_path);
    return fd >= 0 && write(fd, "abc", 3) == 3 && fchmod(fd, 0666) == 0 && close(fd) == 0 ? 0 : -1;
}

static int remove_victim(void **state) {
    (void)state;
    return unlink(victim_path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forbidden_acts_are_stopped),
        cmocka_unit_test(test_scanning_still_works),
        cmocka_unit_test(test_no_capability_is_left),
        cmocka_unit_test(test_levels_are_told_openly),
    };
    return cmocka_run_group_tests(tests, make_victim, remove_victim);
}
