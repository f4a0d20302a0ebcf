// SPDX-License-Identifier: Apache-2.0
/*
 * single: the walk of formats that pack one thing (gzip, bzip2, xz, zstd): one codec over the whole
 * layer, one child, and a look at what follows. Internal to src/format.
 */
#ifndef SK_FORMAT_SINGLE_H
#define SK_FORMAT_SINGLE_H

#include "format/format.h"

/* Opens the codec over `up`; as the constructors of codec/codec.h. */
typedef sk_err (*single_open_fn)(struct sk_stream *up, struct sk_stream **out_stream);

struct single {
    single_open_fn open;
    const char *name; /* **borrowed**, must not point into a window of src; NULL: there is none */
    size_t name_len;
    uint64_t expected; /* as in struct sk_child */
};

/* Errors: those of walk_child, of the source, SK_E_NOMEM. */
sk_err single_walk(struct sk_walk *walk, struct sk_source *src, const struct single *how);

#endif
