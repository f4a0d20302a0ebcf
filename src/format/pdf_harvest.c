// SPDX-License-Identifier: Apache-2.0
/*
 * What the syntax of one object says: scripts, addresses, attached files, actions.
 *
 *     << /S /JavaScript /JS (app.alert\(1\)) >>          a member, at once
 *     << /S /JavaScript /JS 12 0 R >>                    a role for object 12
 *     << /F (a.exe) /EF << /F 13 0 R >> >>               a role for object 13, with its name
 *     << /S /Launch /Win << /F (cmd.exe) >> >>           a fact
 *     << /S /URI /URI (http://...) >>                    a fact
 *
 * The tokens are read flat: every name may be the key of what follows, whether the nesting is right
 * or not, so that broken syntax hides nothing. Frames (one a dictionary or array) only say what
 * belongs together; deeper than FRAMES_MAX they are one. Members of object streams are read the
 * same way, all at once.
 *
 * Texts in UTF-16 become UTF-8: scripts are searched as what a reader would run. clamscan 1.4.6
 * gives the raw syntax from the script on to the end of the object ("x\\'y');)>>"), does not undo
 * escapes, and stops at the first NUL of UTF-16 (seen); the raw syntax is searched in the file
 * itself.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "format/pdf_parts.h"

#define FRAMES_MAX 64u
#define REFS_MAX 6u /* F, UF, DOS, Mac, Unix and one to spare */
#define ROLES_MAX ((size_t)1 << 16)

enum key {
    KEY_NONE,
    KEY_JS,
    KEY_URI,
    KEY_EF,
    KEY_FILE, /* F, UF, DOS, Unix, Mac, Win */
    KEY_XFA,
    KEY_ACTION, /* S */
    KEY_OPENS,  /* OpenAction, AA */
    KEY_CONTENTS
};

struct frame {
    enum key key; /* what it is the value of */
    bool array;
    bool launch;
    bool external;
    struct pdf_token name; /* of a file; PDF_END: none */
    bool unicode_name;     /* from UF, which wins */
    uint32_t ref[REFS_MAX];
    unsigned ref_count;
};

struct harvest {
    struct pdf *p;
    const struct pdf_object *o;
    struct frame frame[FRAMES_MAX];
    unsigned depth;  /* frame[depth] is the innermost */
    uint64_t deeper; /* open beyond FRAMES_MAX */
    enum key key;    /* of the value to come */
    bool unicode_key;
    bool annotation; /* a /Contents that is text */
};

/* ---- text ---- */

/* Replace text in UTF-16 with a byte order mark by UTF-8. */
static sk_err from_utf16(struct buf *text) {
    bool big = text->len >= 2 && text->data[0] == 0xfe && text->data[1] == 0xff;
    bool little = text->len >= 2 && text->data[0] == 0xff && text->data[1] == 0xfe;
    if (!big && !little) {
        return sk_ok();
    }
    struct buf out = {0};
    sk_err err = buf_reserve(&out, text->len);
    uint32_t high = 0;
    for (size_t i = 2; i + 1 < text->len && !sk_failed(err); i += 2) {
        uint32_t unit = big ? sk_load_u16be(text->data + i) : sk_load_u16le(text->data + i);
        if (unit >= 0xd800 && unit < 0xdc00) {
            high = unit;
            continue;
        }
        if (unit >= 0xdc00 && unit < 0xe000) {
            unit = high == 0 ? 0xfffd : 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00);
        }
        high = 0;
        uint8_t utf8[SK_UTF8_MAX_BYTES];
        err = buf_append(&out, utf8, sk_utf8_put(utf8, unit));
    }
    if (sk_failed(err)) {
        buf_release(&out);
        return err;
    }
    buf_release(text);
    *text = out;
    return sk_ok();
}

/* What a string token says, into p->text; decrypted for an object that is. */
static sk_err text_of(struct pdf *p, const struct pdf_object *o, const struct pdf_token *t) {
    buf_clear(&p->text);
    if (t->kind != PDF_STRING && t->kind != PDF_HEX) {
        return sk_ok();
    }
    TRY(pdf_string_bytes(t, &p->text));
    TRY(pdf_crypt_string(p, o, &p->text));
    return from_utf16(&p->text);
}

/* The script in p->text as a member. */
static sk_err give_script(struct pdf *p, uint32_t num) {
    char name[32] = "javascript";
    int len = num == PDF_NO_NUMBER ? 10 : snprintf(name, sizeof(name), "javascript %u", num);
    struct sk_child child = {.name = name,
                             .name_len = (size_t)len,
                             .packed_size = p->text.len,
                             .size = p->text.len,
                             .index = p->members++};
    if (p->text.len == 0) {
        return sk_ok();
    }
    if (pdf_once(p, PDF_ONCE_SCRIPT)) {
        walk_fact(p->walk, SK_FACT_SCRIPT, "javascript", 10);
    }
    struct sk_source src;
    struct sk_source_stream st;
    sk_source_init_mem(&src, p->text.data, p->text.len);
    return walk_child(p->walk, &child, sk_source_stream_init(&st, &src, 0, src.size));
}

sk_err pdf_script_string(struct pdf *p, const struct pdf_object *o, const struct pdf_token *t,
                         uint32_t num) {
    TRY(text_of(p, o, t));
    TRY(give_script(p, num));
    if (o == NULL || !p->crypt.active || !p->crypt.doubtful) {
        return sk_ok();
    }
    TRY(text_of(p, NULL, t));
    return give_script(p, num);
}

/* What a reader shows when a note is opened. clamscan gives the syntax of such an object as a file
 * (seen), so that its text is searched as text. */
static sk_err give_annotation(struct pdf *p, const struct pdf_object *o) {
    char name[32];
    int len = snprintf(name, sizeof(name), "annotation %u", o->num);
    struct sk_child child = {.name = name,
                             .name_len = (size_t)len,
                             .packed_size = o->body_len,
                             .size = o->body_len,
                             .index = p->members++,
                             .is_slice = true,
                             .slice_off = o->off,
                             .slice_len = o->body_len};
    return walk_child(p->walk, &child, NULL);
}

/* ---- roles ---- */

/* The name is what p->text holds now, when named. */
static sk_err put_role(struct pdf *p, uint32_t num, enum pdf_role_kind kind, bool named) {
    if (p->role_count == ROLES_MAX) {
        if (pdf_once(p, PDF_ONCE_ROLES)) {
            walk_note(p->walk, SK_NOTE_LIMIT_MEMORY, "pdf: too many references to files");
        }
        return sk_ok();
    }
    if (p->role_count == p->role_cap) {
        struct pdf_role *more = mem_grow(p->role, &p->role_cap, p->role_count + 1, sizeof(*more));
        if (more == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
        p->role = more;
    }
    struct pdf_role *role = &p->role[p->role_count];
    *role = (struct pdf_role){.num = num, .kind = kind};
    if (named && p->text.len > 0) {
        role->name_len = p->text.len < 256 ? p->text.len : 256;
        role->name = arena_strndup(walk_arena(p->walk), (const char *)p->text.data, role->name_len);
        if (role->name == NULL) {
            return sk_fail(SK_E_NOMEM);
        }
    }
    p->role_count++;
    return sk_ok();
}

/* ---- frames ---- */

static struct frame *top(struct harvest *h) {
    return &h->frame[h->depth];
}

static void push(struct harvest *h, enum key key, bool array) {
    if (h->depth + 1 == FRAMES_MAX) {
        h->deeper++;
        return;
    }
    h->frame[++h->depth] = (struct frame){.key = key, .array = array};
}

/* What a finished dictionary adds up to. */
static sk_err close_frame(struct harvest *h) {
    struct frame *f = top(h);
    struct pdf *p = h->p;
    if (f->ref_count > 0 || f->launch || f->external) {
        TRY(text_of(p, h->o, &f->name));
    }
    if (f->launch) {
        pdf_fact(p, SK_FACT_LAUNCH, (const char *)p->text.data, p->text.len);
    } else if (f->external && p->text.len > 0) {
        pdf_fact(p, SK_FACT_EXTERNAL, (const char *)p->text.data, p->text.len);
    }
    for (unsigned i = 0; i < f->ref_count; i++) {
        TRY(put_role(p, f->ref[i], PDF_ROLE_FILE, true));
    }
    if (f->ref_count > 0 && p->text.len > 0) {
        pdf_fact(p, SK_FACT_EMBEDDED, (const char *)p->text.data, p->text.len);
    }
    f->ref_count = 0;
    f->launch = f->external = false;
    return sk_ok();
}

static sk_err pop(struct harvest *h) {
    if (h->deeper > 0) {
        h->deeper--;
        return sk_ok();
    }
    TRY(close_frame(h));
    if (h->depth == 0) {
        return sk_ok();
    }
    struct frame *f = top(h);
    struct frame *outer = &h->frame[--h->depth];
    /* /F << /FS /URL /F (...) >>, /Win << /F (cmd.exe) >> */
    if (f->key == KEY_FILE && outer->name.kind == PDF_END) {
        outer->name = f->name;
    }
    return sk_ok();
}

/* ---- keys and values ---- */

static enum key key_of(const struct pdf_token *t) {
    static const struct {
        const char *name;
        enum key key;
    } known[] = {{"JS", KEY_JS},     {"URI", KEY_URI},          {"EF", KEY_EF},
                 {"F", KEY_FILE},    {"UF", KEY_FILE},          {"DOS", KEY_FILE},
                 {"Unix", KEY_FILE}, {"Mac", KEY_FILE},         {"Win", KEY_FILE},
                 {"XFA", KEY_XFA},   {"S", KEY_ACTION},         {"OpenAction", KEY_OPENS},
                 {"AA", KEY_OPENS},  {"Contents", KEY_CONTENTS}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (pdf_name_is(t, known[i].name)) {
            return known[i].key;
        }
    }
    return KEY_NONE;
}

static void action_is(struct harvest *h, const struct pdf_token *t) {
    if (pdf_name_is(t, "Launch")) {
        top(h)->launch = true;
    } else if (pdf_name_is(t, "GoToR") || pdf_name_is(t, "GoToE") || pdf_name_is(t, "SubmitForm") ||
               pdf_name_is(t, "ImportData")) {
        top(h)->external = true;
    }
}

static void take_name(struct harvest *h, const struct pdf_token *t) {
    if (h->key == KEY_ACTION) {
        action_is(h, t);
    }
    h->key = key_of(t);
    h->unicode_key = pdf_name_is(t, "UF");
    if (h->key == KEY_OPENS && pdf_once(h->p, PDF_ONCE_OPENS)) {
        walk_fact(h->p->walk, SK_FACT_OPEN_ACTION, NULL, 0);
    }
}

static sk_err take_string(struct harvest *h, enum key key, const struct pdf_token *t) {
    struct frame *f = top(h);
    switch (key) {
    case KEY_JS:
        return pdf_script_string(h->p, h->o, t, h->o == NULL ? PDF_NO_NUMBER : h->o->num);
    case KEY_URI:
        TRY(text_of(h->p, h->o, t));
        pdf_fact(h->p, SK_FACT_URI, (const char *)h->p->text.data, h->p->text.len);
        return sk_ok();
    case KEY_FILE:
        if (f->name.kind == PDF_END || (h->unicode_key && !f->unicode_name)) {
            f->name = *t;
            f->unicode_name = h->unicode_key;
        }
        return sk_ok();
    case KEY_CONTENTS:
        h->annotation = true;
        return sk_ok();
    default:
        return sk_ok();
    }
}

static sk_err take_ref(struct harvest *h, enum key key, uint32_t num) {
    struct frame *f = top(h);
    switch (key) {
    case KEY_JS:
        return put_role(h->p, num, PDF_ROLE_SCRIPT, false);
    case KEY_XFA:
        return put_role(h->p, num, PDF_ROLE_XFA, false);
    case KEY_CONTENTS:
        return put_role(h->p, num, PDF_ROLE_PAGE, false);
    case KEY_FILE:
        if (f->key == KEY_EF && h->depth > 0) {
            f = &h->frame[h->depth - 1]; /* the name stands there */
        }
        if (f->ref_count < REFS_MAX) {
            f->ref[f->ref_count++] = num;
        }
        return sk_ok();
    default:
        return sk_ok();
    }
}

static sk_err take_token(struct harvest *h, const struct pdf_token *t) {
    enum key key = top(h)->array ? top(h)->key : h->key;
    if (t->kind == PDF_NAME) {
        take_name(h, t);
        return sk_ok();
    }
    h->key = KEY_NONE;
    switch (t->kind) {
    case PDF_DICT:
    case PDF_ARRAY:
        push(h, key, t->kind == PDF_ARRAY);
        return sk_ok();
    case PDF_DICT_END:
    case PDF_ARRAY_END:
        return pop(h);
    case PDF_STRING:
    case PDF_HEX:
        return take_string(h, key, t);
    case PDF_REF:
        return take_ref(h, key, (uint32_t)t->value);
    default:
        return sk_ok();
    }
}

sk_err pdf_harvest(struct pdf *p, const struct pdf_object *o, struct sk_bytes body) {
    struct harvest h;
    struct sk_cursor c = sk_cursor_of(body);
    struct pdf_token t;
    uint64_t tokens = 0;
    memset(&h, 0, sizeof(h));
    h.p = p;
    h.o = o;
    for (pdf_value(&c, &t); t.kind != PDF_END; pdf_value(&c, &t)) {
        TRY(take_token(&h, &t));
        if ((++tokens & 1023) == 0) {
            TRY(walk_tick(p->walk));
        }
    }
    while (h.depth > 0) {
        h.deeper = 0;
        TRY(pop(&h));
    }
    TRY(close_frame(&h));
    return h.annotation && o != NULL ? give_annotation(p, o) : sk_ok();
}
