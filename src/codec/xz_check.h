// SPDX-License-Identifier: Apache-2.0
/*
 * xz_check: the checksum of a block of .xz (specification 1.1.0, 2.1.1.2). Internal to the .xz
 * decoder. Kinds that are not defined yet have a size, but are not checked.
 *
 * Storage of the caller: {0} -> (xz_check_begin -> xz_check_add... -> xz_check_agrees)... ->
 * xz_check_release. Errors: SK_E_NOMEM.
 */
#ifndef SK_CODEC_XZ_CHECK_H
#define SK_CODEC_XZ_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define XZ_CHECK_KINDS 16u
#define XZ_CHECK_MAX ((size_t)64)

struct digester;

struct xz_check {
    unsigned kind;
    uint64_t crc;
    struct digester *sha256; /* owned; NULL until it is needed */
};

/* Bytes that a checksum of this kind (below XZ_CHECK_KINDS) has. */
size_t xz_check_bytes(unsigned kind);
sk_err xz_check_begin(struct xz_check *c, unsigned kind);
sk_err xz_check_add(struct xz_check *c, const uint8_t *bytes, size_t len);
/* stored: xz_check_bytes of the kind. */
sk_err xz_check_agrees(struct xz_check *c, const uint8_t *stored, bool *out_agrees);
void xz_check_release(struct xz_check *c);
/* CRC-64 of ECMA-182, turned round, of more bytes; begins with 0. */
uint64_t xz_crc64(uint64_t crc, const uint8_t *bytes, size_t len);

#endif
