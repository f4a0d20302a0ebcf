// SPDX-License-Identifier: Apache-2.0
/*
 * Parts of the TNEF reader: tnef.c (attributes, attachments) and tnef_mapi.c (properties). Internal
 * to src/format. Offsets are absolute in the source. Source: [MS-OXTNEF], [MS-OXPROPS].
 */
#ifndef SK_FORMAT_TNEF_H
#define SK_FORMAT_TNEF_H

#include "format/format.h"

#define TNEF_NAME_MAX_BYTES ((size_t)512)
#define TNEF_PIECES_MAX 8u /* contents of one attachment that wait for its name */

struct tnef_slice {
    uint64_t off;
    uint64_t len;
};

struct tnef {
    struct sk_walk *walk;
    struct sk_source *src;
    uint32_t index; /* of the next member */
    bool damaged;   /* has been noted */
    /* The attachment being read. */
    struct tnef_slice piece[TNEF_PIECES_MAX];
    bool embedded[TNEF_PIECES_MAX]; /* a message: TNEF again */
    unsigned piece_count;
    unsigned name_rank; /* of the best name so far; 0: none */
    size_t name_len;
    uint8_t name[TNEF_NAME_MAX_BYTES];
};

/* One member, at once. Errors: of walk_child. */
sk_err tnef_give(struct tnef *t, struct tnef_slice data, enum sk_type as, struct sk_bytes name);
/* Content of the attachment; given when its name is known. */
sk_err tnef_data(struct tnef *t, struct tnef_slice data, bool embedded);
sk_err tnef_flush(struct tnef *t);
/* A name for it, up to the first NUL; the one of the highest rank counts. wide: UTF-16LE. */
void tnef_name(struct tnef *t, struct tnef_slice text, bool wide, unsigned rank);
/* MAPI properties. */
sk_err tnef_mapi(struct tnef *t, struct tnef_slice props);

#endif
