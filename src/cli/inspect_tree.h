// SPDX-License-Identifier: Apache-2.0
/*
 * struct inspection: the layers, facts and notes of one object, as an observer hears of them.
 *
 * Life cycle: inspection_init -> inspection_clear, events..., inspection_finish -> read -> ... ->
 * inspection_release. Ownership: copies what it keeps into its arena; layers are **borrowed** until
 * inspection_clear. Limits: who tells may be hostile, so at most INSPECT_BYTES_MAX bytes,
 * INSPECT_LAYERS_MAX layers and INSPECT_ROWS_MAX facts and notes are kept; `dropped` says that
 * there was more. Errors: none; memory that runs out is `dropped` too.
 */
#ifndef SK_CLI_INSPECT_TREE_H
#define SK_CLI_INSPECT_TREE_H

#include <stdbool.h>

#include "base/arena.h"
#include "sekisho.h"

#define INSPECT_BYTES_MAX ((size_t)256 << 20)
#define INSPECT_LAYERS_MAX 200000u
#define INSPECT_ROWS_MAX 200000u
#define INSPECT_DEPTH_MAX 128u /* above what the engine nests; deeper is a lie */

struct inspect_row {
    uint64_t layer;
    bool is_note;
    const char *word;
    const char *text; /* of a note: English sentence */
    const char *value;
    size_t value_len; /* value: any bytes; NULL: none */
    bool incomplete;
    struct inspect_row *next; /* of the same layer, as told */
};

struct inspect_layer {
    struct sk_layer_seen seen; /* name and type in the arena */
    const char *file;          /* where it was written, or NULL */
    unsigned depth;
    struct inspect_layer *parent, *child, *last_child, *sibling;
    struct inspect_row *row, *last_row;
};

struct inspection {
    struct arena arena;
    struct inspect_layer **layer; /* in the order told: ids grow */
    size_t layer_count, layer_cap;
    struct inspect_row **row;
    size_t row_count, row_cap;
    bool dropped;
};

void inspection_init(struct inspection *in);
void inspection_release(struct inspection *in);
void inspection_clear(struct inspection *in);
/* NULL: it was not kept. */
struct inspect_layer *inspection_layer(struct inspection *in, const struct sk_layer_seen *seen);
void inspection_fact(struct inspection *in, const struct sk_fact_seen *fact);
void inspection_note(struct inspection *in, uint64_t layer, const struct sk_note_entry *note);
void inspection_type(struct inspection *in, uint64_t layer, const char *type);
/* Ties layers into a tree and rows to their layers. */
void inspection_finish(struct inspection *in);
/* From the object on, each layer before what is in it; NULL at the end. */
const struct inspect_layer *inspection_next(const struct inspect_layer *layer);

#endif
