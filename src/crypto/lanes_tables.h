// SPDX-License-Identifier: Apache-2.0
/* Constants of MD5 and SHA-256, shared by the kernels of crypto/lanes_kernel.h. */
#ifndef SK_CRYPTO_LANES_TABLES_H
#define SK_CRYPTO_LANES_TABLES_H

#include <stdint.h>

extern const uint32_t lanes_md5_k[64];
extern const uint32_t lanes_sha256_k[64];
/* Where the words A to H stand in a lane of struct lanes_state. */
extern const uint8_t lanes_sha256_place[8];

#endif
