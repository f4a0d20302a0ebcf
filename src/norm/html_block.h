// SPDX-License-Identifier: Apache-2.0
/*
 * The two loops in which a page spends its bytes, 64 of them at a time (norm/kernel.h). What they
 * do is html_text.c's and html_tag.c's; both ways are compared in tests/unit/norm/test_html.c and
 * fuzz/fuzz_norm_html.c.
 *
 *     in         "Foo \t\r\n Bar<b>"    up to the first '<', '&' or byte from 0x80 up: those are
 *     forms      "foo ...  bar"         for the states. White space -> ' ', A-Z -> a-z
 *     stays      "foo ..  bar"          NUL and carriage return go
 *     nocomment  "foo bar"              a space behind a space goes; the last one is owed (gap)
 *     notags     "foo bar"              control characters are spaces, too; the last one stands
 *
 * In scripts white space goes altogether and '\'' becomes '"'. Values of attributes stop at every
 * byte that may mean something and are copied as they are.
 *
 * Called with no bytes from 0x80 up waiting. Nothing here depends on what is around a block but
 * gap and notags_space, so blocks may end anywhere.
 */

/* Room for a block and one byte more; what is stored behind the block's own bytes is overwritten.
 */
static inline uint8_t *block_room(struct sk_norm_html *h, enum sk_html_out which) {
    struct html_out *out = which == SK_HTML_NOCOMMENT ? &h->nocomment : &h->notags;
    if (HTML_OUT_BYTES - out->len <= BLOCK_BYTES) {
        html_flush(h, which);
    }
    return &out->bytes[out->len];
}

/* The first n bytes of a block of text. */
struct html_block {
    block bytes;
    flags white, controls;
    unsigned n;
    uint64_t gone;
};

BLOCK_INLINE void to_nocomment(struct sk_norm_html *h, const struct html_block *t) {
    uint64_t valid = block_first(t->n), stays = valid & ~t->gone;
    uint64_t spaces = flags_bits(t->white) & valid;
    if ((stays & ~spaces) == 0) { /* spaces alone */
        h->gap = stays != 0 && h->gap == HTML_GAP_NONE ? HTML_GAP_OPEN : h->gap;
        return;
    }
    struct block_spaces s = block_repeats(spaces, t->gone, h->gap != HTML_GAP_NONE, t->n);
    uint64_t keep = stays & ~(spaces & s.repeated);
    (void)block_room(h, SK_HTML_NOCOMMENT);
    html_pay_gap(h);
    block_pack(&h->nocomment.bytes[h->nocomment.len], t->bytes, keep);
    h->nocomment.len += (size_t)__builtin_popcountll(keep) - s.last;
    h->gap = s.last ? HTML_GAP_OPEN : HTML_GAP_NONE;
}

BLOCK_INLINE void to_notags(struct sk_norm_html *h, const struct html_block *t) {
    uint64_t valid = block_first(t->n);
    uint64_t spaces = flags_bits(flags_or(t->white, t->controls)) & valid & ~t->gone;
    struct block_spaces s = block_repeats(spaces, t->gone, h->notags_space, t->n);
    uint64_t keep = valid & ~(t->gone | (spaces & s.repeated));
    block_pack(block_room(h, SK_HTML_NOTAGS), block_set(t->bytes, t->controls, ' '), keep);
    h->notags.len += (size_t)__builtin_popcountll(keep);
    h->notags_space = s.last;
}

/* Bytes in front of the first that a state is wanted for. */
BLOCK_INLINE unsigned html_ahead(block in, size_t len) {
    flags stop = flags_or(flags_or(block_high(in), block_is(in, '<')), block_is(in, '&'));
    unsigned n = block_ahead_of(flags_bits(stop));
    return n < len ? n : (unsigned)len;
}

BLOCK_TARGET static size_t html_text_blocks(struct sk_norm_html *h, const uint8_t *p, size_t len) {
    size_t at = 0;
    unsigned used = BLOCK_BYTES;
    for (; at < len && used == BLOCK_BYTES; at += used) {
        block in = block_load_some(p + at, len - at);
        used = html_ahead(in, len - at);
        flags gone = flags_or(block_is(in, 0), block_is(in, '\r'));
        struct html_block t = {.white = flags_or(block_in(in, '\t', 4), block_is(in, ' ')),
                               .n = used,
                               .gone = flags_bits(gone) & block_first(used)};
        t.controls = block_in(in, 0, ' ');
        t.bytes = block_set(block_lower(in), t.white, ' ');
        to_nocomment(h, &t);
        to_notags(h, &t);
        if (html_shows(h)) {
            html_show_text(h, p + at, used);
        }
    }
    return at;
}

BLOCK_TARGET static size_t html_script_blocks(struct sk_norm_html *h, const uint8_t *p,
                                              size_t len) {
    size_t at = 0;
    unsigned used = BLOCK_BYTES;
    for (; at < len && used == BLOCK_BYTES; at += used) {
        block in = block_load_some(p + at, len - at);
        used = html_ahead(in, len - at);
        flags goes = flags_or(flags_or(block_in(in, '\t', 5), block_is(in, ' ')), block_is(in, 0));
        uint64_t keep = block_first(used) & ~flags_bits(goes);
        in = block_set(block_lower(in), block_is(in, '\''), '"');
        block_pack(block_room(h, SK_HTML_NOCOMMENT), in, keep);
        h->nocomment.len += (size_t)__builtin_popcountll(keep);
    }
    return at;
}

BLOCK_TARGET static size_t html_plain_blocks(struct sk_norm_html *h, const uint8_t *p, size_t len) {
    block in = block_load_some(p, len);
    flags stop = flags_or(flags_or(block_is(in, '<'), block_is(in, '>')), block_is(in, '&'));
    stop = flags_or(stop, flags_or(block_is(in, '"'), block_is(in, '\'')));
    uint64_t plain = flags_bits(block_in(in, '!', 0x7f - '!' + 1));
    unsigned used = block_ahead_of(~plain | flags_bits(stop));
    block_store(block_room(h, SK_HTML_NOCOMMENT), block_lower(in));
    h->nocomment.len += used;
    return used;
}
