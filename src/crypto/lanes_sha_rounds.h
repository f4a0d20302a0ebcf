// SPDX-License-Identifier: Apache-2.0
/*
 * The 64 rounds of SHA-256 over vectors, a message in each place (FIPS 180-4, 6.2.2), written once
 * for every vector width. A file that includes this defines before: VEC (type), ADD, SPLAT(u32),
 * SHA_ROR(x, n), SHA_SHR(x, n), SHA_XOR3, SHA_CHOOSE and SHA_MAJORITY (x, y, z), SHA_ROUNDS_TARGET
 * and SHA_ROUNDS (a name), and gets SHA_ROUNDS(state[8], w[16]): state A to H, words of the block
 * in the processor's byte order, used up; and its parts, sha_round and sha_next, for whoever puts
 * them between something else.
 *
 * Sixteen rounds are written out, so that the schedule stays in registers; the eight working words
 * take turns by their index.
 */
#define SHA_SUM(x, i, j, k) SHA_XOR3(SHA_ROR((x), (i)), SHA_ROR((x), (j)), SHA_ROR((x), (k)))
#define SHA_MIX(x, i, j, k) SHA_XOR3(SHA_ROR((x), (i)), SHA_ROR((x), (j)), SHA_SHR((x), (k)))

/* Round r, whose word of the schedule is x and constant k. Word n of the state, A is 0, is in
 * s[(n - r) & 7]. r is a constant after inlining. */
SHA_ROUNDS_TARGET static inline __attribute__((always_inline)) void
sha_round(VEC s[8], VEC x, uint32_t k, unsigned r) {
    VEC a = s[(0 - r) & 7], b = s[(1 - r) & 7], c = s[(2 - r) & 7];
    VEC e = s[(4 - r) & 7], f = s[(5 - r) & 7], g = s[(6 - r) & 7];
    VEC *d = &s[(3 - r) & 7], *h = &s[(7 - r) & 7];
    VEC t = ADD(ADD(*h, ADD(x, SPLAT(k))), SHA_CHOOSE(e, f, g));
    t = ADD(t, SHA_SUM(e, 6, 11, 25));
    *d = ADD(*d, t);
    *h = ADD(ADD(t, SHA_SUM(a, 2, 13, 22)), SHA_MAJORITY(a, b, c));
}

/* Word i of the next sixteen of the schedule. */
SHA_ROUNDS_TARGET static inline __attribute__((always_inline)) void sha_next(VEC w[16],
                                                                             unsigned i) {
    w[i & 15] = ADD(ADD(w[i & 15], SHA_MIX(w[(i + 1) & 15], 7, 18, 3)),
                    ADD(w[(i + 9) & 15], SHA_MIX(w[(i + 14) & 15], 17, 19, 10)));
}

#define SHA_FOUR(i)                                                                                \
    sha_round(s, w[i], k[i], (i));                                                                 \
    sha_round(s, w[(i) + 1], k[(i) + 1], (i) + 1);                                                 \
    sha_round(s, w[(i) + 2], k[(i) + 2], (i) + 2);                                                 \
    sha_round(s, w[(i) + 3], k[(i) + 3], (i) + 3)

SHA_ROUNDS_TARGET static inline __attribute__((always_inline)) void SHA_ROUNDS(VEC state[8],
                                                                               VEC w[16]) {
    VEC s[8] = {state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]};
    for (const uint32_t *k = lanes_sha256_k;; k += 16) {
        SHA_FOUR(0);
        SHA_FOUR(4);
        SHA_FOUR(8);
        SHA_FOUR(12);
        if (k == lanes_sha256_k + 48) {
            break;
        }
        for (unsigned i = 0; i < 16; i++) {
            sha_next(w, i);
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        state[i] = ADD(state[i], s[i]);
    }
}

#undef SHA_SUM
#undef SHA_MIX
#undef SHA_FOUR
