// SPDX-License-Identifier: Apache-2.0
/*
 * PCRE2 behind the matcher's budget.
 *
 *   text in the image --first use--> code, kept (REGEX_KEPT, the one unused for longest goes)
 *   layer --whole, or windows--> subject --slices of starts--> matches
 *
 * A subject begins at the place its offset means, as in ClamAV: `^` matches there and nothing
 * before it is seen. Starts are tried in slices (PCRE2's offset limit), so that a slow expression
 * comes back often enough to be asked for the time; each start may cost REGEX_MATCH_LIMIT steps.
 *
 * A start that needs more is a hard one. ClamAV gives up there, and ordinary pages have them (an
 * official expression about scripts takes 150,000 steps from the one <script> of a change log). So
 * the slice is gone through again one start at a time, and a hard start may have four times as much
 * until REGEX_HARD_LIMIT, paid from the budget.
 *
 * Windows: a layer in memory is one subject. One behind a read function is copied piece by piece
 * into a buffer of at most REGEX_WINDOW_BYTES, which is given back at once: such layers are rare,
 * and it would be the largest piece of memory a worker keeps. Of all windows but the last only
 * starts count that leave REGEX_OVERLAP_BYTES behind them, so a match of up to that length is never
 * cut. ClamAV maps the whole file; a longer match is lost here. Starts in a later window see what
 * lies before them in it: CONTEXT_BYTES at least, so `^` does not match there.
 *
 * Code is never taken from an image (a hostile one could run anything) and never compiled to
 * machine code in the sandbox: see docs/decisions/006-regular-expressions.md.
 *
 * Slices grow: PCRE2 looks for the first byte of an expression up to the end of the subject, not of
 * the slice, so many small slices of a large layer would look at it again and again.
 *
 * Expressions that begin with four or more letters are tried where those stand, and nowhere else:
 * PCRE2 looks for the first byte alone, and "; function" has it all over a program. There a hard
 * start is known at once. Whole scans: 1.2 times as fast on manual pages in HTML.
 *
 * Where `.*` or `.*?` of any byte follows the letters, the first of these places decides: what
 * matches from a later one matches from it as well, since `.*` may go over all between. One of them
 * goes through the rest of the page, and pages have many scripts. So the tail of the expression
 * (regex_text.h) is looked for first, which begins with letters: mostly it is nowhere. One page out
 * of 559 documents spent a tenth of their time in one such expression.
 *
 * Empty matches in a global count move on by one byte; clamscan 1.4.6 never ends there.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "match/regex.h"

#include <pcre2.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define SLICE_STARTS ((size_t)4096)
#define SLICES_MAX 32u /* after the first few */
#define CONTEXT_BYTES ((size_t)4096)
#define BYTES_A_STEP 8u

static void *take(size_t bytes, void *ctx) {
    (void)ctx;
    return mem_alloc(bytes);
}
static void give(void *block, void *ctx) {
    (void)ctx;
    mem_free(block);
}

void regex_run_init(struct regex_run *run) {
    *run = (struct regex_run){0};
}

static void free_code(struct regex_kept *k) {
    pcre2_code_free(k->code);
    pcre2_code_free(k->tail);
}

void regex_run_release(struct regex_run *run) {
    for (size_t i = 0; i < REGEX_KEPT; i++) {
        free_code(&run->kept[i]);
    }
    pcre2_match_data_free(run->data);
    pcre2_match_context_free(run->match);
    pcre2_general_context_free(run->general);
    *run = (struct regex_run){0};
}

/* Made at the first use: most scans need none. */
static sk_err contexts(struct regex_run *run) {
    if (run->data != NULL) {
        return sk_ok();
    }
    if (run->general == NULL) {
        run->general = pcre2_general_context_create(take, give, NULL);
    }
    if (run->general != NULL && run->match == NULL) {
        run->match = pcre2_match_context_create(run->general);
    }
    if (run->match == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    pcre2_set_match_limit(run->match, REGEX_MATCH_LIMIT);
    pcre2_set_depth_limit(run->match, REGEX_DEPTH_LIMIT);
    pcre2_set_heap_limit(run->match, REGEX_HEAP_KIB);
    run->data = pcre2_match_data_create(1, run->general);
    return run->data == NULL ? sk_fail(SK_E_NOMEM) : sk_ok();
}

/* ---- compiling ------------------------------------------------------------------------------- */

static uint32_t compile_options(uint32_t flags) {
    static const struct {
        uint32_t flag, option;
    } rows[] = {{MT_REGEX_CASELESS, PCRE2_CASELESS},   {MT_REGEX_DOTALL, PCRE2_DOTALL},
                {MT_REGEX_MULTILINE, PCRE2_MULTILINE}, {MT_REGEX_EXTENDED, PCRE2_EXTENDED},
                {MT_REGEX_ANCHORED, PCRE2_ANCHORED},   {MT_REGEX_DOLLAR_END, PCRE2_DOLLAR_ENDONLY},
                {MT_REGEX_UNGREEDY, PCRE2_UNGREEDY}};
    uint32_t options = PCRE2_USE_OFFSET_LIMIT | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        options |= (flags & rows[i].flag) != 0 ? rows[i].option : 0;
    }
    return options;
}

static pcre2_code *compile(const uint8_t *text, size_t len, uint32_t flags, void *general,
                           int *out_error) {
    PCRE2_SIZE at = 0;
    *out_error = PCRE2_ERROR_NOMEMORY;
    pcre2_compile_context *ctx = pcre2_compile_context_create(general);
    if (ctx == NULL) {
        return NULL;
    }
    pcre2_code *code = pcre2_compile(text, len, compile_options(flags), out_error, &at, ctx);
    pcre2_compile_context_free(ctx);
    return code;
}

bool regex_check(const uint8_t *text, size_t len, uint32_t flags, char *why, size_t why_len) {
    int error = 0;
    if (len == 0 || len > REGEX_TEXT_MAX) {
        (void)snprintf(why, why_len, "regular expression of %zu bytes", len);
        return false;
    }
    pcre2_code *code = compile(text, len, flags, NULL, &error);
    if (code == NULL) {
        PCRE2_UCHAR say[120];
        if (pcre2_get_error_message(error, say, sizeof(say)) < 0) {
            say[0] = '\0';
        }
        (void)snprintf(why, why_len, "regular expression: %s", (const char *)say);
        return false;
    }
    pcre2_code_free(code);
    return true;
}

/* ---- kept code ------------------------------------------------------------------------------ */

static sk_err code_for(struct regex_run *run, uint64_t key, const struct mt_segment *seg,
                       const struct mt_regex *regex, const struct regex_kept **out_kept) {
    struct regex_kept *place = &run->kept[0];
    run->clock++;
    for (size_t i = 0; i < REGEX_KEPT; i++) {
        struct regex_kept *k = &run->kept[i];
        if (k->key == key) {
            k->used = run->clock;
            *out_kept = k;
            return sk_ok();
        }
        place = k->used < place->used ? k : place;
    }
    if ((uint64_t)regex->text + regex->text_len > seg->lit_len || regex->text_len == 0 ||
        regex->text_len > REGEX_TEXT_MAX) {
        return sk_fail(SK_E_FORMAT);
    }
    int error = 0;
    const uint8_t *text = &seg->lit[regex->text];
    uint32_t flags = regex->flags & ~run->flags_off;
    pcre2_code *code = compile(text, regex->text_len, flags, run->general, &error);
    if (code == NULL) {
        bool memory = error == PCRE2_ERROR_NOMEMORY || error == PCRE2_ERROR_HEAP_FAILED;
        return sk_fail(memory ? SK_E_NOMEM : SK_E_FORMAT);
    }
    free_code(place);
    *place = (struct regex_kept){.key = key, .used = run->clock, .code = code};
    regex_text_read(text, regex->text_len, flags, &place->text);
    size_t tail = place->text.tail;
    if (tail > 0) { /* NULL: it does without */
        place->tail = compile(text + tail, regex->text_len - tail, flags, run->general, &error);
    }
    if (run->jit) { /* or the interpreter serves */
        (void)pcre2_jit_compile(place->code, PCRE2_JIT_COMPLETE);
        (void)pcre2_jit_compile(place->tail, PCRE2_JIT_COMPLETE);
    }
    *out_kept = place;
    return sk_ok();
}

/* ---- matching -------------------------------------------------------------------------------- */

struct search {
    struct regex_run *run;
    struct pattern_run *pattern;
    const struct regex_text *text;
    const pcre2_code *code;
    const pcre2_code *tail; /* or NULL */
    const uint8_t *subject;
    size_t len;
    size_t limit;     /* starts lie before it */
    uint32_t options; /* of pcre2_match */
    bool global;
    bool no_more;   /* starts in the subject that could match */
    size_t tail_at; /* the tail stands here or behind it */
    struct pattern_hits hits;
    uint64_t base; /* of the subject in the layer */
};

static sk_err match_error(int rc) {
    switch (rc) {
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_JIT_STACKLIMIT:
        return sk_fail(SK_E_LIMIT);
    case PCRE2_ERROR_NOMEMORY:
        return sk_fail(SK_E_NOMEM);
    default:
        return sk_fail(SK_E_FORMAT);
    }
}

/* One start, with `limit` first. The budget pays for all but REGEX_MATCH_LIMIT. */
static int match_start(const struct search *s, size_t at, uint32_t limit) {
    int rc = PCRE2_ERROR_MATCHLIMIT;
    for (; rc == PCRE2_ERROR_MATCHLIMIT; limit *= 4) {
        if (limit > REGEX_HARD_LIMIT ||
            (limit > REGEX_MATCH_LIMIT && !pattern_spend(s->pattern, limit))) {
            break;
        }
        pcre2_set_match_limit(s->run->match, limit);
        rc = pcre2_match(s->code, s->subject, s->len, at, s->options | PCRE2_ANCHORED, s->run->data,
                         s->run->match);
    }
    pcre2_set_match_limit(s->run->match, REGEX_MATCH_LIMIT);
    return rc;
}

static bool has_prefix(const struct regex_text *k, const uint8_t *p) {
    size_t same = 0;
    while (same < k->prefix_len) {
        bool capital = k->caseless && p[same] >= 'A' && p[same] <= 'Z';
        if ((capital ? p[same] | 0x20 : p[same]) != k->prefix[same]) {
            return false;
        }
        same++;
    }
    return true;
}

/* The next start in [at, end) where the prefix stands, or end. */
static size_t next_prefix(const struct search *s, size_t at, size_t end) {
    const struct regex_text *k = s->text;
    size_t stop = s->len < k->prefix_len ? 0 : s->len - k->prefix_len + 1;
    for (stop = stop < end ? stop : end; at < stop; at++) {
        const uint8_t *first = memchr(s->subject + at, k->prefix[0], stop - at);
        at = first == NULL ? stop : (size_t)(first - s->subject);
        if (first != NULL && has_prefix(k, first)) {
            return at;
        }
    }
    return end;
}

/* False: the tail matches nowhere from `at` on, so nothing that begins before it does. A hard start
 * leaves it open. */
static bool tail_follows(struct search *s, size_t at) {
    if (s->tail == NULL || at <= s->tail_at) {
        return true;
    }
    int rc = PCRE2_ERROR_NOMATCH;
    size_t slice = SLICE_STARTS;
    while (at < s->len && rc == PCRE2_ERROR_NOMATCH) {
        size_t end = s->len - at > slice ? at + slice : s->len;
        if (!pattern_spend(s->pattern, 1 + (end - at) / BYTES_A_STEP)) {
            return true;
        }
        pcre2_set_offset_limit(s->run->match, end - 1);
        rc = pcre2_match(s->tail, s->subject, s->len, at, s->options, s->run->data, s->run->match);
        at = end;
        slice = slice < s->len / SLICES_MAX ? slice * 2 : slice;
    }
    s->tail_at = rc < 0 ? SIZE_MAX : pcre2_get_ovector_pointer(s->run->data)[0];
    return rc != PCRE2_ERROR_NOMATCH;
}

/* The first match in [at, end) of an expression with a prefix. */
static int match_prefixed(struct search *s, size_t at, size_t end) {
    int rc = PCRE2_ERROR_NOMATCH;
    while (!s->no_more && rc == PCRE2_ERROR_NOMATCH && (at = next_prefix(s, at, end)) < end) {
        if (!tail_follows(s, at + s->text->prefix_len)) {
            s->no_more = true;
            break;
        }
        pcre2_set_offset_limit(s->run->match, end - 1);
        rc = pcre2_match(s->code, s->subject, s->len, at, s->options | PCRE2_ANCHORED, s->run->data,
                         s->run->match);
        if (rc == PCRE2_ERROR_MATCHLIMIT && pattern_spend(s->pattern, 1)) {
            rc = match_start(s, at, 4 * REGEX_MATCH_LIMIT);
        }
        s->no_more = rc == PCRE2_ERROR_NOMATCH && s->text->first_decides;
        at++;
    }
    return rc;
}

/* The first match that starts in [at, end). */
static int match_slice(struct search *s, size_t at, size_t end) {
    if (s->text->prefix_len > 0 && (s->options & PCRE2_ANCHORED) == 0) {
        return match_prefixed(s, at, end);
    }
    pcre2_set_offset_limit(s->run->match, end - 1);
    int rc = pcre2_match(s->code, s->subject, s->len, at, s->options, s->run->data, s->run->match);
    if (rc != PCRE2_ERROR_MATCHLIMIT) {
        return rc;
    }
    size_t stop = (s->options & PCRE2_ANCHORED) != 0 ? at + 1 : end;
    do {
        rc = pattern_spend(s->pattern, 1) ? match_start(s, at, REGEX_MATCH_LIMIT)
                                          : PCRE2_ERROR_MATCHLIMIT;
    } while (rc == PCRE2_ERROR_NOMATCH && ++at < stop);
    return rc;
}

/* Searches starts in [at, limit) of one subject. *out_at: where the next window goes on. */
static sk_err search_subject(struct search *s, size_t at, size_t *out_at) {
    bool anchored = (s->options & PCRE2_ANCHORED) != 0;
    size_t slice = SLICE_STARTS;
    s->no_more = false;
    s->tail_at = 0;
    while (at < s->limit) {
        size_t end = s->limit - at > slice ? at + slice : s->limit;
        if (!pattern_spend(s->pattern, 1 + (end - at) / BYTES_A_STEP)) {
            return s->pattern->err;
        }
        int rc = match_slice(s, at, end);
        if (rc == PCRE2_ERROR_NOMATCH) {
            at = anchored ? s->limit : end;
            slice = slice < s->limit / SLICES_MAX ? slice * 2 : slice;
            continue;
        }
        if (rc < 0) {
            return match_error(rc);
        }
        const PCRE2_SIZE *o = pcre2_get_ovector_pointer(s->run->data);
        s->hits.first = s->hits.count == 0 ? s->base + o[0] : s->hits.first;
        s->hits.count++;
        size_t next = o[1] > o[0] && o[1] > at ? o[1] : (o[0] > at ? o[0] : at) + 1;
        at = next;
        if (!s->global) {
            break;
        }
    }
    *out_at = at;
    return sk_ok();
}

static bool finished(const struct search *s) {
    return (!s->global && s->hits.count > 0) || (s->options & PCRE2_ANCHORED) != 0;
}

/* starts: how many places from `base` on a match may begin at. */
static sk_err search_windows(struct search *s, uint64_t base, uint64_t len, uint64_t starts) {
    struct sk_source *src = s->pattern->src;
    MEM_AUTO uint8_t *window =
        mem_alloc(len < REGEX_WINDOW_BYTES ? (size_t)len + 1 : REGEX_WINDOW_BYTES);
    if (window == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    uint64_t at = 0; /* from base */
    while (at < starts) {
        uint64_t from = at > CONTEXT_BYTES ? at - CONTEXT_BYTES : 0;
        size_t got = 0;
        uint64_t rest = len - from;
        size_t want = rest < REGEX_WINDOW_BYTES ? (size_t)rest : REGEX_WINDOW_BYTES;
        TRY(sk_source_read(src, base + from, window, want, &got));
        s->pattern->view = NULL; /* the source's windows have moved */
        bool more = from + got < len && got == REGEX_WINDOW_BYTES;
        s->subject = window;
        s->len = got;
        s->base = base + from;
        uint64_t limit = starts - from;
        uint64_t whole = more ? got - REGEX_OVERLAP_BYTES : (uint64_t)got + 1;
        s->limit = (size_t)(limit < whole ? limit : whole);
        s->options = (s->options & ~PCRE2_NOTEOL) | (more ? PCRE2_NOTEOL : 0);
        size_t next = 0;
        TRY(search_subject(s, (size_t)(at - from), &next));
        if (!more || finished(s)) {
            break;
        }
        at = from + next;
    }
    return sk_ok();
}

static sk_err search_from(struct search *s, const struct mt_sub *sub, uint32_t flags,
                          uint64_t place) {
    uint64_t size = s->pattern->src->size;
    bool limited = size > REGEX_LAYER_MAX;
    uint64_t end = limited ? REGEX_LAYER_MAX : size;
    if (place > size || (place == size && sub->off_kind != MT_OFF_ANY)) {
        return sk_ok();
    }
    if (place > end) {
        return sk_fail(SK_E_LIMIT);
    }
    bool fixed = sub->off_kind != MT_OFF_ANY;
    uint64_t len = end - place, starts = len + 1;
    if (fixed && sub->shift > 0) {
        starts = starts < (uint64_t)sub->shift + 1 ? starts : (uint64_t)sub->shift + 1;
        if ((flags & MT_REGEX_CONFINED) != 0 && len > sub->shift) {
            len = sub->shift;
        }
    } else if (fixed && (flags & MT_REGEX_ROLLING) == 0) {
        s->options |= PCRE2_ANCHORED;
    }
    if ((flags & MT_REGEX_ANCHORED) != 0) {
        s->options |= PCRE2_ANCHORED; /* or it would be tried at the start of each slice */
    }
    sk_err err;
    if (s->pattern->src->mem != NULL) {
        size_t next = 0;
        s->subject = s->pattern->src->mem + place;
        s->len = (size_t)len;
        s->limit = (size_t)starts;
        s->base = place;
        err = search_subject(s, 0, &next);
    } else {
        err = search_windows(s, place, len, starts);
    }
    bool found = s->hits.count > 0 && !s->global;
    return !sk_failed(err) && limited && !found ? sk_fail(SK_E_LIMIT) : err;
}

sk_err regex_count(struct regex_run *run, struct pattern_run *pattern, const struct regex_use *use,
                   struct pattern_hits *out_hits) {
    const struct mt_segment *seg = use->seg;
    const struct mt_sub *sub = use->sub;
    *out_hits = (struct pattern_hits){0, 0};
    if (sub->part_first >= seg->regex_count) {
        return sk_fail(SK_E_FORMAT);
    }
    if (run->off) {
        return sk_ok();
    }
    const struct mt_regex *regex = &seg->regex[sub->part_first];
    uint32_t flags = regex->flags & ~run->flags_off;
    struct search s = {.run = run, .pattern = pattern, .global = (flags & MT_REGEX_GLOBAL) != 0};
    TRY(contexts(run));
    const struct regex_kept *kept;
    TRY(code_for(run, ((uint64_t)use->segment << 32 | sub->part_first) + 1, seg, regex, &kept));
    s.text = &kept->text;
    s.code = kept->code;
    s.tail = kept->tail;
    sk_err err = sk_ok();
    uint64_t place = 0;
    struct pattern_offset offset = {sub->off_kind, sub->section,
                                    sub->off_kind == MT_OFF_SECT_ANY ? 0 : sub->off};
    if (sub->off_kind == MT_OFF_VI) {
        for (uint32_t i = 0; pattern->exe != NULL && i < pattern->exe->vinfo_count; i++) {
            err = sk_failed(err) ? err : search_from(&s, sub, flags, pattern->exe->vinfo[i]);
        }
    } else if (sub->off_kind == MT_OFF_ANY ||
               pattern_place(pattern->exe, pattern->src->size, offset, &place)) {
        err = search_from(&s, sub, flags, place);
    }
    *out_hits = s.hits;
    return err;
}
