// SPDX-License-Identifier: Apache-2.0
/*
 * Formats read by libarchive: the one place that talks to it.
 *
 * A descriptor's walk calls sk_libarchive_walk with a static struct sk_libarchive; exactly the
 * named libarchive readers are enabled, no filter, no guessing of others. Members are handed to
 * walk_child in order; directories, links and devices without data are passed over.
 *
 * Errors: SK_OK also for archives that were read in part (the notes say so); SK_E_FORMAT when not
 * even one member could be reached; SK_E_NOMEM, SK_E_IO, SK_E_STOP from below.
 * Source: archive_read(3), archive_entry(3), libarchive 3.6.
 */
#ifndef SK_FORMAT_LIBARCHIVE_H
#define SK_FORMAT_LIBARCHIVE_H

#include "format/format.h"

struct archive;

struct sk_libarchive {
    int (*enable)(struct archive *reader);  /* archive_read_support_format_... */
    int (*options)(struct archive *reader); /* or NULL */
    bool zeros_end; /* TAR: what follows a block of zeros is trailing data, not damage */
};

sk_err sk_libarchive_walk(struct sk_walk *walk, struct sk_source *src,
                          const struct sk_libarchive *how);

/* Is the library there? A late part (base/late.h), loaded with the C library's UTF-8 tables when
 * this is first asked. */
bool sk_libarchive_load(void);

#endif
