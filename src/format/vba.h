// SPDX-License-Identifier: Apache-2.0
/*
 * VBA projects in OLE2 compound files. Internal to src/format.
 *
 * vba_project reads the project whose dir stream is given: each module's source becomes a member
 * and a view, all sources together the normalised view that clamscan makes. vba_strays looks for
 * source text in all streams that no dir stream leads to.
 * struct vba_unpack: decompression as a stream on a stream; struct vba_text: normalisation as a
 * stream on a stream. Both live in storage of the caller, **borrow** `up` and need no release.
 * Errors of their reads: SK_E_FORMAT (after everything that could be unpacked), those of `up`.
 * Limits: VBA_MODULES_MAX modules a project, VBA_DIR_MAX_BYTES of an unpacked dir stream (noted);
 * source without a dir is searched for in all streams.
 * Source: [MS-OVBA] 2.3.4.2, 2.4.1.
 */
#ifndef SK_FORMAT_VBA_H
#define SK_FORMAT_VBA_H

#include "format/ole2.h"

#define VBA_CHUNK_BYTES ((size_t)4096)
#define VBA_MODULES_MAX 4096u
#define VBA_DIR_MAX_BYTES ((size_t)4 << 20)

struct vba_unpack {
    struct sk_stream base;
    struct sk_stream *up;
    uint8_t in[VBA_CHUNK_BYTES + 2];
    uint8_t out[VBA_CHUNK_BYTES];
    size_t len; /* of out */
    size_t pos;
    bool started;
    bool ended;
    bool damaged;
};
struct sk_stream *vba_unpack_init(struct vba_unpack *un, struct sk_stream *up);

struct vba_text {
    struct sk_stream base;
    struct sk_stream *up;
    unsigned codepage;
    uint8_t in[1024];
    size_t len;
    size_t pos;
    bool ended;
    bool space; /* the last thing written outside quotes was space (ends of lines do not count) */
    bool in_string; /* goes on over ends of lines */
    sk_err err;
};
struct sk_stream *vba_text_init(struct vba_text *text, struct sk_stream *up, unsigned codepage);
/* The name of a code page for sk_charset_open. False: bytes are taken as vba_utf8 does. */
#define VBA_CODEPAGE_NONE 0u /* UTF-8 already */
#define VBA_CHARSET_BYTES ((size_t)24)
bool vba_charset(unsigned codepage, char out_name[VBA_CHARSET_BYTES]);
/* One byte of a code page as UTF-8, at most 3 bytes; returns how many. */
size_t vba_utf8(unsigned codepage, uint8_t byte, uint8_t *out);

sk_err vba_project(struct ole2 *o, uint32_t dir);
sk_err vba_strays(struct ole2 *o);
/* Source text in a file that cannot be opened as an OLE2 file. */
sk_err vba_raw(struct sk_walk *walk, struct sk_source *src);

#endif
