// SPDX-License-Identifier: Apache-2.0
/*
 * SHA-256 with the SHA2 instructions of arm64, one message at a time. Internal to the kernels.
 *
 * They want the state as ABCD and EFGH, low to high; struct lanes_state keeps it as x86 does and is
 * turned at both ends, once for all blocks.
 */
#ifndef SK_CRYPTO_LANES_SHA_ARM_H
#define SK_CRYPTO_LANES_SHA_ARM_H

#include "base/vec16.h"
#include "crypto/lanes_kernel.h"
#include "crypto/lanes_tables.h"

#define SHA_TARGET __attribute__((target("+crypto")))

struct sha_message {
    uint32x4_t abcd, efgh;
    uint32x4_t w[4]; /* the next sixteen words of the schedule */
};

/* Rounds 4g to 4g + 3. g is a constant after inlining. */
SHA_TARGET static inline __attribute__((always_inline)) void sha_four(struct sha_message *m,
                                                                      unsigned g) {
    uint32x4_t x = vaddq_u32(m->w[g & 3], vld1q_u32(lanes_sha256_k + 4 * (size_t)g));
    uint32x4_t abcd = m->abcd;
    m->abcd = vsha256hq_u32(m->abcd, m->efgh, x);
    m->efgh = vsha256h2q_u32(m->efgh, abcd, x);
    if (g < 12) {
        uint32x4_t t = vsha256su0q_u32(m->w[g & 3], m->w[(g + 1) & 3]);
        m->w[g & 3] = vsha256su1q_u32(t, m->w[(g + 2) & 3], m->w[(g + 3) & 3]);
    }
}

SHA_TARGET static inline __attribute__((always_inline)) void sha_sixteen(struct sha_message *m,
                                                                         unsigned g) {
    sha_four(m, g);
    sha_four(m, g + 1);
    sha_four(m, g + 2);
    sha_four(m, g + 3);
}

SHA_TARGET static void sha_one(uint32_t state[8], const uint8_t *p, size_t blocks) {
    vec16_u32 feba, hgdc;
    memcpy(&feba, state, sizeof(feba));
    memcpy(&hgdc, state + 4, sizeof(hgdc));
    struct sha_message m = {
        .abcd = (uint32x4_t)__builtin_shufflevector(feba, hgdc, 3, 2, 7, 6),
        .efgh = (uint32x4_t)__builtin_shufflevector(feba, hgdc, 1, 0, 5, 4),
    };
    for (; blocks > 0; blocks--, p += LANES_BLOCK) {
        uint32x4_t abcd = m.abcd, efgh = m.efgh;
        for (size_t i = 0; i < 4; i++) {
            m.w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(p + 16 * i)));
        }
        sha_sixteen(&m, 0);
        sha_sixteen(&m, 4);
        sha_sixteen(&m, 8);
        sha_sixteen(&m, 12);
        m.abcd = vaddq_u32(m.abcd, abcd);
        m.efgh = vaddq_u32(m.efgh, efgh);
    }
    vec16_u32 a = (vec16_u32)m.abcd, e = (vec16_u32)m.efgh;
    feba = __builtin_shufflevector(a, e, 5, 4, 1, 0);
    hgdc = __builtin_shufflevector(a, e, 7, 6, 3, 2);
    memcpy(state, &feba, sizeof(feba));
    memcpy(state + 4, &hgdc, sizeof(hgdc));
}

#endif
