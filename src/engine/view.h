// SPDX-License-Identifier: Apache-2.0
/*
 * Views of a layer: its raw bytes, its normalised text; each is run through the body signatures.
 * Errors become notes. A view **borrows** everything for the call.
 */
#ifndef SK_ENGINE_VIEW_H
#define SK_ENGINE_VIEW_H

#include "engine/scan.h"

struct view {
    struct sk_source *src;
    enum sk_target target;
    const struct sk_exe *exe;
    unsigned rank; /* a multiple of RANK_NORMALISED */
};

void view_search(struct sk_scanner *sc, struct layer *layer, const struct view *view);
/* Text types: make the normalised views and search them; others: nothing. */
void view_search_normalised(struct sk_scanner *sc, struct layer *layer);
/* Those of HTML (view_html.c). */
void view_search_html(struct sk_scanner *sc, struct layer *layer);
/* The bytes as normalised text, target 7 (view_text.c). */
void view_search_as_text(struct sk_scanner *sc, struct layer *layer, struct sk_source *bytes,
                         unsigned rank);

#endif
