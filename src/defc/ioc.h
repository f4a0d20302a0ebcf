// SPDX-License-Identifier: Apache-2.0
/*
 * OpenIOC files: the hashes in them. A small, strict reader of as much XML as that needs.
 *
 * Errors: SK_E_NOMEM, SK_E_IO, those of the stream and of `found`. SK_E_FORMAT: it has a document
 * type (entities are not read), SK_E_LIMIT: longer than IOC_MAX_BYTES.
 */
#ifndef SK_DEFC_IOC_H
#define SK_DEFC_IOC_H

#include "base/cursor.h"
#include "base/source.h"

#define IOC_MAX_BYTES ((size_t)16 << 20)

/* text: trimmed, 32, 40 or 64 hex digits; **borrowed** for the call. */
typedef sk_err (*ioc_found_fn)(void *ctx, struct sk_bytes text);

sk_err ioc_read(struct sk_stream *in, ioc_found_fn found, void *ctx);

#endif
