// SPDX-License-Identifier: Apache-2.0
/*
 * What a layer is when no format bids for it: one of the text types, HTML, script or binary; and
 * what the mail reader asks.
 *
 * Pure: looks at peek->head only, keeps nothing, cannot fail. The signature target of the layer
 * follows from the answer, so a wrong one means missed signatures.
 */
#ifndef SK_FORMAT_CONTENT_H
#define SK_FORMAT_CONTENT_H

#include "format/format.h"

/* Text, HTML, script or binary. */
enum sk_type sk_content_type(const struct sk_peek *peek);
/* Of a layer that is text: would a browser take it for a page? */
bool sk_content_is_page(const struct sk_peek *peek);
/* Of a layer that is text: is there what looks like a data: address with base64 in the head? Style
 * sheets and scripts embed whole files so; the HTML reader finds them. */
bool sk_content_has_address(const struct sk_peek *peek);
/* HTML's characters: SK_TYPE_TEXT_UTF16LE, SK_TYPE_TEXT_UTF16BE, else one byte each. A page of few
 * Latin letters without a byte order mark is told by its tags. */
enum sk_type sk_content_utf16(const struct sk_peek *peek);
/* What a run of header lines at the start, or the envelope line of a mailbox, makes of a layer. */
enum sk_content_mail {
    SK_CONTENT_NO_MAIL,
    SK_CONTENT_MAYBE_MAIL, /* header lines as far as can be seen, none of them telling */
    SK_CONTENT_MHTML,      /* MIME-Version is the only field that mail has */
    SK_CONTENT_MAIL,
    SK_CONTENT_SURE_MAIL /* already the first line says so: no magic further in should matter */
};
enum sk_content_mail sk_content_mail(const struct sk_peek *peek);
/* "From sender Mon Jan  1 00:00:00 2020" */
bool sk_content_is_envelope(struct sk_bytes line);

#endif
