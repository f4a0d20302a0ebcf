// SPDX-License-Identifier: Apache-2.0
/*
 * Blocks of 64 bytes in four vectors of sixteen; see norm/kernel.h.
 *
 * There is no compression of bytes: for every value of eight flags a row says which of eight bytes
 * stay, and a look-up takes them. Two rows and one look-up pack sixteen bytes, two stores put them.
 */
#ifndef SK_NORM_BLOCK_VEC16_H
#define SK_NORM_BLOCK_VEC16_H

#include "base/vec16.h"
#include "norm/kernel.h"

#define BLOCK_TARGET VEC16
#define BLOCK_INLINE VEC16_INLINE

typedef struct {
    vec16 a, b, c, d;
} block;
typedef block flags; /* each byte 0 or 255 */
typedef uint64_t vec16_u64 __attribute__((vector_size(16)));
typedef int8_t vec16_s8 __attribute__((vector_size(16)));

/* Row m: the places of the bits of m, the first in the lowest byte. */
#define PACK_BIT(m, i) ((uint64_t)(m) >> (i)&1)
#define PACK_RANK(m, i)                                                                            \
    (((i) > 0 ? PACK_BIT(m, 0) : 0) + ((i) > 1 ? PACK_BIT(m, 1) : 0) +                             \
     ((i) > 2 ? PACK_BIT(m, 2) : 0) + ((i) > 3 ? PACK_BIT(m, 3) : 0) +                             \
     ((i) > 4 ? PACK_BIT(m, 4) : 0) + ((i) > 5 ? PACK_BIT(m, 5) : 0) +                             \
     ((i) > 6 ? PACK_BIT(m, 6) : 0))
#define PACK_PLACE(m, i) ((PACK_BIT(m, i) * (i)) << (8 * PACK_RANK(m, i)))
#define PACK_ROW(m)                                                                                \
    (PACK_PLACE(m, 1) | PACK_PLACE(m, 2) | PACK_PLACE(m, 3) | PACK_PLACE(m, 4) |                   \
     PACK_PLACE(m, 5) | PACK_PLACE(m, 6) | PACK_PLACE(m, 7))
#define PACK_4(m) PACK_ROW(m), PACK_ROW((m) + 1), PACK_ROW((m) + 2), PACK_ROW((m) + 3)
#define PACK_16(m) PACK_4(m), PACK_4((m) + 4), PACK_4((m) + 8), PACK_4((m) + 12)
#define PACK_64(m) PACK_16(m), PACK_16((m) + 16), PACK_16((m) + 32), PACK_16((m) + 48)
static const uint64_t block_rows[256] = {PACK_64(0), PACK_64(64), PACK_64(128), PACK_64(192)};

BLOCK_INLINE block block_load(const uint8_t *p) {
    return (block){vec16_load(p), vec16_load(p + 16), vec16_load(p + 32), vec16_load(p + 48)};
}
BLOCK_INLINE block block_load_some(const uint8_t *p, size_t len) {
    uint8_t bytes[BLOCK_BYTES] = {0};
    if (len >= BLOCK_BYTES) {
        return block_load(p);
    }
    memcpy(bytes, p, len);
    return block_load(bytes);
}
BLOCK_INLINE void block_store(uint8_t *p, block b) {
    vec16_store(p, b.a);
    vec16_store(p + 16, b.b);
    vec16_store(p + 32, b.c);
    vec16_store(p + 48, b.d);
}
/* Returns where the next bytes go. */
BLOCK_INLINE uint8_t *pack_sixteen(uint8_t *p, vec16 v, uint64_t keep) {
    const vec16_u64 upper = {0, 0x0808080808080808u};
    vec16_u64 row = {block_rows[keep & 255], block_rows[keep >> 8 & 255]};
    vec16_u64 packed = (vec16_u64)vec16_look(v, (vec16)(row + upper));
    memcpy(p, &packed, 8);
    p += __builtin_popcountll(keep & 255);
    uint64_t second = packed[1];
    memcpy(p, &second, 8);
    return p + __builtin_popcountll(keep >> 8 & 255);
}
BLOCK_INLINE void block_pack(uint8_t *p, block b, uint64_t keep) {
    p = pack_sixteen(p, b.a, keep);
    p = pack_sixteen(p, b.b, keep >> 16);
    p = pack_sixteen(p, b.c, keep >> 32);
    (void)pack_sixteen(p, b.d, keep >> 48);
}
BLOCK_INLINE flags block_is(block b, char c) {
    const vec16 v = vec16_splat((uint8_t)c);
    return (flags){(vec16)(b.a == v), (vec16)(b.b == v), (vec16)(b.c == v), (vec16)(b.d == v)};
}
BLOCK_INLINE flags block_in(block b, char first, char count) {
    const vec16 v = vec16_splat((uint8_t)first), n = vec16_splat((uint8_t)count);
    return (flags){(vec16)((b.a - v) < n), (vec16)((b.b - v) < n), (vec16)((b.c - v) < n),
                   (vec16)((b.d - v) < n)};
}
BLOCK_INLINE flags block_high(block b) {
    return (flags){(vec16)((vec16_s8)b.a < 0), (vec16)((vec16_s8)b.b < 0),
                   (vec16)((vec16_s8)b.c < 0), (vec16)((vec16_s8)b.d < 0)};
}
BLOCK_INLINE flags flags_or(flags x, flags y) {
    return (flags){x.a | y.a, x.b | y.b, x.c | y.c, x.d | y.d};
}
BLOCK_INLINE uint64_t flags_bits(flags f) {
    return vec16_mask(f.a, f.b, f.c, f.d);
}
BLOCK_INLINE block block_set(block b, flags f, char c) {
    const vec16 v = vec16_splat((uint8_t)c);
    return (block){(b.a & ~f.a) | (v & f.a), (b.b & ~f.b) | (v & f.b), (b.c & ~f.c) | (v & f.c),
                   (b.d & ~f.d) | (v & f.d)};
}
BLOCK_INLINE block block_lower(block b) {
    const vec16 space = vec16_splat(' ');
    flags f = block_in(b, 'A', 26);
    return (block){b.a + (f.a & space), b.b + (f.b & space), b.c + (f.c & space),
                   b.d + (f.d & space)};
}

#endif
