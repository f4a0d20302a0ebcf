// SPDX-License-Identifier: Apache-2.0
/*
 * struct atomic_file: replace a file so that readers see the old or the new contents, never a mix,
 * also after a power cut.
 *
 * Life cycle: atomic_begin -> write to .fd -> atomic_commit, or atomic_abort (leaves nothing).
 * Exactly one of the two must be called after a successful begin; a failed commit has aborted.
 * Ownership: the struct owns the descriptor and its strings. Errors: as os/file.h, SK_E_NOMEM.
 */
#ifndef SK_OS_ATOMIC_H
#define SK_OS_ATOMIC_H

#include <sys/types.h>

#include "base/err.h"

struct atomic_file {
    int fd; /* write here, from offset 0 */
    int dirfd;
    char *name; /* final name in the directory */
    char *temp; /* name while it is being written */
};

/* path: final name; its directory must exist. The file gets the permission bits of mode. */
sk_err atomic_begin(const char *path, mode_t mode, struct atomic_file *out_file);
/* fsync, rename, fsync of the directory. */
sk_err atomic_commit(struct atomic_file *file);
/* The same, but under another name in the same directory (a name that depends on the contents). */
sk_err atomic_commit_as(struct atomic_file *file, const char *name);
void atomic_abort(struct atomic_file *file);

/* The whole of it for small files. */
sk_err atomic_write_file(const char *path, mode_t mode, const void *bytes, size_t len);

#endif
