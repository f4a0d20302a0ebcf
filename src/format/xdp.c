// SPDX-License-Identifier: Apache-2.0
/*
 * XDP (XML Data Package Specification 2.0): a PDF file, or parts of one, as base64 in XML.
 *
 *     <xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/">
 *       <pdf><document><chunk>JVBERi0x...</chunk></document></pdf>
 *       <template>...scripts of the form...</template>
 *     </xdp:xdp>
 *
 * Every element named chunk, whatever its prefix and wherever it stands, is a member:
 * clamscan 1.4.6 opens the first one only, and only when it is spelt in lower case without a prefix
 * (seen). Forms and their scripts are text, which is searched as the file's own bytes.
 */
#include <string.h>

#include "codec/codec.h"
#include "format/format.h"
#include "format/xml.h"

#define HEAD_TEXT_BYTES 2048

static int xdp_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    char head[HEAD_TEXT_BYTES];
    if (!sk_xml_head(peek, head, sizeof(head))) {
        return 0;
    }
    return strstr(head, "<xdp:xdp") != NULL || strstr(head, "http://ns.adobe.com/xdp/") != NULL ? 80
                                                                                                : 0;
}

static sk_err give_chunk(struct sk_walk *walk, struct sk_xml *xml, uint64_t packed,
                         uint32_t index) {
    struct sk_xml_text text;
    struct sk_stream *codec = NULL;
    struct sk_child child = {.name = "chunk",
                             .name_len = 5,
                             .packed_size = packed,
                             .size = SK_SIZE_UNKNOWN,
                             .index = index};
    TRY(sk_base64_open(sk_xml_text_init(&text, xml), SK_BASE64_GO_ON, &codec));
    sk_err err = walk_child(walk, &child, codec);
    sk_stream_close(codec);
    return err;
}

static sk_err xdp_walk(struct sk_walk *walk, struct sk_source *src) {
    struct sk_source_stream raw;
    struct sk_xml *xml = sk_xml_new(walk, sk_source_stream_init(&raw, src, 0, src->size));
    uint32_t chunks = 0;
    if (xml == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    do {
        TRY(sk_xml_next(xml));
        if (xml->kind == SK_XML_START && !xml->empty && sk_xml_is(xml->name, "chunk")) {
            TRY(give_chunk(walk, xml, src->size, chunks++));
        }
    } while (xml->kind != SK_XML_EOF);
    return sk_ok();
}

const struct sk_format sk_format_xdp = {
    .name = "xdp", .type = SK_TYPE_XDP, .probe = xdp_probe, .walk = xdp_walk};
