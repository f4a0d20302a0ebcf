// SPDX-License-Identifier: Apache-2.0
/*
 * Signatures given as text: compiled into a set that lives in a temporary directory for the call.
 *
 * Each line may be of another kind: it is told by its form, unless `kind` (a suffix, "imp") names
 * it. What cannot be taken is said to diag with the number of its line.
 * Errors: SK_E_USAGE (no line, or a kind that is not known; said to diag), SK_E_IO, SK_E_NOMEM, and
 * what the compiler says.
 */
#ifndef SK_CLI_SIGTEXT_H
#define SK_CLI_SIGTEXT_H

#include "base/cursor.h"
#include "base/diag.h"

#define SIGTEXT_BYTES_MAX ((size_t)4 << 20)

struct sigtext {
    struct sk_bytes text;
    const char *kind; /* NULL: told by the form of the line */
    bool pua;
};
/* dir: the compiled set, gone after the call. */
typedef sk_err (*sigtext_use)(void *ctx, const char *dir);

sk_err sigtext_compile(const struct sigtext *s, struct diag *diag, sigtext_use use, void *ctx);
/* The suffix of the kind a line has the form of; NULL: none. */
const char *sigtext_kind(const char *line, size_t len);

#endif
