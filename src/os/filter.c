// SPDX-License-Identifier: Apache-2.0
/*
 * The allow list of a scanning process, by libseccomp. Three tables, read top down:
 *
 *   FREE     what computing needs: memory without execute rights, time, reading open descriptors
 *   bound    allowed only with certain arguments: which descriptor may be written, no PROT_EXEC,
 *            signals only to ourselves (abort)
 *   SOFT     refused with EACCES: libraries try to open files (locale, charset modules, /proc) and
 *            live on without; killing them would lose a scan for nothing
 *   rest     kills the process: the parent sees the death and records the object as unscannable
 *
 * newfstatat is allowed with AT_EMPTY_PATH because glibc's fstat is that; the filter cannot see
 * that the path is empty, so the size and time of a file could be asked for by name: accepted, it
 * reads no contents.
 *
 * Tried: seccomp_api_set, so that libseccomp does not try out what the kernel can do (eight calls,
 * some into bad addresses, 0.1 ms): libseccomp 2.5 then calls number -1 and nothing is in force.
 */
#include "os/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const int FREE[] = {
    SCMP_SYS(read),
    SCMP_SYS(pread64),
    SCMP_SYS(readv),
    SCMP_SYS(preadv),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(fstat),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(nanosleep),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(getrandom),
    SCMP_SYS(futex),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(sched_yield),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(fadvise64),
};

static const int SOFT[] = {
    SCMP_SYS(open),       SCMP_SYS(openat),    SCMP_SYS(openat2),
    SCMP_SYS(creat),      SCMP_SYS(stat),      SCMP_SYS(lstat),
    SCMP_SYS(statx),      SCMP_SYS(access),    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(readlink),  SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),     SCMP_SYS(ioctl),     SCMP_SYS(fcntl),
    SCMP_SYS(uname),      SCMP_SYS(prlimit64), SCMP_SYS(getrlimit),
    SCMP_SYS(statfs),     SCMP_SYS(fstatfs),   SCMP_SYS(sched_getaffinity),
};

static bool allow_fd(scmp_filter_ctx ctx, int call, int fd) {
    return fd < 0 ||
           seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffffu, (scmp_datum_t)fd)) == 0;
}

static bool refuse_other_fds(scmp_filter_ctx ctx, int call, int fd) {
    if (fd < 0) {
        return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), call, 0) == 0;
    }
    return allow_fd(ctx, call, fd) &&
           seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), call, 1,
                            SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)fd, 0)) == 0;
}

static bool add_bound(scmp_filter_ctx ctx, const struct sandbox_options *o) {
    scmp_datum_t exec = PROT_EXEC;
    scmp_datum_t self = (scmp_datum_t)getpid();
    return allow_fd(ctx, SCMP_SYS(recvmsg), o->socket_fd) &&
           allow_fd(ctx, SCMP_SYS(sendmsg), o->socket_fd) &&
           allow_fd(ctx, SCMP_SYS(ftruncate), o->spool_fd) &&
           refuse_other_fds(ctx, SCMP_SYS(pwrite64), o->spool_fd) &&
           /* glibc reports heap damage on stderr before it aborts: refused, then it aborts. */
           refuse_other_fds(ctx, SCMP_SYS(write), -1) &&
           refuse_other_fds(ctx, SCMP_SYS(writev), -1) &&
           seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0)) == 0 &&
           seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0)) == 0 &&
           seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_EQ, self, 0)) == 0 &&
           seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
                            SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH, 0)) == 0 &&
           seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat), 1,
                            SCMP_A3(SCMP_CMP_NE, AT_EMPTY_PATH, 0)) == 0;
}

static bool add_table(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t count) {
    for (size_t i = 0; i < count; i++) {
        /* Negative: does not exist on this architecture. */
        if (calls[i] >= 0 && seccomp_rule_add(ctx, action, calls[i], 0) != 0) {
            return false;
        }
    }
    return true;
}

bool filter_rules(void *ctx, const struct sandbox_options *options) {
    return seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
           seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 1) == 0 &&
           add_table(ctx, SCMP_ACT_ALLOW, FREE, COUNT(FREE)) &&
           add_table(ctx, SCMP_ACT_ERRNO(EACCES), SOFT, COUNT(SOFT)) && add_bound(ctx, options);
}

bool filter_load(const struct sandbox_options *options) {
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (ctx == NULL) {
        return false;
    }
    bool ok = filter_rules(ctx, options) && seccomp_load(ctx) == 0;
    seccomp_release(ctx);
    return ok;
}
