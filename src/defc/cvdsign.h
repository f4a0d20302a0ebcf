// SPDX-License-Identifier: Apache-2.0
/*
 * The detached signature that newer releases of ClamAV (1.5) keep beside a container:
 * NAME-VERSION.cvd.sign in the same directory. It speaks for the whole file, with SHA-2 instead of
 * the MD5 of the header, and certificates instead of built-in keys.
 *
 *   #clamsign-1.0
 *   minFL:maxFL:pkcs7-pem:<base64 of a detached PKCS#7 in DER>          one line a signer
 *
 * struct cvdsign: the certificates to believe. Life cycle: cvdsign_open -> cvdsign_check for each
 * container -> cvdsign_close. Without a directory of certificates there is nothing to check
 * against: cvdsign_check then only tells that a signature lies unread.
 * Ownership: **borrows** diag for the call. Errors: SK_E_BAD_SIGNATURE (there is a file, and no
 * line of it holds), SK_E_NOTFOUND (cvdsign_open: no certificate in the directory), SK_E_PERM,
 * SK_E_IO, SK_E_LIMIT (not the size of such a file), SK_E_NOMEM. Reasons go to diag.
 */
#ifndef SK_DEFC_CVDSIGN_H
#define SK_DEFC_CVDSIGN_H

#include "defc/cvd.h"

struct cvdsign;

/* certs: a directory of *.crt, *.pem and *.cer files in PEM form; NULL: none. */
sk_err cvdsign_open(const char *certs, struct diag *diag, struct cvdsign **out_sign);
void cvdsign_close(struct cvdsign *sign);

/* `path` is that of the container. Containers of other kinds than CVD_SIGNED have no such file. A
 * container without the file is told of, and goes on as its own signatures say. */
sk_err cvdsign_check(struct cvdsign *sign, struct cvd *c, const char *path, struct diag *diag);

#endif
