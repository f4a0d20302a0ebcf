// SPDX-License-Identifier: Apache-2.0
/*
 * The image hash of a layer, made when the first signature asks and kept with the layer.
 *
 * struct picture_ask is what the matcher hands back (match_layer.image_ctx); it **borrows** both.
 * Errors become notes: a picture that is damaged has no hash; one too large for the limits is
 * noted.
 */
#ifndef SK_ENGINE_PICTURE_H
#define SK_ENGINE_PICTURE_H

#include "engine/scan.h"

struct picture_ask {
    struct sk_scanner *sc;
    struct layer *layer;
};

/* Is the layer of a type that may have a hash, and are hashes wanted? */
bool picture_has_hash(const struct sk_scanner *sc, const struct layer *layer);
/* ctx: struct picture_ask. False: no hash. */
bool picture_hash(void *ctx, uint64_t *out_hash);

#endif
