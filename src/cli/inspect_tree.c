// SPDX-License-Identifier: Apache-2.0
/*
 * Events come flat and are tied together at the end, because a note may come before the layer it is
 * about (a member that turns out to be too large while it is read).
 *
 * Ids grow in the order layers are told, so a layer is found by halving. A worker that tells them
 * in another order is lying, and what it tells then is dropped: a tree that a liar could tie into a
 * ring would never end. So does a layer deeper than the engine goes: the text is indented, and a
 * chain of 200,000 would be gigabytes of blanks.
 */
#include "cli/inspect_tree.h"

#include <string.h>

#include "base/mem.h"

void inspection_init(struct inspection *in) {
    *in = (struct inspection){0};
    arena_init(&in->arena, INSPECT_BYTES_MAX);
}

void inspection_release(struct inspection *in) {
    arena_release(&in->arena);
    mem_free(in->layer);
    mem_free(in->row);
    *in = (struct inspection){0};
}

void inspection_clear(struct inspection *in) {
    arena_clear(&in->arena);
    in->layer_count = 0;
    in->row_count = 0;
    in->dropped = false;
}

static struct inspect_layer *find(const struct inspection *in, uint64_t id) {
    size_t low = 0;
    size_t high = in->layer_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        uint64_t got = in->layer[mid]->seen.id;
        if (got == id) {
            return in->layer[mid];
        }
        low = got < id ? mid + 1 : low;
        high = got < id ? high : mid;
    }
    return NULL;
}

/* *out_parent NULL: it is the object. */
static bool is_in_order(const struct inspection *in, const struct sk_layer_seen *seen,
                        struct inspect_layer **out_parent) {
    *out_parent = find(in, seen->parent);
    if (in->layer_count == 0) {
        return seen->parent == 0;
    }
    return seen->id > in->layer[in->layer_count - 1]->seen.id && *out_parent != NULL &&
           (*out_parent)->depth < INSPECT_DEPTH_MAX;
}

struct inspect_layer *inspection_layer(struct inspection *in, const struct sk_layer_seen *seen) {
    struct inspect_layer *layer = NULL, *parent = NULL;
    if (in->layer_count < INSPECT_LAYERS_MAX && is_in_order(in, seen, &parent)) {
        void *grown = mem_grow(in->layer, &in->layer_cap, in->layer_count + 1, sizeof(*in->layer));
        in->layer = grown != NULL ? grown : in->layer;
        layer = grown != NULL ? arena_zalloc(&in->arena, 1, sizeof(*layer)) : NULL;
    }
    if (layer == NULL) {
        in->dropped = true;
        return NULL;
    }
    layer->seen = *seen;
    layer->parent = parent;
    layer->depth = parent == NULL ? 0 : parent->depth + 1;
    layer->seen.name = arena_strndup(&in->arena, seen->name, seen->name_len);
    layer->seen.type = arena_strndup(&in->arena, seen->type, strlen(seen->type));
    if (layer->seen.name == NULL || layer->seen.type == NULL) {
        in->dropped = true;
        return NULL;
    }
    in->layer[in->layer_count++] = layer;
    return layer;
}

static struct inspect_row *add_row(struct inspection *in, uint64_t layer) {
    struct inspect_row *row = NULL;
    if (in->row_count < INSPECT_ROWS_MAX) {
        void *grown = mem_grow(in->row, &in->row_cap, in->row_count + 1, sizeof(*in->row));
        in->row = grown != NULL ? grown : in->row;
        row = grown != NULL ? arena_zalloc(&in->arena, 1, sizeof(*row)) : NULL;
    }
    if (row == NULL) {
        in->dropped = true;
        return NULL;
    }
    row->layer = layer;
    in->row[in->row_count++] = row;
    return row;
}

static const char *keep(struct inspection *in, const char *text, size_t len) {
    const char *copy = arena_strndup(&in->arena, text, len);
    in->dropped = in->dropped || copy == NULL;
    return copy == NULL ? "" : copy;
}

void inspection_fact(struct inspection *in, const struct sk_fact_seen *fact) {
    struct inspect_row *row = add_row(in, fact->layer);
    if (row == NULL) {
        return;
    }
    row->word = keep(in, fact->word, strlen(fact->word));
    if (fact->value != NULL) {
        row->value = keep(in, fact->value, fact->value_len);
        row->value_len = row->value[0] == '\0' ? 0 : fact->value_len;
    }
}

void inspection_note(struct inspection *in, uint64_t layer, const struct sk_note_entry *note) {
    struct inspect_row *row = add_row(in, layer);
    if (row == NULL) {
        return;
    }
    row->is_note = true;
    row->incomplete = note->incomplete != 0;
    row->word = keep(in, note->word, strlen(note->word));
    row->text = keep(in, note->text, strlen(note->text));
    if (note->detail != NULL) {
        row->value = keep(in, note->detail, strlen(note->detail));
        row->value_len = strlen(row->value);
    }
}

void inspection_type(struct inspection *in, uint64_t layer, const char *type) {
    struct inspect_layer *found = find(in, layer);
    if (found != NULL) {
        found->seen.type = keep(in, type, strlen(type));
    }
}

static void tie_layer(struct inspect_layer *layer) {
    struct inspect_layer *parent = layer->parent;
    if (parent == NULL) {
        return; /* the object */
    }
    if (parent->last_child == NULL) {
        parent->child = layer;
    } else {
        parent->last_child->sibling = layer;
    }
    parent->last_child = layer;
}

void inspection_finish(struct inspection *in) {
    for (size_t i = 0; i < in->layer_count; i++) {
        tie_layer(in->layer[i]);
    }
    for (size_t i = 0; i < in->row_count; i++) {
        struct inspect_row *row = in->row[i];
        struct inspect_layer *layer = find(in, row->layer);
        if (layer == NULL && in->layer_count > 0) {
            layer = in->layer[0]; /* of a layer that was not kept: at least of this object */
        }
        if (layer == NULL) {
            in->dropped = true;
            continue;
        }
        if (layer->last_row == NULL) {
            layer->row = row;
        } else {
            layer->last_row->next = row;
        }
        layer->last_row = row;
    }
}

const struct inspect_layer *inspection_next(const struct inspect_layer *layer) {
    if (layer->child != NULL) {
        return layer->child;
    }
    while (layer != NULL && layer->sibling == NULL) {
        layer = layer->parent;
    }
    return layer == NULL ? NULL : layer->sibling;
}
