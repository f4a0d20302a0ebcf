// SPDX-License-Identifier: Apache-2.0
/*
 * struct regex_run: regular expressions of subsignatures (PCRE2) over one layer.
 *
 * Source texts lie in the image; code is compiled where it is first needed and a few are kept.
 * Life cycle: regex_run_init (once a matcher) -> regex_count... -> regex_run_release.
 * **Borrows** the segments' texts for the call only: kept code is found by segment and number.
 * Errors: SK_E_LIMIT (a limit of PCRE2 or the budget: the count is what was found before),
 * SK_E_FORMAT (a text does not compile: damaged tables), SK_E_NOMEM, SK_E_IO.
 * Limits: REGEX_*. Units: bytes.
 */
#ifndef SK_MATCH_REGEX_H
#define SK_MATCH_REGEX_H

#include "match/pattern.h"
#include "match/regex_text.h"

#define REGEX_MATCH_LIMIT 100000u                 /* ClamAV's PCREMatchLimit, for each start */
#define REGEX_HARD_LIMIT (REGEX_MATCH_LIMIT * 16) /* for a start that needs more */
#define REGEX_DEPTH_LIMIT 2000u                   /* PCRERecMatchLimit */
#define REGEX_HEAP_KIB 20000u
#define REGEX_LAYER_MAX ((uint64_t)100 << 20) /* PCREMaxFileSize; of longer layers so much */
#define REGEX_TEXT_MAX 32768u
#define REGEX_KEPT 32u
/* Layers behind a read function are seen through windows that overlap. */
#define REGEX_WINDOW_BYTES ((size_t)8 << 20)
#define REGEX_OVERLAP_BYTES ((size_t)2 << 20)

struct regex_kept {
    uint64_t key; /* segment << 32 | regex, plus 1; 0 = free */
    uint64_t used;
    void *code;
    void *tail; /* code of the text's tail, or NULL */
    struct regex_text text;
};
struct regex_run {
    void *general; /* pcre2_general_context */
    void *match;   /* pcre2_match_context */
    void *data;    /* pcre2_match_data */
    struct regex_kept kept[REGEX_KEPT];
    uint64_t clock;
    bool off;           /* none ever matches: switched off by the definitions */
    uint32_t flags_off; /* MT_REGEX_* that are not heeded */
    bool jit;           /* compile to machine code; never inside the sandbox, which forbids it */
};

void regex_run_init(struct regex_run *run);
void regex_run_release(struct regex_run *run);

/* Does the text compile? False: why (at least 120 bytes) says why not. flags: MT_REGEX_*. */
bool regex_check(const uint8_t *text, size_t len, uint32_t flags, char *why, size_t why_len);

/* Which one: regex[sub->part_first] of a segment; segment: its number, for keeping code. */
struct regex_use {
    unsigned segment;
    const struct mt_segment *seg;
    const struct mt_sub *sub;
};
/* Counts matches: at most one without GLOBAL. *out_hits is set on SK_E_LIMIT too. */
sk_err regex_count(struct regex_run *run, struct pattern_run *pattern, const struct regex_use *use,
                   struct pattern_hits *out_hits);

#endif
