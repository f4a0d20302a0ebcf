// SPDX-License-Identifier: Apache-2.0
/*
 * MHTML (RFC 2557): a web page and what it shows as one multipart, saved by browsers and by Word
 * and Excel ("single file web page").
 *
 *     MIME-Version: 1.0, Content-Type: multipart/related, and no field that only mail has
 *
 * It is read as mail is; names of parts come from Content-Location where there is no other. A page
 * that a browser saved with From and Subject is mail for clamscan 1.4.6 (seen), and so it is here;
 * the members of an MHTML file are in a CL_TYPE_MHTML container there, and its raw bytes are
 * searched for target 0 only.
 */
#include "format/content.h"
#include "format/mail_parts.h"

static int mhtml_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_content_mail(peek) == SK_CONTENT_MHTML ? MAIL_BID : 0;
}

const struct sk_format sk_format_mhtml = {
    .name = "mhtml", .type = SK_TYPE_MHTML, .probe = mhtml_probe, .walk = mail_walk};
