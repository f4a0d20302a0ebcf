// SPDX-License-Identifier: Apache-2.0
/* The system call filter of the sandbox. Only sandbox.c and its test call it. */
#ifndef SK_OS_FILTER_H
#define SK_OS_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>

#include "os/sandbox.h"

#define FILTER_STEPS_MAX 128u

struct filter_program {
    struct sock_filter step[FILTER_STEPS_MAX];
    unsigned count;
};

/* **Fills** out_program for this process. False: nobody made one for this architecture. */
bool filter_make(const struct sandbox_options *options, struct filter_program *out_program);
/* Make and load the filter for this process. False: it is not in force. */
bool filter_load(const struct sandbox_options *options);

#endif
