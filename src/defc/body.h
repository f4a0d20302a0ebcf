// SPDX-License-Identifier: Apache-2.0
/*
 * struct body_builder: lines of ndb, ldb and db files in, body-signature tables (match/tables.h)
 * out.
 *
 * A line is taken whole or not at all: a signature with one part we cannot express (a regular
 * expression, an unknown attribute) is left out and told in struct defc_why, never compiled to
 * something that means less. Equal subsignatures, programs, literals and expressions are kept once.
 *
 * Life cycle: body_builder_new -> body_add_line... -> body_build -> body_write ->
 * body_builder_free. Ownership: **borrows** the names builder for life; lines are borrowed for the
 * call. Errors: SK_E_NOMEM; after it the builder only wants body_builder_free. body_write also
 * passes on what the image writer says. Deterministic: the same lines in the same order give the
 * same bytes. Source: ClamAV signature documentation; black-box runs of clamscan 1.4.6 where it is
 * silent.
 */
#ifndef SK_DEFC_BODY_H
#define SK_DEFC_BODY_H

#include "base/arena.h"
#include "defc/defc.h"
#include "match/tables.h"

struct body_builder;
struct img_writer;
struct names_builder;

/* BODY_TYPE: a line of file typing of kind 1, which finds nothing and does not count. */
enum body_kind { BODY_NDB, BODY_LDB, BODY_DB, BODY_TYPE };

#define BODY_LINE_MAX ((size_t)64 * 1024) /* longer lines are malformed */

#define DEFC_TAKEN DEFC_REASON_COUNT
/* reason is DEFC_TAKEN when the line was taken; otherwise text says what is wrong (a phrase). */
struct defc_why {
    enum defc_reason reason;
    char text[160];
};

/* names may be NULL (tests): mt_sig.name is then the number of the signature. */
sk_err body_builder_new(struct names_builder *names, struct body_builder **out_builder);
void body_builder_free(struct body_builder *b);

/* line without its newline. A line that cannot be taken is not an error. A name the names builder
 * refuses makes the line malformed; its SK_E_IO is passed on. */
sk_err body_add_line(struct body_builder *b, enum body_kind kind, const char *line, size_t len,
                     struct defc_why *why);
uint64_t body_count(const struct body_builder *b);

/* How signatures will be found; for statistics and tests. */
struct body_stats {
    uint32_t sigs, subs, parts, triggers;
    uint32_t long_triggers, short_triggers, slow_triggers; /* groups 8:8 and 4:3, slow set */
    uint32_t anchored, always;                             /* checks and signatures, all targets */
    uint64_t prog_bytes, lit_bytes;
};

/* Choose triggers and build every table. The segment **borrows** the builder and the arena; the
 * builder takes no line after it. */
sk_err body_build_segment(struct body_builder *b, struct arena *arena,
                          struct mt_segment *out_segment);
void body_stats_get(const struct body_builder *b, const struct mt_segment *segment,
                    struct body_stats *out_stats);
/* body_build_segment, kept by the builder; then every section IMG_GROUP_HEADS ... IMG_MACRO_BODIES
 * that is not empty. */
sk_err body_build(struct body_builder *b);
sk_err body_write(struct body_builder *b, struct img_writer *w);

#endif
