// SPDX-License-Identifier: Apache-2.0
/* Authenticode signatures: hostile bytes, every question asked. */
#include <stdlib.h>

#include "crypto/signed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct crypto_signed *s = NULL;
    if (sk_failed(crypto_signed_open((struct sk_bytes){data, size}, &s))) {
        return 0;
    }
    uint32_t count = crypto_signed_cert_count(s), stamper = 0;
    int64_t when = 0;
    if (count > CRYPTO_SIGNED_CERTS_MAX) {
        abort();
    }
    for (uint32_t i = 0; i < count && i < 4; i++) {
        const struct crypto_cert *c = crypto_signed_cert(s, i);
        if ((c->modulus.ptr == NULL) != (c->modulus.len == 0)) {
            abort();
        }
        (void)crypto_signed_issued(s, i, c->modulus);
    }
    uint32_t signer = crypto_signed_signer(s);
    if (signer != CRYPTO_NO_CERT && signer >= count) {
        abort();
    }
    (void)crypto_signed_holds(s);
    if (crypto_signed_stamp(s, &stamper, &when) && stamper >= count) {
        abort();
    }
    if (sk_failed(crypto_signed_feed(s, "MZ", 2))) {
        abort();
    }
    (void)crypto_signed_fits(s); /* true once: the fuzzer wrote the digest of these two bytes */
    crypto_signed_close(s);
    return 0;
}
