// SPDX-License-Identifier: Apache-2.0
/*
 * Workbook streams of Excel 5 to 2003, for their Excel 4 macros.
 *
 *     u16 type | u16 length | body ...
 *     BOF         u16 version, u16 kind: 5 globals, 0x40 a macro sheet
 *     BOUNDSHEET  u32 place of its BOF, u8 hidden (2: only macros can show it), u8 kind (1: macros)
 *     FORMULA     u16 row, column, format, 8 bytes value, 6 bytes, u16 length, tokens
 *
 *     one pass: facts; when there is a macro sheet a second: its formulas as a member "macros.txt",
 *     a line each: Macro1!R1C1 =EXEC("cmd.exe")
 *
 * Seen with clamscan 1.4.6: it writes a text of all records and tokens for such workbooks but does
 * not search it (not even by its hash), so the form is ours: formulas as people know them. A sheet
 * that no BOUNDSHEET names is told by its BOF. Source: [MS-XLS] 2.4.21, 2.4.28, 2.4.127.
 */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "format/office_key.h"
#include "format/ole2_objects.h"
#include "format/xlm.h"

#define REC_FORMULA 0x0006u
#define REC_FILEPASS 0x002fu
#define REC_BOUNDSHEET 0x0085u
#define REC_STRING 0x0207u
#define REC_BOF 0x0809u
#define REC_INTERFACE 0x00e1u
#define KIND_MACROS 0x40u
#define VERSION_8 0x0600u
#define SHEETS_MAX 256u
#define NAME_BYTES ((size_t)104)
#define RECORD_MAX ((size_t)65535)

struct sheet {
    uint32_t place;
    char name[NAME_BYTES];
};

struct workbook {
    struct ole2 *o;
    uint32_t entry;
    struct ole2_stream stream;
    uint64_t size;
    uint8_t *body; /* RECORD_MAX bytes */
    struct sk_bytes record;
    unsigned type;
    uint64_t place; /* of the record */
    bool biff8;
    bool in_macros;
    struct sheet *sheet; /* SHEETS_MAX */
    uint32_t sheet_count;
    const char *name; /* of the sheet at hand */
    bool has_macros;
    bool is_locked;
    struct office_rc4 key; /* when is_locked */
};

/* Records that are never encrypted; BOUNDSHEET but for its place. */
static size_t plain_bytes(unsigned type, size_t len) {
    static const uint16_t plain[] = {REC_BOF, REC_FILEPASS,  0x0194, 0x0195,
                                     0x0196,  REC_INTERFACE, 0x0138, 0x0160};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (type == plain[i]) {
            return len;
        }
    }
    return type == REC_BOUNDSHEET && len > 4 ? 4 : 0;
}

static sk_err unlock(struct workbook *b) {
    size_t plain = plain_bytes(b->type, b->record.len);
    return office_rc4_run(&b->key, b->place + 4 + plain, b->body + plain, b->record.len - plain);
}

static sk_err next_record(struct workbook *b, bool *out_more) {
    uint8_t head[4];
    size_t got = 0;
    *out_more = false;
    TRY(walk_tick(b->o->walk));
    b->place = b->size - b->stream.left;
    TRY(ole2_pull(&b->stream.base, head, sizeof(head), &got));
    if (got < sizeof(head)) {
        return sk_ok();
    }
    b->type = sk_load_u16le(head);
    size_t len = sk_load_u16le(head + 2);
    TRY(ole2_pull(&b->stream.base, b->body, len, &got));
    b->record = (struct sk_bytes){b->body, got};
    *out_more = got == len;
    return b->is_locked ? unlock(b) : sk_ok();
}

static void take_name(struct workbook *b, struct sk_cursor *c, char *out) {
    size_t count = sk_cursor_u8(c);
    bool is_wide = b->biff8 && (sk_cursor_u8(c) & 1) != 0;
    size_t len = 0;
    for (size_t i = 0; i < count && sk_cursor_left(c) > 0 && len + 4 < NAME_BYTES; i++) {
        uint32_t unit = is_wide ? sk_cursor_u16le(c) : sk_cursor_u8(c);
        len += sk_utf8_put((uint8_t *)out + len, unit);
    }
    out[len] = 0;
}

static void bound_sheet(struct workbook *b) {
    struct sk_cursor c = sk_cursor_of(b->record);
    uint32_t place = sk_cursor_u32le(&c);
    uint8_t hidden = sk_cursor_u8(&c);
    uint8_t kind = sk_cursor_u8(&c);
    char name[NAME_BYTES];
    take_name(b, &c, name);
    if (!sk_cursor_ok(&c)) {
        return;
    }
    if ((hidden & 3) == 2) {
        walk_fact(b->o->walk, SK_FACT_HIDDEN_SHEET, name, strlen(name));
    }
    b->has_macros = b->has_macros || kind == 1;
    if (b->sheet_count < SHEETS_MAX) {
        struct sheet *s = &b->sheet[b->sheet_count++];
        s->place = place;
        memcpy(s->name, name, sizeof(s->name));
    }
}

static void begin_sheet(struct workbook *b) {
    struct sk_cursor c = sk_cursor_of(b->record);
    b->biff8 = sk_cursor_u16le(&c) >= VERSION_8;
    b->in_macros = sk_cursor_u16le(&c) == KIND_MACROS;
    b->has_macros = b->has_macros || b->in_macros;
    b->name = "sheet";
    for (uint32_t i = 0; i < b->sheet_count; i++) {
        if (b->sheet[i].place == b->place) {
            b->name = b->sheet[i].name;
        }
    }
}

/* Behind FILEPASS everything is encrypted; without its password nothing more can be told. */
static sk_err file_pass(struct workbook *b, bool *out_more) {
    sk_err err = office_rc4_open(b->o->walk, b->record, &b->key);
    b->is_locked = !sk_failed(err);
    b->o->is_opened = b->is_locked;
    *out_more = b->is_locked;
    bool shut =
        err.code == SK_E_ENCRYPTED || err.code == SK_E_UNSUPPORTED || err.code == SK_E_FORMAT;
    return shut ? sk_ok() : err;
}

/* Facts of the whole workbook. */
static sk_err look(struct workbook *b) {
    bool more = true;
    while (more) {
        TRY(next_record(b, &more));
        if (more && b->type == REC_BOF) {
            begin_sheet(b);
        } else if (more && b->type == REC_BOUNDSHEET) {
            bound_sheet(b);
        } else if (more && b->type == REC_FILEPASS && !b->is_locked) {
            TRY(file_pass(b, &more));
        }
    }
    return sk_ok();
}

/* The formulas as a stream. */
struct macros {
    struct sk_stream base;
    struct workbook *b;
    size_t pos;
    size_t len;
    unsigned row;
    unsigned col;
    struct xlm_text formula;
    char line[XLM_TEXT_BYTES + NAME_BYTES + 64];
};

static void write_line(struct macros *m, const char *mark, const uint8_t *text, size_t len) {
    int n = snprintf(m->line, NAME_BYTES + 64, "%s!R%uC%u %s", m->b->name, m->row + 1, m->col + 1,
                     mark);
    m->len = n < 0 ? 0 : (size_t)n;
    m->pos = 0;
    memcpy(m->line + m->len, text, len);
    m->len += len;
    m->line[m->len++] = '\n';
}

static void write_formula(struct macros *m) {
    struct sk_cursor c = sk_cursor_of(m->b->record);
    m->row = sk_cursor_u16le(&c);
    m->col = sk_cursor_u16le(&c);
    sk_cursor_skip(&c, 16);
    size_t len = sk_cursor_u16le(&c);
    len = len < sk_cursor_left(&c) ? len : sk_cursor_left(&c);
    struct sk_bytes rgce = {sk_cursor_take(&c, len), len};
    if (sk_cursor_ok(&c)) {
        xlm_formula(rgce, m->b->biff8, &m->formula);
        write_line(m, "=", m->formula.text, m->formula.len);
    }
}

/* The value of the formula before, when it is text. */
static void write_string(struct macros *m) {
    struct sk_cursor c = sk_cursor_of(m->b->record);
    size_t count = sk_cursor_u16le(&c);
    bool is_wide = m->b->biff8 && (sk_cursor_u8(&c) & 1) != 0;
    size_t len = 0;
    for (size_t i = 0; i < count && sk_cursor_left(&c) > 0 && len + 4 < XLM_TEXT_BYTES; i++) {
        uint32_t unit = is_wide ? sk_cursor_u16le(&c) : sk_cursor_u8(&c);
        len += sk_utf8_put(m->formula.text + len, unit);
    }
    write_line(m, "is ", m->formula.text, len);
}

static sk_err macros_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct macros *m = (struct macros *)(void *)base;
    bool more = true;
    while (m->pos == m->len && more) {
        TRY(next_record(m->b, &more));
        if (!more) {
            break;
        }
        if (m->b->type == REC_BOF) {
            begin_sheet(m->b);
        } else if (m->b->in_macros && m->b->type == REC_FORMULA) {
            write_formula(m);
        } else if (m->b->in_macros && m->b->type == REC_STRING) {
            write_string(m);
        }
    }
    size_t n = m->len - m->pos < cap ? m->len - m->pos : cap;
    memcpy(buf, m->line + m->pos, n);
    m->pos += n;
    *out_len = n;
    return sk_ok();
}

/* The whole stream without its encryption. */
struct plain {
    struct sk_stream base;
    struct workbook *b;
    uint8_t head[4];
    size_t pos; /* of head and body */
    size_t len;
};

static sk_err plain_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct plain *p = (struct plain *)(void *)base;
    if (p->pos == p->len) {
        bool more;
        TRY(next_record(p->b, &more));
        sk_store_u16le(p->head, (uint16_t)p->b->type);
        sk_store_u16le(p->head + 2, (uint16_t)p->b->record.len);
        p->pos = 0;
        p->len = more ? sizeof(p->head) + p->b->record.len : 0;
    }
    size_t n = 0;
    for (; n < cap && p->pos < p->len; n++, p->pos++) {
        size_t at = p->pos;
        buf[n] = at < sizeof(p->head) ? p->head[at] : p->b->body[at - sizeof(p->head)];
    }
    *out_len = n;
    return sk_ok();
}

static void rewind_stream(struct workbook *b) {
    (void)ole2_stream_init(&b->stream, b->o, b->entry);
    b->key.place = UINT64_MAX;
}

static sk_err give_plain(struct workbook *b) {
    struct plain p = {.base = {.read = plain_read}, .b = b};
    rewind_stream(b);
    return ole2_give_part(b->o, b->entry, "plain", &p.base);
}

sk_err ole2_workbook(struct ole2 *o, uint32_t entry) {
    struct arena *arena = walk_arena(o->walk);
    struct workbook b = {.o = o, .entry = entry, .size = o->entry[entry].size, .name = "sheet"};
    struct macros *m = arena_zalloc(arena, 1, sizeof(*m));
    b.body = arena_alloc(arena, RECORD_MAX);
    b.sheet = arena_zalloc(arena, SHEETS_MAX, sizeof(*b.sheet));
    if (m == NULL || b.body == NULL || b.sheet == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    (void)ole2_stream_init(&b.stream, o, entry);
    sk_err err = look(&b);
    if (sk_failed(err) && err.code != SK_E_FORMAT) {
        return err;
    }
    if (b.is_locked) {
        TRY(give_plain(&b));
    }
    if (!b.has_macros) {
        return sk_ok();
    }
    walk_fact(o->walk, SK_FACT_MACROS_XLM, NULL, 0);
    rewind_stream(&b);
    m->base.read = macros_read;
    m->b = &b;
    return ole2_give_part(o, entry, "macros.txt", &m->base);
}
