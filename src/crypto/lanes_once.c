// SPDX-License-Identifier: Apache-2.0
/*
 * One short message by a kernel of the lanes: what the start needs (names, headers of images) and
 * what keeps small things from loading libcrypto. A long one is better off there: its MD5 and
 * SHA-256 are computed both here.
 */
#include "crypto/lanes_kernel.h"

#include <string.h>

#include "base/cursor.h"

static void run(struct lanes_state *st, const uint8_t *md5, const uint8_t *sha, size_t blocks) {
    const struct lanes_kernel *kernel = lanes_kernel_best();
    struct lanes_work work = {.sha = {sha}, .sha_count = 1, .busy_count = 1, .blocks = blocks};
    for (unsigned i = 0; i < LANES_MAX; i++) {
        work.md5[i] = md5;
    }
    if (blocks > 0) {
        (kernel != NULL ? kernel : &lanes_kernel_scalar)->run(st, &work);
    }
}

void lanes_once(const uint8_t *bytes, size_t len, uint8_t out_md5[16], uint8_t out_sha256[32]) {
    struct lanes_state st = {0};
    uint8_t end[2][2 * LANES_BLOCK] = {{0}};
    size_t whole = len / LANES_BLOCK, rest = len % LANES_BLOCK;
    size_t tail = rest < LANES_BLOCK - 8 ? 1 : 2;
    size_t at = tail * LANES_BLOCK - 8;
    if (rest > 0) {
        memcpy(end[0], bytes + whole * LANES_BLOCK, rest);
    }
    end[0][rest] = 0x80;
    memcpy(end[1], end[0], sizeof(end[0]));
    sk_store_u64le(&end[0][at], (uint64_t)len * 8);
    sk_store_u32be(&end[1][at], (uint32_t)((uint64_t)len >> 29));
    sk_store_u32be(&end[1][at + 4], (uint32_t)((uint64_t)len << 3));
    lanes_state_start(&st, 0);
    run(&st, bytes, bytes, whole);
    run(&st, end[0], end[1], tail);
    lanes_state_md5(&st, 0, out_md5);
    lanes_state_sha256(&st, 0, out_sha256);
}
