// SPDX-License-Identifier: Apache-2.0
/*
 * The rules of the system call filter can be made on this architecture and name what they should.
 * It is not loaded, so this holds where an emulator has no seccomp; that it stops what it must is
 * in test_sandbox.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <seccomp.h>

#include "os/filter.h"

#define TEXT_MAX 65536u

/* libseccomp's own reading of the rules. */
static void rules_as_text(char *text) {
    const struct sandbox_options options = {.socket_fd = 3, .spool_fd = 4};
    (void)seccomp_api_set(5); /* else it asks the kernel, or the emulator, what it can */
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    assert_non_null(ctx);
    assert_true(filter_rules(ctx, &options));
    FILE *f = tmpfile();
    assert_non_null(f);
    assert_int_equal(seccomp_export_pfc(ctx, fileno(f)), 0);
    rewind(f);
    size_t len = fread(text, 1, TEXT_MAX - 1, f);
    assert_in_range(len, 1, TEXT_MAX - 2);
    text[len] = '\0';
    (void)fclose(f);
    seccomp_release(ctx);
}

static bool has_rule(const char *text, const char *call) {
    char want[64];
    (void)snprintf(want, sizeof(want), "filter for syscall \"%s\" ", call);
    return strstr(text, want) != NULL;
}

static void test_rules(void **state) {
    (void)state;
    static char text[TEXT_MAX];
    static const char *const there[] = {"read",    "pread64",  "close",      "brk",
                                        "munmap",  "futex",    "exit_group", "openat",
                                        "openat2", "recvmsg",  "sendmsg",    "pwrite64",
                                        "mmap",    "mprotect", "tgkill",     "newfstatat"};
    static const char *const never[] = {
        "execve",   "execveat",  "socket",          "connect", "clone",
        "clone3",   "ptrace",    "io_uring_setup",  "kill",    "mount",
        "unlinkat", "renameat2", "process_vm_readv"};
    rules_as_text(text);
    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
        if (!has_rule(text, there[i])) {
            fail_msg("no rule for %s", there[i]);
        }
    }
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        if (has_rule(text, never[i])) {
            fail_msg("a rule for %s", never[i]);
        }
    }
    /* what libraries of older architectures ask for; the others lack these calls */
    assert_true(has_rule(text, "open") == (SCMP_SYS(open) >= 0));
    assert_true(has_rule(text, "time") == (SCMP_SYS(time) >= 0));
    assert_non_null(strstr(text, "action KILL_PROCESS"));
    assert_null(strstr(strstr(text, "filter for arch ") + 1, "filter for arch "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
