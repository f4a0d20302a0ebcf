// SPDX-License-Identifier: Apache-2.0
/*
 * SHA-256 of the listed messages in vectors, for machines without instructions for it. A file that
 * includes this defines before: what lanes_sha_rounds.h wants, WIDE (messages in a vector),
 * WIDE_WORTH (fewer are hashed one by one) and wide_words(message[WIDE], offset, w[16]), which puts
 * word i of all messages into w[i] in their byte order, and gets sha_wide(state, work, first,
 * blocks).
 *
 * Messages are put together in the order of the list; places that are left take the first one along
 * and throw it away.
 */
#include <string.h>

#include "crypto/lanes_sha_rounds.h"

SHA_ROUNDS_TARGET static void sha_wide_some(struct lanes_state *st, const struct lanes_work *work,
                                            const uint8_t *lane, const size_t part[2]) {
    const uint8_t *message[WIDE];
    uint32_t word[8][WIDE];
    VEC state[8], w[16];
    for (unsigned k = 0; k < WIDE; k++) {
        message[k] = work->first[LANES_SHA][lane[k]];
        for (unsigned i = 0; i < 8; i++) {
            word[i][k] = st->sha256[lane[k]][lanes_sha256_place[i]];
        }
    }
    memcpy(state, word, sizeof(word));
    for (size_t b = part[0]; b < part[1]; b++) {
        wide_words(message, b * LANES_BLOCK, w);
        SHA_ROUNDS(state, w);
    }
    memcpy(word, state, sizeof(word));
    for (unsigned k = WIDE; k-- > 0;) { /* the first last: others may repeat it */
        for (unsigned i = 0; i < 8; i++) {
            st->sha256[lane[k]][lanes_sha256_place[i]] = word[i][k];
        }
    }
}

/* Blocks [first, end) of every listed message. */
static void sha_wide(struct lanes_state *st, const struct lanes_work *work, size_t first,
                     size_t end) {
    const size_t part[2] = {first, end};
    unsigned at = 0;
    for (; at < work->sha_count && work->sha_count - at >= WIDE_WORTH; at += WIDE) {
        uint8_t lane[WIDE];
        for (unsigned k = 0; k < WIDE; k++) {
            lane[k] = work->sha_lane[at + k < work->sha_count ? at + k : at];
        }
        sha_wide_some(st, work, lane, part);
    }
    for (; at < work->sha_count; at++) {
        unsigned lane = work->sha_lane[at];
        for (size_t b = first; b < end; b++) {
            lanes_sha256_block(st->sha256[lane], work->first[LANES_SHA][lane] + b * LANES_BLOCK);
        }
    }
}
