// SPDX-License-Identifier: Apache-2.0
/*
 * One layer: made, looked at, kept for later, released.
 *
 * Life cycle: layer_new (refs 1, uses 1) -> layer_open_* -> layer_scan -> layer_drop, or layer_keep
 * and, when it was taken from the stack and walked, layer_drop.
 * Errors of layer_scan: none: what goes wrong becomes a note.
 */
#ifndef SK_ENGINE_LAYER_H
#define SK_ENGINE_LAYER_H

#include "engine/scan.h"

/* NULL: no memory. */
struct layer *layer_new(struct sk_scanner *sc, struct layer *parent);
/* The bytes in layer->store. */
void layer_open_store(struct layer *layer);
/* A part of the parent's bytes, in place. */
void layer_open_slice(struct layer *layer, uint64_t off, uint64_t len);
/* Identify, search, hash. True: it is a container that should be kept and walked. */
bool layer_scan(struct sk_scanner *sc, struct layer *layer);
/* Put it on the stack of containers to be opened. On failure it is dropped and noted. */
void layer_keep(struct sk_scanner *sc, struct layer *layer);
/* This layer is done; its bytes and its place are freed as soon as nothing else needs them. */
void layer_drop(struct sk_scanner *sc, struct layer *layer);
/* Does opening this layer with that bid mean facts of an executable, not members? */
bool layer_bid_is_exe(const struct sk_bid *bid);

#endif
