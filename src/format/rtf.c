// SPDX-License-Identifier: Apache-2.0
/*
 * RTF (Rich Text Format Specification 1.9.1): the objects, pictures and addresses in it.
 *
 *     file --'\'--> control word --+-- objdata ----------------> hex --> OLE 1.0 headers -->
 * members
 *                                  +-- pict, datastore, themedata, ... > hex --> one member
 *                                  +-- template, fldinst, objclass --> text --> facts
 *                                  '-- others: passed over
 *
 * Words count wherever they stand: no state of groups is kept, so broken nesting, \bin with false
 * lengths and unknown destinations hide nothing. Where the digits of an object can be read in more
 * than one way (rtf_data.c), each way is members of its own.
 *
 *     objdata: OLE1 header | native data | OLE1 header (picture of it) | ...
 *              class Package: native data = file with its name
 *
 * Seen with clamscan 1.4.6: it takes \objdata inside \object only, with the OLE1 version 0x501 and
 * format 2, passes over inner groups and words, stops at \'xx, opens Package and OLE2 data, and
 * looks at neither pictures nor other native data. All of that is given here, and the native data
 * itself.
 */
#include <stdio.h>
#include <string.h>

#include "format/format.h"
#include "format/ole1.h"
#include "format/rtf_data.h"

#define STEP_BYTES ((size_t)32 * 1024)
#define WORD_ROOM ((size_t)64)
#define READ_TIMES 20u /* the file may be read so often by overlapping data */
#define READ_LEAST_BYTES ((uint64_t)65536)
#define OBJECTS_MAX 16u /* OLE1 headers in a row */
#define NAME_ROOM ((size_t)200)
#define FACTS_MAX 1000u

struct rtf_walk {
    struct rtf base;
    uint64_t left;
    uint32_t members;
    uint32_t facts;
    bool limited;
    bool updates;
};

/* The part of a hex stream from `skip` on, at most `left` bytes of it. */
struct part {
    struct sk_stream base;
    struct sk_stream *up;
    uint64_t skip;
    uint64_t left;
};

static int rtf_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, "{\\rt", 4) ? 85 : 0;
}

static sk_err part_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct part *p = (struct part *)(void *)base;
    size_t got = 1;
    while (p->skip > 0 && got > 0) {
        TRY(sk_stream_read(p->up, buf, cap < p->skip ? cap : (size_t)p->skip, &got));
        p->skip -= got;
    }
    cap = cap < p->left ? cap : (size_t)p->left;
    TRY(sk_stream_read(p->up, buf, cap, &got));
    p->left -= got;
    *out_len = got;
    return sk_ok();
}

static void tell(struct rtf_walk *w, enum sk_fact fact, const void *value, size_t len) {
    if (w->facts < FACTS_MAX && len > 0) {
        w->facts++;
        walk_fact(w->base.walk, fact, value, len);
    }
}

/* ---- members ---- */

/* One reading of the digits behind one control word. */
struct blob {
    struct rtf_walk *w;
    uint64_t pos;
    unsigned how;
    bool picture;
};

static void blob_open(const struct blob *b, struct rtf_hex *h) {
    rtf_hex_init(h, &b->w->base, b->pos);
    h->how = b->how;
    h->picture = b->picture;
}

struct piece {
    struct sk_bytes name;
    uint64_t off;
    uint64_t size; /* UINT64_MAX: to the end */
};

static sk_err give(const struct blob *b, const struct piece *piece) {
    struct rtf_hex h;
    char name[NAME_ROOM];
    size_t len = piece->name.len < NAME_ROOM ? piece->name.len : NAME_ROOM;
    if (len > 0) {
        memcpy(name, piece->name.ptr, len);
    }
    blob_open(b, &h);
    struct part part = {{part_read, NULL}, &h.base, piece->off, piece->size};
    struct sk_child child = {.name = name,
                             .name_len = len,
                             .packed_size = b->w->base.src->size - b->pos,
                             .size = SK_SIZE_UNKNOWN,
                             .index = b->w->members++};
    return walk_child(b->w->base.walk, &child, &part.base);
}

/* The first bytes of a piece; short at the end. */
static sk_err peek(const struct blob *b, uint64_t off, uint8_t *buf, size_t *out_len) {
    struct rtf_hex h;
    blob_open(b, &h);
    struct part part = {{part_read, NULL}, &h.base, off, OLE1_HEAD_BYTES};
    size_t len = 0;
    size_t got = 1;
    while (got > 0 && len < OLE1_HEAD_BYTES) {
        sk_err err = sk_stream_read(&part.base, buf + len, OLE1_HEAD_BYTES - len, &got);
        if (err.code == SK_E_LIMIT) {
            b->w->limited = true;
            break;
        }
        TRY(err);
        len += got;
    }
    *out_len = len;
    return sk_ok();
}

static struct sk_bytes text(const char *t) {
    return (struct sk_bytes){(const uint8_t *)t, strlen(t)};
}

static bool is_ole2(struct sk_bytes bytes) {
    return bytes.len >= 8 && memcmp(bytes.ptr, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) == 0;
}

/* Native data of one OLE1 object: the file of a package by its name, and the data itself. */
static sk_err give_native(const struct blob *b, const struct ole1_object *o, uint64_t off) {
    uint8_t head[OLE1_HEAD_BYTES];
    struct ole1_package package;
    size_t len;
    struct piece whole = {o->class_name, off, o->size};
    TRY(peek(b, off, head, &len));
    if (ole1_package_read((struct sk_bytes){head, len}, &package)) {
        struct piece file = {package.name, off + package.off, package.size};
        tell(b->w, SK_FACT_EMBEDDED, package.name.ptr, package.name.len);
        TRY(give(b, &file));
    } else if (o->format == OLE1_EMBEDDED) {
        tell(b->w, SK_FACT_EMBEDDED, o->class_name.ptr, o->class_name.len);
    }
    if (is_ole2((struct sk_bytes){head, len})) {
        whole.size = UINT64_MAX; /* its own tables tell where it ends */
    }
    return o->size == 0 ? sk_ok() : give(b, &whole);
}

/* What no header describes: the bytes, and an OLE2 file somewhere near their start. */
static sk_err give_unknown(const struct blob *b, uint64_t off, struct sk_bytes head) {
    struct piece whole = {text("objdata"), off, UINT64_MAX};
    const uint8_t *at =
        head.len < 9 ? NULL
                     : memmem(head.ptr + 1, head.len - 1, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
    if (head.len == 0) {
        return sk_ok();
    }
    TRY(give(b, &whole));
    if (at == NULL) {
        return sk_ok();
    }
    whole.off = off + (uint64_t)(at - head.ptr);
    return give(b, &whole);
}

static sk_err give_objects(const struct blob *b) {
    uint64_t off = 0;
    for (unsigned i = 0; i < OBJECTS_MAX; i++) {
        uint8_t head[OLE1_HEAD_BYTES];
        struct ole1_object o;
        size_t len;
        TRY(peek(b, off, head, &len));
        if (len == 0 || !ole1_object_read((struct sk_bytes){head, len}, &o)) {
            return give_unknown(b, off, (struct sk_bytes){head, len});
        }
        if (o.format == OLE1_LINKED) {
            tell(b->w, SK_FACT_EXTERNAL, o.topic.ptr, o.topic.len);
        }
        TRY(give_native(b, &o, off + o.off));
        off += o.off + (uint64_t)o.size;
    }
    return sk_ok();
}

/* Read all of it once: which doubts are there? */
static sk_err doubts(const struct blob *b, unsigned *out_seen) {
    struct rtf_hex h;
    uint8_t buf[1024];
    size_t got = 1;
    blob_open(b, &h);
    while (got > 0) {
        sk_err err = sk_stream_read(&h.base, buf, sizeof(buf), &got);
        if (err.code == SK_E_LIMIT) {
            b->w->limited = true;
            break;
        }
        TRY(err);
    }
    *out_seen = h.seen;
    return sk_ok();
}

/* The digits glued to \objdata itself are its parameter, or data. */
static sk_err take_objdata(struct rtf_walk *w, uint64_t name_end, const struct rtf_word *word,
                           uint64_t end) {
    struct blob b = {.w = w, .pos = end};
    unsigned seen = 0;
    TRY(doubts(&b, &seen));
    TRY(give_objects(&b));
    for (unsigned doubt = 1; doubt <= RTF_DOUBT_QUOTES; doubt <<= 1) {
        b.how = doubt;
        if ((seen & doubt) != 0) {
            TRY(give_objects(&b));
        }
    }
    if (word->has_value) {
        b.how = 0;
        b.pos = name_end;
        TRY(give_objects(&b));
    }
    return sk_ok();
}

static sk_err take_blob(struct rtf_walk *w, const char *name, uint64_t end) {
    struct blob b = {.w = w, .pos = end, .picture = true};
    struct piece whole = {text(name), 0, UINT64_MAX};
    uint8_t head[OLE1_HEAD_BYTES];
    size_t len;
    TRY(peek(&b, 0, head, &len));
    return len == 0 ? sk_ok() : give(&b, &whole);
}

/* ---- facts ---- */

static bool has_word(const char *t, size_t len, const char *word) {
    return memmem(t, len, word, strlen(word)) != NULL;
}

/* A field's instruction: HYPERLINK "http://..." \o "...", DDEAUTO c:\\cmd.exe, INCLUDEPICTURE "..."
 */
static sk_err take_field(struct rtf_walk *w, uint64_t end) {
    char t[RTF_TEXT_MAX];
    size_t len;
    TRY(rtf_text(&w->base, end, t, &len));
    char upper[RTF_TEXT_MAX];
    for (size_t i = 0; i < len; i++) {
        upper[i] = t[i] >= 'a' && t[i] <= 'z' ? (char)(t[i] - 32) : t[i];
    }
    bool dde = has_word(upper, len, "DDE");
    bool include = has_word(upper, len, "INCLUDETEXT") || has_word(upper, len, "INCLUDEPICTURE") ||
                   has_word(upper, len, "LINK ");
    bool address = has_word(upper, len, "HYPERLINK");
    if (dde) {
        tell(w, SK_FACT_LAUNCH, t, len);
        return sk_ok();
    }
    if (!include && !address) {
        return sk_ok();
    }
    const char *quote = memchr(t, '"', len);
    const char *from = quote == NULL ? t : quote + 1;
    const char *close = memchr(from, '"', len - (size_t)(from - t));
    size_t part = close == NULL ? len - (size_t)(from - t) : (size_t)(close - from);
    tell(w, address ? SK_FACT_URI : SK_FACT_EXTERNAL, from, part);
    return sk_ok();
}

static sk_err take_template(struct rtf_walk *w, uint64_t end) {
    char t[RTF_TEXT_MAX];
    size_t len;
    TRY(rtf_text(&w->base, end, t, &len));
    tell(w, SK_FACT_EXTERNAL, t, len);
    return sk_ok();
}

/* ---- the walk ---- */

/* pos: behind the backslash. */
static sk_err take_word(struct rtf_walk *w, uint64_t pos) {
    static const char *const blobs[] = {"pict", "datastore", "themedata", "colorschememapping"};
    struct rtf_word word = rtf_word_read(w->base.src, pos);
    uint64_t end = pos + word.len;
    if (word.name == NULL) {
        return sk_ok();
    }
    if (rtf_word_is(&word, "objdata")) {
        return take_objdata(w, pos + word.name_len, &word, end);
    }
    if (rtf_word_is(&word, "fldinst")) {
        return take_field(w, end);
    }
    if (rtf_word_is(&word, "template")) {
        return take_template(w, end);
    }
    if (rtf_word_is(&word, "objupdate") && !w->updates) {
        w->updates = true;
        walk_fact(w->base.walk, SK_FACT_OPEN_ACTION, "objupdate", 9);
        return sk_ok();
    }
    for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++) {
        if (rtf_word_is(&word, blobs[i])) {
            return take_blob(w, blobs[i], end);
        }
    }
    return sk_ok();
}

/* The next backslash from *pos on; *pos = size when there is none. */
static sk_err find_backslash(struct rtf_walk *w, uint64_t *pos) {
    struct sk_source *src = w->base.src;
    while (*pos < src->size) {
        size_t avail;
        const uint8_t *p = sk_source_at(src, *pos, 1, &avail);
        if (p == NULL) {
            return src->failed;
        }
        avail = avail < STEP_BYTES ? avail : STEP_BYTES;
        const uint8_t *found = memchr(p, '\\', avail);
        if (found != NULL) {
            *pos += (uint64_t)(found - p);
            return sk_ok();
        }
        *pos += avail;
        TRY(walk_tick(w->base.walk));
    }
    return sk_ok();
}

static sk_err rtf_walk(struct sk_walk *walk, struct sk_source *src) {
    struct rtf_walk w = {.base = {walk, src, NULL},
                         .left = READ_TIMES * src->size + READ_LEAST_BYTES};
    uint64_t pos = 0;
    uint64_t words = 0;
    w.base.left = &w.left;
    while (pos < src->size) {
        TRY(find_backslash(&w, &pos));
        if (pos == src->size) {
            break;
        }
        pos++;
        TRY(take_word(&w, pos));
        if ((++words & 255) == 0) {
            TRY(walk_tick(walk));
        }
    }
    if (w.limited || w.left == 0) {
        walk_note(walk, SK_NOTE_LIMIT_SCAN_SIZE, "rtf: data that is read over and over");
    }
    return sk_ok();
}

const struct sk_format sk_format_rtf = {
    .name = "rtf", .type = SK_TYPE_RTF, .probe = rtf_probe, .walk = rtf_walk};
