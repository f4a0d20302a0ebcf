// SPDX-License-Identifier: Apache-2.0
/*
 * The parser of hex bodies. One walk over the text, no recursion: alternatives keep an explicit
 * stack of at most MT_ALT_NESTING_MAX frames whose counts and lengths are patched when they close.
 *
 *   6162 ?? 6? {5}        bytes, nibbles, skips                        -> LIT, SKIP, MASK
 *   * {2-9} {200}         gaps: end the part, the next one starts      -> struct hex_part
 *   (61|62) !(61|62)      one byte each, no modifier w                 -> SET
 *   (6162|6364) !(..)     equal lengths                                -> FIXED
 *   (61|6263) (61(62|))   the rest; no negation                        -> ALT, nested programs
 *   (B) !(L) (W)          at the ends of a part zero-width             -> BOUND; inside: SET,
 *                         and (L) there is (0a|0d0a)                   -> ALT
 *   61[1-4]6263           one byte near the part, a look-around        -> NEAR
 *
 * What black-box runs of clamscan 1.4.6 added to the documentation (all in the unit tests):
 *   - modifier w puts 00 after every literal, nibble and ?? but not after {n} and gaps;
 *   - an alternative may be empty unless it is the first; {} is {0}; {-} is any gap;
 *   - negation with modifiers i or w, of nibbles or of unequal lengths is refused;
 *   - each part needs two literal bytes in a row outside alternatives; a part cannot be empty;
 *   - one-byte anchors count nothing: offsets and gaps are measured from the long side.
 */
#include "defc/hexbody.h"

#include <inttypes.h>

#include "base/hex.h"
#include "defc/hexprog.h"
#include "defc/why.h"
#include "match/bound.h"

struct alt_frame {
    size_t count_at; /* u16 in the program */
    size_t len_at;   /* u16 of the open alternative */
    uint32_t count;
    uint64_t base_min, base_max; /* of the sequence around */
    uint64_t min, max;           /* over the closed alternatives */
};

struct parser {
    struct hexprog w;
    struct sk_bytes text;
    size_t pos;
    bool nocase, wide;
    struct defc_why *why;
    size_t part_prog; /* of the part that is open */
    size_t run_first;
    uint32_t gap_min, gap_max;
    uint32_t units; /* bytes, skips, groups in this part so far */
    struct hex_byte last;
    bool last_is_byte;
    bool near_left;
    bool ended; /* a right anchor was read: only a gap may follow */
    uint32_t part_first, part_count;
    struct alt_frame frame[MT_ALT_NESTING_MAX];
    unsigned depth;
};

void hex_stage_clear(struct hex_stage *st) {
    buf_clear(&st->prog);
    st->part.count = 0;
    st->run.count = 0;
}

void hex_stage_release(struct hex_stage *st) {
    buf_release(&st->prog);
    vec_release(&st->part);
    vec_release(&st->run);
}

static void bad(struct parser *p, const char *what) {
    why_say(p->why, DEFC_MALFORMED, "%s at character %zu of a body", what, p->pos + 1);
}
static bool going(const struct parser *p) {
    return why_taken(p->why) && !p->w.failed;
}
/* 0 past the end. */
static uint8_t peek(const struct parser *p, size_t ahead) {
    return ahead < p->text.len - p->pos ? p->text.ptr[p->pos + ahead] : 0;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static bool byte_at(const struct parser *p, size_t ahead, struct hex_byte *out) {
    uint8_t high = peek(p, ahead), low = peek(p, ahead + 1);
    int h = sk_hex_digit(high), l = sk_hex_digit(low);
    if ((h < 0 && high != '?') || (l < 0 && low != '?')) {
        return false;
    }
    out->value = (uint8_t)((h < 0 ? 0 : h << 4) | (l < 0 ? 0 : l));
    out->mask = (uint8_t)((h < 0 ? 0 : 0xf0) | (l < 0 ? 0 : 0x0f));
    return true;
}

static void read_byte(struct parser *p) {
    struct hex_byte one;
    if (!byte_at(p, 0, &one)) {
        bad(p, "not a hexadecimal byte");
        return;
    }
    p->pos += 2;
    hexprog_byte(&p->w, one);
    if (p->wide) {
        hexprog_byte(&p->w, (struct hex_byte){0, 0xff});
    }
    p->units++;
    p->last = one;
    p->last_is_byte = true;
}

/* ---- parts and gaps ------------------------------------------------------------------------- */

static bool has_static_pair(const struct parser *p) {
    const struct hex_run *run = p->w.st->run.data;
    for (size_t i = p->run_first; i < p->w.st->run.count; i++) {
        if (run[i].len >= 2) {
            return true;
        }
    }
    return false;
}

static void finish_part(struct parser *p) {
    hexprog_close(&p->w);
    if (!going(p)) {
        return;
    }
    if (p->units == 0) {
        bad(p, "empty part");
        return;
    }
    if (!has_static_pair(p)) {
        bad(p, "a part without two literal bytes in a row ends");
        return;
    }
    if (p->part_count == HEX_PART_MAX) {
        bad(p, "too many parts");
        return;
    }
    struct hex_stage *st = p->w.st;
    struct hex_part *part = vec_push(&st->part, 1, sizeof(*part));
    if (part == NULL) {
        p->w.failed = true;
        return;
    }
    p->part_count++;
    *part = (struct hex_part){
        .prog = (uint32_t)p->part_prog,
        .prog_len = (uint32_t)(st->prog.len - p->part_prog),
        .gap_min = p->gap_min,
        .gap_max = p->gap_max,
        .len_min = (uint32_t)p->w.len_min,
        .len_max = (uint32_t)p->w.len_max,
        .run_first = (uint32_t)p->run_first,
        .run_count = (uint32_t)(st->run.count - p->run_first),
    };
}

static void start_part(struct parser *p, uint32_t gap_min, uint32_t gap_max) {
    hexprog_part(&p->w);
    p->part_prog = p->w.st->prog.len;
    p->run_first = p->w.st->run.count;
    p->gap_min = gap_min;
    p->gap_max = gap_max;
    p->units = 0;
    p->last_is_byte = false;
    p->near_left = false;
    p->ended = false;
}

/* Digits at the position; `absent` when there are none. False: above what a gap can be. */
static bool read_number(struct parser *p, uint32_t absent, uint32_t *out) {
    uint64_t n = 0;
    size_t first = p->pos;
    while (peek(p, 0) >= '0' && peek(p, 0) <= '9') {
        n = n * 10 + (uint64_t)(peek(p, 0) - '0');
        p->pos++;
        if (n >= MT_UNBOUNDED) {
            return false;
        }
    }
    *out = p->pos == first ? absent : (uint32_t)n;
    return true;
}

/* "n-m" and its short forms up to `close`; {} is {0}. */
static bool read_range(struct parser *p, uint8_t close, uint32_t *out_min, uint32_t *out_max) {
    p->pos++;
    if (!read_number(p, 0, out_min)) {
        return false;
    }
    *out_max = *out_min;
    if (peek(p, 0) == '-') {
        p->pos++;
        if (!read_number(p, MT_UNBOUNDED, out_max)) {
            return false;
        }
    }
    if (peek(p, 0) != close || *out_min > *out_max) {
        return false;
    }
    p->pos++;
    return true;
}

static void read_gap(struct parser *p) {
    uint32_t min = 0, max = MT_UNBOUNDED;
    if (peek(p, 0) == '*') {
        p->pos++;
    } else if (!read_range(p, '}', &min, &max)) {
        bad(p, "malformed gap");
        return;
    }
    if (min == max && min < HEX_GAP_BECOMES_SKIP) {
        if (p->ended) {
            bad(p, "bytes after a one-byte anchor");
        }
        hexprog_skip(&p->w, min);
        p->units++;
        p->last_is_byte = false;
        return;
    }
    if (p->depth > 0) {
        bad(p, "a gap inside alternatives");
        return;
    }
    finish_part(p);
    start_part(p, min, max);
}

/* Does the part end here? */
static bool part_ends(const struct parser *p) {
    if (p->pos == p->text.len || peek(p, 0) == '*') {
        return true;
    }
    struct parser ahead = *p;
    uint32_t min, max;
    return peek(p, 0) == '{' && read_range(&ahead, '}', &min, &max) &&
           !(min == max && min < HEX_GAP_BECOMES_SKIP);
}

/* ---- one-byte anchors ----------------------------------------------------------------------- */

static void put_near(struct parser *p, enum mt_side side, uint32_t min, uint32_t max) {
    struct hex_byte one = p->last;
    bool letter = one.mask == 0xff && (one.value | 0x20) >= 'a' && (one.value | 0x20) <= 'z';
    if (p->nocase && letter) {
        one = (struct hex_byte){one.value & 0xdf, 0xdf};
    }
    hexprog_raw(&p->w,
                (const uint8_t[]){MT_OP_NEAR, (uint8_t)side, (uint8_t)min, (uint8_t)max, one.value,
                                  one.mask},
                6);
}

static void read_near(struct parser *p) {
    uint32_t min, max;
    if (p->wide || p->depth > 0) {
        bad(p, "a one-byte anchor in a wide body or inside alternatives");
        return;
    }
    if (!read_range(p, ']', &min, &max) || max > HEX_NEAR_MAX) {
        bad(p, "malformed range of a one-byte anchor");
        return;
    }
    if (p->units == 1 && p->last_is_byte && !p->near_left) {
        /* What was read is the anchor, not the beginning of the part. */
        uint32_t gap_min = p->gap_min, gap_max = p->gap_max;
        hexprog_close(&p->w);
        if (p->w.failed) {
            return;
        }
        p->w.st->prog.len = p->part_prog;
        p->w.st->run.count = p->run_first;
        start_part(p, gap_min, gap_max);
        put_near(p, MT_SIDE_LEFT, min, max);
        p->near_left = true;
        return;
    }
    if (p->units == 0 || !byte_at(p, 0, &p->last)) {
        bad(p, "a one-byte anchor without its byte");
        return;
    }
    p->pos += 2;
    put_near(p, MT_SIDE_RIGHT, min, max);
    p->ended = true;
}

/* ---- alternatives --------------------------------------------------------------------------- */

struct shape {
    uint32_t count;
    uint32_t bytes; /* of each alternative; 0: not of equal length, or not plain bytes */
    bool nibbles;
    size_t end; /* of the text, behind ')' */
};

static void shape_char(struct shape *s, uint8_t c, size_t *in_this, size_t *in_all) {
    if (c != '|' && c != ')') {
        s->nibbles |= c == '?';
        (*in_this)++;
        return;
    }
    if (s->count == 0) {
        *in_all = *in_this;
    } else if (*in_this != *in_all) {
        *in_all = 0;
    }
    s->count++;
    *in_this = 0;
}

/* Look at a whole group without nested ones, starting at its '('. */
static struct shape shape_of(const struct parser *p) {
    struct shape s = {0};
    size_t in_this = 0, in_all = 0;
    for (size_t i = p->pos + 1; i < p->text.len; i++) {
        uint8_t c = p->text.ptr[i];
        if (sk_hex_digit(c) < 0 && c != '?' && c != '|' && c != ')') {
            return s;
        }
        shape_char(&s, c, &in_this, &in_all);
        if (c == ')') {
            s.end = i + 1;
            s.bytes = in_all % 2 == 0 ? (uint32_t)(in_all / 2) : 0;
            return s;
        }
    }
    return s;
}

static void read_set(struct parser *p, const struct shape *s, bool negated) {
    uint8_t set[32] = {0};
    for (uint32_t i = 0; i < s->count; i++) {
        struct hex_byte one = {0, 0};
        if (!byte_at(p, 1 + (size_t)i * 3, &one)) {
            bad(p, "not a hexadecimal byte");
            return;
        }
        for (unsigned b = 0; b < 256; b++) {
            if (hex_byte_holds(one, p->nocase, (uint8_t)b)) {
                set[b / 8] |= (uint8_t)(1u << b % 8);
            }
        }
    }
    for (unsigned i = 0; negated && i < 32; i++) {
        set[i] = (uint8_t)~set[i];
    }
    hexprog_set(&p->w, set);
    p->pos = s->end;
}

static void put_fixed_byte(struct parser *p, struct hex_byte one) {
    if (p->nocase && one.value >= 'A' && one.value <= 'Z') {
        one.value |= 0x20;
    }
    hexprog_raw(&p->w, (const uint8_t[]){one.value, one.mask}, 2);
}

static void read_fixed(struct parser *p, const struct shape *s, bool negated) {
    uint32_t n = s->bytes * (p->wide ? 2u : 1u);
    if (n > UINT16_MAX || s->count > UINT16_MAX) {
        bad(p, "too many alternatives");
        return;
    }
    uint8_t head[7] = {MT_OP_FIXED, negated, p->nocase};
    sk_store_u16le(head + 3, (uint16_t)n);
    sk_store_u16le(head + 5, (uint16_t)s->count);
    hexprog_raw(&p->w, head, sizeof(head));
    for (size_t i = 0; i < (size_t)s->count * s->bytes; i++) {
        struct hex_byte one = {0, 0};
        if (!byte_at(p, 1 + i * 2 + i / s->bytes, &one)) {
            bad(p, "not a hexadecimal byte");
            return;
        }
        put_fixed_byte(p, one);
        if (p->wide) {
            put_fixed_byte(p, (struct hex_byte){0, 0xff});
        }
    }
    p->w.len_min += n;
    p->w.len_max += n;
    p->pos = s->end;
}

static void open_alternative(struct parser *p) {
    struct alt_frame *f = &p->frame[p->depth - 1];
    f->len_at = p->w.st->prog.len;
    hexprog_raw(&p->w, (const uint8_t[]){0, 0}, 2);
    p->w.len_min = 0;
    p->w.len_max = 0;
}

static void open_group(struct parser *p) {
    if (p->depth == MT_ALT_NESTING_MAX) {
        bad(p, "alternatives nested too deep");
        return;
    }
    hexprog_close(&p->w);
    struct alt_frame *f = &p->frame[p->depth++];
    *f = (struct alt_frame){.count_at = p->w.st->prog.len + 1,
                            .base_min = p->w.len_min,
                            .base_max = p->w.len_max,
                            .min = UINT64_MAX};
    hexprog_raw(&p->w, (const uint8_t[]){MT_OP_ALT, 0, 0}, 3);
    p->w.nested = true;
    open_alternative(p);
    p->pos++;
}

static void read_group(struct parser *p, bool negated) {
    struct shape s = shape_of(p);
    bool nocase_nibbles = p->nocase && s.nibbles;
    p->units++;
    p->last_is_byte = false;
    if (negated && (s.bytes == 0 || s.nibbles || p->nocase || p->wide)) {
        bad(p, "negation of something else than plain bytes of equal length");
    } else if (s.bytes == 1 && !p->wide) {
        read_set(p, &s, negated);
    } else if (s.bytes > 0 && !nocase_nibbles) {
        read_fixed(p, &s, negated);
    } else {
        open_group(p);
    }
}

static void end_alternative(struct parser *p) {
    struct alt_frame *f = &p->frame[p->depth - 1];
    hexprog_close(&p->w);
    if (p->w.failed) {
        return;
    }
    size_t len = p->w.st->prog.len - (f->len_at + 2);
    if ((len == 0 && f->count == 0) || len > UINT16_MAX || f->count == UINT16_MAX) {
        bad(p, "an empty first alternative, or too large alternatives end");
        return;
    }
    sk_store_u16le(p->w.st->prog.data + f->len_at, (uint16_t)len);
    f->count++;
    f->min = p->w.len_min < f->min ? p->w.len_min : f->min;
    f->max = p->w.len_max > f->max ? p->w.len_max : f->max;
}

static void close_group(struct parser *p) {
    if (!going(p)) {
        return;
    }
    struct alt_frame *f = &p->frame[--p->depth];
    sk_store_u16le(p->w.st->prog.data + f->count_at, (uint16_t)f->count);
    p->w.len_min = f->base_min + f->min;
    p->w.len_max = f->base_max + f->max;
    p->w.nested = p->depth > 0;
}

static void read_bar_or_close(struct parser *p) {
    if (p->depth == 0) {
        bad(p, "a bar or parenthesis out of place");
        return;
    }
    end_alternative(p);
    if (!going(p)) {
        return;
    }
    if (peek(p, 0) == '|') {
        open_alternative(p);
    } else {
        close_group(p);
    }
    p->pos++;
}

/* ---- boundaries ----------------------------------------------------------------------------- */

static bool at_boundary(const struct parser *p, size_t ahead) {
    uint8_t kind = peek(p, ahead + 1);
    return peek(p, ahead) == '(' && peek(p, ahead + 2) == ')' &&
           (kind == 'B' || kind == 'L' || kind == 'W');
}

/* clamscan takes LF or CR LF for (L) in the middle, but one byte for !(L). */
static void put_line_end(struct parser *p) {
    size_t behind = p->pos;
    open_group(p);
    hexprog_byte(&p->w, (struct hex_byte){'\n', 0xff});
    end_alternative(p);
    open_alternative(p);
    hexprog_byte(&p->w, (struct hex_byte){'\r', 0xff});
    hexprog_byte(&p->w, (struct hex_byte){'\n', 0xff});
    end_alternative(p);
    close_group(p);
    p->pos = behind;
}

static void read_boundary(struct parser *p, bool negated) {
    uint8_t kind = peek(p, 1);
    if (p->depth > 0) {
        bad(p, "a boundary inside alternatives");
        return;
    }
    p->pos += 3;
    bool left = p->units == 0;
    if (left || part_ends(p)) {
        uint8_t side = left ? MT_SIDE_LEFT : MT_SIDE_RIGHT;
        hexprog_raw(&p->w, (const uint8_t[]){MT_OP_BOUND, kind, negated, side}, 4);
        return;
    }
    p->units++;
    p->last_is_byte = false;
    if (kind == 'L' && !negated) {
        put_line_end(p);
        return;
    }
    uint8_t set[32];
    bound_middle_set(kind, negated, set);
    hexprog_set(&p->w, set);
}

/* ---- the walk ------------------------------------------------------------------------------- */

static void read_parenthesis(struct parser *p) {
    bool negated = peek(p, 0) == '!';
    p->pos += negated;
    if (peek(p, 0) != '(') {
        bad(p, "'!' without alternatives");
    } else if (at_boundary(p, 0)) {
        read_boundary(p, negated);
    } else {
        read_group(p, negated);
    }
}

static void step(struct parser *p) {
    uint8_t c = peek(p, 0);
    if (c == '*' || c == '{') {
        read_gap(p);
    } else if (p->ended) {
        bad(p, "bytes after a one-byte anchor");
    } else if (c == '[') {
        read_near(p);
    } else if (c == '(' || c == '!') {
        read_parenthesis(p);
    } else if (c == '|' || c == ')') {
        read_bar_or_close(p);
    } else {
        read_byte(p);
    }
}

sk_err hex_compile(struct hex_stage *st, struct sk_bytes text, unsigned flags,
                   struct hex_range *out_range, struct defc_why *why) {
    struct parser p = {
        .w = {.st = st, .nocase = (flags & HEX_NOCASE) != 0},
        .text = text,
        .nocase = (flags & HEX_NOCASE) != 0,
        .wide = (flags & HEX_WIDE) != 0,
        .why = why,
        .part_first = (uint32_t)st->part.count,
    };
    if (text.len > BODY_LINE_MAX) {
        why_say(why, DEFC_MALFORMED, "body of %zu characters", text.len);
        return sk_ok();
    }
    start_part(&p, 0, 0);
    while (p.pos < text.len && going(&p)) {
        step(&p);
    }
    if (p.depth > 0) {
        bad(&p, "missing ')'");
    }
    finish_part(&p);
    if (p.w.failed) {
        return sk_fail(SK_E_NOMEM);
    }
    *out_range = (struct hex_range){p.part_first, p.part_count};
    return sk_ok();
}
