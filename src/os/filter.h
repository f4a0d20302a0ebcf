// SPDX-License-Identifier: Apache-2.0
/* The system call filter of the sandbox. Only sandbox.c and its test call it. */
#ifndef SK_OS_FILTER_H
#define SK_OS_FILTER_H

#include <stdbool.h>

#include "os/sandbox.h"

/* The rules for this architecture, into a libseccomp context (scmp_filter_ctx). False: one is
 * impossible. */
bool filter_rules(void *ctx, const struct sandbox_options *options);
/* Build and load the filter for this process. False: it is not in force. */
bool filter_load(const struct sandbox_options *options);

#endif
