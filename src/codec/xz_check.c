// SPDX-License-Identifier: Apache-2.0
/*
 * Checksums of .xz: none, CRC-32, CRC-64, SHA-256. CRC-64 takes 16 bytes at a time: a table for
 * each of their places says what it does to the remainder.
 */
#include "codec/xz_check.h"

#include <string.h>
#include <threads.h>

#include "base/cursor.h"
#include "codec/codec.h"
#include "crypto/digest.h"

#define STEP_BYTES 16u
#define CRC64_POLYNOMIAL UINT64_C(0xc96c5795d7870f42)

enum { KIND_NONE = 0, KIND_CRC32 = 1, KIND_CRC64 = 4, KIND_SHA256 = 10 };

static uint64_t crc64_table[STEP_BYTES][256];

static void make_crc64_table(void) {
    for (unsigned byte = 0; byte < 256; byte++) {
        uint64_t crc = byte;
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (CRC64_POLYNOMIAL & (0 - (crc & 1)));
        }
        crc64_table[0][byte] = crc;
    }
    for (unsigned place = 1; place < STEP_BYTES; place++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint64_t crc = crc64_table[place - 1][byte];
            crc64_table[place][byte] = crc >> 8 ^ crc64_table[0][crc & 0xff];
        }
    }
}

/* What eight bytes do to the remainder when `behind` (0 or 8) more follow in the step. */
static inline uint64_t crc64_eight(uint64_t x, unsigned behind) {
    return crc64_table[behind + 7][x & 0xff] ^ crc64_table[behind + 6][x >> 8 & 0xff] ^
           crc64_table[behind + 5][x >> 16 & 0xff] ^ crc64_table[behind + 4][x >> 24 & 0xff] ^
           crc64_table[behind + 3][x >> 32 & 0xff] ^ crc64_table[behind + 2][x >> 40 & 0xff] ^
           crc64_table[behind + 1][x >> 48 & 0xff] ^ crc64_table[behind][x >> 56];
}

uint64_t xz_crc64(uint64_t crc, const uint8_t *bytes, size_t len) {
    static once_flag made = ONCE_FLAG_INIT;
    call_once(&made, make_crc64_table);
    crc = ~crc;
    for (; len >= STEP_BYTES; len -= STEP_BYTES, bytes += STEP_BYTES) {
        crc = crc64_eight(sk_load_u64le(bytes) ^ crc, 8) ^ crc64_eight(sk_load_u64le(bytes + 8), 0);
    }
    for (; len > 0; len--, bytes++) {
        crc = crc >> 8 ^ crc64_table[0][(crc ^ *bytes) & 0xff];
    }
    return ~crc;
}

size_t xz_check_bytes(unsigned kind) {
    static const uint8_t bytes[XZ_CHECK_KINDS] = {0,  4,  4,  4,  8,  8,  8,  16,
                                                  16, 16, 32, 32, 32, 64, 64, 64};
    return bytes[kind];
}

sk_err xz_check_begin(struct xz_check *c, unsigned kind) {
    c->kind = kind;
    c->crc = 0;
    if (kind != KIND_SHA256) {
        return sk_ok();
    }
    if (c->sha256 == NULL) {
        TRY(digester_new(&c->sha256));
    }
    return digester_begin(c->sha256, CRYPTO_MASK(CRYPTO_SHA256));
}

sk_err xz_check_add(struct xz_check *c, const uint8_t *bytes, size_t len) {
    switch (c->kind) {
    case KIND_CRC32:
        c->crc = sk_crc32((uint32_t)c->crc, bytes, len);
        return sk_ok();
    case KIND_CRC64:
        c->crc = xz_crc64(c->crc, bytes, len);
        return sk_ok();
    case KIND_SHA256:
        return digester_update(c->sha256, bytes, len);
    default:
        return sk_ok();
    }
}

sk_err xz_check_agrees(struct xz_check *c, const uint8_t *stored, bool *out_agrees) {
    uint8_t sum[3][CRYPTO_DIGEST_MAX] = {{0}};
    switch (c->kind) {
    case KIND_CRC32:
        *out_agrees = sk_load_u32le(stored) == c->crc;
        return sk_ok();
    case KIND_CRC64:
        *out_agrees = sk_load_u64le(stored) == c->crc;
        return sk_ok();
    case KIND_SHA256:
        TRY(digester_end(c->sha256, sum));
        *out_agrees = memcmp(sum[CRYPTO_SHA256], stored, CRYPTO_DIGEST_MAX) == 0;
        return sk_ok();
    default:
        *out_agrees = true;
        return sk_ok();
    }
}

void xz_check_release(struct xz_check *c) {
    digester_free(c->sha256);
    c->sha256 = NULL;
}
