// SPDX-License-Identifier: Apache-2.0
/*
 * Parts of the VBA reader, shared by vba.c (projects and their modules) and vba_view.c (the text of
 * a project). Internal to src/format. Ownership: bytes are those of the unpacked dir stream, in
 * walk_arena(). Source: [MS-OVBA] 2.3.4.2.
 */
#ifndef SK_FORMAT_VBA_PARTS_H
#define SK_FORMAT_VBA_PARTS_H

#include "format/vba.h"

#define VBA_NAME_BYTES ((size_t)256)

/* Records of the dir stream. */
enum {
    REC_SYSKIND = 0x01,
    REC_LCID = 0x02,
    REC_CODEPAGE = 0x03,
    REC_NAME = 0x04,
    REC_VERSION = 0x09,
    REC_MODULES = 0x0f,
    REC_MODULE_NAME = 0x19,
    REC_STREAM_NAME = 0x1a,
    REC_TYPE_PROCEDURAL = 0x21,
    REC_TYPE_CLASS = 0x22,
    REC_MODULE_END = 0x2b,
    REC_MODULE_OFFSET = 0x31,
    REC_STREAM_NAME_WIDE = 0x32
};

struct vba_module {
    struct sk_bytes name;
    struct sk_bytes stream;      /* in the code page */
    struct sk_bytes stream_wide; /* UTF-16LE */
    uint32_t offset;
    uint32_t entry;
    bool is_class;
};

struct vba_project {
    struct ole2 *o;
    uint32_t folder;
    unsigned codepage;
    struct sk_bytes dir;
    struct vba_module *module;
    uint32_t module_count;
};

struct vba_source {
    struct ole2_stream stream;
    struct vba_unpack unpack;
};

struct vba_record {
    uint16_t id;
    struct sk_bytes data;
};

/* The next record, cut at the end of the stream. False: there is none. */
bool vba_next_record(struct sk_cursor *c, struct vba_record *out);
/* Little-endian, of two or four bytes. */
uint32_t vba_number(struct sk_bytes data);
/* The unpacked source at an offset of a stream. SK_E_FORMAT: the stream is shorter. */
sk_err vba_open_source(const struct ole2 *o, uint32_t entry, uint64_t offset, struct vba_source *st,
                       struct sk_stream **out);

/* vba_view.c: a name in a code page as UTF-8, NUL added. */
sk_err vba_name(struct sk_bytes bytes, unsigned codepage, char out[VBA_NAME_BYTES]);
/* The text of a whole project as a member below its dir stream. */
sk_err vba_give_project(struct vba_project *p, uint32_t dir);

#endif
