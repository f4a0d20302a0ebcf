// SPDX-License-Identifier: Apache-2.0
/*
 * Parts of the 7z reader: the directory as it is read off its bytes, and the coders of one folder.
 *
 * A *folder* is a chain of coders that makes one stream of bytes out of packed streams; members are
 * pieces of that stream, one behind the other (a solid archive has many in one folder).
 *
 * Life cycle: sevenzip_directory_read -> sevenzip_next_stream and sevenzip_next_file, each in order
 * until false; sevenzip_chain_open -> read chain.out -> sevenzip_chain_close, one folder at a time.
 * Ownership: a directory, its folders and names **borrow** the header's bytes, a chain **borrows**
 * the source. Source of the layout: 7zFormat.txt and Methods.txt of the LZMA SDK.
 */
#ifndef SK_FORMAT_SEVENZIP_PARTS_H
#define SK_FORMAT_SEVENZIP_PARTS_H

#include "base/arena.h"
#include "base/cursor.h"
#include "base/source.h"

#define SEVENZIP_CODERS_MAX 8u /* of a folder that we open; programs write at most five */
#define SEVENZIP_INPUTS_MAX 16u

/* ---- header: numbers, bits, checksums ---- */

/* The numbers of the format: ones at the top of the first byte count the bytes that follow. */
uint64_t sevenzip_number(struct sk_cursor *c);

/* A vector of bits, the highest of each byte first. */
struct sevenzip_bits {
    struct sk_cursor c;
    uint8_t byte;
    uint8_t mask; /* 0: take the next byte */
};

/* Checksums of which each may be missing. */
struct sevenzip_sums {
    bool there; /* false: none of them */
    bool all;
    struct sevenzip_bits known;
    struct sk_cursor crc;
};

/* ---- folders ---- */

enum sevenzip_opens {
    SEVENZIP_OURS,      /* by the coders of this file's siblings */
    SEVENZIP_ENCRYPTED, /* AES is among the coders */
    SEVENZIP_LIBARCHIVE,
    SEVENZIP_NOBODY
};

struct sevenzip_coder {
    uint64_t id;
    struct sk_bytes props;
    uint64_t size; /* of what it gives out */
    uint32_t ins;
    uint32_t first_in;
};

struct sevenzip_folder {
    enum sevenzip_opens opens;
    uint32_t coder_count; /* only up to the maxima are they kept: then opens is SEVENZIP_NOBODY */
    uint32_t in_count;
    uint32_t out_count;
    uint32_t bind_count;
    uint32_t packed_count;
    uint32_t main_out; /* what is bound to no input */
    struct sevenzip_coder coder[SEVENZIP_CODERS_MAX];
    uint32_t bind_in[SEVENZIP_INPUTS_MAX];
    uint32_t bind_out[SEVENZIP_INPUTS_MAX];
    uint32_t packed[SEVENZIP_INPUTS_MAX]; /* input that each packed stream goes to */
    uint64_t size;
};

/* SK_E_FORMAT: it follows no rules. */
sk_err sevenzip_folder_read(struct sk_cursor *c, struct sevenzip_folder *out_folder);
/* What its coders give out, out_count numbers. */
void sevenzip_folder_sizes(struct sk_cursor *c, struct sevenzip_folder *folder);

/* ---- the directory ---- */

/* Lists that are read side by side, each with a cursor of its own: nothing is kept per member. */
struct sevenzip_streams {
    uint64_t pack_off; /* of the next packed stream */
    struct sk_cursor pack_sizes;
    uint64_t folders_left;
    struct sk_cursor folders;
    struct sk_cursor coder_sizes;
    struct sevenzip_sums folder_sums;
    bool has_counts; /* else a folder is one stream */
    struct sk_cursor counts;
    struct sk_cursor sizes;
    struct sevenzip_sums sums;
    uint64_t size_count; /* in these two lists */
    uint64_t sum_count;
    bool wants_libarchive; /* a folder is SEVENZIP_LIBARCHIVE */
    bool wrong;            /* sizes of streams exceed their folder's, offsets have no sense */
    /* The folder whose streams come now. */
    struct sevenzip_folder folder;
    uint64_t folder_off; /* of its first packed stream in the source */
    uint64_t folder_pack_sizes[SEVENZIP_INPUTS_MAX];
    uint64_t streams_left;
    uint64_t bytes_left;
    bool sole; /* it is one stream, whose checksum may be the folder's */
    bool folder_crc_known;
    uint32_t folder_crc;
};

struct sevenzip_stream {
    bool first; /* of its folder, which is streams.folder */
    uint64_t size;
    bool crc_known;
    uint32_t crc32;
};

struct sevenzip_files {
    uint64_t left;
    bool has_empty;
    struct sevenzip_bits empty;      /* without a stream */
    struct sevenzip_bits empty_file; /* of these: a file, no directory */
    bool has_empty_file;
    struct sk_cursor names;
};

struct sevenzip_file {
    bool has_stream;
    bool is_directory;
    struct sk_bytes name; /* UTF-16LE, not aligned; no bytes: none */
};

struct sevenzip_directory {
    bool is_encoded; /* its streams hold the directory: one folder, one stream */
    bool files_damaged;
    struct sevenzip_streams streams;
    struct sevenzip_files files;
};

/* SK_E_FORMAT: not even its streams can be told. The list of files may be missing or damaged. */
sk_err sevenzip_directory_read(struct sk_bytes header, struct sevenzip_directory *out_directory);
/* False: there are no more. Moves on to the next folder that has streams. */
bool sevenzip_next_stream(struct sevenzip_streams *streams, struct sevenzip_stream *out_stream);
bool sevenzip_next_file(struct sevenzip_files *files, struct sevenzip_file *out_file);
/* UTF-8, NUL added; NULL: no name, or no memory. */
char *sevenzip_name(struct arena *arena, struct sk_bytes utf16, size_t *out_len);

/* ---- unpacking ---- */

/* Gives as many bytes as the directory says, or fails with SK_E_FORMAT. */
struct sevenzip_sized {
    struct sk_stream base;
    struct sk_stream *up;
    uint64_t left;
};

struct sevenzip_chain {
    struct sk_source_stream packed[SEVENZIP_INPUTS_MAX];
    bool is_open[SEVENZIP_CODERS_MAX];
    struct sevenzip_sized sized[SEVENZIP_CODERS_MAX]; /* by coder */
    struct sk_stream *codec[SEVENZIP_CODERS_MAX];     /* owned, in the order of opening */
    uint32_t codec_count;
    struct sk_stream *out; /* borrowed from the chain */
};

/* The current folder of `streams`. **Fills** out_chain. SK_E_UNSUPPORTED, SK_E_ENCRYPTED,
 * SK_E_LIMIT (a dictionary too large for us), SK_E_FORMAT, SK_E_NOMEM: nothing to close. */
sk_err sevenzip_chain_open(struct sk_source *src, const struct sevenzip_streams *streams,
                           struct sevenzip_chain *out_chain);
void sevenzip_chain_close(struct sevenzip_chain *chain);

#endif
