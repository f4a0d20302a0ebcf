// SPDX-License-Identifier: Apache-2.0
/*
 * Parts of a body signature as phrases, for `defs decode`, `defs test` and `scan --explain`.
 *
 * Each function appends one phrase (translated) to the buffer. Tables may be hostile: what does not
 * fit gives SK_E_FORMAT. Errors: SK_E_NOMEM, SK_E_FORMAT.
 */
#ifndef SK_CLI_WORDS_H
#define SK_CLI_WORDS_H

#include "base/buf.h"
#include "match/tables.h"

/* "Windows program (PE)"; never NULL. */
const char *words_target(unsigned target);
/* "anywhere", "at 0 to 128", "16 bytes before the end" */
sk_err words_offset(const struct mt_sub *sub, struct buf *out);
/* "file size: 10 to 20" */
sk_err words_attribute(const struct mt_segment *seg, const struct mt_attr *attr, struct buf *out);
/* One node of an expression: "all of these", "subsignature 2, more than 3 times". */
sk_err words_node(const struct mt_node *node, struct buf *out);
/* "0&(1|2)>3": the expression as ClamAV writes it, always with parentheses around a group. */
sk_err words_expression(const struct mt_node *node, uint32_t count, struct buf *out);
/* "distance" before a part: "at once", "after any number of bytes" */
sk_err words_gap(const struct mt_part *part, struct buf *out);
/* Bytes as text between quotes, what cannot be printed as \xHH. */
sk_err words_bytes_text(const uint8_t *bytes, size_t len, struct buf *out);
sk_err words_bytes_hex(const uint8_t *bytes, size_t len, struct buf *out);

#endif
