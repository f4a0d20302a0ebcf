// SPDX-License-Identifier: Apache-2.0
/*
 * Cutting a multipart body at its boundary.
 *
 *     preamble
 *     --boundary [white]        a delimiter: a part begins (strict)
 *     --boundary-- [white]      the close delimiter: what follows is the epilogue, and more parts
 *                               if another delimiter comes
 *     --boundaryANYTHING        the same, but only in the lenient reading
 *     anything^M--boundary      (behind a lone CR) only in the lenient reading
 *     [white]--boundary         the same
 *
 * The line end in front of a delimiter belongs to it. Which lines are delimiters is where mail
 * programs differ most: some compare the whole line, some only its beginning. A frame is first cut
 * strictly; when a line was met that only the lenient reading takes, the whole range is cut once
 * more that way, and the parts that both readings share are not given twice (mail_is_new).
 *
 * An outer boundary ends inner multiparts because the outer range is cut first. Boundaries are
 * compared up to MAIL_BOUNDARY_MAX_BYTES. The search is memmem over windows, at most once a line,
 * so that dashes by the megabyte cost no more than their bytes.
 */
#include "format/mail_parts.h"

#include <string.h>

#define INDENT_MAX 64u

enum delimiter { DELIMITER_NO, DELIMITER_LENIENT, DELIMITER_STRICT };

struct delimiter_line {
    uint64_t off;  /* of the first dash */
    uint64_t next; /* behind the line */
    bool close;
    enum delimiter sure;
};

static uint8_t byte_at(struct mail *m, uint64_t off) {
    struct sk_cursor c = sk_source_cursor(m->src, off, 1);
    return sk_cursor_u8(&c);
}

/* Is there only white space between the line start and off? */
static bool is_indented(struct mail *m, const struct mail_frame *f, uint64_t off) {
    for (unsigned i = 0; i < INDENT_MAX && off > f->range.start; i++) {
        uint8_t c = byte_at(m, --off);
        if (c != ' ' && c != '\t') {
            return c == '\n' || c == '\r';
        }
    }
    return off == f->range.start;
}

/* What stands behind "--boundary" at off. */
static sk_err judge(struct mail *m, const struct mail_frame *f, uint64_t off,
                    struct delimiter_line *out) {
    struct mail_line rest;
    bool cr = f->lenient || f->cr;
    *out = (struct delimiter_line){.off = off, .sure = DELIMITER_NO};
    uint8_t before = off == f->range.start ? '\n' : byte_at(m, off - 1);
    bool indented = (before == ' ' || before == '\t') && is_indented(m, f, off);
    if (before != '\n' && before != '\r' && !indented) {
        return sk_ok();
    }
    TRY(mail_line_at(m, off + 2 + f->boundary_len, f->range.end, cr, &rest));
    struct sk_bytes tail = mail_trim(rest.head);
    out->close = tail.len >= 2 && memcmp(tail.ptr, "--", 2) == 0;
    out->next = rest.next;
    bool whole = tail.len == 0 || (out->close && tail.len == 2);
    whole = whole && rest.len == rest.head.len && (before == '\n' || cr);
    out->sure = whole ? DELIMITER_STRICT : DELIMITER_LENIENT;
    return sk_ok();
}

/* The next delimiter at or behind pos; sure == DELIMITER_NO: there is none. */
static sk_err find_delimiter(struct mail *m, struct mail_frame *f, uint64_t pos,
                             struct delimiter_line *out) {
    uint8_t needle[2 + MAIL_BOUNDARY_MAX_BYTES] = "--";
    struct sk_bytes want = {needle, 2 + f->boundary_len};
    if (f->boundary_len > 0) {
        memcpy(needle + 2, f->boundary, f->boundary_len);
    }
    *out = (struct delimiter_line){.sure = DELIMITER_NO};
    while (pos < f->range.end) {
        struct mail_range left = {pos, f->range.end};
        uint64_t at;
        struct mail_line line;
        TRY(walk_tick(m->walk));
        TRY(mail_find(m, left, want, &at));
        if (at == f->range.end) {
            return sk_ok();
        }
        struct delimiter_line found;
        TRY(judge(m, f, at, &found));
        if (found.sure == DELIMITER_STRICT || (found.sure == DELIMITER_LENIENT && f->lenient)) {
            *out = found;
            return sk_ok();
        }
        f->unsure = f->unsure || found.sure == DELIMITER_LENIENT;
        TRY(mail_line_at(m, at + 2, f->range.end, true, &line));
        pos = line.next;
    }
    return sk_ok();
}

/* The line end in front of a delimiter is not content. */
static uint64_t content_end(struct mail *m, uint64_t start, uint64_t delimiter) {
    uint64_t end = delimiter;
    if (end > start && byte_at(m, end - 1) == '\n') {
        end--;
    }
    if (end > start && byte_at(m, end - 1) == '\r') {
        end--;
    }
    return end;
}

sk_err mail_split_next(struct mail *m, struct mail_frame *f, struct mail_part *out_part) {
    bool first = f->pos == f->range.start && f->parts == 0;
    uint64_t start = f->pos;
    struct delimiter_line d;
    *out_part = (struct mail_part){.role = MAIL_PART_NONE};
    if (start >= f->range.end) {
        return m->src->failed;
    }
    TRY(find_delimiter(m, f, start, &d));
    bool none = d.sure == DELIMITER_NO;
    out_part->range =
        (struct mail_range){start, none ? f->range.end : content_end(m, start, d.off)};
    out_part->role =
        first ? MAIL_PART_PREAMBLE : (f->epilogue ? MAIL_PART_EPILOGUE : MAIL_PART_ENTITY);
    f->epilogue = d.close;
    f->pos = none ? f->range.end : d.next;
    f->parts += !none;
    return m->src->failed;
}
