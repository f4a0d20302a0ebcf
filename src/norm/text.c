// SPDX-License-Identifier: Apache-2.0
/*
 * One table lookup and one store a byte, without a branch: the byte is always written and the place
 * moves on only when it is to stay. So the speed does not depend on the text, and input chosen to
 * mislead branch prediction (compressed data that was taken for text) costs nothing more.
 *
 *     in   " \tFoo\0 \x80Bar\n"
 *     FORM  ' ' ' ' f o o - ' ' - b a r ' '        0: the byte goes
 *     out  " foo bar "
 *
 * Where the processor can, whole blocks are done by text_block.h and this does the rest.
 *
 * Writing ahead of the place is safe in place as well: the place never passes the byte being read.
 * The engine is the only caller; it feeds windows of a layer.
 */
#include "norm/text.h"

#include "norm/kernel.h"

#define SAME4(c) (c), (c) + 1, (c) + 2, (c) + 3
#define SAME16(c) SAME4(c), SAME4((c) + 4), SAME4((c) + 8), SAME4((c) + 12)

/* clang-format off */
static const uint8_t FORM[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, ' ', ' ', ' ', ' ', ' ', 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    SAME16(0x20), SAME16(0x30),
    '@', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '[', '\\', ']', '^', '_',
    SAME16(0x60), SAME16(0x70),
};
/* clang-format on */

size_t norm_text_feed(const struct norm_kernel *kernel, struct sk_norm_text *n, const uint8_t *in,
                      size_t len, uint8_t *out) {
    size_t put = 0, done = 0;
    if (kernel != NULL) {
        put = kernel->text(in, len, out, &n->last, &done);
    }
    unsigned after_space = n->last == ' ';
    for (size_t i = done; i < len; i++) {
        uint8_t form = FORM[in[i]];
        unsigned gone = form == 0;
        unsigned space = form == ' ';
        out[put] = form;
        put += (gone | (space & after_space)) ^ 1;
        after_space = space | (gone & after_space);
    }
    n->last = after_space ? ' ' : 0;
    return put;
}

size_t sk_norm_text_feed(struct sk_norm_text *n, const uint8_t *in, size_t len, uint8_t *out) {
    return norm_text_feed(norm_kernel_nth(0), n, in, len, out);
}
