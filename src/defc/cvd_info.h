// SPDX-License-Identifier: Apache-2.0
/*
 * The texts of a container: its header line, and its inventory (.info). Pure parsing.
 *
 * struct cvd_text is plain values; its fields point into its own copy. struct cvd_info owns memory:
 * zero-initialise, cvd_info_parse, cvd_info_release. Errors: SK_E_FORMAT, SK_E_NOMEM.
 */
#ifndef SK_DEFC_CVD_INFO_H
#define SK_DEFC_CVD_INFO_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "defc/cvd.h"

#define CVD_INFO_MAX ((uint64_t)1 << 20)

enum cvd_field {
    CVD_FIELD_MAGIC,
    CVD_FIELD_DATE,
    CVD_FIELD_VERSION,
    CVD_FIELD_SIGNATURES,
    CVD_FIELD_FLEVEL,
    CVD_FIELD_MD5,
    CVD_FIELD_DSIG,
    CVD_FIELD_BUILDER,
    CVD_FIELD_TIME,
    CVD_FIELD_COUNT
};

/* "ClamAV-VDB:date:version:signatures:flevel:md5:dsig:builder:stime" */
struct cvd_text {
    char copy[CVD_HEADER_BYTES + 1];
    struct sk_bytes field[CVD_FIELD_COUNT];
    uint32_t version;
    uint32_t signatures;
    uint32_t flevel;
    uint64_t time;
};

struct cvd_row {
    char name[CVD_NAME_BYTES];
    uint64_t size;
    uint8_t sha256[32];
    bool seen;
};

struct cvd_info {
    struct buf text;
    size_t signed_len; /* bytes of text before the DSIG line */
    struct sk_bytes dsig;
    struct cvd_row *row;
    size_t cap;
    size_t count;
};

/* len: at most CVD_HEADER_BYTES. */
bool cvd_text_parse(const char *text, size_t len, struct cvd_text *out);
/* Takes the contents of text. outer: the header of the container, which the first line must
 * repeat. */
sk_err cvd_info_parse(struct cvd_info *info, const struct cvd_text *outer, struct buf *text);
struct cvd_row *cvd_info_find(struct cvd_info *info, const char *name);
bool cvd_info_all_seen(const struct cvd_info *info);
void cvd_info_forget_seen(struct cvd_info *info);
void cvd_info_release(struct cvd_info *info);

#endif
