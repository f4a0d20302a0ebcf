// SPDX-License-Identifier: Apache-2.0
/*
 * Reference kernel in portable C, the constants all kernels share, and the ends of a message:
 * initial states and the bytes of a digest. RFC 1321 (MD5) and FIPS 180-4 (SHA-256).
 *
 * Lane after lane, so it gains nothing over one message at a time: lanes_kernel_best never chooses
 * it. The other kernels are compared with it, and it with libcrypto.
 */
#include "crypto/lanes_kernel.h"

#include "base/cursor.h"
#include "crypto/lanes_tables.h"

const uint32_t lanes_md5_k[64] = {
    0xd76aa478u, 0xe8c7b756u, 0x242070dbu, 0xc1bdceeeu, 0xf57c0fafu, 0x4787c62au, 0xa8304613u,
    0xfd469501u, 0x698098d8u, 0x8b44f7afu, 0xffff5bb1u, 0x895cd7beu, 0x6b901122u, 0xfd987193u,
    0xa679438eu, 0x49b40821u, 0xf61e2562u, 0xc040b340u, 0x265e5a51u, 0xe9b6c7aau, 0xd62f105du,
    0x02441453u, 0xd8a1e681u, 0xe7d3fbc8u, 0x21e1cde6u, 0xc33707d6u, 0xf4d50d87u, 0x455a14edu,
    0xa9e3e905u, 0xfcefa3f8u, 0x676f02d9u, 0x8d2a4c8au, 0xfffa3942u, 0x8771f681u, 0x6d9d6122u,
    0xfde5380cu, 0xa4beea44u, 0x4bdecfa9u, 0xf6bb4b60u, 0xbebfbc70u, 0x289b7ec6u, 0xeaa127fau,
    0xd4ef3085u, 0x04881d05u, 0xd9d4d039u, 0xe6db99e5u, 0x1fa27cf8u, 0xc4ac5665u, 0xf4292244u,
    0x432aff97u, 0xab9423a7u, 0xfc93a039u, 0x655b59c3u, 0x8f0ccc92u, 0xffeff47du, 0x85845dd1u,
    0x6fa87e4fu, 0xfe2ce6e0u, 0xa3014314u, 0x4e0811a1u, 0xf7537e82u, 0xbd3af235u, 0x2ad7d2bbu,
    0xeb86d391u,
};

const uint32_t lanes_sha256_k[64] = {
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u,
    0xab1c5ed5u, 0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu,
    0x9bdc06a7u, 0xc19bf174u, 0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu,
    0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau, 0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u,
    0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u, 0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu,
    0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u, 0xa2bfe8a1u, 0xa81a664bu,
    0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u, 0x19a4c116u,
    0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
    0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u,
    0xc67178f2u,
};

static uint32_t rol(uint32_t x, unsigned n) {
    return x << n | x >> (32 - n);
}

static uint32_t ror(uint32_t x, unsigned n) {
    return x >> n | x << (32 - n);
}

/* ---- MD5 ------------------------------------------------------------------------------------- */

#define VEC uint32_t
#define ADD(x, y) ((x) + (y))
#define SPLAT(k) (k)
#define ROL(x, n) rol((x), (n))
#define MIX_F(b, c, d) ((d) ^ ((b) & ((c) ^ (d))))
#define MIX_G(b, c, d) ((c) ^ ((d) & ((b) ^ (c))))
#define MIX_H(b, c, d) ((b) ^ (c) ^ (d))
#define MIX_I(b, c, d) ((c) ^ ((b) | ~(d)))
#define MD5_FIXED(x) __asm__("" : "+r"(x))
#define MD5_TARGET
#define MD5_STEPS md5_steps
#include "crypto/lanes_md5.h"

void lanes_md5_blocks(struct lanes_state *st, unsigned lane, const uint8_t *p, size_t blocks) {
    uint32_t v[4], w[16];
    for (unsigned i = 0; i < 4; i++) {
        v[i] = st->md5[i][lane];
    }
    for (; blocks > 0; blocks--, p += LANES_BLOCK) {
        for (size_t i = 0; i < 16; i++) {
            w[i] = sk_load_u32le(p + 4 * i);
        }
        md5_steps(v, w);
    }
    for (unsigned i = 0; i < 4; i++) {
        st->md5[i][lane] = v[i];
    }
}

/* ---- SHA-256 --------------------------------------------------------------------------------- */

/* Where the words A..H lie in struct lanes_state. */
const uint8_t lanes_sha256_place[8] = {3, 2, 7, 6, 1, 0, 5, 4};

#define SHA_ROR(x, n) ror((x), (n))
#define SHA_SHR(x, n) ((x) >> (n))
#define SHA_XOR3(x, y, z) ((x) ^ (y) ^ (z))
#define SHA_CHOOSE(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define SHA_MAJORITY(x, y, z) (((x) & (y)) | ((z) & ((x) | (y))))
#define SHA_ROUNDS_TARGET
#define SHA_ROUNDS sha_rounds
#include "crypto/lanes_sha_rounds.h"

void lanes_sha256_block(uint32_t state[8], const uint8_t *p) {
    uint32_t v[8], w[16];
    for (unsigned i = 0; i < 8; i++) {
        v[i] = state[lanes_sha256_place[i]];
    }
    for (unsigned i = 0; i < 16; i++) {
        w[i] = sk_load_u32be(p + 4 * i);
    }
    sha_rounds(v, w);
    for (unsigned i = 0; i < 8; i++) {
        state[lanes_sha256_place[i]] = v[i];
    }
}

/* ---- kernel ---------------------------------------------------------------------------------- */

static void scalar_run(struct lanes_state *st, const struct lanes_work *w) {
    for (unsigned i = 0; i < w->busy_count; i++) {
        lanes_md5_blocks(st, w->busy[i], w->first[LANES_MD5][w->busy[i]], w->blocks);
    }
    for (unsigned i = 0; i < w->sha_count; i++) {
        unsigned lane = w->sha_lane[i];
        for (size_t b = 0; b < w->blocks; b++) {
            lanes_sha256_block(st->sha256[lane], w->first[LANES_SHA][lane] + b * LANES_BLOCK);
        }
    }
}

const struct lanes_kernel lanes_kernel_scalar = {
    .name = "scalar", .needs = 0, .lanes = LANES_MAX, .run = scalar_run};

void lanes_state_start(struct lanes_state *st, unsigned lane) {
    static const uint32_t md5[4] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u};
    static const uint32_t sha[8] = {0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                    0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};
    for (unsigned i = 0; i < 4; i++) {
        st->md5[i][lane] = md5[i];
    }
    for (unsigned i = 0; i < 8; i++) {
        st->sha256[lane][lanes_sha256_place[i]] = sha[i];
    }
}

void lanes_state_md5(const struct lanes_state *st, unsigned lane, uint8_t out_digest[16]) {
    for (unsigned i = 0; i < 4; i++) {
        sk_store_u32le(out_digest + 4 * i, st->md5[i][lane]);
    }
}

void lanes_state_sha256(const struct lanes_state *st, unsigned lane, uint8_t out_digest[32]) {
    for (unsigned i = 0; i < 8; i++) {
        sk_store_u32be(out_digest + 4 * i, st->sha256[lane][lanes_sha256_place[i]]);
    }
}
