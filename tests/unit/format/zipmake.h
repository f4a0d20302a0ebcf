// SPDX-License-Identifier: Apache-2.0
/*
 * zipmake: writes ZIP files byte by byte, with every field free to lie; for tests of the reader.
 * Fill a struct zm_entry, zm_local() writes its local record and remembers where, zm_central() its
 * directory record, zm_end() the end record over the directory since zm_dir_begin().
 */
#ifndef SK_TESTS_ZIPMAKE_H
#define SK_TESTS_ZIPMAKE_H

#include "base/buf.h"

struct zm_entry {
    const char *name;
    const char *content; /* text, or content_len bytes */
    size_t content_len;  /* 0: up to the NUL */
    uint16_t method;     /* 0 or 8: content is packed by zm_local; others: content as it is */
    uint16_t flags;
    bool descriptor; /* sizes follow the data */
    /* Set by zm_local; change them before zm_central to lie. */
    uint64_t off;
    uint64_t packed;
    uint64_t size;
    uint32_t crc32;
};

struct zm {
    struct buf out;
    uint64_t dir_off;
    uint64_t base; /* subtracted from offsets: start of this archive */
    uint16_t count;
    uint16_t disk;
};

void zm_local(struct zm *z, struct zm_entry *e);
void zm_dir_begin(struct zm *z);
void zm_central(struct zm *z, const struct zm_entry *e);
void zm_end(struct zm *z, const char *comment);
void zm_end64(struct zm *z);
void zm_raw(struct zm *z, const void *bytes, size_t len);
/* Local, directory and end for these entries. */
void zm_all(struct zm *z, struct zm_entry *entries, size_t count);
/* A new archive begins here. */
void zm_start(struct zm *z);

#endif
