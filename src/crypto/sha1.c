// SPDX-License-Identifier: Apache-2.0
/*
 * SHA-1 (FIPS 180-4) of one short message in plain C. Signatures name it for few files, mostly by
 * size alone no object's; but to load libcrypto for the one file that has such a size costs a
 * worker, 7 ms, as much as a thousand of these. A hundred SHA-1 a scan are nothing to make vectors
 * for.
 */
#include "crypto/sha1.h"

#include <string.h>

#include "base/cursor.h"

#define BLOCK ((size_t)64)
#define LENGTH_BYTES ((size_t)8)

static uint32_t rol(uint32_t x, unsigned n) {
    return x << n | x >> (32 - n);
}

/* The function of round i and its constant. */
static uint32_t mix(unsigned i, uint32_t b, uint32_t c, uint32_t d) {
    switch (i / 20) {
    case 0:
        return (d ^ (b & (c ^ d))) + 0x5a827999u;
    case 1:
        return (b ^ c ^ d) + 0x6ed9eba1u;
    case 2:
        return ((b & c) | (d & (b | c))) + 0x8f1bbcdcu;
    default:
        return (b ^ c ^ d) + 0xca62c1d6u;
    }
}

static void add_block(uint32_t state[5], const uint8_t *p) {
    uint32_t w[16];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned i = 0; i < 80; i++) {
        uint32_t *word = &w[i % 16];
        *word = i < 16 ? sk_load_u32be(p + 4 * (size_t)i)
                       : rol(w[(i + 13) % 16] ^ w[(i + 8) % 16] ^ w[(i + 2) % 16] ^ *word, 1);
        uint32_t next = rol(a, 5) + mix(i, b, c, d) + e + *word;
        e = d;
        d = c;
        c = rol(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void sha1_once(const uint8_t *bytes, size_t len, uint8_t out_digest[SHA1_BYTES]) {
    uint32_t state[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    uint8_t end[2 * BLOCK] = {0};
    size_t whole = len - len % BLOCK, rest = len % BLOCK;
    size_t tail = rest < BLOCK - LENGTH_BYTES ? BLOCK : 2 * BLOCK;
    for (size_t at = 0; at < whole; at += BLOCK) {
        add_block(state, bytes + at);
    }
    if (rest > 0) {
        memcpy(end, bytes + whole, rest);
    }
    end[rest] = 0x80;
    sk_store_u32be(end + tail - LENGTH_BYTES, (uint32_t)((uint64_t)len >> 29));
    sk_store_u32be(end + tail - 4, (uint32_t)((uint64_t)len << 3));
    for (size_t at = 0; at < tail; at += BLOCK) {
        add_block(state, end + at);
    }
    for (size_t i = 0; i < 5; i++) {
        sk_store_u32be(out_digest + 4 * i, state[i]);
    }
}
