// SPDX-License-Identifier: Apache-2.0
/*
 * The two loops in which a page spends its bytes, 64 of them at a time, with the byte compression
 * of AVX-512 VBMI2. What they do is html_text.c's and html_tag.c's; both ways are compared in
 * tests/unit/norm/test_html.c and fuzz/fuzz_norm_html.c.
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
 * gap and notags_space, so blocks may end anywhere. Pages of documentation: 2.7 times faster.
 */
#include "norm/html_priv.h"

#include "base/cpu.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define VECTOR __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi2,popcnt")))
#define BLOCK 64u

bool html_vector_here(void) {
    return cpu_has(CPU_AVX512 | CPU_VBMI2);
}

/* At most BLOCK bytes of [p, p + len); those behind are zero. */
VECTOR static inline __m512i load(const uint8_t *p, size_t len, __mmask64 *out_there) {
    *out_there = len < BLOCK ? _bzhi_u64(UINT64_MAX, (unsigned)len) : UINT64_MAX;
    return _mm512_maskz_loadu_epi8(*out_there, p);
}
VECTOR static inline __mmask64 are(__m512i b, char c) {
    return _mm512_cmpeq_epi8_mask(b, _mm512_set1_epi8(c));
}
/* Bytes from `first` on, `count` of them. */
VECTOR static inline __mmask64 in_range(__m512i b, char first, char count) {
    return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(b, _mm512_set1_epi8(first)),
                                  _mm512_set1_epi8(count));
}
VECTOR static inline __m512i lower(__m512i b) {
    return _mm512_mask_add_epi8(b, in_range(b, 'A', 26), b, _mm512_set1_epi8(' '));
}
/* How many bytes there are in front of the first of `stop`. */
VECTOR static inline unsigned ahead_of(__mmask64 stop) {
    return stop == 0 ? BLOCK : (unsigned)__builtin_ctzll(stop);
}
VECTOR static inline unsigned count(__mmask64 m) {
    return (unsigned)__builtin_popcountll(m);
}
/* Room for a block and one byte more; what is stored behind the block's own bytes is overwritten.
 */
VECTOR static inline uint8_t *room(struct sk_norm_html *h, enum sk_html_out which) {
    struct html_out *out = which == SK_HTML_NOCOMMENT ? &h->nocomment : &h->notags;
    if (HTML_OUT_BYTES - out->len <= BLOCK) {
        html_flush(h, which);
    }
    return &out->bytes[out->len];
}

/* n bytes of text without those that go. */
struct block {
    __m512i bytes;
    unsigned n;
    __mmask64 spaces;
    __mmask64 controls;
};

/* Spaces behind others, or first when one stood there before. */
VECTOR static inline __mmask64 no_repeats(__mmask64 spaces, bool before, unsigned n) {
    return _bzhi_u64(~(spaces & (spaces << 1 | (before ? 1 : 0))), n);
}

VECTOR static inline void to_nocomment(struct sk_norm_html *h, const struct block *b) {
    if (_bzhi_u64(~b->spaces, b->n) == 0) { /* spaces alone */
        h->gap = b->n > 0 && h->gap == HTML_GAP_NONE ? HTML_GAP_OPEN : h->gap;
        return;
    }
    bool before = h->gap != HTML_GAP_NONE;
    (void)room(h, SK_HTML_NOCOMMENT);
    html_pay_gap(h);
    __mmask64 keep = no_repeats(b->spaces, before, b->n);
    _mm512_storeu_si512(&h->nocomment.bytes[h->nocomment.len],
                        _mm512_maskz_compress_epi8(keep, b->bytes));
    bool owed = (b->spaces >> (b->n - 1) & 1) != 0;
    h->nocomment.len += count(keep) - owed;
    h->gap = owed ? HTML_GAP_OPEN : HTML_GAP_NONE;
}

VECTOR static inline void to_notags(struct sk_norm_html *h, const struct block *b) {
    if (b->n == 0) {
        return;
    }
    __mmask64 spaces = b->spaces | b->controls;
    __mmask64 keep = no_repeats(spaces, h->notags_space, b->n);
    __m512i bytes = _mm512_mask_mov_epi8(b->bytes, b->controls, _mm512_set1_epi8(' '));
    _mm512_storeu_si512(room(h, SK_HTML_NOTAGS), _mm512_maskz_compress_epi8(keep, bytes));
    h->notags.len += count(keep);
    h->notags_space = (spaces >> (b->n - 1) & 1) != 0;
}

VECTOR size_t html_text_vector(struct sk_norm_html *h, const uint8_t *p, size_t len) {
    size_t at = 0;
    unsigned used = BLOCK;
    for (; at < len && used == BLOCK; at += used) {
        __mmask64 there;
        __m512i in = load(p + at, len - at, &there);
        used = ahead_of(_mm512_movepi8_mask(in) | are(in, '<') | are(in, '&') | ~there);
        __mmask64 white = in_range(in, '\t', 4) | are(in, ' ');
        __mmask64 gone = are(in, 0) | are(in, '\r');
        __mmask64 controls = in_range(in, 0, ' ') & ~white;
        __mmask64 stays = _bzhi_u64(~gone, used);
        struct block b = {.n = count(stays),
                          .spaces = _pext_u64(white, stays),
                          .controls = _pext_u64(controls, stays)};
        in = _mm512_mask_mov_epi8(lower(in), white, _mm512_set1_epi8(' '));
        b.bytes = _mm512_maskz_compress_epi8(stays, in);
        to_nocomment(h, &b);
        to_notags(h, &b);
        if (html_shows(h)) {
            html_show_text(h, p + at, used);
        }
    }
    return at;
}

VECTOR size_t html_script_vector(struct sk_norm_html *h, const uint8_t *p, size_t len) {
    size_t at = 0;
    unsigned used = BLOCK;
    for (; at < len && used == BLOCK; at += used) {
        __mmask64 there;
        __m512i in = load(p + at, len - at, &there);
        used = ahead_of(_mm512_movepi8_mask(in) | are(in, '<') | are(in, '&') | ~there);
        __mmask64 goes = in_range(in, '\t', 5) | are(in, ' ') | are(in, 0);
        __mmask64 keep = _bzhi_u64(~goes, used);
        in = _mm512_mask_mov_epi8(lower(in), are(in, '\''), _mm512_set1_epi8('"'));
        _mm512_storeu_si512(room(h, SK_HTML_NOCOMMENT), _mm512_maskz_compress_epi8(keep, in));
        h->nocomment.len += count(keep);
    }
    return at;
}

VECTOR size_t html_plain_vector(struct sk_norm_html *h, const uint8_t *p, size_t len) {
    __mmask64 there;
    __m512i in = load(p, len, &there);
    __mmask64 plain = in_range(in, '!', 0x7f - '!' + 1) & there;
    unsigned used = ahead_of(~plain | are(in, '<') | are(in, '>') | are(in, '&') | are(in, '"') |
                             are(in, '\''));
    _mm512_storeu_si512(room(h, SK_HTML_NOCOMMENT), lower(in));
    h->nocomment.len += used;
    return used;
}

#else

bool html_vector_here(void) {
    return false;
}
size_t html_text_vector(struct sk_norm_html *h, const uint8_t *p, size_t len) {
    (void)h, (void)p, (void)len;
    return 0;
}
size_t html_script_vector(struct sk_norm_html *h, const uint8_t *p, size_t len) {
    (void)h, (void)p, (void)len;
    return 0;
}
size_t html_plain_vector(struct sk_norm_html *h, const uint8_t *p, size_t len) {
    (void)h, (void)p, (void)len;
    return 0;
}

#endif
