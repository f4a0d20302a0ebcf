// SPDX-License-Identifier: Apache-2.0
/*
 * Where the files that belong to this program are, when they are found relative to it: in the build
 * folder, or in an installation that was moved as a whole (a package under another root, a copied
 * tree). Fixed paths of the installation are the caller's fallback.
 *
 * Errors: SK_E_NOTFOUND (no /proc, or the program is not in such a place), SK_E_NOMEM.
 */
#ifndef SK_CLI_PLACE_H
#define SK_CLI_PLACE_H

#include "base/buf.h"

/* Append the absolute path of `name` in the build folder: only when the program lies in it. */
sk_err place_in_build(const char *name, struct buf *out);
/* Append the path of `name`, written relative to the folder of programs: only when the program is
 * not where it was installed to (then the fixed paths are right). */
sk_err place_moved(const char *name, struct buf *out);

#endif
