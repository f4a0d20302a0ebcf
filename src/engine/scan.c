// SPDX-License-Identifier: Apache-2.0
/*
 * The way of one object: open, look, open the containers that wait, report.
 *
 *     object -> layer_scan -> [stack: object]
 *     while the stack holds a layer: take the newest, walk its members
 *         (each is looked at inside the walk; containers among them go on the stack)
 *     -> verdict_report
 *
 * Newest first keeps the stack short: what one container put there is done before its siblings.
 * The stack is a list of layers, so nothing recurses on input; depth is counted in the layer.
 *
 * Where the object's bytes come from: root.c. A descriptor whose size or time of change differs
 * afterwards gives the note "changed".
 *
 * The calls return an error only when nothing could be said about the object at all (a descriptor
 * that is none). Everything else is in the report.
 */
#include "engine/scan.h"

#include <sys/stat.h>

#include "base/late.h"
#include "base/mem.h"
#include "engine/known.h"
#include "engine/layer.h"
#include "engine/observe.h"
#include "engine/owed.h"
#include "engine/root.h"
#include "engine/share.h"
#include "engine/walk.h"
#include "os/file.h"

#define KNOWN_CHEAP_BYTES ((uint64_t)256 << 10) /* a larger object is remembered ... */
#define KNOWN_WORTH 2u /* ... when so many times its bytes were searched: most are programs */

void scan_stop(struct sk_scanner *sc, struct layer *layer, enum sk_note note) {
    verdict_note(sc, layer, note, NULL);
    sc->stop = true;
}

bool scan_time_left(struct sk_scanner *sc, struct layer *layer) {
    if (late_lacks()) {
        sc->stop = true; /* another process will do it all again: no note */
        return false;
    }
    if (budget_time_left(&sc->budget)) {
        return true;
    }
    if (!sc->stop) {
        scan_stop(sc, layer, SK_NOTE_LIMIT_TIME);
    }
    return false;
}

void scan_note_error(struct sk_scanner *sc, struct layer *layer, sk_err err) {
    static const struct {
        enum sk_err_code code;
        enum sk_note note;
    } MEANING[] = {
        {SK_E_NOMEM, SK_NOTE_LIMIT_MEMORY}, {SK_E_LIMIT, SK_NOTE_LIMIT_MEMORY},
        {SK_E_IO, SK_NOTE_READ_ERROR},      {SK_E_PERM, SK_NOTE_READ_ERROR},
        {SK_E_UNSUPPORTED, SK_NOTE_METHOD}, {SK_E_ENCRYPTED, SK_NOTE_ENCRYPTED},
    };
    if (err.code == SK_OK || err.code == SK_E_STOP) {
        return;
    }
    enum sk_note note = SK_NOTE_DAMAGED;
    for (size_t i = 0; i < sizeof(MEANING) / sizeof(MEANING[0]); i++) {
        if ((int)MEANING[i].code == err.code) {
            note = MEANING[i].note;
        }
    }
    verdict_note(sc, layer, note, NULL);
}

/* ---- one object --------------------------------------------------------------------------- */

static void scan_start(struct sk_scanner *sc) {
    arena_clear(&sc->arena);
    arena_clear(&sc->walk_arena);
    sc->pending = NULL;
    sc->free = NULL;
    sc->layer_ids = 0;
    sc->stop = false;
    sc->stats.objects++;
    budget_start(&sc->budget);
    verdict_start(sc);
    sc->trials = (struct trials){0};
}

static void walk_pending(struct sk_scanner *sc) {
    while (sc->pending != NULL) {
        struct layer *layer = sc->pending;
        sc->pending = layer->next;
        if (!sc->stop && verdict_wants(sc, layer) && scan_time_left(sc, layer)) {
            walk_members(sc, layer);
        }
        if (layer->parent != NULL) {
            layer_drop(sc, layer);
        }
    }
}

static void scan_root(struct sk_scanner *sc, struct layer *root, int fd) {
    sc->budget.files = 1;
    if (root->src.size > sc->budget.limits.max_file_size) {
        verdict_note(sc, root, SK_NOTE_LIMIT_FILE_SIZE, NULL);
        observe_unopened(sc, root, root->src.size);
        return;
    }
    if (root->src.size > sc->budget.limits.max_scan_size) {
        verdict_note(sc, root, SK_NOTE_LIMIT_SCAN_SIZE, NULL);
        observe_unopened(sc, root, root->src.size);
        return;
    }
    sc->budget.bytes = root->src.size;
    sc->stats.bytes += root->src.size;
    owed_make_way(sc, root, root->src.size);
    if (layer_scan(sc, root)) {
        root_wait(sc, root, fd);
        layer_keep(sc, root);
    }
    walk_pending(sc);
}

static const struct sk_report *finish(struct sk_scanner *sc, struct layer *root) {
    uint64_t size = root->src.size;
    const struct sk_report *report = verdict_report(sc, root);
    sc->verdict.report.bytes_read = size;
    layer_drop(sc, root);
    store_pool_trim(&sc->pool);
    root_close(&sc->root);
    return report;
}

/* ---- copies -------------------------------------------------------------------------------- */

/* Has a scan to say of these bytes what the last one said? Members shared out are summed elsewhere.
 */
static bool may_know(const struct sk_scanner *sc, const struct layer *root) {
    return sc->known != NULL && sc->share.told == NULL && root->src.mem != NULL &&
           root->src.size > LAYER_TINY_BYTES;
}

/* True: the report is that of the copy seen before. */
static bool recall(struct sk_scanner *sc, struct layer *root) {
    const struct known_entry *entry =
        may_know(sc, root) ? known_find(sc->known, root->src.mem, (size_t)root->src.size) : NULL;
    if (entry == NULL) {
        return false;
    }
    root->type = entry->type;
    sc->budget.files = entry->layers;
    sc->budget.bytes = entry->bytes_scanned;
    sc->verdict.depends_on_place = entry->depends_on_place;
    sc->stats.copies++;
    return true;
}

static void remember(struct sk_scanner *sc, const struct layer *root) {
    uint64_t size = root->src.size;
    bool worth = size <= KNOWN_CHEAP_BYTES || sc->budget.bytes / KNOWN_WORTH >= size;
    /* the bytes that were searched, not those of another reading, which may have changed */
    if (!may_know(sc, root) || !worth || sc->stop || late_lacks() || !verdict_is_plain(sc) ||
        !root_is_whole(&sc->root, root)) {
        return;
    }
    struct known_entry entry = {.layers = sc->budget.files,
                                .bytes_scanned = sc->budget.bytes,
                                .type = root->type,
                                .depends_on_place = sc->verdict.depends_on_place};
    known_name(sc->known, root->src.mem, (size_t)size, &entry);
    if (owed_waits(sc->owed)) {
        owed_remember(sc->owed, &entry);
    } else {
        known_put(sc->known, &entry);
    }
}

static int scan_fd(struct sk_scanner *sc, int fd, const struct stat *st,
                   const struct sk_report **out_report) {
    scan_start(sc);
    struct layer *root = layer_new(sc, NULL);
    if (root == NULL) {
        return SK_E_NOMEM;
    }
    sk_err err = root_open(sc, root, fd, (uint64_t)st->st_size);
    bool copy = !sk_failed(err) && recall(sc, root);
    if (sk_failed(err)) {
        scan_note_error(sc, root, err);
        observe_unopened(sc, root, (uint64_t)st->st_size);
    } else if (!copy) {
        scan_root(sc, root, fd);
    }
    if (root_lost(&sc->root)) {
        scan_note_error(sc, root, sk_fail(SK_E_IO));
    }
    /* When digests are owed this is asked once they are taken (owed_next). */
    if (!owed_waits(sc->owed) && !file_unchanged(fd, st)) {
        verdict_note(sc, root, SK_NOTE_CHANGED, NULL);
    }
    if (!copy) {
        remember(sc, root);
    }
    share_finish(sc, root);
    *out_report = finish(sc, root);
    return SK_OK;
}

static int look_at(int fd, struct stat *out_st) {
    if (fstat(fd, out_st) != 0) {
        return SK_E_IO;
    }
    return S_ISREG(out_st->st_mode) ? SK_OK : SK_E_UNSUPPORTED;
}

int sk_scan_fd(struct sk_scanner *scanner, int fd, const char *name,
               const struct sk_report **out_report) {
    struct stat st;
    (void)name;
    int result = look_at(fd, &st);
    return result != SK_OK ? result : scan_fd(scanner, fd, &st, out_report);
}

int sk_scan_ahead(struct sk_scanner *scanner, int fd, uint64_t tag,
                  const struct sk_report **out_report, int *out_owes) {
    struct stat st;
    int result = look_at(fd, &st);
    if (result != SK_OK) {
        return result;
    }
    bool may_owe = owed_begin(scanner->owed, fd, &st, tag);
    result = scan_fd(scanner, fd, &st, out_report);
    bool owes = may_owe && owed_end(scanner->owed);
    if (result == SK_OK) {
        *out_owes = owes;
    }
    return result;
}

int sk_scan_share(struct sk_scanner *scanner, int fd, const struct sk_share *share,
                  const struct sk_report **out_report, int *out_owes) {
    if (share->count < 2 || share->count > SK_SHARES_MAX || share->index >= share->count) {
        return SK_E_USAGE;
    }
    share_begin(scanner, share);
    int result = sk_scan_ahead(scanner, fd, share->tag, out_report, out_owes);
    share_end(scanner);
    return result;
}

int sk_scan_settle(struct sk_scanner *scanner, int all, uint64_t *out_tag, int *out_stands) {
    bool stands = false;
    if (!owed_next(scanner, all != 0, out_tag, &stands)) {
        return 0;
    }
    *out_stands = stands;
    return 1;
}

int sk_scan_mem(struct sk_scanner *scanner, const void *bytes, size_t len, const char *name,
                const struct sk_report **out_report) {
    (void)name;
    if (bytes == NULL && len > 0) {
        return SK_E_USAGE;
    }
    scan_start(scanner);
    struct layer *root = layer_new(scanner, NULL);
    if (root == NULL) {
        return SK_E_NOMEM;
    }
    sk_source_init_mem(&root->src, bytes, len);
    root->open = true;
    scan_root(scanner, root, -1);
    *out_report = finish(scanner, root);
    return SK_OK;
}
