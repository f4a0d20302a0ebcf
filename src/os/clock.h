// SPDX-License-Identifier: Apache-2.0
/* Time. The monotonic clock never jumps and has no relation to the date. */
#ifndef SK_OS_CLOCK_H
#define SK_OS_CLOCK_H

#include <stdint.h>

uint64_t clock_monotonic_ms(void);
/* The same clock as of the last tick of the kernel (1 to 10 ms ago), at a third of the price. */
uint64_t clock_monotonic_coarse_ms(void);
uint64_t clock_monotonic_us(void);
uint64_t clock_monotonic_ns(void);
/* At least so long, unless a signal comes. */
void clock_sleep_us(uint64_t us);
/* Seconds since 1970, as the machine has it. */
int64_t clock_wall_seconds(void);

#endif
