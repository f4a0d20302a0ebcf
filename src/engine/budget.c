// SPDX-License-Identifier: Apache-2.0
/*
 * The clock is asked through a pointer, so that tests run two minutes in no time. It is the
 * monotonic one as of the last tick of the kernel and costs less than 10 ns (no system call; the
 * exact one 25, 1 % of a scan of programs), so walk_tick may ask it every time; there is no timer
 * and no signal, because a signal could interrupt a library in the middle of a container and
 * neither side could then be trusted.
 *
 * A limit that says 0 means "as much as we can", not "off" (ClamAV): a file size of 2 GiB - 1
 * there; here 64-bit sizes all the way, so the maximum is only a guard against overflow in sums.
 */
#include "engine/budget.h"

#include "os/clock.h"

#define BYTES_MAX ((uint64_t)1 << 62)
#define MEMORY_MAX ((uint64_t)4 << 30)

static void fill64(uint64_t *value, uint64_t max) {
    if (*value == 0 || *value > max) {
        *value = max;
    }
}

static void fill32(uint32_t *value, uint32_t max) {
    if (*value == 0 || *value > max) {
        *value = max;
    }
}

void budget_init(struct budget *b, const struct sk_limits *limits) {
    *b = (struct budget){.limits = *limits, .now_ms = clock_monotonic_coarse_ms};
    fill64(&b->limits.max_file_size, BYTES_MAX);
    fill64(&b->limits.max_scan_size, BYTES_MAX);
    fill64(&b->limits.max_memory, MEMORY_MAX);
    fill64(&b->limits.max_html_normalise, BYTES_MAX);
    fill64(&b->limits.max_html_notags, BYTES_MAX);
    fill64(&b->limits.max_script_normalise, BYTES_MAX);
    fill32(&b->limits.max_files, UINT32_MAX - 1);
    fill32(&b->limits.max_recursion, BUDGET_RECURSION_MAX);
    fill32(&b->limits.max_scan_time, UINT32_MAX);
    fill32(&b->limits.max_ratio, UINT32_MAX);
}

void budget_start(struct budget *b) {
    b->end_ms = b->now_ms() + b->limits.max_scan_time;
    b->bytes = 0;
    b->files = 0;
    b->time_over = false;
}

void budget_hurry(struct budget *b, uint32_t part) {
    b->end_ms = b->now_ms() + b->limits.max_scan_time / part;
}

bool budget_time_left(struct budget *b) {
    if (!b->time_over && b->now_ms() >= b->end_ms) {
        b->time_over = true;
    }
    return !b->time_over;
}

uint64_t budget_bytes_left(const struct budget *b) {
    return b->bytes < b->limits.max_scan_size ? b->limits.max_scan_size - b->bytes : 0;
}

bool budget_ratio_over(const struct budget *b, uint64_t size, uint64_t packed) {
    return size > BUDGET_RATIO_FROM && size / b->limits.max_ratio > packed;
}
