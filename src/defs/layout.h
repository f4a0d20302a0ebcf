// SPDX-License-Identifier: Apache-2.0
/*
 * Byte layout of a definitions image (one segment). Version 1.0. docs/DEFS-FORMAT.md tells the same
 * in prose.
 *
 *   0        header, 16384 bytes: struct img_header with the section table; CRC-32C of the
 *            16380 bytes before it in its last 4 bytes
 *   64*n     sections in table order: a section of 4096 bytes or more starts on a 4 KiB boundary,
 *            a smaller one on a 64-byte boundary; the bytes between are zero
 *   end      trailer section IMG_DIGESTS: SHA-256 of every other section in table order, then
 *            the identity of the image: SHA-256 of (header, those digests)
 *
 * Little-endian; a machine of the other byte order refuses the file by `byte_order`. A newer major
 * version is refused; unknown sections of a newer minor version are ignored unless flagged
 * IMG_REQUIRED. A type and sub pair occurs once.
 */
#ifndef SK_DEFS_LAYOUT_H
#define SK_DEFS_LAYOUT_H

#include <stdint.h>

#define IMG_MAGIC "SekisDef"
/* 2: triggers, slow sets of three of four bytes, marks; 3: marks by four; 4: tags of literals */
#define IMG_MAJOR 4
#define IMG_MINOR 0
#define IMG_BYTE_ORDER 0x01020304u
#define IMG_PAGE 4096u
#define IMG_HEADER_BYTES 16384u
#define IMG_ALIGN_SMALL 64u
#define IMG_SECTION_MAX 480u /* a full body table for each of 15 targets and 12 hash sets: 350 */
#define IMG_NAME_BYTES 32u
#define IMG_DIGEST_BYTES 32u

enum img_section_type {
    IMG_META = 1,       /* text: key=value lines: sources, counts, warnings (see DEFS-FORMAT.md) */
    IMG_NAME_STEMS,     /* dictionary of name stems, see names.h */
    IMG_NAMES,          /* encoded names, referenced by byte offset */
    IMG_IGNORED,        /* u64 sorted: first 8 bytes (LE) of SHA-256 of each ignored name */
    IMG_HASH_GATE = 16, /* sub = algo | role << 8; elements u32: [0] flags (1 = any size), [1]
                           length of the list, [2] 1 = bitmap present; then the list of sizes,
                           ascending; the bitmap (sizes below 2^24) at the next 4 KiB boundary of
                           the section. With a bitmap the list holds sizes from 2^24 on, without
                           one all sizes */
    IMG_HASH_FILTER,    /* struct hs_fuse_head, fingerprints */
    IMG_HASH_INDEX,     /* u32 per page */
    IMG_HASH_RECORDS,   /* 4 KiB pages of records, the last one cut after its last record; elem 4 */
    /* Sections of body tables, sub = target. A target none of whose sections IMG_GROUP_HEADS to
       IMG_MARKS is present uses the table of target 0 (see match/tables.h). */
    IMG_GROUP_HEADS = 32, /* sub = table: struct mt_group_head[] */
    IMG_GROUP_BITMAP,     /* sub = table | group << 8 */
    IMG_GROUP_BUCKETS,
    IMG_GROUP_ENTRIES,
    IMG_SLOW_HEAD, /* sub = table, as are the next three */
    IMG_SLOW_ENTRIES,
    IMG_ANCHORS,
    IMG_ALWAYS,
    IMG_MARK_HEAD, /* sub = table, as are the marks; absent: the table is searched by its groups */
    IMG_MARKS,
    IMG_SIGS = 64,
    IMG_SIG_SUBS,
    IMG_SUBS,
    IMG_PARTS,
    IMG_PROGS,
    IMG_LITS,
    IMG_NODES,
    IMG_ATTRS,
    IMG_TRIGS,
    IMG_TRIG_SIGS,
    IMG_REGEXES,  /* required: without it signatures would mean something else */
    IMG_COMPARES, /* required */
    IMG_MACROS,   /* required, as are its bodies */
    IMG_MACRO_BODIES,
    /* Small tables, gone through in order (defs/rules.h). Required: they find things. */
    IMG_RULE_TEXT = 96,
    IMG_RULE_MEMBERS,
    IMG_RULE_PASSWORDS,
    IMG_RULE_SWITCHES,
    IMG_RULE_MAGIC,
    IMG_RULE_LINKS,
    IMG_RULE_URLS,
    IMG_RULE_CERTS,
    IMG_RULE_ICONS,
    IMG_RULE_CATALOGUES,
    IMG_RULE_LISTED,
    IMG_RULE_LAST = IMG_RULE_LISTED,
    IMG_DIGESTS = 255
};

#define IMG_HOT 1u      /* touched by every scan */
#define IMG_WARM 2u     /* touched by candidates */
#define IMG_COLD 4u     /* touched by findings */
#define IMG_REQUIRED 8u /* a reader that does not know this section must refuse the image */

struct img_section {
    uint16_t type;
    uint16_t flags;
    uint32_t sub;
    uint64_t off;
    uint64_t len;  /* bytes without padding */
    uint32_t elem; /* element size in bytes, 1 for raw */
    uint32_t crc;  /* CRC-32C of the len bytes; 0 for IMG_DIGESTS, which proves itself */
};

#define IMG_OFFICIAL                                                                               \
    1u /* names get no .UNOFFICIAL: from a verified container, or our own bundled set */

struct img_header {
    char magic[8];
    uint32_t byte_order;
    uint16_t major;
    uint16_t minor;
    uint64_t file_len;
    uint32_t flags;
    uint32_t section_count;
    char name[IMG_NAME_BYTES]; /* segment: "main", "daily", "local", ... NUL-padded */
    uint64_t source_time;      /* newest time stated by a source, seconds since 1970; 0 = none */
    uint32_t source_version;   /* version stated by a container; 0 = none */
    uint32_t reserved;
    uint64_t count_hash; /* signatures by kind, for info lines */
    uint64_t count_body;
    uint64_t count_allow;
    uint64_t count_skipped;
    struct img_section section[IMG_SECTION_MAX]; /* 32 bytes each; unused rows zero */
};

_Static_assert(sizeof(struct img_section) == 32, "section row");
_Static_assert(sizeof(struct img_header) + 4 <= IMG_HEADER_BYTES, "header fits its pages");

#endif
