// SPDX-License-Identifier: Apache-2.0
/*
 * Mail (RFC 5322, MIME), written for mail that wants to be read in one way by the scanner and in
 * another by its victim.
 *
 *     header block --+-- multipart: a MAIL_SPLIT frame for each reading of its boundary
 *                    +-- message/rfc822: a member that is mail (the engine opens it)
 *                    +-- anything else: a member for each reading of its encoding
 *                    \-- text: and a MAIL_INLINE frame, for what stands in the text itself
 *
 *     loop: the top frame's next part -> mail_entity, which may push frames; done: popped
 *
 * The frames are the explicit stack: nothing here recurses on input, at most MAIL_FRAMES_MAX wait
 * and parts nest at most MAIL_DEPTH_MAX deep (noted as SK_NOTE_LIMIT_RECURSION). A range is cut
 * where it stands; nothing is kept of a part, so 100,000 of them need no memory.
 *
 * The rule for everything that is written twice, wrongly or oddly: where mail programs would read
 * it differently, every reading is scanned. Two Content-Types, two encodings, three ways to cut a
 * boundary, two ends of a header each give their own members; readings that end up with the same
 * bytes are given once (mail_is_new). Readings multiply when they nest, so all ranges together are
 * bounded by MAIL_WORK_TIMES the mail (noted as SK_NOTE_LIMIT_SCAN_SIZE); real mail needs its
 * depth.
 *
 * What clamscan 1.4.6 does, seen with planted signatures: raw mail is searched for targets 4 and 0,
 * its whole is not normalised as text; bodies and the epilogue are members, typed by their bytes;
 * the preamble is none; message/rfc822 is a layer of its own (MAIL>MAIL); names of members without
 * one are "attachment" and, in a multipart, "mixedtextportion" for HTML; a mail without MIME has a
 * nameless body. A part's content there keeps the line end before the delimiter and has LF for
 * CR LF; here it is what RFC 2046 says, so hashes of parts that are not encoded differ.
 */
#include "format/mail_parts.h"

#include <string.h>

#include "format/content.h"

/* Above magics that may stand further in (a PDF's in the subject): clamscan 1.4.6 goes by the first
 * line, too. */
#define BID_SURE 88
#define LIMIT_PARTS 1024u
#define HOW_ENTITY 0x10000u
#define HOW_INLINE 0x20000u
#define HOW_SPLIT 0x40000u

static int mail_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    switch (sk_content_mail(peek)) {
    case SK_CONTENT_SURE_MAIL:
        return BID_SURE;
    case SK_CONTENT_MAIL:
        return MAIL_BID;
    case SK_CONTENT_MAYBE_MAIL: /* a header as large as the head must not hide a mail */
        *out_type = sk_content_type(peek);
        return SK_BID_WALK;
    default:
        return 0;
    }
}

/* ---- shared by the parts ---- */

static uint64_t mix(uint64_t key) {
    key *= UINT64_C(0x9e3779b97f4a7c15);
    return key ^ key >> 29;
}

bool mail_is_new(struct mail *m, struct mail_range range, unsigned how) {
    uint64_t key = mix(mix(mix(range.start) + range.end) + how) | 1;
    uint64_t *slot = &m->seen[key >> 1 & (MAIL_SEEN_SLOTS - 1)];
    bool known = *slot == key;
    *slot = key;
    return !known;
}

static bool once(struct mail *m, enum mail_once what) {
    bool before = (m->told & (unsigned)what) != 0;
    m->told |= (unsigned)what;
    return !before;
}

void mail_tell_limit(struct mail *m, enum mail_once what, const char *word) {
    if (once(m, what)) {
        walk_fact(m->walk, SK_FACT_MAIL_LIMIT, word, strlen(word));
    }
}

struct mail_frame *mail_push(struct mail *m, enum mail_work work, struct mail_range range,
                             unsigned depth) {
    if (m->frame_count == MAIL_FRAMES_MAX || depth > MAIL_DEPTH_MAX) {
        if (once(m, MAIL_ONCE_DEPTH)) {
            walk_note(m->walk, SK_NOTE_LIMIT_RECURSION, "parts of a mail nested too deep");
        }
        return NULL;
    }
    m->work += range.end - range.start;
    if (m->work / MAIL_WORK_TIMES > m->src->size + MAIL_WORK_BYTES / MAIL_WORK_TIMES) {
        if (once(m, MAIL_ONCE_WORK)) {
            walk_note(m->walk, SK_NOTE_LIMIT_SCAN_SIZE, "too many ways to read a mail");
        }
        return NULL;
    }
    struct mail_frame *f = &m->frame[m->frame_count++];
    *f = (struct mail_frame){.work = work, .range = range, .pos = range.start, .depth = depth};
    f->cr = mail_cr_lines(m, range);
    return f;
}

/* ---- what a header says ---- */

struct kind_name {
    const char *begins;
    unsigned kinds;
};

static const struct kind_name KINDS[] = {
    {"multipart/digest", MAIL_KIND_MULTIPART | MAIL_KIND_DIGEST},
    {"multipart", MAIL_KIND_MULTIPART},
    {"message/partial", MAIL_KIND_PARTIAL | MAIL_KIND_MESSAGE},
    {"message/external-body", MAIL_KIND_EXTERNAL | MAIL_KIND_TEXT},
    {"message/delivery-status", MAIL_KIND_TEXT},
    {"message/disposition-notification", MAIL_KIND_TEXT},
    {"message/feedback-report", MAIL_KIND_TEXT},
    {"message", MAIL_KIND_MESSAGE},
    {"text/html", MAIL_KIND_HTML},
    {"text/xhtml", MAIL_KIND_HTML},
    {"application/xhtml", MAIL_KIND_HTML},
    {"text", MAIL_KIND_TEXT},
    {"application", MAIL_KIND_OTHER},
    {"image", MAIL_KIND_OTHER},
    {"audio", MAIL_KIND_OTHER},
    {"video", MAIL_KIND_OTHER},
    {"font", MAIL_KIND_OTHER},
    {"model", MAIL_KIND_OTHER},
    {"x-", MAIL_KIND_OTHER},
};

static unsigned kind_of(struct sk_bytes media) {
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        size_t len = strlen(KINDS[i].begins);
        if (media.len >= len && memcmp(media.ptr, KINDS[i].begins, len) == 0) {
            return KINDS[i].kinds;
        }
    }
    /* A type nobody knows is shown as text by some. */
    return media.len == 0 ? MAIL_KIND_NONE : MAIL_KIND_TEXT;
}

/* What the ending of a name promises, for whoever opens it by that. */
static enum sk_type type_of_name(struct sk_bytes name) {
    static const struct {
        const char *ending;
        enum sk_type type;
    } endings[] = {{".htm", SK_TYPE_HTML},   {".html", SK_TYPE_HTML},  {".hta", SK_TYPE_HTML},
                   {".shtml", SK_TYPE_HTML}, {".xht", SK_TYPE_HTML},   {".eml", SK_TYPE_MAIL},
                   {".mht", SK_TYPE_MHTML},  {".mhtml", SK_TYPE_MHTML}};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t len = strlen(endings[i].ending);
        if (name.len <= len) {
            continue;
        }
        struct sk_bytes tail = {name.ptr + (name.len - len), len};
        if (mail_word_is(tail, endings[i].ending)) {
            return endings[i].type;
        }
    }
    return SK_TYPE_ANY;
}

/* Bits 1 << enum mail_encoding. */
static unsigned encodings_of(const struct mail_readings *fields) {
    static const struct {
        const char *word;
        enum mail_encoding encoding;
    } words[] = {{"base64", MAIL_BASE64}, {"64", MAIL_BASE64},   {"quoted", MAIL_QUOTED},
                 {"uu", MAIL_PLAIN},      {"yenc", MAIL_PLAIN},  {"7bit", MAIL_PLAIN},
                 {"8bit", MAIL_PLAIN},    {"binary", MAIL_PLAIN}};
    unsigned found = 0;
    for (unsigned i = 0; i < fields->count; i++) {
        unsigned before = found;
        size_t at;
        for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
            found |=
                mail_word_in(fields->text[i], words[k].word, &at) ? 1u << words[k].encoding : 0;
        }
        found |= found == before ? 1u << MAIL_PLAIN : 0; /* a word nobody knows */
    }
    return found == 0 ? 1u << MAIL_PLAIN : found;
}

/* One header, understood. */
struct entity {
    struct mail *m;
    struct mail_head head;
    unsigned kinds;
    unsigned encodings;
    struct mail_readings boundary;
    struct mail_readings charset;
    struct sk_bytes name;
    enum sk_type by_name;
    unsigned depth;
};

static bool understand(struct entity *e, bool digest) {
    struct arena *arena = walk_arena(e->m->walk);
    for (unsigned i = 0; i < e->head.type.count; i++) {
        struct sk_bytes field = e->head.type.text[i];
        struct sk_bytes media;
        if (!mail_media(arena, field, &media) ||
            !mail_params(arena, field, "charset", &e->charset)) {
            return false;
        }
        unsigned kinds = kind_of(media);
        e->kinds |= kinds;
        if (!mail_params(arena, field, "boundary", &e->boundary)) {
            return false;
        }
    }
    if (e->kinds == MAIL_KIND_NONE && digest) {
        e->kinds = MAIL_KIND_MESSAGE;
    }
    e->encodings = encodings_of(&e->head.encoding);
    if (!mail_name(e->m, &e->head, &e->name)) {
        return false;
    }
    e->by_name = type_of_name(e->name);
    return true;
}

static void tell(struct entity *e) {
    struct mail *m = e->m;
    if ((e->kinds & MAIL_KIND_PARTIAL) != 0 && once(m, MAIL_ONCE_PARTIAL)) {
        walk_note(m->walk, SK_NOTE_MISSING_VOLUME, "message/partial");
    }
    if ((e->kinds & MAIL_KIND_EXTERNAL) != 0) {
        struct sk_bytes field = e->head.type.text[0];
        walk_fact(m->walk, SK_FACT_EXTERNAL, (const char *)field.ptr, field.len);
    }
}

/* ---- bodies ---- */

/* ClamAV's names for parts that have none. */
static struct sk_bytes name_or(const struct entity *e, bool html) {
    static const char NAMELESS[] = "attachment";
    static const char HTML[] = "mixedtextportion";
    if (e->name.len > 0 || e->depth == 0) {
        return e->name;
    }
    return html ? (struct sk_bytes){(const uint8_t *)HTML, sizeof(HTML) - 1}
                : (struct sk_bytes){(const uint8_t *)NAMELESS, sizeof(NAMELESS) - 1};
}

/* One member for each encoding that may be meant. */
static sk_err give_as(struct entity *e, struct mail_range body, enum sk_type as) {
    bool text = (e->kinds & (MAIL_KIND_TEXT | MAIL_KIND_HTML)) != 0 || e->kinds == MAIL_KIND_NONE;
    struct mail_leaf leaf = {.range = body,
                             .as = as,
                             .name = name_or(e, as == SK_TYPE_HTML),
                             .text = text && as != SK_TYPE_MAIL};
    if (e->charset.count > 0) {
        leaf.charset = e->charset.text[0];
    }
    for (unsigned i = 0; i < MAIL_ENCODINGS; i++) {
        if ((e->encodings & 1u << i) != 0) {
            leaf.encoding = (enum mail_encoding)i;
            TRY(mail_leaf_give(e->m, &leaf));
        }
    }
    return sk_ok();
}

/* Would the engine open a member with these bytes as mail, whatever we call it? */
static bool is_mail_itself(struct mail *m, struct mail_range range) {
    struct sk_peek peek = {.size = range.end - range.start};
    peek.head = sk_source_at(m->src, range.start, SK_PEEK_HEAD_BYTES, &peek.head_len);
    if (peek.head == NULL) {
        return false;
    }
    peek.head_len = peek.head_len < SK_PEEK_HEAD_BYTES ? peek.head_len : SK_PEEK_HEAD_BYTES;
    peek.head_len = peek.head_len < peek.size ? peek.head_len : (size_t)peek.size;
    return sk_content_mail(&peek) != SK_CONTENT_NO_MAIL;
}

/*
 * A body that is mail itself is given once, and its text is left to the reader of that member: with
 * several members, or what is found in the text besides, each level of nesting would multiply the
 * work.
 */
static sk_err give_mail(struct entity *e, struct mail_range body) {
    unsigned encodings = e->encodings;
    if ((encodings & 1u << MAIL_PLAIN) != 0) {
        e->encodings &= ~(1u << MAIL_QUOTED);
    }
    sk_err err = give_as(e, body, (e->kinds & MAIL_KIND_MESSAGE) != 0 ? SK_TYPE_MAIL : SK_TYPE_ANY);
    e->encodings = encodings;
    return err;
}

static sk_err give_leaf(struct entity *e, struct mail_range body) {
    static const struct {
        unsigned kind;
        enum sk_type as;
    } kinds[] = {{MAIL_KIND_HTML, SK_TYPE_HTML},
                 {MAIL_KIND_MESSAGE, SK_TYPE_MAIL},
                 {MAIL_KIND_TEXT | MAIL_KIND_OTHER, SK_TYPE_ANY}};
    if (is_mail_itself(e->m, body)) {
        return give_mail(e, body);
    }
    if (e->by_name != SK_TYPE_ANY) {
        TRY(give_as(e, body, e->by_name));
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        bool named = e->by_name != SK_TYPE_ANY && kinds[i].as == SK_TYPE_ANY;
        if ((e->kinds & kinds[i].kind) != 0 && !named) {
            TRY(give_as(e, body, kinds[i].as));
        }
    }
    if (e->kinds == MAIL_KIND_NONE && e->by_name == SK_TYPE_ANY) {
        TRY(give_as(e, body, SK_TYPE_ANY));
    }
    /* Also in what is encoded: a delimiter that was not one may have left parts in it. */
    if ((e->kinds & MAIL_KIND_MESSAGE) == 0 && mail_is_new(e->m, body, HOW_INLINE)) {
        (void)mail_push(e->m, MAIL_INLINE, body, e->depth + 1); /* NULL has been noted */
    }
    return sk_ok();
}

static sk_err push_splits(struct entity *e, struct mail_range body) {
    for (unsigned i = e->boundary.count; i > 0; i--) {
        struct sk_bytes boundary = e->boundary.text[i - 1];
        if (!mail_is_new(e->m, body, HOW_SPLIT + (i - 1))) {
            continue;
        }
        struct mail_frame *f = mail_push(e->m, MAIL_SPLIT, body, e->depth + 1);
        if (f == NULL) {
            return sk_ok();
        }
        f->digest = (e->kinds & MAIL_KIND_DIGEST) != 0;
        f->boundary_len =
            boundary.len < MAIL_BOUNDARY_MAX_BYTES ? boundary.len : MAIL_BOUNDARY_MAX_BYTES;
        memcpy(f->boundary, boundary.ptr, f->boundary_len);
    }
    return sk_ok();
}

static sk_err give_body(struct entity *e, struct mail_range body) {
    TRY(push_splits(e, body)); /* whatever has a boundary: the type may be misspelt */
    if ((e->kinds & MAIL_KIND_MULTIPART) == 0) {
        return give_leaf(e, body);
    }
    /* A multipart may not be encoded; who decodes it all the same reads this. */
    unsigned encodings = e->encodings;
    e->encodings &= ~(1u << MAIL_PLAIN);
    TRY(give_as(e, body, SK_TYPE_MAIL));
    e->encodings = encodings;
    bool other = (e->kinds & ~(unsigned)(MAIL_KIND_MULTIPART | MAIL_KIND_DIGEST)) != 0;
    return other || e->boundary.count == 0 ? give_leaf(e, body) : sk_ok();
}

static sk_err read_entity(struct entity *e, struct mail_range range, bool digest) {
    TRY(mail_head_read(e->m, range, &e->head));
    if (!understand(e, digest)) {
        return sk_fail(SK_E_NOMEM);
    }
    tell(e);
    for (unsigned i = 0; i < e->head.body_count; i++) {
        struct mail_range body = {e->head.body[i], range.end};
        /* Another end of the header that leaves a header behind it: that one is being read. */
        bool same = i > 0 && is_mail_itself(e->m, body);
        if (body.start < body.end && !same) {
            TRY(give_body(e, body));
        }
    }
    return sk_ok();
}

sk_err mail_entity(struct mail *m, struct mail_range range, unsigned depth, bool digest) {
    if (range.start >= range.end || !mail_is_new(m, range, HOW_ENTITY)) {
        return sk_ok();
    }
    struct arena *arena = walk_arena(m->walk);
    struct arena_mark mark = arena_mark(arena);
    struct entity *e = arena_zalloc(arena, 1, sizeof(*e));
    if (e == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    e->m = m;
    e->depth = depth;
    if (++m->parts > LIMIT_PARTS) {
        mail_tell_limit(m, MAIL_ONCE_PARTS, "EmailMIMEPartsPerMessage");
    }
    sk_err err = read_entity(e, range, digest);
    arena_rewind(arena, mark);
    return err;
}

/* ---- the walk ---- */

/* Text that no header describes: epilogue, multipart without delimiters. */
static sk_err give_text(struct mail *m, struct mail_range range, unsigned depth) {
    struct entity e = {.m = m, .depth = depth, .encodings = 1u << MAIL_PLAIN};
    return give_leaf(&e, range);
}

static sk_err pop_split(struct mail *m, struct mail_frame *f) {
    if (f->unsure && !f->lenient) {
        f->lenient = true;
        f->pos = f->range.start;
        f->parts = 0;
        f->epilogue = false;
        return sk_ok();
    }
    m->frame_count--;
    return sk_ok();
}

static sk_err split_step(struct mail *m, struct mail_frame *f) {
    struct mail_part part;
    unsigned depth = f->depth;
    TRY(mail_split_next(m, f, &part));
    switch (part.role) {
    case MAIL_PART_ENTITY:
        return mail_entity(m, part.range, depth, f->digest);
    case MAIL_PART_PREAMBLE:
        if (f->parts > 0) {
            if (mail_is_new(m, part.range, HOW_INLINE)) {
                (void)mail_push(m, MAIL_INLINE, part.range, depth + 1); /* NULL has been noted */
            }
            return sk_ok();
        }
        return give_text(m, part.range, depth);
    case MAIL_PART_EPILOGUE:
        return give_text(m, part.range, depth);
    default:
        return pop_split(m, f);
    }
}

static sk_err run_frames(struct mail *m) {
    while (m->frame_count > 0) {
        struct mail_frame *f = &m->frame[m->frame_count - 1];
        TRY(walk_tick(m->walk));
        if (f->work == MAIL_SPLIT) {
            TRY(split_step(m, f));
        } else if (f->pos >= f->range.end) {
            m->frame_count--;
        } else {
            TRY(mail_inline_next(m, f));
        }
    }
    return sk_ok();
}

static sk_err mail_init(struct mail *m, struct sk_walk *walk, struct sk_source *src) {
    struct arena *arena = walk_arena(walk);
    *m = (struct mail){.walk = walk, .src = src};
    m->frame = arena_alloc(arena, MAIL_FRAMES_MAX * sizeof(*m->frame));
    m->seen = arena_zalloc(arena, MAIL_SEEN_SLOTS, sizeof(*m->seen));
    return m->frame == NULL || m->seen == NULL ? sk_fail(SK_E_NOMEM) : sk_ok();
}

sk_err mail_walk_text(struct sk_walk *walk, struct sk_source *src) {
    struct mail m;
    TRY(mail_init(&m, walk, src));
    (void)mail_push(&m, MAIL_INLINE, (struct mail_range){0, src->size}, 1); /* cannot be NULL */
    return run_frames(&m);
}

/* Empty lines and a byte order mark in front of the header. */
static sk_err header_start(struct mail *m, uint64_t *out_off) {
    struct sk_cursor c = sk_source_cursor(m->src, 0, 3);
    uint64_t off = c.len == 3 && memcmp(c.ptr, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    struct mail_line line = {.next = off};
    do {
        off = line.next;
        TRY(walk_tick(m->walk));
        TRY(mail_line_at(m, off, m->src->size, false, &line));
    } while (line.len == 0 && line.next > off);
    *out_off = off;
    return sk_ok();
}

sk_err mail_walk(struct sk_walk *walk, struct sk_source *src) {
    struct mail m;
    bool many = false;
    TRY(mail_init(&m, walk, src));
    TRY(mail_mbox_walk(&m, &many));
    if (many) {
        return sk_ok();
    }
    uint64_t start;
    TRY(header_start(&m, &start));
    TRY(mail_entity(&m, (struct mail_range){start, src->size}, 0, false));
    return run_frames(&m);
}

const struct sk_format sk_format_mail = {
    .name = "mail", .type = SK_TYPE_MAIL, .probe = mail_probe, .walk = mail_walk};
