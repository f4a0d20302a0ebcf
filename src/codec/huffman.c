// SPDX-License-Identifier: Apache-2.0
/*
 * Two ways to one symbol: codes of up to 9 bits are looked up in `fast`, longer ones are walked
 * canonically, a bit at a time:
 *
 *     length  1      2      3
 *     codes   |0|    |10|   |110 111|      first code of a length = (first + count) * 2
 *
 * One level of 512 entries is cheap to build, which matters: a hostile stream can begin a block
 * with new codes every dozen bytes.
 */
#include "codec/huffman.h"

#include <string.h>

static bool over_full(const uint16_t *count) {
    int left = 1;
    for (unsigned len = 1; len <= HUFF_BITS_MAX; len++) {
        left = left * 2 - count[len];
        if (left < 0) {
            return true;
        }
    }
    return false;
}

/* Codes are stored first bit lowest in the input, so the table is indexed by the reversed code. */
static unsigned reversed(unsigned code, unsigned len) {
    unsigned out = 0;
    for (unsigned i = 0; i < len; i++) {
        out = out << 1 | (code >> i & 1u);
    }
    return out;
}

static void fill_fast(struct huff *h, unsigned code, unsigned len, unsigned symbol) {
    unsigned step = 1u << len;
    for (unsigned i = reversed(code, len); i < 1u << HUFF_FAST_BITS; i += step) {
        h->fast[i] = (uint16_t)(symbol << 4 | len);
    }
}

bool huff_build(struct huff *h, const uint8_t *lengths, size_t count) {
    memset(h, 0, sizeof(*h));
    for (size_t i = 0; i < count; i++) {
        h->count[lengths[i]]++;
    }
    h->count[0] = 0;
    if (over_full(h->count)) {
        return false;
    }
    unsigned place[HUFF_BITS_MAX + 1] = {0}; /* next free in symbol[] */
    unsigned code[HUFF_BITS_MAX + 1] = {0};  /* next code */
    for (unsigned len = 1; len <= HUFF_BITS_MAX; len++) {
        place[len] = place[len - 1] + h->count[len - 1];
        code[len] = (code[len - 1] + h->count[len - 1]) << 1;
    }
    for (unsigned i = 0; i < count; i++) {
        unsigned len = lengths[i];
        if (len == 0) {
            continue;
        }
        h->symbol[place[len]++] = (uint16_t)i;
        if (len <= HUFF_FAST_BITS) {
            fill_fast(h, code[len], len, i);
        }
        code[len]++;
    }
    return true;
}

int huff_decode(const struct huff *h, uint64_t bits, unsigned *out_len) {
    unsigned hit = h->fast[bits & ((1u << HUFF_FAST_BITS) - 1)];
    if (hit != 0) {
        *out_len = hit & 15u;
        return (int)(hit >> 4);
    }
    int code = 0;
    int first = 0;
    int index = 0;
    for (unsigned len = 1; len <= HUFF_BITS_MAX; len++) {
        code |= (int)(bits >> (len - 1) & 1u);
        int count = h->count[len];
        if (code - first < count) {
            *out_len = len;
            return h->symbol[index + code - first];
        }
        index += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    return HUFF_NONE;
}
