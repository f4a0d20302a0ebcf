// SPDX-License-Identifier: Apache-2.0
/*
 * Formats read by libarchive: the one place that talks to it.
 *
 * A descriptor's walk calls sk_libarchive_walk with a function that enables exactly the libarchive
 * readers it names, no filter, no guessing of others. Members are handed to
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

/* archive_read_support_format_..., one or several of them. */
typedef int (*sk_libarchive_enable)(struct archive *reader);

sk_err sk_libarchive_walk(struct sk_walk *walk, struct sk_source *src, sk_libarchive_enable enable);

/* Is the library there? A late part (base/late.h), loaded with the C library's UTF-8 tables when
 * this is first asked. */
bool sk_libarchive_load(void);

#endif
