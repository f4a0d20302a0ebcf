// SPDX-License-Identifier: Apache-2.0
/*
 * CRC-32C (Castagnoli), the checksum of image pages and sections: finds damage, not forgery.
 * crc: 0 to start, or the result so far to continue. With an instruction for it where the machine
 * has one. Source: RFC 3720 appendix B.4 (test vectors).
 */
#ifndef SK_CRYPTO_CRC32C_H
#define SK_CRYPTO_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crypto_crc32c(uint32_t crc, const void *bytes, size_t len);
/* The portable way, for tests to compare with. */
uint32_t crypto_crc32c_table(uint32_t crc, const void *bytes, size_t len);

#endif
