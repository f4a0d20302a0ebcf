// SPDX-License-Identifier: Apache-2.0
/*
 * The allow list of a scanning process as a program for the kernel. Three tables, read top down:
 *
 *   BOUND    allowed only with a certain argument: which descriptor may be written, no PROT_EXEC,
 *            signals only to ourselves (abort)
 *   FREE     what computing needs: memory without execute rights, time, reading open descriptors
 *   SOFT     refused with EACCES: libraries try to open files (locale, charset modules, /proc) and
 *            live on without; killing them would lose a scan for nothing
 *   rest     kills the process: the parent sees the death and records the object as unscannable
 *
 * The program is one list of comparisons that only jump forward to one of three ends, so what it
 * does can be read off the tables; another architecture, or the x32 calls of x86-64 (numbers with
 * bit 30), kill. libseccomp made it once: building a rule tree for eighty fixed rules took 0.3 of
 * the 4 ms of a start. It is the judge in test_filter.c now: both programs must give the same
 * answer for every call and argument tried.
 *
 * Only the low half of an argument is compared: those used here are of type int for the kernel, or
 * flags whose bit lies there.
 *
 * newfstatat is allowed with AT_EMPTY_PATH because glibc's fstat is that; the filter cannot see
 * that the path is empty, so the size and time of a file could be asked for by name: accepted, it
 * reads no contents.
 */
#include "os/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#if defined(__x86_64__) && defined(__LP64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#else
#define ARCH 0u /* calls nobody looked at: no filter, and the sandbox says that it lacks one */
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW_HALF 0u
#else
#define LOW_HALF 4u
#endif

static const uint16_t FREE[] = {
    SYS_read,         SYS_pread64,     SYS_readv,           SYS_preadv,
    SYS_lseek,        SYS_close,       SYS_fstat,           SYS_brk,
    SYS_munmap,       SYS_mremap,      SYS_madvise,         SYS_clock_gettime,
    SYS_gettimeofday,
#ifdef SYS_time
    SYS_time,
#endif
    SYS_nanosleep,    SYS_exit,        SYS_exit_group,      SYS_rt_sigreturn,
    SYS_getrandom,    SYS_futex,       SYS_rt_sigprocmask,  SYS_rt_sigaction,
    SYS_sigaltstack,  SYS_getpid,      SYS_gettid,          SYS_getrusage,
    SYS_sysinfo,      SYS_sched_yield, SYS_clock_nanosleep, SYS_restart_syscall,
    SYS_fadvise64,
};

static const uint16_t SOFT[] = {
#ifdef SYS_open /* what younger architectures have only with a descriptor */
    SYS_open,
    SYS_creat,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
#endif
    SYS_openat,
    SYS_openat2,
    SYS_statx,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readlinkat,
    SYS_getcwd,
    SYS_ioctl,
    SYS_fcntl,
    SYS_uname,
    SYS_prlimit64,
    SYS_getrlimit,
    SYS_statfs,
    SYS_fstatfs,
    SYS_sched_getaffinity,
    /* glibc reports heap damage on stderr before it aborts: refused, then it aborts. */
    SYS_write,
    SYS_writev,
};

/* Where comparisons lead: the last steps of the program, or on to the next one. What no comparison
 * held for comes to the first end. */
enum end { END_KILL = 0, END_ALLOW, END_REFUSE, ENDS, NEXT = ENDS };

static const uint32_t ACTION[ENDS] = {
    [END_KILL] = SECCOMP_RET_KILL_PROCESS,
    [END_ALLOW] = SECCOMP_RET_ALLOW,
    [END_REFUSE] = SECCOMP_RET_ERRNO | EACCES,
};

/* Allowed when argument `argument` has, of the bits in `mask`, just those of `value`. */
struct bound {
    uint16_t call;
    uint8_t argument;
    uint8_t otherwise; /* enum end */
    uint32_t mask, value;
};
#define BOUNDS 8u
#define BOUND_STEPS 4u
/* Where the ends begin: behind the loading of the architecture, its comparison and the loading of
 * the number, and all tables. */
#define FIRST_END (3u + BOUNDS * BOUND_STEPS + COUNT(FREE) + COUNT(SOFT))
_Static_assert(FIRST_END + ENDS <= FILTER_STEPS_MAX, "all fit, and a jump's byte reaches the ends");

static void put(struct filter_program *p, struct sock_filter step) {
    p->step[p->count++] = step;
}

static void put_load(struct filter_program *p, size_t offset) {
    put(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static uint8_t distance(const struct filter_program *p, enum end end) {
    return end == NEXT ? 0 : (uint8_t)(FIRST_END + (unsigned)end - p->count - 1);
}

static void put_compare(struct filter_program *p, uint32_t value, enum end yes, enum end no) {
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, distance(p, yes),
                                        distance(p, no)));
}

static void put_calls(struct filter_program *p, const uint16_t *call, size_t count, enum end end) {
    for (size_t i = 0; i < count; i++) {
        put_compare(p, call[i], end, NEXT);
    }
}

static void put_bound(struct filter_program *p, const struct bound *b) {
    put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, b->call, 0, BOUND_STEPS - 1));
    put_load(p, offsetof(struct seccomp_data, args) + b->argument * sizeof(uint64_t) + LOW_HALF);
    put(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, b->mask));
    put_compare(p, b->value, END_ALLOW, b->otherwise);
}

/* A descriptor that is not there is -1, which the kernel does not have either. */
static void put_bounds(struct filter_program *p, const struct sandbox_options *o) {
    const uint32_t all = UINT32_MAX, socket = (uint32_t)o->socket_fd, spool = (uint32_t)o->spool_fd;
    const struct bound bounds[BOUNDS] = {
        {SYS_recvmsg, 0, END_KILL, all, socket},
        {SYS_sendmsg, 0, END_KILL, all, socket},
        {SYS_newfstatat, 3, END_REFUSE, all, AT_EMPTY_PATH},
        {SYS_mmap, 2, END_KILL, PROT_EXEC, 0},
        {SYS_mprotect, 2, END_KILL, PROT_EXEC, 0},
        {SYS_pwrite64, 0, END_REFUSE, all, spool},
        {SYS_ftruncate, 0, END_KILL, all, spool},
        {SYS_tgkill, 0, END_KILL, all, (uint32_t)getpid()},
    };
    for (size_t i = 0; i < BOUNDS; i++) {
        put_bound(p, &bounds[i]);
    }
}

bool filter_make(const struct sandbox_options *options, struct filter_program *out_program) {
    struct filter_program *p = out_program;
    p->count = 0;
    put_load(p, offsetof(struct seccomp_data, arch));
    put_compare(p, ARCH, NEXT, END_KILL);
    put_load(p, offsetof(struct seccomp_data, nr));
    put_bounds(p, options);
    put_calls(p, FREE, COUNT(FREE), END_ALLOW);
    put_calls(p, SOFT, COUNT(SOFT), END_REFUSE);
    for (size_t i = 0; i < ENDS; i++) {
        put(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, ACTION[i]));
    }
    return ARCH != 0;
}

bool filter_load(const struct sandbox_options *options) {
    struct filter_program p;
    if (!filter_make(options, &p)) {
        return false;
    }
    const struct sock_fprog program = {.len = (unsigned short)p.count, .filter = p.step};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}
