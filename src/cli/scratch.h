// SPDX-License-Identifier: Apache-2.0
/*
 * struct scratch: a directory for plain files that lives as long as one run needs it.
 *
 * Life cycle: scratch_make -> files below .path -> scratch_remove. A run that is killed in between
 * leaves its directory; the next scratch_make at the same place removes it.
 * Errors: SK_E_IO, told through diag. Nothing is left behind on failure.
 */
#ifndef SK_CLI_SCRATCH_H
#define SK_CLI_SCRATCH_H

#include <limits.h>
#include <stddef.h>

#include "base/diag.h"
#include "base/err.h"

struct scratch {
    char path[PATH_MAX]; /* made, empty, of this user alone */
    size_t outer_len;    /* so much of it is the directory that is locked */
    int lock;
};

/* base NULL: $TMPDIR or /tmp. **Fills** out. */
sk_err scratch_make(const char *base, struct diag *diag, struct scratch *out);
void scratch_remove(struct scratch *s);

#endif
