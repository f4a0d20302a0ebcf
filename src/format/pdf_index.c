// SPDX-License-Identifier: Apache-2.0
/*
 * Finds every object of a PDF file by its own syntax, as readers do when the cross-reference tables
 * are broken, and always, because the tables are the author's word:
 *
 *     ... 12 0 obj << /Length 13 0 R >> stream ...data... endstream endobj ... trailer << ... >>
 *         |---|   |<------ body ------>|      ^ stream_at
 *        number   off
 *
 * "obj" counts wherever it stands: behind junk, in comments, in strings, in streams, in parts that
 * an incremental update replaced. So a table can name no object that is not found; what a table
 * alone knows is the number of an object whose own number cannot be read, and which of several
 * objects of one number counts: here all of them do.
 *
 * Finding is one linear pass. Then each body is read by its syntax up to "endobj" or "stream",
 * which may pass over starts of other objects (they are in a string, say, or the end is missing):
 * such bytes are read more than once. That is bounded by lex_left; when it is used up, bodies end
 * where the next object begins.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/search.h"
#include "format/pdf_parts.h"

#define OBJECTS_MAX ((size_t)1 << 20)
#define BODY_FIRST_BYTES ((size_t)1024)
#define BODY_MAX_BYTES ((size_t)8 << 20)
#define BACK_BYTES ((size_t)64) /* a number and a generation with white space around */
#define STEP_BYTES ((size_t)32 * 1024)

/* ---- starts ---- */

/* Digits right before `pos` (white space between), read backwards. False: none. */
static bool number_before(const uint8_t *p, size_t *pos, uint64_t *out_value) {
    size_t at = *pos;
    while (at > 0 && pdf_is_space(p[at - 1])) {
        at--;
    }
    size_t end = at;
    uint64_t value = 0;
    uint64_t scale = 1;
    while (at > 0 && p[at - 1] >= '0' && p[at - 1] <= '9' && end - at < 10) {
        value += scale * (uint64_t)(p[--at] - '0');
        scale *= 10;
    }
    *pos = at;
    *out_value = value;
    return at < end;
}

/* The same by syntax, from one of the lines before: "12 % comment" and "0 obj" below it. */
static bool numbers_by_syntax(const uint8_t *text, size_t at, uint64_t *out_num,
                              uint64_t *out_gen) {
    size_t from = at > BACK_BYTES ? at - BACK_BYTES : 0;
    for (; from < at; from++) {
        if (from > 0 && text[from - 1] != '\n' && text[from - 1] != '\r') {
            continue;
        }
        struct sk_cursor c = sk_cursor_make(text + from, at - from);
        struct pdf_token two = {.kind = PDF_END}; /* the last two tokens */
        struct pdf_token one = {.kind = PDF_END};
        struct pdf_token t;
        for (pdf_lex(&c, &t); t.kind != PDF_END; pdf_lex(&c, &t)) {
            two = one;
            one = t;
        }
        if (two.kind == PDF_INT && one.kind == PDF_INT && two.value >= 0 && one.value >= 0) {
            *out_num = (uint64_t)two.value;
            *out_gen = (uint64_t)one.value;
            return true;
        }
    }
    return false;
}

static sk_err put_object(struct pdf *p, const struct pdf_object *o) {
    if (p->count == OBJECTS_MAX) {
        if (pdf_once(p, PDF_ONCE_OBJECTS)) {
            walk_note(p->walk, SK_NOTE_LIMIT_MEMORY, "pdf: too many objects");
        }
        return sk_ok();
    }
    if (p->count == p->cap) {
        struct pdf_object *more = mem_grow(p->object, &p->cap, p->count + 1, sizeof(*more));
        if (more == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
        p->object = more;
    }
    p->object[p->count++] = *o;
    return sk_ok();
}

/* p[at] is the 'o' of "obj" or the 't' of "trailer"; at most BACK_BYTES before it are looked at. */
static sk_err take_start(struct pdf *p, const uint8_t *text, size_t at, uint64_t off) {
    struct pdf_object o = {.num = PDF_NO_NUMBER};
    if (text[at] == 't') {
        o.off = off + 7;
        o.seen = PDF_SEEN_TRAILER;
        return put_object(p, &o);
    }
    if (at >= 3 && memcmp(text + at - 3, "end", 3) == 0) {
        return sk_ok();
    }
    uint64_t num;
    uint64_t gen;
    o.off = off + 3;
    size_t back = at;
    bool numbered = number_before(text, &back, &gen) && number_before(text, &back, &num);
    numbered = numbered || numbers_by_syntax(text, at, &num, &gen);
    if (numbered && num < PDF_NO_NUMBER) {
        o.num = (uint32_t)num;
        o.gen = (uint16_t)gen;
    }
    return put_object(p, &o);
}

/* Starts are looked for before `end`; what lies behind it is there to be compared. */
struct piece {
    const uint8_t *text;
    size_t avail;
    size_t end;   /* at most avail */
    uint64_t off; /* of the text in the file */
};

/* The first place from `at` on where the needle begins; end: none. at <= end. */
static size_t next_needle(const struct piece *p, size_t at, const struct sk_needle *needle) {
    size_t room = p->end - at + needle->len - 1;
    room = room < p->avail - at ? room : p->avail - at;
    const uint8_t *hit = sk_search((struct sk_bytes){p->text + at, room}, needle);
    return hit == NULL ? p->end : (size_t)(hit - p->text);
}

/* The same where "obj" begins a body. */
static size_t next_obj(const struct piece *p, size_t at) {
    static const struct sk_needle OBJ = {"obj", 3, 1};
    for (at = next_needle(p, at, &OBJ); at < p->end; at = next_needle(p, at + 1, &OBJ)) {
        const uint8_t *behind = p->text + at + 3;
        if (p->avail - at == 3 || !pdf_is_regular(*behind) || (*behind >= '0' && *behind <= '9')) {
            break;
        }
    }
    return at;
}

/* Those from `at` on, in order. */
static sk_err take_starts(struct pdf *p, const struct piece *piece, size_t at) {
    static const struct sk_needle TRAILER = {"trailer", 7, 2};
    size_t obj = next_obj(piece, at), trailer = next_needle(piece, at, &TRAILER);
    while (obj < piece->end || trailer < piece->end) {
        at = obj < trailer ? obj : trailer;
        TRY(take_start(p, piece->text, at, piece->off + at));
        if (at == obj) {
            obj = next_obj(piece, at + 1);
        } else {
            trailer = next_needle(piece, at + 1, &TRAILER);
        }
    }
    return sk_ok();
}

static sk_err find_starts(struct pdf *p) {
    uint64_t off = 0;
    while (off < p->src->size) {
        TRY(walk_tick(p->walk));
        uint64_t back = off < BACK_BYTES ? off : BACK_BYTES;
        size_t avail;
        const uint8_t *text = sk_source_at(p->src, off - back, STEP_BYTES + 2 * BACK_BYTES, &avail);
        if (text == NULL) {
            return p->src->failed;
        }
        size_t end = (size_t)back + STEP_BYTES; /* starts behind it belong to the next step */
        end = end < avail ? end : avail;
        struct piece piece = {text, avail, end, off - back};
        TRY(take_starts(p, &piece, (size_t)back));
        off += STEP_BYTES;
    }
    return sk_ok();
}

/* ---- bodies ---- */

static bool is_active(const struct pdf_token *t) {
    static const char *const names[] = {"JS",     "JavaScript", "URI",        "EF",         "XFA",
                                        "Launch", "GoToR",      "GoToE",      "OpenAction", "AA",
                                        "F",      "SubmitForm", "ImportData", "Contents"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (pdf_name_is(t, names[i])) {
            return true;
        }
    }
    return false;
}

static void see_name(struct pdf *p, struct pdf_object *o, const struct pdf_token *t) {
    if (pdf_name_is(t, "ObjStm")) {
        o->seen |= PDF_SEEN_OBJSTM;
    } else if (pdf_name_is(t, "XRef")) {
        o->seen |= PDF_SEEN_XREF;
    } else if (pdf_name_is(t, "Encrypt")) {
        o->seen |= PDF_SEEN_ENCRYPT;
    } else if (pdf_name_is(t, "Image")) {
        o->seen |= PDF_SEEN_IMAGE;
    } else if (is_active(t)) {
        o->seen |= PDF_SEEN_ACTIVE;
    }
    if (pdf_name_hides(t) && pdf_once(p, PDF_ONCE_HIDDEN_NAME)) {
        walk_fact(p->walk, SK_FACT_NAME_OBFUSCATED, (const char *)t->ptr, t->len);
    }
}

/* Data begins behind the line end that follows the keyword. */
static size_t data_start(const struct sk_cursor *c) {
    size_t pos = c->pos;
    while (pos < c->len && (c->ptr[pos] == ' ' || c->ptr[pos] == '\t')) {
        pos++; /* readers pass over blanks here */
    }
    if (pos < c->len && c->ptr[pos] == '\r') {
        pos++;
        return pos < c->len && c->ptr[pos] == '\n' ? pos + 1 : pos;
    }
    return pos < c->len && c->ptr[pos] == '\n' ? pos + 1 : c->pos;
}

/* Read one body out of the bytes at hand. False: more bytes are needed. */
static bool survey(struct pdf *p, struct pdf_object *o, struct sk_bytes bytes, bool last) {
    struct sk_cursor c = sk_cursor_of(bytes);
    struct pdf_token t;
    struct pdf_object found = *o;
    uint64_t depth = 0;
    for (pdf_lex(&c, &t);; pdf_lex(&c, &t)) {
        if (!last && (t.cut || bytes.len - c.pos < 4)) {
            return false;
        }
        found.body_len = (uint32_t)(t.kind == PDF_END ? c.pos : (size_t)(t.ptr - bytes.ptr));
        if (t.kind == PDF_END || pdf_word_begins(&t, "endobj")) {
            break;
        }
        if (pdf_word_is(&t, "stream") && (o->seen & PDF_SEEN_TRAILER) == 0) {
            found.stream_at = (uint32_t)data_start(&c);
            found.seen |= PDF_SEEN_STREAM;
            break;
        }
        if (t.kind == PDF_NAME) {
            see_name(p, &found, &t);
        }
        depth += t.kind == PDF_DICT ? 1 : 0;
        depth -= t.kind == PDF_DICT_END && depth > 0 ? 1 : 0;
        if (t.kind == PDF_DICT_END && depth == 0 && (o->seen & PDF_SEEN_TRAILER) != 0) {
            found.body_len = (uint32_t)c.pos;
            break;
        }
    }
    *o = found;
    return true;
}

static sk_err load(struct pdf *p, uint64_t off, size_t len, struct sk_bytes *out_bytes) {
    size_t got = 0;
    buf_clear(&p->body);
    TRY(buf_reserve(&p->body, len + 1));
    TRY(sk_source_read(p->src, off, p->body.data, len, &got));
    p->body.len = got;
    *out_bytes = (struct sk_bytes){p->body.data, got};
    return sk_ok();
}

/* Bytes up to where the next object begins. */
static uint64_t own_room(const struct pdf *p, size_t index) {
    uint64_t end = index + 1 < p->count ? p->object[index + 1].off : p->src->size;
    return end - p->object[index].off;
}

static sk_err survey_one(struct pdf *p, size_t index) {
    struct pdf_object *o = &p->object[index];
    uint64_t own = own_room(p, index);
    uint64_t rest = p->src->size - o->off;
    size_t len = BODY_FIRST_BYTES;
    for (;;) {
        bool tight = p->lex_left == 0;
        uint64_t room = tight ? own : rest;
        uint64_t most = room < BODY_MAX_BYTES ? room : BODY_MAX_BYTES;
        len = len < most ? len : (size_t)most;
        struct sk_bytes bytes;
        TRY(load(p, o->off, len, &bytes));
        bool done = survey(p, o, bytes, len == most);
        uint64_t used = done ? o->body_len : len;
        uint64_t again = done && used <= own ? 0 : used;
        p->lex_left -= again < p->lex_left ? again : p->lex_left;
        if (done) {
            break;
        }
        TRY(walk_tick(p->walk));
        len *= 4;
    }
    if (len == BODY_MAX_BYTES && o->body_len >= BODY_MAX_BYTES - 1 && pdf_once(p, PDF_ONCE_BODY)) {
        walk_note(p->walk, SK_NOTE_LIMIT_MEMORY, "pdf: a very long object");
    }
    return sk_ok();
}

/*
 * Broken syntax (a parenthesis too many) must not hide a stream: the keyword as text, in front of
 * the next object, counts when the syntax led to none. The body stays whole: it may be that the
 * syntax was right.
 */
static sk_err rescue_stream(struct pdf *p, size_t index) {
    struct pdf_object *o = &p->object[index];
    uint64_t own = own_room(p, index);
    size_t len = own < STEP_BYTES ? (size_t)own : STEP_BYTES;
    if ((o->seen & (PDF_SEEN_STREAM | PDF_SEEN_TRAILER)) != 0 || len < 16 || o->body_len < 16) {
        return sk_ok();
    }
    struct sk_bytes bytes;
    TRY(load(p, o->off, len, &bytes));
    const uint8_t *end = memmem(bytes.ptr, bytes.len, "endobj", 6);
    size_t room = end == NULL ? bytes.len : (size_t)(end - bytes.ptr);
    const uint8_t *at = memmem(bytes.ptr, room, "stream", 6);
    if (at == NULL || at == bytes.ptr || pdf_is_regular(at[-1])) {
        return sk_ok();
    }
    struct sk_cursor c = sk_cursor_of(bytes);
    sk_cursor_seek(&c, (uint64_t)(at - bytes.ptr) + 6);
    size_t data = data_start(&c);
    if (data > c.pos) { /* a line end follows */
        o->stream_at = (uint32_t)data;
        o->seen |= PDF_SEEN_STREAM;
    }
    return sk_ok();
}

/* ---- numbers ---- */

static int compare_keys(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static sk_err sort_numbers(struct pdf *p) {
    MEM_AUTO uint64_t *key = mem_alloc(p->count * sizeof(*key) + 1);
    p->by_num = mem_alloc(p->count * sizeof(*p->by_num) + 1);
    if (key == NULL || p->by_num == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (p->object[i].num != PDF_NO_NUMBER) {
            key[n++] = (uint64_t)p->object[i].num << 32 | i;
        }
    }
    qsort(key, n, sizeof(*key), compare_keys);
    for (size_t i = 0; i < n; i++) {
        p->by_num[i] = (uint32_t)key[i];
    }
    p->by_num_count = n;
    return sk_ok();
}

size_t pdf_index_find(const struct pdf *p, uint32_t num) {
    size_t low = 0;
    size_t high = p->by_num_count;
    while (low < high) { /* the first whose number is larger */
        size_t mid = low + (high - low) / 2;
        if (p->object[p->by_num[mid]].num <= num) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low > 0 && p->object[p->by_num[low - 1]].num == num ? p->by_num[low - 1] : SIZE_MAX;
}

sk_err pdf_body(struct pdf *p, const struct pdf_object *o, struct sk_bytes *out_body) {
    return load(p, o->off, o->body_len, out_body);
}

sk_err pdf_index(struct pdf *p) {
    TRY(find_starts(p));
    for (size_t i = 0; i < p->count; i++) {
        TRY(walk_tick(p->walk));
        TRY(survey_one(p, i));
        TRY(rescue_stream(p, i));
    }
    return sort_numbers(p);
}
