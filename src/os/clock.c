// SPDX-License-Identifier: Apache-2.0
/* Monotonic time. clock_gettime cannot fail for this clock; in the sandbox it is a vDSO call. */
#include "os/clock.h"

#include <time.h>

uint64_t clock_monotonic_ns(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_monotonic_us(void) {
    return clock_monotonic_ns() / 1000u;
}

uint64_t clock_monotonic_ms(void) {
    return clock_monotonic_us() / 1000u;
}

uint64_t clock_monotonic_coarse_ms(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

void clock_sleep_us(uint64_t us) {
    struct timespec t = {.tv_sec = (time_t)(us / 1000000u),
                         .tv_nsec = (long)(us % 1000000u) * 1000};
    (void)nanosleep(&t, NULL);
}

int64_t clock_wall_seconds(void) {
    struct timespec now;
    return clock_gettime(CLOCK_REALTIME, &now) == 0 ? (int64_t)now.tv_sec : 0;
}
