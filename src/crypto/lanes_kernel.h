// SPDX-License-Identifier: Apache-2.0
/*
 * Kernels of crypto/lanes.h: several messages hashed side by side. Internal to the crypto floor.
 *
 * A kernel takes `blocks` blocks of 64 bytes of every lane at once. MD5 is computed for all busy
 * lanes, whether wanted or not (a vector has no cheaper form), for none when none is busy; SHA-256
 * for those listed. Every lane has that many blocks to read; one without work reads those of
 * another. Kernels of one machine give equal states (tests/unit/crypto/test_lanes.c).
 *
 * A message in memory and its end, which is padded elsewhere, are taken by one call: a call costs
 * as much as a block (`over`).
 */
#ifndef SK_CRYPTO_LANES_KERNEL_H
#define SK_CRYPTO_LANES_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"
#include "base/vec16.h"

#define LANES_MAX 16u
#define LANES_BLOCK 64u

struct lanes_state {
    /* word-major: state word i of all lanes lies in one vector */
    uint32_t md5[4][LANES_MAX];
    /* as the instructions want it: words ABEF, then CDGH, low to high F E B A, H G D C */
    uint32_t sha256[LANES_MAX][8];
};

enum lanes_which { LANES_MD5, LANES_SHA, LANES_WHICH };

struct lanes_work {
    /* a lane's first blocks, and those behind, of which there are some only when the kernel goes
     * over to them */
    const uint8_t *first[LANES_WHICH][LANES_MAX];
    const uint8_t *then[LANES_WHICH][LANES_MAX];
    size_t whole[LANES_MAX]; /* so many are the first; not 0 */
    /* lanes whose message ends with the last block: its length, the last eight bytes, is
     * little-endian for MD5 and big-endian for SHA-256. All other bytes are the same for both. */
    uint16_t last;
    uint8_t sha_lane[LANES_MAX]; /* the lanes listed */
    unsigned sha_count;
    uint8_t busy[LANES_MAX]; /* lanes whose MD5 counts; others may be left alone */
    unsigned busy_count;
    bool has_fast; /* of kernels that say so: this busy lane, which is not listed, takes two blocks
                    * for every one of the others */
    uint8_t fast;
    size_t blocks;
};

/* Block b of a lane. */
static inline const uint8_t *lanes_block(const struct lanes_work *work, enum lanes_which which,
                                         unsigned lane, size_t b) {
    size_t whole = work->whole[lane];
    return b < whole ? work->first[which][lane] + b * LANES_BLOCK
                     : work->then[which][lane] + (b - whole) * LANES_BLOCK;
}

struct lanes_kernel {
    const char *name;
    unsigned needs;   /* cpu_has */
    unsigned suits;   /* the best one only where there is this, too */
    unsigned lanes;   /* at most LANES_MAX */
    bool over;        /* goes over to `then` */
    unsigned few;     /* so many busy lanes are as fast as one; or 0 */
    unsigned few_sha; /* so many of those with SHA-256 cost little more */
    bool fast;        /* one lane may take two blocks while the others take one */
    void (*run)(struct lanes_state *state, const struct lanes_work *work);
};

/* Not in every build, nor for every machine: ask lanes_kernel_nth. _sha: with instructions for it.
 */
extern const struct lanes_kernel lanes_kernel_late, lanes_kernel_avx512, lanes_kernel_avx2_sha,
    lanes_kernel_avx2, lanes_kernel_vec16_sha, lanes_kernel_vec16;
/* Any machine; as fast as two plain functions, so nothing is gained by waiting for company. */
extern const struct lanes_kernel lanes_kernel_scalar;
/* Those this machine has what they need for, the last is scalar; NULL: no more. The first that
 * suits it, too, is the best. */
const struct lanes_kernel *lanes_kernel_nth(unsigned n);
/* The one to use, or NULL when lanes do not pay here. */
const struct lanes_kernel *lanes_kernel_best(void);

/* clang 14 knows the SHA instructions of arm64 only when the whole program may use them. */
#if defined(__x86_64__) || (VEC16_BUILT && (!defined(__clang__) || defined(__ARM_FEATURE_SHA2)))
#define LANES_VEC16_SHA 1
#else
#define LANES_VEC16_SHA 0
#endif

/* In plain C: MD5 of one lane, faster than vectors that have no other; and one block of SHA-256,
 * state as in struct lanes_state. */
void lanes_md5_blocks(struct lanes_state *state, unsigned lane, const uint8_t *p, size_t blocks);
void lanes_sha256_block(uint32_t state[8], const uint8_t *block);

void lanes_state_start(struct lanes_state *state, unsigned lane);
void lanes_state_md5(const struct lanes_state *state, unsigned lane, uint8_t out_digest[16]);
void lanes_state_sha256(const struct lanes_state *state, unsigned lane, uint8_t out_digest[32]);

/* Digests of a message in memory; NULL: not that one. */
void lanes_once(const uint8_t *bytes, size_t len, uint8_t *out_md5, uint8_t *out_sha256);

#endif
