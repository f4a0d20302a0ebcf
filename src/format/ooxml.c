// SPDX-License-Identifier: Apache-2.0
/*
 * Parts of OOXML packages (.docx, .xlsx, .pptx, .hwpx): XML members of the ZIP file that say
 * something worth knowing. The package itself is opened by the ZIP reader; this reader gets each
 * part as a layer of its own and knows it by its first element, not by its name:
 *
 *     Relationships      what other parts and addresses belong to a part
 *       Type xlMacrosheet    Excel 4 macros, those of binary workbooks too: MACROS_XLM
 *       TargetMode=External  hyperlink --> URI; all others (template, object, picture, frame ...),
 *                            which Office loads by itself --> EXTERNAL
 *     macrosheet         Excel 4 macros: MACROS_XLM, and their formulas as a view
 *     workbook           sheets that only macros can show (veryHidden)
 *     externalLink       DDE: EXTERNAL "service|topic"
 *     document, hdr, ftr, footnotes ...  fields: DDE, INCLUDETEXT, INCLUDEPICTURE ... --> EXTERNAL
 *
 * A field's instruction may be written in pieces, one a run; they are joined up to the fldChar that
 * ends it. Type and search of the part stay those of its text: seen with clamscan 1.4.6, parts are
 * searched as the text they are. Source: ECMA-376 parts 1 and 2, [MS-XLSB], [MS-OFFMACRO2].
 */
#include "format/content.h"
#include "format/xml.h"

#include <stdio.h>
#include <strings.h>

#define VALUE_BYTES ((size_t)2048)

struct part {
    struct sk_walk *walk;
    struct sk_xml *xml;
    size_t len; /* of value */
    uint8_t value[VALUE_BYTES];
};

static void put(struct part *p, struct sk_bytes bytes) {
    size_t room = VALUE_BYTES - p->len;
    size_t len = bytes.len < room ? bytes.len : room;
    if (len > 0) {
        memcpy(p->value + p->len, bytes.ptr, len);
    }
    p->len += len;
}

static void tell(struct part *p, enum sk_fact fact) {
    walk_fact(p->walk, fact, (const char *)p->value, p->len);
    p->len = 0;
}

static bool equals(struct sk_bytes bytes, const char *text) {
    return bytes.len == strlen(text) && strncasecmp((const char *)bytes.ptr, text, bytes.len) == 0;
}

static bool ends_with(struct sk_bytes bytes, const char *text) {
    size_t len = strlen(text);
    return bytes.len >= len &&
           strncasecmp((const char *)bytes.ptr + (bytes.len - len), text, len) == 0;
}

/* ---- relationships ------------------------------------------------------------------------ */

static void relationship(struct part *p) {
    struct sk_bytes mode = {0};
    struct sk_bytes type = {0};
    struct sk_bytes target = {0};
    (void)sk_xml_attr(p->xml, "Type", &type);
    if (ends_with(type, "/xlMacrosheet") || ends_with(type, "/xlIntlMacrosheet")) {
        walk_fact(p->walk, SK_FACT_MACROS_XLM, NULL, 0);
    }
    if (!sk_xml_is(p->xml->name, "Relationship") || !sk_xml_attr(p->xml, "Target", &target) ||
        !sk_xml_attr(p->xml, "TargetMode", &mode) || !equals(mode, "External")) {
        return;
    }
    put(p, target);
    tell(p, ends_with(type, "/hyperlink") ? SK_FACT_URI : SK_FACT_EXTERNAL);
}

/* ---- workbooks ---------------------------------------------------------------------------- */

static void workbook(struct part *p) {
    struct sk_bytes state = {0};
    struct sk_bytes name = {0};
    if (sk_xml_is(p->xml->name, "sheet") && sk_xml_attr(p->xml, "state", &state) &&
        equals(state, "veryHidden")) {
        (void)sk_xml_attr(p->xml, "name", &name);
        put(p, name);
        tell(p, SK_FACT_HIDDEN_SHEET);
    }
}

static void external_link(struct part *p) {
    struct sk_bytes service = {0};
    struct sk_bytes topic = {0};
    if (sk_xml_is(p->xml->name, "ddeLink")) {
        (void)sk_xml_attr(p->xml, "ddeService", &service);
        (void)sk_xml_attr(p->xml, "ddeTopic", &topic);
        put(p, service);
        put(p, (struct sk_bytes){(const uint8_t *)"|", 1});
        put(p, topic);
        tell(p, SK_FACT_EXTERNAL);
    }
}

/* ---- fields of a text --------------------------------------------------------------------- */

static bool field_loads(const struct part *p) {
    static const char *const words[] = {"DDEAUTO", "DDE",  "INCLUDETEXT", "INCLUDEPICTURE",
                                        "INCLUDE", "LINK", "IMPORT",      "RD"};
    size_t from = 0;
    while (from < p->len && p->value[from] <= ' ') {
        from++;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t len = strlen(words[i]);
        if (p->len - from > len && p->value[from + len] <= ' ' &&
            strncasecmp((const char *)p->value + from, words[i], len) == 0) {
            return true;
        }
    }
    return false;
}

static void end_field(struct part *p) {
    if (field_loads(p)) {
        tell(p, SK_FACT_EXTERNAL);
    }
    p->len = 0;
}

static sk_err field_text(struct part *p) {
    struct sk_xml_text st;
    struct sk_stream *s = sk_xml_text_init(&st, p->xml);
    uint8_t bytes[256];
    size_t got;
    do {
        TRY(sk_stream_read(s, bytes, sizeof(bytes), &got));
        put(p, (struct sk_bytes){bytes, got});
    } while (got > 0);
    return sk_ok();
}

static sk_err field(struct part *p) {
    struct sk_bytes instr = {0};
    if (sk_xml_is(p->xml->name, "instrText")) {
        return field_text(p);
    }
    if (sk_xml_is(p->xml->name, "fldChar")) {
        end_field(p);
    } else if (sk_xml_is(p->xml->name, "fldSimple") && sk_xml_attr(p->xml, "instr", &instr)) {
        p->len = 0;
        put(p, instr);
        end_field(p);
    }
    return sk_ok();
}

/* ---- Excel 4 macros ------------------------------------------------------------------------ */

/* Formulas of a macro sheet, one a line, behind their cell: "A1 =EXEC(...)". */
struct formulas {
    struct sk_stream base;
    struct sk_xml *xml;
    struct sk_xml_text text;
    bool in_formula;
    size_t len;
    size_t pos;
    char line[64];
};

static void formula_line(struct formulas *f, const char *before, struct sk_bytes cell) {
    int len =
        snprintf(f->line, sizeof(f->line), "%s%.*s%s", before, (int)(cell.len < 16 ? cell.len : 16),
                 (const char *)cell.ptr, cell.len > 0 ? " " : "");
    f->len = len < 0 ? 0 : (size_t)len < sizeof(f->line) ? (size_t)len : sizeof(f->line) - 1;
    f->pos = 0;
}

/* One token on. False: the sheet is over. */
static sk_err next_formula(struct formulas *f, bool *out_more) {
    struct sk_bytes cell = {(const uint8_t *)"", 0};
    TRY(sk_xml_next(f->xml));
    *out_more = f->xml->kind != SK_XML_EOF;
    if (f->xml->kind == SK_XML_START && sk_xml_is(f->xml->name, "c") &&
        sk_xml_attr(f->xml, "r", &cell)) {
        formula_line(f, "\n", cell);
    } else if (f->xml->kind == SK_XML_START && sk_xml_is(f->xml->name, "f")) {
        formula_line(f, "=", cell);
        (void)sk_xml_text_init(&f->text, f->xml);
        f->in_formula = true;
    }
    return sk_ok();
}

static sk_err formulas_read(struct sk_stream *base, uint8_t *buf, size_t cap, size_t *out_len) {
    struct formulas *f = (struct formulas *)(void *)base;
    for (;;) {
        size_t n = f->len - f->pos < cap ? f->len - f->pos : cap;
        if (n > 0) {
            memcpy(buf, f->line + f->pos, n);
            f->pos += n;
            *out_len = n;
            return sk_ok();
        }
        if (f->in_formula) {
            TRY(sk_stream_read(&f->text.base, buf, cap, &n));
            f->in_formula = n > 0;
            if (n > 0) {
                *out_len = n;
                return sk_ok();
            }
        }
        bool more;
        TRY(next_formula(f, &more));
        if (!more) {
            *out_len = 0;
            return sk_ok();
        }
    }
}

static sk_err macro_sheet(struct part *p) {
    struct formulas *f = arena_zalloc(walk_arena(p->walk), 1, sizeof(*f));
    if (f == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    walk_fact(p->walk, SK_FACT_MACROS_XLM, NULL, 0);
    f->base.read = formulas_read;
    f->xml = p->xml;
    return walk_view(p->walk, SK_TARGET_ANY, &f->base);
}

/* ---- the reader ---------------------------------------------------------------------------- */

enum kind { KIND_NONE, KIND_RELS, KIND_MACROS, KIND_WORKBOOK, KIND_LINK, KIND_TEXT };

static enum kind kind_of(struct sk_bytes name) {
    static const struct {
        const char *name;
        enum kind kind;
    } known[] = {
        {"Relationships", KIND_RELS}, {"macrosheet", KIND_MACROS}, {"intlMacrosheet", KIND_MACROS},
        {"workbook", KIND_WORKBOOK},  {"externalLink", KIND_LINK}, {"document", KIND_TEXT},
        {"hdr", KIND_TEXT},           {"ftr", KIND_TEXT},          {"footnotes", KIND_TEXT},
        {"endnotes", KIND_TEXT},      {"comments", KIND_TEXT},     {"glossaryDocument", KIND_TEXT}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (sk_xml_is(name, known[i].name)) {
            return known[i].kind;
        }
    }
    return KIND_NONE;
}

/* The name in the first tag of the head. */
static int ooxml_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    char text[1024];
    if (!sk_xml_head(peek, text, sizeof(text))) {
        return 0;
    }
    const char *tag = strrchr(text, '<');
    size_t len = tag == NULL ? 0 : strcspn(tag + 1, " \t\r\n/>");
    struct sk_bytes name = {(const uint8_t *)tag + 1, len};
    if (len == 0 || kind_of(name) == KIND_NONE) {
        return 0;
    }
    *out_type = sk_content_type(peek);
    return SK_BID_WALK;
}

static sk_err part_token(struct part *p, enum kind kind) {
    switch (kind) {
    case KIND_RELS:
        relationship(p);
        break;
    case KIND_WORKBOOK:
        workbook(p);
        break;
    case KIND_LINK:
        external_link(p);
        break;
    case KIND_TEXT:
        return field(p);
    default:
        break;
    }
    return sk_ok();
}

static sk_err ooxml_walk(struct sk_walk *walk, struct sk_source *src) {
    struct sk_source_stream all;
    struct part *p = arena_zalloc(walk_arena(walk), 1, sizeof(*p));
    if (p == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    p->walk = walk;
    p->xml = sk_xml_new(walk, sk_source_stream_init(&all, src, 0, src->size));
    if (p->xml == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    enum kind kind = KIND_NONE;
    for (;;) {
        TRY(sk_xml_next(p->xml));
        if (p->xml->kind == SK_XML_EOF) {
            return kind == KIND_NONE ? sk_fail(SK_E_FORMAT) : sk_ok();
        }
        if (p->xml->kind != SK_XML_START) {
            continue;
        }
        if (kind == KIND_NONE) {
            kind = kind_of(p->xml->name);
            if (kind == KIND_NONE) {
                return sk_fail(SK_E_FORMAT);
            }
        }
        if (kind == KIND_MACROS) {
            return macro_sheet(p);
        }
        TRY(part_token(p, kind));
    }
}

const struct sk_format sk_format_ooxml = {
    .name = "ooxml", .type = SK_TYPE_TEXT_UTF8, .probe = ooxml_probe, .walk = ooxml_walk};
