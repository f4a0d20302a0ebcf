// SPDX-License-Identifier: Apache-2.0
/*
 * An inspection in words or as one JSON record (docs/inspect-output.md). **Borrows** everything for
 * the call; text goes to `out`, which is not cleared. Errors: SK_E_NOMEM.
 */
#ifndef SK_CLI_INSPECT_PRINT_H
#define SK_CLI_INSPECT_PRINT_H

#include "base/buf.h"
#include "cli/inspect_tree.h"
#include "cli/session.h"

/* For people, in their language, indented as the layers lie in each other. */
sk_err inspect_print_text(const struct inspection *in, const struct outcome *outcome,
                          struct buf *out);
/* One line. */
sk_err inspect_print_json(const struct inspection *in, const struct outcome *outcome,
                          struct buf *out);

#endif
