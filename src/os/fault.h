// SPDX-License-Identifier: Apache-2.0
/*
 * Fault hook for tests: let the n-th read or write of this floor fail with EIO, as mem_fault_set
 * does for allocations. Costs one increment when unused. Not thread-safe.
 */
#ifndef SK_OS_FAULT_H
#define SK_OS_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* The n-th read or write from now fails (1 = the next); 0 switches off. */
void os_fault_set(uint64_t nth);
/* Reads and writes seen since the last os_fault_set. */
uint64_t os_fault_seen(void);
/* For this floor only: count one operation; true (and errno EIO): it must fail. */
bool os_fault_hit(void);

#endif
