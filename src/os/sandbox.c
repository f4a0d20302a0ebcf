// SPDX-License-Identifier: Apache-2.0
/*
 * Entering the cage, in the only order that works:
 *
 *   1 namespaces     needs the right to unshare (root, or by way of a new user namespace)
 *   2 credentials    root becomes nobody; all capabilities go (a new user namespace gave us a full
 *                    set of them, valid only inside it: attack surface, so they go as well)
 *   3 privileges     no_new_privs: condition for Landlock and seccomp without root; not dumpable
 *   4 landlock       a ruleset that handles every right this kernel knows, with no rule in it
 *   5 rlimits        after everything that may need memory or files
 *   6 seccomp        last: the filter forbids all of the above
 *
 * Descriptors that are open already, or arrive later over the socket, stay readable: Landlock
 * judges opening, not reading. That is the whole idea: the descriptor is the permission.
 *
 * Not used on purpose: RLIMIT_FSIZE 0 (a write to a log kills the process by SIGXFSZ), a PID
 * namespace (it takes effect for children, and there are none), chroot (nothing can be opened
 * anyway, and an empty directory to go to would have to be provided by somebody).
 *
 * Landlock numbers are written out here because the headers of the oldest supported distribution
 * know only the first version. Source: Documentation/userspace-api/landlock.rst.
 */
#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sanitized.h"
#include "os/file.h"
#include "os/filter.h"

#define NOBODY 65534u
#define CAPS_MAX 64u /* as many as the sets have bits */
/* Objects whose digests are owed stay open (pool/worker.c: 48 of them). */
#define OPEN_FILES_MAX 96

#define LANDLOCK_FS_V1 0x1fffull /* 13 rights */
#define LANDLOCK_FS_REFER (1ull << 13)
#define LANDLOCK_FS_TRUNCATE (1ull << 14)
#define LANDLOCK_FS_IOCTL_DEV (1ull << 15)
#define LANDLOCK_NET_ALL 3ull   /* bind, connect over TCP */
#define LANDLOCK_SCOPE_ALL 3ull /* abstract unix sockets, signals */
#define LANDLOCK_VERSION_FLAG 1u

struct landlock_attr {
    uint64_t handled_fs;
    uint64_t handled_net; /* since ABI 4 */
    uint64_t scoped;      /* since ABI 6 */
};

bool sandbox_sanitized(void) {
    return SK_SANITIZED != 0;
}

static bool enter_namespaces(void) {
    int spaces = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNS;
    if (unshare(spaces) == 0) {
        return true; /* root with CAP_SYS_ADMIN: no user namespace needed */
    }
    return unshare(CLONE_NEWUSER | spaces) == 0;
}

static bool drop_credentials(void) {
    bool ok = true;
    /* Needs CAP_SETPCAP, so before the change of user; without it the set is moot. Fails behind the
     * last capability of this kernel: they are numbered without gaps. */
    for (unsigned long cap = 0; cap < CAPS_MAX && prctl(PR_CAPBSET_DROP, cap) == 0; cap++) {
    }
    /* In a fresh user namespace there is nobody to become; root outside becomes nobody. */
    if (geteuid() == 0) {
        ok = setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
             setresuid(NOBODY, NOBODY, NOBODY) == 0;
    }
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    ok = syscall(SYS_capset, &head, none) == 0 && ok;
    /* The change of user cleared it. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    return ok;
}

static bool give_up_privileges(void) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

static bool enter_landlock(uint32_t *out_abi) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);
    if (abi < 1) {
        return false;
    }
    struct landlock_attr attr = {.handled_fs = LANDLOCK_FS_V1};
    size_t attr_bytes = sizeof(attr.handled_fs);
    attr.handled_fs |= abi >= 2 ? LANDLOCK_FS_REFER : 0;
    attr.handled_fs |= abi >= 3 ? LANDLOCK_FS_TRUNCATE : 0;
    if (abi >= 4) {
        attr.handled_net = LANDLOCK_NET_ALL;
        attr_bytes = 2 * sizeof(uint64_t);
    }
    attr.handled_fs |= abi >= 5 ? LANDLOCK_FS_IOCTL_DEV : 0;
    if (abi >= 6) {
        attr.scoped = LANDLOCK_SCOPE_ALL;
        attr_bytes = sizeof(attr);
    }
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, attr_bytes, 0);
    if (ruleset < 0) {
        return false;
    }
    bool ok = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    (void)close(ruleset);
    *out_abi = ok ? (uint32_t)abi : 0;
    return ok;
}

/* Bytes of address space in use, from /proc/self/statm; 0 when that cannot be read. */
static uint64_t mapped_bytes(void) {
    FILE_AUTO int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    char text[128];
    size_t got = 0;
    if (fd < 0 || sk_failed(file_read_chunk(fd, text, sizeof(text) - 1, &got))) {
        return 0;
    }
    text[got] = '\0'; /* the first number is pages; where there is none, 0 */
    return strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool set_limit(int resource, uint64_t value) {
    struct rlimit old;
    if (getrlimit((__rlimit_resource_t)resource, &old) != 0) {
        return false;
    }
    rlim_t v = old.rlim_max != RLIM_INFINITY && value > old.rlim_max ? old.rlim_max : value;
    struct rlimit limit = {.rlim_cur = v, .rlim_max = v};
    return setrlimit((__rlimit_resource_t)resource, &limit) == 0;
}

static bool set_limits(const struct sandbox_options *options, uint64_t mapped) {
    bool ok = set_limit(RLIMIT_NOFILE, OPEN_FILES_MAX) && set_limit(RLIMIT_CORE, 0) &&
              set_limit(RLIMIT_NPROC, 0) && set_limit(RLIMIT_MEMLOCK, 0) &&
              set_limit(RLIMIT_MSGQUEUE, 0);
    if (options->file_bytes != 0) {
        ok = set_limit(RLIMIT_FSIZE, options->file_bytes) && ok;
    }
    if (options->memory_bytes != 0) {
        ok = !sandbox_sanitized() && mapped != 0 &&
             set_limit(RLIMIT_AS, mapped + options->memory_bytes) && ok;
    }
    return ok;
}

void sandbox_enter(const struct sandbox_options *options, struct sandbox_state *out_state) {
    struct sandbox_state state = {0};
    uint64_t mapped = mapped_bytes();
    state.held |= enter_namespaces() ? SANDBOX_NAMESPACES : 0;
    state.held |= drop_credentials() ? SANDBOX_CREDENTIALS : 0;
    state.held |= give_up_privileges() ? SANDBOX_PRIVILEGES : 0;
    state.held |= enter_landlock(&state.landlock_abi) ? SANDBOX_LANDLOCK : 0;
    state.held |= set_limits(options, mapped) ? SANDBOX_RLIMITS : 0;
    if (!sandbox_sanitized()) {
        state.held |= filter_load(options) ? SANDBOX_SECCOMP : 0;
    }
    *out_state = state;
}

enum sandbox_level sandbox_level(const struct sandbox_state *state) {
    if ((state->held & SANDBOX_ALL) == SANDBOX_ALL) {
        return SANDBOX_FULL;
    }
    return (state->held & (SANDBOX_LANDLOCK | SANDBOX_SECCOMP)) != 0 ? SANDBOX_PARTIAL
                                                                     : SANDBOX_NONE;
}

static const char *const NAMES[] = {"namespaces", "credentials", "privileges",
                                    "landlock",   "rlimits",     "seccomp"};

const char *sandbox_layer_name(enum sandbox_layer layer) {
    return NAMES[__builtin_ctz(layer)];
}

sk_err sandbox_describe(const struct sandbox_state *state, struct buf *out) {
    enum sandbox_level level = sandbox_level(state);
    if (level != SANDBOX_PARTIAL) {
        return buf_puts(out, level == SANDBOX_FULL ? "full" : "none");
    }
    const char *before = "partial (no ";
    for (unsigned i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        if ((state->held & (1u << i)) == 0) {
            TRY(buf_printf(out, "%s%s", before, NAMES[i]));
            before = ", no ";
        }
    }
    return buf_puts(out, ")");
}
