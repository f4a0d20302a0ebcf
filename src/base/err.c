// SPDX-License-Identifier: Apache-2.0
/* Texts of sk_err codes. One table; a test checks that every code has one. */
#include "base/err.h"

#include "base/mark.h"

static const char *const TEXTS[SK_E_COUNT] = {
    [SK_OK] = N_("ok"),
    [SK_E_NOMEM] = N_("out of memory"),
    [SK_E_IO] = N_("input/output error"),
    [SK_E_FORMAT] = N_("damaged data"),
    [SK_E_LIMIT] = N_("limit reached"),
    [SK_E_UNSUPPORTED] = N_("not supported"),
    [SK_E_ENCRYPTED] = N_("encrypted"),
    [SK_E_NOTFOUND] = N_("not found"),
    [SK_E_PERM] = N_("permission denied"),
    [SK_E_USAGE] = N_("wrong usage"),
    [SK_E_STOP] = N_("stopped"),
    [SK_E_BAD_SIGNATURE] = N_("bad digital signature or checksum"),
    [SK_E_INTERNAL] = N_("internal error"),
};

const char *sk_err_text(sk_err err) {
    if (err.code < 0 || err.code >= SK_E_COUNT) {
        return N_("unknown error");
    }
    return TEXTS[err.code];
}
