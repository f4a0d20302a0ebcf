// SPDX-License-Identifier: Apache-2.0
/*
 * What the fake engines of these tests have in common. Included behind their struct sk_scanner,
 * which has a `struct sk_report report`.
 */
#ifndef SK_TESTS_POOL_FAKE_ENGINE_H
#define SK_TESTS_POOL_FAKE_ENGINE_H

#include <sys/stat.h>

#include "pool/pool.h"

/* The scan before the sandbox closes. */
int sk_scan_mem(struct sk_scanner *scanner, const void *bytes, size_t len, const char *name,
                const struct sk_report **out_report) {
    (void)bytes;
    (void)len;
    (void)name;
    *out_report = &scanner->report;
    return SK_OK;
}

void sk_scanner_stats(const struct sk_scanner *scanner, struct sk_stats *out_stats) {
    (void)scanner;
    *out_stats = (struct sk_stats){.objects = 1};
}

const char *sk_result_text(int result) {
    return sk_err_text((sk_err){result});
}

/* Without a sandbox: the worker's socket, found as an attacker would; -1: none. */
static inline int own_socket(void) {
    struct stat st;
    for (int fd = 3; fd < 64; fd++) {
        if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode)) {
            return fd;
        }
    }
    return -1;
}

#endif
