// SPDX-License-Identifier: Apache-2.0
/*
 * A compiled signature in words: what decode_* adds to an account (tell.h).
 *
 * The image may be hostile: SK_E_FORMAT where it does not fit together. SK_E_NOMEM. Values are
 * added to the object the caller has opened.
 */
#ifndef SK_CLI_DECODE_H
#define SK_CLI_DECODE_H

#include "cli/tell.h"
#include "defs/query.h"

/* name, kind, segment and all that the kind has. */
sk_err decode_signature(struct tell *t, const struct query_signature *sig);
/* The elements of one program, as an array. */
sk_err decode_program(struct tell *t, const struct mt_segment *seg, const struct mt_part *part);
/* The first `max` bytes of what a literal says: "MZ" = 4d5a */
sk_err decode_literal(const uint8_t *bytes, size_t len, struct buf *out);

#endif
