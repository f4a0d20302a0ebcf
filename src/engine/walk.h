// SPDX-License-Identifier: Apache-2.0
/*
 * Opening a layer: runs its readers and answers their walk_* calls (format.h).
 *
 * Errors: none: what goes wrong becomes a note.
 */
#ifndef SK_ENGINE_WALK_H
#define SK_ENGINE_WALK_H

#include "engine/scan.h"

/* No compressor of today's formats does better on one member (bzip2, LZMA: far more, but their
 * readers stream: only a *claim* is judged by this). */
#define WALK_PLAUSIBLE_RATIO 1100u

/* Facts of an executable, or NULL. They live in sc->walk_arena until the caller rewinds it. Sets
 * layer->facts_children. */
const struct sk_exe *walk_facts(struct sk_scanner *sc, struct layer *layer);
/* What the headers of a container say, with no member read. */
struct walk_outline {
    uint64_t members;
    uint64_t bytes;   /* of all members, as stated */
    uint64_t largest; /* of them */
    bool odd;         /* there is a note to be made, a view, or no telling how large a member is */
};
/* Ends early when there are more than max_members. */
void walk_outline(struct sk_scanner *sc, struct layer *layer, const struct sk_format *format,
                  uint64_t max_members, struct walk_outline *out);
/* Every bid of at least SK_BID_WALK that has members to tell of. */
void walk_members(struct sk_scanner *sc, struct layer *layer);

#endif
