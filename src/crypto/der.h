// SPDX-License-Identifier: Apache-2.0
/*
 * der_next, der_expect: the elements of DER (X.690), one after the other, out of a cursor.
 *
 * Definite lengths up to four bytes, tags of one byte. Bodies are **borrowed** from the bytes under
 * the cursor. False: there is no such element.
 */
#ifndef SK_CRYPTO_DER_H
#define SK_CRYPTO_DER_H

#include "base/cursor.h"

#define DER_OCTETS 0x04
#define DER_OID 0x06
#define DER_SEQUENCE 0x30
#define DER_SET 0x31

/* The element at the front of a cursor: its tag, its contents. */
static inline bool der_next(struct sk_cursor *c, uint8_t *out_tag, struct sk_bytes *out_body) {
    *out_tag = sk_cursor_u8(c);
    size_t len = sk_cursor_u8(c);
    if (len >= 0x80) {
        size_t more = len & 0x7f;
        len = 0;
        if (more == 0 || more > 4) {
            return false;
        }
        for (size_t i = 0; i < more; i++) {
            len = len << 8 | sk_cursor_u8(c);
        }
    }
    const uint8_t *body = sk_cursor_take(c, len);
    *out_body = (struct sk_bytes){body, body == NULL ? 0 : len};
    return sk_cursor_ok(c);
}

static inline bool der_expect(struct sk_cursor *c, uint8_t tag, struct sk_bytes *out_body) {
    uint8_t got;
    return der_next(c, &got, out_body) && got == tag;
}

#endif
