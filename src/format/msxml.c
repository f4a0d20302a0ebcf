// SPDX-License-Identifier: Apache-2.0
/*
 * Documents that are one XML file with their binary parts inside as base64:
 *
 *     Word 2003     <w:binData w:name="oledata.mso">base64</w:binData>, pictures too
 *     Excel 2003    <binData>, <o:bindata> the same
 *     flat OPC      <pkg:part pkg:name="/word/vbaProject.bin"><pkg:binaryData>base64
 *     HWPML         <BINDATA Id="1" Compress="true" Encoding="Base64">base64 of raw deflate;
 *                   <SCRIPTCODE>: a script
 *
 * Each becomes a member named by its attribute, or by the part around it. Told by the
 * mso-application instruction in front of the first element, or by that element. Seen with clamscan
 * 1.4.6: these files are searched raw for target 0, not as text (types.def), but flat OPC and
 * UTF-16, of which it opens nothing, as text; so they are here. Word finds base64 whatever its line
 * ends are; so does the codec. Source: Microsoft Office Word 2003 XML Reference; [MS-OFFICE flat
 * OPC] as written by Word; HWPML 2.8 (Hancom).
 */
#include "format/content.h"
#include "format/xml.h"

#include <stdio.h>
#include <strings.h>

#include "codec/codec.h"

#define NAME_BYTES ((size_t)256)

struct msxml {
    struct sk_walk *walk;
    struct sk_xml *xml;
    uint32_t index;
    char part[NAME_BYTES];
};

static void copy_name(char *out, struct sk_bytes bytes) {
    size_t len = bytes.len < NAME_BYTES - 1 ? bytes.len : NAME_BYTES - 1;
    if (len > 0) {
        memcpy(out, bytes.ptr, len);
    }
    out[len] = 0;
}

static bool says(const struct sk_xml *xml, const char *attr, const char *value) {
    struct sk_bytes is = {0};
    return sk_xml_attr(xml, attr, &is) && is.len == strlen(value) &&
           strncasecmp((const char *)is.ptr, value, is.len) == 0;
}

/* The text of the element as a member; unpacked when it is base64 and, then, compressed. */
static sk_err give(struct msxml *m, bool is_base64, bool is_deflate) {
    char name[NAME_BYTES];
    struct sk_bytes attr = {0};
    struct sk_xml_text text;
    struct sk_stream *data = NULL;
    struct sk_stream *unpacked = NULL;
    copy_name(name, (struct sk_bytes){(const uint8_t *)m->part, strlen(m->part)});
    if (sk_xml_attr(m->xml, "name", &attr) || sk_xml_attr(m->xml, "Id", &attr)) {
        copy_name(name, attr);
    }
    struct sk_stream *s = sk_xml_text_init(&text, m->xml);
    struct sk_child child = {.name = name,
                             .name_len = strlen(name),
                             .packed_size = SK_SIZE_UNKNOWN,
                             .size = SK_SIZE_UNKNOWN,
                             .index = m->index++};
    if (is_base64) {
        walk_fact(m->walk, SK_FACT_EMBEDDED, name, strlen(name));
        TRY(sk_base64_open(s, SK_BASE64_GO_ON, &data));
    }
    sk_err err = sk_ok();
    if (is_deflate) {
        err = sk_inflate_open(data, &unpacked);
    }
    if (!sk_failed(err)) {
        err = walk_child(m->walk, &child, unpacked != NULL ? unpacked : data != NULL ? data : s);
    }
    sk_stream_close(unpacked);
    sk_stream_close(data);
    return err;
}

static sk_err element(struct msxml *m) {
    struct sk_bytes name = {0};
    struct sk_bytes self = m->xml->name;
    if (sk_xml_is(self, "part") && sk_xml_attr(m->xml, "name", &name)) {
        copy_name(m->part, name);
    }
    if (sk_xml_is(self, "binData") || sk_xml_is(self, "bindata") || sk_xml_is(self, "binaryData")) {
        return give(m, true, false);
    }
    if (sk_xml_is(self, "BINDATA")) {
        return give(m, says(m->xml, "Encoding", "Base64"),
                    says(m->xml, "Compress", "true") && says(m->xml, "Encoding", "Base64"));
    }
    if (sk_xml_is(self, "SCRIPTCODE")) {
        walk_fact(m->walk, SK_FACT_SCRIPT, NULL, 0);
        copy_name(m->part, (struct sk_bytes){(const uint8_t *)"script", 6});
        return give(m, false, false);
    }
    return sk_ok();
}

static int msxml_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    static const struct {
        const char *needle;
        enum sk_type type;
    } known[] = {{"progid=\"Word.Document\"", SK_TYPE_XML_WORD},
                 {"progid='Word.Document'", SK_TYPE_XML_WORD},
                 {"progid=\"Excel.Sheet\"", SK_TYPE_XML_XL},
                 {"progid='Excel.Sheet'", SK_TYPE_XML_XL},
                 {":wordDocument", SK_TYPE_XML_WORD},
                 {"office/2006/xmlPackage", SK_TYPE_ANY},
                 {"urn:schemas-microsoft-com:office:spreadsheet", SK_TYPE_XML_XL},
                 {"<HWPML", SK_TYPE_XML_HWP}};
    char text[2048];
    if (!sk_xml_head(peek, text, sizeof(text))) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strstr(text, known[i].needle) != NULL) {
            bool is_wide = peek->head[0] == 0 || peek->head[1] == 0 || peek->head[0] >= 0xfe;
            *out_type = is_wide ? SK_TYPE_ANY : known[i].type;
            if (*out_type == SK_TYPE_ANY || strstr(text, "office/2006/xmlPackage") != NULL) {
                *out_type = sk_content_type(peek);
            }
            return 80;
        }
    }
    return 0;
}

static sk_err msxml_walk(struct sk_walk *walk, struct sk_source *src) {
    struct sk_source_stream all;
    struct msxml m = {.walk = walk, .part = "data"};
    m.xml = sk_xml_new(walk, sk_source_stream_init(&all, src, 0, src->size));
    if (m.xml == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    do {
        TRY(sk_xml_next(m.xml));
        if (m.xml->kind == SK_XML_START) {
            TRY(element(&m));
        }
    } while (m.xml->kind != SK_XML_EOF);
    return sk_ok();
}

const struct sk_format sk_format_msxml = {
    .name = "msxml", .type = SK_TYPE_XML_WORD, .probe = msxml_probe, .walk = msxml_walk};
