// SPDX-License-Identifier: Apache-2.0
/*
 * A source over an open descriptor, read with pread in windows.
 *
 * **Borrows** fd until sk_source_release. size: as the caller saw it (fstat); a file that shrank
 * since reads as failed SK_E_IO, one that grew is read up to size.
 */
#ifndef SK_OS_FDSOURCE_H
#define SK_OS_FDSOURCE_H

#include "base/source.h"

/* SK_E_USAGE when fd is negative. */
sk_err fdsource_init(struct sk_source *s, int fd, uint64_t size);

#endif
