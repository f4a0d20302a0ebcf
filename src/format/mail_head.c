// SPDX-License-Identifier: Apache-2.0
/*
 * One header block, the way the most forgiving mail program reads it.
 *
 *     name: value CRLF             a field
 *      value                       more of the last one (folded)
 *     anything else                passed over: it must hide nothing that follows
 *     empty line                   the end
 *
 * Mail programs disagree on where a header ends: some take a line that is no field for the first of
 * the body, some take a line of mere white space for the empty one. The first such places are told
 * besides the empty line (out_head->body), and the body is read from each.
 *
 * Of the fields only four matter for finding parts, and each may come several times (different
 * programs believe the first or the last): every distinct value is kept. A lone CR inside a line
 * ends it for some programs, so what follows it is looked at as a field, too. NULs are dropped.
 *
 * A header may be one line of many megabytes: a field is kept up to MAIL_FIELD_MAX_BYTES, the rest
 * is passed over. ClamAV's limits for headers are told as facts, at the numbers where
 * clamscan 1.4.6 was seen to alert: 262144 folds of any field; of fields that matter more than
 * 1024, more than 256 KiB, or 256 semicolons in one. Here nothing stops at them.
 */
#include "format/mail_parts.h"

#include <string.h>

#define LIMIT_FOLDS 262144u
#define LIMIT_HEADER_BYTES 262144u
#define LIMIT_HEADERS 1024u
#define LIMIT_ARGUMENTS 256u
#define CR_TURNS_MAX 1000u

enum field { FIELD_TYPE, FIELD_ENCODING, FIELD_DISPOSITION, FIELD_LOCATION, FIELD_COUNT };

static const char *const FIELD_NAMES[FIELD_COUNT] = {"content-ty", "content-tr", "content-disp",
                                                     "content-loc"};
#define NAME_MAX_BYTES ((size_t)16) /* more than the longest of them */

struct head_reader {
    struct mail *m;
    struct mail_head *head;
    uint8_t *value; /* MAIL_FIELD_MAX_BYTES: the field being read */
    size_t value_len;
    enum field field; /* FIELD_COUNT: one that does not matter */
    uint64_t bytes;
    uint32_t headers;
    uint32_t folds;
    unsigned cr_turns; /* fields behind a lone CR that may still be looked at */
};

/* By its beginning, without quotes and NULs: clamscan 1.4.6 takes "Content-Tranfer-Encoding", too.
 */
static enum field field_of(struct sk_bytes name) {
    uint8_t clean[NAME_MAX_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < name.len && len < NAME_MAX_BYTES; i++) {
        if (name.ptr[i] != '"' && name.ptr[i] != 0) {
            clean[len++] = name.ptr[i];
        }
    }
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        size_t want = strlen(FIELD_NAMES[i]);
        if (len >= want && mail_word_is((struct sk_bytes){clean, want}, FIELD_NAMES[i])) {
            return (enum field)i;
        }
    }
    return FIELD_COUNT;
}

static struct mail_readings *list_of(struct mail_head *head, enum field field) {
    switch (field) {
    case FIELD_TYPE:
        return &head->type;
    case FIELD_ENCODING:
        return &head->encoding;
    case FIELD_DISPOSITION:
        return &head->disposition;
    default:
        return &head->location;
    }
}

static void count_arguments(struct head_reader *r) {
    uint32_t arguments = 0;
    for (size_t i = 0; i < r->value_len; i++) {
        arguments += r->value[i] == ';';
    }
    if (arguments >= LIMIT_ARGUMENTS) {
        mail_tell_limit(r->m, MAIL_ONCE_ARGUMENTS, "EmailMIMEArguments");
    }
}

/* The field that was being read is complete. */
static sk_err close_field(struct head_reader *r) {
    enum field field = r->field;
    r->field = FIELD_COUNT;
    if (r->folds >= LIMIT_FOLDS) {
        mail_tell_limit(r->m, MAIL_ONCE_FOLDS, "EmailLineFoldCnt");
    }
    r->folds = 0;
    if (field == FIELD_COUNT) {
        return sk_ok();
    }
    count_arguments(r);
    struct sk_bytes value = mail_trim((struct sk_bytes){r->value, r->value_len});
    bool kept = mail_readings_add(walk_arena(r->m->walk), list_of(r->head, field), value);
    return kept ? sk_ok() : sk_fail(SK_E_NOMEM);
}

/* Bytes [from, line.off + line.len) of the source to the value. */
static sk_err append(struct head_reader *r, uint64_t from, uint64_t to) {
    while (from < to && r->value_len < MAIL_FIELD_MAX_BYTES) {
        size_t avail;
        const uint8_t *p = sk_source_at(r->m->src, from, 1, &avail);
        if (p == NULL) {
            return sk_failed(r->m->src->failed) ? r->m->src->failed : sk_fail(SK_E_IO);
        }
        avail = avail < to - from ? avail : (size_t)(to - from);
        for (size_t i = 0; i < avail && r->value_len < MAIL_FIELD_MAX_BYTES; i++) {
            if (p[i] != 0) {
                r->value[r->value_len++] = p[i];
            }
        }
        from += avail;
    }
    return sk_ok();
}

/* Another field hides behind a lone CR of this one. */
static sk_err split_at_cr(struct head_reader *r, uint64_t off, uint64_t end) {
    struct mail_line line;
    TRY(mail_line_at(r->m, off, end, true, &line));
    while (line.next < end && r->cr_turns > 0) {
        r->cr_turns--;
        size_t at = 0;
        TRY(mail_line_at(r->m, line.next, end, true, &line));
        size_t name_len = mail_header_name(line.head, &at);
        enum field field = field_of((struct sk_bytes){line.head.ptr, name_len});
        if (name_len > 0 && field != FIELD_COUNT) {
            enum field own = r->field;
            size_t own_len = r->value_len;
            r->field = field;
            /* Behind the value being read, so that it can go on. */
            TRY(append(r, line.off + at, line.off + line.len));
            struct sk_bytes text = {r->value + own_len, r->value_len - own_len};
            r->value_len = own_len;
            r->field = own;
            if (!mail_readings_add(walk_arena(r->m->walk), list_of(r->head, field),
                                   mail_trim(text))) {
                return sk_fail(SK_E_NOMEM);
            }
        }
    }
    return sk_ok();
}

static void body_may_begin(struct mail_head *head, uint64_t off) {
    if (head->body_count < MAIL_BODIES_MAX) {
        head->body[head->body_count++] = off;
    }
}

static bool is_blank(const struct mail_line *line) {
    return line->len == line->head.len && mail_trim(line->head).len == 0;
}

/* A line that is neither empty nor more of the field before. */
static sk_err begin_field(struct head_reader *r, const struct mail_line *line, bool *out_is_field) {
    size_t at = 0;
    struct sk_bytes text = line->head;
    size_t name_len = mail_header_name(text, &at);
    *out_is_field = name_len > 0;
    if (name_len == 0) {
        return sk_ok();
    }
    r->field = field_of((struct sk_bytes){text.ptr, name_len});
    r->value_len = 0;
    r->headers += r->field != FIELD_COUNT;
    r->bytes += r->field != FIELD_COUNT ? line->len : 0;
    return r->field == FIELD_COUNT ? sk_ok() : append(r, line->off + at, line->off + line->len);
}

static bool is_envelope(struct sk_bytes line) {
    return (line.len > 5 && memcmp(line.ptr, "From ", 5) == 0) ||
           (line.len > 6 && memcmp(line.ptr, ">From ", 6) == 0);
}

static sk_err one_line(struct head_reader *r, const struct mail_line *line, bool first) {
    bool folded = line->len > 0 && (line->head.ptr[0] == ' ' || line->head.ptr[0] == '\t');
    if (is_blank(line)) { /* of white space: an empty one does not come here */
        body_may_begin(r->head, line->next);
        return sk_ok();
    }
    if (folded && !first) {
        r->folds++;
        r->bytes += r->field != FIELD_COUNT ? line->len : 0;
        return r->field == FIELD_COUNT ? sk_ok() : append(r, line->off, line->off + line->len);
    }
    bool is_field = false;
    bool envelope = is_envelope(line->head);
    uint64_t off = line->off;
    TRY(close_field(r));
    TRY(begin_field(r, line, &is_field));
    if (!is_field && !envelope) {
        body_may_begin(r->head, off);
    }
    return sk_ok();
}

static sk_err read_lines(struct head_reader *r, struct mail_range range) {
    bool cr = mail_cr_lines(r->m, range);
    uint64_t off = range.start;
    r->head->body[0] = range.end;
    r->head->body_count = 1;
    while (off < range.end) {
        struct mail_line line;
        TRY(walk_tick(r->m->walk));
        TRY(mail_line_at(r->m, off, range.end, cr, &line));
        if (line.len == 0) {
            r->head->body[0] = line.next;
            break;
        }
        uint64_t next = line.next;
        uint64_t end = line.off + line.len;
        TRY(one_line(r, &line, off == range.start));
        if (!cr && r->value_len < MAIL_FIELD_MAX_BYTES / 2) {
            TRY(split_at_cr(r, off, end));
        }
        off = next;
    }
    return close_field(r);
}

sk_err mail_head_read(struct mail *m, struct mail_range range, struct mail_head *out_head) {
    *out_head = (struct mail_head){0};
    struct head_reader r = {
        .m = m, .head = out_head, .field = FIELD_COUNT, .cr_turns = CR_TURNS_MAX};
    r.value = arena_alloc(walk_arena(m->walk), MAIL_FIELD_MAX_BYTES);
    if (r.value == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    TRY(read_lines(&r, range));
    if (r.headers > LIMIT_HEADERS) {
        mail_tell_limit(m, MAIL_ONCE_HEADERS, "EmailHeaders");
    }
    if (r.bytes > LIMIT_HEADER_BYTES) {
        mail_tell_limit(m, MAIL_ONCE_HEADER_BYTES, "EmailHeaderBytes");
    }
    return sk_ok();
}
