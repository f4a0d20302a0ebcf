// SPDX-License-Identifier: Apache-2.0
/*
 * The loops of normalisers over blocks of 64 bytes; internal to the norm floor.
 *
 * text_block.h and html_block.h are written once, over the operations of block_avx512.h (the byte
 * compression of VBMI2) or block_vec16.h (SSE4.2, NEON); kernel_avx512.c and kernel_vec16.c are
 * what comes of it. Both headers give:
 *
 *     block_load, block_load_some (zeros behind len), block_store
 *     block_pack(p, b, keep)          the bytes of b with a bit in keep, side by side; writes 64
 *     block_is(b, c), block_in(b, first, count), block_high(b) (from 0x80 up)     -> flags
 *     flags_or, flags_bits (bit i: byte i)
 *     block_set(b, f, c)              c where the flag is
 *     block_lower(b)                  A-Z -> a-z
 *
 * Which bytes stay is found with numbers of 64 bits, one bit a byte.
 */
#ifndef SK_NORM_KERNEL_H
#define SK_NORM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_BYTES 64u

struct sk_norm_html;
struct sk_norm_text;

struct norm_kernel {
    const char *name;
    unsigned needs; /* cpu_has */
    /* Normalises whole blocks from the start of in; *out_used: how many bytes of it. Writes at most
     * that many to out (in place or not) and returns how many are text; *last is ' ' when a space
     * would be one too many. */
    size_t (*text)(const uint8_t *in, size_t len, uint8_t *out, uint8_t *last, size_t *out_used);
    /* What html_text, html_script and the states of values do. Each returns how many bytes it took,
     * up to the first that needs the state (0: that is the first one), and must not be called while
     * bytes from 0x80 up wait. html_plain: plain bytes, lower case, to nocomment. */
    size_t (*html_text)(struct sk_norm_html *h, const uint8_t *p, size_t len);
    size_t (*html_script)(struct sk_norm_html *h, const uint8_t *p, size_t len);
    size_t (*html_plain)(struct sk_norm_html *h, const uint8_t *p, size_t len);
};

/* Not in every build: ask norm_kernel_nth. */
extern const struct norm_kernel norm_kernel_avx512, norm_kernel_vec16;
/* Those for this machine, the best first; NULL: no more, what is left is done byte by byte. */
const struct norm_kernel *norm_kernel_nth(unsigned n);

/* sk_norm_text_feed with a kernel, or without (NULL). */
size_t norm_text_feed(const struct norm_kernel *kernel, struct sk_norm_text *n, const uint8_t *in,
                      size_t len, uint8_t *out);

/* ---- bits of a block ------------------------------------------------------------------------- */

/* Of the first n bytes. */
static inline uint64_t block_first(size_t n) {
    return n < BLOCK_BYTES ? ((uint64_t)1 << n) - 1 : UINT64_MAX;
}
/* How many bytes there are in front of the first of `stop`. */
static inline unsigned block_ahead_of(uint64_t stop) {
    return stop == 0 ? BLOCK_BYTES : (unsigned)__builtin_ctzll(stop);
}

struct block_spaces {
    uint64_t repeated; /* places behind a space */
    bool last;         /* and so is what follows the block */
};

/*
 * Where the last byte before that stays is a space. spaces, gone: of the first n bytes; before: a
 * space stood in front of the block. A run of bytes that go hides the space in front of it:
 *
 *     spaces   . x . . . . x x .        addition carries the bit behind the space through the run
 *     gone     . . x x . . . . .        to the first byte behind it
 *     repeated . . . . x . . x x
 */
static inline struct block_spaces block_repeats(uint64_t spaces, uint64_t gone, bool before,
                                                unsigned n) {
    uint64_t behind = spaces << 1 | (before ? 1 : 0), through;
    bool over = __builtin_add_overflow(gone, behind & gone, &through);
    uint64_t repeated = (behind | through) & ~gone;
    bool last = n < BLOCK_BYTES ? (repeated >> n & 1) != 0 : over || spaces >> 63 != 0;
    return (struct block_spaces){repeated, last};
}

#endif
