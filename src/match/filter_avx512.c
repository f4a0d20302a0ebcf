// SPDX-License-Identifier: Apache-2.0
/*
 * AVX-512 kernel. Wants VBMI and VBMI2 (byte permutation over 128 entries, byte compression), which
 * every AVX-512 machine since 2019 has.
 *
 *   groups     sixteen windows at a time as filter_avx2.c takes eight; one gather fetches sixteen
 *              words
 *   slow set   64 places at a time, looked up by byte instead of by nibbles: three two-register
 *              permutations for each half of the classes, and no candidate that the classes do not
 *              let pass; then sixteen candidates at a time by hash
 *   marks      the same with four bytes and eight classes, four permutations in all; the lower
 *              seven bits of a byte are its index, so nothing is done to it before. There is a
 *              candidate in most vectors, so places are packed by compression instead of a loop,
 *              and the four bytes at each by a permutation of the 128 bytes that are there anyway
 *              instead of a gather later. Then sixteen places at a time, by these four bytes in
 *              pieces that stay in the L1 cache, by eight bytes those that stay
 *
 * With the bytes kept (Zen 5; filter pass alone): Python and text 1.3 to 1.5 times as fast, ELF
 * files the same within a twentieth; on Intel, where gathers cost half as much and permutations
 * share a port, it was reckoned, not measured, to gain on text and to lose nothing on ELF files. On
 * Zen 5 sixteen words cost a gather twenty cycles, however small the table; as scalar loads put
 * together again a tenth less out of the L1 cache, no less out of L2. Without gain there were, on
 * Windows programs: fetching ahead what the first group looks at, and batches (filter.c) of 48.
 */
#include "match/filter.h"

#include "base/cpu.h"
#include "match/foldhash.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512 __attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2")))
#define WINDOWS 16u
#define PLACES 64u
#define MARK_PIECE 1024u /* places whose bytes are kept: in the L1 cache */

struct windows {
    __m512i lo;
    __m512i hi;
};

/* Bit k of the result: window k passes. */
AVX512 static inline __attribute__((always_inline)) uint32_t
test_windows(const struct plan_bitmap *g, struct windows w) {
    const __m512i fold = _mm512_set1_epi8(0x20), low5 = _mm512_set1_epi32(31);
    __m512i h =
        _mm512_mullo_epi32(_mm512_or_si512(w.lo, fold), _mm512_set1_epi32((int)FOLDHASH_LO));
    if (g->q == 8) {
        h = _mm512_add_epi32(h, _mm512_mullo_epi32(_mm512_or_si512(w.hi, fold),
                                                   _mm512_set1_epi32((int)FOLDHASH_HI)));
    }
    __m512i index = _mm512_srl_epi32(h, _mm_cvtsi32_si128((int)(32 - g->log2_words)));
    __m512i word = _mm512_i32gather_epi32(index, (const void *)g->word, 4);
    __m512i one = _mm512_set1_epi32(1);
    __m512i first = _mm512_sllv_epi32(one, _mm512_and_si512(_mm512_srli_epi32(h, 4), low5));
    __m512i second = _mm512_sllv_epi32(one, _mm512_and_si512(_mm512_srli_epi32(h, 9), low5));
    __m512i both = _mm512_or_si512(first, second);
    return _mm512_cmpeq_epi32_mask(_mm512_and_si512(word, both), both);
}

AVX512 static inline size_t emit(uint64_t bits, uint32_t pos, uint32_t s, uint32_t *out) {
    size_t n = 0;
    while (bits != 0) {
        out[n++] = pos + (uint32_t)__builtin_ctzll(bits) * s;
        bits &= bits - 1;
    }
    return n;
}

/* Sixteen windows of eight bytes, eight apart: 128 bytes, low and high halves taken apart. */
AVX512 static inline struct windows load_eights(const uint8_t *p) {
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    __m512i a = _mm512_loadu_si512(p), b = _mm512_loadu_si512(p + 64);
    struct windows w = {
        _mm512_permutex2var_epi32(a, even, b),
        _mm512_permutex2var_epi32(a, _mm512_add_epi32(even, _mm512_set1_epi32(1)), b)};
    return w;
}

/* Windows of four bytes s <= 4 apart lie in one load of 64. */
AVX512 static inline struct windows load_near(const uint8_t *p, uint32_t q, __m512i m) {
    struct windows w;
    w.lo = _mm512_permutexvar_epi8(m, _mm512_loadu_si512(p));
    w.hi = q == 8 ? _mm512_permutexvar_epi8(m, _mm512_loadu_si512(p + 4)) : w.lo;
    return w;
}

AVX512 static inline struct windows load_far(const uint8_t *p, uint32_t q, __m512i steps) {
    struct windows w;
    w.lo = _mm512_i32gather_epi32(steps, (const void *)p, 1);
    w.hi = q == 8 ? _mm512_i32gather_epi32(steps, (const void *)(p + 4), 1) : w.lo;
    return w;
}

/* Byte indexes of the sixteen 4-byte windows at 0, s, 2 s ... */
AVX512 static __m512i near_shuffle(uint32_t s) {
    uint8_t m[64];
    for (uint32_t i = 0; i < 64; i++) {
        m[i] = (uint8_t)(i / 4 * s + i % 4);
    }
    return _mm512_loadu_si512(m);
}

/* q and s constant after inlining. */
AVX512 static inline __attribute__((always_inline)) size_t
run_group(const struct plan_bitmap *group, const struct filter_span *span, uint32_t q, uint32_t s,
          uint32_t *out) {
    struct plan_bitmap g = *group;
    g.q = q;
    __m512i steps =
        _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                           _mm512_set1_epi32((int)s));
    __m512i m = s <= 4 ? near_shuffle(s) : steps;
    uint32_t turn = WINDOWS * s, pos = span->first;
    /* 64 + 4: what a load of close windows takes; turn + 8: what far ones take */
    uint32_t reach = turn + 8 > 68 ? turn + 8 : 68;
    uint32_t end = span->avail < reach ? 0 : span->avail - reach + 1;
    uint32_t last = span->end < turn - s ? 0 : span->end - (turn - s);
    end = end < last ? end : last;
    size_t n = 0;
    for (; pos < end; pos += turn) {
        const uint8_t *p = span->p + pos;
        struct windows w = s <= 4             ? load_near(p, q, m)
                           : s == 8 && q == 8 ? load_eights(p)
                                              : load_far(p, q, steps);
        uint32_t bits = test_windows(&g, w);
        if (__builtin_expect(bits != 0, 0)) {
            n += emit(bits, pos, s, out + n);
        }
    }
    struct filter_span rest = *span;
    rest.first = pos;
    return n + filter_kernel_scalar.group(group, &rest, out + n);
}

AVX512 static size_t avx512_group(const struct plan_bitmap *g, const struct filter_span *span,
                                  uint32_t *out) {
    if (g->q == 8 && g->s == 8) {
        return run_group(g, span, 8, 8, out);
    }
    if (g->q == 4 && g->s == 3) {
        return run_group(g, span, 4, 3, out);
    }
    if (g->q == 4 && g->s == 4) {
        return run_group(g, span, 4, 4, out);
    }
    return run_group(g, span, g->q, g->s, out);
}

/* ---- sets of hashes -------------------------------------------------------------------------- */

/* Bits h of a set, of the places in where. */
AVX512 static inline __attribute__((always_inline)) __mmask16 in_set(const uint32_t *set, __m512i h,
                                                                     __mmask16 where) {
    __m512i word = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), where,
                                               _mm512_srli_epi32(h, 5), (const void *)set, 4);
    __m512i bit =
        _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(h, _mm512_set1_epi32(31)));
    return _mm512_mask_test_epi32_mask(where, word, bit);
}

AVX512 static inline __attribute__((always_inline)) __m512i
folded_at(const uint8_t *p, __m512i places, __mmask16 where) {
    __m512i text = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), where, places, p, 1);
    return _mm512_or_si512(text, _mm512_set1_epi8(0x20));
}

/* ---- slow set -------------------------------------------------------------------------------- */

struct half {
    __m512i low[3], high[3]; /* the 128 classes of each of the three bytes */
};

AVX512 static inline struct half load_half(const struct plan_classes *c, unsigned half) {
    struct half h;
    for (unsigned i = 0; i < 3; i++) {
        h.low[i] = _mm512_loadu_si512(c->cls[i][half]);
        h.high[i] = _mm512_loadu_si512(c->cls[i][half] + 64);
    }
    return h;
}

/* plan_class_index of 64 bytes; bit 7 is left as it is, the permutation ignores it. */
AVX512 static inline __m512i class_index(__m512i b) {
    const __m512i upper = _mm512_set1_epi8(0x60);
    return _mm512_ternarylogic_epi32(upper, _mm512_srli_epi16(b, 1), b, 0xca);
}

/* The bytes at 64 places, and one and two behind. */
struct places {
    __m512i index[3];
};

AVX512 static inline __attribute__((always_inline)) __m512i classes_of(const struct half *h,
                                                                       struct places p) {
    __m512i a = _mm512_permutex2var_epi8(h->low[0], p.index[0], h->high[0]);
    __m512i b = _mm512_permutex2var_epi8(h->low[1], p.index[1], h->high[1]);
    __m512i c = _mm512_permutex2var_epi8(h->low[2], p.index[2], h->high[2]);
    return _mm512_ternarylogic_epi32(a, b, c, 0x80);
}

/* 0, 1, ... 63 */
AVX512 static inline __attribute__((always_inline)) __m512i every_place(void) {
    return _mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46,
                           45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28,
                           27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10,
                           9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

/* emit() of 64 neighbouring places without a loop that is hard to predict: sixteen at once, more
 * only where more are set. */
AVX512 static inline size_t emit_places(uint64_t bits, uint32_t pos, uint32_t *out) {
    size_t n = (size_t)__builtin_popcountll(bits);
    const __m512i first = _mm512_set1_epi32((int)pos);
    __m512i set = _mm512_maskz_compress_epi8(bits, every_place());
    _mm512_storeu_si512(out,
                        _mm512_add_epi32(first, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(set))));
    for (size_t i = 16; __builtin_expect(i < n, 0); i += 16) {
        set = _mm512_alignr_epi32(set, set, 4);
        _mm512_storeu_si512(
            out + i, _mm512_add_epi32(first, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(set))));
    }
    return n;
}

/* The lowest n bits. */
static inline uint64_t low_bits(uint64_t n) {
    return n >= 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1;
}

/* avail: how many bytes may be read, at least 3. */
AVX512 static inline __attribute__((always_inline)) struct places load_some(const uint8_t *p,
                                                                            uint32_t avail) {
    return (struct places){{class_index(_mm512_maskz_loadu_epi8(low_bits(avail), p)),
                            class_index(_mm512_maskz_loadu_epi8(low_bits(avail - 1), p + 1)),
                            class_index(_mm512_maskz_loadu_epi8(low_bits(avail - 2), p + 2))}};
}

AVX512 static inline __attribute__((always_inline)) struct places load_all(const uint8_t *p) {
    return (struct places){{class_index(_mm512_loadu_si512(p)),
                            class_index(_mm512_loadu_si512(p + 1)),
                            class_index(_mm512_loadu_si512(p + 2))}};
}

/* Which of 64 places pass. */
AVX512 static inline __attribute__((always_inline)) uint64_t
passing(const struct half *a, const struct half *b, struct places p) {
    __m512i t = classes_of(a, p);
    if (a != b) {
        t = _mm512_or_si512(t, classes_of(b, p));
    }
    return _mm512_test_epi8_mask(t, t);
}

/* halves: a constant after inlining. */
AVX512 static inline __attribute__((always_inline)) size_t
slow_halves(const struct plan_classes *c, unsigned halves, const struct filter_span *span,
            uint32_t *out) {
    const struct half half[2] = {load_half(c, 0), load_half(c, halves - 1)};
    const struct half *a = &half[0], *b = &half[halves - 1];
    uint32_t pos = span->first;
    uint32_t end = span->avail < PLACES + 2 ? 0 : span->avail - (PLACES + 1);
    uint32_t last = span->end < PLACES - 1 ? 0 : span->end - (PLACES - 1);
    end = end < last ? end : last;
    size_t n = 0;
    for (; pos < end; pos += PLACES) {
        n += emit_places(passing(a, b, load_all(span->p + pos)), pos, out + n);
    }
    /* Less than 64 are left, or less than 66 bytes. */
    end = span->avail < 3 ? 0 : span->avail - 2;
    end = end < span->end ? end : span->end;
    if (pos < end) {
        uint64_t bits = passing(a, b, load_some(span->p + pos, span->avail - pos));
        bits &= low_bits(end - pos);
        for (; bits != 0; bits &= bits - 1) {
            out[n++] = pos + (uint32_t)__builtin_ctzll(bits);
        }
    }
    return n;
}

AVX512 static size_t avx512_slow(const struct plan_classes *c, const struct filter_span *span,
                                 uint32_t *out) {
    return c->halves > 1 ? slow_halves(c, 2, span, out) : slow_halves(c, 1, span, out);
}

/* Keeps of list[0 .. n), sixteen at a time, the places that are good. */
AVX512 static inline __attribute__((always_inline)) size_t
keep(uint32_t *list, size_t kept, __m512i places, __mmask16 where, __mmask16 good) {
    /* not compressed in the store: some machines do that one by one */
    _mm512_mask_storeu_epi32(list + kept, where, _mm512_maskz_compress_epi32(good, places));
    return kept + (size_t)__builtin_popcount(good);
}

/* The first `left` of sixteen. */
static inline __mmask16 first_of(size_t left) {
    return (__mmask16)(left < WINDOWS ? (1u << left) - 1 : 0xffffu);
}

/* filter_in_set of the places in where. */
AVX512 static inline __attribute__((always_inline)) __mmask16
in_slow_set(const struct filter_sets *sets, unsigned k, __m512i text, __mmask16 where) {
    static const uint32_t masks[PLAN_SLOW_KINDS] = PLAN_SLOW_MASKS;
    __m512i h = _mm512_mullo_epi32(_mm512_and_si512(text, _mm512_set1_epi32((int)masks[k])),
                                   _mm512_set1_epi32((int)FOLDHASH_LO));
    return in_set(sets->set[k], _mm512_srli_epi32(h, 32 - PLAN_SLOW_LOG2), where);
}

AVX512 static size_t avx512_sift(const struct filter_sets *sets, const struct filter_span *span,
                                 uint32_t *list, size_t n) {
    size_t kept = 0, whole = n;
    while (whole > 0 && span->avail - list[whole - 1] < 4) { /* at the end of the layer */
        whole--;
    }
    for (size_t i = 0; i < whole; i += WINDOWS) {
        __mmask16 where = first_of(whole - i);
        __m512i places = _mm512_maskz_loadu_epi32(where, list + i);
        __m512i text = folded_at(span->p, places, where);
        __mmask16 good = in_slow_set(sets, 0, text, where) | in_slow_set(sets, 1, text, where);
        if (sets->masked) {
            good |= in_slow_set(sets, 2, text, where) | in_slow_set(sets, 3, text, where);
        }
        kept = keep(list, kept, places, where, good);
    }
    for (size_t i = whole; i < n; i++) {
        uint32_t pos = list[i];
        list[kept] = pos;
        kept += filter_in_sets(sets, span, pos);
    }
    return kept;
}

/* ---- marks ----------------------------------------------------------------------------------- */

struct mark_tables {
    __m512i low[MT_MARK_BYTES], high[MT_MARK_BYTES];
};

/* Which of 64 places the classes of the marks let pass; text: their bytes, and those behind. */
AVX512 static inline __attribute__((always_inline)) uint64_t
mark_passing(const struct mark_tables *t, const __m512i text[MT_MARK_BYTES]) {
    __m512i a = _mm512_permutex2var_epi8(t->low[0], text[0], t->high[0]);
    __m512i b = _mm512_permutex2var_epi8(t->low[1], text[1], t->high[1]);
    __m512i c = _mm512_permutex2var_epi8(t->low[2], text[2], t->high[2]);
    __m512i d = _mm512_permutex2var_epi8(t->low[3], text[3], t->high[3]);
    return _mm512_test_epi8_mask(_mm512_ternarylogic_epi32(a, b, c, 0x80), d);
}

AVX512 static inline __attribute__((always_inline)) struct mark_tables
load_marks(const struct plan_marks *m) {
    struct mark_tables t;
    for (unsigned i = 0; i < MT_MARK_BYTES; i++) {
        t.low[i] = _mm512_loadu_si512(m->cls[i]);
        t.high[i] = _mm512_loadu_si512(m->cls[i] + 64);
    }
    return t;
}

/* plan_mark_hash */
AVX512 static inline __attribute__((always_inline)) __m512i mark_hash(const struct plan_marks *m,
                                                                      __m512i text) {
    __m512i h = _mm512_mullo_epi32(text, _mm512_set1_epi32((int)FOLDHASH_LO));
    return _mm512_srl_epi32(h, _mm_cvtsi32_si128((int)(32 - m->log2_set)));
}

/* Places that the classes let pass, and the four bytes there. */
struct mark_places {
    uint32_t place[MARK_PIECE + WINDOWS], text[MARK_PIECE + WINDOWS];
};

/* 128 bytes. */
struct line {
    __m512i now, next;
};

/* Like emit_places, with the bytes, by a permutation of the line in place of a gather later; out
 * holds n. Returns how many it holds then. */
AVX512 static inline __attribute__((always_inline)) size_t
put_marks(uint64_t bits, uint32_t pos, struct line line, struct mark_places *out, size_t n) {
    const __m512i four =
        _mm512_set_epi8(15, 15, 15, 15, 14, 14, 14, 14, 13, 13, 13, 13, 12, 12, 12, 12, 11, 11, 11,
                        11, 10, 10, 10, 10, 9, 9, 9, 9, 8, 8, 8, 8, 7, 7, 7, 7, 6, 6, 6, 6, 5, 5, 5,
                        5, 4, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
    const __m512i behind = _mm512_set1_epi32(0x03020100), low = _mm512_set1_epi32(0xff);
    const __m512i first = _mm512_set1_epi32((int)pos);
    size_t end = n + (size_t)__builtin_popcountll(bits);
    __m512i set = _mm512_maskz_compress_epi8(bits, every_place());
    for (;;) {
        __m512i at = _mm512_permutexvar_epi8(four, set);
        __m512i text = _mm512_permutex2var_epi8(line.now, _mm512_add_epi8(at, behind), line.next);
        _mm512_storeu_si512(out->place + n, _mm512_add_epi32(_mm512_and_si512(at, low), first));
        _mm512_storeu_si512(out->text + n, text);
        n += WINDOWS;
        if (__builtin_expect(n >= end, 1)) {
            return end;
        }
        set = _mm512_alignr_epi32(set, set, 4);
    }
}

/* Keeps those that begin as a mark does. */
AVX512 static inline __attribute__((always_inline)) size_t
keep_begun(const struct plan_marks *m, const struct mark_places *of, size_t n, uint32_t *out) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i += WINDOWS) {
        __m512i text = _mm512_or_si512(_mm512_loadu_si512(of->text + i), _mm512_set1_epi8(0x20));
        __mmask16 where = first_of(n - i), good = in_set(m->set, mark_hash(m, text), where);
        kept = keep(out, kept, _mm512_loadu_si512(of->place + i), where, good);
    }
    return kept;
}

/* Places that begin as a mark does, from *inout_pos on as long as 128 bytes are left. */
AVX512 static size_t begin_most(const struct plan_marks *m, const struct filter_span *span,
                                uint32_t *inout_pos, uint32_t *out) {
    const struct mark_tables t = load_marks(m);
    struct mark_places some;
    uint32_t pos = *inout_pos;
    uint32_t end = span->avail < 2 * PLACES ? 0 : span->avail - (2 * PLACES - 1);
    uint32_t last = span->end < PLACES - 1 ? 0 : span->end - (PLACES - 1);
    end = end < last ? end : last;
    size_t kept = 0;
    while (pos < end) {
        uint32_t stop = end - pos < MARK_PIECE ? end : pos + MARK_PIECE;
        size_t n = 0;
        __m512i now = _mm512_loadu_si512(span->p + pos);
        for (; pos < stop; pos += PLACES) {
            const uint8_t *p = span->p + pos;
            const __m512i next = _mm512_loadu_si512(p + PLACES);
            const __m512i text[MT_MARK_BYTES] = {now, _mm512_loadu_si512(p + 1),
                                                 _mm512_loadu_si512(p + 2),
                                                 _mm512_loadu_si512(p + 3)};
            _mm_prefetch((const char *)((uintptr_t)p + span->ahead), _MM_HINT_T1);
            n = put_marks(mark_passing(&t, text), pos, (struct line){now, next}, &some, n);
            now = next;
        }
        kept += keep_begun(m, &some, n, out + kept);
    }
    *inout_pos = pos;
    return kept;
}

/* The same of the places behind: less than 64, or less than 128 bytes, which is two turns. */
AVX512 static size_t begin_last(const struct plan_marks *m, const struct filter_span *span,
                                uint32_t pos, uint32_t *out) {
    const struct mark_tables t = load_marks(m);
    __m512i text[MT_MARK_BYTES];
    uint32_t end = span->avail < 3 ? 0 : span->avail - 2;
    end = end < span->end ? end : span->end;
    size_t n = 0;
    for (; pos < end; pos += PLACES) {
        for (unsigned i = 0; i < MT_MARK_BYTES; i++) {
            uint32_t left = span->avail - pos > i ? span->avail - pos - i : 0;
            text[i] = _mm512_maskz_loadu_epi8(low_bits(left), span->p + pos + i);
        }
        uint64_t bits = mark_passing(&t, text) & low_bits(end - pos);
        for (; bits != 0; bits &= bits - 1) {
            uint32_t place = pos + (uint32_t)__builtin_ctzll(bits);
            out[n] = place;
            n += filter_begins_mark(m, span, place);
        }
    }
    return n;
}

/* filter_goes_on of the places that are set in where. */
AVX512 static inline __attribute__((always_inline)) __mmask16
go_on(const struct plan_marks *m, const uint8_t *p, __m512i places, __mmask16 where) {
    const __m512i zero = _mm512_setzero_si512(), low5 = _mm512_set1_epi32(31);
    const __m512i one = _mm512_set1_epi32(1);
    __m512i lo = folded_at(p, places, where), hi = folded_at(p + 4, places, where);
    __mmask16 brief = in_set(m->brief, mark_hash(m, lo), where);
    __m512i h = _mm512_add_epi32(_mm512_mullo_epi32(lo, _mm512_set1_epi32((int)FOLDHASH_LO)),
                                 _mm512_mullo_epi32(hi, _mm512_set1_epi32((int)FOLDHASH_HI)));
    __m512i index = _mm512_srl_epi32(h, _mm_cvtsi32_si128((int)(32 - m->log2_words)));
    __m512i word = _mm512_mask_i32gather_epi32(zero, where, index, (const void *)m->word, 4);
    __m512i first = _mm512_sllv_epi32(one, _mm512_and_si512(_mm512_srli_epi32(h, 4), low5));
    __m512i second = _mm512_sllv_epi32(one, _mm512_and_si512(_mm512_srli_epi32(h, 9), low5));
    __m512i both = _mm512_or_si512(first, second);
    return brief | _mm512_mask_cmpeq_epi32_mask(where, _mm512_and_si512(word, both), both);
}

AVX512 static size_t avx512_marks(const struct filter_plan *plan, const struct filter_span *span,
                                  uint32_t *out) {
    const struct plan_marks *m = &plan->marks;
    uint32_t pos = span->first;
    size_t n = begin_most(m, span, &pos, out), kept = 0;
    n += begin_last(m, span, pos, out + n);
    size_t whole = n;
    while (whole > 0 && span->avail - out[whole - 1] < 8) { /* at the end of the layer */
        whole--;
    }
    for (size_t i = 0; i < whole; i += WINDOWS) {
        __mmask16 where = first_of(whole - i);
        __m512i places = _mm512_maskz_loadu_epi32(where, out + i);
        kept = keep(out, kept, places, where, go_on(m, span->p, places, where));
    }
    for (size_t i = whole; i < n; i++) {
        uint32_t place = out[i];
        out[kept] = place;
        kept += filter_goes_on(m, span, place);
    }
    return kept;
}

const struct filter_kernel filter_kernel_avx512 = {
    "avx512",     CPU_AVX2 | CPU_AVX512 | CPU_VBMI | CPU_VBMI2,
    avx512_group, avx512_slow,
    avx512_sift,  avx512_marks};

#endif
