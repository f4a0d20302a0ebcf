// SPDX-License-Identifier: Apache-2.0
/*
 * Two ways to the same number: the instruction for it of SSE4.2 and arm64 (8 bytes a step, three
 * streams would be faster but image pages are checked once), and slicing-by-8 tables made at first
 * use. The choice is made at run time, so one binary serves every machine.
 */
#include "crypto/crc32c.h"

#include "base/cpu.h"
#include "base/cursor.h"

#define POLY 0x82f63b78u /* reflected */

static uint32_t table[8][256];

static void make_tables(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) {
            c = (c & 1) != 0 ? (c >> 1) ^ POLY : c >> 1;
        }
        table[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++) {
        for (int k = 1; k < 8; k++) {
            table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 255];
        }
    }
}

uint32_t crypto_crc32c_table(uint32_t crc, const void *bytes, size_t len) {
    const uint8_t *p = bytes;
    if (table[0][1] == 0) {
        make_tables();
    }
    uint32_t c = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        uint32_t lo = c ^ sk_load_u32le(p);
        uint32_t hi = sk_load_u32le(p + 4);
        c = table[7][lo & 255] ^ table[6][(lo >> 8) & 255] ^ table[5][(lo >> 16) & 255] ^
            table[4][lo >> 24] ^ table[3][hi & 255] ^ table[2][(hi >> 8) & 255] ^
            table[1][(hi >> 16) & 255] ^ table[0][hi >> 24];
    }
    for (; len > 0; len--, p++) {
        c = (c >> 8) ^ table[0][(c ^ *p) & 255];
    }
    return ~c;
}

#if defined(__x86_64__)

#define CRC __attribute__((target("sse4.2")))
#define CRC_WORD(crc, word) (uint32_t) __builtin_ia32_crc32di((crc), (word))
#define CRC_BYTE(crc, byte) __builtin_ia32_crc32qi((crc), (byte))

#elif defined(__aarch64__) && !defined(__clang__)

#define CRC __attribute__((target("+crc")))
#define CRC_WORD(crc, word) __builtin_aarch64_crc32cx((crc), (word))
#define CRC_BYTE(crc, byte) __builtin_aarch64_crc32cb((crc), (byte))

#endif

#ifdef CRC

CRC static uint32_t crc_instructions(uint32_t crc, const uint8_t *p, size_t len) {
    uint32_t c = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        c = CRC_WORD(c, sk_load_u64le(p));
    }
    for (; len > 0; len--, p++) {
        c = CRC_BYTE(c, *p);
    }
    return ~c;
}

#else

static uint32_t crc_instructions(uint32_t crc, const uint8_t *p, size_t len) {
    return crypto_crc32c_table(crc, p, len);
}

#endif

uint32_t crypto_crc32c(uint32_t crc, const void *bytes, size_t len) {
    return cpu_has(CPU_CRC32C) ? crc_instructions(crc, bytes, len)
                               : crypto_crc32c_table(crc, bytes, len);
}
