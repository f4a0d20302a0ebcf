// SPDX-License-Identifier: Apache-2.0
/*
 * struct tally: what became of the lines of one segment: counts by kind and reason, the first
 * warnings, the sources; and the META text of the image made from it.
 *
 * Life cycle: zero-initialise, use, tally_release. Errors: SK_E_NOMEM.
 */
#ifndef SK_DEFC_TALLY_H
#define SK_DEFC_TALLY_H

#include "base/buf.h"
#include "defc/body.h"
#include "defc/kinds.h"

#define TALLY_WARNINGS_MAX 1000u

struct tally_counts {
    uint64_t lines;
    uint64_t taken;
    uint64_t skipped[DEFC_REASON_COUNT];
};

struct tally {
    struct tally_counts kind[KIND_COUNT];
    struct buf sources;  /* finished META lines */
    struct buf warnings; /* finished META lines */
    unsigned warning_count;
};

struct tally_source {
    const char *name;
    const char *container; /* NULL: a file of its own */
    uint32_t version;
    uint32_t flevel;
    uint64_t time;
    uint64_t lines;
    uint64_t taken;
};

/* The line was taken. */
void tally_take(struct tally *t, enum kind_id kind);
struct tally_skip {
    enum kind_id kind;
    const char *file;  /* for diag */
    const char *label; /* for META */
    uint64_t line;
    const struct defc_why *why;
};
/* The line was not: count it, keep the warning, tell diag. */
sk_err tally_skip(struct tally *t, const struct tally_skip *skip, struct diag *diag);
sk_err tally_source(struct tally *t, const struct tally_source *source);
struct tally_counts tally_sum(const struct tally *t);
/* META: see docs/DEFS-FORMAT.md. */
sk_err tally_meta(const struct tally *t, struct buf *out);
void tally_release(struct tally *t);

#endif
