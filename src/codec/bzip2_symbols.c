// SPDX-License-Identifier: Apache-2.0
/*
 * Symbols of a bzip2 block to the last column of its sorted rotations:
 *
 *     RUNA, RUNB   digits of a number to the base 2 (1 and 2, lowest first): so many times the byte
 *                  in front; each digit is written when it comes
 *     2 ...        the byte at place 1 ... of the list comes to the front, and is written
 *     the highest  end of the block
 *
 * Plain: the first eight bytes of the list are in one word: most symbols ask for one of these, and
 * moving a byte to the front is then a shift.
 *
 * With VBMI: whether a symbol is a digit, and of which place, nobody can guess, and every wrong
 * guess costs twenty steps: so both are done the same way. The first 64 bytes of the list are one
 * vector; a byte is brought to the front by a permutation that is made of its place, a digit has
 * place 0; eight entries are written, whatever counts of them. What is left to guess is rare: a
 * place beyond 64, a digit above 8, a long code.
 */
#include "codec/bzip2_symbols.h"

#include <string.h>

#include "base/cpu.h"

#define RUN_B 1u
#define FIRST_BYTES 8u
#define WIDE_BYTES 64u

struct symbols {
    struct bz_block *block;
    uint32_t len;
    uint32_t unit;     /* what the next digit of a run counts */
    uint8_t list[256]; /* last used first */
};

/* A code that `fast` does not know. */
static sk_err long_code(const struct bz_table *t, struct bz_bits *bits, unsigned *out_symbol) {
    for (unsigned n = t->shortest; n <= BZ_CODE_MAX_BITS; n++) {
        int32_t code = (int32_t)(bits->buf >> (64 - n));
        if (code > t->limit[n]) {
            continue;
        }
        int32_t place = code - t->base[n];
        if (place < 0 || place >= (int32_t)BZ_SYMBOLS_MAX || n > bits->n) {
            break;
        }
        *out_symbol = t->symbol[place];
        bz_bits_drop(bits, n);
        return sk_ok();
    }
    return sk_failed(bits->err) ? bits->err : sk_fail(SK_E_FORMAT);
}

static sk_err put_run(struct symbols *s, uint8_t byte, uint32_t count) {
    if (count > s->block->cap - s->len) {
        return sk_fail(SK_E_FORMAT);
    }
    uint32_t *next = s->block->next + s->len;
    for (uint32_t i = 0; i < count; i++) {
        next[i] = byte;
    }
    s->block->codes->count[byte] += count;
    s->len += count;
    return sk_ok();
}

/* The byte at a place behind the first eight; *first is those. */
static inline uint64_t take_far(uint8_t *list, uint64_t first, unsigned place) {
    uint8_t byte = list[place];
    memmove(list + FIRST_BYTES + 1, list + FIRST_BYTES, place - FIRST_BYTES);
    list[FIRST_BYTES] = (uint8_t)(first >> 56);
    return first << 8 | byte;
}

static inline uint64_t take_near(uint64_t first, unsigned place) {
    uint64_t byte = first >> (8 * place) & 0xff;
    uint64_t moved = ~UINT64_C(0) >> (56 - 8 * place);
    return (first & ~moved) | ((first << 8 | byte) & moved);
}

static sk_err group_plain(struct symbols *s, struct bz_bits *bits, const struct bz_table *t) {
    unsigned end = s->block->codes->bytes + 1;
    uint64_t first = sk_load_u64le(s->list);
    for (unsigned i = 0; i < BZ_GROUP_SYMBOLS; i++) {
        if (bits->n < BZ_CODE_MAX_BITS) {
            SK_IGNORE(bz_bits_need(bits, BZ_CODE_MAX_BITS),
                      "the last code is shorter; the error is kept");
        }
        unsigned entry = t->fast[bits->buf >> (64 - BZ_FAST_BITS)];
        unsigned symbol = entry >> 5;
        if (entry != 0 && (entry & 31) <= bits->n) {
            bz_bits_drop(bits, entry & 31);
        } else {
            TRY(long_code(t, bits, &symbol));
        }
        if (symbol <= RUN_B) {
            TRY(put_run(s, (uint8_t)first, s->unit << symbol));
            s->unit *= 2;
            continue;
        }
        if (symbol >= end) {
            return sk_fail(SK_E_STOP);
        }
        unsigned place = symbol - 1;
        first = place < FIRST_BYTES ? take_near(first, place) : take_far(s->list, first, place);
        s->unit = 1;
        TRY(put_run(s, (uint8_t)first, 1));
    }
    sk_store_u64le(s->list, first);
    return sk_ok();
}

#if defined(__x86_64__)

#include <immintrin.h>

#define VBMI __attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512vbmi,bmi2")))
#define VBMI_NEEDS (CPU_AVX512 | CPU_VBMI | CPU_VBMI2)
#define GROUP_BYTES (BZ_GROUP_SYMBOLS * BZ_CODE_MAX_BITS / 8 + 16)

/* What a group needs, in registers. */
struct wide {
    __m512i list0; /* 64 bytes each */
    __m512i list1;
    __m512i list2;
    __m512i list3;
    uint64_t buf;
    uint32_t *next;
    uint32_t *count; /* of each byte */
    uint32_t left;   /* entries that may still be written */
    uint32_t unit;
    unsigned n;
};

/* 0 1 2 ... */
VBMI static inline __m512i places(void) {
    return _mm512_set_epi64(0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928,
                            0x2726252423222120, 0x1f1e1d1c1b1a1918, 0x1716151413121110,
                            0x0f0e0d0c0b0a0908, 0x0706050403020100);
}

/* Those up to the place move up by one, and it comes to the front. */
VBMI static inline __m512i take_first(__m512i list, unsigned place) {
    const __m512i all = places();
    __mmask64 moved = _bzhi_u64(~UINT64_C(0), place + 1);
    __m512i from = _mm512_mask_sub_epi8(all, moved, all, _mm512_set1_epi8(1));
    from = _mm512_mask_set1_epi8(from, 1, (char)place);
    return _mm512_permutexvar_epi8(from, list);
}

/* Bytes of a vector up to a place that is counted from `begin`, above 0, move up by one; the first
 * one comes from the vector before. */
VBMI static inline __m512i move_up(__m512i list, __m512i previous, unsigned place, unsigned begin) {
    const __m512i before =
        _mm512_mask_set1_epi8(_mm512_sub_epi8(places(), _mm512_set1_epi8(1)), 1, (char)(64 + 63));
    unsigned end = place + 1 > begin ? place + 1 - begin : 0;
    __mmask64 moved = _bzhi_u64(~UINT64_C(0), end < 64 ? end : 64);
    return _mm512_mask_mov_epi8(list, moved, _mm512_permutex2var_epi8(list, before, previous));
}

/* The same for a place from 64 on. */
VBMI static inline __attribute__((always_inline)) void take_rest(struct wide *w, unsigned place) {
    const __m512i before = _mm512_sub_epi8(places(), _mm512_set1_epi8(1));
    __m512i at = _mm512_set1_epi8((char)place);
    __m512i low = _mm512_permutex2var_epi8(w->list0, at, w->list1);
    __m512i high = _mm512_permutex2var_epi8(w->list2, at, w->list3);
    __m512i byte = _mm512_mask_mov_epi8(low, place < 128 ? 0 : 1, high);
    w->list3 = move_up(w->list3, w->list2, place, 192);
    w->list2 = move_up(w->list2, w->list1, place, 128);
    w->list1 = move_up(w->list1, w->list0, place, 64);
    w->list0 = _mm512_mask_mov_epi8(_mm512_permutexvar_epi8(before, w->list0), 1, byte);
}

/* SK_E_STOP: the end of the block. */
VBMI static inline __attribute__((always_inline)) sk_err put_wide(struct wide *w, unsigned symbol,
                                                                  unsigned end) {
    /* By arithmetic, or compilers make a branch of it. */
    uint32_t digit = (uint32_t)((int32_t)(symbol - RUN_B - 1) >> 31);
    unsigned place = (symbol - 1) & ~digit;
    uint32_t count = (((w->unit << (symbol & 1)) - 1) & digit) + 1;
    w->unit = ((w->unit * 2 - 1) & digit) + 1;
    if (symbol >= end) {
        return sk_fail(SK_E_STOP);
    }
    if (place < WIDE_BYTES) {
        w->list0 = take_first(w->list0, place);
    } else {
        take_rest(w, place);
    }
    uint32_t byte = (uint32_t)_mm_cvtsi128_si32(_mm512_castsi512_si128(w->list0)) & 0xff;
    if (count > w->left) {
        return sk_fail(SK_E_FORMAT);
    }
    _mm256_storeu_si256((__m256i *)(void *)w->next, _mm256_set1_epi32((int)byte));
    for (uint32_t i = BZ_BLOCK_SPARE; i < count; i++) {
        w->next[i] = byte;
    }
    w->count[byte] += count;
    w->next += count;
    w->left -= count;
    return sk_ok();
}

VBMI static inline __attribute__((always_inline)) sk_err
next_wide(struct wide *w, const struct bz_table *t, unsigned end) {
    unsigned entry = t->fast[w->buf >> (64 - BZ_FAST_BITS)];
    unsigned symbol = entry >> 5;
    if (__builtin_expect(entry == 0, 0)) {
        struct bz_bits bits = {.buf = w->buf, .n = w->n};
        TRY(long_code(t, &bits, &symbol));
        w->buf = bits.buf;
        w->n = bits.n;
    } else {
        w->buf <<= entry & 31;
        w->n -= entry & 31;
    }
    return put_wide(w, symbol, end);
}

/* All codes of a group are in the input, whatever they are. */
VBMI static sk_err group_wide(struct symbols *s, struct bz_bits *bits, const struct bz_table *t) {
    const uint8_t *in = bits->io->in + bits->io->in_used;
    const uint8_t *begin = in;
    struct bz_codes *codes = s->block->codes;
    unsigned end = codes->bytes + 1;
    struct wide w = {.list0 = _mm512_loadu_si512(s->list),
                     .list1 = _mm512_loadu_si512(s->list + 64),
                     .list2 = _mm512_loadu_si512(s->list + 128),
                     .list3 = _mm512_loadu_si512(s->list + 192),
                     .buf = bits->buf,
                     .next = s->block->next + s->len,
                     .count = codes->count,
                     .left = s->block->cap - s->len,
                     .unit = s->unit,
                     .n = bits->n};
    sk_err err = sk_ok();
    for (unsigned i = 0; i < BZ_GROUP_SYMBOLS && !sk_failed(err); i += 2) {
        w.buf |= sk_load_u64be(in) >> w.n; /* at least 56 bits: two codes */
        in += (63 - w.n) >> 3;
        w.n |= 56;
        err = next_wide(&w, t, end);
        if (!sk_failed(err)) {
            err = next_wide(&w, t, end);
        }
    }
    _mm512_storeu_si512(s->list, w.list0);
    _mm512_storeu_si512(s->list + 64, w.list1);
    _mm512_storeu_si512(s->list + 128, w.list2);
    _mm512_storeu_si512(s->list + 192, w.list3);
    s->len = s->block->cap - w.left;
    s->unit = w.unit;
    bits->n = w.n;
    bits->buf = w.n == 0 ? 0 : w.buf >> (64 - w.n) << (64 - w.n);
    bits->io->in_used += (size_t)(in - begin);
    return err;
}

static bool can_be_wide(const struct bz_bits *bits) {
    return bits->io->in_len - bits->io->in_used >= GROUP_BYTES && cpu_has(VBMI_NEEDS);
}

#else

static bool can_be_wide(const struct bz_bits *bits) {
    (void)bits;
    return false;
}

static sk_err group_wide(struct symbols *s, struct bz_bits *bits, const struct bz_table *t) {
    return group_plain(s, bits, t);
}

#endif

sk_err bz_symbols_read(struct bz_block *block, struct bz_bits *bits) {
    struct bz_codes *codes = block->codes;
    struct symbols s = {.block = block, .unit = 1};
    memcpy(s.list, codes->list, sizeof(s.list));
    memset(codes->count, 0, sizeof(codes->count));
    codes->half = 0;
    for (unsigned i = 0; i < codes->selectors; i++) {
        const struct bz_table *t = &codes->table[codes->selector[i]];
        sk_err err = can_be_wide(bits) ? group_wide(&s, bits, t) : group_plain(&s, bits, t);
        if (codes->half == 0 && (s.len >= block->cap / 2 || err.code == SK_E_STOP)) {
            memcpy(codes->early, codes->count, sizeof(codes->early));
            codes->half = s.len;
        }
        if (err.code == SK_E_STOP) {
            block->len = s.len;
            return sk_ok();
        }
        TRY(err);
    }
    return sk_fail(SK_E_FORMAT);
}
