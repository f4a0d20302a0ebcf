// SPDX-License-Identifier: Apache-2.0
/*
 * Parts of the TAR reader: fields of a header, what headers of other kinds say of the next member,
 * and members with holes.
 *
 * A *map* lists the extents of a member with holes: where in the file, how many bytes. It is read
 * where it lies, each time it is asked for, so nothing is kept of it and a hostile count costs
 * nothing. struct tar_says **borrows** the source's offsets, not its bytes.
 * Source: GNU tar manual, "Basic Tar Format" and "Storing Sparse Files"; POSIX.1-2017, pax.
 */
#ifndef SK_FORMAT_TAR_PARTS_H
#define SK_FORMAT_TAR_PARTS_H

#include "base/source.h"

#define TAR_BLOCK_BYTES ((size_t)512)
#define TAR_NAME_MAX ((size_t)4096) /* of longer names the beginning is told */
#define TAR_SIZE_OFF 124u
#define TAR_SIZE_BYTES ((size_t)12)
#define TAR_TYPE_OFF 156u

/* ---- header (tar_header.c) ---- */

bool tar_block_is_zero(const uint8_t *block);
/* Is it a header? The sum of its bytes, unsigned or signed, tells. */
bool tar_block_is_header(const uint8_t *block);
/* May an archive begin so? Without a magic the kind and all numbers must be what a header has: the
 * sum alone agrees by chance. */
bool tar_block_begins(const uint8_t *block);
/* Octal digits behind blanks, or binary (GNU, star). An empty field is 0. False: no number, below
 * zero, or above 2^62. */
bool tar_number(struct sk_bytes field, uint64_t *out);

enum tar_form { TAR_FORM_OLD, TAR_FORM_USTAR, TAR_FORM_GNU };
enum tar_form tar_form_of(const uint8_t *block);
/* The name in the header, with its prefix. out: TAR_HEADER_NAME_MAX bytes. */
#define TAR_HEADER_NAME_MAX ((size_t)256)
size_t tar_header_name(const uint8_t *block, char *out);

/* ---- maps (tar_sparse.c) ---- */

enum tar_map_kind {
    TAR_MAP_NONE,
    TAR_MAP_HEADER,  /* old GNU: four in the header, then blocks of 21 */
    TAR_MAP_NUMBERS, /* 0.1: "off,len,off,len" in a pax record; 1.0: a line each in the content */
    TAR_MAP_RECORDS  /* 0.0: two pax records each */
};

struct tar_map {
    enum tar_map_kind kind;
    struct sk_source *src;
    uint64_t at;
    uint64_t end;
    unsigned slots; /* TAR_MAP_HEADER: left in this block */
    uint64_t count; /* TAR_MAP_NUMBERS: extents left, if counted */
    bool counted;
    bool ended;
};

struct tar_extent {
    uint64_t off;
    uint64_t len;
};

void tar_map_in_header(struct tar_map *map, struct sk_source *src, uint64_t header_off);
/* Format 1.0, in front of the data [off, end); when it has ended, at is where it ends. */
sk_err tar_map_in_data(struct tar_map *map, struct sk_source *src, uint64_t off, uint64_t end);
/* With map.ended there is no extent. SK_E_FORMAT: it follows no rules. */
sk_err tar_map_next(struct tar_map *map, struct tar_extent *out);

/* The member with its holes as zeros. */
struct tar_sparse {
    struct sk_stream base;
    struct tar_map map;
    struct tar_extent extent; /* what is left of the current one; none when len is 0 */
    uint64_t data_at;         /* of the extent's first byte in the source */
    uint64_t pos;
    uint64_t size;
};
/* **Borrows** the map's source. The map was gone through before. */
struct sk_stream *tar_sparse_init(struct tar_sparse *s, const struct tar_map *map, uint64_t data_at,
                                  uint64_t size);

/* ---- what comes before a member (tar_pax.c) ---- */

/* The later ones are believed. */
enum tar_name_from { TAR_NAME_OF_HEADER, TAR_NAME_LONG, TAR_NAME_PATH, TAR_NAME_SPARSE };

struct tar_says {
    bool pax; /* an extended header was there */
    bool has_size;
    bool has_real_size; /* of a member with holes */
    bool map_in_data;   /* sparse format 1.0 */
    bool wrong;         /* a size is no number */
    uint64_t size;
    uint64_t real_size;
    struct tar_map map;
    enum tar_name_from name_from;
    size_t name_len; /* 0: not told */
    char name[TAR_NAME_MAX];
};

struct tar_record {
    struct sk_bytes key;   /* borrowed from the source */
    struct sk_bytes value; /* at most its first TAR_NAME_MAX bytes */
    uint64_t value_off;    /* in the source, and where it ends */
    uint64_t value_end;
};
/* The record at *at, and moves on. False: there is none, or it follows no rules. */
bool tar_record_next(struct sk_source *src, uint64_t *at, uint64_t end, struct tar_record *out);
/* Is it the record of this key? */
bool tar_key_is(struct sk_bytes key, const char *word);
/* Decimal digits and nothing else; below 2^62. */
bool tar_decimal(struct sk_bytes text, uint64_t *out);
/* One record into what is said of the next member. */
void tar_says_record(struct tar_says *says, const struct tar_record *record);
/* A name from bytes that may end in NUL. */
void tar_says_name(struct tar_says *says, enum tar_name_from from, struct sk_bytes name);

#endif
