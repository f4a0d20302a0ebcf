// SPDX-License-Identifier: Apache-2.0
/*
 * struct owed: digests of layers and their sections that were put off, to be taken for many objects
 * side by side (crypto/lanes.h), and the objects whose reports wait for them.
 *
 * A digest that was put off only answers "is it known at all?". When one is, the object is to be
 * scanned again with every digest taken in place, so what is found, under which names and in which
 * order, is decided in one way only. Findings by hash are rare; the second scan costs nothing.
 *
 * Life cycle: owed_new with the scanner -> (owed_begin -> owed_put... -> owed_end | owed_next)...
 * -> owed_free. Errors: SK_E_NOMEM. A machine without lanes has no struct owed (NULL): nothing is
 * put off then. Limits: OWED_OBJECTS_MAX objects, OWED_JOBS_MAX digests, OWED_HELD_BYTES of kept
 * bytes; with those that layers lent, OWED_MEMORY_BYTES in the whole scanner.
 */
#ifndef SK_ENGINE_OWED_H
#define SK_ENGINE_OWED_H

#include <sys/stat.h>

#include "engine/known.h"
#include "engine/scan.h"

#define OWED_OBJECTS_MAX 64u
#define OWED_JOBS_MAX 1024u
#define OWED_HELD_BYTES ((size_t)2 << 20)
#define OWED_COPY_EACH ((size_t)1 << 20)
#define OWED_MEMORY_BYTES ((size_t)17 << 20)

/* Digests of some bytes of a layer or of a view of it, and what they are looked up in. */
struct owed_ask {
    struct sk_source *src; /* **borrowed** for the call */
    uint64_t off, len;     /* within src */
    enum hs_role role;
    unsigned mask;
};

/* *out_owed NULL: not on this machine. */
sk_err owed_new(struct owed **out_owed);
void owed_free(struct owed *owed);
/* From here on layers may put off their digests in the name of this object. **Borrows** fd until
 * owed_next tells of it; before: what fstat says of it. False: owed is NULL, or too many objects
 * wait: nothing will be put off. */
bool owed_begin(struct owed *owed, int fd, const struct stat *before, uint64_t tag);
/* True: these digests will be taken later, or, of a large member or view, are taken already. May
 * take digests that are owed, to make room or beside them. */
bool owed_put(struct sk_scanner *sc, struct layer *layer, const struct owed_ask *ask);
/* Something large is about to stay in memory: takes digests until no copies are kept, and nothing
 * lent. */
void owed_make_room(struct sk_scanner *sc, struct layer *layer);
/* So many bytes are about to be held: if that is too much beside what was lent, takes digests until
 * nothing is. */
void owed_make_way(struct sk_scanner *sc, struct layer *layer, uint64_t bytes);
/* The bytes of this layer are about to move: the digests they were lent for are taken. */
void owed_return(struct sk_scanner *sc, struct layer *layer);
/* They are about to be given back: what they were lent for **takes** their memory. */
void owed_keep(struct sk_scanner *sc, struct layer *layer);
/* The object being scanned owes digests; this is remembered when its report stands. */
void owed_remember(struct owed *owed, const struct known_entry *entry);
/* Does the object being scanned owe digests so far? */
bool owed_waits(const struct owed *owed);
/* The object is scanned. Does it owe digests? When it does not, the report stands. */
bool owed_end(struct owed *owed);
/* See sk_scan_settle. */
bool owed_next(struct sk_scanner *sc, bool all, uint64_t *out_tag, bool *out_stands);

#endif
