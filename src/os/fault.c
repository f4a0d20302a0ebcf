// SPDX-License-Identifier: Apache-2.0
/*
 * The counter behind the n-th failure loops of tests. Every read, write, sync and map of this floor
 * asks here first, so that a test can walk through "the n-th operation fails" for every n without a
 * broken disk.
 */
#include "os/fault.h"

#include <errno.h>

static uint64_t fault_nth;
static uint64_t fault_seen;

void os_fault_set(uint64_t nth) {
    fault_nth = nth;
    fault_seen = 0;
}

uint64_t os_fault_seen(void) {
    return fault_seen;
}

bool os_fault_hit(void) {
    fault_seen++;
    if (fault_nth != 0 && fault_seen == fault_nth) {
        errno = EIO;
        return true;
    }
    return false;
}
