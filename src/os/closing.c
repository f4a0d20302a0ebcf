// SPDX-License-Identifier: Apache-2.0
/*
 * Descriptors closed in ranges. Sixteen, in order of their numbers: every number of a range that is
 * closed was given to us, so nobody else's is between. Linux 5.9; before it, and where a filter
 * does not know the call, one by one.
 */
#include "os/closing.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static void close_range_of(const int *fd, unsigned count) {
    if (count > 1 && syscall(SYS_close_range, fd[0], fd[count - 1], 0) == 0) {
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        (void)close(fd[i]); /* Linux releases the number even when interrupted: never retry */
    }
}

void closing_end(struct closing *closing) {
    int saved = errno;
    for (unsigned from = 0, to = 0; from < closing->count; from = to) {
        to = from + 1;
        while (to < closing->count && closing->fd[to] == closing->fd[to - 1] + 1) {
            to++;
        }
        close_range_of(&closing->fd[from], to - from);
    }
    closing->count = 0;
    errno = saved;
}

void closing_add(struct closing *closing, int fd) {
    if (fd < 0) {
        return;
    }
    if (closing->count == CLOSING_MAX) {
        closing_end(closing);
    }
    unsigned at = closing->count++;
    for (; at > 0 && closing->fd[at - 1] > fd; at--) {
        closing->fd[at] = closing->fd[at - 1];
    }
    closing->fd[at] = fd;
}
