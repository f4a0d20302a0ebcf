// SPDX-License-Identifier: Apache-2.0
/*
 * Keys of encrypted Office documents, and the bytes behind them. Internal to src/format.
 *
 * office_package_open: EncryptionInfo and EncryptedPackage of an OOXML document -> a stream of the
 * package, for a password that fits. office_rc4_open: FILEPASS of a workbook -> the key of its
 * records. Both try the passwords that Office itself tries (OFFICE_DEFAULT_PASSWORD, none) and the
 * first of walk_password.
 * Life cycle: open -> read -> office_package_close. Ownership: stream and struct **borrow** the
 * struct ole2. Errors: SK_E_ENCRYPTED no password fits; SK_E_UNSUPPORTED an unknown method;
 * SK_E_FORMAT damaged; SK_E_NOMEM.
 * Limits: OFFICE_SPINS_MAX rounds of key derivation, OFFICE_PASSWORDS_MAX passwords a document.
 * Source: [MS-OFFCRYPTO] 2.3.4, 2.3.5, 2.3.6.
 */
#ifndef SK_FORMAT_OFFICE_KEY_H
#define SK_FORMAT_OFFICE_KEY_H

#include "crypto/cipher.h"
#include "format/ole2.h"

#define OFFICE_DEFAULT_PASSWORD "VelvetSweatshop"
#define OFFICE_SPINS_MAX 200000u
#define OFFICE_PASSWORDS_MAX 6u

/* The password number `index`; false: no more. UTF-16LE in out_utf16, at most 256 bytes. */
struct office_password {
    uint8_t utf16[256];
    size_t len;
};
bool office_password(struct sk_walk *walk, unsigned index, struct office_password *out);

/* RC4 of workbooks and its key for any block of 1024 bytes. */
struct office_rc4 {
    struct rc4 rc4;
    bool is_capi;
    unsigned key_bits;
    uint8_t base[32]; /* what the block number is hashed with */
    uint64_t place;   /* of the next byte in the stream; UINT64_MAX: none yet */
};
sk_err office_rc4_open(struct sk_walk *walk, struct sk_bytes filepass, struct office_rc4 *out);
/* In place; the bytes stand at `place` of the stream. */
sk_err office_rc4_run(struct office_rc4 *rc4, uint64_t place, uint8_t *bytes, size_t len);

/* ole2_package.c: gives the package inside as a member, when a password fits. */
sk_err ole2_package(struct ole2 *o, uint32_t info, uint32_t package, bool *out_given);

#endif
