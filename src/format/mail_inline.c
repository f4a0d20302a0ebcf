// SPDX-License-Identifier: Apache-2.0
/*
 * What stands in the text of a mail without MIME saying so:
 *
 *     begin 644 name                 uuencode; "begin-base64 644 name" its other form
 *     =ybegin ... name=name          yEnc
 *     (This file must be converted with BinHex 4.0)
 *     header lines with Content-...  a part whose multipart was not understood, the mail inside a
 *                                    bounce, a part behind the last delimiter
 *
 * Found line by line; what was decoded is not looked at again, so the work is linear in the text.
 * A run of header lines counts when one of them is a Content-Transfer-Encoding, or a Content-Type
 * other than text/plain: only then its body reads differently from the text it is part of. Such a
 * part ends at the next line that begins with "--" and goes on, or at the next run of header lines;
 * one that is a multipart itself gets all that is left, since its own delimiters end it.
 *
 * clamscan 1.4.6 (seen) finds encoded parts in bounces and in multiparts with a missing boundary.
 */
#include "format/mail_parts.h"

#include <string.h>

#include "codec/codec.h"

#define JUNK_LINES_MAX 2u

static const char BINHEX_LINE[] = "(This file must be converted";

static bool begins(struct sk_bytes line, const char *word) {
    size_t len = strlen(word);
    return line.len >= len && memcmp(line.ptr, word, len) == 0;
}

/* ---- uuencode, yEnc ---- */

/* "begin 644 name": three or four octal digits. *out_name: its offset in the line. */
static bool is_begin(struct sk_bytes line, size_t *out_name, bool *out_base64) {
    *out_base64 = begins(line, "begin-base64 ");
    size_t at = *out_base64 ? 13 : 6;
    if (!*out_base64 && !begins(line, "begin ")) {
        return false;
    }
    size_t digits = at;
    while (at < line.len && line.ptr[at] >= '0' && line.ptr[at] <= '7') {
        at++;
    }
    if (at - digits < 3 || at - digits > 6 || at == line.len || line.ptr[at] != ' ') {
        return false;
    }
    *out_name = at + 1;
    return true;
}

typedef sk_err (*open_fn)(struct sk_stream *up, struct sk_stream **out_stream);

static sk_err open_base64(struct sk_stream *up, struct sk_stream **out_stream) {
    return sk_base64_open(up, SK_BASE64_GO_ON, out_stream);
}

/* One decoder over what follows the line; the frame goes on where it ended. */
static sk_err give_decoded(struct mail *m, struct mail_frame *f, open_fn open,
                           struct mail_range data, struct sk_bytes name) {
    struct sk_source_stream raw;
    struct sk_stream *codec = NULL;
    struct sk_child child = {.name = (const char *)name.ptr,
                             .name_len = name.len,
                             .packed_size = data.end - data.start,
                             .size = SK_SIZE_UNKNOWN,
                             .index = m->index++};
    TRY(open(sk_source_stream_init(&raw, m->src, data.start, data.end - data.start), &codec));
    sk_err err = walk_child(m->walk, &child, codec);
    bool ended;
    uint64_t used = sk_codec_consumed(codec, &ended);
    sk_stream_close(codec);
    f->pos = data.start + used;
    return err;
}

/* Where the base64 form ends: a line of "====". */
static sk_err base64_end(struct mail *m, uint64_t start, uint64_t end, uint64_t *out_end) {
    static const struct sk_bytes mark = {(const uint8_t *)"\n====", 5};
    return mail_find(m, (struct mail_range){start, end}, mark, out_end);
}

static bool copy_name(struct mail *m, struct sk_bytes line, size_t at, struct sk_bytes *out_name) {
    struct sk_bytes rest = mail_trim((struct sk_bytes){line.ptr + at, line.len - at});
    const char *copy =
        arena_strndup(walk_arena(m->walk), rest.len == 0 ? "" : (const char *)rest.ptr, rest.len);
    *out_name = (struct sk_bytes){(const uint8_t *)copy, rest.len};
    return copy != NULL;
}

static sk_err give_uu(struct mail *m, struct mail_frame *f, const struct mail_line *line) {
    size_t at = 0;
    bool base64 = false;
    struct sk_bytes name;
    struct mail_range data = {line->next, f->range.end};
    (void)is_begin(line->head, &at, &base64); /* the caller knows that it is */
    if (!copy_name(m, line->head, at, &name)) {
        return sk_fail(SK_E_NOMEM);
    }
    if (base64) {
        TRY(base64_end(m, data.start, data.end, &data.end));
    }
    return give_decoded(m, f, base64 ? open_base64 : sk_uudecode_open, data, name);
}

static sk_err give_yenc(struct mail *m, struct mail_frame *f, const struct mail_line *line) {
    size_t at = line->head.len;
    struct sk_bytes name;
    if (mail_word_in(line->head, " name=", &at)) {
        at += 6;
    }
    if (!copy_name(m, line->head, at, &name)) {
        return sk_fail(SK_E_NOMEM);
    }
    return give_decoded(m, f, sk_yenc_open, (struct mail_range){line->next, f->range.end}, name);
}

/* From the line that names it to the second colon. */
static sk_err give_binhex(struct mail *m, struct mail_frame *f, const struct mail_line *line) {
    static const struct sk_bytes colon = {(const uint8_t *)":", 1};
    uint64_t start = line->off;
    uint64_t end = line->next;
    for (unsigned i = 0; i < 2; i++) {
        TRY(mail_find(m, (struct mail_range){end, f->range.end}, colon, &end));
        end += end < f->range.end;
    }
    f->pos = end;
    struct sk_child child = {.packed_size = end - start,
                             .size = end - start,
                             .index = m->index++,
                             .as = SK_TYPE_BINHEX,
                             .is_slice = true,
                             .slice_off = start,
                             .slice_len = end - start};
    return walk_child(m->walk, &child, NULL);
}

/* ---- header lines ---- */

struct header_run {
    uint64_t start;
    bool open;    /* the line before was a header line */
    bool matters; /* its body reads differently */
    bool multipart;
    unsigned junk; /* lines that are no field, behind one that matters */
};

static void look_at_field(struct header_run *run, struct sk_bytes line, size_t name_len,
                          size_t value) {
    struct sk_bytes name = {line.ptr, name_len};
    struct sk_bytes text = mail_trim((struct sk_bytes){line.ptr + value, line.len - value});
    size_t at;
    if (mail_word_is(name, "content-type")) {
        run->multipart = run->multipart || mail_word_in(text, "multipart", &at);
        run->matters = run->matters || !mail_word_in(text, "text/plain", &at);
    } else if (mail_word_is(name, "content-transfer-encoding")) {
        run->matters =
            run->matters || !(mail_word_in(text, "7bit", &at) || mail_word_in(text, "8bit", &at));
    }
}

static void follow_run(struct header_run *run, const struct mail_line *line) {
    size_t value = 0;
    size_t name_len = 0;
    if (run->open && line->len > 0 && (line->head.ptr[0] == ' ' || line->head.ptr[0] == '\t')) {
        return;
    }
    name_len = mail_header_name(line->head, &value);
    if (name_len == 0 && run->matters && run->junk < JUNK_LINES_MAX) {
        run->junk++;
        return;
    }
    if (name_len == 0) {
        *run = (struct header_run){0};
        return;
    }
    if (!run->open) {
        *run = (struct header_run){.start = line->off, .open = true};
    }
    look_at_field(run, line->head, name_len, value);
}

static bool is_cut(struct sk_bytes line) {
    return line.len > 2 && line.ptr[0] == '-' && line.ptr[1] == '-' && line.ptr[2] != ' ';
}

/* Where a part that begins at off and whose body begins at body ends. */
static sk_err part_end(struct mail *m, const struct mail_frame *f, uint64_t body,
                       uint64_t *out_end) {
    struct header_run run = {0};
    uint64_t off = body;
    while (off < f->range.end) {
        struct mail_line line;
        TRY(walk_tick(m->walk));
        TRY(mail_line_at(m, off, f->range.end, f->cr, &line));
        if (is_cut(line.head)) {
            *out_end = line.off;
            return sk_ok();
        }
        if (line.len == 0 && run.matters) {
            *out_end = run.start;
            return sk_ok();
        }
        follow_run(&run, &line);
        off = line.next;
    }
    *out_end = f->range.end;
    return sk_ok();
}

/* An empty line ended a run of header lines that matters. */
static sk_err give_part(struct mail *m, struct mail_frame *f, const struct header_run *run,
                        uint64_t body) {
    uint64_t end = f->range.end;
    unsigned depth = f->depth;
    if (!run->multipart) {
        TRY(part_end(m, f, body, &end));
    }
    f->pos = end;
    return mail_entity(m, (struct mail_range){run->start, end}, depth, false);
}

/* ---- the walk ---- */

enum found { FOUND_NOTHING, FOUND_UU, FOUND_YENC, FOUND_BINHEX };

static enum found look_at_line(struct sk_bytes line) {
    size_t name;
    bool base64;
    if (line.len < 7) {
        return FOUND_NOTHING;
    }
    switch (line.ptr[0]) {
    case 'b':
        return is_begin(line, &name, &base64) ? FOUND_UU : FOUND_NOTHING;
    case '=':
        return begins(line, "=ybegin ") ? FOUND_YENC : FOUND_NOTHING;
    case '(':
        return begins(line, BINHEX_LINE) ? FOUND_BINHEX : FOUND_NOTHING;
    default:
        return FOUND_NOTHING;
    }
}

static sk_err give_found(struct mail *m, struct mail_frame *f, enum found found,
                         const struct mail_line *line) {
    struct arena *arena = walk_arena(m->walk);
    struct arena_mark mark = arena_mark(arena);
    f->pos = line->next;
    sk_err err = sk_ok();
    if (found == FOUND_UU) {
        err = give_uu(m, f, line);
    } else if (found == FOUND_YENC) {
        err = give_yenc(m, f, line);
    } else {
        err = give_binhex(m, f, line);
    }
    arena_rewind(arena, mark);
    return err;
}

sk_err mail_inline_next(struct mail *m, struct mail_frame *f) {
    struct header_run run = {0};
    while (f->pos < f->range.end) {
        struct mail_line line;
        TRY(walk_tick(m->walk));
        TRY(mail_line_at(m, f->pos, f->range.end, f->cr, &line));
        enum found found = look_at_line(line.head);
        if (found != FOUND_NOTHING) {
            return give_found(m, f, found, &line);
        }
        if (line.len == 0 && run.matters) {
            return give_part(m, f, &run, line.next);
        }
        follow_run(&run, &line);
        f->pos = line.next;
    }
    return sk_ok();
}
