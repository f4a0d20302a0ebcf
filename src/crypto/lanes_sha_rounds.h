// SPDX-License-Identifier: Apache-2.0
/*
 * The 64 rounds of SHA-256 over vectors, a message in each place (FIPS 180-4, 6.2.2), written once
 * for every vector width. A file that includes this defines before: VEC (type), ADD, SPLAT(u32),
 * SHA_ROR(x, n), SHA_SHR(x, n), SHA_XOR3, SHA_CHOOSE and SHA_MAJORITY (x, y, z), SHA_ROUNDS_TARGET
 * and SHA_ROUNDS (a name), and gets SHA_ROUNDS(state[8], w[16]): state A to H, words of the block
 * in the processor's byte order, used up.
 *
 * Sixteen rounds are written out, so that the schedule stays in registers; the eight working words
 * take turns by name.
 */
#define SHA_SUM(x, i, j, k) SHA_XOR3(SHA_ROR((x), (i)), SHA_ROR((x), (j)), SHA_ROR((x), (k)))
#define SHA_MIX(x, i, j, k) SHA_XOR3(SHA_ROR((x), (i)), SHA_ROR((x), (j)), SHA_SHR((x), (k)))

#define SHA_ROUND(a, b, c, d, e, f, g, h, i)                                                       \
    do {                                                                                           \
        VEC t = ADD(ADD(h, ADD(w[i], SPLAT(k[i]))), SHA_CHOOSE(e, f, g));                          \
        t = ADD(t, SHA_SUM(e, 6, 11, 25));                                                         \
        d = ADD(d, t);                                                                             \
        h = ADD(ADD(t, SHA_SUM(a, 2, 13, 22)), SHA_MAJORITY(a, b, c));                             \
    } while (0)

/* Word i of the next sixteen of the schedule. */
#define SHA_NEXT(i)                                                                                \
    w[i] = ADD(ADD(w[i], SHA_MIX(w[((i) + 1) & 15], 7, 18, 3)),                                    \
               ADD(w[((i) + 9) & 15], SHA_MIX(w[((i) + 14) & 15], 17, 19, 10)))

#define SHA_EIGHT(i)                                                                               \
    SHA_ROUND(a, b, c, d, e, f, g, h, (i));                                                        \
    SHA_ROUND(h, a, b, c, d, e, f, g, (i) + 1);                                                    \
    SHA_ROUND(g, h, a, b, c, d, e, f, (i) + 2);                                                    \
    SHA_ROUND(f, g, h, a, b, c, d, e, (i) + 3);                                                    \
    SHA_ROUND(e, f, g, h, a, b, c, d, (i) + 4);                                                    \
    SHA_ROUND(d, e, f, g, h, a, b, c, (i) + 5);                                                    \
    SHA_ROUND(c, d, e, f, g, h, a, b, (i) + 6);                                                    \
    SHA_ROUND(b, c, d, e, f, g, h, a, (i) + 7)

SHA_ROUNDS_TARGET static inline __attribute__((always_inline)) void SHA_ROUNDS(VEC state[8],
                                                                               VEC w[16]) {
    VEC a = state[0], b = state[1], c = state[2], d = state[3];
    VEC e = state[4], f = state[5], g = state[6], h = state[7];
    for (const uint32_t *k = lanes_sha256_k;; k += 16) {
        SHA_EIGHT(0);
        SHA_EIGHT(8);
        if (k == lanes_sha256_k + 48) {
            break;
        }
        for (unsigned i = 0; i < 16; i++) {
            SHA_NEXT(i);
        }
    }
    state[0] = ADD(state[0], a);
    state[1] = ADD(state[1], b);
    state[2] = ADD(state[2], c);
    state[3] = ADD(state[3], d);
    state[4] = ADD(state[4], e);
    state[5] = ADD(state[5], f);
    state[6] = ADD(state[6], g);
    state[7] = ADD(state[7], h);
}

#undef SHA_SUM
#undef SHA_MIX
#undef SHA_ROUND
#undef SHA_NEXT
#undef SHA_EIGHT
