// SPDX-License-Identifier: Apache-2.0
/*
 * struct root: the bytes of the object itself, behind a descriptor. Whole in a buffer that stays
 * with the scanner, or in windows (base/source.h); root.c tells which when.
 *
 * Life cycle: zeroed -> (root_open -> root_settle, root_load, root_is_whole, root_wait,
 * root_seen -> root_close)... -> root_release. Ownership: the descriptor is **borrowed** until the
 * layer's bytes are closed.
 */
#ifndef SK_ENGINE_ROOT_H
#define SK_ENGINE_ROOT_H

#include "base/source.h"
#include "engine/store.h"
#include "format/embedded.h"
#include "os/filemap.h"

struct sk_scanner;
struct layer;

struct root {
    struct store_buf buf; /* what is read whole */
    int fd;
    struct sk_source *src; /* of the layer while it is read in windows */
    uint64_t read_bytes;   /* of the object so far, in windows */
    uint64_t load_bytes;   /* beyond them: whole when its reader goes back; UINT64_MAX: never */
    uint64_t at;           /* where the last of them began */
    bool watches;
    bool again;                   /* bytes may have been read twice, and not have been the same */
    struct sk_embedded_seen seen; /* in windows, when it watches */
    struct filemap *map;          /* all of the object; NULL: not mapped */
    struct sk_source glance;      /* its bytes, for an object in windows */
};

/* Opens layer->src. Errors: of reading; no memory only means windows. */
sk_err root_open(struct sk_scanner *sc, struct layer *layer, int fd, uint64_t size);
/* The layer's type is known: reads the object whole, if it is one that will be read more often. */
sk_err root_settle(struct root *root, const struct layer *layer);
/* The layer's bytes once more, for passes that only look at them; NULL: there is nothing but
 * layer->src. Bytes may change between two loads. */
struct sk_source *root_glance(struct sk_scanner *sc, const struct layer *layer);
/* All of the object, which has this size, in a mapping that is **borrowed** until root_close; NULL:
 * it is too small, or cannot be. */
struct filemap *root_map(struct root *root, uint64_t size);
/* Did bytes of the mapping turn out not to be there? Looks at them saw nothing then. */
bool root_lost(const struct root *root);
/* The whole object in memory, if it may be; else nothing is changed. */
sk_err root_load(struct root *root);
/* Is the object in memory whole, and nothing else was ever read of it? */
bool root_is_whole(const struct root *root, const struct layer *layer);
/* What was seen of the layer's bytes, all of them, while they were read; NULL: not all, or the
 * layer is no object. */
const struct sk_embedded_seen *root_seen(const struct sk_scanner *sc, const struct layer *layer);
/* The object is a container that has been searched: opening it reads its bytes once more, and the
 * memory is wanted for what is in it. fd < 0: the bytes are the caller's. */
void root_wait(struct sk_scanner *sc, struct layer *layer, int fd);
/* The object is done with, its layer closed: most of the memory goes. */
void root_close(struct root *root);
void root_release(struct root *root);

#endif
