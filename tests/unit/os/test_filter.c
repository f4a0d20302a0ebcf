// SPDX-License-Identifier: Apache-2.0
/*
 * The program that libseccomp makes of the rules, run by a small interpreter: what it says of every
 * call and of arguments on both sides of each bound. Nothing is loaded, so this holds where an
 * emulator has no seccomp; that the kernel stops what it must is in test_sandbox.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/filter.h"

#define SOCKET 5
#define SPOOL 7
#define CALLS_MAX 1024
#define X32_BIT 0x40000000u
#define REFUSE (SECCOMP_RET_ERRNO | EACCES)

#define STEPS_MAX 4096

static struct {
    struct sock_filter step[STEPS_MAX];
    size_t count;
} program;
static uint32_t native;

static void make_for(const struct sandbox_options *options) {
    (void)seccomp_api_set(5); /* else it asks the kernel, or the emulator, what it can */
    native = seccomp_arch_native();
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    assert_non_null(ctx);
    assert_true(filter_rules(ctx, options));
    FILE *f = tmpfile();
    assert_non_null(f);
    assert_int_equal(seccomp_export_bpf(ctx, fileno(f)), 0);
    seccomp_release(ctx);
    rewind(f);
    program.count = fread(program.step, sizeof(program.step[0]), STEPS_MAX, f);
    assert_in_range(program.count, 1, STEPS_MAX - 1);
    (void)fclose(f);
}

static int make(void **state) {
    (void)state;
    make_for(&(const struct sandbox_options){.socket_fd = SOCKET, .spool_fd = SPOOL});
    return 0;
}

/* Classic BPF, as far as libseccomp uses it; 0, which no filter answers with, when it does not end
 * well. Every jump leads forward, or it would not be found within the program. */
static uint32_t answer(const struct seccomp_data *data) {
    uint32_t a = 0;
    for (size_t at = 0; at < program.count; at++) {
        const struct sock_filter *s = &program.step[at];
        switch (s->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(s->k % 4 == 0 && s->k + 4 <= sizeof(*data));
            memcpy(&a, (const char *)data + s->k, 4);
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= s->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            at += a == s->k ? s->jt : s->jf;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            at += a > s->k ? s->jt : s->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            at += a >= s->k ? s->jt : s->jf;
            break;
        case BPF_JMP | BPF_JA:
            at += s->k;
            break;
        case BPF_RET | BPF_K:
            return s->k;
        default:
            return 0;
        }
    }
    return 0;
}

/* All arguments are `value`. */
static uint32_t of_call(uint32_t arch, uint32_t nr, uint64_t value) {
    struct seccomp_data data = {.nr = (int)nr, .arch = arch};
    for (size_t i = 0; i < 6; i++) {
        data.args[i] = value;
    }
    return answer(&data);
}

/* Those whose arguments do not matter. */
static const char *const FREE[] = {
    "read",      "pread64",        "readv",          "preadv",       "lseek",
    "close",     "close_range",    "fstat",          "brk",          "munmap",
    "mremap",    "madvise",        "clock_gettime",  "gettimeofday", "time",
    "nanosleep", "exit",           "exit_group",     "rt_sigreturn", "getrandom",
    "futex",     "getpid",         "rt_sigprocmask", "rt_sigaction", "sigaltstack",
    "gettid",    "getrusage",      "sysinfo",        "sched_yield",  "clock_nanosleep",
    "fadvise64", "restart_syscall"};
static const char *const SOFT[] = {
    "open",   "openat",    "openat2",    "creat",     "stat",       "lstat",   "statx",
    "access", "faccessat", "faccessat2", "readlink",  "readlinkat", "getcwd",  "ioctl",
    "fcntl",  "uname",     "prlimit64",  "getrlimit", "statfs",     "fstatfs", "sched_getaffinity",
    "write",  "writev"};
static const char *const BOUND[] = {"recvmsg", "sendmsg",  "ftruncate", "pwrite64",
                                    "mmap",    "mprotect", "tgkill",    "newfstatat"};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint32_t number(const char *name) {
    int nr = seccomp_syscall_resolve_name(name);
    return nr < 0 ? UINT32_MAX : (uint32_t)nr; /* not on this architecture */
}

static bool is_one_of(uint32_t nr, const char *const *name, size_t count) {
    while (count > 0 && number(name[count - 1]) != nr) {
        count--;
    }
    return count > 0;
}

static void test_every_call(void **state) {
    (void)state;
    unsigned allowed = 0, refused = 0;
    for (uint32_t nr = 0; nr < CALLS_MAX; nr++) {
        uint32_t want = is_one_of(nr, FREE, COUNT(FREE))   ? SECCOMP_RET_ALLOW
                        : is_one_of(nr, SOFT, COUNT(SOFT)) ? REFUSE
                                                           : SECCOMP_RET_KILL_PROCESS;
        if (is_one_of(nr, BOUND, COUNT(BOUND))) {
            continue;
        }
        static const uint64_t value[] = {0, 1, SOCKET, SPOOL, AT_EMPTY_PATH, UINT64_MAX};
        for (size_t i = 0; i < COUNT(value); i++) {
            uint32_t got = of_call(native, nr, value[i]);
            if (got != want) {
                fail_msg("call %u with %llu: %08x, not %08x", nr, (unsigned long long)value[i], got,
                         want);
            }
        }
        allowed += want == SECCOMP_RET_ALLOW;
        refused += want == REFUSE;
    }
    assert_in_range(allowed, COUNT(FREE) - 1, COUNT(FREE)); /* "time" is not everywhere */
    assert_in_range(refused, COUNT(SOFT) - 6, COUNT(SOFT));
}

static void test_strange_numbers_and_architectures(void **state) {
    (void)state;
    for (uint32_t nr = 0; nr < CALLS_MAX; nr++) {
        assert_int_equal(of_call(native, nr | X32_BIT, SOCKET), SECCOMP_RET_KILL_PROCESS);
        assert_int_equal(of_call(native, nr | 0x80000000u, SOCKET), SECCOMP_RET_KILL_PROCESS);
        assert_int_equal(of_call(native ^ 1, nr, SOCKET), SECCOMP_RET_KILL_PROCESS);
        assert_int_equal(of_call(SCMP_ARCH_X86, nr, SOCKET), SECCOMP_RET_KILL_PROCESS);
        assert_int_equal(of_call(SCMP_ARCH_ARM, nr, SOCKET), SECCOMP_RET_KILL_PROCESS);
    }
    assert_int_equal(of_call(native, UINT32_MAX, SOCKET), SECCOMP_RET_KILL_PROCESS);
}

/* Only argument `argument` is `value`; the others would each break a bound. */
static uint32_t with(const char *name, unsigned argument, uint64_t value) {
    struct seccomp_data data = {.nr = (int)number(name), .arch = native};
    for (size_t i = 0; i < 6; i++) {
        data.args[i] = i == argument ? value : UINT64_MAX;
    }
    return answer(&data);
}

static void test_descriptors(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int fd;
        uint32_t otherwise;
    } call[] = {{"recvmsg", SOCKET, SECCOMP_RET_KILL_PROCESS},
                {"sendmsg", SOCKET, SECCOMP_RET_KILL_PROCESS},
                {"ftruncate", SPOOL, SECCOMP_RET_KILL_PROCESS},
                {"pwrite64", SPOOL, REFUSE}};
    for (size_t i = 0; i < COUNT(call); i++) {
        for (int fd = -1; fd < 64; fd++) {
            uint32_t want = fd == call[i].fd ? SECCOMP_RET_ALLOW : call[i].otherwise;
            assert_int_equal(with(call[i].name, 0, (uint64_t)(int64_t)fd), want);
            assert_int_equal(with(call[i].name, 0, (uint32_t)fd), want);
        }
        assert_int_equal(with(call[i].name, 0, (uint32_t)call[i].fd | 1u << 31), call[i].otherwise);
    }
}

static void test_memory_is_never_executable(void **state) {
    (void)state;
    for (uint64_t prot = 0; prot < 0x1000; prot++) {
        uint32_t want = (prot & PROT_EXEC) == 0 ? SECCOMP_RET_ALLOW : SECCOMP_RET_KILL_PROCESS;
        assert_int_equal(with("mmap", 2, prot), want);
        assert_int_equal(with("mprotect", 2, prot), want);
        assert_int_equal(with("mprotect", 2, prot | 0xffffffff00000000u), want);
    }
    assert_int_equal(of_call(native, number("pkey_mprotect"), 0), SECCOMP_RET_KILL_PROCESS);
}

static void test_signals_and_sizes_of_files(void **state) {
    (void)state;
    uint32_t self = (uint32_t)getpid();
    assert_int_equal(with("tgkill", 0, self), SECCOMP_RET_ALLOW);
    assert_int_equal(with("tgkill", 0, self + 1), SECCOMP_RET_KILL_PROCESS);
    assert_int_equal(with("tgkill", 0, (uint64_t)getppid()), SECCOMP_RET_KILL_PROCESS);
    assert_int_equal(with("tgkill", 1, self), SECCOMP_RET_KILL_PROCESS);
    assert_int_equal(with("newfstatat", 3, AT_EMPTY_PATH), SECCOMP_RET_ALLOW);
    assert_int_equal(with("newfstatat", 3, 0), REFUSE);
    assert_int_equal(with("newfstatat", 3, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW), REFUSE);
}

static void test_without_descriptors(void **state) {
    (void)state;
    make_for(&(const struct sandbox_options){.socket_fd = -1, .spool_fd = -1});
    for (int fd = 0; fd < 64; fd++) {
        assert_int_equal(with("recvmsg", 0, (uint64_t)fd), SECCOMP_RET_KILL_PROCESS);
        assert_int_equal(with("ftruncate", 0, (uint64_t)fd), SECCOMP_RET_KILL_PROCESS);
        assert_int_equal(with("pwrite64", 0, (uint64_t)fd), REFUSE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_call, make),
        cmocka_unit_test_setup(test_strange_numbers_and_architectures, make),
        cmocka_unit_test_setup(test_descriptors, make),
        cmocka_unit_test_setup(test_memory_is_never_executable, make),
        cmocka_unit_test_setup(test_signals_and_sizes_of_files, make),
        cmocka_unit_test_setup(test_without_descriptors, make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
