// SPDX-License-Identifier: Apache-2.0
/*
 * struct ignore_list: signature names that are not to be loaded, out of ign and ign2 files.
 *
 *   ign   db:line:name      the place is advice only: line numbers move, names stay
 *   ign2  name[:md5]        md5: of the whole line of the entry; only that version is ignored
 *
 * An entry without md5 acts at compile time on its own segment, and goes into the image
 * (IMG_IGNORED), where it acts on all segments at scan time. An entry with md5 acts at compile time
 * on every segment of the same run.
 *
 * Life cycle: ignore_list_new -> ignore_add_line... -> ignore_has... -> ignore_list_free.
 * Errors: SK_E_NOMEM.
 */
#ifndef SK_DEFC_LINE_IGN_H
#define SK_DEFC_LINE_IGN_H

#include "base/buf.h"
#include "defc/body.h"

struct ignore_list;

struct ignore_line {
    unsigned segment; /* which the file belongs to */
    bool ign2;
    const char *text;
    size_t len;
};

struct ignore_query {
    unsigned segment;
    const char *name;
    size_t name_len;
    const char *line; /* the whole entry */
    size_t line_len;
};

sk_err ignore_list_new(struct ignore_list **out_list);
void ignore_list_free(struct ignore_list *list);
sk_err ignore_add_line(struct ignore_list *list, const struct ignore_line *line,
                       struct defc_why *why);
bool ignore_is_empty(const struct ignore_list *list);
bool ignore_has(const struct ignore_list *list, const struct ignore_query *query);
/* The contents of IMG_IGNORED for a segment: sorted u64, without repetitions. */
sk_err ignore_section(const struct ignore_list *list, unsigned segment, struct buf *out);

#endif
