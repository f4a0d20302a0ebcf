// SPDX-License-Identifier: Apache-2.0
/* The system call filter of the sandbox. Only sandbox.c calls it. */
#ifndef SK_OS_FILTER_H
#define SK_OS_FILTER_H

#include <stdbool.h>

#include "os/sandbox.h"

/* Build and load the filter for this process. False: it is not in force. */
bool filter_load(const struct sandbox_options *options);

#endif
