// SPDX-License-Identifier: Apache-2.0
/*
 * ole1: the two headers that files embedded by OLE 1.0 wear ([MS-OLEDS] 2.2; the packager's fields
 * are read off documents). Pure: bytes in, offsets out, nothing is allocated; names **borrow** the
 * bytes.
 */
#ifndef SK_FORMAT_OLE1_H
#define SK_FORMAT_OLE1_H

#include "base/cursor.h"

#define OLE1_LINKED 1u
#define OLE1_EMBEDDED 2u
#define OLE1_PRESENTATION 5u
#define OLE1_HEAD_BYTES ((size_t)4096) /* enough for any header that is one */

struct ole1_object {
    uint32_t format; /* OLE1_... */
    struct sk_bytes class_name;
    struct sk_bytes topic; /* of a link: the file */
    size_t off;            /* of the native data */
    uint32_t size;         /* as stated */
};

struct ole1_package {
    struct sk_bytes name; /* last part of the label or path */
    size_t off;           /* of the file, from the start of the native data */
    uint32_t size;        /* as stated */
};

/* An object header at the start of the bytes. False: it is none. */
bool ole1_object_read(struct sk_bytes head, struct ole1_object *out_object);
/* Native data of the class Package: a file with its name. False: it is none. */
bool ole1_package_read(struct sk_bytes native, struct ole1_package *out_package);

#endif
