// SPDX-License-Identifier: Apache-2.0
/*
 * Text normalisation of 64 bytes at a time (norm/kernel.h). What it does is text.c's; the two are
 * compared in tests/unit/norm/test_text.c.
 *
 *     in     " \tFoo\0 \x80Bar\n"
 *     forms  "  foo. .bar "       white space -> ' ', A-Z -> a-z       (ranges, no look-up)
 *     pack   " foo bar "          without bytes that go, and spaces behind spaces
 *
 * Packed always, although most blocks need it little: branches on the text would make the speed
 * depend on it. The block is loaded before anything is stored, so in place is safe as in text.c:
 * what is stored reaches no further than the block just read.
 */
BLOCK_TARGET static size_t text_blocks(const uint8_t *in, size_t len, uint8_t *out, uint8_t *last,
                                       size_t *out_used) {
    bool space = *last == ' ';
    size_t at = 0, put = 0;
    for (; len - at >= BLOCK_BYTES; at += BLOCK_BYTES) {
        block b = block_load(in + at);
        flags white = flags_or(block_in(b, '\t', 5), block_is(b, ' '));
        uint64_t spaces = flags_bits(white);
        uint64_t gone = ~flags_bits(flags_or(block_in(b, ' ', 0x60), white));
        struct block_spaces s = block_repeats(spaces, gone, space, BLOCK_BYTES);
        uint64_t keep = ~(gone | (spaces & s.repeated));
        block_pack(out + put, block_set(block_lower(b), white, ' '), keep);
        put += (size_t)__builtin_popcountll(keep);
        space = s.last;
    }
    *last = space ? ' ' : 0;
    *out_used = at;
    return put;
}
