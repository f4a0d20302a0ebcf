// SPDX-License-Identifier: Apache-2.0
/*
 * From the resources of a program to the pictures of its icons.
 *
 *     type 14 -> first name -> each language -> { 0, 1, count | 14 bytes an icon, its number last }
 *     type 3  -> number     -> each language -> bitmap
 *
 * Seen with clamscan 1.4.6 (own programs, one question each): only the first group of the tree is
 * looked at, with all its languages; at most 100 entries of it, whether their icon exists or not;
 * the entries must lie in the bytes of the group, the first two numbers are not looked at; of an
 * icon every language counts. What an entry says of size and colours plays no part.
 */
#include "format/pe_icons.h"

#include "format/pe_resource.h"

#define GROUP_HEAD_BYTES 6u
#define GROUP_ENTRY_BYTES 14u
#define GROUP_BYTES_MAX (GROUP_HEAD_BYTES + (PE_ICONS_MAX + 1) * GROUP_ENTRY_BYTES)

struct icons {
    struct pe_tree tree;
    uint32_t group_dir, icon_dir; /* 0: none; the root is no such place */
    uint32_t entries;
    bool cut;
    pe_icon_fn found;
    void *ctx;
};

static void find_types(struct icons *k) {
    struct pe_level types;
    uint32_t id, at;
    if (!pe_level_open(&k->tree, 0, &types)) {
        return;
    }
    while (pe_level_next(&k->tree, &types, &id, &at)) {
        if ((at & PE_RESOURCE_IS_DIR) == 0) {
            continue;
        }
        if (id == PE_RESOURCE_ICON_GROUP && k->group_dir == 0) {
            k->group_dir = at & ~PE_RESOURCE_IS_DIR;
        } else if (id == PE_RESOURCE_ICON && k->icon_dir == 0) {
            k->icon_dir = at & ~PE_RESOURCE_IS_DIR;
        }
    }
}

static sk_err give_languages(struct icons *k, uint32_t dir) {
    struct pe_level langs;
    uint32_t id, at, size;
    uint64_t off;
    if (!pe_level_open(&k->tree, dir, &langs)) {
        return sk_ok();
    }
    while (pe_level_next(&k->tree, &langs, &id, &at)) {
        if ((at & PE_RESOURCE_IS_DIR) == 0 && pe_tree_leaf(&k->tree, at, &off, &size)) {
            TRY(k->found(k->ctx, off));
        }
    }
    return sk_ok();
}

static sk_err give_icon(struct icons *k, uint32_t number) {
    struct pe_level names;
    uint32_t id, at;
    if (!pe_level_open(&k->tree, k->icon_dir, &names)) {
        return sk_ok();
    }
    while (pe_level_next(&k->tree, &names, &id, &at)) {
        if (id == number && (at & PE_RESOURCE_IS_DIR) != 0) {
            TRY(give_languages(k, at & ~PE_RESOURCE_IS_DIR));
        }
    }
    return sk_ok();
}

static sk_err read_group(struct icons *k, uint32_t at) {
    uint8_t group[GROUP_BYTES_MAX];
    uint64_t off;
    uint32_t size;
    size_t got;
    if (!pe_tree_leaf(&k->tree, at, &off, &size)) {
        return sk_ok();
    }
    TRY(sk_source_read(k->tree.pe->src, off, group, size < sizeof(group) ? size : sizeof(group),
                       &got));
    struct sk_cursor c = sk_cursor_make(group, got);
    sk_cursor_skip(&c, 4);
    uint32_t count = sk_cursor_u16le(&c);
    for (uint32_t i = 0; i < count; i++) {
        if (k->entries == PE_ICONS_MAX) {
            k->cut = sk_cursor_left(&c) >= GROUP_ENTRY_BYTES;
            break;
        }
        sk_cursor_skip(&c, GROUP_ENTRY_BYTES - 2);
        uint32_t number = sk_cursor_u16le(&c);
        if (!sk_cursor_ok(&c)) {
            break;
        }
        k->entries++;
        TRY(give_icon(k, number));
    }
    return sk_ok();
}

sk_err pe_icons(struct sk_source *src, const struct sk_exe *exe, pe_icon_fn found, void *ctx) {
    struct pe pe = {.src = src,
                    .header_bytes = exe->header_bytes,
                    .section_count = exe->section_count,
                    .section = exe->section};
    pe.dir[PE_DIR_RESOURCE] = (struct pe_dir){(uint32_t)exe->resource_rva, 0};
    struct icons k = {.tree = pe_tree_of(&pe), .found = found, .ctx = ctx};
    struct pe_level names, langs;
    uint32_t id, at;
    find_types(&k);
    if (k.group_dir == 0 || k.icon_dir == 0 || !pe_level_open(&k.tree, k.group_dir, &names) ||
        !pe_level_next(&k.tree, &names, &id, &at) || (at & PE_RESOURCE_IS_DIR) == 0 ||
        !pe_level_open(&k.tree, at & ~PE_RESOURCE_IS_DIR, &langs)) {
        return src->failed;
    }
    while (pe_level_next(&k.tree, &langs, &id, &at)) {
        if ((at & PE_RESOURCE_IS_DIR) == 0) {
            TRY(read_group(&k, at));
        }
    }
    if ((k.cut || k.tree.cut) && !sk_failed(src->failed)) {
        return sk_fail(SK_E_LIMIT);
    }
    return src->failed;
}
