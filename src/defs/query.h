// SPDX-License-Identifier: Apache-2.0
/*
 * Questions people ask about a definition set: which signatures, where is this one?
 *
 * Read-only walks over an open set; nothing is kept. The struct given to a callback is **borrowed**
 * for the call. Errors: SK_E_NOMEM, SK_E_FORMAT (a table is damaged), and what the callback
 * returns; SK_E_STOP from the callback ends the walk with success.
 */
#ifndef SK_DEFS_QUERY_H
#define SK_DEFS_QUERY_H

#include "defs/defset.h"

enum query_kind {
    QUERY_FILE_HASH,
    QUERY_SECTION_HASH,
    QUERY_IMPORT_HASH,
    QUERY_ALLOW,
    QUERY_BODY,
    QUERY_LOGICAL,
    QUERY_MEMBER,
    QUERY_CERTIFICATE,
    QUERY_LINK, /* of pdb and wdb: has no name, its text stands for it */
    QUERY_URL,  /* of gdb: its digest in hex stands for the name */
    QUERY_ICON,
    QUERY_KIND_COUNT
};

struct query_signature {
    const char *name; /* as a finding would show it */
    const char *segment;
    enum query_kind kind;
    bool ignored; /* on an ignore list of the set */
    /* Of hashes only: */
    enum hs_algo algo;
    const uint8_t *digest;
    uint32_t size; /* or HS_SIZE_ANY */
    /* Of body and logical signatures only: */
    uint32_t target;
    const struct image *image; /* of every kind; **borrowed** from the set */
    uint32_t index;            /* in image_segment()->sig, of a rule in image_rules() */
};

typedef sk_err (*query_fn)(void *ctx, const struct query_signature *sig);

struct query_filter {
    const char *text; /* NULL: every signature. ".UNOFFICIAL" at the end is passed over */
    bool part;        /* text may stand anywhere in the name; else it is the whole name */
};

/* Segment after segment: hashes by algorithm and digest, then body signatures. *out_count: how many
 * the callback saw. */
sk_err query_signatures(const struct defset *set, const struct query_filter *filter, query_fn seen,
                        void *ctx, uint64_t *out_count);
/* "file hash"; static storage. */
const char *query_kind_text(enum query_kind kind);

/* Walk META: key and value of each line. Stops early when seen returns false. */
void query_meta(const struct image *img,
                bool (*seen)(void *ctx, struct sk_bytes key, struct sk_bytes value), void *ctx);

#endif
