// SPDX-License-Identifier: Apache-2.0
/*
 * struct ole2: an OLE2 compound file, opened: its tables and its directory. Internal to src/format.
 *
 *     storage (folder) ---< storage, stream       stream = chain of sectors, or of mini sectors
 *
 * Life cycle: ole2_open -> entries, ole2_find, ole2_stream_init..., no release (arena of the walk).
 * Ownership: **borrows** walk and source; everything else is in walk_arena(). A stream **borrows**
 * the struct ole2; its storage is the caller's.
 * Errors: ole2_open SK_E_FORMAT: no directory can be read; SK_E_NOMEM, SK_E_IO, SK_E_STOP. Damage
 * that leaves something readable sets `damaged`. A stream whose chain ends early, leaves the file
 * or goes in a circle gives what there is and fails with SK_E_FORMAT.
 * Limits: OLE2_ENTRIES_MAX entries; OLE2_NAMES_MAX comparisons of names of VBA modules (noted);
 * OLE2_SEARCHES times the size of the file is read besides
 * members; the tables never hold more than the file has sectors. Source: [MS-CFB] 10.
 */
#ifndef SK_FORMAT_OLE2_H
#define SK_FORMAT_OLE2_H

#include "format/format.h"

#define OLE2_MAGIC "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#define OLE2_NONE UINT32_MAX
#define OLE2_ENTRIES_MAX 100000u
#define OLE2_NAMES_MAX ((uint64_t)64 << 20)
#define OLE2_SEARCHES 6u
#define OLE2_ROOT 0u
#define OLE2_PATH_MAX_BYTES ((size_t)1024)

enum ole2_type { OLE2_UNUSED = 0, OLE2_STORAGE = 1, OLE2_STREAM = 2, OLE2_ROOT_STORAGE = 5 };

struct ole2_entry {
    const char *name; /* UTF-8, control characters as _N_, no '/'; NUL added */
    uint32_t parent;  /* OLE2_NONE: root, or an orphan */
    uint32_t left;
    uint32_t right;
    uint32_t child;
    uint32_t kids; /* first entry whose parent this is, OLE2_NONE: none */
    uint32_t next; /* the next one with the same parent */
    uint32_t start;
    uint64_t size;
    uint8_t type;       /* enum ole2_type */
    bool is_given;      /* under another name already */
    uint32_t source_at; /* where its VBA source was found, OLE2_NONE: nowhere */
    uint8_t clsid[16];
};

struct ole2 {
    struct sk_walk *walk;
    struct sk_source *src;
    unsigned shift; /* log2 of the sector size: 9 or 12 */
    unsigned version;
    uint32_t sector_count; /* of the file, a cut last one included */
    uint32_t cutoff;       /* streams below this size are in the mini stream */
    uint32_t *fat;
    uint32_t fat_count;
    uint32_t *minifat;
    uint32_t minifat_count;
    uint32_t *mini; /* sectors of the mini stream */
    uint32_t mini_count;
    struct ole2_entry *entry; /* [0] is the root */
    uint32_t entry_count;
    uint32_t index;        /* of the next member */
    const char *encrypted; /* by what; NULL: not */
    bool is_opened;        /* with a password that is known */
    bool damaged;
    bool is_hwp;
    uint64_t search_left; /* bytes that ole2_may_search still allows */
    uint64_t names_left;  /* names that modules may still be compared with */
    bool names_over;      /* they were not enough, which has been told */
    bool search_over;
    bool orphans; /* entries that the tree does not reach */
};

sk_err ole2_open(struct ole2 *o, struct sk_walk *walk, struct sk_source *src);
/* Child of `parent` with this name (ASCII case ignored) and type, or OLE2_NONE. */
uint32_t ole2_find(const struct ole2 *o, uint32_t parent, enum ole2_type type, const char *name);
bool ole2_is_named(const struct ole2 *o, uint32_t entry, const char *name);
/* "Macros/VBA/dir" in walk_arena(); NULL: no memory. */
char *ole2_path(const struct ole2 *o, uint32_t entry);

struct ole2_stream {
    struct sk_stream base;
    const struct ole2 *o;
    uint64_t left;
    uint32_t sector;
    uint32_t at; /* bytes of the sector that were read */
    bool is_mini;
    /* Brent's test for a circle: `mark` is a sector passed before, moved at powers of two. */
    uint32_t mark;
    uint32_t hops;
    uint32_t next_mark;
};
struct sk_stream *ole2_stream_init(struct ole2_stream *st, const struct ole2 *o, uint32_t entry);
/* May this stream be read once more than as a member? Streams may share their sectors, so that the
 * sum of their sizes is bounded by nothing but this. False: a note says so. */
bool ole2_may_search(struct ole2 *o, uint32_t entry);
/* Passes over bytes. SK_E_FORMAT: there are not so many. */
sk_err ole2_skip(struct sk_stream *s, uint64_t count);
/* Up to len bytes; fewer only at the end. */
sk_err ole2_pull(struct sk_stream *s, uint8_t *buf, size_t len, size_t *out_got);
/* At most max bytes of a stream, in walk_arena(). Damage is no error: what can be read counts. */
sk_err ole2_load(const struct ole2 *o, uint32_t entry, size_t max, struct sk_bytes *out_bytes);
/* The member for a stream; name in walk_arena(). SK_E_NOMEM. */
sk_err ole2_give(struct ole2 *o, uint32_t entry);
/* The same for bytes that come out of the stream: name is added to the stream's path. */
sk_err ole2_give_part(struct ole2 *o, uint32_t entry, const char *name, struct sk_stream *data);

/* ole2_names.c: an entry's UTF-16LE name as sane UTF-8 in the arena; is_msi: names are packed as
 * Windows Installer does. NULL: no memory. */
char *ole2_name(struct arena *arena, struct sk_bytes utf16, bool is_msi);

#endif
