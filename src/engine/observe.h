// SPDX-License-Identifier: Apache-2.0
/*
 * What the observer of the options is told (sekisho.h): layers with their digests and bytes, facts,
 * notes. Without an observer every call returns at once. Errors: none; a layer that cannot be read
 * is told as not opened, and the scan itself notes why.
 */
#ifndef SK_ENGINE_OBSERVE_H
#define SK_ENGINE_OBSERVE_H

#include "engine/scan.h"

/* A layer whose bytes are open and whose type is known. */
void observe_layer(struct sk_scanner *sc, struct layer *layer);
/* A member without bytes to look at; size as stated, SK_SIZE_UNKNOWN allowed. */
void observe_unopened(struct sk_scanner *sc, struct layer *layer, uint64_t size);
/* Another reading of the layer's bytes. */
void observe_view(struct sk_scanner *sc, struct layer *layer, enum sk_target target,
                  struct sk_source *src);
void observe_fact(struct sk_scanner *sc, struct layer *layer, enum sk_fact fact,
                  struct sk_bytes value);
void observe_note(struct sk_scanner *sc, struct layer *layer, const struct sk_note_entry *note);
void observe_type(struct sk_scanner *sc, struct layer *layer);

#endif
