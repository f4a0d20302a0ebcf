// SPDX-License-Identifier: Apache-2.0
/*
 * The resource tree of a PE image: directories, entries and leaves, one step at a time.
 *
 *     type -> name -> language -> leaf { RVA, size, ... }
 *
 * struct pe_tree **borrows** the struct pe and counts the entries looked at: there are at most
 * PE_RESOURCE_ENTRIES_MAX in one walk, because directories may overlap and lead in circles; `cut`
 * tells that there were more. Places in the tree are relative to its root. False from a step means:
 * nothing (more) there, or not in the file, or the source failed (src->failed says so).
 */
#ifndef SK_FORMAT_PE_RESOURCE_H
#define SK_FORMAT_PE_RESOURCE_H

#include "format/pe.h"

#define PE_RESOURCE_ICON 3
#define PE_RESOURCE_ICON_GROUP 14
#define PE_RESOURCE_VERSION 16
#define PE_RESOURCE_IS_DIR 0x80000000u
#define PE_RESOURCE_ENTRIES_MAX 65536u

struct pe_tree {
    const struct pe *pe;
    uint64_t root; /* RVA */
    uint32_t entries;
    bool cut;
};

/* One directory: a position among its entries. */
struct pe_level {
    uint64_t next; /* file offset */
    uint32_t left;
};

struct pe_tree pe_tree_of(const struct pe *pe);
bool pe_level_open(const struct pe_tree *tree, uint32_t at, struct pe_level *out);
/* *out_at: of a directory when PE_RESOURCE_IS_DIR is set, else of a leaf. */
bool pe_level_next(struct pe_tree *tree, struct pe_level *level, uint32_t *out_id,
                   uint32_t *out_at);
/* The bytes of a leaf: where they start in the file, and the size it states, which is not checked.
 */
bool pe_tree_leaf(const struct pe_tree *tree, uint32_t at, uint64_t *out_off, uint32_t *out_size);

#endif
