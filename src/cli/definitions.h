// SPDX-License-Identifier: Apache-2.0
/*
 * Which definitions to use, and opening them with messages a person can act on.
 *
 * Errors: SK_E_NOTFOUND, SK_E_IO ... with one message to diag. Ownership: *out_engine is **returned
 * owned** (sk_engine_close).
 */
#ifndef SK_CLI_DEFINITIONS_H
#define SK_CLI_DEFINITIONS_H

#include "base/buf.h"
#include "base/diag.h"
#include "conf/conf.h"
#include "defc/wanted.h"
#include "sekisho.h"

/* Append the path used when the user names none: $SEKISHO_DEFINITIONS; the set of the build when
 * the program runs from its build folder; /var/lib/sekisho/definitions; the bundled set of the
 * installation (place.h). Nothing there: /var/lib/sekisho/definitions. */
sk_err definitions_default(struct buf *out_path);
/* path NULL: the default. */
sk_err definitions_open(const char *path, struct diag *diag, struct sk_engine **out_engine);
/* Of what was opened only the official segments. With an error *engine is closed, and NULL. */
sk_err definitions_official_only(const char *path, struct diag *diag, struct sk_engine **engine);

struct definitions_compile {
    bool pua;
    bool official_only;
    struct defc_wanted wanted;
    const char *temp_dir; /* NULL: $TMPDIR or /tmp */
};
/* dir: a compiled set that is gone when the call returns. */
typedef sk_err (*definitions_use)(void *ctx, const char *dir);
/* Compile the paths together into a temporary directory and use it there. */
sk_err definitions_compile_use(const struct conf_list *paths, const struct definitions_compile *how,
                               struct diag *diag, definitions_use use, void *ctx);
/* As definitions_open (no path: the default); but paths that hold textual databases or containers
 * is compiled together into a temporary directory first, which is gone when this returns. */
sk_err definitions_open_any(const struct conf_list *paths, const struct definitions_compile *how,
                            struct diag *diag, struct sk_engine **out_engine);
/* **Takes** the engine of a command that ends: the process ends with it, and to unmap images before
 * that costs as much again. NULL: nothing. */
void definitions_leave(struct sk_engine *engine);

#endif
