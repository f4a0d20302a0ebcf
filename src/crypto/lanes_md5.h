// SPDX-License-Identifier: Apache-2.0
/*
 * The 64 steps of MD5 over vectors, written once for every vector width. A file that includes this
 * defines before: VEC (type), ADD, ROL(x, n), SPLAT(u32), MIX_F/G/H/I(b, c, d), MD5_TARGET,
 * MD5_FIXED(x) (below) and MD5_STEPS (a name), and gets MD5_STEPS(state[4], message words[16]). It
 * may define MD5_MEANWHILE(k), what to do behind every fourth step (k from 0 to 15),
 * MD5_BETWEEN(i), behind every step, and MD5_MORE, a further parameter for them.
 *
 * a + K + m is added up before the round function joins, so that what a step waits for is only
 * round function -> add -> rotate -> add: MD5 is bound by this chain, not by the number of
 * operations, which is why sixteen messages cost hardly more than one. Compilers know that the
 * order of a sum does not matter and add K behind the round function, one operation more to wait
 * for, a fifth of the time (gcc 12). MD5_FIXED, an empty statement that may change x, forbids it.
 *
 * While it waits, the processor does what stands near in the code: that is what MD5_MEANWHILE is
 * for. The words of the next block, all of them read behind the last step, came too late.
 */
#ifndef MD5_MEANWHILE
#define MD5_MEANWHILE(k) (void)0
#define MD5_MORE
#endif
#ifndef MD5_BETWEEN
#define MD5_BETWEEN(i) (void)0
#endif

#define MD5_STEP(MIX, a, b, c, d, i, m, n)                                                         \
    a = ADD(a, ADD(SPLAT(k[i]), (m)));                                                             \
    MD5_FIXED(a);                                                                                  \
    a = ADD(b, ROL(ADD(a, MIX(b, c, d)), n));                                                      \
    MD5_BETWEEN(i);

#define MD5_FOUR(MIX, i, m0, m1, m2, m3, n0, n1, n2, n3)                                           \
    MD5_STEP(MIX, a, b, c, d, (i), w[m0], n0)                                                      \
    MD5_STEP(MIX, d, a, b, c, (i) + 1, w[m1], n1)                                                  \
    MD5_STEP(MIX, c, d, a, b, (i) + 2, w[m2], n2)                                                  \
    MD5_STEP(MIX, b, c, d, a, (i) + 3, w[m3], n3)                                                  \
    MD5_MEANWHILE((i) / 4);

MD5_TARGET static inline __attribute__((always_inline)) void MD5_STEPS(VEC state[4],
                                                                       const VEC w[16] MD5_MORE) {
    const uint32_t *k = lanes_md5_k;
    __asm__("" : "+r"(k)); /* else 64 vectors of it are made at every call, and kept on the stack */
    VEC a = state[0], b = state[1], c = state[2], d = state[3];
    MD5_FOUR(MIX_F, 0, 0, 1, 2, 3, 7, 12, 17, 22)
    MD5_FOUR(MIX_F, 4, 4, 5, 6, 7, 7, 12, 17, 22)
    MD5_FOUR(MIX_F, 8, 8, 9, 10, 11, 7, 12, 17, 22)
    MD5_FOUR(MIX_F, 12, 12, 13, 14, 15, 7, 12, 17, 22)
    MD5_FOUR(MIX_G, 16, 1, 6, 11, 0, 5, 9, 14, 20)
    MD5_FOUR(MIX_G, 20, 5, 10, 15, 4, 5, 9, 14, 20)
    MD5_FOUR(MIX_G, 24, 9, 14, 3, 8, 5, 9, 14, 20)
    MD5_FOUR(MIX_G, 28, 13, 2, 7, 12, 5, 9, 14, 20)
    MD5_FOUR(MIX_H, 32, 5, 8, 11, 14, 4, 11, 16, 23)
    MD5_FOUR(MIX_H, 36, 1, 4, 7, 10, 4, 11, 16, 23)
    MD5_FOUR(MIX_H, 40, 13, 0, 3, 6, 4, 11, 16, 23)
    MD5_FOUR(MIX_H, 44, 9, 12, 15, 2, 4, 11, 16, 23)
    MD5_FOUR(MIX_I, 48, 0, 7, 14, 5, 6, 10, 15, 21)
    MD5_FOUR(MIX_I, 52, 12, 3, 10, 1, 6, 10, 15, 21)
    MD5_FOUR(MIX_I, 56, 8, 15, 6, 13, 6, 10, 15, 21)
    MD5_FOUR(MIX_I, 60, 4, 11, 2, 9, 6, 10, 15, 21)
    state[0] = ADD(state[0], a);
    state[1] = ADD(state[1], b);
    state[2] = ADD(state[2], c);
    state[3] = ADD(state[3], d);
}

#undef MD5_MEANWHILE
#undef MD5_MORE
#undef MD5_BETWEEN
#undef MD5_STEP
#undef MD5_FOUR
