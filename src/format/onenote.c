// SPDX-License-Identifier: Apache-2.0
/*
 * OneNote sections (.one): the files that are attached to their pages.
 *
 *     guidFileType 16 | guidFile 16 | legacy version 16 | guidFileFormat 16 | ...
 *     FileDataStoreObject: guidHeader 16 | u64 length | u32 unused | u64 reserved | file | padding
 * | guidFooter 16
 *
 * All objects are found by their header wherever they stand, so that no list of ours can be made
 * to miss one that OneNote shows; a wrong length gives what is left of the file. An attachment's
 * name stands in a property far from its data and is not looked for: members are numbered.
 * Sections as the web service packs them (guidFileFormat 638DE92F...) keep files in pieces of
 * another protocol (MS-FSSHTTPB): they are noted as not opened. Seen with clamscan 1.4.6: target 0
 * for the section (types.def), each attachment a layer. Source: [MS-ONESTORE] 2.3.1, 2.6.13, 2.8.
 */
#include <stdio.h>
#include <string.h>

#include "format/format.h"

#define GUID_BYTES ((size_t)16)
#define OBJECT_HEADER_BYTES ((uint64_t)36)
#define FORMAT_OFF 48u

/* {7B5C52E4-D88C-4DA7-AEB1-5378D02996D3}, {43FF2FA1-EFD9-4C76-9EE2-10EA5722765F} (.onetoc2) */
#define MAGIC_SECTION "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3"
#define MAGIC_TABLE "\xa1\x2f\xff\x43\xd9\xef\x76\x4c\x9e\xe2\x10\xea\x57\x22\x76\x5f"
/* {BDE316E7-2665-4511-A4C4-8D4D0B7A9EAC} */
#define OBJECT "\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac"
/* {638DE92F-A6D4-4BC1-9A36-B3FC2511A5B7} */
#define FORMAT_WEB "\x2f\xe9\x8d\x63\xd4\xa6\xc1\x4b\x9a\x36\xb3\xfc\x25\x11\xa5\xb7"

static int onenote_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, MAGIC_SECTION, GUID_BYTES) ||
                   sk_peek_has(peek, 0, MAGIC_TABLE, GUID_BYTES)
               ? 90
               : 0;
}

/* First object header at or behind `from`, or the size of the source. */
static sk_err find_object(struct sk_walk *walk, struct sk_source *src, uint64_t from,
                          uint64_t *out_off) {
    while (from + GUID_BYTES <= src->size) {
        size_t avail = 0;
        TRY(walk_tick(walk));
        const uint8_t *p = sk_source_at(src, from, SK_SOURCE_WANT_MAX, &avail);
        if (p == NULL) {
            return src->failed;
        }
        avail = avail < SK_SOURCE_WANT_MAX ? avail : SK_SOURCE_WANT_MAX;
        const uint8_t *hit = memmem(p, avail, OBJECT, GUID_BYTES);
        if (hit != NULL) {
            *out_off = from + (uint64_t)(hit - p);
            return sk_ok();
        }
        if (from + avail >= src->size) {
            break;
        }
        from += avail - (GUID_BYTES - 1);
    }
    *out_off = src->size;
    return sk_ok();
}

static sk_err give_object(struct sk_walk *walk, struct sk_source *src, uint64_t off,
                          uint32_t index) {
    struct sk_cursor c = sk_source_cursor(src, off + GUID_BYTES, 8);
    uint64_t len = sk_cursor_u64le(&c);
    uint64_t from = off + OBJECT_HEADER_BYTES;
    if (!sk_cursor_ok(&c) || from >= src->size || len == 0) {
        return src->failed;
    }
    if (len > src->size - from) {
        walk_note(walk, SK_NOTE_DAMAGED, "onenote: attachment is cut");
        len = src->size - from;
    }
    char name[32];
    int name_len = snprintf(name, sizeof(name), "attachment-%u", index);
    walk_fact(walk, SK_FACT_EMBEDDED, NULL, 0);
    struct sk_child child = {.name = name,
                             .name_len = (size_t)name_len,
                             .packed_size = len,
                             .size = len,
                             .index = index,
                             .is_slice = true,
                             .slice_off = from,
                             .slice_len = len};
    return walk_child(walk, &child, NULL);
}

static sk_err onenote_walk(struct sk_walk *walk, struct sk_source *src) {
    struct sk_cursor c = sk_source_cursor(src, FORMAT_OFF, GUID_BYTES);
    const uint8_t *format = sk_cursor_take(&c, GUID_BYTES);
    if (format != NULL && memcmp(format, FORMAT_WEB, GUID_BYTES) == 0) {
        walk_note(walk, SK_NOTE_FORMAT, "onenote: packed by the web service");
    }
    uint64_t off = 0;
    for (uint32_t index = 0;; index++) {
        TRY(find_object(walk, src, off, &off));
        if (off >= src->size) {
            return src->failed;
        }
        TRY(give_object(walk, src, off, index));
        off += GUID_BYTES; /* headers inside an attachment are looked at, too */
    }
}

const struct sk_format sk_format_onenote = {
    .name = "onenote", .type = SK_TYPE_ONENOTE, .probe = onenote_probe, .walk = onenote_walk};
