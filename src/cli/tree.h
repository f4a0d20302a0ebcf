// SPDX-License-Identifier: Apache-2.0
/*
 * struct tree: walk over one named path: a file, or a directory and what is below it.
 *
 * Everything below the named path is opened relative to the descriptor of its directory, so that a
 * directory exchanged for a link meanwhile leads nowhere else. Entries come sorted by name,
 * directories in place. Life cycle: tree_open -> tree_next until it says no more -> tree_close.
 * Ownership: path and name in an entry are **borrowed** until the next tree_next; dirfd until then
 * too (open what you need at once). Errors: SK_E_NOMEM ends the walk; what cannot be read is an
 * entry TREE_FAILED and the walk goes on.
 */
#ifndef SK_CLI_TREE_H
#define SK_CLI_TREE_H

#include <sys/stat.h>

#include "base/buf.h"
#include "cli/choice.h"

enum tree_links { TREE_LINKS_NEVER = 0, TREE_LINKS_NAMED = 1, TREE_LINKS_ALWAYS = 2 };

struct tree_options {
    bool recursive; /* enter directories below the named one */
    bool cross_fs;
    enum tree_links file_links;
    enum tree_links dir_links;
    uint64_t max_depth;         /* directories below each other; 0: as deep as descriptors allow */
    const struct choice *files; /* NULL: all */
    const struct choice *dirs;
};

enum tree_kind {
    TREE_FILE,
    TREE_DIRECTORY, /* it is being entered */
    TREE_SPECIAL,   /* device, socket, FIFO */
    TREE_LINK,      /* symbolic link, not followed */
    TREE_EXCLUDED,
    TREE_FAILED /* errnum says why */
};

struct tree_entry {
    enum tree_kind kind;
    const char *path;
    int dirfd;
    const char *name; /* relative to dirfd */
    bool follow;      /* a link is to be followed when opening */
    bool named;       /* this is the path the user named */
    bool directory;   /* TREE_FAILED, TREE_EXCLUDED: it is one */
    int errnum;
};

struct tree;

sk_err tree_open(const struct tree_options *options, const char *path, struct tree **out_tree);
sk_err tree_next(struct tree *tree, struct tree_entry *out_entry, bool *out_more);
void tree_close(struct tree *tree);

#endif
