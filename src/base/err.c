// SPDX-License-Identifier: Apache-2.0
/* Texts of sk_err codes. One table; a test checks that every code has one. */
#include "base/err.h"

static const char *const TEXTS[SK_E_COUNT] = {
    [SK_OK] = "ok",
    [SK_E_NOMEM] = "out of memory",
    [SK_E_IO] = "input/output error",
    [SK_E_FORMAT] = "damaged data",
    [SK_E_LIMIT] = "limit reached",
    [SK_E_UNSUPPORTED] = "not supported",
    [SK_E_ENCRYPTED] = "encrypted",
    [SK_E_NOTFOUND] = "not found",
    [SK_E_PERM] = "permission denied",
    [SK_E_USAGE] = "wrong usage",
    [SK_E_STOP] = "stopped",
    [SK_E_BAD_SIGNATURE] = "bad digital signature or checksum",
    [SK_E_INTERNAL] = "internal error",
};

const char *sk_err_text(sk_err err) {
    if (err.code < 0 || err.code >= SK_E_COUNT) {
        return "unknown error";
    }
    return TEXTS[err.code];
}
