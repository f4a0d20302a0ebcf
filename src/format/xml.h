// SPDX-License-Identifier: Apache-2.0
/*
 * struct sk_xml: a pull tokenizer for hostile XML, for the readers of this folder.
 *
 * It gives start tags with attributes, end tags, text (CDATA included), processing instructions.
 * Comments and DOCTYPE are passed over; entities of a DTD are never expanded, so no input grows.
 * Nothing is required of the input: tags need not match, attributes may lack quotes, the end may
 * come anywhere; what reads as XML by halves is given by halves. All output is UTF-8 when the input
 * is UTF-8 or UTF-16 (told by its byte order mark or its first '<'); bytes of other encodings pass
 * as they are.
 *
 * Life cycle: sk_xml_new -> sk_xml_next... until SK_XML_EOF or an error; no release (arena).
 * Ownership: borrows walk and `up`; name, attributes and text are **borrowed** until the next
 * sk_xml_next. Errors of sk_xml_next: those of `up`, after everything before them was given;
 * SK_E_STOP from walk_tick, which is called every 4 KiB of input. sk_xml_new: NULL means
 * SK_E_NOMEM. Limits: a tag holds SK_XML_TAG_BYTES of names and values and SK_XML_ATTR_MAX
 * attributes; the rest is dropped and `cut` set. Text comes in pieces of at most SK_XML_TEXT_BYTES.
 * Source: Extensible Markup Language (XML) 1.0, fifth edition.
 */
#ifndef SK_FORMAT_XML_H
#define SK_FORMAT_XML_H

#include "format/format.h"

#define SK_XML_TAG_BYTES ((size_t)32 * 1024)
#define SK_XML_TEXT_BYTES ((size_t)4 * 1024)
#define SK_XML_ATTR_MAX 64u

enum sk_xml_kind {
    SK_XML_EOF = 0,
    SK_XML_START, /* name, attr, empty */
    SK_XML_END,   /* name */
    SK_XML_TEXT,  /* text: part of the character data, entities decoded */
    SK_XML_PI     /* name: target, text: data (its first SK_XML_TEXT_BYTES) */
};

struct sk_xml_attr {
    struct sk_bytes name; /* with its prefix */
    struct sk_bytes value;
};

struct sk_xml {
    enum sk_xml_kind kind;
    struct sk_bytes name; /* with its prefix */
    struct sk_bytes text;
    struct sk_xml_attr attr[SK_XML_ATTR_MAX];
    size_t attr_count;
    bool empty;     /* SK_XML_START that closed itself: no SK_XML_END follows */
    bool cut;       /* something of this tag did not fit */
    uint32_t depth; /* open elements, that of a START or END included; stray ends leave it at 0 */
    struct sk_xml_in *in; /* private */
};

struct sk_xml *sk_xml_new(struct sk_walk *walk, struct sk_stream *up);
sk_err sk_xml_next(struct sk_xml *xml);

/* Does a name, whatever its namespace prefix, read `local`? */
bool sk_xml_is(struct sk_bytes name, const char *local);
/* Value of the first attribute with this local name; false: none. */
bool sk_xml_attr(const struct sk_xml *xml, const char *local, struct sk_bytes *out_value);

/*
 * The text inside the element whose START was read last, as a stream: reads on until its END (or
 * the end of input); tags inside it are passed over. Storage of the caller. Read it to its end
 * before calling sk_xml_next again, else the rest of the text follows as tokens.
 */
struct sk_xml_text {
    struct sk_stream base;
    struct sk_xml *xml;
    uint32_t depth;
    struct sk_bytes left;
    bool ended;
};
struct sk_stream *sk_xml_text_init(struct sk_xml_text *st, struct sk_xml *xml);

/* For probes: what the head of an XML document says it is. Fills out_text (NUL added) with its
 * processing instructions and its first tag, from '<' to '>', as far as cap allows; byte order
 * mark, space, comments and DOCTYPE are left out, UTF-16 becomes single bytes. False: no XML. */
bool sk_xml_head(const struct sk_peek *peek, char *out_text, size_t cap);

#endif
