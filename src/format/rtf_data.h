// SPDX-License-Identifier: Apache-2.0
/*
 * rtf_hex: the bytes that the digits of an RTF group stand for, as a stream on a source.
 *
 * Life cycle: rtf_hex_init -> read; storage of the caller, nothing to release. **Borrows** the
 * source, and *left, which counts the bytes of RTF that all such streams of one walk may still
 * read: groups may overlap. Errors: SK_E_LIMIT when *left is used up, SK_E_STOP, those of the
 * source. Position and depth are offsets in bytes and open groups since the start.
 *
 * rtf_text does the same for the visible text of a group, into a small buffer.
 */
#ifndef SK_FORMAT_RTF_DATA_H
#define SK_FORMAT_RTF_DATA_H

#include "format/format.h"

/* Where readers part ways. Seen in the data (rtf_hex.seen), and to be read the other way. */
enum rtf_doubt {
    RTF_DOUBT_GROUPS = 1u << 0, /* digits in inner groups count */
    RTF_DOUBT_QUOTES = 1u << 1, /* \'xx drops half a byte */
    RTF_DOUBT_GLUED = 1u << 2   /* digits glued to the first control word count */
};
#define RTF_DOUBTS 3u

struct rtf_hex {
    struct sk_stream base;
    struct sk_walk *walk;
    struct sk_source *src;
    uint64_t *left;
    uint64_t pos;
    uint64_t depth;
    uint64_t raw; /* bytes of \bin still to come */
    unsigned how; /* doubts to read the other way */
    unsigned seen;
    uint8_t high;
    bool half;
    bool ended;
    bool picture; /* inner groups never count */
};

/* What all of one walk share. */
struct rtf {
    struct sk_walk *walk;
    struct sk_source *src;
    uint64_t *left;
};

/* pos: behind the control word that opens the data. */
struct sk_stream *rtf_hex_init(struct rtf_hex *h, const struct rtf *r, uint64_t pos);

/* A control word or symbol at pos, which is behind the backslash. */
struct rtf_word {
    const uint8_t *name; /* letters, **borrowed** from the source's window; NULL: a symbol */
    size_t name_len;
    uint8_t symbol;
    bool has_value;
    int64_t value;
    size_t len; /* of all, with the blank that ends it */
};
struct rtf_word rtf_word_read(struct sk_source *src, uint64_t pos);
bool rtf_word_is(const struct rtf_word *w, const char *name);

#define RTF_TEXT_MAX ((size_t)2048)
/* The visible characters from pos to the end of the group, inner groups too; at most
 * RTF_TEXT_MAX of them. */
sk_err rtf_text(const struct rtf *r, uint64_t pos, char *out, size_t *out_len);

#endif
