// SPDX-License-Identifier: Apache-2.0
/*
 * Candidate search: which trigger literals occur in a layer?
 *
 *   block of 12 KiB -> kernel -> candidates -> bucket, tag -> literal -> hit
 *                      (every group and the slow set, or all marks)
 *
 * Kernels are interchangeable: given the same plan and bytes each gives the same candidates of the
 * groups, and of the slow set the same that hold an entry; of marks, where it looks for them,
 * exactly the same (property test). The scalar one is the reference and what other machines get.
 *
 * Life cycle: the caller fills struct filter_job and calls filter_run once per layer.
 * The bytes of the source may change at any time; kernels must bear that (filter.c).
 * Ownership: everything in the job is **borrowed** for the call; `done` bits are written.
 * Errors: SK_E_IO and SK_E_NOMEM of the source, SK_E_FORMAT (table damaged), SK_E_LIMIT (tick said
 * stop), and whatever `hit` returns. Units: bytes.
 */
#ifndef SK_MATCH_FILTER_H
#define SK_MATCH_FILTER_H

#include <string.h>

#include "base/source.h"
#include "match/foldhash.h"
#include "match/plan.h"

#define FILTER_BLOCK_BYTES 12288u

/* Positions [first, end) of p are asked for; p[0 .. avail) may be read. */
struct filter_span {
    const uint8_t *p;
    uint32_t avail;
    uint32_t first;
    uint32_t end;
    uint32_t ahead; /* bytes so far behind each place may be fetched meanwhile */
};

/* Hashes of the entries of the slow set that are looked for, of one mask each (PLAN_SLOW_MASKS). */
struct filter_sets {
    const uint32_t *set[PLAN_SLOW_KINDS];
    bool masked; /* the last two hold something */
};

struct filter_kernel {
    const char *name;
    unsigned needs; /* cpu_has */
    /* Positions first, first + s, ... < end that have q bytes and pass the bitmap, ascending. out
     * holds end - first elements. Returns how many. */
    size_t (*group)(const struct plan_bitmap *group, const struct filter_span *span, uint32_t *out);
    /* Positions in [first, end) with three bytes that the classes let pass, and maybe more, as the
     * nibble tables do; ascending. Every entry of the slow set is among them. */
    size_t (*slow)(const struct plan_classes *classes, const struct filter_span *span,
                   uint32_t *out);
    /* Keeps of list[0 .. n), ascending, those whose first four bytes (what is missing is 0) have a
     * hash in some set (filter_in_sets). Returns how many. NULL: the scalar one does as well. */
    size_t (*sift)(const struct filter_sets *sets, const struct filter_span *span, uint32_t *list,
                   size_t n);
    /* Positions in [first, end) with three bytes and more, of which the first four pass the classes
     * of the marks and have the hash of some mark (filter_begins_mark; what is missing is 0) that
     * goes on so (filter_goes_on), no others; ascending. NULL: bytes are not looked up one by one,
     * so plans by marks do not pay (they are searched by the scalar one). */
    size_t (*marks)(const struct filter_plan *plan, const struct filter_span *span, uint32_t *out);
};

/* Not in every build, nor for every machine: ask filter_kernel_nth. */
extern const struct filter_kernel filter_kernel_avx512, filter_kernel_avx2, filter_kernel_vec16;
extern const struct filter_kernel filter_kernel_scalar;
/* Those for this machine, the best first, the last is scalar; NULL: no more. */
const struct filter_kernel *filter_kernel_nth(unsigned n);

struct filter_job {
    const struct filter_kernel *kernel;
    struct sk_source *src;
    const struct filter_plan *plan;
    uint32_t *scratch; /* FILTER_BLOCK_BYTES elements */
    sk_err (*hit)(void *ctx, unsigned input, uint32_t trig, uint64_t off);
    void *hit_ctx;
    bool (*tick)(void *ctx); /* asked every 64 blocks; false = out of time; may be NULL */
    void *tick_ctx;
    uint64_t candidates; /* counts up */
    uint64_t literals;
};

sk_err filter_run(struct filter_job *job);

/* The folded bytes at this position, at most n (4 or 8) of them; what is missing is 0. */
static inline uint64_t filter_text(const struct filter_span *span, uint32_t pos, uint32_t n) {
    uint64_t text = 0;
    uint32_t left = span->avail - pos;
    memcpy(&text, span->p + pos, left < n ? left : n);
    return text | (n == 8 ? FOLDHASH_FOLD : (uint32_t)FOLDHASH_FOLD);
}

/* 1 when the folded bytes of text, as far as the mask goes, have a hash in the set of kind k. */
static inline uint32_t filter_in_set(const struct filter_sets *sets, unsigned k, uint32_t text) {
    static const uint32_t masks[PLAN_SLOW_KINDS] = PLAN_SLOW_MASKS;
    uint32_t h = plan_slow_hash(text & masks[k]);
    return sets->set[k][h >> 5] >> (h & 31) & 1;
}

/* 1 when an entry of the slow set may begin at this position. */
static inline uint32_t filter_in_sets(const struct filter_sets *sets,
                                      const struct filter_span *span, uint32_t pos) {
    uint32_t text = (uint32_t)filter_text(span, pos, 4);
    uint32_t has = filter_in_set(sets, 0, text) | filter_in_set(sets, 1, text);
    if (sets->masked) {
        has |= filter_in_set(sets, 2, text) | filter_in_set(sets, 3, text);
    }
    return has;
}

/* 1 when a mark may begin at this position, by its first four bytes. */
static inline uint32_t filter_begins_mark(const struct plan_marks *marks,
                                          const struct filter_span *span, uint32_t pos) {
    uint32_t h = plan_mark_hash(marks, (uint32_t)filter_text(span, pos, 4));
    return marks->set[h >> 5] >> (h & 31) & 1;
}

/* 1 when a mark that may begin here ends after four bytes, or may go on. */
static inline uint32_t filter_goes_on(const struct plan_marks *marks,
                                      const struct filter_span *span, uint32_t pos) {
    uint64_t text = filter_text(span, pos, 8);
    uint32_t four = plan_mark_hash(marks, (uint32_t)text), h = foldhash_bits(text);
    uint32_t word = marks->word[foldhash_word(h, marks->log2_words)];
    uint32_t pass = word >> (h >> 4 & 31) & word >> (h >> 9 & 31);
    return (pass | marks->brief[four >> 5] >> (four & 31)) & 1;
}

#endif
