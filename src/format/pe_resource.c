// SPDX-License-Identifier: Apache-2.0
/*
 * Steps through the resource tree of a PE image.
 *
 *     directory  12 bytes | u16 entries with names | u16 entries with numbers | entries
 *     entry      u32 number (or place of a name) | u32 place, the top bit set: a directory
 *     leaf       u32 RVA | u32 size | ...
 *
 * Who walks it: pe_version.c (offsets of version strings), pe_icons.c (icons of the first group).
 * Each has its own loops, because each wants other levels; what they must not do for themselves is
 * find places in the file and count. Specification: Microsoft "PE Format", The .rsrc Section.
 */
#include "format/pe_resource.h"

#define DIRECTORY_BYTES 16u
#define ENTRY_BYTES 8u
#define LEAF_BYTES 8u

struct pe_tree pe_tree_of(const struct pe *pe) {
    return (struct pe_tree){.pe = pe, .root = pe->dir[PE_DIR_RESOURCE].rva};
}

bool pe_level_open(const struct pe_tree *tree, uint32_t at, struct pe_level *out) {
    uint64_t off;
    if (!pe_map(tree->pe, tree->root + at, &off)) {
        return false;
    }
    struct sk_cursor c = sk_source_cursor(tree->pe->src, off, DIRECTORY_BYTES);
    sk_cursor_skip(&c, 12);
    out->left = sk_cursor_u16le(&c);
    out->left += sk_cursor_u16le(&c);
    out->next = off + DIRECTORY_BYTES;
    return sk_cursor_ok(&c);
}

bool pe_level_next(struct pe_tree *tree, struct pe_level *level, uint32_t *out_id,
                   uint32_t *out_at) {
    if (level->left == 0) {
        return false;
    }
    if (tree->entries >= PE_RESOURCE_ENTRIES_MAX) {
        tree->cut = true;
        return false;
    }
    struct sk_cursor c = sk_source_cursor(tree->pe->src, level->next, ENTRY_BYTES);
    level->left--;
    level->next += ENTRY_BYTES;
    tree->entries++;
    *out_id = sk_cursor_u32le(&c);
    *out_at = sk_cursor_u32le(&c);
    return sk_cursor_ok(&c);
}

bool pe_tree_leaf(const struct pe_tree *tree, uint32_t at, uint64_t *out_off, uint32_t *out_size) {
    uint64_t off;
    if (!pe_map(tree->pe, tree->root + at, &off)) {
        return false;
    }
    struct sk_cursor c = sk_source_cursor(tree->pe->src, off, LEAF_BYTES);
    uint32_t rva = sk_cursor_u32le(&c);
    *out_size = sk_cursor_u32le(&c);
    return sk_cursor_ok(&c) && pe_map(tree->pe, rva, out_off);
}
