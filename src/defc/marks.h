// SPDX-License-Identifier: Apache-2.0
/*
 * Chooses one mark in every trigger of a table (struct mt_mark), so that few places of ordinary
 * files pass the byte classes of all marks. Pure and deterministic; decides speed, never results.
 *
 * **Fills** head and mark; both in the arena. No marks (NULL, 0) when the table has too many
 * triggers, or when too much would pass: the groups do better then. Errors: SK_E_NOMEM.
 */
#ifndef SK_DEFC_MARKS_H
#define SK_DEFC_MARKS_H

#include "base/arena.h"
#include "base/err.h"
#include "match/tables.h"

/* A trigger of the table. */
struct marks_literal {
    const uint8_t *bytes; /* lower case when nocase */
    uint16_t len;         /* 3.. */
    bool nocase;
    uint32_t trig;
};
struct marks {
    const struct mt_mark_head *head;
    const struct mt_mark *mark;
    uint32_t count;
};

#define MARKS_MAX 24576u /* triggers */

/* text: the table is for normalised text, which has other bytes than files have. */
sk_err marks_choose(struct arena *arena, const struct marks_literal *lit, uint32_t count, bool text,
                    struct marks *out_marks);

#endif
