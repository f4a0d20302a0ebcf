// SPDX-License-Identifier: Apache-2.0
/*
 * The OLE2 reader: order of the walk.
 *
 *     header, FAT, directory (ole2.c)
 *       -> encryption (ole2_crypt.c)
 *       -> VBA projects (vba.c)            early: most attacks are there, and limits cut the end
 *       -> what streams hold (ole2_objects.h): files, storages, pictures, Excel 4 macros
 *       -> every stream of the directory as a member, orphans too
 *
 * Names of members are paths of the directory ("Macros/VBA/Module1"); what comes out of a stream
 * has that stream's path in front. Seen with clamscan 1.4.6: every stream is a layer of its own,
 * the parent of which is CL_TYPE_MSOLE2; the raw file is searched for target 2 (types.def).
 *
 * A file without a readable directory is still searched for packed VBA source (and raw, as all).
 * Specifications: [MS-CFB], [MS-OVBA].
 */
#include "format/ole2.h"

#include <string.h>

#include "format/ole2_objects.h"
#include "format/vba.h"

static int ole2_probe(const struct sk_peek *peek, enum sk_type *out_type) {
    (void)out_type;
    return sk_peek_has(peek, 0, OLE2_MAGIC, sizeof(OLE2_MAGIC) - 1) ? 90 : 0;
}

/* Damage inside something, or too little memory for it, is no reason to leave out what follows. */
static sk_err go_on(struct ole2 *o, sk_err err) {
    if (err.code == SK_E_FORMAT) {
        o->damaged = true;
        return sk_ok();
    }
    if (err.code == SK_E_NOMEM) {
        walk_note(o->walk, SK_NOTE_LIMIT_MEMORY, "ole2");
        return sk_ok();
    }
    return err;
}

static sk_err walk_projects(struct ole2 *o) {
    for (uint32_t i = 1; i < o->entry_count; i++) {
        const struct ole2_entry *e = &o->entry[i];
        if (e->type == OLE2_STREAM && ole2_is_named(o, i, "dir") && e->parent != OLE2_NONE &&
            ole2_may_search(o, i)) {
            struct arena_mark mark = arena_mark(walk_arena(o->walk));
            TRY(go_on(o, vba_project(o, i)));
            arena_rewind(walk_arena(o->walk), mark);
        }
        TRY(walk_tick(o->walk));
    }
    return go_on(o, vba_strays(o));
}

/* What some streams hold, by name. */
static const struct {
    const char *name;
    sk_err (*open)(struct ole2 *o, uint32_t entry);
} OPENERS[] = {
    {"_1_Ole10Native", ole2_native},
    {"Equation Native", ole2_equation},
    {"PowerPoint Document", ole2_ppt},
    {"Workbook", ole2_workbook},
    {"Book", ole2_workbook},
    {"Pictures", ole2_pictures},
    {"Data", ole2_pictures},
    {"WordDocument", ole2_pictures},
    {"Workbook", ole2_sheet_pictures},
    {"__substg1.0_37010102", ole2_msg_attachment},
    {"__substg1.0_10090102", ole2_msg_rtf},
};

static sk_err walk_objects(struct ole2 *o) {
    for (uint32_t i = 1; i < o->entry_count; i++) {
        TRY(walk_tick(o->walk));
        if (o->is_hwp && o->entry[i].type == OLE2_STREAM) {
            TRY(go_on(o, ole2_hwp_stream(o, i)));
        }
        for (size_t k = 0; k < sizeof(OPENERS) / sizeof(OPENERS[0]); k++) {
            if (o->entry[i].type == OLE2_STREAM && ole2_is_named(o, i, OPENERS[k].name) &&
                ole2_may_search(o, i)) {
                struct arena_mark mark = arena_mark(walk_arena(o->walk));
                TRY(go_on(o, OPENERS[k].open(o, i)));
                arena_rewind(walk_arena(o->walk), mark);
            }
        }
    }
    return sk_ok();
}

static sk_err walk_streams(struct ole2 *o) {
    for (uint32_t i = 1; i < o->entry_count; i++) {
        TRY(walk_tick(o->walk));
        if (o->entry[i].type == OLE2_STREAM && o->entry[i].size > 0 && !o->entry[i].is_given) {
            TRY(ole2_give(o, i));
        }
    }
    return sk_ok();
}

static void tell_encryption(const struct ole2 *o) {
    if (o->encrypted == NULL) {
        return;
    }
    walk_fact(o->walk, SK_FACT_ENCRYPTION, o->encrypted, strlen(o->encrypted));
    if (!o->is_opened) {
        walk_note(o->walk, SK_NOTE_ENCRYPTED, o->encrypted);
    }
}

static sk_err ole2_walk(struct sk_walk *walk, struct sk_source *src) {
    struct ole2 o;
    sk_err err = ole2_open(&o, walk, src);
    if (err.code == SK_E_FORMAT) {
        TRY(vba_raw(walk, src));
    }
    TRY(err);
    TRY(go_on(&o, ole2_crypt(&o)));
    TRY(ole2_hwp_probe(&o));
    TRY(walk_projects(&o));
    TRY(walk_objects(&o));
    tell_encryption(&o);
    TRY(walk_streams(&o));
    if (o.damaged) {
        walk_note(walk, SK_NOTE_DAMAGED, "ole2");
    }
    if (o.orphans) {
        walk_note(walk, SK_NOTE_HIDDEN_ENTRY, "ole2: streams outside the tree");
    }
    return src->failed;
}

const struct sk_format sk_format_ole2 = {
    .name = "ole2", .type = SK_TYPE_OLE2, .probe = ole2_probe, .walk = ole2_walk};
