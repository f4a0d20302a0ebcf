// SPDX-License-Identifier: Apache-2.0
/*
 * Parts of the ZIP reader, shared by zip.c (order of the walk), zip_dir.c (directories), zip_head.c
 * (records) and zip_member.c (one member). Internal to src/format.
 *
 * A record is read where it stands; nothing is kept of an entry but a struct zip_ref. Offsets are
 * absolute in the source. Ownership: the table lives in walk_arena(); the rest is on the stack.
 * Source: PKWARE APPNOTE 6.3.10; WinZip AE-1/AE-2.
 */
#ifndef SK_FORMAT_ZIP_PARTS_H
#define SK_FORMAT_ZIP_PARTS_H

#include "format/format.h"

#define ZIP_SIG_LOCAL "PK\x03\x04"
#define ZIP_SIG_CENTRAL "PK\x01\x02"
#define ZIP_SIG_END "PK\x05\x06"
#define ZIP_SIG_END64 "PK\x06\x06"
#define ZIP_SIG_LOCATOR64 "PK\x06\x07"
#define ZIP_SIG_BYTES ((size_t)4)

#define ZIP_LOCAL_BYTES ((size_t)30)
#define ZIP_CENTRAL_BYTES ((size_t)46)
#define ZIP_END_BYTES ((size_t)22)

#define ZIP_FLAG_ENCRYPTED 0x0001u
#define ZIP_FLAG_LZMA_EOS 0x0002u
#define ZIP_FLAG_DESCRIPTOR 0x0008u
#define ZIP_FLAG_STRONG 0x0040u
#define ZIP_FLAG_MASKED 0x2000u

enum zip_method {
    ZIP_STORED = 0,
    ZIP_DEFLATE = 8,
    ZIP_DEFLATE64 = 9,
    ZIP_BZIP2 = 12,
    ZIP_LZMA = 14,
    ZIP_ZSTD_OLD = 20,
    ZIP_ZSTD = 93,
    ZIP_XZ = 95,
    ZIP_AES = 99
};

/* What one header, local or central, says about a member. */
struct zip_head {
    uint16_t version;
    uint16_t flags;
    uint16_t method;
    uint16_t time;
    uint16_t date;
    uint32_t crc32;
    uint64_t packed; /* SK_SIZE_UNKNOWN: follows in a data descriptor */
    uint64_t size;
    uint64_t name_off;
    uint32_t name_len;
    uint64_t local_off; /* central: relative to the start of its archive */
    uint64_t after;     /* local: where the data begins; central: the next record */
};

/* An entry of some directory. */
struct zip_ref {
    uint64_t local_off;   /* base + what the directory says */
    uint64_t central_off; /* where the directory says it */
    uint64_t base;        /* start of the archive in the source */
};

struct zip {
    struct sk_walk *walk;
    struct sk_source *src;
    struct zip_ref *ref; /* sorted by local_off, central_off */
    size_t ref_count;
    bool has_directory;
    bool multi_volume;
    uint64_t end_off;    /* end of the last archive with its comment; 0: none found */
    uint64_t solid_end;  /* what stands before is inside a member that is opened as a whole */
    uint64_t place;      /* of the local header that is followed */
    uint64_t crc_budget; /* bytes of stored members that may still be checked */
    uint32_t index;
    unsigned seen; /* enum zip_once bits */
};

/* Things noted once an archive. */
enum zip_once {
    ZIP_ONCE_OVERLAP = 1,
    ZIP_ONCE_HIDDEN = 2,
    ZIP_ONCE_DAMAGED = 4,
    ZIP_ONCE_VOLUME = 8
};
void zip_note_once(struct zip *z, enum zip_once what, enum sk_note note, const char *detail);

/* zip_head.c. False: not such a record, or cut off. */
bool zip_sig_at(struct sk_source *src, uint64_t off, const char *sig);
bool zip_local_read(struct sk_source *src, uint64_t off, struct zip_head *out_head);
bool zip_central_read(struct sk_source *src, uint64_t off, struct zip_head *out_head);
/* First place of `sig` (4 bytes) in [from, to), or `to`. SK_E_STOP, SK_E_IO. */
sk_err zip_find(struct zip *z, uint64_t from, uint64_t to, const char *sig, uint64_t *out_off);
bool zip_method_known(uint16_t method);

/* zip_dir.c: fills ref, has_directory, multi_volume, end_off; tells walk_type for OOXML. */
sk_err zip_collect(struct zip *z);

/* zip_member.c. refs [first, first + count) share one local_off. *out_end: where the member ends.
 */
sk_err zip_member_known(struct zip *z, size_t first, size_t count, uint64_t *out_end);
/* A local header no directory names. *out_end: where to search on, always above off. */
sk_err zip_member_hidden(struct zip *z, uint64_t off, uint64_t *out_end);

/* A member with traditional encryption. */
struct zip_secret {
    const struct zip_head *head;
    struct sk_child *child;
    uint64_t data_off;
    bool check_crc;
};
/* zip_secret.c: tries the known passwords. *out_given: one was right, the member has been given. */
sk_err zip_secret_give(struct zip *z, const struct zip_secret *member, bool *out_given);
/* zip_member.c */
bool zip_has_codec(uint16_t method);
sk_err zip_open_codec(const struct zip_head *h, struct sk_stream *up, struct sk_stream **out);

#endif
