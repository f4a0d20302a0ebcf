// SPDX-License-Identifier: Apache-2.0
/* One byte out for two in; see utf16.h for what it is. */
#include "norm/utf16.h"

#define BLOCK_BYTES 512u

size_t sk_norm_utf16_feed(struct sk_norm_utf16 *n, const uint8_t *in, size_t len, uint8_t *out) {
    size_t put = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = in[i];
        if (n->at % 2 == 0) {
            n->lost = n->lost && n->at > 0;
            n->low = c;
        } else {
            uint8_t byte = (uint8_t)(n->low + 16U * c);
            n->beyond = n->beyond || c != 0;
            n->lost = n->lost || (n->as_sigtool && byte == 0);
            out[put] = byte;
            put += !n->lost;
        }
        n->at = (n->at + 1) % BLOCK_BYTES;
    }
    return put;
}
