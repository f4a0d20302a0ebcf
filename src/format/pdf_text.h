// SPDX-License-Identifier: Apache-2.0
/*
 * pdf_page_text: the words of a PDF content stream, normalised, as a stream on a stream. Storage of
 * the caller; **borrows** `up`. Errors: those of `up`.
 */
#ifndef SK_FORMAT_PDF_TEXT_H
#define SK_FORMAT_PDF_TEXT_H

#include "base/source.h"

struct pdf_page_text {
    struct sk_stream base;
    struct sk_stream *up;
    bool inside; /* a string */
    bool blank;  /* the last byte given out was one */
};

struct sk_stream *pdf_page_text_init(struct pdf_page_text *t, struct sk_stream *up);

#endif
