// SPDX-License-Identifier: Apache-2.0
/*
 * struct lines: the text lines of a signature file, one after the other.
 *
 * Comments (#), empty lines and carriage returns before the newline are dropped. A line that is
 * longer than the cap or holds a NUL byte is given with a fault instead of text, and reading goes
 * on after it.
 *
 * Life cycle: lines_init -> lines_next until out->end -> lines_release. **Borrows** the stream;
 * out->text is borrowed until the next call. Errors: those of the stream, SK_E_NOMEM.
 */
#ifndef SK_DEFC_LINES_H
#define SK_DEFC_LINES_H

#include "base/source.h"

#define LINES_CAP 8192u
#define LINES_CAP_LOGICAL 32768u

struct line {
    const char *text; /* not NUL-terminated */
    size_t len;
    uint64_t number;   /* 1-based */
    const char *fault; /* why the text cannot be used, or NULL */
    bool end;          /* no further line; nothing else is set */
};

struct lines {
    struct sk_stream *in;
    size_t cap;
    uint8_t *buf;
    size_t pos;
    size_t len;
    uint64_t number;
    uint64_t bytes; /* taken from the stream so far */
    bool eof;
};

sk_err lines_init(struct lines *l, struct sk_stream *in, size_t cap);
sk_err lines_next(struct lines *l, struct line *out);
void lines_release(struct lines *l);

#endif
