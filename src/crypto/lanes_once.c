// SPDX-License-Identifier: Apache-2.0
/*
 * One short message by a kernel of the lanes: what the start needs (names, headers of images) and
 * what keeps small things from loading libcrypto. A long one is better off there: one message has
 * vectors to itself here, but where they are late (lanes_chains.h).
 */
#include "crypto/lanes_kernel.h"

#include <string.h>

#include "base/cursor.h"

/* work->blocks of them, which differ when they are the end. */
static void run(struct lanes_state *st, struct lanes_work *work, const uint8_t *md5,
                const uint8_t *sha) {
    const struct lanes_kernel *kernel = lanes_kernel_best();
    work->last = sha != md5;
    work->first[LANES_SHA][0] = sha;
    for (unsigned i = 0; i < LANES_MAX; i++) {
        work->first[LANES_MD5][i] = md5;
        work->whole[i] = work->blocks;
    }
    if (work->blocks > 0) {
        (kernel != NULL ? kernel : &lanes_kernel_scalar)->run(st, work);
    }
}

void lanes_once(const uint8_t *bytes, size_t len, uint8_t *out_md5, uint8_t *out_sha256) {
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
    struct lanes_work work = {.busy_count = out_md5 != NULL, .sha_count = out_sha256 != NULL};
    lanes_state_start(&st, 0);
    work.blocks = whole;
    run(&st, &work, bytes, bytes);
    work.blocks = tail;
    run(&st, &work, end[0], end[1]);
    if (out_md5 != NULL) {
        lanes_state_md5(&st, 0, out_md5);
    }
    if (out_sha256 != NULL) {
        lanes_state_sha256(&st, 0, out_sha256);
    }
}
