// SPDX-License-Identifier: Apache-2.0
/*
 * Hash signatures of a layer: computed only when a signature of that size and kind exists.
 *
 * Called by layer (files, sections, imports) and verdict (allow lists). Findings go to
 * verdict_find. Errors: those of the source; lookups cannot fail.
 * Source: matching.md 6.3; clamav-formats.md 1.2.
 */
#ifndef SK_ENGINE_HASHES_H
#define SK_ENGINE_HASHES_H

#include <stdbool.h>

#include "base/exe.h"
#include "base/source.h"
#include "crypto/lanes.h"
#include "engine/scan.h"

/* Overlapping sections may make the reader hash at most so many times the layer. */
#define HASHES_SECTION_FACTOR 4u

sk_err hashes_file(struct sk_scanner *sc, struct layer *layer);
/* Is any of the digests of a job that is done one that a signature of this role and size names? */
bool hashes_known(const struct sk_scanner *sc, enum hs_role role, const struct lanes_job *job);
/* Another reading of the layer, as if it were a file; rank: of the view. */
sk_err hashes_view(struct sk_scanner *sc, struct layer *layer, struct sk_source *src,
                   unsigned rank);
/* SK_E_LIMIT: the sections overlap so much that the rest was left out. */
sk_err hashes_exe(struct sk_scanner *sc, struct layer *layer, const struct sk_exe *exe);
/* Is this layer on an allow-list of any segment? Reads it at most once; a layer that can no longer
 * be read is not. */
bool hashes_allow(struct sk_scanner *sc, struct layer *layer);

#endif
