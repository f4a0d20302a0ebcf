// SPDX-License-Identifier: Apache-2.0
/*
 * struct source_list: what a compile reads, in the order in which it reads.
 *
 * Directories are expanded (known suffixes only, not recursive), ordered: ignore lists, then the
 * rest by name; of NAME.cld and NAME.cvd in one directory only the newer one (equal: cld). The
 * segment of a source follows from its name.
 *
 * Life cycle: zero-initialise, sources_collect -> use -> sources_release. Owns its strings.
 * Errors: SK_E_NOTFOUND (a source is missing, or nothing to read at all), SK_E_PERM, SK_E_IO,
 * SK_E_USAGE (a named file is no signature file or holds YARA rules), SK_E_NOMEM. Reasons go to
 * diag.
 */
#ifndef SK_DEFC_SOURCES_H
#define SK_DEFC_SOURCES_H

#include "defc/defc.h"
#include "defc/kinds.h"
#include "defs/layout.h"

struct source {
    char *path;
    const char *name;  /* last component of path */
    enum kind_id kind; /* KIND_COUNT: a container */
    uint64_t size;
    char segment[IMG_NAME_BYTES];
    bool official;          /* containers: set by the driver when verified */
    unsigned segment_index; /* set by the driver */
    uint8_t digest[32];     /* SHA-256, see defc/inputs.h; set by the driver */
};

struct source_list {
    struct source *item;
    size_t cap;
    size_t count;
    uint64_t bytes; /* of all of them */
};

sk_err sources_collect(struct source_list *list, const struct defc_options *options);
void sources_release(struct source_list *list);

#endif
