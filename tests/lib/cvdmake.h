// SPDX-License-Identifier: Apache-2.0
/* Containers as ClamAV publishes them, signed with keys of our own. */
#ifndef SK_TESTS_CVDMAKE_H
#define SK_TESTS_CVDMAKE_H

#include "base/buf.h"
#include "defc/cvd.h"

/* Two fresh key pairs, of the sizes and exponents of the real ones. */
void cvdmake_keys(struct cvd_keys *out_public);

struct cvdmake_file {
    const char *name;
    const char *text;
    size_t size; /* 0: strlen(text) */
};
struct cvdmake_options {
    unsigned version;
    enum cvd_kind kind;
    bool plain;         /* not gzipped */
    bool no_dsig;       /* leave the DSIG line out */
    bool wrong_listed;  /* the inventory states another digest for the first file */
    bool lists_missing; /* the inventory lists a file that is not there */
    bool hides_first;   /* the inventory does not list the first file */
    bool foreign_info;  /* the inventory belongs to another version */
    char type;          /* tar type of the first file; 0: ordinary */
};
void cvdmake_build(const struct cvdmake_options *o, const struct cvdmake_file *file, size_t count,
                   struct buf *out);

#endif
