// SPDX-License-Identifier: Apache-2.0
/*
 * struct buf: a growing byte buffer, also used to build text (always NUL-terminated after the
 * data).
 *
 * Life cycle: zero-initialise, append, buf_release. Ownership: owns its memory; buf.data is
 * **borrowed** until the next append. Errors: appends return SK_E_NOMEM and leave the contents as
 * they were.
 */
#ifndef SK_BASE_BUF_H
#define SK_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
};

sk_err buf_append(struct buf *b, const void *bytes, size_t len);
sk_err buf_puts(struct buf *b, const char *text);
sk_err buf_printf(struct buf *b, const char *fmt, ...) SK_PRINTF(2, 3);
sk_err buf_vprintf(struct buf *b, const char *fmt, va_list args) SK_PRINTF(2, 0);
/* Room for `more` further bytes, so that b->data + b->len may be written directly. */
sk_err buf_reserve(struct buf *b, size_t more);
void buf_clear(struct buf *b);
void buf_release(struct buf *b);
/* "" when empty. */
const char *buf_text(const struct buf *b);

/* Append text that came from outside so that it is safe on a terminal and stays on one line:
 * valid UTF-8 passes, control characters and broken bytes become \n, \t, \xHH, a backslash \\. */
sk_err buf_put_escaped(struct buf *b, const char *text, size_t len);
/* Append a JSON string with quotes; invalid UTF-8 bytes become U+FFFD. */
sk_err buf_put_json(struct buf *b, const char *text, size_t len);

#endif
