// SPDX-License-Identifier: Apache-2.0
/*
 * Where the strings of the version information stand: the offsets at which a VI pattern may match.
 *
 *     resource tree: type 16 -> any name -> any language -> { RVA, size, ... } of
 *     VS_VERSION_INFO  { length, value length 52, type } key, pad, fixed part (0xfeef04bd ...)
 *       VarFileInfo    skipped
 *       StringFileInfo { length, ... } key, pad
 *         StringTable  { length, ... } eight characters of language, pad
 *           String     { length, ... } key NUL pad value   <- the offset of the key
 *
 * All keys are UTF-16LE, every node starts at a multiple of four. Specification: Microsoft
 * "VS_VERSIONINFO". Which nodes count was established with `clamscan --debug` 1.4.6: only the first
 * StringFileInfo; a String must be longer than 16 bytes and fit with its padding into its table,
 * else nothing after it is read; a String without a value is passed over.
 *
 * The tree has three levels and is walked with three loops (pe_resource.h). A tree of more entries
 * than are looked at may hold strings that are not known: that is noted.
 */
#include "format/pe.h"
#include "format/pe_resource.h"

#define VERSION_LEAVES_MAX 16 /* as ClamAV: languages behind these do not count */
#define VERSION_OFFSETS_MAX 4096
#define VERSION_BYTES_MAX ((size_t)65535)
#define VERSION_FIXED_BYTES 52
#define VERSION_FIXED_OFF ((size_t)40)
#define VERSION_CHILD_OFF ((size_t)92)
#define VERSION_MAGIC 0xfeef04bd
#define FILE_INFO_CHILD_OFF ((size_t)36)
#define TABLE_CHILD_OFF ((size_t)24)
#define STRING_MIN_BYTES ((size_t)17)
#define NODE_HEAD_BYTES ((size_t)6)

struct version {
    const struct pe *pe;
    struct pe_tree tree;
    uint32_t leaves;
    uint32_t *offset;
    size_t count;
    size_t cap;
};

static size_t pad4(size_t n) {
    return (n + 3) & ~(size_t)3;
}

/* True when the UTF-16LE key of a node is `ascii` with its NUL. */
static bool key_is(const uint8_t *key, size_t len, const char *ascii) {
    size_t n = strlen(ascii) + 1;
    if (len < 2 * n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (key[2 * i] != (uint8_t)ascii[i] || key[2 * i + 1] != 0) {
            return false;
        }
    }
    return true;
}

/* A String has a value when its key ends and something follows. */
static bool string_has_value(const uint8_t *node, size_t len) {
    for (size_t i = NODE_HEAD_BYTES; i + 1 < len; i += 2) {
        if (node[i] == 0 && node[i + 1] == 0) {
            return pad4(i + 2) < len;
        }
    }
    return false;
}

static sk_err add_offset(struct version *v, uint64_t off) {
    if (v->count >= VERSION_OFFSETS_MAX || off > UINT32_MAX) {
        return sk_ok();
    }
    uint32_t *grown = mem_grow(v->offset, &v->cap, v->count + 1, sizeof(*v->offset));
    if (grown == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    v->offset = grown;
    v->offset[v->count++] = (uint32_t)off;
    return sk_ok();
}

/* Strings of one table. *out_go_on: the table was sound, the next may be read. */
static sk_err read_table(struct version *v, struct sk_bytes table, uint64_t table_off,
                         bool *out_go_on) {
    struct sk_cursor c = sk_cursor_of(table);
    sk_cursor_seek(&c, TABLE_CHILD_OFF);
    while (sk_cursor_left(&c) > 0) {
        size_t at = c.pos;
        size_t len = sk_cursor_u16le(&c);
        sk_cursor_seek(&c, at);
        const uint8_t *node = sk_cursor_take(&c, pad4(len));
        if (len < STRING_MIN_BYTES || node == NULL) {
            *out_go_on = false;
            return sk_ok();
        }
        if (string_has_value(node, len)) {
            TRY(add_offset(v, table_off + at + NODE_HEAD_BYTES));
        }
    }
    *out_go_on = true;
    return sk_ok();
}

static sk_err read_file_info(struct version *v, struct sk_bytes info, uint64_t info_off) {
    struct sk_cursor c = sk_cursor_of(info);
    sk_cursor_seek(&c, FILE_INFO_CHILD_OFF);
    bool go_on = true;
    while (go_on && sk_cursor_left(&c) > 0) {
        size_t at = c.pos;
        size_t len = sk_cursor_u16le(&c);
        sk_cursor_seek(&c, at);
        const uint8_t *node = sk_cursor_take(&c, len);
        if (node == NULL || len <= TABLE_CHILD_OFF) {
            break;
        }
        TRY(read_table(v, (struct sk_bytes){node, len}, info_off + at, &go_on));
        sk_cursor_skip(&c, pad4(len) - len);
    }
    return sk_ok();
}

static sk_err read_block(struct version *v, struct sk_bytes block, uint64_t block_off) {
    struct sk_cursor c = sk_cursor_of(block);
    size_t total = sk_cursor_u16le(&c);
    uint16_t fixed = sk_cursor_u16le(&c);
    if (total > block.len || fixed != VERSION_FIXED_BYTES || total < VERSION_CHILD_OFF ||
        !key_is(block.ptr + NODE_HEAD_BYTES, total - NODE_HEAD_BYTES, "VS_VERSION_INFO")) {
        return sk_ok();
    }
    c.len = total;
    sk_cursor_seek(&c, VERSION_FIXED_OFF);
    if (sk_cursor_u32le(&c) != VERSION_MAGIC) {
        return sk_ok();
    }
    sk_cursor_seek(&c, VERSION_CHILD_OFF);
    while (sk_cursor_left(&c) > NODE_HEAD_BYTES) {
        size_t at = c.pos;
        size_t len = sk_cursor_u16le(&c);
        sk_cursor_seek(&c, at);
        const uint8_t *node = sk_cursor_take(&c, len);
        if (node == NULL || len <= NODE_HEAD_BYTES) {
            break;
        }
        if (key_is(node + NODE_HEAD_BYTES, len - NODE_HEAD_BYTES, "StringFileInfo")) {
            return read_file_info(v, (struct sk_bytes){node, len}, block_off + at);
        }
        if (!key_is(node + NODE_HEAD_BYTES, len - NODE_HEAD_BYTES, "VarFileInfo")) {
            break;
        }
        sk_cursor_skip(&c, pad4(len) - len);
    }
    return sk_ok();
}

static sk_err read_leaf(struct version *v, uint32_t at) {
    uint64_t off;
    uint32_t size;
    if (!pe_tree_leaf(&v->tree, at, &off, &size) || size > v->pe->src->size - off) {
        return v->pe->src->failed;
    }
    struct sk_bytes block;
    block.ptr = sk_source_at(v->pe->src, off, VERSION_BYTES_MAX, &block.len);
    if (block.ptr == NULL) {
        return v->pe->src->failed;
    }
    if (block.len > size) {
        block.len = size;
    }
    return read_block(v, block, off);
}

/* The languages of one name. */
static sk_err read_languages(struct version *v, uint32_t dir) {
    struct pe_level langs;
    uint32_t id;
    uint32_t at;
    if (!pe_level_open(&v->tree, dir, &langs)) {
        return sk_ok();
    }
    while (pe_level_next(&v->tree, &langs, &id, &at)) {
        TRY(walk_tick(v->pe->walk));
        if ((at & PE_RESOURCE_IS_DIR) == 0 && v->leaves++ < VERSION_LEAVES_MAX) {
            TRY(read_leaf(v, at));
        }
    }
    return sk_ok();
}

static sk_err read_names(struct version *v, uint32_t dir) {
    struct pe_level names;
    uint32_t id;
    uint32_t at;
    if (!pe_level_open(&v->tree, dir, &names)) {
        return sk_ok();
    }
    while (pe_level_next(&v->tree, &names, &id, &at)) {
        TRY(walk_tick(v->pe->walk));
        if ((at & PE_RESOURCE_IS_DIR) != 0) {
            TRY(read_languages(v, at & ~PE_RESOURCE_IS_DIR));
        }
    }
    return sk_ok();
}

static sk_err read_tree(struct version *v) {
    struct pe_level types;
    uint32_t id;
    uint32_t at;
    if (!pe_level_open(&v->tree, 0, &types)) {
        return sk_ok();
    }
    while (pe_level_next(&v->tree, &types, &id, &at)) {
        TRY(walk_tick(v->pe->walk));
        if (id == PE_RESOURCE_VERSION && (at & PE_RESOURCE_IS_DIR) != 0) {
            TRY(read_names(v, at & ~PE_RESOURCE_IS_DIR));
        }
    }
    return sk_ok();
}

static int compare_u32(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Ascending, each once, in the arena. */
static sk_err publish(struct version *v, struct sk_exe *out) {
    if (v->count == 0) {
        return sk_ok();
    }
    uint32_t *list = arena_zalloc(walk_arena(v->pe->walk), v->count, sizeof(*list));
    if (list == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    qsort(v->offset, v->count, sizeof(*v->offset), compare_u32);
    uint32_t n = 0;
    for (size_t i = 0; i < v->count; i++) {
        if (n == 0 || list[n - 1] != v->offset[i]) {
            list[n++] = v->offset[i];
        }
    }
    out->vinfo = list;
    out->vinfo_count = n;
    return sk_ok();
}

sk_err pe_version(const struct pe *pe, struct sk_exe *out) {
    if (pe->dir[PE_DIR_RESOURCE].size == 0) {
        return sk_ok();
    }
    struct version v = {.pe = pe, .tree = pe_tree_of(pe)};
    sk_err err = read_tree(&v);
    if (!sk_failed(err)) {
        err = publish(&v, out);
    }
    if (v.tree.cut) {
        walk_note(pe->walk, SK_NOTE_LIMIT_MATCH, "pe: too many resources: version information");
    }
    mem_free(v.offset);
    return err;
}
