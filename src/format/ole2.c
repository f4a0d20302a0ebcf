// SPDX-License-Identifier: Apache-2.0
/*
 * Opening an OLE2 compound file: tables and directory.
 *
 *     0     magic  ...  24 versions  30 sector shift  44 FAT sectors  48 first directory sector
 *     56    cutoff  60 mini FAT  68 DIFAT  76 the first 109 sectors of the FAT
 *     header takes one sector; sector n stands at (n + 1) << shift
 *
 *     DIFAT --lists--> FAT --next sector of each--> chains: directory, mini FAT, mini stream,
 * streams directory: 128-byte entries; children of a storage form a binary tree by left and right
 *
 * What an adversary does, and what happens here:
 * - Chains that go in a circle: every chain is followed for at most as many sectors as the file
 *   has (tables), or until it meets itself (streams).
 * - Trees that go in a circle or share entries: an entry gets one parent, the first.
 * - Entries that no tree reaches: kept, as orphans. Their streams are read like all others.
 * - Sector shifts, counts and cutoffs that lie: shift 9 or 12 by the version when it is absurd;
 *   counts are not believed at all; the cutoff only when it is sane.
 * - A FAT sector outside the file is read as free sectors, so that its neighbours keep their place.
 * - Size in version 3: the upper half is rubbish in files of old programs and is ignored.
 */
#include "format/ole2.h"

#include <string.h>
#include <strings.h>

#define SECTOR_LAST 0xfffffff9u /* above: FREE, END, FAT, DIFAT */
#define SECTOR_FREE 0xffffffffu
#define CUTOFF 4096u
#define HEADER_BYTES ((size_t)512)
#define DIFAT_IN_HEADER 109u
#define ENTRY_BYTES ((size_t)128)
#define NAME_BYTES 64u

static uint64_t sector_off(const struct ole2 *o, uint32_t sector) {
    return ((uint64_t)sector + 1) << o->shift;
}

struct header {
    uint32_t dir_start;
    uint32_t minifat_start;
    uint32_t difat_start;
};

static sk_err read_header(struct ole2 *o, struct header *out) {
    struct sk_cursor c = sk_source_cursor(o->src, 0, HEADER_BYTES);
    sk_cursor_skip(&c, 26);
    o->version = sk_cursor_u16le(&c);
    sk_cursor_skip(&c, 2);
    o->shift = sk_cursor_u16le(&c);
    if (o->shift != 9 && o->shift != 12) {
        o->shift = o->version == 4 ? 12 : 9;
        o->damaged = true;
    }
    sk_cursor_seek(&c, 48);
    out->dir_start = sk_cursor_u32le(&c);
    sk_cursor_skip(&c, 4);
    o->cutoff = sk_cursor_u32le(&c);
    if (o->cutoff > (1u << 20)) {
        o->cutoff = CUTOFF;
        o->damaged = true;
    }
    out->minifat_start = sk_cursor_u32le(&c);
    sk_cursor_skip(&c, 4);
    out->difat_start = sk_cursor_u32le(&c);
    TRY(o->src->failed);
    if (!sk_cursor_ok(&c)) {
        return sk_fail(SK_E_FORMAT);
    }
    uint64_t size = o->src->size;
    uint64_t count = size >> o->shift;
    count = ((size & (((uint64_t)1 << o->shift) - 1)) != 0 ? count + 1 : count);
    count = count > 0 ? count - 1 : 0;
    o->sector_count = count < SECTOR_LAST ? (uint32_t)count : SECTOR_LAST;
    return sk_ok();
}

/* ---- tables ------------------------------------------------------------------------------- */

/* Little-endian words of one sector; words outside the file are free sectors. */
static sk_err read_words(struct ole2 *o, uint32_t sector, uint32_t *out, uint32_t count) {
    uint8_t bytes[4096];
    size_t got = 0;
    if (sector < o->sector_count) {
        TRY(sk_source_read(o->src, sector_off(o, sector), bytes, (size_t)count * 4, &got));
    } else {
        o->damaged = true;
    }
    memset(bytes + got, 0xff, (size_t)count * 4 - got);
    for (uint32_t i = 0; i < count; i++) {
        out[i] = sk_load_u32le(bytes + (size_t)i * 4);
    }
    return walk_tick(o->walk);
}

/* Every sector of the FAT that can matter: as many as cover the file. */
static sk_err read_fat(struct ole2 *o, uint32_t difat) {
    uint32_t per = 1u << (o->shift - 2);
    uint32_t want = o->sector_count / per + (o->sector_count % per != 0 ? 1 : 0);
    uint32_t list[1024];
    o->fat = arena_zalloc(walk_arena(o->walk), (size_t)want * per, sizeof(*o->fat));
    if (o->fat == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    struct sk_cursor c = sk_source_cursor(o->src, 76, (size_t)DIFAT_IN_HEADER * 4);
    uint32_t have = DIFAT_IN_HEADER;
    for (uint32_t i = 0; i < have; i++) {
        list[i] = sk_cursor_u32le(&c);
    }
    TRY(o->src->failed);
    uint32_t done = 0;
    for (uint32_t lists = 0; done < want; lists++) {
        for (uint32_t i = 0; i < have && done < want; i++) {
            if (list[i] != SECTOR_FREE) {
                TRY(read_words(o, list[i], o->fat + (size_t)done * per, per));
                done++;
            }
        }
        if (done == want || difat >= o->sector_count || lists > want) {
            break;
        }
        TRY(read_words(o, difat, list, per));
        have = per - 1;
        difat = list[per - 1];
    }
    o->fat_count = done * per;
    return sk_ok();
}

/* The sectors of a chain, at most max of them, in the arena. */
static sk_err read_chain(struct ole2 *o, uint32_t start, uint32_t max, uint32_t **out_list,
                         uint32_t *out_count) {
    uint32_t count = 0;
    uint32_t sector = start;
    uint8_t *seen = arena_zalloc(walk_arena(o->walk), (size_t)o->sector_count / 8 + 1, 1);
    if (seen == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    while (sector < o->sector_count && count < max && (seen[sector / 8] >> sector % 8 & 1) == 0) {
        seen[sector / 8] |= (uint8_t)(1u << sector % 8);
        count++;
        sector = sector < o->fat_count ? o->fat[sector] : SECTOR_FREE;
        if ((count & 0xffff) == 0) {
            TRY(walk_tick(o->walk));
        }
    }
    o->damaged = o->damaged || sector <= SECTOR_LAST; /* outside the file, or a circle */
    uint32_t *list = arena_alloc(walk_arena(o->walk), (size_t)count * sizeof(*list));
    if (list == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    sector = start;
    for (uint32_t i = 0; i < count; i++) {
        list[i] = sector;
        sector = sector < o->fat_count ? o->fat[sector] : SECTOR_FREE;
    }
    *out_list = list;
    *out_count = count;
    return sk_ok();
}

static sk_err read_minifat(struct ole2 *o, uint32_t start) {
    uint32_t *list;
    uint32_t count;
    uint32_t per = 1u << (o->shift - 2);
    TRY(read_chain(o, start, o->sector_count, &list, &count));
    o->minifat = arena_zalloc(walk_arena(o->walk), (size_t)count * per, sizeof(*o->minifat));
    if (o->minifat == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (uint32_t i = 0; i < count; i++) {
        TRY(read_words(o, list[i], o->minifat + (size_t)i * per, per));
    }
    uint64_t words = (uint64_t)count * per;
    o->minifat_count = words < SECTOR_LAST ? (uint32_t)words : SECTOR_LAST;
    return sk_ok();
}

/* ---- directory ---------------------------------------------------------------------------- */

/* Root classes of Windows Installer packages, transforms and patches: {000C1084-0000-0000-C000-
 * 000000000046} and two neighbours. */
static bool is_msi_class(const uint8_t *clsid) {
    static const uint8_t rest[12] = {0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46};
    return (clsid[0] == 0x84 || clsid[0] == 0x86 || clsid[0] == 0x82) && clsid[1] == 0x10 &&
           clsid[2] == 0x0c && clsid[3] == 0 && memcmp(clsid + 4, rest, sizeof(rest)) == 0;
}

static sk_err read_entry(struct ole2 *o, struct sk_bytes raw, struct ole2_entry *out) {
    struct sk_cursor c = sk_cursor_of(raw);
    sk_cursor_skip(&c, NAME_BYTES);
    size_t name_len = sk_cursor_u16le(&c);
    out->type = sk_cursor_u8(&c);
    sk_cursor_skip(&c, 1);
    out->left = sk_cursor_u32le(&c);
    out->right = sk_cursor_u32le(&c);
    out->child = sk_cursor_u32le(&c);
    memcpy(out->clsid, raw.ptr + 80, sizeof(out->clsid));
    sk_cursor_seek(&c, 116);
    out->start = sk_cursor_u32le(&c);
    out->size = sk_cursor_u64le(&c);
    out->parent = out->kids = out->next = out->source_at = OLE2_NONE;
    if (o->shift == 9) {
        out->size &= 0xffffffffu;
    }
    bool is_root = out == o->entry;
    name_len = name_len >= 2 && name_len <= NAME_BYTES ? name_len - 2 : NAME_BYTES;
    bool is_msi = !is_root && is_msi_class(o->entry[OLE2_ROOT].clsid);
    out->name = ole2_name(walk_arena(o->walk), (struct sk_bytes){raw.ptr, name_len}, is_msi);
    return out->name == NULL ? sk_fail(SK_E_NOMEM) : sk_ok();
}

static sk_err read_directory(struct ole2 *o, uint32_t start) {
    uint32_t *list;
    uint32_t count;
    uint32_t per = 1u << (o->shift - 7);
    TRY(read_chain(o, start, OLE2_ENTRIES_MAX / per, &list, &count));
    o->entry = arena_zalloc(walk_arena(o->walk), (size_t)count * per, sizeof(*o->entry));
    if (o->entry == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint8_t bytes[4096];
        size_t got = 0;
        TRY(sk_source_read(o->src, sector_off(o, list[i]), bytes, (size_t)1 << o->shift, &got));
        TRY(walk_tick(o->walk));
        for (size_t at = 0; at + ENTRY_BYTES <= got; at += ENTRY_BYTES) {
            TRY(read_entry(o, (struct sk_bytes){bytes + at, ENTRY_BYTES},
                           &o->entry[o->entry_count]));
            o->entry_count++;
        }
    }
    return o->entry_count == 0 ? sk_fail(SK_E_FORMAT) : sk_ok();
}

struct stack {
    uint32_t *at;
    uint32_t len;
    uint32_t parent;
};

/* An entry enters the tree once, so the stack never holds more than all entries. */
static void adopt(struct ole2 *o, struct stack *stack, uint32_t index) {
    if (index == OLE2_NONE) {
        return;
    }
    if (index >= o->entry_count || index == OLE2_ROOT || o->entry[index].parent != OLE2_NONE) {
        o->damaged = true;
        return;
    }
    o->entry[index].parent = stack->parent;
    o->entry[index].next = o->entry[stack->parent].kids;
    o->entry[stack->parent].kids = index;
    stack->at[stack->len++] = index;
}

/* Gives a storage to all entries of its tree, and their trees. */
static void link_storage(struct ole2 *o, struct stack *stack, uint32_t storage) {
    stack->parent = storage;
    adopt(o, stack, o->entry[storage].child);
    while (stack->len > 0) {
        uint32_t index = stack->at[--stack->len];
        const struct ole2_entry *e = &o->entry[index];
        stack->parent = e->parent;
        adopt(o, stack, e->left);
        adopt(o, stack, e->right);
        if (e->type == OLE2_STORAGE) {
            stack->parent = index;
            adopt(o, stack, e->child);
        }
    }
}

/* Parents of all entries. Storages outside the tree of the root are roots themselves. */
static sk_err link_tree(struct ole2 *o) {
    struct stack stack = {.parent = OLE2_ROOT};
    stack.at = arena_alloc(walk_arena(o->walk), (size_t)o->entry_count * sizeof(*stack.at));
    if (stack.at == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    link_storage(o, &stack, OLE2_ROOT);
    for (uint32_t i = 1; i < o->entry_count; i++) {
        const struct ole2_entry *e = &o->entry[i];
        bool outside = e->parent == OLE2_NONE;
        o->orphans = o->orphans || (outside && e->type == OLE2_STREAM && e->size > 0);
        if (outside && e->type == OLE2_STORAGE && e->child != OLE2_NONE) {
            o->orphans = true;
            o->entry[i].parent = OLE2_ROOT; /* so that none of its children adopts it */
            link_storage(o, &stack, i);
            o->entry[i].parent = OLE2_NONE;
        }
    }
    return sk_ok();
}

sk_err ole2_open(struct ole2 *o, struct sk_walk *walk, struct sk_source *src) {
    *o = (struct ole2){.walk = walk,
                       .src = src,
                       .search_left = src->size * OLE2_SEARCHES,
                       .names_left = OLE2_NAMES_MAX};
    struct header h;
    TRY(read_header(o, &h));
    TRY(read_fat(o, h.difat_start));
    TRY(read_directory(o, h.dir_start));
    TRY(link_tree(o));
    TRY(read_minifat(o, h.minifat_start));
    return read_chain(o, o->entry[OLE2_ROOT].start, o->sector_count, &o->mini, &o->mini_count);
}

bool ole2_may_search(struct ole2 *o, uint32_t entry) {
    uint64_t size = o->entry[entry].size < o->src->size ? o->entry[entry].size : o->src->size;
    if (size > o->search_left) {
        if (!o->search_over) {
            walk_note(o->walk, SK_NOTE_LIMIT_SCAN_SIZE, "ole2: streams share their sectors");
        }
        o->search_over = true;
        return false;
    }
    o->search_left -= size;
    return true;
}

bool ole2_is_named(const struct ole2 *o, uint32_t entry, const char *name) {
    return strcasecmp(o->entry[entry].name, name) == 0;
}

uint32_t ole2_find(const struct ole2 *o, uint32_t parent, enum ole2_type type, const char *name) {
    for (uint32_t i = o->entry[parent].kids; i != OLE2_NONE; i = o->entry[i].next) {
        if (o->entry[i].type == (uint8_t)type && ole2_is_named(o, i, name)) {
            return i;
        }
    }
    return OLE2_NONE;
}

char *ole2_path(const struct ole2 *o, uint32_t entry) {
    char text[OLE2_PATH_MAX_BYTES];
    size_t at = sizeof(text);
    for (uint32_t i = entry; i != OLE2_NONE && i != OLE2_ROOT; i = o->entry[i].parent) {
        size_t len = strlen(o->entry[i].name);
        size_t slash = i == entry ? 0 : 1;
        if (len + slash > at) {
            break; /* the deepest folders say enough */
        }
        at -= len + slash;
        if (slash != 0) {
            text[at + len] = '/';
        }
        memcpy(text + at, o->entry[i].name, len);
    }
    return arena_strndup(walk_arena(o->walk), text + at, sizeof(text) - at);
}
